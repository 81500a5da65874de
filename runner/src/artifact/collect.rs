//! From patterns to files on the host: list, match, check every name, fetch as one tar stream, check
//! every entry again, write.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use crate::artifact::manifest::Artifact;
use crate::artifact::names::{self, CaseClashes};
use crate::artifact::rules::{Place, Root, Rules};
use crate::artifact::write::OutDirectory;
use crate::failure::InfraFailure;
use crate::guest::channel::GuestChannel;
use crate::guest::dialect::Listing;
use crate::guest::transfer;

/// What a guest may make the host store.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files looked through in each place.
    pub listed: usize,
    /// Files that come back.
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            listed: 1_000_000,
            files: 100_000,
            bytes: 20 << 30,
        }
    }
}

/// Why artifacts did not come back.
#[derive(Debug)]
pub enum CollectError {
    /// The guest offered more than is taken, or broke the stream; the job fails.
    Refused(String),
    /// The machinery failed.
    Infra(InfraFailure),
}

/// What is looked for, and where.
#[derive(Debug)]
pub struct Request<'a> {
    /// The patterns.
    pub rules: &'a Rules,
    /// The workspace's directory in the guest, in Windows form.
    pub workspace: &'a str,
    /// Where files go.
    pub out: &'a Arc<OutDirectory>,
    /// The job's id, for the manifest.
    pub job: &'a str,
    /// Limits on what is taken.
    pub limits: Limits,
}

/// What came back.
#[derive(Debug, Default)]
pub struct Collected {
    /// The files.
    pub artifacts: Vec<Artifact>,
    /// Things that people should know.
    pub warnings: Vec<String>,
    /// What was asked for and is not taken, each with its name and why; the job fails.
    pub refused: Vec<String>,
}

/// Fetches everything that the patterns name and that may be taken.
pub async fn collect(
    channel: &dyn GuestChannel,
    request: Request<'_>,
) -> Result<Collected, CollectError> {
    let mut collected = Collected::default();
    let mut clashes = CaseClashes::default();
    let mut taken = Taken {
        files: 0,
        bytes: 0,
        limits: request.limits,
    };
    for place in request.rules.places() {
        let directory = directory_of(channel, &place, request.workspace);
        let found = transfer::list(channel, &directory, &place.start, request.limits.listed)
            .await
            .map_err(|error| CollectError::Refused(error.to_string()))?;
        let mut wanted = BTreeMap::new();
        for entry in found {
            // Matching needs text; a name that is none can't have been asked for by name, but can
            // be by a wildcard, and is then refused below.
            let shown = String::from_utf8_lossy(&entry.name).into_owned();
            if entry.kind == 'd' || !request.rules.matches(place.root, &shown) {
                continue;
            }
            match accept(&entry, place.root, request.out, &mut clashes) {
                Ok(name) => {
                    let added = taken.add(&name, entry.size);
                    added.map_err(CollectError::Refused)?;
                    wanted.insert(entry.name, name);
                }
                Err(why) => collected.refused.push(why),
            }
        }
        if !wanted.is_empty() {
            let budget = request.limits.bytes;
            let fetched = fetch(channel, &directory, wanted, request.out, budget).await?;
            collected.artifacts.extend(fetched);
        }
    }
    if collected.artifacts.is_empty() && collected.refused.is_empty() {
        let patterns = request.rules.texts().join("`, `");
        collected
            .warnings
            .push(format!("no file in the guest matches `{patterns}`"));
    }
    request
        .out
        .publish(request.job, collected.artifacts.clone())
        .map_err(|why| {
            CollectError::Infra(InfraFailure::new("cannot keep the artifacts").because(why))
        })?;
    Ok(collected)
}

/// What a file that the guest offers will be called; or why it is not taken.
fn accept(
    entry: &Listing,
    root: Root,
    out: &OutDirectory,
    clashes: &mut CaseClashes,
) -> Result<String, String> {
    if entry.kind != 'f' {
        let shown = String::from_utf8_lossy(&entry.name);
        return Err(format!(
            "the guest's file {shown:?} is refused: it is a link or a device"
        ));
    }
    let name = out_name(root, &entry.name)?;
    clashes.add(&name)?;
    out.check_free(&name)?;
    Ok(name)
}

/// Counts what is taken.
struct Taken {
    files: usize,
    bytes: u64,
    limits: Limits,
}

impl Taken {
    fn add(&mut self, name: &str, size: u64) -> Result<(), String> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.files > self.limits.files {
            return Err(format!(
                "more than {} artifacts, `{name}` among them",
                self.limits.files
            ));
        }
        if self.bytes > self.limits.bytes {
            return Err(format!(
                "the artifacts up to `{name}` have more than the {} bytes that are taken",
                self.limits.bytes
            ));
        }
        Ok(())
    }
}

fn directory_of(channel: &dyn GuestChannel, place: &Place, workspace: &str) -> String {
    let paths = channel.dialect().paths();
    match place.root {
        Root::Workspace => paths.write(workspace),
        Root::Drive(letter) => paths.write(&format!("{letter}:\\")),
    }
}

/// What a file is called below the output directory. One from elsewhere than the workspace is put
/// below its drive's letter.
fn out_name(root: Root, name: &[u8]) -> Result<String, String> {
    let name = names::check(name)?;
    Ok(match root {
        Root::Workspace => name,
        Root::Drive(letter) => format!("{letter}/{name}"),
    })
}

async fn fetch(
    channel: &dyn GuestChannel,
    directory: &str,
    wanted: BTreeMap<Vec<u8>, String>,
    out: &Arc<OutDirectory>,
    budget: u64,
) -> Result<Vec<Artifact>, CollectError> {
    let names = wanted.keys().cloned().collect();
    let out = Arc::clone(out);
    let unpack = move |tar: &mut dyn Read| unpack(tar, wanted, &out, budget);
    let fetched = transfer::fetch(channel, directory, names, unpack).await;
    fetched.map_err(|error| CollectError::Refused(error.to_string()))?
}

/// Takes exactly the wanted files from a guest's tar stream, each once.
fn unpack(
    tar: &mut dyn Read,
    mut wanted: BTreeMap<Vec<u8>, String>,
    out: &OutDirectory,
    mut budget: u64,
) -> Result<Vec<Artifact>, CollectError> {
    let broken = |error: std::io::Error| {
        CollectError::Refused(format!("the guest's archive cannot be read: {error}"))
    };
    let mut artifacts = Vec::new();
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path_bytes().into_owned();
        let path = path.strip_prefix(b"./").unwrap_or(&path).to_vec();
        let Some(name) = wanted.remove(&path) else {
            return Err(CollectError::Refused(format!(
                "the guest's archive holds {:?}, which nobody asked for",
                String::from_utf8_lossy(&path)
            )));
        };
        if !entry.header().entry_type().is_file() {
            return Err(CollectError::Refused(format!(
                "the guest's file `{name}` became a link"
            )));
        }
        let artifact = out
            .receive(&name, &mut (&mut entry).take(budget.saturating_add(1)))
            .map_err(|error| {
                CollectError::Infra(
                    InfraFailure::new(format!("cannot write the artifact `{name}`")).because(error),
                )
            })?;
        budget = budget.checked_sub(artifact.size).ok_or_else(|| {
            CollectError::Refused(format!("the artifact `{name}` grew beyond what is taken"))
        })?;
        artifacts.push(artifact);
    }
    if let Some(name) = wanted.into_values().next() {
        return Err(CollectError::Refused(format!(
            "the guest did not send `{name}`"
        )));
    }
    Ok(artifacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, contents) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            // Straight into the header: the library refuses to write such names.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, contents.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn try_unpack(archive: &[u8], wanted: &[&str], budget: u64) -> Result<Vec<Artifact>, String> {
        let directory = tempfile::tempdir().unwrap();
        let out = OutDirectory::open(&directory.path().join("out")).unwrap();
        let wanted = wanted
            .iter()
            .map(|n| (n.as_bytes().to_vec(), (*n).to_owned()))
            .collect();
        let mut reader = archive;
        let result = unpack(&mut reader, wanted, &out, budget);
        let strays = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(strays, 1, "something was written outside");
        result.map_err(|error| match error {
            CollectError::Refused(why) => why,
            CollectError::Infra(failure) => failure.to_string(),
        })
    }

    #[test]
    fn exactly_what_was_asked_for_is_taken() {
        let file = tar::EntryType::Regular;
        let good = archive(&[("./a.txt", file, "hello")]);
        assert_eq!(try_unpack(&good, &["a.txt"], 100).unwrap()[0].size, 5);
        let evil = [
            (archive(&[("../evil", file, "x")]), "nobody asked for"),
            (archive(&[("/etc/evil", file, "x")]), "nobody asked for"),
            (
                archive(&[("a.txt", tar::EntryType::Symlink, "")]),
                "became a link",
            ),
            (
                archive(&[("a.txt", file, "x"), ("a.txt", file, "y")]),
                "nobody asked for",
            ),
            (archive(&[]), "did not send"),
            (archive(&[("a.txt", file, &"x".repeat(200))]), "grew beyond"),
            (b"garbage garbage garbage".to_vec(), "cannot be read"),
        ];
        for (archive, why) in evil {
            let error = try_unpack(&archive, &["a.txt"], 100).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
