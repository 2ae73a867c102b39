//! The local realm: Core as its own identity provider, on Keycloak's paths (core.md §7.5).

pub mod bootstrap;
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
use uuid::Uuid;

use crate::{
    config::Settings,
    crypto::{passwords::Passwords, sealed::Sealer, signer::Signer},
    domain::{
        oidc::Client,
        origins::{Origin, Origins},
    },
    store::{realm::sign_on, sessions::Sessions},
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

    /// Ends all browser sessions of a user, with every grant made from them.
    pub async fn sign_out_browsers(&self, user: Uuid) -> sqlx::Result<u64> {
        sign_on::delete_of_user(&self.pool, user, None).await
    }

    /// Ends everything a user has open: browser sessions here and HiveMatrix sessions. A session store that is away is
    /// only logged: the account is closed already, and its sessions end by themselves within the hour.
    pub async fn end_all_sessions(&self, user: Uuid) -> sqlx::Result<()> {
        self.sign_out_browsers(user).await?;
        if let Err(error) = self.sessions.revoke_user(&user.to_string()).await {
            tracing::error!(error = %error, user = %user, "a user's sessions could not be ended");
        }
        Ok(())
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
