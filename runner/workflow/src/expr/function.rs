//! The functions of the language: their names and how many arguments they take.

use crate::text;

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is documented by GitHub under its own name"
)]
pub enum Function {
    Always,
    Cancelled,
    Case,
    Contains,
    EndsWith,
    Failure,
    Format,
    FromJson,
    HashFiles,
    Join,
    StartsWith,
    Success,
    ToJson,
}

/// Arguments that fit into a byte: the most that most functions take.
const MANY: usize = 255;

impl Function {
    /// Every function, by name.
    pub const ALL: [Self; 13] = [
        Self::Always,
        Self::Cancelled,
        Self::Case,
        Self::Contains,
        Self::EndsWith,
        Self::Failure,
        Self::Format,
        Self::FromJson,
        Self::HashFiles,
        Self::Join,
        Self::StartsWith,
        Self::Success,
        Self::ToJson,
    ];

    /// The name as GitHub's documentation writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Cancelled => "cancelled",
            Self::Case => "case",
            Self::Contains => "contains",
            Self::EndsWith => "endsWith",
            Self::Failure => "failure",
            Self::Format => "format",
            Self::FromJson => "fromJSON",
            Self::HashFiles => "hashFiles",
            Self::Join => "join",
            Self::StartsWith => "startsWith",
            Self::Success => "success",
            Self::ToJson => "toJSON",
        }
    }

    /// The function of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| text::equal(function.name(), name))
    }

    /// Whether it asks how the job is doing; such a call in an `if` takes the place of the
    /// `success()` that is otherwise implied.
    pub fn is_status(self) -> bool {
        matches!(
            self,
            Self::Always | Self::Cancelled | Self::Failure | Self::Success
        )
    }

    /// What is wrong with a call of `count` arguments.
    pub(super) fn refuse(self, count: usize) -> Option<String> {
        let (least, most) = self.arity();
        let name = self.name();
        if count < least || count > most {
            return Some(format!(
                "`{name}` takes {}, found {count}",
                takes(least, most)
            ));
        }
        let pairs_up = count.is_multiple_of(2);
        (self == Self::Case && pairs_up).then(|| {
            format!(
                "`{name}` takes conditions with values and then a default, found {count} arguments"
            )
        })
    }

    /// The least and the most arguments. `success` and `failure` take job ids in the `if` of a job
    /// and nothing elsewhere, which is for the availability to say.
    fn arity(self) -> (usize, usize) {
        match self {
            Self::Always | Self::Cancelled => (0, 0),
            Self::Success | Self::Failure => (0, usize::MAX),
            Self::Contains | Self::StartsWith | Self::EndsWith => (2, 2),
            Self::ToJson | Self::FromJson => (1, 1),
            Self::Join => (1, 2),
            Self::Format | Self::HashFiles => (1, MANY),
            Self::Case => (3, MANY),
        }
    }
}

/// `2 arguments`, `1 or 2 arguments`, `1 to 255 arguments`.
fn takes(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        _ if least == most => format!("{least} arguments"),
        _ if least + 1 == most => format!("{least} or {most} arguments"),
        _ => format!("{least} to {most} arguments"),
    }
}
