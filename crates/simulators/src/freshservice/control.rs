//! Changing the world and looking behind it, for tests and demonstrations.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::patch::{NewEntry, NewWork, TicketPatch};
use super::records::Collection;
use super::request_log::{RequestCounts, RequestLine, RequestLog};
use super::{Engine, State, wire};
use crate::world::thread::{Entry, WorkEntry};
use crate::world::{Size, Ticket};

/// A cheap handle on a running simulator.
#[derive(Debug, Clone)]
pub struct Control {
    engine: Arc<Engine>,
}

impl Control {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// The simulator's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.engine.config.clock.now()
    }

    /// Pushes the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.engine.config.clock.advance(by);
    }

    /// Numbers of everything.
    #[must_use]
    pub fn size(&self) -> Size {
        self.engine.state().world.size()
    }

    /// Ids of the active tickets, ascending.
    #[must_use]
    pub fn active_ids(&self) -> Vec<u64> {
        self.engine.state().world.active().iter().copied().collect()
    }

    /// Number of tickets, spam and deleted ones included.
    #[must_use]
    pub fn ticket_count(&self) -> usize {
        self.engine.state().world.ticket_count()
    }

    /// A ticket as the vendor shows it alone, with `stats` and `tags`.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<Value> {
        let state = self.engine.state();
        let ticket = state.world.ticket(id)?;
        Some(wire::ticket::single(&state, &ticket, &["stats", "tags", "requester"], self.now()))
    }

    /// Writes a new ticket: made-up words and people, `patch` on top, open and untouched unless it says otherwise.
    /// Returns its id.
    pub fn create_ticket(&self, patch: TicketPatch) -> u64 {
        let now = self.now();
        let mut state = self.engine.state();
        let mut ticket = state.world.draft(now);
        patch.apply(&mut ticket, now);
        let id = ticket.id;
        state.world.put(ticket);
        id
    }

    /// Changes a ticket; false when there is none.
    pub fn update_ticket(&self, id: u64, patch: TicketPatch) -> bool {
        self.change(id, |ticket, now| patch.apply(ticket, now))
    }

    /// Removes a ticket for good: 404 from now on, and in no list. False when there is none.
    pub fn remove_ticket(&self, id: u64) -> bool {
        self.engine.state().world.remove(id)
    }

    /// Adds a reply or a note; false when there is no such ticket.
    pub fn add_entry(&self, id: u64, entry: NewEntry) -> bool {
        self.change(id, |ticket, now| {
            let user_id = if entry.incoming { ticket.requester_id } else { ticket.responder_id };
            let NewEntry { text, incoming, private } = entry;
            ticket.thread.push(Entry { id: 0, text, incoming, private, user_id, at: now });
            ticket.updated_at = now;
        })
    }

    /// Adds a time entry; false when there is no such ticket.
    pub fn add_work(&self, id: u64, work: NewWork) -> bool {
        self.change(id, |ticket, now| {
            let NewWork { minutes, billable, agent_id, executed_at, note } = work;
            let agent_id = agent_id.or(ticket.responder_id);
            ticket.work.push(WorkEntry { id: 0, agent_id, minutes, billable, executed_at, at: now, note });
            ticket.updated_at = now;
        })
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Ticket, DateTime<Utc>)) -> bool {
        let now = self.now();
        let mut state = self.engine.state();
        let Some(mut ticket) = state.world.ticket(id).map(Cow::into_owned) else { return false };
        change(&mut ticket, now);
        state.world.put(ticket);
        true
    }

    /// Changes members of a company, requester, technician or group, under the vendor's names.
    pub fn change_record(&self, collection: Collection, id: u64, members: Map<String, Value>) {
        self.engine.state().records.change(collection, id, members);
    }

    /// Removes a company, requester, technician or group.
    pub fn remove_record(&self, collection: Collection, id: u64) {
        self.engine.state().records.remove(collection, id);
    }

    /// Adds a company, requester, technician or group as it shall appear on the wire, with the given id.
    pub fn add_record(&self, collection: Collection, id: u64, mut object: Map<String, Value>) {
        object.insert("id".to_owned(), id.into());
        self.engine.state().records.add(collection, id, Value::Object(object));
    }

    /// Sets a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.engine.state().faults.add(fault);
    }

    /// Removes all faults; requests that one of them holds go on.
    pub fn clear_faults(&self) {
        self.engine.state().faults.clear();
        self.engine.cleared.send_replace(());
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.engine.state().faults.all().to_vec()
    }

    /// Sums of the requests since the last reset.
    #[must_use]
    pub fn request_counts(&self) -> RequestCounts {
        self.engine.state().log.counts.clone()
    }

    /// The newest requests, oldest first.
    #[must_use]
    pub fn request_lines(&self) -> Vec<RequestLine> {
        self.engine.state().log.lines.iter().cloned().collect()
    }

    /// Forgets all requests.
    pub fn clear_requests(&self) {
        self.engine.state().log = RequestLog::default();
    }

    /// Lets the world move by so many events.
    pub fn step(&self, events: u32) {
        let now = self.now();
        let mut state = self.engine.state();
        for _ in 0..events {
            state.world.step(now);
        }
    }

    /// Begins again: the world of the seed at the present time, no faults, nothing counted.
    pub fn reset(&self) {
        let fresh = State::new(&self.engine.config);
        *self.engine.state() = fresh;
    }

    /// Moves the world by one event in every interval, for ever.
    pub(crate) async fn keep_moving(self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        loop {
            ticks.tick().await;
            self.step(1);
        }
    }
}
