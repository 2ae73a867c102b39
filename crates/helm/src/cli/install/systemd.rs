//! `helm install --systemd` and its `--undo` (helm.md §11).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{
    output::{answer, keep_for_answer, say},
    systemd::{down, settings as systemd_settings},
};
use crate::{
    clients::systemctl::Systemctl,
    control::{client::ask, protocol::Request},
    domain::{
        ports,
        registry::{Addressing, Registry},
        systemd::{self, Places, TARGET, TIMERS},
    },
    instance::{
        Layout,
        build::Build,
        install,
        installation::{self, Installation},
        options::{Given, Options},
        registry,
    },
    suite::{self, settle::settle},
};

/// What is asked for.
pub(super) struct Order {
    pub prefix: Option<PathBuf>,
    pub root: Option<PathBuf>,
    pub dry_run: bool,
    pub undo: bool,
    pub json: bool,
}

/// One part in the answer as JSON.
#[derive(Serialize)]
struct Shown {
    path: PathBuf,
    /// As the dry run says it.
    step: String,
    done: bool,
}

pub(super) async fn run(layout: &Layout, args: &Order, version: &str) -> Result<()> {
    if args.json {
        keep_for_answer();
    }
    let mut places = Places { home: layout.home().to_owned(), ..Places::default() };
    if let Some(prefix) = &args.prefix {
        places.programs = std::path::absolute(prefix)?;
    }
    if let Some(hidden) =
        [&places.programs, &places.home].into_iter().find(|folder| systemd::is_hidden(folder))
    {
        bail!(
            "{} cannot be used: the units see neither home folders nor the machine's /tmp",
            hidden.display()
        );
    }
    let root = match &args.root {
        Some(root) => std::path::absolute(root)?,
        None => PathBuf::from("/"),
    };
    let staged = args.root.is_some();
    if !staged && !args.dry_run && !Uid::effective().is_root() {
        bail!(
            "only root can install the suite for the whole machine; --root DIR puts the files into a folder"
        );
    }
    if args.undo {
        let removed = undo(&places, &root, staged, args.dry_run).await?;
        return told(args, &json!({"dry_run": args.dry_run, "removed": removed}));
    }
    let build = Build::of(&installation::programs()?)?;
    let registry = Registry::generate(&registry::authority(layout)?, Addressing::default())?
        .filtered(|name, entry| registry::is_present(&build.folder, name, entry));
    let plan = install::plan(&build, version, &registry, &places, &root);
    if args.dry_run {
        let mut steps = Vec::new();
        for step in &plan.steps {
            let done = step.is_done(&root)?;
            say!("{}  {step}", if done { "is there " } else { "would put" });
            steps.push(Shown { path: step.path().to_owned(), step: step.to_string(), done });
        }
        if !staged {
            say!("then accounts, an instance in {}, and systemd is told", places.home.display());
        }
        return told(args, &json!({"dry_run": true, "steps": steps}));
    }
    if !staged {
        // Said before anything is changed.
        Systemctl::default()
            .run(&["--version"])
            .await
            .context("systemd does not run here; --root DIR works without it")?;
        refuse_running(layout).await?;
    }
    let mut changed = Vec::new();
    for step in &plan.steps {
        if step.carry_out(&root)? == install::Change::Done {
            say!("  {step}");
            changed.push(step.path());
        }
    }
    let programs = install::below(&root, &places.programs);
    plan.installation.write(&programs)?;
    if staged {
        say!("{} of {} parts put into {}.", changed.len(), plan.steps.len(), root.display());
        say!(
            "Accounts, data and environment files are made on the machine itself, by `helm install --systemd`."
        );
        return told(args, &json!({"dry_run": false, "changed": changed, "accounts": []}));
    }
    let accounts = make_it_run(layout, plan.installation, &registry).await?;
    say!("HiveMatrix is installed, and starts with the machine. Start it now with `helm up`.");
    told(args, &json!({"dry_run": false, "changed": changed, "accounts": accounts}))
}

/// The answer, where a program wants one.
fn told(args: &Order, value: &Value) -> Result<()> {
    if args.json {
        answer(value)?;
    }
    Ok(())
}

/// A suite that a daemon of its own runs has to go first: nothing can belong to two.
async fn refuse_running(layout: &Layout) -> Result<()> {
    let Some(reply) = ask(layout, &Request::Hello).await? else { return Ok(()) };
    let unit = Systemctl::default().show_one(&systemd::unit_name("helm")).await?;
    if unit.pid.is_none() || unit.pid != reply.pid {
        bail!("a suite runs in {}; stop it first: helm down", layout.home().display());
    }
    Ok(())
}

/// What only the machine itself can have: accounts, data, and a systemd that knows the units. The accounts that were made.
async fn make_it_run(
    layout: &Layout,
    mut installation: Installation,
    registry: &Registry,
) -> Result<Vec<String>> {
    let places = installation.places.clone();
    let sysusers = install::sysusers_path();
    let mut made = install::make_accounts(&systemd::accounts(registry), sysusers, &places.home)?;
    for name in &made {
        say!("  account  {name}");
    }
    let operator = systemd_settings(layout)?;
    let given = Given::from_environment()?;
    let known = Options::read(layout)?.gateway_port;
    let given = Given { gateway_port: given.gateway_port.or(known).or(Some(ports::HTTPS)), ..given };
    let owned = layout.clone();
    let prepared = tokio::task::spawn_blocking(move || suite::prepare(&owned, &given, &operator)).await??;
    for warning in &prepared.warnings {
        eprintln!("helm: {warning}");
    }
    let programs = places.programs.clone();
    let settled = settle(&mut installation, &prepared, &programs)?;
    for name in &settled.accounts {
        say!("  account  {name}");
    }
    made.extend(settled.accounts);
    Systemctl::default().run(&["daemon-reload"]).await?;
    // Also where an earlier installation wanted them to start elsewhere.
    let enable: Vec<&str> = ["reenable", TARGET].into_iter().chain(TIMERS).collect();
    Systemctl::default().run(&enable).await?;
    Ok(made)
}

/// Takes it away; what was removed, or would be.
async fn undo(places: &Places, root: &Path, staged: bool, dry_run: bool) -> Result<Vec<PathBuf>> {
    let programs = install::below(root, &places.programs);
    let Some(installation) = Installation::read(&programs)? else {
        say!("Nothing is installed in {}.", programs.display());
        return Ok(Vec::new());
    };
    let places = &installation.places;
    if dry_run {
        say!("would stop and remove the suite in {}:", places.programs.display());
        for path in &installation.files {
            say!("  {}", path.display());
        }
        return Ok(installation.files.iter().cloned().collect());
    }
    if !staged {
        // systemd knows how to stop a unit as long as its file is there.
        down(&installation).await?;
        // An undo that was broken off may have removed some of them.
        let there = |unit: &&str| installation.units.join(unit).exists();
        let units: Vec<&str> = [TARGET].into_iter().chain(TIMERS).filter(there).collect();
        if !units.is_empty() {
            let words: Vec<&str> = ["disable", "--now"].into_iter().chain(units).collect();
            Systemctl::default().run(&words).await?;
        }
    }
    let removed = install::remove(&installation, root)?;
    if !staged {
        Systemctl::default().run(&["daemon-reload"]).await?;
        // Units that had failed are remembered, and there may be none.
        let _ = Systemctl::default().run(&["reset-failed", "hivematrix-*"]).await;
    }
    say!("{} files removed.", removed.len());
    say!("These stay: the data in {}, the backups in {}", places.home.display(), places.backups.display());
    say!("and the accounts hivematrix-*, to whom they belong.");
    Ok(removed)
}
