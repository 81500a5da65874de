//! How a script is given to a shell: what the official runner wraps around it, how lines end, which
//! file it is put in, which command runs it. The commands themselves are the guest's data.

use crate::guest::bundle::FileIn;
use crate::guest::profile::{GuestProfile, PathStyle, ShellProfile};

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

/// What the official runner does to a script for one kind of shell.
struct Wrapping {
    extension: &'static str,
    before: &'static str,
    line_end: &'static str,
}

/// The rules of the official runner, by the shell's name.
fn wrapping(shell: &str) -> Wrapping {
    match shell {
        // Echo is turned off in the script and not by a flag, so that a script can turn it on.
        "cmd" => Wrapping {
            extension: ".cmd",
            before: "@echo off\r\n",
            line_end: "\r\n",
        },
        "python" => Wrapping {
            extension: ".py",
            before: "",
            line_end: "\n",
        },
        _ => Wrapping {
            extension: ".sh",
            before: "",
            line_end: "\n",
        },
    }
}

/// Why a shell can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchShell {
    /// The shell that was asked for.
    pub asked: String,
    /// Those that the guest has.
    pub has: String,
}

impl std::fmt::Display for NoSuchShell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "this guest has no shell `{}`; it has {}",
            self.asked, self.has
        )
    }
}

/// The guest's shell of this name. A guest never runs a shell that its image does not state: a stub
/// would end a step in success that did nothing.
pub fn find<'a>(guest: &'a GuestProfile, name: &str) -> Result<&'a ShellProfile, NoSuchShell> {
    guest.shell(name).ok_or_else(|| NoSuchShell {
        asked: name.to_owned(),
        has: guest.shell_names(),
    })
}

/// Prepares a script for a shell. `stem` is the path of its file in Windows form, without an ending;
/// `files` is how the guest's dialect writes paths.
pub fn prepare(shell: &ShellProfile, script: &str, stem: &str, files: PathStyle) -> Prepared {
    let wrapping = wrapping(&shell.name);
    let path = format!("{stem}{}", wrapping.extension);
    let exit_path = format!("{stem}.exit");
    let fill = |argument: &String| {
        argument
            .replace("{script}", &shell.paths.write(&path))
            .replace("{exit_file}", &files.write(&exit_path))
    };
    let leaves_code = shell
        .invocation
        .iter()
        .any(|argument| argument.contains("{exit_file}"));
    Prepared {
        file: FileIn {
            path: files.write(&path),
            contents: format!(
                "{}{}",
                wrapping.before,
                with_line_ends(script, wrapping.line_end)
            ),
        },
        command: shell.invocation.iter().map(fill).collect(),
        exit_file: leaves_code.then(|| files.write(&exit_path)),
    }
}

/// The command that runs a shell's scripts, for people.
pub fn describe(shell: &ShellProfile) -> String {
    let shown = shell
        .invocation
        .iter()
        .filter(|part| !part.contains("{exit_file}"));
    let parts: Vec<String> = shown
        .filter(|part| !part.starts_with("/usr/lib/dormer/"))
        .map(|part| part.replace("{script}", "{0}"))
        .collect();
    parts.join(" ")
}

fn with_line_ends(script: &str, line_end: &str) -> String {
    let unified = script.replace("\r\n", "\n");
    if line_end == "\n" {
        unified
    } else {
        unified.replace('\n', line_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::recipe::Recipe;

    fn guest() -> GuestProfile {
        Recipe::guest("compat")
            .unwrap()
            .description()
            .unwrap()
            .guest
    }

    fn prepared(shell: &str) -> Prepared {
        let guest = guest();
        let shell = find(&guest, shell).unwrap();
        prepare(shell, "one\ntwo ä\r\n", r"C:\a\_temp\x", PathStyle::Rooted)
    }

    #[test]
    fn cmd_gets_its_official_command_line_and_wrapping() {
        let cmd = prepared("CMD");
        assert_eq!(cmd.file.path, "/C:/a/_temp/x.cmd");
        assert_eq!(cmd.file.contents, "@echo off\r\none\r\ntwo ä\r\n");
        assert_eq!(
            cmd.command.last().unwrap(),
            r#"cmd.exe /D /E:ON /V:OFF /S /C "CALL "C:\a\_temp\x.cmd"""#
        );
        assert_eq!(cmd.exit_file.as_deref(), Some("/C:/a/_temp/x.exit"));
    }

    #[test]
    fn bash_and_python_get_theirs() {
        let bash = prepared("bash");
        assert_eq!(bash.file.contents, "one\ntwo ä\n");
        assert_eq!(
            bash.command.join(" "),
            "/bin/bash --noprofile --norc -e -o pipefail /C:/a/_temp/x.sh"
        );
        assert_eq!(bash.exit_file, None);
        assert_eq!(
            prepared("python").command.join(" "),
            "/usr/bin/python3 /C:/a/_temp/x.py"
        );
    }

    #[test]
    fn a_shell_that_the_guest_lacks_is_refused_by_name() {
        let error = find(&guest(), "pwsh").unwrap_err();
        assert_eq!(
            error.to_string(),
            "this guest has no shell `pwsh`; it has cmd, bash, sh, python"
        );
    }
}
