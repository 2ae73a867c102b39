//! The sync engine: reads a provider page by page and stores what it delivers (codex-api.md §6.5).
//!
//! Three rules carry it. Every page is one transaction that also keeps where to go on, so a run can end at any moment and
//! the next one loses nothing. Nothing is removed on the strength of an absence: the vendor is asked about each row, and
//! asked about too many, the run refuses. And a row that cannot be stored costs a warning, never the run.

mod account_numbers;
pub mod assets;
pub(crate) mod attempts;
pub(crate) mod batches;
mod companies;
mod contact_plan;
mod contacts;
mod counts;
mod details;
mod dry_run;
mod gone;
mod listing;
mod plan;
mod removal;
pub mod report;
mod review;
mod sites;
mod staff;
mod streak;
mod tickets;

use std::sync::Arc;

use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

pub use account_numbers::Mode;
pub use assets::AssetSync;
pub use details::DetailLimits;
pub use report::{Delay, Obeyed, Problem, Report};
pub use tickets::Reach;

use crate::clients::keycloak::KeycloakError;
use crate::providers::{ProviderError, PsaProvider};

/// Why a sync ended early.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The vendor did not deliver.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database did not take it.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// The vendor repeats itself, so the list would never end.
    #[error("{provider} keeps sending the same rows ({list}, page {page})")]
    Endless {
        /// Display name of the provider.
        provider: &'static str,
        /// What was listed.
        list: &'static str,
        /// The page that brought nothing new.
        page: u32,
    },
    /// The identity provider did not deliver.
    #[error(transparent)]
    Keycloak(#[from] KeycloakError),
    /// Some of the work could not be done; the rest was.
    #[error("{0}")]
    Incomplete(String),
    /// Somebody asked for the end.
    #[error("cancelled")]
    Cancelled,
    /// The service stops; the work is taken up again when it starts.
    #[error("interrupted: the service was stopped")]
    Stopped,
    /// The job was given up for dead, another worker has its work.
    #[error("interrupted: another worker has taken over")]
    Lost,
    /// The run took longer than its kind may take.
    #[error("not done after {0} minutes")]
    TimedOut(u64),
}

impl SyncError {
    /// Whether the whole run is to end, not only the part that it is at.
    fn ends_the_run(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Stopped | Self::Lost | Self::TimedOut(_))
    }

    /// Whether somebody wanted the end, so that it is no failure.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Stopped)
    }
}

/// What a sync may do.
#[derive(Debug, Clone, Copy)]
pub struct SyncRules {
    /// How far a run reaches back before the start of the one before, for clocks that differ and writes in flight.
    pub overlap: TimeDelta,
    /// A begun run older than this starts again instead of going on.
    pub stale_after: TimeDelta,
    /// Largest share of the stored rows a run may remove; a single row may always go.
    pub delete_share: f64,
}

impl Default for SyncRules {
    fn default() -> Self {
        Self { overlap: TimeDelta::minutes(5), stale_after: TimeDelta::hours(12), delete_share: 0.2 }
    }
}

/// One run against one provider.
#[derive(Clone)]
pub struct Sync {
    /// The store.
    pub pool: PgPool,
    /// The time.
    pub clock: Clock,
    /// The vendor.
    pub provider: Arc<dyn PsaProvider>,
    /// Its limits.
    pub rules: SyncRules,
    /// Where it tells how far it is.
    pub report: Report,
}

/// The parts of the base sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasePart {
    /// Companies.
    Companies,
    /// Agents and their groups.
    Agents,
    /// Contacts and their companies.
    Contacts,
}

impl BasePart {
    /// All parts, in the order in which they need each other. Agents are few and name the board's columns.
    pub const ALL: [Self; 3] = [Self::Companies, Self::Agents, Self::Contacts];
}

impl Sync {
    /// Runs the parts one after the other. A part that fails does not stop the others, unless the vendor cannot be used
    /// at all; the first failure is returned.
    ///
    /// # Errors
    /// The first error of a part.
    pub async fn base(&self, parts: &[BasePart]) -> Result<(), SyncError> {
        let mut first = None;
        for part in parts {
            let done = match part {
                BasePart::Companies => self.companies().await,
                BasePart::Agents => self.agents().await,
                BasePart::Contacts => self.contacts().await,
            };
            if let Err(error) = done {
                if error.ends_the_run() {
                    return Err(error);
                }
                self.report.error(format!("{part:?}: {error}"));
                let fatal =
                    matches!(&error, SyncError::Provider(error) if error.is_fatal() || error.is_outage());
                first.get_or_insert(error);
                if fatal {
                    break;
                }
            }
        }
        first.map_or(Ok(()), Err)
    }
}
