//! `GET /admin/settings` (§11): connection, syncs, export and import, trash, wipe.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{
    auth::{AdminOnly, UserOnly},
    pages::Page,
};

use super::{
    errors::{Asked, PageResult},
    parts::Frame,
};
use crate::{KnowledgeTree, domain::synced::Counts, store::StoreKind};

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage {
    page: Page,
    /// Name of the store.
    store: &'static str,
    /// Whether it answers.
    answers: bool,
    /// Address of Neo4j, where that is the store; never its password.
    neo4j_uri: Option<Arc<str>>,
    /// Address of Codex, where it is known.
    codex_url: Option<String>,
    /// How much there is; nothing while the store does not answer.
    counts: Option<Counts>,
    trash_days: u16,
}

/// The page. It opens while the store is away too: it says so.
pub async fn page(
    State(tree): State<KnowledgeTree>,
    _: AdminOnly,
    UserOnly(user): UserOnly,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&asked.page, &user);
    asked.answer(show(&tree, frame).await)
}

async fn show(tree: &KnowledgeTree, frame: Frame) -> PageResult {
    let counts = tree.store.counts().await;
    if let Err(error) = &counts {
        tracing::warn!(%error, "the store does not answer");
    }
    let html = SettingsPage {
        store: match tree.store.kind() {
            StoreKind::Neo4j => "Neo4j",
            StoreKind::Postgres => "PostgreSQL",
        },
        answers: counts.is_ok(),
        neo4j_uri: tree.neo4j_uri.clone(),
        codex_url: tree.context.client.base_url("codex").ok(),
        counts: counts.ok(),
        trash_days: tree.trash_days,
        page: frame.page,
    }
    .render()?;
    Ok(Html(html).into_response())
}
