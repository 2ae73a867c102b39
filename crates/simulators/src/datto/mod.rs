//! A Datto RMM v2 stand-in.
//!
//! [`spawn`] starts it and hands back a [`Handle`] with its address, its keys and its [`Control`]: the way to move and
//! remove devices, to make it misbehave and to see what it was asked. The same control is reachable over HTTP below
//! `/_control`, from the same machine only. Its companies, machines and people are those of the ticketing system of the
//! same seed.

mod control;
mod gate;
mod jobs;
mod limits;
mod routes;
mod state;
mod wire;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::control::Control;
use self::state::State;
use crate::clock::Clock;
pub use crate::freshservice::{Fault, FaultMode, RequestCounts, RequestLine};
use crate::world::{Size, SizeName};

/// Uid of the one component, which runs the command it is given.
pub const COMMAND_COMPONENT: &str = "5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed";

/// How to run the simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Numbers of everything; of these only companies, contacts and assets matter.
    pub size: Size,
    /// Same seed and same time: same world.
    pub seed: u64,
    /// API key and API secret key.
    pub keys: (String, String),
    /// How long a token lives.
    pub token_life: Duration,
    /// Reads in any 60 seconds.
    pub read_limit: u32,
    /// Writes in any 60 seconds.
    pub write_limit: u32,
    /// Refused calls after which the address is locked out.
    pub patience: u32,
    /// How long a command takes.
    pub job_time: Duration,
    /// Largest page.
    pub page_cap: usize,
    /// Its clock; the world begins at the time it shows.
    pub clock: Clock,
}

impl Default for Config {
    /// What tests want: demo size, free port, limits nobody reaches, commands that end at once.
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            size: Size::named(SizeName::Demo),
            seed: 1,
            keys: ("simulator-public".to_owned(), "simulator-secret".to_owned()),
            token_life: Duration::from_secs(100 * 3600),
            read_limit: 1_000_000,
            write_limit: 1_000_000,
            patience: 10,
            job_time: Duration::ZERO,
            page_cap: 250,
            clock: Clock::real(),
        }
    }
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    /// Origin, like `http://127.0.0.1:40123`.
    pub base_url: String,
    /// API key and API secret key.
    pub keys: (String, String),
    /// Changes the world, causes faults, counts requests.
    pub control: Control,
    server: JoinHandle<()>,
}

impl Handle {
    /// Waits until the server ends, which it does only on failure.
    pub async fn ended(&mut self) {
        // The only errors here are a cancelled or failed task: both mean that it has ended.
        let _ended = (&mut self.server).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What all requests share.
#[derive(Debug)]
struct Engine {
    config: Config,
    state: Mutex<State>,
    /// Told when all faults are removed, so that held requests go on.
    cleared: watch::Sender<()>,
}

impl Engine {
    /// The state, also after a request has panicked in the middle of it: every change is complete in itself.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a simulator.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn spawn(config: Config) -> std::io::Result<Handle> {
    let listener = TcpListener::bind((config.host, config.port)).await?;
    let address = listener.local_addr()?;
    let keys = config.keys.clone();
    let engine = Arc::new(Engine {
        state: Mutex::new(State::new(&config)),
        config,
        cleared: watch::Sender::default(),
    });
    let control = Control::new(engine.clone());
    let app = router(engine).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulator has stopped");
        }
    });
    Ok(Handle { base_url: format!("http://{address}"), keys, control, server })
}

fn router(engine: Arc<Engine>) -> Router {
    let api = Router::new()
        .route("/account/sites", get(routes::sites))
        .route("/account/devices", get(routes::account_devices))
        .route("/account/components", get(routes::components))
        .route("/system/request_rate", get(routes::request_rate))
        .route("/system/pagination", get(routes::pagination))
        .route("/site/{uid}", get(routes::site))
        .route("/site/{uid}/devices", get(routes::site_devices))
        .route("/site/{uid}/variables", get(routes::variables))
        .route("/site/{uid}/variable", put(routes::create_variable))
        .route("/site/{uid}/variable/{id}", post(routes::update_variable).delete(routes::delete_variable))
        .route("/device/{uid}", get(routes::device))
        .route("/device/id/{id}", get(routes::device_by_id))
        .route("/device/{uid}/quickjob", put(jobs::start))
        .route("/job/{uid}", get(jobs::job))
        .route("/job/{uid}/results/{device}", get(jobs::results))
        .route("/job/{uid}/results/{device}/stdout", get(jobs::stdout))
        .route("/job/{uid}/results/{device}/stderr", get(jobs::stderr))
        .route("/audit/device/{uid}", get(routes::audit))
        .route("/audit/device/{uid}/software", get(routes::software))
        .fallback(routes::not_found)
        .layer(from_fn_with_state(engine.clone(), gate::gate));
    Router::new()
        .nest("/api/v2", api)
        .route("/auth/oauth/token", post(gate::token))
        .nest("/_control", control::router())
        .route("/livez", get(async || "alive"))
        .fallback(routes::not_found)
        .with_state(engine)
}
