//! `helm token`: tokens for tests and scripts, for whoever may read the instance's secrets.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hivematrix_shared::contracts::core::{ServiceTokenRequest, TokenAnswer};
use http::Method;
use serde::Serialize;

use super::{
    TokenArgs,
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
        None => {
            let level = args.permission.to_possible_value();
            let level = level.as_ref().map(clap::builder::PossibleValue::get_name).unwrap_or_default();
            core.request(Method::POST, "/api/internal/token")?
                .json(&InternalToken { permission_level: level, ttl: args.ttl })
        }
    };
    let TokenAnswer { token } = core::answer(request).await?;
    match &args.get {
        None => say!("{token}"),
        Some(target) => get(&core, target, &token).await?,
    }
    Ok(())
}

/// Fetches a URL, or a path of the gateway, and prints the body.
async fn get(core: &Core, target: &str, token: &str) -> Result<()> {
    let url =
        if target.starts_with('/') { format!("{}{target}", core.base("nexus")?) } else { target.to_owned() };
    let host = url::Url::parse(&url).context("not a valid URL")?;
    // Certificates are not checked, so the token goes to this machine only.
    if !matches!(host.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        bail!("a token is sent to this machine only");
    }
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
