//! Ledger: bills that are exact, explained and final.
//!
//! [`domain::billing`] makes a bill from what Codex and Ledger's own tables say, [`domain::documents`] makes invoices of it.
//! Neither reads anything or knows what time it is. [`bills`] brings together what they need.

pub mod bills;
pub mod case;
pub mod cli;
pub mod clients;
pub mod config;
pub mod domain;
pub mod import;
pub mod jobs;
pub mod routes;
pub mod store;

use std::{process::ExitCode, sync::Arc};

use axum::Router;
use hivematrix_shared::{
    context::ServiceContext,
    db,
    health::Health,
    logging,
    rate_limit::Limits,
    server::{self, ServeOptions},
};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    bills::{Bills, papers},
    cli::Command,
    clients::{codex::Codex, mail::Mailer},
    config::{DEFAULT_PORT, Settings},
    jobs::{Jobs, pullers},
};

/// The schema, applied at start.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/ledger");

/// What every handler and job works with. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    /// What all services share.
    pub context: ServiceContext,
    /// The database.
    pub pool: PgPool,
    /// Codex, the source of companies, devices, people, tickets and plans.
    pub codex: Codex,
    /// Makes bills.
    pub bills: Bills,
    /// Archives months in the background.
    pub jobs: Jobs,
    /// Sends invoices, where a mail server is set.
    pub mailer: Option<Mailer>,
    /// Who walks through the archive.
    pub verifying: Arc<Semaphore>,
    /// Who draws PDFs.
    pub drawing: Arc<Semaphore>,
    /// Runs of the administrators' jobs in this instance.
    pub pulling: Arc<Semaphore>,
}

impl Ledger {
    /// Puts the parts together; starts nothing.
    pub fn new(context: ServiceContext, settings: &Settings, pool: PgPool) -> Self {
        if let Some(url) = &settings.codex_url {
            context.client.set_default_url("codex", url);
        }
        let codex = Codex::new(context.client.clone(), context.clock.clone());
        let bills = Bills::new(codex.clone(), pool.clone(), context.clock.clone());
        let jobs = Jobs::new(bills.clone(), pool.clone(), context.clock.clone(), context.shutdown.clone());
        let verifying = Arc::new(Semaphore::new(1));
        let drawing = Arc::new(Semaphore::new(papers::AT_A_TIME));
        let pulling = Arc::new(Semaphore::new(pullers::AT_A_TIME));
        let mailer = Mailer::of(&settings.mail);
        Self { context, pool, codex, bills, jobs, mailer, verifying, drawing, pulling }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Ledger API",
    version = "2.0.0",
    description = "Bills, own conditions of companies, and the archive of invoices."
))]
struct ApiDocument;

/// All routes, and how they are to be served.
pub fn app(ledger: Ledger) -> (Router, ServeOptions) {
    let (api, document) =
        OpenApiRouter::with_openapi(ApiDocument::openapi()).merge(routes::api::router()).split_for_parts();
    let health =
        Health::new(&ledger.context).database(ledger.pool.clone()).dependency("core").dependency("codex");
    let options = ServeOptions::new("Ledger", DEFAULT_PORT)
        .limits(Limits::platform_default())
        .health(health)
        .openapi(document);
    (api.merge(routes::pages::router()).with_state(ledger), options)
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start: no or a newer database, a wrong setting, a port in use.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    settings.mail.check().map_err(anyhow::Error::msg)?;
    let context = ServiceContext::start("ledger", settings.common.clone())?;
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, &context.shutdown).await?;
    let ledger = Ledger::new(context.clone(), &settings, pool);
    // Watches the shutdown itself: a company that is being archived is archived whole.
    context.spawn_graceful(ledger.jobs.clone().run());
    context.spawn_graceful(pullers::follow(ledger.clone()));
    let (app, options) = app(ledger);
    Ok(server::run(context, app, options).await?)
}

/// Runs a command of the command line, without a server.
///
/// # Errors
/// When it cannot begin: no or a newer database.
pub async fn run_command(command: &Command, settings: Settings) -> anyhow::Result<ExitCode> {
    if let Command::Compute(args) = command {
        return Ok(cli::compute::run(args));
    }
    logging::init(&settings.common, "ledger");
    // The database may not be there yet.
    if let Command::InitDb(args) = command {
        return cli::init_db::run(args, &settings).await;
    }
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, &CancellationToken::new()).await?;
    cli::run(command, &settings, pool).await
}
