//! `helm backup` (helm.md §10).

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hivematrix_shared::clock::Clock;
use serde_json::json;

use super::output::{Colour, answer, coloured, paint, say};
use crate::{
    backup::{
        history, keys,
        run::{self, Done, Order, incomplete},
        scratch,
        verify::{self, Report},
    },
    domain::backup::{bytes_text, manifest::State, retention::KEEP_DAYS},
    instance::Layout,
};

/// Arguments of `helm backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// Folder of the archive; default: `backups` in the instance directory.
    #[arg(value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Only say what would be saved; touches nothing.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Encrypt this archive for this public key (age1…) instead of the lasting ones; may be repeated.
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Remove archives that this instance made and that are older.
    #[arg(long, value_name = "DAYS", default_value_t = KEEP_DAYS, value_parser = clap::value_parser!(u32).range(1..))]
    keep_days: u32,
    /// Restore the new archive into a scratch cluster afterwards and compare it with what was saved.
    #[arg(long)]
    verify: bool,
}

/// What else there is to backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Restore an archive into a scratch cluster and compare it with what was saved.
    Verify(VerifyArgs),
    /// The archives of this instance, newest first.
    List(ListArgs),
}

/// Arguments of `helm backup verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The archive.
    archive: PathBuf,
    /// File with the key that opens it; default: the instance's own.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `helm backup list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(layout: &Layout, args: BackupArgs) -> Result<()> {
    scratch::sweep(layout).await;
    match &args.command {
        Some(BackupCommand::Verify(args)) => verify_one(layout, args).await,
        Some(BackupCommand::List(args)) => list(layout, args),
        None if args.dry_run => preview(layout, args.json).await,
        None => save(layout, &args).await,
    }
}

async fn save(layout: &Layout, args: &BackupArgs) -> Result<()> {
    crate::instance::secrets::read(layout)?;
    let Some(lock) = history::take(layout).await? else {
        bail!("another backup is running");
    };
    let order = Order {
        folder: args.output_dir.clone(),
        recipients: args.recipient.clone(),
        keep_days: args.keep_days,
    };
    let done = run::run(layout, &order, &Clock::system(), lock).await?;
    if !args.json {
        tell(layout, &done);
    }
    let report = match args.verify {
        true => Some(verify::verify(layout, &done.archive, None, &Clock::system()).await?),
        false => None,
    };
    match (&report, args.json) {
        (Some(report), true) => {
            answer(&json!({ "backup": done, "verification": report }))?;
        }
        (None, true) => answer(&done)?,
        (Some(report), false) => tell_report(report),
        (None, false) => {}
    }
    if let Some(report) = &report {
        refuse(report)?;
    }
    match incomplete(&done.manifest) {
        Some(reason) => bail!("the archive is incomplete, {reason}"),
        None => Ok(()),
    }
}

fn tell(layout: &Layout, done: &Done) {
    let colours = coloured();
    for part in &done.manifest.parts {
        let reason = part.reason.as_deref().unwrap_or_default();
        if let Some(graph) = &part.graph {
            let (nodes, relationships, size) = (graph.nodes, graph.relationships, bytes_text(part.bytes));
            say!(
                "  {} {} ({nodes} nodes, {relationships} relationships, {size})",
                mark(true, colours),
                part.name
            );
            continue;
        }
        match (part.state, &part.database) {
            (State::Saved, Some(facts)) => {
                let rows: i64 = facts.tables.iter().map(|table| table.rows).sum();
                let size = bytes_text(part.bytes);
                say!(
                    "  {} {} ({} tables, {rows} rows, {size})",
                    mark(true, colours),
                    part.name,
                    facts.tables.len()
                );
            }
            (State::Saved, None) => {
                say!("  {} {} ({} files)", mark(true, colours), part.name, part.files.len());
            }
            (State::Missing, _) => say!("  {} {} is missing: {reason}", mark(false, colours), part.name),
            (state, _) => say!("  - {} {}: {reason}", part.name, state.as_str()),
        }
    }
    for archive in &done.removed {
        say!("  - removed {}, which had its time", archive.display());
    }
    say!("Wrote {} ({})", done.archive.display(), bytes_text(done.bytes));
    if let Some(path) = &done.identity_made {
        say!("\nA key was made that opens this and every later archive:\n  {}", path.display());
        say!(
            "Keep a copy of this file away from this machine: with the machine lost, no archive opens without it."
        );
        say!("It is in no archive, and this is said only once.");
    } else if !keys::identity_path(layout).exists() {
        say!("It opens with the operator's own key, which is not on this machine.");
    }
}

fn mark(good: bool, colours: bool) -> String {
    if good { paint("✓", Colour::Green, colours) } else { paint("✗", Colour::Red, colours) }
}

async fn preview(layout: &Layout, as_json: bool) -> Result<()> {
    let parts = run::preview(layout).await?;
    let missing: Vec<&str> =
        parts.iter().filter(|part| part.missing).map(|part| part.part.as_str()).collect();
    if as_json {
        answer(&json!({ "dry_run": true, "parts": parts }))?;
    } else {
        let colours = coloured();
        for part in &parts {
            match (part.files, part.bytes, &part.reason) {
                (Some(files), ..) if !part.missing => {
                    say!("  {} {}: {files} files", mark(true, colours), part.part)
                }
                (_, Some(bytes), _) => {
                    let size = bytes_text(u64::try_from(bytes).unwrap_or(0));
                    say!("  {} {}: {size} on its server", mark(true, colours), part.part);
                }
                (.., reason) if part.missing => {
                    say!(
                        "  {} {}: {}",
                        mark(false, colours),
                        part.part,
                        reason.as_deref().unwrap_or_default()
                    );
                }
                (.., Some(reason)) => say!("  - {}: {reason}", part.part),
                (.., None) => say!("  {} {}: on its server", mark(true, colours), part.part),
            }
        }
        say!("Nothing was written.");
    }
    if !missing.is_empty() {
        bail!("the archive would be incomplete, missing: {}", missing.join(", "));
    }
    Ok(())
}

async fn verify_one(layout: &Layout, args: &VerifyArgs) -> Result<()> {
    let report = verify::verify(layout, &args.archive, args.identity.as_deref(), &Clock::system()).await?;
    if args.json {
        answer(&report)?;
    } else {
        tell_report(&report);
    }
    refuse(&report)
}

fn tell_report(report: &Report) {
    let colours = coloured();
    for database in &report.databases {
        let good = database.differences.is_empty();
        let (name, tables, rows) = (&database.database, database.tables, database.rows);
        let words = if good { " as they were saved" } else { "" };
        say!("  {} {name}: {tables} tables, {rows} rows{words}", mark(good, colours));
        for difference in &database.differences {
            say!("      {difference}");
        }
    }
    if let Some(graph) = &report.graph {
        let good = graph.differences.is_empty();
        let (nodes, relationships) = (graph.nodes, graph.relationships);
        let words = if good { ", every line as it was saved" } else { "" };
        say!("  {} graph: {nodes} nodes, {relationships} relationships{words}", mark(good, colours));
        for difference in &graph.differences {
            say!("      {difference}");
        }
    }
    say!("  {} {} files", mark(true, colours), report.files);
    if report.ok {
        say!("Everything came back as it was saved.");
    }
}

fn refuse(report: &Report) -> Result<()> {
    if report.ok {
        return Ok(());
    }
    let missing = match report.missing.is_empty() {
        true => String::new(),
        false => format!(", missing: {}", report.missing.join(", ")),
    };
    bail!("the archive does not bring back everything{missing}");
}

fn list(layout: &Layout, args: &ListArgs) -> Result<()> {
    let records = history::records(layout).context("the list of archives cannot be read")?;
    if args.json {
        answer(&records)?;
        return Ok(());
    }
    if records.is_empty() {
        say!("There are no archives yet.");
    }
    for record in records {
        let state = match (record.complete, &record.verified) {
            (false, _) => "incomplete",
            (true, Some(verified)) if verified.ok => "verified",
            (true, Some(_)) => "failed its test restore",
            (true, None) => "complete",
        };
        say!(
            "{}  {:>10}  {}",
            record.created_at.format("%Y-%m-%d %H:%M:%S"),
            bytes_text(record.bytes),
            state
        );
        say!("    {}", record.archive.display());
    }
    Ok(())
}
