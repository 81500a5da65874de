//! What is said once in a run, by whichever of its jobs comes upon it first.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Events, Level};

/// What has been said. Cheap to clone; the jobs of a run share it.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<HashSet<String>>>);

impl Told {
    /// Says something that is worth knowing of all jobs, unless one of them said it already.
    pub fn notice(&self, events: &Events, text: String) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(text.clone()) {
            events.notice(Level::Notice, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{JobEvent, Message, RunEvents};

    #[test]
    fn what_concerns_all_jobs_is_said_by_the_first() {
        let (run, mut queue) = RunEvents::open();
        let told = Told::default();
        for (job, text) in [("a", "slow"), ("b", "slow"), ("b", "small")] {
            told.clone().notice(&run.job(job, None), text.to_owned());
        }
        let mut said = Vec::new();
        while let Ok(Message::Events(events, _)) = queue.try_recv() {
            said.extend(events.into_iter().map(|one| match one.event {
                JobEvent::Notice { text, .. } => format!("{}: {text}", one.job),
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(said, ["a: slow", "b: small"]);
    }
}
