//! What people have to decide: possible duplicates, records that fit nowhere (codex-api.md §6.5 to §7.3).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::StaffOnly,
    extract::{Json, LenientQuery, Path},
    pages::format::iso_z,
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{self, MAX_LIMIT},
    refusals::{ForStaff, ForTechnicians},
    sync::Technician,
};
use crate::{
    Codex,
    store::{
        changes,
        reviews::{self, Resolved, ReviewItem},
    },
};

/// Longest resolution, in characters.
const MAX_RESOLUTION: usize = 200;
/// Longest note, in characters.
const MAX_NOTE: usize = 2000;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_items)).routes(routes!(resolve_item))
}

/// Optional filters and the page; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ReviewQuery {
    /// `duplicate_contact`, `duplicate_company`, `company_without_number`, `duplicate_asset`, `rmm_site`, …
    kind: Option<String>,
    /// `open` (the default) or `all`.
    state: Option<String>,
    /// Page size, 50 unless given, at most 500.
    limit: Option<i64>,
    /// Rows to skip.
    offset: Option<i64>,
}

/// Something to decide.
#[derive(Serialize, ToSchema)]
struct ReviewRow {
    id: i64,
    /// What kind of doubt it is.
    kind: String,
    /// The record it is about, such as `freshservice:19000100001`.
    subject: String,
    /// The record it may be the same as, or belong to; empty when there is none.
    other: String,
    /// The reason, in words.
    detail: String,
    /// What could be done about it.
    #[schema(value_type = Option<Object>)]
    proposal: Option<Value>,
    #[schema(format = DateTime)]
    found_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    #[schema(format = DateTime)]
    resolved_at: Option<String>,
    /// Who decided; `sync` when the cause has gone by itself.
    resolved_by: Option<String>,
    resolution: Option<String>,
    note: Option<String>,
}

impl From<ReviewItem> for ReviewRow {
    fn from(item: ReviewItem) -> Self {
        Self {
            id: item.id,
            kind: item.kind,
            subject: item.subject,
            other: item.other,
            detail: item.detail,
            proposal: item.proposal,
            found_at: iso_z(item.found_at),
            last_seen_at: iso_z(item.last_seen_at),
            resolved_at: item.resolved_at.map(iso_z),
            resolved_by: item.resolved_by,
            resolution: item.resolution,
            note: item.note,
        }
    }
}

/// A page of things to decide.
#[derive(Serialize, ToSchema)]
struct ReviewPage {
    items: Vec<ReviewRow>,
    /// Items on this page.
    count: usize,
    /// Items on all pages.
    total: i64,
    offset: i64,
    limit: i64,
}

/// What has to be decided, the oldest first; decided ones come last.
#[utoipa::path(get, path = "/api/review", tag = "review", params(ReviewQuery), responses(
    (status = 200, body = ReviewPage), ForStaff
))]
async fn list_items(
    State(codex): State<Codex>,
    _: StaffOnly,
    LenientQuery(query): LenientQuery<ReviewQuery>,
) -> Result<Json<ReviewPage>> {
    let limit = paging::limit(query.limit, 50, MAX_LIMIT);
    let offset = paging::offset(query.offset);
    let all = query.state.as_deref() == Some("all");
    // No kind has a NUL in it, and the database would refuse one.
    let kind = query.kind.as_deref().filter(|kind| !kind.contains('\0'));
    let page = reviews::list(&codex.pool, kind, all, limit, offset).await?;
    let items: Vec<ReviewRow> = page.items.into_iter().map(ReviewRow::from).collect();
    Ok(Json(ReviewPage { count: items.len(), total: page.total, items, offset, limit }))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
struct Decision {
    /// What was decided, such as `not a duplicate`.
    #[schema(min_length = 1, max_length = 200)]
    resolution: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// A decision that counts.
#[derive(Serialize, ToSchema)]
struct Decided {
    success: bool,
    item: ReviewRow,
}

/// Writes down a decision. The item does not come back while its cause goes on.
#[utoipa::path(post, path = "/api/review/{id}/resolve", tag = "review", request_body = Decision,
    params(("id" = i64, Path, description = "Id of the item")), responses(
        (status = 200, body = Decided), (status = 400, description = "No JSON"),
        (status = 404, description = "No such item"),
        (status = 409, description = "Decided already; members `resolution` and `resolved_by`"),
        (status = 422, description = "No resolution, or a text that is too long"), ForTechnicians
    ))]
async fn resolve_item(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path(id): Path<i64>,
    Json(decision): Json<Decision>,
) -> Result<Json<Decided>> {
    let resolution = text("resolution", &decision.resolution, MAX_RESOLUTION)?
        .ok_or_else(|| unfit("resolution must say what was decided"))?;
    let note = text("note", decision.note.as_deref().unwrap_or_default(), MAX_NOTE)?;
    let by = caller.label();
    let mut tx = codex.pool.begin().await?;
    changes::acting(&mut tx, &by).await?;
    let resolved = reviews::resolve(&mut tx, id, resolution, note, &by, codex.context.clock.now()).await?;
    tx.commit().await?;
    match resolved {
        Resolved::Done(item) => {
            audit!(
                review = item.id,
                kind = item.kind,
                subject = item.subject,
                other = item.other,
                caller = by,
                resolution,
                "review item resolved"
            );
            Ok(Json(Decided { success: true, item: item.into() }))
        }
        Resolved::Already(item) => Err(Problem::conflict("This has been decided already.")
            .with("resolution", item.resolution)
            .with("resolved_by", item.resolved_by)
            .with("success", false)),
        Resolved::Missing => {
            Err(Problem::not_found("There is no such item.").with("error", "Review item not found"))
        }
    }
}

/// A trimmed text; `None` when it is empty.
fn text<'a>(name: &str, value: &'a str, longest: usize) -> Result<Option<&'a str>> {
    let value = value.trim();
    if value.chars().count() > longest {
        return Err(unfit(format!("{name} may have at most {longest} characters")));
    }
    if value.contains('\0') {
        return Err(unfit(format!("{name} must not contain NUL")));
    }
    Ok((!value.is_empty()).then_some(value))
}

fn unfit(why: impl Into<String>) -> Problem {
    Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY).with("success", false).error(why)
}
