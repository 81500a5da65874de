//! What a step needs in the guest that is not there yet.

use async_trait::async_trait;

use crate::guest::profile::GuestTool;

/// Whoever can put tools into the guest.
#[async_trait]
pub trait ToolSource: Send + Sync {
    /// Puts a tool into the guest, unless it was put there before. Why it could not be, for people.
    async fn provide(&self, tool: &GuestTool) -> Result<(), String>;
}
