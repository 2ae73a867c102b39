//! Changing companies: editing, following the PSA again, creating and removing (codex-api.md §4.6).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, TechnicianOnly},
    contracts::codex::Company,
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    companies::no_such_company,
    refusals::{ForAdmins, ForTechnicians},
    writer::{self, Changed, bad},
};
use crate::{
    Codex,
    domain::{account_number, company_edit},
    store::{
        changes, companies,
        company_edit::{self as store, Refused},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(update))
        .routes(routes!(follow))
        .routes(routes!(create))
        .routes(routes!(remove))
}

/// What may be sent, any of it: an empty text clears, what is absent stays, and what is not named here is ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the body; every value is checked by itself")]
struct CompanyUpdate {
    name: Option<String>,
    description: Option<String>,
    /// `standard`, `cjis` or `hipaa`.
    compliance_level: Option<String>,
    /// The plan in force; clearing it returns to the PSA's.
    billing_plan: Option<String>,
    support_level: Option<String>,
    email_system: Option<String>,
    phone_system: Option<String>,
    /// `Month to Month`, `1 Year`, `2 Year` or `3 Year`, in any spelling.
    contract_term_length: Option<String>,
    managed_users: Option<String>,
    managed_devices: Option<String>,
    managed_network: Option<String>,
    company_main_number: Option<String>,
    address: Option<String>,
    datto_portal_url: Option<String>,
    /// JSON array of domain names, also as text.
    domains: Option<String>,
    /// PSA id of a contact; its name is copied.
    head_user_id: Option<i64>,
    /// PSA id of a contact; its name is copied.
    prime_user_id: Option<i64>,
    company_start_date: Option<String>,
    contract_start_date: Option<String>,
    /// Counts only where start and term give no end.
    contract_end_date: Option<String>,
    /// Feature → value; replaces all that was agreed.
    #[schema(value_type = Option<Object>)]
    feature_overrides: Option<Value>,
}

/// Changes a company.
#[utoipa::path(
    put,
    path = "/companies/{account_number}/update",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    request_body = CompanyUpdate,
    responses(
        (status = 200, body = Changed),
        (status = 400, description = "No data, or a value that does not fit; member `error`"),
        (status = 404, description = "No such company"), ForTechnicians
    )
)]
async fn update(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(account_number): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<Changed>> {
    let edit = company_edit::read(&body).map_err(bad)?;
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    let edited = match store::apply(&mut transaction, &account_number, &edit).await? {
        Ok(edited) => edited,
        Err(Refused::Missing) => return Err(no_such_company(&account_number)),
        Err(Refused::NoContact(id)) => {
            return Err(bad(format!("No contact has the number {id} in the PSA.")));
        }
        Err(Refused::Misfit(sentence)) => return Err(bad(sentence)),
    };
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, fields = edited.join(","), "company changed");
    Ok(Json(Changed::new("Company updated successfully")))
}

/// Lets a field that was edited by hand follow the PSA again.
#[utoipa::path(
    delete,
    path = "/companies/{account_number}/edited/{field}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company"), ("field" = String, Path, description = "Name of the field")),
    responses(
        (status = 200, body = Changed),
        (status = 404, description = "No such company, or the field was not edited"), ForTechnicians
    )
)]
async fn follow(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path((account_number, field)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    match store::follow(&mut transaction, &account_number, &field).await? {
        None => return Err(no_such_company(&account_number)),
        Some(false) => {
            let text = format!("The field '{field}' was not edited by hand.");
            return Err(Problem::not_found(text).with("error", "Field not edited"));
        }
        Some(true) => transaction.commit().await?,
    }
    audit!(caller = caller.label(), account_number, field, "field of a company follows the PSA again");
    Ok(Json(Changed::new("The field follows the PSA again; the next sync brings its value")))
}

/// A new company.
#[derive(Deserialize, ToSchema)]
struct NewCompany {
    /// Name.
    name: String,
    /// Letters, digits, `-`, `_` and `.`; the next free number of six digits unless given.
    #[serde(default)]
    account_number: Option<String>,
}

/// Adds a company that the PSA does not have.
#[utoipa::path(
    post,
    path = "/api/companies",
    tag = "companies",
    request_body = NewCompany,
    responses(
        (status = 201, body = Company), (status = 400, description = "A value that does not fit"),
        (status = 409, description = "The account number is taken"), ForAdmins
    )
)]
async fn create(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(new): Json<NewCompany>,
) -> Result<(StatusCode, Json<Company>)> {
    let name = company_edit::name(&Value::String(new.name)).map_err(bad)?;
    let asked = new.account_number.map(|number| number.trim().to_owned()).filter(|number| !number.is_empty());
    if asked.as_deref().is_some_and(|number| !account_number::is_plain(number)) {
        return Err(bad("An account number has at most 50 letters, digits, dots, hyphens and underscores."));
    }
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    let Some(account_number) = store::create(&mut transaction, asked.as_deref(), &name).await? else {
        return Err(Problem::conflict("Another company has this account number.")
            .with("error", "Account number is taken"));
    };
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, "company created");
    let company = companies::find(&codex.pool, &account_number).await?;
    let company = company.ok_or_else(|| no_such_company(&account_number))?;
    Ok((StatusCode::CREATED, Json(company)))
}

/// The name, as a safeguard.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Confirmation {
    /// Name of the company; when given, it must be the stored one.
    name: Option<String>,
}

/// Removes a company with its assets, locations and agreements. Tickets and contacts stay, without the company.
#[utoipa::path(
    delete,
    path = "/api/companies/{account_number}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company"), Confirmation),
    responses(
        (status = 200, body = Changed), (status = 404, description = "No such company"),
        (status = 409, description = "The company has another name"), ForAdmins
    )
)]
async fn remove(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(account_number): Path<String>,
    LenientQuery(confirmation): LenientQuery<Confirmation>,
) -> Result<Json<Changed>> {
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    changes::removing(&mut transaction, &format!("removed by {}", caller.label())).await?;
    let Some(name) = store::remove(&mut transaction, &account_number).await? else {
        return Err(no_such_company(&account_number));
    };
    if confirmation.name.is_some_and(|typed| typed.trim() != name.trim()) {
        return Err(Problem::conflict("The company has another name; nothing was removed.")
            .with("error", "Name does not match"));
    }
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, "company removed");
    Ok(Json(Changed::new(format!("{name} was removed"))))
}
