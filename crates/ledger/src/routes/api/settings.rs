//! How bills are read, and what invoices say of their sender.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, BillingOnly},
    extract::{Json, Query},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, account, by, members, refused};
use crate::{
    Ledger,
    domain::changes::Fields,
    store::{
        changes::{self, RateChange},
        settings,
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
        "has_logo": known.logo.is_some(),
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
    let mut known = settings::load(&mut *tx).await?;
    let mut fields = Fields::of(&members);
    for (slot, name, words) in [
        (&mut known.yearly_pool, "yearly_pool", &["gross", "net"][..]),
        (&mut known.hours, "hours", &["dated", "original"][..]),
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
            known.currency = code.to_ascii_uppercase();
        }
        Some(_) => fields.refuse("currency", "must be a code of three letters, such as USD"),
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
#[derive(Debug, Default, Deserialize, IntoParams)]
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
