//! `helm up`: prepares the instance, starts the daemon, waits, and says where to go.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use hivematrix_shared::config::CommonSettings;
use serde_json::json;

use super::{
    UpArgs, keycloak,
    output::{answer, harmless, keep_for_answer, say},
    ready::{self, CRASHES, Look, Watch, helm_probe},
    systemd,
};
use crate::{
    backup::scratch,
    control::{
        client::{ask, demand},
        protocol::Request,
    },
    daemon,
    domain::{
        operator::Operator,
        status::{Phase, UnitKind, UnitStatus},
    },
    instance::{
        Layout, files, installation,
        operator::{self, KEYCLOAK_ADMIN_PASSWORD},
        options::{Given, Options},
    },
    restore::journal,
    suite::{self, Prepared},
    supervisor::probe::Probe,
};

const DAEMON_PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(25);

pub(super) async fn run(layout: &Layout, common: &CommonSettings, args: &UpArgs) -> Result<()> {
    if args.json {
        keep_for_answer();
    }
    end_restore(layout).await?;
    if let Some(installation) = installation::of(layout)? {
        return systemd::up(layout, common, installation, args).await;
    }
    let given = given(args)?;
    let (shell, operator) = (operator::shell(layout)?, operator::of_next_up(layout)?);
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
    keycloak::fresh::ensure(layout, common, &prepared, &operator).await;
    ensure_daemon(layout, &prepared, &shell).await?;
    let reply = demand(layout, &Request::Up { given, shell }).await?;
    for name in &reply.restarted {
        say!("  {name} was out of date and is started again");
    }
    ready::wait(Supervised { layout, helm: helm_probe(&prepared)?, restarts: None }).await?;
    if args.json {
        return answer_where(&prepared, &reply.restarted);
    }
    say_where(&prepared);
    if prepared.unseen_admin_password.is_some() && prepared.keycloak.is_none() {
        let seen = Options { admin_password_shown: true, ..Options::read(layout)? };
        seen.write(layout)?;
    }
    Ok(())
}

/// Where the suite is, for a program.
pub(super) fn answer_where(prepared: &Prepared, restarted: &[String]) -> Result<()> {
    let by_core = prepared.keycloak.is_none();
    let users: &[&str] = match (by_core, prepared.options.demo.is_some()) {
        (true, true) => &["admin", "tech", "billing", "client"],
        (true, false) => &["admin"],
        (false, _) => &[],
    };
    let file = prepared.layout.admin_password();
    let has_file = by_core && !prepared.options.admin_password_given;
    let keycloak = prepared.keycloak.as_ref();
    Ok(answer(&json!({
        "url": prepared.public_url,
        "restarted": restarted,
        "users": users,
        "password_file": has_file.then(|| file.display().to_string()),
        "keycloak": keycloak.map(|used| json!({"url": used.server_url, "realm": used.realm})),
    }))?)
}

/// What a killed restore left is put right before the instance is read.
async fn end_restore(layout: &Layout) -> Result<()> {
    scratch::sweep(layout).await;
    if !journal::folder(layout).exists() {
        return Ok(());
    }
    let Some(_lock) = files::FileLock::take_within(&layout.daemon_lock(), daemon::DYING).await? else {
        bail!("a restore is running");
    };
    daemon::end_restore(layout).await
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
async fn ensure_daemon(layout: &Layout, prepared: &Prepared, shell: &Operator) -> Result<()> {
    let wanted = daemon::fingerprint(&prepared.options)?;
    if let Some(reply) = ask(layout, &Request::Hello).await? {
        if reply.fingerprint.as_ref() == Some(&wanted) {
            return Ok(());
        }
        demand(layout, &Request::Handover).await?;
        wait_for_end(layout, DAEMON_PATIENCE).await?;
    }
    start_daemon(layout, shell).await
}

/// Starts the daemon in a session of its own, as from a shell with these variables of the operator's, and waits until it
/// answers.
pub(super) async fn start_daemon(layout: &Layout, shell: &Operator) -> Result<()> {
    let logs = layout.logs("helm");
    files::private_dir(&logs)?;
    let program = std::env::current_exe()?;
    let stderr_file = logs.join("helm.stderr.log");
    let already_written = fs::metadata(&stderr_file).map_or(0, |metadata| metadata.len());
    let mut command = Command::new(program);
    for (name, _) in &operator::shell(layout)? {
        command.env_remove(name);
    }
    let mut child = command
        .args(["serve", "--detach"])
        .envs(shell)
        .env("HIVEMATRIX_HOME", layout.home())
        // These belong to one service of a suite; the daemon has its own.
        .env_remove("SERVICE_NAME")
        .env_remove("SERVICE_PORT")
        .env_remove("SERVICE_SECRET")
        .env_remove("SECRET_KEY")
        .env_remove("HIVEMATRIX_SERVICES_FILE")
        // The instance remembers them.
        .env_remove("HIVEMATRIX_PORT_OFFSET")
        .env_remove("HIVEMATRIX_PORT")
        // It is for the command alone.
        .env_remove(KEYCLOAK_ADMIN_PASSWORD)
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

/// What the daemon supervises, and the daemon itself.
struct Supervised<'a> {
    layout: &'a Layout,
    helm: Probe,
    /// Restarts that each had before.
    restarts: Option<BTreeMap<String, u32>>,
}

impl Watch for Supervised<'_> {
    const PAUSE: Duration = POLL;

    async fn look(&mut self) -> Result<Look> {
        let mut units = demand(self.layout, &Request::Status { fresh: false }).await?.units;
        units.retain(|unit| unit.name != "helm");
        let before = self
            .restarts
            .get_or_insert_with(|| units.iter().map(|unit| (unit.name.clone(), unit.restarts)).collect());
        let (ready, late): (Vec<&UnitStatus>, Vec<&UnitStatus>) =
            units.iter().partition(|unit| unit.state == Phase::Running);
        let is_hopeless =
            |unit: &&UnitStatus| unit.restarts >= before.get(&unit.name).copied().unwrap_or(0) + CRASHES;
        let mut look = Look {
            ready: ready.iter().map(|unit| unit.name.clone()).collect(),
            hopeless: late.iter().any(is_hopeless),
            late: late.into_iter().map(|unit| reason(self.layout, unit)).collect(),
        };
        // It is no unit of its own, and asks for its log store, which needs the others.
        if look.late.is_empty() {
            match self.helm.ask().await {
                Ok(()) => look.ready.push("helm".to_owned()),
                Err(reason) => look.late.push(format!("helm: {reason}")),
            }
        }
        Ok(look)
    }
}

fn reason(layout: &Layout, unit: &UnitStatus) -> String {
    let reason = unit.last_error.as_deref().unwrap_or("no answer yet");
    let logs = if unit.kind == UnitKind::Server { layout.logs("helm") } else { layout.logs(&unit.name) };
    format!("{} is {}: {reason} (see {})", unit.name, unit.state.as_str(), logs.display())
}

pub(super) fn say_where(prepared: &Prepared) {
    say!("\nHiveMatrix is running.\n");
    if let Some(url) = &prepared.public_url {
        say!("  URL       {url}");
    }
    if let Some(keycloak) = &prepared.keycloak {
        say!("  Sign-in   by Keycloak ({}), realm {}\n", keycloak.server_url, keycloak.realm);
        return;
    }
    say!("  User      admin");
    match (&prepared.unseen_admin_password, prepared.options.admin_password_given) {
        (_, true) => say!("  Password  as given in HIVEMATRIX_ADMIN_PASSWORD"),
        (Some(password), false) => {
            say!("  Password  {}", harmless(password));
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
