//! Any workflow that can be read can be planned, or has problems that can be shown.

#![no_main]

use std::sync::Arc;

use dormer_workflow::expr::Object;
use dormer_workflow::files::{Files, RemoteFile, Unreadable};
use dormer_workflow::plan::{Request, plan};
use dormer_workflow::trigger::Changes;
use dormer_workflow::workflow::RemoteReference;
use dormer_workflow::{SourceFile, parse_workflow};
use libfuzzer_sys::fuzz_target;

/// Every workflow that is called is the same one.
struct Same<'t>(&'t str);

impl Files for Same<'_> {
    fn read(&self, _: &str) -> Result<SourceFile, Unreadable> {
        Ok(SourceFile::new("called.yml", self.0))
    }

    fn remote(&self, _: &RemoteReference) -> Option<RemoteFile> {
        Some(RemoteFile {
            file: SourceFile::new("called.yml", self.0),
            commit: None,
        })
    }
}

fuzz_target!(|texts: (&str, &str, &str)| {
    let (text, called, input) = texts;
    let Ok(workflow) = parse_workflow(&SourceFile::new("fuzz.yml", text)) else {
        return;
    };
    let request = Request {
        inputs: vec![(input.to_owned(), input.to_owned())],
        vars: Object::from_iter([("x", input)]),
        ..Request::default()
    };
    let named = workflow.on.events.iter().map(|event| Request {
        event: Some(event.name.value.clone()),
        github: Object::from_iter([("ref", input), ("base_ref", input)]),
        changes: Changes::Files(vec![input.to_owned()]),
        ..Request::default()
    });
    for request in [request, Request::default()].into_iter().chain(named.take(4)) {
        match plan(&Arc::new(workflow.clone()), &request, &Same(called)) {
            Ok(plan) => {
                for job in &plan.jobs {
                    let _ = plan.expand(job, Object::new(), &Same(called));
                }
                let _ = plan.document();
            }
            Err(problems) => {
                assert!(!problems.is_empty());
                let _ = problems.render();
            }
        }
    }
});
