//! Account numbers that Codex does not have any more, where what is kept under them goes on, and how that is taken back.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, archive::stamp, by, members, refused};
use crate::{
    Ledger,
    bills::BillError,
    domain::changes::Fields,
    store::{
        accounts::{self, Fixed, Kept, Refused, Rename},
        changes,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(unknown))
        .routes(routes!(remove))
        .routes(routes!(carry_over))
        .routes(routes!(renames))
        .routes(routes!(take_back))
}

/// Account numbers that Codex does not have.
#[derive(Serialize, ToSchema)]
struct Unknown {
    /// With what is kept under each.
    accounts: Vec<Kept>,
}

/// Which number became which.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
struct CarryOver {
    /// The number under which something is kept.
    from: String,
    /// The number that the company has in Codex now.
    to: String,
}

/// Account numbers under which conditions, devices, people, line items or features are kept, or that were billed in the last three
/// months, and that no company in Codex has: its number was changed, or it is gone. What is kept under them is on no bill.
#[utoipa::path(get, path = "/api/accounts/unknown", tag = "settings", responses(
    (status = 200, body = Unknown), (status = 503, description = "Codex does not answer")
))]
async fn unknown(State(ledger): State<Ledger>, _: BillingOnly) -> Result<Json<Unknown>> {
    Ok(Json(Unknown { accounts: ledger.bills.strangers().await? }))
}

/// Removes what is kept under an account number that no company in Codex has. Archived invoices stay as they are.
#[utoipa::path(
    delete, path = "/api/accounts/unknown/{account_number}", tag = "settings",
    params(("account_number" = String, Path, description = "Account number")),
    responses(
        (status = 200, body = Done),
        (status = 404, description = "Nothing is kept under this number"),
        (status = 409, description = "Codex has a company of this number"),
        (status = 503, description = "Codex does not answer")
    )
)]
async fn remove(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Done>> {
    let account_number = super::account(&account_number)?;
    let names = ledger.codex.names().await.map_err(BillError::from)?;
    if names.is_empty() {
        return Err(conflict("Codex has no company at all, so that nobody knows whose this is".to_owned()));
    }
    if names.iter().any(|(known, _)| known == account_number) {
        return Err(conflict(format!("Codex has a company with the account number {account_number}")));
    }
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    if accounts::remove(&mut tx, account_number).await? == 0 {
        return Err(super::missing("Nothing is kept under this account number"));
    }
    tx.commit().await?;
    audit!(user = by(&caller), account_number, "What was kept under an unknown account number deleted");
    Ok(Done::new(format!("What was kept under {account_number} is deleted")))
}

/// Lets what is kept under an account number count under the one that the company has now. Archived invoices stay as they are;
/// the months and hours they hold are not billed again. Refused where both numbers have conditions of their own.
#[utoipa::path(
    post, path = "/api/accounts/carry-over", tag = "settings", request_body = CarryOver,
    responses(
        (status = 200, body = Done),
        (status = 400, description = "A member is wrong, or Codex has no company of the new number; `fields` says what with each"),
        (status = 404, description = "Nothing is kept under the former number"),
        (status = 409, description = "Codex has a company of the former number, or both have own conditions"),
        (status = 503, description = "Codex does not answer")
    )
)]
async fn carry_over(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let members = members(body)?;
    let mut fields = Fields::of(&members);
    let (from, to) = (fields.text("from", 50).flatten(), fields.text("to", 50).flatten());
    let (from, to) = fields.done((from, to)).map_err(|fault| refused(Some(fault), ""))?;
    let (Some(from), Some(to)) = (from, to) else { return Err(refused(None, "from and to are required")) };
    let names = ledger.codex.names().await.map_err(BillError::from)?;
    let is_known = |number: &str| names.iter().any(|(known, _)| known == number);
    if is_known(&from) {
        return Err(conflict(format!("Codex has a company with the account number {from}")));
    }
    if !is_known(&to) {
        return Err(super::bad(format!("Codex has no company with the account number {to}"))
            .with("fields", serde_json::json!({ "to": "No company in Codex has this number" })));
    }
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let twice = match accounts::carry_over(&mut tx, &from, &to, &by(&caller)).await? {
        Ok(twice) => twice,
        Err(Refused::Nothing) => return Err(super::missing("Nothing is kept under this account number")),
        Err(Refused::Occupied) => {
            return Err(conflict(format!(
                "{to} has conditions or features of its own that {from} has too; delete those that do not hold"
            )));
        }
    };
    tx.commit().await?;
    audit!(user = by(&caller), from, to, "Account number carried over");
    let mut words = format!("What was kept under {from} counts for {to} now");
    if !twice.is_empty() {
        words.push_str(&format!(
            ". Archived under both numbers: {}; what was billed twice is taken back by credit notes",
            twice.join(", ")
        ));
    }
    Ok(Done::new(words))
}

/// Account numbers that became others.
#[derive(Serialize, ToSchema)]
struct Renames {
    /// The last ones, at most 100, the newest first.
    renames: Vec<RenameRow>,
}

/// An account number that became another one.
#[derive(Serialize, ToSchema)]
struct RenameRow {
    /// The number that it was.
    former_account_number: String,
    /// The number that it is now.
    account_number: String,
    /// Who carried it over.
    renamed_by: String,
    /// When, RFC 3339.
    renamed_at: String,
    /// Whether it can be taken back.
    can_be_taken_back: bool,
    /// Why not, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Rename> for RenameRow {
    fn from(row: Rename) -> Self {
        Self {
            can_be_taken_back: row.fixed.is_none(),
            reason: row.fixed.as_ref().map(why_fixed),
            former_account_number: row.former_account_number,
            account_number: row.account_number,
            renamed_by: row.renamed_by,
            renamed_at: stamp(row.renamed_at),
        }
    }
}

/// Why a rename cannot be taken back, for people.
pub(in crate::routes) fn why_fixed(fixed: &Fixed) -> String {
    match fixed {
        Fixed::Billed(invoice) => {
            format!("Invoice {invoice} has been archived since, from what counted for it then")
        }
        Fixed::Later(from, to) => {
            format!("{from} has been carried over to {to} since; that has to be taken back first")
        }
        Fixed::Old => "It was carried over before Ledger kept what went along".to_owned(),
        Fixed::Occupied => "The former number has conditions or features of its own again".to_owned(),
    }
}

/// Account numbers that were carried over to others, and whether that can be taken back.
#[utoipa::path(get, path = "/api/accounts/renames", tag = "settings", responses((status = 200, body = Renames)))]
async fn renames(State(ledger): State<Ledger>, _: BillingOnly) -> Result<Json<Renames>> {
    let renames = accounts::renames(&ledger.pool).await?;
    Ok(Json(Renames { renames: renames.into_iter().map(RenameRow::from).collect() }))
}

/// Takes back that a former account number counts for another one: what went along comes back as it is by now, and its archived
/// months are its own again. Not once an invoice has been archived under one of both numbers since, as that was computed from what
/// counted then; nor while a later one concerns the same numbers.
#[utoipa::path(
    delete, path = "/api/accounts/renames/{account_number}", tag = "settings",
    params(("account_number" = String, Path, description = "The former account number")),
    responses(
        (status = 200, body = Done),
        (status = 404, description = "This number was not carried over to another one"),
        (status = 409, description = "It cannot be taken back; `error` says why")
    )
)]
async fn take_back(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Done>> {
    let former = super::account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let to = match accounts::take_back(&mut tx, former).await? {
        Some(Ok(to)) => to,
        Some(Err(fixed)) => return Err(conflict(why_fixed(&fixed))),
        None => return Err(super::missing("This account number was not carried over to another one")),
    };
    tx.commit().await?;
    audit!(user = by(&caller), from = former, to, "Carrying over of an account number taken back");
    Ok(Done::new(format!("What {to} had from {former} counts for {former} again")))
}

fn conflict(text: String) -> Problem {
    Problem::new(StatusCode::CONFLICT).error(text)
}
