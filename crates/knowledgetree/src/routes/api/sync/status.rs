//! How the syncs are.

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{auth::AdminOnly, extract::Json, problem::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::away;
use crate::{
    KnowledgeTree,
    domain::sync_runs::{Outcome, Progress, Runs},
    jobs::sync::Kind,
};

/// How the syncs are.
#[derive(Serialize, ToSchema)]
pub(super) struct SyncStatus {
    /// Items of companies: their folders, people and devices.
    company_items: i64,
    /// Articles of tickets.
    ticket_count: i64,
    /// Whether it is known where Codex is.
    codex_configured: bool,
    /// Companies, people and devices.
    codex: SyncState,
    /// Tickets.
    tickets: SyncState,
}

/// How a sync is.
#[derive(Serialize, ToSchema)]
struct SyncState {
    /// Whether it is running, on whichever instance.
    running: bool,
    /// Id of the run that is under way, else of the last one.
    job_id: Option<Uuid>,
    /// Who started that run.
    by: Option<String>,
    /// When.
    started_at: Option<DateTime<Utc>>,
    /// When the last run that came to its end began.
    last_run: Option<DateTime<Utc>>,
    /// Why the last run did not come to its end.
    last_error: Option<String>,
    /// What the last run did, for people.
    last_outcome: Option<String>,
    /// What it does just now, for people.
    step: Option<String>,
    /// Companies gone through.
    done: Option<u64>,
    /// Companies there are about, as far as that is known.
    total: Option<u64>,
    /// How far the run is, or how far the last one came.
    progress: Option<Progress>,
}

/// How the syncs are, and how much they have brought.
#[utoipa::path(
    get, path = "/admin/sync/status", tag = "administration",
    responses((status = 200, body = SyncStatus), (status = 403, description = "Not an administrator"))
)]
pub(super) async fn status(State(tree): State<KnowledgeTree>, _: AdminOnly) -> Result<Json<SyncStatus>> {
    let counts = tree.store.counts().await.map_err(away)?;
    let companies = u64::try_from(counts.companies).ok().filter(|companies| *companies > 0);
    let codex = tree.syncs.runs(Kind::Companies).await.map_err(away)?;
    let tickets = tree.syncs.runs(Kind::Tickets).await.map_err(away)?;
    Ok(Json(SyncStatus {
        company_items: counts.company_items,
        ticket_count: counts.tickets,
        codex_configured: tree.syncs.is_configured(),
        codex: SyncState::of(Kind::Companies, codex, companies),
        tickets: SyncState::of(Kind::Tickets, tickets, companies),
    }))
}

impl SyncState {
    fn of(kind: Kind, runs: Runs, companies: Option<u64>) -> Self {
        let last_run = runs.completed_at;
        let (last_error, last_outcome) = match &runs.last {
            Some(last) => (
                last.error.clone(),
                (last.outcome == Outcome::Completed).then(|| words(kind, &last.progress)),
            ),
            None => (None, None),
        };
        match (runs.current, runs.last) {
            (Some(run), _) => Self {
                running: true,
                job_id: Some(run.job_id),
                by: Some(run.by),
                started_at: Some(run.started_at),
                last_run,
                last_error,
                last_outcome,
                step: Some(if run.is_to_end { "Ending".to_owned() } else { words(kind, &run.progress) }),
                done: Some(run.progress.companies),
                total: companies.map(|companies| companies.max(run.progress.companies)),
                progress: Some(run.progress),
            },
            (None, last) => Self {
                running: false,
                job_id: last.as_ref().map(|last| last.job_id),
                by: last.as_ref().map(|last| last.by.clone()),
                started_at: last.as_ref().map(|last| last.started_at),
                last_run,
                last_error,
                last_outcome,
                step: None,
                done: None,
                total: None,
                progress: last.map(|last| last.progress),
            },
        }
    }
}

fn words(kind: Kind, progress: &Progress) -> String {
    let Progress {
        companies, tickets, created, updated, removed, companies_without_folder, unreadable, ..
    } = progress;
    let mut text = match kind {
        Kind::Companies => format!("{companies} companies, {created} items new, {updated} changed"),
        Kind::Tickets => {
            format!("{companies} companies, {tickets} tickets, {created} items new, {updated} changed")
        }
    };
    for (count, what) in [
        (removed, "put into the trash"),
        (companies_without_folder, "companies not synced yet"),
        (unreadable, "parts not readable"),
    ] {
        if *count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}
