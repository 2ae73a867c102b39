//! Services of the original suite beside ours: their own folders, their databases, their Neo4j.

use std::{fs, path::PathBuf, process::Command};

use hivematrix_helm::{
    domain::{backup::manifest::State, operator::Operator},
    instance::options::Given,
    suite::Basis,
};

use super::{
    instance::{Instance, execute, mode, query},
    upstream::zip,
};

/// A folder of the original's beside the instance.
fn theirs(instance: &Instance, name: &str) -> PathBuf {
    let folder = instance.folder.path().join(format!("hivematrix-{name}"));
    for inner in ["instance", "keys", "exports/csv", "pyenv/bin"] {
        fs::create_dir_all(folder.join(inner)).unwrap();
    }
    for (path, text) in [
        ("run.py", "program"),
        ("pyenv/bin/python", "program"),
        (".flaskenv", "SECRET_KEY=saved\n"),
        ("keys/vendor.pem", "saved"),
        ("exports/csv/a.csv", "saved"),
    ] {
        fs::write(folder.join(path), text).unwrap();
    }
    fs::write(folder.join("instance").join(format!("{name}.conf")), "[psa]\nkey = saved\n").unwrap();
    // As `helm up` looks at the registry and beside the instance.
    Basis::of(&instance.layout, &Given::default(), &Operator::default()).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_service_s_own_folder_is_saved_and_comes_back() {
    let instance = Instance::new(&["alpha"]);
    let zoo = theirs(&instance, "zoo");
    let server = instance.start().await;
    let done = instance.backup().await.unwrap();
    server.stop().await.unwrap();
    let part = done.manifest.parts.iter().find(|part| part.name == "foreign/zoo").unwrap();
    assert_eq!(part.state, State::Saved);
    let paths: Vec<&str> = part.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        ["@zoo/.flaskenv", "@zoo/exports/csv/a.csv", "@zoo/instance/zoo.conf", "@zoo/keys/vendor.pem"]
    );

    let archive = done.archive.to_str().unwrap();
    fs::write(zoo.join(".flaskenv"), "SECRET_KEY=newer\n").unwrap();
    fs::write(zoo.join("instance/zoo.conf"), "[psa]\nkey = newer\n").unwrap();
    fs::write(zoo.join("exports/csv/later.csv"), "stays").unwrap();
    fs::remove_dir_all(zoo.join("keys")).unwrap();
    let before = mode(&zoo);
    let output = instance.helm(&["restore", archive, "--force", "--files-only"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("write 4 files into"), "{output:?}");
    for (path, text) in [
        (".flaskenv", "SECRET_KEY=saved\n"),
        ("instance/zoo.conf", "[psa]\nkey = saved\n"),
        ("keys/vendor.pem", "saved"),
        ("exports/csv/later.csv", "stays"),
        ("run.py", "program"),
    ] {
        assert_eq!(fs::read_to_string(zoo.join(path)).unwrap(), text, "{path}");
    }
    assert!(!instance.home().join("@zoo").exists());
    assert_eq!((mode(&zoo), mode(&zoo.join("keys"))), (before, 0o700), "its folder is left as open as it is");

    // What a link stands for is not saved, and that is no whole archive.
    fs::rename(zoo.join("instance"), zoo.join("moved")).unwrap();
    std::os::unix::fs::symlink(zoo.join("moved"), zoo.join("instance")).unwrap();
    let output = instance.helm(&["backup", "--dry-run"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("instance is a link"), "{said}");
    // Nor is anything restored through it.
    let output = instance.helm(&["restore", archive, "--force", "--files-only"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was changed"), "{output:?}");

    // Where the service is not, its files are named.
    fs::remove_dir_all(&zoo).unwrap();
    let output = instance.helm(&["restore", archive, "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("left out: no zoo of the original suite"), "{output:?}");
    let output = instance.helm(&["restore", archive, "--force", "--configs-only"]);
    assert!(output.status.success() && !zoo.exists(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_without_the_graph_says_so() {
    let instance = Instance::new(&["alpha"]);
    theirs(&instance, "knowledgetree");
    let server = instance.start().await;
    let output = instance.helm(&["backup", "--json"]);
    server.stop().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("neo4j (knowledgetree keeps its data in Neo4j"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_the_original_suite_reaches_its_own_services() {
    let instance = Instance::new(&["alpha"]);
    let brainhair = theirs(&instance, "brainhair");
    let server = instance.start().await;
    execute(&instance.url("brainhair"), "CREATE TABLE t AS SELECT 1 AS id").await;
    let dump = Command::new("pg_dump").arg(instance.url("brainhair")).output().unwrap();
    execute(&instance.url("brainhair"), "UPDATE t SET id = 2").await;
    server.stop().await.unwrap();
    let config = serde_json::json!({
        "system": {"hostname": "msp.example.net", "log_level": "DEBUG"},
        "keycloak": {"url": "http://localhost:8080", "realm": "hivematrix", "client_secret": "s"},
        "apps": {"brainhair": {"db_name": "brainhair_db", "db_user": "old", "db_password": "old"}}
    });
    let archive = zip(
        &instance,
        &[
            ("postgresql/brainhair_db.sql", dump.stdout),
            ("configs/service_configs/brainhair.conf", b"[vendor]\nkey = archived\n".to_vec()),
            ("configs/master_config.json", config.to_string().into_bytes()),
        ],
    );
    let plan = instance.helm(&["restore", &archive, "--dry-run"]);
    let said = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(said.contains("replace the database of brainhair"), "{plan:?}");
    assert!(said.contains("hivematrix-brainhair/instance/brainhair.conf"), "{said}");
    assert!(said.contains("write helm/configs/master_config.json, without"), "{said}");
    assert!(said.contains("keycloak.url and keycloak.realm"), "{said}");
    let output = instance.helm(&["restore", &archive, "--force"]);
    assert!(output.status.success(), "{output:?}");

    let conf = brainhair.join("instance/brainhair.conf");
    assert_eq!(fs::read_to_string(&conf).unwrap(), "[vendor]\nkey = archived\n");
    assert_eq!(mode(&conf), 0o600);
    assert!(!instance.home().join("master_config.json").exists());
    let get = |key: &str| instance.helm(&["config", "get", key]);
    assert_eq!(String::from_utf8_lossy(&get("system.hostname").stdout).trim(), "msp.example.net");
    assert!(!get("keycloak.url").status.success(), "the suite does not turn to a Keycloak that is not here");
    assert!(!get("apps.brainhair.db_password").status.success());
    let server = instance.start().await;
    assert_eq!(query(&instance.url("brainhair"), "SELECT id::text FROM t").await, "1");
    server.stop().await.unwrap();
}
