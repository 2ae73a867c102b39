//! Codex: where a user wants to start.

use std::time::Duration;

use hivematrix_shared::{context::ServiceContext, correlation, registry::Registry};
use serde::Deserialize;

/// Codex must not hold up a login.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Start page of a user who chose none.
const DEFAULT_HOME: &str = "beacon";
/// Tried in this order when the chosen page is not there (core.md §7.2).
const FALLBACKS: [&str; 4] = ["beacon", "knowledgetree", "codex", "helm"];

#[derive(Deserialize)]
struct HomePage {
    #[serde(default)]
    home_page: Option<String>,
}

/// The service a user starts at: the chosen one if it is there, else the first that is.
pub async fn home_page(ctx: &ServiceContext, email: &str, user_token: &str) -> String {
    let registry = ctx.registry.load();
    let chosen = chosen(ctx, email, user_token).await.unwrap_or_else(|| DEFAULT_HOME.to_owned());
    if is_available(&registry, &chosen) {
        return chosen;
    }
    FALLBACKS.into_iter().find(|name| is_available(&registry, name)).unwrap_or("helm").to_owned()
}

fn is_available(registry: &Registry, name: &str) -> bool {
    registry.get(name).is_some_and(|entry| entry.visible)
}

async fn chosen(ctx: &ServiceContext, email: &str, user_token: &str) -> Option<String> {
    let base = ctx.client.base_url("codex").ok()?;
    let answer = ctx
        .client
        .http()
        .get(format!("{}/api/public/user/home-page", base.trim_end_matches('/')))
        .query(&[("email", email)])
        .bearer_auth(user_token)
        .header(correlation::HEADER, correlation::current())
        .timeout(TIMEOUT)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    match answer {
        Ok(answer) => answer.json::<HomePage>().await.ok()?.home_page,
        Err(error) => {
            tracing::info!(error = %error, "the start page could not be asked for");
            None
        }
    }
}
