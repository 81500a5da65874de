//! `dormer gc`.

use crate::cli::output;
use crate::cli::workshop::{Base, Equipped};
use crate::config;
use crate::exit_code;
use crate::failure::Failure;
use crate::instance::reaper::{Finding, Reaper};

/// Removes what belongs to nobody, and tells what that was.
pub(super) async fn collect(dry_run: bool) -> Result<u8, Failure> {
    let config = config::load(None)?.config;
    let equipped = Base::open()?.with_engine(&config).await?;
    let findings = sweep(&equipped, dry_run).await?;
    let verb = if dry_run { "would remove" } else { "removed" };
    for finding in &findings {
        output::line(&format!("{verb} {}: {}", finding.what, finding.why));
    }
    if findings.is_empty() {
        output::line("nothing to remove");
    }
    Ok(exit_code::SUCCESS)
}

/// Looks everywhere once.
pub(super) async fn sweep(equipped: &Equipped, dry_run: bool) -> Result<Vec<Finding>, Failure> {
    let (engine, home, store) = (&equipped.engine, &equipped.home, &equipped.store);
    Ok(Reaper {
        engine,
        home,
        store,
        dry_run,
    }
    .sweep()
    .await?)
}
