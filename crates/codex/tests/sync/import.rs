//! Taking over a database of the original Codex. The source is a schema of the same database, seen through a connection
//! that has only that one on its search path.

use hivematrix_codex::import::{self, report::Report};
use hivematrix_codex::store::alone::{Alone, Busy};
use hivematrix_codex::store::sync_jobs::{self, Ending, NewJob};
use hivematrix_shared::clock::Clock;
use hivematrix_shared::config::Secret;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;

const UPSTREAM: &str = include_str!("import/upstream.sql");

struct World {
    pool: PgPool,
    from: Secret,
}

impl World {
    async fn new(pool: PgPool) -> Self {
        let mut connection = pool.acquire().await.unwrap().detach();
        sqlx::raw_sql(UPSTREAM).execute(&mut connection).await.unwrap();
        let database: String =
            sqlx::query_scalar("select current_database()").fetch_one(&pool).await.unwrap();
        let mut address: url::Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        address.set_path(&database);
        address.set_query(Some("options=-csearch_path%3Dupstream"));
        Self { pool, from: Secret::new(address.to_string()) }
    }

    async fn import(&self, dry_run: bool) -> Report {
        let clock = Clock::manual("2025-11-22T10:30:00Z".parse().unwrap());
        import::run(&self.pool, &clock, &self.from, dry_run, |_| {}).await.unwrap()
    }

    async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.pool).await.unwrap();
    }

    /// Every row of a query as JSON.
    async fn rows(&self, query: &'static str) -> Vec<Value> {
        sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap()
    }

    async fn everything(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for query in [
            "select to_jsonb(t) from companies t order by account_number",
            "select to_jsonb(t) from contacts t order by id",
            "select to_jsonb(t) from contact_company_link t order by 1",
            "select to_jsonb(t) from assets t order by id",
            "select to_jsonb(t) from asset_contact_link t order by 1",
            "select to_jsonb(t) from agents t order by keycloak_id",
            "select to_jsonb(t) from psa_agents t order by id",
            "select to_jsonb(t) from billing_plans t order by id",
            "select to_jsonb(t) from plan_features t order by id",
            "select to_jsonb(t) from feature_options t order by id",
            "select to_jsonb(t) from company_feature_overrides t order by id",
            "select to_jsonb(t) from ticket_details t order by id",
            "select to_jsonb(t) from sync_jobs t order by id",
        ] {
            all.extend(self.rows(query).await);
        }
        all
    }
}

/// `read, new, updated, unchanged, kept, refused` of a table.
fn counts(report: &Report, table: &str) -> [u64; 6] {
    let counts = report.tables.iter().find(|counts| counts.table == table).unwrap();
    [counts.read, counts.new, counts.updated, counts.unchanged, counts.kept, counts.refused]
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn all_that_can_be_taken_is_and_the_rest_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    let report = world.import(false).await;
    assert_json_snapshot!("report", report);
    for counts in &report.tables {
        let sum = counts.new + counts.updated + counts.unchanged + counts.kept + counts.refused;
        assert_eq!(sum, counts.read, "{}: every row is accounted for", counts.table);
    }
    assert_json_snapshot!(
        "companies",
        world.rows("select jsonb_strip_nulls(to_jsonb(t)) from companies t order by account_number").await
    );
    assert_json_snapshot!(
        "contacts",
        world.rows("select jsonb_strip_nulls(to_jsonb(t)) from contacts t order by id").await
    );
    assert_json_snapshot!(
        "assets",
        world.rows("select jsonb_strip_nulls(to_jsonb(t)) from assets t order by id").await
    );
    assert_json_snapshot!(
        "tickets",
        world.rows("select jsonb_strip_nulls(to_jsonb(t)) from ticket_details t order by id").await
    );
    assert_json_snapshot!(
        "agents",
        world.rows("select jsonb_strip_nulls(to_jsonb(t)) from agents t order by keycloak_id").await
    );
    assert_json_snapshot!("plans", world.rows(
        "select jsonb_build_array(p.id, plan_name, term_length, per_user_cost, backup_included_tb, f.id, feature_value)
         from billing_plans p left join plan_features f on f.plan_id = p.id order by p.id").await);
    assert_json_snapshot!(
        "jobs",
        world
            .rows("select jsonb_build_array(id, status, error, started_at) from sync_jobs order by id")
            .await
    );
    let options = world
        .rows("select jsonb_build_array(feature_category, option_value) from feature_options order by id")
        .await;
    assert_eq!(options, [json!(["soc", "SOC"]), json!(["antivirus", "EDR"])]);
    // What comes later gets numbers that are free.
    let next: i64 = sqlx::query_scalar(
        "insert into contacts (name, email, primary_email) values ('New', 'new@x.example', 'new@x.example') returning id",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert!(next > 8, "{next}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn twice_is_once_and_a_dry_run_is_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    // Rows whose numbers the source has as well, so that new numbers have to be drawn.
    world
        .sql(
            "insert into companies (account_number, name) values ('100001', 'Before');
             insert into contacts (id, name, email, primary_email) overriding system value
                 values (7, 'Somebody else', 'else@x.example', 'else@x.example');
             insert into locations (id, name, address, company_account_number) overriding system value
                 values (1, 'HQ', 'here', '100001');",
        )
        .await;
    const LEFT: &str = "select to_jsonb(t) from (
        select sequencename as name, last_value from pg_sequences
        union all select 'change_log', count(*) from change_log
        union all select 'imported_rows', count(*) from imported_rows
        union all select 'sync_jobs', count(*) from sync_jobs
        union all select 'board', version from board_version order by 1) t";
    let (nothing, left) = (world.everything().await, world.rows(LEFT).await);
    let dry = world.import(true).await;
    assert_eq!(world.everything().await, nothing);
    assert_eq!(world.rows(LEFT).await, left, "no number is drawn, nothing is written down");
    let first = world.import(false).await;
    assert_eq!(dry.tables, first.tables, "a dry run tells what will happen");
    assert_eq!(dry.refused, first.refused);
    let once = world.everything().await;
    let second = world.import(false).await;
    assert_eq!(world.everything().await, once);
    for counts in &second.tables {
        assert_eq!((counts.new, counts.updated, counts.kept), (0, 0, 0), "{}", counts.table);
    }
    assert_eq!(second.refused, first.refused);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_was_changed_here_stays_and_what_was_changed_there_comes(pool: PgPool) {
    let world = World::new(pool).await;
    world.import(false).await;
    world
        .sql(
            "update companies set name = 'Northwind Ltd', edited_fields = '{name}' where account_number = '100001';
             update agents set theme_preference = 'light' where keycloak_id = 'kc-1';
             update billing_plans set per_user_cost = 11 where id = 1;
             update ticket_details set status = 'closed', last_updated_at = '2025-11-22T09:00:00Z' where id = 34;
             update upstream.companies set description = 'New there' where account_number in ('100001', '100002');
             update upstream.companies set billing_plan = 'Bronze' where account_number = '100002';
             update upstream.agents set home_page_preference = 'helm';
             update upstream.billing_plans set per_user_cost = 20;
             update upstream.ticket_details set subject = 'Renamed', last_updated_at = '2025-11-22T08:00:00Z';
             update upstream.contacts set job_title = 'CEO' where id = 7;",
        )
        .await;
    let report = world.import(false).await;
    assert_eq!(counts(&report, "companies"), [3, 0, 1, 0, 1, 1]);
    assert_eq!(counts(&report, "agents"), [2, 0, 1, 0, 1, 0]);
    assert_eq!(counts(&report, "billing_plans"), [3, 0, 1, 0, 1, 1]);
    assert_eq!(counts(&report, "contacts"), [4, 0, 1, 1, 0, 2]);
    assert_eq!(counts(&report, "ticket_details"), [3, 0, 1, 0, 1, 1]);
    let companies = world.rows("select jsonb_build_array(name, description, billing_plan, edited_fields) from companies order by account_number");
    assert_eq!(
        companies.await,
        [
            json!(["Northwind Ltd", null, "Gold", ["name"]]),
            json!(["Tilia & Söhne <GmbH>", "New there", "Bronze", ["billing_plan"]])
        ]
    );
    let tickets =
        world.rows("select jsonb_build_array(id, subject, status) from ticket_details order by id").await;
    assert_eq!(tickets, [json!([34, "Printer", "closed"]), json!([36, "Renamed", "pending"])]);
    let log = world.rows("select distinct to_jsonb(actor) from change_log where entity = 'contacts'").await;
    assert_eq!(log, [json!("import")]);
}

/// The own syncs may have run before the import: the same records then have other numbers here.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn records_that_are_here_already_are_found_by_what_they_are(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .sql(
            "insert into companies (account_number, name) values ('100001', 'Northwind');
             insert into contacts (id, external_id, name, email, primary_email) values
                 (7, 9999, 'Somebody else', 'else@x.example', 'else@x.example'),
                 (77, 5001, 'Jo', 'jo@x.example', 'jo@x.example');
             insert into assets (id, hostname, company_account_number, rmm_provider, external_id)
                 values (3, 'SRV-1', '100001', 'datto', 'uid-1');
             insert into ticket_details (id, external_id, subject, last_updated_at)
                 values (1, 5034, 'Older', '2025-11-01T00:00:00Z');
             insert into ticket_details (id, external_id, subject) values (34, 4711, 'Somebody else''s number');",
        )
        .await;
    world.import(false).await;
    let contacts =
        world.rows("select jsonb_build_array(id, name) from contacts where id in (7, 77) order by id").await;
    assert_eq!(contacts, [json!([7, "Somebody else"]), json!([77, "Jo Doe"])]);
    let tickets = world.rows("select jsonb_build_array(id, external_id, subject) from ticket_details where id in (1, 34) order by id").await;
    assert_eq!(tickets, [json!([1, 5034, "Printer"]), json!([34, 4711, "Somebody else's number"])]);
    let links = world
        .rows(
            "select jsonb_build_array(a.hostname, c.name) from asset_contact_link l
             join assets a on a.id = l.asset_id join contacts c on c.id = l.contact_id",
        )
        .await;
    assert_eq!(links, [json!(["PC-1", "Jo Doe"])], "links follow the numbers");
    assert_eq!(world.rows("select to_jsonb(hostname) from assets where id = 3").await, [json!("SRV-1")]);
    let once = world.everything().await;
    let again = world.import(false).await;
    assert_eq!(world.everything().await, once);
    assert_eq!(counts(&again, "assets")[1], 0, "the second time it is known which device became which");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn many_rows_with_bad_ones_among_them(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .sql(
            "insert into upstream.ticket_details (id, external_id, external_source, company_account_number, subject, conversations)
             select 1000 + n, 100000 + n, 'freshservice', case when n % 97 = 0 then '100003' else '100001' end, 'T' || n,
                 json_build_array(json_build_object('id', n, 'body', repeat('x', 5000)))::text
             from generate_series(1, 2000) n",
        )
        .await;
    let report = world.import(false).await;
    assert_eq!(counts(&report, "ticket_details"), [2003, 1982, 0, 0, 0, 21]);
    let reason =
        &report.refused.iter().find(|row| row.table == "ticket_details" && row.key == "1097").unwrap().reason;
    assert!(reason.contains("(company_account_number)=(100003)"), "{reason}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_source_is_only_read_and_only_the_originals(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.rows("select to_jsonb(t) from upstream.ticket_details t order by id").await;
    world.import(false).await;
    assert_eq!(world.rows("select to_jsonb(t) from upstream.ticket_details t order by id").await, before);
    let clock = Clock::manual("2025-11-22T10:30:00Z".parse().unwrap());
    let own = world.from.expose().replace("search_path%3Dupstream", "search_path%3Dpublic");
    let other = world.from.expose().replace("search_path%3Dupstream", "search_path%3Dpg_catalog");
    for (from, said) in [
        (own.as_str(), "is a database of this program"),
        (&other, "no table 'companies'"),
        ("postgres://someone:s3cret@127.0.0.1:1/codex_db", "cannot be reached"),
        ("s3cret", "no address"),
    ] {
        let error = import::run(&world.pool, &clock, &Secret::new(from), false, |_| {}).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains(said) && !text.contains("s3cret"), "{text}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_import_is_alone_with_the_data(pool: PgPool) {
    let world = World::new(pool).await;
    let clock = Clock::manual("2025-11-22T10:30:00Z".parse().unwrap());
    let refused = async |dry_run| {
        let error = import::run(&world.pool, &clock, &world.from, dry_run, |_| {}).await.unwrap_err();
        format!("{error:#}")
    };
    let job = |script: &'static str, key: &'static str| NewJob {
        script,
        provider: Some("freshservice"),
        sync_type: None,
        exclusive_key: key,
        requested_by: "test",
    };
    let start = async |job: &NewJob<'_>| sync_jobs::start(&world.pool, job, clock.now()).await.unwrap();

    let sync = start(&job("psa", "psa:base:freshservice")).await.unwrap();
    for dry_run in [false, true] {
        let text = refused(dry_run).await;
        assert!(text.contains(&format!("a sync is running (job {sync})")), "{text}");
    }
    // A job that only compares is in nobody's way.
    let ending = Ending { error: None, partly: false, output: "", progress: &Value::Null };
    sync_jobs::finish(&world.pool, sync, &ending, clock.now()).await.unwrap();
    start(&job("psa-dry-run", "psa:dry-run:freshservice")).await.unwrap();

    let other = Alone::begin(&world.pool, clock.now()).await.unwrap().unwrap();
    let text = refused(false).await;
    assert!(text.contains("another import, or the clearing of data, is running"), "{text}");
    assert_eq!(start(&job("psa", "psa:base:freshservice")).await, Err(Busy::Alone), "and no sync begins");
    let nothing = world.rows("select to_jsonb(t) from companies t").await;
    assert!(nothing.is_empty(), "{nothing:?}");
    // Whoever is killed lets go at once.
    drop(other);
    for attempt in 0.. {
        match import::run(&world.pool, &clock, &world.from, false, |_| {}).await {
            Ok(_) => break,
            Err(error) if attempt > 200 => panic!("{error:#}"),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    assert!(start(&job("psa", "psa:base:freshservice")).await.is_ok(), "afterwards syncs begin again");
}
