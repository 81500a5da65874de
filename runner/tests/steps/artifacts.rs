//! Artifacts that steps upload and download: what comes back is what was sent, and what can't be is said.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dormer::artifact::shelf::Shelf;
use dormer::event::{Conclusion, JobEvent};
use dormer_localguest::lab::{Lab, Outcome};

use super::{printed, run};

/// An upload with these inputs.
fn upload(with: &str) -> String {
    format!("- id: up\n  uses: actions/upload-artifact@v4\n  with: {{{with}}}\n")
}

/// A download with these inputs.
fn download(with: &str) -> String {
    format!("- id: down\n  uses: actions/download-artifact@v5\n  with: {{{with}}}\n")
}

/// What is kept, by its path below all artifacts.
fn kept(lab: &Lab) -> Vec<String> {
    let stored = lab.shelf.stored();
    let files = stored.iter().flat_map(|one| one.files.iter());
    files.map(|file| file.path.clone()).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The complaints of a job that failed.
fn complaints(outcome: &Outcome) -> String {
    assert_eq!(
        outcome.conclusion,
        Conclusion::Failure,
        "{:?}",
        outcome.notices()
    );
    let notices = outcome.events.iter().filter_map(|event| match event {
        JobEvent::Notice { text, .. } => Some(text.as_str()),
        _ => None,
    });
    notices.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_uploaded_comes_back_where_it_is_asked_for() {
    let lab = Lab::new();
    let steps = format!(
        "- run: |\n    mkdir -p out/deep .hidden\n    echo one > out/one.txt\n    echo two > out/deep/two.txt\n    \
         echo no > out/no.tmp\n    echo no > out/.env\n{}- run: rm -r out\n{}- run: cat back/one.txt \
         back/deep/two.txt; ls -A back\n- run: 'echo ${{{{ steps.up.outputs.artifact-id }}}} \
         ${{{{ steps.up.outputs.artifact-url }}}} ${{{{ steps.down.outputs.download-path }}}}'\n- run: echo \
         ${{{{ steps.up.outputs.artifact-digest }}}}\n",
        upload("name: my build, path: \"out\\n!**/*.tmp\", retention-days: 3"),
        download("name: my build, path: back/"),
    );
    let outcome = run(&lab, &steps).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    let lines = printed(&outcome);
    let stored = &lab.shelf.stored()[0];
    let place = lab
        .workspace()
        .join("back")
        .display()
        .to_string()
        .replace('/', "\\");
    assert_eq!(lines[0], "uploaded `my build`: 2 files, 8 bytes (id 1)");
    assert!(lines[1].starts_with("downloaded `my build`"), "{lines:?}");
    assert_eq!(lines[2..6], ["one", "two", "deep", "one.txt"]);
    assert!(
        lines[6].starts_with("1 /me/it/actions/runs//artifacts/1 "),
        "{}",
        lines[6]
    );
    assert_eq!(lines[7], stored.digest);
    assert_eq!(kept(&lab), ["my build/deep/two.txt", "my build/one.txt"]);
    let path = outcome.state.steps[3].outputs.get("download-path");
    assert_eq!(path, Some(place.as_str()));
    let told = outcome.events.iter().filter_map(|event| match event {
        JobEvent::Artifact { path, size, .. } => Some((path.as_str(), *size)),
        _ => None,
    });
    let expected = [
        ("artifacts/my build/deep/two.txt", 4),
        ("artifacts/my build/one.txt", 4),
    ];
    assert!(told.eq(expected));
}

#[tokio::test]
async fn all_artifacts_come_in_directories_of_their_names() {
    let lab = Lab::new();
    lab.file("a.txt", "a").file("b.txt", "b").file("c.txt", "c");
    let steps = [
        upload("name: bin-a, path: a.txt"),
        upload("name: bin-b, path: b.txt").replace("id: up", "id: up2"),
        upload("path: c.txt").replace("id: up", "id: up3"),
        download("path: all"),
        download("path: some, pattern: bin-*, merge-multiple: true").replace("id: down", "id: d2"),
        download("path: none, pattern: x*").replace("id: down", "id: d3"),
    ];
    let outcome = run(&lab, &steps.concat()).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    let there = |path: &str| lab.workspace().join(path).exists();
    assert!(there("all/bin-a/a.txt") && there("all/bin-b/b.txt") && there("all/artifact/c.txt"));
    assert!(there("some/a.txt") && there("some/b.txt") && !there("some/c.txt"));
    let warned = outcome.notices();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("nothing was downloaded"));
}

#[tokio::test]
async fn a_second_upload_of_a_name_fails_unless_it_overwrites() {
    let lab = Lab::new();
    lab.file("a.txt", "a").file("b.txt", "b");
    let steps = [
        upload("path: a.txt"),
        upload("path: b.txt").replace("id: up", "id: up2"),
    ];
    let outcome = run(&lab, &steps.concat()).await;
    assert!(complaints(&outcome).contains("`artifact` is there already"));
    assert_eq!(kept(&lab), ["artifact/a.txt"]);
    let outcome = run(&lab, &upload("path: b.txt, overwrite: true")).await;
    assert_eq!(outcome.conclusion, Conclusion::Success);
    assert_eq!(kept(&lab), ["artifact/b.txt"]);
    let id = outcome.state.steps[0].outputs.get("artifact-id");
    assert_eq!(id, Some("2"));
}

#[tokio::test]
async fn no_files_are_a_warning_an_error_or_nothing() {
    for (setting, conclusion, notices) in [
        ("warn", Conclusion::Success, 1),
        ("error", Conclusion::Failure, 1),
        ("ignore", Conclusion::Success, 0),
    ] {
        let lab = Lab::new();
        lab.file(".hidden", "x");
        let with = format!("path: '*', if-no-files-found: {setting}");
        let outcome = run(&lab, &upload(&with)).await;
        assert_eq!(outcome.conclusion, conclusion, "{setting}");
        assert_eq!(outcome.notices().len(), notices, "{setting}");
        assert!(lab.shelf.stored().is_empty());
        let shown = lab.workspace().join("../../../host-out/artifacts");
        let left = fs::read_dir(shown).into_iter().flatten().count();
        assert_eq!(left, 0, "something stays of an artifact that is none");
        let outcome = run(
            &lab,
            &upload(&format!("{with}, include-hidden-files: true")),
        )
        .await;
        assert_eq!(outcome.conclusion, Conclusion::Success);
        assert_eq!(kept(&lab), ["artifact/.hidden"]);
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_said() {
    for (step, expected) in [
        (upload("name: x"), "Input required and not supplied: path"),
        (upload("name: 'a/b', path: x"), "it holds '/'"),
        (upload("name: 'con', path: x"), "Windows does not allow it"),
        (
            upload("name: manifest.json, path: a.txt"),
            "Dormer keeps for itself",
        ),
        (upload("path: '~/x'"), "`~/x`"),
        (upload("path: '../../../x'"), "it is on no drive"),
        (
            download("name: nope"),
            "no step of this run has uploaded one yet",
        ),
        (
            download("run-id: '123', github-token: x"),
            "artifacts of other runs",
        ),
        (
            "- uses: actions/upload-artifact/merge@v4\n".to_owned(),
            "merge is not supported",
        ),
    ] {
        let lab = Lab::new();
        lab.file("a.txt", "a");
        let outcome = run(&lab, &step).await;
        let said = complaints(&outcome);
        assert!(said.contains(expected), "{step}: {said}");
    }
}

#[tokio::test]
async fn hostile_names_are_refused_and_nothing_is_kept() {
    let mut lab = Lab::new();
    lab.secrets = vec![("TOKEN".to_owned(), "hunter2-and-more".to_owned())];
    for (make, expected) in [
        ("ln -s /etc/passwd out/link", "link or a device"),
        ("printf x > 'out/a?b'", "Windows does not allow"),
        ("printf x > out/con.txt", "device on Windows"),
        (
            "printf x > out/A; printf x > out/a",
            "the same name on Windows",
        ),
        ("printf x > out/hunter2-and-more.txt", "holds a secret"),
        ("printf x > \"$(printf 'out/\\xff')\"", "not UTF-8"),
    ] {
        let steps = format!(
            "- run: |\n    rm -rf out; mkdir out; echo fine > out/fine\n    {make}\n{}",
            upload("path: out")
        );
        let outcome = run(&lab, &steps).await;
        let said = complaints(&outcome);
        assert!(
            said.contains("nothing was uploaded") && said.contains(expected),
            "{make}: {said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
        assert!(lab.shelf.stored().is_empty());
    }
    lab.file("a.txt", "a");
    let step = upload("path: a.txt, name: '${{ secrets.TOKEN }}'");
    let said = complaints(&run(&lab, &step).await);
    assert!(said.contains("the name holds a secret"), "{said}");
    assert!(!lab.shelf.directory().join("artifacts").exists());
}

#[tokio::test]
async fn jobs_of_a_run_share_artifacts_and_a_missing_one_is_told_with_those_that_are_there() {
    let (one, mut two) = (Lab::new(), Lab::new());
    one.file("dist/app.exe", "MZ").file("dist/lib/x.dll", "dll");
    two.shelf = Arc::clone(&one.shelf);
    let outcome = run(&one, &upload("name: app, path: dist/")).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    let outcome = run(&two, &download("name: App")).await;
    let said = complaints(&outcome);
    assert!(
        said.contains("there is no artifact `App`; there are: `app` (id 1)"),
        "{said}"
    );
    let outcome = run(&two, &download("name: app")).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    assert_eq!(text(&two.workspace().join("app.exe")), "MZ");
    assert_eq!(text(&two.workspace().join("lib/x.dll")), "dll");
    // What is not as it was uploaded is not handed on.
    fs::write(one.shelf.directory().join("app/app.exe"), "other").unwrap();
    let outcome = run(&two, &download("name: app")).await;
    assert!(complaints(&outcome).contains("`app.exe` of the artifact `app`"));
}

#[tokio::test]
async fn an_upload_that_is_stopped_gives_its_name_back() {
    let lab = Lab::new();
    lab.file("a.txt", "a");
    let claim = lab.shelf.claim("artifact", false).unwrap();
    let outcome = run(&lab, &upload("path: a.txt")).await;
    assert!(complaints(&outcome).contains("another step is uploading"));
    drop(claim);
    let outcome = run(&lab, &upload("path: a.txt")).await;
    assert_eq!(outcome.conclusion, Conclusion::Success);
}

#[tokio::test]
async fn composite_actions_upload_too() {
    let lab = Lab::new();
    lab.file("a.txt", "a").file(
        "act/action.yml",
        "outputs:\n  id: {value: '${{ steps.up.outputs.artifact-id }}'}\nruns:\n  using: composite\n  steps:\n    \
         - id: up\n      uses: actions/upload-artifact@v4\n      with: {path: a.txt}\n",
    );
    let steps = "- id: act\n  uses: ./act\n- run: echo ${{ steps.act.outputs.id }}\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    assert_eq!(printed(&outcome).last(), Some(&"1"));
    assert!(lab.asked().is_empty());
}

#[tokio::test]
async fn a_shelf_without_a_place_for_people_says_so_and_states_no_files() {
    let parent = tempfile::tempdir().unwrap();
    let passing = dormer::host::passing::PassingDirectory::new(parent.path());
    let mut lab = Lab::new();
    lab.shelf = Arc::new(Shelf::passing(passing.await.unwrap()));
    lab.file("a.txt", "a");
    let steps = upload("path: a.txt") + &download("path: back");
    let outcome = run(&lab, &steps).await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Success,
        "{:?}",
        outcome.notices()
    );
    assert!(
        outcome.notices()[0].contains("--out"),
        "{:?}",
        outcome.notices()
    );
    let is_file = |event: &&JobEvent| matches!(event, JobEvent::Artifact { .. });
    assert_eq!(outcome.events.iter().filter(is_file).count(), 0);
    assert!(lab.workspace().join("back/artifact/a.txt").exists());
}
