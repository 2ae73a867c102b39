//! What KnowledgeTree reads of Codex's answers, ours and the original's. What is null, or of a kind that nobody expects, counts
//! as missing: one odd value shall not keep the rest from being read.

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::wire::parse_time;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

/// A company with the people and devices it has.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The company.
    pub company: Company,
    /// Its people.
    pub contacts: Vec<Contact>,
    /// Its devices; none where only tickets were wanted.
    pub assets: Vec<Asset>,
}

/// A company.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Codex's id; the original's has none.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// Account number.
    #[serde(deserialize_with = "text")]
    pub account_number: Option<String>,
    /// Name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
}

/// A person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(deserialize_with = "text")]
    pub email: Option<String>,
    /// Other addresses, a JSON array as text.
    #[serde(deserialize_with = "text")]
    pub secondary_emails: Option<String>,
    /// Job.
    #[serde(deserialize_with = "text")]
    pub title: Option<String>,
    /// Mobile phone.
    #[serde(deserialize_with = "text")]
    pub mobile_phone_number: Option<String>,
    /// Phone at work.
    #[serde(deserialize_with = "text")]
    pub work_phone_number: Option<String>,
    /// Whether the person is still there.
    #[serde(deserialize_with = "flag")]
    pub active: Option<bool>,
}

/// A device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asset {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// Host name.
    #[serde(deserialize_with = "text")]
    pub hostname: Option<String>,
    /// Operating system.
    #[serde(deserialize_with = "text")]
    pub operating_system: Option<String>,
    /// Kind of hardware.
    #[serde(deserialize_with = "text")]
    pub hardware_type: Option<String>,
    /// Address in its network.
    #[serde(deserialize_with = "text")]
    pub int_ip_address: Option<String>,
    /// Address outside.
    #[serde(deserialize_with = "text")]
    pub ext_ip_address: Option<String>,
    /// Who was there last.
    #[serde(deserialize_with = "text")]
    pub last_logged_in_user: Option<String>,
    /// Whether it answers.
    #[serde(deserialize_with = "flag")]
    pub online: Option<bool>,
    /// When it last answered.
    #[serde(deserialize_with = "text")]
    pub last_seen: Option<String>,
    /// Windows domain.
    #[serde(deserialize_with = "text")]
    pub domain: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub ticket_id: Option<String>,
    /// Number, as people know it.
    #[serde(deserialize_with = "text")]
    pub ticket_number: Option<String>,
    /// Subject line.
    #[serde(deserialize_with = "text")]
    pub subject: Option<String>,
    /// Text of the request.
    #[serde(deserialize_with = "text")]
    pub description_text: Option<String>,
    /// Status.
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    /// Priority.
    #[serde(deserialize_with = "text")]
    pub priority: Option<String>,
    /// Name of who asked.
    #[serde(deserialize_with = "text")]
    pub requester_name: Option<String>,
    /// Address of who asked.
    #[serde(deserialize_with = "text")]
    pub requester_email: Option<String>,
    /// When it came.
    #[serde(deserialize_with = "text")]
    pub created_at: Option<String>,
    /// When it last changed.
    #[serde(deserialize_with = "text")]
    pub last_updated_at: Option<String>,
    /// When it was closed.
    #[serde(deserialize_with = "text")]
    pub closed_at: Option<String>,
    /// Hours that it took.
    #[serde(deserialize_with = "number")]
    pub total_hours_spent: Option<f64>,
    /// Messages between both sides.
    #[serde(deserialize_with = "messages")]
    pub conversations: Vec<Message>,
    /// Messages among the technicians.
    #[serde(deserialize_with = "messages")]
    pub notes: Vec<Message>,
}

impl Ticket {
    /// When it last changed, where that can be read.
    pub fn updated(&self) -> Option<DateTime<Utc>> {
        self.last_updated_at.as_deref().and_then(parse_time)
    }
}

/// A message of a ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Text, HTML perhaps.
    #[serde(deserialize_with = "text")]
    pub body: Option<String>,
    /// Text without marks.
    #[serde(deserialize_with = "text")]
    pub body_text: Option<String>,
    /// Who wrote it.
    #[serde(deserialize_with = "text")]
    pub from_email: Option<String>,
    /// When.
    #[serde(deserialize_with = "text")]
    pub created_at: Option<String>,
    /// From outside (true), or to there.
    #[serde(deserialize_with = "flag")]
    pub incoming: Option<bool>,
}

/// A text, or a number as one.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Known(bool),
        Other(IgnoredAny),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Known(flag) => Some(flag),
        Flag::Other(_) => None,
    })
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn messages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Message>, D::Error> {
    let rows = match Value::deserialize(deserializer)? {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_null_or_odd_is_missing_and_nothing_else_is_lost() {
        let ticket: Ticket = serde_json::from_value(json!({
            "ticket_id": 19_000_234_009_i64, "ticket_number": "5001", "subject": null, "priority": ["?"],
            "total_hours_spent": "1.5", "conversations": null, "last_updated_at": "2026-11-22T02:51:17-05:00",
            "notes": [{"body_text": "internal", "incoming": "no", "id": 2}, 7]
        }))
        .unwrap();
        assert_eq!(ticket.ticket_id.as_deref(), Some("19000234009"));
        assert_eq!((ticket.subject.clone(), ticket.priority.clone()), (None, None));
        assert_eq!(ticket.total_hours_spent, Some(1.5));
        assert!(ticket.conversations.is_empty());
        let [note] = &ticket.notes[..] else { panic!("{:?}", ticket.notes) };
        assert_eq!((note.body_text.as_deref(), note.incoming), (Some("internal"), None));
        assert_eq!(ticket.updated().unwrap().to_rfc3339(), "2026-11-22T07:51:17+00:00");
    }
}
