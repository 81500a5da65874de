//! What the log shows above a step's output, as the official runner does it: the script or the inputs, the
//! shell, the variables. A fact of its own, so that a step's log is what the step printed and nothing else.

use crate::event::{JobEvent, Stage};
use crate::guest::profile::ShellProfile;
use crate::mask::Masker;
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::shell;
use crate::steps::state::Variables;
use crate::steps::turn::Turn;

/// How many lines there may be: a script may be as long as its author likes.
const MOST_LINES: usize = 200;
/// How many bytes a line may have.
const LONGEST_LINE: usize = 1 << 10;

/// What a step is about to run.
pub(super) enum Header<'a> {
    /// A script.
    Script {
        text: &'a str,
        shell: &'a ShellProfile,
    },
    /// An action with these inputs.
    Action {
        uses: &'a str,
        inputs: &'a [(String, String)],
    },
}

impl Executor<'_> {
    /// States what a step is about to run.
    pub(super) async fn head(
        &self,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        environment: &Variables,
        header: Header<'_>,
    ) {
        let text = match turn.stage {
            Stage::Post => "Post job cleanup.\n".to_owned(),
            Stage::Pre | Stage::Main => header.text(environment, self.masker),
        };
        let fact = JobEvent::StepHeader {
            number: frame.number,
            stage: turn.stage,
            lines: lines(&text, self.masker),
        };
        self.events.output(vec![fact]).await;
    }
}

impl Header<'_> {
    fn text(&self, environment: &Variables, masker: &Masker) -> String {
        let mut text = match self {
            Self::Script { text, shell } => {
                let text = without_masks(&text.replace("\r\n", "\n"));
                let first = text.trim_start().lines().next().unwrap_or_default();
                let whole = text.trim_end_matches('\n');
                format!("Run {first}\n{whole}\nshell: {}\n", shell::describe(shell))
            }
            Self::Action { uses, inputs } => {
                let given = inputs.iter().filter(|(_, value)| !value.is_empty());
                let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
                format!("Run {uses}\n{}", block("with", given, masker))
            }
        };
        text += &block("env", environment.iter(), masker);
        text
    }
}

/// A script without what it is about to hide: the values of the `add-mask` commands that stand in it.
fn without_masks(text: &str) -> String {
    let ends = ['"', '\'', '`', '\n'];
    let after = text.split("::add-mask::").skip(1);
    let mut values: Vec<&str> = after
        .filter_map(|rest| rest.split(ends).next())
        // Without quotes it may end at a blank, or not.
        .flat_map(|value| [Some(value.trim()), value.split_whitespace().next()])
        .flatten()
        // A variable's name is none, and so is a letter.
        .filter(|value| value.len() > 2 && !value.starts_with(['$', '%', '!']))
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let hide = |text: String, value: &str| text.replace(value, "***");
    values.into_iter().fold(text.to_owned(), hide)
}

/// Names with values below a heading; nothing if there are none. The lines of a value stand together, behind
/// where its name begins: masked before they are moved, since a secret may have several lines.
fn block<'a>(
    heading: &str,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    masker: &Masker,
) -> String {
    let pairs: String = pairs
        .map(|(name, value)| {
            let shown = masker.mask(value);
            let lines: Vec<&str> = shown.lines().collect();
            format!("  {name}: {}\n", lines.join("\n    "))
        })
        .collect();
    if pairs.is_empty() {
        return pairs;
    }
    format!("{heading}:\n{pairs}")
}

/// The lines that are shown. Masked as a whole, since a secret may have several lines, and before anything
/// is cut, since half of a secret is none that could be found.
fn lines(text: &str, masker: &Masker) -> Vec<String> {
    let masked = masker.mask(text);
    let mut all = masked.lines();
    let mut lines: Vec<String> = all.by_ref().take(MOST_LINES).map(cut).collect();
    let more = all.count();
    if more > 0 {
        lines.push(format!("… and {more} more lines"));
    }
    lines
}

fn cut(line: &str) -> String {
    if line.len() <= LONGEST_LINE {
        return line.to_owned();
    }
    format!("{}…", &line[..line.floor_char_boundary(LONGEST_LINE)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn an_action_is_shown_with_what_it_is_given() {
        let inputs = pairs(&[("path", "x"), ("empty", ""), ("token", "hunter2")]);
        let header = Header::Action {
            uses: "me/it@v1",
            inputs: &inputs,
        };
        let environment = pairs(&[("A", "1"), ("B", "two\nlines")])
            .into_iter()
            .collect();
        let masker = Masker::default();
        masker.add("hunter2");
        assert_eq!(
            lines(&header.text(&environment, &masker), &masker),
            [
                "Run me/it@v1",
                "with:",
                "  path: x",
                "  token: ***",
                "env:",
                "  A: 1",
                "  B: two",
                "    lines"
            ]
        );
        let none = Header::Action {
            uses: "me/it@v1",
            inputs: &[],
        };
        let text = none.text(&Variables::default(), &masker);
        assert_eq!(text, "Run me/it@v1\n");
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_before_they_are_moved() {
        let masker = Masker::default();
        masker.add("  one\n\n  two");
        let environment: Variables = pairs(&[("KEY", "a\n  one\n\n  two")]).into_iter().collect();
        let shown = block("env", environment.iter(), &masker);
        assert_eq!(shown, "env:\n  KEY: a\n    ***\n");
    }

    #[test]
    fn a_script_does_not_show_what_it_hides() {
        let script = "echo '::add-mask::the words'\necho \"::add-mask::hunter2\"\necho ::add-mask::$X hunter2";
        let shown = "echo '::add-mask::***'\necho \"::add-mask::***\"\necho ::add-mask::$X ***";
        assert_eq!(without_masks(script), shown);
    }

    #[test]
    fn a_script_of_any_length_is_cut_after_its_secrets_are_masked() {
        let secret = "s3cret-".repeat(20);
        let masker = Masker::default();
        masker.add(&secret);
        // The end of the line's room is within the secret.
        let long = format!("{}{secret}", "x".repeat(LONGEST_LINE - 10));
        let shown = lines(&format!("{long}\n{}", "y\n".repeat(1000)), &masker);
        assert_eq!(shown.len(), MOST_LINES + 1);
        assert!(!shown[0].contains("s3cret"), "{}", shown[0]);
        assert_eq!(shown[MOST_LINES], "… and 801 more lines");
        let shown = lines(&"ä".repeat(LONGEST_LINE), &masker);
        assert!(shown[0].len() <= LONGEST_LINE + 3 && shown[0].ends_with("ä…"));
    }
}
