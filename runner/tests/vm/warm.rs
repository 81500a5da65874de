//! Templates: made once, woken from by many, changed by nobody.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::lab::{Lab, Ran};

/// What each copy has to have for itself: random numbers, its name, the time.
const OWN: &str = "- shell: bash
  run: |
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo
    hostname
    date +%s
    cat /proc/sys/kernel/random/uuid";

pub(crate) fn mode(ran: &Ran) -> String {
    let started = ran.events.of("started").last().expect("it started");
    started["mode"].as_str().expect("a mode").to_owned()
}

pub(crate) fn warnings(ran: &Ran) -> String {
    let notices = ran.events.of("notice");
    let warnings = notices.filter(|notice| notice["level"] == "warning");
    let texts = warnings.filter_map(|notice| notice["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The directory of the one template that a home has.
pub(crate) fn template(lab: &Lab) -> PathBuf {
    let entries = fs::read_dir(lab.home().join("templates")).expect("templates");
    let names = entries.map(|entry| entry.expect("an entry").path());
    let found: Vec<PathBuf> = names
        .filter(|path| path.join("template.json").is_file())
        .filter(|path| !path.to_string_lossy().contains("broken-"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

pub(crate) fn contains(file: &PathBuf, needle: &[u8]) -> bool {
    let file = fs::File::open(file).expect("a file");
    let length = file.metadata().expect("its size").len();
    let (mut piece, mut at) = (vec![0; 1 << 20], 0);
    while at < length {
        let wanted = usize::try_from((length - at).min(1 << 20)).expect("a piece");
        file.read_exact_at(&mut piece[..wanted], at)
            .expect("its contents");
        if piece[..wanted]
            .windows(needle.len())
            .any(|part| part == needle)
        {
            return true;
        }
        // Pieces overlap by what may lie on their border.
        at += if wanted < 1 << 20 {
            wanted as u64
        } else {
            (1 << 20) - needle.len() as u64
        };
    }
    false
}

/// The 16 random bytes that a guest's SSH server opens each connection with, made as its keys are.
fn cookie(lab: &Lab, instance: &str) -> Vec<u8> {
    let socket = lab
        .home()
        .join("instances")
        .join(instance)
        .join("vm/ssh.sock");
    let mut stream = UnixStream::connect(socket).expect("a connection");
    let limit = Some(Duration::from_secs(60));
    stream.set_read_timeout(limit).expect("a limit");
    stream.write_all(b"SSH-2.0-test\r\n").expect("a banner");
    let mut byte = [0];
    while byte != *b"\n" {
        stream.read_exact(&mut byte).expect("the server's banner");
    }
    // Length, padding, message 20, cookie.
    let mut packet = [0; 22];
    stream.read_exact(&mut packet).expect("its first packet");
    assert_eq!(packet[5], 20, "{packet:?}");
    packet[6..].to_vec()
}

#[test]
fn machines_wake_from_a_template_and_share_nothing_that_is_their_own() {
    const SECRET: &str = "planted-7f3a9c1e5b";
    let lab = Lab::new();
    // The first makes the template, and holds a secret while it does.
    let job = |more: &[&str]| {
        let started = SystemTime::now();
        let arguments = [&["--secret", "TOKEN", "--keep", "always"], more].concat();
        let run = lab.job(OWN, &arguments).env("TOKEN", SECRET).run();
        let ran = lab.ran(run).expect(0);
        assert_eq!(mode(&ran), "warm");
        assert_eq!(warnings(&ran), "");
        (ran, started)
    };
    let (first, _) = job(&["--start", "warm"]);
    let (second, started) = job(&[]);

    let (ours, theirs) = (first.events.log(1), second.events.log(1));
    assert_eq!(ours[0].len(), 64);
    assert_ne!(ours[0], theirs[0], "random numbers");
    assert_ne!(ours[3], theirs[3], "random numbers");
    let ids = [&first, &second].map(|ran| ran.events.instance().expect("an instance").to_owned());
    assert_eq!([ours[1], theirs[1]], [&ids[0], &ids[1]]);
    let cookies = [cookie(&lab, &ids[0]), cookie(&lab, &ids[1])];
    assert_ne!(cookies[0], cookies[1], "what SSH's keys are made from");
    let clock: u64 = theirs[2].parse().expect("a time");
    let begun = started
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let late = clock
        .checked_sub(begun.as_secs())
        .expect("not before the run");
    assert!(late <= second.finished.took.as_secs() + 1, "{late} s");

    for id in &ids {
        drop(lab.dormer(["stop", id]).run().expect(0));
    }
    let template = template(&lab);
    for part in ["ram", "state", "disk.qcow2"] {
        assert!(!contains(&template.join(part), SECRET.as_bytes()), "{part}");
    }
    let listed = lab
        .dormer(["image", "list", "--format", "json"])
        .run()
        .expect(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["templates"][0]["uses"], 2, "{listed}");
    let verified = lab.dormer(["image", "verify", "compat"]).run().expect(0);
    assert!(verified.stdout.contains("template"), "{}", verified.stdout);
    drop(lab.dormer(["gc"]).run().expect(0));
    assert!(template.is_dir());

    let other = lab
        .run("- shell: bash\n  run: echo hi", &["--memory", "1536M"])
        .expect(0);
    assert_eq!(mode(&other), "cold");
    let notices: Vec<String> = other.events.of("notice").map(ToString::to_string).collect();
    let told = notices
        .iter()
        .any(|text| text.contains("the memory differs"));
    assert!(told, "{notices:?}");
    let stand_by = ["image", "warm", "compat", "--standby", "1"];
    drop(lab.dormer(stand_by).run().expect(0));
    assert_eq!(lab.containers().len(), 1);
    drop(lab.dormer(["image", "cool", "compat"]).run().expect(0));
    assert!(!template.exists());
    lab.assert_nothing_left();
}

#[test]
fn a_damaged_template_is_put_aside_and_the_job_runs() {
    let lab = Lab::new();
    let warm = |lab: &Lab| {
        drop(
            lab.dormer(["image", "warm", "compat"])
                .patient()
                .run()
                .expect(0),
        )
    };
    warm(&lab);
    let directory = template(&lab);
    let state = directory.join("state");
    let whole = fs::read(&state).expect("the state");
    overwrite(&state, b"nonsense");
    let ran = lab.run("- shell: bash\n  run: echo hi", &[]).expect(0);
    assert_eq!(mode(&ran), "cold");
    let warned = warnings(&ran);
    assert!(warned.contains("is damaged, and put aside"), "{warned}");
    assert!(!directory.exists());

    // As if it had been made so: the digest is right, and QEMU does not take it.
    let aside = lab.home().join("templates").join(format!(
        "broken-{}",
        directory.file_name().expect("a name").to_string_lossy()
    ));
    fs::rename(&aside, &directory).expect("it is back");
    overwrite(&state, &whole[..whole.len() / 2]);
    let manifest = directory.join("template.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let files = value["files"].as_array_mut().expect("files");
    let entry = files
        .iter_mut()
        .find(|file| file["part"] == "state")
        .expect("the state");
    let digest = dormer::image::manifest::Digest::of(&whole[..whole.len() / 2]);
    entry["digest"] = digest.to_string().into();
    fs::write(&manifest, value.to_string()).expect("a manifest");
    let ran = lab.run("- shell: bash\n  run: echo hi", &[]).expect(0);
    assert_eq!(mode(&ran), "cold");
    let warned = warnings(&ran);
    assert!(warned.contains("did not wake, so it boots"), "{warned}");
    assert!(!directory.exists());
    lab.assert_nothing_left();
}

fn overwrite(path: &PathBuf, contents: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).expect("rights");
    fs::write(path, contents).expect("other contents");
    fs::set_permissions(path, Permissions::from_mode(0o444)).expect("rights");
}
