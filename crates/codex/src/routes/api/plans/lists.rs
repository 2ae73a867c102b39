//! `/billing-plans/api/…`: what Ledger reads. Without rate limit, since a bill asks for every plan.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path},
    problem::{Problem, Result},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::rows::find_named;
use crate::{
    Codex,
    domain::plans::{Features, OldFeatures, Plan, Prices},
    routes::api::{
        reader::Reader,
        refusals::{ForReaders, ForStaff},
    },
    store::{
        feature_options::{self, FeatureOption},
        plan_usage::Usage,
        plans::{self, Selection},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(one))
        .routes(routes!(options))
        .routes(routes!(categories))
        .routes(routes!(bulk))
}

/// Which plans a reader sees.
pub(super) struct Visible(Option<BTreeSet<(String, String)>>);

impl Visible {
    pub(super) fn has(&self, plan: &Plan) -> bool {
        let key = || (plan.plan_name.clone(), plan.term_length.clone());
        self.0.as_ref().is_none_or(|keys| keys.contains(&key()))
    }
}

/// All plans for staff and services; for a `client` those of its own companies.
pub(super) async fn visible(codex: &Codex, reader: &Reader) -> Result<Visible> {
    Ok(Visible(match reader.scope.account_numbers() {
        Some(own) => Some(Usage::load(&codex.pool, Some(own)).await?.keys().cloned().collect()),
        None => None,
    }))
}

/// One term of a plan with everything.
#[derive(Serialize, ToSchema)]
struct PlanWithFeatures {
    id: i64,
    plan_name: String,
    term_length: String,
    support_level: String,
    #[serde(flatten)]
    prices: Prices,
    /// Category key → value.
    features: Features,
    /// Category key → name of the category, of all categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_display_names: Option<BTreeMap<String, String>>,
}

impl PlanWithFeatures {
    fn new(plan: Plan, features: Features, names: Option<BTreeMap<String, String>>) -> Self {
        Self {
            id: plan.id,
            plan_name: plan.plan_name,
            term_length: plan.term_length,
            support_level: plan.support_level,
            prices: plan.prices,
            features,
            feature_display_names: names,
        }
    }
}

/// All plans.
#[derive(Serialize, ToSchema)]
struct Plans {
    /// `success`.
    status: &'static str,
    count: usize,
    plans: Vec<PlanWithFeatures>,
}

/// All plans with their features, by name and term. A `client` sees those of its own companies.
#[utoipa::path(get, path = "/billing-plans/api/plans", tag = "plans", responses(
    (status = 200, body = Plans), ForReaders
))]
async fn all(State(codex): State<Codex>, reader: Reader) -> Result<Json<Plans>> {
    let visible = visible(&codex, &reader).await?;
    let mut found = plans::list(&codex.pool, Selection::default()).await?;
    found.retain(|plan| visible.has(plan));
    let ids: Vec<i64> = found.iter().map(|plan| plan.id).collect();
    let mut features = plans::features(&codex.pool, &ids).await?;
    let names = feature_options::category_names(&codex.pool).await?;
    let plans: Vec<_> = found
        .into_iter()
        .map(|plan| {
            let features = features.remove(&plan.id).unwrap_or_default();
            PlanWithFeatures::new(plan, features, Some(names.clone()))
        })
        .collect();
    Ok(Json(Plans { status: "success", count: plans.len(), plans }))
}

/// One plan.
#[derive(Serialize, ToSchema)]
struct OnePlan {
    /// `success`.
    status: &'static str,
    plan: PlanWithFeatures,
}

/// A plan by its name and term, the latter in any spelling.
#[utoipa::path(get, path = "/billing-plans/api/plans/{name}/{term}", tag = "plans",
    params(("name" = String, Path, description = "Name of the plan"), ("term" = String, Path, description = "Term in any spelling, such as `1 Year`")),
    responses(
        (status = 200, body = OnePlan),
        (status = 404, description = "No such plan; members `status` (`error`) and `message`"), ForReaders
    ))]
async fn one(
    State(codex): State<Codex>,
    reader: Reader,
    Path((name, term)): Path<(String, String)>,
) -> Result<Json<OnePlan>> {
    // A problem document has a number in `status`; upstream's text stands in `message` and `error`.
    let told = |problem: Problem| {
        let text = problem.detail_text().unwrap_or_else(|| problem.title_text()).to_owned();
        problem.with("message", text.clone()).error(text)
    };
    let missing = || Problem::not_found(format!("Plan not found: {name} ({term})"));
    let found = find_named(&codex, &reader, &name, &term).await;
    let (plan, features) = found.and_then(|plan| plan.ok_or_else(missing)).map_err(told)?;
    Ok(Json(OnePlan { status: "success", plan: PlanWithFeatures::new(plan, features, None) }))
}

/// An option of a category.
#[derive(Serialize, ToSchema)]
struct OptionOfCategory {
    id: i64,
    category: String,
    /// The value that plans have.
    value: String,
    display_name: String,
    description: Option<String>,
}

impl From<FeatureOption> for OptionOfCategory {
    fn from(option: FeatureOption) -> Self {
        Self {
            id: option.id,
            display_name: option.label().to_owned(),
            category: option.feature_category,
            value: option.option_value,
            description: option.description,
        }
    }
}

/// All options by category.
#[derive(Serialize, ToSchema)]
struct OptionsByCategory {
    /// `success`.
    status: &'static str,
    /// Category key → options.
    features: BTreeMap<String, Vec<OptionOfCategory>>,
    /// Their keys.
    categories: Vec<String>,
}

/// What can be chosen for each feature.
#[utoipa::path(get, path = "/billing-plans/api/feature-options", tag = "plans", responses(
    (status = 200, body = OptionsByCategory), ForStaff
))]
async fn options(State(codex): State<Codex>, reader: Reader) -> Result<Json<OptionsByCategory>> {
    reader.is_staff()?;
    let mut features: BTreeMap<String, Vec<OptionOfCategory>> = BTreeMap::new();
    for option in feature_options::list(&codex.pool, feature_options::Selection::default()).await? {
        features.entry(option.feature_category.clone()).or_default().push(option.into());
    }
    let categories = features.keys().cloned().collect();
    Ok(Json(OptionsByCategory { status: "success", features, categories }))
}

/// The keys of the categories.
#[derive(Serialize, ToSchema)]
struct Categories {
    /// `success`.
    status: &'static str,
    categories: Vec<String>,
    count: usize,
    /// Category key → name.
    display_names: BTreeMap<String, String>,
}

/// The categories that have options.
#[utoipa::path(get, path = "/billing-plans/api/feature-categories", tag = "plans", responses(
    (status = 200, body = Categories), ForStaff
))]
async fn categories(State(codex): State<Codex>, reader: Reader) -> Result<Json<Categories>> {
    reader.is_staff()?;
    let options = feature_options::list(&codex.pool, feature_options::Selection::default()).await?;
    let keys: BTreeSet<String> = options.into_iter().map(|option| option.feature_category).collect();
    let mut display_names = feature_options::category_names(&codex.pool).await?;
    display_names.retain(|key, _| keys.contains(key));
    let categories: Vec<_> = keys.into_iter().collect();
    Ok(Json(Categories { status: "success", count: categories.len(), categories, display_names }))
}

/// A plan that companies have, with the deprecated texts.
#[derive(Serialize, ToSchema)]
struct PlanInUse {
    plan_name: String,
    term_length: String,
    support_level: String,
    #[serde(flatten)]
    old_features: OldFeatures,
}

/// Plans that companies have.
#[derive(Serialize, ToSchema)]
struct PlansInUse {
    /// `name|term` → plan.
    plans: BTreeMap<String, PlanInUse>,
}

/// Deprecated: the plans that companies have, by name and term.
#[utoipa::path(get, path = "/billing-plans/api/bulk-plans", tag = "plans", responses(
    (status = 200, body = PlansInUse), ForReaders
))]
async fn bulk(State(codex): State<Codex>, reader: Reader) -> Result<Json<PlansInUse>> {
    let usage = Usage::load(&codex.pool, reader.scope.account_numbers()).await?;
    let used: BTreeSet<_> = usage.keys().cloned().collect();
    let found = plans::list(&codex.pool, Selection::default()).await?;
    let plans = found
        .into_iter()
        .filter(|plan| used.contains(&(plan.plan_name.clone(), plan.term_length.clone())))
        .map(|plan| {
            let key = format!("{}|{}", plan.plan_name, plan.term_length);
            let plan = PlanInUse {
                plan_name: plan.plan_name,
                term_length: plan.term_length,
                support_level: plan.support_level,
                old_features: plan.old_features,
            };
            (key, plan)
        })
        .collect();
    Ok(Json(PlansInUse { plans }))
}
