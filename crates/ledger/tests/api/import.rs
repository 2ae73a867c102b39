//! Taking over a database of the original suite.

use hivematrix_ledger::import;
use hivematrix_shared::{auth::PermissionLevel, config::Secret};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

/// Tables as the original makes them, in a schema of their own of the same database.
const ORIGINAL: &str = "
    create schema original;
    set local search_path = original;
    create table client_billing_overrides (id serial primary key, company_account_number varchar(50) not null unique,
        per_user_cost numeric(10,2), override_puc_enabled boolean, prepaid_hours_monthly numeric(10,2),
        override_prepaid_hours_monthly_enabled boolean);
    create table user_billing_overrides (id serial primary key, user_id integer not null unique, billing_type varchar(50),
        custom_cost numeric(10,2));
    create table manual_assets (id serial primary key, company_account_number varchar(50) not null, hostname varchar(150) not null,
        billing_type varchar(50) not null, custom_cost numeric(10,2), notes text);
    create table billing_snapshots (id serial primary key, company_account_number varchar(50) not null,
        company_name varchar(150) not null, invoice_number varchar(50) not null unique, billing_year int not null,
        billing_month int not null, invoice_date varchar(50) not null, due_date varchar(50), archived_at varchar(50) not null,
        billing_plan varchar(100), contract_term varchar(50), support_level varchar(100), total_amount numeric(10,2) not null,
        total_user_charges numeric(10,2), total_asset_charges numeric(10,2), total_backup_charges numeric(10,2),
        total_ticket_charges numeric(10,2), total_line_item_charges numeric(10,2), user_count int, asset_count int,
        billable_hours numeric(10,2), billing_data_json text not null, invoice_csv text not null, created_by varchar(100), notes text);
    create table snapshot_line_items (id serial primary key, snapshot_id int not null references billing_snapshots(id),
        line_type varchar(50) not null, item_name varchar(255) not null, description text, quantity numeric(10,2),
        rate numeric(10,2) not null, amount numeric(10,2) not null);
    create table scheduler_jobs (id serial primary key, job_name varchar(150) not null unique, script_path varchar(255) not null,
        schedule_cron varchar(100), enabled boolean, last_run varchar(100), last_status varchar(50), last_run_log text,
        description text);
    create table scheduled_snapshots (id serial primary key, enabled boolean not null, day_of_month int not null, hour int not null,
        snapshot_previous_month boolean, snapshot_all_companies boolean, last_run_at varchar(50), last_run_status varchar(50),
        last_run_count int, last_run_log text, created_at varchar(50) not null, updated_at varchar(50));
    insert into scheduled_snapshots values (1, false, 5, 3, null, true, null, null, 0, null, '2024-01-01T00:00:00', null);
    insert into scheduler_jobs values
        (1, 'Diagnostic: Test Codex Connectivity', 'sync_from_codex.py', '0 */12 * * *', true, '2025-07-01T08:00:00.5', 'Running',
            'Companies: 3', null),
        (2, 'Backup', '/root/backup.sh --all', '0 3 * * *', true, null, null, null, 'of the machine');
    insert into client_billing_overrides values (7, '1001', 20.00, true, null, null), (8, '1002', -5, true, null, null);
    insert into user_billing_overrides values (1, 100101, 'free', null);
    insert into manual_assets values (3, '1001', 'OLD-SW', 'Switch', null, 'rack');
    insert into billing_snapshots values (1, '1001', 'Harbor & Vine', '1001-202505', 2025, 5, '2025-05-31', '2025-06-30',
        '2025-06-01T08:00:00.123456', 'Silver', '1 Year', 'Billed Hourly', 150.90, 0, 31.25, 48.03, 71.63, 0, 0, 1, 0.75,
        '{\"tickets_for_billing_period\": [{\"ticket_number\": \"9001\", \"total_hours_spent\": 3.0}]}', E'InvoiceNo\\r\\n', 'ada', null);
    insert into snapshot_line_items values (1, 1, 'ticket', 'Billable Hours', 'Billable Hours (0.75 hrs)', 0.75, 95.50, 71.63);
";

async fn original(pool: &PgPool) -> Secret {
    let mut tx = pool.begin().await.unwrap();
    sqlx::raw_sql(ORIGINAL).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let options = pool.connect_options();
    let (host, port) = (options.get_host(), options.get_port());
    let (user, name) = (options.get_username(), options.get_database().unwrap());
    Secret::new(format!("postgres://{user}@{host}:{port}/{name}?options=-c%20search_path%3Doriginal"))
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_was_there_is_here_and_what_was_changed_here_stays(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine").ticket(
        "9001",
        "2025-06-18T10:00:00Z",
        5.0,
    )]);
    let from = original(&pool).await;
    let rehearsal = import::run(&pool, &from, true).await.unwrap();
    assert_eq!(suite.json("/api/overrides/client/1001").await["overrides"], json!(null), "nothing was kept");
    let report = import::run(&pool, &from, false).await.unwrap();
    assert_eq!(rehearsal.tables, report.tables);
    let told: Vec<_> =
        report.tables.iter().filter(|t| t.in_source).map(|t| (t.table, t.read, t.new, t.refused)).collect();
    assert_eq!(
        told,
        [
            ("client_billing_overrides", 2, 1, 1),
            ("user_billing_overrides", 1, 1, 0),
            ("manual_assets", 1, 1, 0),
            ("scheduler_jobs", 2, 2, 0),
            ("scheduled_snapshots", 1, 0, 0),
            ("billing_snapshots", 1, 1, 0)
        ],
        "{:?}",
        report.refused
    );
    assert_eq!((report.refused[0].row.as_str(), report.refused.len()), ("8", 1), "a rate below zero");
    assert_eq!(suite.json("/api/overrides/client/1001").await["overrides"]["per_user_cost"], json!(20));
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    // Two people at 20.00, devices as ever, a switch, and the two hours that the archive does not hold yet.
    assert_eq!((&bill["receipt"]["total"], &bill["receipt"]["billable_hours"]), (&json!(430.49), &json!(2)));
    let stored = suite.json("/archive/api/snapshot/1001-202505").await;
    assert_eq!((&stored["created_by"], &stored["total_amount"]), (&json!("ada"), &json!(150.90)));
    assert_eq!(suite.get("/archive/api/snapshot/1001-202505/csv").await.text(), "InvoiceNo\r\n");
    assert_eq!(
        suite.json("/archive/api/verify").await,
        json!({"companies": 1, "documents": 1, "faults": []})
    );

    let admin = |path: &'static str| suite.get_as(PermissionLevel::Admin, path);
    let jobs = admin("/api/pullers").await.json();
    let told = |row: &Value| {
        json!([
            row["job_name"],
            row["script_path"],
            row["enabled"],
            row["runnable"],
            row["last_status"],
            row["last_run"]
        ])
    };
    assert_eq!(
        jobs["pullers"].as_array().unwrap().iter().map(told).collect::<Vec<_>>(),
        [
            json!(["Backup", "/root/backup.sh --all", false, false, null, null]),
            json!([
                "Diagnostic: Test Codex Connectivity",
                "sync_from_codex.py",
                true,
                true,
                "Error",
                "2025-07-01T08:00:00Z"
            ])
        ]
    );
    let backup = &jobs["pullers"][0]["id"];
    let started = suite.as_admin("POST", &format!("/api/pullers/{backup}/run"), json!(null)).await;
    assert_eq!(started.status, 409, "a path of the original is never run");
    suite.as_admin("PUT", &format!("/api/pullers/{backup}"), json!({"script_path": "verify"})).await;

    // Again: nothing is twice, what was changed there comes, what was changed or removed here stays.
    sqlx::raw_sql(
        "update original.client_billing_overrides set per_user_cost = 22 where id = 7;
         update original.user_billing_overrides set billing_type = 'Paid';
         update original.manual_assets set hostname = 'NEW-SW';",
    )
    .execute(&pool)
    .await
    .unwrap();
    suite
        .send("PUT", "/api/overrides/user/100101", json!({"billing_type": "Custom", "custom_cost": 1}))
        .await;
    suite.send("DELETE", "/api/overrides/manual-assets/1001/2", json!(null)).await;
    let id = suite.json("/api/overrides/manual-assets/1001").await["manual_assets"][0]["id"].clone();
    suite.send("DELETE", &format!("/api/overrides/manual-assets/1001/{id}"), json!(null)).await;
    let report = import::run(&pool, &from, false).await.unwrap();
    let told: Vec<_> = report
        .tables
        .iter()
        .filter(|t| t.in_source)
        .map(|t| (t.table, t.updated, t.unchanged, t.kept))
        .collect();
    assert_eq!(
        told,
        [
            ("client_billing_overrides", 1, 0, 0),
            ("user_billing_overrides", 0, 0, 1),
            ("manual_assets", 0, 0, 1),
            ("scheduler_jobs", 0, 1, 1),
            ("scheduled_snapshots", 0, 1, 0),
            ("billing_snapshots", 0, 1, 0)
        ]
    );
    assert_eq!(suite.json("/api/overrides/client/1001").await["overrides"]["per_user_cost"], json!(22));
    assert_eq!(suite.json("/api/overrides/manual-assets/1001").await["manual_assets"], json!([]));
    let wrong = import::run(&pool, &Secret::new("nonsense"), false).await.unwrap_err().to_string();
    assert_eq!(wrong, "--from is no PostgreSQL address");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_job_whose_schedule_never_comes_is_told_and_what_was_switched_here_stays(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let from = original(&pool).await;
    sqlx::raw_sql(
        "insert into original.scheduler_jobs values
            (3, 'Leap', 'sync_from_codex.py', '0 3 30 2 *', true, null, null, null, null),
            (4, 'Off already', 'sync_from_codex.py', '0 3 31 4 *', false, null, null, null, null)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let report = import::run(&pool, &from, false).await.unwrap();
    let told: Vec<_> =
        report.switched_off.iter().map(|job| (job.job_name.as_str(), job.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("Backup", "its script is none that Ledger has"),
            ("Leap", "its schedule never comes: there is no such day")
        ]
    );
    let jobs = async || suite.get_as(PermissionLevel::Admin, "/api/pullers").await.json()["pullers"].clone();
    let named = |jobs: &Value, name: &str| {
        jobs.as_array().unwrap().iter().find(|job| job["job_name"] == name).unwrap().clone()
    };
    let leap = named(&jobs().await, "Leap");
    assert_eq!((&leap["enabled"], &leap["next_run_at"]), (&json!(false), &Value::Null));

    // Somebody mends one and switches another off: the next import leaves both alone, whatever became of them there.
    let path = |job: &Value| format!("/api/pullers/{}", job["id"]);
    let mended = json!({"schedule_cron": "0 3 28 2 *", "enabled": true});
    assert_eq!(suite.as_admin("PUT", &path(&leap), mended).await.status, 200);
    let ours = named(&jobs().await, "Diagnostic: Test Codex Connectivity");
    assert_eq!(suite.as_admin("PUT", &path(&ours), json!({"enabled": false})).await.status, 200);
    sqlx::raw_sql("update original.scheduler_jobs set schedule_cron = '0 4 * * *', description = 'there'")
        .execute(&pool)
        .await
        .unwrap();
    let report = import::run(&pool, &from, false).await.unwrap();
    assert_eq!(report.switched_off.len(), 1, "only what is still as it was imported: {report:?}");
    let after = jobs().await;
    let state = |name: &str| {
        let job = named(&after, name);
        json!([job["enabled"], job["schedule_cron"]])
    };
    assert_eq!(state("Leap"), json!([true, "0 3 28 2 *"]));
    assert_eq!(state("Diagnostic: Test Codex Connectivity"), json!([false, "0 */12 * * *"]));
    assert_eq!(state("Off already"), json!([false, "0 4 * * *"]), "what nobody changed here comes along");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_schedule_comes_along_until_somebody_sets_it_here(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let from = original(&pool).await;
    let shown = async || {
        let answer = suite.get_as(PermissionLevel::Admin, "/archive/api/scheduler/config").await.json();
        let config = &answer["config"];
        ["enabled", "day_of_month", "hour", "snapshot_previous_month", "snapshot_all_companies"]
            .map(|name| config[name].clone())
    };
    let import = async || {
        let report = import::run(&pool, &from, false).await.unwrap();
        let counts = report.tables.into_iter().find(|counts| counts.table == "scheduled_snapshots").unwrap();
        (counts.new, counts.updated, counts.unchanged, counts.kept)
    };
    assert_eq!(shown().await, [json!(true), json!(1), json!(2), json!(true), json!(true)]);
    assert_eq!(import().await, (0, 1, 0, 0));
    assert_eq!(shown().await, [json!(false), json!(5), json!(3), json!(true), json!(true)]);

    // What is changed there still comes.
    sqlx::raw_sql("update original.scheduled_snapshots set hour = 4").execute(&pool).await.unwrap();
    assert_eq!(import().await, (0, 1, 0, 0));
    assert_eq!(shown().await[2], json!(4));
    assert_eq!(import().await, (0, 0, 1, 0));

    let set = suite.as_admin("POST", "/archive/api/scheduler/config", json!({"enabled": true})).await;
    assert_eq!(set.status, 200);
    sqlx::raw_sql("update original.scheduled_snapshots set day_of_month = 9").execute(&pool).await.unwrap();
    assert_eq!(import().await, (0, 0, 0, 1));
    assert_eq!(shown().await[..2], [json!(true), json!(5)]);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_schedule_that_was_set_here_before_stays(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let from = original(&pool).await;
    let set = suite.as_admin("POST", "/archive/api/scheduler/config", json!({"day_of_month": 20})).await;
    assert_eq!(set.status, 200);
    let report = import::run(&pool, &from, false).await.unwrap();
    let counts = report.tables.iter().find(|counts| counts.table == "scheduled_snapshots").unwrap();
    assert_eq!((counts.read, counts.updated, counts.kept), (1, 0, 1));
    let config = suite.get_as(PermissionLevel::Admin, "/archive/api/scheduler/config").await.json();
    assert_eq!((&config["config"]["day_of_month"], &config["config"]["enabled"]), (&json!(20), &json!(true)));
}
