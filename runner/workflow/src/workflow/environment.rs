//! The deployment environment of a job.

use crate::expr::Template;
use crate::source::Span;

use crate::reader::Setting;

/// The value of `environment`.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Where the key stands.
    pub key: Span,
    /// The name. Where nothing else is given it may be an expression that gives an object with the
    /// keys of a mapping.
    pub name: Template,
    /// Where it can be looked at, known when the job is over. None by default.
    pub url: Option<Template>,
    /// Whether GitHub notes a deployment. None by default, which is yes.
    pub deployment: Option<Setting<bool>>,
}
