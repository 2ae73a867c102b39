//! The syncs from Codex, by order of an administrator (knowledgetree.md §5.4).

mod output;
mod status;

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::State};
use hivematrix_shared::{
    audit,
    auth::AdminOnly,
    extract::{Json, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::output::Output;
use crate::{
    KnowledgeTree,
    domain::sync_runs::{Ended, Outcome},
    jobs::sync::{Kind, NotStarted, Order},
    store::StoreError,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(sync_codex))
        .routes(routes!(sync_tickets))
        .routes(routes!(cancel_codex))
        .routes(routes!(cancel_tickets))
        .routes(routes!(status::status))
}

/// Whether to wait.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Waiting {
    /// `true` answers when the sync has ended, as the original does.
    wait: Option<String>,
}

impl Waiting {
    fn is_wanted(&self) -> bool {
        self.wait.as_deref().is_some_and(|wait| matches!(wait, "true" | "1"))
    }
}

/// A sync was started, or has ended well where it was waited for.
#[derive(Serialize, ToSchema)]
struct SyncStarted {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// Id of the run.
    job_id: Uuid,
    /// What the run told, where it was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

/// Starts the sync of companies, people and devices.
#[utoipa::path(
    post, path = "/admin/sync/codex", tag = "administration", params(Waiting),
    responses(
        (status = 200, body = SyncStarted, description = "It has ended, with `wait=true`"),
        (status = 202, body = SyncStarted),
        (status = 400, description = "It is not known where Codex is"),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "It is running, as `job_id`"),
        (status = 500, description = "It was waited for, and did not come to its end")
    )
)]
async fn sync_codex(
    State(tree): State<KnowledgeTree>,
    AdminOnly(caller): AdminOnly,
    Query(waiting): Query<Waiting>,
) -> Result<(StatusCode, Json<SyncStarted>)> {
    let order = Order { kind: Kind::Companies, by: caller.label(), overwrite: false };
    start(&tree, order, &waiting, 5).await
}

/// How tickets are synced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct TicketOrder {
    /// All tickets, not only those that changed since the last run.
    overwrite: bool,
}

impl TicketOrder {
    /// The original's callers send nothing at all.
    fn read(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let order: Option<Self> = serde_json::from_slice(body).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST).error(format!("The body is no order for a sync: {error}"))
        })?;
        Ok(order.unwrap_or_default())
    }
}

/// Starts the sync of tickets.
#[utoipa::path(
    post, path = "/admin/sync/tickets", tag = "administration", params(Waiting),
    request_body(content = Option<TicketOrder>, content_type = "application/json"),
    responses(
        (status = 200, body = SyncStarted, description = "It has ended, with `wait=true`"),
        (status = 202, body = SyncStarted),
        (status = 400, description = "It is not known where Codex is"),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "It is running, as `job_id`"),
        (status = 500, description = "It was waited for, and did not come to its end")
    )
)]
async fn sync_tickets(
    State(tree): State<KnowledgeTree>,
    AdminOnly(caller): AdminOnly,
    Query(waiting): Query<Waiting>,
    body: Bytes,
) -> Result<(StatusCode, Json<SyncStarted>)> {
    let order = TicketOrder::read(&body)?;
    let order = Order { kind: Kind::Tickets, by: caller.label(), overwrite: order.overwrite };
    start(&tree, order, &waiting, 10).await
}

async fn start(
    tree: &KnowledgeTree,
    order: Order,
    waiting: &Waiting,
    minutes: u64,
) -> Result<(StatusCode, Json<SyncStarted>)> {
    let (kind, by, overwrite) = (order.kind, order.by.clone(), order.overwrite);
    let output = Arc::new(Output::default());
    let (job_id, end) = tree.syncs.start(order, output.clone()).await.map_err(not_started)?;
    audit!(user = by, job = %job_id, sync = kind.title(), overwrite, "Sync started");
    let answer = |message: &str, output| {
        Json(SyncStarted { success: true, message: format!("{} {message}", kind.title()), job_id, output })
    };
    if !waiting.is_wanted() {
        return Ok((StatusCode::ACCEPTED, answer("started", None)));
    }
    let patience = Duration::from_secs(60 * minutes);
    let Ok(ended) = tokio::time::timeout(patience, end).await else {
        let text = format!("Sync timed out after {minutes} minutes");
        return Err(
            failed(&text, "It goes on in the background.", &output).with("job_id", job_id.to_string())
        );
    };
    match ended.ok().flatten() {
        Some(Ended { outcome: Outcome::Completed, .. }) => {
            Ok((StatusCode::OK, answer("completed successfully", Some(output.text()))))
        }
        Some(Ended { error, .. }) => {
            let text = format!("{} failed", kind.title());
            Err(failed(&text, error.as_deref().unwrap_or("It was ended."), &output))
        }
        None => Err(failed("Internal server error", "How it ended could not be noted.", &output)),
    }
}

fn failed(message: &str, error: &str, output: &Output) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        .detail(format!("{message}: {error}"))
        .with("success", false)
        .with("message", message)
        .with("error", error)
        .with("output", output.text())
}

fn not_started(error: NotStarted) -> Problem {
    match error {
        NotStarted::Running(running) => Problem::new(StatusCode::CONFLICT)
            .error(running.to_string())
            .with("success", false)
            .with("message", running.to_string())
            .with("job_id", running.0.to_string()),
        NotStarted::NotConfigured => Problem::new(StatusCode::BAD_REQUEST)
            .error("Codex is not configured")
            .with("success", false)
            .with("message", "Codex is not configured"),
        NotStarted::Store(error) => away(error),
    }
}

/// The store does not answer: none of its other refusals can come here.
fn away(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(cause) => Problem::unavailable("The database is temporarily unavailable.", 5)
            .with("error", "Database not configured")
            .cause(cause),
        error => Problem::internal(error),
    }
}

/// A run was told to end.
#[derive(Serialize, ToSchema)]
struct SyncCancelled {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
}

/// Ends the sync of companies that is running, after what it is writing just now.
#[utoipa::path(
    post, path = "/admin/sync/codex/cancel", tag = "administration",
    responses(
        (status = 202, body = SyncCancelled),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "It is not running")
    )
)]
async fn cancel_codex(
    State(tree): State<KnowledgeTree>,
    AdminOnly(caller): AdminOnly,
) -> Result<(StatusCode, Json<SyncCancelled>)> {
    cancel(&tree, Kind::Companies, &caller.label()).await
}

/// Ends the sync of tickets that is running, after what it is writing just now.
#[utoipa::path(
    post, path = "/admin/sync/tickets/cancel", tag = "administration",
    responses(
        (status = 202, body = SyncCancelled),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "It is not running")
    )
)]
async fn cancel_tickets(
    State(tree): State<KnowledgeTree>,
    AdminOnly(caller): AdminOnly,
) -> Result<(StatusCode, Json<SyncCancelled>)> {
    cancel(&tree, Kind::Tickets, &caller.label()).await
}

async fn cancel(tree: &KnowledgeTree, kind: Kind, by: &str) -> Result<(StatusCode, Json<SyncCancelled>)> {
    if !tree.syncs.cancel(kind, None).await.map_err(away)? {
        return Err(Problem::new(StatusCode::CONFLICT).error("This sync is not running"));
    }
    audit!(user = by, sync = kind.title(), "Sync told to end");
    let message = format!("{} ends", kind.title());
    Ok((StatusCode::ACCEPTED, Json(SyncCancelled { success: true, message })))
}
