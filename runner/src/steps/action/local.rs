//! Reading an action's file out of the guest.

use std::io::Read;

use crate::guest::channel::GuestChannel;
use crate::guest::transfer::{self, FetchError};
use crate::host::clock::{Deadline, within};
use crate::steps::action::site::{Site, below};

/// The names of an action's file, the first that is there counts. A `Dockerfile` alone is an action too.
pub(super) const NAMES: [&str; 3] = ["action.yml", "action.yaml", "Dockerfile"];

/// What a `Dockerfile` alone stands for.
pub(super) const DOCKERFILE: &str = "runs:\n  using: docker\n  image: Dockerfile\n";

/// An action's file is text that people write; more than this, in bytes, is something else.
pub(super) const LARGEST: u64 = 1 << 20;

const READING: Deadline = Deadline::seconds("the action's file", 60);

/// The action in a directory of the guest, as it is now.
///
/// # Errors
///
/// Why there is none, for people.
pub async fn read(
    channel: &dyn GuestChannel,
    uses: &str,
    root: &str,
    path: &str,
) -> Result<Site, String> {
    let directory = below(root, path);
    let written = channel.dialect().paths().write(&directory);
    let names = transfer::all_names(&NAMES.map(|name| name.as_bytes().to_vec()));
    let fetching = transfer::fetch(channel, &written, names, first_file);
    let fetched = within(READING, fetching)
        .await
        .map_err(|late| late.to_string())?;
    let found = match fetched {
        Ok(told) => told.what,
        Err(FetchError::Channel(error)) => return Err(error.to_string()),
        // A directory that is not there has no archive.
        Err(FetchError::Reader(Unread::Broken, _)) => None,
        Err(FetchError::Reader(Unread::TooLarge, _)) => {
            return Err(format!(
                "the file of the action in `{directory}` has more than {LARGEST} bytes"
            ));
        }
    };
    let Some((name, text)) = found else {
        return Err(format!(
            "there is no `action.yml`, `action.yaml` or `Dockerfile` in `{directory}` of the guest: \
             is the action there, and was its repository checked out before this step?"
        ));
    };
    Ok(Site {
        uses: uses.to_owned(),
        from: None,
        root: root.to_owned(),
        directory,
        file: format!("{}/{name}", uses.trim_end_matches('/')),
        text,
    })
}

/// Why an archive was not read.
enum Unread {
    Broken,
    TooLarge,
}

impl From<std::io::Error> for Unread {
    fn from(_: std::io::Error) -> Self {
        Self::Broken
    }
}

/// The file among those that came whose name counts first, and its text. Raw: the library would read
/// names of any length into memory, and those that were asked for are short.
fn first_file(archive: &mut dyn Read) -> Result<Option<(&'static str, String)>, Unread> {
    let mut found: Option<(usize, String)> = None;
    for entry in tar::Archive::new(archive).entries()?.raw(true) {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let named = |name: &&str| path.as_os_str() == *name;
        let Some(rank) = NAMES.iter().position(named) else {
            continue;
        };
        if found.as_ref().is_some_and(|(other, _)| *other < rank) {
            continue;
        }
        if entry.size() > LARGEST {
            return Err(Unread::TooLarge);
        }
        let mut bytes = Vec::new();
        entry.by_ref().take(LARGEST).read_to_end(&mut bytes)?;
        found = Some((rank, String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(found.map(|(rank, text)| match NAMES[rank] {
        "Dockerfile" => ("Dockerfile", DOCKERFILE.to_owned()),
        name => (name, text),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn first(files: &[(&str, &str)]) -> Option<(&'static str, String)> {
        first_file(&mut archive(files).as_slice()).ok().flatten()
    }

    #[test]
    fn the_first_of_the_names_counts() {
        let all = [("action.yaml", "b"), ("action.yml", "a"), ("x", "y")];
        assert_eq!(first(&all), Some(("action.yml", "a".to_owned())));
        assert_eq!(first(&all[..1]), Some(("action.yaml", "b".to_owned())));
        let docker = [("Dockerfile", "FROM x")];
        assert_eq!(first(&docker), Some(("Dockerfile", DOCKERFILE.to_owned())));
        assert_eq!(first(&all[2..]), None);
        assert!(first_file(&mut &b"nonsense"[..]).is_err());
    }
}
