//! What can be done while no daemon runs, because it was killed: look at what it left running, and stop it.

use std::fs;

use anyhow::{Result, bail};
use hivematrix_shared::clock::Clock;

use crate::{
    daemon,
    domain::status::UnitKind,
    instance::{Layout, files, operator, options::Given},
    suite,
    supervisor::{Supervisor, record::Records},
};

/// A process that a daemon left running.
#[derive(Debug, Clone)]
pub(super) struct LeftRunning {
    /// Name of its unit.
    pub name: String,
    /// Process id.
    pub pid: i32,
    /// Seconds since its start.
    pub uptime: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
}

/// The processes of the instance that still run.
pub(super) fn left_running(layout: &Layout) -> Result<Vec<LeftRunning>> {
    let Ok(entries) = fs::read_dir(layout.run()) else { return Ok(Vec::new()) };
    let records = Records::open(layout.run())?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names
        .into_iter()
        .filter_map(|name| {
            let identity = records.living(&name)?.identity;
            Some(LeftRunning {
                name,
                pid: identity.pid,
                uptime: identity.age_seconds(),
                memory: identity.usage().map(|usage| usage.memory),
            })
        })
        .collect())
}

/// Adopts what a killed daemon left running and stops it in order; false when nothing runs. Either way what the suite was
/// brought up with is forgotten.
pub(super) async fn stop_everything(layout: &Layout) -> Result<bool> {
    if !layout.folder("helm").is_dir() {
        return Ok(false);
    }
    let lock = files::FileLock::take_within(&layout.daemon_lock(), daemon::DYING).await?;
    let Some(_lock) = lock else {
        bail!("a daemon holds the instance and does not answer");
    };
    if left_running(layout)?.is_empty() {
        operator::forget(layout)?;
        return Ok(false);
    }
    let operator = operator::of_suite(layout)?;
    let prepared = suite::prepare(layout, &Given::default(), &operator)?;
    let supervisor = Supervisor::new(layout, Clock::system())?;
    for spec in prepared.units {
        supervisor.add(spec);
    }
    supervisor.stop_all(&[UnitKind::Service, UnitKind::Helper]).await;
    supervisor.stop_all(&[UnitKind::Server]).await;
    operator::forget(layout)?;
    Ok(true)
}
