//! `dormer gc`, and the same on the way to something else or beside it.

use std::convert::Infallible;
use std::time::Duration;

use crate::actions::prune::{UNUSED, prune};
use crate::cli::output;
use crate::cli::workshop::{Base, Equipped};
use crate::config;
use crate::event::{Events, Level};
use crate::exit_code;
use crate::failure::{Failure, InfraFailure};
use crate::host::clock::pause;
use crate::instance::reaper::{Finding, Reaper, Swept};

/// Removes what belongs to nobody, and tells what that was.
pub(super) async fn collect(dry_run: bool) -> Result<u8, Failure> {
    let config = config::load(None)?.config;
    let equipped = Base::open()?.with_engine(&config).await?;
    let Swept { findings, failures } = sweep(&equipped, dry_run).await;
    let all_well = failures.is_empty();
    let printed = print(&findings, dry_run, all_well);
    for failure in failures {
        output::failure(&failure.into());
    }
    printed?;
    Ok(if all_well {
        exit_code::SUCCESS
    } else {
        exit_code::INFRASTRUCTURE
    })
}

fn print(findings: &[Finding], dry_run: bool, all_well: bool) -> Result<(), Failure> {
    let verb = if dry_run { "would remove" } else { "removed" };
    for finding in findings {
        output::line(&format!("{verb} {}: {}", finding.what, finding.why))?;
    }
    if all_well && findings.is_empty() {
        output::line("nothing to remove")?;
    }
    Ok(())
}

/// Removes what belongs to nobody, on the way to something else: what can't be removed is only told.
pub(super) async fn on_the_way(equipped: &Equipped) -> Vec<Finding> {
    let Swept { findings, failures } = sweep(equipped, false).await;
    for failure in failures {
        output::warning(&Failure::from(failure).message());
    }
    findings
}

/// Removes what belongs to nobody every now and then, while a run goes on that it is a part of; tells what
/// that was. What can't be removed was told when the run began, or is told by the next.
pub(super) async fn now_and_then(
    equipped: &Equipped,
    every: Duration,
    events: &Events,
) -> Infallible {
    loop {
        pause(every).await;
        for finding in sweep(equipped, false).await.findings {
            let text = format!("removed {}: {}", finding.what, finding.why);
            events.notice(Level::Notice, text);
        }
    }
}

/// Looks everywhere once.
async fn sweep(equipped: &Equipped, dry_run: bool) -> Swept {
    let (engine, home, store) = (&equipped.engine, &equipped.home, &equipped.store);
    let reaper = Reaper {
        engine,
        home,
        store,
        dry_run,
    };
    let mut swept = reaper.sweep().await;
    match prune(&home.actions(), UNUSED, dry_run) {
        Ok(unused) => swept.findings.extend(unused.iter().map(|name| Finding {
            what: format!("action {name}"),
            why: "nothing used it for 30 days".to_owned(),
        })),
        Err(error) => swept
            .failures
            .push(InfraFailure::new("cannot remove actions that nothing uses").because(error)),
    }
    swept
}
