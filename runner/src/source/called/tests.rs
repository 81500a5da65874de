use std::fs;
use std::os::unix::fs::symlink;

use dormer_workflow::workflow::WorkflowReference;

use super::*;
use crate::actions::git::Git;
use crate::actions::server::Server;
use crate::progress::Silent;

/// A run's own repository, `own`, and a directory `there` that stands in for `o/r@v1`. No server.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("own/.git/HEAD", ""), ("there/.git/HEAD", "")]
            .iter()
            .chain(files)
        {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { directory }
    }

    async fn follow(&self, text: &str, fetches: bool) -> Result<CalledWorkflows, String> {
        let server = Server::parse("file:///no/such/server").unwrap();
        let cache = ActionCache::at(self.directory.path().join("home"), Git::at(server));
        let mapped = self.directory.path().join("there");
        let mapped = StandIns::new([("O/R@v1".to_owned(), mapped)]);
        let library = Library {
            mapped: &mapped,
            cache: &cache,
            fetches,
            progress: &Silent,
        };
        let own = Tree::of(&self.directory.path().join("own")).unwrap();
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        let followed = follow(&Arc::new(workflow), None, &own, &library).await;
        followed.map_err(|problems| problems.to_string())
    }
}

/// A workflow whose jobs call these.
fn calling(references: &[&str]) -> String {
    let jobs = references.iter().enumerate();
    let jobs = jobs.map(|(index, uses)| format!("  j{index}: {{uses: {uses}}}\n"));
    format!("on: workflow_call\njobs:\n{}", jobs.collect::<String>())
}

const LEAF: &str = "on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n";

fn names(called: &CalledWorkflows) -> Vec<String> {
    called.files.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn calls_are_followed_through_own_and_foreign_files() {
    let foreign = calling(&["./.github/workflows/b.yml"]);
    let own = calling(&["o/r/.github/workflows/a.yml@v1"]);
    let place = Place::new(&[
        ("own/.github/workflows/own.yml", &own),
        ("there/.github/workflows/a.yml", &foreign),
        ("there/.github/workflows/b.yml", LEAF),
    ]);
    let text = calling(&["./.github/workflows/own.yml"]);
    let called = place.follow(&text, true).await.unwrap();
    // `./` in a foreign file is the foreign repository; the run's own has no `b.yml`.
    assert_eq!(
        names(&called),
        [
            "o/r/.github/workflows/a.yml@v1",
            "o/r/.github/workflows/b.yml@v1"
        ]
    );
    let reference = WorkflowReference::parse("o/r/.github/workflows/b.yml@v1");
    let Ok(WorkflowReference::Remote(remote)) = reference else {
        panic!("no reference");
    };
    let file = called.files.get(&remote).unwrap();
    assert_eq!((file.file.text(), &file.commit), (LEAF, &None));
}

#[tokio::test]
async fn all_that_cannot_be_had_is_named_with_its_place() {
    let place = Place::new(&[("outside.yml", LEAF)]);
    let below = place.directory.path().join("there/.github/workflows");
    fs::create_dir_all(&below).unwrap();
    symlink("../../../outside.yml", below.join("link.yml")).unwrap();
    let text = calling(&[
        "o/r/.github/workflows/none.yml@v1",
        "o/r/.github/workflows/link.yml@v1",
        "o/r/.github/workflows/none.yml@v2",
    ]);
    let why = place.follow(&text, true).await.unwrap_err();
    for expected in [
        "w.yml:3:14: `uses: o/r/.github/workflows/none.yml@v1`: there is no `.github/workflows/none.yml` in",
        "which stands in for `o/r@v1`",
        "w.yml:4:14",
        "it leads out of its repository",
        "w.yml:5:14",
        "cannot fetch `o/r@v2`",
    ] {
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[tokio::test]
async fn without_a_server_what_is_not_kept_is_left_out() {
    let place = Place::new(&[("there/.github/workflows/a.yml", LEAF)]);
    let text = calling(&[
        "o/r/.github/workflows/a.yml@v1",
        "o/r/.github/workflows/a.yml@v2",
    ]);
    let called = place.follow(&text, false).await.unwrap();
    assert_eq!(names(&called), ["o/r/.github/workflows/a.yml@v1"]);
}

#[tokio::test]
async fn no_more_are_brought_than_a_run_may_call() {
    let file = |index: usize| format!("there/.github/workflows/{index}.yml");
    let files: Vec<String> = (0..MAX_CALLED + 9).map(file).collect();
    let pairs: Vec<(&str, &str)> = files.iter().map(|name| (name.as_str(), LEAF)).collect();
    let place = Place::new(&pairs);
    let uses: Vec<String> = (0..files.len())
        .map(|index| format!("o/r/.github/workflows/{index}.yml@v1"))
        .collect();
    let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
    let called = place.follow(&calling(&uses), true).await.unwrap();
    assert_eq!(called.files.len(), MAX_CALLED);
}
