//! What the log says of steps, beside what their programs print.

use crate::event::{JobEvent, Level, Stream};
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::turn::{Concluded, Turn};

impl Executor<'_> {
    /// Says that a step begins: a fact of the job, or a heading inside of a composite action.
    pub(super) async fn announce(&self, frame: &Frame<'_>, turn: &Turn<'_>, name: &str) {
        if frame.place.is_none() {
            self.events.emit(JobEvent::StepStarted {
                number: frame.number,
                stage: turn.stage,
                id: id_of(turn),
                name: name.to_owned(),
            });
            return;
        }
        // As in the official runner, what the step prints is not in the group.
        let heading = name.replace(['\r', '\n'], " ");
        let lines = vec![format!("##[group]{heading}"), "##[endgroup]".to_owned()];
        self.events.log(frame.number, Stream::Stdout, lines).await;
    }

    /// Says that a step of the job ended.
    pub(super) fn tell_end(&self, turn: &Turn<'_>, done: &Concluded) {
        let ms = done.begun.elapsed().as_millis();
        self.events.emit(JobEvent::StepFinished {
            number: turn.step.number,
            stage: turn.stage,
            id: id_of(turn),
            name: done.name.clone(),
            outcome: done.end.outcome,
            conclusion: done.conclusion,
            exit_code: done.end.exit_code,
            ms: u64::try_from(ms).unwrap_or(u64::MAX),
        });
    }

    /// Says why something failed.
    pub(super) fn complain(&self, text: String) {
        self.tell(Level::Error, &text);
    }

    /// Says something that may hold what a guest or a file says.
    pub(super) fn tell(&self, level: Level, text: &str) {
        let text = self.masker.mask(text).into_owned();
        self.events.notice(level, text);
    }
}

fn id_of(turn: &Turn<'_>) -> Option<String> {
    turn.step.id.as_ref().map(|id| id.value.clone())
}
