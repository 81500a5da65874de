//! How a script is given to a shell: which one, what the official runner wraps around the script, which
//! file it is put in, which command runs it. The commands themselves are the guest's data.

mod custom;
mod required;
#[cfg(test)]
mod tests;
mod wrapping;

use std::borrow::Cow;

use dormer_workflow::workflow::{Job, Step, StepAction, Workflow};
use thiserror::Error;

use crate::guest::bundle::FileIn;
use crate::guest::profile::{GuestProfile, PathStyle, ShellProfile};

pub use required::refuse_missing;

/// A script, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The file to write it to.
    pub file: FileIn,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where the exit code is left, if not in the program's status alone.
    pub exit_file: Option<String>,
}

/// Why a shell can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoShell {
    /// The guest does not have it.
    #[error("this guest has no shell `{asked}`; it has {has}")]
    NotThere {
        /// The shell that was asked for.
        asked: String,
        /// Those that the guest has.
        has: String,
    },
    /// A command that says nowhere what its script is.
    #[error(
        "`shell: {0}` is neither the name of a shell nor a command with `{{0}}`, which stands for the \
         script"
    )]
    NoPlaceForScript(String),
}

/// A shell's name that asks for the guest's default one, on purpose: there is nothing to remark on it.
pub const DEFAULT: &str = "{default}";

/// The shells of PowerShell, the better one first.
const POWERSHELLS: [&str; 2] = ["pwsh", "powershell"];

/// The guest's shell for what a step says, which may be a name or a command. A guest never runs a shell
/// that its image does not state: a stub would end a step in success that did nothing.
pub fn choose<'a>(
    guest: &'a GuestProfile,
    asked: Option<&str>,
) -> Result<Cow<'a, ShellProfile>, NoShell> {
    let asked = asked.map(str::trim);
    let asked = asked.filter(|asked| !asked.is_empty() && *asked != DEFAULT);
    let asked = asked.unwrap_or_else(|| default_name(guest));
    match guest.shell(asked) {
        Some(shell) => Ok(Cow::Borrowed(shell)),
        None => custom::shell(guest, asked).map(Cow::Owned),
    }
}

/// The shell of a step that names none: PowerShell as on GitHub's Windows, else the guest's own.
fn default_name(guest: &GuestProfile) -> &str {
    let mut powershells = POWERSHELLS.into_iter();
    let powershell = powershells.find(|name| guest.shell(name).is_some());
    powershell.unwrap_or(&guest.default_shell)
}

/// The shell that the name of a script's file asks for; none where its ending says nothing.
pub fn of_file(guest: &GuestProfile, name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "sh" => Some("bash"),
        "cmd" | "bat" => Some("cmd"),
        "py" => Some("python"),
        "ps1" => {
            let mut powershells = POWERSHELLS.into_iter();
            let there = powershells.find(|name| guest.shell(name).is_some());
            there.or(Some(POWERSHELLS[0]))
        }
        _ => None,
    }
}

/// What there is to say of a job with steps that name no shell, in a guest whose default shell is not that
/// of GitHub's Windows. Once for all of them.
pub fn default_remark(guest: &GuestProfile, workflow: &Workflow, job: &Job) -> Option<String> {
    let has_default = job.defaults.shell.is_some() || workflow.defaults.shell.is_some();
    let names_none = |step: &Step| matches!(step.action, StepAction::Run { shell: None, .. });
    if has_default || !job.steps.iter().any(names_none) {
        return None;
    }
    let name = default_name(guest);
    let is_powershell = POWERSHELLS
        .iter()
        .any(|powershell| powershell.eq_ignore_ascii_case(name));
    (!is_powershell).then(|| {
        format!(
            "steps without `shell` are run by {name} here, since this guest has no PowerShell, which \
             would run them on GitHub"
        )
    })
}

/// Prepares a script for a shell. `stem` is the path of its file in Windows form, without an ending;
/// `files` is how the guest's dialect writes paths.
pub fn prepare(shell: &ShellProfile, script: &str, stem: &str, files: PathStyle) -> Prepared {
    let name = shell.name.to_ascii_lowercase();
    let path = format!("{stem}{}", wrapping::extension(&name));
    let exit_path = format!("{stem}.exit");
    let fill = |argument: &String| {
        argument
            .replace("{script}", &shell.paths.write(&path))
            .replace("{exit_file}", &files.write(&exit_path))
    };
    let mut words = shell.invocation.iter();
    let leaves_code = words.any(|word| word.contains("{exit_file}"));
    Prepared {
        file: FileIn {
            path: files.write(&path),
            contents: wrapping::wrap(&name, script, shell.paths),
        },
        command: shell.invocation.iter().map(fill).collect(),
        exit_file: leaves_code.then(|| files.write(&exit_path)),
    }
}

/// A name for a step's files, in the form that the official runner gives them. `word` holds 32
/// hexadecimal digits.
pub fn file_name(word: &str) -> String {
    let ends = [8, 12, 16, 20];
    let mut name = String::with_capacity(word.len() + ends.len());
    for (at, digit) in word.chars().enumerate() {
        if ends.contains(&at) {
            name.push('-');
        }
        name.push(digit);
    }
    name
}

/// The command that runs a shell's scripts, for people.
pub fn describe(shell: &ShellProfile) -> String {
    // What stands around a command to bring its exit code back is nobody's business.
    let is_own = |word: &str| word.contains("{exit_file}") || word.starts_with("/usr/lib/dormer/");
    let words: Vec<&str> = shell.invocation.iter().map(String::as_str).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !is_own(word)).collect();
    let shown = words.iter().map(|word| match word.contains(' ') {
        true if words.len() > 1 => format!("\"{word}\""),
        _ => (*word).to_owned(),
    });
    shown
        .collect::<Vec<_>>()
        .join(" ")
        .replace("{script}", "{0}")
}
