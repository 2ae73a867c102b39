//! `helm audit` as a program: its exit codes and its files, without a running suite.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

/// Ports of this instance are moved away from those of any other on the machine.
const OFFSET: u16 = 41_000;

fn instance(registry: &Value) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("helm")).unwrap();
    let options = json!({ "port_offset": OFFSET });
    fs::write(home.path().join("helm/instance.json"), options.to_string()).unwrap();
    fs::write(home.path().join("apps_registry.json"), registry.to_string()).unwrap();
    home
}

fn audit(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helm"))
        .arg("audit")
        .args(arguments)
        .current_dir(home)
        .env("HIVEMATRIX_HOME", home)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

#[test]
fn an_exposed_service_is_the_exit_code() {
    let quiet = instance(&json!({}));
    let done = audit(quiet.path(), &["--json"]);
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(found["exposed_services"], json!([]), "{found}");
    assert_eq!(done.status.code(), Some(0), "further checks do not count: {found}");
    assert!(String::from_utf8_lossy(&done.stderr).contains("not kept"), "no suite runs here");

    // The instance adds its offset to the port of the registry.
    let bound = |port| TcpListener::bind(("0.0.0.0", port)).ok().map(|open| (open, port));
    let (_open, port) = (OFFSET + 1..=OFFSET + 500).find_map(bound).unwrap();
    let ledger = json!({ "name": "HiveMatrix Ledger", "port": port - OFFSET });
    let exposed = instance(&json!({ "default_apps": { "ledger": ledger } }));
    let done = audit(exposed.path(), &["--quiet"]);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1), "{text}");
    assert!(text.starts_with("EXPOSED\n  ledger") && text.contains(&port.to_string()), "{text}");
    assert!(done.stderr.is_empty(), "quiet is quiet");
}

#[test]
fn a_script_is_written_to_be_run_and_a_report_for_its_owner() {
    let home = instance(&json!({}));
    for (arguments, file, mode) in [
        (&["--generate-firewall"][..], "secure_firewall.sh", 0o755),
        (&["--generate-iptables"], "secure_iptables.sh", 0o755),
        (&["--generate-firewall", "nftables", "--output", "mine.sh"], "mine.sh", 0o755),
        (&["--json", "--output", "report.json"], "report.json", 0o600),
    ] {
        let done = audit(home.path(), arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        let file = home.path().join(file);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, mode, "{arguments:?}");
        assert!(fs::metadata(&file).unwrap().len() > 100, "{arguments:?}");
    }
    let shown = audit(home.path(), &["--generate-firewall", "ufw", "-o", "-"]);
    assert_eq!(shown.stdout, fs::read(home.path().join("secure_firewall.sh")).unwrap());
    let nowhere = audit(home.path(), &["--generate-firewall", "ufw", "-o", "no/such/folder"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot write no/such/folder"));
}
