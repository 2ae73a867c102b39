//! `helm token`: tokens for tests and scripts, for whoever may read the instance's secrets.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hivematrix_shared::contracts::core::{ServiceTokenRequest, TokenAnswer};
use serde::Serialize;
use serde_json::Value;

use super::{TokenArgs, output::say};
use crate::{
    domain::registry::{Addressing, Registry},
    instance::{Layout, options::Options, registry, secrets},
    supervisor::probe::{local_client, words},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Body of Core's `POST /api/internal/token` (core.md §2.7).
#[derive(Serialize)]
struct InternalToken<'a> {
    permission_level: &'a str,
    ttl: u32,
}

pub(super) async fn run(layout: &Layout, args: &TokenArgs) -> Result<()> {
    let secrets = secrets::read(layout)?;
    let options = Options::read(layout)?;
    let addressing = Addressing { offset: options.port_offset, gateway_port: options.gateway_port };
    let registry = Registry::generate(&registry::authority(layout)?, addressing)?;
    let client = local_client()?;
    let core = base(&registry, "core")?;
    let request = match &args.service {
        Some((caller, target)) => {
            let secret = secrets.of(caller).service_secret;
            if secret.is_empty() {
                bail!("there is no service {caller}");
            }
            let body = ServiceTokenRequest {
                calling_service: caller.clone(),
                target_service: target.clone(),
                user_token: None,
            };
            client.post(format!("{core}/service-token")).header("X-Service-Secret", secret).json(&body)
        }
        None => {
            let level = args.permission.to_possible_value();
            let level = level.as_ref().map(clap::builder::PossibleValue::get_name).unwrap_or_default();
            client
                .post(format!("{core}/api/internal/token"))
                .header("X-Service-Secret", secrets.of("helm").service_secret)
                .json(&InternalToken { permission_level: level, ttl: args.ttl })
        }
    };
    let answer = request.send().await.map_err(|error| anyhow::anyhow!("Core: {}", words(&error)))?;
    let status = answer.status();
    if !status.is_success() {
        let body: Value = answer.json().await.unwrap_or_default();
        let reason =
            ["error", "detail"].iter().find_map(|name| body[name].as_str()).unwrap_or("no reason given");
        bail!("Core answered {}: {reason}", status.as_u16());
    }
    let TokenAnswer { token } = answer.json().await.context("Core's answer cannot be understood")?;
    match &args.get {
        None => say!("{token}"),
        Some(target) => get(&client, &registry, target, &token).await?,
    }
    Ok(())
}

/// Fetches a URL, or a path of the gateway, and prints the body.
async fn get(client: &reqwest::Client, registry: &Registry, target: &str, token: &str) -> Result<()> {
    let url = if target.starts_with('/') {
        format!("{}{target}", base(registry, "nexus")?)
    } else {
        target.to_owned()
    };
    let host = url::Url::parse(&url).context("not a valid URL")?;
    // Certificates are not checked, so the token goes to this machine only.
    if !matches!(host.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        bail!("a token is sent to this machine only");
    }
    let answer = client
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

fn base(registry: &Registry, service: &str) -> Result<String> {
    let entry = registry.get(service).with_context(|| format!("{service} is not in the registry"))?;
    Ok(entry.service.url.replacen("://localhost:", "://127.0.0.1:", 1))
}
