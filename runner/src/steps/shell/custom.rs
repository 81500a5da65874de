//! `shell: COMMAND args {0}`: a shell of the step's own.

use crate::guest::profile::{GuestProfile, ShellProfile};
use crate::steps::shell::NoShell;

/// What stands for the script.
const SCRIPT: &str = "{0}";
/// Names of shells that are never looked for as programs: a guest that does not state one has at most a
/// stub of it.
const KNOWN: [&str; 6] = ["bash", "cmd", "powershell", "pwsh", "python", "sh"];

/// How the guest runs a shell that is a program with arguments. `asked` is split at its first blank,
/// as the official runner does, and without arguments it is the name of a shell that is not there.
pub(super) fn shell(guest: &GuestProfile, asked: &str) -> Result<ShellProfile, NoShell> {
    let not_there = |name: &str| NoShell::NotThere {
        asked: name.to_owned(),
        has: guest.shell_names(),
    };
    let Some((program, arguments)) = asked.split_once(' ') else {
        return Err(not_there(asked));
    };
    if !arguments.contains(SCRIPT) {
        return Err(NoShell::NoPlaceForScript(asked.to_owned()));
    }
    let is_known = KNOWN.iter().any(|name| name.eq_ignore_ascii_case(program));
    if is_known && guest.shell(program).is_none() {
        return Err(not_there(program));
    }
    let mut kinds = guest.custom_shells.iter();
    let kind = kinds.find(|kind| kind.is_for(program));
    let kind = kind.ok_or_else(|| not_there(program))?;
    let arguments = arguments.trim_start().replace(SCRIPT, "{script}");
    let words = kind.invocation.iter();
    let words = words.flat_map(|word| match word.as_str() {
        "{arguments}" => split(&arguments),
        word => {
            let command = format!("{program} {arguments}");
            let word = word.replace("{command}", &command);
            vec![word.replace("{program}", program)]
        }
    });
    Ok(ShellProfile {
        name: program.to_ascii_lowercase(),
        invocation: words.collect(),
        paths: kind.paths,
        search_path: kind.search_path.clone(),
    })
}

/// Takes arguments apart as .NET does for the official runner: blanks separate them, double quotes hold
/// them together, `\"` is a quote itself.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'"') => {
                word.get_or_insert_default().extend(characters.next());
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn arguments_are_taken_apart_at_blanks_outside_of_quotes() {
        let cases: [(&str, &[&str]); 5] = [
            ("-u {script}", &["-u", "{script}"]),
            (r#"-c "source {script}""#, &["-c", "source {script}"]),
            (r#"-e "say \"hi\"" x"#, &["-e", r#"say "hi""#, "x"]),
            (r#"a"b c"d  "" "#, &["ab cd", ""]),
            (r"C:\x\y 'a b'", &[r"C:\x\y", "'a", "b'"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text), words, "{text}");
        }
    }
}
