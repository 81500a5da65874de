//! The empty overlay that an instance writes to, written by Dormer itself: QEMU's tool would need a
//! container of its own, and the host may not have it. Only ever written, before the guest first
//! sees it; no used overlay is opened on the host again.
//!
//! The format is QEMU's `docs/interop/qcow2.rst`, version 3.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
const HEADER_LENGTH: u32 = 104;
/// The kind of the header extension that names the backing file's format.
const BACKING_FORMAT: u32 = 0xE279_2ACA;
/// Sixteen bits for each cluster's reference count.
const REFCOUNT_ORDER: u32 = 4;

/// Where things are in the file, in clusters; the header is the first one.
const REFCOUNT_TABLE: u64 = 1;
const REFCOUNT_BLOCK: u64 = 2;
const L1_TABLE: u64 = 3;

/// Creates an overlay at `path` of `size` bytes as the guest sees it, on the qcow2 file that QEMU will
/// find at `backing`. A file that is there already is an error.
pub fn create_overlay(path: &Path, size: u64, backing: &str) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&empty_overlay(size, backing))?;
    file.sync_all()
}

fn empty_overlay(size: u64, backing: &str) -> Vec<u8> {
    let l1_entries = size.div_ceil(CLUSTER * (CLUSTER / 8)).max(1);
    let l1_clusters = (l1_entries * 8).div_ceil(CLUSTER);
    let clusters = L1_TABLE + l1_clusters;

    let mut image = header(size, backing, l1_entries);
    image.resize((clusters * CLUSTER) as usize, 0);
    put(
        &mut image,
        REFCOUNT_TABLE * CLUSTER,
        &(REFCOUNT_BLOCK * CLUSTER).to_be_bytes(),
    );
    for cluster in 0..clusters {
        put(
            &mut image,
            REFCOUNT_BLOCK * CLUSTER + 2 * cluster,
            &1_u16.to_be_bytes(),
        );
    }
    image
}

fn header(size: u64, backing: &str, l1_entries: u64) -> Vec<u8> {
    let mut header = Vec::new();
    let mut extension = Vec::new();
    extension.extend(BACKING_FORMAT.to_be_bytes());
    extension.extend(5_u32.to_be_bytes());
    extension.extend(b"qcow2\0\0\0");
    extension.extend([0; 8]);
    let name_offset = u64::from(HEADER_LENGTH) + extension.len() as u64;

    header.extend(b"QFI\xfb");
    header.extend(3_u32.to_be_bytes());
    header.extend(name_offset.to_be_bytes());
    header.extend((backing.len() as u32).to_be_bytes());
    header.extend(CLUSTER_BITS.to_be_bytes());
    header.extend(size.to_be_bytes());
    header.extend(0_u32.to_be_bytes()); // not encrypted
    header.extend((l1_entries as u32).to_be_bytes());
    header.extend((L1_TABLE * CLUSTER).to_be_bytes());
    header.extend((REFCOUNT_TABLE * CLUSTER).to_be_bytes());
    header.extend(1_u32.to_be_bytes()); // clusters of the reference count table
    header.extend([0; 4 + 8]); // no snapshots
    header.extend([0; 8]); // no incompatible features
    header.extend(1_u64.to_be_bytes()); // lazy reference counts: the file is never repaired
    header.extend([0; 8]); // no features that clear themselves
    header.extend(REFCOUNT_ORDER.to_be_bytes());
    header.extend(HEADER_LENGTH.to_be_bytes());
    header.extend(extension);
    header.extend(backing.as_bytes());
    header
}

fn put(image: &mut [u8], offset: u64, bytes: &[u8]) {
    let start = offset as usize;
    image[start..start + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("overlay.qcow2");
        create_overlay(&path, 20 << 30, "/base/disk.qcow2").unwrap();
        let error = create_overlay(&path, 20 << 30, "/base/disk.qcow2").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn the_size_decides_how_many_clusters_the_table_takes() {
        // One entry maps 512 MiB, one cluster of the table 4 TiB.
        assert_eq!(empty_overlay(1, "b").len() as u64, 4 * CLUSTER);
        assert_eq!(empty_overlay(4 << 40, "b").len() as u64, 4 * CLUSTER);
        assert_eq!(empty_overlay((4 << 40) + 1, "b").len() as u64, 5 * CLUSTER);
    }
}
