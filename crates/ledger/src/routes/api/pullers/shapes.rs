//! The administrators' jobs as JSON.

use chrono::{DateTime, TimeZone, Utc};
use hivematrix_shared::{clock, problem::Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::{archive::stamp, bad};
use crate::{
    Ledger,
    domain::pullers::{Cron, Script},
    store::{pullers::PullerRow, runs::RunRow},
};

/// Moments that a schedule is explained with.
const MOMENTS: usize = 3;

/// The zone whose clock schedules mean.
pub(in crate::routes) fn zone() -> String {
    clock::zone_name()
}

/// What is set of a job.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
pub(super) struct PullerBody {
    /// What people call it, up to 150 characters; no two have the same name.
    job_name: Option<String>,
    /// What it does: one of `sync_from_codex.py`, `scheduled_snapshots`, `verify`.
    script_path: Option<String>,
    /// When it is due, by the clock of the server: five fields as in a crontab, or `@hourly`, `@daily`, `@weekly`, `@monthly`,
    /// `@yearly`; empty or null is by hand only.
    schedule_cron: Option<String>,
    /// Whether the schedule is followed; true where a new job does not say it.
    enabled: Option<bool>,
    /// For people, up to 2000 characters.
    description: Option<String>,
}

/// What a job can do.
#[derive(Serialize, ToSchema)]
pub(super) struct ChosenScript {
    /// Value of `script_path`.
    name: &'static str,
    /// For people.
    description: &'static str,
}

impl ChosenScript {
    pub(super) const fn of(script: Script) -> Self {
        Self { name: script.name(), description: script.words() }
    }
}

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct PullerShape {
    id: i32,
    job_name: String,
    /// What it does; a job that was taken over may name a script that Ledger does not have.
    script_path: String,
    /// False where `script_path` is no job of Ledger: such a row is never run.
    runnable: bool,
    /// Five fields as in a crontab, by the clock of the server; null is by hand only.
    schedule_cron: Option<String>,
    /// The schedule in words; null where there is none, or one that cannot be read.
    schedule_words: Option<String>,
    /// When it is next due, UTC; null where it never is by itself.
    next_run_at: Option<String>,
    /// Whether the schedule is followed.
    enabled: bool,
    description: Option<String>,
    /// When it last began, UTC.
    last_run: Option<String>,
    /// `Running`, `Success`, `Failure`, `Timeout`, `Error` or `Cancelled`; null where it never ran.
    last_status: Option<String>,
    /// Its newest run; null where it never ran here.
    last_run_id: Option<Uuid>,
}

impl PullerShape {
    pub(super) fn of(ledger: &Ledger, row: PullerRow) -> Self {
        let cron = row.puller.cron();
        let next = row.next(&ledger.context.clock.local());
        Self {
            id: row.id,
            runnable: row.puller.script().is_some(),
            job_name: row.puller.job_name,
            script_path: row.puller.script_path,
            schedule_cron: row.puller.schedule_cron,
            schedule_words: cron.map(|cron| cron.words()),
            next_run_at: next.map(|next| stamp(next.to_utc())),
            enabled: row.puller.enabled,
            description: row.puller.description,
            last_run: row.last_run.map(stamp),
            last_status: row.last_status,
            last_run_id: row.run_id,
        }
    }
}

/// A run of a job.
#[derive(Serialize, ToSchema)]
pub(super) struct RunShape {
    id: Uuid,
    /// What ran.
    script_path: String,
    /// A person, or `scheduler`.
    triggered_by: String,
    /// The moment of the schedule, UTC; null where a person started it.
    due_at: Option<String>,
    /// UTC.
    started_at: String,
    /// UTC; null while it runs.
    ended_at: Option<String>,
    /// Whole seconds from its beginning to its end, or to now.
    duration_seconds: i64,
    /// `Running`, `Success` (all is well), `Failure` (it came to its end, and not all is well), `Timeout` (it took two hours),
    /// `Error` (it did not come to its end) or `Cancelled`.
    status: String,
    /// Of the command that does the same, 0 or 1; null where it did not come to its end.
    exit_code: Option<i32>,
    /// Who wanted it to end.
    cancelled_by: Option<String>,
    /// What it said, the newest 64 KiB; only where one run is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl RunShape {
    pub(super) fn of(row: RunRow, log: Option<String>, now: DateTime<Utc>) -> Self {
        Self {
            id: row.id,
            duration_seconds: row.seconds(now),
            script_path: row.script_path,
            triggered_by: row.triggered_by,
            due_at: row.due_at.map(stamp),
            started_at: stamp(row.started_at),
            ended_at: row.ended_at.map(stamp),
            status: row.status,
            exit_code: row.exit_code,
            cancelled_by: row.cancelled_by,
            log,
        }
    }
}

/// What a schedule means.
#[derive(Serialize, ToSchema)]
pub(super) struct ScheduleShape {
    /// In words.
    words: String,
    /// The next moments by the clock of the server, such as `2025-07-16 02:30`.
    next: Vec<String>,
    /// The zone of that clock.
    zone: String,
}

impl ScheduleShape {
    /// Of a text.
    pub(super) fn of<Z: TimeZone>(text: &str, now: &DateTime<Z>) -> Result<Self, Problem> {
        let wrong = |fault: String| {
            bad(format!("The schedule {fault}.")).with("fields", json!({ "schedule_cron": fault }))
        };
        let cron = Cron::parse(text.trim()).map_err(wrong)?;
        let mut next = Vec::with_capacity(MOMENTS);
        let mut after = now.clone();
        while next.len() < MOMENTS
            && let Some(moment) = cron.next(&after)
        {
            next.push(moment.naive_local().format("%Y-%m-%d %H:%M").to_string());
            after = moment;
        }
        if next.is_empty() {
            return Err(wrong("never comes: there is no such day".to_owned()));
        }
        Ok(Self { words: cron.words(), next, zone: zone() })
    }
}
