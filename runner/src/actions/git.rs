//! Git, as it is run for a stranger's repository: with no configuration but ours, no hook, no filter, no
//! prompt, no submodule, one protocol, and an end. What it is told is made by pure functions.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::actions::error::FetchError;
use crate::actions::measure::Measure;
use crate::actions::server::Server;
use crate::actions::tree::Limits;
use crate::actions::{Wanted, is_commit};
use crate::host::clock::Deadline;
use crate::host::process::{self, Sealed, SealedError};

/// Variables of this process that git is handed: how programs are found, proxies and certificates.
const HANDED: [&str; 14] = [
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
];

/// What git is told at each start. Its own defaults are named where a server or a file could profit from
/// another value.
const SETTINGS: [&str; 14] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.symlinks=true",
    // The tree goes to Windows: what `.git` is there, such as `GIT~1`, is refused here already.
    "core.protectNTFS=true",
    "core.protectHFS=true",
    "credential.helper=",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",
    "init.defaultBranch=main",
    // A line that carries next to nothing for half a minute is dead.
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
];

/// How long git may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a question to the server, and for what needs no server.
    pub answer: Deadline,
    /// For a commit's files.
    pub fetch: Deadline,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            answer: Deadline::seconds("git's answer", 60),
            fetch: Deadline::seconds("the repository", 600),
        }
    }
}

/// Git, and whom it asks.
#[derive(Debug, Clone)]
pub struct Git {
    /// The program: a name that is looked for on the path, or a path. Default: `git`.
    pub program: PathBuf,
    /// The server.
    pub server: Server,
    /// What proves to the server who asks. Default: nothing.
    pub token: Option<SecretString>,
    /// How long things may take.
    pub times: Times,
}

impl Git {
    /// The git on the path, which asks as nobody in particular.
    pub fn at(server: Server) -> Self {
        Self {
            program: PathBuf::from("git"),
            server,
            token: None,
            times: Times::default(),
        }
    }

    /// Makes an empty repository for what is fetched.
    pub(super) async fn begin(&self, directory: &Path) -> Result<(), FetchError> {
        let arguments = ["init", "--quiet", "--bare", "--template=", "."];
        let output = self.run(directory, None, &arguments, self.times.answer);
        self.finished(output.await?).map(drop)
    }

    /// The commit that a branch or a tag means on the server now.
    pub(super) async fn resolve(
        &self,
        directory: &Path,
        wanted: Wanted<'_>,
    ) -> Result<String, FetchError> {
        let url = self.server.repository(wanted.repository);
        let names = names_of(wanted.git_ref);
        let mut arguments = vec!["ls-remote", "--quiet", "--", &url];
        arguments.extend(names.iter().map(String::as_str));
        let output = self.run(directory, None, &arguments, self.times.answer);
        let listing = self.finished(output.await?)?;
        chosen(&listing, &names).ok_or(FetchError::Ref)
    }

    /// Fetches the files of one commit.
    pub(super) async fn fetch(
        &self,
        directory: &Path,
        repository: &str,
        commit: &str,
    ) -> Result<(), FetchError> {
        let url = self.server.repository(repository);
        let arguments = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--",
            &url,
            commit,
        ];
        let output = self.run(directory, None, &arguments, self.times.fetch);
        self.finished(output.await?).map(drop)
    }

    /// Makes sure that a commit which was fetched is within the limits, without writing anything.
    pub(super) async fn measure(
        &self,
        directory: &Path,
        commit: &str,
        limits: Limits,
    ) -> Result<(), FetchError> {
        let commit = format!("{commit}^{{commit}}");
        let arguments = ["ls-tree", "-r", "-t", "-l", "-z", "--full-tree", &commit];
        let all = with_settings(&arguments);
        let mut measure = Measure::new(limits);
        let mut found = Ok(());
        let sealed = self.sealed(&all, directory, None);
        let look = |piece: &[u8]| {
            found = measure.take(piece);
            found.is_ok()
        };
        let output = process::watch_sealed(sealed, self.times.fetch, look).await;
        found?;
        match self.finished(output.map_err(not_run)?) {
            Err(FetchError::Git(why)) => Err(FetchError::Unfit(why)),
            finished => finished.map(drop),
        }
    }

    /// Writes the files of a commit that was fetched into an empty directory.
    pub(super) async fn check_out(
        &self,
        directory: &Path,
        commit: &str,
        tree: &Path,
    ) -> Result<(), FetchError> {
        // Whatever the id names, it has to be a commit, and this one.
        let commit = format!("{commit}^{{commit}}");
        let arguments = [
            "-c",
            "core.bare=false",
            "read-tree",
            "--reset",
            "-u",
            "--no-recurse-submodules",
            &commit,
        ];
        let output = self.run(directory, Some(tree), &arguments, self.times.fetch);
        let output = output.await?;
        match self.finished(output) {
            Err(FetchError::Git(why)) => Err(FetchError::Unfit(why)),
            finished => finished.map(drop),
        }
    }

    async fn run(
        &self,
        directory: &Path,
        tree: Option<&Path>,
        arguments: &[&str],
        deadline: Deadline,
    ) -> Result<Output, FetchError> {
        let all = with_settings(arguments);
        let sealed = self.sealed(&all, directory, tree);
        let output = process::run_sealed(sealed, deadline).await;
        output.map_err(not_run)
    }

    fn sealed<'a>(
        &'a self,
        arguments: &'a [&'a str],
        directory: &'a Path,
        tree: Option<&'a Path>,
    ) -> Sealed<'a> {
        Sealed {
            program: &self.program,
            arguments,
            environment: self.environment(directory, tree),
            directory: tree.unwrap_or(directory),
        }
    }

    /// All of git's environment. Its repository is always named: one that this host's directories are
    /// in has a configuration of its own.
    fn environment(&self, directory: &Path, tree: Option<&Path>) -> Vec<(String, OsString)> {
        let own = [
            ("GIT_DIR", directory.as_os_str()),
            ("HOME", directory.as_os_str()),
            ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".as_ref()),
            ("GIT_ATTR_NOSYSTEM", "1".as_ref()),
            ("GIT_TERMINAL_PROMPT", "0".as_ref()),
            ("GIT_LFS_SKIP_SMUDGE", "1".as_ref()),
            ("GIT_ALLOW_PROTOCOL", self.server.protocol().as_ref()),
            // Its complaints are understood in English.
            ("LC_ALL", "C".as_ref()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let handed = HANDED.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some(((*name).to_owned(), value))
        });
        let tree = tree.map(|tree| ("GIT_WORK_TREE".to_owned(), tree.as_os_str().to_owned()));
        let all = handed.chain(own).chain(tree);
        all.chain(self.credentials()).collect()
    }

    /// The token as a setting that counts for the server alone. It is handed over as variables, which
    /// no other user can read; a command line everybody can.
    fn credentials(&self) -> Vec<(String, OsString)> {
        let Some(token) = self
            .token
            .as_ref()
            .filter(|_| self.server.protocol() == "https")
        else {
            return Vec::new();
        };
        let login = STANDARD.encode(format!("x-access-token:{}", token.expose_secret()));
        let setting = [
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            (
                "GIT_CONFIG_KEY_0",
                format!("http.{}/.extraHeader", self.server),
            ),
            (
                "GIT_CONFIG_VALUE_0",
                format!("Authorization: Basic {login}"),
            ),
        ];
        let setting = setting.map(|(name, value)| (name.to_owned(), OsString::from(value)));
        setting.into()
    }

    /// What git printed, or what its complaint means.
    fn finished(&self, output: Output) -> Result<String, FetchError> {
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(self.meaning(&complaint))
    }

    fn meaning(&self, complaint: &str) -> FetchError {
        let says = |words: &[&str]| words.iter().any(|one| complaint.contains(one));
        let server = self.server.to_string();
        if says(&NO_REPOSITORY) {
            return FetchError::Repository(server);
        }
        if says(&NO_COMMIT) {
            return FetchError::Commit;
        }
        let why = last_words(complaint);
        if says(&NO_ANSWER) {
            return FetchError::Unreachable { server, why };
        }
        FetchError::Git(why)
    }
}

fn with_settings<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
    settings.chain(arguments.iter().copied()).collect()
}

/// What it means that git did not come to its end.
fn not_run(error: SealedError) -> FetchError {
    match error {
        SealedError::Late(passed) => FetchError::Late(passed),
        SealedError::Start(error) if error.kind() == io::ErrorKind::NotFound => FetchError::NoGit,
        SealedError::Start(error) => FetchError::Git(error.to_string()),
        SealedError::Stopped => FetchError::Git("it printed too much".to_owned()),
    }
}

/// What git says of a repository that is not there, or that asks who we are. GitHub's answer to both is
/// the same.
const NO_REPOSITORY: [&str; 6] = [
    "could not read Username",
    "Authentication failed",
    "does not appear to be a git repository",
    "Repository not found",
    "' not found",
    "returned error: 403",
];

const NO_COMMIT: [&str; 4] = [
    "not our ref",
    "unadvertised object",
    "couldn't find remote ref",
    "bad object",
];

const NO_ANSWER: [&str; 5] = [
    "Could not resolve",
    "unable to access",
    "Connection refused",
    "Connection timed out",
    "early EOF",
];

/// The last lines of what git complains of, as one.
fn last_words(complaint: &str) -> String {
    const LINES: usize = 3;
    let lines: Vec<&str> = complaint
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

/// The full names that a ref may have, the one that counts first: as git has it, a tag before a branch,
/// and what an annotated tag leads to before the tag itself.
fn names_of(git_ref: &str) -> Vec<String> {
    match git_ref.strip_prefix("refs/") {
        Some(_) => vec![format!("{git_ref}^{{}}"), git_ref.to_owned()],
        None => vec![
            format!("refs/tags/{git_ref}^{{}}"),
            format!("refs/tags/{git_ref}"),
            format!("refs/heads/{git_ref}"),
        ],
    }
}

/// The commit of the first of these names that a listing has. A listing has other names too: git takes
/// what was asked for as the end of a name.
fn chosen(listing: &str, names: &[String]) -> Option<String> {
    let lines: Vec<(&str, &str)> = listing
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(commit, _)| is_commit(commit))
        .collect();
    let found = names
        .iter()
        .find_map(|name| lines.iter().find(|(_, known)| known == name));
    found.map(|(commit, _)| (*commit).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github() -> Git {
        Git::at(Server::default())
    }

    #[test]
    fn git_knows_no_configuration_but_ours() {
        let environment = github().environment(Path::new("/h"), None);
        let value = |name: &str| {
            let found = environment.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.to_str().unwrap())
        };
        assert_eq!(value("GIT_DIR"), Some("/h"));
        assert_eq!(value("HOME"), Some("/h"));
        assert_eq!(value("GIT_CONFIG_GLOBAL"), Some("/dev/null"));
        assert_eq!(value("GIT_ALLOW_PROTOCOL"), Some("https"));
        assert_eq!(value("GIT_CONFIG_COUNT"), None);
        let known = |name: &&str| HANDED.contains(name);
        let others: Vec<&str> = environment
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !known(name) && !name.starts_with("GIT_"))
            .collect();
        assert_eq!(others, ["HOME", "LC_ALL"]);
    }

    #[test]
    fn a_token_is_for_its_server_alone() {
        let mut git = github();
        git.token = Some(SecretString::from("t0ken"));
        let variables = git.credentials();
        assert_eq!(variables[1].1, "http.https://github.com/.extraHeader");
        let login = STANDARD.encode("x-access-token:t0ken");
        let header = OsString::from(format!("Authorization: Basic {login}"));
        assert_eq!(variables[2].1, header);
        git.server = Server::parse("file:///x").unwrap();
        assert!(git.credentials().is_empty());
    }

    #[test]
    fn a_tag_stands_before_a_branch_and_what_it_leads_to_before_it() {
        let id = |digit: &str| digit.repeat(40);
        let listing = format!(
            "{}\trefs/heads/v1\n{}\trefs/tags/v1\n{}\trefs/tags/v1^{{}}\n{}\trefs/heads/refs/tags/v2\nx\trefs/tags/v3\n",
            id("a"),
            id("b"),
            id("c"),
            id("d")
        );
        let of = |git_ref: &str| chosen(&listing, &names_of(git_ref));
        assert_eq!(of("v1"), Some(id("c")));
        assert_eq!(of("refs/heads/v1"), Some(id("a")));
        assert_eq!(of("v2"), None);
        assert_eq!(of("v3"), None);
    }

    #[test]
    fn complaints_are_told_apart() {
        let meaning = |complaint: &str| github().meaning(complaint);
        for private in [
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "remote: Repository not found.\nfatal: Authentication failed for 'https://github.com/a/b/'",
            "fatal: repository 'https://github.com/a/b/' not found",
        ] {
            assert!(matches!(meaning(private), FetchError::Repository(_)));
        }
        let offline = meaning(
            "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com",
        );
        assert!(matches!(offline, FetchError::Unreachable { .. }));
        let told = offline.told(Wanted {
            repository: "a/b",
            git_ref: "v1",
        });
        assert!(
            told.contains("`https://github.com` cannot be reached"),
            "{told}"
        );
        assert!(told.contains("`--action a/b@v1=DIR`"), "{told}");
        let gone = meaning("fatal: remote error: upload-pack: not our ref 0123");
        assert!(matches!(gone, FetchError::Commit));
        assert!(matches!(meaning("fatal: odd"), FetchError::Git(_)));
    }
}
