//! Questions to a running process: is it ready, is it alive.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read. Foreign services are asked as well.
const LONGEST: usize = 1 << 20;

/// A question of one's own.
pub type Question = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How a process is asked.
#[derive(Clone)]
pub enum Probe {
    /// `GET` must answer 200.
    Http {
        /// Client without certificate checks: only addresses of this machine are asked.
        client: reqwest::Client,
        /// Full address, e.g. of `/readyz`.
        url: String,
    },
    /// `/health` of an upstream service: the body must say `healthy` or `degraded`, whatever the code (platform.md §5).
    UpstreamHealth {
        /// As above.
        client: reqwest::Client,
        /// Full address of `/health`.
        url: String,
    },
    /// A statement must succeed.
    Postgres(String),
    /// `PING` must be answered.
    Redis {
        /// Port on loopback.
        port: u16,
        /// Its password.
        password: String,
    },
    /// Any question; also work that must be done before others may go on.
    Custom(Question),
    /// Ready as soon as it runs.
    Running,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { url, .. } | Self::UpstreamHealth { url, .. } => write!(f, "GET {url}"),
            Self::Postgres(_) => f.write_str("PostgreSQL"),
            Self::Redis { port, .. } => write!(f, "Redis on {port}"),
            Self::Custom(_) => f.write_str("custom"),
            Self::Running => f.write_str("running"),
        }
    }
}

impl Probe {
    /// Asks once.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub async fn ask(&self) -> Result<(), String> {
        timeout(PATIENCE, self.ask_patiently()).await.unwrap_or_else(|_| Err("no answer in 5 s".into()))
    }

    async fn ask_patiently(&self) -> Result<(), String> {
        match self {
            Self::Http { client, url } => {
                let answer = client.get(url).send().await.map_err(|error| words(&error))?;
                if answer.status().is_success() {
                    Ok(())
                } else {
                    Err(format!("{url} answered {}", answer.status().as_u16()))
                }
            }
            Self::UpstreamHealth { client, url } => {
                let answer = client.get(url).send().await.map_err(|error| words(&error))?;
                let body: serde_json::Value =
                    serde_json::from_slice(&body(answer).await?).map_err(|error| error.to_string())?;
                match body["status"].as_str() {
                    Some("healthy" | "degraded") => Ok(()),
                    _ => Err(format!("{url} does not say healthy")),
                }
            }
            Self::Postgres(url) => postgres(url).await.map_err(|error| error.to_string()),
            Self::Redis { port, password } => redis(*port, password).await,
            Self::Custom(question) => question().await,
            Self::Running => Ok(()),
        }
    }
}

/// A client for addresses of this machine: no certificate checks, no redirects.
///
/// # Errors
/// When the TLS library cannot be set up.
pub fn local_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .no_proxy()
        .build()
}

/// The body of an answer of a process.
///
/// # Errors
/// When it is cut off, or longer than any process has to say.
pub async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| words(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err("the answer is too long".into());
        }
    }
    Ok(body)
}

/// An HTTP error in words for people, without the address repeated at every level.
#[must_use]
pub fn words(error: &reqwest::Error) -> String {
    match () {
        () if error.is_timeout() => "no answer in time".into(),
        () if error.is_connect() => "nothing listens there".into(),
        () => error.to_string(),
    }
}

async fn postgres(url: &str) -> Result<(), sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    connection.ping().await?;
    connection.close().await
}

/// Speaks the server's plain protocol: authentication and one `PING`.
async fn redis(port: u16, password: &str) -> Result<(), String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let request = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n*1\r\n$4\r\nPING\r\n", password.len());
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    let mut chunk = [0u8; 256];
    loop {
        let text = String::from_utf8_lossy(&answer);
        if text.contains("+PONG") {
            return Ok(());
        }
        if let Some(error) = text.lines().find(|line| line.starts_with('-')) {
            return Err(error.trim_start_matches('-').to_owned());
        }
        let read = stream.read(&mut chunk).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        answer.extend_from_slice(&chunk[..read]);
    }
}
