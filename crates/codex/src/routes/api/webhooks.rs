//! Changes that vendors report by themselves (codex-api.md §9). The gateway lets exactly the three POST routes through
//! without a login; here a secret says that it is the vendor.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request, State},
};
use bytes::Bytes;
use hivematrix_shared::{
    audit_warning,
    extract::Json,
    pages::format::iso_z,
    problem::{Problem, Result},
    rate_limit::{KeyBy, Limits, Per, client_address},
};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Codex,
    config::WebhookSettings,
    domain::webhook::{self, Refusal, TicketEvent},
    store::webhooks::{self, Effect},
};

/// Largest event in bytes.
const LARGEST: usize = 1024 * 1024;
/// Events a minute from one address.
const PER_MINUTE: u32 = 600;
/// Log lines a minute about requests that were refused: the secret is guessed at by whoever wants to, and the log is kept.
pub const REFUSAL_LINES: u32 = 10;
/// The header with the secret.
const SECRET_HEADER: &str = "x-webhook-secret";

const FRESHSERVICE: &str = "freshservice";
const SUPEROPS: &str = "superops";

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(freshservice_ticket))
        .routes(routes!(superops_ticket))
        .routes(routes!(test))
        .routes(routes!(health))
}

/// Webhooks are counted by themselves: a vendor's flood takes nothing from others at its address, nor they from it.
pub fn limits(limits: Limits) -> Limits {
    limits.route_by(KeyBy::Address, Method::POST, "/webhooks/*", &[(PER_MINUTE, Per::Minute)])
}

/// A request of class W: it has passed the guards, in their order, before its body was read.
struct Reported {
    source_ip: String,
    body: Bytes,
}

impl FromRequest<Codex> for Reported {
    type Rejection = Problem;

    async fn from_request(request: Request, codex: &Codex) -> Result<Self> {
        let source_ip = admit(codex, &request)?;
        let body = to_bytes(request.into_body(), LARGEST).await.map_err(|error| {
            // The one other reason is a sender that broke off, who reads no answer.
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
                .error(format!("The body is larger than {LARGEST} bytes"))
                .cause(error)
        })?;
        Ok(Self { source_ip, body })
    }
}

/// Disabled, wrong secret, wrong address: in this order, so that a stranger learns nothing about addresses.
fn admit(codex: &Codex, request: &Request) -> Result<String> {
    let settings = &codex.settings().webhooks;
    if !settings.webhooks_enabled {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE).error("Webhooks are disabled"));
    }
    let address = client_address(request);
    let given = request.headers().get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    let (status, error, reason) = if !given.is_some_and(|given| settings.is_secret(given)) {
        (StatusCode::UNAUTHORIZED, "Invalid webhook secret", "wrong secret")
    } else if !settings.webhooks_allowed_ips.allow(address) {
        (StatusCode::FORBIDDEN, "IP address not allowed", "address not allowed")
    } else {
        return Ok(address.to_string());
    };
    if let Some(left_out) = codex.webhook_lines.take(codex.context.clock.now()) {
        let path = request.uri().path();
        audit_warning!(source_ip = %address, path, reason, left_out, "webhook refused");
    }
    Err(Problem::new(status).error(error))
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
struct Outcome {
    /// `created`, `updated`, `deleted` or `ignored`.
    status: &'static str,
    /// The vendor's id.
    ticket_id: i64,
    provider: &'static str,
    /// `updated`: names of the values that are different now.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<&'static str>>,
    /// `deleted`: the ticket's status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_status: Option<String>,
    /// `ignored`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Members that could not be read, such as placeholders nobody filled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored_fields: Vec<&'static str>,
}

impl Outcome {
    const fn new(status: &'static str, provider: &'static str, ticket_id: i64) -> Self {
        let ignored_fields = Vec::new();
        Self { status, ticket_id, provider, changes: None, new_status: None, reason: None, ignored_fields }
    }
}

/// Members of an event; numbers may come as text, everything but the ticket's id may be missing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read leniently")]
struct TicketPayload {
    /// `ticket.created`, `ticket.updated` (default) or `ticket.deleted`.
    event: Option<String>,
    ticket_id: i64,
    subject: Option<String>,
    /// The vendor's code or the name of the status; SuperOps has no codes.
    status_id: Option<i64>,
    /// The vendor's code or the name of the priority; SuperOps has no codes.
    priority_id: Option<i64>,
    requester_email: Option<String>,
    requester_name: Option<String>,
    requester_id: Option<i64>,
    /// `null`: nobody has it.
    responder_id: Option<i64>,
    /// `null`: no group has it.
    group_id: Option<i64>,
    department_id: Option<i64>,
    updated_at: Option<String>,
    created_at: Option<String>,
}

/// Takes an event about a ticket of Freshservice.
#[utoipa::path(post, path = "/webhooks/freshservice/ticket", tag = "webhooks", security(()),
    params(("X-Webhook-Secret" = String, Header, description = "The configured secret")),
    request_body = TicketPayload,
    responses(
        (status = 200, body = Outcome), (status = 201, body = Outcome, description = "The ticket is new"),
        (status = 400, description = "Not JSON, empty, or without a ticket"),
        (status = 401, description = "Wrong secret"), (status = 403, description = "Address not allowed"),
        (status = 413, description = "Larger than 1 MiB"), (status = 429, description = "Too many from one address"),
        (status = 503, description = "Webhooks are disabled, or the database is away")
    ))]
async fn freshservice_ticket(
    State(codex): State<Codex>,
    reported: Reported,
) -> Result<(StatusCode, Json<Outcome>)> {
    let (status, outcome) = take(&codex, FRESHSERVICE, &reported).await?;
    Ok((status, Json(outcome)))
}

/// What SuperOps gets for an event without a ticket.
#[derive(Serialize, ToSchema)]
struct Received {
    /// `received`.
    status: &'static str,
    message: &'static str,
}

/// What became of an event of SuperOps, or that there was nothing to do.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum SuperOpsOutcome {
    Done(Outcome),
    Nothing(Received),
}

/// Takes an event about a ticket of SuperOps. One that names no ticket is received, and nothing is stored.
#[utoipa::path(post, path = "/webhooks/superops/ticket", tag = "webhooks", security(()),
    params(("X-Webhook-Secret" = String, Header, description = "The configured secret")),
    request_body = TicketPayload,
    responses(
        (status = 200, body = SuperOpsOutcome), (status = 201, body = Outcome, description = "The ticket is new"),
        (status = 400, description = "Not JSON, or a `ticket_id` that is none"),
        (status = 401, description = "Wrong secret"), (status = 403, description = "Address not allowed"),
        (status = 413, description = "Larger than 1 MiB"), (status = 429, description = "Too many from one address"),
        (status = 503, description = "Webhooks are disabled, or the database is away")
    ))]
async fn superops_ticket(
    State(codex): State<Codex>,
    reported: Reported,
) -> Result<(StatusCode, Json<SuperOpsOutcome>)> {
    let names_a_ticket = match serde_json::from_slice::<Value>(&reported.body) {
        Ok(payload) => payload.get("ticket_id").is_some_and(|id| !id.is_null() && id != ""),
        Err(_) => !reported.body.trim_ascii().is_empty(),
    };
    if names_a_ticket {
        let (status, outcome) = take(&codex, SUPEROPS, &reported).await?;
        return Ok((status, Json(SuperOpsOutcome::Done(outcome))));
    }
    let message = "SuperOps webhook received; it names no ticket, so nothing was stored";
    Ok((StatusCode::OK, Json(SuperOpsOutcome::Nothing(Received { status: "received", message }))))
}

/// What becomes of an event, and 201 for a new ticket.
async fn take(codex: &Codex, provider: &'static str, reported: &Reported) -> Result<(StatusCode, Outcome)> {
    let refuse = |text: String| Problem::new(StatusCode::BAD_REQUEST).error(text);
    let payload: Value = serde_json::from_slice(&reported.body)
        .map_err(|error| refuse(format!("The body is not JSON: {error}")))?;
    if codex.settings().webhooks.webhooks_log_payloads {
        log(&codex.settings().webhooks, provider, &payload);
    }
    let now = codex.context.clock.now();
    let event = match TicketEvent::read(&payload, &codex.settings().statuses(provider), now) {
        Ok(event) => event,
        // Of a workflow that reports more than tickets; no reason for the vendor to send it again and again.
        Err(Refusal::Event { ticket_id, event }) => {
            tracing::warn!(provider, ticket_id, event, "webhook of an unknown kind");
            let ignored = Outcome::new("ignored", provider, ticket_id);
            let reason = Some("the event is of an unknown kind");
            return Ok((StatusCode::OK, Outcome { reason, ..ignored }));
        }
        Err(refusal) => return Err(refuse(refusal.to_string())),
    };
    if !event.ignored.is_empty() {
        tracing::warn!(provider, ticket_id = event.ticket_id, fields = ?event.ignored, "webhook fields that say nothing");
    }
    let effect = webhooks::apply(&codex.pool, provider, &event, now).await?;
    tracing::debug!(provider, ticket_id = event.ticket_id, ?effect, "webhook taken");
    let code = if effect == Effect::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((code, outcome(provider, event, effect)))
}

fn outcome(provider: &'static str, event: TicketEvent, effect: Effect) -> Outcome {
    let of = |status| Outcome::new(status, provider, event.ticket_id);
    let ignored = |reason| Outcome { reason: Some(reason), ..of("ignored") };
    let outcome = match effect {
        Effect::Created => of("created"),
        Effect::Updated(changes) => Outcome { changes: Some(changes), ..of("updated") },
        Effect::Deleted(new_status) => Outcome { new_status: Some(new_status), ..of("deleted") },
        Effect::Outdated => ignored("the event is older than what is stored"),
        Effect::Unknown => ignored("the ticket is not stored"),
    };
    Outcome { ignored_fields: event.ignored, ..outcome }
}

/// Writes what is known of a payload to the log; the secret never, wherever a template has put it.
fn log(settings: &WebhookSettings, provider: &str, payload: &Value) {
    let mut text = Value::Object(webhook::known_members(payload)).to_string();
    if let Some(secret) = settings.webhooks_secret.as_ref().filter(|secret| !secret.is_empty()) {
        let written = Value::from(secret.expose()).to_string();
        text = text.replace(written.trim_matches('"'), "***").replace(secret.expose(), "***");
    }
    tracing::info!(provider, payload = text, "webhook payload");
}

/// The answer to a trial.
#[derive(Serialize, ToSchema)]
struct Trial {
    /// `ok`.
    status: &'static str,
    message: &'static str,
    /// Where the request came from.
    source_ip: String,
    timestamp: String,
}

/// Tells whoever sets up a webhook that address and secret are right.
#[utoipa::path(post, path = "/webhooks/test", tag = "webhooks", security(()),
    params(("X-Webhook-Secret" = String, Header, description = "The configured secret")),
    responses(
        (status = 200, body = Trial), (status = 401, description = "Wrong secret"),
        (status = 403, description = "Address not allowed"), (status = 413, description = "Larger than 1 MiB"),
        (status = 429, description = "Too many from one address"), (status = 503, description = "Webhooks are disabled")
    ))]
async fn test(State(codex): State<Codex>, reported: Reported) -> Json<Trial> {
    Json(Trial {
        status: "ok",
        message: "Webhook endpoint is working",
        source_ip: reported.source_ip,
        timestamp: iso_z(codex.context.clock.now()),
    })
}

/// How webhooks are set up.
#[derive(Serialize, ToSchema)]
struct WebhookHealth {
    /// `ok`.
    status: &'static str,
    webhooks_enabled: bool,
    secret_configured: bool,
    ip_allowlist_enabled: bool,
    supported_providers: [&'static str; 2],
    endpoints: Endpoints,
    timestamp: String,
}

/// Paths below the service.
#[derive(Serialize, ToSchema)]
struct Endpoints {
    freshservice: &'static str,
    superops: &'static str,
    test: &'static str,
    health: &'static str,
}

/// Whether and how webhooks are set up. Open, since the gateway does not let anybody through to it.
#[utoipa::path(get, path = "/webhooks/health", tag = "webhooks", security(()), responses((status = 200, body = WebhookHealth)))]
async fn health(State(codex): State<Codex>) -> Json<WebhookHealth> {
    let settings = &codex.settings().webhooks;
    Json(WebhookHealth {
        status: "ok",
        webhooks_enabled: settings.webhooks_enabled,
        secret_configured: settings.has_secret(),
        ip_allowlist_enabled: !settings.webhooks_allowed_ips.is_open(),
        supported_providers: [FRESHSERVICE, SUPEROPS],
        endpoints: Endpoints {
            freshservice: "/webhooks/freshservice/ticket",
            superops: "/webhooks/superops/ticket",
            test: "/webhooks/test",
            health: "/webhooks/health",
        },
        timestamp: iso_z(codex.context.clock.now()),
    })
}
