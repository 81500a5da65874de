//! Bringing the actions of other repositories into the guest: those that steps use, and those that these
//! use in turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dormer_workflow::action::Runs;
use dormer_workflow::workflow::{Step, StepAction};

use crate::event::{Events, JobEvent};
use crate::steps::action::local::{DOCKERFILE, NAMES};
use crate::steps::action::site::{Ground, Origin, Site, Used, below, has_pre, used};
use crate::steps::action::source::{ActionSource, Placed};

/// How deeply composite actions may use composite actions: GitHub's own limit.
pub const MAX_DEPTH: usize = 10;

/// The actions of other repositories that are in the guest, by their references in lower case.
pub type Sites = BTreeMap<String, Site>;

/// What preparing actions takes.
pub struct Preparation<'a> {
    /// Where repositories come from.
    pub source: &'a dyn ActionSource,
    /// Where it is said which commit a reference meant.
    pub events: &'a Events,
    /// The directory of the guest that holds repositories of actions, in Windows form.
    pub actions: String,
    /// What decides on the meaning of references.
    pub ground: Ground<'a>,
}

/// Steps whose actions are to be looked at.
struct Open {
    uses: Vec<String>,
    within: Option<Site>,
    depth: usize,
}

impl Open {
    fn of(steps: &[Step], within: Option<Site>, depth: usize) -> Self {
        let uses = steps.iter().filter_map(|step| match &step.action {
            StepAction::Uses { reference, .. } => Some(reference.value.clone()),
            _ => None,
        });
        Self {
            uses: uses.collect(),
            within,
            depth,
        }
    }
}

impl Preparation<'_> {
    /// Adds to `sites` what these steps need and it does not have yet. `depth` is how many composite
    /// actions are around the steps, the innermost of which is `within`.
    ///
    /// # Errors
    ///
    /// The first thing that is missing or wrong, for people.
    pub async fn complete(
        &self,
        sites: &mut Sites,
        steps: &[Step],
        within: Option<&Site>,
        depth: usize,
    ) -> Result<(), String> {
        let mut open = vec![Open::of(steps, within.cloned(), depth)];
        let mut placed = HashMap::new();
        // How deep an action was found; what uses itself is found deeper and deeper, up to the limit.
        let mut deepest: HashMap<String, usize> = HashMap::new();
        while let Some(next) = open.pop() {
            for text in &next.uses {
                // What can't be understood, or can't be had at all, fails the step that needs it.
                let Ok(Used::Remote { uses, origin, path }) =
                    used(text, next.within.as_ref(), self.ground)
                else {
                    continue;
                };
                let key = key(&uses);
                if deepest.get(&key).is_some_and(|known| *known >= next.depth) {
                    continue;
                }
                deepest.insert(key.clone(), next.depth);
                if !sites.contains_key(&key) {
                    let site = self.site(&mut placed, uses, origin, &path).await?;
                    sites.insert(key.clone(), site);
                }
                let Some(site) = sites.get(&key) else {
                    continue;
                };
                if let Runs::Composite { steps } = site.action()?.runs {
                    check_depth(next.depth + 1)?;
                    open.push(Open::of(&steps, Some(site.clone()), next.depth + 1));
                }
            }
        }
        Ok(())
    }

    async fn site(
        &self,
        placed: &mut HashMap<Origin, Placed>,
        uses: String,
        origin: Origin,
        path: &str,
    ) -> Result<Site, String> {
        let Origin {
            repository,
            git_ref,
        } = &origin;
        let root = below(&self.actions, &format!("{repository}/{git_ref}"));
        if !placed.contains_key(&origin) {
            let got = self.source.place(repository, git_ref, &root).await;
            let got = got.map_err(|why| format!("cannot get the action `{uses}`: {why}"))?;
            placed.insert(origin.clone(), got);
        }
        let Some(got) = placed.get(&origin) else {
            return Err(format!("the action `{uses}` was placed nowhere"));
        };
        self.events.emit(JobEvent::ActionPinned {
            uses: uses.clone(),
            commit: got.commit.clone(),
        });
        let (name, text) = file_of(got, &uses, path)?;
        Ok(Site {
            file: format!("{uses}/{name}"),
            directory: below(&root, path),
            uses,
            from: Some(origin),
            root,
            text,
        })
    }
}

/// How a reference is known: repositories' names have no case, and neither have Windows' files.
pub fn key(uses: &str) -> String {
    uses.to_lowercase()
}

/// Whether composite actions may be nested so deeply.
pub fn check_depth(depth: usize) -> Result<(), String> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(format!(
        "composite actions are nested more than {MAX_DEPTH} deep, which GitHub does not allow either"
    ))
}

fn file_of(placed: &Placed, uses: &str, path: &str) -> Result<(&'static str, String), String> {
    for name in NAMES {
        let slash = if path.is_empty() { "" } else { "/" };
        let found = placed.files.read(&format!("{path}{slash}{name}"));
        let found = found.map_err(|why| format!("cannot read the action `{uses}`: {why}"))?;
        match found {
            Some(_) if name == "Dockerfile" => return Ok((name, DOCKERFILE.to_owned())),
            Some(text) => return Ok((name, text)),
            None => {}
        }
    }
    Err(format!(
        "the action `{uses}` has no `action.yml`, `action.yaml` or `Dockerfile`"
    ))
}

/// Whether an action does something before the job's first step: by itself, or by one that it uses, as
/// far as those are known.
pub fn begins_early(site: &Site, sites: &Sites, ground: Ground<'_>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![site];
    while let Some(site) = open.pop() {
        let Ok(action) = site.action() else { continue };
        let Runs::Composite { steps } = &action.runs else {
            if has_pre(&action) {
                return true;
            }
            continue;
        };
        for text in Open::of(steps, None, 0).uses {
            let Ok(Used::Remote { uses, .. }) = used(&text, Some(site), ground) else {
                continue;
            };
            if seen.insert(key(&uses)) {
                open.extend(sites.get(&key(&uses)));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use dormer_workflow::parse_workflow;
    use dormer_workflow::source::SourceFile;

    use super::*;
    use crate::steps::action::source::ActionFiles;

    const GROUND: Ground<'_> = Ground {
        workspace: r"C:\a\it\it",
        real_actions: false,
        own: None,
    };

    /// Repositories of one file each, by their names.
    #[derive(Debug, Default)]
    struct Shelf {
        files: Vec<(&'static str, String)>,
        asked: Mutex<Vec<String>>,
    }

    #[derive(Debug)]
    struct OneFile(&'static str, String);

    impl ActionFiles for OneFile {
        fn read(&self, path: &str) -> Result<Option<String>, String> {
            Ok((path == self.0).then(|| self.1.clone()))
        }
    }

    #[async_trait]
    impl ActionSource for Shelf {
        async fn place(&self, repository: &str, _: &str, at: &str) -> Result<Placed, String> {
            self.asked.lock().unwrap().push(at.to_owned());
            let found = self
                .files
                .iter()
                .find(|(name, _)| name.starts_with(repository));
            let (name, text) = found.ok_or("no such repository")?;
            let path = name[repository.len()..].trim_start_matches('/');
            Ok(Placed {
                commit: Some("c0ffee".to_owned()),
                files: Box::new(OneFile(path, text.clone())),
            })
        }
    }

    fn composite(uses: &str) -> String {
        format!("runs:\n  using: composite\n  steps:\n    - uses: {uses}\n")
    }

    const NODE: &str = "runs:\n  using: node20\n  pre: a.js\n  main: b.js\n";

    async fn prepared(shelf: &Shelf, uses: &str) -> Result<Sites, String> {
        let text =
            format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: {uses}\n");
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        let (events, _queue) = Events::accept("a");
        let preparation = Preparation {
            source: shelf,
            events: &events,
            actions: r"C:\a\_actions".to_owned(),
            ground: GROUND,
        };
        let mut sites = Sites::new();
        let steps = &workflow.jobs[0].steps;
        preparation.complete(&mut sites, steps, None, 0).await?;
        Ok(sites)
    }

    #[tokio::test]
    async fn what_an_action_uses_is_prepared_too() {
        let shelf = Shelf {
            files: vec![
                ("a/outer/sub/action.yaml", composite("B/inner@v2")),
                ("B/inner/action.yml", NODE.to_owned()),
            ],
            ..Shelf::default()
        };
        let sites = prepared(&shelf, "a/outer/sub@feature/x").await.unwrap();
        let outer = &sites["a/outer/sub@feature/x"];
        assert_eq!(outer.directory, r"C:\a\_actions\a\outer\feature\x\sub");
        assert_eq!(outer.file, "a/outer/sub@feature/x/action.yaml");
        assert_eq!(sites.len(), 2);
        assert!(begins_early(outer, &sites, GROUND));
        assert_eq!(shelf.asked.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn what_uses_itself_is_too_deep() {
        let shelf = Shelf {
            files: vec![
                ("a/x/action.yml", composite("a/y@v1")),
                ("a/y/action.yml", composite("a/x@v1")),
            ],
            ..Shelf::default()
        };
        let why = prepared(&shelf, "a/x@v1").await.unwrap_err();
        assert!(why.contains("more than 10 deep"), "{why}");
        assert_eq!(shelf.asked.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn what_is_missing_or_wrong_is_named() {
        let shelf = Shelf {
            files: vec![("a/x/action.yml", "runs: {using: node20}".to_owned())],
            ..Shelf::default()
        };
        for (uses, expected) in [
            (
                "a/none@v1",
                "cannot get the action `a/none@v1`: no such repository",
            ),
            ("a/x/sub@v1", "the action `a/x/sub@v1` has no `action.yml`"),
            ("a/x@v1", "a/x@v1/action.yml:1:"),
        ] {
            let why = prepared(&shelf, uses).await.unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }
}
