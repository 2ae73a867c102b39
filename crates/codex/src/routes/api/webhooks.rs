//! Changes that vendors report by themselves (codex-api.md §9). The gateway lets exactly the three POST routes through
//! without a login; here a secret says that it is the vendor.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
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
    domain::{
        status::StatusMap,
        webhook::{self, TicketEvent},
    },
    store::webhooks::{self, Effect},
};

/// Largest event in bytes.
const LARGEST: usize = 1024 * 1024;
/// Events a minute from one address.
const PER_MINUTE: u32 = 600;
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
        let source_ip = admit(&codex.settings().webhooks, &request)?;
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
fn admit(settings: &WebhookSettings, request: &Request) -> Result<String> {
    if !settings.webhooks_enabled {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE).error("Webhooks are disabled"));
    }
    let address = client_address(request);
    let given = request.headers().get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if !given.is_some_and(|given| settings.is_secret(given)) {
        audit_warning!(source_ip = %address, path = request.uri().path(), "webhook refused: wrong secret");
        return Err(Problem::new(StatusCode::UNAUTHORIZED).error("Invalid webhook secret"));
    }
    if !settings.webhooks_allowed_ips.allow(address) {
        audit_warning!(source_ip = %address, path = request.uri().path(), "webhook refused: address not allowed");
        return Err(Problem::new(StatusCode::FORBIDDEN).error("IP address not allowed"));
    }
    Ok(address.to_string())
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

/// Members of an event; numbers may come as text, everything but the ticket's id may be missing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read leniently")]
struct TicketPayload {
    /// `ticket.created`, `ticket.updated` (default) or `ticket.deleted`.
    event: Option<String>,
    ticket_id: i64,
    subject: Option<String>,
    /// The vendor's code or the name of the status.
    status_id: Option<i64>,
    /// The vendor's code or the name of the priority.
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
async fn freshservice_ticket(State(codex): State<Codex>, reported: Reported) -> Result<Response> {
    take(&codex, FRESHSERVICE, &reported).await
}

/// Takes an event about a ticket of SuperOps.
#[utoipa::path(post, path = "/webhooks/superops/ticket", tag = "webhooks", security(()),
    params(("X-Webhook-Secret" = String, Header, description = "The configured secret")),
    request_body = TicketPayload,
    responses(
        (status = 200, body = Outcome), (status = 201, body = Outcome, description = "The ticket is new"),
        (status = 400, description = "Not JSON, empty, or without a ticket"),
        (status = 401, description = "Wrong secret"), (status = 403, description = "Address not allowed"),
        (status = 413, description = "Larger than 1 MiB"), (status = 429, description = "Too many from one address"),
        (status = 503, description = "Webhooks are disabled, or the database is away")
    ))]
async fn superops_ticket(State(codex): State<Codex>, reported: Reported) -> Result<Response> {
    take(&codex, SUPEROPS, &reported).await
}

async fn take(codex: &Codex, provider: &'static str, reported: &Reported) -> Result<Response> {
    let refuse = |text: String| Problem::new(StatusCode::BAD_REQUEST).error(text);
    let payload: Value = serde_json::from_slice(&reported.body)
        .map_err(|error| refuse(format!("The body is not JSON: {error}")))?;
    if codex.settings().webhooks.webhooks_log_payloads {
        log(&codex.settings().webhooks, provider, &payload);
    }
    let now = codex.context.clock.now();
    let event = TicketEvent::read(&payload, &statuses(codex, provider), now)
        .map_err(|refusal| refuse(refusal.to_string()))?;
    if !event.ignored.is_empty() {
        tracing::warn!(provider, ticket_id = event.ticket_id, fields = ?event.ignored, "webhook fields that say nothing");
    }
    let effect = webhooks::apply(&codex.pool, provider, &event, now).await?;
    tracing::debug!(provider, ticket_id = event.ticket_id, ?effect, "webhook taken");
    let code = if effect == Effect::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((code, Json(outcome(provider, event, effect))).into_response())
}

fn outcome(provider: &'static str, event: TicketEvent, effect: Effect) -> Outcome {
    let mut outcome = Outcome {
        status: "ignored",
        ticket_id: event.ticket_id,
        provider,
        changes: None,
        new_status: None,
        reason: None,
        ignored_fields: event.ignored,
    };
    match effect {
        Effect::Created => outcome.status = "created",
        Effect::Updated(changes) => {
            outcome.status = "updated";
            outcome.changes = Some(changes);
        }
        Effect::Deleted(new_status) => {
            outcome.status = "deleted";
            outcome.new_status = Some(new_status);
        }
        Effect::Outdated => outcome.reason = Some("the event is older than what is stored"),
        Effect::Unknown => outcome.reason = Some("the ticket is not stored"),
    }
    outcome
}

/// The status codes of the account, also while its provider is not configured.
fn statuses(codex: &Codex, provider: &str) -> StatusMap {
    let configured = codex.sync.vendors().psa.get(Some(provider)).ok();
    match configured.as_ref().and_then(|provider| provider.statuses()) {
        Some(statuses) => statuses.clone(),
        None if provider == FRESHSERVICE => {
            StatusMap::freshservice(&codex.settings().freshservice.freshservice_status_map)
        }
        None => StatusMap::freshservice([]),
    }
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
