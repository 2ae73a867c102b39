//! The daemon: supervises the suite, answers the command line, and is the Helm service on its port.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwapOption;
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
    backup::scratch,
    clients::{gateway, systemctl::Systemctl, webhook::Webhook},
    control::{
        protocol::{Outdated, Reply, Request},
        server::{self as control, Handler},
    },
    domain::{operator::Operator, ports, status::UnitKind},
    instance::{
        Layout, certificate, files, installation, operator,
        options::{Given, Options},
    },
    jobs::{self, Watched},
    realm_admin::{CurrentRealm, RealmAdmin},
    restore::{
        journal,
        swap::{self, Recovered},
    },
    services::board::StatusBoard,
    services::control::ServiceControl,
    services::reload::Reloader,
    store::log_stats::LogStats,
    suite::{self, Prepared, handed},
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
    let by_systemd = installation::of(&layout)?.is_some();
    let (shell, operator, prepared) = if by_systemd {
        if journal::folder(&layout).exists() {
            // It concerns files of every account.
            bail!("a restore was broken off; `helm up`, as root, ends it");
        }
        let operator = operator::lasting(&layout)?;
        let prepared = suite::prepared_by_root(&layout, &operator)?;
        (Operator::default(), operator, prepared)
    } else {
        end_restore(&layout).await?;
        let shell = operator::of_next_daemon(&layout)?;
        let operator = operator::of_shells(shell.clone(), &layout)?;
        let prepared = suite::prepare(&layout, &Given::from_environment()?, &operator)?;
        (shell, operator, prepared)
    };
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
    let supervisor = if by_systemd {
        Supervisor::of_systemd(&layout, context.clock.clone(), Systemctl::default())?
    } else {
        Supervisor::new(&layout, context.clock.clone())?
    };
    for spec in &prepared.units {
        supervisor.add(spec.clone());
    }
    let watched = Watched {
        // Its file is closed to Helm's account there.
        gateway: by_systemd.then(|| gateway::address(&prepared.registry)).flatten(),
        ..watched(&layout, &prepared, &operator)
    };
    let http = http_client(&context.settings)
        .inspect_err(|error| tracing::warn!(error = %error, "users cannot be administered"))
        .ok();
    let local = local_client()?;
    let board = StatusBoard::new(
        supervisor.clone(),
        prepared.registry.clone(),
        local.clone(),
        http.clone().unwrap_or(local),
        context.clock.clone(),
    );
    board.set_keycloak(prepared.keycloak.clone());
    if !by_systemd {
        operator::remember(&layout, &shell)?;
    }
    let reloader = Reloader::new(layout.clone(), supervisor.clone(), board.clone(), shell);
    let mut control = ServiceControl::new(supervisor.clone(), board.clone());
    if !by_systemd {
        control = control.reloading(reloader.clone());
    }
    let (end, mut ends) = mpsc::channel(1);
    let daemon = Daemon(Arc::new(Inner {
        layout: layout.clone(),
        supervisor: supervisor.clone(),
        board: board.clone(),
        control: control.clone(),
        reloader,
        webhook: watched.webhook.clone(),
        fingerprint,
        by_systemd,
        end,
    }));
    let sockets = CancellationToken::new();
    let socket = tokio::spawn(control::serve(control::open(&layout)?, daemon, sockets.clone()));
    jobs::start(&context, &pool, &layout, &board, watched);
    make_external_databases(&context, &prepared);
    if !by_systemd {
        supervisor.resume().await;
    }
    let realm = match http {
        Some(http) if by_systemd => {
            CurrentRealm::fixed(RealmAdmin::from_environment(http, &prepared.own_environment))
        }
        Some(http) => CurrentRealm::of(supervisor.clone(), http),
        None => CurrentRealm::fixed(None),
    };
    let log_stats = LogStats::new(pool.clone(), context.clock.clone());
    let state = ServeState {
        context: context.clone(),
        layout: layout.clone(),
        log_stats,
        pool,
        board,
        control,
        realm,
    };
    let mut server = tokio::spawn(crate::serve(state, listener));
    let end = match wait_for_end(&mut ends).await {
        // Whether the others stop as well is for systemd to say.
        End::Down if by_systemd => End::Handover,
        end => end,
    };
    match end {
        End::Down => {
            tracing::info!("stopping the suite");
            // The services first, while their last log lines can still be taken.
            supervisor.stop_all(&[UnitKind::Service, UnitKind::Helper]).await;
            context.stop().await;
            supervisor.stop_all(&[UnitKind::Server]).await;
            if let Err(error) = operator::forget(&layout) {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the next `helm up` counts the settings of this one"
                );
            }
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
    let _ = tokio::time::timeout(LAST_WORDS, socket).await;
    if tokio::time::timeout(LAST_WORDS, &mut server).await.is_err() {
        // Whoever takes the lock next needs the port.
        server.abort();
        let _ = server.await;
    }
    Ok(())
}

/// Sweeps after a test restore that was killed, and ends a restore that was killed, before anything is read that it may have been replacing. The caller holds the lock.
///
/// # Errors
/// When it cannot be put right: nothing is started on half of each state.
pub async fn end_restore(layout: &Layout) -> Result<()> {
    scratch::sweep(layout).await;
    match swap::recover(layout).await? {
        Recovered::Nothing => {}
        Recovered::Undone => eprintln!("helm: a restore was ended half-way: the state before it is back"),
        Recovered::Finished => eprintln!("helm: a restore was ended at its end: it is finished now"),
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
    if let Some(level) = prepared.own_environment.get("LOG_LEVEL").filter(|_| !settings.log_level_is_chosen) {
        settings.log_level.clone_from(level);
    }
    if prepared.own_environment.get("ENABLE_JSON_LOGGING").is_some_and(|json| json == "false") {
        settings.json_logging = false;
    }
}

/// What alerts look at beside the processes, and whom they tell.
fn watched(layout: &Layout, prepared: &Prepared, operator: &Operator) -> Watched {
    let gateway = prepared.units.iter().find(|unit| unit.name == "nexus");
    let named = gateway
        .and_then(|unit| unit.env.get("NEXUS_CERT_FILE").filter(|path| !path.is_empty()))
        .map(String::as_str);
    Watched {
        home: layout.home().to_owned(),
        certificate: certificate::gateway_file(layout, named),
        gateway: None,
        webhook: Arc::new(ArcSwapOption::new(webhook(operator))),
    }
}

/// Who is told of alerts, as the operator says.
fn webhook(operator: &Operator) -> Option<Arc<Webhook>> {
    let address = operator.alert_webhook()?;
    match Webhook::new(address) {
        Ok(webhook) => Some(Arc::new(webhook)),
        Err(error) => {
            tracing::warn!(error = %error, "alerts are told to nobody");
            None
        }
    }
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
    control: ServiceControl,
    reloader: Reloader,
    webhook: Arc<ArcSwapOption<Webhook>>,
    fingerprint: String,
    by_systemd: bool,
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
            Request::Up { .. } if self.0.by_systemd => Reply::failed(
                "systemd runs this suite: `helm up`, as root, goes by the program it was installed with",
            ),
            Request::Reload if self.0.by_systemd => {
                let layout = self.0.layout.clone();
                match tokio::task::spawn_blocking(move || handed::outdated(&layout)).await {
                    Ok(Ok(outdated)) => {
                        let outdated =
                            outdated.into_iter().map(|(name, variables)| Outdated { name, variables });
                        Reply { outdated: outdated.collect(), ..Reply::done("compared") }
                    }
                    Ok(Err(error)) => Reply::failed(format!("{error:#}")),
                    Err(error) => Reply::failed(error.to_string()),
                }
            }
            Request::Up { given, shell } => {
                if let Err(error) = self.0.reloader.learn(shell).await {
                    return Reply::failed(format!("{error:#}"));
                }
                self.up(given).await
            }
            Request::Start { service } => self.0.control.start(&service).await.into(),
            Request::Stop { service } => self.0.control.stop(&service).await.into(),
            Request::Restart { service } => self.0.control.restart(&service).await.start.into(),
            Request::Reload => match self.0.reloader.reload().await {
                Ok(outdated) => Reply { outdated, ..Reply::done("read anew") },
                Err(error) => Reply::failed(format!("{error:#}")),
            },
            Request::Down => self.end(End::Down, "stopping").await,
            Request::Handover => self.end(End::Handover, "handing over").await,
        }
    }
}

impl Daemon {
    async fn up(&self, given: Given) -> Reply {
        let _turn = self.0.reloader.turn().await;
        if let Ok(operator) = self.0.reloader.operator() {
            self.0.webhook.store(webhook(&operator));
        }
        let prepared = match self.0.reloader.prepare(given).await {
            Ok(prepared) => prepared,
            Err(error) => return Reply::failed(format!("{error:#}")),
        };
        self.0.board.set_registry(prepared.registry.clone());
        self.0.board.set_keycloak(prepared.keycloak.clone());
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
