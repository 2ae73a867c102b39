//! A graph as lines of JSON: what an archive holds of a Neo4j, and by which sum two states of one are compared.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The part of the archive. When the graph was changed while it was read, later tries have a number behind it.
pub const PART: &str = "neo4j";

/// The name of the part of one try; the first is 1.
#[must_use]
pub fn part_name(number: u32) -> String {
    if number == 1 { PART.to_owned() } else { format!("{PART}/{number}") }
}

/// Whether a part may have this name.
#[must_use]
pub fn is_part(name: &str) -> bool {
    let number = name.strip_prefix(PART).and_then(|rest| rest.strip_prefix('/')?.parse().ok());
    name == PART || number.is_some_and(|number: u32| part_name(number) == name)
}

/// What is known of a graph beside its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphFacts {
    /// Version of its server.
    pub server: String,
    /// How many nodes.
    pub nodes: u64,
    /// How many relationships.
    pub relationships: u64,
    /// Sum of the first 64 bits of the SHA-256 of each line: the same whatever the order of the lines.
    pub checksum: String,
}

impl GraphFacts {
    /// Where the graph that was found differs from this one, in words. The servers may be of two versions.
    #[must_use]
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let mut told = Vec::new();
        for (what, expected, found) in
            [("nodes", self.nodes, found.nodes), ("relationships", self.relationships, found.relationships)]
        {
            if expected != found {
                told.push(format!("it has {found} {what} instead of {expected}"));
            }
        }
        if told.is_empty() && self.checksum != found.checksum {
            told.push("it has other content".to_owned());
        }
        told
    }
}

/// Counts and sums lines as they pass.
#[derive(Debug, Clone, Default)]
pub struct Summing {
    nodes: u64,
    relationships: u64,
    sum: u128,
}

impl Summing {
    /// Takes one line, as its bytes are without the line break.
    pub fn take(&mut self, line: &Line, bytes: &[u8]) {
        match line {
            Line::Node { .. } => self.nodes += 1,
            Line::Relationship { .. } => self.relationships += 1,
        }
        let first = digest(&SHA256, bytes)
            .as_ref()
            .iter()
            .take(8)
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        self.sum = self.sum.wrapping_add(first);
    }

    /// What is known of the whole.
    #[must_use]
    pub fn facts(&self, server: &str) -> GraphFacts {
        GraphFacts {
            server: server.to_owned(),
            nodes: self.nodes,
            relationships: self.relationships,
            checksum: self.sum.to_string(),
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// A node; all of them come before the relationships.
    Node {
        /// By which relationships name it; of its server, and of this archive alone.
        id: String,
        /// In the order of their letters.
        labels: Vec<String>,
        /// By name.
        properties: Properties,
    },
    /// A relationship.
    Relationship {
        /// The node it begins at.
        from: String,
        /// Its type.
        r#type: String,
        /// The node it ends at.
        to: String,
        /// By name.
        properties: Properties,
    },
}

/// Properties by name.
pub type Properties = BTreeMap<String, Value>;

/// The value of a property. What JSON has itself is written as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Several of one kind.
    List(Vec<Value>),
    /// What JSON has not.
    Typed(Typed),
}

/// A value that JSON has not, by the name of its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Typed {
    /// A number with a fraction, as the shortest text that is read as the same; also `NaN` and `inf`.
    Float(String),
    /// Bytes, in hex.
    Bytes(String),
    /// A place.
    Point {
        /// Of the coordinate system.
        srid: i64,
        /// Two or three, as [`Typed::Float`].
        coordinates: Vec<String>,
    },
    /// As the server writes it, as all that follow.
    Date(String),
    /// Time of day.
    LocalTime(String),
    /// Time of day with an offset.
    ZonedTime(String),
    /// Date and time without zone.
    LocalDatetime(String),
    /// Date and time with offset or zone.
    ZonedDatetime(String),
    /// Months, days, seconds.
    Duration(String),
}

impl Typed {
    /// The function of Cypher that reads the text of a temporal value, and the text.
    #[must_use]
    pub fn temporal(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Date(text) => Some(("date", text)),
            Self::LocalTime(text) => Some(("localtime", text)),
            Self::ZonedTime(text) => Some(("time", text)),
            Self::LocalDatetime(text) => Some(("localdatetime", text)),
            Self::ZonedDatetime(text) => Some(("datetime", text)),
            Self::Duration(text) => Some(("duration", text)),
            Self::Float(_) | Self::Bytes(_) | Self::Point { .. } => None,
        }
    }

    /// A temporal value by what the server calls its type, such as `ZONED DATETIME NOT NULL`.
    #[must_use]
    pub fn of_temporal(server_type: &str, text: String) -> Option<Self> {
        match server_type.trim_end_matches(" NOT NULL") {
            "DATE" => Some(Self::Date(text)),
            "LOCAL TIME" => Some(Self::LocalTime(text)),
            "ZONED TIME" => Some(Self::ZonedTime(text)),
            "LOCAL DATETIME" => Some(Self::LocalDatetime(text)),
            "ZONED DATETIME" => Some(Self::ZonedDatetime(text)),
            "DURATION" => Some(Self::Duration(text)),
            _ => None,
        }
    }
}

/// A name of a label, a type or a property for a statement. Names are no parameters in Cypher, and a backslash begins what may
/// become any character before the statement is read, also one that ends the name.
///
/// # Errors
/// When no quoting makes the name safe.
pub fn quoted(name: &str) -> Result<String, Unsafe> {
    if name.is_empty() || name.contains(['\\', '\0']) {
        return Err(Unsafe(name.to_owned()));
    }
    Ok(format!("`{}`", name.replace('`', "``")))
}

/// A name that cannot be written safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the graph has the name {0:?}, which no statement can hold safely: rename it")]
pub struct Unsafe(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, properties: &[(&str, Value)]) -> Line {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Line::Node { id: id.into(), labels: vec!["ContextItem".into()], properties }
    }

    fn sum(lines: &[Line]) -> GraphFacts {
        let mut summing = Summing::default();
        for line in lines {
            summing.take(line, &serde_json::to_vec(line).unwrap());
        }
        summing.facts("5.26")
    }

    #[test]
    fn every_value_is_read_as_it_was_written() {
        let values = [
            Value::Boolean(false),
            Value::Integer(i64::MIN),
            Value::Text("{\"float\": \"1\"}".into()),
            Value::List(vec![Value::Integer(1), Value::Integer(2)]),
            Value::List(Vec::new()),
            Value::Typed(Typed::Float("1".into())),
            Value::Typed(Typed::Bytes("00ff".into())),
            Value::Typed(Typed::Point { srid: 4326, coordinates: vec!["1.5".into(), "-2".into()] }),
            Value::Typed(Typed::ZonedDatetime("2025-10-26T02:30:00.000000001+01:00[Europe/Berlin]".into())),
            Value::List(vec![Value::Typed(Typed::Duration("P1M2DT3.000000004S".into()))]),
        ];
        for value in values {
            let line = node("4:x:1", &[("it", value.clone())]);
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line, "{text}");
        }
        assert!(
            serde_json::from_str::<Line>(r#"{"node":{"id":"1","labels":[],"properties":{"a":{"x":1}}}}"#)
                .is_err()
        );
    }

    #[test]
    fn two_graphs_are_compared_whatever_the_order_of_their_lines() {
        let (one, two) = (node("1", &[("a", Value::Integer(1))]), node("2", &[]));
        let whole = sum(&[one.clone(), two.clone()]);
        assert!(
            whole
                .differences(&GraphFacts { server: "5.27".into(), ..sum(&[two.clone(), one.clone()]) })
                .is_empty()
        );
        assert_eq!(whole.differences(&sum(&[one.clone()])), ["it has 1 nodes instead of 2"]);
        let other = node("1", &[("a", Value::Integer(2))]);
        assert_eq!(whole.differences(&sum(&[other, two])), ["it has other content"]);
    }

    #[test]
    fn only_tries_of_ours_have_such_a_name() {
        for name in [part_name(1), part_name(2), part_name(5)] {
            assert!(is_part(&name), "{name}");
        }
        for name in ["neo4j/1", "neo4j/", "neo4j/../x", "neo4j/02", "neo4j2", ""] {
            assert!(!is_part(name), "{name}");
        }
    }

    #[test]
    fn no_name_ends_its_quotes() {
        assert_eq!(quoted("a` DETACH DELETE n //").unwrap(), "`a`` DETACH DELETE n //`");
        for name in ["", r"a\u0060", "a\0"] {
            assert!(quoted(name).is_err(), "{name:?}");
        }
    }
}
