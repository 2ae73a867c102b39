//! What stands before the text of a file: the name and the kind of the item, in the form that other programs call
//! front matter.

use crate::domain::content::Format;
use crate::domain::transfer::{Entry, written};

/// What stands before the text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Head {
    pub name: Option<String>,
    pub format: Option<Format>,
    pub attached: bool,
    pub reference: bool,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
}

impl Head {
    /// Of an item in a file of that name, its ending aside.
    pub fn of(entry: &Entry, name: &str, stem: &str) -> Self {
        Self {
            name: (name != stem).then(|| name.to_owned()),
            format: Some(entry.format).filter(|format| *format != Format::Markdown),
            attached: entry.is_attached,
            reference: entry.is_reference,
            created_at: written(entry.created_at),
            updated_at: written(entry.updated_at),
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Nothing when there is nothing to say, but for `always`.
    pub fn text(&self, always: bool) -> String {
        if self.is_empty() && !always {
            return String::new();
        }
        let mut text = "---\n".to_owned();
        let mut line = |key: &str, value: &str| text.push_str(&format!("{key}: {value}\n"));
        if let Some(name) = &self.name {
            // A JSON string is one of YAML too.
            line("name", &serde_json::Value::from(name.as_str()).to_string());
        }
        if let Some(format) = self.format {
            line("format", format.as_str());
        }
        for (key, is_set) in [("attached", self.attached), ("reference", self.reference)] {
            if is_set {
                line(key, "true");
            }
        }
        for (key, time) in [("created_at", &self.created_at), ("updated_at", &self.updated_at)] {
            if let Some(time) = time {
                line(key, time);
            }
        }
        text.push_str("---\n");
        text
    }

    /// Takes the lines before the text off it. Only lines that we write count; a text that begins with a rule, or
    /// with lines of another program, keeps them.
    pub fn take(text: &str) -> (Self, &str) {
        let none = (Self::default(), text);
        let Some(inner) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
            return none;
        };
        let mut head = Self::default();
        let mut rest = inner;
        loop {
            let Some((line, after)) = rest.split_once('\n') else {
                return if rest.trim_end() == "---" { (head, "") } else { none };
            };
            rest = after;
            let line = line.trim_end();
            if line == "---" {
                return (head, rest);
            }
            let Some((key, value)) = line.split_once(": ") else { return none };
            match (key, value) {
                ("name", value) => match serde_json::from_str(value) {
                    Ok(name) => head.name = Some(name),
                    Err(_) => head.name = Some(value.to_owned()),
                },
                ("format", "html") => head.format = Some(Format::Html),
                ("format", "markdown") => head.format = Some(Format::Markdown),
                ("attached", "true" | "false") => head.attached = value == "true",
                ("reference", "true" | "false") => head.reference = value == "true",
                ("created_at", value) => head.created_at = Some(value.to_owned()),
                ("updated_at", value) => head.updated_at = Some(value.to_owned()),
                _ => return none,
            }
        }
    }
}
