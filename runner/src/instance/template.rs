//! A dormant template: a machine that booted once and was frozen when it was ready. Its disk, its memory
//! and the state of its devices are read-only from then on; machines that wake from it share them. Where
//! templates are kept is the affair of `templates`.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::guest::environment::Environment;
use crate::host::crash;
use crate::host::holes;
use crate::host::look::Look;
use crate::image::manifest::Digest;
use crate::image::store::digest_of;
use crate::instance::makeup::Makeup;
use crate::vmm::machine::paths;

/// The form of a manifest.
pub(super) const VERSION: u32 = 1;
const USES: &str = "uses";
/// More than any file has that is read whole.
pub(super) const SMALL: u64 = 1 << 20;
/// That the last machine which woke from it did not answer.
const SILENT: &str = "silent";

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The guest's memory.
    Ram,
    /// The state of its devices.
    State,
    /// Its disk, an overlay of the image's.
    Disk,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Ram, Self::State, Self::Disk];

    /// Its file in a template.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::State => "state",
            Self::Disk => "disk.qcow2",
        }
    }

    /// The file that the machine which is frozen leaves, in its own directory.
    pub(super) fn left_as(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::State => "state",
            Self::Disk => "overlay.qcow2",
        }
    }

    /// Where a machine that wakes finds it.
    fn inside(self) -> &'static str {
        match self {
            Self::Ram => paths::FROZEN_RAM,
            Self::State => paths::FROZEN_STATE,
            Self::Disk => paths::FROZEN_DISK,
        }
    }
}

/// A file of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenFile {
    /// What it is.
    pub part: Part,
    /// What is in it.
    pub digest: Digest,
    /// What it looked like when that was last found right.
    pub look: Look,
}

/// What is known of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateManifest {
    /// The form of this.
    pub v: u32,
    /// The name of its image.
    pub image_name: String,
    /// What it is good for.
    pub makeup: Makeup,
    /// When it was made.
    pub made: Timestamp,
    /// What its guest, and so each copy, proves itself with, in hexadecimal.
    pub host_key: String,
    /// What the script is called that prepared it. None by default: it was not prepared, or by one without
    /// a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// What the script has left for what runs in those that wake. Empty by default.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub environment: Environment,
    /// Its files.
    pub files: Vec<FrozenFile>,
}

/// What is kept of the script that prepared a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its name.
    pub script: String,
    /// What it has left for what runs in those that wake.
    pub environment: Environment,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What is known of it.
    pub manifest: TemplateManifest,
    pub(super) directory: PathBuf,
}

impl Template {
    /// Its name.
    pub fn key(&self) -> Digest {
        self.manifest.makeup.key()
    }

    /// Tells it from every other template of its name.
    pub fn edition(&self) -> Digest {
        // A value of strings and numbers always has a form in JSON, and always the same.
        Digest::of(&serde_json::to_vec(&self.manifest).unwrap_or_default())
    }

    /// Its files, with where a machine finds them.
    pub fn shared(&self) -> Vec<(PathBuf, &'static str)> {
        let shared = |part: Part| (self.path(part), part.inside());
        Part::ALL.map(shared).to_vec()
    }

    /// How many bytes of the disk it takes.
    pub fn size_on_disk(&self) -> u64 {
        let metadata = |part| fs::symlink_metadata(self.path(part)).ok();
        let found = Part::ALL.into_iter().filter_map(metadata);
        found.map(|metadata| holes::size_on_disk(&metadata)).sum()
    }

    /// How often something woke from it.
    pub fn uses(&self) -> u64 {
        let found = fs::symlink_metadata(self.directory.join(USES));
        found.map_or(0, |found| found.len())
    }

    /// When something last woke from it, or else when it was made.
    pub fn last_used(&self) -> SystemTime {
        let uses = fs::symlink_metadata(self.directory.join(USES));
        let last = uses.and_then(|uses| uses.modified());
        last.unwrap_or_else(|_| self.manifest.made.into())
    }

    /// Puts down that something wakes from it, with one byte each: two at the same time count twice, and
    /// one that is killed leaves nothing half written beside the template's files.
    pub fn count_use(&self) {
        let uses = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join(USES));
        // The number is for people.
        let _ = uses.and_then(|mut uses| uses.write_all(b"."));
    }

    /// Puts down that what woke from it answered.
    pub fn note_answer(&self) {
        // Mostly there is no mark; one that stays costs the template one more chance.
        let _ = fs::remove_file(self.directory.join(SILENT));
    }

    /// Puts down that what woke from it did not answer; true for the second time in a row.
    pub fn note_silence(&self) -> bool {
        let mark = self.directory.join(SILENT);
        let is_second = mark.exists();
        // A mark that can't be made costs another slow start.
        let _ = File::create(&mark);
        is_second
    }

    /// Whether its files are as they were made: the small one by its contents, the others by their look,
    /// since reading them takes longer than waking.
    pub fn check(&self) -> Result<(), String> {
        for file in &self.manifest.files {
            match file.part {
                Part::State => self.check_contents(file)?,
                Part::Ram | Part::Disk => self.check_look(file)?,
            }
        }
        Ok(())
    }

    /// Whether every byte of it is as it was made.
    pub fn verify(&self) -> Result<(), String> {
        let mut files = self.manifest.files.iter();
        files.try_for_each(|file| self.check_contents(file))
    }

    fn check_look(&self, file: &FrozenFile) -> Result<(), String> {
        let name = file.part.file_name();
        let look = Look::at(&self.path(file.part)).map_err(|error| format!("`{name}`: {error}"))?;
        let same = look == file.look;
        same.then_some(())
            .ok_or_else(|| format!("`{name}` was changed or exchanged"))
    }

    fn check_contents(&self, file: &FrozenFile) -> Result<(), String> {
        let name = file.part.file_name();
        let (digest, _) = digest_of(&self.path(file.part), |_| {})
            .map_err(|error| format!("`{name}`: {error}"))?;
        let same = digest == file.digest;
        same.then_some(())
            .ok_or_else(|| format!("`{name}` has the digest {digest}, not {}", file.digest))
    }

    pub(super) fn path(&self, part: Part) -> PathBuf {
        self.directory.join(part.file_name())
    }
}

/// Takes over a file that a machine has written to. Whatever it may be: only a regular file of one name
/// becomes part of a template, and it belongs to us from then on.
pub(super) fn take(part: Part, from: &Path, to: &Path) -> io::Result<FrozenFile> {
    fs::rename(from, to)?;
    crash::point(|| format!("at taking {}", part.file_name()));
    let found = fs::symlink_metadata(to)?;
    if !found.is_file() || found.nlink() != 1 {
        let text = format!("`{}` is no plain file", from.display());
        return Err(io::Error::other(text));
    }
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    chown(to, Some(user.as_raw()), Some(group.as_raw()))?;
    if part == Part::Ram {
        holes::dig(&File::options().read(true).write(true).open(to)?)?;
    }
    // The machine's user reads it too, by way of a mount.
    fs::set_permissions(to, Permissions::from_mode(0o444))?;
    File::open(to)?.sync_all()?;
    let (digest, _) = digest_of(to, |_| {})?;
    let look = Look::at(to)?;
    Ok(FrozenFile { part, digest, look })
}

/// The first that a template starts with: everything but its files.
pub fn begin(
    image_name: &str,
    makeup: Makeup,
    host_key: &str,
    prepared: Option<Prepared>,
) -> TemplateManifest {
    let (script, environment) = match prepared {
        Some(prepared) => (Some(prepared.script), prepared.environment),
        None => (None, Environment::default()),
    };
    TemplateManifest {
        v: VERSION,
        image_name: image_name.to_owned(),
        makeup,
        made: Timestamp::now(),
        host_key: host_key.to_owned(),
        script,
        environment,
        files: Vec::new(),
    }
}
