//! Reading what a job is to GitHub: permissions, concurrency, environment.

use crate::expr::{Availability, Template};
use crate::source::Spanned;
use crate::text;
use crate::yaml::{Entry, Node, NodeValue};

use super::concurrency::{Concurrency, Queue};
use super::environment::Environment;
use super::keys;
use super::permissions::{ANY, Access, Grant, Permission, Permissions, SCOPES};
use super::places;
use super::read::{Fields, Reader};
use crate::reader::Setting;

/// The longest name of a group, in characters.
const MAX_GROUP: usize = 400;

impl Reader {
    /// `permissions`, of a workflow or a job.
    pub(super) fn permissions(&mut self, fields: &Fields<'_>) -> Option<Permissions> {
        let entry = fields.entry("permissions")?;
        let grant = match &entry.value.value {
            NodeValue::Mapping(mapping) => {
                let entries = mapping.entries().iter();
                Grant::Scopes(entries.filter_map(|entry| self.permission(entry)).collect())
            }
            _ => Grant::All(self.all_permissions(&entry.value)?),
        };
        Some(Permissions {
            key: entry.key.span,
            grant,
        })
    }

    fn all_permissions(&mut self, node: &Node) -> Option<Access> {
        match node.scalar_text().as_deref() {
            Some("read-all") => Some(Access::Read),
            Some("write-all") => Some(Access::Write),
            Some(text) if !text.is_empty() => {
                let message = format!(
                    "expected a mapping of scopes, `read-all` or `write-all`, found `{text}`"
                );
                self.help(node.span, message, "`{}` takes all permissions away");
                None
            }
            _ => {
                self.expected(node, "a mapping of scopes, `read-all` or `write-all`");
                None
            }
        }
    }

    /// A scope that is nearly one of GitHub's is a mistake. Any other may be new.
    fn permission(&mut self, entry: &Entry) -> Option<Permission> {
        let scope = Spanned::new(entry.key.text.to_string(), entry.key.span);
        let known = SCOPES.iter().find(|(name, _)| *name == scope.value);
        if known.is_none() {
            let message = format!("unknown scope `{}`", scope.value);
            match text::suggestion(&scope.value, SCOPES.iter().map(|(name, _)| *name)) {
                Some(known) => self.help(scope.span, message, format!("did you mean `{known}`?")),
                None => self.warn(scope.span, message, None),
            }
        }
        let allowed = known.map_or(ANY, |(_, allowed)| allowed);
        let word = self.name(&entry.value, "a permission")?;
        let found = ANY.iter().find(|access| access.name() == word.value);
        match found {
            Some(access) if allowed.contains(access) => {}
            // GitHub takes it, and makes `read` of it.
            Some(Access::Write) if scope.value == "models" => self.warn(
                word.span,
                "`models` can be read only, so `write` is `read`",
                None,
            ),
            _ => {
                let names = text::listed(allowed.iter().map(|access| access.name()), "or");
                let message = format!(
                    "expected {names} for `{}`, found `{}`",
                    scope.value, word.value
                );
                self.report(word.span, message);
            }
        }
        Some(Permission {
            scope,
            access: *found?,
        })
    }

    /// `concurrency`, of a workflow or a job. A workflow's may be empty, which is as good as none.
    pub(super) fn concurrency(
        &mut self,
        fields: &Fields<'_>,
        place: &Availability,
        may_be_empty: bool,
    ) -> Option<Concurrency> {
        let entry = fields.entry("concurrency")?;
        let mapping = match &entry.value.value {
            NodeValue::Mapping(_) => self.fields(&entry.value, &keys::CONCURRENCY)?,
            NodeValue::Sequence(_) => {
                self.expected(&entry.value, "a string or a mapping");
                return None;
            }
            _ if may_be_empty && is_empty(&entry.value) => return None,
            _ => {
                return Some(Concurrency {
                    key: entry.key.span,
                    group: self.group(&entry.value, place)?,
                    cancel_in_progress: None,
                    queue: None,
                });
            }
        };
        let cancel = mapping.entry("cancel-in-progress");
        let cancel_in_progress = cancel.and_then(|entry| self.switch(&entry.value, place));
        let queue = mapping
            .get("queue")
            .and_then(|node| self.queue(node, place));
        if let Some(entry) = cancel
            && cancel_in_progress == Some(Setting::Literal(true))
            && queue == Some(Setting::Literal(Queue::Max))
        {
            self.help(
                entry.key.span,
                "`cancel-in-progress: true` can't be used with `queue: max`",
                "what is cancelled at once needs no queue",
            );
        }
        let Some(group) = mapping.get("group") else {
            self.report(entry.key.span, "`concurrency` has no `group`");
            return None;
        };
        Some(Concurrency {
            key: entry.key.span,
            group: self.group(group, place)?,
            cancel_in_progress,
            queue,
        })
    }

    fn group(&mut self, node: &Node, place: &Availability) -> Option<Template> {
        let group = self.full_template(node, place, "the name of a group")?;
        if group
            .as_literal()
            .is_some_and(|name| text::utf16_len(name) > MAX_GROUP)
        {
            let message =
                format!("the name of a group can't be longer than {MAX_GROUP} characters");
            self.report(node.span, message);
        }
        Some(group)
    }

    fn queue(&mut self, node: &Node, place: &Availability) -> Option<Setting<Queue>> {
        let template = self.full_template(node, place, "a queue")?;
        let Some(word) = template.as_literal() else {
            return Some(Setting::Template(template));
        };
        let queue = Queue::named(word);
        if queue.is_none() {
            let names = text::listed(Queue::NAMES, "or");
            self.report(node.span, format!("expected {names}, found `{word}`"));
        }
        queue.map(Setting::Literal)
    }

    /// `environment` of a job. Nothing is as good as none.
    pub(super) fn environment(&mut self, fields: &Fields<'_>) -> Option<Environment> {
        let entry = fields.entry("environment")?;
        let key = entry.key.span;
        let mapping = match &entry.value.value {
            NodeValue::Mapping(_) => self.fields(&entry.value, &keys::ENVIRONMENT)?,
            NodeValue::Sequence(_) => {
                self.expected(&entry.value, "a string or a mapping");
                return None;
            }
            _ if is_empty(&entry.value) => return None,
            _ => {
                return Some(Environment {
                    key,
                    name: self.template(&entry.value, &places::ENVIRONMENT, "a string")?,
                    url: None,
                    deployment: None,
                });
            }
        };
        let url = mapping
            .get("url")
            .and_then(|node| self.template(node, &places::ENVIRONMENT_URL, "a string"));
        let deployment = mapping
            .get("deployment")
            .and_then(|node| self.switch(node, &places::ENVIRONMENT));
        let Some(name) = mapping.get("name") else {
            self.report(key, "`environment` has no `name`");
            return None;
        };
        Some(Environment {
            key,
            name: self.template(name, &places::ENVIRONMENT, "a string")?,
            url,
            deployment,
        })
    }
}

pub(super) fn is_empty(node: &Node) -> bool {
    node.scalar_text().is_some_and(|text| text.is_empty())
}
