//! From patterns to files on the host: what the guest lists is matched and checked name by name, and
//! fetched as one tar stream while it still lists; every entry of that is checked again, and written.

use std::io::Read;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::artifact::free::FreePlaces;
use crate::artifact::manifest::Artifact;
use crate::artifact::names::{self, CaseClashes};
use crate::artifact::selection::{Place, Root, Selection};
use crate::artifact::unpack::{CollectError, Unpacked, Wanted, unpack};
use crate::artifact::write::OutDirectory;
use crate::failure::InfraFailure;
use crate::guest::channel::{GuestChannel, piped_input};
use crate::guest::command::{ChannelError, Input};
use crate::guest::dialect::Listing;
use crate::guest::pipe::PipeWriter;
use crate::guest::transfer::{self, ComingList, FetchError, Told};

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

/// What is looked for, and where.
pub struct Request<'a> {
    /// What is wanted.
    pub selection: &'a dyn Selection,
    /// The workspace's directory in the guest, in Windows form.
    pub workspace: &'a str,
    /// Where files go.
    pub out: &'a Arc<OutDirectory>,
    /// The job's id, for the manifest.
    pub job: &'a str,
    /// A text with every secret in it replaced.
    pub hide: &'a (dyn Fn(&str) -> String + Sync),
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
    let mut taken = Taken::new(request.limits, request.out);
    for place in request.selection.places() {
        match collect_from(channel, request, &place, &mut taken, &mut collected).await {
            Ok(()) => {}
            Err(CollectError::Refused(why)) => collected.refused.push(why),
            Err(CollectError::Infra(failure)) => return Err(failure),
        }
    }
    Ok(collected)
}

/// Fetches what is wanted of one place, while the guest still looks through it.
async fn collect_from(
    channel: &dyn GuestChannel,
    request: &Request<'_>,
    place: &Place,
    taken: &mut Taken<'_>,
    collected: &mut Collected,
) -> Result<(), CollectError> {
    let directory = directory_of(channel, place, request.workspace);
    let came: u64 = collected.artifacts.iter().map(|one| one.size).sum();
    let budget = request.limits.bytes.saturating_sub(came);
    let wanted = Wanted::default();
    let (names, input) = piped_input();
    let (begin, begun) = oneshot::channel();
    let search = Search {
        request,
        place,
        taken,
        wanted: &wanted,
        names,
        begin: Some(begin),
        refused: Vec::new(),
    };
    let (found, fetched) = tokio::join!(search.run(channel, &directory), async {
        match begun.await {
            Ok(()) => {
                fetch(
                    channel,
                    &directory,
                    input,
                    wanted.clone(),
                    request.out,
                    budget,
                )
                .await
            }
            // Nothing is wanted here.
            Err(_) => Ok(Told::default()),
        }
    });
    let fetched = fetched?;
    warn(collected, "looking for artifacts", &found.complaints);
    warn(collected, "fetching artifacts", &fetched.complaints);
    collected.artifacts.extend(fetched.what.came);
    collected.refused.extend(found.what);
    collected.refused.extend(fetched.what.refused);
    collected.refused.extend(wanted.missing());
    Ok(())
}

/// Looks through one place of the guest for what is wanted.
struct Search<'a, 'o> {
    request: &'a Request<'a>,
    place: &'a Place,
    taken: &'a mut Taken<'o>,
    wanted: &'a Wanted,
    /// Where names go to be fetched.
    names: PipeWriter,
    /// Told once there is one.
    begin: Option<oneshot::Sender<()>>,
    refused: Vec<String>,
}

impl Search<'_, '_> {
    /// Asks for every file that is wanted. Returns what is refused.
    async fn run(mut self, channel: &dyn GuestChannel, directory: &str) -> Told<Vec<String>> {
        let complaints = match self.look(channel, directory).await {
            Ok(complaints) => complaints,
            Err(why) => {
                self.refused.push(why);
                String::new()
            }
        };
        Told {
            what: self.refused,
            complaints,
        }
    }

    async fn look(
        &mut self,
        channel: &dyn GuestChannel,
        directory: &str,
    ) -> Result<String, String> {
        let failed = |error: ChannelError| error.to_string();
        let (start, limit) = (&self.place.start, self.request.limits.listed);
        let coming = ComingList::start(channel, directory, start, limit).await;
        let mut coming = coming.map_err(failed)?;
        while let Some(entries) = coming.next().await.map_err(failed)? {
            let mut names = Vec::new();
            let noted = self.note(entries, &mut names);
            self.ask_for(names).await;
            noted?;
        }
        coming.finish().await.map_err(failed)
    }

    async fn ask_for(&mut self, names: Vec<u8>) {
        if names.is_empty() {
            return;
        }
        if let Some(begin) = self.begin.take() {
            let _ = begin.send(());
        }
        // A guest that reads no more names does not send those files either, which is told then.
        let _ = self.names.send(names.into()).await;
    }

    /// Notes what is wanted of these, with the names to ask for, and refuses what may not be taken. An
    /// error is the end of the search.
    fn note(&mut self, entries: Vec<Listing>, names: &mut Vec<u8>) -> Result<(), String> {
        for entry in entries {
            // Matching needs text; a name that is none can't have been asked for by name, but can
            // be by a wildcard, and is then refused below.
            let shown = String::from_utf8_lossy(&entry.name);
            let root = self.place.root;
            if entry.kind == 'd' || !self.request.selection.wants(root, &shown) {
                continue;
            }
            match accept(&entry, root, self.request, self.taken) {
                Ok(name) => {
                    self.taken.add(&name, entry.size)?;
                    names.extend_from_slice(&entry.name);
                    names.push(0);
                    self.wanted.add(entry.name, name);
                }
                Err(why) => self.refused.push(why),
            }
        }
        Ok(())
    }
}

/// Passes on what the guest had to say, each of its lines by itself.
fn warn(collected: &mut Collected, what: &str, complaints: &str) {
    const LINES: usize = 10;
    let lines = complaints.lines().take(LINES);
    collected
        .warnings
        .extend(lines.map(|line| format!("{what}: {line}")));
}

/// What a file that the guest offers will be called; or why it is not taken.
fn accept(
    entry: &Listing,
    root: Root,
    request: &Request<'_>,
    taken: &mut Taken<'_>,
) -> Result<String, String> {
    // First: whatever else is wrong with it is told with its name.
    let shown = String::from_utf8_lossy(&entry.name);
    refuse_secret(&shown, request)?;
    if entry.kind != 'f' {
        return Err(format!(
            "the guest's file {shown:?} is refused: it is a link or a device"
        ));
    }
    let name = request
        .selection
        .out_name(root, &names::check(&entry.name)?);
    refuse_secret(&name, request)?;
    taken.clashes.add(&name)?;
    taken.places.check(&name)?;
    Ok(name)
}

/// A name is shown in many places, and one that was masked would be another file's.
fn refuse_secret(name: &str, request: &Request<'_>) -> Result<(), String> {
    let hidden = (request.hide)(name);
    if hidden == name {
        return Ok(());
    }
    Err(format!(
        "the guest's file {hidden:?} is refused: its name holds a secret"
    ))
}

/// Counts what is taken.
struct Taken<'a> {
    files: usize,
    bytes: u64,
    clashes: CaseClashes,
    places: FreePlaces<'a>,
    limits: Limits,
}

impl<'a> Taken<'a> {
    fn new(limits: Limits, out: &'a OutDirectory) -> Self {
        Self {
            files: 0,
            bytes: 0,
            clashes: CaseClashes::default(),
            places: out.free_places(),
            limits,
        }
    }

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

async fn fetch(
    channel: &dyn GuestChannel,
    directory: &str,
    names: Input,
    wanted: Wanted,
    out: &Arc<OutDirectory>,
    budget: u64,
) -> Result<Told<Unpacked>, CollectError> {
    let out = Arc::clone(out);
    let unpack = move |tar: &mut dyn Read| unpack(tar, &wanted, &out, budget);
    match transfer::fetch(channel, directory, names, unpack).await {
        Ok(told) => Ok(told),
        // What came whole before is kept.
        Err(FetchError::Reader((what, CollectError::Refused(why)), complaints)) => {
            let mut refused = vec![why];
            refused.extend(what.refused);
            Ok(Told {
                what: Unpacked { refused, ..what },
                complaints,
            })
        }
        Err(FetchError::Reader((_, failure), _)) => Err(failure),
        Err(FetchError::Channel(error)) => Err(CollectError::Refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::rules::Rules;
    use crate::artifact::unpack::tests::archive;
    use crate::guest::fake;

    #[test]
    fn a_name_that_holds_a_secret_is_refused_without_it() {
        let directory = tempfile::tempdir().unwrap();
        let out = Arc::new(OutDirectory::open(directory.path()).unwrap());
        let rules = Rules::parse(&["**".to_owned()]).unwrap();
        let request = Request {
            selection: &rules,
            workspace: "C:\\a",
            out: &out,
            job: "build",
            hide: &|text| text.replace("hunter2", "***"),
            limits: Limits::default(),
        };
        for kind in ['f', 'l'] {
            let entry = Listing {
                kind,
                size: 1,
                name: b"logs/hunter2.txt".to_vec(),
            };
            let mut taken = Taken::new(request.limits, &out);
            let why = accept(&entry, Root::Workspace, &request, &mut taken).unwrap_err();
            assert!(
                why.contains("logs/***.txt") && why.contains("secret"),
                "{why}"
            );
            assert!(!why.contains("hunter2"), "{why}");
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
        let rules = Rules::parse(&["*.log".to_owned()]).unwrap();
        let request = Request {
            selection: &rules,
            workspace: "C:\\a",
            out: &out,
            job: "build",
            hide: &str::to_owned,
            limits: Limits::default(),
        };
        let collected = collect(&channel, request).await.unwrap();
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
}
