//! Actions that are fetched with git, from repositories of this host.

use std::fs;
use std::path::Path;
use std::process::Command;

use dormer::actions::cache::ActionCache;
use dormer::actions::git::Git;
use dormer::actions::server::Server;
use dormer::event::{Conclusion, JobEvent};
use dormer_localguest::lab::Lab;

use super::{printed, run};

fn git(directory: &Path, arguments: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "the server's side of a test")]
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// Makes a repository of these files with the tag `v1`, and returns its commit.
fn serve(server: &Path, repository: &str, files: &[(&str, &str)]) -> String {
    let root = server.join(repository);
    for (name, text) in files {
        let path = root.join(name);
        let parent = path.parent().expect("a file is in a directory");
        fs::create_dir_all(parent).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    git(&root, &["init", "--quiet", "."]);
    git(&root, &["add", "--all", "--force"]);
    git(&root, &["commit", "--quiet", "--message", "x"]);
    git(&root, &["tag", "--annotate", "--message", "x", "v1"]);
    git(&root, &["rev-parse", "HEAD"])
}

#[tokio::test]
async fn actions_are_fetched_pinned_and_run_again_without_their_server() {
    let host = tempfile::tempdir().unwrap();
    let server = host.path().join("server");
    let script = [
        (
            "act/action.yml",
            "inputs: {who: {}}\nruns: {using: node20, main: ../dist/main.js}\n",
        ),
        (
            "dist/main.js",
            "echo \"script $INPUT_WHO\"; echo \"# more\" >>\"$0\"\n",
        ),
        (".gitignore", "dist\n"),
    ];
    let outer = "inputs: {who: {default: Ada}}\nruns:\n  using: composite\n  steps:\n    \
                 - uses: it/script/act@v1\n      with:\n        who: ${{ inputs.who }}\n    \
                 - run: echo composite\n      shell: bash\n";
    let inner = serve(&server, "it/script", &script);
    let outer = serve(&server, "it/outer", &[("action.yml", outer)]);
    for round in 0..2 {
        let mut lab = Lab::new();
        let url = format!("file://{}", server.display());
        let git = Git::at(Server::parse(&url).unwrap());
        lab.cache = Some(ActionCache::at(host.path().join("cache"), git));
        let outcome = run(&lab, "- uses: it/outer@v1\n").await;
        assert_eq!(
            outcome.conclusion,
            Conclusion::Success,
            "{:?}",
            outcome.notices()
        );
        // The script wrote to itself: that was the guest's copy.
        assert_eq!(printed(&outcome), ["script Ada", "composite"]);
        let pinned: Vec<_> = outcome
            .events
            .iter()
            .filter_map(|event| match event {
                JobEvent::ActionPinned { uses, commit } => Some((uses.as_str(), commit.clone())),
                _ => None,
            })
            .collect();
        let expected = [
            ("it/outer@v1", Some(outer.clone())),
            ("it/script/act@v1", Some(inner.clone())),
        ];
        assert_eq!(pinned, expected);
        if round == 0 {
            fs::remove_dir_all(&server).unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_never_fetched_is_named_with_its_server_and_the_remedy() {
    let mut lab = Lab::new();
    let git = Git::at(Server::parse("file:///no/such/server").unwrap());
    lab.cache = Some(ActionCache::at(lab.guest.path("cache"), git));
    let outcome = run(&lab, "- uses: it/outer/sub@v1\n").await;
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    let notices = outcome.notices();
    for part in [
        "cannot get the action `it/outer/sub@v1`",
        "`file:///no/such/server`",
        "`--action it/outer@v1=dir`",
    ] {
        assert!(notices[0].contains(part), "{notices:?}");
    }
}
