//! `helm restore` (helm.md §10).

use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use hivematrix_shared::clock::Clock;
use serde_json::json;

use super::{
    offline,
    output::{answer, say},
    systemd,
};
use crate::{
    backup::{history, scratch},
    control::{client::ask, protocol::Request},
    domain::backup::parts::Kind,
    instance::{
        Layout,
        files::{self, FileLock},
        installation,
    },
    restore::{
        plan::{Selection, Step},
        run::{self, CONFIGS, Order},
        source::Source,
        upstream::ORIGINAL,
    },
};

/// Arguments of `helm restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The archive: ours (`.tar.age`) or one of the original suite (`.zip`).
    archive: PathBuf,
    /// File with the key that opens it; default: the instance's own.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Only list what is in it.
    #[arg(long, conflicts_with = "dry_run")]
    list: bool,
    /// Check everything and only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, and restore what there is of an incomplete archive.
    #[arg(long)]
    force: bool,
    /// Only the databases.
    #[arg(long, visible_alias = "postgres-only")]
    postgresql_only: bool,
    /// Only Neo4j.
    #[arg(long)]
    neo4j_only: bool,
    /// Only Redis.
    #[arg(long)]
    redis_only: bool,
    /// Only Keycloak.
    #[arg(long)]
    keycloak_only: bool,
    /// Only settings, keys, secrets and certificates.
    #[arg(long, visible_alias = "config-only")]
    configs_only: bool,
    /// Only uploads, exports and other files of services; those of foreign ones with their settings.
    #[arg(long)]
    files_only: bool,
    /// Leave this part out (as --list names it; `files` stands for all of `files/...`); may be repeated.
    #[arg(long, value_name = "PART")]
    without: Vec<String>,
    /// For archives with objects that do not belong to their service. It hands over: what is in the archive runs as every role
    /// that it names and that may do nothing beyond that database, and settings of a database are made by an administrator,
    /// also those that load a library into each of its sessions. Only for archives that you have kept yourself.
    #[arg(long)]
    as_admin: bool,
    /// As JSON; needs --force where something is changed.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(layout: &Layout, args: RestoreArgs) -> Result<()> {
    let selection = Selection::of(&[
        (args.postgresql_only, &[Kind::Postgresql]),
        (args.neo4j_only, &[Kind::Neo4j]),
        (args.redis_only, &[Kind::Redis]),
        (args.keycloak_only, &[Kind::Keycloak]),
        (args.configs_only, CONFIGS),
        (args.files_only, &[Kind::Files, Kind::Foreign]),
    ])
    .without(args.without);
    let source = {
        let (layout, archive, identity) = (layout.clone(), args.archive.clone(), args.identity.clone());
        let open = move || Source::open(&layout, &archive, identity.as_deref());
        tokio::task::spawn_blocking(open).await.context("reading was ended")??
    };
    if args.list {
        return list(&source, args.json);
    }
    let steps = source.plan(&selection, args.force)?;
    if args.dry_run || !args.json {
        tell(&source, &steps, args.json, args.dry_run)?;
    }
    if args.dry_run {
        return Ok(());
    }
    let lock = exclusive(layout).await?;
    scratch::sweep(layout).await;
    // Until the end nothing is saved that is being replaced.
    let _saving = history::take(layout).await?.context("a backup is being written; wait for it")?;
    if !args.force && !confirmed(layout, args.json)? {
        say!("Nothing was changed.");
        return Ok(());
    }
    // Somebody may have thought about it for a while.
    nothing_runs(layout).await?;
    let order = Order { selection, as_admin: args.as_admin };
    let restored = run::run(layout, Arc::new(source), &order, &Clock::system(), &lock).await?;
    if args.json {
        answer(&restored)?;
        return Ok(());
    }
    say!("Restored {} databases and {} files.", restored.databases.len(), restored.files);
    if let Some(nodes) = restored.graph {
        say!("Restored the graph, {nodes} nodes.");
    }
    for name in restored.databases.iter().filter(|name| name.ends_with(ORIGINAL)) {
        say!(
            "{name} holds what the original suite kept; Codex takes its own over with `hivematrix-codex import`."
        );
    }
    if !restored.roles.is_empty() {
        say!("Made the roles {}, which cannot sign in until they get a password.", restored.roles.join(", "));
    }
    say!("Start the suite with `helm up`.");
    Ok(())
}

/// Nothing of the suite may run, and nothing may be started meanwhile.
async fn exclusive(layout: &Layout) -> Result<FileLock> {
    files::private_dir(&layout.folder("helm"))?;
    if ask(layout, &Request::Hello).await?.is_some() {
        bail!("the suite is running; {STOP}");
    }
    let lock = FileLock::take_within(&layout.daemon_lock(), crate::daemon::DYING).await?;
    let lock = lock.context("a daemon or another restore holds the instance")?;
    nothing_runs(layout).await?;
    Ok(lock)
}

const STOP: &str = "stop it with `helm down` first";

/// Without a daemon, its processes may go on, and units of systemd may be started at any time.
async fn nothing_runs(layout: &Layout) -> Result<()> {
    if !offline::left_running(layout)?.is_empty() {
        bail!("parts of the suite are still running; {STOP}");
    }
    if installation::of(layout)?.is_some() {
        let units = systemd::statuses(layout).await?;
        if let Some(unit) = units.iter().find(|unit| unit.pid.is_some()) {
            bail!("{} is still running; {STOP}", unit.name);
        }
    }
    Ok(())
}

fn confirmed(layout: &Layout, as_json: bool) -> Result<bool> {
    if as_json || !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here; --force goes on without");
    }
    print!("This replaces what is in {}. Type yes to go on: ", layout.home().display());
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn tell(source: &Source, steps: &[Step], as_json: bool, dry_run: bool) -> Result<()> {
    if as_json {
        answer(&json!({ "dry_run": dry_run, "steps": steps }))?;
        return Ok(());
    }
    if let Source::Own { manifest, .. } = source {
        let header = &manifest.header;
        say!("Saved {} UTC by version {}.", header.created_at.format("%Y-%m-%d %H:%M:%S"), header.suite);
    }
    for step in steps {
        say!("  {} {}: {}", if step.restored { "*" } else { "-" }, step.part, step.action);
    }
    if dry_run {
        say!("The archive is whole. Nothing was changed.");
    }
    Ok(())
}

fn list(source: &Source, as_json: bool) -> Result<()> {
    match source {
        Source::Own { manifest, .. } if as_json => answer(manifest)?,
        Source::Own { manifest, .. } => {
            let header = &manifest.header;
            say!("Saved {} UTC by version {}.", header.created_at.format("%Y-%m-%d %H:%M:%S"), header.suite);
            for part in &manifest.parts {
                let told = match (&part.database, &part.reason) {
                    (Some(facts), _) => {
                        let migration =
                            facts.migration.map_or_else(String::new, |at| format!(", migration {at}"));
                        format!("PostgreSQL {}, {} tables{migration}", facts.major(), facts.tables.len())
                    }
                    (None, Some(reason)) => reason.clone(),
                    (None, None) => format!("{} files", part.files.len()),
                };
                say!("  {:<10} {:<28} {told}", part.state.as_str(), part.name);
            }
        }
        Source::Upstream(_) => {
            let steps = source.plan(&Selection::default(), true)?;
            if as_json {
                answer(&steps)?;
                return Ok(());
            }
            for step in steps {
                say!("  {:<10} {}", if step.restored { "readable" } else { "left out" }, step.part);
            }
        }
    }
    Ok(())
}
