//! What a vendor's workflow reports about a ticket (codex-api.md §9). Workflows fill templates, so values come as text
//! whatever they are, and a placeholder the vendor does not know comes as it was written: `{{ticket.id}}`. Such a value
//! tells nothing and is left out.

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::contracts::codex::wire::parse_time;
use serde_json::{Map, Value};

use super::{status, statuses::Statuses};

/// The members of a payload; nothing else is looked at or logged.
pub const MEMBERS: [&str; 13] = [
    "event",
    "ticket_id",
    "subject",
    "status_id",
    "priority_id",
    "requester_email",
    "requester_name",
    "requester_id",
    "responder_id",
    "group_id",
    "department_id",
    "updated_at",
    "created_at",
];

/// A time so far ahead of ours is a wrong one; kept, it would make every later change look old.
const AHEAD: TimeDelta = TimeDelta::minutes(10);
/// Longest text that is taken, in characters.
const LONGEST: usize = 1000;

/// What happened to the ticket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It was written.
    Created,
    /// It was changed.
    Updated,
    /// It is gone.
    Deleted,
}

/// A value that an event may leave open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Told<T> {
    /// Not told: what is stored stays.
    #[default]
    Nothing,
    /// Told to be empty.
    Empty,
    /// Told.
    Value(T),
}

impl<T> Told<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Empty => None,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketEvent {
    /// What happened.
    pub kind: Kind,
    /// Vendor id of the ticket.
    pub ticket_id: i64,
    /// Subject line.
    pub subject: Option<String>,
    /// Status key and the vendor's code, where it has one.
    pub status: Option<(String, Option<i32>)>,
    /// The vendor's priority code.
    pub priority_id: Option<i32>,
    /// Address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// Vendor id of the requester.
    pub requester_id: Option<i64>,
    /// Vendor id of the agent; empty when nobody has it.
    pub responder_id: Told<i64>,
    /// Vendor id of the group; empty when none has it.
    pub group_id: Told<i64>,
    /// Vendor id of the company.
    pub department_id: Option<i64>,
    /// When the vendor changed it; without it the event counts from when it came.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// Members that could not be read.
    pub ignored: Vec<&'static str>,
}

/// Why a payload is no event.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Nothing in it.
    #[error("Empty payload")]
    Empty,
    /// Another kind of event about a ticket.
    #[error("Unknown event: {event}")]
    Event {
        /// Vendor id of the ticket.
        ticket_id: i64,
        /// What it calls itself, at most 100 characters.
        event: String,
    },
    /// Nothing to find the ticket by.
    #[error("Missing ticket_id")]
    NoTicket,
    /// What should be the ticket's id is none.
    #[error("ticket_id is not an id")]
    TicketId,
}

impl TicketEvent {
    /// Reads a payload that came at `now`, by the account's statuses.
    ///
    /// # Errors
    /// [`Refusal`] when it does not say what happened to which ticket.
    pub fn read(payload: &Value, statuses: &Statuses, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let members = payload.as_object().filter(|members| !members.is_empty()).ok_or(Refusal::Empty)?;
        let mut reader = Reader { members, ignored: Vec::new() };
        let ticket_id = reader.ticket_id()?;
        let kind = reader.kind().map_err(|event| Refusal::Event { ticket_id, event })?;
        let status = reader.status(statuses);
        let gone = status.as_ref().is_some_and(|(key, _)| status::is_gone(key));
        Ok(Self {
            kind: if gone { Kind::Deleted } else { kind },
            ticket_id,
            subject: reader.text("subject"),
            status,
            priority_id: reader.priority(statuses),
            requester_email: reader.text("requester_email"),
            requester_name: reader.text("requester_name"),
            requester_id: reader.id("requester_id").value(),
            responder_id: reader.id("responder_id"),
            group_id: reader.id("group_id"),
            department_id: reader.id("department_id").value(),
            updated_at: reader.time("updated_at", now),
            created_at: reader.time("created_at", now),
            ignored: reader.ignored,
        })
    }

    /// What a ticket becomes that is gone.
    pub fn end(&self) -> &str {
        self.status.as_ref().map_or("deleted", |(key, _)| if status::is_gone(key) { key } else { "deleted" })
    }
}

/// Whether a status ends a ticket so that it gets a time of closing (codex-api.md §9).
pub fn closes(key: &str) -> bool {
    matches!(key, "closed" | "resolved" | "billing_complete")
}

/// The members we know, for the log.
pub fn known_members(payload: &Value) -> Map<String, Value> {
    let known = MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), payload.get(name)?.clone())));
    known.collect()
}

struct Reader<'a> {
    members: &'a Map<String, Value>,
    ignored: Vec<&'static str>,
}

impl Reader<'_> {
    /// The kind, else what it calls itself.
    fn kind(&self) -> Result<Kind, String> {
        match self.members.get("event") {
            None | Some(Value::Null) => Ok(Kind::Updated),
            Some(Value::String(event)) => match event.trim() {
                "ticket.created" => Ok(Kind::Created),
                "ticket.updated" | "" => Ok(Kind::Updated),
                "ticket.deleted" => Ok(Kind::Deleted),
                other => Err(other.chars().take(100).collect()),
            },
            Some(_) => Err("not a text".to_owned()),
        }
    }

    fn ticket_id(&self) -> Result<i64, Refusal> {
        match self.members.get("ticket_id") {
            None | Some(Value::Null) => Err(Refusal::NoTicket),
            Some(Value::String(text)) if text.trim().is_empty() => Err(Refusal::NoTicket),
            Some(value) => number(value).filter(|id| *id > 0).ok_or(Refusal::TicketId),
        }
    }

    /// A member that says something; blank text says nothing.
    fn told(&mut self, name: &'static str) -> Told<&Value> {
        match self.members.get(name) {
            None => Told::Nothing,
            Some(Value::Null) => Told::Empty,
            Some(Value::String(text)) if text.trim().is_empty() => Told::Nothing,
            Some(Value::String(text)) if has_placeholder(text) => {
                self.ignored.push(name);
                Told::Nothing
            }
            Some(value) => Told::Value(value),
        }
    }

    /// What `read` makes of a member; one it cannot read is left out.
    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Told<T> {
        let read = match self.told(name) {
            Told::Nothing => return Told::Nothing,
            Told::Empty => return Told::Empty,
            Told::Value(value) => read(value),
        };
        match read {
            Some(value) => Told::Value(value),
            None => {
                self.ignored.push(name);
                Told::Nothing
            }
        }
    }

    fn id(&mut self, name: &'static str) -> Told<i64> {
        self.read(name, |value| number(value).filter(|id| *id > 0))
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let text = |value: &Value| match value {
            // The database takes any character but this one.
            Value::String(text) => Some(text.replace('\0', "").trim().chars().take(LONGEST).collect()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        self.read(name, text).value()
    }

    fn status(&mut self, statuses: &Statuses) -> Option<(String, Option<i32>)> {
        let status = |value: &Value| match number(value) {
            Some(code) => {
                let code = i32::try_from(code).ok()?;
                Some((statuses.key_of_code(code)?.to_owned(), Some(code)))
            }
            None => {
                let key = statuses.key_of_text(value.as_str()?)?;
                Some((key.to_owned(), statuses.code(key)))
            }
        };
        self.read("status_id", status).value()
    }

    fn priority(&mut self, statuses: &Statuses) -> Option<i32> {
        let code = |value: &Value| match number(value) {
            Some(code) => statuses.priority_of_code(i32::try_from(code).ok()?),
            None => statuses.priority_of_text(value.as_str()?),
        };
        self.read("priority_id", code).value()
    }

    fn time(&mut self, name: &'static str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.read(name, |value| parse_time(value.as_str()?).filter(|time| *time <= now + AHEAD)).value()
    }
}

/// A whole number, also as text.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
            format!("{number:.0}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a text holds a placeholder that nobody has filled.
fn has_placeholder(text: &str) -> bool {
    let inside =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ' ' | '|' | ':' | '-');
    text.match_indices("{{").any(|(start, open)| {
        let rest = &text[start + open.len()..];
        let end = rest.find(|letter| !inside(letter)).unwrap_or(rest.len());
        rest[end..].starts_with("}}") && !rest[..end].trim().is_empty()
    })
}

#[cfg(test)]
mod tests;
