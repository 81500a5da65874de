//! Reading the top level of a file.

use crate::expr::{Availability, Template};
use crate::source::Spanned;
use crate::text;
use crate::yaml::{self, Node};

use super::graph;
use super::keys;
use super::model::{Defaults, Job, Workflow};
use super::places;
use super::read::{Fields, Reader};
use super::triggers::Triggers;

/// The shells that need no `{0}`.
const SHELLS: [&str; 6] = ["bash", "cmd", "powershell", "pwsh", "python", "sh"];

impl Reader {
    /// The whole file.
    pub(super) fn workflow(&mut self) -> Option<Workflow> {
        let source = self.source().clone();
        let root = yaml::read(&source, &mut self.problems)?;
        let fields = self.fields(&root, &keys::WORKFLOW)?;
        if let Some(node) = fields.get("description") {
            self.literal(node, "a string");
        }
        let workflow = Workflow {
            name: fields
                .get("name")
                .and_then(|node| self.literal(node, "a string")),
            run_name: fields
                .get("run-name")
                .and_then(|node| self.template(node, &places::RUN_NAME, "a string")),
            on: self.on(&fields),
            env: self.env(&fields, &places::WORKFLOW_ENV),
            defaults: self.defaults(&fields, &Availability::NOTHING),
            permissions: self.permissions(&fields),
            concurrency: self.concurrency(&fields, &places::WORKFLOW_CONCURRENCY, true),
            cache_mode: self.cache_mode(&fields),
            jobs: self.jobs(&fields),
            warnings: self.take_warnings(),
            source,
        };
        graph::check(&workflow.jobs, self);
        Some(workflow)
    }

    fn on(&mut self, fields: &Fields<'_>) -> Triggers {
        match fields.get("on") {
            Some(node) => self.triggers(node),
            None => {
                self.missing(fields, "the workflow has no `on`: nothing would start it");
                Triggers {
                    events: Vec::new(),
                    span: fields.span,
                }
            }
        }
    }

    fn jobs(&mut self, fields: &Fields<'_>) -> Vec<Job> {
        let Some(node) = fields.get("jobs") else {
            self.missing(fields, "the workflow has no `jobs`");
            return Vec::new();
        };
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, "a mapping of job ids and jobs");
            return Vec::new();
        };
        if mapping.entries().is_empty() {
            self.report(node.span, "expected at least one job, found none");
        }
        mapping
            .entries()
            .iter()
            .filter_map(|entry| self.job(entry))
            .collect()
    }

    /// `cache-mode`, of a workflow or a job.
    pub(super) fn cache_mode(&mut self, fields: &Fields<'_>) -> Option<Spanned<String>> {
        let mode = self.name(fields.get("cache-mode")?, "a cache mode")?;
        if !keys::CACHE_MODES.contains(&mode.value.as_str()) {
            let known = text::listed(keys::CACHE_MODES, "or");
            self.report(
                mode.span,
                format!("expected {known}, found `{}`", mode.value),
            );
        }
        Some(mode)
    }

    /// `defaults`, of a workflow or a job.
    pub(super) fn defaults(&mut self, fields: &Fields<'_>, place: &Availability) -> Defaults {
        let run = fields
            .get("defaults")
            .and_then(|node| self.fields(node, &keys::DEFAULTS))
            .and_then(|fields| fields.get("run"))
            .and_then(|node| self.fields(node, &keys::DEFAULTS_RUN));
        let Some(run) = run else {
            return Defaults::default();
        };
        let mut read = |key: &str, expected: &str| {
            let node: &Node = run.get(key)?;
            self.full_template(node, place, expected)
        };
        let shell = read("shell", "the name of a shell");
        let working_directory = read("working-directory", "a directory");
        self.check_shell(shell.as_ref());
        Defaults {
            shell,
            working_directory,
        }
    }

    /// A shell that is none of those with a name of their own is a command with `{0}` in it. GitHub
    /// sees that only when the step is to run.
    pub(super) fn check_shell(&mut self, shell: Option<&Template>) {
        let Some((text, span)) = shell.and_then(|shell| shell.as_literal().zip(shell.span()))
        else {
            return;
        };
        if SHELLS.iter().any(|name| text::equal(name, text)) || text.contains("{0}") {
            return;
        }
        let names = text::listed(SHELLS, "and");
        let help = format!(
            "the shells are {names}; any other is a command with `{{0}}` where the script goes"
        );
        self.warn(
            span,
            format!("the shell `{text}` can't run a script"),
            Some(&help),
        );
    }
}
