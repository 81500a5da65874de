//! A home of its own for each test, on images that all share.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use dormer::host::home::Home;
use dormer_testkit::docker::{containers_with, try_docker};
use dormer_testkit::events::Events;
use dormer_testkit::program::{Finished, Program, Running, wait_until};

/// The built binary.
pub(crate) const DORMER: &str = env!("CARGO_BIN_EXE_dormer");

/// The home whose images all tests share; they are built when they are not there.
pub(crate) fn shared_home() -> &'static Path {
    static SHARED: OnceLock<PathBuf> = OnceLock::new();
    SHARED.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
        let build = Program::new(DORMER, &home).args(["image", "build", "compat"]);
        drop(build.patient().run().expect(0));
        fs::create_dir_all(home.join("tools")).expect("a directory");
        home
    })
}

/// The home whose template tests share; not the one of the images, in which machines are to boot.
fn warm_home() -> &'static Path {
    static WARM: OnceLock<PathBuf> = OnceLock::new();
    WARM.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("warm");
        fs::create_dir_all(&home).expect("a directory");
        let images = home.join("images");
        if !images.exists() {
            symlink(shared_home().join("images"), images).expect("a link");
        }
        let warm = Program::new(DORMER, &home).args(["image", "warm", "compat"]);
        drop(warm.patient().run().expect(0));
        home
    })
}

/// A home, and a directory for a job's files. Whatever is left of it is removed at its end.
pub(crate) struct Lab {
    directory: tempfile::TempDir,
    owner: String,
}

/// A job that has ended.
pub(crate) struct Ran {
    pub(crate) finished: Finished,
    pub(crate) events: Events,
}

impl Ran {
    /// Checks the exit code, in the process and in the events alike.
    pub(crate) fn expect(self, code: i32) -> Self {
        let Self { finished, events } = self;
        let finished = finished.expect(code);
        assert_eq!(events.completed()["exit_code"], code);
        Self { finished, events }
    }
}

impl Lab {
    /// A home that shares the images, and the tools for guests.
    pub(crate) fn new() -> Self {
        let lab = Self::without_images();
        for part in ["images", "tools"] {
            symlink(shared_home().join(part), lab.home().join(part)).expect("a link");
        }
        lab
    }

    /// The same with a template for machines of the usual size. All share it: it is not to be removed.
    pub(crate) fn with_template() -> Self {
        let lab = Self::new();
        symlink(warm_home().join("templates"), lab.home().join("templates")).expect("a link");
        lab
    }

    /// A home whose images are its own affair.
    pub(crate) fn without_images() -> Self {
        // On the disk that the images are on, not in a `/tmp` that may be small.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let home = Home::at(&directory.path().join("home")).expect("a home");
        let owner = home.owner().to_owned();
        // `Home::at` has made an empty store; the test decides what is to be there.
        fs::remove_dir(directory.path().join("home/images")).expect("an empty directory");
        Self { directory, owner }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// The label's value on this home's containers.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// A path for a file of the test's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of the test's, with the directories above it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().expect("below the directory");
        fs::create_dir_all(parent).expect("a directory");
        fs::write(&path, contents).expect("a file");
        path
    }

    /// Makes a directory a repository of its own. Else it would be a part of the one that these tests are
    /// in, and the guest's workspace be named after what that is a clone of.
    pub(crate) fn repository(&self, name: &str) {
        self.write(&format!("{name}/.git/HEAD"), "ref: refs/heads/main\n");
    }

    /// The binary with this home.
    pub(crate) fn dormer<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Program {
        let directory = self.directory.path();
        let program = Program::new(DORMER, &self.home()).args(arguments);
        // Else a workspace here would be a part of the repository that these tests are in, and be named
        // after what that is a clone of.
        let above = directory.parent().expect("a directory above");
        let program = program.env("GIT_CEILING_DIRECTORIES", &above.display().to_string());
        program.directory(directory)
    }

    /// A job whose steps are `steps`, as it stands in a workflow file, with more arguments.
    pub(crate) fn job(&self, steps: &str, more: &[&str]) -> Program {
        self.write_job(steps);
        let run = self.dormer(["run", "job.yml", "--events", "events.jsonl"]);
        run.args(more)
    }

    /// Writes `job.yml`, whose steps are `steps`.
    pub(crate) fn write_job(&self, steps: &str) {
        let lines: Vec<String> = steps.lines().map(|line| format!("      {line}")).collect();
        let head = "on: push\njobs:\n  test:\n    runs-on: windows-latest\n    steps:\n";
        self.write("job.yml", format!("{head}{}\n", lines.join("\n")));
    }

    /// Runs a job to its end.
    pub(crate) fn run(&self, steps: &str, more: &[&str]) -> Ran {
        let finished = self.job(steps, more).run();
        self.ran(finished)
    }

    /// A finished run with its events.
    pub(crate) fn ran(&self, finished: Finished) -> Ran {
        let events = self.events();
        Ran { finished, events }
    }

    /// What the job has written to its events so far.
    pub(crate) fn events(&self) -> Events {
        Events::read(&self.path("events.jsonl"))
    }

    /// Starts a job, and returns when its events hold what is looked for.
    pub(crate) fn start_until(
        &self,
        job: Program,
        what: &str,
        seen: impl Fn(&Events) -> bool,
    ) -> Running {
        let mut running = job.start();
        wait_until(what, || seen(&self.events()) || running.has_ended());
        running
    }

    /// This home's containers.
    pub(crate) fn containers(&self) -> Vec<String> {
        containers_with(&format!("dormer.owner={}", self.owner))
    }

    /// The directories of this home's instances.
    pub(crate) fn instances(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home().join("instances"));
        let entries = entries.into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// Checks that no container, directory, socket or build of this home is there.
    pub(crate) fn assert_nothing_left(&self) {
        assert_eq!(self.containers(), Vec::<String>::new(), "containers");
        assert_eq!(self.instances(), Vec::<PathBuf>::new(), "instances");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A test that failed half-way must not leave a machine running; one that did not left none.
        let left = self.containers();
        if !left.is_empty() {
            let mut arguments = vec!["rm", "--force", "--volumes"];
            arguments.extend(left.iter().map(String::as_str));
            // Somebody may be removing it already.
            let _ = try_docker(&arguments);
        }
    }
}
