//! `hivematrix-knowledgetree sync-codex` and `sync-tickets` (knowledgetree.md §9.4): the syncs, by hand or by cron. They are runs like
//! any other: the service sees them, and they see the service's.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use hivematrix_shared::context::ServiceContext;

use super::{ended, say};
use crate::{
    KnowledgeTree,
    config::Settings,
    domain::sync_runs::Outcome,
    jobs::sync::{Kind, Listener, Order},
    store,
};

/// Which tickets.
#[derive(Args, Clone, Debug)]
pub struct TicketArgs {
    /// All tickets, not only those that changed since the last run.
    pub overwrite: Option<Overwrite>,
}

/// The word that asks for all tickets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Overwrite {
    /// All tickets.
    Overwrite,
}

/// Companies, people and devices.
///
/// # Errors
/// When it does not start, or fails.
pub async fn companies(settings: &Settings) -> anyhow::Result<ExitCode> {
    run(settings, Kind::Companies, false).await
}

/// Tickets.
///
/// # Errors
/// When it does not start, or fails.
pub async fn tickets(args: &TicketArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    run(settings, Kind::Tickets, args.overwrite.is_some()).await
}

async fn run(settings: &Settings, kind: Kind, overwrite: bool) -> anyhow::Result<ExitCode> {
    let context = ServiceContext::start_without_shipping("knowledgetree", settings.common.clone())?;
    // A run that is told to end notes that it did.
    context.stop_on_signals();
    let store = store::open(settings, &context.shutdown).await?;
    let tree = KnowledgeTree::new(context.clone(), settings, store);
    let order = Order { kind, by: "command line".to_owned(), overwrite };
    let (_, end) = tree.syncs.start(order, Arc::new(Shell)).await?;
    let ended_so = end.await.ok().flatten();
    context.stop().await;
    let run = ended_so.context("the sync has ended, and how could not be noted")?;
    match run.outcome {
        Outcome::Completed => Ok(ended(true)),
        Outcome::Failed | Outcome::Cancelled => bail!("{}", run.error.unwrap_or_default()),
    }
}

/// The shell that a command was called from.
struct Shell;

impl Listener for Shell {
    fn say(&self, line: &str) {
        say(line);
    }
}
