//! Files go in and come back, whatever they and the guest are like.

use dormer::guest::channel::GuestChannel;
use dormer::guest::command::Signal;
use dormer::guest::transfer;

use crate::{a_moment, bundle, connected, soon};

#[tokio::test]
async fn files_go_in_and_come_back() {
    const FILES: usize = 2000;
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("in side").display().to_string();
    soon(transfer::send(channel.as_ref(), &at, |out| {
        let mut tar = tar::Builder::new(out);
        for number in 0..FILES {
            append(
                &mut tar,
                &format!("d/{number}"),
                number.to_string().as_bytes(),
            );
        }
        append(&mut tar, "big", &vec![7; 40 << 20]);
        tar.finish()
    }))
    .await
    .unwrap();

    let listed = soon(transfer::list(channel.as_ref(), &at, &[], 1 << 20))
        .await
        .unwrap()
        .what;
    assert_eq!(
        listed.iter().filter(|entry| entry.kind == 'f').count(),
        FILES + 1
    );
    let below = soon(transfer::list(
        channel.as_ref(),
        &at,
        &["D".to_owned()],
        1 << 20,
    ))
    .await;
    assert_eq!(below.unwrap().what.len(), FILES);
    let limited = soon(transfer::list(channel.as_ref(), &at, &[], 10)).await;
    assert!(limited.is_err());

    let names = vec![b"big".to_vec(), b"no".to_vec(), b"d/17".to_vec()];
    let found = soon(transfer::fetch(
        channel.as_ref(),
        &at,
        transfer::all_names(&names),
        sizes,
    ))
    .await
    .unwrap();
    assert_eq!(
        found.what,
        [("big".to_owned(), 40 << 20), ("d/17".to_owned(), 2)]
    );
    assert!(found.complaints.contains("no"), "{}", found.complaints);
}

/// What is in a tar file, with its size.
pub(crate) fn sizes(tar: &mut dyn std::io::Read) -> std::io::Result<Vec<(String, usize)>> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let mut contents = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut contents)?;
        assert!(entry.header().entry_type().is_file());
        found.push((entry.path()?.display().to_string(), contents.len()));
    }
    Ok(found)
}

#[tokio::test]
async fn files_with_two_names_and_files_that_change_come_back_all_the_same() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display().to_string();
    std::fs::write(directory.path().join("one"), "text").unwrap();
    std::fs::hard_link(directory.path().join("one"), directory.path().join("two")).unwrap();
    std::fs::write(directory.path().join("log"), vec![7; 30 << 20]).unwrap();
    let writes = bundle(&format!(
        "while :; do echo more >>{at}/log; sleep 0.01; done"
    ));
    let writing = channel.run_bundle(&writes).await.unwrap();
    let log = directory.path().join("log");
    let begun = async {
        while std::fs::metadata(&log).unwrap().len() == 30 << 20 {
            a_moment().await;
        }
    };
    soon(begun).await;
    let names = ["log", "one", "two"].map(|name| name.as_bytes().to_vec());
    let fetching = transfer::fetch(channel.as_ref(), &at, transfer::all_names(&names), sizes);
    let found = soon(fetching).await.unwrap();
    soon(channel.signal(writing.tag(), Signal::Kill))
        .await
        .unwrap();
    let names: Vec<&str> = found.what.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["log", "one", "two"]);
    assert_eq!(found.what[2].1, 4);
    assert!(found.complaints.contains("changed"), "{}", found.complaints);
}

#[tokio::test]
async fn a_stream_that_is_refused_is_not_read_to_its_end() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    // As large as it says, and made of nothing.
    let endless = std::fs::File::create(directory.path().join("endless")).unwrap();
    endless.set_len(1 << 42).unwrap();
    let refuse = |tar: &mut dyn std::io::Read| {
        let mut some = [0; 1024];
        tar.read_exact(&mut some).unwrap();
        Err::<(), _>("enough")
    };
    let at = directory.path().display().to_string();
    let names = vec![b"endless".to_vec()];
    let fetched = soon(transfer::fetch(
        channel.as_ref(),
        &at,
        transfer::all_names(&names),
        refuse,
    ))
    .await;
    let Err(transfer::FetchError::Reader(why, _)) = fetched else {
        panic!("it was taken");
    };
    assert_eq!(why, "enough");
}

#[tokio::test]
async fn an_error_here_is_told_rather_than_what_the_guest_makes_of_it() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display().to_string();
    let sent = soon(transfer::send(channel.as_ref(), &at, |out| {
        out.write_all(&[b'x'; 700])?;
        Err::<(), _>(std::io::Error::other("the disk is gone"))
    }))
    .await;
    assert_eq!(sent.unwrap_err().to_string(), "the disk is gone");
}

fn append(tar: &mut tar::Builder<&mut dyn std::io::Write>, name: &str, contents: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, contents)
        .expect("the guest takes it");
}

#[tokio::test]
async fn an_upload_that_the_guest_refuses_is_an_error_and_no_hang() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let sent = soon(transfer::send(
        channel.as_ref(),
        "/proc/no/such/place",
        |out| {
            let mut tar = tar::Builder::new(out);
            let mut header = tar::Header::new_gnu();
            header.set_size(50 << 20);
            tar.append_data(&mut header, "x", vec![0; 50 << 20].as_slice())
        },
    ))
    .await;
    assert!(sent.unwrap_err().to_string().contains("unpacking files"));
}

#[tokio::test]
async fn all_of_a_directory_comes_by_whatever_case_it_is_named() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display().to_string();
    let root = directory.path().join("Out [1]");
    std::fs::create_dir_all(root.join("deep/er")).unwrap();
    std::fs::write(root.join("deep/er/one"), "text").unwrap();
    std::fs::hard_link(root.join("deep/er/one"), root.join("two")).unwrap();
    std::fs::write(directory.path().join("beside"), "not this").unwrap();
    let files = |tar: &mut dyn std::io::Read| {
        let mut found = Vec::new();
        for entry in tar::Archive::new(tar).entries()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                found.push((entry.path()?.display().to_string(), entry.size()));
            }
        }
        found.sort();
        Ok::<_, std::io::Error>(found)
    };
    let start = ["OUT [1]".to_owned()];
    let fetching = transfer::fetch_all(channel.as_ref(), &at, &start, files);
    let (told, all) = soon(fetching).await.unwrap();
    assert!(all, "{}", told.complaints);
    let expected = ["./Out [1]/deep/er/one", "./Out [1]/two"].map(|name| (name.to_owned(), 4));
    assert_eq!(told.what, expected);

    let nothing = ["elsewhere".to_owned()];
    let fetching = transfer::fetch_all(channel.as_ref(), &at, &nothing, files);
    let (told, all) = soon(fetching).await.unwrap();
    assert!(all && told.what.is_empty());
}
