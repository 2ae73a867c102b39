//! `helm token`: tokens for tests and scripts, for whoever may read the instance's secrets.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hivematrix_shared::contracts::core::{ServiceTokenRequest, TokenAnswer};
use http::Method;
use reqwest::RequestBuilder;
use serde::Serialize;
use url::Url;

use super::{
    Permission, TokenArgs,
    core::{self, Core},
    output::say,
};
use crate::{instance::Layout, supervisor::probe::words};

const PATIENCE: Duration = Duration::from_secs(30);

/// Body of Core's `POST /api/internal/token` (core.md §2.7).
#[derive(Serialize)]
struct InternalToken<'a> {
    permission_level: &'a str,
    ttl: u32,
}

pub(super) async fn run(layout: &Layout, args: &TokenArgs) -> Result<()> {
    let core = Core::of(layout)?;
    let request = match &args.service {
        Some((caller, target)) => {
            let body = ServiceTokenRequest {
                calling_service: caller.clone(),
                target_service: target.clone(),
                user_token: None,
            };
            core.request_as(caller, Method::POST, "/service-token")?.json(&body)
        }
        None => user_request(&core, args.permission, args.ttl)?,
    };
    let TokenAnswer { token } = core::answer(request).await?;
    match &args.get {
        None => say!("{token}"),
        Some(target) => get(&core, target, &token).await?,
    }
    Ok(())
}

/// A token of a user of this level, with a session at Core.
pub(super) async fn of_user(core: &Core, level: Permission, ttl: u32) -> Result<String> {
    let answer: TokenAnswer = core::answer(user_request(core, level, ttl)?).await?;
    Ok(answer.token)
}

fn user_request(core: &Core, level: Permission, ttl: u32) -> Result<RequestBuilder> {
    let level = level.to_possible_value();
    let level = level.as_ref().map(clap::builder::PossibleValue::get_name).unwrap_or_default();
    let body = InternalToken { permission_level: level, ttl };
    Ok(core.request(Method::POST, "/api/internal/token")?.json(&body))
}

/// The address of a URL on this machine, or of a path of the gateway.
///
/// # Errors
/// When it is of another machine, or there is no gateway.
pub(super) fn address(target: &str, gateway: impl FnOnce() -> Result<String>) -> Result<Url> {
    let text = if target.starts_with('/') { format!("{}{target}", gateway()?) } else { target.to_owned() };
    let url = Url::parse(&text).context("not a valid URL")?;
    // Certificates are not checked, so the token goes to this machine only.
    if !matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        bail!("a token is sent to this machine only");
    }
    Ok(url)
}

/// Fetches a URL, or a path of the gateway, and prints the body.
async fn get(core: &Core, target: &str, token: &str) -> Result<()> {
    let url = address(target, || core.base("nexus"))?;
    let answer = core
        .client()
        .get(url)
        .bearer_auth(token)
        .timeout(PATIENCE)
        .send()
        .await
        .map_err(|error| anyhow::anyhow!("{target}: {}", words(&error)))?;
    let status = answer.status();
    say!("{}", answer.text().await.context("the answer was cut off")?);
    if !status.is_success() {
        bail!("{target} answered {}", status.as_u16());
    }
    Ok(())
}
