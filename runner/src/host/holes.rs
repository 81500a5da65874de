//! Files with holes: stretches of zeros that take no room on the disk.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};

const PAGE: usize = 4096;
const PIECE: usize = 1 << 20;
/// Shorter stretches are left: each hole is an entry in the file system's books.
const WORTH: u64 = 64 << 10;

/// How many bytes of the disk a file takes.
pub fn size_on_disk(metadata: &Metadata) -> u64 {
    metadata.blocks() * 512
}

/// Gives back the room of all stretches of zeros in a file. A file system that has no holes leaves the
/// file as it is.
pub fn dig(file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut piece = vec![0; PIECE];
    let mut zeros: Option<u64> = None;
    let mut at = 0;
    while let Some(data) = next_data(file, at, length)? {
        // Whatever was a hole already begins or goes on with a stretch.
        if data > at {
            zeros = zeros.or(Some(at));
        }
        at = data / PAGE as u64 * PAGE as u64;
        let wanted = usize::try_from((length - at).min(PIECE as u64)).unwrap_or(PIECE);
        file.read_exact_at(&mut piece[..wanted], at)?;
        for page in piece[..wanted].chunks(PAGE) {
            if page.iter().all(|byte| *byte == 0) {
                zeros = zeros.or(Some(at));
            } else if let Some(from) = zeros.take() {
                punch(file, from, at)?;
            }
            at += page.len() as u64;
        }
    }
    zeros.map_or(Ok(()), |from| punch(file, from, length))
}

/// Where the next data at or behind `at` are; none up to the end.
fn next_data(file: &File, at: u64, length: u64) -> io::Result<Option<u64>> {
    if at >= length {
        return Ok(None);
    }
    match seek(file, SeekFrom::Data(at)) {
        Ok(found) => Ok(Some(found)),
        Err(rustix::io::Errno::NXIO) => Ok(None),
        // Without the notion of holes, everything is data.
        Err(rustix::io::Errno::INVAL) => Ok(Some(at)),
        Err(error) => Err(error.into()),
    }
}

fn punch(file: &File, from: u64, to: u64) -> io::Result<()> {
    if to - from < WORTH {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(file, flags, from, to - from) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn zeros_become_holes_and_the_rest_stays() {
        let mut file = tempfile::tempfile().unwrap();
        let mut contents = vec![0_u8; 4 << 20];
        for at in [100, 1 << 20, (3 << 20) + 17] {
            contents[at] = 1;
        }
        file.write_all(&contents).unwrap();
        file.set_len(6 << 20).unwrap();
        file.sync_all().unwrap();
        dig(&file).unwrap();
        contents.resize(6 << 20, 0);
        let mut read = vec![0; contents.len()];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read == contents);
        // Three pages with something in them, each within less than a stretch of its own.
        assert!(size_on_disk(&file.metadata().unwrap()) <= 512 << 10);
    }

    #[test]
    fn an_empty_file_and_one_of_zeros_are_no_trouble() {
        let file = tempfile::tempfile().unwrap();
        dig(&file).unwrap();
        file.set_len(1 << 20).unwrap();
        dig(&file).unwrap();
        assert_eq!(size_on_disk(&file.metadata().unwrap()), 0);
    }
}
