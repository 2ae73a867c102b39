//! The daemon: supervises the suite, answers the command line, and is the Helm service on its port.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use hivematrix_shared::{
    config::{CommonSettings, Secret},
    context::ServiceContext,
    db,
    service_client::http_client,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ServeState,
    control::{
        protocol::{Reply, Request},
        server::{self as control, Handler},
    },
    domain::{ports, status::UnitKind},
    instance::{
        Layout, files,
        options::{Given, Options},
    },
    jobs,
    realm_admin::RealmAdmin,
    service_control::ServiceControl,
    status_board::StatusBoard,
    suite::{self, Prepared},
    supervisor::{Supervisor, probe::local_client},
};

/// How the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything stops with it.
    Down,
    /// Everything goes on; another daemon adopts it.
    Handover,
}

/// Time that the last answers get.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// A daemon that was killed stops answering before it lets go of its lock: the kernel closes its files one by one, the
/// oldest last, and on a busy machine not all in one go.
pub const DYING: Duration = Duration::from_secs(5);

/// What a daemon is started as. Another program file or port needs another daemon.
///
/// # Errors
/// When this program cannot be found.
pub fn fingerprint(options: &Options) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(std::env::current_exe()?)?;
    Ok(format!("{} {}.{} {}", metadata.len(), metadata.mtime(), metadata.mtime_nsec(), options.port_offset))
}

/// Runs the daemon until it is told to end.
///
/// # Errors
/// When it cannot start.
pub async fn run(layout: Layout, mut settings: CommonSettings) -> Result<()> {
    files::private_dir(&layout.folder("helm"))?;
    let Some(lock) = files::FileLock::take_within(&layout.daemon_lock(), DYING).await? else {
        bail!("another daemon already runs this instance");
    };
    lock.write(&format!("{}\n", std::process::id()))?;
    let operator = suite::operator_variables(&layout)?;
    let prepared = suite::prepare(&layout, &Given::from_environment()?, &operator)?;
    configure(&mut settings, &prepared);
    let port = settings.listen_port(ports::HELM);
    let listener = TcpListener::bind((settings.host, port))
        .await
        .with_context(|| {
            format!("helm cannot listen on port {port} (another suite? HIVEMATRIX_PORT_OFFSET=1000 moves this one's ports)")
        })?;
    let fingerprint = fingerprint(&prepared.options)?;
    let context = ServiceContext::start_without_shipping("helm", settings)?;
    let pool = db::connect(prepared.databases.urls.get("helm").map(Secret::new).as_ref(), 10)?;
    let supervisor = Supervisor::new(&layout, context.clock.clone())?;
    for spec in &prepared.units {
        supervisor.add(spec.clone());
    }
    let board = StatusBoard::new(
        supervisor.clone(),
        prepared.registry.clone(),
        local_client()?,
        context.clock.clone(),
    );
    let (end, mut ends) = mpsc::channel(1);
    let daemon = Daemon(Arc::new(Inner {
        layout: layout.clone(),
        supervisor: supervisor.clone(),
        board: board.clone(),
        operator: Mutex::new(operator),
        fingerprint,
        end,
    }));
    let sockets = CancellationToken::new();
    let control = tokio::spawn(control::serve(control::open(&layout)?, daemon, sockets.clone()));
    jobs::start(&context, &pool, &layout, &board);
    make_external_databases(&context, &prepared);
    supervisor.resume().await;
    let realm = realm(&context, &prepared);
    let state = ServeState {
        context: context.clone(),
        pool,
        board: board.clone(),
        control: ServiceControl::new(supervisor.clone(), board),
        realm,
    };
    let mut server = tokio::spawn(crate::serve(state, listener));
    let end = wait_for_end(&mut ends).await;
    match end {
        End::Down => {
            tracing::info!("stopping the suite");
            // The services first, while their last log lines can still be taken.
            supervisor.stop_all(&[UnitKind::Service, UnitKind::Helper]).await;
            context.stop().await;
            supervisor.stop_all(&[UnitKind::Server]).await;
        }
        End::Handover => {
            tracing::info!("handing the suite over to another daemon");
            supervisor.release().await;
            context.stop().await;
        }
    }
    // The one who asked gets the answer when this connection is served; then nobody is listened to any more.
    ends.close();
    sockets.cancel();
    let _ = tokio::time::timeout(LAST_WORDS, control).await;
    if tokio::time::timeout(LAST_WORDS, &mut server).await.is_err() {
        // Whoever takes the lock next needs the port.
        server.abort();
        let _ = server.await;
    }
    Ok(())
}

/// The settings of the service itself, as it would give them to a child.
fn configure(settings: &mut CommonSettings, prepared: &Prepared) {
    let own = prepared.secrets.of("helm");
    settings.home = prepared.layout.home().to_owned();
    settings.port_offset = prepared.options.port_offset;
    settings.services_file = Some(prepared.layout.services_json());
    if settings.service_secret.is_empty() {
        settings.service_secret = Secret::new(own.service_secret);
    }
    if settings.secret_key.is_empty() {
        settings.secret_key = Secret::new(own.secret_key);
    }
}

/// The realm whose users administrators change through Helm: the one that Core is told.
fn realm(context: &ServiceContext, prepared: &Prepared) -> Option<RealmAdmin> {
    // Where Core runs elsewhere, Codex has been told the same.
    let mut told = prepared.units.iter().filter(|unit| ["core", "codex"].contains(&unit.name.as_str()));
    let http = http_client(&context.settings).ok()?;
    told.find_map(|unit| RealmAdmin::from_environment(http.clone(), &unit.env))
}

/// On an existing server the databases are made beside everything else; services wait for theirs by themselves.
fn make_external_databases(context: &ServiceContext, prepared: &Prepared) {
    if prepared.units.iter().any(|unit| unit.name == suite::POSTGRESQL) {
        return;
    }
    let (databases, secrets) = (prepared.databases.clone(), prepared.secrets.clone());
    context.spawn("make databases", async move {
        while let Err(error) = databases.make(&secrets).await {
            tracing::warn!(error = format!("{error:#}"), "databases not made, trying again");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    });
}

async fn wait_for_end(ends: &mut mpsc::Receiver<End>) -> End {
    let signals = async {
        let (mut term, mut int) =
            (signal(SignalKind::terminate()).ok()?, signal(SignalKind::interrupt()).ok()?);
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        Some(())
    };
    tokio::select! {
        Some(()) = signals => End::Down,
        end = ends.recv() => end.unwrap_or(End::Down),
    }
}

struct Inner {
    layout: Layout,
    supervisor: Supervisor,
    board: StatusBoard,
    operator: Mutex<BTreeMap<String, String>>,
    fingerprint: String,
    end: mpsc::Sender<End>,
}

/// Answers the command line.
#[derive(Clone)]
struct Daemon(Arc<Inner>);

impl Handler for Daemon {
    async fn handle(&self, request: Request) -> Reply {
        match request {
            Request::Hello => Reply {
                pid: i32::try_from(std::process::id()).ok(),
                fingerprint: Some(self.0.fingerprint.clone()),
                ..Reply::done("hello")
            },
            Request::Status { fresh } => {
                let units =
                    if fresh { self.0.board.statuses(Duration::ZERO).await } else { self.0.board.phases() };
                Reply { units, ..Reply::done("status") }
            }
            Request::Up { given, operator } => self.up(given, operator).await,
            Request::Start { service } => self.control().start(&service).await.into(),
            Request::Stop { service } => self.control().stop(&service).await.into(),
            Request::Restart { service } => self.control().restart(&service).await.start.into(),
            Request::Down => self.end(End::Down, "stopping").await,
            Request::Handover => self.end(End::Handover, "handing over").await,
        }
    }
}

impl Daemon {
    fn control(&self) -> ServiceControl {
        ServiceControl::new(self.0.supervisor.clone(), self.0.board.clone())
    }

    async fn up(&self, given: Given, operator: BTreeMap<String, String>) -> Reply {
        let merged = {
            let mut known = self.0.operator.lock().unwrap_or_else(PoisonError::into_inner);
            // A variable that is missing from another shell is not taken back.
            known.extend(operator);
            known.clone()
        };
        let layout = self.0.layout.clone();
        let prepared = tokio::task::spawn_blocking(move || suite::prepare(&layout, &given, &merged)).await;
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(error)) => return Reply::failed(format!("{error:#}")),
            Err(error) => return Reply::failed(error.to_string()),
        };
        self.0.board.set_registry(prepared.registry.clone());
        // A running cluster is ready already and is not asked again; a new service needs its database all the same.
        let is_up = self.0.supervisor.board().state(suite::POSTGRESQL).is_some_and(|state| state.ready);
        if is_up && let Err(error) = prepared.databases.make(&prepared.secrets).await {
            return Reply::failed(format!("{error:#}"));
        }
        let restarted = self.0.supervisor.apply(prepared.units).await;
        match self.0.supervisor.start_all().await {
            Ok(()) => Reply { restarted, ..Reply::done("started") },
            Err(error) => Reply::failed(format!("{error:#}")),
        }
    }

    async fn end(&self, end: End, message: &str) -> Reply {
        match self.0.end.try_send(end) {
            Ok(()) => {
                // Nothing more to say until it is over; the asker sees that by the lock.
                Reply::done(message)
            }
            Err(_) => Reply::failed("the daemon is already ending"),
        }
    }
}
