//! Decides which of the files that a guest offers are taken, and what each is called here. Knows nothing
//! of how they are found or sent: each is judged by what the guest says of it, up to the limits on all.

use std::sync::Arc;

use crate::artifact::free::FreePlaces;
use crate::artifact::names::{self, CaseClashes};
use crate::artifact::selection::{Root, Selection};
use crate::artifact::write::OutDirectory;
use crate::guest::dialect::Listing;

/// A text with every secret in it replaced.
pub type Hide = Arc<dyn Fn(&str) -> String + Send + Sync>;

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

/// What is to become of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is taken, and called this.
    Take(String),
    /// Nobody wants it.
    Pass,
    /// It is wanted and not taken; why, with its name.
    Refuse(String),
}

/// Judges the files of one collection.
pub(super) struct Judge {
    selection: Arc<dyn Selection>,
    hide: Hide,
    out: Arc<OutDirectory>,
    limits: Limits,
    files: usize,
    bytes: u64,
    clashes: CaseClashes,
    places: FreePlaces,
}

impl Judge {
    pub(super) fn new(
        selection: Arc<dyn Selection>,
        hide: Hide,
        out: Arc<OutDirectory>,
        limits: Limits,
    ) -> Self {
        Self {
            selection,
            hide,
            out,
            limits,
            files: 0,
            bytes: 0,
            clashes: CaseClashes::default(),
            places: FreePlaces::default(),
        }
    }

    /// Judges what the guest offers below a root.
    ///
    /// # Errors
    ///
    /// That there is more than is taken, which is the end of the collection.
    pub(super) fn judge(&mut self, root: Root, entry: &Listing) -> Result<Verdict, String> {
        // Matching needs text; a name that is none can't have been asked for by name, but can
        // be by a wildcard, and is then refused below.
        let shown = String::from_utf8_lossy(&entry.name);
        if entry.kind == 'd' || !self.selection.wants(root, &shown) {
            return Ok(Verdict::Pass);
        }
        match self.accept(root, entry, &shown) {
            Ok(name) => {
                self.count(&name, entry.size)?;
                Ok(Verdict::Take(name))
            }
            Err(why) => Ok(Verdict::Refuse(why)),
        }
    }

    /// What a file will be called here; or why it is not taken.
    fn accept(&mut self, root: Root, entry: &Listing, shown: &str) -> Result<String, String> {
        // First: whatever else is wrong with it is told with its name.
        self.refuse_secret(shown)?;
        if entry.kind != 'f' {
            return Err(format!(
                "the guest's file {shown:?} is refused: it is a link or a device"
            ));
        }
        let name = self.selection.out_name(root, &names::check(&entry.name)?);
        self.refuse_secret(&name)?;
        self.clashes.add(&name)?;
        self.places.check(self.out.ground(), &name)?;
        Ok(name)
    }

    /// A name is shown in many places, and one that was masked would be another file's.
    fn refuse_secret(&self, name: &str) -> Result<(), String> {
        let hidden = (self.hide)(name);
        if hidden == name {
            return Ok(());
        }
        Err(format!(
            "the guest's file {hidden:?} is refused: its name holds a secret"
        ))
    }

    fn count(&mut self, name: &str, size: u64) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::rules::Rules;

    #[test]
    fn a_name_that_holds_a_secret_is_refused_without_it() {
        let directory = tempfile::tempdir().unwrap();
        let out = Arc::new(OutDirectory::open(directory.path()).unwrap());
        let rules = Arc::new(Rules::parse(&["**".to_owned()]).unwrap());
        let hide: Hide = Arc::new(|text| text.replace("hunter2", "***"));
        let mut judge = Judge::new(rules, hide, out, Limits::default());
        for kind in ['f', 'l'] {
            let entry = Listing {
                kind,
                size: 1,
                name: b"logs/hunter2.txt".to_vec(),
            };
            let Ok(Verdict::Refuse(why)) = judge.judge(Root::Workspace, &entry) else {
                panic!("it is not taken");
            };
            assert!(
                why.contains("logs/***.txt") && why.contains("secret"),
                "{why}"
            );
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
