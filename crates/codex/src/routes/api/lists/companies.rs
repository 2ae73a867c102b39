//! The list of companies as JSON and as a file, and what its filters leave (codex-pages.md §3.1).

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::UserOnly,
    extract::{Json, LenientQuery},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Counts, csv};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{reader::Reader, refusals::ForUsers},
    store::company_list::{self, CompanyRow, SORT_KEYS, Selection},
};

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only companies of this plan.
    pub plan: Option<String>,
    /// Only companies of this kind, as `profit_or_non_profit` has it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `1` leaves out companies whose plan is `Inactive`. The page does unless it is `0`, the JSON only with `1`.
    hide_inactive: Option<String>,
}

impl Filters {
    /// What is listed.
    pub fn selection<'a>(&'a self, reader: &'a Reader, hide_inactive: bool) -> Selection<'a> {
        let plan = self.plan.as_deref().unwrap_or_default().trim();
        Selection {
            only: reader.scope.account_numbers(),
            plan,
            kind: self.kind.as_deref().unwrap_or_default().trim(),
            // Who asks for the inactive ones wants to see them.
            hide_inactive: hide_inactive && !plan.eq_ignore_ascii_case("inactive"),
        }
    }

    /// Staff has to ask for companies that are no customers any more; of a client's own none is hidden.
    pub fn page_hides_inactive(&self, reader: &Reader) -> bool {
        reader.is_staff().is_ok() && self.hide_inactive.as_deref() != Some("0")
    }
}

/// A page of companies.
#[derive(Serialize, ToSchema)]
pub struct Found {
    success: bool,
    companies: Vec<CompanyRow>,
    pagination: Pagination,
}

/// Companies whose name, account number or description contains the search.
#[utoipa::path(get, path = "/companies/api/search", tag = "companies", params(ListQuery, Filters), responses(
    (status = 200, body = Found), ForUsers
))]
pub async fn search(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Found>> {
    let listing = Listing::new(query, SORT_KEYS);
    let selection = filters.selection(&reader, filters.hide_inactive.as_deref() == Some("1"));
    let found = company_list::page(&codex.pool, selection, &listing).await?;
    let pagination = Pagination::of(&listing, found.total);
    Ok(Json(Found { success: true, companies: found.items, pagination }))
}

/// How many companies each choice of each filter of the page leaves, with the search and the other filters as they are.
#[utoipa::path(get, path = "/companies/api/counts", tag = "companies", params(ListQuery, Filters), responses(
    (status = 200, body = Counts), ForUsers
))]
pub async fn counts(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Counts>> {
    let listing = Listing::new(query, SORT_KEYS);
    let found = company_list::counts(
        &codex.pool,
        filters.selection(&reader, filters.page_hides_inactive(&reader)),
        &listing.search,
    )
    .await?;
    Ok(Json(found.into()))
}

/// Columns of the file: those of the page.
const HEADINGS: [&str; 7] =
    ["Account #", "Name", "Description", "Plan", "Email System", "Phone System", "Contract End"];

/// All companies of a list as a file.
#[utoipa::path(get, path = "/companies/export.csv", tag = "companies", params(ListQuery, Filters), responses(
    (status = 200, description = "The columns of the page; `page` and `per_page` are ignored", body = String, content_type = "text/csv"),
    ForUsers
))]
pub async fn export(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Response> {
    let _turn = codex.turn(1).await?;
    let listing = Listing::new(query, SORT_KEYS).whole();
    let selection = filters.selection(&reader, filters.page_hides_inactive(&reader));
    let found = company_list::page(&codex.pool, selection, &listing).await?;
    let rows = found.items.iter().map(|company| {
        let optional = [
            &company.description,
            &company.plan_selected,
            &company.email_system,
            &company.phone_system,
            &company.contract_end_date,
        ];
        let optional = optional.map(|value| value.as_deref().unwrap_or_default());
        [company.account_number.as_str(), &company.name].into_iter().chain(optional).collect()
    });
    Ok(csv::file("companies", &HEADINGS, rows))
}
