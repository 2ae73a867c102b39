//! The connection to Redis: its address, TLS, reconnecting, and what a failure means.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hivematrix_shared::config::Secret;
use redis::{
    Client, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    ScriptInvocation, TlsCertificates,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::StoreUnavailable;

/// Longest wait for a connection or an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Written now and then to see whether the server takes writes; a replica or a full server answers, but does not.
const PROBE_KEY: &str = "hivematrix:core:probe";
/// Seconds the probe stays.
const PROBE_LIFETIME: u64 = 60;

/// A `REDIS_URL` that can never work. The text says why, without the URL: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "REDIS_URL is not the address of a Redis server, which is redis://[[user]:password@]host[:port][/database], \
     or rediss:// for TLS: {0}"
)]
pub struct InvalidAddress(String);

/// A well-formed address of a Redis server.
#[derive(Clone)]
pub struct RedisAddress(Client);

impl RedisAddress {
    /// Reads an address. With `rediss://` the server's certificate is checked against the system's authorities and
    /// `authority` (PEM).
    pub fn parse(url: &Secret, authority: Option<&[u8]>) -> Result<Self, InvalidAddress> {
        let invalid = |error: RedisError| {
            InvalidAddress(error.detail().map_or_else(|| error.category().to_owned(), str::to_owned))
        };
        let info = url.expose().trim().into_connection_info().map_err(invalid)?;
        let is_tls = matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
        let client = match authority.filter(|_| is_tls) {
            Some(authority) => {
                let root_cert = Some([authority, b"\n", &system_authorities()].concat());
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            }
            None => Client::open(info),
        };
        client.map(Self).map_err(invalid)
    }
}

/// The system's certificate authorities as PEM: naming one more replaces them in the client library.
fn system_authorities() -> Vec<u8> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(error = %error, "a certificate authority of the system cannot be read");
    }
    let armoured = found.certs.iter().map(|certificate| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
    });
    armoured.collect::<String>().into_bytes()
}

/// A reconnecting connection. Cheap to clone.
#[derive(Clone)]
pub struct Connection(ConnectionManager);

impl Connection {
    /// Connects and sees whether the server answers and takes writes, within two seconds.
    pub async fn open(address: &RedisAddress) -> Result<Self, StoreUnavailable> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_min_delay(Duration::from_millis(100))
            .set_max_delay(Duration::from_secs(1))
            .set_number_of_retries(1);
        let attempt = async {
            let manager = ConnectionManager::new_with_config(address.0.clone(), config).await?;
            probe(&mut redis::pipe()).query_async::<()>(&mut manager.clone()).await?;
            Ok(Self(manager))
        };
        tokio::time::timeout(TIMEOUT, attempt)
            .await
            .map_err(|_| StoreUnavailable::Away("no answer within 2 s".into()))?
            .map_err(|error: RedisError| error.into())
    }

    /// Runs commands; a lost connection is tried once more, since every use here may safely happen twice.
    pub async fn run<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreUnavailable> {
        let attempts = async {
            let first: RedisResult<T> = pipeline.query_async(&mut self.0.clone()).await;
            match first {
                Err(error) if is_disconnect(&error) => pipeline.query_async(&mut self.0.clone()).await,
                other => other,
            }
        };
        Ok(tokio::time::timeout(TIMEOUT * 2, attempts).await.map_err(|_| too_slow())??)
    }

    /// Runs a script that answers with a number.
    pub async fn invoke(&self, script: &ScriptInvocation<'_>) -> Result<i64, StoreUnavailable> {
        let mut connection = self.0.clone();
        Ok(tokio::time::timeout(TIMEOUT, script.invoke_async(&mut connection))
            .await
            .map_err(|_| too_slow())??)
    }
}

/// Adds a write that harms nothing.
pub fn probe(pipeline: &mut Pipeline) -> &mut Pipeline {
    pipeline.cmd("SET").arg(PROBE_KEY).arg(1).arg("EX").arg(PROBE_LIFETIME).ignore()
}

fn too_slow() -> StoreUnavailable {
    StoreUnavailable::Away("no answer in time".into())
}

fn is_disconnect(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || matches!(error.kind(), ErrorKind::Io)
}

impl From<RedisError> for StoreUnavailable {
    fn from(error: RedisError) -> Self {
        if error.kind() == ErrorKind::AuthenticationFailed {
            return Self::Refused { code: "AUTH".into(), reason: "user or password is wrong".into() };
        }
        let reason = error.to_string();
        match error.into_server_errors().as_deref() {
            Some([(_, first), ..]) => Self::Refused { code: first.code().to_owned(), reason },
            _ => Self::Away(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_can_never_work_is_refused_without_telling_its_password() {
        for bad in [
            "localhost:6379",
            "redis://",
            "redis://:pass-word@host:port",
            "redis://:pass-word@host/first",
            "http://:pass-word@host:6379",
            "host",
            "redis//host",
        ] {
            let Err(error) = RedisAddress::parse(&Secret::new(bad), None) else { panic!("{bad} was taken") };
            let text = error.to_string();
            assert!(text.starts_with("REDIS_URL is not the address of a Redis server"), "{text}");
            assert!(!text.contains("pass-word"), "{text}");
        }
    }

    #[test]
    fn plain_and_tls_addresses_are_taken() {
        for good in [
            "redis://127.0.0.1:6379",
            " redis://host ",
            "redis://:secret@host:6380/2",
            "rediss://user:secret@redis.example:6380",
            "unix:///run/redis.sock",
        ] {
            for authority in [None, Some(&b""[..])] {
                assert!(RedisAddress::parse(&Secret::new(good), authority).is_ok(), "{good}");
            }
        }
    }
}
