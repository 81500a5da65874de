//! `$DORMER_HOME`, the one directory that Dormer writes to on the host.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, InfraFailure, InputError};
use crate::host::fs::{create_private_directory, real_path, sync_directory};
use crate::host::reservation::fill_with_randomness;

/// The user and group that a machine's container runs as when Dormer itself runs as root. The number
/// belongs to nobody on a usual system, so that nobody else may open a machine's sockets.
const MACHINE_USER_FOR_ROOT: (u32, u32) = (65_532, 65_532);

/// The directory, made if it was not there.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    owner: String,
}

impl Home {
    /// Opens `$DORMER_HOME`, or Dormer's folder in the XDG data directory.
    pub fn open() -> Result<Self, Failure> {
        Self::at(&default_root()?)
    }

    /// Opens it for somebody who only looks: one that can't be written to, or not be made, is an
    /// empty one.
    pub fn look() -> Result<Self, Failure> {
        Self::look_at(&default_root()?)
    }

    /// Opens a home at `root`.
    pub fn at(root: &Path) -> Result<Self, Failure> {
        Self::make(root).map_err(|unusable| unusable.explain(root))
    }

    fn look_at(root: &Path) -> Result<Self, Failure> {
        match Self::make(root) {
            Err(Unusable::Failed(error)) if is_not_ours_to_write(&error) => Ok(Self {
                root: root.to_owned(),
                owner: String::new(),
            }),
            made => made.map_err(|unusable| unusable.explain(root)),
        }
    }

    fn make(root: &Path) -> Result<Self, Unusable> {
        create_private_directory(root)?;
        let root = real_path(root)?;
        refuse_what_others_write_to(&root)?;
        // `images` may be a link to a store that several homes share.
        fs::create_dir_all(root.join("images"))?;
        for part in ["instances", "jobs"] {
            create_private_directory(&root.join(part))?;
        }
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let owner = owner_of(&root, machine.trim())?;
        Ok(Self { root, owner })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What this home's containers are labelled with. It follows from the host, the user and the
    /// place, so that strays are still known when the directory itself was deleted. Empty in a home
    /// that was only looked at.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Images, by content.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Tools for guests. Made when the first is fetched; may be a link, as `images`.
    pub fn tools(&self) -> PathBuf {
        self.root.join("tools")
    }

    /// Repositories of actions. Made when the first is fetched; may be a link, as `images`.
    pub fn actions(&self) -> PathBuf {
        self.root.join("actions")
    }

    /// A directory for each instance.
    pub fn instances(&self) -> PathBuf {
        self.root.join("instances")
    }

    /// Directories that live as long as a run. Made for the first.
    pub fn passing(&self) -> PathBuf {
        self.root.join("passing")
    }

    /// Dormant templates, by key. Made for the first.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// What is kept of each job that did not succeed.
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }
}

/// User and group of the machines' containers: ours, so that both sides can use the files between
/// them; or, for root, a user who is nobody else.
pub fn machine_user() -> (u32, u32) {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return MACHINE_USER_FOR_ROOT;
    }
    (user.as_raw(), rustix::process::getegid().as_raw())
}

fn default_root() -> Result<PathBuf, InputError> {
    if let Some(home) = env::var_os("DORMER_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(home));
    }
    if let Some(data) = env::var_os("XDG_DATA_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(data).join("dormer"));
    }
    match env::var_os("HOME").filter(|value| !value.is_empty()) {
        Some(home) => Ok(PathBuf::from(home).join(".local/share/dormer")),
        None => Err(
            InputError::configuration("neither DORMER_HOME nor HOME is set")
                .help("set DORMER_HOME to a directory that Dormer may write to"),
        ),
    }
}

/// Why a directory can't be a home.
enum Unusable {
    Failed(io::Error),
    /// Others may write to it; its mode.
    Open(u32),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Unusable {
    fn explain(self, root: &Path) -> Failure {
        let root = root.display();
        let cannot = format!("cannot use `{root}` as Dormer's home");
        match self {
            Self::Failed(error) => InfraFailure::new(cannot)
                .because(error)
                .help("set DORMER_HOME to a directory on a local disk that you may write to")
                .into(),
            Self::Open(mode) => InputError::configuration(format!(
                "{cannot}: other users may write to it (mode {mode:04o})"
            ))
            .help(format!(
                "set DORMER_HOME to a directory of your own, such as `{root}/dormer`, or close this \
                 one: `chmod go-w {root}`"
            ))
            .into(),
        }
    }
}

/// Whether an error says that somebody may not write here, rather than that here is no directory.
fn is_not_ours_to_write(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Who may write to the home can exchange what is in it, such as the disk that a job starts from. It
/// is not made private here: a directory that we have not made is not ours to close.
fn refuse_what_others_write_to(root: &Path) -> Result<(), Unusable> {
    const OTHERS_WRITE: u32 = 0o022;
    let mode = fs::metadata(root)?.permissions().mode() & 0o7777;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(Unusable::Open(mode))
}

/// Names a home to an engine that may serve others: by the host's own id, the user and the place. A
/// host without an id, as a container often is, would share its name with every other such host, and
/// the one would remove the other's machines. There an id that is kept in the home stands in; when
/// that home is deleted, its strays are nobody's.
fn owner_of(root: &Path, machine: &str) -> io::Result<String> {
    let host = match machine {
        "" => own_id(&root.join("owner"))?,
        machine => machine.to_owned(),
    };
    let user = rustix::process::geteuid().as_raw();
    let text = format!("{host}\n{user}\n{}", root.display());
    Ok(hex::encode(&Sha256::digest(text.as_bytes())[..6]))
}

/// The id that is kept at `path`, made when it is first asked for.
fn own_id(path: &Path) -> io::Result<String> {
    let read = || fs::read_to_string(path).map(|id| id.trim().to_owned());
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        known => return known,
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut id = [0; 16];
    fill_with_randomness(&mut id);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(hex::encode(id).as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        // Another process was first; its id counts for both.
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {}
        kept => drop(kept.map_err(|lost| lost.error)?),
    }
    sync_directory(directory)?;
    read()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_an_id_gets_one_that_stays() {
        let directory = tempfile::tempdir().unwrap();
        let here = owner_of(directory.path(), "").unwrap();
        assert_eq!(owner_of(directory.path(), "").unwrap(), here);
        let kept = directory.path().join("owner");
        let mode = fs::metadata(&kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // As if the same place were on another host.
        fs::remove_file(&kept).unwrap();
        assert_ne!(owner_of(directory.path(), "").unwrap(), here);
        fs::remove_file(&kept).unwrap();
        owner_of(directory.path(), "0123").unwrap();
        assert!(!kept.exists());
    }

    #[test]
    fn a_home_that_others_write_to_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let close = |mode| {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        };
        for open in [0o1777, 0o775] {
            close(open);
            let failure = Home::at(directory.path()).unwrap_err();
            assert!(matches!(failure, Failure::Input(_)), "{failure:?}");
            assert!(failure.help().unwrap().contains("chmod go-w"));
            assert_eq!(mode(directory.path()), open);
            assert!(!directory.path().join("instances").exists());
        }
        close(0o755);
        let home = Home::at(directory.path()).unwrap();
        assert_eq!(mode(home.root()), 0o755);
        assert_eq!(mode(&home.instances()), 0o700);
        assert_eq!(mode(&home.jobs()), 0o700);
    }

    #[test]
    fn who_only_looks_finds_an_empty_home_where_none_can_be_made() {
        // Where nobody may write, not even root.
        let root = Path::new("/sys/kernel/dormer");
        assert!(Home::at(root).is_err());
        let home = Home::look_at(root).unwrap();
        assert!(home.root().ends_with("dormer"));
        assert!(Home::look_at(Path::new("/etc/passwd/dormer")).is_err());
    }

    #[test]
    fn owners_differ_by_place_and_stay_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let one = Home::at(&directory.path().join("one")).unwrap();
        let two = Home::at(&directory.path().join("two")).unwrap();
        let again = Home::at(&directory.path().join("one")).unwrap();
        assert_ne!(one.owner(), two.owner());
        assert_eq!(one.owner(), again.owner());
        assert_eq!(one.owner().len(), 12);
    }
}
