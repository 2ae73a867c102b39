//! What can go wrong between Codex and a vendor.

use std::time::Duration;

/// Why a provider could not answer (codex-api.md §6.1). Every text is fit to be shown to an administrator and never
/// contains a key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// No provider of this name exists.
    #[error("unknown {system} provider '{name}' (known: {known})")]
    Unknown {
        /// `PSA` or `RMM`.
        system: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that exist, comma separated.
        known: String,
    },
    /// The provider exists but lacks its address or key.
    #[error("{provider} is not configured: {missing}")]
    NotConfigured {
        /// Display name of the provider.
        provider: &'static str,
        /// What has to be set.
        missing: String,
    },
    /// The vendor has no such function, or this provider does not use it.
    #[error("{provider} cannot {what}")]
    NotSupported {
        /// Display name of the provider.
        provider: &'static str,
        /// What was asked for, as a verb.
        what: &'static str,
    },
    /// The vendor refuses the key (HTTP 401).
    #[error("authentication with {provider} failed: {detail}")]
    Authentication {
        /// Display name of the provider.
        provider: &'static str,
        /// What the vendor said.
        detail: String,
    },
    /// The vendor kept answering 429 for longer than a run may wait.
    #[error("{provider} kept refusing {path} because of its rate limit (waited {} s)", waited.as_secs())]
    RateLimited {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was asked for.
        path: String,
        /// How long the client has waited in total.
        waited: Duration,
    },
    /// The vendor answered something that is not the data asked for.
    #[error("{provider} answered {path} with {what}")]
    Api {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was asked for.
        path: String,
        /// HTTP status of the answer.
        status: u16,
        /// What came instead, in words.
        what: String,
    },
    /// There was no connection, so the vendor has received nothing.
    #[error("{provider} could not be reached for {path}: {detail}")]
    Unreachable {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was asked for.
        path: String,
        /// What happened.
        detail: String,
    },
    /// A change was sent and no readable answer came back, so the vendor may have carried it out or not. It is not sent
    /// again: that could do it twice.
    #[error("it is not known whether {provider} carried out {path}: {detail}")]
    OutcomeUnknown {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was written to.
        path: String,
        /// What happened.
        detail: String,
    },
    /// The time was up before it was this request's turn, so the vendor has received nothing.
    #[error("{path} was not sent to {provider}: its limit of requests left no turn in time")]
    NotSent {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was to be written to.
        path: String,
    },
    /// The vendor could not be reached or broke off, also after retries.
    #[error("{provider} could not be reached for {path}: {detail}")]
    Network {
        /// Display name of the provider.
        provider: &'static str,
        /// The path that was asked for.
        path: String,
        /// What happened.
        detail: String,
    },
}

impl ProviderError {
    /// Whether nothing else can work either, so that a run should end at once instead of going on with the next item.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Unknown { .. }
                | Self::NotConfigured { .. }
                | Self::Authentication { .. }
                | Self::RateLimited { .. }
        )
    }

    /// Whether there was no answer: perhaps to this question only, perhaps to none.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Network { .. } | Self::Unreachable { .. } | Self::OutcomeUnknown { .. })
    }
}
