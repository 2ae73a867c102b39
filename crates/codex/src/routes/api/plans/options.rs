//! `/api/feature-options`: what can be chosen for a feature.

use axum::extract::State;
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{Json, LenientQuery, Path},
    problem::Result,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{actions, refused, rows::Written};
use crate::{
    Codex,
    domain::features::category_key,
    routes::api::{
        reader::Reader,
        refusals::{ForAdmins, ForStaff},
    },
    store::feature_options::{self, FeatureOption, Selection},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// Of which category.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct OptionQuery {
    /// Key or name of the category.
    feature_type: Option<String>,
    /// The same.
    category: Option<String>,
}

/// An option. Category and value stand under the names of both of upstream's forms.
#[derive(Serialize, ToSchema)]
struct OptionRow {
    id: i64,
    feature_type: String,
    feature_category: String,
    display_name: String,
    /// The value that plans have.
    option_value: String,
    description: Option<String>,
}

impl From<FeatureOption> for OptionRow {
    fn from(option: FeatureOption) -> Self {
        Self {
            id: option.id,
            feature_type: option.feature_category.clone(),
            display_name: option.label().to_owned(),
            feature_category: option.feature_category,
            option_value: option.option_value,
            description: option.description,
        }
    }
}

/// Options by category.
#[utoipa::path(get, path = "/api/feature-options", tag = "plans", params(OptionQuery), responses(
    (status = 200, body = Vec<OptionRow>), ForStaff
))]
async fn list(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<OptionQuery>,
) -> Result<Json<Vec<OptionRow>>> {
    reader.is_staff()?;
    let asked = query.feature_type.or(query.category).filter(|asked| !asked.is_empty());
    let category = asked.map(|asked| category_key(&asked).unwrap_or(asked));
    let selection = Selection { id: None, category: category.as_deref() };
    let found = feature_options::list(&codex.pool, selection).await?;
    Ok(Json(found.into_iter().map(OptionRow::from).collect()))
}

/// An option to be added.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
struct NewOption {
    /// Key or name of the category; or `category`.
    feature_type: Option<String>,
    /// The same.
    category: Option<String>,
    /// The option; or `value`.
    display_name: Option<String>,
    /// The same.
    value: Option<String>,
    /// What it is.
    description: Option<String>,
}

/// Adds an option, and its category if that is new. One that exists is left as it is: 200 instead of 201.
#[utoipa::path(post, path = "/api/feature-options", tag = "plans", request_body = NewOption,
    responses(
        (status = 200, body = Written, description = "It exists"), (status = 201, body = Written),
        (status = 409, description = "Somebody else has just added it"), ForAdmins
    ))]
async fn add(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(new): Json<NewOption>,
) -> Result<(StatusCode, Json<Written>)> {
    let filled = |first: Option<String>, second: Option<String>| {
        let filled = |text: &String| !text.trim().is_empty();
        first.filter(filled).or_else(|| second.filter(filled))
    };
    let (Some(category), Some(value)) =
        (filled(new.feature_type, new.category), filled(new.display_name, new.value))
    else {
        return Err(refused("feature_type and display_name are required"));
    };
    let (id, is_new) =
        actions::add_option(&codex, &caller, &category, &value, new.description.as_deref()).await?;
    let (status, message) = match is_new {
        true => (StatusCode::CREATED, "Feature option created"),
        false => (StatusCode::OK, "Feature already exists"),
    };
    Ok((status, Json(Written { id, message })))
}

/// Changes of an option; what is absent stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
struct OptionChange {
    /// Its new name. Plans and agreements with companies follow.
    value: Option<String>,
    /// The same.
    display_name: Option<String>,
    /// What it is; empty takes it away.
    description: Option<String>,
}

/// Renames or describes an option.
#[utoipa::path(put, path = "/api/feature-options/{id}", tag = "plans", params(("id" = i64, Path, description = "Id of the option")), request_body = OptionChange,
    responses(
        (status = 200, body = OptionRow), (status = 404, description = "No such option"),
        (status = 409, description = "The category has the new name, or it is `Not Included`"), ForAdmins
    ))]
async fn change(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i64>,
    Json(change): Json<OptionChange>,
) -> Result<Json<OptionRow>> {
    let value = change.value.or(change.display_name);
    let option =
        actions::change_option(&codex, &caller, id, value.as_deref(), change.description.as_deref()).await?;
    Ok(Json(option.into()))
}

/// What happens to plans and companies that have an option.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct OptionRemoval {
    /// They get this option of the category.
    replace_with: Option<String>,
    /// They lose the feature.
    confirm: Option<bool>,
}

/// What was removed, and who had it.
#[derive(Serialize, ToSchema)]
pub(super) struct FeatureRemoved {
    pub(super) success: bool,
    /// Plans that had it.
    pub(super) plans: i64,
    /// Terms of these plans.
    pub(super) plan_terms: i64,
    /// Companies that had it by an agreement of their own.
    pub(super) companies: i64,
}

impl From<feature_options::Dependents> for FeatureRemoved {
    fn from(used: feature_options::Dependents) -> Self {
        Self { success: true, plans: used.plans, plan_terms: used.plan_terms, companies: used.companies }
    }
}

/// Removes an option.
#[utoipa::path(delete, path = "/api/feature-options/{id}", tag = "plans", params(("id" = i64, Path, description = "Id of the option"), OptionRemoval),
    responses(
        (status = 200, body = FeatureRemoved),
        (status = 400, description = "The category has no such replacement"),
        (status = 404, description = "No such option"),
        (status = 409, description = "It is used; members `plans`, `plan_terms`, `companies`"), ForAdmins
    ))]
async fn remove(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i64>,
    LenientQuery(query): LenientQuery<OptionRemoval>,
) -> Result<Json<FeatureRemoved>> {
    let confirm = query.confirm.unwrap_or_default();
    let used = actions::remove_option(&codex, &caller, id, query.replace_with.as_deref(), confirm).await?;
    Ok(Json(used.into()))
}
