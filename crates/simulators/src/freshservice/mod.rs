//! A Freshservice v2 stand-in.
//!
//! [`spawn`] starts it on a loopback port and hands back a [`Handle`] with its address and its [`Control`]: the way
//! to change tickets, to make it misbehave and to see what it was asked. The same control is reachable over HTTP below
//! `/_control`, from the same machine only, and is no part of the vendor's wire.

mod answer;
mod control;
mod control_routes;
pub(crate) mod fault;
mod gate;
mod patch;
mod query;
mod rate;
mod records;
pub(crate) mod request_log;
mod routes;
mod web_page;
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
pub use self::fault::{Fault, FaultMode};
pub(crate) use self::gate::spoil;
pub use self::patch::{NewEntry, NewWork, TicketPatch};
pub use self::records::Collection;
pub use self::request_log::{RequestCounts, RequestLine};
use crate::clock::Clock;
use crate::world::{Size, SizeName, World};

/// How to run the simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Numbers of everything.
    pub size: Size,
    /// Same seed and same time: same world.
    pub seed: u64,
    /// The world moves by one event in each interval; `None` stands still.
    pub live: Option<Duration>,
    /// The key of the one agent who may call.
    pub api_key: String,
    /// Credits per minute of the whole account; single endpoints get their share of it.
    pub rate_limit: u32,
    /// Its clock; the world begins at the time it shows.
    pub clock: Clock,
}

impl Default for Config {
    /// What tests want: demo size, standing world, free port, key `simulator-key`, a limit nobody reaches.
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            size: Size::named(SizeName::Demo),
            seed: 1,
            live: None,
            api_key: "simulator-key".to_owned(),
            rate_limit: 1_000_000,
            clock: Clock::real(),
        }
    }
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    /// Origin, like `http://127.0.0.1:40123`; the API is below `/api/v2`.
    pub base_url: String,
    /// The key to call it with.
    pub api_key: String,
    /// Changes the world, causes faults, counts requests.
    pub control: Control,
    server: JoinHandle<()>,
    mover: Option<JoinHandle<()>>,
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
        if let Some(mover) = &self.mover {
            mover.abort();
        }
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

#[derive(Debug)]
struct State {
    world: World,
    records: records::Records,
    faults: fault::Faults,
    bucket: rate::Bucket,
    log: request_log::RequestLog,
}

impl State {
    fn new(config: &Config) -> Self {
        Self {
            world: World::new(config.seed, config.size, config.clock.now()),
            records: records::Records::default(),
            faults: fault::Faults::default(),
            bucket: rate::Bucket::new(config.rate_limit),
            log: request_log::RequestLog::default(),
        }
    }
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
    let api_key = config.api_key.clone();
    let live = config.live;
    let cleared = watch::Sender::default();
    let engine = Arc::new(Engine { state: Mutex::new(State::new(&config)), config, cleared });
    let control = Control::new(engine.clone());
    let app = router(engine).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulator has stopped");
        }
    });
    let mover = live.map(|interval| tokio::spawn(control.clone().keep_moving(interval)));
    Ok(Handle { base_url: format!("http://{address}"), api_key, control, server, mover })
}

fn router(engine: Arc<Engine>) -> Router {
    let api = Router::new()
        .route("/tickets", get(routes::tickets::list))
        .route("/tickets/filter", get(routes::tickets::filter))
        .route("/tickets/{id}", get(routes::tickets::one).put(routes::ticket_changes::update))
        .route("/tickets/{id}/notes", post(routes::ticket_changes::add_note))
        .route("/tickets/{id}/conversations", get(routes::tickets::conversations))
        .route("/tickets/{id}/time_entries", get(routes::tickets::time_entries))
        .route("/departments", get(routes::master::departments))
        .route("/departments/{id}", put(routes::master::update_department).get(routes::master::department))
        .route("/requesters", get(routes::master::requesters))
        .route("/requesters/{id}", get(routes::master::requester))
        .route("/agents", get(routes::master::agents))
        .route("/agents/me", get(routes::master::me))
        .route("/agents/{id}", get(routes::master::agent))
        .route("/groups", get(routes::master::groups))
        .route("/assets", get(routes::master::assets))
        .fallback(answer::not_found)
        .layer(from_fn_with_state(engine.clone(), gate::gate));
    Router::new()
        .nest("/api/v2", api)
        .nest("/_control", control_routes::router())
        .route("/", get(web_page::list))
        .route("/livez", get(async || "alive"))
        .route("/helpdesk/tickets/{id}", get(web_page::ticket))
        .route("/a/tickets/{id}", get(web_page::ticket))
        .fallback(answer::not_found)
        .with_state(engine)
}
