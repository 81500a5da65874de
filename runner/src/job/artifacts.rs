//! What the steps of a job upload and download, between its guest and the artifacts of the run.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::artifact::collect::{self, Collected};
use crate::artifact::picked::Picked;
use crate::artifact::shelf::{FOLDER, Shelf, Stored};
use crate::artifact::write::OutDirectory;
use crate::event::{Events, JobEvent, Level};
use crate::failure::with_causes;
use crate::guest::channel::GuestChannel;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::steps::artifacts::{ArtifactKeeper, Kept, Upload};
use crate::workspace::scan::{Entry, Scan};
use crate::workspace::upload;

/// The artifacts of the run, as one of its jobs has them.
pub struct JobArtifacts<'a> {
    /// The artifacts of the run.
    pub shelf: Arc<Shelf>,
    /// The job's guest.
    pub channel: Arc<dyn GuestChannel>,
    /// Its workspace, in Windows form.
    pub workspace: &'a str,
    /// The job's id.
    pub job: &'a str,
    /// What is kept out of names.
    pub masker: &'a Masker,
    /// Where facts go.
    pub events: &'a Events,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
}

impl JobArtifacts<'_> {
    /// Fetches what is wanted; it lies aside then.
    async fn gather(
        &self,
        picked: Arc<Picked>,
        out: &Arc<OutDirectory>,
    ) -> Result<Collected, String> {
        let hide = self.masker.hide();
        let request = collect::Request {
            selection: picked,
            workspace: self.workspace,
            out,
            job: self.job,
            hide: Arc::clone(&hide),
            limits: self.shelf.room(),
        };
        self.progress.stage("fetching an artifact");
        let gathered = collect::gather(self.channel.as_ref(), &request).await;
        self.progress.finish();
        let gathered = gathered.map_err(|failure| with_causes(&failure))?;
        for text in &gathered.warnings {
            self.events.notice(Level::Warning, hide(text));
        }
        match refused(&gathered.refused) {
            Some(why) => Err(why),
            None => Ok(gathered),
        }
    }

    /// States what was uploaded, if people can find it afterwards.
    fn tell(&self, stored: &Stored) {
        if self.shelf.must_tell() {
            let text = "artifacts that steps upload live as long as the run; name a directory with \
                        `--out` to keep them";
            self.events.notice(Level::Notice, text.to_owned());
        }
        if !self.shelf.stays() {
            return;
        }
        for file in &stored.files {
            self.events.emit(JobEvent::Artifact {
                path: format!("{FOLDER}/{}", file.path),
                size: file.size,
                sha256: file.sha256.clone(),
            });
        }
    }

    fn find(&self, artifact: &Kept) -> Result<Arc<Stored>, String> {
        let stored = self.shelf.stored();
        let mut found = stored.into_iter().filter(|one| one.id == artifact.id);
        found
            .next()
            .ok_or_else(|| format!("the artifact `{}` was overwritten", artifact.name))
    }
}

#[async_trait]
impl ArtifactKeeper for JobArtifacts<'_> {
    async fn upload(&self, wanted: &Upload) -> Result<Option<Kept>, String> {
        if self.masker.mask(&wanted.name) != wanted.name.as_str() {
            return Err("an artifact can't be called so: the name holds a secret".to_owned());
        }
        let picked = Picked::parse(&wanted.name, &wanted.path, self.workspace, wanted.hidden)?;
        let claim = self.shelf.claim(&wanted.name, wanted.overwrite)?;
        let out = OutDirectory::open(self.shelf.directory()).map_err(|error| error.message)?;
        let out = Arc::new(out);
        let gathered = self.gather(Arc::new(picked), &out).await?;
        if gathered.artifacts.is_empty() {
            return Ok(None);
        }
        let job = self.job.to_owned();
        // Files are renamed, removed and synced, one upload after the other.
        let publishing = move || claim.publish(&out, &job, gathered.artifacts);
        let published = tokio::task::spawn_blocking(publishing).await;
        let stored = published.map_err(|error| format!("cannot keep the artifact: {error}"))??;
        self.tell(&stored);
        Ok(Some(kept(&stored)))
    }

    fn kept(&self) -> Vec<Kept> {
        let stored = self.shelf.stored();
        stored.iter().map(|stored| kept(stored)).collect()
    }

    async fn download(&self, artifact: &Kept, directory: &str) -> Result<(), String> {
        let stored = self.find(artifact)?;
        self.shelf.check(&stored)?;
        let root = self.shelf.directory().join(&stored.name);
        let scan = Arc::new(listed(&stored));
        let directory = self.channel.dialect().paths().write(directory);
        self.progress.stage("sending an artifact to the guest");
        let progress = Arc::clone(&self.progress);
        let channel = self.channel.as_ref();
        let sent = upload::send(channel, &root, scan, &directory, progress).await;
        self.progress.finish();
        sent.map_err(|failure| failure.message())
    }
}

fn kept(stored: &Stored) -> Kept {
    Kept {
        id: stored.id,
        name: stored.name.clone(),
        files: stored.files.len(),
        bytes: stored.bytes(),
        digest: stored.digest.clone(),
    }
}

/// The files that are sent: those that were uploaded, whatever else may lie beside them by now.
fn listed(stored: &Stored) -> Scan {
    let files = stored.files.iter();
    let entries = files.map(|file| (PathBuf::from(stored.below(file)), Entry::File(file.size)));
    Scan {
        is_writable: true,
        entries: entries.collect(),
        left_behind: Vec::new(),
    }
}

/// What is not taken, and why; an artifact is taken whole or not at all.
fn refused(why: &[String]) -> Option<String> {
    const NAMED: usize = 20;
    let mut named: Vec<&str> = why.iter().take(NAMED).map(String::as_str).collect();
    if named.is_empty() {
        return None;
    }
    let more = format!("and {} more", why.len().saturating_sub(NAMED));
    if why.len() > NAMED {
        named.push(&more);
    }
    Some(format!("nothing was uploaded: {}", named.join("; ")))
}
