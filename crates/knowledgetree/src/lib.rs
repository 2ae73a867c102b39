//! KnowledgeTree: what the team knows, as a tree of notes and files.
//!
//! The tree lives in Neo4j where that is set up, else in PostgreSQL: [`store::KnowledgeStore`] is the contract of both.

pub mod cli;
pub mod clients;
pub mod config;
pub mod domain;
pub mod jobs;
pub mod routes;
pub mod store;

use std::{process::ExitCode, sync::Arc};

use axum::Router;
use hivematrix_shared::{
    context::ServiceContext,
    health::Health,
    logging,
    rate_limit::Limits,
    server::{self, ServeOptions},
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    cli::Command,
    config::{DEFAULT_PORT, Settings},
    jobs::{seed, sync::Syncs},
    store::KnowledgeStore,
};

/// What every handler and job works with. Cheap to clone.
#[derive(Clone)]
pub struct KnowledgeTree {
    /// What all services share.
    pub context: ServiceContext,
    /// The tree.
    pub store: Arc<dyn KnowledgeStore>,
    /// The syncs from Codex.
    pub syncs: Syncs,
}

impl KnowledgeTree {
    /// Puts the parts together; starts nothing.
    pub fn new(context: ServiceContext, settings: &Settings, store: Arc<dyn KnowledgeStore>) -> Self {
        if let Some(url) = &settings.codex_url {
            context.client.set_default_url("codex", url);
        }
        let syncs = Syncs::new(context.clone(), store.clone(), settings.sync);
        Self { context, store, syncs }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "KnowledgeTree API",
    version = "2.0.0",
    description = "Notes, files and context as a tree: browsing, searching, writing, and what belongs to a ticket."
))]
struct ApiDocument;

/// All routes, and how they are to be served.
pub fn app(tree: KnowledgeTree) -> (Router, ServeOptions) {
    let (api, document) =
        OpenApiRouter::with_openapi(ApiDocument::openapi()).merge(routes::api::router()).split_for_parts();
    let health = store::health(Health::new(&tree.context), &tree.store).dependency("core").dependency("codex");
    let options = ServeOptions::new("KnowledgeTree", DEFAULT_PORT)
        .limits(Limits::platform_default())
        .health(health)
        .openapi(document);
    (api.merge(routes::pages::router()).with_state(tree), options)
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start: a wrong setting, no store, a newer database, a port in use. A Neo4j that is away is no reason.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let context = ServiceContext::start("knowledgetree", settings.common.clone())?;
    let store = store::open(&settings, &context.shutdown).await?;
    let tree = KnowledgeTree::new(context.clone(), &settings, store);
    let (store, syncs, seed_file) = (tree.store.clone(), tree.syncs.clone(), settings.seed_file.clone());
    let clock = context.clock.clone();
    context.spawn("schedule of syncs", async move {
        // Before the first sync: a tree with something in it gets no seed.
        if let Some(file) = seed_file {
            seed::when_ready(store.as_ref(), &file, &clock).await;
        }
        syncs.follow().await;
    });
    let (app, options) = app(tree);
    Ok(server::run(context, app, options).await?)
}

/// Runs a command of the command line, without a server.
///
/// # Errors
/// When it cannot begin, or fails: why.
pub async fn run_command(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    logging::init(&settings.common, "knowledgetree");
    cli::run(command, settings).await
}
