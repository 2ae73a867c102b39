//! Account numbers that Codex does not have any more, and where what is kept under them goes on.

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

use super::{Done, by, members, refused};
use crate::{
    Ledger,
    bills::BillError,
    domain::changes::Fields,
    store::{
        accounts::{self, Kept, Refused},
        changes,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(unknown)).routes(routes!(remove)).routes(routes!(carry_over))
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

fn conflict(text: String) -> Problem {
    Problem::new(StatusCode::CONFLICT).error(text)
}
