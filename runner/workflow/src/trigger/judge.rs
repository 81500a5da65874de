//! The rules of each filter, which are those of GitHub's page on workflow syntax.

use crate::expr::Object;
use crate::source::Spanned;
use crate::text;
use crate::workflow::{Event, Filters, Patterns, Trigger, usual_types};

use super::facts::{Facts, Ref};
use super::pattern::{Pattern, Work};
use super::{Changes, Misfit, Unjudged, Verdict};

/// Judges an event by its filters. `github` is the context of that name, with the payload in it; `changes` are
/// the files that it changed.
///
/// What hangs on more than these tell is not judged, and said to be so.
pub fn judge(event: &Event, github: &Object, changes: &Changes) -> Verdict {
    let mut judge = Judge {
        facts: Facts::new(&event.name.value, github, changes),
        work: Work::new(),
        misfits: Vec::new(),
        unjudged: Vec::new(),
    };
    if let Trigger::Activity(filters) = &event.trigger {
        judge.types(filters);
        judge.refs(filters);
        judge.paths(filters);
        judge.workflows(filters);
        judge.images(filters);
    }
    Verdict::new(judge.misfits, judge.unjudged)
}

/// A filter that is set, with its key.
struct Filter<'f> {
    key: &'static str,
    excludes: bool,
    patterns: Vec<Pattern>,
    /// The patterns as they are written.
    written: &'f [Spanned<String>],
}

struct Judge<'g> {
    facts: Facts<'g>,
    work: Work,
    misfits: Vec<Misfit>,
    unjudged: Vec<Unjudged>,
}

impl<'g> Judge<'g> {
    fn types(&mut self, filters: &Filters) {
        const KEY: &str = "types";
        let usual = usual_types(self.facts.event);
        let listed = || filters.types.iter().map(|kind| kind.value.as_str());
        match self.facts.action() {
            // Whoever wrote no filter need not be told that it was not looked at.
            Err(_) if filters.types.is_empty() => {}
            Err(why) => self.unjudged(KEY, why),
            Ok(action) if filters.types.is_empty() => {
                if !usual.is_empty() && !usual.contains(&action) {
                    let usual = text::listed(usual.iter().copied(), "and");
                    let message = format!(
                        "without `types` it is started by {usual}, and the type is `{action}`"
                    );
                    self.misfit(KEY, action, message);
                }
            }
            Ok(action) => {
                if !listed().any(|kind| kind == action) {
                    let message = format!("the type `{action}` is not among `{KEY}`");
                    self.misfit(KEY, action, message);
                }
            }
        }
    }

    /// Branches and tags. An event is about one of them, and what has filters for the other only is not
    /// started by it.
    fn refs(&mut self, filters: &Filters) {
        let branches = filter(&filters.branches, ["branches", "branches-ignore"]);
        let tags = filter(&filters.tags, ["tags", "tags-ignore"]);
        if branches.is_none() && tags.is_none() {
            return;
        }
        match (self.facts.reference(), branches, tags) {
            (Err(why), branches, tags) => {
                for filter in branches.iter().chain(&tags) {
                    self.unjudged(filter.key, why.clone());
                }
            }
            (Ok(Ref::Branch(name)), Some(filter), _) => self.name(&filter, "branch", name),
            (Ok(Ref::Tag(name)), _, Some(filter)) => self.name(&filter, "tag", name),
            (Ok(Ref::Branch(name)), None, other) => {
                self.other_kind(other, ["branch", "tags"], name)
            }
            (Ok(Ref::Tag(name)), other, None) => self.other_kind(other, ["tag", "branches"], name),
        }
    }

    fn other_kind(&mut self, filter: Option<Filter<'_>>, kinds: [&str; 2], name: &str) {
        let [is, wanted] = kinds;
        if let Some(Filter { key, .. }) = filter {
            let message =
                format!("with `{key}` alone only {wanted} start it, and `{name}` is a {is}");
            self.misfit(key, name, message);
        }
    }

    fn name(&mut self, filter: &Filter<'_>, what: &str, name: &str) {
        let passes = filter.takes(name, &mut self.work) != filter.excludes;
        let message = match filter.excludes {
            false => format!("the {what} `{name}` does not fit `{}`", filter.key),
            true => format!("`{}` leaves out the {what} `{name}`", filter.key),
        };
        self.decide(filter.key, passes, name, message);
    }

    /// Changed files: one that is meant is enough. GitHub does not look at those of a tag.
    fn paths(&mut self, filters: &Filters) {
        let Some(filter) = filter(&filters.paths, ["paths", "paths-ignore"]) else {
            return;
        };
        if self.facts.event == "push" && matches!(self.facts.reference(), Ok(Ref::Tag(_))) {
            return;
        }
        let changed = match self.facts.changed() {
            Ok(changed) => changed,
            Err(why) => return self.unjudged(filter.key, why),
        };
        let files = &changed.files;
        let Some(first) = files.first().copied() else {
            let message = format!(
                "with `{}` no push or pull request without a change starts it",
                filter.key
            );
            return self.misfit(filter.key, "", message);
        };
        let work = &mut self.work;
        let passes = files
            .iter()
            .any(|file| filter.takes(file, work) != filter.excludes);
        // GitHub looks at no more than these.
        let of_more = if changed.is_cut { "first " } else { "" };
        let message = match (filter.excludes, files.len()) {
            (false, 1) => format!("the changed file `{first}` does not fit `{}`", filter.key),
            (false, count) => format!(
                "none of the {of_more}{count} changed files, such as `{first}`, fits `{}`",
                filter.key
            ),
            (true, 1) => format!("`{}` leaves out the changed file `{first}`", filter.key),
            (true, count) => format!(
                "`{}` leaves out all {of_more}{count} changed files, such as `{first}`",
                filter.key
            ),
        };
        self.decide(filter.key, passes, first, message);
    }

    /// The names of workflows, which are patterns too.
    fn workflows(&mut self, filters: &Filters) {
        let Some(filter) = include("workflows", &filters.workflows) else {
            return;
        };
        match self.facts.workflow() {
            Ok(name) => self.name(&filter, "workflow", name),
            Err(why) => self.unjudged(filter.key, why),
        }
    }

    fn images(&mut self, filters: &Filters) {
        for (key, patterns) in [("names", &filters.names), ("versions", &filters.versions)] {
            if !patterns.is_empty() {
                self.unjudged(key, "Dormer does not know where it is told".to_owned());
            }
        }
    }

    /// Answers that were given without looking to the end are none.
    fn decide(&mut self, filter: &'static str, passes: bool, value: &str, message: String) {
        if self.work.is_over() {
            self.unjudged(filter, "its patterns take too long to compare".to_owned());
        } else if !passes {
            self.misfit(filter, value, message);
        }
    }

    fn misfit(&mut self, filter: &'static str, value: &str, message: String) {
        self.misfits.push(Misfit {
            filter,
            value: value.to_owned(),
            message,
        });
    }

    fn unjudged(&mut self, filter: &'static str, why: String) {
        self.unjudged.push(Unjudged { filter, why });
    }
}

impl Filter<'_> {
    /// Whether a text is among what the patterns name: the last one that it fits decides. A pattern
    /// that is the text itself needs no reading, as with the name `C++`.
    fn takes(&self, text: &str, work: &mut Work) -> bool {
        let mut both = self.patterns.iter().zip(self.written).rev();
        let last =
            both.find(|(pattern, written)| written.value == text || pattern.fits(text, work));
        last.is_some_and(|(pattern, written)| written.value == text || !pattern.excludes)
    }
}

/// A filter with the keys that it has if it includes and if it excludes. One without patterns is none.
fn filter<'f>(patterns: &'f Option<Patterns>, keys: [&'static str; 2]) -> Option<Filter<'f>> {
    let [includes, excludes] = keys;
    match patterns.as_ref()? {
        Patterns::Include(patterns) => include(includes, patterns),
        Patterns::Exclude(patterns) => include(excludes, patterns).map(|filter| Filter {
            excludes: true,
            ..filter
        }),
    }
}

fn include<'f>(key: &'static str, written: &'f [Spanned<String>]) -> Option<Filter<'f>> {
    let read = |text: &Spanned<String>| Pattern::read(&text.value);
    (!written.is_empty()).then(|| Filter {
        key,
        excludes: false,
        patterns: written.iter().map(read).collect(),
        written,
    })
}
