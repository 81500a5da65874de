//! Reading `runs`.

use crate::expr::{Availability, Condition, Template};
use crate::reader::{Fields, Keys, Reader, TemplateMap};
use crate::source::Spanned;
use crate::text;
use crate::yaml::Node;

use super::model::{DockerRuns, Hook, NodeRuns, NodeVersion, Runs};
use super::rules;

/// Beside the versions of Node.js.
const COMPOSITE: &str = "composite";
const DOCKER: &str = "docker";

impl Reader {
    pub(super) fn runs(&mut self, fields: &Fields<'_>) -> Option<Runs> {
        let Some(node) = fields.get("runs") else {
            self.missing(fields, "the action has no `runs`");
            return None;
        };
        let fields = self.any_fields(node, &rules::RUNS)?;
        let Some(using) = fields.get("using") else {
            return self.plugin(node, &fields);
        };
        let using = self.name(using, "what the action runs with")?;
        if text::equal(&using.value, COMPOSITE) {
            return self.composite(node, &fields);
        }
        if text::equal(&using.value, DOCKER) {
            return self.docker(node, &fields, &using);
        }
        let version = NodeVersion::ALL
            .into_iter()
            .find(|version| text::equal(&using.value, version.name()));
        match version {
            Some(version) => self.node(node, &fields, Spanned::new(version, using.span)),
            None => {
                self.unknown_using(&using);
                None
            }
        }
    }

    fn unknown_using(&mut self, using: &Spanned<String>) {
        let known = || {
            let versions = NodeVersion::ALL.map(NodeVersion::name);
            [COMPOSITE, DOCKER].into_iter().chain(versions)
        };
        let message = format!("an action can't run with `{}`", using.value);
        self.help(
            using.span,
            message,
            format!("expected {}", text::listed(known(), "or")),
        );
    }

    /// Refuses unknown keys, and those that belong to another kind of action.
    fn runs_keys(&mut self, node: &Node, own: &Keys) {
        let kinds = [
            &rules::COMPOSITE,
            &rules::NODE,
            &rules::DOCKER,
            &rules::PLUGIN,
        ];
        for entry in node
            .as_mapping()
            .map(|mapping| mapping.entries())
            .unwrap_or_default()
        {
            let key = &&*entry.key.text;
            if own.keys.contains(key) {
                continue;
            }
            if kinds.iter().any(|kind| kind.keys.contains(key)) {
                let message = format!("`{key}` can't be used in {}", own.of);
                self.report(entry.key.span, message);
            } else {
                self.unknown_key(entry, own);
            }
        }
    }

    fn plugin(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Runs> {
        let Some(plugin) = fields.entry("plugin") else {
            self.missing(fields, "`runs` has no `using`");
            return None;
        };
        self.runs_keys(node, &rules::PLUGIN);
        let name = self.name(&plugin.value, "the name of a plugin")?;
        self.warnings.report(
            plugin.key.span,
            "this action is a part of GitHub's runner, which Dormer does not have",
        );
        Some(Runs::Plugin { name })
    }

    fn composite(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Runs> {
        self.runs_keys(node, &rules::COMPOSITE);
        let Some(steps) = fields.get("steps") else {
            self.missing(fields, "the composite action has no `steps`");
            return None;
        };
        let Some(items) = steps.as_sequence() else {
            self.expected(steps, "a sequence of steps");
            return None;
        };
        let steps = self.step_list(items, &rules::STEPS);
        Some(Runs::Composite { steps })
    }

    fn node(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        version: Spanned<NodeVersion>,
    ) -> Option<Runs> {
        self.runs_keys(node, &rules::NODE);
        if version.value != version.value.runs_as() {
            let message = format!(
                "`{}` is no longer supported: the action runs with `{}`",
                version.value.name(),
                version.value.runs_as().name()
            );
            self.warnings.report(version.span, message);
        }
        let pre = self.hook(fields, "pre", "pre-if");
        let post = self.hook(fields, "post", "post-if");
        let Some(main) = fields.get("main") else {
            self.missing(fields, "the JavaScript action has no `main`");
            return None;
        };
        Some(Runs::Node(Box::new(NodeRuns {
            version,
            main: self.name(main, "a script")?,
            pre,
            post,
        })))
    }

    fn docker(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        using: &Spanned<String>,
    ) -> Option<Runs> {
        self.runs_keys(node, &rules::DOCKER);
        self.warnings.report(
            using.span,
            "this action needs a container: it can't run in a Windows VM",
        );
        let entrypoint = fields
            .get("entrypoint")
            .and_then(|node| self.name(node, "a program"));
        let args = self.args(fields);
        let env = match fields.get("env") {
            Some(node) => self.template_map(node, &rules::CONTAINER, Some(&rules::CONTAINER)),
            None => TemplateMap::default(),
        };
        let pre = self.hook(fields, "pre-entrypoint", "pre-if");
        let post = self.hook(fields, "post-entrypoint", "post-if");
        let Some(image) = fields.get("image") else {
            self.missing(fields, "the Docker action has no `image`");
            return None;
        };
        Some(Runs::Docker(Box::new(DockerRuns {
            image: self.name(image, "an image")?,
            entrypoint,
            args,
            env,
            pre,
            post,
        })))
    }

    fn args(&mut self, fields: &Fields<'_>) -> Vec<Template> {
        let Some(node) = fields.get("args") else {
            return Vec::new();
        };
        let Some(items) = node.as_sequence() else {
            self.expected(node, "a sequence of strings");
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.template(item, &rules::CONTAINER, "a string"))
            .collect()
    }

    /// What runs before or after all steps, with its condition. A condition of nothing is read but
    /// means nothing.
    fn hook(&mut self, fields: &Fields<'_>, script: &str, condition: &str) -> Option<Hook> {
        let condition = match fields.get(condition) {
            Some(node) => self.hook_condition(node),
            None => Condition::always(),
        };
        let script = self.name(fields.get(script)?, "a script")?;
        Some(Hook { script, condition })
    }

    /// It is an expression already: `${{ }}` is refused here.
    fn hook_condition(&mut self, node: &Node) -> Condition {
        let bare = self.full_template(node, &Availability::NOTHING, "a condition");
        let is_bare = bare.is_some_and(|text| text.as_literal().is_some());
        let condition = if is_bare {
            self.condition(node, &rules::HOOK_IF)
        } else {
            None
        };
        condition.map_or_else(Condition::always, Condition::without_success)
    }
}
