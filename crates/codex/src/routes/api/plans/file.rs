//! Plans as a file: `GET /billing-plans/export`, `POST /api/billing-plans/import`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    audit,
    auth::AdminOnly,
    extract::{Json, Query},
    problem::{Problem, Result},
};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{actions, refused};
use crate::{
    Codex,
    domain::{
        plan_file,
        plans::{Features, Plan, Prices},
    },
    routes::api::refusals::ForAdmins,
    store::{
        feature_options,
        plan_import::Statistics,
        plans::{self, Selection},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

/// A plan in the file.
#[derive(Serialize, ToSchema)]
struct PlanEntry {
    plan_name: String,
    term_length: String,
    #[serde(flatten)]
    prices: Prices,
    support_level: String,
    features: Features,
}

/// An option in the file.
#[derive(Serialize, ToSchema)]
struct OptionEntry {
    feature_category: String,
    option_value: String,
    display_name: String,
    description: Option<String>,
}

/// All plans and options.
#[derive(Serialize, ToSchema)]
pub struct ExportFile {
    plans: Vec<PlanEntry>,
    feature_options: Vec<OptionEntry>,
}

/// All plans and options as the file `billing_plans_export.json`.
#[utoipa::path(get, path = "/billing-plans/export", tag = "plans", responses(
    (status = 200, body = ExportFile), ForAdmins
))]
pub async fn export(State(codex): State<Codex>, AdminOnly(caller): AdminOnly) -> Result<Response> {
    let found = plans::list(&codex.pool, Selection::default()).await?;
    let ids: Vec<i64> = found.iter().map(|plan| plan.id).collect();
    let mut features = plans::features(&codex.pool, &ids).await?;
    let options = feature_options::list(&codex.pool, feature_options::Selection::default()).await?;
    let entry = |plan: Plan| PlanEntry {
        features: features.remove(&plan.id).unwrap_or_default(),
        plan_name: plan.plan_name,
        term_length: plan.term_length,
        prices: plan.prices,
        support_level: plan.support_level,
    };
    let file = ExportFile {
        plans: found.into_iter().map(entry).collect(),
        feature_options: options
            .into_iter()
            .map(|option| OptionEntry {
                display_name: option.label().to_owned(),
                feature_category: option.feature_category,
                option_value: option.option_value,
                description: option.description,
            })
            .collect(),
    };
    audit!(plans = file.plans.len(), caller = caller.label(), "billing plans exported");
    let text = serde_json::to_string_pretty(&file).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"billing_plans_export.json\""),
        ),
    ];
    Ok((headers, text).into_response())
}

/// Whether to import, or only to say what would happen.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ImportQuery {
    /// Change nothing. A value that is neither `true` nor `false` is refused: what was meant as a trial must not be the real
    /// thing.
    dry_run: bool,
}

/// The form of an export. Records are checked one by one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document's view of a body that is checked record by record")]
struct ImportFile {
    /// Each with `plan_name`, `term_length`, prices, `support_level` and `features`.
    #[schema(value_type = Vec<Object>)]
    plans: Vec<Value>,
    /// Each with `feature_category`, `option_value`, `display_name` and `description`.
    #[schema(value_type = Vec<Object>)]
    feature_options: Vec<Value>,
}

/// What an import did.
#[derive(Serialize, ToSchema)]
struct Imported {
    success: bool,
    /// Whether nothing was changed.
    dry_run: bool,
    #[serde(flatten)]
    statistics: Statistics,
}

/// Takes plans and options from an export. What exists is skipped; each record that cannot be taken is told and takes no
/// other with it.
#[utoipa::path(post, path = "/api/billing-plans/import", tag = "plans", params(ImportQuery), request_body = ImportFile,
    responses((status = 200, body = Imported), ForAdmins))]
async fn import(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Query(query): Query<ImportQuery>,
    Json(document): Json<Map<String, Value>>,
) -> Result<Json<Imported>> {
    let file = plan_file::read_document(&document).map_err(refused)?;
    let statistics = actions::import(&codex, &caller, file, query.dry_run).await?;
    Ok(Json(Imported { success: true, dry_run: query.dry_run, statistics }))
}
