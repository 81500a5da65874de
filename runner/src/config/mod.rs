//! `dormer.toml`: the user's own, and a checkout's. A checkout's is a stranger's file: it may choose
//! images and labels, and nothing else.

pub mod file;
pub mod labels;
pub mod size;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::actions::server::Server;
use crate::failure::InputError;
use crate::instance::allowance::Allowance;
use crate::vmm::machine::Network;

/// The most machines that may stand by for jobs of one kind.
pub const MOST_STANDBYS: u32 = 256;

/// What both files come to. Every field's default is what is used when no file says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The image for Windows labels. Default: a Windows image if one was built, else the embedded guest.
    pub default_image: Option<String>,
    /// Images for further labels. Default: none.
    pub labels: Vec<(String, String)>,
    /// Virtual CPUs of a machine. Default: 2.
    pub cpus: Option<u32>,
    /// Memory of a machine in bytes. Default: the image's own wish.
    pub memory: Option<u64>,
    /// What a machine may take of the host, and how much is promised. Default: see there.
    pub allowance: Allowance,
    /// What guests can reach. Default: the outside.
    pub network: Network,
    /// Private prefixes that guests may reach all the same. Default: none.
    pub open: Vec<String>,
    /// How long a kept machine lives. Default: one hour.
    pub keep_for: Duration,
    /// How often a run that goes on cleans up after others. Default: every ten minutes.
    pub gc_every: Duration,
    /// How many machines stand by for the next job. Default: nobody sees to that.
    pub standby: Option<u32>,
    /// How long a machine stands by. Default: half an hour.
    pub standby_for: Duration,
    /// The mirror of Debian's packages. Default: deb.debian.org.
    pub mirror: Option<String>,
    /// The server that actions are fetched from. Default: https://github.com.
    pub actions_server: Option<Server>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_image: None,
            labels: Vec::new(),
            cpus: None,
            memory: None,
            allowance: Allowance::default(),
            network: Network::Full,
            open: Vec::new(),
            keep_for: Duration::from_secs(3600),
            gc_every: Duration::from_secs(600),
            standby: None,
            standby_for: Duration::from_secs(1800),
            mirror: None,
            actions_server: None,
        }
    }
}

/// A configuration with what should be said about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What the files come to.
    pub config: Config,
    /// Settings of a checkout's file that have no effect.
    pub warnings: Vec<String>,
}

/// Reads the user's file, and a checkout's below it.
pub fn load(workspace: Option<&Path>) -> Result<Loaded, InputError> {
    let mut loaded = Loaded::default();
    if let Some(path) = user_file() {
        let required = std::env::var_os("DORMER_CONFIG").is_some();
        if required || path.exists() {
            file::read(&path)?.apply(&mut loaded.config);
        }
    }
    let checkout = workspace
        .map(|root| root.join("dormer.toml"))
        .filter(|path| path.is_file());
    if let Some(path) = checkout.filter(|path| Some(path.clone()) != user_file()) {
        let strangers = file::read(&path)?;
        for key in strangers.beyond_images() {
            loaded.warnings.push(format!(
                "`{key}` in `{}` has no effect: only your own dormer.toml may set it",
                path.display()
            ));
        }
        strangers.apply_images(&mut loaded.config);
    }
    Ok(loaded)
}

/// `$DORMER_CONFIG`, else `dormer/dormer.toml` in the XDG configuration directory.
pub fn user_file() -> Option<PathBuf> {
    let variable =
        |name| std::env::var_os(name).filter(|value: &std::ffi::OsString| !value.is_empty());
    if let Some(path) = variable("DORMER_CONFIG") {
        return Some(PathBuf::from(path));
    }
    let config = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(config.join("dormer/dormer.toml"))
}
