//! Companies, people, groups and devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};

use super::super::answer::{ApiError, ListCall, single};
use super::super::query::{Field, Filter, Kind};
use super::super::records::Collection;
use super::super::wire::master;
use super::super::{Engine, State as Sim};
use crate::world::companies::FIRST_COMPANY_ID;
use crate::world::people::{FIRST_AGENT_ID, FIRST_CONTACT_ID, GROUPS};

type Answer = Result<Response, ApiError>;

/// How many objects the world made up.
fn count(sim: &Sim, collection: Collection) -> u32 {
    let size = sim.world.size();
    match collection {
        Collection::Departments => sim.world.company_count(),
        Collection::Requesters => size.contacts,
        Collection::Agents => size.agents,
        Collection::Groups => GROUPS.len() as u32,
    }
}

fn id_of(collection: Collection, index: u32) -> u64 {
    match collection {
        Collection::Departments => FIRST_COMPANY_ID + u64::from(index),
        Collection::Requesters => FIRST_CONTACT_ID + u64::from(index),
        Collection::Agents => FIRST_AGENT_ID + u64::from(index),
        Collection::Groups => GROUPS[index as usize % GROUPS.len()].0,
    }
}

fn made_up(sim: &Sim, collection: Collection, index: u32) -> Value {
    match collection {
        Collection::Departments => master::department(&sim.world, index),
        Collection::Requesters => master::requester(&sim.world, index),
        Collection::Agents => master::agent(&sim.world, index),
        Collection::Groups => master::group(&sim.world, index),
    }
}

/// One object as the vendor shows it now.
pub fn record(sim: &Sim, collection: Collection, id: u64) -> Option<Value> {
    let overlay = sim.records.of(collection);
    if let Some(added) = overlay.and_then(|overlay| overlay.added().get(&id)) {
        return Some(added.clone());
    }
    let index = match collection {
        Collection::Groups => GROUPS.iter().position(|(group, _, _)| *group == id)? as u64,
        _ => id.checked_sub(id_of(collection, 0))?,
    };
    let index = u32::try_from(index).ok().filter(|index| *index < count(sim, collection))?;
    let value = made_up(sim, collection, index);
    match overlay {
        Some(overlay) => overlay.lay_over(id, value),
        None => Some(value),
    }
}

/// A list without conditions makes up only the rows of its page.
fn list(
    sim: &Sim,
    collection: Collection,
    call: &ListCall,
    filter: Option<&dyn Fn(&Value) -> bool>,
) -> Response {
    let overlay = sim.records.of(collection);
    let ids = (0..count(sim, collection))
        .map(|index| id_of(collection, index))
        .filter(|id| overlay.is_none_or(|overlay| overlay.has(*id)))
        .chain(overlay.into_iter().flat_map(|overlay| overlay.added().keys().copied()));
    let show = |id| record(sim, collection, id);
    let (rows, more) = match filter {
        Some(fits) => call.take(ids.filter_map(show).filter(|row| fits(row))),
        None => {
            let (ids, more) = call.take(ids);
            (ids.into_iter().filter_map(show).collect(), more)
        }
    };
    call.page(collection.plural(), rows, more)
}

fn one(engine: &Engine, collection: Collection, id: u64) -> Answer {
    let sim = engine.state();
    record(&sim, collection, id).map(|value| single(collection.single(), value)).ok_or(ApiError::NotFound)
}

/// Same text, case ignored.
fn same(row: &Value, member: &str, wanted: &str) -> bool {
    row[member].as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted))
}

/// GET `/departments`.
pub async fn departments(State(engine): State<Arc<Engine>>, call: ListCall) -> Response {
    list(&engine.state(), Collection::Departments, &call, None)
}

/// GET `/departments/{id}`.
pub async fn department(State(engine): State<Arc<Engine>>, Path(id): Path<u64>) -> Answer {
    one(&engine, Collection::Departments, id)
}

/// PUT `/departments/{id}` with `{"custom_fields": {…}}` and other members.
pub async fn update_department(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<u64>,
    Json(mut members): Json<Map<String, Value>>,
) -> Answer {
    members.remove("id");
    if members.get("custom_fields").is_some_and(|fields| !fields.is_object()) {
        return Err(ApiError::invalid("custom_fields", "It should be a/an Hash"));
    }
    let mut sim = engine.state();
    record(&sim, Collection::Departments, id).ok_or(ApiError::NotFound)?;
    let now = super::super::wire::time(engine.config.clock.now());
    members.insert("updated_at".to_owned(), now);
    sim.records.change(Collection::Departments, id, members);
    drop(sim);
    one(&engine, Collection::Departments, id)
}

/// Fields of the query language for requesters.
const FIELDS: &[(&str, Kind)] = &[
    ("first_name", Kind::Text),
    ("last_name", Kind::Text),
    ("primary_email", Kind::Text),
    ("job_title", Kind::Text),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
];

fn field(row: &Value, name: &str) -> Field {
    let text = row[name].as_str();
    match name {
        "created_at" | "updated_at" => Field::Time(text.and_then(|text| text.parse().ok())),
        _ => Field::Text(text.map(str::to_owned).into_iter().collect()),
    }
}

/// GET `/requesters`: all, or by `email` or `query`.
pub async fn requesters(State(engine): State<Arc<Engine>>, call: ListCall) -> Answer {
    let query = call.get("query").map(|query| Filter::parse(query, FIELDS)).transpose();
    let query = query.map_err(|message| ApiError::invalid("query", message))?;
    let email = call.get("email");
    let sim = engine.state();
    if email.is_none() && query.is_none() {
        return Ok(list(&sim, Collection::Requesters, &call, None));
    }
    let fits = |row: &Value| {
        email.is_none_or(|email| same(row, "primary_email", email))
            && query.as_ref().is_none_or(|filter| filter.matches(&|name| field(row, name)))
    };
    Ok(list(&sim, Collection::Requesters, &call, Some(&fits)))
}

/// GET `/requesters/{id}`.
pub async fn requester(State(engine): State<Arc<Engine>>, Path(id): Path<u64>) -> Answer {
    one(&engine, Collection::Requesters, id)
}

/// GET `/agents`, by `email`, `active` and `state`.
pub async fn agents(State(engine): State<Arc<Engine>>, call: ListCall) -> Answer {
    let active = match call.get("active") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(ApiError::invalid("active", "It should be a/an Boolean")),
    };
    let occasional = match call.get("state") {
        None => None,
        Some("fulltime") => Some(false),
        Some("occasional") => Some(true),
        Some(_) => {
            return Err(ApiError::invalid(
                "state",
                "It should be one of these values: 'fulltime,occasional'",
            ));
        }
    };
    let fits = |row: &Value| {
        call.get("email").is_none_or(|email| same(row, "email", email))
            && active.is_none_or(|wanted| row["active"] == wanted)
            && occasional.is_none_or(|wanted| row["occasional"] == wanted)
    };
    Ok(list(&engine.state(), Collection::Agents, &call, Some(&fits)))
}

/// GET `/agents/me`: whose key it is.
pub async fn me(State(engine): State<Arc<Engine>>) -> Answer {
    one(&engine, Collection::Agents, FIRST_AGENT_ID)
}

/// GET `/agents/{id}`.
pub async fn agent(State(engine): State<Arc<Engine>>, Path(id): Path<u64>) -> Answer {
    one(&engine, Collection::Agents, id)
}

/// GET `/groups`.
pub async fn groups(State(engine): State<Arc<Engine>>, call: ListCall) -> Response {
    list(&engine.state(), Collection::Groups, &call, None)
}

/// GET `/assets`.
pub async fn assets(State(engine): State<Arc<Engine>>, call: ListCall) -> Response {
    let sim = engine.state();
    let (indexes, more) = call.take(0..sim.world.size().assets);
    let rows = indexes.into_iter().map(|index| master::asset(&sim.world, index)).collect();
    call.page("assets", rows, more)
}
