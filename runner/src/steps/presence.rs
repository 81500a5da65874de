//! Whether there still is a guest to go on with.
//!
//! Something that a step asks of its guest may stand still, or take too long: that is the step's failure, and the
//! steps behind it have their turn, as long as the guest does other things. One that does nothing at all any more
//! is a machine that is lost, and nothing that a step did wrong.

use futures_util::future::BoxFuture;

use crate::failure::InfraFailure;
use crate::steps::executor::Executor;

impl Executor<'_> {
    /// Makes sure that the guest answers, after something that it did not do. Nobody waits for that in a job that
    /// is to stop: its steps' grace bounds what is left of it.
    pub(super) fn expect_guest(&self) -> BoxFuture<'_, Result<(), InfraFailure>> {
        Box::pin(async move {
            if self.cancel.is_requested() {
                return Ok(());
            }
            let answered = tokio::select! {
                biased;
                answered = self.channel.probe() => answered,
                () = self.cancel.requested() => return Ok(()),
            };
            // One that refuses is there.
            match answered {
                Err(error) if error.is_transient() => Err(error
                    .fails("the machine no longer answers; the steps that are left do not run")),
                _ => Ok(()),
            }
        })
    }
}
