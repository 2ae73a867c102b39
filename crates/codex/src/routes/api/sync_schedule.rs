//! What runs by itself and when (codex-api.md §8.3).

use axum::extract::State;
use hivematrix_shared::{
    auth::TechnicianOnly, clock::zone_name, extract::Json, pages::format::iso_z, problem::Result,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{refusals::ForTechnicians, sync_jobs::name};
use crate::{
    Codex,
    domain::schedule::{Rhythm, Schedule},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(schedule))
}

/// Something that runs by itself.
#[derive(Serialize, ToSchema)]
pub struct Scheduled {
    /// `psa_sync`, `tickets_light_sync`, `tickets_detail_sync`, `tickets_full_sync` or `rmm_sync`.
    pub id: &'static str,
    /// Name for people.
    pub name: String,
    /// Name of the provider.
    pub provider: &'static str,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// How often, in words.
    pub rhythm: String,
    /// When it will begin; null when it is switched off.
    pub next_run: Option<String>,
    /// When it last began.
    pub last_run: Option<String>,
    /// When it last began and went well.
    pub last_success: Option<String>,
    /// Whether it runs now.
    pub running: bool,
}

/// The schedule.
#[derive(Serialize, ToSchema)]
pub struct ScheduleAnswer {
    success: bool,
    /// Whether this instance takes part at all (`CODEX_SKIP_SCHEDULER`).
    pub enabled: bool,
    /// Whether everything runs once when the service starts.
    pub run_on_startup: bool,
    /// The zone in which times of a day are meant: the server's.
    pub time_zone: String,
    /// What runs by itself, for every configured provider.
    pub jobs: Vec<Scheduled>,
}

/// What runs by itself and when it will run next.
#[utoipa::path(get, path = "/api/sync/schedule", tag = "sync", responses(
    (status = 200, body = ScheduleAnswer), ForTechnicians
))]
async fn schedule(State(codex): State<Codex>, _: TechnicianOnly) -> Result<Json<ScheduleAnswer>> {
    upcoming(&codex).await.map(Json)
}

/// The schedule for the route and the page.
///
/// # Errors
/// When the database cannot be read.
pub async fn upcoming(codex: &Codex) -> Result<ScheduleAnswer> {
    let schedule = codex.sync.schedule();
    let jobs = codex.sync.upcoming().await?.into_iter().map(|job| Scheduled {
        id: job.id,
        name: scheduled_name(&schedule, job.id, job.provider),
        provider: job.provider,
        enabled: job.enabled,
        rhythm: rhythm(&schedule, job.id),
        next_run: job.next_run.map(iso_z),
        last_run: job.last_run.map(iso_z),
        last_success: job.last_success.map(iso_z),
        running: job.running,
    });
    Ok(ScheduleAnswer {
        success: true,
        enabled: schedule.enabled,
        run_on_startup: schedule.run_on_startup,
        time_zone: zone_name(),
        jobs: jobs.collect(),
    })
}

fn scheduled_name(schedule: &Schedule, id: &str, provider: &str) -> String {
    match id {
        "tickets_light_sync" => name("psa", Some(provider), Some("tickets")),
        "tickets_detail_sync" if schedule.details != Rhythm::Never => {
            name("psa", Some(provider), Some("tickets-detail"))
        }
        "tickets_detail_sync" | "tickets_full_sync" => name("psa", Some(provider), Some("tickets-full")),
        "rmm_sync" => format!("{}: assets", name("rmm", Some(provider), None)),
        _ => format!("{}: companies, contacts, agents", name("psa", Some(provider), None)),
    }
}

fn rhythm(schedule: &Schedule, id: &str) -> String {
    let words = |rhythm: Rhythm| match rhythm {
        Rhythm::Daily(time) => format!("daily at {} {}", time.format("%H:%M"), zone_name()),
        Rhythm::Hourly => "every hour".to_owned(),
        Rhythm::Never => "never".to_owned(),
    };
    match id {
        "tickets_light_sync" => match schedule.tickets.map(|interval| interval.num_seconds()) {
            Some(seconds) if seconds % 60 == 0 && seconds > 60 => format!("every {} minutes", seconds / 60),
            Some(60) => "every minute".to_owned(),
            Some(seconds) => format!("every {seconds} seconds"),
            None => "never".to_owned(),
        },
        "tickets_detail_sync" if schedule.details != Rhythm::Never => words(schedule.details),
        "tickets_detail_sync" | "tickets_full_sync" => words(schedule.comparison),
        "rmm_sync" => words(schedule.assets),
        _ => words(schedule.base),
    }
}
