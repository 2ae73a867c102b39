//! A restore that is killed: whatever it was doing, the next start finds the old state or the new one, whole.

use std::{collections::BTreeMap, fs, time::Duration};

use hivematrix_helm::restore::{
    journal::{Cluster, DatabaseStep, FileStep, Journal, Stage, folder},
    loading_role::LoadingRole,
    swap::{self, Recovered},
};
use hivematrix_shared::clock::Clock;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::instance::{Instance, execute, query};

const SAVED: &str = "[a]\nvalue = saved\n";
const NEWER: &str = "[a]\nvalue = newer\n";

fn old() -> (String, String, String) {
    ("2".into(), "2".into(), NEWER.into())
}

fn new() -> (String, String, String) {
    ("1".into(), "1".into(), SAVED.into())
}

/// An instance with an archive of `new` and everything as in `old`.
async fn instance() -> (Instance, String) {
    let instance = Instance::new(&["alpha", "beta"]);
    let server = instance.start().await;
    for service in ["alpha", "beta"] {
        execute(&instance.url(service), "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
        execute(&instance.url(service), "CREATE TABLE many AS SELECT generate_series(1, 20000) AS id").await;
    }
    instance.write("alpha/alpha.conf", SAVED, 0o600);
    let done = instance.backup().await.unwrap();
    for service in ["alpha", "beta"] {
        execute(&instance.url(service), "UPDATE t SET id = 2").await;
    }
    instance.write("alpha/alpha.conf", NEWER, 0o600);
    server.stop().await.unwrap();
    (instance, done.archive.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_leaves_the_old_state_or_the_new_one() {
    let (instance, archive) = instance().await;
    // Killed as soon as the journal says this; where it was faster, it is killed later or not at all.
    for at in [None, Some(Stage::Loading), Some(Stage::Swapping), Some(Stage::Done)] {
        let mut child = instance.spawn(&["restore", &archive, "--force"]);
        loop {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            let journal = Journal::read(&instance.layout).unwrap();
            let is_there = match (at, &journal) {
                (None, journal) => journal.is_some(),
                // Not before there is a database to throw away.
                (Some(Stage::Loading), Some(journal)) => !journal.databases.is_empty(),
                (Some(at), Some(journal)) => journal.stage == at,
                (_, None) => false,
            };
            if is_there {
                kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
                child.wait().unwrap();
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        // The next restore, or start, begins with this.
        swap::recover(&instance.layout).await.unwrap();
        let state = instance.state().await;
        assert!(state == old() || state == new(), "{at:?}: {state:?}");
        if state == new() {
            let server = instance.start().await;
            for service in ["alpha", "beta"] {
                execute(&instance.url(service), "UPDATE t SET id = 2").await;
            }
            server.stop().await.unwrap();
            instance.write("alpha/alpha.conf", NEWER, 0o600);
        }
    }
}

/// A journal as a restore has it that is half through with its swap: one database and one file of two.
async fn half_way(instance: &Instance, stage: Stage) -> Journal {
    let server = instance.start().await;
    let admin = instance.admin_url();
    let step = |service: &str| DatabaseStep {
        part: format!("postgresql/{service}_db"),
        server: admin.clone(),
        name: format!("{service}_db"),
        fresh: format!("{service}_db_new_1"),
        before: format!("{service}_db_old_1"),
        existed: true,
    };
    for service in ["alpha", "beta"] {
        execute(&admin, &format!("CREATE DATABASE {service}_db_new_1 OWNER {service}_user")).await;
        let fresh = instance.database_as_admin(&format!("{service}_db_new_1"));
        execute(&fresh, &format!("CREATE TABLE t AS SELECT 1 AS id; ALTER TABLE t OWNER TO {service}_user"))
            .await;
    }
    let swapped: &[&str] = if stage == Stage::Done { &["alpha", "beta"] } else { &["alpha"] };
    for service in swapped {
        execute(&admin, &format!("ALTER DATABASE {service}_db RENAME TO {service}_db_old_1")).await;
        execute(&admin, &format!("ALTER DATABASE {service}_db_new_1 RENAME TO {service}_db")).await;
    }
    let journal = Journal {
        archive: "a.tar.age".into(),
        started_at: Clock::system().now(),
        stage,
        cluster: Some(Cluster { port: port(instance), password: password(instance), made: false }),
        databases: vec![step("alpha"), step("beta")],
        roles: Vec::new(),
        graph: None,
        files: vec![
            FileStep { path: "alpha/alpha.conf".into(), comes: true, existed: true },
            FileStep { path: "alpha/new.conf".into(), comes: true, existed: false },
            FileStep { path: "alpha/gone.conf".into(), comes: false, existed: true },
        ],
        outside: BTreeMap::new(),
    };
    journal.write(&instance.layout).unwrap();
    // The files are all swapped: each of them has to come back.
    let aside = folder(&instance.layout).join("before/alpha");
    fs::create_dir_all(&aside).unwrap();
    fs::rename(instance.home().join("alpha/alpha.conf"), aside.join("alpha.conf")).unwrap();
    instance.write("alpha/alpha.conf", SAVED, 0o600);
    instance.write("alpha/new.conf", "new", 0o600);
    fs::write(aside.join("gone.conf"), "was here").unwrap();
    server.stop().await.unwrap();
    journal
}

fn port(instance: &Instance) -> u16 {
    instance.admin_url().parse::<url::Url>().unwrap().port().unwrap()
}

fn password(instance: &Instance) -> String {
    instance.admin_url().parse::<url::Url>().unwrap().password().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_swap_is_undone_and_a_whole_one_is_finished() {
    let (instance, _) = instance().await;
    half_way(&instance, Stage::Swapping).await;
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Undone);
    assert_eq!(instance.state().await, old());
    assert!(!instance.home().join("alpha/new.conf").exists());
    assert_eq!(fs::read_to_string(instance.home().join("alpha/gone.conf")).unwrap(), "was here");
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Nothing);

    fs::remove_file(instance.home().join("alpha/gone.conf")).unwrap();
    half_way(&instance, Stage::Done).await;
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Finished);
    assert_eq!(instance.state().await, new());
    assert!(
        instance.home().join("alpha/new.conf").exists() && !instance.home().join("alpha/gone.conf").exists()
    );
}

/// A journal of a restore that has not begun to change names.
fn loading(instance: &Instance) -> Journal {
    Journal {
        archive: "a.tar.age".into(),
        started_at: Clock::system().now(),
        stage: Stage::Loading,
        cluster: Some(Cluster { port: port(instance), password: password(instance), made: false }),
        databases: Vec::new(),
        roles: Vec::new(),
        graph: None,
        files: Vec::new(),
        outside: BTreeMap::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_started_before_anything_was_done_is_stopped() {
    let instance = Instance::new(&["alpha"]);
    // As `kill -9` leaves it.
    std::mem::forget(instance.start().await);
    let running = instance.home().join("postgres/data/postmaster.pid");
    assert!(running.exists());
    loading(&instance).write(&instance.layout).unwrap();
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Undone);
    assert!(!running.exists());
    // And none is started to be stopped.
    loading(&instance).write(&instance.layout).unwrap();
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Undone);
    assert!(!running.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undone_is_the_restore_s_and_nobody_else_s() {
    let instance = Instance::new(&["alpha"]);
    let server = instance.start().await;
    let admin = instance.admin_url();
    // Killed before it made its database; somebody made one of that name since.
    execute(&admin, "CREATE DATABASE gamma_db").await;
    execute(&admin, "CREATE DATABASE gamma_db_new_1").await;
    let mut journal = loading(&instance);
    let step = |name: &str| DatabaseStep {
        part: format!("postgresql/{name}"),
        server: admin.clone(),
        name: name.into(),
        fresh: format!("{name}_new_1"),
        before: format!("{name}_old_1"),
        existed: false,
    };
    execute(&admin, "CREATE DATABASE delta_db").await;
    journal.databases = vec![step("gamma_db"), step("delta_db")];
    let role = LoadingRole::new(&admin);
    let names = serde_json::to_value(&role).unwrap();
    for name in ["name", "makers"] {
        execute(&admin, &format!("CREATE ROLE {}", names[name].as_str().unwrap())).await;
    }
    execute(&admin, &format!("GRANT CONNECT ON DATABASE alpha_db TO {}", names["name"].as_str().unwrap()))
        .await;
    journal.roles = vec![role];
    journal.write(&instance.layout).unwrap();
    server.stop().await.unwrap();
    assert_eq!(swap::recover(&instance.layout).await.unwrap(), Recovered::Undone);
    let server = instance.start().await;
    let left = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database
                 WHERE NOT datistemplate AND datname <> 'postgres'";
    assert_eq!(query(&admin, left).await, "alpha_db,delta_db,gamma_db");
    let roles = "SELECT count(*)::text FROM pg_roles WHERE rolname LIKE 'hm\\_%'";
    assert_eq!(query(&admin, roles).await, "0");
    server.stop().await.unwrap();
}
