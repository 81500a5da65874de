//! What steps are called: for people, and in `github.action`.

use dormer_workflow::workflow::{Step, StepAction};

use crate::event::Stage;

/// `github.action` of a step: its id, else a name made of what it does, numbered where it comes again.
pub(super) fn action_name(steps: &[Step], index: usize) -> String {
    let Some(step) = steps.get(index) else {
        return String::new();
    };
    if let Some(id) = &step.id {
        return id.value.clone();
    }
    let base = base_name(step);
    let before = steps[..index].iter();
    let same = before.filter(|other| other.id.is_none() && base_name(other) == base);
    match same.count() {
        0 => base,
        earlier => format!("{base}_{}", earlier + 1),
    }
}

fn base_name(step: &Step) -> String {
    let StepAction::Uses { reference, .. } = &step.action else {
        return "__run".to_owned();
    };
    let text = reference.value.as_str();
    if text.starts_with(['.', '$']) {
        return "__self".to_owned();
    }
    let name = text.split('@').next().unwrap_or_default();
    let mut parts = name.trim_start_matches("docker://").split('/');
    let (owner, repo) = (parts.next().unwrap_or_default(), parts.next());
    let name = repo.map_or_else(|| owner.to_owned(), |repo| format!("{owner}_{repo}"));
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '_'
        }
    };
    format!("__{}", name.chars().map(plain).collect::<String>())
}

/// The name of a part of a step.
pub(super) fn of_stage(stage: Stage, name: &str) -> String {
    match stage {
        Stage::Pre => format!("Pre {name}"),
        Stage::Main => name.to_owned(),
        Stage::Post => format!("Post {name}"),
    }
}

/// What a step without a name is called; `script` is its script with the expressions filled in.
pub(super) fn of_action(action: &StepAction, script: &str) -> String {
    match action {
        StepAction::Run { .. } => {
            let first = script.trim().lines().next().unwrap_or_default();
            format!("Run {}", first.trim())
        }
        StepAction::Uses { reference, .. } => format!("Run {}", reference.value),
        StepAction::Control { .. } => "Control other steps".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use dormer_workflow::parse_workflow;
    use dormer_workflow::source::SourceFile;

    use super::*;

    #[test]
    fn steps_without_an_id_are_called_by_what_they_do() {
        let text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: a\n      - run: b\n      \
                    - uses: actions/cache/save@v4\n      - id: it\n        run: c\n      \
                    - uses: actions/cache@v3\n      - uses: ./x\n      - run: d\n";
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        let steps = &workflow.jobs[0].steps;
        let names: Vec<String> = (0..steps.len()).map(|n| action_name(steps, n)).collect();
        let expected = [
            "__run",
            "__run_2",
            "__actions_cache",
            "it",
            "__actions_cache_2",
            "__self",
            "__run_3",
        ];
        assert_eq!(names, expected);
    }
}
