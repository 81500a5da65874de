//! A whole run, from its group's turn to its verdict.

use std::sync::Arc;

use dormer_workflow::workflow::ConcurrencyGroup;

use crate::event::{Conclusion, Events, JobEvent, Level};
use crate::exit_code;
use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, within};
use crate::job::concurrency::{Entered, Turn, full};
use crate::job::graph::run::{Finished, Graph, Scene, run};
use crate::job::graph::verdict::verdict;
use crate::job::limits::{Due, Stop, until};

/// A reader of the log who has stopped reading is not waited for much longer.
const LAST_WORDS: Deadline = Deadline::seconds("the reporters", 10);

/// Runs a workflow to its end; what the process ends with. A job that is the only one states its own end
/// and nothing else (`is_single`).
pub async fn whole(
    graph: Arc<Graph>,
    mut scene: Scene,
    is_single: bool,
) -> Result<u8, InfraFailure> {
    let own = graph.events.own();
    if !is_single {
        let jobs = scene.plan.jobs.iter().map(|job| job.id.clone()).collect();
        own.emit(JobEvent::RunStarted { jobs });
    }
    let group = scene.plan.concurrency.as_ref();
    let group = group.and_then(|group| group.known()).cloned();
    let group = group.filter(|_| !graph.alone);
    let cancel = scene.cancel.clone();
    // The run's own part: who wants its turn stops it, and nobody else.
    scene.cancel = cancel.part();
    let turn = match &group {
        Some(group) => {
            scene.held.push(group.name.clone());
            match turn(&graph, &scene, group, &own).await? {
                Ok(turn) => Some(turn),
                Err(exit_code) => {
                    graph.cut.ended(exit_code);
                    never_began(&graph, &scene, exit_code, is_single);
                    let _ = within(LAST_WORDS, own.flush()).await;
                    return Ok(exit_code);
                }
            }
        }
        None => None,
    };
    let finished = run_in_turn(Arc::clone(&graph), scene, turn.as_ref(), &own).await;
    let is_late = graph.deadline.as_ref().is_some_and(Due::is_over);
    let stop = match (cancel.is_requested(), is_late) {
        (true, _) => Some(Stop::Cancelled),
        (false, true) => Some(Stop::Deadline),
        (false, false) => None,
    };
    let (conclusion, mut exit_code) = verdict(&finished.ends, stop);
    match finished.ends.as_slice() {
        [only] if is_single => exit_code = only.exit_code,
        _ => own.emit(JobEvent::RunCompleted {
            conclusion,
            exit_code,
        }),
    }
    let _ = within(LAST_WORDS, own.flush()).await;
    Ok(exit_code)
}

/// States the end of a run whose turn did not come.
fn never_began(graph: &Graph, scene: &Scene, exit_code: u8, is_single: bool) {
    let conclusion = Conclusion::Cancelled;
    match scene.plan.jobs.as_slice() {
        [only] if is_single => graph
            .events
            .job(&only.id, None)
            .emit(JobEvent::JobCompleted {
                conclusion,
                exit_code,
                infra: None,
            }),
        _ => graph.events.own().emit(JobEvent::RunCompleted {
            conclusion,
            exit_code,
        }),
    }
}

/// Waits for the turn of the run's group; the exit code if it does not come any more.
async fn turn(
    graph: &Graph,
    scene: &Scene,
    group: &ConcurrencyGroup,
    own: &Events,
) -> Result<Result<Turn, u8>, InfraFailure> {
    let waits = || {
        let text = format!("waits for the concurrency group `{}`", group.name);
        own.notice(Level::Notice, text);
    };
    let entered = tokio::select! {
        biased;
        () = scene.cancel.requested() => return Ok(Err(exit_code::CANCELLED)),
        () = until(graph.deadline.as_ref()) => {
            if let Some(due) = &graph.deadline {
                let text = format!("the time was over before the run's turn came ({})", due.limit);
                own.notice(Level::Error, text);
            }
            return Ok(Err(exit_code::DEADLINE));
        }
        entered = graph.groups.enter(group, waits) => entered,
    };
    match entered {
        Ok(Entered::Turn(turn)) => Ok(Ok(turn)),
        Ok(Entered::Replaced) => {
            let text = format!(
                "cancelled: a later run waits in the concurrency group `{}`",
                group.name
            );
            own.notice(Level::Warning, text);
            Ok(Err(exit_code::CANCELLED))
        }
        Ok(Entered::Full) => {
            own.notice(Level::Warning, full(&group.name));
            Ok(Err(exit_code::CANCELLED))
        }
        Err(error) => {
            let text = format!("cannot enter the concurrency group `{}`", group.name);
            Err(InfraFailure::new(text).because(error))
        }
    }
}

/// Runs all jobs, and stops them if somebody wants the turn.
async fn run_in_turn(
    graph: Arc<Graph>,
    scene: Scene,
    turn: Option<&Turn>,
    own: &Events,
) -> Finished {
    let cancel = scene.cancel.clone();
    let running = run(graph, scene);
    tokio::pin!(running);
    let Some(turn) = turn else {
        return running.await;
    };
    tokio::select! {
        biased;
        finished = &mut running => return finished,
        () = turn.asked_to_stop() => {}
    }
    let text = "stopped for the next run of its concurrency group";
    own.notice(Level::Warning, text);
    cancel.request_once();
    running.await
}
