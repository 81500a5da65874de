//! One small file of the guest, which a step names. Its contents are a stranger's, and so is the name; both
//! are bounded.

use std::io::Read;

use crate::guest::channel::GuestChannel;
use crate::guest::profile::has_drive;
use crate::guest::transfer::{self, FetchError};
use crate::host::clock::{Deadline, within};

/// The step's output waits meanwhile.
const READING: Deadline = Deadline::seconds("a file from the guest", 20);
/// The longest path that is looked for, in bytes.
const LONGEST_PATH: usize = 4096;

/// A path as a step writes it, in Windows form and absolute: a relative one is below `workspace`. `/C:/a` is
/// how a POSIX guest writes `C:\a`.
pub fn absolute(path: &str, workspace: &str) -> String {
    let path = path.trim().replace('/', "\\");
    let path = path
        .strip_prefix('\\')
        .filter(|rest| has_drive(rest))
        .unwrap_or(&path);
    if has_drive(path) || path.starts_with('\\') {
        return path.to_owned();
    }
    match path.trim_start_matches(".\\") {
        "" | "." => workspace.to_owned(),
        below => format!("{workspace}\\{below}"),
    }
}

/// The contents of a regular file, given by an absolute path in Windows form, of at most `limit` bytes. An
/// error is a sentence for people.
pub async fn read(channel: &dyn GuestChannel, path: &str, limit: u64) -> Result<Vec<u8>, String> {
    let (directory, name) = path.rsplit_once('\\').unwrap_or(("", path));
    let is_odd = |c: char| c.is_control();
    if name.is_empty() || path.len() > LONGEST_PATH || path.contains(is_odd) {
        return Err("that is no path of a file".to_owned());
    }
    // `C:` alone is the directory that its drive happens to be in.
    let directory = format!("{directory}\\");
    let directory = channel.dialect().paths().write(&directory);
    let names = transfer::all_names(&[name.as_bytes().to_vec()]);
    let reading = transfer::fetch(channel, &directory, names, move |tar| {
        first_file(tar, limit)
    });
    match within(READING, reading)
        .await
        .map_err(|late| late.to_string())?
    {
        Ok(told) => Ok(told.what),
        Err(FetchError::Reader(why, complaints)) if complaints.trim().is_empty() => Err(why),
        Err(FetchError::Reader(why, complaints)) => Err(format!("{why} ({})", complaints.trim())),
        Err(FetchError::Channel(error)) => Err(error.to_string()),
    }
}

/// The contents of the one file in a guest's tar stream.
fn first_file(tar: &mut dyn Read, limit: u64) -> Result<Vec<u8>, String> {
    let broken = |error| format!("the guest's archive cannot be read: {error}");
    let mut archive = tar::Archive::new(tar);
    // Raw: the library would read names of any length into memory. A long name of ours comes in an entry
    // before the file's own.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_gnu_longname() && entry.size() <= LONGEST_PATH as u64 {
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err("it is no file".to_owned());
        }
        if entry.size() > limit {
            return Err(format!("it has more than {} KiB", limit >> 10));
        }
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).map_err(broken)?;
        return Ok(contents);
    }
    Err("there is no such file".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::fake;

    fn archive(kind: tar::EntryType, contents: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(contents.len() as u64);
        builder
            .append_data(&mut header, "m.json", contents)
            .unwrap();
        builder.into_inner().unwrap()
    }

    async fn read_from(
        answer: Vec<u8>,
        stderr: &'static str,
        path: &str,
    ) -> Result<Vec<u8>, String> {
        let channel = fake::channel(move |_, _| (answer.clone(), stderr, 0));
        read(&channel, path, 1 << 10).await
    }

    #[test]
    fn paths_are_taken_as_steps_write_them() {
        for (path, expected) in [
            ("m.json", r"C:\a\m.json"),
            ("./.github/m.json", r"C:\a\.github\m.json"),
            ("/C:/x/m.json", r"C:\x\m.json"),
            (r"D:\x\m.json", r"D:\x\m.json"),
            ("/etc/m.json", r"\etc\m.json"),
            ("./", r"C:\a"),
            (".", r"C:\a"),
            ("", r"C:\a"),
        ] {
            assert_eq!(absolute(path, r"C:\a"), expected);
        }
    }

    #[tokio::test]
    async fn a_file_comes_back_and_nothing_else_does() {
        let path = r"C:\a\m.json";
        let file = archive(tar::EntryType::Regular, b"{}");
        assert_eq!(read_from(file, "", path).await.unwrap(), b"{}");
        let large = archive(tar::EntryType::Regular, &[b'x'; 1025]);
        assert_eq!(
            read_from(large, "", path).await.unwrap_err(),
            "it has more than 1 KiB"
        );
        let directory = archive(tar::EntryType::Directory, b"");
        assert_eq!(
            read_from(directory, "", path).await.unwrap_err(),
            "it is no file"
        );
        let none = tar::Builder::new(Vec::new()).into_inner().unwrap();
        let told = read_from(none, "tar: m.json: No such file", path)
            .await
            .unwrap_err();
        assert_eq!(told, "there is no such file (tar: m.json: No such file)");
        let garbled = read_from(vec![b'x'; 512], "", path).await.unwrap_err();
        assert!(garbled.contains("cannot be read"), "{garbled}");
        assert!(read_from(Vec::new(), "", "C:\\").await.is_err());
        assert!(read_from(Vec::new(), "", "C:\\a\nb").await.is_err());
    }
}
