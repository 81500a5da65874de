//! The files of one place of a guest of which some are wanted: the guest lists what there is, and those that
//! are taken are fetched by name while it still lists.

use std::sync::PoisonError;

use tokio::sync::oneshot;

use crate::artifact::collect::{Collected, Site, what_came};
use crate::artifact::judge::Verdict;
use crate::artifact::unpack::{CollectError, Wanted};
use crate::guest::channel::piped_input;
use crate::guest::dialect::Listing;
use crate::guest::pipe::PipeWriter;
use crate::guest::transfer::{self, ComingList, Told};

/// Fetches what is wanted of one place, while the guest still looks through it.
pub(super) async fn collect(
    site: &Site<'_>,
    collected: &mut Collected,
) -> Result<(), CollectError> {
    let wanted = Wanted::default();
    let unpacking = site.unpacker(wanted.clone(), collected);
    let (names, input) = piped_input();
    let (begin, begun) = oneshot::channel();
    let search = Search {
        site,
        wanted: &wanted,
        names,
        begin: Some(begin),
        refused: Vec::new(),
    };
    // What ends one of the two ends the other: neither has a guest any more.
    let (found, fetched) = tokio::try_join!(search.run(), async {
        match begun.await {
            Ok(()) => transfer::fetch(site.channel, &site.directory, input, unpacking)
                .await
                .or_else(what_came),
            // Nothing is wanted here.
            Err(_) => Ok(Told::default()),
        }
    })?;
    collected.warn("looking for artifacts", &found.complaints);
    collected.warn("fetching artifacts", &fetched.complaints);
    collected.refused.extend(found.what);
    collected.take(fetched.what);
    collected.refused.extend(wanted.missing());
    Ok(())
}

/// Looks through one place of the guest for what is wanted.
struct Search<'a> {
    site: &'a Site<'a>,
    wanted: &'a Wanted,
    /// Where names go to be fetched.
    names: PipeWriter,
    /// Told once there is one.
    begin: Option<oneshot::Sender<()>>,
    refused: Vec<String>,
}

impl Search<'_> {
    /// Asks for every file that is wanted. Returns what is refused.
    async fn run(mut self) -> Result<Told<Vec<String>>, CollectError> {
        let complaints = match self.look().await {
            Ok(complaints) => complaints,
            Err(CollectError::Refused(why)) => {
                self.refused.push(why);
                String::new()
            }
            Err(failure @ CollectError::Infra(_)) => return Err(failure),
        };
        Ok(Told {
            what: self.refused,
            complaints,
        })
    }

    async fn look(&mut self) -> Result<String, CollectError> {
        let (site, limit) = (self.site, self.site.limits.listed);
        let start = &site.place.start;
        let coming = ComingList::start(site.channel, &site.directory, start, limit).await;
        let mut coming = coming?;
        while let Some(entries) = coming.next().await? {
            let mut names = Vec::new();
            let noted = self.note(entries, &mut names);
            self.ask_for(names).await;
            noted.map_err(CollectError::Refused)?;
        }
        Ok(coming.finish().await?)
    }

    async fn ask_for(&mut self, names: Vec<u8>) {
        if names.is_empty() {
            return;
        }
        if let Some(begin) = self.begin.take() {
            let _ = begin.send(());
        }
        // A guest that reads no more names does not send those files either, which is told then.
        let _ = self.names.send(names.into()).await;
    }

    /// Notes what is wanted of these, with the names to ask for, and refuses what may not be taken. An
    /// error is the end of the search.
    fn note(&mut self, entries: Vec<Listing>, names: &mut Vec<u8>) -> Result<(), String> {
        let root = self.site.place.root;
        let judge = self.site.judge.lock();
        let mut judge = judge.unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            match judge.judge(root, &entry)? {
                Verdict::Take(name) => {
                    names.extend_from_slice(&entry.name);
                    names.push(0);
                    self.wanted.add(entry.name, name);
                }
                Verdict::Refuse(why) => self.refused.push(why),
                Verdict::Pass => {}
            }
        }
        Ok(())
    }
}
