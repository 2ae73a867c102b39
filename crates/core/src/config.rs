//! Core's settings (core.md §11).

use std::path::PathBuf;

use clap::{ArgAction, Parser};
use hivematrix_shared::{
    auth::ISSUER,
    config::{CommonSettings, FileKey, Secret, ServiceConfig, parse_bool},
};

use crate::domain::origins;

/// Core's port when nothing else is said.
pub const DEFAULT_PORT: u16 = 5000;
/// The one algorithm of the tokens (core.md §11, weak point 21).
const ALGORITHM: &str = "RS256";

/// HiveMatrix Core: sign-in, sessions and tokens.
#[derive(Clone, Debug, Parser)]
#[command(name = "hivematrix-core", version)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub common: CommonSettings,
    /// PostgreSQL database of the local realm; needed unless another identity provider is configured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// Redis server for sessions, `redis://` or `rediss://` (TLS); without it they are kept in memory.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// JSON file with the SHA-256 (hex) of each service's secret, by service name; mode 0600.
    #[arg(long, env = "SERVICE_SECRETS_FILE")]
    pub service_secrets_file: Option<PathBuf>,
    /// Gives service tokens to any caller on this machine without a secret, for services of the original suite.
    #[arg(long, env = "HIVEMATRIX_COMPAT_OPEN_SERVICE_TOKEN", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub compat_open_service_token: bool,
    /// Identity provider's address; without it Core's own realm is used.
    #[arg(long, env = "KEYCLOAK_SERVER_URL")]
    pub keycloak_server_url: Option<String>,
    /// Identity provider's address for calls from here; default: the same.
    #[arg(long, env = "KEYCLOAK_BACKEND_URL")]
    pub keycloak_backend_url: Option<String>,
    /// Realm name.
    #[arg(long, env = "KEYCLOAK_REALM", default_value = "hivematrix")]
    pub keycloak_realm: String,
    /// The suite's client at the identity provider.
    #[arg(long, env = "KEYCLOAK_CLIENT_ID", default_value = "core-client")]
    pub keycloak_client_id: String,
    /// Secret of that client; without one it has to use PKCE.
    #[arg(long, env = "KEYCLOAK_CLIENT_SECRET", hide_env_values = true)]
    pub keycloak_client_secret: Option<Secret>,
    /// Client that administers users: in the local realm for Helm and Codex, at another provider also for Core, which signs
    /// users out there.
    #[arg(long, env = "KEYCLOAK_ADMIN_CLIENT_ID", default_value = "hivematrix-admin")]
    pub keycloak_admin_client_id: String,
    /// Secret of that client; without one nobody can use it.
    #[arg(long, env = "KEYCLOAK_ADMIN_CLIENT_SECRET", hide_env_values = true)]
    pub keycloak_admin_client_secret: Option<Secret>,
    /// Public addresses of the suite, comma-separated; the first is the main one.
    #[arg(long, env = "NEXUS_SERVICE_URL", default_value = "https://localhost:8443")]
    pub nexus_service_url: String,
    /// Private key of the tokens; default `keys/jwt_private.pem` in the service's folder.
    #[arg(long, env = "JWT_PRIVATE_KEY_FILE", default_value = "keys/jwt_private.pem")]
    pub jwt_private_key_file: PathBuf,
    /// Public key of the tokens; default `keys/jwt_public.pem` in the service's folder.
    #[arg(long, env = "JWT_PUBLIC_KEY_FILE", default_value = "keys/jwt_public.pem")]
    pub jwt_public_key_file: PathBuf,
    /// Issuer of the tokens; every service knows it, so nothing but `hivematrix-core` is accepted.
    #[arg(long, env = "JWT_ISSUER", default_value = ISSUER)]
    pub jwt_issuer: String,
    /// Algorithm of the tokens; nothing but `RS256` is accepted.
    #[arg(long, env = "JWT_ALGORITHM", default_value = ALGORITHM)]
    pub jwt_algorithm: String,
    /// First password of `admin` in the local realm; never changes an existing account.
    #[arg(long, env = "HIVEMATRIX_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<Secret>,
    /// File with a generated first password, which has to be changed at the first sign-in.
    #[arg(long, env = "HIVEMATRIX_ADMIN_PASSWORD_FILE")]
    pub admin_password_file: Option<PathBuf>,
    /// Also makes the users tech, billing and client, with the same first password.
    #[arg(long, env = "HIVEMATRIX_DEMO_USERS", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub demo_users: bool,
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "core";
    const FILE_KEYS: &'static [FileKey] = &[FileKey::new("database", "connection_string", "DATABASE_URL")];

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

impl Settings {
    /// Port Core listens on.
    pub fn port(&self) -> u16 {
        self.common.listen_port(DEFAULT_PORT)
    }

    /// Core's own address for callers on this machine.
    pub fn own_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Identity provider's base URL as browsers and tokens name it, without the realm.
    pub fn provider_url(&self) -> String {
        let url = given(self.keycloak_server_url.as_deref()).map_or_else(|| self.own_url(), str::to_owned);
        origins::provider_base(&url, &self.keycloak_realm)
    }

    /// Identity provider's base URL for calls from here, without the realm.
    pub fn provider_backend_url(&self) -> String {
        given(self.keycloak_backend_url.as_deref())
            .map_or_else(|| self.provider_url(), |url| origins::provider_base(url, &self.keycloak_realm))
    }

    /// Whether Core itself is the identity provider: its calls would come back to its own port.
    pub fn is_local_realm(&self) -> bool {
        url::Url::parse(&self.provider_backend_url()).is_ok_and(|url| {
            let loopback = match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            loopback && url.port_or_known_default() == Some(self.port())
        })
    }

    /// Refuses values of upstream's settings that nobody could follow: all verifiers know issuer and algorithm by heart.
    pub fn check_pinned(&self) -> anyhow::Result<()> {
        for (name, given, pinned) in
            [("JWT_ISSUER", &self.jwt_issuer, ISSUER), ("JWT_ALGORITHM", &self.jwt_algorithm, ALGORITHM)]
        {
            let given = given.trim();
            anyhow::ensure!(
                given.is_empty() || given == pinned,
                "{name} is `{given}`, but every service expects `{pinned}`; remove the setting"
            );
        }
        Ok(())
    }

    /// A key file's place: relative ones lie in the service's folder.
    pub fn key_path(&self, file: &std::path::Path) -> PathBuf {
        self.common.service_dir().join(file)
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(args: &[&str]) -> Settings {
        Settings::parse_from([&["core"], args].concat())
    }

    #[test]
    fn the_local_realm_is_used_unless_another_provider_is_named() {
        for (args, local) in [
            (&[][..], true),
            (&["--keycloak-server-url", ""], true),
            (&["--keycloak-server-url", "http://localhost:5000"], true),
            (&["--keycloak-server-url", "http://127.0.0.1:5000/realms/hivematrix"], true),
            (&["--keycloak-server-url", "http://localhost:8080"], false),
            (&["--keycloak-server-url", "https://msp.example/keycloak"], false),
            (
                &[
                    "--keycloak-server-url",
                    "https://msp.example/keycloak",
                    "--keycloak-backend-url",
                    "http://127.0.0.1:5000",
                ],
                true,
            ),
            (&["--keycloak-server-url", "http://127.0.0.1:5000", "--port-offset", "100"], false),
        ] {
            assert_eq!(settings(args).is_local_realm(), local, "{args:?}");
        }
    }

    #[test]
    fn another_issuer_or_algorithm_is_refused_with_the_reason() {
        for args in
            [&[][..], &["--jwt-issuer", ""], &["--jwt-issuer", "hivematrix-core", "--jwt-algorithm", "RS256"]]
        {
            assert!(settings(args).check_pinned().is_ok(), "{args:?}");
        }
        for (args, reason) in [
            (
                ["--jwt-issuer", "hivematrix.core"],
                "JWT_ISSUER is `hivematrix.core`, but every service expects `hivematrix-core`; remove the setting",
            ),
            (
                ["--jwt-algorithm", "HS256"],
                "JWT_ALGORITHM is `HS256`, but every service expects `RS256`; remove the setting",
            ),
        ] {
            assert_eq!(settings(&args).check_pinned().unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn key_files_lie_in_the_services_folder_unless_absolute() {
        let mut settings = settings(&["--home", "/h"]);
        settings.common.service_name = "core".into();
        assert_eq!(settings.key_path("keys/a.pem".as_ref()), PathBuf::from("/h/core/keys/a.pem"));
        assert_eq!(settings.key_path("/k/a.pem".as_ref()), PathBuf::from("/k/a.pem"));
    }
}
