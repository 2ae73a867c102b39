//! Account numbers: given to companies that have none, and told to the RMM (codex-api.md §7.3).

use super::{DeviceSync, Sync, SyncError};
use crate::providers::ProviderError;

/// Whether a job that writes at a vendor really does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Writes.
    Write,
    /// Only tells what it would write.
    DryRun,
}

impl Sync {
    /// Gives an account number to every company at the PSA that has none.
    ///
    /// # Errors
    /// When the vendor cannot be used.
    pub async fn create_account_numbers(&self, mode: Mode) -> Result<(), SyncError> {
        let _ = mode;
        let provider = self.provider.display_name();
        Err(ProviderError::NotSupported { provider, what: "create account numbers" }.into())
    }
}

impl DeviceSync {
    /// Writes the account numbers of companies to their sites.
    ///
    /// # Errors
    /// When the vendor cannot be used, or a site did not take its number.
    pub async fn push_account_numbers(&self, mode: Mode) -> Result<(), SyncError> {
        let _ = mode;
        let provider = self.provider.display_name();
        Err(ProviderError::NotSupported { provider, what: "take account numbers" }.into())
    }
}
