//! The forms of the original's admin page, for whatever still sends them: each ends with the page and a message.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::{AdminOnly, Caller},
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{data, save};
use crate::{
    Codex,
    routes::api::refusals::ForAdmins,
    routes::flash::{self, Flash, Kind},
    settings::{
        change::{Sent, find},
        fields as setting,
    },
    store::clear::DataType,
};

pub(super) fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(update_freshservice))
        .routes(routes!(update_datto))
        .routes(routes!(update_superops))
        .routes(routes!(update_psa_provider))
        .routes(routes!(update_rmm_provider))
        .routes(routes!(clear_data))
}

/// Name → value, as a form sends it.
type Fields = BTreeMap<String, String>;

/// What an empty field of a form means.
#[derive(Clone, Copy)]
enum Blank {
    /// The value stays.
    Keeps,
    /// The default.
    Clears,
}

/// A form field and the setting it stands for.
type Mapping = (&'static str, &'static str, Blank);

/// The settings of a form: its fields have the original's names, those the original does not have the names of their keys.
///
/// # Errors
/// What is wrong, for a field that is no setting of the section: it must not look as if it had been saved.
fn sent(section: &str, form: &Fields, mappings: &[Mapping]) -> std::result::Result<Sent, String> {
    let own = |name: &str| {
        let field = find(section, name)?;
        Some((field.key, if field.kind == setting::Kind::Secret { Blank::Keeps } else { Blank::Clears }))
    };
    let mut values: Map<String, Value> = Map::new();
    for (name, value) in form {
        let mapped = mappings.iter().find(|(known, ..)| known == name).map(|(_, key, blank)| (*key, *blank));
        let Some((key, blank)) = mapped.or_else(|| own(name)) else {
            return Err(format!("There is no field “{name}”."));
        };
        match (value.trim(), blank) {
            ("", Blank::Keeps) => {}
            ("", Blank::Clears) => {
                values.insert(key.to_owned(), Value::Null);
            }
            (value, _) => {
                values.insert(key.to_owned(), json!(value));
            }
        }
    }
    Ok(Sent::from([(section.to_owned(), values)]))
}

fn fields(form: std::result::Result<Form<Fields>, FormRejection>) -> Result<Fields> {
    match form {
        Ok(Form(fields)) => Ok(fields),
        Err(rejection) => Err(Problem::new(rejection.status()).detail(rejection.body_text())),
    }
}

/// 302 to the page, which shows the message.
fn back(page: &Page, flash: &Flash) -> Response {
    let address = HeaderValue::from_str(&format!("{}/admin/", page.prefix))
        .unwrap_or_else(|_| HeaderValue::from_static("/admin/"));
    let mut response = (StatusCode::FOUND, [(header::LOCATION, address)]).into_response();
    if let Some(cookie) = flash::COOKIE.set(std::slice::from_ref(flash)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn stored(
    codex: &Codex,
    caller: &Caller,
    page: &Page,
    sent: std::result::Result<Sent, String>,
    what: &str,
) -> Result<Response> {
    let saved = match sent {
        Ok(sent) => {
            let saved = save(codex, caller, &sent).await;
            saved.map_err(|problem| problem.detail_text().unwrap_or_default().to_owned())
        }
        Err(text) => Err(text),
    };
    let flash = match saved {
        Ok(changed) if changed.is_empty() => {
            Flash::new(Kind::Success, format!("{what}: nothing has changed."))
        }
        Ok(_) => Flash::new(Kind::Success, format!("{what} saved. The change holds at once.")),
        Err(text) => Flash::new(Kind::Error, format!("{what} not saved. {text}")),
    };
    Ok(back(page, &flash))
}

/// Stores domain and key of Freshservice.
#[utoipa::path(post, path = "/admin/update-freshservice", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`fs_domain`, `fs_web_domain`, `fs_api_key`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn update_freshservice(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let mappings = [
        ("fs_domain", "domain", Blank::Keeps),
        ("fs_web_domain", "web_domain", Blank::Clears),
        ("fs_api_key", "api_key", Blank::Keeps),
    ];
    let sent = sent("freshservice", &fields(form)?, &mappings);
    stored(&codex, &caller, &page, sent, "Freshservice settings").await
}

/// Stores address and keys of Datto RMM.
#[utoipa::path(post, path = "/admin/update-datto", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`datto_endpoint`, `datto_public_key`, `datto_secret_key`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn update_datto(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let mappings = [
        ("datto_endpoint", "api_endpoint", Blank::Keeps),
        ("datto_public_key", "public_key", Blank::Keeps),
        ("datto_secret_key", "secret_key", Blank::Keeps),
    ];
    let sent = sent("datto", &fields(form)?, &mappings);
    stored(&codex, &caller, &page, sent, "Datto settings").await
}

/// Stores address and key of SuperOps.
#[utoipa::path(post, path = "/admin/update-superops", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`superops_api_url`, `superops_api_key`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn update_superops(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let mappings =
        [("superops_api_url", "base_url", Blank::Keeps), ("superops_api_key", "api_key", Blank::Keeps)];
    let sent = sent("superops", &fields(form)?, &mappings);
    stored(&codex, &caller, &page, sent, "SuperOps settings").await
}

/// Chooses the ticketing system.
#[utoipa::path(post, path = "/admin/update-psa-provider", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`default_provider`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn update_psa_provider(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let sent = sent("psa", &fields(form)?, &[("default_provider", "default_provider", Blank::Keeps)]);
    stored(&codex, &caller, &page, sent, "PSA provider").await
}

/// Chooses the system for monitoring and management.
#[utoipa::path(post, path = "/admin/update-rmm-provider", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`default_provider`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn update_rmm_provider(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let sent = sent("rmm", &fields(form)?, &[("default_provider", "default_provider", Blank::Keeps)]);
    stored(&codex, &caller, &page, sent, "RMM provider").await
}

/// Clears data, see `POST /api/admin/clear-data`. A field `confirm` has to repeat the type where it is sent.
#[utoipa::path(post, path = "/admin/clear-data", tag = "admin forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded", description = "`data_type`, `confirm`"),
    responses(
        (status = 302, description = "To `/admin/`, with a message"),
        (status = 422, description = "Not a form"), (status = 400, description = "Not a form"), ForAdmins
    ))]
async fn clear_data(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Form<Fields>, FormRejection>,
) -> Result<Response> {
    let form = fields(form)?;
    let word = form.get("data_type").map(|word| word.trim()).unwrap_or_default();
    let Some(what) = DataType::parse(word) else {
        return Ok(back(
            &page,
            &Flash::new(Kind::Error, "Nothing was removed: there is no such kind of data."),
        ));
    };
    if form.get("confirm").is_some_and(|typed| typed.trim() != word) {
        return Ok(back(
            &page,
            &Flash::new(Kind::Error, format!("Nothing was removed: type “{word}” to confirm.")),
        ));
    }
    let flash = match data::clear_for(&codex, &caller, what).await {
        Ok(data::Answer::Done(cleared)) => Flash::new(Kind::Success, data::sentence(&cleared)),
        Ok(data::Answer::GoesOn(_)) => Flash::new(Kind::Success, data::GOES_ON),
        Err(problem) => Flash::new(
            Kind::Error,
            format!("Nothing was removed. {}", problem.detail_text().unwrap_or_default()),
        ),
    };
    Ok(back(&page, &flash))
}
