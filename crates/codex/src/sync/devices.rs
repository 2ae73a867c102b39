//! Devices of the RMM (codex-api.md §7.1).

use std::sync::Arc;

use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

use super::{Report, SyncError, SyncRules};
use crate::providers::{ProviderError, RmmProvider};

/// One run against one RMM.
#[derive(Clone)]
pub struct DeviceSync {
    /// The store.
    pub pool: PgPool,
    /// The time.
    pub clock: Clock,
    /// The vendor.
    pub provider: Arc<dyn RmmProvider>,
    /// Its limits.
    pub rules: SyncRules,
    /// Where it tells how far it is.
    pub report: Report,
}

impl DeviceSync {
    /// Devices of the provider.
    ///
    /// # Errors
    /// When the vendor cannot be used.
    pub async fn devices(&self) -> Result<(), SyncError> {
        let provider = self.provider.display_name();
        Err(ProviderError::NotSupported { provider, what: "list devices" }.into())
    }
}
