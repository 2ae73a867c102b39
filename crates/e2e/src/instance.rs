//! A suite of its own: started by `helm up` in a folder and on ports of its own, stopped at the end whatever happens.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command as BlockingCommand, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::needs::Build;
use crate::wait::{eventually, when};

/// Every port a suite listens on without an offset.
const PORTS: [u16; 9] = [5000, 5001, 5004, 5010, 5030, 5091, 5442, 6389, 8443];

/// A change at the vendor is on an open page by then: a sync, Beacon's cache, a refresh, and a slow machine.
pub const ARRIVAL: Duration = Duration::from_secs(90);

/// One line of `helm status --json`.
#[derive(Debug, Clone, Deserialize)]
pub struct ServiceStatus {
    /// Name.
    pub name: String,
    /// `running`, `stopped`, …
    pub state: String,
    /// Process id.
    pub pid: Option<i32>,
    /// Address.
    pub url: Option<String>,
    /// `healthy` and others.
    pub health: String,
}

/// A suite in a folder and on ports of its own.
#[derive(Debug)]
pub struct Instance {
    /// Password of `admin`, `tech`, `billing` and `client`.
    pub password: String,
    /// The gateway's main origin, without a slash at the end.
    pub url: String,
    /// Added to every port.
    pub offset: u16,
    helm: PathBuf,
    home: TempDir,
    environment: BTreeMap<&'static str, String>,
}

impl Instance {
    /// Chooses folder, ports and password; nothing is started yet.
    ///
    /// # Errors
    ///
    /// When there is no room.
    pub fn new(build: &Build, more: impl IntoIterator<Item = (&'static str, String)>) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("hivematrix-e2e-").tempdir()?;
        let offset = free_offset()?;
        let password = format!("e2e-{}", Uuid::new_v4().simple());
        let mut environment = BTreeMap::from([
            ("HIVEMATRIX_HOME", home.path().display().to_string()),
            ("HIVEMATRIX_PORT_OFFSET", offset.to_string()),
            ("HIVEMATRIX_ADMIN_PASSWORD", password.clone()),
            // Scenarios reload and sign in more often than people do.
            ("HIVEMATRIX_RATE_LIMIT_SCALE", "50".to_owned()),
        ]);
        environment.extend(more);
        // Nothing else of the caller's shell: it may point at servers of another suite.
        for name in ["PATH", "LANG", "TMPDIR", "RUST_BACKTRACE"] {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name, value);
            }
        }
        let url = format!("https://localhost:{}", 8443 + offset);
        Ok(Self { password, url, offset, helm: build.helm.clone(), home, environment })
    }

    /// Its folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the command line and returns what it prints.
    ///
    /// # Errors
    ///
    /// What it prints when it fails.
    pub async fn helm(&self, arguments: &[&str]) -> Result<String> {
        self.helm_with(arguments, &[]).await
    }

    /// As [`Instance::helm`], with more variables.
    ///
    /// # Errors
    ///
    /// What it prints when it fails.
    pub async fn helm_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String> {
        let output = Command::new(&self.helm)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .envs(variables.iter().copied())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("cannot run {}", self.helm.display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !output.status.success() {
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
            bail!("helm {} failed with {}: {said}", arguments.join(" "), output.status);
        }
        Ok(text(&output.stdout))
    }

    /// Waits for an interrupt, then leaves nothing behind and ends the process.
    pub async fn stop_when_told(&self) {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if let Err(error) = self.helm(&["down"]).await {
            eprintln!("{error:#}");
        }
        std::process::exit(130);
    }

    /// Writes the suite's log to a file, as far as it can be had.
    pub async fn keep_log(&self, file: &Path) {
        let kept = match self.helm(&["logs", "--tail", "10000"]).await {
            Ok(lines) => std::fs::write(file, lines).map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            eprintln!("the log could not be kept: {error:#}");
        }
    }

    /// State of every service by name.
    ///
    /// # Errors
    ///
    /// When the command fails or prints something else.
    pub async fn status(&self) -> Result<BTreeMap<String, ServiceStatus>> {
        let json = self.helm(&["status", "--json"]).await?;
        let list: Vec<ServiceStatus> = serde_json::from_str(&json).context("helm status --json")?;
        Ok(list.into_iter().map(|status| (status.name.clone(), status)).collect())
    }

    /// Address of one service, past the gateway.
    ///
    /// # Errors
    ///
    /// When there is no such service.
    pub async fn service_url(&self, name: &str) -> Result<String> {
        let status = self.status().await?;
        let url = status.get(name).and_then(|status| status.url.clone());
        let url = url.with_context(|| format!("helm status shows no address of {name}"))?;
        // `localhost` may mean an address that nothing listens on.
        Ok(url.replace("//localhost", "//127.0.0.1").trim_end_matches('/').to_owned())
    }

    /// Ends a process of the suite without a warning.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub async fn kill(&self, name: &str) -> Result<i32> {
        let status = self.status().await?;
        let pid = status.get(name).and_then(|status| status.pid);
        let pid = pid.with_context(|| format!("{name} does not run"))?;
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().await?;
        ensure!(killed.success(), "cannot kill {name} ({pid})");
        Ok(pid)
    }

    /// Whether a service runs again, as another process, and can do its work. `degraded` is enough: so says every
    /// service on a machine whose disk is nearly full.
    ///
    /// # Errors
    ///
    /// When `helm` cannot tell.
    pub async fn is_back(&self, name: &str, old_pid: i32) -> Result<bool> {
        let status = self.status().await?;
        Ok(status.get(name).is_some_and(|now| {
            now.pid.is_some_and(|pid| pid != old_pid)
                && now.state == "running"
                && matches!(now.health.as_str(), "healthy" | "degraded")
        }))
    }

    /// Waits for [`Instance::is_back`].
    ///
    /// # Errors
    ///
    /// When it does not come back.
    pub async fn comes_back(&self, name: &str, old_pid: i32) -> Result<()> {
        eventually(&format!("{name} is back"), ARRIVAL, async || Ok(when(self.is_back(name, old_pid).await?)))
            .await
    }

    /// A token with the permissions of a level.
    ///
    /// # Errors
    ///
    /// What `helm token` says.
    pub async fn token(&self, level: &str) -> Result<String> {
        Ok(self.helm(&["token", "--permission", level]).await?.trim().to_owned())
    }

    /// A client that accepts the suite's own certificate and follows no redirects.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn client(&self) -> Result<reqwest::Client> {
        Ok(reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let down = BlockingCommand::new(&self.helm)
            .arg("down")
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        if !down.is_ok_and(|status| status.success()) {
            eprintln!("the suite in {} could not be stopped", self.home.path().display());
        }
    }
}

/// An offset at which all ports are free at the moment.
fn free_offset() -> Result<u16> {
    let start = Uuid::new_v4().as_u128() % 300;
    (0..300_u128)
        .map(|step| 20_000 + ((start + step) % 300) as u16 * 100 + 37)
        .find(|offset| PORTS.iter().all(|port| TcpListener::bind(("127.0.0.1", port + offset)).is_ok()))
        .context("no free ports")
}
