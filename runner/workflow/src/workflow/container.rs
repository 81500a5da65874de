//! Containers: one that a job's steps run in, and those beside it.

use crate::expr::Template;
use crate::source::{Span, Spanned};

use crate::reader::TemplateMap;

/// The value of `container`, or of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Where the key stands.
    pub key: Span,
    /// The image. Where nothing else is given it may be an expression that gives an object with
    /// the keys of a mapping. None by default, which is no container.
    pub image: Option<Template>,
    /// Environment variables. Empty by default.
    pub env: TemplateMap,
    /// Ports to open. Empty by default.
    pub ports: Vec<Template>,
    /// Volumes to mount. Empty by default.
    pub volumes: Vec<Template>,
    /// Arguments for `docker create`. None by default.
    pub options: Option<Template>,
    /// Who asks for the image. None by default.
    pub credentials: Option<Credentials>,
    /// The program instead of the image's own; services only. None by default.
    pub entrypoint: Option<Template>,
    /// The arguments instead of the image's own; services only. None by default.
    pub command: Option<Template>,
}

/// Who asks a registry for an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// The name. None by default.
    pub username: Option<Template>,
    /// The password. None by default.
    pub password: Option<Template>,
}

/// The value of `services`.
#[derive(Debug, Clone, PartialEq)]
pub struct Services {
    /// Where the key stands.
    pub key: Span,
    /// The services. Empty by default, and where `whole` is there.
    pub services: Vec<Service>,
    /// One expression that gives all services as an object. None by default.
    pub whole: Option<Template>,
}

/// A container beside a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The name, which is its host name too.
    pub name: Spanned<String>,
    /// The container.
    pub container: Container,
}
