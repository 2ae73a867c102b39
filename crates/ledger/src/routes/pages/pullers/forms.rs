//! What the forms of the jobs do. Each leads back to the list, which says what was done; a form with a fault comes back as it was
//! sent.

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{Form as FormBody, LenientQuery, Path},
    pages::{
        Page,
        flash::{Flash, Kind},
    },
    problem::{Problem, Result},
};
use http::{StatusCode, header, request::Parts};
use serde::Deserialize;
use serde_json::Value;

use super::{show, view::JobForm};
use crate::{
    Ledger,
    domain::changes::form::{Form, field},
    routes::{
        api::pullers::work::{self, Refused},
        pages::parts::FLASHES,
    },
};

type Pairs = Vec<(String, String)>;

/// The members of a form; what is not ticked is not there.
fn members(pairs: Pairs) -> Form {
    let mut form: Form = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let is_ticked = !matches!(field(&form, "enabled"), "" | "0" | "false" | "off");
    form.insert("enabled".to_owned(), Value::Bool(is_ticked));
    form
}

/// Back to a page, which says `text`.
fn back(page: &Page, path: &str, kind: Kind, text: String) -> Response {
    let to = format!("{}/admin/pullers{path}", page.prefix);
    let mut response = (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    if let Some(cookie) = FLASHES.set(&[Flash::new(kind, text)]) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Back to a page, whether it was done or not now.
fn told<T>(
    page: &Page,
    path: &str,
    done: std::result::Result<T, Refused>,
    words: impl FnOnce(T) -> String,
) -> Result<Response> {
    match done {
        Ok(done) => Ok(back(page, path, Kind::Success, words(done))),
        Err(Refused::Conflict(text)) => Ok(back(page, path, Kind::Error, format!("{text}."))),
        Err(Refused::Invalid(fault)) => {
            Ok(back(page, path, Kind::Error, format!("Not saved: {}.", fault.sentence())))
        }
        Err(refused) => Err(refused.into()),
    }
}

/// `POST /admin/pullers/add`.
pub async fn add(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    FormBody(pairs): FormBody<Pairs>,
) -> Result<Response> {
    let form = members(pairs);
    match work::add(&ledger, &caller.label(), &form).await {
        Err(Refused::Invalid(faults)) => {
            show(&ledger, page, Vec::new(), Some(JobForm::new().sent(&form, faults))).await
        }
        done => told(&page, "", done, |_| format!("Job {} added.", field(&form, "job_name"))),
    }
}

/// `POST /admin/pullers/edit/{id}`.
pub async fn edit(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
    page: Page,
    FormBody(pairs): FormBody<Pairs>,
) -> Result<Response> {
    let form = members(pairs);
    match work::change(&ledger, &caller.label(), id, &form).await {
        Err(Refused::Invalid(faults)) => {
            let row = work::found(&ledger, id).await?;
            show(&ledger, page, Vec::new(), Some(JobForm::of(&row).sent(&form, faults))).await
        }
        done => told(&page, "", done, |puller| format!("Job {} saved.", puller.job_name)),
    }
}

/// `POST /admin/pullers/enable/{id}`: the switch in the row, `enabled` on or off.
pub async fn enable(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
    page: Page,
    FormBody(pairs): FormBody<Pairs>,
) -> Result<Response> {
    let mut form = members(pairs);
    form.retain(|name, _| name == "enabled");
    let done = work::change(&ledger, &caller.label(), id, &form).await;
    told(&page, "", done, |puller| {
        let is = if puller.enabled { "enabled" } else { "disabled" };
        format!("Job {} is {is}.", puller.job_name)
    })
}

/// `POST /admin/pullers/delete/{id}`.
pub async fn delete(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
    page: Page,
) -> Result<Response> {
    let done = work::remove(&ledger, &caller.label(), id).await;
    told(&page, "", done, |name| format!("Job {name} deleted."))
}

/// Where the buttons of the log lead back to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct FromQuery {
    from: Option<String>,
}

/// A button of a run: of which job, who pressed it, and the page that it leads back to.
pub struct Pressed {
    id: i32,
    by: String,
    path: String,
    page: Page,
}

impl FromRequestParts<Ledger> for Pressed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ledger: &Ledger) -> Result<Self> {
        let AdminOnly(caller) = AdminOnly::from_request_parts(parts, ledger).await?;
        let Path(id) = Path::<i32>::from_request_parts(parts, ledger).await?;
        let LenientQuery(query) = LenientQuery::<FromQuery>::from_request_parts(parts, ledger).await?;
        let page = Page::from_request_parts(parts, ledger).await?;
        let is_log = query.from.as_deref() == Some("log");
        let path = if is_log { format!("/log/{id}") } else { String::new() };
        Ok(Self { id, by: caller.label(), path, page })
    }
}

/// `POST /admin/pullers/run/{id}`.
pub async fn run(State(ledger): State<Ledger>, pressed: Pressed) -> Result<Response> {
    let done = work::start(&ledger, &pressed.by, pressed.id).await;
    let words = |_| "The job runs; its log is written as it goes.".to_owned();
    told(&pressed.page, &pressed.path, done, words)
}

/// `POST /admin/pullers/cancel/{id}`.
pub async fn cancel(State(ledger): State<Ledger>, pressed: Pressed) -> Result<Response> {
    let done = work::cancel(&ledger, &pressed.by, pressed.id).await;
    told(&pressed.page, &pressed.path, done, |_| "The job is told to end.".to_owned())
}
