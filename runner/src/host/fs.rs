//! Files, where it matters how: written whole or not at all, and read from directories that
//! somebody hostile writes to.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};

pub use crate::host::tree::{remove_leftovers, remove_tree};

/// Writes a file so that it is either the old or the new one, also after a power cut. Only the owner
/// may read it.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_atomically_past(path, contents, || {})
}

/// The same, passing `point` when the new file is on the disk, and the old one is still in its place.
pub fn write_atomically_past(path: &Path, contents: &[u8], point: impl FnOnce()) -> io::Result<()> {
    let parent = path
        .parent()
        .ok_or_else(|| io::Error::other("a file needs a directory"))?;
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    point();
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(parent)
}

/// Makes what was renamed or created in a directory last.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Creates a directory that only its owner may enter, and its parents. One that is there already is
/// left as it is: it is somebody's, and they may have reasons.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Where a path really leads, with every link resolved. Not for names that come from a guest.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let handle = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let link = format!("/proc/self/fd/{}", handle.as_raw_fd());
    let target = readlinkat(rustix::fs::CWD, link, Vec::new())?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// Opens a regular file for reading. Anything else is an error: a link, and a pipe, on which everybody would
/// wait for ever.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    expect_type(&file, FileType::RegularFile, &path.display().to_string())?;
    Ok(File::from(file))
}

/// Reads a regular file of at most `limit` bytes.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    let mut file = open_regular(path)?.take(limit + 1);
    file.read_to_end(&mut contents)?;
    if contents.len() as u64 > limit {
        let text = format!("`{}` is larger than {limit} bytes", path.display());
        return Err(io::Error::other(text));
    }
    Ok(contents)
}

/// How many bytes are free for us on the file system that holds `path`.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let status = rustix::fs::statvfs(path)?;
    Ok(status.f_bavail.saturating_mul(status.f_frsize))
}

/// A directory that a stranger may write to: every name is looked up in the directory itself, links
/// are not followed, and a file is read up to a limit.
#[derive(Debug)]
pub struct HostileDirectory {
    handle: OwnedFd,
}

impl HostileDirectory {
    /// Opens the directory at `path`, whose own name must be trustworthy.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Self {
            handle: rustix::fs::open(path, flags, Mode::empty())?,
        })
    }

    /// Whether there is something of this name.
    pub fn contains(&self, name: &str) -> bool {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// The length of the file `name`.
    pub fn length(&self, name: &str) -> io::Result<u64> {
        let found = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(found.st_size.unsigned_abs())
    }

    /// How many bytes of the disk its regular files take.
    pub fn size_on_disk(&self) -> io::Result<u64> {
        let mut bytes = 0_u64;
        for entry in Dir::read_from(&self.handle)? {
            // One that is gone by now takes nothing.
            let found = statat(&self.handle, entry?.file_name(), AtFlags::SYMLINK_NOFOLLOW);
            let file = found
                .ok()
                .filter(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
            let blocks = file.map_or(0, |file| file.st_blocks.unsigned_abs());
            bytes = bytes.saturating_add(blocks.saturating_mul(512));
        }
        Ok(bytes)
    }

    /// Connects to the socket `name`; anything but a socket is refused.
    pub async fn connect(&self, name: &str) -> io::Result<tokio::net::UnixStream> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.handle, name, flags, Mode::empty())?;
        expect_type(&file, FileType::Socket, name)?;
        // By way of the handle: the name may be another file by now, and paths of sockets are short.
        tokio::net::UnixStream::connect(format!("/proc/self/fd/{}", file.as_raw_fd())).await
    }

    /// Reads the regular file `name`, of at most `limit` bytes.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.handle, name, flags, Mode::empty())?;
        expect_type(&file, FileType::RegularFile, name)?;
        let mut contents = Vec::new();
        File::from(file)
            .take(limit + 1)
            .read_to_end(&mut contents)?;
        if contents.len() as u64 > limit {
            return Err(io::Error::other(format!(
                "`{name}` is larger than {limit} bytes"
            )));
        }
        Ok(contents)
    }
}

fn expect_type(file: &OwnedFd, expected: FileType, name: &str) -> io::Result<()> {
    let found = FileType::from_raw_mode(fstat(file)?.st_mode);
    if found == expected {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "`{name}` is a {found:?}, not a {expected:?}"
    )))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[tokio::test]
    async fn a_hostile_directory_yields_no_links_and_no_large_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("plain"), "hello").unwrap();
        symlink("/etc/passwd", path.join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
        symlink(path.join("socket"), path.join("socket-link")).unwrap();

        let hostile = HostileDirectory::open(path).unwrap();
        assert_eq!(hostile.read("plain", 5).unwrap(), b"hello");
        assert!(hostile.read("plain", 4).is_err());
        assert!(hostile.read("link", 1 << 20).is_err());
        assert!(hostile.read("socket", 1 << 20).is_err());
        let full = vec![1; 1 << 20];
        fs::write(path.join("full"), full).unwrap();
        let taken = hostile.size_on_disk().unwrap();
        assert!((1 << 20..2 << 20).contains(&taken), "{taken}");
        hostile.connect("socket").await.unwrap();
        assert!(hostile.connect("socket-link").await.is_err());
        assert!(hostile.connect("plain").await.is_err());
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("plain"), "hello").unwrap();
        symlink(at("plain"), at("link")).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), pipe, Mode::RUSR, 0).unwrap();
        assert_eq!(read_regular(&at("plain"), 5).unwrap(), b"hello");
        assert!(read_regular(&at("plain"), 4).is_err());
        for name in ["link", "pipe", "none", "."] {
            assert!(open_regular(&at(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_directory_that_we_make_is_made_private() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let directory = tempfile::tempdir().unwrap();
        let theirs = directory.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        fs::set_permissions(&theirs, Permissions::from_mode(0o1777)).unwrap();
        create_private_directory(&theirs).unwrap();
        assert_eq!(mode(&theirs), 0o1777);
        create_private_directory(&theirs.join("ours")).unwrap();
        assert_eq!(mode(&theirs.join("ours")), 0o700);
    }

    #[test]
    fn real_paths_have_no_links() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real");
        fs::create_dir(&real).unwrap();
        symlink(&real, directory.path().join("link")).unwrap();
        assert_eq!(
            real_path(&directory.path().join("link")).unwrap(),
            real_path(&real).unwrap()
        );
    }
}
