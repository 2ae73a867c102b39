//! The commands of an installed suite.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use super::stand_in::StandIn;

struct Installed {
    folder: tempfile::TempDir,
    systemctl: StandIn,
}

impl Installed {
    fn new() -> Self {
        let installed = Self { folder: tempfile::tempdir().unwrap(), systemctl: StandIn::new() };
        let programs = installed.programs();
        fs::create_dir_all(&programs).unwrap();
        let helm = Path::new(env!("CARGO_BIN_EXE_helm"));
        if fs::hard_link(helm, programs.join("helm")).is_err() {
            fs::copy(helm, programs.join("helm")).unwrap();
        }
        let at = |name: &str| installed.folder.path().join(name);
        let places = serde_json::json!({
            "programs": programs, "home": at("home"), "settings": at("etc"), "backups": at("backups")
        });
        let members =
            ["core", "postgresql", "redis", "backup"].map(|name| format!("hivematrix-{name}.service"));
        let units =
            [&members[..], &["hivematrix.target".to_owned(), "hivematrix-backup.timer".to_owned()]].concat();
        let files: Vec<PathBuf> = units.iter().map(|unit| at("units").join(unit)).collect();
        let note = serde_json::json!({"places": places, "units": at("units"), "files": files});
        fs::write(programs.join("install.json"), note.to_string()).unwrap();
        installed
    }

    fn programs(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        self.helm_with(arguments, &[])
    }

    fn helm_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let path = std::env::join_paths(
            [self.systemctl.folder().to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        Command::new(self.programs().join("helm"))
            .args(arguments)
            .env_clear()
            .env("PATH", path.unwrap())
            .envs(variables.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.helm(arguments);
        assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.helm(arguments);
        assert_eq!(output.status.code(), Some(1), "helm {arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn start_stop_and_restart_go_to_systemd() {
    let installed = Installed::new();
    let unit = "hivematrix-core.service";
    let said = installed.succeed(&["start", "core"]);
    let pid = installed.systemctl.pid(unit);
    assert!(said.contains("✓ Service started successfully"), "{said}");
    assert!(said.contains(&format!("PID: {pid}")) && said.contains("Port: 5000"), "{said}");
    assert!(installed.fail(&["start", "core"]).contains(&format!("already running (PID: {pid})")));
    installed.succeed(&["restart", "core"]);
    assert_ne!(installed.systemctl.pid(unit), pid);
    assert!(installed.succeed(&["stop", "core"]).contains("Service stopped successfully"));
    assert!(installed.succeed(&["stop", "core"]).contains("Service was already stopped"));
    let orders = ["start", "restart", "stop"].map(|word| format!("{word} {unit}"));
    assert_eq!(installed.systemctl.orders(), orders);
}

#[test]
fn a_suite_that_is_said_to_be_down_is_down() {
    let installed = Installed::new();
    let names = ["postgresql", "redis", "core"];
    let pids = names.map(|name| {
        installed.succeed(&["start", name]);
        installed.systemctl.pid(&format!("hivematrix-{name}.service"))
    });
    // Which units there are is not asked of files that may be damaged.
    let home = installed.folder.path().join("home");
    fs::create_dir_all(home.join("helm")).unwrap();
    for file in ["helm/instance.json", "apps_registry.json"] {
        fs::write(home.join(file), "{").unwrap();
    }
    installed.succeed(&["down"]);
    for pid in pids {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }
    let orders = installed.systemctl.orders();
    let units = ["core", "postgresql", "redis"].map(|name| format!("hivematrix-{name}.service")).join(" ");
    // A backup that runs goes on.
    assert_eq!(orders.last().unwrap(), &format!("stop hivematrix.target {units}"));
}

#[test]
fn a_stranger_and_a_refusal_are_said_and_nothing_else_happens() {
    let installed = Installed::new();
    for name in ["nothing", "../ssh", "ssh.service"] {
        assert!(installed.fail(&["stop", name]).contains("Service not found"), "{name}");
    }
    assert_eq!(installed.systemctl.orders(), Vec::<String>::new());
    installed.systemctl.refuse();
    assert!(installed.fail(&["start", "core"]).contains("Job for hivematrix-core.service failed."));
}

#[test]
fn the_state_is_systemds_where_no_daemon_answers() {
    let installed = Installed::new();
    installed.succeed(&["start", "codex"]);
    let entries: Vec<Value> = serde_json::from_str(&installed.succeed(&["status", "--json"])).unwrap();
    let entry = |name: &str| entries.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(entry("codex")["state"], "running");
    assert_eq!(entry("codex")["pid"], installed.systemctl.pid("hivematrix-codex.service"));
    assert_eq!(entry("beacon")["state"], "stopped");
    assert_eq!(entry("postgresql")["kind"], "server");
    let facts: Value = serde_json::from_str(&installed.succeed(&["install", "status", "codex"])).unwrap();
    assert_eq!(facts["state"], "running");
}

#[test]
fn a_restore_waits_for_systemds_processes_and_one_that_was_broken_off_keeps_helm_down() {
    let installed = Installed::new();
    let home = installed.folder.path().join("home");
    fs::create_dir_all(home.join("helm")).unwrap();
    fs::write(home.join("helm/secrets.json"), "{}").unwrap();
    // No database can be reached, and the rest is an archive all the same.
    let said = installed.fail(&["backup", "saved"]);
    assert!(said.contains("the archive is incomplete"), "{said}");
    let saved = installed.folder.path().join("saved");
    let archive = fs::read_dir(saved).unwrap().next().unwrap().unwrap().path();
    let restore = ["restore", archive.to_str().unwrap(), "--force", "--configs-only"];
    installed.systemctl.tell(&["start", "hivematrix-core.service"]);
    let said = installed.fail(&restore);
    assert!(said.contains("core is still running"), "{said}");
    installed.systemctl.tell(&["stop", "hivematrix-core.service"]);
    installed.succeed(&restore);

    fs::create_dir(home.join("helm/restore")).unwrap();
    let said = installed.fail(&["serve"]);
    assert!(said.contains("a restore was broken off"), "{said}");
}

#[test]
fn the_units_and_not_roots_shell_say_which_keycloak_is_used() {
    let installed = Installed::new();
    let home = installed.folder.path().join("home");
    fs::create_dir_all(home.join("helm")).unwrap();
    let shell = [("KEYCLOAK_SERVER_URL", "https://roots-shell.example"), ("KEYCLOAK_REALM", "roots")];
    let status = |arguments: &[&str]| {
        let output = installed.helm_with(arguments, &shell);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, said) = status(&["keycloak", "status"]);
    assert!(code == Some(0) && said.contains("Core's own realm"), "{said}");

    let lines = "KEYCLOAK_SERVER_URL=http://127.0.0.1:9\nKEYCLOAK_REALM=units\n";
    fs::write(home.join("settings.env"), lines).unwrap();
    fs::set_permissions(home.join("settings.env"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let (code, said) = status(&["keycloak", "status", "--json"]);
    let answer: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &answer["ok"], &answer["keycloak"]["realm"]),
        (Some(1), &false.into(), &"units".into())
    );
    fs::write(installed.programs().join("hivematrix-nexus"), "").unwrap();
    let password = installed.folder.path().join("password");
    fs::write(&password, "an administrator's").unwrap();
    let file = ["--admin-password-file", password.to_str().unwrap()];
    let (code, said) = status(&[&["keycloak", "configure"][..], &file[..]].concat());
    assert!(code == Some(1) && said.contains("127.0.0.1:9") && !said.contains("roots-shell"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn an_update_needs_a_build_that_only_root_can_change() {
    let installed = Installed::new();
    assert!(installed.fail(&["update", "--check"]).contains("--from"));
    // What Helm's own account could have put there.
    let offered = installed.folder.path().join("home/update");
    fs::create_dir_all(&offered).unwrap();
    fs::copy(installed.programs().join("helm"), offered.join("helm")).unwrap();
    std::os::unix::fs::chown(installed.folder.path().join("home"), Some(65_534), Some(65_534)).unwrap();
    for words in [&["update"][..], &["update", "--dry-run"], &["update", "--check"]] {
        let from = ["--from", offered.to_str().unwrap()];
        let said = installed.fail(&[words, &from[..]].concat());
        assert!(said.contains("others than root can change"), "{said}");
    }
    assert!(!installed.folder.path().join("bin.new").exists());
    assert!(!installed.systemctl.orders().contains(&"start hivematrix-backup.service".to_owned()));
}

#[test]
fn installation_into_a_folder_tells_systemd_nothing() {
    let installed = Installed::new();
    let root = installed.folder.path().join("machine");
    let root = root.to_str().unwrap();
    let said = installed.succeed(&["install", "--systemd", "--root", root, "--dry-run"]);
    assert!(said.contains("would put  program  /usr/lib/hivematrix/helm"), "{said}");
    assert!(!Path::new(root).exists());
    installed.succeed(&["install", "--systemd", "--root", root]);
    assert!(Path::new(root).join("etc/systemd/system/hivematrix.target").is_file());
    assert!(Path::new(root).join("usr/lib/hivematrix/helm").is_file());
    let said = installed.succeed(&["install", "--systemd", "--root", root, "--undo"]);
    assert!(said.contains("These stay: the data in"), "{said}");
    assert!(!Path::new(root).join("usr/lib/hivematrix").exists());
    let again = installed.succeed(&["install", "--systemd", "--root", root, "--undo"]);
    assert!(again.contains("Nothing is installed"), "{again}");
    assert_eq!(installed.systemctl.orders(), Vec::<String>::new());
}

#[test]
fn the_doctor_needs_no_daemon_and_finds_what_is_open_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let installed = Installed::new();
    let home = installed.folder.path().join("sick");
    fs::create_dir_all(home.join("helm")).unwrap();
    fs::write(home.join("helm/secrets.json"), "{}").unwrap();
    fs::set_permissions(home.join("helm/secrets.json"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir_all(home.join("nexus/certs")).unwrap();
    fs::write(home.join("nexus/certs/nexus.crt"), "no certificate").unwrap();
    fs::write(installed.programs().join("hivematrix-nexus"), "").unwrap();
    let output = Command::new(installed.programs().join("helm"))
        .args(["doctor", "--json"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HIVEMATRIX_HOME", &home)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let problems: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "problem")
        .collect();
    let fix = |check: &str, part: &str| {
        problems
            .iter()
            .any(|finding| finding["check"] == check && finding["fix"].as_str().unwrap().contains(part))
    };
    assert!(fix("permissions", "chmod 600"), "{problems:?}");
    assert!(fix("certificate", "PEM certificate"), "{problems:?}");
}
