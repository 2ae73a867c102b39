//! `/api/billing-plans`: plans as upstream's tables have them, one row for each term.

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

use super::{actions, lists::visible, no_such_plan};
use crate::{
    Codex,
    domain::{
        contract::canonical_term,
        plans::{Features, OldFeatures, Plan, Prices},
    },
    routes::api::{
        reader::Reader,
        refusals::{ForAdmins, ForReaders},
    },
    store::plans::{self, Selection},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, remove))
        .routes(routes!(get_named, remove_named))
}

/// Which plans; both exactly, terms in any spelling.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ListQuery {
    /// Name of the plan.
    plan_name: Option<String>,
    /// Term: `Month to Month`, `1 Year`, `2 Year`, `3 Year` or another one.
    term_length: Option<String>,
}

/// One term of a plan. The six feature texts are deprecated: features are read by name and term.
#[derive(Serialize, ToSchema)]
struct PlanRow {
    id: i64,
    plan_name: String,
    /// The same as `plan_name`.
    billing_plan: String,
    term_length: String,
    support_level: String,
    #[serde(flatten)]
    prices: Prices,
    #[serde(flatten)]
    old_features: OldFeatures,
}

impl From<Plan> for PlanRow {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id,
            billing_plan: plan.plan_name.clone(),
            plan_name: plan.plan_name,
            term_length: plan.term_length,
            support_level: plan.support_level,
            prices: plan.prices,
            old_features: plan.old_features,
        }
    }
}

/// Plans by name and term. A `client` sees those of its own companies.
#[utoipa::path(get, path = "/api/billing-plans", tag = "plans", params(ListQuery),
    responses((status = 200, body = Vec<PlanRow>), ForReaders))]
async fn list(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<Vec<PlanRow>>> {
    let term = query.term_length.map(|term| canonical_term(&term).unwrap_or_default());
    let selection =
        Selection { id: None, plan_name: query.plan_name.as_deref(), term_length: term.as_deref() };
    let found = plans::list(&codex.pool, selection).await?;
    let visible = visible(&codex, &reader).await?;
    Ok(Json(found.into_iter().filter(|plan| visible.has(plan)).map(PlanRow::from).collect()))
}

/// One term of a plan by its id.
#[utoipa::path(get, path = "/api/billing-plans/{id}", tag = "plans", params(("id" = i64, Path, description = "Id of the term")),
    responses((status = 200, body = PlanRow), (status = 404, description = "No such plan"), ForReaders))]
async fn get(State(codex): State<Codex>, reader: Reader, Path(id): Path<i64>) -> Result<Json<PlanRow>> {
    let plan = plans::find(&codex.pool, id).await?;
    let visible = visible(&codex, &reader).await?;
    plan.filter(|plan| visible.has(plan)).map(|plan| Json(plan.into())).ok_or_else(no_such_plan)
}

/// What is known or wanted of a plan. Amounts are numbers, or texts with a number, of at most two decimal places.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document's view of a body that is checked member by member")]
pub(super) struct PlanChange {
    /// Name; also read from `billing_plan`.
    plan_name: Option<String>,
    /// Term in any spelling.
    term_length: Option<String>,
    /// `Billed Hourly`, `Unlimited`, `All Inclusive` or another text.
    support_level: Option<String>,
    #[schema(schema_with = amount)]
    per_user_cost: f64,
    #[schema(schema_with = amount)]
    per_workstation_cost: f64,
    #[schema(schema_with = amount)]
    per_server_cost: f64,
    #[schema(schema_with = amount)]
    per_vm_cost: f64,
    #[schema(schema_with = amount)]
    per_switch_cost: f64,
    #[schema(schema_with = amount)]
    per_firewall_cost: f64,
    #[schema(schema_with = amount)]
    per_hour_ticket_cost: f64,
    #[schema(schema_with = amount)]
    backup_base_fee_workstation: f64,
    #[schema(schema_with = amount)]
    backup_base_fee_server: f64,
    #[schema(schema_with = amount)]
    backup_included_tb: f64,
    #[schema(schema_with = amount)]
    backup_per_tb_fee: f64,
    /// Features to set by category key; an empty value or null takes one away, absent ones stay.
    features: Option<std::collections::BTreeMap<String, Option<String>>>,
}

/// A number or a text with one, or null, and never required.
fn amount() -> utoipa::openapi::schema::Schema {
    use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
    let one_of = OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0)).maximum(Some(99_999_999.99)))
        .item(ObjectBuilder::new().schema_type(Type::String))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .build();
    Schema::OneOf(one_of)
}

/// A row that was made or changed.
#[derive(Serialize, ToSchema)]
pub(super) struct Written {
    pub(super) id: i64,
    pub(super) message: &'static str,
}

/// Makes one term of a plan. What is not given is free of charge.
#[utoipa::path(post, path = "/api/billing-plans", tag = "plans", request_body = PlanChange,
    responses(
        (status = 201, body = Written), (status = 409, description = "Name and term exist"),
        (status = 400, description = "A value is not allowed; member `fields` says which"), ForAdmins
    ))]
async fn create(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(given): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Written>)> {
    let id = actions::create(&codex, &caller, &given).await?;
    Ok((StatusCode::CREATED, Json(Written { id, message: "Billing plan created" })))
}

/// A term that was changed.
#[derive(Serialize, ToSchema)]
struct PlanChanged {
    id: i64,
    message: &'static str,
    /// Companies that got the plan named by `reassign_to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reassigned: Option<u64>,
}

/// Changes what is given. With another name or term it is another plan for the companies that have it: say what they get
/// (`reassign_to`, which may be the new name), or that they stay without prices (`force`).
#[utoipa::path(put, path = "/api/billing-plans/{id}", tag = "plans", params(("id" = i64, Path, description = "Id of the term"), RemovalQuery), request_body = PlanChange,
    responses(
        (status = 200, body = PlanChanged),
        (status = 400, description = "A value is not allowed; member `fields` says which. Or the companies cannot get the other plan"),
        (status = 404, description = "No such plan"),
        (status = 409, description = "Name and term are taken; or companies have the plan and nothing was said about them, member `companies`"),
        ForAdmins
    ))]
async fn change(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i64>,
    LenientQuery(query): LenientQuery<RemovalQuery>,
    Json(given): Json<Map<String, Value>>,
) -> Result<Json<PlanChanged>> {
    let left = actions::change(&codex, &caller, id, &given, &query.into()).await?;
    let reassigned = (left.reassigned > 0).then_some(left.reassigned);
    Ok(Json(PlanChanged { id, message: "Billing plan updated", reassigned }))
}

/// What happens to the companies of a plan that is removed, or gets another name or term.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct RemovalQuery {
    /// They get this plan; it must exist.
    reassign_to: Option<String>,
    /// They keep the name of the plan, which has no prices then.
    force: Option<bool>,
}

impl From<RemovalQuery> for actions::Removal {
    fn from(query: RemovalQuery) -> Self {
        Self { reassign_to: query.reassign_to, force: query.force.unwrap_or_default() }
    }
}

/// A plan that is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanRemoved {
    success: bool,
    /// Terms that were removed.
    terms: u64,
    /// Companies that got another plan.
    reassigned: u64,
}

impl From<actions::Removed> for PlanRemoved {
    fn from(removed: actions::Removed) -> Self {
        Self { success: true, terms: removed.terms, reassigned: removed.reassigned }
    }
}

/// Removes one term of a plan by its id.
#[utoipa::path(delete, path = "/api/billing-plans/{id}", tag = "plans", params(("id" = i64, Path, description = "Id of the term"), RemovalQuery),
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
    Path(id): Path<i64>,
    LenientQuery(query): LenientQuery<RemovalQuery>,
) -> Result<Json<PlanRemoved>> {
    Ok(Json(actions::remove_row(&codex, &caller, id, &query.into()).await?.into()))
}

/// One term of a plan with its features.
#[derive(Serialize, ToSchema)]
struct PlanFeatures {
    id: i64,
    plan_name: String,
    term_length: String,
    support_level: String,
    /// Category key → value.
    features: Features,
}

/// A plan by its name and term, the latter in any spelling.
#[utoipa::path(get, path = "/api/billing-plans/{name}/{term}", tag = "plans",
    params(("name" = String, Path, description = "Name of the plan"), ("term" = String, Path, description = "Term in any spelling, such as `1 Year`")),
    responses((status = 200, body = PlanFeatures), (status = 404, description = "No such plan"), ForReaders))]
async fn get_named(
    State(codex): State<Codex>,
    reader: Reader,
    Path((name, term)): Path<(String, String)>,
) -> Result<Json<PlanFeatures>> {
    let (plan, features) = find_named(&codex, &reader, &name, &term).await?.ok_or_else(no_such_plan)?;
    Ok(Json(PlanFeatures {
        id: plan.id,
        plan_name: plan.plan_name,
        term_length: plan.term_length,
        support_level: plan.support_level,
        features,
    }))
}

/// A plan by name and term, when the reader may see it.
pub(super) async fn find_named(
    codex: &Codex,
    reader: &Reader,
    name: &str,
    term: &str,
) -> Result<Option<(Plan, Features)>> {
    let term = canonical_term(term).unwrap_or_default();
    let selection = Selection { id: None, plan_name: Some(name), term_length: Some(&term) };
    let Some(plan) = plans::list(&codex.pool, selection).await?.into_iter().next() else { return Ok(None) };
    if !visible(codex, reader).await?.has(&plan) {
        return Ok(None);
    }
    let features = plans::features(&codex.pool, &[plan.id]).await?.remove(&plan.id).unwrap_or_default();
    Ok(Some((plan, features)))
}

/// Removes one term of a plan.
#[utoipa::path(delete, path = "/api/billing-plans/{name}/{term}", tag = "plans",
    params(("name" = String, Path, description = "Name of the plan"), ("term" = String, Path, description = "Term in any spelling, such as `1 Year`"), RemovalQuery),
    responses(
        (status = 200, body = PlanRemoved),
        (status = 400, description = "The companies cannot get the other plan"),
        (status = 404, description = "No such plan"),
        (status = 409, description = "Companies have it and nothing was said about them; member `companies`"),
        ForAdmins
    ))]
async fn remove_named(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path((name, term)): Path<(String, String)>,
    LenientQuery(query): LenientQuery<RemovalQuery>,
) -> Result<Json<PlanRemoved>> {
    Ok(Json(actions::remove(&codex, &caller, &name, Some(&term), &query.into()).await?.into()))
}
