//! The connection to the server, its transactions, and what its errors mean.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use hivematrix_shared::{config::Secret, tls};
use neo4rs::{ConfigBuilder, Error, Graph, Neo4jErrorKind, Query, Row, Txn, query};
use tokio::{runtime::Handle, sync::OnceCell};

use super::schema;
use crate::store::{
    StoreError,
    retry::{Attempt, Failure},
};

/// Most connections at the same time.
const CONNECTIONS: usize = 16;
/// Rows that the server sends at once.
const FETCH: usize = 1000;
/// How long a new connection and each answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a call waits for a connection while all are in use.
const QUEUE: Duration = Duration::from_secs(10);

/// The server, reached on first use and again whenever it comes back.
#[derive(Clone)]
pub(super) struct Server {
    graph: Graph,
    /// Set when constraints, indexes and the root are there.
    ready: Arc<OnceCell<()>>,
}

impl Server {
    pub(super) fn new(uri: &str, user: &str, password: &Secret) -> anyhow::Result<Self> {
        // The driver has a second TLS implementation built in; with two of them, one has to be named.
        tls::prefer_aws_lc();
        let config = ConfigBuilder::default()
            .uri(uri)
            .user(user)
            .password(password.expose())
            .max_connections(CONNECTIONS)
            .fetch_size(FETCH)
            .connection_timeout(PATIENCE)
            // In this driver the time that a call waits for a connection of the pool.
            .max_lifetime(QUEUE)
            .build()?;
        // The error would repeat the address, in which somebody may have written a password.
        let graph = Graph::connect(config).ok().context("NEO4J_URI is no address of a Neo4j server")?;
        Ok(Self { graph, ready: Arc::default() })
    }

    /// Makes constraints, indexes and the root.
    pub(super) async fn set_up(&self) -> Attempt<()> {
        schema::set_up(&self.graph).await
    }

    async fn graph(&self) -> Attempt<&Graph> {
        self.ready.get_or_try_init(|| self.set_up()).await?;
        Ok(&self.graph)
    }

    /// Rows of a query that only reads.
    pub(super) async fn read(&self, query: Query) -> Attempt<Vec<Row>> {
        let mut stream = self.graph().await?.execute_read(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// Rows of a query that only reads, until `enough`.
    pub(super) async fn read_until(&self, query: Query, mut enough: impl FnMut(&Row) -> bool + Send) -> Attempt<Vec<Row>> {
        let mut stream = self.graph().await?.execute_read(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await? {
            let last = enough(&row);
            rows.push(row);
            if last {
                break;
            }
        }
        Ok(rows)
    }

    /// Whether it answers.
    pub(super) async fn ping(&self) -> Attempt<()> {
        self.read(query("RETURN 1")).await.map(drop)
    }

    /// A transaction that changes something. One at a time: the server has locks on nodes only, and what keeps a tree a tree (no circle,
    /// no name twice, nothing new in what is being deleted) is about many of them.
    pub(super) async fn begin(&self) -> Attempt<Work> {
        let graph = self.graph().await?;
        let mut work = Work { graph: graph.clone(), transaction: Some(graph.start_txn().await?) };
        work.run(query("MERGE (lock:TreeLock {id: 'tree'}) SET lock.turn = coalesce(lock.turn, 0) + 1")).await?;
        Ok(work)
    }
}

/// A transaction. It ends with [`Work::commit`]; when it is dropped before, nothing has happened.
pub(super) struct Work {
    graph: Graph,
    transaction: Option<Txn>,
}

impl Work {
    fn transaction(&mut self) -> Attempt<&mut Txn> {
        let gone = || StoreError::Failed("the transaction is over".to_owned());
        Ok(self.transaction.as_mut().ok_or_else(gone)?)
    }

    pub(super) async fn run(&mut self, query: Query) -> Attempt<()> {
        Ok(self.transaction()?.run(query).await?)
    }

    pub(super) async fn rows(&mut self, query: Query) -> Attempt<Vec<Row>> {
        let transaction = self.transaction()?;
        let mut stream = transaction.execute(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next(transaction.handle()).await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// The first row.
    pub(super) async fn row(&mut self, query: Query) -> Attempt<Option<Row>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    pub(super) async fn commit(mut self) -> Attempt<()> {
        match self.transaction.take() {
            Some(transaction) => Ok(transaction.commit().await?),
            None => Ok(()),
        }
    }
}

impl Drop for Work {
    /// The pool would end the transaction when it next hands out the connection; until then everybody would wait for its locks.
    fn drop(&mut self) {
        if let (Some(transaction), Ok(runtime)) = (self.transaction.take(), Handle::try_current()) {
            runtime.spawn(end(self.graph.clone(), transaction));
        }
    }
}

async fn end(graph: Graph, transaction: Txn) {
    if transaction.rollback().await.is_ok() {
        return;
    }
    // It was given up in the middle of an answer. The pool closes such a connection when its turn comes.
    for _ in 0..CONNECTIONS {
        if let Err(error) = graph.run(query("RETURN 1")).await {
            tracing::debug!(%error, "a connection was closed");
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            // Somebody who does not know our lock may delete what a statement has just found.
            Error::Neo4j(server)
                if server.kind() == Neo4jErrorKind::Transient || server.code().ends_with("EntityNotFound") =>
            {
                let away = server.code().contains("DatabaseUnavailable");
                let text = format!("{}: {}", server.code(), server.message());
                Self::Passing(if away { StoreError::Unavailable(text) } else { StoreError::Failed(text) })
            }
            Error::Neo4j(server) => {
                let away = ["Security.", "DatabaseNotFound", "DatabaseUnavailable", "LockClientStopped", "Terminated"];
                let text = format!("{}: {}", server.code(), server.message());
                let is_away = away.iter().any(|part| server.code().contains(part));
                Self::Final(if is_away { StoreError::Unavailable(text) } else { StoreError::Failed(text) })
            }
            Error::DeserializationError(_) | Error::ConversionError => {
                Self::Final(StoreError::Failed(error.to_string()))
            }
            // The rest is about the connection.
            _ => Self::Final(StoreError::Unavailable(error.to_string())),
        }
    }
}

impl From<neo4rs::DeError> for Failure {
    fn from(error: neo4rs::DeError) -> Self {
        Self::Final(StoreError::Failed(error.to_string()))
    }
}
