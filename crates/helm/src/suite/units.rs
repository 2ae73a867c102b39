//! The processes of a suite: its servers, the helper of the demo, its services.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures::FutureExt;
use nix::sys::signal::Signal;

use super::{NEO4J, POSTGRESQL, REDIS, SIMULATOR, Servers};
use crate::{
    clients::neo4j::connect,
    domain::{
        child_env::{RMM_PUBLIC_KEY, Suite},
        ports,
        registry::HelmEntry,
        status::UnitKind,
    },
    instance::{Layout, files, neo4j, options::Options, postgres::Cluster, redis::Server},
    supervisor::{
        probe::{Probe, local_client},
        spec::{Timing, UnitSpec},
    },
};

/// The program of the simulated vendors.
const SIMULATOR_PROGRAM: &str = "hivematrix-simulators";

/// Makes the specs of all units.
pub(super) struct Units<'a> {
    pub(super) layout: &'a Layout,
    pub(super) programs: &'a Path,
    pub(super) options: &'a Options,
    pub(super) suite: &'a Suite,
    pub(super) servers: &'a Servers,
}

impl Units<'_> {
    pub(super) fn all(&self) -> Result<Vec<UnitSpec>> {
        let client = local_client().context("cannot set up TLS")?;
        let mut units = Vec::new();
        units.extend(self.servers.cluster.as_ref().map(|cluster| self.postgres(cluster)));
        units.extend(self.servers.redis.as_ref().map(|server| self.redis(server)));
        units.extend(self.servers.neo4j.as_ref().map(|server| self.neo4j(server)));
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

    fn neo4j(&self, server: &neo4j::Server) -> UnitSpec {
        let place = self.suite.neo4j();
        // Ready means that KnowledgeTree can sign in.
        let probe = Probe::Custom(Arc::new(move || {
            let place = place.clone();
            async move {
                let place = place.ok_or("there is no address")?;
                connect(&place).await.map(drop).map_err(|error| format!("{error:#}"))
            }
            .boxed()
        }));
        UnitSpec {
            program: server.program.clone(),
            args: server.args.clone(),
            directory: server.folder.clone(),
            account: server.account,
            port: Some(server.port),
            ready: probe.clone(),
            health: Some(probe),
            timing: Timing {
                // Everything is written to its place.
                stop_grace: Duration::from_secs(60),
                ready_deadline: Duration::from_secs(180),
                ready_interval: Duration::from_millis(500),
                ..Timing::default()
            },
            ..self.server(NEO4J)
        }
    }

    /// What all servers have in common.
    fn server(&self, name: &str) -> UnitSpec {
        UnitSpec {
            kind: UnitKind::Server,
            env: BTreeMap::from([
                ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
                ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ]),
            // Not in the server's own folder: that belongs to another account, and this process writes the logs.
            ..UnitSpec::plain(name, PathBuf::new(), self.layout.home(), self.layout.logs("helm"))
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
        if let Some((_, key)) = &self.suite.simulator_rmm {
            let port = ports::shifted(ports::SIMULATOR_RMM, self.options.port_offset)?;
            args.extend(["--datto-port".to_owned(), port.to_string()]);
            spec.env.insert("DATTO_PUBLIC_KEY".to_owned(), RMM_PUBLIC_KEY.to_owned());
            spec.env.insert("DATTO_SECRET_KEY".to_owned(), key.clone());
        }
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
        let (program, args) = match entry.start_command {
            Some(_) => entry.foreign_command(&directory).context("start_command is empty")?,
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
            (NEO4J, self.servers.neo4j.is_some() && (name == "knowledgetree" || entry.needs(NEO4J))),
            (SIMULATOR, self.options.demo.is_some() && name == "codex"),
        ];
        after.extend(servers.into_iter().filter(|(_, is)| *is).map(|(server, _)| server.to_owned()));
        Ok(UnitSpec {
            args,
            env: self.suite.environment(name, entry),
            after,
            port: Some(port),
            url: Some(entry.service.url.clone()),
            ready,
            alive,
            ..UnitSpec::plain(name, program, &directory, self.layout.logs(name))
        })
    }
}
