//! `actions/upload-artifact` and `actions/download-artifact`, served by Dormer itself: what steps upload
//! is kept by the run, for its other jobs and for people. Where it is kept is the job's affair; steps only
//! ask for it.

mod download;
mod inputs;
mod serve;
mod upload;

use async_trait::async_trait;

pub use upload::Upload;

/// Keeps the artifacts of a run.
#[async_trait]
pub trait ArtifactKeeper: Send + Sync {
    /// Takes files of the guest as an artifact; none if no file is meant. An error is for people.
    async fn upload(&self, wanted: &Upload) -> Result<Option<Kept>, String>;
    /// What is there, in the order of names.
    fn kept(&self) -> Vec<Kept>;
    /// Puts the files of an artifact into a directory of the guest, given in Windows form. An error is for
    /// people.
    async fn download(&self, artifact: &Kept, directory: &str) -> Result<(), String>;
}

/// An artifact that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number in the run, from 1.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How many files it has.
    pub files: usize,
    /// Their size together, in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub digest: String,
}

/// What is done with artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Files of the guest become one.
    Upload,
    /// Some come into the guest.
    Download,
    /// Several become one, which is not supported.
    Merge,
}

/// Which service a `uses:` asks for, of whatever version; none if it is another action.
pub fn service(reference: &str) -> Option<Service> {
    let name = reference.split('@').next().unwrap_or_default();
    match name.trim().to_lowercase().as_str() {
        "actions/upload-artifact" => Some(Service::Upload),
        "actions/download-artifact" => Some(Service::Download),
        "actions/upload-artifact/merge" => Some(Service::Merge),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actions_are_known_by_name() {
        for (reference, expected) in [
            ("actions/upload-artifact@v4", Some(Service::Upload)),
            ("Actions/Download-Artifact@main", Some(Service::Download)),
            ("actions/upload-artifact/merge@v4", Some(Service::Merge)),
            ("actions/upload-artifacts@v4", None),
            ("me/upload-artifact@v4", None),
        ] {
            assert_eq!(service(reference), expected, "{reference}");
        }
    }
}
