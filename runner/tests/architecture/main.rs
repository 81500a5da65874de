//! The direction of dependencies, as `docs/architecture.md` draws it, kept by reading the sources. What is
//! forbidden is named with its file and line; a new use is made legal in the tables below, on purpose.
//!
//! Read as text: a comment, or anything under `#[cfg(test)]`, uses nothing.

mod source;
mod uses;

use std::path::{Path, PathBuf};

use source::Source;
use uses::Use;

/// Past this, look for the seam.
const LONGEST_FILE: usize = 600;

/// What each module may use of the others, by paths and what is below them. What is not listed may be
/// used by nobody: a new module takes its place in the order here.
const LEGAL: [(&str, &[&str]); 21] = [
    // Leaves: they use nothing of ours, and everyone may use them.
    ("event", &[]),
    ("exit_code", &[]),
    ("failure", &[]),
    ("mask", &[]),
    ("progress", &[]),
    // The host is below everything.
    ("host", &["failure"]),
    // Tools for guests lie on the host; how they get into one is another's affair.
    ("tool", &["failure", "host", "progress"]),
    // QEMU never learns of jobs, steps or what runs inside.
    ("vmm", &["failure", "host", "mask"]),
    // What runs inside never learns of QEMU.
    ("guest", &["failure", "host"]),
    // Patterns of a guest's files are text.
    ("glob", &["guest::profile"]),
    // An image says what its guest is like; it does not talk to one.
    (
        "image",
        &[
            "failure",
            "guest::profile",
            "host",
            "mask",
            "progress",
            "vmm",
        ],
    ),
    (
        "instance",
        &["event", "failure", "guest", "host", "image", "mask", "vmm"],
    ),
    // Steps know a guest by its channel, never how the channel came about: no SSH, no machine, no image.
    (
        "steps",
        &[
            "event",
            "failure",
            "glob",
            "guest::bundle",
            "guest::channel",
            "guest::command",
            "guest::environment",
            "guest::profile",
            "guest::transfer",
            "host::clock",
            "host::signals",
            "mask",
        ],
    ),
    // So do those that take files out of it and put files in.
    (
        "artifact",
        &[
            "failure",
            "glob",
            "guest::channel",
            "guest::command",
            "guest::dialect::Listing",
            "guest::dialect::below_here",
            "guest::pipe",
            "guest::profile",
            "guest::transfer",
            "host::passing",
        ],
    ),
    (
        "workspace",
        &[
            "failure",
            "guest::channel",
            "guest::transfer",
            "host::fs",
            "progress",
        ],
    ),
    // Repositories of actions lie on the host, as tools do.
    ("actions", &["host", "progress", "workspace::scan"]),
    // Only the job sees both sides. Of the machine's it hands on the engine and what was ordered.
    (
        "job",
        &[
            "actions",
            "artifact",
            "event",
            "exit_code",
            "failure",
            "guest::channel",
            "guest::environment",
            "guest::profile",
            "guest::transfer",
            "host",
            "image::store",
            "image::vm_container",
            "instance",
            "mask",
            "progress",
            "steps",
            "tool",
            "vmm::engine",
            "vmm::machine",
            "workspace",
        ],
    ),
    // Reporters know a job by its events only.
    ("report", &["event", "exit_code", "mask", "progress"]),
    // A configuration is made of the values that the modules below understand.
    (
        "config",
        &[
            "actions::server",
            "failure",
            "host::clock",
            "image::store",
            "instance::allowance",
            "vmm::isolation",
            "vmm::machine",
        ],
    ),
    // A source of jobs says what a run is about.
    (
        "source",
        &[
            "actions",
            "failure",
            "host::clock",
            "host::fs",
            "host::process",
            "progress",
            "steps::alone",
            "steps::context",
            "steps::shell",
            "workspace::tracked",
        ],
    ),
    // The command line puts everything together. It asks nobody for a machine's inside.
    (
        "cli",
        &[
            "actions",
            "artifact::rules",
            "artifact::shelf",
            "config",
            "event",
            "exit_code",
            "failure",
            "guest::channel",
            "guest::command",
            "guest::pipe",
            "guest::ssh",
            "guest::transport",
            "host",
            "image",
            "instance",
            "job",
            "mask",
            "progress",
            "report",
            "source",
            "vmm::endpoint",
            "vmm::engine",
            "vmm::machine",
            "vmm::prove",
            "workspace",
        ],
    ),
];

/// Crates that only these modules may name, so that each can be exchanged by changing them alone.
const OWNED: [(&str, &[&str]); 9] = [
    // Docker.
    ("bollard", &["vmm", "image"]),
    ("qapi", &["vmm"]),
    ("ssh2", &["guest"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("toml", &["config"]),
    ("indicatif", &["report"]),
    ("owo_colors", &["report"]),
    // Workflows as they are written.
    ("dormer_workflow", &["cli", "job", "source", "steps"]),
];

/// What the workflow language may not touch: it is pure.
const IMPURE: [&str; 12] = [
    "dormer",
    "tokio",
    "futures_util",
    "rustix",
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every use by one of our modules of another.
fn uses_of_the_runner() -> Vec<Use> {
    let sources = source::below(&at("src"));
    assert!(sources.len() > 100, "{} sources were found", sources.len());
    sources.iter().flat_map(Use::all_of).collect()
}

/// What is wrong with a use between modules, if anything is.
fn complaint(found: &Use) -> Option<String> {
    if found.by == "lib" || found.by == "main" {
        let allowed = found.by == "main" && found.of == "dormer::cli::main";
        return (!allowed && found.is_ours()).then(|| found.forbidden());
    }
    if let Some(path) = found.of.strip_prefix("crate::") {
        let (_, legal) = LEGAL.iter().find(|(module, _)| *module == found.by)?;
        let fine = is_below(path, &found.by) || legal.iter().any(|one| is_below(path, one));
        return (!fine).then(|| found.forbidden());
    }
    let (_, owners) = OWNED.iter().find(|(owned, _)| is_below(&found.of, owned))?;
    (!owners.contains(&found.by.as_str())).then(|| found.forbidden())
}

/// Whether a path is this one or leads on from it.
fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let mut known: Vec<&str> = LEGAL.iter().map(|(module, _)| *module).collect();
    known.sort_unstable();
    assert_eq!(source::modules(&at("src")), known);
}

#[test]
fn modules_use_only_what_is_below_them() {
    let uses = uses_of_the_runner();
    assert!(uses.len() > 300, "{} uses were found", uses.len());
    assert_none(uses.iter().filter_map(complaint).collect());
}

/// A table that allows what nobody does would say less than the sources.
#[test]
fn the_table_allows_nothing_that_is_not_used() {
    let uses = uses_of_the_runner();
    let is_used = |by: &str, of: &str| {
        let path = format!("crate::{of}");
        uses.iter()
            .any(|found| found.by == by && is_below(&found.of, &path))
    };
    let mut idle = Vec::new();
    for (by, legal) in LEGAL {
        let unused = legal.iter().filter(|of| !is_used(by, of));
        idle.extend(unused.map(|of| format!("nothing in `{by}` uses `{of}`")));
    }
    assert_none(idle);
}

/// Follows from the table's order: what a module may use stands above it.
#[test]
fn the_table_has_no_circles() {
    for (index, (module, legal)) in LEGAL.iter().enumerate() {
        for path in *legal {
            let above = LEGAL[..index]
                .iter()
                .any(|(earlier, _)| is_below(path, earlier));
            assert!(
                above,
                "`{module}` may use `{path}`, which does not stand above it"
            );
        }
    }
}

#[test]
fn the_workflow_language_is_pure() {
    let sources = source::below(&at("workflow/src"));
    assert!(sources.len() > 30, "{} sources were found", sources.len());
    let uses = sources.iter().flat_map(Use::all_of);
    let impure = uses.filter(|found| IMPURE.iter().any(|one| is_below(&found.of, one)));
    assert_none(impure.map(|found| found.forbidden()).collect());
    let manifest = std::fs::read_to_string(at("workflow/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
    let names: Vec<&str> = dependencies
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split(['.', ' ']).next())
        .collect();
    let known = [
        "anstream",
        "fancy-regex",
        "granit-parser",
        "json5",
        "serde",
        "serde_json",
        "thiserror",
        "unicode-width",
    ];
    assert_eq!(names, known);
}

/// It runs the product and speaks to it; what it knew of the inside, it could not check.
#[test]
fn the_testkit_knows_nothing_of_the_product() {
    let sources = source::below(&at("../fixtures/testkit/src"));
    assert!(!sources.is_empty());
    let ours = |found: &Use| {
        let crates = ["dormer", "dormer_workflow"];
        crates.iter().any(|one| is_below(&found.of, one))
    };
    let uses = sources.iter().flat_map(Use::all_of).filter(ours);
    assert_none(uses.map(|found| found.forbidden()).collect());
}

fn every_source() -> Vec<Source> {
    let places = [
        "src",
        "tests",
        "workflow/src",
        "workflow/fuzz/fuzz_targets",
        "../fixtures",
    ];
    places
        .iter()
        .flat_map(|place| source::all_below(&at(place)))
        .collect()
}

#[test]
fn no_source_is_too_long() {
    let long = every_source().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        let path = source.path.display();
        (lines > LONGEST_FILE).then(|| format!("{path}: {lines} lines, of at most {LONGEST_FILE}"))
    });
    assert_none(long.collect());
}

#[test]
fn every_document_that_a_source_names_is_there() {
    let mut missing = Vec::new();
    for source in every_source() {
        for (number, line) in source.text.lines().enumerate() {
            let named = source::documents_in(line);
            let absent = named.filter(|document| !at("..").join(document).is_file());
            let place = format!("{}:{}", source.path.display(), number + 1);
            missing.extend(absent.map(|document| format!("{place}: there is no `{document}`")));
        }
    }
    assert_none(missing);
}

#[test]
fn a_forbidden_use_is_found_and_named_with_its_place() {
    let text = "//! Talks of [`crate::vmm`] and of crate::job.\n\
        use std::fmt;\n\
        \n\
        use crate::guest::{\n    channel::GuestChannel,\n    ssh::SshTransport,\n};\n\
        use crate::{failure, instance::kept};\n\
        use ssh2::Session;\n\
        use super::super::image::store;\n\
        // use crate::cli;\n\
        fn run() {\n    let vm = crate::vmm::vm::Vm::new(); // see crate::source\n}\n\
        #[cfg(test)]\n\
        mod tests {\n    use crate::job::driver;\n    fn nested() {\n    }\n}\n\
        fn after() { bollard::Docker::connect() }\n";
    let source = Source::new("steps/shell.rs", text);
    let complaints: Vec<String> = Use::all_of(&source).iter().filter_map(complaint).collect();
    let expected = [
        "steps/shell.rs:6: `steps` may not use `crate::guest::ssh::SshTransport`",
        "steps/shell.rs:8: `steps` may not use `crate::instance::kept`",
        "steps/shell.rs:9: `steps` may not use `ssh2::Session`",
        "steps/shell.rs:10: `steps` may not use `crate::image::store`",
        "steps/shell.rs:13: `steps` may not use `crate::vmm::vm::Vm::new`",
        "steps/shell.rs:21: `steps` may not use `bollard::Docker::connect`",
    ];
    assert_eq!(complaints, expected);
}

#[test]
fn documents_are_found_wherever_they_are_named() {
    // Put together here, so that this file itself does not name them.
    let line = "/// See `@/a-b.md`, @/c/d.md: and @/e.txt, not my@/f.md.".replace('@', "docs");
    let found: Vec<&str> = source::documents_in(&line).collect();
    assert_eq!(
        found,
        ["@/a-b.md", "@/c/d.md"].map(|path| path.replace('@', "docs"))
    );
}
