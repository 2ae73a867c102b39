//! The gateway as a browser sees it: which certificate it shows. Where systemd runs the suite, its files are closed to Helm.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, redirect::Policy, tls::TlsInfo};

use crate::domain::registry::Registry;

const PATIENCE: Duration = Duration::from_secs(5);

/// Where the gateway of this machine answers by TLS; none where it runs elsewhere or without.
#[must_use]
pub fn address(registry: &Registry) -> Option<String> {
    let entry = registry.get("nexus").filter(|entry| !entry.is_remote())?;
    // Not the registry's `localhost`: resolving it may try an address first on which nothing of ours listens.
    entry.service.url.starts_with("https:").then(|| format!("https://127.0.0.1:{}", entry.service.port))
}

/// The certificate it shows to a new connection, as DER. Nobody has to vouch for it: it is looked at, and nothing is said.
///
/// # Errors
/// When it does not answer.
pub async fn certificate(address: &str) -> Result<Vec<u8>> {
    let client = Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .no_proxy()
        .build()?;
    let answer =
        client.get(format!("{address}/livez")).send().await.context("the gateway does not answer")?;
    let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    shown.map(<[u8]>::to_vec).context("the gateway shows no certificate")
}
