//! The program `helm` as an operator uses it: a private PostgreSQL, pretended services, a killed daemon.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

#[path = "suite/keycloak.rs"]
mod keycloak;
#[path = "suite/mixed.rs"]
mod mixed;
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
const PORTS: [u16; 9] = [5000, 5001, 5004, 5010, 5020, 5030, 8443, 5442, 6389];

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
fn what_the_shell_of_up_gave_counts_for_everybody_until_down() {
    let suite = Suite::new(&["codex", "beacon"]);
    let shell = [
        ("FRESHSERVICE_API_KEY", "given-once"),
        ("HIVEMATRIX_ADMIN_PASSWORD", "chosen-by-the-operator"),
        ("LOG_LEVEL", "WARNING"),
    ];
    let output = suite.helm_with(&["up"], &shell);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let note = suite.home().join("helm/shell.json");
    assert_eq!(mode(&note), 0o600);
    assert!(!fs::read_to_string(&note).unwrap().contains("chosen-by-the-operator"));
    let of_codex = || {
        let environment = fs::read_to_string(format!("/proc/{}/environ", suite.pid("codex"))).unwrap();
        let find = |name: &str| {
            let value = environment.split('\0').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.map(str::to_owned)
        };
        (find("FRESHSERVICE_API_KEY"), find("LOG_LEVEL"))
    };
    let given = (Some("given-once".to_owned()), Some("WARNING".to_owned()));
    assert_eq!(of_codex(), given);

    // From a timer, which has none of these variables, Helm is handed over, and the daemon is killed as well.
    let codex = suite.pid("codex");
    suite.succeed(&["restart", "helm"]);
    assert_eq!(suite.pid("codex"), codex, "it goes on");
    suite.helm_with(&["restart", "codex"], &[("LOG_LEVEL", "DEBUG"), ("FRESHSERVICE_API_KEY", "another")]);
    assert_ne!(suite.pid("codex"), codex);
    assert_eq!(of_codex(), given, "another shell changes nothing");
    kill(suite.pid("helm"));
    wait_until("the daemon is gone", || !suite.status().contains_key("helm"));
    let codex = suite.pid("codex");
    suite.succeed(&["up"]);
    assert_eq!((suite.pid("codex"), of_codex()), (codex, given), "it is not out of date");

    suite.succeed(&["down"]);
    assert!(!note.exists());
    suite.succeed(&["up"]);
    assert_eq!(of_codex(), (None, Some("INFO".to_owned())));

    // Killed as a whole, the daemon first: there is nothing to stop, and nothing of it counts any more.
    assert!(suite.helm_with(&["up"], &shell).status.success());
    let daemon = suite.pid("helm");
    let mut pids: Vec<i64> = suite.status().into_values().filter_map(|(_, pid)| pid).collect();
    pids.sort_by_key(|pid| *pid != daemon);
    pids.iter().for_each(|pid| kill(*pid));
    wait_until("everything is gone", || !pids.iter().any(|pid| is_alive(*pid)));
    assert!(note.exists());
    assert!(suite.succeed(&["down"]).contains("is not running"));
    assert!(!note.exists());
}

#[test]
fn a_backup_from_a_timer_knows_the_databases_of_the_running_suite() {
    let suite = Suite::new(&["codex"]);
    // Nothing listens there: the address alone is what counts.
    let elsewhere = "postgres://somebody:s3cret@127.0.0.1:9/codex";
    let output = suite.helm_with(&["up"], &[("CODEX_DATABASE_URL", elsewhere)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let saved = suite.helm(&["backup", "--json"]);
    let said = String::from_utf8_lossy(&saved.stderr);
    assert_eq!(saved.status.code(), Some(1), "{said}");
    let done: Value = serde_json::from_slice(&saved.stdout).unwrap();
    let parts = done["manifest"]["parts"].as_array().unwrap();
    let state = |name: &str| {
        let is_it = |part: &&Value| part["name"].as_str().unwrap().starts_with(name);
        parts.iter().find(is_it).unwrap()["state"].clone()
    };
    assert_eq!((state("postgresql/codex"), state("postgresql/helm")), ("missing".into(), "saved".into()));
    assert!(!format!("{said}{done}").contains("s3cret"));
}

#[test]
fn a_module_is_installed_into_a_running_suite_and_what_is_not_here_is_refused_by_name() {
    let suite = Suite::new(&["codex"]);
    let json = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).unwrap();
    let before = json(&suite.helm(&["install", "codex", "--json"]));
    assert_eq!((&before["success"], &before["running"]), (&true.into(), &false.into()), "{before}");
    assert!(suite.home().join("helm/secrets.json").exists() && suite.home().join("codex").is_dir());
    suite.succeed(&["up"]);

    // Its program comes with another build.
    pretend(&suite.folder.path().join("bin/hivematrix-beacon"));
    let installed = json(&suite.helm(&["install", "beacon", "--json"]));
    assert_eq!((&installed["success"], &installed["running"]), (&true.into(), &true.into()), "{installed}");
    assert_eq!(suite.status()["beacon"].0, "running");
    let pid = suite.pid("beacon");
    assert!(suite.succeed(&["install", "install", "beacon"]).contains("runs already"));
    assert_eq!(suite.pid("beacon"), pid);
    let facts: Value = serde_json::from_str(&suite.succeed(&["install", "status", "beacon"])).unwrap();
    assert_eq!(
        (&facts["installed"], &facts["type"], &facts["state"], &facts["database"]),
        (&true.into(), &"program".into(), &"running".into(), &Value::Null)
    );
    let codex: Value = serde_json::from_str(&suite.succeed(&["install", "status", "codex"])).unwrap();
    assert_eq!(codex["database"], "own");
    let listed: Value =
        serde_json::from_str(&suite.succeed(&["install", "list-installed", "--json"])).unwrap();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"beacon") && !names.contains(&"nexus"), "{names:?}");

    for (name, words) in [
        ("ledger", "ledger is not in this build"),
        ("knowledgetree", "knowledgetree is not in this build"),
        ("archive", "install ledger"),
        ("nonsense", "there is no module of that name"),
        ("../codex", "there is no module of that name"),
        ("helm", "what installs the others"),
    ] {
        let refused = suite.helm(&["install", name]);
        assert_eq!(refused.status.code(), Some(1), "{name}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(words) && refused.stdout.is_empty(), "{name}: {said}");
    }
    let down: Value = serde_json::from_str(&suite.succeed(&["down", "--json"])).unwrap();
    assert_eq!(down["success"], true);
    let written: Value = serde_json::from_str(&suite.succeed(&["update-config", "--json"])).unwrap();
    assert_eq!(written["written"].as_array().unwrap().len(), 3);
}

#[test]
fn a_token_is_kept_for_its_owner_and_sent_to_this_machine_alone() {
    let suite = Suite::new(&["codex"]);
    suite.succeed(&["up"]);
    let home = suite.folder.path();
    let helm = |arguments: &[&str], input: &str| {
        let mut child = Command::new(home.join("bin/helm"))
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .env("HIVEMATRIX_HOME", suite.home())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let url = format!("http://127.0.0.1:{}/health", 5010 + suite.offset);
    assert_eq!(helm(&["auth", "test", &url], "").status.code(), Some(1), "none is kept");
    assert_eq!(helm(&["auth", "set-token"], "").status.code(), Some(1), "it is missing");
    assert!(helm(&["auth", "set-token", "-"], "a.b.c\n").status.success());
    assert_eq!(mode(&home.join(".hivematrix_token")), 0o600);
    let answer = helm(&["auth", "test", &url, "--json"], "");
    let facts: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!((&facts["status"], facts["size"].as_u64() > Some(0)), (&200.into(), true), "{facts}");
    // Of an account that may not read the secrets.
    let secrets = suite.home().join("helm/secrets.json");
    fs::rename(&secrets, secrets.with_extension("away")).unwrap();
    let called = helm(&["call", "GET", "/health", "--service", "codex", "--kept"], "");
    let said = String::from_utf8_lossy(&called.stderr);
    assert!(called.status.success() && !called.stdout.is_empty(), "{said}");
    fs::rename(secrets.with_extension("away"), &secrets).unwrap();
    let away = helm(&["auth", "test", "https://msp.example.net/"], "");
    assert!(String::from_utf8_lossy(&away.stderr).contains("this machine only"));
}

#[test]
fn a_restore_needs_a_stopped_suite_and_a_killed_one_is_ended_before_anything_starts() {
    let suite = Suite::new(&["codex"]);
    suite.succeed(&["up"]);
    let done: Value = serde_json::from_str(&suite.succeed(&["backup", "--json"])).unwrap();
    let archive = done["archive"].as_str().unwrap();
    let refused = suite.helm(&["restore", archive, "--force"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("stop it with `helm down` first"), "{said}");
    suite.succeed(&["down"]);

    // What a restore leaves that is killed between two files.
    let [conf, folder] = ["codex/codex.conf", "helm/restore"].map(|path| suite.home().join(path));
    fs::create_dir_all(folder.join("before/codex")).unwrap();
    fs::write(folder.join("before/codex/codex.conf"), "[a]\nvalue = old\n").unwrap();
    fs::write(&conf, "[a]\nvalue = new\n").unwrap();
    let journal = serde_json::json!({
        "archive": archive, "started_at": "2025-11-22T02:00:00Z", "stage": "swapping", "cluster": null,
        "databases": [], "files": [{"path": "codex/codex.conf", "comes": true, "existed": true}],
    });
    fs::write(folder.join("journal.json"), journal.to_string()).unwrap();
    let output = suite.helm(&["up"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the state before it is back"), "{said}");
    assert_eq!(fs::read_to_string(conf).unwrap(), "[a]\nvalue = old\n");
    assert!(!folder.exists());
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
