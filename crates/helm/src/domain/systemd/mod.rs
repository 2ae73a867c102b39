//! The suite as systemd knows it (helm.md §11): one target, one hardened unit per service, timers. Everything is generated
//! from the registry, so that a service of the registry has its unit.

mod companions;
pub mod environment;
mod hardening;
pub mod show;
mod text;

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    time::Duration,
};

pub use self::companions::{polkit_rule, sysusers};
use self::{hardening::Hardening, text::UnitText};
use super::{
    backup::parts::RESTORE_FOLDER,
    registry::{HelmEntry, NEO4J, Registry},
};

/// The target that stands for the whole suite.
pub const TARGET: &str = "hivematrix.target";
/// The timers, which are enabled beside the target, and come and go with it: on a suite that is down no job can succeed.
pub const TIMERS: [&str; 3] =
    ["hivematrix-backup.timer", "hivematrix-log-retention.timer", "hivematrix-audit.timer"];

/// As long as a job of a timer may take.
const JOB_HOURS: u64 = 4;
/// The same: a job that knows its time ends before it is ended.
pub const JOB_TIME: Duration = Duration::from_secs(JOB_HOURS * 60 * 60);
/// Whoever waits for such a job leaves its end to systemd.
pub const JOB_PATIENCE: Duration = Duration::from_secs(JOB_TIME.as_secs() + 300);

/// As long as a unit may take to stop: PostgreSQL, which writes everything; none has longer.
pub const LONGEST_STOP: Duration = Duration::from_secs(120);

/// Where the parts of an installed suite lie.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Places {
    /// The programs.
    pub programs: PathBuf,
    /// The instance directory.
    pub home: PathBuf,
    /// The environment files of the units.
    pub settings: PathBuf,
    /// Where backups go.
    pub backups: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            programs: "/usr/lib/hivematrix".into(),
            home: "/var/lib/hivematrix".into(),
            settings: "/etc/hivematrix".into(),
            backups: "/var/backups/hivematrix".into(),
        }
    }
}

/// A server of the suite's own: how it is started.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ServerCommand {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The one folder it writes to.
    pub folder: PathBuf,
    /// Where it listens.
    pub port: u16,
}

/// The servers that the suite runs itself; on others it is only a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnServers {
    /// The private PostgreSQL.
    pub postgresql: Option<ServerCommand>,
    /// The private Redis.
    pub redis: Option<ServerCommand>,
    /// The private Neo4j.
    #[serde(default)]
    pub neo4j: Option<ServerCommand>,
}

impl OwnServers {
    fn iter(&self) -> impl Iterator<Item = (&'static str, &ServerCommand)> {
        [("postgresql", &self.postgresql), ("redis", &self.redis), ("neo4j", &self.neo4j)]
            .into_iter()
            .filter_map(|(name, command)| Some((name, command.as_ref()?)))
    }
}

/// One file of the unit directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// The account of a service or server.
#[must_use]
pub fn account(name: &str) -> String {
    format!("hivematrix-{name}")
}

/// The unit of a service or server.
#[must_use]
pub fn unit_name(name: &str) -> String {
    format!("hivematrix-{name}.service")
}

/// Whether a unit is one of those that a timer starts.
#[must_use]
pub fn is_job(unit: &str) -> bool {
    TIMERS.iter().any(|timer| timer.strip_suffix(".timer") == unit.strip_suffix(".service"))
}

/// The environment file of a service.
#[must_use]
pub fn environment_path(places: &Places, service: &str) -> PathBuf {
    places.settings.join(format!("{service}.env"))
}

/// Whether the units would not see a folder: they have a `/tmp` of their own and no home folders.
#[must_use]
pub fn is_hidden(folder: &Path) -> bool {
    ["/home", "/root", "/run/user", "/tmp", "/var/tmp"].iter().any(|hidden| folder.starts_with(hidden))
}

/// The services of the registry that run on this machine, Helm first.
fn local(registry: &Registry) -> Vec<(&str, &HelmEntry)> {
    let entry = |name| registry.get(name).filter(|entry| !entry.is_remote()).map(|entry| (name, entry));
    registry.start_sequence().into_iter().filter_map(entry).collect()
}

/// All accounts: of the servers and the services. The jobs are Helm's.
#[must_use]
pub fn accounts(registry: &Registry) -> Vec<String> {
    let services = local(registry).into_iter().map(|(name, _)| name);
    ["postgresql", "redis", NEO4J].into_iter().chain(services).map(account).collect()
}

/// All units of a suite.
#[must_use]
pub fn unit_files(registry: &Registry, servers: &OwnServers, places: &Places) -> Vec<UnitFile> {
    let local = local(registry);
    let mut files = vec![target(&local, servers)];
    let ports = ports(&local, servers);
    files.extend(servers.iter().map(|(name, command)| server(name, command, places, &ports)));
    files.extend(local.iter().map(|(name, entry)| service(registry, name, entry, places, &ports)));
    files.extend(jobs(places));
    files
}

fn file(name: impl Into<String>, text: UnitText) -> UnitFile {
    UnitFile { name: name.into(), text: text.finish() }
}

fn target(local: &[(&str, &HelmEntry)], servers: &OwnServers) -> UnitFile {
    let mut text = UnitText::new("HiveMatrix");
    for name in servers.iter().map(|(name, _)| name).chain(local.iter().map(|(name, _)| *name)) {
        text.set("Wants", unit_name(name));
    }
    text.section("Install").set("WantedBy", "multi-user.target");
    file(TARGET, text)
}

/// What units of services and servers have in common: they belong to the target and never stay down by themselves, but
/// nothing starts on half of each state: `helm up` first ends a restore that was broken off.
fn member(title: &str, places: &Places) -> UnitText {
    let mut text = UnitText::new(&format!("HiveMatrix {title}"));
    let restore = places.home.join("helm").join(RESTORE_FOLDER);
    text.set("ConditionPathExists", format!("!{}", restore.display()));
    text.set("PartOf", TARGET).set("StartLimitIntervalSec", "0");
    text
}

fn run(text: &mut UnitText, account: &str, command: &str) {
    text.section("Service").set("Type", "exec").set("User", account).set("Group", account);
    text.set("ExecStart", command).set("Restart", "always").set("RestartSec", "1");
}

/// Where everything of the suite listens.
fn ports<'a>(local: &[(&'a str, &HelmEntry)], servers: &OwnServers) -> BTreeMap<u16, &'a str> {
    let services = local.iter().map(|(name, entry)| (entry.service.port, *name));
    services.chain(servers.iter().map(|(name, command)| (command.port, name))).collect()
}

/// Whoever is taken over must not take the place of another one that is down: it would be given the passwords that are meant
/// for that one.
fn keep_off(text: &mut UnitText, name: &str, ports: &BTreeMap<u16, &str>) {
    for (port, _) in ports.iter().filter(|(_, owner)| **owner != name) {
        text.set("SocketBindDeny", format!("tcp:{port}"));
    }
}

fn server(name: &str, command: &ServerCommand, places: &Places, ports: &BTreeMap<u16, &str>) -> UnitFile {
    let title = match name {
        "redis" => "Redis",
        NEO4J => "Neo4j",
        _ => "PostgreSQL",
    };
    let mut text = member(title, places);
    text.set("After", "network.target");
    run(&mut text, &account(name), &text::command(&command.program, &command.args));
    if name == "postgresql" {
        // Fast shutdown: connections are closed, everything is written. Its children get the signal from the server.
        text.set("KillSignal", "SIGINT").set("KillMode", "mixed");
        text.set("TimeoutStopSec", LONGEST_STOP.as_secs().to_string());
    }
    if name == NEO4J {
        // Everything is written to its place. That is how Java says that it was ended by a signal.
        text.set("TimeoutStopSec", "60").set("SuccessExitStatus", "143");
    }
    text.set_text("WorkingDirectory", command.folder.display());
    text.set_text("ReadWritePaths", command.folder.display());
    text.set("IPAddressDeny", "any").set("IPAddressAllow", "localhost");
    keep_off(&mut text, name, ports);
    let hardening = if name == NEO4J { Hardening::interpreter() } else { Hardening::server() };
    hardening.write(&mut text);
    file(unit_name(name), text)
}

fn service(
    registry: &Registry,
    name: &str,
    entry: &HelmEntry,
    places: &Places,
    ports: &BTreeMap<u16, &str>,
) -> UnitFile {
    let mut text = member(&entry.service.title, places);
    text.set("Wants", "network-online.target").set("After", "network-online.target");
    for server in &entry.servers {
        // The suite's own server or the machine's: an order among units that are not there means nothing.
        let machine = if server == "redis" { "redis-server" } else { server.as_str() };
        text.set("After", format!("{} {machine}.service", unit_name(server)));
    }
    let before: Vec<String> = registry
        .predecessors(name)
        .iter()
        .filter(|other| registry.get(other).is_some_and(|entry| !entry.is_remote()))
        .map(|other| unit_name(other))
        .collect();
    if !before.is_empty() {
        text.set("After", before.join(" "));
    }
    let folder = normal(&places.home.join(&entry.path));
    let (program, words) = match (entry.foreign_command(&folder), name) {
        (Some(foreign), _) => foreign,
        (None, "helm") => (places.programs.join("helm"), vec!["serve".to_owned()]),
        (None, _) => (places.programs.join(format!("hivematrix-{name}")), Vec::new()),
    };
    run(&mut text, &account(name), &text::command(&program, &words));
    text.set_text("EnvironmentFile", environment_path(places, name).display());
    text.set_text("WorkingDirectory", folder.display());
    text.set_text("ReadWritePaths", if name == "helm" { places.home.display() } else { folder.display() });
    text.set("TimeoutStopSec", "30").set("LimitNOFILE", "65536");
    keep_off(&mut text, name, ports);
    let hardening = match (name, &entry.start_command) {
        ("helm", _) => Hardening::watcher(),
        ("nexus", _) => Hardening::with(&["CAP_NET_BIND_SERVICE"]),
        (_, Some(_)) => Hardening::interpreter(),
        _ => Hardening::default(),
    };
    hardening.write(&mut text);
    file(unit_name(name), text)
}

/// Without `..`, which systemd does not take in a path.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// A job that a timer starts.
struct Job<'a> {
    name: &'a str,
    title: &'a str,
    words: Vec<String>,
    time: &'a str,
    writes: &'a [&'a Path],
    hardening: Hardening,
}

fn jobs(places: &Places) -> Vec<UnitFile> {
    let backups = places.backups.display().to_string();
    let jobs = [
        Job {
            name: "backup",
            title: "backup",
            words: vec!["backup".to_owned(), backups],
            time: "02:00",
            writes: &[places.home.as_path(), places.backups.as_path()],
            // It reads what belongs to every service; what it writes, archives and its notes, belongs to Helm.
            hardening: Hardening::with(&["CAP_DAC_READ_SEARCH"]),
        },
        Job {
            name: "log-retention",
            title: "log retention",
            words: vec!["cleanup-logs".to_owned()],
            time: "03:00",
            writes: &[],
            hardening: Hardening::default(),
        },
        Job {
            name: "audit",
            title: "security audit",
            words: vec!["audit".to_owned()],
            time: "04:00",
            writes: &[],
            // Whose process listens on a port, how files are closed, and what the firewall lets through.
            hardening: Hardening::auditor(),
        },
    ];
    jobs.iter().flat_map(|job| [job_service(job, places), timer(job)]).collect()
}

fn job_service(job: &Job<'_>, places: &Places) -> UnitFile {
    let mut text = UnitText::new(&format!("HiveMatrix {}", job.title));
    // One that is made up for at boot finds the whole suite.
    text.set("After", TARGET);
    let account = account("helm");
    text.section("Service").set("Type", "oneshot").set("User", &account).set("Group", &account);
    text.set("ExecStart", text::command(&places.programs.join("helm"), &job.words));
    text.set("Environment", format!("HIVEMATRIX_HOME={}", places.home.display()));
    text.set_text("WorkingDirectory", places.home.display());
    for folder in job.writes {
        text.set_text("ReadWritePaths", folder.display());
    }
    text.set("TimeoutStartSec", format!("{JOB_HOURS}h")).set("Nice", "10").set("IOSchedulingClass", "idle");
    job.hardening.write(&mut text);
    file(unit_name(job.name), text)
}

fn timer(job: &Job<'_>) -> UnitFile {
    let mut text = UnitText::new(&format!("HiveMatrix {} every day at {}", job.title, job.time));
    text.set("PartOf", TARGET);
    text.section("Timer").set("OnCalendar", format!("*-*-* {}:00", job.time)).set("Persistent", "true");
    text.section("Install").set("WantedBy", TARGET);
    file(format!("hivematrix-{}.timer", job.name), text)
}

#[cfg(test)]
mod tests;
