//! A guest's tar stream, taken apart into the files that are expected: those that were asked for by name, or
//! those of a whole directory that are taken. What it says of names and sizes is believed up to limits.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::artifact::judge::{Judge, Verdict};
use crate::artifact::manifest::Artifact;
use crate::artifact::selection::Root;
use crate::artifact::write::OutDirectory;
use crate::failure::InfraFailure;
use crate::guest::command::ChannelError;
use crate::guest::dialect::{Listing, below_here};

/// Why files of one place did not come back.
#[derive(Debug)]
pub(super) enum CollectError {
    /// The guest offered more than is taken, or broke the stream; the job fails.
    Refused(String),
    /// The machinery failed.
    Infra(InfraFailure),
}

impl From<ChannelError> for CollectError {
    fn from(error: ChannelError) -> Self {
        if error.is_transient() {
            Self::Infra(error.fails("cannot fetch artifacts from the guest"))
        } else {
            Self::Refused(error.to_string())
        }
    }
}

/// What was in a guest's tar stream.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// The files that came whole.
    pub(super) came: Vec<Artifact>,
    /// Why single files did not.
    pub(super) refused: Vec<String>,
}

/// The files that a guest is to send: what each will be called here, by its name there. Filled while
/// files already come.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<Mutex<BTreeMap<Vec<u8>, String>>>);

impl Wanted {
    fn names(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, String>> {
        // Each change is a single one, so that none is ever half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a file.
    pub(super) fn add(&self, there: Vec<u8>, here: String) {
        self.names().insert(there, here);
    }

    fn take(&self, there: &[u8]) -> Option<String> {
        self.names().remove(there)
    }

    /// Says of every file that did not come that it did not.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = std::mem::take(&mut *self.names()).into_values();
        missing
            .map(|name| format!("the guest did not send `{name}`"))
            .collect()
    }
}

/// Who says what becomes of the entries of a guest's tar stream. An error ends it.
pub(super) trait Expected {
    fn judge(&mut self, entry: Listing) -> Result<Verdict, String>;
}

/// Each file that was asked for is taken once, and there is nothing else.
impl Expected for Wanted {
    fn judge(&mut self, entry: Listing) -> Result<Verdict, String> {
        let Some(name) = self.take(&entry.name) else {
            return Err(format!(
                "the guest's archive holds {:?}, which nobody asked for",
                String::from_utf8_lossy(&entry.name)
            ));
        };
        if entry.kind == 'f' {
            return Ok(Verdict::Take(name));
        }
        let why = format!("the guest's file `{name}` became a link or a directory");
        // Neither has contents, which would have to be read.
        if entry.size > 0 {
            return Err(why);
        }
        Ok(Verdict::Refuse(why))
    }
}

/// All of a directory comes, and each file is judged as it comes.
pub(super) struct Whole {
    pub(super) root: Root,
    pub(super) judge: Arc<Mutex<Judge>>,
    /// How many more entries are looked at.
    pub(super) left: usize,
}

impl Expected for Whole {
    fn judge(&mut self, entry: Listing) -> Result<Verdict, String> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or("the guest's archive holds more files than are looked through")?;
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.judge(self.root, &entry)
    }
}

/// Takes the expected files from a guest's tar stream. `budget` is how many bytes may come. With an error
/// comes what came before it.
pub(super) fn unpack(
    tar: &mut dyn Read,
    expected: &mut dyn Expected,
    out: &OutDirectory,
    budget: u64,
) -> Result<Unpacked, (Unpacked, CollectError)> {
    let mut unpacked = Unpacked::default();
    match unpack_into(&mut unpacked, tar, expected, out, budget) {
        Ok(()) => Ok(unpacked),
        Err(error) => Err((unpacked, error)),
    }
}

/// Fills in what comes until there is no more, or something that ends it.
fn unpack_into(
    unpacked: &mut Unpacked,
    tar: &mut dyn Read,
    expected: &mut dyn Expected,
    out: &OutDirectory,
    mut budget: u64,
) -> Result<(), CollectError> {
    let mut archive = tar::Archive::new(tar);
    let mut long_name = None;
    // Raw: the library would read names of any length into memory.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() && long_name.is_none() {
            long_name = Some(read_long_text(&mut entry)?);
            continue;
        }
        if kind.is_gnu_longlink() {
            // Where a link leads that comes behind it, and is not taken.
            read_long_text(&mut entry)?;
            continue;
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let listing = Listing {
            kind: letter(kind),
            size: entry.size(),
            name: below_here(&name).to_vec(),
        };
        match expected.judge(listing).map_err(CollectError::Refused)? {
            Verdict::Take(name) => {
                let artifact = receive(&mut entry, &name, out, budget)?;
                budget -= artifact.size;
                unpacked.came.push(artifact);
                continue;
            }
            Verdict::Pass => {}
            Verdict::Refuse(why) => unpacked.refused.push(why),
        }
        // The contents of what is not taken come as well.
        let left = budget.checked_sub(entry.size());
        budget = left.ok_or_else(|| {
            CollectError::Refused("the guest sends more than is taken".to_owned())
        })?;
    }
    Ok(())
}

/// What an entry is, as a listing has it.
fn letter(kind: tar::EntryType) -> char {
    match kind {
        _ if kind.is_file() => 'f',
        _ if kind.is_dir() => 'd',
        _ => 'l',
    }
}

fn broken(error: std::io::Error) -> CollectError {
    CollectError::Refused(format!("the guest's archive cannot be read: {error}"))
}

/// Reads a name that is too long for its file's header and comes before that in an entry of its own.
fn read_long_text(entry: &mut tar::Entry<'_, impl Read>) -> Result<Vec<u8>, CollectError> {
    const LONGEST: u64 = 64 << 10;
    if entry.size() > LONGEST {
        return Err(CollectError::Refused(format!(
            "the guest's archive holds a name of {} bytes",
            entry.size()
        )));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(broken)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// Writes one file, whole and within the budget.
fn receive(
    entry: &mut tar::Entry<'_, impl Read>,
    name: &str,
    out: &OutDirectory,
    budget: u64,
) -> Result<Artifact, CollectError> {
    let size = entry.size();
    if size > budget {
        return Err(CollectError::Refused(format!(
            "the artifact `{name}` grew beyond what is taken"
        )));
    }
    let artifact = out.receive(name, entry).map_err(|error| {
        out.discard(name);
        let failure = InfraFailure::new(format!("cannot write the artifact `{name}`"));
        CollectError::Infra(failure.because(error))
    })?;
    if artifact.size == size {
        return Ok(artifact);
    }
    out.discard(name);
    Err(CollectError::Refused(format!(
        "the guest's archive ends within `{name}`"
    )))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
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

    fn long_name(name: &str) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(name.len() as u64);
        header.set_cksum();
        let mut bytes = [header.as_bytes(), name.as_bytes()].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    struct Tried {
        came: Vec<String>,
        /// Why others did not.
        refused: Vec<String>,
        /// How much was read of the archive.
        read: usize,
    }

    fn try_unpack(archive: &[u8], wanted: &[&str], budget: u64) -> Tried {
        let directory = tempfile::tempdir().unwrap();
        let out = OutDirectory::open(&directory.path().join("out")).unwrap();
        let mut asked = Wanted::default();
        for name in wanted {
            asked.add(name.as_bytes().to_vec(), (*name).to_owned());
        }
        let mut reader = archive;
        let result = unpack(&mut reader, &mut asked, &out, budget);
        let strays = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(strays, 1, "something was written outside");
        let (unpacked, error) = match result {
            Ok(unpacked) => (unpacked, None),
            Err((unpacked, CollectError::Refused(why))) => (unpacked, Some(why)),
            Err((_, CollectError::Infra(failure))) => panic!("{failure}"),
        };
        Tried {
            came: unpacked.came.into_iter().map(|one| one.path).collect(),
            refused: error
                .into_iter()
                .chain(unpacked.refused)
                .chain(asked.missing())
                .collect(),
            read: archive.len() - reader.len(),
        }
    }

    #[test]
    fn exactly_what_was_asked_for_is_taken() {
        let file = tar::EntryType::Regular;
        let good = archive(&[("./a.txt", file, "hello")]);
        assert_eq!(try_unpack(&good, &["a.txt"], 100).came, ["a.txt"]);
        let evil = [
            (archive(&[("../evil", file, "x")]), "nobody asked for"),
            (archive(&[("/etc/evil", file, "x")]), "nobody asked for"),
            (
                archive(&[("a.txt", tar::EntryType::Symlink, "")]),
                "became a link",
            ),
            (
                archive(&[(
                    "PaxHeaders/a",
                    tar::EntryType::XHeader,
                    "17 path=evil.txt\n",
                )]),
                "nobody asked for",
            ),
            (archive(&[]), "did not send"),
            (archive(&[("a.txt", file, &"x".repeat(200))]), "grew beyond"),
            (b"garbage garbage garbage".to_vec(), "cannot be read"),
        ];
        for (archive, why) in evil {
            let tried = try_unpack(&archive, &["a.txt"], 100);
            assert_eq!(tried.came, Vec::<String>::new());
            assert!(tried.refused[0].contains(why), "{:?}", tried.refused);
        }
        let twice = archive(&[("a.txt", file, "x"), ("a.txt", file, "y")]);
        let tried = try_unpack(&twice, &["a.txt"], 100);
        assert!(tried.refused[0].contains("nobody asked for"));
    }

    #[test]
    fn what_came_whole_is_kept_when_the_rest_does_not() {
        let file = tar::EntryType::Regular;
        let link = tar::EntryType::Symlink;
        let whole = archive(&[("a", file, "1"), ("link", link, ""), ("b", file, "2")]);
        let tried = try_unpack(&whole, &["a", "link", "b", "gone"], 100);
        assert_eq!(tried.came, ["a", "b"]);
        assert!(tried.refused[0].contains("`link` became a link"));
        assert!(tried.refused[1].contains("did not send `gone`"));

        let long = "x".repeat(2000);
        let cut = archive(&[("a", file, "1"), ("b", file, &long)]);
        let tried = try_unpack(&cut[..2048], &["a", "b", "c"], 10_000);
        assert_eq!(tried.came, ["a"]);
        assert!(tried.refused[0].contains("ends within `b`"));
        assert!(tried.refused[1].contains("did not send `c`"));
    }

    #[test]
    fn long_names_are_read_up_to_a_limit() {
        let name = "n/".repeat(200) + "n";
        let file = archive(&[("nnn", tar::EntryType::Regular, "x")]);
        let good = [long_name(&name), file.clone()].concat();
        assert_eq!(try_unpack(&good, &[&name], 100).came, [name.as_str()]);
        let huge = [long_name(&"n".repeat(9 << 20)), file.clone()].concat();
        let tried = try_unpack(&huge, &[&name], 100);
        assert!(tried.refused[0].contains("a name of"));
        assert!(tried.read < 1 << 20, "{} bytes were read", tried.read);
        let endless = [long_name(&name), long_name(&name), file].concat();
        let tried = try_unpack(&endless, &["nnn"], 100);
        assert!(tried.refused[0].contains("nobody asked for"));
    }
}
