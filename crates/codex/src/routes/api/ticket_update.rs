//! `POST /api/ticket/<id>/update`: a person changes a ticket, at the vendor first (codex-api.md §4.3).

use std::{future::Future, sync::Arc, time::Duration};

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    audit, audit_warning,
    contracts::codex::PsaId,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{refusals::ForTechnicians, sync::Technician};
use crate::{
    Codex,
    providers::{Conversation, Pace, ProviderError, PsaProvider, TicketChange, html},
    store::{
        ticket_update::{self, Target},
        tickets::TicketName,
    },
};

/// Longest wait for the vendor's answer to one change; the caller waits for all of them within 30 seconds.
const PATIENCE: Duration = Duration::from_secs(9);
/// Longest wait for what a ticket looks like after a note: the person has what was asked for already.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// How far the vendor's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// Longest note in characters.
const LONGEST_NOTE: usize = 32_000;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(update_ticket))
}

/// What is to change; at least one of `status`, `notes` and `assigned_to`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct UpdateBody {
    /// Status key, such as `waiting_customer`, or the name people read.
    status: Option<String>,
    /// Text of a note that only agents see.
    notes: Option<String>,
    /// The PSA's id of the agent who gets the ticket.
    #[schema(value_type = Option<i64>)]
    assigned_to: Option<PsaId>,
    /// How the number in the path is meant: `internal` (Codex's id, default) or `external` (the PSA's).
    id_type: Option<String>,
    /// With `external`: whose id it is, where several providers are enabled.
    provider: Option<String>,
}

/// What was changed, at the vendor and here.
#[derive(Serialize, ToSchema)]
struct Updated {
    success: bool,
    /// Codex's id.
    ticket_id: i64,
    /// The PSA's id.
    external_id: PsaId,
    message: &'static str,
    /// `status`, `assigned_to`, `notes`.
    applied: Vec<&'static str>,
    /// The note as the vendor has it.
    #[schema(value_type = Option<Object>)]
    note: Option<Conversation>,
}

/// Changes a ticket at the vendor, then here what the vendor says it is now.
///
/// A failure tells in `applied` and `failed` what was done and what was not. `outcome` is `failed`, or `unknown` when the
/// vendor did not answer a change that was sent: look at the ticket before you try again. Nothing is changed here that the
/// vendor has not confirmed.
#[utoipa::path(
    post,
    path = "/api/ticket/{id}/update",
    tag = "tickets",
    params(("id" = i64, Path, description = "Codex's id, or the PSA's with `id_type` `external`")),
    request_body = UpdateBody,
    responses(
        (status = 200, body = Updated),
        (status = 400, description = "Nothing to change, an unknown status, or no such agent"),
        (status = 404, description = "No such ticket, here or at the vendor"),
        (status = 422, description = "The vendor's system cannot do this"),
        (status = 502, description = "The vendor failed; members `applied`, `failed`, `outcome`"),
        (status = 503, description = "The provider is not configured, or the database is away"), ForTechnicians
    )
)]
async fn update_ticket(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path(id): Path<i64>,
    body: Result<Json<UpdateBody>>,
) -> Result<Json<Updated>> {
    let Json(body) = body.map_err(|problem| {
        let text = problem.detail_text().unwrap_or("The body cannot be read").to_owned();
        problem.with("success", false).error(text)
    })?;
    let preferred = codex.sync.vendors().psa.default_name().to_owned();
    let name = match body.id_type.as_deref() {
        None | Some("internal") => TicketName::Internal(id),
        Some("external") => {
            TicketName::External { id, provider: body.provider.as_deref(), preferred: &preferred }
        }
        Some(_) => return Err(refused("id_type must be \"internal\" or \"external\"")),
    };
    let ticket = ticket_update::find(&codex.pool, name).await?.ok_or_else(|| no_such_ticket(id))?;
    let provider = codex
        .sync
        .vendors()
        .psa
        .get(Some(&ticket.source))
        .map_err(|error| said(Problem::new(StatusCode::SERVICE_UNAVAILABLE), error.to_string()))?;
    let change = read_change(&codex, &*provider, &ticket, &body).await?;
    let work = Work { codex, provider, ticket, change, note: note(&body)?, actor: caller.label() };
    if work.change == TicketChange::default() && work.note.is_none() {
        return Err(refused("Nothing to change: give status, notes or assigned_to"));
    }
    // What was begun at the vendor is also written down here when nobody waits for the answer any more.
    let done = tokio::spawn(work.perform().in_current_span()).await.map_err(Problem::internal)?;
    done.map(Json)
}

async fn read_change(
    codex: &Codex,
    provider: &dyn PsaProvider,
    ticket: &Target,
    body: &UpdateBody,
) -> Result<TicketChange> {
    let mut change = TicketChange::default();
    if let Some(text) = body.status.as_deref().filter(|text| !text.trim().is_empty()) {
        let statuses = codex.settings().statuses(&ticket.source);
        let choices = statuses.choices();
        let key = statuses.key_of_text(text).filter(|key| choices.contains(key));
        let unknown = || refused(format!("Unknown status. Use one of: {}", choices.join(", ")));
        change.status = Some(key.ok_or_else(unknown)?.to_owned());
    }
    if let Some(PsaId(agent)) = body.assigned_to {
        match ticket_update::agent_is_active(&codex.pool, &ticket.source, agent).await? {
            Some(true) => change.responder_id = Some(agent),
            Some(false) => return Err(refused(format!("Agent {agent} is not active"))),
            None => return Err(refused(format!("{} has no agent {agent}", provider.display_name()))),
        }
    }
    Ok(change)
}

fn note(body: &UpdateBody) -> Result<Option<String>> {
    let note = body.notes.as_deref().map(|text| text.replace('\0', "").trim().to_owned());
    let note = note.filter(|text| !text.is_empty());
    if note.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NOTE) {
        return Err(refused(format!("A note has at most {LONGEST_NOTE} characters")));
    }
    Ok(note)
}

/// A change that makes sense.
struct Work {
    codex: Codex,
    provider: Arc<dyn PsaProvider>,
    ticket: Target,
    change: TicketChange,
    note: Option<String>,
    actor: String,
}

impl Work {
    async fn perform(self) -> Result<Updated> {
        let mut applied = Vec::new();
        let result = self.apply(&mut applied).await;
        let (ticket, source, caller) = (self.ticket.id, &self.ticket.source, &self.actor);
        let (status, assigned_to) = (self.change.status.as_deref(), self.change.responder_id);
        let note = self.note.is_some();
        match result {
            Ok(note_taken) => {
                audit!(ticket, source, caller, status, assigned_to, note, "ticket updated");
                Ok(Updated {
                    success: true,
                    ticket_id: ticket,
                    external_id: PsaId(self.ticket.external_id),
                    message: "Ticket updated successfully",
                    applied,
                    note: note_taken,
                })
            }
            Err(problem) => {
                audit_warning!(
                    ticket,
                    source,
                    caller,
                    status,
                    assigned_to,
                    note,
                    ?applied,
                    "ticket not updated: {problem}"
                );
                let failed: Vec<&str> = self.parts().filter(|part| !applied.contains(part)).collect();
                Err(problem
                    .with("success", false)
                    .with("ticket_id", ticket)
                    .with("applied", applied)
                    .with("failed", failed))
            }
        }
    }

    fn parts(&self) -> impl Iterator<Item = &'static str> {
        let status = self.change.status.is_some().then_some("status");
        let assigned = self.change.responder_id.is_some().then_some("assigned_to");
        status.into_iter().chain(assigned).chain(self.note.is_some().then_some("notes"))
    }

    /// The changes in their order; `applied` gets what the vendor has confirmed.
    async fn apply(&self, applied: &mut Vec<&'static str>) -> Result<Option<Conversation>> {
        let (pool, clock) = (&self.codex.pool, &self.codex.context.clock);
        if self.change != TicketChange::default() {
            let done = self.in_time(self.provider.update_ticket(self.ticket.external_id, &self.change)).await;
            let ticket = done.map_err(|error| failure(&error))?.ok_or_else(|| self.gone())?;
            applied.extend(self.parts().filter(|part| *part != "notes"));
            ticket_update::save_ticket(pool, &self.actor, &self.ticket.source, ticket, clock.now()).await?;
        }
        let Some(text) = &self.note else { return Ok(None) };
        let begun = clock.now();
        let note = match self.in_time(self.provider.add_note(self.ticket.external_id, text)).await {
            Ok(note) => note.ok_or_else(|| self.gone())?,
            Err(error) => self.note_after_all(&error, text, begun).await.ok_or_else(|| failure(&error))?,
        };
        applied.push("notes");
        ticket_update::save_note(pool, &self.actor, self.ticket.id, &note, clock.now()).await?;
        self.read_again().await;
        Ok(Some(note))
    }

    /// A note moves the time of its ticket at the vendor, and the board goes by that. Where it cannot be asked for now, the
    /// next sync brings it: the note is taken in any case.
    async fn read_again(&self) {
        let (pool, now) = (&self.codex.pool, self.codex.context.clock.now());
        let asked = self.provider.ticket(self.ticket.external_id, Pace::Now);
        let done = match tokio::time::timeout(SECOND_LOOK, asked).await {
            Ok(Ok(Some(ticket))) => {
                let saved = ticket_update::save_ticket(pool, &self.actor, &self.ticket.source, ticket, now);
                saved.await.map_err(|error| error.to_string())
            }
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        if let Err(error) = done {
            tracing::info!(ticket = self.ticket.id, error, "a ticket could not be read again after its note");
        }
    }

    /// Looks whether a note whose outcome is unknown is there.
    async fn note_after_all(
        &self,
        error: &ProviderError,
        text: &str,
        begun: DateTime<Utc>,
    ) -> Option<Conversation> {
        if !matches!(error, ProviderError::OutcomeUnknown { .. }) {
            return None;
        }
        let detail = self.provider.ticket_detail(self.ticket.external_id, Pace::Now);
        let detail = tokio::time::timeout(PATIENCE, detail).await.ok()?.ok()??;
        let text = html::to_text(&html::from_text(text));
        let is_it = |entry: &Conversation| {
            let recent = entry.created_at.is_some_and(|at| at >= begun - SKEW);
            entry.private && recent && entry.body == text
        };
        detail.conversations.into_iter().rfind(is_it)
    }

    /// The vendor's answer; when it takes too long, nobody knows what became of the change.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
            Err(ProviderError::OutcomeUnknown {
                provider: self.provider.display_name(),
                path: format!("tickets/{}", self.ticket.external_id),
                detail: "no answer in time".to_owned(),
            })
        })
    }

    fn gone(&self) -> Problem {
        let text = format!("{} has no such ticket any more", self.provider.display_name());
        said(Problem::new(StatusCode::NOT_FOUND), text).with("outcome", "failed")
    }
}

fn failure(error: &ProviderError) -> Problem {
    let (status, outcome) = match error {
        ProviderError::NotSupported { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "failed"),
        ProviderError::OutcomeUnknown { .. } => (StatusCode::BAD_GATEWAY, "unknown"),
        _ => (StatusCode::BAD_GATEWAY, "failed"),
    };
    said(Problem::new(status), error.to_string()).with("outcome", outcome).cause(error)
}

fn refused(text: impl Into<String>) -> Problem {
    said(Problem::new(StatusCode::BAD_REQUEST), text)
}

fn no_such_ticket(id: i64) -> Problem {
    let problem = Problem::not_found(format!("Ticket {id} does not exist.")).with("ticket_id", id);
    said(problem, "Ticket not found")
}

fn said(problem: Problem, text: impl Into<String>) -> Problem {
    problem.with("success", false).error(text)
}
