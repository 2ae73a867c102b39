//! How bills are read, and what invoices say of their sender.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, BillingOnly},
    extract::{Json, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, account, by, members, refused};
use crate::{
    Ledger,
    domain::changes::Fields,
    store::{
        changes::{self, RateChange},
        settings, snapshots,
    },
};

/// Changes in one answer.
const MOST_CHANGES: i64 = 500;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(show, save)).routes(routes!(history))
}

/// How bills are read where the contract leaves a choice, and what invoices say of their sender. The logo is left out.
#[utoipa::path(
    get, path = "/api/settings", tag = "settings",
    responses((status = 200, description = "`settings`", body = Value))
)]
async fn show(State(ledger): State<Ledger>, _: BillingOnly) -> Result<Json<Value>> {
    let known = settings::load(&ledger.pool).await?;
    Ok(Json(json!({ "settings": {
        "yearly_pool": known.yearly_pool,
        "hours": known.hours,
        "currency": known.currency,
        "sender_name": known.sender_name,
        "sender_address": known.sender_address,
        "sender_email": known.sender_email,
        "sender_tax_id": known.sender_tax_id,
        "terms": known.terms,
        "paper": known.paper,
        "xero_account_code": known.xero_account_code,
        "xero_tax_type": known.xero_tax_type,
        "xero_dates": known.xero_dates,
        "sender_country": known.sender_country,
        "sender_vat_id": known.sender_vat_id,
        "sender_registration": known.sender_registration,
        "no_tax": known.no_tax,
        "no_tax_reason": known.no_tax_reason,
        "has_logo": known.logo.is_some(),
        "has_mail_server": ledger.mailer.is_some(),
    } })))
}

/// Changes settings: only the given members.
#[utoipa::path(
    put, path = "/api/settings", tag = "settings", request_body = Value,
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn save(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let members = members(body)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let mut known = settings::hold(&mut tx).await?;
    let mut fields = Fields::of(&members);
    for (slot, name, words) in [
        (&mut known.yearly_pool, "yearly_pool", &["gross", "net"][..]),
        (&mut known.hours, "hours", &["dated", "original"][..]),
        (&mut known.paper, "paper", &["a4", "letter"][..]),
        (&mut known.xero_dates, "xero_dates", &["day_first", "month_first"][..]),
    ] {
        match fields.choice(name, words) {
            None => {}
            Some(Some(word)) => *slot = word.to_owned(),
            Some(None) => fields.refuse(name, "is needed"),
        }
    }
    match fields.text("currency", 3) {
        None => {}
        Some(Some(code)) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            let code = code.to_ascii_uppercase();
            if code != known.currency && snapshots::any(&mut *tx).await? {
                let text = "The currency cannot change while there are archived invoices in another one";
                return Err(Problem::new(StatusCode::CONFLICT).error(text));
            }
            known.currency = code;
        }
        Some(_) => fields.refuse("currency", "must be a code of three letters, such as USD"),
    }
    for (slot, name, most) in [
        (&mut known.xero_account_code, "xero_account_code", 20),
        (&mut known.xero_tax_type, "xero_tax_type", 100),
    ] {
        match fields.text(name, most) {
            None => {}
            Some(Some(text)) => *slot = text,
            Some(None) => fields.refuse(name, "is needed"),
        }
    }
    match fields.text("sender_country", 2) {
        None => {}
        Some(None) => known.sender_country = None,
        Some(Some(code)) if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            known.sender_country = Some(code.to_ascii_uppercase());
        }
        Some(_) => fields.refuse("sender_country", "must be a code of two letters, such as US"),
    }
    if let Some(word) = fields.choice("no_tax", &["out_of_scope", "exempt", "reverse_charge"]) {
        known.no_tax = word.map(str::to_owned);
    }
    for (slot, name, most) in [
        (&mut known.sender_vat_id, "sender_vat_id", 50),
        (&mut known.sender_registration, "sender_registration", 100),
        (&mut known.no_tax_reason, "no_tax_reason", 255),
    ] {
        if let Some(text) = fields.text(name, most) {
            *slot = text;
        }
    }
    for (slot, name) in [(&mut known.sender_name, "sender_name"), (&mut known.sender_email, "sender_email")] {
        if let Some(text) = fields.text(name, 255) {
            *slot = text;
        }
    }
    if let Some(text) = fields.text("sender_tax_id", 100) {
        known.sender_tax_id = text;
    }
    for (slot, name) in [(&mut known.sender_address, "sender_address"), (&mut known.terms, "terms")] {
        if let Some(text) = fields.words(name, 2000) {
            *slot = text;
        }
    }
    fields.done(()).map_err(|fault| refused(Some(fault), ""))?;
    settings::save(&mut tx, &known).await?;
    tx.commit().await?;
    audit!(user = by(&caller), "Billing settings changed");
    Ok(Done::new("Settings saved"))
}

/// Which changes.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct HistoryQuery {
    /// Only of this company.
    account_number: Option<String>,
    /// Only those before this one.
    before: Option<i64>,
    /// At most so many, up to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Who changed which rate from what to what.
#[derive(Serialize, ToSchema)]
struct History {
    /// Newest first.
    changes: Vec<RateChange>,
    /// Value of `before` for the next ones; null where there are none.
    next: Option<i64>,
}

/// Who changed which rate from what to what, newest first.
#[utoipa::path(
    get, path = "/api/rate-changes", tag = "settings",
    responses((status = 200, body = History))
)]
async fn history(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>> {
    let limit = query.limit.unwrap_or(100).clamp(1, MOST_CHANGES);
    let number = query.account_number.as_deref().map(account).transpose()?;
    let changes = changes::list(&ledger.pool, number, query.before, limit).await?;
    let next = changes.last().map(|change| change.id).filter(|_| changes.len() as i64 == limit);
    Ok(Json(History { changes, next }))
}
