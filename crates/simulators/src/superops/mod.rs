//! A SuperOps stand-in: GraphQL over HTTP, the same world as [`crate::freshservice`] shows.
//!
//! [`spawn`] starts it on a loopback port and hands back a [`Handle`] with its address and its [`Control`]: the way to
//! change tickets, to make it misbehave and to see what it was asked. Records have the vendor's names and ids there; a
//! ticket goes by the world's id, see [`ticket_id`]. Faults name root fields (`/getTicketList`) or operations.

mod changes;
mod list;
mod query;
mod records;
mod resolve;
mod schema;
mod serve;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::freshservice::{self, Control, Engine, control_routes};

/// How to run the simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address, size, seed, clock, token and requests per minute.
    pub desk: freshservice::Config,
    /// The tenant that callers must name.
    pub subdomain: String,
}

impl Default for Config {
    /// What tests want: demo size, standing world, free port, a limit nobody reaches.
    fn default() -> Self {
        Self { desk: freshservice::Config::default(), subdomain: "simulated".to_owned() }
    }
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    /// Origin, like `http://127.0.0.1:40123`; the API is at `/msp`.
    pub base_url: String,
    /// The token to call it with.
    pub api_key: String,
    /// The tenant to call it for.
    pub subdomain: String,
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
struct Tenant {
    engine: Arc<Engine>,
    subdomain: String,
}

/// The vendor's id of a record of the world.
#[must_use]
pub const fn vendor_id(world_id: u64) -> u64 {
    wire::vendor_id(world_id)
}

/// Starts a simulator.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn spawn(config: Config) -> std::io::Result<Handle> {
    let listener = TcpListener::bind((config.desk.host, config.desk.port)).await?;
    let address = listener.local_addr()?;
    let (api_key, live, subdomain) = (config.desk.api_key.clone(), config.desk.live, config.subdomain);
    let engine = Engine::new(config.desk);
    let control = Control::new(engine.clone());
    let app = router(engine, subdomain.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulator has stopped");
        }
    });
    let mover = live.map(|interval| tokio::spawn(control.clone().keep_moving(interval)));
    Ok(Handle { base_url: format!("http://{address}"), api_key, subdomain, control, server, mover })
}

fn router(engine: Arc<Engine>, subdomain: String) -> Router {
    let tenant = Arc::new(Tenant { engine: engine.clone(), subdomain });
    let api = Router::new()
        .route("/msp", post(serve::answer))
        .route("/livez", get(async || "alive"))
        .with_state(tenant);
    Router::new().nest("/_control", control_routes::router()).with_state(engine).merge(api)
}
