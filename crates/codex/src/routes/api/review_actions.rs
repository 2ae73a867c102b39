//! Deciding by doing: two records become one contact, a site of an RMM gets its company.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::TechnicianOnly,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    contact_edit::merge_contacts,
    refusals::ForTechnicians,
    writer::{self, Changed, bad, clash},
};
use crate::{
    Codex,
    domain::review::{self, Site},
    store::{
        contact_links, contact_merge,
        review_subjects::{self, vendor_key},
        reviews::{self, DUPLICATE_CONTACT, Resolved, ReviewItem},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(merge)).routes(routes!(link))
}

/// Which record stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct MergeDecision {
    /// Codex's id of the contact that stays; needed only when both records are stored.
    #[serde(default)]
    into: Option<i64>,
}

/// Decides that two records are one person. When both are stored they become one contact; when the second one could not be
/// stored, it counts as the first from now on.
#[utoipa::path(post, path = "/api/review/{id}/merge", tag = "review", params(("id" = i64, Path, description = "Id of the item")),
    request_body = MergeDecision, responses(
        (status = 200, body = Changed),
        (status = 400, description = "Not about two contacts, or `into` is neither of them"),
        (status = 404, description = "No such item"),
        (status = 409, description = "Decided already, or a record is gone"), ForTechnicians
    ))]
async fn merge(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(decision): Json<MergeDecision>,
) -> Result<Json<Changed>> {
    let by = caller.label();
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let item = resolve(&codex, &mut tx, id, "merged", &by).await?;
    if item.kind != DUPLICATE_CONTACT {
        return Err(bad("This is not about two contacts."));
    }
    let known = review_subjects::contacts(&mut tx, &[&item.subject, &item.other]).await?;
    let message = match (known.get(&item.subject), known.get(&item.other)) {
        (Some(one), Some(other)) if one.id == other.id => format!("Both are {} already", one.name),
        (Some(one), Some(other)) => {
            let into = match decision.into {
                Some(id) if id == one.id || id == other.id => id,
                Some(_) => return Err(bad("`into` is neither of the two contacts.")),
                None => return Err(bad("Both records are stored: say by `into` which one stays.")),
            };
            let from = if into == one.id { other.id } else { one.id };
            let (_, into) = merge_contacts(&mut tx, from, into, &by, codex.context.clock.now()).await?;
            format!("Both are {} now", into.person.name)
        }
        (Some(stored), None) => {
            same(&mut tx, stored.id, &item.other, &by).await.map(|()| stored.name.clone())?
        }
        (None, Some(stored)) => {
            same(&mut tx, stored.id, &item.subject, &by).await.map(|()| stored.name.clone())?
        }
        (None, None) => return Err(clash("Neither record is stored any more. The next sync settles this.")),
    };
    tx.commit().await?;
    audit!(review = id, subject = item.subject, other = item.other, caller = by, "duplicate contacts merged");
    Ok(Json(Changed::new(message)))
}

/// A record that is not stored counts as a contact from now on.
async fn same(conn: &mut PgConnection, contact: i64, key: &str, by: &str) -> Result<()> {
    let (source, id) = vendor_key(key).ok_or_else(|| bad("This is not about a record of a vendor."))?;
    Ok(contact_merge::alias(conn, contact, source, id, by).await?)
}

/// Where a site belongs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct LinkDecision {
    /// Account number of the company.
    account_number: String,
}

/// Decides which company a site of the RMM belongs to. Its devices come with the next sync.
#[utoipa::path(post, path = "/api/review/{id}/link", tag = "review", params(("id" = i64, Path, description = "Id of the item")),
    request_body = LinkDecision, responses(
        (status = 200, body = Changed), (status = 400, description = "Not about a site, or no such company"),
        (status = 404, description = "No such item"), (status = 409, description = "Decided already"),
        ForTechnicians
    ))]
async fn link(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(decision): Json<LinkDecision>,
) -> Result<Json<Changed>> {
    let by = caller.label();
    let number = decision.account_number.trim().to_owned();
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    if let Some(number) = contact_links::unknown_company(&mut tx, std::slice::from_ref(&number)).await? {
        return Err(bad(format!("There is no company {number}.")));
    }
    let item = resolve(&codex, &mut tx, id, &format!("linked to {number}"), &by).await?;
    let Some(Site { provider, uid, name }) = review::site(&item.kind, &item.subject, item.proposal.as_ref())
    else {
        return Err(bad("This is not about a site."));
    };
    review_subjects::link_site(&mut tx, &provider, &uid, name.as_deref(), &number).await?;
    tx.commit().await?;
    audit!(review = id, site = uid, company = number, caller = by, "site of the RMM linked to a company");
    Ok(Json(Changed::new(format!(
        "{} belongs to {number} now; its devices come with the next sync",
        name.unwrap_or(uid)
    ))))
}

/// Writes the decision down, in the transaction that carries it out.
async fn resolve(
    codex: &Codex,
    conn: &mut PgConnection,
    id: i64,
    resolution: &str,
    by: &str,
) -> Result<ReviewItem> {
    match reviews::resolve(conn, id, resolution, None, by, codex.context.clock.now()).await? {
        Resolved::Done(item) => Ok(item),
        Resolved::Already(item) => Err(clash("This has been decided already.")
            .with("resolution", item.resolution)
            .with("resolved_by", item.resolved_by)),
        Resolved::Missing => {
            Err(Problem::not_found("There is no such item.").with("error", "Review item not found"))
        }
    }
}
