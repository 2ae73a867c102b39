//! Beacon, the live ticket board: stateless, everything it shows comes from Codex (beacon.md).

mod cache;
mod clients;
pub mod config;
mod domain;
mod environment;
mod jobs;
mod routes;

use std::sync::Arc;

use axum::Router;
use hivematrix_shared::{
    context::ServiceContext,
    rate_limit::RateLimits,
    server::{self, ServeOptions},
};

use crate::{
    cache::{HistoryCache, LinkCache, ReferenceCache, TicketCache},
    clients::codex::Codex,
    config::Settings,
    domain::{link_key::Signer, views::Views},
    routes::{
        answer::{self, Answers},
        display,
        pages::board::{self, Pages},
        places::Places,
    },
};

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Beacon(Arc<Parts>);

struct Parts {
    context: ServiceContext,
    settings: Settings,
    views: Views,
    codex: Codex,
    tickets: TicketCache,
    reference: ReferenceCache,
    histories: HistoryCache,
    links: LinkCache,
    /// Signs display links; none while displays are switched off.
    signer: Option<Signer>,
    link_limits: RateLimits,
    places: Places,
    answers: Answers,
    pages: Pages,
}

impl Beacon {
    /// The service with empty caches; nothing is asked for yet.
    pub fn new(context: ServiceContext, settings: Settings) -> Self {
        if let Some(url) = &settings.codex_url {
            context.client.set_default_url("codex", url);
        }
        let views = settings.views.clone().unwrap_or_default();
        let codex = Codex::new(context.client.clone());
        let reference = ReferenceCache::new(
            codex.clone(),
            &context.clock,
            settings.professional_services().to_vec(),
            views.use_professional_services(),
        );
        Self(Arc::new(Parts {
            tickets: TicketCache::new(codex.clone(), context.clock.clone()),
            histories: HistoryCache::new(codex.clone(), &context.clock, &views),
            links: LinkCache::new(codex.clone(), &context.clock),
            signer: settings.signer(),
            link_limits: display::limits(context.settings.rate_limit_scale),
            places: Places::new(context.settings.rate_limit_scale),
            answers: answer::answers(),
            pages: board::pages(),
            context,
            settings,
            views,
            codex,
            reference,
        }))
    }

    /// Starts what runs beside the requests.
    pub fn start_jobs(&self) {
        jobs::start(self);
    }

    /// All routes of its own, without the common layers.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// Limits, health and documents for the common layers.
    pub fn options(&self) -> ServeOptions {
        routes::options(self)
    }
}

/// Runs the service until it is told to stop.
pub async fn run(mut settings: Settings) -> anyhow::Result<()> {
    settings.heed_environment();
    let context = ServiceContext::start("beacon", settings.common.clone())?;
    if let Some(logs) = context.logs() {
        logs.set_top_level_fields(&["view_slug", "agent_id", "ticket_count"]);
    }
    if let Some(error) = settings.contradiction() {
        anyhow::bail!(error);
    }
    let beacon = Beacon::new(context.clone(), settings);
    beacon.start_jobs();
    server::run(context, beacon.router(), beacon.options()).await?;
    Ok(())
}
