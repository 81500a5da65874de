//! Reading `container` and `services`.

use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::yaml::{Entry, Node, NodeValue};

use super::container::{Container, Credentials, Service, Services};
use super::keys;
use super::places;
use super::read::{Fields, Reader};
use super::read_settings::is_empty;
use crate::reader::TemplateMap;

/// What an image may be written after.
const PREFIX: &str = "docker://";

impl Reader {
    /// `container` of a job. Nothing is as good as none.
    pub(super) fn container(&mut self, fields: &Fields<'_>) -> Option<Container> {
        let entry = fields.entry("container")?;
        if is_empty(&entry.value) {
            return None;
        }
        self.any_container(entry, false)
    }

    /// `services` of a job.
    pub(super) fn services(&mut self, fields: &Fields<'_>) -> Option<Services> {
        let entry = fields.entry("services")?;
        let mut services = Services {
            key: entry.key.span,
            services: Vec::new(),
            whole: None,
        };
        match &entry.value.value {
            NodeValue::Mapping(mapping) => {
                let entries = mapping.entries().iter();
                services.services = entries.filter_map(|entry| self.service(entry)).collect();
            }
            NodeValue::String(text) if text.contains("${{") => {
                services.whole = self.template(&entry.value, &places::CONTAINER, "a mapping");
            }
            _ => self.expected(&entry.value, "a mapping of names and containers"),
        }
        Some(services)
    }

    fn service(&mut self, entry: &Entry) -> Option<Service> {
        let name = Spanned::new(entry.key.text.to_string(), entry.key.span);
        if name.value.is_empty() {
            self.report(name.span, "expected the name of a service, found nothing");
        }
        let container = self.any_container(entry, true)?;
        Some(Service { name, container })
    }

    fn any_container(&mut self, entry: &Entry, is_service: bool) -> Option<Container> {
        let key = entry.key.span;
        let known = if is_service {
            &keys::SERVICE
        } else {
            &keys::CONTAINER
        };
        match &entry.value.value {
            NodeValue::Mapping(_) => {
                let fields = self.fields(&entry.value, known)?;
                Some(self.container_fields(key, &fields, is_service))
            }
            NodeValue::Sequence(_) => {
                self.expected(&entry.value, "an image or a mapping");
                None
            }
            _ => Some(Container {
                image: self.image(&entry.value, is_service),
                ..plain(key)
            }),
        }
    }

    fn container_fields(&mut self, key: Span, fields: &Fields<'_>, is_service: bool) -> Container {
        let mut text = |key: &str| {
            let node = fields.get(key)?;
            self.template(node, &places::CONTAINER, "a string")
        };
        let (options, entrypoint, command) = (text("options"), text("entrypoint"), text("command"));
        let image = fields.get("image");
        if image.is_none() && is_service {
            self.report(key, "the service has no `image`");
        }
        Container {
            key,
            image: image.and_then(|node| self.image(node, is_service)),
            env: match fields.get("env") {
                Some(node) => {
                    self.template_map(node, &places::CONTAINER_ENV, Some(&places::CONTAINER))
                }
                None => TemplateMap::default(),
            },
            ports: self.texts(fields.get("ports"), "a port"),
            volumes: self.texts(fields.get("volumes"), "a volume"),
            options,
            credentials: fields
                .get("credentials")
                .and_then(|node| self.credentials(node)),
            entrypoint,
            command,
        }
    }

    /// A container without an image is none at all, but a service must have one.
    fn image(&mut self, node: &Node, is_service: bool) -> Option<Template> {
        let image = self.template(node, &places::CONTAINER, "an image")?;
        let literal = image.as_literal();
        if literal == Some(PREFIX) || (literal == Some("") && is_service) {
            self.report(node.span, "expected an image, found nothing");
        }
        (literal != Some("")).then_some(image)
    }

    fn texts(&mut self, node: Option<&Node>, expected: &str) -> Vec<Template> {
        let Some(node) = node else {
            return Vec::new();
        };
        match &node.value {
            NodeValue::Sequence(items) => items
                .iter()
                .filter_map(|item| self.full_template(item, &places::CONTAINER, expected))
                .collect(),
            // An expression may give the whole sequence.
            NodeValue::String(text) if text.contains("${{") => self
                .template(node, &places::CONTAINER, expected)
                .into_iter()
                .collect(),
            _ => {
                self.expected(node, &format!("a sequence, each {expected}"));
                Vec::new()
            }
        }
    }

    fn credentials(&mut self, node: &Node) -> Option<Credentials> {
        const PLACE: &crate::expr::Availability = &places::CONTAINER_CREDENTIALS;
        if let NodeValue::String(text) = &node.value
            && text.contains("${{")
        {
            self.check_text(node, PLACE);
            return None;
        }
        let fields = self.fields(node, &keys::CREDENTIALS)?;
        let mut read = |key: &str, expected: &str| {
            let node = fields.get(key)?;
            self.full_template(node, PLACE, expected)
        };
        Some(Credentials {
            username: read("username", "a name"),
            password: read("password", "a password"),
        })
    }
}

/// A container of nothing.
fn plain(key: Span) -> Container {
    Container {
        key,
        image: None,
        env: TemplateMap::default(),
        ports: Vec::new(),
        volumes: Vec::new(),
        options: None,
        credentials: None,
        entrypoint: None,
        command: None,
    }
}
