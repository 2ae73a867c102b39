//! The list of contacts as JSON and as a file, and what its filters leave (codex-pages.md §4.1).

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::UserOnly,
    extract::{Json, LenientQuery},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Counts, csv, filled, yes_or_no};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{reader::Reader, refusals::ForUsers},
    store::contact_list::{self, ContactRow, SORT_KEYS, Selection},
};

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only contacts of the company with this account number; `none` for those without a company.
    pub company: Option<String>,
    /// `1`: inactive contacts too.
    show_inactive: Option<String>,
    /// `1`: only VIPs; `0`: all others.
    vip: Option<String>,
}

impl Filters {
    /// What is listed.
    pub fn selection<'a>(&'a self, reader: &'a Reader) -> Selection<'a> {
        let company = filled(&self.company);
        Selection {
            only: reader.scope.account_numbers(),
            company: company.filter(|company| *company != "none"),
            inactive: self.show_inactive.as_deref() == Some("1"),
            vip: yes_or_no(&self.vip),
            without_company: company == Some("none"),
        }
    }
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
pub struct FoundContacts {
    success: bool,
    contacts: Vec<ContactRow>,
    pagination: Pagination,
}

/// Contacts whose name, address or phone number contains the search.
#[utoipa::path(get, path = "/contacts/api/search", tag = "contacts", params(ListQuery, Filters), responses(
    (status = 200, body = FoundContacts),
    ForUsers
))]
pub async fn search(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<FoundContacts>> {
    let listing = Listing::new(query, SORT_KEYS);
    let found = contact_list::page(&codex.pool, filters.selection(&reader), &listing).await?;
    let pagination = Pagination::of(&listing, found.total);
    Ok(Json(FoundContacts { success: true, contacts: found.items, pagination }))
}

/// How many contacts each choice of each filter of the page leaves, with the search and the other filters as they are.
#[utoipa::path(get, path = "/contacts/api/counts", tag = "contacts", params(ListQuery, Filters), responses(
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
    let found = contact_list::counts(&codex.pool, filters.selection(&reader), &listing.search).await?;
    Ok(Json(found.into()))
}

/// Columns of the file.
const HEADINGS: [&str; 8] = ["Name", "Email", "Title", "Mobile", "Work Phone", "Companies", "Active", "VIP"];

/// All contacts of a list as a file.
#[utoipa::path(get, path = "/contacts/export.csv", tag = "contacts", params(ListQuery, Filters), responses(
    (status = 200, description = "One line a contact; `page` and `per_page` are ignored", body = String, content_type = "text/csv"),
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
    let found = contact_list::rows(&codex.pool, filters.selection(&reader), &listing).await?;
    let companies: Vec<String> = found
        .iter()
        .map(|contact| {
            contact.companies.iter().map(|company| company.name.as_str()).collect::<Vec<_>>().join("; ")
        })
        .collect();
    let yes = |value: bool| if value { "yes" } else { "no" };
    let rows = found.iter().zip(&companies).map(|(contact, companies)| {
        vec![
            contact.name.as_str(),
            &contact.email,
            contact.job_title.as_deref().unwrap_or_default(),
            contact.mobile_phone_number.as_deref().unwrap_or_default(),
            contact.work_phone_number.as_deref().unwrap_or_default(),
            companies,
            yes(contact.active),
            yes(contact.vip_user),
        ]
    });
    Ok(csv::file("contacts", &HEADINGS, rows))
}
