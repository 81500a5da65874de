//! The recipes that are built into Dormer: the files below `images/`, as they were when it was
//! compiled. The digest of all that goes into an image names it, so that a change makes a new one.

use sha2::{Digest as _, Sha256};

use crate::failure::Bug;
use crate::image::manifest::{Description, Digest};

/// A file of a build's context.
#[derive(Debug, Clone, Copy)]
pub struct RecipeFile {
    /// Below `images/`.
    pub path: &'static str,
    /// What is in it.
    pub contents: &'static [u8],
}

impl RecipeFile {
    /// Its permissions in the context: programs are known by their first line.
    pub fn mode(&self) -> u32 {
        if self.contents.starts_with(b"#!") {
            0o755
        } else {
            0o644
        }
    }
}

/// Names each file below `images/` and takes its contents.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(RecipeFile {
            path: $path,
            contents: include_bytes!(concat!("../../../images/", $path)),
        }),*]
    };
}

/// What every build's context holds.
const COMMON: &[RecipeFile] = files!["common/apt-install"];

const VM: &[RecipeFile] = files![
    "vm/Dockerfile",
    "vm/close-network",
    "vm/machine",
    "vm/make-disk",
    "vm/probe.ld",
    "vm/probe.s",
    "vm/prove",
];

const COMPAT: &[RecipeFile] = files![
    "compat/Dockerfile",
    "compat/guest/agent",
    "compat/guest/cmd.exe.manifest",
    "compat/guest/init",
    "compat/guest/initrd-init",
    "compat/guest/inittab",
    "compat/guest/login.c",
    "compat/guest/make-prefix",
    "compat/guest/prepare-wine",
    "compat/guest/settings.reg",
    "compat/guest/settle",
    "compat/guest/shell.c",
    "compat/guest/sshd_config",
    "compat/guest/tidy",
    "compat/guest/unpack-kernel",
    "compat/guest/wake.c",
    "compat/guest/wine-idle",
    "compat/guest/winrun.c",
    "compat/image.json",
];

/// The name of the embedded guest's image.
pub const COMPAT_NAME: &str = "compat";

/// A set of files that make one thing.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// What it makes.
    pub name: &'static str,
    own: &'static [RecipeFile],
}

/// The container that holds QEMU.
pub const VM_CONTAINER: Recipe = Recipe {
    name: "vm",
    own: VM,
};

/// Every guest that can be built from what is in this binary.
pub const GUESTS: &[Recipe] = &[Recipe {
    name: COMPAT_NAME,
    own: COMPAT,
}];

impl Recipe {
    /// A recipe of the caller's own; the files' paths begin with its name.
    pub const fn new(name: &'static str, own: &'static [RecipeFile]) -> Self {
        Self { name, own }
    }

    /// The guest's recipe of this name.
    pub fn guest(name: &str) -> Option<Self> {
        GUESTS.iter().copied().find(|recipe| recipe.name == name)
    }

    /// Every file of the build's context.
    pub fn files(&self) -> impl Iterator<Item = &'static RecipeFile> {
        COMMON.iter().chain(self.own)
    }

    /// Where its Dockerfile is in the context.
    pub fn dockerfile(&self) -> String {
        format!("{}/Dockerfile", self.name)
    }

    /// The digest of every file, and of what else the caller says goes in.
    pub fn digest(&self, further: &[&str]) -> Digest {
        let mut hash = Sha256::new();
        for file in self.files() {
            feed(&mut hash, file.path.as_bytes());
            feed(&mut hash, file.contents);
        }
        for text in further {
            feed(&mut hash, text.as_bytes());
        }
        Digest::from_hash(hash)
    }

    /// What the recipe says of its image.
    pub fn description(&self) -> Result<Description, Bug> {
        let path = format!("{}/image.json", self.name);
        let wrong = |why: String| Bug {
            message: format!("the recipe's `{path}` is wrong: {why}"),
        };
        let file = self.own.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| wrong("it is missing".to_owned()))?;
        serde_json::from_slice(file.contents).map_err(|error| wrong(error.to_string()))
    }
}

/// Feeds a part with its length, so that no two lists of parts look alike.
fn feed(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_below_images_is_in_a_recipe() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images");
        let mut found = BTreeSet::new();
        for part in ["common", "vm", "compat"] {
            for entry in ignore::Walk::new(root.join(part)) {
                let path = entry.unwrap().into_path();
                if path.is_file() {
                    let below = path
                        .strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    found.insert(below);
                }
            }
        }
        let mut embedded: BTreeSet<String> = COMMON
            .iter()
            .chain(VM)
            .chain(COMPAT)
            .map(|file| file.path.to_owned())
            .collect();
        // Replaced by each build with the host's own bundle.
        embedded.insert("common/ca.crt".to_owned());
        assert_eq!(found, embedded);
    }

    #[test]
    fn descriptions_are_complete_and_name_only_shells_that_there_are() {
        for recipe in GUESTS {
            let description = recipe.description().unwrap();
            assert_eq!(description.name, recipe.name);
            let guest = &description.guest;
            assert!(guest.shell(&guest.default_shell).is_some());
            assert!(guest.shell(&guest.probe_shell).is_some());
        }
    }

    #[test]
    fn what_goes_in_changes_the_digest() {
        assert_ne!(
            VM_CONTAINER.digest(&["a", "b"]),
            VM_CONTAINER.digest(&["ab"])
        );
        assert_eq!(VM_CONTAINER.digest(&["a"]), VM_CONTAINER.digest(&["a"]));
    }
}
