//! `GET /`: the first page of Codex (codex-pages.md §2 and §10).

use std::borrow::Cow;

use askama::Template;
use axum::{extract::State, response::Html};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    pages::{
        Page,
        chart::{Bars, Measures},
        format::iso_z,
    },
    problem::{Problem, Result},
};

use crate::{
    Codex,
    domain::{contract::ENDS_SOON, features::title_of, review, sync_progress::Step, words},
    routes::api::{reader::Reader, sync_jobs},
    store::{
        self,
        dashboard::{self as store_dashboard, Counts, Note, Offline, Run, Share},
    },
};

/// How large the charts are.
const CHART: Measures = Measures { most: 6, step: 26, length: 220, label: 19 };

/// What only staff sees.
struct Staff {
    running: Vec<Run>,
    last: Vec<Run>,
    homeless: store::Page<Note>,
    review: store::Page<Note>,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    page: Page,
    now: DateTime<Utc>,
    is_admin: bool,
    may_review: bool,
    counts: Counts,
    staff: Option<Staff>,
    ending: store::Page<Note>,
    expired: i64,
    offline: Vec<Offline>,
    charts: Vec<(&'static str, &'static str, Bars)>,
    /// Whether the reader is a client of whom no company is known.
    unlinked: bool,
}

impl Dashboard {
    fn when(at: &DateTime<Utc>) -> String {
        iso_z(*at)
    }

    fn ago(&self, at: &DateTime<Utc>) -> String {
        words::ago(Some(*at), self.now)
    }

    /// When a run ended; begun, for one that broke off.
    fn ended(run: &Run) -> DateTime<Utc> {
        run.completed_at.unwrap_or(run.started_at)
    }

    /// The name the page of the syncs gives to such a run.
    fn source(run: &Run) -> String {
        sync_jobs::name(&run.script, run.provider.as_deref(), run.sync_type.as_deref())
    }

    /// How a run ended: class and word of its badge.
    fn result(run: &Run) -> (&'static str, &'static str) {
        match sync_jobs::outcome(&run.status, run.success, run.error.as_deref()) {
            "success" => ("badge--success", "Success"),
            "errors" => ("badge--warning", "Completed with errors"),
            "cancelled" => ("badge--warning", "Cancelled"),
            _ => ("badge--danger", "Failed"),
        }
    }

    /// What went wrong, if anything did.
    fn trouble(run: &Run) -> Cow<'_, str> {
        match (run.error.as_deref(), run.errors) {
            (Some("cancelled"), _) | (None, 0) => "-".into(),
            (Some(error), _) => error.into(),
            (None, 1) => "1 row could not be taken as it is".into(),
            (None, errors) => format!("{errors} rows could not be taken as they are").into(),
        }
    }

    /// What a running job is at, in words.
    fn step(run: &Run) -> String {
        let field = |name: &str| run.progress.as_ref()?.get(name);
        let phase = field("phase").and_then(serde_json::Value::as_str).filter(|phase| !phase.is_empty());
        let phase = phase.map_or_else(|| "starting".to_owned(), |phase| phase.replace(['-', '_'], " "));
        let page = field("page").and_then(serde_json::Value::as_u64).filter(|page| *page > 0);
        match (Step::of(run.progress.as_ref()), page) {
            (Some(step), _) => format!("{phase}, {} of {}", step.done, step.total),
            (None, Some(page)) => format!("{phase}, page {page}"),
            (None, None) => phase,
        }
    }

    /// Done and total of a running job, when both are known.
    fn fraction(run: &Run) -> Option<(u64, u64)> {
        let step = Step::of(run.progress.as_ref()).filter(|step| step.total > 0)?;
        Some((step.done.min(step.total), step.total))
    }

    /// Whether nothing has come from any source yet.
    fn is_new(&self) -> bool {
        self.counts.companies == 0
            && self.staff.as_ref().is_some_and(|staff| staff.running.is_empty() && staff.last.is_empty())
    }
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    page: Page,
) -> Result<Html<String>> {
    let (pool, only, now) = (&codex.pool, reader.scope.account_numbers(), codex.context.clock.now());
    let (ending, expired) = store_dashboard::contracts(pool, only, now.date_naive(), ENDS_SOON).await?;
    let staff = if reader.is_staff().is_ok() {
        let (running, last) =
            store_dashboard::runs(pool, now).await?.into_iter().partition(|run| run.status == "running");
        Some(Staff {
            running,
            last,
            homeless: store_dashboard::homeless(pool).await?,
            review: store_dashboard::review(pool).await?,
        })
    } else {
        None
    };
    let shares = store_dashboard::charts(pool, only).await?;
    let mut charts = vec![("Assets by Type", "asset", chart(&shares, "asset", "Unknown"))];
    if staff.is_some() {
        charts.push(("Companies by Plan", "plan", chart(&shares, "plan", "No Plan")));
    }
    charts.push(("Active Tickets by Status", "status", chart(&shares, "status", "Unknown")));
    let html = Dashboard {
        now,
        is_admin: user.permission_level == PermissionLevel::Admin,
        may_review: user.permission_level.may_edit(),
        counts: store_dashboard::counts(pool, only).await?,
        staff,
        ending,
        expired,
        offline: store_dashboard::offline(pool, only).await?,
        charts,
        unlinked: only.is_some_and(<[String]>::is_empty),
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

fn chart(shares: &[Share], of: &str, nothing: &str) -> Bars {
    let shares = shares.iter().filter(|share| share.of == of).map(|share| {
        let label = match share.value.as_str() {
            "" => nothing.to_owned(),
            status if of == "status" => title_of(status),
            value => value.to_owned(),
        };
        (label, share.count)
    });
    Bars::of(shares, CHART)
}
