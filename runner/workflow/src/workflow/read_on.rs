//! Reading `on`.

use crate::source::Spanned;
use crate::text;
use crate::yaml::{Entry, Node, NodeValue};

use super::cron;
use super::events::{self, EventRule, TYPES};
use super::inputs::Call;
use super::keys;
use super::read::Reader;
use super::triggers::{Event, Filters, Patterns, Schedule, Trigger, Triggers};

impl Reader {
    /// A name, a list of names, or a mapping of names and filters.
    pub(super) fn triggers(&mut self, node: &Node) -> Triggers {
        const EXPECTED: &str = "the name of an event";
        let events: Vec<Event> = match &node.value {
            NodeValue::Mapping(mapping) => mapping
                .entries()
                .iter()
                .map(|entry| {
                    let name = Spanned::new(entry.key.text.to_string(), entry.key.span);
                    self.event(name, Some(&entry.value))
                })
                .collect(),
            _ => {
                let names = self.names(node, EXPECTED);
                names
                    .into_iter()
                    .map(|name| self.event(name, None))
                    .collect()
            }
        };
        let is_empty = match &node.value {
            NodeValue::Mapping(mapping) => mapping.entries().is_empty(),
            NodeValue::Sequence(items) => items.is_empty(),
            _ => false,
        };
        if is_empty {
            self.report(node.span, "expected at least one event, found none");
        }
        Triggers {
            events,
            span: node.span,
        }
    }

    /// An event and what is said of it; there is nothing to say where only names are listed.
    fn event(&mut self, name: Spanned<String>, node: Option<&Node>) -> Event {
        let given = node.filter(|node| node.value != NodeValue::Null);
        let trigger = match name.value.as_str() {
            "schedule" => Trigger::Schedule(self.schedules(&name, node)),
            "workflow_dispatch" => {
                Trigger::Dispatch(given.map(|node| self.dispatch(node)).unwrap_or_default())
            }
            "workflow_call" => {
                Trigger::Call(given.map_or_else(Call::default, |node| self.call(node)))
            }
            "repository_dispatch" => Trigger::Activity(self.sender_types(given)),
            _ => Trigger::Activity(self.activity(&name, given)),
        };
        Event { name, trigger }
    }

    fn activity(&mut self, name: &Spanned<String>, node: Option<&Node>) -> Filters {
        match events::rule(&name.value) {
            Some(rule) => node
                .map(|node| self.filters(name, rule, node))
                .unwrap_or_default(),
            None => {
                self.unknown_event(name);
                Filters::default()
            }
        }
    }

    /// A name that is nearly that of an event is a mistake. Any other may be new, so that the
    /// file is not refused for it.
    fn unknown_event(&mut self, name: &Spanned<String>) {
        let message = format!("unknown event `{}`", name.value);
        match text::suggestion(&name.value, events::names()) {
            Some(known) => self.help(name.span, message, format!("did you mean `{known}`?")),
            None => self.warn(name.span, message, None),
        }
    }

    /// The filters of an event that GitHub knows.
    fn filters(&mut self, name: &Spanned<String>, rule: &EventRule, node: &Node) -> Filters {
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, &format!("the filters of `{}`, or nothing", rule.name));
            return Filters::default();
        };
        for entry in mapping.entries() {
            self.filter_key(rule, entry);
        }
        let find = |key: &str| mapping.entry(key).filter(|_| has(rule, key));
        let mut names = |key: &str| match find(key) {
            Some(entry) => self.names(&entry.value, "a name"),
            None => Vec::new(),
        };
        let (workflows, image_names, versions) =
            (names("workflows"), names("names"), names("versions"));
        if rule.name == "workflow_run" && workflows.is_empty() {
            self.warn(
                name.span,
                "without `workflows`, no workflow ever starts this one",
                Some("list the names of workflows in `workflows`"),
            );
        }
        Filters {
            types: find(TYPES)
                .map(|entry| self.activity_types(rule, entry))
                .unwrap_or_default(),
            branches: self.patterns(find("branches"), find("branches-ignore")),
            tags: self.patterns(find("tags"), find("tags-ignore")),
            paths: self.patterns(find("paths"), find("paths-ignore")),
            workflows,
            names: image_names,
            versions,
        }
    }

    fn filter_key(&mut self, rule: &EventRule, entry: &Entry) {
        let key = &*entry.key.text;
        if has(rule, key) {
            return;
        }
        let message = format!("`{}` has no filter `{key}`", rule.name);
        let types = (!rule.types.is_empty()).then_some(TYPES);
        let known: Vec<&str> = types
            .into_iter()
            .chain(rule.filters.iter().copied())
            .collect();
        if known.is_empty() {
            let help = format!("`{}` has no filters at all", rule.name);
            self.help(entry.key.span, message, help);
        } else if let Some(known) = text::suggestion(key, known.iter().copied()) {
            self.help(entry.key.span, message, format!("did you mean `{known}`?"));
        } else {
            let help = format!("its filters are {}", text::listed(known, "and"));
            self.help(entry.key.span, message, help);
        }
    }

    fn activity_types(&mut self, rule: &EventRule, entry: &Entry) -> Vec<Spanned<String>> {
        let types = self.names(&entry.value, "a type of activity");
        for found in &types {
            if rule.types.contains(&found.value.as_str()) {
                continue;
            }
            let message = format!("`{}` has no type `{}`", rule.name, found.value);
            let help = match text::suggestion(&found.value, rule.types.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if rule.types.len() == 1 => {
                    format!(
                        "its only type is {}",
                        text::listed(rule.types.iter().copied(), "")
                    )
                }
                None => format!(
                    "its types are {}",
                    text::listed(rule.types.iter().copied(), "and")
                ),
            };
            self.help(found.span, message, help);
        }
        types
    }

    /// `types` of `repository_dispatch`, which are whatever the sender says.
    fn sender_types(&mut self, node: Option<&Node>) -> Filters {
        const KEYS: keys::Keys = keys::Keys {
            of: "`repository_dispatch`",
            keys: &[TYPES],
        };
        let types = node
            .and_then(|node| self.fields(node, &KEYS))
            .and_then(|fields| fields.get(TYPES))
            .map(|node| self.names(node, "a type of event"));
        Filters {
            types: types.unwrap_or_default(),
            ..Filters::default()
        }
    }

    /// Patterns to include or to exclude: an event has only one of the two.
    fn patterns(&mut self, include: Option<&Entry>, exclude: Option<&Entry>) -> Option<Patterns> {
        if let (Some(include), Some(exclude)) = (include, exclude) {
            let second = if include.key.span < exclude.key.span {
                exclude
            } else {
                include
            };
            let message = format!(
                "an event can't have both `{}` and `{}`",
                include.key.text, exclude.key.text
            );
            let help = format!(
                "put what is to be left out into `{}`, with `!` before it",
                include.key.text
            );
            self.help(second.key.span, message, help);
        }
        let mut read = |entry: &Entry| self.names(&entry.value, "a pattern");
        match (include.map(&mut read), exclude.map(&mut read)) {
            (Some(patterns), _) => {
                self.only_exclusions(include, &patterns);
                Some(Patterns::Include(patterns))
            }
            (None, patterns) => patterns.map(Patterns::Exclude),
        }
    }

    fn only_exclusions(&mut self, entry: Option<&Entry>, patterns: &[Spanned<String>]) {
        let excludes = |pattern: &Spanned<String>| pattern.value.starts_with('!');
        if let (Some(entry), false) = (entry, patterns.is_empty())
            && patterns.iter().all(excludes)
        {
            let key = &entry.key.text;
            let help = format!("use `{key}-ignore` to leave something out of all there is");
            self.warn(
                entry.key.span,
                format!("nothing fits `{key}`, since all its patterns begin with `!`"),
                Some(&help),
            );
        }
    }

    /// The items of `schedule`.
    fn schedules(&mut self, name: &Spanned<String>, node: Option<&Node>) -> Vec<Schedule> {
        let Some(node) = node else {
            self.warn(
                name.span,
                "`schedule` starts nothing without a time",
                Some("write `schedule: [{cron: '0 4 * * *'}]` for every day at four"),
            );
            return Vec::new();
        };
        let Some(items) = node.as_sequence() else {
            self.expected(node, "a sequence of `cron` mappings");
            return Vec::new();
        };
        if items.is_empty() {
            self.report(node.span, "expected at least one `cron`, found none");
        }
        items
            .iter()
            .filter_map(|item| self.schedule(item))
            .collect()
    }

    fn schedule(&mut self, node: &Node) -> Option<Schedule> {
        let fields = self.fields(node, &keys::SCHEDULE)?;
        let timezone = fields
            .get("timezone")
            .and_then(|node| self.name(node, "a time zone"));
        if let Some(zone) = &timezone
            && !cron::is_timezone(&zone.value)
        {
            self.help(
                zone.span,
                format!("`{}` is not the name of a time zone", zone.value),
                "time zones have IANA names, such as `Europe/Berlin` or `UTC`",
            );
        }
        let Some(node) = fields.get("cron") else {
            self.missing(&fields, "the item has no `cron`");
            return None;
        };
        let cron = self.name(node, "a cron expression")?;
        match cron::check(&cron.value) {
            Err(fault) => {
                let span = self.part(node, fault.span);
                self.help(span, fault.message, fault.help);
            }
            Ok(Some(interval)) => self.warn(
                node.span,
                format!("GitHub starts no schedule every {interval}, only every five minutes"),
                None,
            ),
            Ok(None) => {}
        }
        Some(Schedule { cron, timezone })
    }
}

fn has(rule: &EventRule, key: &str) -> bool {
    if key == TYPES {
        !rule.types.is_empty()
    } else {
        rule.filters.contains(&key)
    }
}
