//! The start page (nexus.md §7) and the wish to have preferences read anew (§9.4).

use askama::Template;
use axum::{
    Json,
    response::{Html, IntoResponse},
};
use hivematrix_shared::{pages::Page, problem::Problem, registry::Registry};
use http::StatusCode;
use serde_json::json;

use super::{Answer, Incoming, no_store, query_value, redirect, set_cookies};
use crate::{domain::look::Look, gate::Visitor};

/// Where a user without a preference starts.
const DEFAULT_HOME: &str = "beacon";

#[derive(Template)]
#[template(path = "no_services.html")]
struct NoServicesPage {
    page: Page,
    user: String,
    level: &'static str,
}

/// Parameter of the address to which a sign-out leads: it takes all cookies away, and the look comes back this way.
const LOOK_PARAMETER: &str = "look";

/// The start page's address for a browser that is to remember a look.
pub(super) fn address_with(look: Look) -> String {
    format!("/?{LOOK_PARAMETER}={look}")
}

/// `GET /`
pub(super) async fn home(incoming: &Incoming<'_>) -> Answer {
    if let Some(look) = query_value(&incoming.uri, LOOK_PARAMETER).as_deref().and_then(Look::parse) {
        let mut response = redirect(StatusCode::FOUND, "/")?;
        set_cookies(&mut response, [look.cookie()]);
        return Ok(no_store(response));
    }
    let visitor = match incoming.visitor() {
        Ok(visitor) => visitor,
        Err(response) => return Ok(*response),
    };
    let preferred = incoming.gateway.preferences.home_page(&visitor.claims.email).await;
    let registry = incoming.gateway.context.registry.load();
    match start_page(&registry, &visitor, preferred.as_deref()) {
        Some(service) => redirect(StatusCode::FOUND, &format!("/{service}/")).map(no_store),
        None => {
            let page = NoServicesPage {
                page: Page::of(&incoming.parts),
                user: visitor.label.clone(),
                level: visitor.claims.permission_level.as_str(),
            };
            Ok(no_store(Html(page.render().map_err(Problem::internal)?).into_response()))
        }
    }
}

/// The preferred service, the default one, or the first in the menu: the first of these that the user may open.
fn start_page<'a>(registry: &'a Registry, visitor: &Visitor, preferred: Option<&str>) -> Option<&'a str> {
    let menu = registry.menu(visitor.claims.permission_level);
    let in_menu = |name: &str| menu.iter().map(|(entry, _)| *entry).find(|entry| *entry == name);
    preferred
        .and_then(in_menu)
        .or_else(|| in_menu(DEFAULT_HOME))
        .or_else(|| menu.first().map(|(entry, _)| *entry))
}

/// `POST /api/invalidate-cache`
pub(super) fn invalidate_cache(incoming: &Incoming<'_>) -> Answer {
    let visitor = match incoming.visitor() {
        Ok(visitor) => visitor,
        Err(response) => return Ok(*response),
    };
    incoming.refuse_forgery(&visitor)?;
    incoming.gateway.preferences.forget(&visitor.claims.email);
    Ok(no_store(Json(json!({"message": "Cache invalidated", "success": true})).into_response()))
}
