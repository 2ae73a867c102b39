//! `/api/feature-categories`: the kinds of features.

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

use super::{actions, options::FeatureRemoved};
use crate::{Codex, routes::api::refusals::ForAdmins};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(rename, remove))
}

/// The name of a category.
#[derive(Deserialize, ToSchema)]
struct CategoryName {
    /// Its key follows from it: lower case, underscores for spaces.
    name: String,
}

/// A category that was made or renamed.
#[derive(Serialize, ToSchema)]
struct CategoryWritten {
    success: bool,
    /// Its key.
    key: String,
    name: String,
}

/// Adds a category. It begins with the option `Not Included`.
#[utoipa::path(post, path = "/api/feature-categories", tag = "plans", request_body = CategoryName,
    responses((status = 201, body = CategoryWritten), (status = 409, description = "It exists"), ForAdmins))]
async fn add(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(category): Json<CategoryName>,
) -> Result<(StatusCode, Json<CategoryWritten>)> {
    let key = actions::add_category(&codex, &caller, &category.name).await?;
    Ok((StatusCode::CREATED, Json(CategoryWritten { success: true, key, name: category.name })))
}

/// Renames a category. Its key follows, and so do options, plans and agreements with companies.
#[utoipa::path(put, path = "/api/feature-categories/{key}", tag = "plans", params(("key" = String, Path, description = "Key of the category, such as `web_filtering`")), request_body = CategoryName,
    responses(
        (status = 200, body = CategoryWritten), (status = 404, description = "No such category"),
        (status = 409, description = "The new key is taken"), ForAdmins
    ))]
async fn rename(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(key): Path<String>,
    Json(category): Json<CategoryName>,
) -> Result<Json<CategoryWritten>> {
    let key = actions::rename_category(&codex, &caller, &key, &category.name).await?;
    Ok(Json(CategoryWritten { success: true, key, name: category.name }))
}

/// Whether what depends on a category may go.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct CategoryRemoval {
    /// Plans and companies lose the feature.
    confirm: Option<bool>,
}

/// Removes a category with its options.
#[utoipa::path(delete, path = "/api/feature-categories/{key}", tag = "plans", params(("key" = String, Path, description = "Key of the category, such as `web_filtering`"), CategoryRemoval),
    responses(
        (status = 200, body = FeatureRemoved), (status = 404, description = "No such category"),
        (status = 409, description = "It is used; members `plans`, `plan_terms`, `companies`"), ForAdmins
    ))]
async fn remove(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(key): Path<String>,
    LenientQuery(query): LenientQuery<CategoryRemoval>,
) -> Result<Json<FeatureRemoved>> {
    let used = actions::remove_category(&codex, &caller, &key, query.confirm.unwrap_or_default()).await?;
    Ok(Json(used.into()))
}
