//! Lenient reading of vendor rows: what is readable is taken, what is not is patched and noted, nothing is fatal.

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::wire::parse_time;
use serde_json::{Map, Value};

/// Longest text that is one line, such as a subject, in characters.
const LINE: usize = 1000;
/// Most members of a list inside a row.
const MOST: usize = 5000;

/// One object of a vendor's answer, with notes about members that were not what they should be.
#[derive(Debug)]
pub struct Row<'a> {
    members: &'a Map<String, Value>,
    notes: Vec<String>,
}

impl<'a> Row<'a> {
    /// The row, when the value is an object at all.
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(|members| Self { members, notes: Vec::new() })
    }

    /// What had to be patched so far.
    pub fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// A member that is present and not null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// A nested object; an empty one counts as absent.
    pub fn object(&self, name: &str) -> Option<Row<'a>> {
        self.get(name)
            .filter(|value| value.as_object().is_some_and(|object| !object.is_empty()))
            .and_then(Row::of)
    }

    /// Notes something else that is odd about the row.
    pub fn note_that(&mut self, what: String) {
        self.notes.push(what);
    }

    /// Notes that a member is not what it should be.
    pub fn note(&mut self, name: &str, expected: &str) {
        self.notes.push(format!("{name} is not {expected}"));
    }

    /// A 64-bit id or count; numbers written as text are read.
    pub fn int(&mut self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.note(name, "a whole number");
        }
        number
    }

    /// A small code, such as a status.
    pub fn code(&mut self, name: &str) -> Option<i32> {
        let wide = self.int(name)?;
        let code = i32::try_from(wide).ok();
        if code.is_none() {
            self.note(name, "a code");
        }
        code
    }

    /// Text without surrounding white space; empty text counts as absent, numbers and truth values are written out.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.get(name)? {
            Value::String(text) => storable(text.trim()),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => {
                self.note(name, "text");
                return None;
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// As [`Row::text`], for what is one line: a longer text is cut.
    pub fn line(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let line = text.replace(['\n', '\r', '\t'], " ");
        match line.char_indices().nth(LINE) {
            None => Some(line),
            Some((end, _)) => {
                self.note(name, &format!("a line of at most {LINE} characters"));
                Some(line[..end].to_owned())
            }
        }
    }

    /// A truth value; `fallback` when absent or unreadable.
    pub fn flag(&mut self, name: &str, fallback: bool) -> bool {
        let value = match self.get(name) {
            None => return fallback,
            Some(Value::Bool(value)) => Some(*value),
            Some(Value::Number(number)) => number.as_i64().map(|number| number != 0),
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true),
                "false" | "no" | "0" | "" => Some(false),
                _ => None,
            },
            Some(_) => None,
        };
        value.unwrap_or_else(|| {
            self.note(name, "true or false");
            fallback
        })
    }

    /// A moment in UTC.
    pub fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let time = match self.get(name)? {
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => parse_time(text),
            _ => None,
        };
        if time.is_none() {
            self.note(name, "a time");
        }
        time
    }

    /// A list of ids; unreadable members are left out.
    pub fn ids(&mut self, name: &str) -> Vec<i64> {
        let values = self.list(name);
        let ids: Vec<i64> = values
            .iter()
            .filter_map(|value| {
                value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
            })
            .collect();
        if ids.len() < values.len() {
            self.note(name, "a list of ids");
        }
        ids
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        if let Some(Value::String(_)) = self.get(name) {
            return self.text(name).into_iter().collect();
        }
        let values = self.list(name);
        let texts: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|text| storable(text.trim()))
            .filter(|text| !text.is_empty())
            .collect();
        if texts.len() < values.len() {
            self.note(name, "a list of texts");
        }
        texts
    }

    fn list(&mut self, name: &str) -> &'a [Value] {
        match self.get(name) {
            None => &[],
            Some(Value::Array(values)) if values.len() > MOST => {
                self.note(name, &format!("a list of at most {MOST}"));
                &values[..MOST]
            }
            Some(Value::Array(values)) => values,
            Some(_) => {
                self.note(name, "a list");
                &[]
            }
        }
    }
}

/// Text as it can be stored and shown: without control characters but for those that end lines and columns. PostgreSQL takes
/// no NUL, and others steer the terminal of whoever reads a log.
pub fn storable(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.contains(steers) { text.replace(steers, "") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn odd_members_are_patched_and_noted_and_never_fatal() {
        let value = json!({"id": "19000111111", "group": {"a": 1}, "flag": "true", "when": "soon",
                           "tags": ["a", 3, " "], "ids": [1, "2", null], "subject": " x\u{0}\u{1b}[31my\n ", "zip": 4711,
                           "name": "a\nb\tc", "long": "ä".repeat(2000), "many": vec![1; 6000]});
        let mut row = Row::of(&value).unwrap();
        assert_eq!(row.int("id"), Some(19_000_111_111));
        assert_eq!(row.int("group"), None);
        assert!(row.flag("flag", false));
        assert_eq!(row.time("when"), None);
        assert_eq!(row.texts("tags"), ["a"]);
        assert_eq!(row.ids("ids"), [1, 2]);
        assert_eq!(row.text("subject").as_deref(), Some("x[31my"));
        assert_eq!(row.line("name").as_deref(), Some("a b c"));
        assert_eq!(row.line("long").map(|line| line.chars().count()), Some(LINE));
        assert_eq!(row.ids("many").len(), MOST);
        assert_eq!(row.text("zip").as_deref(), Some("4711"));
        assert_eq!(
            row.into_notes(),
            [
                "group is not a whole number",
                "when is not a time",
                "tags is not a list of texts",
                "ids is not a list of ids",
                "long is not a line of at most 1000 characters",
                "many is not a list of at most 5000"
            ]
        );
    }
}
