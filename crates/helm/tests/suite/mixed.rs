//! Settings that reach running services, and a service of the original suite (a small Python program in its place) beside
//! ours.

use std::os::unix::fs::symlink;

use sqlx::{Connection as _, PgConnection};

use super::*;

/// Answers as the original suite's services do, and tells what it was given.
const STAND_IN: &str = r#"
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "degraded", "env": dict(os.environ), "cwd": os.getcwd()}).encode()
        self.send_response(503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["FLASK_RUN_PORT"])), Handler).serve_forever()
"#;

impl Suite {
    fn environment(&self, name: &str) -> BTreeMap<String, String> {
        let text = fs::read(format!("/proc/{}/environ", self.pid(name))).unwrap();
        let entries = text.split(|byte| *byte == 0).filter_map(|entry| {
            let (name, value) = std::str::from_utf8(entry).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        entries.collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(arguments)).unwrap()
    }

    /// Sets the lines of `settings.env`.
    fn settings(&self, lines: &str) {
        let file = self.home().join("settings.env");
        fs::write(&file, lines).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_restart_takes_changed_settings_up_and_forgets_removed_ones() {
    let suite = Suite::new(&["codex", "beacon"]);
    suite.succeed(&["up"]);
    suite.settings("FRESHSERVICE_API_KEY=first\nBEACON_THING=1\n");
    suite.succeed(&["restart", "codex"]);
    assert_eq!(suite.environment("codex")["FRESHSERVICE_API_KEY"], "first");
    assert!(!suite.environment("beacon").contains_key("BEACON_THING"), "it still runs as it was started");

    // Who has to be restarted is said by name and variable, values are not.
    let differences = suite.helm(&["config", "diff", "--json"]);
    assert_eq!(differences.status.code(), Some(3));
    let differences: Value = serde_json::from_slice(&differences.stdout).unwrap();
    assert_eq!(names(&differences["running"], |of| &of["name"]), ["beacon"]);
    assert!(names(&differences["running"][0]["variables"], |of| of).contains(&"BEACON_THING".to_owned()));

    // A removed line is gone with the next restart, and with `helm up`.
    suite.settings("BEACON_THING=2\n");
    suite.succeed(&["restart", "codex"]);
    assert!(!suite.environment("codex").contains_key("FRESHSERVICE_API_KEY"));
    let untouched = suite.pid("codex");
    assert!(suite.succeed(&["up"]).contains("beacon was out of date"));
    assert_eq!(suite.environment("beacon")["BEACON_THING"], "2");
    assert_eq!(suite.pid("codex"), untouched, "nothing changed for it");
    suite.settings("");
    suite.succeed(&["up"]);
    assert!(!suite.environment("beacon").contains_key("BEACON_THING"));

    // What cannot be started again is left running.
    let file = suite.home().join("settings.env");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = suite.helm(&["restart", "codex"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("chmod 600"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(suite.pid("codex"), untouched);

    // The master configuration is below the settings file, and reaches services in the same way.
    let stored = suite.json(&["config", "set", "system.log_level", "warning", "--json"]);
    assert_eq!(names(&stored["restart"], |of| of), ["beacon", "codex"]);
    suite.succeed(&["restart", "codex"]);
    assert_eq!(suite.environment("codex")["LOG_LEVEL"], "WARNING");
    suite.settings("LOG_LEVEL=ERROR\n");
    suite.succeed(&["restart", "codex"]);
    assert_eq!(suite.environment("codex")["LOG_LEVEL"], "ERROR");
    let wrong = suite.helm(&["config", "set", "system.log_level", "loud"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(suite.succeed(&["config", "get", "system.log_level"]).trim(), "WARNING");
    let secret = suite.helm(&["config", "set", "keycloak.client_secret", "hunter2"]);
    assert!(!secret.status.success(), "others can read arguments");
    assert!(!String::from_utf8_lossy(&secret.stderr).contains("hunter2"));
}

/// The words of a list, sorted.
fn names(list: &Value, of: impl Fn(&Value) -> &Value) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|item| of(item).as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_service_of_the_original_suite_runs_beside_ours() {
    let suite = Suite::new(&["codex"]);
    let theirs = suite.folder.path().join("hivematrix-zoo");
    fs::create_dir_all(theirs.join("pyenv/bin")).unwrap();
    symlink("/usr/bin/python3", theirs.join("pyenv/bin/python")).unwrap();
    fs::write(theirs.join("run.py"), STAND_IN).unwrap();
    fs::write(theirs.join(".flaskenv"), "# theirs\nSECRET_KEY=kept\nOWN_LINE=\"two words\"\n").unwrap();
    suite.succeed(&["up"]);
    assert_eq!(suite.status()["zoo"].0, "running");

    let listed = suite.json(&["list", "--json"]);
    let zoo = listed.as_array().unwrap().iter().find(|service| service["name"] == "zoo").unwrap();
    assert_eq!(zoo["type"], "foreign");
    let port = u16::try_from(zoo["port"].as_u64().unwrap()).unwrap();
    for file in ["services.json", "helm_services.json", "master_services.json"] {
        let text = fs::read_to_string(suite.home().join(file)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["zoo"]["port"], port, "{file}");
    }
    assert!(theirs.join("services.json").exists());

    // It is told what the original suite's services read, and what it has of its own wins.
    let env = suite.environment("zoo");
    for (name, value) in [
        ("SECRET_KEY", "kept"),
        ("OWN_LINE", "two words"),
        ("FLASK_APP", "run.py"),
        ("SERVICE_NAME", "zoo"),
        ("ENVIRONMENT", "development"),
        ("LOG_LEVEL", "INFO"),
    ] {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
    let folder = fs::read_link(format!("/proc/{}/cwd", suite.pid("zoo"))).unwrap();
    assert_eq!(folder, fs::canonicalize(&theirs).unwrap());
    assert_eq!(mode(&theirs.join(".flaskenv")), 0o600);
    let text = fs::read_to_string(theirs.join(".flaskenv")).unwrap();
    assert!(text.starts_with("# theirs\nSECRET_KEY=kept\n"), "{text}");

    // It is restarted with changed settings, and when it dies.
    suite.succeed(&["config", "set", "apps.zoo.log_level", "DEBUG"]);
    suite.succeed(&["restart", "zoo"]);
    assert_eq!(suite.environment("zoo")["LOG_LEVEL"], "DEBUG");
    let before = suite.pid("zoo");
    kill(before);
    wait_until("zoo restarted", || suite.status()["zoo"].1.is_some_and(|pid| pid != before));

    // Another one that is found later gets another port, and is there after the next `helm up`.
    let apples = suite.folder.path().join("hivematrix-apples");
    fs::create_dir_all(apples.join("pyenv/bin")).unwrap();
    symlink("/usr/bin/python3", apples.join("pyenv/bin/python")).unwrap();
    fs::write(apples.join("run.py"), STAND_IN).unwrap();
    suite.succeed(&["update-config"]);
    let started = suite.json(&["start", "apples", "--json"]);
    assert_eq!(started["message"], "Service started successfully");
    // What it lacks to be started again is named, and it is left running.
    let running = suite.pid("apples");
    fs::rename(apples.join("pyenv"), apples.join("away")).unwrap();
    let refused = suite.helm(&["restart", "apples"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Python executable not found"));
    assert_eq!(suite.pid("apples"), running);
    fs::rename(apples.join("away"), apples.join("pyenv")).unwrap();
    suite.succeed(&["up"]);
    assert_eq!(suite.pid("apples"), running);
    let status = suite.status();
    assert_eq!((status["zoo"].0.as_str(), status["apples"].0.as_str()), ("running", "running"));
    let listed = suite.json(&["list", "--json"]);
    let ports: Vec<(&Value, &Value)> =
        listed.as_array().unwrap().iter().map(|service| (&service["name"], &service["port"])).collect();
    assert!(ports.contains(&(&Value::from("zoo"), &Value::from(port))), "{ports:?}");

    // One whose folder went away goes with the next `helm up`; the others stay.
    fs::remove_dir_all(&apples).unwrap();
    suite.succeed(&["up"]);
    assert!(!suite.status().contains_key("apples"));
    suite.succeed(&["stop", "zoo"]);
    assert_eq!(suite.status()["zoo"].0, "stopped");
}

/// Runs a statement in the database that Helm gave to a service of the original suite.
fn in_their_database(folder: &Path, service: &str, statement: &'static str) {
    let conf = fs::read_to_string(folder.join(format!("instance/{service}.conf"))).unwrap();
    let url = conf.lines().find_map(|line| line.split_once("connection_string")).unwrap().1;
    let url = url.trim_start_matches([' ', '=']).trim().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn a_program_of_ours_takes_the_place_of_the_original_s_only_when_it_is_told_to() {
    let suite = Suite::new(&["codex"]);
    let theirs = suite.folder.path().join("hivematrix-ledger");
    fs::create_dir_all(theirs.join("pyenv/bin")).unwrap();
    symlink("/usr/bin/python3", theirs.join("pyenv/bin/python")).unwrap();
    fs::write(theirs.join("run.py"), STAND_IN).unwrap();
    let is_theirs = || {
        let folder = fs::read_link(format!("/proc/{}/cwd", suite.pid("ledger"))).unwrap();
        folder == fs::canonicalize(&theirs).unwrap()
    };
    suite.succeed(&["up"]);
    assert!(is_theirs());
    let early = suite.helm(&["replace", "ledger"]);
    assert!(String::from_utf8_lossy(&early.stderr).contains("has no program for ledger"), "{early:?}");
    in_their_database(&theirs, "ledger", "CREATE TABLE billing_snapshots (id serial PRIMARY KEY)");

    // An update brings ours: nothing changes, and the doctor says it.
    suite.succeed(&["down"]);
    pretend(&suite.folder.path().join("bin/hivematrix-ledger"));
    suite.succeed(&["up"]);
    assert!(is_theirs());
    let found: Value = serde_json::from_slice(&suite.helm(&["doctor", "--json"]).stdout).unwrap();
    let is_told = |found: &Value| {
        let mut all = found.as_array().unwrap_or_else(|| found["findings"].as_array().unwrap()).iter();
        all.any(|finding| finding["check"] == "services" && finding["severity"] == "warning")
    };
    assert!(is_told(&found), "{found}");

    // Ours would begin on their tables.
    let refused = suite.helm(&["replace", "ledger"]);
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{reason}");
    assert!(reason.contains("ALTER DATABASE ledger_db RENAME TO ledger_db_original"), "{reason}");
    in_their_database(&theirs, "ledger", "DROP TABLE billing_snapshots");
    suite.succeed(&["replace", "ledger"]);
    assert!(suite.succeed(&["replace", "ledger"]).contains("chosen already"));
    assert!(is_theirs(), "from the next start on");
    suite.succeed(&["down"]);
    suite.succeed(&["up"]);
    assert!(!is_theirs());
    let found: Value = serde_json::from_slice(&suite.helm(&["doctor", "--json"]).stdout).unwrap();
    assert!(!is_told(&found), "{found}");

    suite.succeed(&["replace", "ledger", "--back"]);
    suite.succeed(&["down"]);
    suite.succeed(&["up"]);
    assert!(is_theirs());
    assert_eq!(suite.helm(&["replace", "zoo"]).status.code(), Some(1));
}

#[test]
fn shells_and_readers_get_their_files_without_a_suite() {
    let suite = Suite::new(&[]);
    assert!(suite.succeed(&["completion", "bash"]).contains("update-config"));
    let folder = suite.folder.path().join("man1");
    suite.succeed(&["man", "--out", folder.to_str().unwrap()]);
    assert!(fs::read_to_string(folder.join("helm-config-set.1")).unwrap().contains("helm\\-config\\-set"));
    let refused = suite.helm(&["call", "GET", "/codex/api/companies"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
}

/// The scripts of the original suite that people type, by the names of the contract.
#[test]
fn the_names_of_the_original_scripts_lead_to_helm() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("echo");
    fs::write(&program, "#!/bin/sh\necho \"$@\"\nexit 3\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/compat");
    for (script, arguments, expected) in [
        ("cli.py", &["restart", "codex"][..], "restart codex"),
        ("logs_cli.py", &["ledger", "--tail", "50"], "logs ledger --tail 50"),
        ("logs_cli_enhanced.py", &["-c", "x y"], "logs -c x y"),
        ("config_manager.py", &["sync-all"], "config sync-all"),
        ("create_test_token.py", &[], "token"),
        ("auth_cli.py", &["test", "/codex/api/companies"], "auth test /codex/api/companies"),
        ("install_manager.py", &["list-installed"], "install list-installed"),
        ("test_with_token.sh", &["/codex/api/companies"], "token --get /codex/api/companies"),
        ("test_with_token.sh", &[], "token --get /helm/api/services/status"),
        ("cleanup_old_logs.py", &[], "cleanup-logs"),
        ("cleanup_old_logs.py", &["90"], "cleanup-logs --days 90"),
        ("cleanup_old_logs.py", &["90", "--dry-run"], "cleanup-logs --days 90 --dry-run"),
    ] {
        let output =
            Command::new(scripts.join(script)).args(arguments).env("HELM", &program).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{script}");
        assert_eq!(output.status.code(), Some(3), "the exit code is passed on");
    }
}
