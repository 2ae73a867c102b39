//! Helm's routes on a database, without services: what the tests of its API and pages ask.

use hivematrix_helm::{
    ServeState, app,
    clients::systemctl::Systemctl,
    domain::registry::{Addressing, Registry},
    instance::{Layout, registry},
    realm_admin::{CurrentRealm, RealmAdmin},
    services::board::StatusBoard,
    services::control::ServiceControl,
    store::log_stats::LogStats,
    supervisor::{Supervisor, probe::local_client},
};
use hivematrix_shared::{
    auth::PermissionLevel,
    clock::Clock,
    server,
    service_client::http_client,
    testing::{Client, TestIdentity, TestResponse},
};
use sqlx::PgPool;

/// Helm in a folder of its own, at 2025-11-22T10:30:00Z.
pub struct Helm {
    /// Sends requests to its router.
    pub client: Client,
    /// Makes tokens that it takes.
    pub identity: TestIdentity,
    /// What the handlers were given.
    pub state: ServeState,
    /// Runs processes for it; has no units but those that a test adds.
    pub supervisor: Supervisor,
    _home: tempfile::TempDir,
}

impl Helm {
    /// Helm over a database and, where one is given, a realm.
    pub fn new(pool: PgPool, realm: Option<RealmAdmin>) -> Self {
        Self::with(pool, realm, None)
    }

    /// Helm of a suite that systemd runs, before a program in the place of `systemctl`.
    pub fn under_systemd(pool: PgPool, systemctl: Systemctl) -> Self {
        Self::with(pool, None, Some(systemctl))
    }

    fn with(pool: PgPool, realm: Option<RealmAdmin>, systemctl: Option<Systemctl>) -> Self {
        let clock = Clock::fixed("2025-11-22T10:30:00Z".parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let context = identity.context("helm");
        let home = tempfile::tempdir().unwrap();
        // Beside the instance there is room for services of others.
        let layout = Layout::new(home.path().join("instance"));
        let supervisor = match systemctl {
            Some(systemctl) => Supervisor::of_systemd(&layout, clock.clone(), systemctl),
            None => Supervisor::new(&layout, clock.clone()),
        };
        let supervisor = supervisor.unwrap();
        let registry = Registry::generate(&registry::built_in().unwrap(), Addressing::default()).unwrap();
        let board = StatusBoard::new(
            supervisor.clone(),
            registry,
            local_client().unwrap(),
            http_client(&context.settings).unwrap(),
            clock.clone(),
        );
        let control = ServiceControl::new(supervisor.clone(), board.clone());
        let log_stats = LogStats::new(pool.clone(), clock);
        let realm = CurrentRealm::fixed(realm);
        let state = ServeState { context, layout, pool, board, log_stats, control, realm };
        let (router, options) = app(state.clone());
        let client = Client::new(server::apply(&state.context, router, options));
        Self { client, identity, state, supervisor, _home: home }
    }

    /// The answer of a path to somebody of this level.
    pub async fn get_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.client.get(path).bearer(self.identity.user_token(level)).send().await
    }
}
