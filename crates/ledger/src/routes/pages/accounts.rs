//! `GET /admin/accounts`: account numbers that Codex does not have any more, and those that became others, for all who bill.

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::BillingOnly,
    pages::{Page, flash::Flash},
    problem::Result,
};

use super::parts::{self, Flashes, Moment};
use crate::{
    Ledger,
    bills::BillError,
    routes::api::accounts::why_fixed,
    store::accounts::{self, Kept, Rename},
};

#[derive(Template)]
#[template(path = "admin/accounts.html")]
struct AccountsPage {
    page: Page,
    flashes: Vec<Flash>,
    rows: Vec<Kept>,
    /// Account number and name of all companies, by name.
    companies: Vec<(String, String)>,
    /// The newest first.
    renames: Vec<Rename>,
}

impl AccountsPage {
    /// What is kept, in words.
    fn words(kept: &Kept) -> String {
        let counted = |count: i64, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let all = [
            kept.has_conditions.then(|| "own conditions".to_owned()),
            counted(kept.manual_assets, "device entered by hand", "devices entered by hand"),
            counted(kept.manual_users, "person entered by hand", "people entered by hand"),
            counted(kept.line_items, "line item", "line items"),
            counted(kept.features, "feature", "features"),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn at(rename: &Rename) -> Moment {
        Moment::of(rename.renamed_at)
    }

    /// Why it stays; nothing where it can be taken back.
    fn fixed(rename: &Rename) -> Option<String> {
        rename.fixed.as_ref().map(why_fixed)
    }
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let mut companies = ledger.codex.names().await.map_err(BillError::from)?;
    companies.sort_by_key(|(_, name)| name.to_lowercase());
    let has_flashes = !flashes.is_empty();
    let renames = accounts::renames(&ledger.pool).await?;
    let shown = AccountsPage { flashes, rows: ledger.bills.strangers().await?, companies, renames, page };
    parts::shown(&shown, has_flashes)
}
