//! A running Core, a browser, a Redis of one's own.

mod admin;
mod browser;
mod follower;
mod redis;
mod second_factor;
mod tap;

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use clap::Parser;
use hivematrix_core::{
    config::Settings,
    crypto::{key_files, key_ring::KeyRing, random},
    domain::session::{LIFETIME, UserData},
    jobs,
    state::AppState,
    tokens,
};
use hivematrix_shared::{
    auth::{Authenticator, PermissionLevel, Revocations},
    clock::Clock,
    config::Secret,
    context::ServiceContext,
    registry::{Registry, RegistryHandle, ServiceEntry},
    server,
    service_client::ServiceClient,
    testing::Client,
};
use serde_json::Value;
use sqlx::PgPool;

pub use self::{
    admin::Admin,
    browser::{Browser, Page},
    follower::Follower,
    redis::RedisServer,
    second_factor::{App, recovery_codes},
    tap::Tap,
};

/// The public origin of all tests.
pub const ORIGIN: &str = "https://localhost:8443";
/// First password of all users.
pub const PASSWORD: &str = "correct horse";
/// Secret of `core-client`.
pub const CLIENT_SECRET: &str = "client-secret";
/// Secret of `hivematrix-admin`.
pub const ADMIN_SECRET: &str = "admin-secret";
/// Issuer of the realm.
pub const ISSUER: &str = "https://localhost:8443/keycloak/realms/hivematrix";

/// One Core.
pub struct Core {
    pub state: AppState,
    /// Requests in process.
    pub client: Client,
    pub clock: Clock,
    /// Address for real HTTP.
    pub url: String,
    home: tempfile::TempDir,
}

/// How to start one.
pub struct Options {
    pub pool: Option<PgPool>,
    pub redis_url: Option<String>,
    pub clock: Clock,
    /// Keys that no other Core of the process has.
    pub own_keys: bool,
    /// A folder for the signing keys that outlives this Core or is shared with another.
    pub keys_in: Option<PathBuf>,
    /// Makes the first users; otherwise that is the job's work.
    pub bootstrap: bool,
    pub change: fn(&mut Settings),
    /// Another identity provider than the local realm.
    pub provider_url: Option<String>,
    /// `HIVEMATRIX_CA_FILE`.
    pub authority: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pool: None,
            redis_url: None,
            clock: now(),
            own_keys: false,
            keys_in: None,
            bootstrap: true,
            change: |_| {},
            provider_url: None,
            authority: None,
        }
    }
}

/// A clock that stands at the present second: Redis' own clock expires keys.
pub fn now() -> Clock {
    let clock = Clock::system();
    Clock::manual(chrono::DateTime::from_timestamp(clock.unix(), 0).unwrap())
}

impl Core {
    /// Without Redis and without a realm.
    pub async fn plain() -> Self {
        Self::start(Options::default()).await
    }

    /// With the local realm, its first users made.
    pub async fn with_realm(pool: PgPool) -> Self {
        Self::start(Options { pool: Some(pool), ..Options::default() }).await
    }

    pub async fn start(options: Options) -> Self {
        let home = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut settings = Settings::parse_from(["core"]);
        settings.common.service_name = "core".into();
        settings.common.home = home.path().into();
        settings.common.port = Some(port);
        settings.common.secret_key = Secret::new("secret-key");
        settings.nexus_service_url = format!("{ORIGIN},https://msp.example");
        settings.keycloak_client_secret = Some(Secret::new(CLIENT_SECRET));
        settings.keycloak_admin_client_secret = Some(Secret::new(ADMIN_SECRET));
        settings.admin_password = Some(Secret::new(PASSWORD));
        settings.demo_users = true;
        settings.common.ca_file = options.authority;
        settings.redis_url = options.redis_url.map(Secret::new);
        settings.service_secrets_file = Some(home.path().join("secrets.json"));
        if options.pool.is_none() {
            // Nobody answers there.
            let nobody = || "http://127.0.0.1:9".to_owned();
            settings.keycloak_server_url = Some(options.provider_url.unwrap_or_else(nobody));
        }
        (options.change)(&mut settings);
        write_secrets(home.path(), &["beacon", "codex", "helm"]);

        if !options.own_keys {
            copy_keys(&home.path().join("core/keys"));
        }
        if let Some(folder) = options.keys_in {
            settings.jwt_private_key_file = folder.join("jwt_private.pem");
            settings.jwt_public_key_file = folder.join("jwt_public.pem");
        }
        let clock = options.clock;
        let keys = KeyRing::open(
            &settings.key_path(&settings.jwt_private_key_file),
            &settings.key_path(&settings.jwt_public_key_file),
            clock.clone(),
        )
        .unwrap();
        let revocations = Arc::new(Revocations::local());
        let auth = Authenticator::local("core", clock.clone(), keys.verifying(), revocations.clone(), false);
        let registry = RegistryHandle::of(registry());
        let service_client = ServiceClient::new(&settings.common, registry.clone()).unwrap();
        let common = settings.common.clone();
        let ctx =
            ServiceContext::assemble("core", common, clock.clone(), registry, auth, service_client, None);
        let state =
            hivematrix_core::assemble(ctx.clone(), settings, keys, revocations, options.pool).await.unwrap();
        if let Some(realm) = state.realm.as_ref().filter(|_| options.bootstrap) {
            realm.bootstrap(&state.settings).await.unwrap();
            realm.set_ready();
        }
        let (app, openapi) = hivematrix_core::router(&state);
        let app = server::apply(&ctx, app, hivematrix_core::options(&state, openapi));
        let served = app.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self { state, client: Client::new(app), clock, url: format!("http://127.0.0.1:{port}"), home }
    }

    /// Runs the jobs of sessions as well.
    pub fn with_jobs(self) -> Self {
        self.state.ctx.spawn("sessions", self.state.sessions.clone().maintain());
        if let Some(realm) = &self.state.realm {
            self.state.ctx.spawn("owed sign-outs", jobs::revocations::settle(realm.clone()));
            self.state.ctx.spawn("ended sessions", jobs::revocations::keep(realm.clone()));
        }
        self
    }

    /// Stops the jobs and ends open streams. Requests in process go on.
    pub async fn stop(&self) {
        self.state.ctx.stop().await;
    }

    /// A token whose session has just been ended here.
    pub async fn ended_session(&self) -> String {
        let token = self.user_token(PermissionLevel::Technician).await;
        self.revoke(&token).await;
        token
    }

    /// Ends a token's session.
    pub async fn revoke(&self, token: &str) {
        let body = serde_json::json!({ "token": token });
        let answer = self.client.post("/api/token/revoke").json(&body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// What `/api/token/validate` says.
    pub async fn validate(&self, token: &str) -> u16 {
        let body = serde_json::json!({ "token": token });
        self.client.post("/api/token/validate").json(&body).send().await.status.as_u16()
    }

    /// A HiveMatrix token for an access token of the realm.
    pub async fn exchange(&self, access_token: &Value) -> String {
        let body = serde_json::json!({ "access_token": access_token });
        let answer = self.client.post("/api/token/exchange").json(&body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// The health check of the session store.
    pub async fn session_health(&self) -> Value {
        self.client.get("/health").send().await.json()["checks"]["redis"].clone()
    }

    /// Starts a session without a login.
    pub async fn user_token(&self, level: PermissionLevel) -> String {
        self.user_token_for(level, LIFETIME).await
    }

    /// As [`Core::user_token`], for a session of so many seconds.
    pub async fn user_token_for(&self, level: PermissionLevel, lifetime: i64) -> String {
        let user = user(&format!("user-{level}"), level);
        tokens::start_session(&self.state, user, "192.0.2.9", lifetime).await.unwrap().0
    }

    /// A service token for Core itself.
    pub async fn service_token(&self, caller: &str) -> String {
        let claims = hivematrix_core::domain::claims::service(caller, "core", None, self.clock.unix());
        self.state.keys.sign(&claims).await.unwrap()
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn pool(&self) -> &PgPool {
        &self.state.realm.as_ref().unwrap().pool
    }
}

pub fn user(sub: &str, level: PermissionLevel) -> UserData {
    UserData {
        sub: sub.into(),
        name: "Ada L".into(),
        email: format!("{sub}@x.example"),
        email_verified: None,
        preferred_username: sub.into(),
        permission_level: level,
        groups: vec![level.to_string()],
    }
}

/// Secret of a service in the tests' file.
pub fn secret_of(service: &str) -> String {
    format!("{service}-secret")
}

pub fn write_secrets(home: &Path, services: &[&str]) {
    let hex =
        |secret: &str| random::stored_form(secret).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let map: std::collections::BTreeMap<_, _> =
        services.iter().map(|service| (*service, hex(&secret_of(service)))).collect();
    let path = home.join("secrets.json");
    fs::write(&path, serde_json::to_vec(&map).unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Copies keys that are made once per process: making an RSA key takes a moment.
fn copy_keys(to: &Path) {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        for name in ["jwt", "realm"] {
            let file = |half: &str| directory.path().join(format!("{name}_{half}.pem"));
            key_files::load_or_create(&file("private"), &file("public")).unwrap();
        }
        directory
    });
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(made.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn registry() -> Registry {
    let names = ["beacon", "helm", "codex", "ledger", "core", "nexus"];
    Registry(
        names.into_iter().map(|name| (name.to_owned(), ServiceEntry::at("http://127.0.0.1:9"))).collect(),
    )
}

/// Claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Header (0) or claims (1) of a token, unverified.
pub fn part(token: &str, index: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Waits until something holds; the test fails when it does not within ten seconds.
pub async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("did not happen: {what}");
}
