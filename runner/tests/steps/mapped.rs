//! Directories of this host that stand in for actions.

use std::fs;
use std::sync::Arc;

use dormer::actions::cache::ActionCache;
use dormer::actions::git::Git;
use dormer::actions::server::Server;
use dormer::actions::stand_ins::StandIns;
use dormer::job::actions::JobActions;
use dormer::progress::Silent;
use dormer::steps::action::source::ActionSource;
use dormer_localguest::LocalGuest;

#[tokio::test]
async fn a_directory_stands_in_for_the_one_ref_that_it_was_named_for() {
    let guest = LocalGuest::new();
    let host = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("sub/action.yml", "name: it\n"),
        ("dist/index.js", "x"),
        (".gitignore", "node_modules\n"),
        ("node_modules/x", "x"),
        (".git/config", "x"),
    ] {
        let path = host.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let channel = guest.channel();
    let named = ["Me/Greet@v1", "Me/Greet@v2"];
    let mapped = StandIns::new(named.map(|name| (name.to_owned(), host.path().to_owned())));
    let nowhere = Server::parse("file:///no/such/server").unwrap();
    let cache = ActionCache::at(guest.path("cache"), Git::at(nowhere));
    let actions = JobActions {
        mapped: &mapped,
        cache: &cache,
        channel: channel.as_ref(),
        progress: Arc::new(Silent),
    };
    let directory = guest.windows("a/_actions/me/greet/v1");
    let placed = actions.place("me/greet", "v1", &directory).await.unwrap();
    assert_eq!(placed.commit, None);
    let text = placed.files.read("sub/action.yml").unwrap();
    assert_eq!(text.as_deref(), Some("name: it\n"));
    assert_eq!(placed.files.read("action.yml").unwrap(), None);
    assert_eq!(placed.files.read("sub/action.yml/x").unwrap(), None);
    let there = |path: &str| guest.path("a/_actions/me/greet/v1").join(path).exists();
    assert!(there("dist/index.js") && there("sub/action.yml"));
    assert!(!there(".git") && !there("node_modules"));
    let why = actions
        .place("me/greet", "V1", &directory)
        .await
        .unwrap_err();
    assert!(why.contains("--action me/greet@V1=DIR"), "{why}");
    let unused: Vec<&str> = mapped.unused().map(|(reference, _)| reference).collect();
    assert_eq!(unused, ["Me/Greet@v2"]);
}
