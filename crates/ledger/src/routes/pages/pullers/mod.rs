//! The jobs of administrators ("pullers", ledger-pages.md §7.2 and §7.3).

mod forms;
mod log;
mod view;

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::AdminOnly,
    extract::LenientQuery,
    pages::{Page, flash::Flash},
    problem::Result,
};
use serde::Deserialize;

pub use forms::{add, cancel, delete, edit, enable, run};
pub use log::page as log_page;
pub use view::StatusView;
use view::{JobForm, JobRow};

use super::parts::{self, Flashes};
use crate::{
    Ledger,
    routes::api::pullers::{work, zone},
    store::pullers,
};

/// Which form is open, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FormQuery {
    /// Of a new job.
    add: Option<String>,
    /// Of this job.
    edit: Option<i32>,
}

#[derive(Template)]
#[template(path = "admin/pullers.html")]
struct PullersPage {
    page: Page,
    flashes: Vec<Flash>,
    form: Option<JobForm>,
    rows: Vec<JobRow>,
    zone: String,
}

impl PullersPage {
    fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.status.is_running).count()
    }
}

/// `GET /admin/pullers`.
pub async fn page(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    LenientQuery(query): LenientQuery<FormQuery>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let form = match (query.edit, query.add) {
        (Some(id), _) => {
            let row = work::found(&ledger, id).await?;
            Some(JobForm::of(&row))
        }
        (None, Some(_)) => Some(JobForm::new()),
        (None, None) => None,
    };
    show(&ledger, page, flashes, form).await
}

/// The list, below a form where one is open. A form with faults is 400.
async fn show(ledger: &Ledger, page: Page, flashes: Vec<Flash>, form: Option<JobForm>) -> Result<Response> {
    let has_flashes = !flashes.is_empty();
    let is_refused = form.as_ref().is_some_and(JobForm::has_faults);
    let rows = pullers::list(&ledger.pool).await?;
    let now = ledger.context.clock.local();
    let shown = PullersPage {
        flashes,
        form,
        rows: rows.into_iter().map(|row| JobRow::of(row, &now)).collect(),
        zone: zone(),
        page,
    };
    let mut response = parts::shown(&shown, has_flashes)?;
    if is_refused {
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}
