//! What Codex knows of the PSA (codex-api.md §4.3, §4.4).

use axum::extract::State;
use hivematrix_shared::{
    contracts::codex::{PsaAgent, PsaConfig},
    extract::{Json, LenientQuery},
    problem::Result,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{self, MAX_TICKETS},
    reader::Reader,
    refusals::{ForReaders, ForStaff},
};
use crate::{
    Codex,
    store::{
        psa_agents,
        psa_tickets::{self, ActivePsaTicket, PsaTicketItem, Selection},
    },
};

/// Statuses of `GET /api/psa/tickets/active`.
const WORKED_ON: [&str; 4] = ["open", "pending", "waiting_customer", "on_hold"];

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(list_agents))
        .routes(routes!(get_config))
        .routes(routes!(list_tickets))
        .routes(routes!(list_active_tickets))
}

/// Optional filter.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ProviderQuery {
    /// Name of the provider, e.g. `freshservice`.
    provider: Option<String>,
}

/// Technicians, active ones first, then by name.
#[utoipa::path(get, path = "/api/psa/agents", tag = "psa", params(ProviderQuery), responses(
    (status = 200, body = Vec<PsaAgent>), ForStaff
))]
async fn list_agents(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<ProviderQuery>,
) -> Result<Json<Vec<PsaAgent>>> {
    reader.is_staff()?;
    Ok(Json(psa_agents::list(&codex.pool, query.provider.as_deref()).await?))
}

/// The configured providers and how to link into them.
#[utoipa::path(get, path = "/api/psa/config", tag = "psa", responses(
    (status = 200, body = PsaConfig), ForStaff
))]
async fn get_config(State(codex): State<Codex>, reader: Reader) -> Result<Json<PsaConfig>> {
    reader.is_staff()?;
    Ok(Json(codex.settings().psa_config()))
}

/// Optional filters and the page size; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct TicketQuery {
    /// Name of the provider.
    provider: Option<String>,
    /// Normalised status, exact.
    status: Option<String>,
    /// Account number.
    company: Option<String>,
    /// Page size, 100 unless given, at most 1000.
    limit: Option<i64>,
}

/// Tickets of all states, newest change first.
#[utoipa::path(get, path = "/api/psa/tickets", tag = "psa", params(TicketQuery), responses(
    (status = 200, body = Vec<PsaTicketItem>), ForReaders
))]
async fn list_tickets(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<TicketQuery>,
) -> Result<Json<Vec<PsaTicketItem>>> {
    let only = reader.narrowed(query.company.as_deref())?;
    let statuses = query.status.map(|status| vec![status]);
    let selection = Selection {
        only: only.as_deref(),
        provider: query.provider.as_deref(),
        statuses: statuses.as_deref(),
        limit: Some(paging::limit(query.limit, 100, MAX_TICKETS)),
        urgent_first: false,
    };
    Ok(Json(psa_tickets::all(&codex.pool, selection).await?))
}

/// Tickets that are open, pending, waiting for the customer or on hold; most urgent first.
#[utoipa::path(get, path = "/api/psa/tickets/active", tag = "psa", params(ProviderQuery), responses(
    (status = 200, body = Vec<ActivePsaTicket>), ForReaders
))]
async fn list_active_tickets(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<ProviderQuery>,
) -> Result<Json<Vec<ActivePsaTicket>>> {
    let only = reader.narrowed(None)?;
    let statuses = WORKED_ON.map(str::to_owned);
    let selection = Selection {
        only: only.as_deref(),
        provider: query.provider.as_deref(),
        statuses: Some(&statuses),
        limit: None,
        urgent_first: true,
    };
    Ok(Json(psa_tickets::active(&codex.pool, selection).await?))
}
