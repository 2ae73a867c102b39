//! The local realm: Core as its own identity provider, on Keycloak's paths (core.md §7.5).

pub mod bootstrap;
pub mod ending;
pub mod second_factor;
pub mod sign_in;
pub mod tokens;

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hivematrix_shared::{clock::Clock, config::Secret};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    config::Settings,
    crypto::{passwords::Passwords, sealed::Sealer, signer::Signer},
    domain::{
        oidc::Client,
        origins::{Origin, Origins},
    },
    store::sessions::Sessions,
};

/// Client that upstream's Helm and Codex use to administer users, in the realm `master`.
pub const ADMIN_CLI: &str = "admin-cli";
/// Realm of [`ADMIN_CLI`].
pub const MASTER: &str = "master";

/// The local realm. Cheap to clone.
#[derive(Clone)]
pub struct Realm(Arc<Parts>);

/// The parts of [`Realm`].
pub struct Parts {
    /// Realm name.
    pub name: String,
    /// `core_db`.
    pub pool: PgPool,
    /// The time.
    pub clock: Clock,
    /// Public addresses, of which issuers are made.
    pub origins: Origins,
    /// Core's own address for callers on this machine.
    pub own_url: String,
    /// Who may use the realm.
    pub clients: Vec<Client>,
    /// The realm's own key.
    pub signer: Signer,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Seals what forms carry.
    pub sealer: Sealer,
    /// HiveMatrix sessions, ended together with the accounts they belong to.
    pub sessions: Sessions,
    /// Set once tables, groups and first users are there.
    pub ready: AtomicBool,
    /// Signals that sessions are owed an end.
    pub owed: Notify,
}

impl Realm {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether people can sign in.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Notes that people can sign in.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// A client by id.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The public origin whose issuer this is, in this realm or the one named.
    pub fn origin_of_issuer(&self, issuer: &str, realm: &str) -> Option<&Origin> {
        self.origins.of_issuer(issuer, realm)
    }
}

impl Deref for Realm {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The realm's clients (platform.md §13): exact redirect URIs for each public origin, and Core's own login.
pub fn clients(settings: &Settings, origins: &Origins) -> Vec<Client> {
    let given = |secret: &Option<Secret>| secret.clone().filter(|secret| !secret.is_empty());
    let port = settings.port();
    let own = [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
    let public =
        |path: &str| origins.iter().map(|origin| format!("{}{path}", origin.as_str())).collect::<Vec<_>>();
    let direct = |path: &str| own.iter().map(|base| format!("{base}{path}")).collect::<Vec<_>>();
    vec![
        Client {
            id: settings.keycloak_client_id.clone(),
            secret: given(&settings.keycloak_client_secret),
            redirect_uris: [public("/keycloak-callback"), direct("/auth")].concat(),
            post_logout_uris: [public("/"), direct("/")].concat(),
            service_account: false,
        },
        Client {
            id: settings.keycloak_admin_client_id.clone(),
            secret: given(&settings.keycloak_admin_client_secret),
            redirect_uris: Vec::new(),
            post_logout_uris: Vec::new(),
            service_account: true,
        },
    ]
}
