//! `dormer doctor`.

use crate::cli::args::ListFormat;
use crate::failure::Failure;

pub(super) async fn doctor(_format: ListFormat) -> Result<u8, Failure> {
    Ok(0)
}
