//! Mutations.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::list::Refusal;
use super::records::record;
use super::resolve::{Resolver, number};
use super::wire;
use crate::freshservice::Collection;
use crate::world::Ticket;
use crate::world::people::FIRST_AGENT_ID;
use crate::world::text::plain;
use crate::world::thread::Entry;

impl Resolver<'_> {
    /// Changes members of a client.
    pub(super) fn update_client(&mut self, input: Option<&Value>) -> Result<Value, Refusal> {
        let input = input.and_then(Value::as_object).cloned().unwrap_or_default();
        let client = self.single("accountId", Collection::Departments, input.get("accountId"))?;
        let changes: Map<String, Value> =
            input.into_iter().filter(|(name, value)| name != "accountId" && !value.is_null()).collect();
        let id = number(client.get("accountId")).ok_or_else(|| Refusal::missing("accountId"))?;
        self.sim.records.change(Collection::Departments, id, changes);
        record(self.sim, Collection::Departments, id).ok_or_else(|| Refusal::missing("accountId"))
    }

    /// Changes status, priority, technician or group of a ticket.
    pub(super) fn update_ticket(&mut self, input: Option<&Value>) -> Result<Value, Refusal> {
        let nested = |name: &str| input.and_then(|input| input.get(name)).filter(|value| !value.is_null());
        let mut ticket = self.owned(nested("ticketId"))?;
        if let Some(name) = nested("status") {
            let code = wire::STATUSES.iter().find(|(_, known)| name.as_str() == Some(known));
            ticket.status = code.map(|(code, _)| *code).ok_or_else(|| wrong("status"))?;
        }
        if let Some(name) = nested("priority") {
            let code = wire::PRIORITIES.iter().find(|(_, known)| name.as_str() == Some(known));
            ticket.priority = code.map(|(code, _)| *code).ok_or_else(|| wrong("priority"))?;
        }
        if let Some(subject) = nested("subject").and_then(Value::as_str) {
            ticket.subject = Some(subject.to_owned());
        }
        for (member, id, collection) in
            [("technician", "userId", Collection::Agents), ("techGroup", "groupId", Collection::Groups)]
        {
            let Some(named) = nested(member) else { continue };
            let vendor = number(named.get(id)).filter(|id| record(self.sim, collection, *id).is_some());
            let behind = vendor.and_then(wire::world_id).ok_or_else(|| wrong(member))?;
            match collection {
                Collection::Agents => ticket.responder_id = Some(behind),
                _ => ticket.group_id = Some(behind),
            }
        }
        ticket.settle_times(self.now);
        ticket.updated_at = self.now;
        let answer = wire::ticket(self.sim, &ticket, self.now);
        self.sim.world.put(ticket);
        Ok(answer)
    }

    /// Adds a note, written by whose token it is unless it says otherwise.
    pub(super) fn add_note(&mut self, input: Option<&Value>) -> Result<Value, Refusal> {
        let nested = |name: &str| input.and_then(|input| input.get(name)).filter(|value| !value.is_null());
        let mut ticket = self.owned(nested("ticket").and_then(|ticket| ticket.get("ticketId")))?;
        let content = nested("content").and_then(Value::as_str).filter(|content| !content.trim().is_empty());
        let content = content.ok_or_else(|| Refusal::new("mandatory_validation_failed", "content"))?;
        let author = nested("addedBy")
            .map_or(Some(FIRST_AGENT_ID), |author| number(author.get("userId")).and_then(wire::world_id));
        ticket.thread.push(Entry {
            id: 0,
            text: plain(content),
            incoming: false,
            private: nested("privacyType").and_then(Value::as_str) == Some("PRIVATE"),
            user_id: Some(author.ok_or_else(|| wrong("addedBy"))?),
            at: self.now,
        });
        ticket.updated_at = self.now;
        // The newest of those that were written at this moment is the one just added.
        let entry = self.sim.world.thread(&ticket).pop().ok_or_else(|| wrong("content"))?;
        let note = wire::note(self.sim, &entry);
        self.sim.world.put(ticket);
        Ok(note)
    }

    fn owned(&self, id: Option<&Value>) -> Result<Ticket, Refusal> {
        let ticket = number(id).and_then(wire::world_id).and_then(|id| self.sim.world.ticket(id));
        let ticket = ticket.map(Cow::into_owned).filter(|ticket| !ticket.spam && !ticket.deleted);
        ticket.ok_or_else(|| Refusal::missing("ticketId"))
    }
}

fn wrong(param: &str) -> Refusal {
    Refusal::new("referred_value_does_not_exist", param)
}
