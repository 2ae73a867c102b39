//! Everything goes.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::bearer,
    extract::Json,
    problem::{Problem, Result},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    KnowledgeTree,
    routes::{
        access::{Administrator, ForAdministrators},
        api::body::OptionalJson,
        refused::wrong,
    },
};

/// That it is meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct WipeOrder {
    /// `YES`. Browsers must send it; programs with a bearer token may leave the body out.
    confirm: Option<String>,
}

/// Everything is gone.
#[derive(Serialize, ToSchema)]
pub struct Wiped {
    /// Always true.
    success: bool,
    /// In words.
    message: &'static str,
}

/// Deletes every item, file, version and link, what is in the trash, and what syncs remember; a new root remains.
#[utoipa::path(
    post, path = "/admin/wipe", tag = "administration",
    request_body(content = Option<WipeOrder>, content_type = "application/json"),
    responses((status = 200, body = Wiped), ForAdministrators)
)]
pub async fn wipe(
    State(tree): State<KnowledgeTree>,
    Administrator(by): Administrator,
    headers: HeaderMap,
    OptionalJson(order): OptionalJson<WipeOrder>,
) -> Result<Json<Wiped>> {
    confirmed(&headers, &order)?;
    // Said before, so that whatever happens the log knows who began.
    audit!(user = by.name, "Wipe of the whole tree begins");
    tree.store.wipe().await?;
    audit!(user = by.name, "Whole tree wiped");
    tree.files.forget_all(tree.store.as_ref()).await;
    Ok(Json(Wiped { success: true, message: "Database wiped and re-initialized." }))
}

/// Upstream's scripts post without a body. What a browser sends, by a cookie or through the gateway, comes from our page, which says
/// so; a page of somebody else cannot send JSON.
fn confirmed(headers: &HeaderMap, order: &WipeOrder) -> Result<(), Problem> {
    match order.confirm.as_deref() {
        Some("YES") => Ok(()),
        Some(_) => Err(wrong("confirm", "confirm must be YES")),
        None if bearer(headers).is_some() && !is_from_a_browser(headers) => Ok(()),
        None => Err(wrong("confirm", "confirm is required")),
    }
}

/// Browsers add these themselves and let no page leave them out.
fn is_from_a_browser(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(http::header::ORIGIN)
}
