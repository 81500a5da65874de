//! Any three files can be checked: a workflow, one that it may call, an action that it may use.

#![no_main]

use dormer_workflow::SourceFile;
use dormer_workflow::check::{Files, Unreadable, check};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 3] = [
    ".github/workflows/ci.yml",
    ".github/workflows/a.yml",
    "a/action.yml",
];

struct Texts<'t>(Vec<&'t str>);

impl Files for Texts<'_> {
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
        let found = PATHS.iter().position(|known| *known == path);
        let text = found.and_then(|at| self.0.get(at));
        let text = text.ok_or(Unreadable::Missing)?;
        Ok(SourceFile::new(path, *text))
    }
}

// A NUL ends a file and begins the next.
fuzz_target!(|text: &str| {
    let texts = Texts(text.splitn(PATHS.len(), '\0').collect());
    for path in PATHS.iter().take(texts.0.len()) {
        if let Ok(report) = check(&texts, path) {
            for problem in report.errors.iter().chain(&report.warnings) {
                let _ = problem.render();
            }
        }
    }
});
