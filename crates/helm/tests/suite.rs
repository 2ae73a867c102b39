//! The program `helm` as an operator uses it: a private PostgreSQL, pretended services, a killed daemon.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;

/// Ports of a suite, without offset.
const PORTS: [u16; 7] = [5000, 5001, 5004, 5010, 8443, 5442, 6389];

/// A suite of pretended services in a folder of its own.
struct Suite {
    folder: tempfile::TempDir,
    offset: u16,
}

impl Suite {
    fn new(services: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The servers' account must be able to pass through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let helm = Path::new(env!("CARGO_BIN_EXE_helm"));
        if fs::hard_link(helm, programs.join("helm")).is_err() {
            fs::copy(helm, programs.join("helm")).unwrap();
        }
        for service in services {
            pretend(&programs.join(format!("hivematrix-{service}")));
        }
        Self { folder, offset: free_offset() }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("instance")
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        self.helm_with(arguments, &[])
    }

    fn helm_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(self.folder.path().join("bin/helm"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HIVEMATRIX_HOME", self.home())
            .env("HIVEMATRIX_PORT_OFFSET", self.offset.to_string())
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.helm(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {arguments:?}: {text}\n{error}{}", self.logs());
        text
    }

    fn logs(&self) -> String {
        let text = fs::read_to_string(self.home().join("helm/logs/helm.stderr.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// State and process id by name.
    fn status(&self) -> BTreeMap<String, (String, Option<i64>)> {
        let entries: Vec<Value> = serde_json::from_str(&self.succeed(&["status", "--json"])).unwrap();
        let entry = |e: &Value| {
            let state = (e["state"].as_str().unwrap().to_owned(), e["pid"].as_i64());
            (e["name"].as_str().unwrap().to_owned(), state)
        };
        entries.iter().map(entry).collect()
    }

    fn pid(&self, name: &str) -> i64 {
        self.status()[name].1.unwrap_or_else(|| panic!("{name} does not run"))
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.helm(&["down"]);
    }
}

/// A program that answers like a service: the test program itself.
fn pretend(path: &Path) {
    let script = format!(
        "#!/bin/sh\n{}=yes exec {} {}\n",
        support::PRETEND,
        support::program().display(),
        support::arguments().join(" ")
    );
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Ports that suites of this program have; a suite that is still starting does not listen on all of them yet.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// All ports of the suite below those that the system gives to outgoing connections.
fn free_offset() -> u16 {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let free = |port: u16| !taken.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok();
    let offset = (0..200)
        .map(|_| rand::random_range(15_000..24_000))
        .find(|offset| PORTS.iter().all(|port| free(port + offset)))
        .unwrap();
    taken.extend(PORTS.map(|port| port + offset));
    offset
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn is_alive(pid: i64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..400 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not in time: {what}");
}

#[test]
fn a_suite_comes_up_survives_its_daemon_and_goes_down() {
    let suite = Suite::new(&["codex", "beacon"]);
    assert!(suite.succeed(&["down"]).contains("is not running"));

    // First start: the password is shown, once.
    let first = suite.succeed(&["up"]);
    let password = fs::read_to_string(suite.home().join("core/admin_password")).unwrap();
    assert!(first.contains(password.trim()), "{first}");
    assert!(!suite.succeed(&["up"]).contains(password.trim()), "a second call is harmless and silent");
    let status = suite.status();
    for name in ["postgresql", "helm", "codex", "beacon"] {
        assert_eq!(status[name].0, "running", "{name}");
    }
    for file in ["helm/secrets.json", "core/service_secrets.json", "core/admin_password", "helm/control.sock"]
    {
        assert_eq!(mode(&suite.home().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&suite.home()) & 0o066, 0, "nobody else can read the instance");

    // Helm's own log lines are in the central log.
    wait_until("log lines", || {
        String::from_utf8_lossy(&suite.helm(&["logs", "helm", "--tail", "500"]).stdout)
            .contains("service: beacon")
    });
    let none = suite.succeed(&["logs", "codex", "--level", "CRITICAL"]);
    assert_eq!(none.trim(), "No logs found");

    // One service stopped by hand stays down.
    suite.succeed(&["stop", "beacon"]);
    assert_eq!(suite.status()["beacon"].0, "stopped");
    let again = suite.helm(&["start", "codex"]);
    assert!(!again.status.success(), "it runs already");

    // A killed service comes back, a killed daemon leaves everything running.
    let (codex, postgres) = (suite.pid("codex"), suite.pid("postgresql"));
    kill(codex);
    wait_until("codex restarted", || suite.status()["codex"].1.is_some_and(|pid| pid != codex));
    let codex = suite.pid("codex");
    kill(suite.pid("helm"));
    wait_until("the daemon is gone", || !suite.status().contains_key("helm"));
    assert!(suite.succeed(&["status"]).contains("`helm up` takes them over"));
    assert!(is_alive(codex) && is_alive(postgres));

    // A new daemon adopts them; a restarted one as well.
    suite.succeed(&["up"]);
    assert_eq!((suite.pid("codex"), suite.pid("postgresql")), (codex, postgres));
    assert_eq!(suite.status()["beacon"].0, "running");
    let daemon = suite.pid("helm");
    suite.succeed(&["restart", "helm"]);
    assert_ne!(suite.pid("helm"), daemon);
    assert_eq!((suite.pid("codex"), suite.pid("postgresql")), (codex, postgres));

    // Also without a daemon everything can be stopped.
    kill(suite.pid("helm"));
    wait_until("the daemon is gone", || !suite.status().contains_key("helm"));
    suite.succeed(&["down"]);
    assert!(!is_alive(codex) && !is_alive(postgres));
}

fn kill(pid: i64) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[test]
fn a_given_password_is_neither_shown_nor_kept() {
    let suite = Suite::new(&["codex"]);
    let output = suite.helm_with(&["up"], &[("HIVEMATRIX_ADMIN_PASSWORD", "chosen-by-the-operator")]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("as given in HIVEMATRIX_ADMIN_PASSWORD") && !text.contains("chosen"));
    assert!(!suite.home().join("core/admin_password").exists());
    // Nor later, when the variable is not set any more.
    assert!(suite.succeed(&["up"]).contains("as given in HIVEMATRIX_ADMIN_PASSWORD"));
    assert!(!suite.home().join("core/admin_password").exists());
}

#[test]
fn commands_that_need_a_running_suite_say_so_and_fail() {
    let suite = Suite::new(&[]);
    for arguments in [&["start", "codex"][..], &["stop", "codex"], &["logs"], &["token"], &["up"]] {
        let output = suite.helm(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("helm: "), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(suite.succeed(&["status", "--json"]).trim(), "[]");
}
