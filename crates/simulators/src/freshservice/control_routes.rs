//! The control over HTTP, below `/_control`: JSON in, JSON out, from the same machine only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::ApiError;
use super::fault::Fault;
use super::patch::{NewEntry, NewWork, TicketPatch};
use super::records::Collection;
use super::{Control, Engine};

/// The routes.
pub fn router() -> Router<Arc<Engine>> {
    Router::new()
        .route("/state", get(state))
        .route("/reset", post(reset))
        .route("/clock", post(advance))
        .route("/steps", post(step))
        .route("/tickets", post(create_ticket))
        .route("/tickets/{id}", patch(update_ticket).get(ticket).delete(remove_ticket))
        .route("/tickets/{id}/entries", post(add_entry))
        .route("/tickets/{id}/work", post(add_work))
        .route("/records/{collection}/{id}", patch(change_record).put(add_record).delete(remove_record))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .layer(from_fn(same_machine))
}

/// Nobody else may even know that it is there; whoever comes through the gateway of a demo is somebody else.
async fn same_machine(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    let passed_on = request.headers().contains_key("x-forwarded-for");
    if peer.ip().to_canonical().is_loopback() && !passed_on {
        next.run(request).await
    } else {
        ApiError::NotFound.into_response()
    }
}

type Engines = State<Arc<Engine>>;

fn found(found: bool) -> Result<StatusCode, ApiError> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

async fn state(State(engine): Engines) -> Json<Value> {
    let control = Control::new(engine);
    let size = control.size();
    Json(json!({
        "now": control.now(),
        "companies": size.companies,
        "agents": size.agents,
        "contacts": size.contacts,
        "assets": size.assets,
        "tickets": control.ticket_count(),
        "active": control.active_ids(),
    }))
}

async fn reset(State(engine): Engines) -> StatusCode {
    Control::new(engine).reset();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Advance {
    seconds: u64,
}

async fn advance(State(engine): Engines, Json(by): Json<Advance>) -> StatusCode {
    Control::new(engine).advance(Duration::from_secs(by.seconds));
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Steps {
    events: u32,
}

async fn step(State(engine): Engines, Json(steps): Json<Steps>) -> StatusCode {
    Control::new(engine).step(steps.events.min(100_000));
    StatusCode::NO_CONTENT
}

async fn create_ticket(State(engine): Engines, Json(patch): Json<TicketPatch>) -> Response {
    let control = Control::new(engine);
    let id = control.create_ticket(patch);
    (StatusCode::CREATED, Json(json!({"ticket": control.ticket(id)}))).into_response()
}

async fn ticket(State(engine): Engines, Path(id): Path<u64>) -> Result<Json<Value>, ApiError> {
    let ticket = Control::new(engine).ticket(id).ok_or(ApiError::NotFound)?;
    Ok(Json(json!({"ticket": ticket})))
}

async fn update_ticket(
    State(engine): Engines,
    Path(id): Path<u64>,
    Json(patch): Json<TicketPatch>,
) -> Result<Json<Value>, ApiError> {
    let control = Control::new(engine);
    if !control.update_ticket(id, patch) {
        return Err(ApiError::NotFound);
    }
    Ok(Json(json!({"ticket": control.ticket(id)})))
}

async fn remove_ticket(State(engine): Engines, Path(id): Path<u64>) -> Result<StatusCode, ApiError> {
    found(Control::new(engine).remove_ticket(id))
}

async fn add_entry(
    State(engine): Engines,
    Path(id): Path<u64>,
    Json(entry): Json<NewEntry>,
) -> Result<StatusCode, ApiError> {
    found(Control::new(engine).add_entry(id, entry))
}

async fn add_work(
    State(engine): Engines,
    Path(id): Path<u64>,
    Json(work): Json<NewWork>,
) -> Result<StatusCode, ApiError> {
    found(Control::new(engine).add_work(id, work))
}

type Record = Path<(Collection, u64)>;

async fn change_record(
    State(engine): Engines,
    Path((collection, id)): Record,
    Json(members): Json<Map<String, Value>>,
) -> StatusCode {
    Control::new(engine).change_record(collection, id, members);
    StatusCode::NO_CONTENT
}

async fn add_record(
    State(engine): Engines,
    Path((collection, id)): Record,
    Json(object): Json<Map<String, Value>>,
) -> StatusCode {
    Control::new(engine).add_record(collection, id, object);
    StatusCode::CREATED
}

async fn remove_record(State(engine): Engines, Path((collection, id)): Record) -> StatusCode {
    Control::new(engine).remove_record(collection, id);
    StatusCode::NO_CONTENT
}

async fn faults(State(engine): Engines) -> Json<Value> {
    Json(json!({"faults": Control::new(engine).faults()}))
}

async fn add_fault(State(engine): Engines, Json(fault): Json<Fault>) -> StatusCode {
    Control::new(engine).add_fault(fault);
    StatusCode::CREATED
}

async fn clear_faults(State(engine): Engines) -> StatusCode {
    Control::new(engine).clear_faults();
    StatusCode::NO_CONTENT
}

async fn requests(State(engine): Engines) -> Json<Value> {
    let control = Control::new(engine);
    Json(json!({"counts": control.request_counts(), "requests": control.request_lines()}))
}

async fn clear_requests(State(engine): Engines) -> StatusCode {
    Control::new(engine).clear_requests();
    StatusCode::NO_CONTENT
}
