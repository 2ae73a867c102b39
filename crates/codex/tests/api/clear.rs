//! Clearing data as a whole.

use std::{collections::BTreeSet, fs, io::Read as _, os::unix::fs::PermissionsExt as _, time::Duration};

use flate2::read::GzDecoder;
use hivematrix_codex::{
    Patience,
    store::{
        alone::Alone,
        clear::{self, Cleared, DataType, Watcher},
        sync_jobs::{self, NewJob},
    },
};
use hivematrix_shared::clock::Clock;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::admin::Instance;

const WORLD: &str = "
    insert into companies (account_number, name, external_id) values ('1', 'Acme', 11), ('2', 'Globex', 12);
    insert into contacts (id, name, primary_email, email) values (1, 'Ada', 'a@x.example', 'a@x.example');
    insert into contact_company_link values (1, '1');
    insert into assets (id, hostname, company_account_number) values (1, 'pc', '1');
    insert into asset_contact_link values (1, 1);
    insert into asset_history values (1, '2025-11-22', 0.5, 'FullyPatched');
    insert into locations (name, company_account_number) values ('HQ', '1');
    insert into rmm_site_links (company_account_number, rmm_site_uid) values ('1', 's');
    insert into company_feature_overrides (company_account_number, feature_key, value) values ('1', 'soc', 'x');
    insert into ticket_details (id, external_id, external_source, company_account_number, subject) values (1, 9, 'freshservice', '1', 'T');
    insert into ticket_time_entries (external_id, external_source, ticket_id, hours) values (1, 'freshservice', 1, 1);
    insert into agents (keycloak_id, username) values ('k', 'k');
    insert into billing_plans (plan_name, term_length) values ('Gold', '1 Year');
    insert into psa_agents (external_id, external_source) values (5, 'freshservice');
    insert into sync_state (provider, kind, high_water_mark) values ('freshservice', 'tickets', now()), ('freshservice', 'contacts', now());
";

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::QueryBuilder::new("select count(*) from ")
        .push(table)
        .build_query_scalar()
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn clear(here: &Instance, what: &str, confirm: &str) -> (u16, Value) {
    here.admin("POST", "/api/admin/clear-data", json!({ "data_type": what, "confirm": confirm })).await
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn companies_go_with_all_that_is_theirs_after_a_copy_was_made(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let here = Instance::new(pool.clone(), "", &[]);
    let (status, cleared) = clear(&here, "companies", "companies").await;
    assert_eq!(status, 200, "{cleared}");
    assert_eq!(cleared["removed"]["companies"], 2);
    assert!(
        cleared["message"].as_str().unwrap().starts_with("Removed 2 companies, 1 tickets, 1 assets."),
        "{cleared}"
    );
    for table in [
        "companies",
        "contact_company_link",
        "assets",
        "asset_contact_link",
        "asset_history",
        "locations",
        "rmm_site_links",
        "company_feature_overrides",
        "ticket_details",
        "ticket_time_entries",
    ] {
        assert_eq!(count(&pool, table).await, 0, "{table}");
    }
    for table in ["contacts", "agents", "billing_plans", "psa_agents"] {
        assert_eq!(count(&pool, table).await, 1, "{table}");
    }
    let kinds: Vec<String> =
        sqlx::query_scalar("select kind from sync_state").fetch_all(&pool).await.unwrap();
    assert_eq!(kinds, ["contacts"], "tickets will be read from the beginning");

    // One stone for each table, not one for each row.
    let stones: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "select kind, name, reason from tombstones where kind in ('companies', 'assets') order by kind",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let stone = |kind: &str, name: &str| (kind.to_owned(), name.to_owned(), Some("cleared".to_owned()));
    assert_eq!(stones, [stone("assets", "1 rows"), stone("companies", "2 rows")]);

    let file = here.path("backups").join(cleared["backup"].as_str().unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // A row that was just written may come twice, since other transactions of the server are as old.
    let different: BTreeSet<&str> = text.lines().collect();
    assert_eq!(different.len(), 11, "every row of every table: {text}");
    assert!(lines.iter().any(|line| line["table"] == "companies" && line["row"]["name"] == "Globex"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn each_kind_takes_only_its_own(pool: PgPool) {
    for (what, gone, left) in [
        (
            "contacts",
            &["contacts", "contact_company_link", "asset_contact_link"][..],
            &["companies", "assets"][..],
        ),
        ("assets", &["assets", "asset_contact_link"], &["companies", "contacts", "contact_company_link"]),
        ("agents", &["agents"], &["companies", "contacts", "assets"]),
        (
            "all",
            &["companies", "contacts", "assets", "agents", "ticket_details"],
            &["billing_plans", "psa_agents"],
        ),
    ] {
        sqlx::raw_sql("truncate companies, contacts, assets, agents, ticket_details, billing_plans, psa_agents, sync_state cascade")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
        let here = Instance::new(pool.clone(), "", &[]);
        assert_eq!(clear(&here, what, what).await.0, 200, "{what}");
        for table in gone {
            assert_eq!(count(&pool, table).await, 0, "{what}: {table}");
        }
        for table in left {
            assert!(count(&pool, table).await > 0, "{what}: {table}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn nothing_goes_by_accident_or_while_a_sync_runs(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let here = Instance::new(pool.clone(), "", &[]);
    assert_eq!(clear(&here, "companies", "Companies!").await.0, 422);
    assert_eq!(clear(&here, "everything", "everything").await.0, 400);
    let job = "5d1c3a3e-0000-4000-8000-000000000000";
    sqlx::raw_sql(
        "insert into sync_jobs (id, script, status, started_at, heartbeat_at) \
         values ('5d1c3a3e-0000-4000-8000-000000000000', 'psa', 'running', now(), now())",
    )
    .execute(&pool)
    .await
    .unwrap();
    let (status, refused) = clear(&here, "all", "all").await;
    assert_eq!((status, &refused["job_id"]), (409, &json!(job)), "{refused}");
    sqlx::raw_sql("update sync_jobs set status = 'completed'").execute(&pool).await.unwrap();

    // Where no copy can be written, nothing goes.
    fs::write(here.path("backups"), "a file in the way").unwrap();
    let (status, refused) = clear(&here, "all", "all").await;
    assert_eq!(status, 500);
    assert_eq!(refused["error"], "The backup cannot be written, so nothing was cleared.");
    assert_eq!(count(&pool, "companies").await, 2);
    assert_eq!(count(&pool, "contacts").await, 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn clearing_twice_in_a_second_keeps_the_copy_of_what_was_there(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let here = Instance::new(pool, "", &[]);
    let first = clear(&here, "contacts", "contacts").await.1;
    let second = clear(&here, "contacts", "contacts").await.1;
    assert_eq!((&first["removed"]["contacts"], &second["removed"]["contacts"]), (&json!(1), &json!(0)));
    assert_ne!(first["backup"], second["backup"]);
    let file = here.path("backups").join(first["backup"].as_str().unwrap());
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    assert!(text.contains("a@x.example"), "{text}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn rows_that_go_one_by_one_still_leave_a_stone(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    sqlx::raw_sql("delete from contacts where id = 1").execute(&pool).await.unwrap();
    let name: Option<String> = sqlx::query_scalar("select name from tombstones where kind = 'contacts'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(name.as_deref(), Some("Ada"));
}

/// What the vendors send again after everything was cleared. The second of each kind is new.
const AGAIN: &str = "
    insert into companies (account_number, name, external_id) values ('1', 'Acme', 11);
    insert into contacts (external_id, name, primary_email, email) values (32, 'Bo', 'b@x.example', 'b@x.example'), (31, 'Ada', 'a@x.example', 'a@x.example');
    insert into assets (external_id, rmm_provider, hostname, company_account_number) values ('v', 'datto', 'pc2', '1'), ('u', 'datto', 'pc', '1');
    insert into ticket_details (external_id, external_source, company_account_number, subject) values (10, 'freshservice', '1', 'N'), (9, 'freshservice', '1', 'T');
    insert into ticket_time_entries (external_id, external_source, ticket_id, hours)
        select e.id, 'freshservice', t.id, 1 from ticket_details t, (values (42), (41)) as e (id) where t.external_id = 9
";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_comes_again_gets_the_id_that_it_had(pool: PgPool) {
    let ids = async |kinds: &str| -> Vec<(String, String, i64)> {
        sqlx::query_as(AssertSqlSafe(format!(
            "select * from (
                 select 'asset' as kind, external_id, id from assets
                 union all select 'contact', external_id::text, id from contacts
                 union all select 'ticket', external_id::text, id from ticket_details
                 union all select 'entry', external_id::text, id from ticket_time_entries
             ) as known where external_id in ({kinds}) order by 1, 2"
        )))
        .fetch_all(&pool)
        .await
        .unwrap()
    };
    const OLD: &str = "'31', 'u', '9', '41'";
    // Ids that no sequence would give a second time.
    sqlx::raw_sql(
        "insert into companies (account_number, name, external_id) values ('1', 'Acme', 11);
         insert into contacts (id, external_id, name, primary_email, email) values (701, 31, 'Ada', 'a@x.example', 'a@x.example');
         insert into assets (id, external_id, rmm_provider, hostname, company_account_number) values (702, 'u', 'datto', 'pc', '1');
         insert into ticket_details (id, external_id, external_source, company_account_number, subject) values (703, 9, 'freshservice', '1', 'T');
         insert into ticket_time_entries (id, external_id, external_source, ticket_id, hours) values (704, 41, 'freshservice', 703, 1)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let before = ids(OLD).await;
    assert_eq!(before.iter().map(|(.., id)| *id).collect::<Vec<_>>(), [702, 701, 704, 703]);
    let here = Instance::new(pool.clone(), "", &[]);
    for round in 1..=2 {
        assert_eq!(clear(&here, "all", "all").await.0, 200);
        assert!(ids(OLD).await.is_empty());
        sqlx::raw_sql(AGAIN).execute(&pool).await.unwrap();
        assert_eq!(ids(OLD).await, before, "round {round}");
        let new = ids("'32', 'v', '10', '42'").await;
        assert_eq!(new.len(), 4);
        assert!(new.iter().all(|(.., id)| *id < 700), "{new:?}");
    }

    // Another account of the same vendor has these numbers for other things.
    assert_eq!(clear(&here, "all", "all").await.0, 200);
    let others = AGAIN
        .replace("'pc'", "'other'")
        .replace("a@x.example", "o@x.example")
        .replace("values (10,", "values (11,");
    let others = others
        .replace("company_account_number, subject)", "company_account_number, subject, created_at)")
        .replace("'1', 'N')", "'1', 'N', '2026-01-01Z')")
        .replace("'1', 'T')", "'1', 'T', '2026-01-01Z')")
        .replace("ticket_id, hours)", "ticket_id, hours, created_at)")
        .replace("t.id, 1 from", "t.id, 1, '2026-01-01Z'::timestamptz from");
    sqlx::raw_sql(AssertSqlSafe(others)).execute(&pool).await.unwrap();
    let strangers = ids(OLD).await;
    assert_eq!(strangers.len(), 4);
    assert!(strangers.iter().all(|known| !before.contains(known)), "{strangers:?}");
    assert_eq!(clear(&here, "all", "all").await.0, 200);
    sqlx::raw_sql(AGAIN).execute(&pool).await.unwrap();

    // An id that somebody else has is not taken away.
    assert_eq!(clear(&here, "assets", "assets").await.0, 200);
    sqlx::raw_sql(
        "insert into assets (id, hostname, company_account_number) values (702, 'by hand', '1');
         insert into assets (external_id, rmm_provider, hostname, company_account_number) values ('u', 'datto', 'pc', '1')",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(count(&pool, "assets").await, 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_takes_long_goes_on_after_the_answer(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let patience = Patience { clearing: Duration::from_millis(200), ..Patience::default() };
    let here = Instance::waiting(pool.clone(), patience);
    // Somebody holds the table until after the answer.
    let mut other = own_connection(&pool).await;
    sqlx::raw_sql("begin; lock table contacts in access exclusive mode").execute(&mut other).await.unwrap();
    let (status, answer) = clear(&here, "contacts", "contacts").await;
    assert_eq!((status, &answer["success"]), (202, &json!(true)), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("goes on in the background"), "{answer}");
    let job = format!("/api/sync/jobs/{}", answer["job_id"].as_str().unwrap());
    let (_, running) = here.admin("GET", &job, Value::Null).await;
    assert_eq!(
        (&running["script"], &running["outcome"]),
        (&json!("clear-data"), &json!("running")),
        "{running}"
    );

    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    let mut ended = running;
    for _ in 0..200 {
        if ended["outcome"] != "running" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        ended = here.admin("GET", &job, Value::Null).await.1;
    }
    assert_eq!(ended["outcome"], "success", "{ended}");
    assert!(ended["output"].as_str().unwrap().contains("1 rows of contacts removed"), "{ended}");
    assert_eq!((count(&pool, "contacts").await, count(&pool, "companies").await), (0, 2));
}

async fn own_connection(pool: &PgPool) -> PgConnection {
    let database: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.unwrap();
    let mut address: url::Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    address.set_path(&database);
    PgConnection::connect(address.as_str()).await.unwrap()
}

/// Somebody else with a connection of their own, while the clearing is at a certain point.
fn meanwhile(database: &str, statement: &'static str) -> Result<(), String> {
    let database = database.to_owned();
    let act = async move {
        let mut address: url::Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        address.set_path(&database);
        let mut other = PgConnection::connect(address.as_str()).await.unwrap();
        sqlx::raw_sql("set lock_timeout = '200ms'; set statement_timeout = '5s'")
            .execute(&mut other)
            .await
            .unwrap();
        sqlx::raw_sql(statement).execute(&mut other).await.map(|_| ()).map_err(|error| error.to_string())
    };
    let thread = std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(act)
    });
    thread.join().unwrap()
}

struct Others {
    database: String,
    while_copied: &'static str,
}

impl Watcher for Others {
    fn copies(&self, table: &'static str, _: u64) {
        // The tables before this one are copied by now.
        if table == "companies" {
            meanwhile(&self.database, self.while_copied).unwrap();
        }
    }

    fn copied(&self) {}

    fn decides(&self) {
        // The rows are gone for the one who clears, and not yet for anybody else.
        meanwhile(&self.database, "do $$ begin assert (select count(*) from companies) = 2; end $$").unwrap();
        let writes = meanwhile(&self.database, "update ticket_details set subject = 'Late'");
        assert!(writes.unwrap_err().contains("lock timeout"));
    }
}

async fn clear_beside(pool: &PgPool, folder: &std::path::Path, while_copied: &'static str) -> Cleared {
    let database: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.unwrap();
    let now = "2025-11-22T10:30:00Z".parse().unwrap();
    let alone = Alone::begin(pool, now).await.unwrap().unwrap();
    let others = Others { database, while_copied };
    let cleared =
        clear::clear(&alone, pool, DataType::Companies, folder, "test", now, &others).await.unwrap();
    alone.end().await.unwrap();
    cleared
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_is_written_while_rows_are_copied_is_in_the_copy_too_and_nobody_waits_for_it(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cleared = clear_beside(
        &pool,
        folder.path(),
        "begin;
         update ticket_details set subject = 'Changed';
         savepoint s;
         insert into ticket_details (id, external_id, external_source, subject) values (2, 10, 'freshservice', 'New');
         commit;",
    )
    .await;
    assert_eq!(count(&pool, "ticket_details").await, 0, "both are gone");
    assert!(cleared.removed.contains(&("ticket_details", 2)), "{cleared:?}");
    let lines = lines(&folder.path().join(&cleared.backup));
    let subjects: Vec<&str> = lines
        .iter()
        .filter(|line| line["table"] == "ticket_details")
        .map(|line| line["row"]["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects[0], "T");
    assert!(subjects[1..].contains(&"Changed") && subjects[1..].contains(&"New"), "{subjects:?}");
    let companies = lines.iter().filter(|line| line["table"] == "companies");
    let names: BTreeSet<&str> = companies.map(|line| line["row"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["Acme", "Globex"]));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn copies_that_a_killed_process_has_left_are_finished_or_removed(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for name in ["cleared-all-1.jsonl.gz.part", "cleared-all-2.jsonl.gz.part", "notes.part"] {
        fs::write(file(name), "x").unwrap();
    }
    sqlx::raw_sql(
        "insert into tombstones (kind, key, reason, record)
             values ('assets', '*', 'cleared', '{\"backup\": \"cleared-all-1.jsonl.gz\"}')",
    )
    .execute(&pool)
    .await
    .unwrap();
    clear_beside(&pool, folder.path(), "select 1").await;
    assert!(file("cleared-all-1.jsonl.gz").is_file(), "its rows are gone, so it is a backup");
    assert!(!file("cleared-all-2.jsonl.gz.part").exists() && !file("cleared-all-2.jsonl.gz").exists());
    assert!(file("notes.part").is_file(), "somebody else's");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn clearing_is_a_job_that_keeps_syncs_out(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let here = Instance::new(pool.clone(), "", &[]);
    let alone = Alone::begin(&pool, Clock::system().now()).await.unwrap().unwrap();
    let (status, refused) = clear(&here, "contacts", "contacts").await;
    assert_eq!(
        (status, &refused["error"]),
        (409, &json!("An import, or other clearing, is running. Wait for it to end."))
    );
    let job = NewJob {
        script: "psa",
        provider: Some("freshservice"),
        sync_type: Some("base"),
        exclusive_key: "psa:base:freshservice",
        requested_by: "test",
    };
    assert!(sync_jobs::start(&pool, &job, Clock::system().now()).await.unwrap().is_err());
    alone.end().await.unwrap();
    assert_eq!(count(&pool, "sync_jobs").await, 0, "what is refused leaves no row");
    assert_eq!(clear(&here, "contacts", "contacts").await.0, 200);
    let (status, history) = here.admin("GET", "/api/sync/jobs", Value::Null).await;
    assert_eq!(status, 200);
    let job = &history["jobs"][0];
    assert_eq!((&job["name"], &job["outcome"]), (&json!("Clear Data"), &json!("success")), "{history}");
}
