//! Memory, disk, and whether the disk's file system can hold what machines need.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::cli::doctor::{Check, State};
use crate::cli::workshop::Base;
use crate::config::Config;
use crate::host::fs::free_space;
use crate::host::lock::try_exclusive;
use crate::host::process::is_on_path;
use crate::image::build;
use crate::image::recipe::{COMPAT_NAME, Recipe};

/// A machine's own default, and what QEMU takes besides.
const MACHINE_MEMORY: u64 = 2 << 30;
const QEMU_MEMORY: u64 = 1 << 30;
/// What a build takes, and what a job should have to write.
const ROOM_TO_BUILD: u64 = 5 << 30;
const ROOM_TO_RUN: u64 = 2 << 30;

pub(super) fn check(base: &Base, config: &Config, has_engine: bool) -> Vec<Check> {
    let built = Recipe::guest(COMPAT_NAME)
        .is_some_and(|recipe| build::find(&base.store, &recipe).is_some());
    let mut checks = vec![
        memory(config),
        disk(base.home.root(), built),
        file_system(base.home.root()),
        git(),
    ];
    if has_engine && !built {
        checks.push(builder());
    }
    checks
}

fn memory(config: &Config) -> Check {
    let needed = config.memory.unwrap_or(MACHINE_MEMORY) + QEMU_MEMORY;
    let Some(available) =
        available_memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default())
    else {
        return Check::ok("memory", "unknown", "what is free is not known");
    };
    let detail = format!(
        "{} free, a machine takes up to {}",
        size(available),
        size(needed)
    );
    if available >= needed {
        return Check::ok("memory", "ok", detail);
    }
    let help = "end something, or give machines less: `--memory 1G`, or `memory` under [machine] in dormer.toml";
    Check::bad("memory", State::Error, "too_little", detail, help)
}

fn available_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes << 10)
}

fn disk(home: &Path, built: bool) -> Check {
    let needed = if built { ROOM_TO_RUN } else { ROOM_TO_BUILD };
    let what = if built { "a job" } else { "building the image" };
    let Ok(free) = free_space(home) else {
        return Check::ok("disk", "unknown", "what is free is not known");
    };
    let detail = format!(
        "{} free in {}, {what} takes up to {}",
        size(free),
        home.display(),
        size(needed)
    );
    if free >= needed {
        return Check::ok("disk", "ok", detail);
    }
    let help = "make room, or set DORMER_HOME to a larger disk";
    Check::bad("disk", State::Error, "too_little", detail, help)
}

/// File systems by their magic numbers (statfs(2)), with what is wrong with them for overlays.
const UNFIT: [(u64, &str, &str); 8] = [
    (
        0x794C_7630,
        "overlayfs",
        "a container's own layer: the first write to a file copies all of it",
    ),
    (0x6969, "NFS", "it has no reliable locks"),
    (0xFF53_4D42, "CIFS", "it has no sockets"),
    (0xFE53_4D42, "SMB", "it has no sockets"),
    (0x0102_1997, "9p", "it has no reliable locks"),
    (0x4D44, "FAT", "it has no sockets, owners or sparse files"),
    (
        0x2011_BAB0,
        "exFAT",
        "it has no sockets, owners or sparse files",
    ),
    (0x8584_58F6, "ramfs", "it fills the memory without limit"),
];

fn file_system(home: &Path) -> Check {
    let name = "file system";
    let help = "set DORMER_HOME to a directory on a local disk (ext4, xfs, btrfs)";
    let magic = rustix::fs::statfs(home)
        .map(|found| found.f_type.cast_unsigned())
        .unwrap_or(0);
    if let Some((_, kind, why)) = UNFIT.iter().find(|(number, ..)| *number == magic) {
        let detail = format!(
            "{} is on {kind}, which cannot hold overlays: {why}",
            home.display()
        );
        return Check::bad(name, State::Error, "unfit", detail, help);
    }
    match try_out(home) {
        Ok(()) => {
            let detail = format!(
                "{} can hold overlays (sparse files, sockets, locks)",
                home.display()
            );
            Check::ok(name, "ok", detail)
        }
        Err((what, error)) => {
            let detail = format!("{} cannot hold overlays: {what}: {error}", home.display());
            Check::bad(name, State::Error, "unfit", detail, help)
        }
    }
}

/// Does once what every machine does.
fn try_out(home: &Path) -> Result<(), (&'static str, io::Error)> {
    let directory = tempfile::tempdir_in(home).map_err(|error| ("a directory", error))?;
    try_exclusive(directory.path()).map_err(|error| ("a lock", error))?;
    UnixListener::bind(directory.path().join("s")).map_err(|error| ("a socket", error))?;
    let sparse = || -> io::Result<()> {
        const LENGTH: u64 = 64 << 20;
        let file = File::create_new(directory.path().join("sparse"))?;
        file.write_at(b"x", LENGTH - 1)?;
        file.sync_all()?;
        if file.metadata()?.blocks() * 512 < LENGTH / 2 {
            return Ok(());
        }
        Err(io::Error::other("what is not written takes room"))
    };
    sparse().map_err(|error| ("a sparse file", error))
}

fn builder() -> Check {
    if is_on_path("mmdebstrap") {
        return Check::ok(
            "builder",
            "ok",
            "a base can be fetched, or made with mmdebstrap",
        );
    }
    let detail = "mmdebstrap is not installed: images can only be built where a registry answers";
    let help = "`sudo apt-get install mmdebstrap`, or reach a registry that has debian:trixie-slim";
    Check::bad("builder", State::Warning, "registry_only", detail, help)
}

/// Jobs that use no action of another repository do without it.
fn git() -> Check {
    if is_on_path("git") {
        return Check::ok("git", "ok", "actions of other repositories can be fetched");
    }
    let detail = "git is not installed: actions of other repositories cannot be fetched";
    let help = "`sudo apt-get install git`, or name directories: `--action owner/repo@ref=DIR`";
    Check::bad("git", State::Warning, "missing", detail, help)
}

fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_directory_can_hold_overlays() {
        let directory = tempfile::tempdir().unwrap();
        let check = file_system(directory.path());
        assert_eq!(check.state, State::Ok, "{}", check.detail);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn too_little_memory_and_disk_are_errors_that_say_what_to_do() {
        let config = Config {
            memory: Some(1 << 60),
            ..Config::default()
        };
        let check = memory(&config);
        assert_eq!((check.finding, check.state), ("too_little", State::Error));
        assert!(check.help.unwrap().contains("--memory"));
        assert_eq!(
            available_memory("MemTotal: 5 kB\nMemAvailable:   1024 kB\n"),
            Some(1 << 20)
        );
        assert_eq!(available_memory(""), None);
    }
}
