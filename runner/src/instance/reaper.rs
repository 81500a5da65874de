//! Finds what belongs to nobody any more and removes it: instances whose process died, those that were
//! kept or stand by and whose time is over, containers without an instance, builds that were interrupted.
//! Reconciles three views (the records, the engine, the file system) and touches nothing that is another
//! home's, or alive.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::failure::InfraFailure;
use crate::host::clock::pause;
use crate::host::fs::remove_tree;
use crate::host::home::Home;
use crate::host::passing;
use crate::host::reservation::Reservation;
use crate::image::build;
use crate::image::context;
use crate::image::manifest::Digest;
use crate::image::store::{Abandoned, Store, Unneeded};
use crate::instance::kept::{adopt, is_expired};
use crate::instance::record::{Journal, State};
use crate::instance::standby::{self, Outlook};
use crate::instance::teardown;
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::vmm::engine::Engine;
use crate::vmm::listing::{self, Found};
use crate::vmm::run;

/// How long the evidence of a failed job is kept.
const EVIDENCE_AGE: Duration = Duration::from_secs(14 * 86_400);

/// How long a template is kept that was found damaged.
const QUARANTINE: Duration = Duration::from_secs(86_400);

/// How long a template that a script prepared is kept although nothing wakes from it.
const PREPARED_UNUSED: Duration = Duration::from_secs(30 * 86_400);

/// Something to remove, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// Why nobody needs it.
    pub why: String,
}

/// The places that are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Reaper<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The home.
    pub home: &'a Home,
    /// Its images.
    pub store: &'a Store,
    /// Only look.
    pub dry_run: bool,
}

/// What a sweep has done.
#[derive(Debug, Default)]
pub struct Swept {
    /// What was removed, or would be.
    pub findings: Vec<Finding>,
    /// What could not be removed, or not be looked at.
    pub failures: Vec<InfraFailure>,
}

impl Swept {
    fn take(&mut self, result: Result<Option<Finding>, InfraFailure>) {
        match result {
            Ok(finding) => self.findings.extend(finding),
            Err(failure) => self.failures.push(failure),
        }
    }

    fn failed(&mut self, result: Result<(), InfraFailure>) {
        self.failures.extend(result.err());
    }
}

impl Reaper<'_> {
    /// Finds and removes what belongs to nobody. What can't be removed keeps nothing else from it.
    pub async fn sweep(self) -> Swept {
        let mut swept = Swept::default();
        let looked = self.instances(&mut swept).await;
        swept.failed(looked);
        let looked = self.containers(&mut swept).await;
        swept.failed(looked);
        let looked = self.builds(&mut swept).await;
        swept.failed(looked);
        let looked = self.images(&mut swept);
        swept.failed(looked);
        self.templates(&mut swept);
        swept.findings.extend(self.old_evidence());
        swept.take(self.passing());
        swept
    }

    async fn instances(&self, swept: &mut Swept) -> Result<(), InfraFailure> {
        let spared = self.standing_by().await?;
        for id in self.reserved()? {
            if !spared.contains(&id) {
                swept.take(self.instance(&id).await);
            }
        }
        Ok(())
    }

    /// The machines that go on standing by. They are looked at without their lock: a job that finds one
    /// locked does not take it.
    async fn standing_by(&self) -> Result<BTreeSet<String>, InfraFailure> {
        let records = standby::list(self.home)?;
        if records.is_empty() {
            return Ok(BTreeSet::new());
        }
        let outlook = self.outlook().await?;
        let now = Timestamp::now();
        let spared = records.into_iter();
        let spared = spared.filter(|record| outlook.why_over(record, now).is_none());
        Ok(spared.map(|record| record.id).collect())
    }

    async fn outlook(&self) -> Result<Outlook<'_>, InfraFailure> {
        Outlook::look(self.engine, self.home, self.store).await
    }

    /// An instance, if no process holds it and nobody asked to keep it.
    async fn instance(&self, id: &str) -> Result<Option<Finding>, InfraFailure> {
        let Some(reservation) = adopt(self.home, id)? else {
            return Ok(None);
        };
        if !self.dry_run {
            heed_the_clock(&reservation)?;
        }
        let Some(why) = self.why_abandoned(&reservation).await? else {
            return Ok(None);
        };
        if !self.dry_run {
            self.settle(&reservation).await?;
            build::clean_up(self.engine, self.store, self.home.owner(), id).await?;
            teardown::tear_down(self.engine, self.home.owner(), &reservation).await?;
        }
        let what = format!("machine {id}");
        Ok(Some(Finding { what, why }))
    }

    /// Why an instance that nobody holds is to be removed; none if it is kept or stands by.
    async fn why_abandoned(
        &self,
        reservation: &Reservation,
    ) -> Result<Option<String>, InfraFailure> {
        let journal = match Journal::read(reservation.directory()) {
            Ok(Some(journal)) => journal,
            Ok(None) => return Ok(Some("its process died before it began".to_owned())),
            Err(error) => return Ok(Some(format!("its record is unreadable ({error})"))),
        };
        let (record, now) = (journal.record(), Timestamp::now());
        let why = match record.state {
            // What was seen without the lock may be over: it was not even running, perhaps.
            State::Standby => return Ok(self.outlook().await?.why_over(record, now)),
            State::Kept => "its time is over".to_owned(),
            state => format!("its process died while it was {}", state.as_str()),
        };
        Ok(is_expired(record, now).then_some(why))
    }

    /// A process that was killed while it had the engine create a container: the engine goes on, and the
    /// container is there only a moment later.
    async fn settle(&self, reservation: &Reservation) -> Result<(), InfraFailure> {
        const LOOKS: u32 = 20;
        let creating = Journal::read(reservation.directory())
            .ok()
            .flatten()
            .is_some_and(|journal| journal.record().state == State::CreatingContainer);
        for _ in 0..if creating { LOOKS } else { 0 } {
            let (owner, id) = (self.home.owner(), reservation.id());
            if !listing::containers(self.engine, owner, Some(id))
                .await?
                .is_empty()
            {
                break;
            }
            pause(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Containers with our label whose instance has no directory any more.
    async fn containers(&self, swept: &mut Swept) -> Result<(), InfraFailure> {
        // First the engine, then the directories: an instance makes its directory before anything
        // else, so a container that was seen has one unless it is a stray.
        let containers = listing::containers(self.engine, self.home.owner(), None).await?;
        let reserved: BTreeSet<String> = self.reserved()?.into_iter().collect();
        for found in containers
            .into_iter()
            .filter(|found| !reserved.contains(&found.instance))
        {
            swept.take(self.container(found).await);
        }
        Ok(())
    }

    async fn container(&self, found: Found) -> Result<Option<Finding>, InfraFailure> {
        if !self.dry_run {
            run::remove(self.engine, &found.container).await?;
        }
        let short = &found.container[..12.min(found.container.len())];
        Ok(Some(Finding {
            what: format!("container {short}"),
            why: format!("its machine {} is gone", found.instance),
        }))
    }

    /// What interrupted builds left, on disk and on the engine.
    async fn builds(&self, swept: &mut Swept) -> Result<(), InfraFailure> {
        let owner = self.home.owner();
        let mut ids: BTreeSet<String> = self
            .store
            .builds()
            .map_err(|error| InfraFailure::new("cannot list interrupted builds").because(error))?
            .into_iter()
            .collect();
        let labels = context::leftovers(self.engine, owner).await?;
        ids.extend(
            labels
                .iter()
                .filter_map(|l| l.strip_prefix(&format!("{owner}-")))
                .map(str::to_owned),
        );
        let reserved: BTreeSet<String> = self.reserved()?.into_iter().collect();
        for id in ids.difference(&reserved) {
            swept.take(self.build(id).await);
        }
        Ok(())
    }

    /// A build that has no reservation here, unless another home that shares the store is at work on it.
    async fn build(&self, id: &str) -> Result<Option<Finding>, InfraFailure> {
        let held = self.store.hold_abandoned_build(id).map_err(|error| {
            InfraFailure::new(format!("cannot look at the build `{id}`")).because(error)
        })?;
        let Abandoned::Yes(_held) = held else {
            return Ok(None);
        };
        if !self.dry_run {
            build::clean_up(self.engine, self.store, self.home.owner(), id).await?;
        }
        Ok(Some(Finding {
            what: format!("build {id}"),
            why: "it was interrupted".to_owned(),
        }))
    }

    /// Images that no name means any more, unless a machine still uses one.
    fn images(&self, swept: &mut Swept) -> Result<(), InfraFailure> {
        let removed = self.store.sweep(&self.images_in_use()?, self.dry_run);
        let removed = removed
            .map_err(|error| InfraFailure::new("cannot remove unused images").because(error))?;
        let finding = |unneeded| match unneeded {
            Unneeded::Image(digest) => Finding {
                what: format!("image {}", digest.short()),
                why: "no name means it any more".to_owned(),
            },
            Unneeded::Blob(name) => Finding {
                what: format!("image file {}", &name[..name.floor_char_boundary(12)]),
                why: "no image has it".to_owned(),
            },
        };
        swept.findings.extend(removed.into_iter().map(finding));
        Ok(())
    }

    /// Templates that nobody needs, and what was put aside. A machine that woke from one holds its files.
    fn templates(&self, swept: &mut Swept) {
        let templates = Templates::of(self.home);
        for template in templates.list() {
            let Some(why) = self.why_template_goes(&template) else {
                continue;
            };
            let finding = Finding {
                what: format!("template {}", template.key().short()),
                why: why.to_owned(),
            };
            let remove = || templates.remove(&template);
            let removed = self.unless_dry(finding, remove);
            swept.take(removed.map_err(|error| templates.failed(error)));
        }
        for path in templates.unusable() {
            let why = match Templates::is_going(&path) {
                true => "its removal was interrupted",
                false if is_older(&path, QUARANTINE) => "nothing can wake from it",
                false => continue,
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let finding = Finding {
                what: format!("template {name}"),
                why: why.to_owned(),
            };
            let removed = self.unless_dry(finding, || remove_tree(&path));
            swept.take(removed.map_err(|error| templates.failed(error)));
        }
        if !self.dry_run {
            templates.remove_unused_locks();
        }
    }

    /// Why nobody needs a template, if so. Each version of a script has one of its own, and makes it anew
    /// where it is gone.
    fn why_template_goes(&self, template: &Template) -> Option<&'static str> {
        let makeup = &template.manifest.makeup;
        if makeup.prepared.is_some() && is_before(template.last_used(), PREPARED_UNUSED) {
            return Some("no job has woken from it for 30 days");
        }
        match self.store.find_digest(&template.manifest.image_name) {
            Ok(current) if current.as_ref() != Some(&makeup.image) => {
                Some("its image is gone or replaced")
            }
            // What can't be looked up is nobody's to judge.
            _ => None,
        }
    }

    fn unless_dry(
        &self,
        finding: Finding,
        remove: impl FnOnce() -> std::io::Result<()>,
    ) -> std::io::Result<Option<Finding>> {
        if !self.dry_run {
            remove()?;
        }
        Ok(Some(finding))
    }

    /// The images of our own machines; the store itself knows of others'.
    fn images_in_use(&self) -> Result<BTreeSet<Digest>, InfraFailure> {
        let listed = super::kept::list(self.home)?;
        Ok(listed.into_iter().map(|one| one.record.image).collect())
    }

    /// Directories that were to live as long as a run, of runs that were killed.
    fn passing(&self) -> Result<Option<Finding>, InfraFailure> {
        let directory = self.home.passing();
        let left = passing::abandoned(&directory, self.dry_run).map_err(|error| {
            InfraFailure::new(format!("cannot clean up `{}`", directory.display())).because(error)
        })?;
        Ok((left > 0).then(|| Finding {
            what: format!("files of {left} run{}", if left == 1 { "" } else { "s" }),
            why: "their process died".to_owned(),
        }))
    }

    fn old_evidence(&self) -> Vec<Finding> {
        let Ok(entries) = std::fs::read_dir(self.home.jobs()) else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for entry in entries.flatten() {
            if is_older(&entry.path(), EVIDENCE_AGE) {
                let name = entry.file_name().to_string_lossy().into_owned();
                findings.push(Finding {
                    what: format!("evidence of job {name}"),
                    why: "it is older than two weeks".to_owned(),
                });
                if !self.dry_run {
                    let _ = remove_tree(&entry.path());
                }
            }
        }
        findings
    }

    fn reserved(&self) -> Result<Vec<String>, InfraFailure> {
        let instances = self.home.instances();
        Reservation::list(&instances).map_err(|error| {
            InfraFailure::new(format!("cannot read `{}`", instances.display())).because(error)
        })
    }
}

/// Whether a file or directory was changed longer ago than this.
fn is_older(path: &Path, than: Duration) -> bool {
    let modified = std::fs::symlink_metadata(path).and_then(|found| found.modified());
    modified.is_ok_and(|then| is_before(then, than))
}

/// Whether a time is longer ago than this.
fn is_before(then: SystemTime, ago: Duration) -> bool {
    let age = SystemTime::now().duration_since(then);
    age.is_ok_and(|age| age > ago)
}

/// A clock that was set back would have a kept instance stay until it has caught up, which may take years.
fn heed_the_clock(reservation: &Reservation) -> Result<(), InfraFailure> {
    let now = Timestamp::now();
    match Journal::read(reservation.directory()) {
        Ok(Some(mut journal)) if journal.is_from_the_future(now) => journal.date_anew(now),
        _ => Ok(()),
    }
}
