//! Ports: taken by a stranger, or by the suite itself; and whether the daemon that holds the instance answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::Result;

use super::Case;
use crate::{
    clients::systemctl::Systemctl,
    control::{client::ask, protocol::Request},
    daemon::DYING,
    domain::{doctor::Finding, neo4j_in_use::neo4j_in_use, ports, sockets, systemd},
    instance::{databases, files::FileLock, neo4j},
    suite,
    supervisor::record::Records,
};

pub(super) async fn examine(case: &Case) -> Result<Vec<Finding>> {
    let reply = tokio::time::timeout(DYING * 2, ask(&case.layout, &Request::Status { fresh: false })).await;
    let answered = matches!(reply, Ok(Ok(Some(_))));
    let mut ours: BTreeSet<i32> = match reply {
        Ok(Ok(Some(reply))) => reply.units.iter().filter_map(|unit| unit.pid).collect(),
        _ => BTreeSet::new(),
    };
    ours.extend(recorded(case).await);
    let mut findings: Vec<Finding> = daemon(case, answered, &mut ours).into_iter().collect();
    let holders = holders();
    for (name, port) in wanted(case)? {
        let Some(holder) = holders.get(&port) else {
            findings.push(Finding::ok("port", format!("{port} is free for {name}")));
            continue;
        };
        findings.push(match holder {
            Some((pid, _)) if ours.contains(pid) => Finding::ok("port", format!("{port} is {name}'s")),
            Some((pid, program)) => Finding::problem(
                "port",
                format!("{port}, the port of {name}, is taken by {program} (process {pid})"),
                format!("{name} cannot start"),
                format!("kill {pid} if nobody needs it; HIVEMATRIX_PORT_OFFSET=1000 moves the suite's ports"),
            ),
            None if answered => Finding::ok("port", format!("{port} is in use, by {name} as it seems")),
            None => Finding::problem(
                "port",
                format!("{port}, the port of {name}, is taken by a process of another account"),
                format!("{name} cannot start"),
                format!("sudo ss -tlnp 'sport = :{port}' names it; HIVEMATRIX_PORT_OFFSET=1000 moves the suite's ports"),
            ),
        });
    }
    Ok(findings)
}

/// A daemon that holds the instance must answer.
fn daemon(case: &Case, answered: bool, ours: &mut BTreeSet<i32>) -> Option<Finding> {
    let lock = case.layout.daemon_lock();
    let pid: Option<i32> = fs::read_to_string(&lock).ok().and_then(|text| text.trim().parse().ok());
    let held = lock.exists() && matches!(FileLock::try_take(&lock), Ok(None));
    if held {
        ours.extend(pid);
    }
    (held && !answered).then(|| {
        let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        Finding::problem(
            "locks",
            format!("Helm's daemon (process {pid}) holds the instance and does not answer"),
            "as long as it lives, no other can take its place",
            format!("kill {pid}; then `helm up`, which takes over what still runs"),
        )
    })
}

/// Processes that Helm or systemd started.
async fn recorded(case: &Case) -> Vec<i32> {
    if case.installation.is_some() {
        let names = case.registry.names().chain([suite::POSTGRESQL, suite::REDIS, suite::NEO4J]);
        let units: Vec<String> = names.map(systemd::unit_name).collect();
        let shown = Systemctl::default().show(&units).await.unwrap_or_default();
        return shown.iter().filter_map(|shown| shown.pid).collect();
    }
    if !case.layout.run().exists() {
        return Vec::new();
    }
    let Ok(records) = Records::open(case.layout.run()) else { return Vec::new() };
    let entries = fs::read_dir(case.layout.run()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    names.filter_map(|name| records.living(&name)).map(|record| record.identity.pid).collect()
}

/// The ports of this suite, by what needs them.
fn wanted(case: &Case) -> Result<Vec<(String, u16)>> {
    let services = case.registry.iter().filter(|(_, entry)| !entry.is_remote());
    let mut wanted: Vec<(String, u16)> =
        services.map(|(name, entry)| (name.to_owned(), entry.service.port)).collect();
    let offset = case.options.port_offset;
    if databases::private_cluster_needed(&case.layout, &case.registry, &case.operator).unwrap_or(false) {
        wanted.push((suite::POSTGRESQL.to_owned(), ports::shifted(ports::POSTGRES, offset)?));
    }
    if case.operator.redis().is_none() {
        wanted.push((suite::REDIS.to_owned(), ports::shifted(ports::REDIS, offset)?));
    }
    let neo4j = ports::shifted(ports::NEO4J, offset)?;
    if neo4j_in_use(&case.config(), &case.operator).is_some_and(|place| neo4j::is_own(&place, neo4j)) {
        wanted.push((suite::NEO4J.to_owned(), neo4j));
    }
    Ok(wanted)
}

/// Who listens on which port: process and program, or none where another account's process cannot be seen.
fn holders() -> BTreeMap<u16, Option<(i32, String)>> {
    let mut listeners = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        listeners.extend(sockets::listening(&fs::read_to_string(table).unwrap_or_default()));
    }
    let wanted: BTreeSet<u64> = listeners.iter().map(|listener| listener.inode).collect();
    let owners = owners(&wanted);
    let mut holders = BTreeMap::new();
    for listener in listeners {
        let owner = owners.get(&listener.inode).cloned();
        let holder = holders.entry(listener.at.port()).or_insert(None);
        *holder = holder.take().or(owner);
    }
    holders
}

/// The processes that have these sockets open.
fn owners(sockets: &BTreeSet<u64>) -> BTreeMap<u64, (i32, String)> {
    let mut owners = BTreeMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        for target in files.filter_map(|file| fs::read_link(file.path()).ok()) {
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
            let Some(inode) = inode.and_then(|inode| inode.parse().ok()) else { continue };
            if sockets.contains(&inode) {
                let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                // Workers inherit the socket; the first of them is the one to speak to.
                owners.entry(inode).or_insert((pid, program.trim().to_owned()));
            }
        }
    }
    owners
}
