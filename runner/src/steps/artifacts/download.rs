//! What a download asks for, and which artifacts that are.

use globset::GlobBuilder;

use crate::steps::artifacts::Kept;
use crate::steps::artifacts::inputs::{flag, text};
use crate::steps::state::Variables;

/// The inputs that mean something, and those that only concern the way from GitHub's storage.
pub(super) const KNOWN: [&str; 9] = [
    "name",
    "artifact-ids",
    "path",
    "pattern",
    "merge-multiple",
    "repository",
    "run-id",
    // Without effect.
    "github-token",
    "digest-mismatch",
];

/// A download, as its inputs ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Download {
    which: Which,
    /// Whether all go into the same directory.
    merge: bool,
    /// The directory, as it was written; none for the workspace.
    pub(super) path: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    Named(String),
    Numbered(Vec<u64>),
    Fitting(String),
    All,
}

/// The run that a job is part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnRun<'a> {
    pub(super) repository: &'a str,
    pub(super) id: &'a str,
}

impl Download {
    /// What the inputs ask for; an error says what can't be had.
    pub(super) fn asked(inputs: &Variables, own: OwnRun<'_>) -> Result<Self, String> {
        refuse_other_run(inputs, own)?;
        let path = text(inputs, "path").map(str::to_owned);
        if let Some(path) = path.as_ref().filter(|path| path.starts_with('~')) {
            return Err(format!(
                "the path `{path}` can't be used: where `~` is, is not known; write the whole path"
            ));
        }
        let ids = text(inputs, "artifact-ids");
        let which = match (text(inputs, "name"), ids, text(inputs, "pattern")) {
            (Some(_), Some(_), _) => {
                return Err("the inputs `name` and `artifact-ids` exclude each other".to_owned());
            }
            (Some(name), None, _) => Which::Named(name.to_owned()),
            (None, Some(ids), _) => Which::Numbered(numbers(ids)?),
            (None, None, Some(pattern)) => Which::Fitting(pattern.to_owned()),
            (None, None, None) => Which::All,
        };
        Ok(Self {
            which,
            merge: flag(inputs, "merge-multiple")?,
            path,
        })
    }

    /// The artifacts among those that are kept, each with the directory that it goes to: below `directory`,
    /// which is in Windows form.
    pub(super) fn choose(
        &self,
        kept: &[Kept],
        directory: &str,
    ) -> Result<Vec<(Kept, String)>, String> {
        let mut is_single = false;
        let chosen: Vec<&Kept> = match &self.which {
            Which::All => kept.iter().collect(),
            Which::Fitting(pattern) => fitting(kept, pattern)?,
            Which::Named(name) => {
                is_single = true;
                let found = kept.iter().find(|one| one.name == *name);
                vec![found.ok_or_else(|| missing(&format!("`{name}`"), kept))?]
            }
            Which::Numbered(ids) => {
                is_single = ids.len() == 1;
                let found = ids.iter().map(|id| {
                    let found = kept.iter().find(|one| one.id == *id);
                    found.ok_or_else(|| missing(&format!("with the id {id}"), kept))
                });
                found.collect::<Result<_, _>>()?
            }
        };
        let place = |one: &Kept| {
            if is_single || self.merge {
                directory.to_owned()
            } else {
                format!("{}\\{}", directory.trim_end_matches('\\'), one.name)
            }
        };
        let chosen = chosen.into_iter();
        Ok(chosen.map(|one| (one.clone(), place(one))).collect())
    }
}

/// Artifacts of other runs are not here.
fn refuse_other_run(inputs: &Variables, own: OwnRun<'_>) -> Result<(), String> {
    let same = |name: &str, ours: &str| match text(inputs, name) {
        Some(other) if !other.eq_ignore_ascii_case(ours) => Err(format!(
            "artifacts of other runs can't be had: the input `{name}` is `{other}`, and this run's is \
             `{ours}`"
        )),
        _ => Ok(()),
    };
    same("run-id", own.id)?;
    same("repository", own.repository)
}

fn numbers(ids: &str) -> Result<Vec<u64>, String> {
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    ids.map(|id| {
        id.parse()
            .map_err(|_| format!("the input `artifact-ids` holds `{id}`, which is no id"))
    })
    .collect()
}

fn fitting<'k>(kept: &'k [Kept], pattern: &str) -> Result<Vec<&'k Kept>, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let glob = glob.map_err(|error| format!("the pattern `{pattern}` can't be used: {error}"))?;
    let matcher = glob.compile_matcher();
    Ok(kept
        .iter()
        .filter(|one| matcher.is_match(&one.name))
        .collect())
}

fn missing(what: &str, kept: &[Kept]) -> String {
    const NAMED: usize = 20;
    if kept.is_empty() {
        return format!("there is no artifact {what}: no step of this run has uploaded one yet");
    }
    let names = kept.iter().take(NAMED);
    let mut names: Vec<String> = names
        .map(|one| format!("`{}` (id {})", one.name, one.id))
        .collect();
    if kept.len() > NAMED {
        names.push(format!("and {} more", kept.len() - NAMED));
    }
    format!(
        "there is no artifact {what}; there are: {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::artifacts::inputs::given;

    const OWN: OwnRun<'_> = OwnRun {
        repository: "me/it",
        id: "7",
    };

    fn kept(id: u64, name: &str) -> Kept {
        Kept {
            id,
            name: name.to_owned(),
            files: 1,
            bytes: 1,
            digest: String::new(),
        }
    }

    fn chosen(inputs: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let all = [kept(2, "Log"), kept(3, "bin-arm"), kept(1, "bin-x64")];
        let asked = Download::asked(&given(inputs), OWN)?;
        let chosen = asked.choose(&all, r"C:\w")?;
        Ok(chosen
            .into_iter()
            .map(|(one, to)| format!("{}: {to}", one.name))
            .collect())
    }

    #[test]
    fn each_goes_to_a_directory_of_its_name_unless_it_is_the_only_one() {
        for (inputs, expected) in [
            (&[("name", "Log")][..], &[r"Log: C:\w"][..]),
            (
                &[],
                &[
                    r"Log: C:\w\Log",
                    r"bin-arm: C:\w\bin-arm",
                    r"bin-x64: C:\w\bin-x64",
                ],
            ),
            (
                &[("pattern", "bin-*")],
                &[r"bin-arm: C:\w\bin-arm", r"bin-x64: C:\w\bin-x64"],
            ),
            (
                &[("pattern", "{Log,x}"), ("merge-multiple", "true")],
                &[r"Log: C:\w"],
            ),
            (&[("pattern", "log")], &[]),
            (&[("artifact-ids", "3")], &[r"bin-arm: C:\w"]),
            (
                &[("artifact-ids", "1, 2,")],
                &[r"bin-x64: C:\w\bin-x64", r"Log: C:\w\Log"],
            ),
            (
                &[("name", "Log"), ("run-id", "7"), ("repository", "Me/it")],
                &[r"Log: C:\w"],
            ),
        ] {
            assert_eq!(chosen(inputs).unwrap(), expected, "{inputs:?}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_said() {
        for (inputs, expected) in [
            (
                &[("name", "log")][..],
                "`log`; there are: `Log` (id 2), `bin-arm` (id 3)",
            ),
            (&[("artifact-ids", "9")], "with the id 9"),
            (&[("artifact-ids", "x")], "`x`"),
            (&[("artifact-ids", "1"), ("name", "x")], "exclude"),
            (&[("run-id", "8")], "other runs"),
            (&[("repository", "me/other")], "`me/other`"),
            (&[("path", "~/x")], "`~/x`"),
            (&[("pattern", "[")], "`[`"),
            (&[("merge-multiple", "maybe")], "`maybe`"),
        ] {
            let why = chosen(inputs).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        let asked = Download::asked(&given(&[("name", "x")]), OWN).unwrap();
        assert!(
            asked
                .choose(&[], "")
                .unwrap_err()
                .contains("no step of this run")
        );
    }
}
