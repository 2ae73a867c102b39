//! Which providers this instance has (codex-api.md §11).

use std::sync::Arc;

use hivematrix_shared::config::Secret;

use super::datto::{self, Datto};
use super::freshservice::{Connection, Freshservice};
use super::superops::{self, SuperOps};
use super::{ProviderError, Providers, RmmProviders, Vendors};
use crate::config::{DattoSettings, Settings, filled};
use crate::domain::status::StatusMap;

/// Key that upstream's installer writes and that means none.
const PLACEHOLDER: &str = "YOUR_FRESHSERVICE_API_KEY";

impl Vendors {
    /// The vendors that the settings enable and complete. SuperOps is one account for both, so both share one client and
    /// with it the account's requests per minute.
    pub fn from_settings(settings: &Settings) -> Self {
        Self::keeping(settings, &mut Made::default())
    }

    /// The same, with the objects of before for vendors whose own settings are as they were: their tokens stay good, and
    /// what they know about the account's limit of requests holds on.
    pub fn keeping(settings: &Settings, made: &mut Made) -> Self {
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let own = &settings.freshservice;
        let mark = format!("{own:?}{:?}", secret(&own.freshservice_api_key));
        let freshservice = kept(&mut made.freshservice, mark, || freshservice(settings));
        let own = &settings.superops;
        let mark = format!("{own:?}{:?}", secret(&own.superops_api_key));
        let superops = kept(&mut made.superops, mark, || superops(settings));
        let own = &settings.datto;
        let keys = (secret(&own.datto_public_key), secret(&own.datto_secret_key));
        let datto = kept(&mut made.datto, format!("{own:?}{keys:?}"), || datto(own));
        Self {
            psa: Providers::choose(settings, freshservice, superops.clone()),
            rmm: RmmProviders::choose(settings, datto, superops),
        }
    }
}

/// What was made of which settings.
#[derive(Default)]
pub struct Made {
    freshservice: Option<(String, Arc<Freshservice>)>,
    superops: Option<(String, Arc<SuperOps>)>,
    datto: Option<(String, Arc<Datto>)>,
}

fn kept<T>(
    made: &mut Option<(String, Arc<T>)>,
    mark: String,
    make: impl FnOnce() -> Result<T, ProviderError>,
) -> Result<Arc<T>, ProviderError> {
    match made {
        Some((known, object)) if *known == mark => Ok(Arc::clone(object)),
        _ => {
            *made = None;
            let object = Arc::new(make()?);
            *made = Some((mark, Arc::clone(&object)));
            Ok(object)
        }
    }
}

impl Providers {
    /// The providers that the settings enable and complete.
    pub fn from_settings(settings: &Settings) -> Self {
        Vendors::from_settings(settings).psa
    }

    fn choose(
        settings: &Settings,
        freshservice: Result<Arc<Freshservice>, ProviderError>,
        superops: Result<Arc<SuperOps>, ProviderError>,
    ) -> Self {
        // The default one is always among them, as upstream: its list only says what "all providers" means.
        let default = settings.psa.psa_default_provider.trim();
        let enabled = |wanted: &str| {
            wanted == default || settings.psa.psa_enabled_providers.iter().any(|name| name.trim() == wanted)
        };
        let off = |provider| missing(provider, "it is not among the enabled providers");
        let listed = settings.psa.psa_enabled_providers.iter().map(String::as_str);
        let mut providers = Self::new(default).wanting(listed);
        providers = match freshservice {
            _ if !enabled("freshservice") => providers.without("freshservice", off("Freshservice")),
            Ok(provider) => providers.with(provider),
            Err(error) => providers.without("freshservice", error),
        };
        match superops {
            _ if !enabled("superops") => providers.without("superops", off("SuperOps")),
            Ok(provider) => providers.with(provider),
            Err(error) => providers.without("superops", error),
        }
    }
}

fn superops(settings: &Settings) -> Result<SuperOps, ProviderError> {
    let own = &settings.superops;
    let key = own.key().ok_or_else(|| missing("SuperOps", "SUPEROPS_API_KEY is not set"))?;
    let subdomain = own.subdomain().ok_or_else(|| missing("SuperOps", "SUPEROPS_SUBDOMAIN is not set"))?;
    let connection = superops::Connection {
        per_minute: own.superops_rate_limit,
        ..superops::Connection::new(own.base_url(), Secret::new(key), subdomain)
    };
    SuperOps::new(connection, own.habits())
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

impl RmmProviders {
    /// The providers that the settings complete. Whoever gives keys wants them used, there is no list of enabled ones.
    pub fn from_settings(settings: &Settings) -> Self {
        Vendors::from_settings(settings).rmm
    }

    fn choose(
        settings: &Settings,
        datto: Result<Arc<Datto>, ProviderError>,
        superops: Result<Arc<SuperOps>, ProviderError>,
    ) -> Self {
        let default = settings.rmm.rmm_default_provider.trim();
        let providers = Self::new(default);
        let providers = match datto {
            Ok(provider) => providers.with(provider),
            Err(error) => providers.without("datto", error),
        };
        match superops {
            // Its keys may be there for its tickets only, while another system knows the same devices.
            _ if default != "superops" => providers
                .without("superops", missing("SuperOps", "RMM_DEFAULT_PROVIDER names another system")),
            Ok(provider) => providers.with(provider),
            Err(error) => providers.without("superops", error),
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

fn missing(provider: &'static str, what: &str) -> ProviderError {
    ProviderError::NotConfigured { provider, missing: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_whose_settings_are_as_they_were_is_kept() {
        let load = |datto_secret: &str, time: &str| {
            let args = ["codex", "--freshservice-domain", "a.example", "--freshservice-api-key", "k"];
            let datto = ["--datto-base-url", "https://d.example", "--datto-public-key", "p"];
            let rest = ["--datto-secret-key", datto_secret, "--sync-psa-time", time];
            let home = std::env::temp_dir().join("hivematrix-no-such-home");
            hivematrix_shared::config::load_from::<Settings, _, _>(
                args.into_iter().chain(datto).chain(rest),
                &home,
            )
            .unwrap()
        };
        let mut made = Made::default();
        let before = Vendors::keeping(&load("s", "02:00"), &mut made);
        let later = Vendors::keeping(&load("s", "03:00"), &mut made);
        let (psa, rmm) = (
            |of: &Vendors| of.psa.get(Some("freshservice")).unwrap(),
            |of: &Vendors| of.rmm.get(Some("datto")).unwrap(),
        );
        assert!(Arc::ptr_eq(&psa(&before), &psa(&later)) && Arc::ptr_eq(&rmm(&before), &rmm(&later)));
        let other_key = Vendors::keeping(&load("t", "03:00"), &mut made);
        assert!(Arc::ptr_eq(&psa(&later), &psa(&other_key)));
        assert!(!Arc::ptr_eq(&rmm(&later), &rmm(&other_key)));
    }
}
