//! Labels change places: what was loaded comes into use, what was in use steps aside; and the same the other way round. All of
//! it may be done again.

use anyhow::{Context, Result};
use neo4rs::{Txn, query};

use super::{
    GraphStep,
    load::drop_index,
    statements::{ARRIVED, Exchange, INCOMING, OUTGOING},
};
use crate::clients::neo4j::Connected;

/// Nodes that are changed in one transaction where not all need be.
const SOME: u32 = 10_000;

/// Brings what was loaded into use, in one transaction.
///
/// # Errors
/// When the server refuses; nothing is changed then.
pub async fn swap(step: &GraphStep) -> Result<()> {
    exchange(step, &[Exchange::Leave, Exchange::Arrive]).await
}

/// Takes everything back that a restore has done, whatever that is.
///
/// # Errors
/// When the server does not answer or refuses.
pub async fn undo(step: &GraphStep) -> Result<()> {
    exchange(step, &[Exchange::Withdraw, Exchange::Return]).await?;
    let connected = step.connect().await?;
    clear(&connected).await?;
    drop_index(&connected).await
}

/// Removes what is left of the old graph, and the marks from the new one.
///
/// # Errors
/// When the server does not answer or refuses.
pub async fn finish(step: &GraphStep) -> Result<()> {
    let connected = step.connect().await?;
    delete(&connected, OUTGOING).await?;
    let marks = format!(
        "MATCH (n:{ARRIVED}) CALL {{ WITH n REMOVE n:{ARRIVED}, n._helm_id, n._helm_labels }} IN TRANSACTIONS OF {SOME} ROWS"
    );
    connected.graph.run(query(&marks)).await?;
    drop_index(&connected).await
}

/// Removes what an earlier restore has loaded and not brought into use, and its notes on what is in use.
pub(super) async fn clear(connected: &Connected) -> Result<()> {
    delete(connected, INCOMING).await?;
    let notes = format!(
        "MATCH (n) WHERE n._helm_labels IS NOT NULL CALL {{ WITH n REMOVE n._helm_labels }} IN TRANSACTIONS OF {SOME} ROWS"
    );
    connected.graph.run(query(&notes)).await?;
    Ok(())
}

/// Notes on each node in use which labels it has: the one transaction of the swap has less to do then.
pub(super) async fn note_labels(connected: &Connected) -> Result<()> {
    let note = format!(
        "MATCH (n) WHERE NOT n:{INCOMING} CALL {{ WITH n SET n._helm_labels = labels(n) }} IN TRANSACTIONS OF {SOME} ROWS"
    );
    connected.graph.run(query(&note)).await?;
    Ok(())
}

async fn delete(connected: &Connected, label: &str) -> Result<()> {
    let delete =
        format!("MATCH (n:{label}) CALL {{ WITH n DETACH DELETE n }} IN TRANSACTIONS OF {SOME} ROWS");
    connected.graph.run(query(&delete)).await.with_context(|| format!("nodes {label} cannot be removed"))?;
    Ok(())
}

async fn exchange(step: &GraphStep, exchanges: &[Exchange]) -> Result<()> {
    let connected = step.connect().await?;
    let mut transaction = connected.graph.start_txn().await?;
    for exchange in exchanges {
        for labels in lists(&mut transaction, *exchange).await? {
            let statement = query(&exchange.statement(&labels)?).param("labels", labels);
            transaction.run(statement).await.context("the graphs cannot change places")?;
        }
    }
    transaction.commit().await.context("the graphs cannot change places")?;
    Ok(())
}

async fn lists(transaction: &mut Txn, exchange: Exchange) -> Result<Vec<Vec<String>>> {
    let mut rows = transaction.execute(query(&exchange.lists())).await?;
    let mut lists = Vec::new();
    while let Some(row) = rows.next(transaction.handle()).await? {
        lists.push(row.get("labels")?);
    }
    Ok(lists)
}
