//! Tickets, conversations and time entries on the wire.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::State;
use super::super::records::Collection;
use super::super::routes::master::record;
use super::{time, time_or_null};
use crate::world::text::escape;
use crate::world::thread::{Entry, WorkEntry};
use crate::world::{FIRST_TICKET_ID, Ticket};

/// The workspace that is returned when none is asked for.
pub const PRIMARY_WORKSPACE: u64 = 2;

/// A row of a list, with the asked includes.
pub fn row(state: &State, t: &Ticket, includes: &[&str], now: DateTime<Utc>) -> Value {
    let words = state.world.words(t);
    let story = t.story.get();
    let late = |due: Option<DateTime<Utc>>, done: Option<DateTime<Utc>>| {
        due.is_some_and(|due| done.unwrap_or(now) > due)
    };
    let project = story.category == "Projects";
    let mut value = json!({
        "id": t.id,
        "subject": words.subject,
        "type": t.kind,
        "status": t.status,
        "priority": t.priority,
        "source": t.source,
        "description": words.html,
        "description_text": words.text,
        "requester_id": t.requester_id,
        "requested_for_id": t.requester_id,
        "responder_id": t.responder_id,
        "group_id": t.group_id,
        "department_id": t.department_id,
        "workspace_id": PRIMARY_WORKSPACE,
        "category": story.category,
        "sub_category": story.sub_category,
        "item_category": null,
        "due_by": time_or_null(t.due_by),
        "fr_due_by": time_or_null(t.fr_due_by),
        "is_escalated": late(t.due_by, t.resolved_at),
        "fr_escalated": late(t.fr_due_by, t.first_responded_at),
        "spam": t.spam,
        "deleted": t.deleted,
        "email_config_id": null,
        "cc_emails": [],
        "fwd_emails": [],
        "reply_cc_emails": [],
        "to_emails": null,
        "custom_fields": {"po_number": project.then(|| po_number(t))},
        "created_at": time(t.created_at),
        "updated_at": time(t.updated_at),
    });
    if let Some(object) = value.as_object_mut() {
        for include in includes {
            let (name, embedded) = match *include {
                "stats" => ("stats", stats(t)),
                "requester" => ("requester", person(state, t.requester_id)),
                "requested_for" => ("requested_for", person(state, t.requester_id)),
                "tags" => ("tags", json!(state.world.tags(t))),
                "department" => ("department", department(state, t.department_id)),
                "conversations" => {
                    let first: Vec<Value> =
                        state.world.thread(t).iter().take(10).map(|entry| conversation(t, entry)).collect();
                    ("conversations", json!(first))
                }
                // The vendor's other embeds (problem, change, assets, feedback …) are empty in this tenant.
                other => (other, Value::Null),
            };
            object.insert(name.to_owned(), embedded);
        }
    }
    value
}

/// A purchase order number, as project tickets carry it.
pub fn po_number(t: &Ticket) -> String {
    format!("PO-{:05}", t.id % 100_000)
}

/// Urgency and impact follow the priority here: 1 low to 3 high.
pub fn urgency(t: &Ticket) -> u64 {
    u64::from(t.priority.clamp(1, 3))
}

/// A ticket alone: more members than in a list.
pub fn single(state: &State, t: &Ticket, includes: &[&str], now: DateTime<Utc>) -> Value {
    let mut value = row(state, t, includes, now);
    if let Some(object) = value.as_object_mut() {
        for (name, extra) in [
            ("urgency", json!(urgency(t))),
            ("impact", json!(urgency(t))),
            ("sla_policy_id", json!(19_000_700_001_u64)),
            ("applied_business_hours", json!(19_000_700_101_u64)),
            ("created_within_business_hours", json!(true)),
            ("bcc_emails", Value::Null),
            ("attachments", json!([])),
            ("approval_status", Value::Null),
            ("approval_status_name", Value::Null),
        ] {
            object.insert(name.to_owned(), extra);
        }
    }
    value
}

fn stats(t: &Ticket) -> Value {
    let seconds_to = |at: Option<DateTime<Utc>>| at.map(|at| (at - t.created_at).num_seconds());
    json!({
        // The vendor's internal number, on purpose not the ticket's.
        "ticket_id": 990_000 + (t.id - FIRST_TICKET_ID),
        "created_at": time(t.created_at),
        "updated_at": time(t.updated_at),
        "opened_at": time(t.created_at),
        "pending_since": null,
        "resolved_at": time_or_null(t.resolved_at),
        "closed_at": time_or_null(t.closed_at),
        "first_assigned_at": t.responder_id.map(|_| time(t.created_at)),
        "assigned_at": t.responder_id.map(|_| time(t.created_at)),
        "agent_responded_at": time_or_null(t.agent_responded_at),
        "requester_responded_at": time_or_null(t.requester_responded_at),
        "first_responded_at": time_or_null(t.first_responded_at),
        "status_updated_at": time(t.updated_at),
        "group_escalated": false,
        "inbound_count": 1 + u32::from(t.requester_responded_at.is_some()),
        "outbound_count": u32::from(t.first_responded_at.is_some()),
        "first_resp_time_in_secs": seconds_to(t.first_responded_at),
        "resolution_time_in_secs": seconds_to(t.resolved_at).unwrap_or(0),
    })
}

/// The requester inside a ticket; some have no mail address, some tickets no requester.
fn person(state: &State, id: Option<u64>) -> Value {
    let Some(contact) = id.and_then(|id| record(state, Collection::Requesters, id)) else {
        return Value::Null;
    };
    let name = [&contact["first_name"], &contact["last_name"]].map(|part| part.as_str().unwrap_or_default());
    json!({"id": contact["id"], "name": name.join(" ").trim_end(), "email": contact["primary_email"]})
}

fn department(state: &State, id: Option<u64>) -> Value {
    let Some(company) = id.and_then(|id| record(state, Collection::Departments, id)) else {
        return Value::Null;
    };
    json!({"id": company["id"], "name": company["name"]})
}

/// A reply or note.
pub fn conversation(t: &Ticket, entry: &Entry) -> Value {
    let support = "support@msp.example";
    json!({
        "id": entry.id,
        "ticket_id": t.id,
        "user_id": entry.user_id,
        "body": format!("<div>{}</div>", escape(&entry.text)),
        "body_text": entry.text,
        "incoming": entry.incoming,
        "private": entry.private,
        "source": if entry.private { 2 } else { 0 },
        "support_email": (!entry.private).then_some(support),
        "from_email": (!entry.incoming && !entry.private).then_some(support),
        "to_emails": if entry.private { json!([]) } else { json!([support]) },
        "cc_emails": [],
        "bcc_emails": [],
        "attachments": [],
        "created_at": time(entry.at),
        "updated_at": time(entry.at),
    })
}

/// A time entry.
pub fn time_entry(entry: &WorkEntry) -> Value {
    json!({
        "id": entry.id,
        "agent_id": entry.agent_id,
        "time_spent": format!("{:02}:{:02}", entry.minutes / 60, entry.minutes % 60),
        "billable": entry.billable,
        "timer_running": false,
        "start_time": time(entry.at),
        "executed_at": time_or_null(entry.executed_at),
        "task_id": null,
        "note": entry.note,
        "custom_fields": {},
        "created_at": time(entry.at),
        "updated_at": time(entry.at),
    })
}
