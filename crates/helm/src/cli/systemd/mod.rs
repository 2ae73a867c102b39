//! The commands of the suite where systemd runs it: the same words, carried out by `systemctl`.

mod bring_up;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub(super) use self::bring_up::{bring_up, settings, up};
use super::list::registry_of;
use crate::{
    clients::systemctl::Systemctl,
    control::protocol::Reply,
    domain::{
        registry::Registry,
        status::{Health, Phase, UnitKind, UnitStatus},
        systemd::{LONGEST_STOP, show::Shown, unit_name},
    },
    instance::{Layout, installation::Installation},
    suite,
    supervisor::process::Identity,
};

/// Whoever starts a service waits this long for its process.
const START_PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// Stops everything and waits until it is down. The target alone would do the first half: its stop is over before those of
/// the units that go with it are. The registry is not asked: a suite whose files are damaged can be stopped as well.
pub(super) async fn down(installation: &Installation) -> Result<()> {
    let shown = Systemctl::default().show(&installation.members()).await.context("cannot ask systemd")?;
    // A unit may run whose file is gone.
    let known = shown.iter().filter(|unit| unit.loaded || unit.pid.is_some()).map(|unit| unit.id.as_str());
    let words: Vec<&str> = ["stop"].into_iter().chain(known).collect();
    let Some(units) = u32::try_from(words.len() - 1).ok().filter(|units| *units > 0) else {
        return Ok(());
    };
    // One after another at worst: each waits for those that need it.
    Systemctl::default().patient(LONGEST_STOP * units).run(&words).await?;
    Ok(())
}

/// Starts one service or server.
pub(super) async fn start(layout: &Layout, name: &str) -> Result<Reply> {
    let unit = match known(layout, name).await {
        Ok(unit) => unit,
        Err(error) => return Ok(Reply::failed(format!("{error:#}"))),
    };
    if let Some(pid) = unit.pid {
        return Ok(Reply::failed(format!("Service already running (PID: {pid})")));
    }
    match Systemctl::default().start(&unit.id).await {
        Ok(()) => started(layout, name).await,
        Err(error) => Ok(Reply::failed(format!("{error:#}"))),
    }
}

/// Stops one; it stays down until it is started, or the machine.
pub(super) async fn stop(layout: &Layout, name: &str) -> Result<Reply> {
    let unit = match known(layout, name).await {
        Ok(unit) => unit,
        Err(error) => return Ok(Reply::failed(format!("{error:#}"))),
    };
    if unit.pid.is_none() && unit.phase() == Phase::Stopped {
        return Ok(Reply::done("Service was already stopped"));
    }
    Ok(match Systemctl::default().stop(&unit.id).await {
        Ok(()) => Reply::done("Service stopped successfully"),
        Err(error) => Reply::failed(format!("{error:#}")),
    })
}

/// Stops and starts one.
pub(super) async fn restart(layout: &Layout, name: &str) -> Result<Reply> {
    let unit = match known(layout, name).await {
        Ok(unit) => unit,
        Err(error) => return Ok(Reply::failed(format!("{error:#}"))),
    };
    match Systemctl::default().restart(&unit.id).await {
        Ok(()) => started(layout, name).await,
        Err(error) => Ok(Reply::failed(format!("{error:#}"))),
    }
}

/// The unit of a service; no word of a stranger's ever reaches systemd.
async fn known(layout: &Layout, name: &str) -> Result<Shown> {
    let registry = registry_of(layout)?;
    if registry.get(name).is_none() && ![suite::POSTGRESQL, suite::REDIS, suite::NEO4J].contains(&name) {
        bail!("Service not found");
    }
    let shown = Systemctl::default().show_one(&unit_name(name)).await?;
    if !shown.loaded {
        bail!("systemd knows no unit {}; run `helm up`", unit_name(name));
    }
    Ok(shown)
}

async fn started(layout: &Layout, name: &str) -> Result<Reply> {
    let begun = Instant::now();
    loop {
        let shown = Systemctl::default().show_one(&unit_name(name)).await?;
        match (shown.pid, shown.phase()) {
            (Some(pid), Phase::Starting) => {
                let registry = registry_of(layout)?;
                let port = registry.get(name).map(|entry| entry.service.port);
                return Ok(Reply { pid: Some(pid), port, ..Reply::done("Service started successfully") });
            }
            (None, Phase::Stopped | Phase::Backoff) => {
                let reason = shown.complaint().unwrap_or_else(|| "it ended at once".to_owned());
                return Ok(Reply::failed(format!("Service failed to start: {reason}")));
            }
            _ if begun.elapsed() > START_PATIENCE => {
                return Ok(Reply::failed("Service failed to start. Check logs for details."));
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

/// Everything that belongs to the target, in start order.
fn members(registry: &Registry) -> Vec<(&str, UnitKind)> {
    let services = registry
        .start_sequence()
        .into_iter()
        .filter(|name| registry.get(name).is_some_and(|entry| !entry.is_remote()));
    [suite::POSTGRESQL, suite::REDIS, suite::NEO4J]
        .into_iter()
        .map(|name| (name, UnitKind::Server))
        .chain(services.map(|name| (name, UnitKind::Service)))
        .collect()
}

/// What systemd says of everything, where no daemon answers.
pub(super) async fn statuses(layout: &Layout) -> Result<Vec<UnitStatus>> {
    let registry = registry_of(layout)?;
    let names = members(&registry);
    let units: Vec<String> = names.iter().map(|(name, _)| unit_name(name)).collect();
    let shown = Systemctl::default().show(&units).await.context("cannot ask systemd")?;
    let of = |name: &str| shown.iter().find(|shown| shown.id == unit_name(name));
    Ok(names
        .into_iter()
        .filter_map(|(name, kind)| Some((name, kind, of(name).filter(|shown| shown.loaded)?)))
        .map(|(name, kind, shown)| {
            let entry = registry.get(name).map(|entry| &entry.service);
            let identity = shown.pid.and_then(Identity::of);
            UnitStatus {
                name: name.to_owned(),
                kind,
                // Whether it is ready is for Helm's daemon to ask.
                state: if shown.phase() == Phase::Starting { Phase::Running } else { shown.phase() },
                pid: shown.pid,
                url: entry.map(|entry| entry.url.clone()),
                port: entry.map(|entry| entry.port),
                health: Health::Unknown,
                health_message: "Helm is not running, nobody asks".to_owned(),
                health_latency_ms: None,
                version: None,
                checks: Vec::new(),
                memory: identity.as_ref().and_then(Identity::usage_alone).map(|usage| usage.memory),
                cpu_percent: None,
                uptime: identity.as_ref().and_then(Identity::age_seconds),
                started_at: None,
                restarts: shown.restarts,
                last_error: shown.complaint(),
            }
        })
        .collect())
}
