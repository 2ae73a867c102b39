//! Settings of the gateway (nexus.md §15).

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Parser};
use hivematrix_shared::config::{CommonSettings, Secret, ServiceConfig, parse_bool};

use crate::domain::{
    origin::{OriginError, PublicOrigins},
    trusted::TrustedProxies,
};

/// Port of a checkout; an installed suite is given 443.
pub const DEFAULT_PORT: u16 = 8443;

/// The gateway: ends TLS, signs people in, passes requests on and adds the shared look.
#[derive(Clone, Debug, Parser)]
#[command(name = "hivematrix-nexus", version)]
pub struct Settings {
    /// Settings shared by all services.
    #[command(flatten)]
    pub common: CommonSettings,

    /// Address to listen on.
    #[arg(long, env = "NEXUS_HOST", default_value = "0.0.0.0")]
    pub nexus_host: IpAddr,
    /// Port to listen on, as Helm hands it over; wins over HIVEMATRIX_PORT.
    #[arg(long, env = "NEXUS_PORT")]
    pub nexus_port: Option<u16>,
    /// Public port of the suite; without it 8443 plus the offset.
    #[arg(long, env = "HIVEMATRIX_PORT")]
    pub public_port: Option<u16>,
    /// Public origins, the main one first, separated by commas; default the names of this machine for itself.
    #[arg(long, env = "NEXUS_SERVICE_URL", default_value = "", hide_default_value = true)]
    pub service_url: String,
    /// A reverse proxy stands in front: believe one hop of X-Forwarded-For, -Proto and -Host from private addresses, or
    /// from TRUSTED_PROXIES alone where that is set.
    #[arg(long, env = "BEHIND_PROXY", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub behind_proxy: bool,
    /// Addresses and networks of the reverse proxies in front, separated by commas; only these are believed.
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "", hide_default_value = true)]
    pub trusted_proxies: TrustedProxies,
    /// Port on which plain HTTP is sent to HTTPS; 0 turns it off. Default 80 when the gateway listens on 443.
    #[arg(long, env = "NEXUS_REDIRECT_PORT")]
    pub redirect_port: Option<u16>,
    /// Directory from which the port of the redirect serves /.well-known/acme-challenge/, as ACME clients fill it.
    #[arg(long, env = "NEXUS_ACME_WEBROOT")]
    pub acme_webroot: Option<PathBuf>,

    /// Certificate chain (PEM); default `certs/nexus.crt` in the service's directory, made when it is missing.
    #[arg(long, env = "NEXUS_CERT_FILE")]
    pub cert_file: Option<PathBuf>,
    /// Private key of the certificate (PEM); default `certs/nexus.key`.
    #[arg(long, env = "NEXUS_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Base URL of Keycloak for calls from here; default KEYCLOAK_SERVER_URL, else Core's local realm.
    #[arg(long, env = "KEYCLOAK_BACKEND_URL")]
    pub keycloak_backend_url: Option<String>,
    /// Base URL of Keycloak, also as it names itself in tokens when that is not `<public origin>/keycloak`.
    #[arg(long, env = "KEYCLOAK_SERVER_URL")]
    pub keycloak_server_url: Option<String>,
    /// Realm of the suite.
    #[arg(long, env = "KEYCLOAK_REALM", default_value = "hivematrix")]
    pub keycloak_realm: String,
    /// OpenID Connect client of the suite.
    #[arg(long, env = "KEYCLOAK_CLIENT_ID", default_value = "core-client")]
    pub keycloak_client_id: String,
    /// The client's secret; without one only PKCE protects the code.
    #[arg(
        long,
        env = "KEYCLOAK_CLIENT_SECRET",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub keycloak_client_secret: Secret,

    /// Redis for session state, so that several gateways share it; without it the state lies encrypted in cookies.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,

    /// Largest request body in bytes that is passed on.
    #[arg(long, env = "NEXUS_MAX_BODY_BYTES", default_value_t = 2 * 1024 * 1024 * 1024)]
    pub max_body_bytes: u64,
    /// Seconds a backend may take to begin its answer, and be silent within it.
    #[arg(long, env = "NEXUS_BACKEND_TIMEOUT_SECONDS", default_value_t = 30)]
    pub backend_timeout_seconds: u64,
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "nexus";

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

impl Settings {
    /// The port to listen on.
    pub fn port(&self) -> u16 {
        self.nexus_port.or(self.public_port).unwrap_or_else(|| self.common.listen_port(DEFAULT_PORT))
    }

    /// The public origins.
    pub fn origins(&self) -> Result<PublicOrigins, OriginError> {
        if self.service_url.trim().is_empty() {
            PublicOrigins::loopback(self.port())
        } else {
            PublicOrigins::parse(&self.service_url)
        }
    }

    /// Where the certificate chain and its key lie.
    pub fn certificate_paths(&self) -> (PathBuf, PathBuf) {
        let certs = self.certs_dir();
        (
            self.cert_file.clone().unwrap_or_else(|| certs.join("nexus.crt")),
            self.key_file.clone().unwrap_or_else(|| certs.join("nexus.key")),
        )
    }

    /// Directory of certificates the gateway made itself.
    pub fn certs_dir(&self) -> PathBuf {
        self.common.service_dir().join("certs")
    }

    /// The reverse proxies whose word counts: those that are named, else private addresses behind a proxy, else none.
    pub fn proxies(&self) -> TrustedProxies {
        match self.behind_proxy {
            true if self.trusted_proxies.is_empty() => TrustedProxies::private(),
            _ => self.trusted_proxies.clone(),
        }
    }

    /// Time a backend may be silent.
    pub fn backend_timeout(&self) -> Duration {
        Duration::from_secs(self.backend_timeout_seconds)
    }

    /// Port of the plain HTTP redirect, if there is one.
    pub fn http_redirect_port(&self) -> Option<u16> {
        match self.redirect_port {
            Some(0) => None,
            Some(port) => Some(port),
            None => (self.port() == 443).then_some(80),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(args: &[&str]) -> Settings {
        Settings::parse_from(std::iter::once(&"nexus").chain(args))
    }

    #[test]
    fn an_explicit_port_is_taken_as_it_is_and_the_default_is_shifted() {
        for (args, port) in [
            (&[][..], 8443),
            (&["--port-offset", "100"], 8543),
            (&["--public-port", "9443", "--port-offset", "100"], 9443),
            (&["--nexus-port", "443", "--public-port", "9443"], 443),
        ] {
            assert_eq!(settings(args).port(), port, "{args:?}");
        }
    }

    #[test]
    fn plain_http_is_redirected_only_beside_the_standard_port() {
        for (args, port) in [
            (&["--nexus-port", "443"][..], Some(80)),
            (&["--nexus-port", "8443"], None),
            (&["--nexus-port", "443", "--redirect-port", "0"], None),
            (&["--nexus-port", "8443", "--redirect-port", "8080"], Some(8080)),
        ] {
            assert_eq!(settings(args).http_redirect_port(), port, "{args:?}");
        }
    }

    #[test]
    fn named_proxies_are_believed_alone_and_without_names_only_private_ones() {
        for (args, expected) in [
            (&[][..], ""),
            (&["--trusted-proxies", "192.0.2.1"], "192.0.2.1"),
            (&["--behind-proxy", "true", "--trusted-proxies", "192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(settings(args).proxies(), expected.parse().unwrap(), "{args:?}");
        }
        assert_eq!(settings(&["--behind-proxy", "true"]).proxies(), TrustedProxies::private());
    }
}
