//! Archives: the list of them, how far the running one is, and the order to make one.

use std::path::PathBuf;

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::{
    ServeState,
    backup::{
        history::{self, Last, Progress},
        rehearsal::{self, Rehearsal},
        run::{self, Order, incomplete},
    },
    domain::{
        backup::{manifest::State as PartState, retention::Record},
        systemd::unit_name,
    },
    instance::installation,
    routes::access::{AdminUser, Author},
};

/// An archive that is still there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Archive {
    /// Name of its file.
    name: String,
    /// Where it lies on the server.
    #[schema(value_type = String)]
    path: PathBuf,
    created_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
    /// Bytes.
    size: u64,
    /// Every part that was expected is in it.
    complete: bool,
    parts: Vec<ArchivePart>,
    /// The last test restore: when it was, and whether everything came back. Null when there was none.
    verified: Option<Verified>,
}

/// A part of an archive.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchivePart {
    name: String,
    /// `saved`, `not used`, `left out` or `missing`.
    state: &'static str,
    /// Bytes before encryption.
    size: u64,
    /// Why it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A test restore.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    at: DateTime<Utc>,
    ok: bool,
}

impl From<Record> for Archive {
    fn from(record: Record) -> Self {
        Self {
            name: record.archive.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: record.archive,
            created_at: record.created_at,
            finished_at: record.finished_at,
            size: record.bytes,
            complete: record.complete,
            parts: record
                .parts
                .into_iter()
                .map(|part| ArchivePart {
                    name: part.name,
                    state: part.state.as_str(),
                    size: part.bytes,
                    reason: part.reason.filter(|_| part.state != PartState::Saved),
                })
                .collect(),
            verified: record.verified.map(|verified| Verified { at: verified.at, ok: verified.ok }),
        }
    }
}

/// All archives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Archives {
    backups: Vec<Archive>,
}

/// Whether an archive is being made, and what became of the last one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    running: bool,
    /// How far it is. Null when none is being made, or in its first moment.
    progress: Option<Progress>,
    /// Null when there never was one.
    last: Option<Last>,
}

/// What was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Started {
    success: bool,
    message: &'static str,
}

/// The archives of this instance, newest first.
#[utoipa::path(get, path = "/api/backups", tag = "backups",
    responses((status = 200, description = "Archives that are still there", body = Archives)))]
pub async fn list(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Archives>> {
    let records = history::records(&state.layout).map_err(unreadable)?;
    Ok(Json(Archives { backups: records.into_iter().map(Archive::from).collect() }))
}

/// Whether an archive is being made, by whomever, and what became of the last one.
#[utoipa::path(get, path = "/api/backups/status", tag = "backups",
    responses((status = 200, description = "State", body = Status)))]
pub async fn status(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Status>> {
    let running = history::running(&state.layout).map_err(unreadable)?;
    let last = history::last(&state.layout).map_err(unreadable)?;
    Ok(Json(Status { running: running.is_running, progress: running.progress, last }))
}

/// Begins to make an archive in the background.
#[utoipa::path(post, path = "/api/backups", tag = "backups",
    responses((status = 202, description = "Begun", body = Started),
        (status = 409, description = "One is being made already")))]
pub async fn start(State(state): State<ServeState>, by: Author) -> Result<(StatusCode, Json<Started>)> {
    let Some(lock) = history::take(&state.layout).await.map_err(unreadable)? else {
        return Err(Problem::new(StatusCode::CONFLICT).error("A backup is already running"));
    };
    audit!(by = by.name, "a backup was ordered");
    let begun = (StatusCode::ACCEPTED, Json(Started { success: true, message: "Backup started" }));
    if let Some(systemctl) = state.control.systemctl() {
        // Under systemd Helm may not read what it has to save; the unit of the nightly backup may.
        drop(lock);
        systemctl.begin(&unit_name("backup")).await.map_err(|error| {
            Problem::internal(format!("{error:#}")).error("systemd does not start the backup")
        })?;
        return Ok(begun);
    }
    let (layout, clock) = (state.layout.clone(), state.context.clock.clone());
    state.context.spawn("backup", async move {
        match run::run(&layout, &Order::default(), &clock, lock).await {
            Ok(done) => match incomplete(&done.manifest) {
                None => {
                    tracing::info!(archive = %done.archive.display(), bytes = done.bytes, "backup written")
                }
                Some(reason) => {
                    tracing::error!(archive = %done.archive.display(), reason, "backup is incomplete")
                }
            },
            Err(error) => tracing::error!(error = format!("{error:#}"), "backup failed"),
        }
    });
    Ok(begun)
}

/// Whether a dry run is being made, and what became of the last one.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestStatus {
    running: bool,
    /// Null when there never was one.
    last: Option<Rehearsal>,
}

/// Whether a dry run is being made, and what became of the last one.
#[utoipa::path(get, path = "/api/backups/test", tag = "backups",
    responses((status = 200, description = "State", body = TestStatus)))]
pub async fn test_status(State(state): State<ServeState>, _: AdminUser) -> Result<Json<TestStatus>> {
    let running = rehearsal::is_running(&state.layout).map_err(unreadable)?;
    Ok(Json(TestStatus { running, last: rehearsal::last(&state.layout).map_err(unreadable)? }))
}

/// Begins a dry run in the background: looks at everything that an archive would hold, writes none, and stops nothing.
#[utoipa::path(post, path = "/api/backups/test", tag = "backups",
    responses((status = 202, description = "Begun", body = Started),
        (status = 409, description = "One is being made already, or Helm may not look at the other services' files")))]
pub async fn test(State(state): State<ServeState>, by: Author) -> Result<(StatusCode, Json<Started>)> {
    if let Err(reason) = begin_test(&state, &by).await? {
        return Err(Problem::new(StatusCode::CONFLICT).error(reason));
    }
    Ok((StatusCode::ACCEPTED, Json(Started { success: true, message: "Test backup started" })))
}

/// Begins a dry run; its result, when it is there, or why there will be none.
pub(in crate::routes) async fn begin_test(
    state: &ServeState,
    by: &Author,
) -> Result<std::result::Result<oneshot::Receiver<Rehearsal>, &'static str>> {
    if installation::of(&state.layout).map_err(unreadable)?.is_some() {
        return Ok(Err(
            "Under systemd each service's files are its own: run `sudo helm backup --dry-run` on the machine",
        ));
    }
    let Some(lock) = rehearsal::take(&state.layout).await.map_err(unreadable)? else {
        return Ok(Err("A test backup is already running"));
    };
    audit!(by = by.name, "a test backup was ordered");
    let (sender, result) = oneshot::channel();
    let (layout, clock) = (state.layout.clone(), state.context.clock.clone());
    state.context.spawn("test backup", async move {
        match rehearsal::run(&layout, &clock, lock).await {
            Ok(done) => {
                tracing::info!(ok = done.ok, error = done.error, "test backup done");
                // Nobody may be waiting any more.
                let _ = sender.send(done);
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the result of the test backup is not kept")
            }
        }
    });
    Ok(Ok(result))
}

fn unreadable(error: anyhow::Error) -> Problem {
    Problem::internal(format!("{error:#}"))
}
