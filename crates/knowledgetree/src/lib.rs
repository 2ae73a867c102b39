//! KnowledgeTree: what the team knows, as a tree of notes and files.
//!
//! The tree lives in Neo4j where that is set up, else in PostgreSQL: [`store::KnowledgeStore`] is the contract of both.

pub mod config;
pub mod domain;
pub mod files;
pub mod jobs;
pub mod routes;
pub mod store;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hivematrix_shared::{
    context::ServiceContext,
    health::Health,
    rate_limit::Limits,
    server::{self, ServeOptions},
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    config::{DEFAULT_PORT, Settings},
    files::Files,
    store::KnowledgeStore,
};

/// What every handler and job works with. Cheap to clone.
#[derive(Clone)]
pub struct KnowledgeTree {
    /// What all services share.
    pub context: ServiceContext,
    /// The tree.
    pub store: Arc<dyn KnowledgeStore>,
    /// The bytes of files.
    pub files: Files,
    /// Days that what was deleted stays in the trash.
    pub trash_days: u16,
}

impl KnowledgeTree {
    /// Puts the parts together; starts nothing.
    pub fn new(context: ServiceContext, settings: &Settings, store: Arc<dyn KnowledgeStore>) -> Self {
        if let Some(url) = &settings.codex_url {
            context.client.set_default_url("codex", url);
        }
        let program = std::env::current_exe().unwrap_or_else(|_| "hivematrix-knowledgetree".into());
        let files = Files::new(context.settings.service_dir().join("uploads"), program);
        Self { context, store, files, trash_days: settings.trash_days }
    }
}

/// Most bytes of a request: the largest file and the form around it.
const BODY_LIMIT: usize = 51 * 1024 * 1024;
/// Time for what takes longest: a large file over a slow line. Other routes have a limit of their own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10 * 60);

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
    let health =
        store::health(Health::new(&tree.context), &tree.store).dependency("core").dependency("codex");
    let options = ServeOptions::new("KnowledgeTree", DEFAULT_PORT)
        .limits(Limits::platform_default())
        .body_limit(BODY_LIMIT)
        .request_timeout(REQUEST_TIMEOUT)
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
    context.spawn("retention of the trash", jobs::retention::run(tree.clone()));
    context.spawn("tidying of files", files::tidy_daily(tree.files.clone(), tree.store.clone()));
    let (app, options) = app(tree);
    Ok(server::run(context, app, options).await?)
}
