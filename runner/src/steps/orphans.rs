//! What steps leave running is ended with the job, as the official runner does it: by a variable that
//! every step's processes carry. A process that takes it out of its environment is let go of, and has
//! its machine's end.

use crate::event::Level;
use crate::guest::channel::random_word;
use crate::host::clock::{Deadline, within};
use crate::steps::executor::Executor;
use crate::steps::state::ExecutorState;

/// The variable, as the official runner calls it.
pub(super) const TRACKING: &str = "RUNNER_TRACKING_ID";

/// A guest that hangs does not keep its job from ending.
const ENDING: Deadline = Deadline::seconds("the end of what the steps left running", 20);
/// How many processes are named; a guest may have thousands.
const NAMED: usize = 20;

/// A value that no other job has.
pub(super) fn new_mark() -> String {
    format!("github_{}", random_word())
}

impl Executor<'_> {
    /// Ends what the steps left running, and names it.
    pub(super) async fn end_orphans(&self, state: &ExecutorState) {
        let ending = self.channel.end_marked(TRACKING, &state.tracking);
        let names = match within(ENDING, ending).await {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                let text = format!("what the steps left running was not ended: {error}");
                return self.tell(Level::Warning, &text);
            }
            Err(late) => return self.tell(Level::Warning, &late.to_string()),
        };
        if names.is_empty() {
            return;
        }
        let mut shown: Vec<String> = names.iter().take(NAMED).cloned().collect();
        if names.len() > NAMED {
            shown.push(format!("and {} more", names.len() - NAMED));
        }
        let text = format!("ended what the steps left running: {}", shown.join(", "));
        self.tell(Level::Notice, &text);
    }
}
