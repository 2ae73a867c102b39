//! Lines of an archive into nodes and relationships, many in one transaction.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use neo4rs::{BoltMap, BoltType, query};
use tokio::sync::mpsc;

use super::statements::{INCOMING, create_nodes, create_relationships, parted, temporal};
use crate::{
    backup::graph_lines::Lines,
    clients::neo4j::{Connected, parameter},
    domain::backup::graph::{Line, Properties},
};

/// Rows that are sent together, unless they are long.
const ROWS: usize = 1000;
/// Bytes of text that are sent together: the server keeps a transaction in memory.
const BYTES: usize = 4 << 20;
/// An index by which relationships find their nodes.
const INDEX: &str = "helm_incoming";

pub(super) async fn load(connected: &Connected, mut packed: mpsc::Receiver<Vec<u8>>) -> Result<()> {
    let graph = &connected.graph;
    let index = format!("CREATE INDEX {INDEX} IF NOT EXISTS FOR (n:{INCOMING}) ON (n._helm_id)");
    graph.run(query(&index)).await?;
    graph.run(query("CALL db.awaitIndexes(300)")).await?;
    let mut batch = Batch::default();
    let mut lines = Lines::default();
    let mut come = Vec::new();
    while let Some(bytes) = packed.recv().await {
        lines.take(&bytes, |line| {
            come.push(line);
            Ok(())
        })?;
        for line in come.drain(..) {
            batch.add(connected, line).await?;
        }
    }
    lines.end(|line| {
        come.push(line);
        Ok(())
    })?;
    for line in come {
        batch.add(connected, line).await?;
    }
    batch.send(connected).await
}

/// Removes the index; the labels of a restore are gone then.
pub(super) async fn drop_index(connected: &Connected) -> Result<()> {
    connected.graph.run(query(&format!("DROP INDEX {INDEX} IF EXISTS"))).await?;
    Ok(())
}

/// Rows by their statement.
#[derive(Default)]
struct Batch {
    rows: BTreeMap<String, Vec<BoltType>>,
    count: usize,
    bytes: usize,
    holds_nodes: bool,
}

impl Batch {
    async fn add(&mut self, connected: &Connected, line: Line) -> Result<()> {
        let is_node = matches!(line, Line::Node { .. });
        // Nodes are there before what is between them.
        if self.count >= ROWS || self.bytes >= BYTES || (self.holds_nodes && !is_node) {
            self.send(connected).await?;
        }
        self.holds_nodes = is_node;
        self.bytes += serde_json::to_vec(&line)?.len();
        self.count += 1;
        let (statement, row) = match line {
            Line::Node { id, labels, properties } => {
                let statement = create_nodes(&temporal(&properties)?)?;
                let named = [("id", id.into()), ("labels", labels.into())];
                (statement, row(named.into_iter(), properties)?)
            }
            Line::Relationship { from, r#type, to, properties } => {
                let statement = create_relationships(&r#type, &temporal(&properties)?)?;
                let named = [("from", from.into()), ("to", to.into())];
                (statement, row(named.into_iter(), properties)?)
            }
        };
        self.rows.entry(statement).or_default().push(row);
        Ok(())
    }

    async fn send(&mut self, connected: &Connected) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        (self.count, self.bytes) = (0, 0);
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = connected.graph.start_txn().await?;
        for (statement, rows) in rows {
            let rows = query(&statement).param("rows", rows);
            transaction.run(rows).await.context("Neo4j does not take the graph")?;
        }
        transaction.commit().await.context("Neo4j does not take the graph")?;
        Ok(())
    }
}

fn row(named: impl Iterator<Item = (&'static str, BoltType)>, properties: Properties) -> Result<BoltType> {
    let (plain, temporal) = parted(properties);
    let map = |properties: Properties| -> Result<BoltType> {
        let mut map = BoltMap::new();
        for (name, value) in properties {
            map.put(name.into(), parameter(&value)?);
        }
        Ok(BoltType::Map(map))
    };
    let mut row = BoltMap::new();
    for (name, value) in named {
        row.put(name.into(), value);
    }
    row.put("plain".into(), map(plain)?);
    row.put("temporal".into(), map(temporal)?);
    Ok(BoltType::Map(row))
}
