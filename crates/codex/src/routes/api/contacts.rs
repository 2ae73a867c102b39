//! Contacts across companies (codex-api.md §4.2).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{self, MAX_LIMIT},
    reader::Reader,
    refusals::ForReaders,
};
use crate::{
    Codex,
    store::contacts::{self, ContactWithCompanies},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_contacts)).routes(routes!(get_contact))
}

/// Optional filter and the page; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CompanyQuery {
    /// Account number.
    pub company_id: Option<String>,
    /// Page size, 50 unless given, at most 500.
    pub limit: Option<i64>,
    /// Rows to skip.
    pub offset: Option<i64>,
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
struct ContactPage {
    contacts: Vec<ContactWithCompanies>,
    /// Contacts on this page.
    count: usize,
    /// Contacts on all pages.
    total: i64,
    offset: i64,
    limit: i64,
}

/// Contacts by name.
#[utoipa::path(get, path = "/api/contacts", tag = "contacts", params(CompanyQuery), responses(
    (status = 200, body = ContactPage), ForReaders
))]
async fn list_contacts(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<CompanyQuery>,
) -> Result<Json<ContactPage>> {
    let only = reader.narrowed(query.company_id.as_deref())?;
    let limit = paging::limit(query.limit, 50, MAX_LIMIT);
    let offset = paging::offset(query.offset);
    let page = contacts::page(&codex.pool, only.as_deref(), None, limit, offset).await?;
    Ok(Json(ContactPage { count: page.items.len(), total: page.total, contacts: page.items, offset, limit }))
}

/// One contact.
#[utoipa::path(
    get,
    path = "/api/contact/{id}",
    tag = "contacts",
    params(("id" = i64, Path, description = "Codex's id")),
    responses(
        (status = 200, body = ContactWithCompanies), (status = 404, description = "No such contact"), ForReaders
    )
)]
async fn get_contact(
    State(codex): State<Codex>,
    reader: Reader,
    Path(id): Path<i64>,
) -> Result<Json<ContactWithCompanies>> {
    match contacts::find(&codex.pool, reader.scope.account_numbers(), id).await? {
        Some(contact) => Ok(Json(contact)),
        None if contacts::exists(&codex.pool, id).await? => {
            Err(reader.may_see(None).err().unwrap_or_else(no_such_contact))
        }
        None => Err(no_such_contact()),
    }
}

pub(crate) fn no_such_contact() -> Problem {
    Problem::not_found("This contact does not exist.").with("error", "Contact not found")
}
