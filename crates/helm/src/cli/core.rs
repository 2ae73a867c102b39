//! Calls to Core, for commands that need it running.

use anyhow::{Context, Result, bail};
use http::Method;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::list::registry_of;
use crate::{
    domain::{
        registry::{Registry, without_lookup},
        secrets::Secrets,
    },
    instance::{Layout, secrets},
    supervisor::probe::{local_client, words},
};

/// The Core of an instance.
pub(super) struct Core {
    client: Client,
    registry: Registry,
    secrets: Secrets,
}

impl Core {
    /// Addresses and secrets of the instance; whether Core runs is not looked at.
    pub fn of(layout: &Layout) -> Result<Self> {
        Ok(Self { client: local_client()?, registry: registry_of(layout)?, secrets: secrets::read(layout)? })
    }

    /// A client for calls on this machine.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Base URL of a service.
    pub fn base(&self, service: &str) -> Result<String> {
        base_in(&self.registry, service)
    }

    /// A request to Core with Helm's own secret.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        self.request_as("helm", method, path)
    }

    /// A request to Core with a service's secret.
    pub fn request_as(&self, service: &str, method: Method, path: &str) -> Result<RequestBuilder> {
        let secret = self.secrets.of(service).service_secret;
        if secret.is_empty() {
            bail!("there is no service {service}");
        }
        let url = format!("{}{path}", self.base("core")?);
        Ok(self.client.request(method, url).header("X-Service-Secret", secret))
    }
}

/// Base URL of a service of an instance, for whoever has no right to its secrets.
pub(super) fn base(layout: &Layout, service: &str) -> Result<String> {
    base_in(&registry_of(layout)?, service)
}

fn base_in(registry: &Registry, service: &str) -> Result<String> {
    let entry = registry.get(service).with_context(|| format!("{service} is not in the registry"))?;
    Ok(without_lookup(&entry.service.url))
}

/// Sends a request to Core and reads its answer; a refusal becomes an error with Core's reason.
pub(super) async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let answer = request.send().await.map_err(|error| anyhow::anyhow!("Core: {}", words(&error)))?;
    let status = answer.status();
    if !status.is_success() {
        let body: Value = answer.json().await.unwrap_or_default();
        let reason =
            ["error", "detail"].iter().find_map(|name| body[name].as_str()).unwrap_or("no reason given");
        bail!("Core answered {}: {reason}", status.as_u16());
    }
    answer.json().await.context("Core's answer cannot be understood")
}
