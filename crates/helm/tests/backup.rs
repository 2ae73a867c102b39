//! Backups and restores on real clusters: under load, on an empty machine, cut off, with the wrong key, killed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "backup/external.rs"]
mod external;
#[path = "backup/foreign.rs"]
mod foreign;
#[path = "backup/graph.rs"]
mod graph;
#[path = "backup/hostile.rs"]
mod hostile;
#[path = "backup/instance.rs"]
mod instance;
#[path = "backup/killed.rs"]
mod killed;
#[path = "backup/locks.rs"]
mod locks;
#[path = "backup/parts.rs"]
mod parts;
#[path = "backup/upstream.rs"]
mod upstream;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hivematrix_helm::{
    backup::{database, history, keys, verify},
    domain::backup::manifest::{Manifest, State, differences},
};
use hivematrix_shared::clock::Clock;
use sqlx::{Connection, PgConnection};

use self::instance::{Instance, execute, mode};

/// Every kind of value whose text could depend on settings, a partitioned table, and a table nobody writes to.
const SCHEMA: &str = "
    CREATE TABLE ledger (id bigserial PRIMARY KEY, amount numeric(12,2), at timestamptz, took interval, data jsonb,
                         raw bytea, ratio float8, tags text[], day date);
    CREATE TABLE mirror (id bigint PRIMARY KEY, amount numeric(12,2));
    CREATE TABLE events (id bigint, day date) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
    CREATE TABLE events_2 PARTITION OF events DEFAULT;
    CREATE TABLE empty_one (id int);
    CREATE EXTENSION pg_trgm;
    CREATE INDEX ON ledger USING gin ((data::text) gin_trgm_ops);
    CREATE TABLE \"Odd \"\"name\" (\"r\" text);
    INSERT INTO \"Odd \"\"name\" VALUES (E'line\\nwith ''quotes'' and \\\\ and é');";

/// One row in each of two tables, or none: what a snapshot must never separate.
const WRITE: &str = "
    WITH new AS (INSERT INTO ledger (amount, at, took, data, raw, ratio, tags, day)
                 VALUES (random() * 1000, now(), '1 day 02:03:04.5', '{\"a\": [1, null, \"é\"]}', '\\xdeadbeef',
                         random(), '{x,\"y z\"}', '2025-01-15') RETURNING id, amount)
    INSERT INTO mirror SELECT id, amount FROM new;
    INSERT INTO events SELECT max(id), '2025-01-15' FROM ledger;
    UPDATE ledger SET amount = amount + 1 WHERE id = (SELECT max(id) - 3 FROM ledger);
    UPDATE mirror SET amount = amount + 1 WHERE id = (SELECT max(id) - 3 FROM ledger);";

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_under_load_comes_back_on_an_empty_machine() {
    let from = Instance::new(&["alpha", "beta"]);
    let server = from.start().await;
    for service in ["alpha", "beta"] {
        execute(&from.url(service), SCHEMA).await;
    }
    let admin = from.admin_url();
    execute(&admin, "CREATE ROLE reader LOGIN; GRANT CONNECT ON DATABASE alpha_db TO reader").await;
    execute(&admin, "ALTER DATABASE alpha_db SET work_mem = '9MB'").await;
    execute(&from.url("alpha"), "GRANT SELECT ON mirror TO reader").await;
    from.write("core/keys/jwt_private.pem", "private key", 0o600);
    from.write("core/keys/jwt_public.pem", "public key", 0o644);
    from.write("alpha/uploads/plan.pdf", "a plan", 0o640);

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = ["alpha", "beta"]
        .map(|service| {
            let (url, stop) = (from.url(service), stop.clone());
            tokio::spawn(async move {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                let mut written = 0;
                while !stop.load(Ordering::Relaxed) || written < 50 {
                    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("BEGIN; {WRITE} COMMIT")))
                        .execute(&mut connection)
                        .await
                        .unwrap();
                    written += 1;
                }
            })
        })
        .into();
    // Not before there is something to miss.
    let mut look = PgConnection::connect(&from.url("beta")).await.unwrap();
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM mirror").fetch_one(&mut look).await.unwrap() < 20
    {
        tokio::task::yield_now().await;
    }
    let done = from.backup().await.unwrap();
    let later: i64 = sqlx::query_scalar("SELECT count(*) FROM mirror").fetch_one(&mut look).await.unwrap();
    look.close().await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    assert_eq!(mode(&done.archive), 0o600);
    let made = done.identity_made.unwrap();
    assert_eq!(made, keys::identity_path(&from.layout));
    let last = history::last(&from.layout).unwrap().unwrap();
    assert!(last.ok && last.archive.as_ref() == Some(&done.archive));
    let saved_rows = rows(&done.manifest, "beta", "mirror");
    assert!(saved_rows >= 20 && saved_rows <= later, "{saved_rows} of {later}");

    // A test restore beside the running suite.
    let report = verify::verify(&from.layout, &done.archive, None, &Clock::system()).await.unwrap();
    assert!(report.ok, "{report:?}");
    assert!(history::records(&from.layout).unwrap()[0].verified.as_ref().unwrap().ok);
    assert!(!from.home().join("scratch").exists(), "the scratch cluster is gone");

    // Beside the living one, with its port and its password, a restore must not reach the wrong cluster.
    let to = Instance::empty();
    let restore =
        ["restore", done.archive.to_str().unwrap(), "--force", "--identity", made.to_str().unwrap()];
    let output = to.helm(&restore);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("another suite's PostgreSQL"), "{output:?}");
    let mut look = PgConnection::connect(&from.url("beta")).await.unwrap();
    let now: i64 = sqlx::query_scalar("SELECT count(*) FROM mirror").fetch_one(&mut look).await.unwrap();
    look.close().await.unwrap();
    assert!(now >= later);
    assert!(!to.layout.secrets().exists(), "an empty machine is empty again");
    server.stop().await.unwrap();

    // The machine is lost; its port is free for the new one.
    let output = to.helm(&restore);
    assert!(output.status.success(), "{output:?}");
    for (path, content, bits) in [
        ("core/keys/jwt_private.pem", "private key", 0o600),
        ("core/keys/jwt_public.pem", "public key", 0o644),
        ("alpha/uploads/plan.pdf", "a plan", 0o640),
    ] {
        assert_eq!(fs::read_to_string(to.home().join(path)).unwrap(), content);
        assert_eq!(mode(&to.home().join(path)), bits, "{path}");
    }
    assert_eq!(fs::read(to.layout.secrets()).unwrap(), fs::read(from.layout.secrets()).unwrap());
    assert!(!to.home().join("helm/restore").exists());

    let server = to.start().await;
    for service in ["alpha", "beta"] {
        let mut connection = database::connect(&to.url(service)).await.unwrap();
        let expected = facts(&done.manifest, service);
        let found = database::checksums(&mut connection).await.unwrap();
        assert!(expected.tables.len() >= 6);
        assert_eq!(differences(&expected.tables, &found), Vec::<String>::new());
        let again = database::facts(&mut connection, service).await.unwrap();
        assert_eq!((&again.owner, &again.settings), (&expected.owner, &expected.settings));
        assert_eq!(again.grants, expected.grants);
        // The snapshot separated no two rows that were written together.
        let torn: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM public.ledger l FULL JOIN public.mirror m USING (id) WHERE l.amount IS DISTINCT FROM m.amount",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(torn, 0);
        connection.close().await.unwrap();
    }
    let mut reader = PgConnection::connect(&to.url("alpha")).await.unwrap();
    let may: bool = sqlx::query_scalar("SELECT has_table_privilege('reader', 'mirror', 'SELECT')")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    let signs_in: bool = sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert!(may && !signs_in, "the grant is back, and nobody signs in without a password");
    reader.close().await.unwrap();
    server.stop().await.unwrap();
}

fn facts(manifest: &Manifest, service: &str) -> hivematrix_helm::domain::backup::manifest::DatabaseFacts {
    manifest.parts.iter().find_map(|part| part.database.clone().filter(|it| it.service == service)).unwrap()
}

fn rows(manifest: &Manifest, service: &str, table: &str) -> i64 {
    facts(manifest, service).tables.iter().find(|it| it.name == table).unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_saved_is_missing_and_says_so() {
    let from = Instance::new(&["alpha", "beta"]);
    let server = from.start().await;
    execute(&from.admin_url(), "DROP DATABASE beta_db").await;
    let output = from.helm(&["backup", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("incomplete") && said.contains("postgresql/beta_db"), "{said}");
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let state = |name: &str| {
        let parts = done["manifest"]["parts"].as_array().unwrap();
        parts.iter().find(|part| part["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!(state("postgresql/alpha_db"), "saved");
    assert_eq!(state("postgresql/beta_db"), "missing");
    let last = history::last(&from.layout).unwrap().unwrap();
    assert!(!last.ok && last.archive.is_some());
    assert!(!history::records(&from.layout).unwrap()[0].complete);

    // What there is comes back only when somebody says that it is enough.
    server.stop().await.unwrap();
    let archive = last.archive.unwrap();
    let plan = from.helm(&["restore", archive.to_str().unwrap(), "--dry-run"]);
    assert!(!plan.status.success());
    assert!(String::from_utf8_lossy(&plan.stderr).contains("lacks postgresql/beta_db"));
    let plan = from.helm(&["restore", archive.to_str().unwrap(), "--dry-run", "--force"]);
    assert!(plan.status.success(), "{plan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_archives_are_refused_before_anything_is_touched() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    execute(&from.url("alpha"), "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000)")
        .await;
    let done = from.backup().await.unwrap();
    server.stop().await.unwrap();
    let whole = fs::read(&done.archive).unwrap();
    let stranger = Instance::empty();
    let other_key = keys::recipients(&stranger.layout, &[]).unwrap().made.unwrap();
    let before = from.listing();

    let bad = from.folder.path().join("bad.tar.age");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (content, words) in [
        (&whole[..whole.len() / 2], "cut off"),
        (&changed[..], "damaged"),
        (b"nonsense", "no encrypted archive"),
    ] {
        fs::write(&bad, content).unwrap();
        let output = from.helm(&["restore", bad.to_str().unwrap(), "--force"]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words) && said.contains("cannot be used"), "{said}");
    }
    let output = from.helm(&[
        "restore",
        done.archive.to_str().unwrap(),
        "--force",
        "--identity",
        other_key.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this key does not open it"));
    assert_eq!(from.listing(), before, "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_at_a_time_and_a_dry_run_writes_nothing() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    let lock = history::take(&from.layout).await.unwrap().unwrap();
    let output = from.helm(&["backup"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another backup is running"));
    drop(lock);
    let before = from.listing();
    let output = from.helm(&["backup", "--dry-run"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("postgresql/alpha_db"));
    assert_eq!(from.listing(), before);
    assert!(history::last(&from.layout).unwrap().is_none());

    // Half of a restore is no state to keep, and what is being saved is not replaced.
    let restore = hivematrix_helm::restore::journal::folder(&from.layout);
    fs::create_dir(&restore).unwrap();
    let output = from.helm(&["backup"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a restore is running"), "{output:?}");
    assert!(!history::last(&from.layout).unwrap().unwrap().ok);
    assert!(history::records(&from.layout).unwrap().is_empty());
    fs::remove_dir(&restore).unwrap();

    // Into a folder of the operator's, for the operator's key alone.
    let other = Instance::empty();
    let key = keys::recipients(&other.layout, &[]).unwrap();
    let folder = from.folder.path().join("offsite");
    let recipient = key.keys[0].to_string();
    let output = from.helm(&["backup", folder.to_str().unwrap(), "--recipient", &recipient]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mode(&folder), 0o700);
    assert!(!keys::identity_path(&from.layout).exists(), "no key is made that nobody needs");
    let archive = history::last(&from.layout).unwrap().unwrap().archive.unwrap();
    assert_eq!(archive.parent(), Some(folder.as_path()));
    let identity = key.made.unwrap();
    let list = ["restore", archive.to_str().unwrap(), "--list", "--identity", identity.to_str().unwrap()];
    let output = from.helm(&list);
    assert!(String::from_utf8_lossy(&output.stdout).contains("postgresql/alpha_db"), "{output:?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_changes_nothing_and_exactly_the_chosen_part_is_restored() {
    let from = Instance::new(&["alpha", "beta"]);
    let server = from.start().await;
    for service in ["alpha", "beta"] {
        execute(&from.url(service), "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    }
    // A table that belongs to another role cannot be made with the service's own rights.
    execute(&from.admin_url(), "CREATE ROLE stranger").await;
    execute(
        &from.database_as_admin("beta_db"),
        "CREATE TABLE public.theirs (id int); ALTER TABLE public.theirs OWNER TO stranger",
    )
    .await;
    from.write("alpha/alpha.conf", "[a]\nvalue = saved\n", 0o600);
    let done = from.backup().await.unwrap();
    assert!(done.manifest.parts.iter().all(|part| part.state != State::Missing));
    for service in ["alpha", "beta"] {
        execute(&from.url(service), "UPDATE t SET id = 2").await;
    }
    from.write("alpha/alpha.conf", "[a]\nvalue = newer\n", 0o600);
    from.write("beta/beta.conf", "[b]\n", 0o600);
    let archive = done.archive.to_str().unwrap().to_owned();
    server.stop().await.unwrap();

    let saving = history::take(&from.layout).await.unwrap();
    let output = from.helm(&["restore", &archive, "--force"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("a backup is being written"), "{output:?}");
    drop(saving);
    let output = from.helm(&["restore", &archive, "--force"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("nothing was changed") && said.contains("beta_db_new_"), "{said}");
    assert_eq!(from.state().await, ("2".into(), "2".into(), "[a]\nvalue = newer\n".into()));

    // Files only: databases stay, and a file the archive does not know goes.
    let output = from.helm(&["restore", &archive, "--force", "--configs-only"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(from.state().await, ("2".into(), "2".into(), "[a]\nvalue = saved\n".into()));
    assert!(!from.home().join("beta/beta.conf").exists());

    from.write("alpha/alpha.conf", "[a]\nvalue = newest\n", 0o600);
    let output = from.helm(&["restore", &archive, "--force", "--postgresql-only", "--as-admin"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(from.state().await, ("1".into(), "1".into(), "[a]\nvalue = newest\n".into()));

    let output = from.helm(&["restore", &archive, "--force", "--redis-only"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the archive holds nothing of that"));
}
