//! `hashFiles`: the hash of files in the guest's workspace.
//!
//! Expressions are evaluated at once, and a guest answers only after a while. So an evaluation takes
//! note of what it would need, fails, and is done again when the guest has told:
//!
//! ```text
//!   evaluate ──> hash is known? ── yes ─> value
//!      ^               └── no ─> wanted ─> ask the guest ─┐
//!      └──────────────────────────────────────────────────┘
//! ```
//!
//! What is known holds until a step runs: [`FileHashes::forget`].

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use crate::glob::{self, Patterns};
use crate::guest::channel::GuestChannel;
use crate::guest::transfer;
use crate::host::clock::{Deadline, within};

/// GitHub's own limit.
const HASHING: Deadline = Deadline::seconds("the hash of the files", 120);
/// More names than this are no workspace.
const MOST_FILES: usize = 1_000_000;
/// An expression of the language has at most this many calls; more rounds would be no progress.
const MOST_ROUNDS: usize = 300;

/// The hashes that are known, and those that somebody asked for in vain.
#[derive(Debug, Default)]
pub struct FileHashes {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<Vec<String>, Result<String, String>>,
    wanted: Option<Vec<String>>,
}

impl FileHashes {
    /// The hash of the files that match, if it is known by now; else it is from now on wanted.
    pub fn hash(&self, patterns: &[String]) -> Result<String, String> {
        let mut inner = self.inner();
        match inner.known.get(patterns) {
            Some(hash) => hash.clone(),
            None => {
                inner.wanted = Some(patterns.to_vec());
                Err("the files were not looked at yet".to_owned())
            }
        }
    }

    /// Files may have changed: what is known is of no use any more.
    pub fn forget(&self) {
        *self.inner() = Inner::default();
    }

    /// Evaluates something that may ask for hashes of files in `workspace`, a directory in Windows form,
    /// as often as it takes to have them all.
    pub async fn settle<T>(
        &self,
        guest: &dyn GuestChannel,
        workspace: &str,
        mut evaluate: impl FnMut() -> T,
    ) -> T {
        let mut result = evaluate();
        for _ in 0..MOST_ROUNDS {
            let Some(patterns) = self.inner().wanted.take() else {
                break;
            };
            let hash = match within(HASHING, look(guest, workspace, &patterns)).await {
                Ok(hash) => hash,
                Err(late) => Err(late.to_string()),
            };
            self.inner().known.insert(patterns, hash);
            result = evaluate();
        }
        result
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the guest for the files that match and hashes their hashes; an empty text if there are none.
fn look<'f>(
    guest: &'f dyn GuestChannel,
    workspace: &'f str,
    patterns: &'f [String],
) -> BoxFuture<'f, Result<String, String>> {
    Box::pin(async move {
        let patterns = read(patterns, workspace)?;
        if patterns.is_empty() {
            return Ok(String::new());
        }
        let directory = guest.dialect().paths().write(workspace);
        let base = glob::parts(workspace).join("/");
        let listing = transfer::list(guest, &directory, &[], MOST_FILES).await;
        let mut found = Vec::new();
        let mut links = HashSet::new();
        for entry in listing.map_err(|error| error.to_string())?.what {
            // Names that are not text are matched by no pattern that could be written.
            let Ok(name) = String::from_utf8(entry.name) else {
                continue;
            };
            if !matches!(entry.kind, 'f' | 'l') || !patterns.matches(&format!("{base}/{name}")) {
                continue;
            }
            if entry.kind == 'l' {
                links.insert(name.clone());
            }
            found.push(name);
        }
        if found.is_empty() {
            return Ok(String::new());
        }
        in_order(&mut found);
        let digests = transfer::digests(guest, &directory, &found).await;
        let digests = digests.map_err(|error| error.to_string())?;
        let mut known = Vec::with_capacity(found.len());
        for (name, digest) in found.iter().zip(digests) {
            match digest {
                Some(digest) => known.push(digest),
                // It leads to a directory, or nowhere.
                None if links.contains(name) => {}
                None => return Err(format!("the file `{name}` can't be read")),
            }
        }
        Ok(combined(&known))
    })
}

/// Reads the arguments of a call: each may hold several patterns, one a line. What lies outside of the
/// workspace is not looked at, and so matches nothing.
fn read(arguments: &[String], workspace: &str) -> Result<Patterns, String> {
    match arguments.first() {
        Some(option) if option.starts_with("--") => Err(refuse(option)),
        _ => Patterns::parse(arguments.iter().flat_map(|one| one.lines()), workspace),
    }
}

fn refuse(option: &str) -> String {
    if option.eq_ignore_ascii_case("--follow-symbolic-links") {
        return "`--follow-symbolic-links` is not supported yet".to_owned();
    }
    format!("`{option}` is no option; the only one is `--follow-symbolic-links`")
}

/// Sorts names as a walk through the directories meets them, each in the order of Windows.
fn in_order(names: &mut [String]) {
    names.sort_by_cached_key(|name| {
        let parts = name.split('/').map(str::to_uppercase);
        (parts.collect::<Vec<_>>(), name.clone())
    });
}

/// The digest of digests, in hexadecimal.
fn combined(digests: &[[u8; 32]]) -> String {
    if digests.is_empty() {
        return String::new();
    }
    let mut all = Sha256::new();
    digests.iter().for_each(|one| all.update(one));
    hex::encode(all.finalize())
}

#[cfg(test)]
mod tests {
    use dormer_workflow::expr::Template;

    use super::*;
    use crate::guest::fake;
    use crate::steps::context::{JobFacts, StepScope};
    use crate::steps::state::{ExecutorState, Variables};

    const WORKSPACE: &str = r"C:\a\it\it";

    /// A guest with two lock files; it tells their digests in the order in which it is asked.
    fn guest() -> impl GuestChannel {
        fake::channel(|line, text| {
            if text.contains("exec find") {
                let listing = "f 3 ./b/package.lock\0d 0 ./a\0f 3 ./a/package.lock\0f 1 ./x\0";
                return (listing.into(), "", 0);
            }
            assert!(line.contains("sha256sum"), "{line}");
            let names = text.split_terminator('\0');
            let digest = |name: &str| {
                let digit = if name.starts_with('a') { "a" } else { "b" };
                format!("{}  {name}\0", digit.repeat(64))
            };
            (names.map(digest).collect::<String>().into(), "", 0)
        })
    }

    async fn evaluated(text: &str) -> Result<String, String> {
        let template = Template::parse(text).unwrap();
        let (facts, secrets) = (JobFacts::default(), Variables::default());
        let state = ExecutorState::new(Variables::default());
        let files = FileHashes::default();
        let scope = StepScope {
            files: Some(&files),
            ..StepScope::of_job(&facts, &state, &secrets)
        };
        let render = || template.render(&scope).map_err(|error| error.to_string());
        files.settle(&guest(), WORKSPACE, render).await
    }

    #[tokio::test]
    async fn the_hash_is_that_of_the_files_hashes_by_path() {
        let expected = combined(&[[0xaa; 32], [0xbb; 32]]);
        let text = "${{ hashFiles('**/package.lock') }}";
        assert_eq!(evaluated(text).await, Ok(expected));
    }

    #[tokio::test]
    async fn several_calls_are_settled_and_no_match_is_empty() {
        let one = combined(&[[0xbb; 32]]);
        let text = "${{ hashFiles('b/**') }}-${{ hashFiles('none', 'x*y') }}-${{ hashFiles('b') }}";
        assert_eq!(evaluated(text).await, Ok(format!("{one}--{one}")));
    }

    #[tokio::test]
    async fn what_cannot_be_done_is_said() {
        let error = evaluated("${{ hashFiles('--nonsense', 'x') }}").await;
        assert!(error.unwrap_err().contains("--nonsense"));
    }

    #[test]
    fn names_are_sorted_as_a_walk_meets_them() {
        let mut names = ["b/x", "a.c", "A/z", "a/b/c", "B.c"].map(str::to_owned);
        in_order(&mut names);
        assert_eq!(names, ["a/b/c", "A/z", "a.c", "b/x", "B.c"]);
    }

    #[test]
    fn options_are_known_or_refused() {
        for option in ["--follow-symbolic-links", "--x"] {
            let error = read(&[option.to_owned()], "").unwrap_err();
            assert!(error.contains(option));
        }
    }
}
