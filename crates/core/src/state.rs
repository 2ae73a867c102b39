//! What handlers share.

use std::{ops::Deref, sync::Arc};

use hivematrix_shared::context::ServiceContext;

use crate::{
    clients::{identity_provider::IdentityProvider, provider_admin::ProviderAdmin},
    config::Settings,
    crypto::{key_ring::KeyRing, sealed::Sealer},
    domain::origins::Origins,
    realm::Realm,
    store::{service_secrets::ServiceSecrets, sessions::Sessions},
};

/// Core's state. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`].
pub struct Parts {
    /// What every service has.
    pub ctx: ServiceContext,
    /// Core's settings.
    pub settings: Settings,
    /// Public addresses.
    pub origins: Origins,
    /// Sessions and revocations.
    pub sessions: Sessions,
    /// Keys of the tokens.
    pub keys: KeyRing,
    /// The services' secrets.
    pub secrets: ServiceSecrets,
    /// Who knows the users.
    pub provider: IdentityProvider,
    /// Ends sessions at a provider that is not Core itself.
    pub provider_admin: ProviderAdmin,
    /// Seals Core's own cookies.
    pub sealer: Sealer,
    /// The local realm, where Core itself is the identity provider.
    pub realm: Option<Realm>,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
