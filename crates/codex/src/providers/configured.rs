//! Which providers this instance has (codex-api.md §11).

use std::sync::Arc;

use hivematrix_shared::config::Secret;

use super::freshservice::{Connection, Freshservice};
use super::superops::{self, SuperOps};
use super::{ProviderError, Providers, RmmProviders, Vendors};
use crate::config::Settings;
use crate::domain::status::StatusMap;

/// Key that upstream's installer writes and that means none.
const PLACEHOLDER: &str = "YOUR_FRESHSERVICE_API_KEY";

impl Vendors {
    /// The vendors that the settings enable and complete. SuperOps is one account for both, so both share one client and
    /// with it the account's requests per minute.
    pub fn from_settings(settings: &Settings) -> Self {
        let superops = superops(settings);
        let psa = Providers::choose(settings, &superops);
        // Of the systems for devices only the chosen one is read: a device that two of them know would be stored twice.
        let default = settings.rmm.rmm_default_provider.trim();
        let rmm = RmmProviders::new(default);
        let rmm = match superops {
            _ if default != "superops" => {
                rmm.without("superops", missing("SuperOps", "another system for devices is chosen"))
            }
            Ok(provider) => rmm.with(provider),
            Err(error) => rmm.without("superops", error),
        };
        Self { psa, rmm }
    }
}

impl Providers {
    /// The providers that the settings enable and complete.
    pub fn from_settings(settings: &Settings) -> Self {
        Self::choose(settings, &superops(settings))
    }

    fn choose(settings: &Settings, superops: &Result<Arc<SuperOps>, ProviderError>) -> Self {
        let enabled =
            |wanted: &str| settings.psa.psa_enabled_providers.iter().any(|name| name.trim() == wanted);
        let off = |provider| missing(provider, "it is not among the enabled providers");
        let mut providers = Self::new(settings.psa.psa_default_provider.trim());
        providers = match freshservice(settings) {
            _ if !enabled("freshservice") => providers.without("freshservice", off("Freshservice")),
            Ok(provider) => providers.with(Arc::new(provider)),
            Err(error) => providers.without("freshservice", error),
        };
        match superops {
            _ if !enabled("superops") => providers.without("superops", off("SuperOps")),
            Ok(provider) => {
                let provider: Arc<SuperOps> = Arc::clone(provider);
                providers.with(provider)
            }
            Err(error) => providers.without("superops", error.clone()),
        }
    }
}

fn superops(settings: &Settings) -> Result<Arc<SuperOps>, ProviderError> {
    let own = &settings.superops;
    let key = own.key().ok_or_else(|| missing("SuperOps", "SUPEROPS_API_KEY is not set"))?;
    let subdomain = own.subdomain().ok_or_else(|| missing("SuperOps", "SUPEROPS_SUBDOMAIN is not set"))?;
    let connection = superops::Connection {
        per_minute: own.superops_rate_limit,
        ..superops::Connection::new(own.base_url(), Secret::new(key), subdomain)
    };
    Ok(Arc::new(SuperOps::new(connection, own.habits())?))
}

fn freshservice(settings: &Settings) -> Result<Freshservice, ProviderError> {
    let own = &settings.freshservice;
    let base_url = match (&own.freshservice_base_url, own.domain()) {
        (Some(url), _) => url.to_string(),
        (None, Some(domain)) => format!("https://{domain}"),
        (None, None) => {
            return Err(missing("Freshservice", "FRESHSERVICE_BASE_URL or FRESHSERVICE_DOMAIN is not set"));
        }
    };
    let key = own.freshservice_api_key.as_ref().map(Secret::expose).unwrap_or_default().trim();
    if key.is_empty() || key == PLACEHOLDER {
        return Err(missing("Freshservice", "FRESHSERVICE_API_KEY is not set"));
    }
    let statuses = StatusMap::freshservice(&own.freshservice_status_map);
    Freshservice::new(Connection::new(base_url, Secret::new(key)), statuses)
}

fn missing(provider: &'static str, what: &str) -> ProviderError {
    ProviderError::NotConfigured { provider, missing: what.to_owned() }
}
