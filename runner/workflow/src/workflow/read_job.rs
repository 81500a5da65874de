//! Reading a job.

use crate::expr::Template;
use crate::source::Spanned;
use crate::yaml::{Entry, Node, NodeValue};

use super::ids;
use super::keys;
use super::model::{Job, Step};
use super::places;
use super::read::{Fields, Reader};
use super::runs_on::RunsOn;

impl Reader {
    /// A job and its id.
    pub(super) fn job(&mut self, entry: &Entry) -> Option<Job> {
        let id = Spanned::new(entry.key.text.to_string(), entry.key.span);
        if let Some(message) = ids::refuse(&id.value) {
            self.report(id.span, message);
        }
        let fields = self.any_fields(&entry.value, &keys::JOB)?;
        let calls = fields.get("uses").is_some();
        self.job_keys(&entry.value, calls);
        self.job_parts(&id, &fields, calls);
        Some(self.job_fields(id, &fields, &entry.value))
    }

    /// Refuses unknown keys, and those that belong to the other kind of job.
    fn job_keys(&mut self, node: &Node, calls: bool) {
        let (own, other) = if calls {
            (&keys::CALLING_JOB, &keys::JOB)
        } else {
            (&keys::JOB, &keys::CALLING_JOB)
        };
        for entry in node
            .as_mapping()
            .map(|mapping| mapping.entries())
            .unwrap_or_default()
        {
            let key = &&*entry.key.text;
            if own.keys.contains(key) {
                continue;
            }
            if other.keys.contains(key) {
                self.report(
                    entry.key.span,
                    format!("`{key}` can't be used in {}", own.of),
                );
            } else {
                self.unknown_key(entry, own);
            }
        }
    }

    /// Refuses a job that lacks what every job of its kind has.
    fn job_parts(&mut self, id: &Spanned<String>, fields: &Fields<'_>, calls: bool) {
        if calls {
            return;
        }
        for key in ["runs-on", "steps"] {
            if fields.get(key).is_none() {
                self.report(id.span, format!("the job `{}` has no `{key}`", id.value));
            }
        }
    }

    fn job_fields(&mut self, id: Spanned<String>, fields: &Fields<'_>, node: &Node) -> Job {
        Job {
            id,
            name: fields
                .get("name")
                .and_then(|node| self.template(node, &places::JOB_NAME, "a string")),
            needs: fields
                .get("needs")
                .map(|node| self.names(node, "the id of a job"))
                .unwrap_or_default(),
            condition: fields
                .get("if")
                .and_then(|node| self.condition(node, &places::JOB_IF)),
            runs_on: fields.get("runs-on").and_then(|node| self.runs_on(node)),
            env: self.env(fields, &places::JOB_ENV),
            defaults: self.defaults(fields, &places::JOB_DEFAULTS),
            timeout_minutes: fields
                .get("timeout-minutes")
                .and_then(|node| self.minutes(node, &places::JOB_TIMEOUT)),
            cancel_timeout_minutes: fields
                .get("cancel-timeout-minutes")
                .and_then(|node| self.minutes(node, &places::CANCEL_TIMEOUT)),
            continue_on_error: fields
                .get("continue-on-error")
                .and_then(|node| self.switch(node, &places::JOB_CONTINUE)),
            outputs: fields
                .get("outputs")
                .map(|node| self.template_map(node, &places::JOB_OUTPUTS, None))
                .unwrap_or_default(),
            steps: fields
                .get("steps")
                .map(|node| self.steps(node))
                .unwrap_or_default(),
            strategy: self.strategy(fields),
            environment: self.environment(fields),
            concurrency: self.concurrency(fields, &places::JOB_CONCURRENCY, false),
            permissions: self.permissions(fields),
            cache_mode: self.cache_mode(fields),
            container: self.container(fields),
            services: self.services(fields),
            snapshot: self.snapshot(fields),
            uses: self.called(fields),
            with: self.arguments(fields),
            secrets: self.call_secrets(fields),
            span: node.span,
        }
    }

    /// A label, a list of labels, or a mapping of a group and labels.
    fn runs_on(&mut self, node: &Node) -> Option<RunsOn> {
        const EXPECTED: &str = "a label";
        match &node.value {
            NodeValue::Sequence(items) => {
                if items.is_empty() {
                    self.report(node.span, "expected at least one label, found none");
                }
                Some(RunsOn::Labels(self.labels(items)))
            }
            NodeValue::Mapping(_) => {
                let fields = self.fields(node, &keys::RUNS_ON)?;
                let group = fields
                    .get("group")
                    .and_then(|node| self.full_template(node, &places::RUNS_ON, "a group"));
                let labels = match fields.get("labels").map(|node| (&node.value, node)) {
                    Some((NodeValue::Sequence(items), _)) => self.labels(items),
                    Some((_, node)) => self.labels(std::slice::from_ref(node)),
                    None => Vec::new(),
                };
                Some(RunsOn::Group { group, labels })
            }
            _ => self
                .full_template(node, &places::RUNS_ON, EXPECTED)
                .map(RunsOn::Label),
        }
    }

    fn labels(&mut self, items: &[Node]) -> Vec<Template> {
        items
            .iter()
            .filter_map(|item| self.full_template(item, &places::RUNS_ON, "a label"))
            .collect()
    }

    fn steps(&mut self, node: &Node) -> Vec<Step> {
        let Some(items) = node.as_sequence() else {
            self.expected(node, "a sequence of steps");
            return Vec::new();
        };
        if items.is_empty() {
            self.report(node.span, "expected at least one step, found none");
        }
        self.job_steps(items)
    }
}
