//! The graph of a Neo4j into the archive, line by line. Neo4j has no snapshots: a transaction sees what others write
//! meanwhile. So the graph is read a second time: when both readings are the same, nobody has changed it, and what was
//! written is the state of one moment.

use std::{
    io::{self, Write},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use neo4rs::{BoltList, BoltType, Row, Txn, query};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::archive::{Writer, Written};
use crate::{
    clients::neo4j::{self, Connected, value_of},
    domain::{
        backup::{
            graph::{GraphFacts, Line, Properties, Summing, part_name, quoted},
            manifest::{Part, State},
            parts::Kind,
        },
        master_config::Neo4j,
    },
};

/// All of it, whatever the server does.
pub const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Between two tries: who changes many things has them changed then.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
/// Lines that are handed on together, in bytes.
const CHUNK: usize = 256 << 10;
/// Oldest server that names the types of values.
const OLDEST: (u32, u32) = (5, 13);

/// What is exported: everything, or only the nodes of a restore that have not come into use.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    nodes: &'static str,
    relationships: &'static str,
}

/// Temporal values as text with their type: the server's own writing of them loses nothing.
macro_rules! properties {
    ($of:literal) => {
        concat!(
            "[k IN keys(",
            $of,
            ") WHERE NOT k STARTS WITH '_helm_' | ",
            "CASE WHEN valueType(",
            $of,
            "[k]) =~ 'LIST<.*(DATE|TIME|DURATION).*' ",
            "THEN [k, valueType(",
            $of,
            "[k]), [x IN ",
            $of,
            "[k] | toString(x)]] ",
            "WHEN valueType(",
            $of,
            "[k]) =~ '(DATE|.*TIME|DURATION).*' ",
            "THEN [k, valueType(",
            $of,
            "[k]), toString(",
            $of,
            "[k])] ",
            "ELSE [k, null, ",
            $of,
            "[k]] END] AS properties"
        )
    };
}

impl Scope {
    /// The graph in use.
    pub const WHOLE: Self = Self {
        nodes: concat!("MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, ", properties!("n")),
        relationships: concat!(
            "MATCH (a)-[r]->(b) RETURN elementId(a) AS from, type(r) AS type, elementId(b) AS to, ",
            properties!("r")
        ),
    };
    /// What a restore has loaded beside it, by the names of its archive.
    pub const INCOMING: Self = Self {
        nodes: concat!(
            "MATCH (n:HelmIncoming) RETURN n._helm_id AS id, n._helm_labels AS labels, ",
            properties!("n")
        ),
        relationships: concat!(
            "MATCH (a:HelmIncoming)-[r]->(b) RETURN a._helm_id AS from, type(r) AS type, b._helm_id AS to, ",
            properties!("r")
        ),
    };
}

/// Connects to a server whose graph can be exported.
///
/// # Errors
/// When it does not answer, or is too old.
pub async fn connect(place: &Neo4j) -> Result<Connected> {
    let connected = neo4j::connect(place).await?;
    let mut numbers = connected.version.split('.').map_while(|number| number.parse().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < OLDEST {
        bail!(
            "Neo4j is {}, and its graph can be exported from {}.{} on",
            connected.version,
            OLDEST.0,
            OLDEST.1
        );
    }
    Ok(connected)
}

/// Writes the graph, which is over at `until`. As with databases, the inner error is the part's and the outer one the
/// archive's.
///
/// # Errors
/// When the archive cannot be written any more.
pub async fn save(mut writer: Writer, place: &Neo4j, until: Instant) -> Result<(Writer, Result<Part>)> {
    let until = until.min(Instant::now() + LONGEST);
    let connected = match connect(place).await {
        Ok(connected) => connected,
        Err(error) => return Ok((writer, Err(error))),
    };
    let mut pauses = PAUSES.into_iter();
    for number in 1.. {
        let name = part_name(number);
        let (returned, outcome) = attempt(writer, &connected, name, until).await?;
        writer = returned;
        match outcome {
            Ok(Some(part)) => return Ok((writer, Ok(part))),
            Ok(None) => tracing::warn!(number, "the graph was changed while it was read"),
            Err(error) => return Ok((writer, Err(error))),
        }
        let Some(pause) = pauses.next() else { break };
        tokio::time::sleep(pause).await;
    }
    Ok((writer, Err(anyhow::anyhow!("it was changed each time while it was read: try when less is written"))))
}

/// One reading into the archive, and one to compare; `None` when they differ.
async fn attempt(
    writer: Writer,
    connected: &Connected,
    name: String,
    until: Instant,
) -> Result<(Writer, Result<Option<Part>>)> {
    // A few chunks wait for the disk; the server waits for both.
    let (lines, taken) = mpsc::channel(4);
    let part = name.clone();
    let writing = tokio::task::spawn_blocking(move || write(writer, &part, taken));
    let first = timeout_at(until, Box::pin(read(connected, Scope::WHOLE, Some(lines)))).await;
    let (writer, written) =
        writing.await.context("writing was ended")?.context("the archive cannot be written")?;
    let first = match first.context("it takes too long").flatten() {
        Ok(first) => first,
        Err(error) => return Ok((writer, Err(error))),
    };
    let second = timeout_at(until, Box::pin(read(connected, Scope::WHOLE, None))).await;
    let second = match second.context("it takes too long").flatten() {
        Ok(second) => second,
        Err(error) => return Ok((writer, Err(error))),
    };
    if first != second {
        return Ok((writer, Ok(None)));
    }
    let absent = Part::absent(name, Kind::Neo4j, State::Saved, "");
    let Written { bytes, sha256 } = written;
    Ok((writer, Ok(Some(Part { reason: None, bytes, sha256, graph: Some(first), ..absent }))))
}

fn write(
    mut writer: Writer,
    name: &str,
    mut lines: mpsc::Receiver<Vec<u8>>,
) -> io::Result<(Writer, Written)> {
    let mut part = GzEncoder::new(writer.part(name), Compression::default());
    while let Some(chunk) = lines.blocking_recv() {
        part.write_all(&chunk)?;
    }
    let written = part.finish()?.finish()?;
    Ok((writer, written))
}

/// Reads a graph in one transaction, and hands its lines on where somebody wants them.
///
/// # Errors
/// When the server refuses, or something in it could not be brought back.
pub async fn read(
    connected: &Connected,
    scope: Scope,
    lines: Option<mpsc::Sender<Vec<u8>>>,
) -> Result<GraphFacts> {
    let mut reading = Reading { summing: Summing::default(), chunk: Vec::new(), lines };
    let mut transaction = connected.graph.start_txn().await?;
    reading.all(&mut transaction, scope.nodes, node).await?;
    reading.all(&mut transaction, scope.relationships, relationship).await?;
    reading.hand_on().await?;
    transaction.rollback().await?;
    Ok(reading.summing.facts(&connected.version))
}

/// Lines on their way.
struct Reading {
    summing: Summing,
    chunk: Vec<u8>,
    lines: Option<mpsc::Sender<Vec<u8>>>,
}

impl Reading {
    async fn all(&mut self, transaction: &mut Txn, text: &str, line: fn(&Row) -> Result<Line>) -> Result<()> {
        let mut rows = transaction.execute(query(text)).await?;
        while let Some(row) = rows.next(transaction.handle()).await? {
            let line = line(&row)?;
            let bytes = serde_json::to_vec(&line)?;
            self.summing.take(&line, &bytes);
            if self.lines.is_some() {
                self.chunk.extend_from_slice(&bytes);
                self.chunk.push(b'\n');
                if self.chunk.len() >= CHUNK {
                    self.hand_on().await?;
                }
            }
        }
        Ok(())
    }

    async fn hand_on(&mut self) -> Result<()> {
        if let Some(lines) = &self.lines {
            let chunk = std::mem::take(&mut self.chunk);
            lines.send(chunk).await.ok().context("nobody takes the lines any more")?;
        }
        Ok(())
    }
}

fn node(row: &Row) -> Result<Line> {
    let mut labels: Vec<String> = row.get("labels")?;
    labels.sort();
    for label in &labels {
        quoted(label)?;
    }
    Ok(Line::Node { id: row.get("id")?, labels, properties: properties(row)? })
}

fn relationship(row: &Row) -> Result<Line> {
    let r#type: String = row.get("type")?;
    quoted(&r#type)?;
    Ok(Line::Relationship {
        from: row.get("from")?,
        r#type,
        to: row.get("to")?,
        properties: properties(row)?,
    })
}

fn properties(row: &Row) -> Result<Properties> {
    let list: BoltList = row.get("properties")?;
    let mut properties = Properties::new();
    for property in list.value {
        let BoltType::List(BoltList { value }) = property else { bail!("the server sent no property") };
        let [BoltType::String(name), kind, value] =
            <[BoltType; 3]>::try_from(value).ok().context("a property has no value")?
        else {
            bail!("a property has no name");
        };
        quoted(&name.value)?;
        let kind = match &kind {
            BoltType::String(kind) => Some(kind.value.as_str()),
            _ => None,
        };
        let read = value_of(value, kind).with_context(|| format!("the property {}", name.value))?;
        properties.insert(name.value, read);
    }
    Ok(properties)
}
