//! What the official runner makes of a script before a shell reads it: its ending, the lines around it,
//! how its lines end. By the shell's name, also where a step says itself how that shell is called.

use crate::guest::profile::PathStyle;

/// Stops a script at the first error of a cmdlet. A native program's failure does not stop it.
const STOP_AT_ERRORS: &str = "$ErrorActionPreference = 'stop'\n";
/// PowerShell ends with 0 or 1 by itself; the last native program's code is what a step is judged by.
const HAND_ON_EXIT_CODE: &str =
    "\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }";
/// Windows PowerShell 5.1 reads a file without it in the code page of the system's language.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The ending of a script's file.
pub(super) fn extension(shell: &str) -> &'static str {
    match shell {
        "bash" | "sh" => ".sh",
        "cmd" => ".cmd",
        "powershell" | "pwsh" => ".ps1",
        "python" => ".py",
        _ => "",
    }
}

/// A script as its file holds it. Lines end as they do where `paths` are written in this way.
pub(super) fn wrap(shell: &str, script: &str, paths: PathStyle) -> String {
    let (before, after) = match shell {
        // Echo is turned off in the script and not by a flag, so that a script can turn it on.
        "cmd" => ("@echo off\n", ""),
        "powershell" | "pwsh" => (STOP_AT_ERRORS, HAND_ON_EXIT_CODE),
        _ => ("", ""),
    };
    let unified = format!("{before}{}{after}", script.replace("\r\n", "\n"));
    let text = match paths {
        PathStyle::Windows => unified.replace('\n', "\r\n"),
        PathStyle::Rooted => unified,
    };
    if shell == "powershell" && !text.is_ascii() {
        return format!("{BYTE_ORDER_MARK}{text}");
    }
    text
}
