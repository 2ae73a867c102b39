//! What a job can do, and what follows from that: its row, whom it keeps out, and which vendor it needs.

use std::sync::Arc;
use std::time::Duration;

use crate::providers::{ProviderError, PsaProvider, RmmProvider, Vendors};
use crate::sync::{BasePart, Delay, Mode, Reach};

/// Script name of every PSA job.
pub const SCRIPT: &str = "psa";
/// Script name of a job that only compares; a name of its own, so that nobody takes it for a sync.
pub const DRY_RUN_SCRIPT: &str = "psa-dry-run";
/// Script name of a sync of assets.
pub const RMM_SCRIPT: &str = "rmm";
/// Script name of the job that gives companies their numbers.
pub const CREATE_NUMBERS_SCRIPT: &str = "create-account-numbers";
/// Script name of the job that tells the RMM the account numbers.
pub const PUSH_NUMBERS_SCRIPT: &str = "push-to-datto";

/// Kind of a sync of companies, contacts and agents.
pub(super) const BASE: &str = "base";
/// Kind of a ticket sync.
pub(super) const TICKETS: &str = "tickets";
/// Kind of a ticket sync that reads details of recently changed tickets again.
pub(super) const TICKETS_DETAIL: &str = "tickets-detail";
/// Kind of the scheduled comparison of all tickets with the vendor, by which the scheduler knows it again. Outside it is a
/// ticket sync like any other, see [`told_sync_type`].
pub(super) const TICKETS_NIGHTLY: &str = "tickets-full";

/// The `sync_type` that others know a stored one by (codex-api.md §8.2).
pub fn told_sync_type(stored: String) -> String {
    if stored == TICKETS_NIGHTLY { TICKETS.to_owned() } else { stored }
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Companies, agents, contacts.
    Base(Vec<BasePart>),
    /// Tickets: the list phase, then details.
    Tickets {
        /// Which tickets the list phase reads.
        reach: Reach,
        /// How many details to read afterwards.
        details: Details,
    },
    /// Reads and compares, and stores nothing.
    DryRun {
        /// Parts of the base sync.
        parts: Vec<BasePart>,
        /// Which tickets, if any.
        tickets: Option<Reach>,
    },
    /// Assets, as the RMM has them.
    Assets {
        /// Whether account numbers are pushed afterwards, and how.
        push: Option<Mode>,
    },
    /// Account numbers for the companies at the PSA that have none.
    CreateAccountNumbers(Mode),
    /// Account numbers of the companies to their sites at the RMM.
    PushAccountNumbers(Mode),
}

/// The detail phase that follows a list phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// None.
    Skip,
    /// Those of tickets that changed within the last 48 hours, whether they are due or not (codex-api.md §6.3).
    Recent,
    /// Those that are due.
    Due,
    /// Those that are due and, whether they are or not, those of active and recently changed tickets.
    Refresh,
    /// Those of all tickets. What a run does not get through stays due, and the next one goes on there.
    All,
}

/// Which kind of vendor a job talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// The ticketing system.
    Psa,
    /// The system for monitoring and management.
    Rmm,
}

impl Work {
    /// Everything the base sync has.
    pub fn base() -> Self {
        Self::Base(BasePart::ALL.to_vec())
    }

    /// The vendor it needs.
    pub fn system(&self) -> System {
        match self {
            Self::Base(_) | Self::Tickets { .. } | Self::DryRun { .. } | Self::CreateAccountNumbers(_) => {
                System::Psa
            }
            Self::Assets { .. } | Self::PushAccountNumbers(_) => System::Rmm,
        }
    }

    /// Name in the job's row, `script`.
    pub(super) fn script(&self) -> &'static str {
        match self {
            Self::Base(_) | Self::Tickets { .. } => SCRIPT,
            Self::DryRun { .. } => DRY_RUN_SCRIPT,
            Self::Assets { .. } => RMM_SCRIPT,
            Self::CreateAccountNumbers(_) => CREATE_NUMBERS_SCRIPT,
            Self::PushAccountNumbers(_) => PUSH_NUMBERS_SCRIPT,
        }
    }

    /// Name in the job's row, `sync_type`.
    pub(super) fn sync_type(&self) -> Option<&'static str> {
        Some(match self {
            Self::Base(parts) => match parts.as_slice() {
                [BasePart::Companies] => "companies",
                [BasePart::Agents] => "agents",
                [BasePart::Contacts] => "contacts",
                _ => BASE,
            },
            Self::Tickets { reach: Reach::Full, details: Details::Refresh } => TICKETS_NIGHTLY,
            Self::Tickets { details: Details::Recent | Details::Refresh, .. } => TICKETS_DETAIL,
            Self::Tickets { .. } => TICKETS,
            Self::DryRun { .. }
            | Self::Assets { .. }
            | Self::CreateAccountNumbers(_)
            | Self::PushAccountNumbers(_) => {
                return None;
            }
        })
    }

    /// Whether the job's row names the provider (codex-api.md §8.2).
    pub(super) fn names_provider(&self) -> bool {
        !matches!(self, Self::CreateAccountNumbers(_) | Self::PushAccountNumbers(_))
    }

    /// What no second job may do at the same time.
    pub(super) fn exclusive_key(&self, provider: &str) -> String {
        match self {
            Self::Base(_) => base_key(provider),
            Self::Tickets { .. } => ticket_key(provider),
            Self::DryRun { .. } => format!("psa:dry-run:{provider}"),
            Self::Assets { .. } => asset_key(provider),
            Self::CreateAccountNumbers(_) => format!("psa:account-numbers:{provider}"),
            Self::PushAccountNumbers(_) => push_key(provider),
        }
    }

    /// Longest a job may take. Tickets: codex-api.md §8.2.
    pub(super) fn limit(&self) -> Duration {
        match self {
            Self::Base(_) | Self::CreateAccountNumbers(_) | Self::PushAccountNumbers(_) => {
                Duration::from_secs(30 * 60)
            }
            Self::Tickets { .. } | Self::DryRun { .. } | Self::Assets { .. } => {
                Duration::from_secs(2 * 60 * 60)
            }
        }
    }
}

/// The key of the base sync and its parts.
pub(super) fn base_key(provider: &str) -> String {
    format!("psa:base:{provider}")
}

/// The key of a ticket list phase.
pub(super) fn ticket_key(provider: &str) -> String {
    format!("psa:tickets:{provider}")
}

/// The key of the detail phase, which does not hold up list phases.
pub(super) fn detail_key(provider: &str) -> String {
    format!("psa:tickets-detail:{provider}")
}

/// The key of a sync of assets.
pub(super) fn asset_key(provider: &str) -> String {
    format!("rmm:assets:{provider}")
}

/// The key of whoever writes account numbers to sites.
pub(super) fn push_key(provider: &str) -> String {
    format!("rmm:account-numbers:{provider}")
}

/// The vendor a job talks to.
#[derive(Clone)]
pub(super) enum Vendor {
    Psa(Arc<dyn PsaProvider>),
    Rmm(Arc<dyn RmmProvider>),
}

impl Vendor {
    /// The vendor of that name, or the default one, of the kind the work needs.
    pub(super) fn of(vendors: &Vendors, system: System, name: Option<&str>) -> Result<Self, ProviderError> {
        Ok(match system {
            System::Psa => Self::Psa(vendors.psa.get(name)?),
            System::Rmm => Self::Rmm(vendors.rmm.get(name)?),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Psa(provider) => provider.name(),
            Self::Rmm(provider) => provider.name(),
        }
    }
}

impl Delay for Vendor {
    fn reason(&self) -> Option<String> {
        let (name, why) = match self {
            Self::Psa(provider) => (provider.display_name(), provider.holds_up()?),
            Self::Rmm(provider) => (provider.display_name(), provider.holds_up()?),
        };
        Some(format!("{name} {why}"))
    }
}
