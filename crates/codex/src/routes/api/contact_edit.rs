//! Contacts by hand: making, changing, merging and deleting them (codex-api.md §4.6, codex-pages.md §4 and §10).

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, TechnicianOnly},
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    contacts::no_such_contact,
    refusals::{ForAdmins, ForTechnicians},
    writer::{self, Changed, RecordMade, bad, clash},
};
use crate::{
    Codex,
    domain::person::{Person, PersonChange},
    store::{
        contact_edit::{self, Locked},
        contact_links, contact_merge, review_subjects,
        reviews::Finding,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(update))
        .routes(routes!(create))
        .routes(routes!(delete))
        .routes(routes!(merge))
}

/// What is known of a contact, or changes about it. Absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(super) struct ContactBody {
    /// The person.
    #[serde(flatten)]
    person: PersonChange,
    /// The companies it has from now on.
    company_account_numbers: Option<Vec<String>>,
    /// The devices it has from now on.
    asset_ids: Option<Vec<i64>>,
    /// Fields that were changed by hand and follow the PSA again from its next sync on.
    #[serde(default)]
    release_fields: Vec<String>,
}

/// Changes a contact by hand. What is changed here no sync overwrites.
#[utoipa::path(put, path = "/contacts/{id}/update", tag = "contacts", params(("id" = i64, Path, description = "Codex's id")),
    request_body = ContactBody, responses(
        (status = 200, body = Changed),
        (status = 400, description = "A value cannot be taken; member `error` says which"),
        (status = 404, description = "No such contact"),
        (status = 409, description = "Another contact has this address"), ForTechnicians
    ))]
async fn update(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(body): Json<serde_json::Map<String, serde_json::Value>>,
) -> Result<Json<Changed>> {
    if body.is_empty() {
        return Err(bad("No data provided"));
    }
    let body = parse(body)?;
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let mut contact = contact_edit::lock(&mut tx, id).await?.ok_or_else(no_such_contact)?;
    let mut changed = contact.person.apply(&body.person).map_err(bad)?;
    address_is_free(&mut tx, &contact.person, Some(id)).await?;
    set_links(&mut tx, id, &body, &mut changed).await?;
    contact_edit::update(&mut tx, id, &contact.person, &changed, &body.release_fields)
        .await
        .map_err(taken)?;
    tx.commit().await?;
    audit!(contact = id, caller = caller.label(), fields = changed.join(","), "contact changed");
    Ok(Json(Changed::new("Contact updated")))
}

/// Makes a contact by hand. When the PSA later has one with the same address, that one continues this record.
#[utoipa::path(post, path = "/api/contacts", tag = "contacts", request_body = ContactBody, responses(
    (status = 201, body = RecordMade),
    (status = 400, description = "A value is missing or cannot be taken"),
    (status = 409, description = "Another contact has this address"), ForTechnicians
))]
async fn create(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Json(body): Json<serde_json::Map<String, serde_json::Value>>,
) -> Result<(StatusCode, Json<RecordMade>)> {
    let body = parse(body)?;
    let mut person = Person { active: true, ..Person::default() };
    person.apply(&body.person).map_err(bad)?;
    if person.email.is_empty() {
        return Err(bad("A contact needs an e-mail address."));
    }
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    address_is_free(&mut tx, &person, None).await?;
    let id = contact_edit::create(&mut tx, &person).await.map_err(taken)?;
    set_links(&mut tx, id, &body, &mut Vec::new()).await?;
    tx.commit().await?;
    audit!(contact = id, caller = caller.label(), "contact created");
    let message = format!("Contact {} created", person.name);
    Ok((StatusCode::CREATED, Json(RecordMade { success: true, id, message })))
}

/// Deletes a contact that no sync would bring back.
#[utoipa::path(delete, path = "/api/contacts/{id}", tag = "contacts", params(("id" = i64, Path, description = "Codex's id")), responses(
    (status = 200, body = Changed), (status = 404, description = "No such contact"),
    (status = 409, description = "The contact comes from a PSA that is in use"), ForAdmins
))]
async fn delete(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i64>,
) -> Result<Json<Changed>> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let contact = contact_edit::lock(&mut tx, id).await?.ok_or_else(no_such_contact)?;
    if let Some(vendor) =
        contact.external_id.and_then(|_| writer::synced_from(&codex, &contact.external_source))
    {
        return Err(clash(format!(
            "{} comes from {vendor}, and the next sync would bring it back. Delete it there, or set it inactive here.",
            contact.person.name
        )));
    }
    contact_edit::delete(&mut tx, id, &format!("deleted by {}", caller.label())).await?;
    tx.commit().await?;
    audit!(contact = id, name = contact.person.name, caller = caller.label(), "contact deleted");
    Ok(Json(Changed::new(format!("Contact {} deleted", contact.person.name))))
}

/// Which record stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct MergeBody {
    /// Codex's id of the contact that stays.
    into: i64,
}

/// Makes two records of one person one: companies, devices and addresses go to the one that stays, the other one is
/// removed, and no sync brings it back. Tickets keep what they say of their requester.
#[utoipa::path(post, path = "/api/contacts/{id}/merge", tag = "contacts",
    params(("id" = i64, Path, description = "Codex's id of the contact that goes")), request_body = MergeBody, responses(
        (status = 200, body = Changed), (status = 400, description = "The two are one already"),
        (status = 404, description = "No such contact"), ForTechnicians
    ))]
async fn merge(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(body): Json<MergeBody>,
) -> Result<Json<Changed>> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let (from, into) =
        merge_contacts(&mut tx, id, body.into, &caller.label(), codex.context.clock.now()).await?;
    tx.commit().await?;
    audit!(contact = from.id, into = into.id, caller = caller.label(), "contacts merged");
    Ok(Json(Changed::new(format!("{} is now part of {}", from.person.email, into.person.name))))
}

/// Merges in a transaction and settles what was to be decided about the two. Answers both as they were.
pub(super) async fn merge_contacts(
    conn: &mut PgConnection,
    from: i64,
    into: i64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(Locked, Locked)> {
    if from == into {
        return Err(bad("A contact cannot be merged into itself."));
    }
    // Always in the same order, so that two who merge the same pair wait for each other.
    let first = contact_edit::lock(conn, from.min(into)).await?.ok_or_else(no_such_contact)?;
    let second = contact_edit::lock(conn, from.max(into)).await?.ok_or_else(no_such_contact)?;
    let (from, into) = if first.id == from { (first, second) } else { (second, first) };
    contact_merge::merge(conn, into.clone(), from.clone(), by).await?;
    let keys: Vec<String> = [&from, &into]
        .into_iter()
        .filter_map(|contact| Some(Finding::key(&contact.external_source, contact.external_id?)))
        .collect();
    review_subjects::merged(conn, &keys, by, now).await?;
    Ok((from, into))
}

async fn set_links(
    conn: &mut PgConnection,
    id: i64,
    body: &ContactBody,
    changed: &mut Vec<&'static str>,
) -> Result<()> {
    if let Some(numbers) = &body.company_account_numbers {
        if let Some(number) = contact_links::unknown_company(conn, numbers).await? {
            return Err(bad(format!("There is no company {number}.")));
        }
        if contact_links::set_companies(conn, id, numbers).await? {
            changed.push(contact_links::COMPANIES);
        }
    }
    if let Some(assets) = &body.asset_ids {
        if let Some(asset) = contact_links::unknown_asset(conn, assets).await? {
            return Err(bad(format!("There is no device {asset}.")));
        }
        contact_links::set_assets(conn, id, assets).await?;
    }
    Ok(())
}

/// Objects are read member by member first, so that a missing body is told from a wrong value.
fn parse(body: serde_json::Map<String, serde_json::Value>) -> Result<ContactBody> {
    serde_json::from_value(body.into()).map_err(|error| bad(format!("A value cannot be taken: {error}")))
}

async fn address_is_free(conn: &mut PgConnection, person: &Person, but: Option<i64>) -> Result<()> {
    match contact_edit::holder_of(conn, &person.email, but).await? {
        Some((id, name)) => {
            Err(clash(format!("{name} has the address {} already.", person.email)).with("contact_id", id))
        }
        None => Ok(()),
    }
}

/// Two who take one address at the same moment.
fn taken(error: sqlx::Error) -> Problem {
    match &error {
        sqlx::Error::Database(db) if db.constraint() == Some("unique_contact_email") => {
            clash("Another contact has this address already.")
        }
        _ => error.into(),
    }
}
