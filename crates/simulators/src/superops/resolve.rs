//! Answers to root fields.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::list::{self, ListFault, Refusal, Row};
use super::query::Asked;
use super::records::{ids, record};
use super::schema::SCHEMA;
use super::wire;
use crate::freshservice::{Collection, State};
use crate::world::assets::FIRST_ASSET_ID;
use crate::world::{Folder, Ticket};

/// What every field needs.
pub struct Resolver<'a> {
    /// The world.
    pub sim: &'a mut State,
    /// The simulator's time.
    pub now: DateTime<Utc>,
    /// What lists must do wrong.
    pub fault: ListFault,
}

/// A record that is made up when it is looked at.
struct Lazy<F: Fn(u64) -> Value> {
    id: u64,
    make: F,
    made: OnceCell<Value>,
}

impl<F: Fn(u64) -> Value> Lazy<F> {
    fn made(&self) -> &Value {
        self.made.get_or_init(|| (self.make)(self.id))
    }
}

impl<F: Fn(u64) -> Value> Row for Lazy<F> {
    fn attribute(&self, name: &str) -> Value {
        self.made().attribute(name)
    }

    fn whole(self) -> Value {
        self.made();
        self.made.into_inner().unwrap_or_default()
    }
}

fn lazy<F: Fn(u64) -> Value + Copy>(ids: Vec<u64>, make: F) -> Vec<Lazy<F>> {
    ids.into_iter().map(|id| Lazy { id, make, made: OnceCell::new() }).collect()
}

/// A ticket whose times are known without making it up.
struct TicketRow<F: Fn(u64) -> Value> {
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    rest: Lazy<F>,
}

impl<F: Fn(u64) -> Value> Row for TicketRow<F> {
    fn attribute(&self, name: &str) -> Value {
        match name {
            "createdTime" => wire::time(self.created),
            "updatedTime" => wire::time(self.updated),
            _ => self.rest.attribute(name),
        }
    }

    fn whole(self) -> Value {
        self.rest.whole()
    }
}

impl Resolver<'_> {
    /// The value of a root field.
    ///
    /// # Errors
    /// What the vendor refuses inside its answer.
    pub fn root(&mut self, asked: &Asked) -> Result<Value, Refusal> {
        let input = asked.arguments.get("input");
        let nested = |name: &str| input.and_then(|input| input.get(name));
        match asked.name.as_str() {
            "getTicketList" => self.tickets(input),
            "getTicket" => self.ticket(nested("ticketId"), wire::ticket),
            "getTicketConversationList" => {
                self.ticket(nested("ticketId"), |sim, ticket, _| wire::conversations(sim, ticket))
            }
            "getTicketNoteList" => self.ticket(nested("ticketId"), |sim, ticket, _| wire::notes(sim, ticket)),
            "getClientList" => self.list("clients", "Client", Collection::Departments, input, None),
            "getClientUserList" => {
                let client = nested("clientId").and_then(Value::as_str).map(|id| ("client.accountId", id));
                self.list("userList", "ClientUser", Collection::Requesters, nested("listInfo"), client)
            }
            "getTechnicianList" => self.list("userList", "Technician", Collection::Agents, input, None),
            "getTechnicianGroupList" => {
                let ids = ids(self.sim, Collection::Groups);
                Ok(ids.into_iter().filter_map(|id| record(self.sim, Collection::Groups, id)).collect())
            }
            "getClient" => self.single("accountId", Collection::Departments, nested("accountId")),
            "getClientUser" => self.single("userId", Collection::Requesters, nested("userId")),
            "getClientSiteList" => self.sites(nested("clientId"), nested("listInfo")),
            "getAssetList" => self.assets(input),
            "getAsset" => self.asset(nested("assetId")),
            "getStatusList" => Ok(wire::STATUSES
                .iter()
                .map(|(code, name)| json!({"id": wire::id(u64::from(*code)), "name": name, "description": name}))
                .collect()),
            "getPriorityList" => Ok(wire::PRIORITIES
                .iter()
                .map(|(code, name)| json!({"id": wire::id(u64::from(*code)), "name": name, "colorCode": "#888888"}))
                .collect()),
            "updateClient" => self.update_client(input),
            "updateTicket" => self.update_ticket(input),
            "createTicketNote" => self.add_note(input),
            "__typename" => Ok(asked.arguments.get("type").cloned().unwrap_or_default()),
            other => Err(Refusal::new("forbidden", other)),
        }
    }

    fn tickets(&self, input: Option<&Value>) -> Result<Value, Refusal> {
        let sim = &*self.sim;
        let make = |id: u64| {
            sim.world.ticket(id).map(|ticket| wire::ticket(sim, &ticket, self.now)).unwrap_or_default()
        };
        let rows = sim.world.times(Folder::Listed).map(|(id, created, updated)| TicketRow {
            created,
            updated,
            rest: Lazy { id, make, made: OnceCell::new() },
        });
        list::page("tickets", input, known("Ticket"), rows.collect(), self.fault)
    }

    /// Something about one ticket. Spam and what was deleted is gone for every caller.
    fn ticket(
        &self,
        id: Option<&Value>,
        show: impl Fn(&State, &Ticket, DateTime<Utc>) -> Value,
    ) -> Result<Value, Refusal> {
        let ticket = number(id).and_then(wire::world_id).and_then(|id| self.sim.world.ticket(id));
        let ticket = ticket.filter(|ticket| !ticket.spam && !ticket.deleted);
        ticket.map(|ticket| show(self.sim, &ticket, self.now)).ok_or_else(|| Refusal::missing("ticketId"))
    }

    fn list(
        &self,
        member: &str,
        kind: &'static str,
        collection: Collection,
        info: Option<&Value>,
        only: Option<(&str, &str)>,
    ) -> Result<Value, Refusal> {
        let sim = &*self.sim;
        let make = |id: u64| record(sim, collection, id).unwrap_or_default();
        let mut rows = lazy(ids(sim, collection), make);
        if let Some((attribute, value)) = only {
            rows.retain(|row| row.attribute(attribute).as_str() == Some(value));
        }
        list::page(member, info, known(kind), rows, self.fault)
    }

    pub(super) fn single(
        &self,
        param: &str,
        collection: Collection,
        id: Option<&Value>,
    ) -> Result<Value, Refusal> {
        number(id).and_then(|id| record(self.sim, collection, id)).ok_or_else(|| Refusal::missing(param))
    }

    fn sites(&self, client: Option<&Value>, info: Option<&Value>) -> Result<Value, Refusal> {
        let wanted = client.filter(|client| !client.is_null());
        let world = &self.sim.world;
        let sites: Vec<Value> = (0..world.company_count())
            .map(|index| wire::site(world, index))
            .filter(|site| wanted.is_none_or(|wanted| site["client"]["accountId"] == *wanted))
            .collect();
        list::page("sites", info, known("ClientSite"), sites, self.fault)
    }

    fn assets(&self, input: Option<&Value>) -> Result<Value, Refusal> {
        let sim = &*self.sim;
        let make = |id: u64| wire::asset(sim, id as u32);
        let all = (0..u64::from(sim.world.size().assets)).collect();
        list::page("assets", input, known("Asset"), lazy(all, make), self.fault)
    }

    fn asset(&self, id: Option<&Value>) -> Result<Value, Refusal> {
        let index = number(id).and_then(wire::world_id).and_then(|id| id.checked_sub(FIRST_ASSET_ID));
        let index = index.and_then(|index| u32::try_from(index).ok());
        let index = index.filter(|index| *index < self.sim.world.size().assets);
        index.map(|index| wire::asset(self.sim, index)).ok_or_else(|| Refusal::missing("assetId"))
    }
}

/// The attributes of a type, for conditions and order.
fn known(kind: &'static str) -> impl Fn(&str) -> bool + Copy {
    move |name| SCHEMA.fields(kind).is_some_and(|fields| fields.contains_key(name))
}

/// An id, written as text or as a number.
pub(super) fn number(id: Option<&Value>) -> Option<u64> {
    let id = id?;
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}
