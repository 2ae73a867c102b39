//! `hivematrix-knowledgetree move`: the whole tree from one store into the other.

use std::{collections::HashMap, process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

use super::{ended, say};
use crate::{
    config::Settings,
    domain::{
        compared::{Fingerprints, differences},
        records::Record,
    },
    store::{self, KnowledgeStore},
};

/// Records that are stored together.
const TOGETHER: usize = 500;
/// Between two lines that tell how far it is.
const TOLD: usize = 10_000;
/// What is noted in the target as long as it is not complete.
const KEY: &str = "move";
/// Noted while it is under way, and when it is over.
const UNDER_WAY: &str = "under way";
const COMPLETE: &str = "complete";

/// Where to.
#[derive(Args, Clone, Debug)]
pub struct MoveArgs {
    /// The store that is to have the tree; the other one is read.
    #[arg(long, value_enum)]
    pub to: Target,
    /// Deletes what the target holds before.
    #[arg(long)]
    pub replace: bool,
}

/// A store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Target {
    /// The graph (NEO4J_URI, NEO4J_USER, NEO4J_PASSWORD).
    Neo4j,
    /// The database (DATABASE_URL).
    Postgres,
}

/// Copies and compares. Exit code 0 when both are the same, 1 with the differences when not.
///
/// # Errors
/// When a store is not set up or does not answer, or the target is not empty.
pub async fn run(args: &MoveArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let graph = store::open_neo4j(settings)?;
    graph.set_up().await.context("Neo4j cannot be used")?;
    let database = store::open_postgres(settings, &CancellationToken::new())
        .await
        .context("PostgreSQL cannot be used")?;
    let (from, to) = match args.to {
        Target::Neo4j => (database, graph),
        Target::Postgres => (graph, database),
    };
    let is_same = copy(&from, &to, args.replace, &say).await?;
    if is_same {
        let next = match args.to {
            Target::Neo4j => "set NEO4J_URI and NEO4J_PASSWORD for the service",
            Target::Postgres => "take NEO4J_URI from the service's settings",
        };
        say(&format!("The source stays as it is. Now {next}, and start it."));
    }
    Ok(ended(is_same))
}

/// Copies the tree of one store into another and compares both. Whether they are the same.
///
/// What is cut off is harmless: the target is marked as incomplete, and the same command does it again from the beginning, over what is
/// there already.
///
/// # Errors
/// When a store does not answer, or the target holds something and nobody said that it may be deleted.
pub async fn copy(
    from: &Arc<dyn KnowledgeStore>,
    to: &Arc<dyn KnowledgeStore>,
    replace: bool,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<bool> {
    let noted = to.state(KEY).await?;
    let is_cut_off = noted.as_deref() == Some(UNDER_WAY);
    if replace {
        to.wipe().await?;
        say("What the target held is deleted");
    } else if is_cut_off {
        say("The target holds a part of an earlier move, which is done anew");
    } else {
        ensure!(is_empty(to.as_ref()).await?, "the target is not empty: --replace deletes what it holds");
    }
    let noted = to.state(KEY).await?;
    ensure!(
        to.set_state(KEY, noted.as_deref(), UNDER_WAY).await?,
        "somebody else moves a tree into this store at the moment"
    );

    let mut source = Fingerprints::default();
    let mut records = from.dump();
    let mut some: Vec<Record> = Vec::with_capacity(TOGETHER);
    let mut count = 0;
    while let Some(record) = records.next().await {
        let record = record.context("the source cannot be read")?;
        if is_note_of_a_move(&record) {
            continue;
        }
        source.add(&record);
        some.push(record);
        count += 1;
        if some.len() == TOGETHER {
            to.load(&some).await.context("the target does not take it")?;
            some.clear();
        }
        if count % TOLD == 0 {
            say(&format!("{count} records so far"));
        }
    }
    to.load(&some).await.context("the target does not take it")?;
    say(&format!("{count} records copied. Comparing"));

    let mut target = Fingerprints::default();
    to.dump()
        .try_for_each(|record| {
            if !is_note_of_a_move(&record) {
                target.add(&record);
            }
            std::future::ready(Ok(()))
        })
        .await
        .context("the target cannot be read")?;
    let found = differences(&source, &target);
    for (kind, many) in count_of(&source) {
        say(&format!("{kind}: {many}"));
    }
    if found.is_empty() {
        if !to.set_state(KEY, Some(UNDER_WAY), COMPLETE).await? {
            bail!("somebody else has changed the target meanwhile");
        }
        say("Both stores hold the same");
        return Ok(true);
    }
    for difference in found.iter().take(50) {
        say(difference);
    }
    say(&format!("The stores differ in {} records; the target is not complete.", found.len()));
    say("Was the service at work? Stop it, and move again with --replace.");
    Ok(false)
}

async fn is_empty(store: &dyn KnowledgeStore) -> store::Result<bool> {
    let counts = store.counts().await?;
    Ok(counts.folders <= 1
        && [counts.articles, counts.files, counts.companies, counts.trash].iter().all(|count| *count == 0))
}

fn is_note_of_a_move(record: &Record) -> bool {
    matches!(record, Record::State { key, .. } if key == KEY)
}

fn count_of(fingerprints: &Fingerprints) -> Vec<(&'static str, usize)> {
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    for kind in fingerprints.kinds() {
        *counts.entry(kind).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    counts
}
