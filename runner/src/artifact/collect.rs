//! From patterns to files on the host: what the guest lists is matched and checked name by name, and
//! fetched as one tar stream while it still lists; every entry of that is checked again, and written. Where
//! all of a directory is wanted, its list would only cost time: the guest sends it all, and each file is
//! matched and checked as it comes.

use std::io::Read;
use std::sync::{Arc, Mutex};

use crate::artifact::judge::{Hide, Judge, Limits};
use crate::artifact::listed;
use crate::artifact::manifest::Artifact;
use crate::artifact::selection::{Place, Root, Selection};
use crate::artifact::unpack::{CollectError, Expected, Unpacked, Whole, unpack};
use crate::artifact::write::OutDirectory;
use crate::failure::InfraFailure;
use crate::guest::channel::GuestChannel;
use crate::guest::transfer::{self, FetchError, Told};

/// What is looked for, and where.
pub struct Request<'a> {
    /// What is wanted.
    pub selection: Arc<dyn Selection>,
    /// The workspace's directory in the guest, in Windows form.
    pub workspace: &'a str,
    /// Where files go.
    pub out: &'a Arc<OutDirectory>,
    /// The job's id, for the manifest.
    pub job: &'a str,
    /// Keeps secrets out of names.
    pub hide: Hide,
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

/// Fetches everything that the patterns name and that may be taken, and puts it in place. What is not
/// taken keeps nothing else back.
pub async fn collect(
    channel: &dyn GuestChannel,
    request: Request<'_>,
) -> Result<Collected, InfraFailure> {
    let mut collected = gather(channel, &request).await?;
    if collected.artifacts.is_empty() && collected.refused.is_empty() {
        let patterns = request.selection.texts().join("`, `");
        collected
            .warnings
            .push(format!("no file in the guest matches `{patterns}`"));
    }
    request
        .out
        .publish(request.job, collected.artifacts.clone())
        .map_err(|why| InfraFailure::new("cannot keep the artifacts").because(why))?;
    Ok(collected)
}

/// Fetches everything that is wanted and that may be taken; it lies aside then, to be published.
pub async fn gather(
    channel: &dyn GuestChannel,
    request: &Request<'_>,
) -> Result<Collected, InfraFailure> {
    let mut collected = Collected::default();
    let (selection, hide) = (Arc::clone(&request.selection), Arc::clone(&request.hide));
    let judge = Judge::new(selection, hide, Arc::clone(request.out), request.limits);
    let judge = Arc::new(Mutex::new(judge));
    for place in request.selection.places() {
        let site = Site {
            channel,
            directory: directory_of(channel, &place, request.workspace),
            place,
            judge: Arc::clone(&judge),
            out: Arc::clone(request.out),
            limits: request.limits,
        };
        let collecting = if site.place.whole {
            collect_whole(&site, &mut collected).await
        } else {
            listed::collect(&site, &mut collected).await
        };
        match collecting {
            Ok(()) => {}
            Err(CollectError::Refused(why)) => collected.refused.push(why),
            Err(CollectError::Infra(failure)) => return Err(failure),
        }
    }
    Ok(collected)
}

/// One place of a guest that is collected from.
pub(super) struct Site<'a> {
    pub(super) channel: &'a dyn GuestChannel,
    pub(super) place: Place,
    /// The directory of its root, as the guest has it.
    pub(super) directory: String,
    pub(super) judge: Arc<Mutex<Judge>>,
    out: Arc<OutDirectory>,
    pub(super) limits: Limits,
}

impl Site<'_> {
    /// What takes this place's tar stream apart, after all that has been collected.
    pub(super) fn unpacker<E: Expected>(
        &self,
        mut expected: E,
        collected: &Collected,
    ) -> impl FnOnce(&mut dyn Read) -> Result<Unpacked, (Unpacked, CollectError)> + use<E> {
        let came: u64 = collected.artifacts.iter().map(|one| one.size).sum();
        let budget = self.limits.bytes.saturating_sub(came);
        let out = Arc::clone(&self.out);
        move |tar: &mut dyn Read| unpack(tar, &mut expected, &out, budget)
    }
}

/// Fetches all of one place, each of whose files is judged as it comes.
async fn collect_whole(site: &Site<'_>, collected: &mut Collected) -> Result<(), CollectError> {
    let whole = Whole {
        root: site.place.root,
        judge: Arc::clone(&site.judge),
        left: site.limits.listed,
    };
    let unpacking = site.unpacker(whole, collected);
    let start = &site.place.start;
    let fetching = transfer::fetch_all(site.channel, &site.directory, start, unpacking);
    let (told, all) = match fetching.await {
        Ok(found) => found,
        Err(error) => (what_came(error)?, true),
    };
    collected.take(told.what);
    if all {
        collected.warn("fetching artifacts", &told.complaints);
    } else {
        // Nobody knows what it would have been: the job is not done without it.
        let failed = |line: &str| format!("the guest could not send all artifacts: {line}");
        collected
            .refused
            .extend(some_of(&told.complaints).map(failed));
    }
    Ok(())
}

impl Collected {
    /// Takes what came of a stream.
    pub(super) fn take(&mut self, unpacked: Unpacked) {
        self.artifacts.extend(unpacked.came);
        self.refused.extend(unpacked.refused);
    }

    /// Passes on what the guest had to say, each of its lines by itself.
    pub(super) fn warn(&mut self, what: &str, complaints: &str) {
        let warnings = some_of(complaints).map(|line| format!("{what}: {line}"));
        self.warnings.extend(warnings);
    }
}

/// What is shown of a guest's complaints.
fn some_of(complaints: &str) -> impl Iterator<Item = &str> {
    const LINES: usize = 10;
    complaints.lines().take(LINES)
}

/// What came before a stream was refused, and why it was.
pub(super) fn what_came(
    error: FetchError<(Unpacked, CollectError)>,
) -> Result<Told<Unpacked>, CollectError> {
    match error {
        FetchError::Reader((what, CollectError::Refused(why)), complaints) => {
            let mut refused = vec![why];
            refused.extend(what.refused);
            Ok(Told {
                what: Unpacked { refused, ..what },
                complaints,
            })
        }
        FetchError::Reader((_, failure), _) => Err(failure),
        FetchError::Channel(error) => Err(error.into()),
    }
}

fn directory_of(channel: &dyn GuestChannel, place: &Place, workspace: &str) -> String {
    let paths = channel.dialect().paths();
    match place.root {
        Root::Workspace => paths.write(workspace),
        Root::Drive(letter) => paths.write(&format!("{letter}:\\")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::rules::Rules;
    use crate::artifact::unpack::tests::archive;
    use crate::guest::fake;

    fn request<'a>(pattern: &str, out: &'a Arc<OutDirectory>) -> Request<'a> {
        Request {
            selection: Arc::new(Rules::parse(&[pattern.to_owned()]).unwrap()),
            workspace: "C:\\a",
            out,
            job: "build",
            hide: Arc::new(str::to_owned),
            limits: Limits::default(),
        }
    }

    #[tokio::test]
    async fn an_unreadable_file_and_an_unreadable_directory_keep_nothing_else_back() {
        let tar = archive(&[("a.log", tar::EntryType::Regular, "text")]);
        let channel = fake::channel(move |line, _| match line {
            "sh" => (
                b"f 4 ./a.log\0f 4 ./b.log\0".to_vec(),
                "find: 'private': Permission denied",
                1,
            ),
            _ => (tar.clone(), "tar: b.log: Cannot open", 1),
        });
        let directory = tempfile::tempdir().unwrap();
        let out = Arc::new(OutDirectory::open(directory.path()).unwrap());
        let collected = collect(&channel, request("*.log", &out)).await.unwrap();
        assert_eq!(collected.artifacts.len(), 1);
        assert_eq!(collected.refused, ["the guest did not send `b.log`"]);
        let warned = [
            "looking for artifacts: find: 'private': Permission denied",
            "fetching artifacts: tar: b.log: Cannot open",
        ];
        assert_eq!(collected.warnings, warned);
        let text = std::fs::read_to_string(directory.path().join("a.log")).unwrap();
        assert_eq!(text, "text");
    }

    #[tokio::test]
    async fn a_guest_that_stands_still_is_a_failure_that_may_be_gone_the_next_time() {
        for pattern in ["*.log", "data/**"] {
            let directory = tempfile::tempdir().unwrap();
            let out = Arc::new(OutDirectory::open(directory.path()).unwrap());
            let collecting = collect(&fake::silent(), request(pattern, &out)).await;
            let failure = collecting.unwrap_err();
            assert!(failure.transient);
            let told = crate::failure::with_causes(&failure);
            let expected = "cannot fetch artifacts from the guest: the guest has sent nothing for ";
            assert!(told.starts_with(expected), "{told}");
        }
    }

    /// Collects all of `data` from a guest that sends this, and ends so.
    async fn collect_all(
        entries: &[(&str, tar::EntryType, &str)],
        said: &'static str,
        code: u32,
        limits: Limits,
    ) -> Collected {
        let tar = archive(entries);
        let channel = fake::channel(move |_, script| {
            assert!(script.contains("tar -c"), "{script}");
            (tar.clone(), said, code)
        });
        let directory = tempfile::tempdir().unwrap();
        let out = Arc::new(OutDirectory::open(directory.path()).unwrap());
        let all = Request {
            limits,
            ..request("data/**", &out)
        };
        let collected = collect(&channel, all).await.unwrap();
        for artifact in &collected.artifacts {
            let found = std::fs::metadata(directory.path().join(&artifact.path)).unwrap();
            assert_eq!(found.len(), artifact.size);
        }
        collected
    }

    #[tokio::test]
    async fn a_whole_directory_is_judged_as_it_comes() {
        use tar::EntryType as Kind;
        let entries = [
            ("./data/", Kind::Directory, ""),
            ("./data/a", Kind::Regular, "text"),
            ("./data/con", Kind::Regular, "contents that nobody reads"),
            ("././@LongLink", Kind::GNULongLink, "where it leads"),
            ("./data/link", Kind::Symlink, ""),
            ("./data/../evil", Kind::Regular, "x"),
            ("./other", Kind::Regular, "not wanted"),
            ("./data/A", Kind::Regular, "the same on Windows"),
            ("./data/sub/b", Kind::Regular, "more"),
        ];
        let collected = collect_all(&entries, "", 0, Limits::default()).await;
        let came: Vec<&str> = collected
            .artifacts
            .iter()
            .map(|a| a.path.as_str())
            .collect();
        assert_eq!(came, ["data/a", "data/sub/b"]);
        let refused = collected.refused.join("\n");
        for named in ["data/con", "data/link", "data/../evil", "data/A"] {
            assert!(refused.contains(named), "{named}: {refused}");
        }
        assert_eq!(collected.refused.len(), 4, "{refused}");
        assert_eq!(collected.warnings, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_whole_directory_has_limits() {
        let file = tar::EntryType::Regular;
        let entries = [
            ("./data/a", file, "12345"),
            ("./other", file, "12345"),
            ("./data/b", file, "12345"),
        ];
        let most = Limits::default();
        for (limits, came, why) in [
            (Limits { files: 1, ..most }, 1, "more than 1 artifacts"),
            (Limits { bytes: 9, ..most }, 1, "more than is taken"),
            (Limits { bytes: 4, ..most }, 0, "more than the 4 bytes"),
            (Limits { listed: 2, ..most }, 1, "more files than"),
            (Limits { bytes: 15, ..most }, 2, ""),
        ] {
            let collected = collect_all(&entries, "", 0, limits).await;
            assert_eq!(collected.artifacts.len(), came, "{limits:?}");
            let refused = collected.refused.join("\n");
            assert!(refused.contains(why), "{why}: {refused}");
            assert_eq!(refused.is_empty(), why.is_empty(), "{refused}");
        }
    }

    #[tokio::test]
    async fn what_could_not_be_read_of_a_whole_directory_fails_and_what_changed_does_not() {
        let entries = [("./data/a", tar::EntryType::Regular, "text")];
        let said = "tar: data/b: Cannot open: Permission denied";
        let unread = collect_all(&entries, said, 2, Limits::default()).await;
        assert_eq!(unread.artifacts.len(), 1);
        assert!(unread.refused[0].contains("data/b: Cannot open"));
        let changed = "tar: data/a: file changed as we read it";
        let changed = collect_all(&entries, changed, 1, Limits::default()).await;
        assert_eq!(changed.refused, Vec::<String>::new());
        assert!(changed.warnings[0].contains("data/a: file changed"));
    }
}
