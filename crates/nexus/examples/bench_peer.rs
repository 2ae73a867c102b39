//! The other side of the gateway in scripts/bench.
//!
//! `bench_peer swallow PORT` is a service that reads uploads to their end and answers with the number of bytes.
//! `bench_peer hold URL AUTHORITY COUNT SECONDS` opens so many TLS connections with one request each, lets them rest, asks
//! once more on each and prints how many answered; AUTHORITY is the file of the certificate authority to trust.

use std::{error::Error, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::DefaultBodyLimit};
use http_body_util::BodyExt;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Url;

type Failure = Box<dyn Error + Send + Sync>;

/// Handshakes and questions under way at once.
const AT_ONCE: usize = 32;
/// An answer is there by then.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["swallow", port] => swallow(port.parse()?).await,
        ["hold", url, authority, count, seconds] => {
            let rest = Duration::from_secs(seconds.parse()?);
            println!("{}", hold(&url.parse()?, authority, count.parse()?, rest).await?);
            Ok(())
        }
        _ => Err("see the comment at the beginning of bench_peer.rs".into()),
    }
}

async fn swallow(port: u16) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let app = Router::new().fallback(count).layer(DefaultBodyLimit::disable());
    Ok(axum::serve(listener, app).await?)
}

async fn count(mut body: Body) -> String {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, |data| data.len());
    }
    bytes.to_string()
}

type Connection = BufReader<TlsStream<TcpStream>>;

/// Where the connections lead, and what is asked on them.
struct Target {
    connector: TlsConnector,
    name: ServerName<'static>,
    address: (String, u16),
    request: String,
}

/// How many connections answered both at their beginning and after a rest.
async fn hold(url: &Url, authority: &str, count: usize, rest: Duration) -> Result<usize, Failure> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let target = Arc::new(target(url, authority)?);
    let fresh: Vec<Option<Connection>> = (0..count).map(|_| None).collect();
    let held = ask_all(&target, fresh).await;
    tokio::time::sleep(rest).await;
    let held = ask_all(&target, held.into_iter().map(Some).collect()).await;
    Ok(held.len())
}

fn target(url: &Url, authority: &str) -> Result<Target, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = url.host_str().ok_or("the address has no host")?.to_owned();
    let port = url.port_or_known_default().ok_or("the address has no port")?;
    Ok(Target {
        connector: TlsConnector::from(Arc::new(config)),
        name: ServerName::try_from(host.clone())?,
        request: format!("GET {} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n", url.path()),
        address: (host, port),
    })
}

/// Asks on all connections, opening those that are not there; the ones that answered, in any order.
async fn ask_all(target: &Arc<Target>, connections: Vec<Option<Connection>>) -> Vec<Connection> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    for connection in connections {
        let (target, places) = (target.clone(), places.clone());
        asking.spawn(async move {
            let _place = places.acquire_owned().await?;
            tokio::time::timeout(PATIENCE, ask(&target, connection)).await?
        });
    }
    let mut answered = Vec::new();
    let mut trouble = None;
    while let Some(outcome) = asking.join_next().await {
        match outcome.map_err(Failure::from).flatten() {
            Ok(connection) => answered.push(connection),
            Err(error) => trouble = Some(error),
        }
    }
    if let Some(error) = trouble {
        eprintln!("bench_peer: not all connections answered: {error}");
    }
    answered
}

async fn ask(target: &Target, connection: Option<Connection>) -> Result<Connection, Failure> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect((target.address.0.as_str(), target.address.1)).await?;
            BufReader::new(target.connector.connect(target.name.clone(), stream).await?)
        }
    };
    connection.write_all(target.request.as_bytes()).await?;
    connection.flush().await?;
    let mut length = 0;
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 2 {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("http/") && !lower.contains(" 200 ") {
            return Err(format!("the answer is {}", line.trim()).into());
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        line.clear();
    }
    if line.is_empty() {
        return Err("the connection was closed".into());
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(connection)
}
