//! Ticket lists and single tickets (codex-api.md §4.3).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    live_ticket::{self, LiveTicket},
    paging::{self, MAX_TICKETS},
    reader::Reader,
    refusals::ForReaders,
};
use crate::{
    Codex,
    store::tickets::{self, Selection, StoredTicket, TicketItem, TicketName},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_tickets)).routes(routes!(get_ticket))
}

/// Optional filters and the page; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ListQuery {
    /// Account number.
    company_id: Option<String>,
    /// Normalised status, exact.
    status: Option<String>,
    /// Normalised priority, exact.
    priority: Option<String>,
    /// Page size, 50 unless given, at most 1000.
    limit: Option<i64>,
    /// Rows to skip.
    offset: Option<i64>,
}

/// A page of tickets.
#[derive(Serialize, ToSchema)]
struct TicketPage {
    tickets: Vec<TicketItem>,
    /// Tickets on this page.
    count: usize,
    /// Tickets on all pages.
    total: i64,
    offset: i64,
    limit: i64,
}

/// Tickets of all states, newest change first.
#[utoipa::path(get, path = "/api/tickets", tag = "tickets", params(ListQuery), responses(
    (status = 200, body = TicketPage), ForReaders
))]
async fn list_tickets(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<TicketPage>> {
    let only = reader.narrowed(query.company_id.as_deref())?;
    let selection = Selection {
        only: only.as_deref(),
        status: query.status.as_deref(),
        priority: query.priority.as_deref(),
    };
    let limit = paging::limit(query.limit, 50, MAX_TICKETS);
    let offset = paging::offset(query.offset);
    let page = tickets::page(&codex.pool, selection, limit, offset).await?;
    Ok(Json(TicketPage { count: page.items.len(), total: page.total, tickets: page.items, offset, limit }))
}

/// How the number in the path is meant.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct TicketQuery {
    /// `external` (the PSA's id, default) or `internal` (Codex's id).
    id_type: Option<String>,
    /// Whose id it is, where several providers are enabled.
    provider: Option<String>,
}

/// A ticket as Codex has it, or as the PSA has it now.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum TicketAnswer {
    Stored(Box<StoredTicket>),
    Live(Box<LiveTicket>),
}

/// One ticket with its conversations and hours; one that Codex has not stored is read from the PSA.
#[utoipa::path(
    get,
    path = "/api/ticket/{id}",
    tag = "tickets",
    params(("id" = i64, Path, description = "The PSA's id, or Codex's with `id_type=internal`"), TicketQuery),
    responses(
        (status = 200, body = TicketAnswer), (status = 404, description = "No such ticket"),
        (status = 500, description = "The PSA failed"), ForReaders
    )
)]
async fn get_ticket(
    State(codex): State<Codex>,
    reader: Reader,
    Path(id): Path<i64>,
    LenientQuery(query): LenientQuery<TicketQuery>,
) -> Result<Json<TicketAnswer>> {
    let name = match query.id_type.as_deref() {
        Some("internal") => TicketName::Internal(id),
        None | Some("external") => TicketName::External {
            id,
            provider: query.provider.as_deref(),
            preferred: &codex.settings().psa.psa_default_provider,
        },
        Some(_) => {
            return Err(
                Problem::new(StatusCode::BAD_REQUEST).error("id_type must be \"internal\" or \"external\"")
            );
        }
    };
    if let Some(ticket) = tickets::find(&codex.pool, name, reader.is_staff().is_ok()).await? {
        reader.may_see(ticket.company_id.as_deref())?;
        return Ok(Json(TicketAnswer::Stored(Box::new(ticket))));
    }
    let live = match name {
        // Vendors count from 1, so a smaller number is not worth a request; and a customer spends none of ours.
        TicketName::External { id: 1.., provider, .. } if reader.is_staff().is_ok() => {
            live_ticket::read(&codex, &reader, id, provider).await?
        }
        TicketName::External { .. } | TicketName::Internal(_) => None,
    };
    live.map(|ticket| Json(TicketAnswer::Live(Box::new(ticket)))).ok_or_else(|| {
        Problem::not_found(format!("Ticket {id} does not exist."))
            .with("error", "Ticket not found")
            .with("ticket_id", id)
    })
}
