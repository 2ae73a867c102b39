//! Neo4j by its own protocol: connecting, and the values of its properties.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use neo4rs::{BoltPoint2D, BoltPoint3D, BoltType, ConfigBuilder, Graph, query};
use tokio::time::timeout;

use crate::domain::{
    backup::graph::{Typed, Value},
    master_config::Neo4j,
};

/// How long a server may take until it answers.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Rows that wait in memory.
const ROWS: usize = 500;

/// A server that answered.
pub struct Connected {
    /// Its graph.
    pub graph: Graph,
    /// Its version, such as `5.26.30`.
    pub version: String,
}

/// Connects, and asks for the version. Who signs in with a wrong password is told so.
///
/// # Errors
/// When the server does not answer or refuses; no password stands in the words.
pub async fn connect(place: &Neo4j) -> Result<Connected> {
    use_one_provider();
    let password = place.password.clone().unwrap_or_default();
    let config = ConfigBuilder::default()
        .uri(&place.uri)
        .user(&place.user)
        .password(password)
        .fetch_size(ROWS)
        .max_connections(2)
        .connection_timeout(Duration::from_secs(120))
        .build()
        .context("the address of Neo4j is not valid")?;
    let graph = Graph::connect(config).context("the address of Neo4j is not valid")?;
    // The driver's futures are deep: whoever awaits them would be deeper still.
    let asked = Box::pin(async {
        let components = query("CALL dbms.components() YIELD versions RETURN versions[0] AS version");
        let mut rows = graph.execute(components).await?;
        let row = rows.next().await?.context("it does not say its version")?;
        anyhow::Ok(row.get::<String>("version")?)
    });
    let version = timeout(PATIENCE, asked)
        .await
        .context("it does not answer")
        .flatten()
        .context("cannot reach Neo4j")?;
    Ok(Connected { graph, version })
}

/// The driver takes the process's own provider of cryptography, and there are two to choose from in a build.
fn use_one_provider() {
    // Whoever was faster has chosen the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A value that the server sent as it is; temporal ones come as text, with their type beside them.
///
/// # Errors
/// When it is of a kind that no property has.
pub fn value_of(value: BoltType, server_type: Option<&str>) -> Result<Value> {
    Ok(match (value, server_type) {
        (BoltType::String(text), Some(kind)) => {
            let typed = Typed::of_temporal(kind, text.value);
            Value::Typed(typed.with_context(|| format!("a property is a {kind}, which nobody here knows"))?)
        }
        (BoltType::List(list), Some(kind)) => {
            let inner =
                kind.strip_prefix("LIST<").and_then(|kind| kind.rsplit_once('>')).map(|(kind, _)| kind);
            list_of(list.value, inner)?
        }
        (BoltType::List(list), None) => list_of(list.value, None)?,
        (BoltType::String(text), None) => Value::Text(text.value),
        (BoltType::Boolean(it), _) => Value::Boolean(it.value),
        (BoltType::Integer(it), _) => Value::Integer(it.value),
        (BoltType::Float(it), _) => Value::Typed(Typed::Float(it.value.to_string())),
        (BoltType::Bytes(it), _) => {
            let hex = it.value.iter().map(|byte| format!("{byte:02x}")).collect();
            Value::Typed(Typed::Bytes(hex))
        }
        (BoltType::Point2D(BoltPoint2D { sr_id, x, y }), _) => point(sr_id.value, &[x.value, y.value]),
        (BoltType::Point3D(BoltPoint3D { sr_id, x, y, z }), _) => {
            point(sr_id.value, &[x.value, y.value, z.value])
        }
        _ => bail!("a property is of a kind that nobody here knows"),
    })
}

fn list_of(list: Vec<BoltType>, server_type: Option<&str>) -> Result<Value> {
    list.into_iter().map(|value| value_of(value, server_type)).collect::<Result<_>>().map(Value::List)
}

fn point(srid: i64, coordinates: &[f64]) -> Value {
    let coordinates = coordinates.iter().map(f64::to_string).collect();
    Value::Typed(Typed::Point { srid, coordinates })
}

/// A value as the server takes it; a temporal one as text.
///
/// # Errors
/// When a text is not what its type says.
pub fn parameter(value: &Value) -> Result<BoltType> {
    let number = |text: &String| text.parse::<f64>().with_context(|| format!("{text:?} is no number"));
    Ok(match value {
        Value::Boolean(it) => (*it).into(),
        Value::Integer(it) => (*it).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(list) => list.iter().map(parameter).collect::<Result<Vec<BoltType>>>()?.into(),
        Value::Typed(Typed::Float(text)) => number(text)?.into(),
        Value::Typed(Typed::Bytes(hex)) => bytes(hex)?.into(),
        Value::Typed(Typed::Point { srid, coordinates }) => {
            let numbers = coordinates.iter().map(number).collect::<Result<Vec<f64>>>()?;
            let (srid, of) = ((*srid).into(), neo4rs::BoltFloat::new);
            match numbers[..] {
                [x, y] => BoltType::Point2D(BoltPoint2D { sr_id: srid, x: of(x), y: of(y) }),
                [x, y, z] => BoltType::Point3D(BoltPoint3D { sr_id: srid, x: of(x), y: of(y), z: of(z) }),
                _ => bail!("a point has two or three coordinates"),
            }
        }
        Value::Typed(other) => other.temporal().map(|(_, text)| text).unwrap_or_default().into(),
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    pairs.collect::<Option<_>>().context("bytes are not written in hex")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sent_back_as_they_came() {
        let values: [BoltType; 6] = [
            true.into(),
            i64::MAX.into(),
            0.1_f64.into(),
            f64::NEG_INFINITY.into(),
            vec![0_u8, 255].into(),
            vec!["a", "b"].into(),
        ];
        for value in values {
            let read = value_of(value.clone(), None).unwrap();
            assert_eq!(parameter(&read).unwrap(), value, "{read:?}");
        }
        assert!(parameter(&Value::Typed(Typed::Bytes("0".into()))).is_err());
        assert!(parameter(&Value::Typed(Typed::Float("much".into()))).is_err());
    }

    #[test]
    fn temporal_values_come_as_text_with_their_type() {
        let zoned = value_of("2025-01-01T00:00Z".into(), Some("ZONED DATETIME NOT NULL")).unwrap();
        assert_eq!(zoned, Value::Typed(Typed::ZonedDatetime("2025-01-01T00:00Z".into())));
        let days = value_of(vec!["2025-01-01"].into(), Some("LIST<DATE NOT NULL> NOT NULL")).unwrap();
        assert_eq!(days, Value::List(vec![Value::Typed(Typed::Date("2025-01-01".into()))]));
        assert!(value_of("x".into(), Some("GALAXY NOT NULL")).is_err());
    }
}
