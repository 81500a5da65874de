//! The cache with the real git, and repositories of this host as its server.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::Wanted;
use super::cache::{ActionCache, Cached};
use super::error::FetchError;
use super::git::Git;
use super::prune::prune;
use super::server::Server;
use crate::host::clock::Deadline;
use crate::progress::Silent;

/// A server with one repository, `it/act`, and a home.
struct TestServer {
    directory: tempfile::TempDir,
}

impl TestServer {
    fn new() -> Self {
        let server = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(server.path("server/It/act")).unwrap();
        server.git(&["init", "--quiet", "--initial-branch=main", "."]);
        server.commit("action.yml", "one");
        server
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Runs git in the repository.
    fn git<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        #[expect(clippy::disallowed_methods, reason = "the server's side of a test")]
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(self.path("server/It/act"))
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.path("server/It/act").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Commits a file with everything else that is there, and returns the commit.
    fn commit(&self, name: &str, text: &str) -> String {
        self.file(name, text);
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--message", text]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn cache(&self) -> ActionCache {
        let url = format!("file://{}", self.path("server").display());
        let git = Git::at(Server::parse(&url).unwrap());
        ActionCache::at(self.path("home"), git)
    }

    /// The server is gone from here on.
    fn goes_away(&self) {
        fs::rename(self.path("server"), self.path("gone")).unwrap();
    }
}

async fn get(cache: &ActionCache, git_ref: &str) -> Result<Cached, FetchError> {
    let wanted = Wanted {
        repository: "It/act",
        git_ref,
    };
    cache.get(wanted, &Silent).await
}

fn text(cached: &Cached) -> String {
    cached.read("action.yml").unwrap().unwrap()
}

fn told(error: &FetchError) -> String {
    error.told(Wanted {
        repository: "it/act",
        git_ref: "v1",
    })
}

#[tokio::test]
async fn branches_tags_and_commits_are_fetched_once_and_used_without_a_server() {
    let server = TestServer::new();
    let first = server.git(&["rev-parse", "HEAD"]);
    server.git(&["tag", "light"]);
    server.git(&["tag", "--annotate", "--message", "x", "v1"]);
    server.git(&["branch", "release/1"]);
    let second = server.commit("action.yml", "two");
    let cache = server.cache();
    let refs = [
        ("light", &first),
        ("v1", &first),
        ("refs/tags/v1", &first),
        ("release/1", &first),
        ("main", &second),
        (first.as_str(), &first),
    ];
    for round in 0..2 {
        for (git_ref, commit) in refs {
            let cached = get(&cache, git_ref).await.unwrap();
            assert_eq!(&cached.commit, commit, "{git_ref}");
            let expected = if *commit == first { "one" } else { "two" };
            assert_eq!(text(&cached), expected);
            assert!(!cached.root.join(".git").exists());
            let mode = fs::metadata(cached.root.join("action.yml")).unwrap();
            assert_eq!(mode.permissions().mode() & 0o222, 0);
        }
        if round == 0 {
            server.goes_away();
        }
    }
    let kept = server.path("home/it/act").join(&first);
    assert!(kept.is_dir());
    // Two commits and the record; nothing that was on its way.
    assert_eq!(fs::read_dir(kept.parent().unwrap()).unwrap().count(), 3);
}

#[tokio::test]
async fn a_tag_that_moves_stays_where_it_was_until_it_is_asked_for_again() {
    let server = TestServer::new();
    server.git(&["tag", "v1"]);
    assert_eq!(text(&get(&server.cache(), "v1").await.unwrap()), "one");
    server.commit("action.yml", "two");
    server.git(&["tag", "--force", "v1"]);
    assert_eq!(text(&get(&server.cache(), "v1").await.unwrap()), "one");

    let mut refreshing = server.cache();
    refreshing.refresh = true;
    assert_eq!(text(&get(&refreshing, "v1").await.unwrap()), "two");
    // Once a run: its jobs all see the same commit.
    server.commit("action.yml", "three");
    server.git(&["tag", "--force", "v1"]);
    assert_eq!(text(&get(&refreshing, "v1").await.unwrap()), "two");
    assert_eq!(text(&get(&server.cache(), "v1").await.unwrap()), "two");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let server = TestServer::new();
    let cache = server.cache();
    let error = get(&cache, "v9").await.unwrap_err();
    assert!(matches!(error, FetchError::Ref), "{error}");
    let error = get(&cache, &"0".repeat(40)).await.unwrap_err();
    assert!(matches!(error, FetchError::Commit), "{error}");
    let wanted = Wanted {
        repository: "it/none",
        git_ref: "v1",
    };
    let error = cache.get(wanted, &Silent).await.unwrap_err();
    assert!(matches!(error, FetchError::Repository(_)), "{error}");
    let why = error.told(wanted);
    assert!(
        why.contains("cannot fetch `it/none@v1`: `file:///"),
        "{why}"
    );
    assert!(why.contains("--action it/none@v1=DIR"), "{why}");
    // A short commit is no ref.
    let short = &server.git(&["rev-parse", "HEAD"])[..10];
    let wanted = Wanted {
        repository: "it/act",
        git_ref: short,
    };
    let why = get(&cache, short).await.unwrap_err().told(wanted);
    assert!(
        why.contains("by its 40 digits") || why.contains("has no such"),
        "{why}"
    );
    for (repository, git_ref) in [
        ("it/../x", "v1"),
        ("../x", "v1"),
        ("it/act", "--upload-pack=x"),
        ("it/act", "a b"),
        ("it/act", "*"),
        ("act", "v1"),
    ] {
        let wanted = Wanted {
            repository,
            git_ref,
        };
        let error = cache.get(wanted, &Silent).await.unwrap_err();
        assert!(matches!(error, FetchError::Names), "{repository}@{git_ref}");
    }
}

#[tokio::test]
async fn without_git_the_remedy_is_named() {
    let server = TestServer::new();
    let mut cache = server.cache();
    cache.git.program = PathBuf::from("no-such-git");
    let error = get(&cache, "main").await.unwrap_err();
    assert!(told(&error).contains("there is no `git` on this host; install git"));
}

#[tokio::test]
async fn a_fetch_that_comes_to_nothing_leaves_nothing() {
    let server = TestServer::new();
    let left = |cache: &ActionCache| fs::read_dir(&cache.root).map_or(0, Iterator::count);
    let cache = server.cache();
    get(&cache, "no-such-branch").await.unwrap_err();
    assert_eq!(left(&cache), 0);
    let elsewhere = Wanted {
        repository: "no/such",
        git_ref: "main",
    };
    cache.get(elsewhere, &Silent).await.unwrap_err();
    assert_eq!(left(&cache), 0);
    // Nor does one that is given up.
    let mut hangs = server.cache();
    hangs.git.program = server.path("hangs");
    fs::write(&hangs.git.program, "#!/bin/sh\nexec sleep 20\n").unwrap();
    fs::set_permissions(&hangs.git.program, fs::Permissions::from_mode(0o755)).unwrap();
    let soon = Duration::from_millis(300);
    let given_up = tokio::time::timeout(soon, get(&hangs, "main")).await;
    assert!(given_up.is_err());
    assert_eq!(left(&hangs), 0);
    // What is kept stays, whatever fails beside it.
    get(&cache, "main").await.unwrap();
    get(&cache, "no-such-branch").await.unwrap_err();
    get(&cache, "main").await.unwrap();
    assert_eq!(left(&cache), 1);
}

#[tokio::test]
async fn files_that_rules_ignore_and_links_inside_are_kept() {
    let server = TestServer::new();
    server
        .file("dist/index.js", "x")
        .file(".gitignore", "dist\n");
    server.file(
        ".gitattributes",
        "* export-ignore filter=lfs\n*.txt export-subst\n",
    );
    server.file("run.sh", "");
    let repository = server.path("server/It/act");
    fs::set_permissions(repository.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("dist/index.js", repository.join("link")).unwrap();
    server.commit("a.txt", "$Format:%H$");
    let cached = get(&server.cache(), "main").await.unwrap();
    assert_eq!(cached.read("link").unwrap().unwrap(), "x");
    assert_eq!(cached.read("a.txt").unwrap().unwrap(), "$Format:%H$");
    let mode = |name: &str| fs::metadata(cached.root.join(name)).unwrap().permissions();
    assert_eq!(mode("run.sh").mode() & 0o777, 0o555);
    assert_eq!(cached.read("../refs.json").unwrap(), None);
    assert_eq!(cached.read("dist").unwrap(), None);
}

#[tokio::test]
async fn a_hostile_tree_is_refused_and_leaves_nothing() {
    let blob = |server: &TestServer| server.git(&["hash-object", "-w", "action.yml"]);
    let links = |target: &str, name: &str| {
        let server = TestServer::new();
        symlink(target, server.path("server/It/act").join(name)).unwrap();
        server.commit("x", "x");
        server
    };
    let colon = TestServer::new();
    colon.commit("a:b", "x");
    let dot_git = TestServer::new();
    let entry = format!("100644 blob {}\tconfig", blob(&dot_git));
    let inner = dot_git.path("inner");
    fs::write(&inner, format!("{entry}\n")).unwrap();
    let mktree = |input: &Path| {
        let script = format!("git mktree <'{}'", input.display());
        dot_git.git(&["-c", &format!("alias.m=!{script}"), "m"])
    };
    let inner = mktree(&inner);
    let outer = dot_git.path("outer");
    fs::write(&outer, format!("040000 tree {inner}\t.GIT\n")).unwrap();
    let tree = mktree(&outer);
    let commit = dot_git.git(&["commit-tree", "-m", "x", &tree]);
    dot_git.git(&["update-ref", "refs/heads/main", &commit]);
    for (server, say) in [
        (links("/etc/passwd", "out"), "the link `out` leads out of"),
        (links("../../x", "up"), "the link `up` leads out of"),
        (colon, "`a:b` is no name of a file on Windows"),
        (dot_git, "invalid path"),
    ] {
        let error = get(&server.cache(), "main").await.unwrap_err();
        assert!(matches!(error, FetchError::Unfit(_)), "{error}");
        assert!(told(&error).contains(say), "{}", told(&error));
        assert!(!server.path("home/it").exists());
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = TestServer::new();
    server.commit("large", &"x".repeat(100_000));
    let mut cache = server.cache();
    cache.limits.bytes = 50_000;
    let error = get(&cache, "main").await.unwrap_err();
    assert!(matches!(error, FetchError::Large(50_000)), "{error}");
    let mut cache = server.cache();
    cache.limits.entries = 1;
    let error = get(&cache, "main").await.unwrap_err();
    assert!(error.to_string().contains("more than 1 files"), "{error}");
}

/// Writes a program that stands in for git.
fn fake_git(server: &TestServer, script: &str) -> PathBuf {
    let path = server.path("git");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn a_git_that_hangs_is_ended() {
    let server = TestServer::new();
    let mut cache = server.cache();
    cache.git.program = fake_git(&server, "sleep 300");
    cache.git.times.answer = Deadline {
        what: "git's answer",
        after: Duration::from_millis(300),
    };
    let begun = Instant::now();
    let error = get(&cache, "main").await.unwrap_err();
    assert!(matches!(error, FetchError::Late(_)), "{error}");
    assert!(told(&error).contains("git's answer did not come within 300ms"));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_token_is_on_no_command_line() {
    let server = TestServer::new();
    let mut cache = server.cache();
    let seen = server.path("seen");
    let script = format!(
        "echo \"$@\" >>{0}; echo \"$GIT_CONFIG_VALUE_0\" >>{0}.secret; exit 1",
        seen.display()
    );
    cache.git.program = fake_git(&server, &script);
    cache.git.server = Server::parse("https://git.example").unwrap();
    cache.git.token = Some("t0ken".to_owned().into());
    get(&cache, "main").await.unwrap_err();
    let login = "eC1hY2Nlc3MtdG9rZW46dDBrZW4=";
    let arguments = fs::read_to_string(&seen).unwrap();
    assert!(arguments.contains("init"), "{arguments}");
    assert!(!arguments.contains(login) && !arguments.contains("t0ken"));
    let variable = fs::read_to_string(server.path("seen.secret")).unwrap();
    assert!(variable.contains(login), "{variable}");
}

/// Locks of one process exclude each other as those of two do: they are held on open files.
#[tokio::test]
async fn two_at_once_fetch_once() {
    let server = TestServer::new();
    let log = server.path("log");
    let script = format!("echo \"$@\" >>{}; exec git \"$@\"", log.display());
    let program = fake_git(&server, &script);
    let with = || {
        let mut cache = server.cache();
        cache.git.program.clone_from(&program);
        cache
    };
    let (one, two) = (with(), with());
    let (first, second) = tokio::join!(get(&one, "main"), get(&two, "main"));
    assert_eq!(first.unwrap().commit, second.unwrap().commit);
    let calls = fs::read_to_string(log).unwrap();
    assert_eq!(calls.matches(" fetch ").count(), 1, "{calls}");
}

#[tokio::test]
async fn what_is_unused_for_long_goes_with_its_refs_and_what_is_held_stays() {
    let server = TestServer::new();
    server.git(&["tag", "v1"]);
    let cache = server.cache();
    let cached = get(&cache, "v1").await.unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(100);
    let root = fs::File::open(&cached.root).unwrap();
    root.set_modified(long_ago).unwrap();
    let sweep = |age, dry_run| prune(&cache.root, Duration::from_secs(age), dry_run).unwrap();
    let name = format!("it/act@{}", cached.commit);
    assert!(sweep(1000, false).is_empty());
    assert_eq!(sweep(50, true), [name.as_str()]);
    assert!(sweep(50, false).is_empty(), "it is held");
    assert!(cached.root.is_dir());
    let path = cached.root.clone();
    drop(cached);
    // A program that another test starts at this moment has the lock too, until it is on its way.
    let mut gone = Vec::new();
    for _ in 0..100 {
        gone = sweep(50, false);
        if !gone.is_empty() {
            break;
        }
        crate::host::clock::pause(Duration::from_millis(50)).await;
    }
    assert_eq!(gone, [name.as_str()]);
    assert!(!path.exists());
    // Its ref means what the server says now.
    server.commit("action.yml", "two");
    server.git(&["tag", "--force", "v1"]);
    assert_eq!(text(&get(&cache, "v1").await.unwrap()), "two");
    assert!(
        prune(Path::new("/no/such"), Duration::ZERO, false)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_killed_process_left_goes() {
    let server = TestServer::new();
    let left = server.path("home/it/act/.incoming-x/files");
    fs::create_dir_all(&left).unwrap();
    get(&server.cache(), "main").await.unwrap();
    assert!(!left.exists());
}

/// A home is often inside of somebody's checkout.
#[tokio::test]
async fn the_configuration_of_a_repository_around_the_home_is_not_read() {
    let server = TestServer::new();
    fs::create_dir_all(server.path("home/.git/refs")).unwrap();
    fs::create_dir_all(server.path("home/.git/objects")).unwrap();
    fs::write(server.path("home/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let config = "[url \"ext::sh -c touch% /tmp/never\"]\n\tinsteadOf = file://\n";
    fs::write(server.path("home/.git/config"), config).unwrap();
    assert_eq!(text(&get(&server.cache(), "main").await.unwrap()), "one");
}

/// Ten names in each tree, all of the same tree below: 10^8 files in nine small objects.
#[tokio::test]
async fn a_tree_that_multiplies_is_refused_before_it_is_written() {
    let server = TestServer::new();
    server.file("leaf", "x");
    let mut below = ("100644 blob", server.git(&["hash-object", "-w", "leaf"]));
    for _ in 0..8 {
        let (kind, object) = &below;
        let lines = (0..10).map(|name| format!("{kind} {object}\t{name}\n"));
        fs::write(server.path("lines"), lines.collect::<String>()).unwrap();
        below = ("040000 tree", mktree(&server));
    }
    let commit = server.git(&["commit-tree", &below.1, "-m", "bomb"]);
    server.git(&["tag", "bomb", &commit]);
    let begun = Instant::now();
    let why = told(&get(&server.cache(), "bomb").await.unwrap_err());
    assert!(why.contains("it has more than 100000 files"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!server.path("home/it").exists());
}

/// A tree of the lines in the file `lines`.
fn mktree(server: &TestServer) -> String {
    #[expect(clippy::disallowed_methods, reason = "the server's side of a test")]
    let output = std::process::Command::new("git")
        .arg("mktree")
        .current_dir(server.path("server/It/act"))
        .stdin(fs::File::open(server.path("lines")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One blob under many names is small on its way and large on the disk.
#[tokio::test]
async fn what_would_be_too_large_is_refused_before_it_is_written() {
    let server = TestServer::new();
    for name in 0..10 {
        server.file(&format!("copy{name}"), &"x".repeat(1000));
    }
    server.commit("action.yml", "large");
    let mut cache = server.cache();
    cache.limits.bytes = 9_000;
    let calls = server.path("log");
    let script = format!("echo \"$@\" >>{}; exec git \"$@\"", calls.display());
    cache.git.program = fake_git(&server, &script);
    let error = get(&cache, "main").await.unwrap_err();
    assert!(matches!(error, FetchError::Large(9_000)), "{error}");
    let calls = fs::read_to_string(calls).unwrap();
    assert!(!calls.contains("read-tree"), "{calls}");
}

#[tokio::test]
async fn a_run_uses_so_many_repositories_and_no_more() {
    let server = TestServer::new();
    server.git(&["tag", "v1"]);
    server.git(&["tag", "v2"]);
    let mut cache = server.cache();
    cache.limits.repositories = 2;
    for git_ref in ["main", "v1", "main"] {
        get(&cache, git_ref).await.unwrap();
    }
    let why = told(&get(&cache, "v2").await.unwrap_err());
    assert!(
        why.contains("the run uses more than 2 repositories; look for"),
        "{why}"
    );
    // What it uses already it may use again.
    get(&cache, "v1").await.unwrap();
}
