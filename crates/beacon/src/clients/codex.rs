//! Codex, the source of everything on the board (beacon.md §9).

use std::time::Duration;

use hivematrix_shared::{
    contracts::codex::{ActiveTickets, BoardHistory, Display, PsaAgent, PsaConfig},
    service_client::{ServiceClient, ServiceError},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::tolerant;
use crate::domain::{tickets, views::HistoryGroups};

const CODEX: &str = "codex";
/// Time for the calls a page waits for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time for what a page can do without.
const SHORT_TIMEOUT: Duration = Duration::from_secs(3);
/// No answer of Codex is larger; whatever says more is not Codex.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

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

    /// How the board looked over the last day, for these groups.
    pub async fn history(&self, groups: &HistoryGroups) -> Result<BoardHistory, ServiceError> {
        let mut request = self.0.get(CODEX, "/api/tickets/active/history").timeout(SHORT_TIMEOUT);
        let (ids, exclude) = match groups {
            HistoryGroups::All => (None, false),
            HistoryGroups::Only(ids) => (Some(ids), false),
            HistoryGroups::Without(ids) => (Some(ids), true),
        };
        if let Some(ids) = ids {
            let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            request = request.query(&[("group_ids", list.as_str()), ("exclude", &exclude.to_string())]);
        }
        let body = success(request.send().await?).await?;
        serde_json::from_slice(&body).map_err(bad_answer)
    }

    /// The display links that live, asked for by Beacon itself.
    pub async fn live_displays(&self) -> Result<Vec<Display>, ServiceError> {
        let response = self.0.get(CODEX, "/api/displays").timeout(TIMEOUT).send().await?;
        tolerant::displays(&success(response).await?).map_err(bad_answer)
    }

    /// All display links that were not taken back, asked on behalf of the user whose token this is.
    pub async fn displays(&self, user_token: &str) -> Result<Relayed, ServiceError> {
        let request = self.0.get(CODEX, "/api/displays").timeout(TIMEOUT);
        relayed(request.on_behalf_of(user_token).send().await?).await
    }

    /// Makes a display link on behalf of the user whose token this is.
    pub async fn add_display(&self, link: &Value, user_token: &str) -> Result<Relayed, ServiceError> {
        let request = self.0.post(CODEX, "/api/displays").timeout(TIMEOUT).json(link);
        relayed(request.on_behalf_of(user_token).send().await?).await
    }

    /// Takes a display link back on behalf of the user whose token this is.
    pub async fn revoke_display(&self, id: Uuid, user_token: &str) -> Result<Relayed, ServiceError> {
        let request = self.0.delete(CODEX, &format!("/api/displays/{id}")).timeout(TIMEOUT);
        relayed(request.on_behalf_of(user_token).send().await?).await
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

async fn success(response: reqwest::Response) -> Result<Vec<u8>, ServiceError> {
    if !response.status().is_success() {
        return Err(bad_answer(format!("status {}", response.status().as_u16())));
    }
    body_of(response).await
}

async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, ServiceError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| bad_answer(error.without_url()))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(bad_answer("more than 64 MB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn relayed(response: reqwest::Response) -> Result<Relayed, ServiceError> {
    let status = response.status();
    let body = body_of(response).await?;
    Ok(Relayed { status, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn bad_answer(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::BadAnswer { service: CODEX.to_owned(), what: what.to_string() }
}
