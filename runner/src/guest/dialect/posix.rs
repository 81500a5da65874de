//! A guest that is talked to in a POSIX shell's words. The shell is `/bin/sh`, which reads its text in
//! blocks (bash reads a pipe byte by byte), and everything that can be is done by the shell itself: a
//! process costs ten milliseconds under emulation.

use std::fmt::Write;

use crate::guest::bundle::Bundle;
use crate::guest::command::{GuestCommand, Signal};
use crate::guest::dialect::{Dialect, Request};
use crate::guest::profile::{PathStyle, SearchPath};

/// The variable by which a command's processes are known.
const TAG: &str = "DORMER_TAG";
/// The variable that carries those which the shell cannot export.
const VARIABLES: &str = "DORMER_VARIABLES";

#[derive(Debug)]
pub(super) struct Posix;

impl Dialect for Posix {
    fn paths(&self) -> PathStyle {
        PathStyle::Rooted
    }

    fn command(&self, command: &GuestCommand, tag: &str) -> Request {
        let mut text = String::new();
        if let Some(directory) = &command.directory {
            let _ = writeln!(text, "cd -- {} || exit 127", quote(directory));
        }
        text.push_str(&environment(&command.environment, None, tag));
        let invocation = invocation(&command.arguments, &command.environment);
        let _ = writeln!(text, "exec {invocation}");
        // `head` takes exactly the preamble; the program has the rest of the input to itself.
        let line = format!(r#"sh -c "eval \"$(head -c {})\"""#, text.len());
        Request {
            line,
            preamble: text,
        }
    }

    fn bundle(&self, bundle: &Bundle, mark: &str, tag: &str) -> Request {
        // A signal for the step's processes must not end the shell that reports on them. A handler,
        // unlike an ignored signal, is not inherited by what it starts.
        let mut text = String::from("trap : INT TERM HUP\n");
        text.push_str(&end_function(mark));
        for file in &bundle.files_in {
            let (contents, path) = (quote(&file.contents), quote(&file.path));
            let _ = writeln!(text, "printf %s {contents} >{path} || end 'failed files'");
        }
        let directory = quote(&bundle.directory);
        let _ = writeln!(
            text,
            "cd -- {directory} 2>/dev/null || end 'failed directory'"
        );
        // The user's variables are set in a shell of their own, which the command takes the place
        // of: whatever they mean to a shell, the one that reports never sees them.
        let search_path = bundle.search_path.as_ref();
        let environment = environment(&bundle.environment, search_path, tag);
        let invocation = invocation(&bundle.command, &bundle.environment);
        let _ = writeln!(
            text,
            "(\n{environment}exec {invocation}\n) </dev/null\ncode=$?"
        );
        if let Some(file) = &bundle.exit_file {
            let file = quote(file);
            let _ = writeln!(text, "[ -s {file} ] && read -r code <{file}");
        }
        let _ = writeln!(text, "printf '\\036{mark} exit %s\\n' \"$code\"");
        for (number, file) in bundle.files_out.iter().enumerate() {
            let file = quote(file);
            let _ = writeln!(
                text,
                "[ -s {file} ] && /usr/bin/base64 -w 3000 <{file} | /usr/bin/sed -u 's/^/\\x1e{mark} file {number} /'"
            );
        }
        text.push_str("end\n");
        Request {
            line: "sh".to_owned(),
            preamble: text,
        }
    }

    fn signal(&self, tag: &str, signal: Signal) -> Request {
        let name = match signal {
            Signal::Interrupt => "INT",
            Signal::Terminate => "TERM",
            Signal::Kill => "KILL",
        };
        // A process's environment is the one that it was started with, so the shells that only
        // exported the tag are not among those found. What forks while it is looked for is found
        // the next time; a thing that is told to end is looked for until there is none. Those that were
        // there first are told first: a shell that sees its program end before it knows why goes on.
        let text = format!(
            "n=0\nwhile [ $n -lt {rounds} ]; do\n\
             found=$(grep -lsz '^{TAG}={tag}$' /proc/[0-9]*/environ | cut -d / -f 3 | sort -n)\n\
             [ -n \"$found\" ] || exit 0\n\
             kill -s {name} $found 2>/dev/null\n\
             n=$((n+1))\ndone\n",
            rounds = if signal == Signal::Kill { 20 } else { 1 },
        );
        Request {
            line: "sh".to_owned(),
            preamble: text,
        }
    }

    fn end_marked(&self, variable: &str, value: &str) -> Request {
        // As for a signal: what is started meanwhile is found the next time. Named once each.
        let text = format!(
            "n=0\nseen=' '\nwhile [ $n -lt 20 ]; do\n\
             found=$(grep -lsz '^{variable}={value}$' /proc/[0-9]*/environ)\n\
             [ -n \"$found\" ] || exit 0\n\
             for f in $found; do p=${{f#/proc/}}; p=${{p%/environ}}\n\
             case $seen in *\" $p \"*) ;; *) seen=\"$seen$p \"; cat /proc/$p/comm 2>/dev/null;; esac\n\
             kill -s KILL $p 2>/dev/null; done\n\
             n=$((n+1))\ndone\n"
        );
        Request {
            line: "sh".to_owned(),
            preamble: text,
        }
    }

    fn probe(&self) -> Request {
        Request {
            line: "exit 0".to_owned(),
            preamble: String::new(),
        }
    }

    fn make_directories(&self, directories: &[String]) -> Request {
        let text = format!("mkdir -p -- {}\n", words(directories));
        Request {
            line: "sh".to_owned(),
            preamble: text,
        }
    }

    fn unpack(&self, directory: &str) -> Request {
        let directory = quote(directory);
        // Owners are the host's and mean nothing here; times and permissions do.
        script(&format!(
            "mkdir -p {directory} && exec tar -x -f - --no-same-owner -C {directory}"
        ))
    }

    fn list(&self, directory: &str, start: &[String]) -> Request {
        // 1 is what `find` says when it could not look everywhere. What leads to a file is that file; a
        // directory itself is nothing that is in it.
        at_start(
            directory,
            start,
            "m=0\n[ -d \"$d\" ] && m=1\nexec find \"$d\" -mindepth $m -printf '%y %s %p\\0'\n",
        )
    }

    fn pack(&self, directory: &str) -> Request {
        let directory = quote(directory);
        // A second name of a file is a file as well, and one that can't be read keeps no other back.
        script(&format!(
            "exec tar -c -f - -C {directory} --format=gnu --hard-dereference --ignore-failed-read \
             --no-recursion --null --verbatim-files-from -T -"
        ))
    }

    fn pack_all(&self, directory: &str, start: &[String]) -> Request {
        at_start(
            directory,
            start,
            "exec tar -c -f - --format=gnu --hard-dereference -- \"$d\"\n",
        )
    }

    fn digest(&self, directory: &str) -> Request {
        let directory = quote(directory);
        script(&format!(
            "cd -- {directory} && exec xargs -0 -r sha256sum -z --"
        ))
    }
}

/// A script that goes on with what `start` leads to from a directory as `$d`, if there is something. It ends
/// with 2 if there is no such directory.
fn at_start(directory: &str, start: &[String], then: &str) -> Request {
    let mut text = format!("cd -- {} || exit 2\nd=.\n", quote(directory));
    for part in start {
        // Case does not matter to whoever asks; here it does. What is named is no pattern.
        let name = quote(&literally(part));
        let _ = writeln!(
            text,
            "d=$(find \"$d/\" -mindepth 1 -maxdepth 1 -iname {name} -print -quit)"
        );
        text.push_str("[ -n \"$d\" ] || exit 0\n");
    }
    text.push_str(then);
    Request {
        line: "sh".to_owned(),
        preamble: text,
    }
}

/// A name as a pattern that only it matches.
fn literally(name: &str) -> String {
    let escaped = name.chars().flat_map(|c| {
        let escape = matches!(c, '\\' | '*' | '?' | '[').then_some('\\');
        escape.into_iter().chain([c])
    });
    escaped.collect()
}

/// Ends a bundle: with what went wrong, or after its result. The mark is made of letters and digits,
/// and stands in the text itself: a variable could be somebody else's.
fn end_function(mark: &str) -> String {
    format!(
        "end() {{\n\
         [ $# = 0 ] || printf '\\036{mark} %s\\n' \"$1\"\n\
         printf '\\036{mark}\\n' >&2\n\
         printf '\\036{mark} end\\n'\n\
         exit 0\n}}\n"
    )
}

/// A program text on the command line; for what holds no secret.
fn script(text: &str) -> Request {
    // The login shell takes a line apart as Windows does: backslash and double quote.
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Request {
        line: format!("sh -c \"{escaped}\""),
        preamble: String::new(),
    }
}

/// Sets the user's variables, then those that are Dormer's own, which nobody else sets.
fn environment(
    variables: &[(String, String)],
    search_path: Option<&(SearchPath, String)>,
    tag: &str,
) -> String {
    let mut text = String::new();
    for (name, value) in users(variables).filter(|(name, _)| is_shell_name(name)) {
        let _ = writeln!(text, "export {name}={}", quote(value));
    }
    if let Some((path, directories)) = search_path {
        let _ = writeln!(text, "{}", self::search_path(path, directories));
    }
    let odd: Vec<String> = odd(variables)
        .map(|(name, value)| format!("{}={}", hex::encode(name), hex::encode(value)))
        .collect();
    if !odd.is_empty() {
        let _ = writeln!(text, "export {VARIABLES}='{}'", odd.join(" "));
    }
    // Last: a search path may go into any variable.
    let _ = writeln!(text, "export {TAG}={tag}");
    text
}

/// Without those that would pass for Dormer's own, which Windows finds in whatever case.
fn users(variables: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    let is_ours = |name: &str| {
        [TAG, VARIABLES]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    };
    variables.iter().filter(move |(name, _)| !is_ours(name))
}

/// Those that a shell cannot export.
fn odd(variables: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    users(variables).filter(|(name, _)| !is_shell_name(name))
}

/// Directories put in front of those that are searched for programs.
fn search_path(path: &SearchPath, directories: &str) -> String {
    let variable = &path.variable;
    let rest = if path.extends {
        format!("\"{}${variable}\"", path.separator)
    } else {
        String::new()
    };
    format!("export {variable}={}{rest}", quote(directories))
}

/// A command's words. A shell cannot export variables with names such as `my-var`: they travel in one
/// that it can, in hexadecimal, and a program that is replaced by the command sets them. `env` could as
/// well, but would show their values on its command line.
fn invocation(arguments: &[String], variables: &[(String, String)]) -> String {
    const SET: &str = "for (split / /, delete $ENV{DORMER_VARIABLES}) \
                       { my ($n, $v) = map { pack \"H*\", $_ } split /=/, $_, 2; $ENV{$n} = $v } \
                       exec { $ARGV[0] } @ARGV or exit 127";
    let words = words(arguments);
    if odd(variables).next().is_none() {
        return words;
    }
    format!("/usr/bin/perl -e '{SET}' {words}")
}

fn words(arguments: &[String]) -> String {
    arguments
        .iter()
        .map(|argument| quote(argument))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Names that a shell gives a meaning of its own: it refuses other values, changes them, or ends.
const SHELLS_OWN: [&str; 11] = [
    "_",
    "BASHOPTS",
    "BASH_VERSINFO",
    "EUID",
    "GROUPS",
    "LINENO",
    "OPTIND",
    "PPID",
    "RANDOM",
    "SHELLOPTS",
    "UID",
];

/// Whether a POSIX shell can export a variable of this name, and leaves its value alone.
fn is_shell_name(name: &str) -> bool {
    // What is meant for another Perl must not change what ours does.
    if SHELLS_OWN.contains(&name) || name.starts_with("PERL") {
        return false;
    }
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One word of a POSIX shell, whatever it holds.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::guest::bundle::FileIn;

    fn bundle() -> Bundle {
        Bundle {
            files_in: vec![FileIn {
                path: "/C:/a/_temp/x.cmd".to_owned(),
                contents: "@echo off\r\necho it's\r\n".to_owned(),
            }],
            environment: vec![
                ("PLAIN".to_owned(), "a'b\n$c".to_owned()),
                ("my-var".to_owned(), "1 2".to_owned()),
            ],
            search_path: Some((
                SearchPath {
                    variable: "PATH".to_owned(),
                    separator: ":".to_owned(),
                    extends: true,
                },
                "/C:/tools".to_owned(),
            )),
            directory: "/C:/a/repo".to_owned(),
            command: vec!["/usr/lib/dormer/script".to_owned(), "/C:/e".to_owned()],
            exit_file: Some("/C:/e".to_owned()),
            files_out: vec!["/C:/env".to_owned()],
        }
    }

    #[test]
    fn a_bundle_in_a_shells_words() {
        let request = Posix.bundle(&bundle(), "MARK", "TAG");
        assert_eq!(request.line, "sh");
        assert_snapshot!(request.preamble);
    }

    #[test]
    fn no_value_of_a_variable_is_on_the_login_shells_line() {
        let mut command = GuestCommand::new(["printenv"]);
        command.environment = vec![("SECRET".to_owned(), "hunter2".to_owned())];
        let request = Posix.command(&command, "TAG");
        assert!(!request.line.contains("hunter2"));
        assert!(request.preamble.contains("export SECRET='hunter2'"));
        assert!(request.line.contains(&request.preamble.len().to_string()));
    }
}
