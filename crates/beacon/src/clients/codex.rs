//! Codex, the source of everything on the board (beacon.md §9).

use std::time::Duration;

use hivematrix_shared::{
    contracts::codex::{ActiveTickets, PsaAgent, PsaConfig},
    service_client::{ServiceClient, ServiceError},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::tolerant;
use crate::domain::tickets;

const CODEX: &str = "codex";
/// Time for the calls a page waits for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Calls Codex with Beacon's service token.
#[derive(Clone)]
pub struct Codex(ServiceClient);

/// The answer to a conditional request for the tickets.
pub enum Fetched {
    /// Nothing changed since the entity tag that was sent.
    Unchanged,
    /// The tickets, and the tag to send next time.
    Changed {
        /// All active tickets.
        tickets: ActiveTickets,
        /// Codex's entity tag; upstream sends none.
        etag: Option<HeaderValue>,
    },
}

/// What Codex said to a relayed call.
#[derive(Debug)]
pub struct Relayed {
    /// Codex's status.
    pub status: StatusCode,
    /// Codex's JSON body; `null` when it is none.
    pub body: Value,
}

impl Codex {
    /// Uses `client` for all calls.
    pub fn new(client: ServiceClient) -> Self {
        Self(client)
    }

    /// All active tickets by section, unless they are as they were at `etag`.
    pub async fn active_tickets(&self, etag: Option<&HeaderValue>) -> Result<Fetched, ServiceError> {
        let mut request = self.0.get(CODEX, "/api/tickets/active").timeout(TIMEOUT);
        if let Some(etag) = etag.and_then(|etag| etag.to_str().ok()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let response = request.send().await?;
        if response.status() == StatusCode::NOT_MODIFIED && etag.is_some() {
            return Ok(Fetched::Unchanged);
        }
        let new_etag = response.headers().get(header::ETAG).cloned();
        let body = success(response).await?;
        let tickets = tolerant::board(&body).map_err(bad_answer)?;
        Ok(Fetched::Changed { tickets: tickets::complete(tickets), etag: new_etag })
    }

    /// All agents of the PSA.
    pub async fn agents(&self) -> Result<Vec<PsaAgent>, ServiceError> {
        let response = self.0.get(CODEX, "/api/psa/agents").timeout(TIMEOUT).send().await?;
        tolerant::agents(&success(response).await?).map_err(bad_answer)
    }

    /// The PSA settings: default provider, link templates, groups.
    pub async fn config(&self) -> Result<PsaConfig, ServiceError> {
        self.0.get(CODEX, "/api/psa/config").timeout(TIMEOUT).json_answer().await
    }

    /// Starts a detailed ticket sync on behalf of the user whose token this is.
    pub async fn start_ticket_sync(&self, user_token: &str) -> Result<Relayed, ServiceError> {
        relayed(self.0.post(CODEX, "/sync/tickets").on_behalf_of(user_token).send().await?).await
    }

    /// State of a sync job, asked on behalf of the user whose token this is.
    pub async fn sync_status(&self, job: &str, user_token: Option<&str>) -> Result<Relayed, ServiceError> {
        let mut request = self.0.get(CODEX, &format!("/sync/status/{job}")).timeout(TIMEOUT);
        if let Some(token) = user_token {
            request = request.on_behalf_of(token);
        }
        relayed(request.send().await?).await
    }
}

async fn success(response: reqwest::Response) -> Result<bytes::Bytes, ServiceError> {
    if !response.status().is_success() {
        return Err(bad_answer(format!("status {}", response.status().as_u16())));
    }
    response.bytes().await.map_err(|error| bad_answer(error.without_url()))
}

async fn relayed(response: reqwest::Response) -> Result<Relayed, ServiceError> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| bad_answer(error.without_url()))?;
    Ok(Relayed { status, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn bad_answer(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::BadAnswer { service: CODEX.to_owned(), what: what.to_string() }
}
