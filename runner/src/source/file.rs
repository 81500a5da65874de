//! A job of a workflow file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dormer_workflow::action::ActionReference;
use dormer_workflow::workflow::{Job, StepAction, Workflow};
use dormer_workflow::{Problem, SourceFile, parse_workflow};

use crate::failure::InputError;

/// A workflow is text that people write; more than this is something else.
const LARGEST: u64 = 4 << 20;

/// A job and the workflow that it is part of.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// The job.
    pub job: Arc<Job>,
    /// The workflow's name, if it has one.
    pub name: Option<String>,
    /// What the file's reader should know.
    pub warnings: Vec<String>,
}

/// Reads a file and chooses a job: the one that is named, or the only one.
pub fn select(path: &Path, job: Option<&str>) -> Result<Selected, InputError> {
    let shown = path.display().to_string();
    let text = read(path, &shown)?;
    let workflow = parse_workflow(&SourceFile::new(shown.as_str(), text))
        .map_err(|problems| wrong(problems.into_vec()))?;
    let job = choose(&workflow, job, &shown)?.clone();
    refuse_unsupported(&workflow, &job)?;
    let mut warnings: Vec<String> = workflow.warnings.iter().map(ToString::to_string).collect();
    warnings.extend(without_effect(&job));
    let name = workflow.name.as_ref().map(|name| name.value.clone());
    Ok(Selected {
        workflow: Arc::new(workflow),
        job: Arc::new(job),
        name,
        warnings,
    })
}

fn read(path: &Path, shown: &str) -> Result<String, InputError> {
    let cannot = |why: String| {
        InputError::usage(format!("cannot read the workflow `{shown}`: {why}"))
            .help("name a file such as `.github/workflows/build.yml`")
    };
    let found = fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !found.is_file() {
        return Err(cannot("it is not a file".to_owned()));
    }
    if found.len() > LARGEST {
        return Err(cannot("it is larger than any workflow".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
    utf8(bytes, shown)
}

/// A file's text, or an error that names the first line that is none.
pub fn utf8(bytes: Vec<u8>, shown: &str) -> Result<String, InputError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        InputError::usage(format!("{shown}:{line}:1: the file is not UTF-8"))
    })
}

fn choose<'w>(
    workflow: &'w Workflow,
    wanted: Option<&str>,
    shown: &str,
) -> Result<&'w Job, InputError> {
    let ids: Vec<&str> = workflow
        .jobs
        .iter()
        .map(|job| job.id.value.as_str())
        .collect();
    let list = format!("the jobs are: {}", ids.join(", "));
    match (wanted, workflow.jobs.as_slice()) {
        (Some(id), _) => workflow.job(id).ok_or_else(|| {
            InputError::usage(format!("there is no job `{id}` in `{shown}`")).help(list)
        }),
        (None, [only]) => Ok(only),
        (None, _) => Err(InputError::usage(format!(
            "`{shown}` has {} jobs, and whole workflows cannot be run yet",
            ids.len()
        ))
        .help(format!("choose one with `--job ID`; {list}"))),
    }
}

/// Everything in the job that this version can't run, at once.
fn refuse_unsupported(workflow: &Workflow, job: &Job) -> Result<(), InputError> {
    let mut problems = workflow.unsupported_in(&job.id.value);
    for step in &job.steps {
        let StepAction::Uses { reference, .. } = &step.action else {
            continue;
        };
        if let Err(error) = ActionReference::parse(&reference.value) {
            problems.push(Problem::new(
                &workflow.source,
                reference.span,
                error.to_string(),
            ));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(wrong(problems))
    }
}

/// What the job says of its place among others. It is run by itself, so that has no effect.
fn without_effect(job: &Job) -> Option<String> {
    let keys = [
        ("if", job.condition.is_some()),
        ("needs", !job.needs.is_empty()),
        ("continue-on-error", job.continue_on_error.is_some()),
        ("concurrency", job.concurrency.is_some()),
        ("environment", job.environment.is_some()),
    ];
    let there = keys.iter().filter(|(_, there)| *there);
    let names: Vec<String> = there.map(|(name, _)| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} of the job `{}` has no effect: the job is run by itself",
            names.join(", "),
            job.id.value
        )
    })
}

/// All problems of a file as one error, each with its line.
fn wrong(problems: Vec<Problem>) -> InputError {
    let count = problems.len();
    let texts: Vec<String> = problems
        .iter()
        .map(|problem| problem.render().trim_end().to_owned())
        .collect();
    let head = if count == 1 {
        "the workflow cannot be run:".to_owned()
    } else {
        format!("the workflow cannot be run, for {count} reasons:")
    };
    InputError::usage(format!("{head}\n{}", texts.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select_text(text: &str, job: Option<&str>) -> Result<Selected, InputError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("w.yml");
        fs::write(&path, text).unwrap();
        select(&path, job)
    }

    const TWO: &str = "on: push\njobs:\n  a:\n    runs-on: windows-latest\n    steps:\n      - run: x\n  \
                       b:\n    runs-on: windows-latest\n    steps:\n      - uses: some/act ion@v1\n";

    #[test]
    fn several_jobs_are_an_error_that_names_them() {
        let error = select_text(TWO, None).unwrap_err();
        assert!(error.help.unwrap().contains("a, b"));
        assert_eq!(select_text(TWO, Some("A")).unwrap().job.id.value, "a");
        let error = select_text(TWO, Some("c")).unwrap_err();
        assert!(error.message.contains("`c`") && error.help.unwrap().contains("a, b"));
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let text = "on: push\njobs:\n  a:\n    if: false\n    concurrency: x\n    runs-on: w\n    \
                    steps:\n      - run: x\n";
        let warnings = select_text(text, None).unwrap().warnings;
        assert!(warnings[0].starts_with("`if`, `concurrency` of the job `a`"));
        assert!(select_text(TWO, Some("a")).unwrap().warnings.is_empty());
    }

    #[test]
    fn what_cannot_be_run_yet_is_named_with_its_place() {
        let error = select_text(TWO, Some("b")).unwrap_err();
        assert!(error.message.contains("some/act ion"), "{}", error.message);
        assert!(error.message.contains("w.yml:10:15"), "{}", error.message);
    }

    #[test]
    fn a_missing_a_malformed_and_a_binary_file_are_told_apart() {
        let error = select(Path::new("/no/such/file.yml"), None).unwrap_err();
        assert!(error.message.contains("/no/such/file.yml"));
        let error = select_text("on: push\njobs: [", None).unwrap_err();
        assert!(error.message.contains("w.yml:2:"), "{}", error.message);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.yml");
        fs::write(&path, b"on: push\n\xff\xfe").unwrap();
        assert!(
            select(&path, None)
                .unwrap_err()
                .message
                .contains(":2:1: the file is not UTF-8")
        );
        assert!(select(directory.path(), None).is_err());
    }
}
