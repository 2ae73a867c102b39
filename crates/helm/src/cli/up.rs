//! `helm up`: prepares the instance, starts the daemon, waits, and says where to go.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    UpArgs,
    output::{Colour, coloured, paint, say},
};
use crate::{
    control::{
        client::{ask, demand},
        protocol::Request,
    },
    daemon,
    domain::{
        ports,
        status::{Phase, UnitKind, UnitStatus},
    },
    instance::{
        Layout, files,
        options::{Given, Options},
    },
    suite::{self, Prepared},
    supervisor::probe::{Probe, local_client},
};

/// Everything must be ready by then; a first start with migrations and a demo takes longest.
const READY_PATIENCE: Duration = Duration::from_secs(180);
const DAEMON_PATIENCE: Duration = Duration::from_secs(20);
/// A service that crashes this often does not come up by waiting.
const CRASHES: u32 = 6;
const POLL: Duration = Duration::from_millis(25);

pub(super) async fn run(layout: &Layout, args: &UpArgs) -> Result<()> {
    let given = given(args)?;
    let operator = suite::operator_variables(layout)?;
    let prepared = {
        let (layout, given, operator) = (layout.clone(), given.clone(), operator.clone());
        tokio::task::spawn_blocking(move || suite::prepare(&layout, &given, &operator)).await??
    };
    if !prepared.units.iter().any(|unit| unit.kind == UnitKind::Service) {
        bail!("no service lies beside this program; build the suite first");
    }
    for warning in &prepared.warnings {
        eprintln!("helm: {warning}");
    }
    ensure_daemon(layout, &prepared).await?;
    let reply = demand(layout, &Request::Up { given, operator }).await?;
    for name in &reply.restarted {
        say!("  {name} was out of date and is started again");
    }
    wait_until_ready(layout, &prepared).await?;
    say_where(&prepared);
    if prepared.unseen_admin_password.is_some() && prepared.options.keycloak.is_none() {
        let seen = Options { admin_password_shown: true, ..Options::read(layout)? };
        seen.write(layout)?;
    }
    Ok(())
}

fn given(args: &UpArgs) -> Result<Given> {
    let environment = Given::from_environment()?;
    Ok(Given {
        gateway_port: args.port.or(environment.gateway_port),
        demo: args.demo,
        size: args.size.map(|size| size.as_str().to_owned()),
        active: args.active,
        companies: args.companies,
        ..environment
    })
}

/// A daemon of this very program for this instance: a running one of another build hands over to a new one.
async fn ensure_daemon(layout: &Layout, prepared: &Prepared) -> Result<()> {
    let wanted = daemon::fingerprint(&prepared.options)?;
    if let Some(reply) = ask(layout, &Request::Hello).await? {
        if reply.fingerprint.as_ref() == Some(&wanted) {
            return Ok(());
        }
        demand(layout, &Request::Handover).await?;
        wait_for_end(layout, DAEMON_PATIENCE).await?;
    }
    start_daemon(layout).await
}

/// Starts the daemon in a session of its own and waits until it answers.
pub(super) async fn start_daemon(layout: &Layout) -> Result<()> {
    let logs = layout.logs("helm");
    files::private_dir(&logs)?;
    let program = std::env::current_exe()?;
    let stderr_file = logs.join("helm.stderr.log");
    let already_written = fs::metadata(&stderr_file).map_or(0, |metadata| metadata.len());
    let mut child = Command::new(program)
        .args(["serve", "--detach"])
        .env("HIVEMATRIX_HOME", layout.home())
        // These belong to one service of a suite; the daemon has its own.
        .env_remove("SERVICE_NAME")
        .env_remove("SERVICE_PORT")
        .env_remove("SERVICE_SECRET")
        .env_remove("SECRET_KEY")
        .env_remove("HIVEMATRIX_SERVICES_FILE")
        .env_remove("HIVEMATRIX_PORT_OFFSET")
        .current_dir(layout.home())
        .stdin(Stdio::null())
        .stdout(files::open_log(&logs.join("helm.stdout.log"))?)
        .stderr(files::open_log(&stderr_file)?)
        .spawn()
        .context("cannot start the daemon")?;
    let started = Instant::now();
    loop {
        if ask(layout, &Request::Hello).await?.is_some() {
            return Ok(());
        }
        if let Some(reason) = early_end(&mut child)? {
            let text = fs::read(&stderr_file).unwrap_or_default();
            let from = usize::try_from(already_written).unwrap_or(0).min(text.len());
            let said = String::from_utf8_lossy(&text[from..]);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            bail!("the daemon {reason}: {}", last.trim_start_matches("helm: "));
        }
        if started.elapsed() > DAEMON_PATIENCE {
            bail!("the daemon does not answer; see {}", stderr_file.display());
        }
        tokio::time::sleep(POLL).await;
    }
}

fn early_end(child: &mut Child) -> Result<Option<String>> {
    Ok(child.try_wait()?.map(|status| format!("ended with {status}")))
}

/// Waits until no daemon holds the instance any more.
pub(super) async fn wait_for_end(layout: &Layout, patience: Duration) -> Result<()> {
    let free = files::FileLock::take_within(&layout.daemon_lock(), patience).await?;
    free.map(drop).context("the daemon does not end")
}

async fn wait_until_ready(layout: &Layout, prepared: &Prepared) -> Result<()> {
    let helm = helm_probe(prepared)?;
    let started = Instant::now();
    let colours = coloured();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut restarts_before: Option<BTreeMap<String, u32>> = None;
    loop {
        let units = demand(layout, &Request::Status { fresh: false }).await?.units;
        let before = restarts_before
            .get_or_insert_with(|| units.iter().map(|unit| (unit.name.clone(), unit.restarts)).collect());
        let hopeless = units.iter().any(|unit| {
            unit.restarts >= before.get(&unit.name).copied().unwrap_or(0) + CRASHES
                && unit.state != Phase::Running
        });
        for unit in units.iter().filter(|unit| unit.state == Phase::Running) {
            if told.insert(unit.name.clone()) {
                let seconds = started.elapsed().as_secs_f32();
                say!("  {} {:<12} {seconds:5.1} s", paint("ready", Colour::Green, colours), unit.name);
            }
        }
        if units.iter().all(|unit| unit.state == Phase::Running) {
            match helm.ask().await {
                Ok(()) => return Ok(()),
                Err(reason) if started.elapsed() > READY_PATIENCE => bail!("helm is not ready: {reason}"),
                Err(_) => {}
            }
        }
        if hopeless || started.elapsed() > READY_PATIENCE {
            bail!(late(layout, &units));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Helm is no unit of its own, but its log store must be open as well.
fn helm_probe(prepared: &Prepared) -> Result<Probe> {
    let port = ports::shifted(ports::HELM, prepared.options.port_offset)?;
    Ok(Probe::Http { client: local_client()?, url: format!("http://127.0.0.1:{port}/readyz") })
}

fn late(layout: &Layout, units: &[UnitStatus]) -> String {
    let late: Vec<String> = units
        .iter()
        .filter(|unit| unit.state != Phase::Running)
        .map(|unit| {
            let reason = unit.last_error.as_deref().unwrap_or("no answer yet");
            let logs =
                if unit.kind == UnitKind::Server { layout.logs("helm") } else { layout.logs(&unit.name) };
            format!("\n  {} is {}: {reason} (see {})", unit.name, unit.state.as_str(), logs.display())
        })
        .collect();
    format!("not everything is ready (what runs goes on; `helm down` stops it):{}", late.concat())
}

fn say_where(prepared: &Prepared) {
    say!("\nHiveMatrix is running.\n");
    if let Some(url) = &prepared.public_url {
        say!("  URL       {url}");
    }
    if let Some(keycloak) = &prepared.options.keycloak {
        say!("  Sign-in   by Keycloak ({}), realm {}\n", keycloak.url, keycloak.realm);
        return;
    }
    say!("  User      admin");
    match (&prepared.unseen_admin_password, prepared.options.admin_password_given) {
        (_, true) => say!("  Password  as given in HIVEMATRIX_ADMIN_PASSWORD"),
        (Some(password), false) => {
            say!("  Password  {password}");
            say!("            (shown once, kept in {})", prepared.layout.admin_password().display());
            say!("            It must be changed at the first sign-in.");
        }
        (None, false) => {
            say!("  Password  the first one is kept in {}", prepared.layout.admin_password().display())
        }
    }
    if prepared.options.demo.is_some() {
        say!("  Also      tech, billing and client, with the same first password");
    }
    say!("");
}
