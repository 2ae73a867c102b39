//! When the month is archived by itself (ledger.md §7.5).

use axum::extract::State;
use hivematrix_shared::{audit, auth::AdminOnly, extract::Json, problem::Result};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, archive::stamp, by, invalid, members};
use crate::{Ledger, domain::schedule::Schedule, store::schedule};

/// What a schedule is where there is none.
const DEFAULT: Schedule =
    Schedule { enabled: true, day_of_month: 1, hour: 2, previous_month: true, all_companies: true };

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(show, save))
}

/// What is set.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct ScheduleBody {
    /// Whether it runs at all.
    enabled: Option<bool>,
    /// 1 to 31; in a shorter month its last day.
    day_of_month: Option<i32>,
    /// 0 to 23, by the clock of the machine.
    hour: Option<i32>,
    /// Whether the month before is archived, else the one that runs.
    snapshot_previous_month: Option<bool>,
    /// Whether all companies are.
    snapshot_all_companies: Option<bool>,
}

/// When the month is archived by itself, and how that last went.
#[utoipa::path(
    get, path = "/archive/api/scheduler/config", tag = "archive",
    responses((status = 200, description = "`config`, null where there is none", body = Value))
)]
async fn show(State(ledger): State<Ledger>, _: AdminOnly) -> Result<Json<Value>> {
    let row = schedule::load(&ledger.pool).await?;
    let now = ledger.context.clock.local();
    let config = row.map(|row| {
        let next = row.schedule.next(&now).filter(|_| row.schedule.enabled);
        json!({
            "id": row.id,
            "enabled": row.schedule.enabled,
            "day_of_month": row.schedule.day_of_month,
            "hour": row.schedule.hour,
            "snapshot_previous_month": row.schedule.previous_month,
            "snapshot_all_companies": row.schedule.all_companies,
            "last_run_at": row.last_run_at.map(stamp),
            "last_run_status": row.last_run_status,
            "last_run_count": row.last_run_count,
            "last_run_log": row.last_run_log,
            "next_run_at": next.map(|next| next.format("%Y-%m-%dT%H:%M:%S").to_string()),
        })
    });
    Ok(Json(json!({ "config": config })))
}

/// Changes it: only the given members.
#[utoipa::path(
    post, path = "/archive/api/scheduler/config", tag = "archive", request_body = ScheduleBody,
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn save(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let members = members(body)?;
    let mut tx = ledger.pool.begin().await?;
    schedule::hold(&mut tx).await?;
    let mut known = schedule::load(&mut *tx).await?.map_or(DEFAULT, |row| row.schedule);
    known.change(&members).map_err(|fault| invalid(&fault))?;
    schedule::save(&mut tx, &known, ledger.context.clock.now()).await?;
    tx.commit().await?;
    audit!(user = by(&caller), "Schedule of the archive changed");
    Ok(Done::new("Scheduler configuration updated"))
}
