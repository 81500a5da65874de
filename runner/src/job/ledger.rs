//! What the jobs of a run find out about templates, for one another and for whoever comes after them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::instance::makeup::Makeup;
use crate::instance::provision::Order;
use crate::job::warm::Making;

/// Cheap to clone; the jobs of a run share it.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// What a script did not prepare, with its exit code.
    unprepared: Vec<(Makeup, Option<u32>)>,
    /// What machines booted for want of.
    missing: Vec<Making>,
    /// What machines could wake from, with an order for one of each kind.
    wanted: Vec<(Order, Makeup)>,
}

impl Ledger {
    // Each change is a single one, so that none is ever half made.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts down that a script failed to prepare this.
    pub fn note_unprepared(&self, makeup: &Makeup, exit_code: Option<u32>) {
        self.entries().unprepared.push((makeup.clone(), exit_code));
    }

    /// How a script failed to prepare this, if one did: another try would take as long, and fail as well.
    pub fn unprepared(&self, makeup: &Makeup) -> Option<Option<u32>> {
        let entries = self.entries();
        let mut unprepared = entries.unprepared.iter();
        let found = unprepared.find(|(failed, _)| failed == makeup);
        found.map(|(_, exit_code)| *exit_code)
    }

    /// Puts down a template that there was none of; once for all jobs.
    pub fn note_missing(&self, making: Making) {
        let mut entries = self.entries();
        let mut missing = entries.missing.iter();
        if missing.all(|known| known.makeup != making.makeup) {
            entries.missing.push(making);
        }
    }

    /// Puts down what a machine could wake from, whether there is a template of it or not.
    pub fn note_wanted(&self, order: &Order, makeup: &Makeup) {
        let mut entries = self.entries();
        // The jobs of a run have one network, and so one pool for each makeup.
        if entries.wanted.iter().all(|(_, known)| known != makeup) {
            entries.wanted.push((order.clone(), makeup.clone()));
        }
    }

    /// What machines could wake from.
    pub fn wanted(&self) -> Vec<(Order, Makeup)> {
        self.entries().wanted.clone()
    }

    /// The templates that there were none of, in the order of their asking.
    pub fn take_missing(&self) -> Vec<Making> {
        std::mem::take(&mut self.entries().missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::makeup::tests::makeup;

    #[test]
    fn what_failed_once_is_known_to_all_and_nothing_else_is() {
        let (ledger, other) = (Ledger::default(), makeup());
        let failed = Makeup {
            cpus: other.cpus + 1,
            ..makeup()
        };
        ledger.clone().note_unprepared(&failed, Some(3));
        assert_eq!(ledger.unprepared(&failed), Some(Some(3)));
        assert_eq!(ledger.unprepared(&other), None);
    }
}
