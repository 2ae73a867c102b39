//! Helm: starts, watches and logs the suite. One program is both the command line and the daemon, which is also the
//! service on port 5004.

pub mod backup;
pub mod cli;
pub mod clients;
pub mod config;
pub mod control;
pub mod daemon;
pub mod doctor;
pub mod domain;
pub mod inspect;
pub mod instance;
pub mod jobs;
pub mod realm_admin;
pub mod restore;
pub mod routes;
pub mod services;
pub mod settings;
pub mod store;
pub mod suite;
pub mod supervisor;
pub mod update;

use std::net::SocketAddr;

use hivematrix_shared::{
    context::ServiceContext,
    health::Health,
    server::{self, ServeOptions},
};
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::{
    instance::Layout, realm_admin::CurrentRealm, services::board::StatusBoard,
    services::control::ServiceControl, store::log_stats::LogStats,
};

/// Tables of `helm_db`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/helm");

/// What the handlers need.
#[derive(Clone)]
pub struct ServeState {
    /// The service's context.
    pub context: ServiceContext,
    /// Where the files of the instance lie.
    pub layout: Layout,
    /// The log store.
    pub pool: PgPool,
    /// States of everything.
    pub board: StatusBoard,
    /// Log lines of the last hour.
    pub log_stats: LogStats,
    /// Orders to services.
    pub control: ServiceControl,
    /// The users of the realm.
    pub realm: CurrentRealm,
}

/// Serves until the context is stopped. Signals are the daemon's business: it stops the services before itself.
pub async fn serve(state: ServeState, listener: TcpListener) {
    let context = state.context.clone();
    let (app, options) = app(state);
    let app = server::apply(&context, app, options).into_make_service_with_connect_info::<SocketAddr>();
    let stop = context.shutdown.clone();
    let served =
        axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await }).await;
    if let Err(error) = served {
        tracing::error!(error = %error, "the server stopped");
    }
}

/// All routes with the options of their layers.
pub fn app(state: ServeState) -> (axum::Router, ServeOptions) {
    let health = Health::new(&state.context).database(state.pool.clone()).dependency("core");
    let metrics = routes::pages::metrics(state.clone());
    let (router, openapi) = routes::router(state);
    let options = ServeOptions::new("Helm", domain::ports::HELM)
        .health(health)
        .openapi(openapi)
        .metrics_page(metrics)
        .body_limit(routes::BATCH_LIMIT)
        .limits(routes::limits());
    (router, options)
}
