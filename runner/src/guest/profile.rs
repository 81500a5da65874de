//! What a guest is like, as data that its image states: its shells, its paths, the dialect in which
//! commands are put to it. Differences between guests are kept here and in `dialect`, never in the
//! code that runs steps.

use serde::{Deserialize, Serialize};

/// A guest, as its image describes it. Paths are in Windows form, `C:\a`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestProfile {
    /// What it is, for people.
    pub os: String,
    /// Whether it is Windows, and not something that only resembles it.
    pub windows: bool,
    /// How commands are put to it.
    pub dialect: DialectKind,
    /// Who commands run as.
    pub user: String,
    /// The shell of steps that name none.
    pub default_shell: String,
    /// The shell that starts fastest, which answers the last rung of the readiness ladder.
    pub probe_shell: String,
    /// The directory that holds workspaces.
    pub workspace: String,
    /// The directory for what lives no longer than the job.
    pub temp: String,
    /// The directory for tools that actions install.
    pub tool_cache: String,
    /// Every shell that it has.
    pub shells: Vec<ShellProfile>,
    /// How it runs `shell: COMMAND {0}`: the first whose `programs` fit. None by default: it can't.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_shells: Vec<CustomShell>,
    /// How it runs actions in JavaScript. None by default: it has no Node.js.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeProfile>,
    /// What it does before it is frozen and after it wakes. None by default: it can't be frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dormancy: Option<DormancyProfile>,
}

/// How a guest goes to sleep and wakes. Both are programs with their arguments, run as the system's
/// own user by the guest agent; a status other than 0 means that it did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DormancyProfile {
    /// Returns when the guest is at rest, and everything is on its disk.
    pub settle: Vec<String>,
    /// Makes a copy that has just woken a machine of its own: sets its clock, renews its random numbers
    /// and takes key and name from its seed disk. `{time}` stands for the time, as seconds since 1970
    /// with nine decimals.
    pub wake: Vec<String>,
    /// Whether `settle` leaves a process that does what `wake` does, told by the port `dormer.wake`: it
    /// reads a line there, the time, and answers with a line, `ok` or what went wrong. Then `wake` is not
    /// started, which spares an emulated guest most of that time. False by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wake_port: bool,
    /// Whether `settle` leaves an SSH server behind the guest's port 222 that has begun already: it has been
    /// told the banner `SSH-2.0-Dormer`, which the client shows first, and has sent its own and its offer of
    /// keys. It takes one connection, and has the host key of the usual one. All copies share what it drew so
    /// far, so it has to draw its half of a key when the client has sent the other, and from the kernel.
    /// False by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login_port: bool,
}

/// A guest's Node.js, in one version or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeProfile {
    /// The versions, in any order; at least one.
    pub versions: Vec<NodeVersion>,
    /// How its programs write a path.
    pub paths: PathStyle,
    /// How the programs that an action starts are found.
    pub search_path: SearchPath,
}

/// One version of Node.js.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVersion {
    /// The major version, as 20.
    pub major: u32,
    /// The program and its arguments, with `{script}` and `{exit_file}` as in
    /// [`ShellProfile::invocation`].
    pub invocation: Vec<String>,
    /// What has to be in the guest before it runs. None by default: it is part of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<GuestTool>,
}

/// A tool that is no part of an image, and comes into the guest of a job that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestTool {
    /// Which one, by the name that the host's module `tool` knows it by.
    pub name: String,
    /// The directory that its files go to, in Windows form.
    pub directory: String,
}

impl NodeProfile {
    /// The version for an action that asks for this one: the lowest that is not below it, else the
    /// highest that there is.
    pub fn nearest(&self, major: u32) -> Option<&NodeVersion> {
        let versions = || self.versions.iter();
        let new_enough = versions().filter(|version| version.major >= major);
        new_enough
            .min_by_key(|version| version.major)
            .or_else(|| versions().max_by_key(|version| version.major))
    }
}

/// One of a guest's shells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellProfile {
    /// The name that a step asks for.
    pub name: String,
    /// The program and its arguments. `{script}` stands for the script's path, `{exit_file}` for a
    /// file that takes the exit code, where the program's own status can't carry all of it.
    pub invocation: Vec<String>,
    /// How this shell writes a path.
    pub paths: PathStyle,
    /// How its programs are found.
    pub search_path: SearchPath,
}

/// How a guest runs programs that it does not know as shells. A guest with programs of two worlds has
/// one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomShell {
    /// Which programs these are, as patterns in which `*` is any text, whatever its case.
    pub programs: Vec<String>,
    /// The program and its arguments. `{program}` stands for what was asked for, a word that is
    /// `{arguments}` for its arguments, one word each, `{command}` for both as they were written,
    /// and `{exit_file}` is that of [`ShellProfile::invocation`].
    pub invocation: Vec<String>,
    /// How these programs write a path.
    pub paths: PathStyle,
    /// How the programs that they start are found.
    pub search_path: SearchPath,
}

impl CustomShell {
    /// Whether a program is one of these.
    pub fn is_for(&self, program: &str) -> bool {
        let program = program.to_ascii_lowercase();
        let mut patterns = self.programs.iter();
        patterns.any(|pattern| fits(&pattern.to_ascii_lowercase(), &program))
    }
}

/// Whether a text fits a pattern, in which `*` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.any(|at| fits(rest, &text[at..]))
}

/// The variable that lists directories with programs, and how to put some in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPath {
    /// The variable.
    pub variable: String,
    /// What stands between two directories.
    pub separator: String,
    /// Whether what the variable held has to be named again behind the new ones.
    pub extends: bool,
}

/// How `C:\a\x` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathStyle {
    /// `C:\a\x`.
    Windows,
    /// `/C:/a/x`, as over SFTP.
    Rooted,
}

impl PathStyle {
    /// A path in Windows form, as this style writes it.
    pub fn write(self, path: &str) -> String {
        match self {
            Self::Windows => path.replace('/', "\\"),
            Self::Rooted if has_drive(path) => format!("/{}", path.replace('\\', "/")),
            Self::Rooted => path.replace('\\', "/"),
        }
    }

    /// A directory, in any style's form, as this style writes it into a list whose parts such a separator
    /// keeps apart. A colon that separates would part a drive from its path: what bash on Windows writes
    /// then is `/c/a/x`.
    pub fn write_to_list(self, directory: &str, separator: &str) -> String {
        let rooted = directory.strip_prefix('/').filter(|rest| has_drive(rest));
        let directory = rooted.unwrap_or(directory);
        match (self, separator) {
            (Self::Rooted, ":") if has_drive(directory) => {
                let (drive, rest) = directory.split_at(1);
                let rest = rest[1..].replace('\\', "/");
                format!("/{}{rest}", drive.to_ascii_lowercase())
            }
            _ => self.write(directory),
        }
    }

    /// A path that this style wrote, in Windows form again.
    pub fn read(self, path: &str) -> String {
        let path = match (self, path.strip_prefix('/')) {
            (Self::Rooted, Some(rest)) if has_drive(rest) => rest,
            _ => path,
        };
        path.replace('/', "\\")
    }
}

/// Whether a path in Windows form begins with a drive.
pub fn has_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// How commands are put to a guest. See `guest::dialect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DialectKind {
    /// A POSIX shell.
    Posix,
}

impl GuestProfile {
    /// The shell of this name, whatever its case.
    pub fn shell(&self, name: &str) -> Option<&ShellProfile> {
        self.shells
            .iter()
            .find(|shell| shell.name.eq_ignore_ascii_case(name))
    }

    /// The names of its shells, for messages.
    pub fn shell_names(&self) -> String {
        self.shells
            .iter()
            .map(|shell| shell.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_gets_the_nearest_node_that_is_not_too_old() {
        let version = |major| NodeVersion {
            major,
            invocation: Vec::new(),
            tool: None,
        };
        let node = NodeProfile {
            versions: [24, 16, 20].map(version).to_vec(),
            paths: PathStyle::Windows,
            search_path: SearchPath {
                variable: "WINEPATH".to_owned(),
                separator: ";".to_owned(),
                extends: false,
            },
        };
        let nearest = |major| node.nearest(major).map(|version| version.major);
        let cases = [(12, 16), (16, 16), (20, 20), (22, 24), (24, 24), (26, 24)];
        for (asked, given) in cases {
            assert_eq!(nearest(asked), Some(given), "node{asked}");
        }
    }

    #[test]
    fn programs_are_known_by_their_names() {
        assert!(
            fits("*.exe", "a.exe") && fits("*", "") && fits("c:*", "c:\\x") && fits("perl", "perl")
        );
        assert!(fits("*.*e", "a.exe") && !fits("*.exe", "a.exes") && !fits("perl", "perl5"));
    }

    #[test]
    fn each_style_writes_a_path_its_own_way() {
        assert_eq!(PathStyle::Windows.write(r"C:\a\repo/x"), r"C:\a\repo\x");
        assert_eq!(PathStyle::Rooted.write(r"C:\a\repo"), "/C:/a/repo");
        assert_eq!(PathStyle::Rooted.write(r"sub\dir"), "sub/dir");
        for either in [r"C:\a\bin", "/C:/a/bin"] {
            assert_eq!(PathStyle::Windows.write_to_list(either, ";"), r"C:\a\bin");
            assert_eq!(PathStyle::Rooted.write_to_list(either, ":"), "/c/a/bin");
        }
        assert_eq!(PathStyle::Rooted.write_to_list("/opt", ":"), "/opt");
        assert_eq!(PathStyle::Rooted.write_to_list("/C:", ":"), "/c");
    }
}
