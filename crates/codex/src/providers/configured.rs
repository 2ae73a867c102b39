//! Which providers this instance has (codex-api.md §11).

use std::sync::Arc;

use hivematrix_shared::config::Secret;

use super::datto::{self, Datto};
use super::freshservice::{Connection, Freshservice};
use super::{ProviderError, Providers, RmmProviders, Vendors};
use crate::config::{DattoSettings, Settings, filled};
use crate::domain::status::StatusMap;

/// Key that upstream's installer writes and that means none.
const PLACEHOLDER: &str = "YOUR_FRESHSERVICE_API_KEY";

impl Vendors {
    /// The vendors that the settings enable and complete.
    pub fn from_settings(settings: &Settings) -> Self {
        Self { psa: Providers::from_settings(settings), rmm: RmmProviders::from_settings(settings) }
    }
}

impl Providers {
    /// The providers that the settings enable and complete.
    pub fn from_settings(settings: &Settings) -> Self {
        let providers = Self::new(settings.psa.psa_default_provider.trim());
        if !settings.psa.psa_enabled_providers.iter().any(|name| name.trim() == "freshservice") {
            return providers.without("freshservice", missing("it is not among the enabled providers"));
        }
        match freshservice(settings) {
            Ok(provider) => providers.with(Arc::new(provider)),
            Err(error) => providers.without("freshservice", error),
        }
    }
}

fn freshservice(settings: &Settings) -> Result<Freshservice, ProviderError> {
    let own = &settings.freshservice;
    let base_url = match (&own.freshservice_base_url, own.domain()) {
        (Some(url), _) => url.to_string(),
        (None, Some(domain)) => format!("https://{domain}"),
        (None, None) => return Err(missing("FRESHSERVICE_BASE_URL or FRESHSERVICE_DOMAIN is not set")),
    };
    let key = own.freshservice_api_key.as_ref().map(Secret::expose).unwrap_or_default().trim();
    if key.is_empty() || key == PLACEHOLDER {
        return Err(missing("FRESHSERVICE_API_KEY is not set"));
    }
    let statuses = StatusMap::freshservice(&own.freshservice_status_map);
    Freshservice::new(Connection::new(base_url, Secret::new(key)), statuses)
}

impl RmmProviders {
    /// The providers that the settings complete. Whoever gives keys wants them used, there is no list of enabled ones.
    pub fn from_settings(settings: &Settings) -> Self {
        let providers = Self::new(settings.rmm.rmm_default_provider.trim());
        match datto(&settings.datto) {
            Ok(provider) => providers.with(Arc::new(provider)),
            Err(error) => providers.without("datto", error),
        }
    }
}

/// Keys that upstream's installer writes and that mean none.
const DATTO_PLACEHOLDERS: [&str; 2] = ["YOUR_DATTO_PUBLIC_KEY", "YOUR_DATTO_SECRET_KEY"];

fn datto(own: &DattoSettings) -> Result<Datto, ProviderError> {
    let missing =
        |what: &str| ProviderError::NotConfigured { provider: "Datto RMM", missing: what.to_owned() };
    let base_url = filled(&own.datto_base_url).ok_or_else(|| missing("DATTO_BASE_URL is not set"))?;
    let key = |key: &Option<Secret>, name: &str| {
        let key = key.as_ref().map(Secret::expose).unwrap_or_default().trim();
        if key.is_empty() || DATTO_PLACEHOLDERS.contains(&key) {
            return Err(missing(&format!("{name} is not set")));
        }
        Ok(Secret::new(key))
    };
    let public_key = key(&own.datto_public_key, "DATTO_PUBLIC_KEY")?;
    let secret_key = key(&own.datto_secret_key, "DATTO_SECRET_KEY")?;
    let command_component = filled(&own.datto_command_component).map(str::to_owned);
    Datto::new(datto::Connection {
        command_component,
        ..datto::Connection::new(base_url, public_key, secret_key)
    })
}

fn missing(what: &str) -> ProviderError {
    ProviderError::NotConfigured { provider: "Freshservice", missing: what.to_owned() }
}
