//! `dormer stop`.

use crate::cli::output;
use crate::cli::workshop::Base;
use crate::config;
use crate::exit_code;
use crate::failure::Failure;
use crate::instance::kept;

pub(super) async fn stop(id: &str) -> Result<u8, Failure> {
    let base = Base::open()?;
    let config = config::load(None)?.config;
    kept::find(&base.home, id)?;
    let equipped = base.with_engine(&config).await?;
    kept::stop(&equipped.engine, &equipped.home, id).await?;
    output::line(&format!("{id} ended"))?;
    Ok(exit_code::SUCCESS)
}
