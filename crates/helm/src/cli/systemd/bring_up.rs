//! `helm up` where systemd runs the suite.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hivematrix_shared::config::CommonSettings;
use nix::unistd::Uid;

use super::{POLL, START_PATIENCE};
use crate::{
    cli::{
        UpArgs, keycloak,
        output::say,
        ready::{self, CRASHES, Look, Watch, helm_probe},
        up,
    },
    clients::systemctl::Systemctl,
    domain::{
        operator::Operator,
        status::{Phase, UnitKind},
        systemd::{TARGET, unit_name},
    },
    instance::{
        Layout,
        installation::{self, Installation},
        operator,
        options::{Given, Options},
    },
    suite::{self, Prepared, settle::settle},
    supervisor::probe::Probe,
};

/// Looks, a second apart, at which a unit was down each time.
const GIVEN_UP: u32 = 5;

/// `helm up`.
pub(in crate::cli) async fn up(
    layout: &Layout,
    common: &CommonSettings,
    mut installation: Installation,
    args: &UpArgs,
) -> Result<()> {
    if args.demo || args.size.is_some() || args.active.is_some() || args.companies.is_some() {
        bail!(
            "a demo is no installed suite: run `helm up --demo` from an unpacked build, with a HIVEMATRIX_HOME of its own"
        );
    }
    let Brought { prepared, outdated } = bring_up(layout, common, &mut installation, args.port).await?;
    if args.json {
        return up::answer_where(&prepared, &outdated);
    }
    up::say_where(&prepared);
    if prepared.unseen_admin_password.is_some() && prepared.keycloak.is_none() {
        let seen = Options { admin_password_shown: true, ..Options::read(layout)? };
        seen.write(layout)?;
        settle(&mut installation, &prepared, &installation::programs()?)?;
    }
    Ok(())
}

/// A suite that is up.
pub(in crate::cli) struct Brought {
    pub prepared: Prepared,
    /// What was started again.
    pub outdated: Vec<String>,
}

/// Brings everything up: settings as they must be now, what is out of date again, everything ready at the end. Nobody is
/// shown the first password.
pub(in crate::cli) async fn bring_up(
    layout: &Layout,
    common: &CommonSettings,
    installation: &mut Installation,
    port: Option<u16>,
) -> Result<Brought> {
    if !Uid::effective().is_root() {
        bail!("systemd runs this suite: only root can bring it up");
    }
    let environment = Given::from_environment()?;
    let given = Given { gateway_port: port.or(environment.gateway_port), ..environment };
    let operator = settings(layout)?;
    let mut prepared = prepare(layout, &given, &operator).await?;
    if keycloak::fresh::ensure(layout, common, &prepared, &operator).await {
        // What the services are told of it is another thing now.
        prepared = prepare(layout, &given, &operator).await?;
    }
    for warning in &prepared.warnings {
        eprintln!("helm: {warning}");
    }
    let programs = installation::programs()?;
    let settled = settle(installation, &prepared, &programs)?;
    for name in &settled.accounts {
        say!("  the account {name} was made");
    }
    if !settled.gone.is_empty() {
        // Afterwards nothing would lead from the suite to what still runs.
        let words: Vec<&str> = ["stop"].into_iter().chain(settled.gone.iter().map(String::as_str)).collect();
        Systemctl::default().run(&words).await?;
    }
    if settled.units {
        Systemctl::default().run(&["daemon-reload"]).await?;
    }
    make_databases(&prepared).await?;
    let outdated = outdated(&prepared, &settled.environments, &programs).await?;
    // The target first: what does not run is started once, with its new settings.
    Systemctl::default().start(TARGET).await?;
    for name in &outdated {
        say!("  {name} was out of date and is started again");
        Systemctl::default().restart(&unit_name(name)).await?;
    }
    ready::wait(Units::of(&prepared, &helm_probe(&prepared)?).await?).await?;
    Ok(Brought { prepared, outdated })
}

async fn prepare(layout: &Layout, given: &Given, operator: &Operator) -> Result<Prepared> {
    let (layout, given, operator) = (layout.clone(), given.clone(), operator.clone());
    tokio::task::spawn_blocking(move || suite::prepare(&layout, &given, &operator)).await?
}

/// What root hands the units. What does not count of the shell is not left out silently.
pub(in crate::cli) fn settings(layout: &Layout) -> Result<Operator> {
    for name in operator::without_effect(layout)? {
        eprintln!(
            "helm: {name} does not count here, since systemd knows no shell: write it into {}",
            layout.settings_file().display()
        );
    }
    operator::for_units(layout)
}

/// A service must find its database when it starts.
async fn make_databases(prepared: &Prepared) -> Result<()> {
    if prepared.servers.cluster.is_some() {
        Systemctl::default().start(&unit_name(suite::POSTGRESQL)).await?;
    }
    let started = Instant::now();
    loop {
        match prepared.databases.make(&prepared.secrets).await {
            Ok(()) => return Ok(()),
            Err(error) if started.elapsed() > START_PATIENCE => return Err(error),
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// What runs with other settings or another program than it would be started with now, in start order, Helm first.
async fn outdated(prepared: &Prepared, changed: &[String], programs: &Path) -> Result<Vec<String>> {
    let services = prepared.units.iter().filter(|unit| unit.kind == UnitKind::Service);
    let mut outdated = Vec::new();
    let all = [("helm".to_owned(), programs.join("helm"))]
        .into_iter()
        .chain(services.map(|unit| (unit.name.clone(), unit.program.clone())));
    for (name, program) in all {
        let shown = Systemctl::default().show_one(&unit_name(&name)).await?;
        let Some(pid) = shown.pid else { continue };
        if changed.contains(&name) || runs_another(pid, &program) {
            outdated.push(name);
        }
    }
    Ok(outdated)
}

/// Whether a process was started from another file than lies there now.
fn runs_another(pid: i32, program: &Path) -> bool {
    let file = |path: &Path| std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    let (running, now) = (file(Path::new(&format!("/proc/{pid}/exe"))), file(program));
    running.is_some() && running != now
}

/// The units, and Helm first: each is asked by itself, since Helm may not know them yet.
struct Units<'a> {
    probes: Vec<(&'a str, &'a Probe)>,
    ready: BTreeSet<&'a str>,
    crashes: Crashes,
}

impl<'a> Units<'a> {
    async fn of(prepared: &'a Prepared, helm: &'a Probe) -> Result<Self> {
        let units = prepared.units.iter().map(|unit| (unit.name.as_str(), &unit.ready));
        let probes: Vec<(&str, &Probe)> = [("helm", helm)].into_iter().chain(units).collect();
        let crashes = Crashes::of(probes.iter().map(|(name, _)| *name)).await?;
        Ok(Self { probes, ready: BTreeSet::new(), crashes })
    }
}

impl Watch for Units<'_> {
    const PAUSE: Duration = POLL;

    async fn look(&mut self) -> Result<Look> {
        let mut late = Vec::new();
        for (name, probe) in &self.probes {
            if self.ready.contains(name) {
                continue;
            }
            match probe.ask().await {
                Ok(()) => {
                    self.ready.insert(name);
                }
                Err(reason) => late.push(format!("{name}: {reason} (journalctl -u {})", unit_name(name))),
            }
        }
        let hopeless = !late.is_empty() && self.crashes.are_hopeless(&self.ready).await?;
        Ok(Look { ready: self.ready.iter().map(|name| (*name).to_owned()).collect(), late, hopeless })
    }
}

/// A unit that crashes again and again, or that systemd has given up, does not come up by waiting.
struct Crashes {
    units: Vec<String>,
    restarts: Vec<u32>,
    down: Vec<u32>,
    looked: Instant,
}

impl Crashes {
    async fn of(names: impl Iterator<Item = &str>) -> Result<Self> {
        let units: Vec<String> = names.map(unit_name).collect();
        let shown = Systemctl::default().show(&units).await?;
        let restarts = shown.iter().map(|shown| shown.restarts).collect();
        Ok(Self { down: vec![0; units.len()], units, restarts, looked: Instant::now() })
    }

    async fn are_hopeless(&mut self, ready: &BTreeSet<&str>) -> Result<bool> {
        if self.looked.elapsed() < Duration::from_secs(1) {
            return Ok(false);
        }
        self.looked = Instant::now();
        let shown = Systemctl::default().show(&self.units).await?;
        let mut hopeless = false;
        for ((shown, before), down) in shown.iter().zip(&self.restarts).zip(&mut self.down) {
            // For a moment a unit may be down, on its way to another start.
            *down = if shown.phase() == Phase::Stopped { *down + 1 } else { 0 };
            let is_ready = ready.iter().any(|name| unit_name(name) == shown.id);
            hopeless |= !is_ready && (*down >= GIVEN_UP || shown.restarts >= before + CRASHES);
        }
        Ok(hopeless)
    }
}
