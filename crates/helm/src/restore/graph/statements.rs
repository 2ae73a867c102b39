//! The statements of a restore. Labels, types and names of properties are no parameters in Cypher: they are quoted.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::domain::backup::graph::{Properties, Typed, Value, quoted};

/// What has been loaded and is not in use.
pub const INCOMING: &str = "HelmIncoming";
/// What was loaded and is in use.
pub const ARRIVED: &str = "HelmArrived";
/// What was in use.
pub const OUTGOING: &str = "HelmOutgoing";

/// Temporal properties by name: the function that reads each, and whether it is a list.
pub type Temporal = Vec<(String, &'static str, bool)>;

/// Which of these properties are temporal. Rows that have the same share a statement.
///
/// # Errors
/// When a list is of several kinds.
pub fn temporal(properties: &Properties) -> Result<Temporal> {
    let mut temporal = Temporal::new();
    for (name, value) in properties {
        match value {
            Value::Typed(typed) => {
                temporal.extend(typed.temporal().map(|(function, _)| (name.clone(), function, false)));
            }
            Value::List(list) => {
                let function = |value: &Value| match value {
                    Value::Typed(typed) => typed.temporal().map(|(function, _)| function),
                    _ => None,
                };
                let Some(first) = list.first() else { continue };
                let of_first = function(first);
                if list.iter().any(|value| function(value) != of_first || is_list(value)) {
                    anyhow::bail!("the list {name} is of several kinds");
                }
                temporal.extend(of_first.map(|function| (name.clone(), function, true)));
            }
            _ => {}
        }
    }
    Ok(temporal)
}

fn is_list(value: &Value) -> bool {
    matches!(value, Value::List(_))
}

/// Creates nodes out of `$rows`.
///
/// # Errors
/// When a name cannot be quoted.
pub fn create_nodes(temporal: &Temporal) -> Result<String> {
    let mut text = format!(
        "UNWIND $rows AS row CREATE (n:{INCOMING} {{_helm_id: row.id, _helm_labels: row.labels}}) SET n += row.plain"
    );
    set(&mut text, "n", temporal)?;
    Ok(text)
}

/// Creates relationships of one type out of `$rows`.
///
/// # Errors
/// When a name cannot be quoted.
pub fn create_relationships(kind: &str, temporal: &Temporal) -> Result<String> {
    let mut text = format!(
        "UNWIND $rows AS row MATCH (a:{INCOMING} {{_helm_id: row.from}}) MATCH (b:{INCOMING} {{_helm_id: row.to}}) \
         CREATE (a)-[r:{}]->(b) SET r += row.plain",
        quoted(kind)?
    );
    set(&mut text, "r", temporal)?;
    Ok(text)
}

fn set(text: &mut String, of: &str, temporal: &Temporal) -> Result<()> {
    for (name, function, is_list) in temporal {
        let name = quoted(name)?;
        let _ = match is_list {
            false => write!(text, ", {of}.{name} = {function}(row.temporal.{name})"),
            true => write!(text, ", {of}.{name} = [x IN row.temporal.{name} | {function}(x)]"),
        };
    }
    Ok(())
}

/// Takes these labels from the nodes that have exactly them, or gives them back.
#[derive(Debug, Clone, Copy)]
pub enum Exchange {
    /// In use → aside.
    Leave,
    /// Loaded → in use.
    Arrive,
    /// In use → loaded: the other way round.
    Withdraw,
    /// Aside → in use.
    Return,
}

impl Exchange {
    /// The nodes it is about.
    fn of(self) -> String {
        match self {
            Self::Leave => {
                format!("MATCH (n) WHERE NOT n:{INCOMING} AND NOT n:{OUTGOING} AND NOT n:{ARRIVED} ")
            }
            Self::Arrive => format!("MATCH (n:{INCOMING}) "),
            Self::Withdraw => format!("MATCH (n:{ARRIVED}) "),
            Self::Return => format!("MATCH (n:{OUTGOING}) "),
        }
    }

    /// Asks for the lists of labels there are.
    #[must_use]
    pub fn lists(self) -> String {
        format!("{}RETURN DISTINCT n._helm_labels AS labels", self.of())
    }

    /// The statement for one list, which is `$labels` besides.
    ///
    /// # Errors
    /// When a label cannot be quoted.
    pub fn statement(self, labels: &[String]) -> Result<String> {
        let labels: String = labels
            .iter()
            .map(|label| Ok(format!(":{}", quoted(label)?)))
            .collect::<Result<_>>()
            .context("a label")?;
        let (takes, gives) = match self {
            Self::Leave => (labels, format!(":{OUTGOING}")),
            Self::Arrive => (format!(":{INCOMING}"), format!("{labels}:{ARRIVED}")),
            Self::Withdraw => (format!("{labels}:{ARRIVED}"), format!(":{INCOMING}")),
            Self::Return => (format!(":{OUTGOING}"), labels),
        };
        let (of, with) = (self.of(), if matches!(self, Self::Leave) { "AND" } else { "WHERE" });
        let mut text = format!("{of}{with} n._helm_labels = $labels");
        for (word, labels) in [("REMOVE", takes), ("SET", gives)] {
            if !labels.is_empty() {
                let _ = write!(text, " {word} n{labels}");
            }
        }
        Ok(text)
    }
}

/// The values that the driver sends as they are, and the temporal ones.
#[must_use]
pub fn parted(properties: Properties) -> (Properties, Properties) {
    let is_temporal = |value: &Value| match value {
        Value::Typed(typed) => typed.temporal().is_some(),
        Value::List(list) => {
            matches!(list.first(), Some(Value::Typed(typed)) if Typed::temporal(typed).is_some())
        }
        _ => false,
    };
    let (temporal, plain) = properties.into_iter().partition(|(_, value)| is_temporal(value));
    (plain, temporal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporal_properties_are_read_by_the_server() {
        let date = |text: &str| Value::Typed(Typed::Date(text.into()));
        let properties = Properties::from([
            ("at".into(), Value::Typed(Typed::ZonedDatetime("2025-01-01T00:00Z".into()))),
            ("da`ys".into(), Value::List(vec![date("2025-01-01"), date("2025-01-02")])),
            ("name".into(), Value::Text("x".into())),
        ]);
        let text = create_nodes(&temporal(&properties).unwrap()).unwrap();
        assert!(
            text.ends_with(
                "SET n += row.plain, n.`at` = datetime(row.temporal.`at`), \
             n.`da``ys` = [x IN row.temporal.`da``ys` | date(x)]"
            ),
            "{text}"
        );
        let (plain, temporal) = parted(properties);
        assert_eq!((plain.len(), temporal.len()), (1, 2));
        let mixed =
            Properties::from([("x".into(), Value::List(vec![date("2025-01-01"), Value::Integer(1)]))]);
        assert!(super::temporal(&mixed).is_err());
    }

    #[test]
    fn labels_are_exchanged_and_quoted() {
        let labels = ["ContextItem".to_owned(), "A`B".to_owned()];
        assert_eq!(
            Exchange::Arrive.statement(&labels).unwrap(),
            "MATCH (n:HelmIncoming) WHERE n._helm_labels = $labels REMOVE n:HelmIncoming \
             SET n:`ContextItem`:`A``B`:HelmArrived"
        );
        assert!(
            Exchange::Leave
                .statement(&[])
                .unwrap()
                .ends_with("AND n._helm_labels = $labels SET n:HelmOutgoing")
        );
        assert!(Exchange::Arrive.statement(&[r"a\u0060".to_owned()]).is_err());
    }
}
