//! The workspace as a tar stream into the guest.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::failure::Failure;
use crate::guest::channel::GuestChannel;
use crate::guest::transfer;
use crate::progress::Progress;
use crate::workspace::scan::{Entry, Scan};

/// The permission that makes a file one that can be written to.
const OWNER_WRITES: u32 = 0o200;

/// Sends what was scanned below `root` into a directory of the guest.
pub async fn send(
    channel: &dyn GuestChannel,
    root: &Path,
    scan: Arc<Scan>,
    directory: &str,
    progress: Arc<dyn Progress>,
) -> Result<(), Failure> {
    let from = root.to_owned();
    let write = move |out: &mut dyn Write| write_tar(&from, &scan, out, progress.as_ref());
    let attempted = format!("cannot send `{}` to the guest", root.display());
    let sent = transfer::send(channel, directory, write).await;
    sent.map_err(|error| error.fails(attempted).into())
}

/// Writes what was scanned as a tar file.
pub fn write_tar(
    root: &Path,
    scan: &Scan,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> io::Result<()> {
    let total = scan.bytes();
    let mut done = 0;
    let mut tar = tar::Builder::new(out);
    for (path, entry) in &scan.entries {
        let Some(mut header) = header(&root.join(path), entry)? else {
            continue;
        };
        if scan.is_writable {
            header.set_mode(header.mode()? | OWNER_WRITES);
        }
        match entry {
            Entry::Directory => tar.append_data(&mut header, path, io::empty())?,
            Entry::Link(target) => tar.append_link(&mut header, path, target)?,
            Entry::File(size) => {
                let from = root.join(path);
                let file = File::open(&from).map_err(|error| unreadable(&from, &error))?;
                let file = Named { from, file };
                tar.append_data(&mut header, path, exactly(file, *size))?;
                done += size;
                progress.bytes(done, total);
            }
        }
    }
    tar.into_inner()?.flush()
}

/// None for what has gone since it was found.
fn header(path: &Path, entry: &Entry) -> io::Result<Option<tar::Header>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut header = tar::Header::new_gnu();
    header.set_mtime(u64::try_from(found.mtime()).unwrap_or(0));
    header.set_mode(found.mode() & 0o777);
    let (kind, size) = match entry {
        Entry::Directory => (tar::EntryType::Directory, 0),
        Entry::Link(_) => (tar::EntryType::Symlink, 0),
        Entry::File(size) => (tar::EntryType::Regular, *size),
    };
    header.set_entry_type(kind);
    header.set_size(size);
    Ok(Some(header))
}

/// A file that grows or shrinks while it is sent keeps the size that its header has.
fn exactly(file: impl Read, size: u64) -> impl Read {
    file.chain(io::repeat(0)).take(size)
}

/// A file whose errors name it: whoever copies it cannot.
struct Named {
    from: PathBuf,
    file: File,
}

impl Read for Named {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer);
        length.map_err(|error| unreadable(&self.from, &error))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot read `{}`: {error}", path.display());
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::guest::fake;
    use crate::progress::Silent;
    use crate::workspace::scan::scan;

    #[test]
    fn a_tar_file_holds_what_was_scanned() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let long = "d/".repeat(60) + "file";
        fs::create_dir_all(path.join(&long).parent().unwrap()).unwrap();
        fs::write(path.join(&long), "long").unwrap();
        symlink("d", path.join("link")).unwrap();
        let scan = scan(path, &[]).unwrap();
        fs::write(path.join(&long), "longer than before").unwrap();
        let mut bytes = Vec::new();
        write_tar(path, &scan, &mut bytes, &Silent).unwrap();

        let mut found = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let link = entry.link_name().unwrap().map(|link| link.into_owned());
            found.insert(entry.path().unwrap().into_owned(), (text, link));
        }
        assert_eq!(found[&PathBuf::from(&long)].0, "long");
        assert_eq!(found[&PathBuf::from("link")].1, Some(PathBuf::from("d")));
        assert_eq!(found.len(), 62);
    }

    #[tokio::test]
    async fn a_guest_that_takes_nothing_is_a_failure_that_may_be_gone_the_next_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("file"), "text").unwrap();
        let found = Arc::new(scan(path, &[]).unwrap());
        let guest = fake::silent();
        let sending = send(&guest, path, found, "/C:/a", Arc::new(Silent));
        let Err(Failure::Infra(failure)) = sending.await else {
            panic!("it was sent");
        };
        assert!(failure.transient);
        let told = crate::failure::with_causes(&failure);
        assert!(told.contains("the guest has taken nothing for "), "{told}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for (name, say) in [("gone", "No such file"), ("folder", "directory")] {
            fs::write(path.join(name), "text").unwrap();
            let scan = scan(path, &[]).unwrap();
            fs::remove_file(path.join(name)).unwrap();
            match name {
                "gone" => symlink("nowhere", path.join(name)).unwrap(),
                _ => fs::create_dir(path.join(name)).unwrap(),
            }
            let error = write_tar(path, &scan, &mut io::sink(), &Silent).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(&format!("{name}`: ")), "{error}");
            assert!(error.contains(say), "{error}");
            let _ = fs::remove_file(path.join(name));
        }
    }
}
