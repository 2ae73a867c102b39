//! `/api/plans`: a plan as people see it, in all its terms at once. What the page of plans does, for programs.

use axum::extract::State;
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{Json, LenientQuery, Path},
    problem::Result,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions,
    rows::{PlanChange, PlanRemoved, RemovalQuery},
};
use crate::{Codex, routes::api::refusals::ForAdmins};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(save, remove)).routes(routes!(copy_terms))
}

/// A plan to be made.
#[derive(Deserialize, ToSchema)]
struct NewPlan {
    /// Its name.
    plan_name: String,
}

/// A plan that was made.
#[derive(Serialize, ToSchema)]
struct PlanCreated {
    success: bool,
    plan_name: String,
    /// Ids of its terms.
    ids: Vec<i64>,
    message: String,
}

/// Makes a plan with the four terms `Month to Month`, `1 Year`, `2 Year` and `3 Year` and the usual fees.
#[utoipa::path(post, path = "/api/plans", tag = "plans", request_body = NewPlan,
    responses(
        (status = 201, body = PlanCreated), (status = 409, description = "There is a plan of this name"),
        (status = 400, description = "A value is not allowed; member `fields` says which"), ForAdmins
    ))]
async fn create(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(new): Json<NewPlan>,
) -> Result<(StatusCode, Json<PlanCreated>)> {
    let (plan_name, ids) = actions::create_in_all_terms(&codex, &caller, &new.plan_name).await?;
    let message = format!("Plan “{plan_name}” created with {} terms", ids.len());
    Ok((StatusCode::CREATED, Json(PlanCreated { success: true, plan_name, ids, message })))
}

/// Changes of several terms of a plan.
#[derive(Deserialize, ToSchema)]
struct PlanSave {
    /// Each names its term by `id` or `term_length` and has the members to change.
    #[schema(value_type = Vec<PlanChange>)]
    terms: Vec<Map<String, Value>>,
}

/// What was done to the terms of a plan.
#[derive(Serialize, ToSchema)]
struct TermsChanged {
    success: bool,
    /// Terms that were written.
    terms: usize,
    message: String,
}

/// Saves prices, support levels and features of several terms, all or none. Values that do not fit are told by
/// `<member>_<id>` in `fields`.
#[utoipa::path(put, path = "/api/plans/{name}", tag = "plans", params(("name" = String, Path, description = "Name of the plan")), request_body = PlanSave,
    responses(
        (status = 200, body = TermsChanged), (status = 404, description = "No such plan"),
        (status = 400, description = "A value is not allowed; member `fields` says which"), ForAdmins
    ))]
async fn save(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(name): Path<String>,
    Json(changes): Json<PlanSave>,
) -> Result<Json<TermsChanged>> {
    let terms = actions::save(&codex, &caller, &name, &changes.terms).await?;
    Ok(Json(TermsChanged { success: true, terms, message: format!("Plan “{name}” saved") }))
}

/// Removes a plan in all terms.
#[utoipa::path(delete, path = "/api/plans/{name}", tag = "plans", params(("name" = String, Path, description = "Name of the plan"), RemovalQuery),
    responses(
        (status = 200, body = PlanRemoved),
        (status = 400, description = "The companies cannot get the other plan"),
        (status = 404, description = "No such plan"),
        (status = 409, description = "Companies have it and nothing was said about them; member `companies`"),
        ForAdmins
    ))]
async fn remove(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(name): Path<String>,
    LenientQuery(query): LenientQuery<RemovalQuery>,
) -> Result<Json<PlanRemoved>> {
    Ok(Json(actions::remove(&codex, &caller, &name, None, &query.into()).await?.into()))
}

/// Which term is copied.
#[derive(Deserialize, ToSchema)]
struct CopySource {
    /// One of the plan's terms, in any spelling.
    source_term: String,
}

/// Gives all other terms of a plan the prices, support level and features of one.
#[utoipa::path(post, path = "/api/plans/{name}/copy-terms", tag = "plans", params(("name" = String, Path, description = "Name of the plan")), request_body = CopySource,
    responses(
        (status = 200, body = TermsChanged), (status = 404, description = "No such plan or term"), ForAdmins
    ))]
async fn copy_terms(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(name): Path<String>,
    Json(source): Json<CopySource>,
) -> Result<Json<TermsChanged>> {
    let terms = actions::copy_terms(&codex, &caller, &name, &source.source_term).await?;
    let message = format!("Copied to {terms} other {}", if terms == 1 { "term" } else { "terms" });
    Ok(Json(TermsChanged { success: true, terms, message }))
}
