//! From an instance directory to the list of processes to supervise. Preparing is idempotent: both `helm up` (to show
//! what goes wrong) and the daemon (to know what to run) do it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures::FutureExt;
use nix::sys::signal::Signal;

use crate::{
    domain::{
        child_env::{self, Suite},
        ports,
        registry::{Addressing, HelmEntry, Registry},
        secrets::Secrets,
        status::UnitKind,
    },
    instance::{
        Layout,
        databases::{self, Databases},
        files,
        options::{Given, Options},
        postgres::{self, Cluster},
        redis::{self, Server},
        registry, secrets,
    },
    supervisor::{
        probe::{Probe, local_client},
        spec::{Timing, UnitSpec},
    },
};

/// Unit names of the servers and the helper; no service may have one of them.
pub const POSTGRESQL: &str = "postgresql";
/// See [`POSTGRESQL`].
pub const REDIS: &str = "redis";
/// See [`POSTGRESQL`].
pub const SIMULATOR: &str = "simulator";

/// The program of the simulated vendors.
const SIMULATOR_PROGRAM: &str = "hivematrix-simulators";

/// An instance that is ready to be run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Where it lies.
    pub layout: Layout,
    /// What it was told.
    pub options: Options,
    /// Its registry.
    pub registry: Registry,
    /// Its secrets.
    pub secrets: Secrets,
    /// Where its services keep their data.
    pub databases: Databases,
    /// Everything to supervise, in start order.
    pub units: Vec<UnitSpec>,
    /// The generated first password of `admin`, as long as nobody has been shown it.
    pub unseen_admin_password: Option<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The gateway's address.
    pub public_url: Option<String>,
}

/// The variables of this process that mean something to the suite.
///
/// # Errors
/// When the registry cannot be read.
pub fn operator_variables(layout: &Layout) -> Result<BTreeMap<String, String>> {
    let authority = registry::authority(layout)?;
    let services: Vec<&str> =
        authority.core_apps.keys().chain(authority.default_apps.keys()).map(String::as_str).collect();
    Ok(std::env::vars().filter(|(name, _)| child_env::is_operator_variable(name, &services)).collect())
}

/// The folder of this program: the others lie beside it.
///
/// # Errors
/// When the kernel does not say where this program lies.
pub fn programs() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    program.parent().map(Path::to_owned).context("this program lies nowhere")
}

/// Prepares the instance: folders, options, secrets, registries, servers.
///
/// # Errors
/// In words, naming the part that failed.
pub fn prepare(layout: &Layout, given: &Given, operator: &BTreeMap<String, String>) -> Result<Prepared> {
    files::private_dir(layout.home())?;
    for folder in ["helm", "core"] {
        files::private_dir(&layout.folder(folder))?;
    }
    let lock = files::FileLock::take(&layout.prepare_lock())?;
    let programs = programs()?;
    let mut options = Options::read(layout)?.with(given)?;
    options.admin_password_given |=
        operator.get("HIVEMATRIX_ADMIN_PASSWORD").is_some_and(|password| !password.is_empty());
    options.write(layout)?;
    let addressing = Addressing { offset: options.port_offset, gateway_port: options.gateway_port };
    let registry = registry::generate(layout, addressing, &programs)?;
    if let Some(name) = registry.names().find(|name| [POSTGRESQL, REDIS, SIMULATOR].contains(name)) {
        bail!("a service must not be called {name}");
    }
    for name in registry.names() {
        files::private_dir(&layout.folder(name))?;
    }
    let secrets = secrets::ensure(layout, registry.names())?;
    let unseen_admin_password = if options.admin_password_given {
        None
    } else {
        Some(secrets::ensure_admin_password(layout)?).filter(|_| !options.admin_password_shown)
    };
    let mut warnings = Vec::new();
    let servers = Servers::prepare(layout, &registry, &secrets, &options, operator, &mut warnings)?;
    registry::write(layout, &registry)?;
    let suite = Suite {
        home: layout.home().to_owned(),
        services_file: layout.services_json(),
        port_offset: options.port_offset,
        registry: registry.clone(),
        secrets: secrets.clone(),
        database_urls: servers.databases.urls.clone(),
        redis_url: servers.redis_url.clone(),
        hostname: hostname(),
        service_secrets_file: layout.service_secrets(),
        admin_password_file: (!options.admin_password_given).then(|| layout.admin_password()),
        simulator: simulator_address(&options, &secrets)?,
        operator: operator.clone(),
    };
    let units = Units { layout, programs: &programs, options: &options, suite: &suite, servers: &servers };
    let units = units.all()?;
    drop(lock);
    Ok(Prepared {
        layout: layout.clone(),
        options,
        public_url: registry.get("nexus").map(|nexus| nexus.service.url.clone()),
        registry,
        secrets,
        databases: servers.databases,
        units,
        unseen_admin_password,
        warnings,
    })
}

/// The servers of the suite, run by Helm or given.
struct Servers {
    cluster: Option<Cluster>,
    redis: Option<Server>,
    redis_url: Option<String>,
    databases: Databases,
}

impl Servers {
    fn prepare(
        layout: &Layout,
        registry: &Registry,
        secrets: &Secrets,
        options: &Options,
        operator: &BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let cluster = if databases::private_cluster_needed(layout, registry, operator)? {
            let port = ports::shifted(ports::POSTGRES, options.port_offset)?;
            Some(postgres::prepare(layout, port, &secrets.postgres_password)?)
        } else {
            None
        };
        let admin_url =
            cluster.as_ref().map(|c| &c.admin_url).or_else(|| operator.get("HIVEMATRIX_DATABASE_URL"));
        let databases = match admin_url {
            Some(url) => Databases::settle(layout, registry, secrets, operator, url)?,
            None => Databases::given(layout, registry, operator)?,
        };
        let given = operator.get("REDIS_URL").filter(|url| !url.is_empty()).cloned();
        let needed = registry.iter().any(|(_, entry)| entry.needs_redis() && !entry.is_remote());
        let redis = if given.is_none() && needed {
            let port = ports::shifted(ports::REDIS, options.port_offset)?;
            let server = redis::prepare(layout, port, &secrets.redis_password)?;
            if server.is_none() {
                warnings.push(
                    "Redis is not installed: sessions are kept in memory and end when Core is restarted"
                        .into(),
                );
            }
            server
        } else {
            None
        };
        let redis_url = given.or_else(|| redis.as_ref().map(|server| server.url.clone()));
        Ok(Self { cluster, redis, redis_url, databases })
    }
}

/// Makes the specs of all units.
struct Units<'a> {
    layout: &'a Layout,
    programs: &'a Path,
    options: &'a Options,
    suite: &'a Suite,
    servers: &'a Servers,
}

impl Units<'_> {
    fn all(&self) -> Result<Vec<UnitSpec>> {
        let client = local_client().context("cannot set up TLS")?;
        let mut units = Vec::new();
        units.extend(self.servers.cluster.as_ref().map(|cluster| self.postgres(cluster)));
        units.extend(self.servers.redis.as_ref().map(|server| self.redis(server)));
        units.extend(self.simulator(&client)?);
        let registry = &self.suite.registry;
        for name in registry.start_sequence() {
            let Some(entry) = registry.get(name).filter(|entry| name != "helm" && !entry.is_remote()) else {
                continue;
            };
            units.push(self.service(name, entry, &client)?);
        }
        Ok(units)
    }

    fn postgres(&self, cluster: &Cluster) -> UnitSpec {
        let databases = Arc::new(self.servers.databases.clone());
        let secrets = Arc::new(self.suite.secrets.clone());
        // Ready means that every service finds its database.
        let make_databases = Probe::Custom(Arc::new(move || {
            let (databases, secrets) = (databases.clone(), secrets.clone());
            async move { databases.make(&secrets).await.map_err(|error| format!("{error:#}")) }.boxed()
        }));
        UnitSpec {
            kind: UnitKind::Server,
            program: cluster.program.clone(),
            args: cluster.args.clone(),
            directory: cluster.data.clone(),
            account: cluster.account,
            port: ports::shifted(ports::POSTGRES, self.options.port_offset).ok(),
            ready: make_databases,
            health: Some(Probe::Postgres(cluster.admin_url.clone())),
            timing: Timing {
                // Fast shutdown: connections are closed, everything is written. Its children get it from the server.
                stop_signal: Signal::SIGINT,
                stop_group: false,
                ready_deadline: Duration::from_secs(60),
                ..Timing::default()
            },
            ..self.server(POSTGRESQL)
        }
    }

    fn redis(&self, server: &Server) -> UnitSpec {
        let port = ports::shifted(ports::REDIS, self.options.port_offset).unwrap_or(ports::REDIS);
        let probe = Probe::Redis { port, password: self.suite.secrets.redis_password.clone() };
        UnitSpec {
            program: server.program.clone(),
            args: vec![server.config.display().to_string()],
            directory: server.folder.clone(),
            account: server.account,
            port: Some(port),
            ready: probe.clone(),
            health: Some(probe),
            ..self.server(REDIS)
        }
    }

    /// What all servers have in common.
    fn server(&self, name: &str) -> UnitSpec {
        UnitSpec {
            name: name.to_owned(),
            kind: UnitKind::Server,
            program: PathBuf::new(),
            args: Vec::new(),
            env: BTreeMap::from([
                ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
                ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ]),
            directory: self.layout.home().to_owned(),
            account: None,
            // Not in the server's own folder: that belongs to another account, and this process writes the logs.
            logs: self.layout.logs("helm"),
            after: Vec::new(),
            port: None,
            url: None,
            ready: Probe::Running,
            alive: None,
            health: None,
            timing: Timing::default(),
        }
    }

    fn simulator(&self, client: &reqwest::Client) -> Result<Option<UnitSpec>> {
        let (Some(demo), Some((url, key))) = (&self.options.demo, &self.suite.simulator) else {
            return Ok(None);
        };
        let program = self.programs.join(SIMULATOR_PROGRAM);
        if !program.is_file() {
            bail!("the demo needs {SIMULATOR_PROGRAM} beside helm");
        }
        let port = ports::shifted(ports::SIMULATOR, self.options.port_offset)?;
        let mut args: Vec<String> =
            ["freshservice", "--live", "--size", &demo.size, "--port", &port.to_string()]
                .map(str::to_owned)
                .into();
        for (flag, number) in [("--active", demo.active), ("--companies", demo.companies)] {
            if let Some(number) = number {
                args.extend([flag.to_owned(), number.to_string()]);
            }
        }
        let folder = self.layout.folder(SIMULATOR);
        files::private_dir(&folder)?;
        let mut spec = self.server(SIMULATOR);
        spec.env.insert("FRESHSERVICE_API_KEY".to_owned(), key.clone());
        let probe = Probe::Http { client: client.clone(), url: format!("http://127.0.0.1:{port}/livez") };
        Ok(Some(UnitSpec {
            kind: UnitKind::Helper,
            program,
            args,
            directory: folder,
            logs: self.layout.logs(SIMULATOR),
            port: Some(port),
            url: Some(url.clone()),
            ready: probe.clone(),
            alive: Some(probe.clone()),
            health: Some(probe),
            ..spec
        }))
    }

    fn service(&self, name: &str, entry: &HelmEntry, client: &reqwest::Client) -> Result<UnitSpec> {
        let directory = self.layout.home().join(&entry.path);
        let (program, args) = match &entry.start_command {
            Some(command) => foreign_command(command, &directory)?,
            None => (self.programs.join(format!("hivematrix-{name}")), Vec::new()),
        };
        let port = entry.service.port;
        let scheme = if entry.service.url.starts_with("https:") { "https" } else { "http" };
        // Not the registry's `localhost`: resolving it may try an address first on which nothing of ours listens.
        let probe = |path: &str| Probe::Http {
            client: client.clone(),
            url: format!("{scheme}://127.0.0.1:{port}{path}"),
        };
        let (ready, alive) = if entry.start_command.is_some() {
            let url = format!("{scheme}://127.0.0.1:{port}/health");
            (Probe::UpstreamHealth { client: client.clone(), url }, None)
        } else {
            (probe("/readyz"), Some(probe("/livez")))
        };
        let mut after: Vec<String> =
            self.suite.registry.predecessors(name).into_iter().filter(|before| before != "helm").collect();
        let servers = [
            (POSTGRESQL, self.servers.cluster.is_some() && entry.needs_database()),
            (REDIS, self.servers.redis.is_some() && entry.needs_redis()),
            (SIMULATOR, self.options.demo.is_some() && name == "codex"),
        ];
        after.extend(servers.into_iter().filter(|(_, is)| *is).map(|(server, _)| server.to_owned()));
        Ok(UnitSpec {
            name: name.to_owned(),
            kind: UnitKind::Service,
            program,
            args,
            env: self.suite.environment(name, entry),
            directory,
            account: None,
            logs: self.layout.logs(name),
            after,
            port: Some(port),
            url: Some(entry.service.url.clone()),
            ready,
            alive,
            health: None,
            timing: Timing::default(),
        })
    }
}

/// A foreign service's command: words, the program relative to its folder (`pyenv/bin/python run.py`).
fn foreign_command(command: &str, directory: &Path) -> Result<(PathBuf, Vec<String>)> {
    let mut words = command.split_whitespace();
    let program = words.next().context("start_command is empty")?;
    let program = if program.contains('/') { directory.join(program) } else { PathBuf::from(program) };
    Ok((program, words.map(str::to_owned).collect()))
}

fn simulator_address(options: &Options, secrets: &Secrets) -> Result<Option<(String, String)>> {
    if options.demo.is_none() {
        return Ok(None);
    }
    let port = ports::shifted(ports::SIMULATOR, options.port_offset)?;
    Ok(Some((format!("http://127.0.0.1:{port}"), secrets.simulator_api_key.clone())))
}

/// The name under which the machine may be reached, when it is a plain one.
fn hostname() -> Option<String> {
    let name = sysinfo::System::host_name().ok()?.to_ascii_lowercase();
    let plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (plain && name != "localhost").then_some(name)
}
