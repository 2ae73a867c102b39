//! Companies and what belongs to one (codex-api.md §4.2).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use hivematrix_shared::{
    contracts::codex::{Asset, Company, CompanyTicket, Contact, Location},
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::HeaderMap;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{bulk::TicketQuery, paging, reader::Reader, refusals::ForReaders, tagged::Tag};
use crate::{
    Codex,
    store::{assets, companies, contacts, data_version::Part, locations, tickets},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(list_companies))
        .routes(routes!(get_company))
        .routes(routes!(get_company_alias))
        .routes(routes!(list_assets))
        .routes(routes!(list_contacts))
        .routes(routes!(list_users))
        .routes(routes!(list_locations))
        .routes(routes!(list_tickets))
}

/// The page; values of the wrong type are ignored.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ListQuery {
    /// At most so many; all unless given.
    limit: Option<i64>,
    /// Companies to skip.
    offset: Option<i64>,
}

/// All companies by name.
#[utoipa::path(
    get,
    path = "/api/companies",
    tag = "companies",
    params(ListQuery, ("If-None-Match" = Option<String>, Header, description = "Entity tag of an earlier answer")),
    responses((status = 200, body = Vec<Company>), (status = 304, description = "Unchanged"), ForReaders)
)]
async fn list_companies(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let selection = companies::Selection {
        only: reader.scope.account_numbers(),
        limit: query.limit.filter(|limit| *limit >= 0),
        offset: paging::offset(query.offset),
        ..companies::Selection::default()
    };
    let asked = format!("companies {:?} {}", selection.limit, selection.offset);
    let tag = Tag::of(&codex, &reader, &[Part::Companies], &asked).await?;
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    Ok((tag.headers(), Json(companies::list(&codex.pool, selection).await?)).into_response())
}

/// One company.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses((status = 200, body = Company), (status = 404, description = "No such company"), ForReaders)
)]
async fn get_company(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
) -> Result<Json<Company>> {
    reader.may_see(Some(&account_number))?;
    let company = companies::find(&codex.pool, &account_number).await?;
    company.map(Json).ok_or_else(|| no_such_company(&account_number))
}

/// Same as `/api/companies/{account_number}`.
#[utoipa::path(
    get,
    path = "/api/company/{account_number}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses((status = 200, body = Company), (status = 404, description = "No such company"), ForReaders)
)]
async fn get_company_alias(codex: State<Codex>, reader: Reader, path: Path<String>) -> Result<Json<Company>> {
    get_company(codex, reader, path).await
}

/// The company's devices by host name.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}/assets",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses(
        (status = 200, body = Vec<Asset>), (status = 404, description = "No such company"), ForReaders
    )
)]
async fn list_assets(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
) -> Result<Json<Vec<Asset>>> {
    let only = reader.narrowed(Some(&account_number))?;
    let selection = assets::Selection { only: only.as_deref(), ..assets::Selection::default() };
    let found = assets::list(&codex.pool, selection).await?.into_iter().map(|row| row.asset).collect();
    known_company(&codex, &account_number, found).await
}

/// The company's people by name, inactive ones included.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}/contacts",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses(
        (status = 200, body = Vec<Contact>), (status = 404, description = "No such company"), ForReaders
    )
)]
async fn list_contacts(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
) -> Result<Json<Vec<Contact>>> {
    let only = reader.narrowed(Some(&account_number))?;
    let found = contacts::of_companies(&codex.pool, only.as_deref()).await?;
    known_company(&codex, &account_number, found.into_iter().map(|row| row.contact).collect()).await
}

/// Same as `/api/companies/{account_number}/contacts`.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}/users",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses(
        (status = 200, body = Vec<Contact>), (status = 404, description = "No such company"), ForReaders
    )
)]
async fn list_users(codex: State<Codex>, reader: Reader, path: Path<String>) -> Result<Json<Vec<Contact>>> {
    list_contacts(codex, reader, path).await
}

/// The company's additional addresses.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}/locations",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses(
        (status = 200, body = Vec<Location>), (status = 404, description = "No such company"), ForReaders
    )
)]
async fn list_locations(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
) -> Result<Json<Vec<Location>>> {
    let only = reader.narrowed(Some(&account_number))?;
    let found = locations::list(&codex.pool, only.as_deref()).await?;
    known_company(&codex, &account_number, found.into_iter().map(|row| row.location).collect()).await
}

/// The company's tickets of all states.
#[utoipa::path(
    get,
    path = "/api/companies/{account_number}/tickets",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company"), TicketQuery),
    responses(
        (status = 200, body = Vec<CompanyTicket>), (status = 404, description = "No such company"), ForReaders
    )
)]
async fn list_tickets(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
    LenientQuery(query): LenientQuery<TicketQuery>,
) -> Result<Json<Vec<CompanyTicket>>> {
    let only = reader.narrowed(Some(&account_number))?;
    // All of them are held at once, so only a few such answers are made at a time.
    let _turn = codex.turn(1).await?;
    let found: Vec<_> = tickets::company::stream(&codex.pool, query.selection(&reader, only))
        .map_ok(|row| row.ticket)
        .try_collect()
        .await?;
    known_company(&codex, &account_number, found).await
}

/// The rows; when there are none, the company may not exist.
async fn known_company<T>(codex: &Codex, account_number: &str, rows: Vec<T>) -> Result<Json<Vec<T>>> {
    if rows.is_empty() && !companies::exists(&codex.pool, account_number).await? {
        return Err(no_such_company(account_number));
    }
    Ok(Json(rows))
}

/// 404 with the members of upstream.
pub fn no_such_company(account_number: &str) -> Problem {
    Problem::not_found(format!("Company with account number '{account_number}' does not exist."))
        .with("account_number", account_number)
        .with("error", "Company not found")
}
