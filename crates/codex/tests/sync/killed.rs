//! A worker process that is killed in the middle of whatever it does (`kill -9`), and one that goes on afterwards. Real
//! processes of the real binary, told by the vendor's simulator or by a lock in the database when they are where it hurts.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hivematrix_codex::providers::{PageRef, PsaProvider, RmmProvider};
use hivematrix_simulators::freshservice::{Collection, Fault, FaultMode, NewWork};
use hivematrix_simulators::world::Size;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::harness::{SMALL, World};
use crate::rmm_world::RmmWorld;

/// Three pages of contacts and of tickets.
const SIZE: Size = Size { contacts: 250, ..SMALL };

/// Where a worker is when it is killed.
enum Place {
    /// Before the vendor answers this request: route, page, requests before it.
    Asking(&'static str, Option<u32>, u32),
    /// While it writes to this table.
    Writing(&'static str),
}
use Place::{Asking, Writing};

/// Starts workers over one database.
struct Workers {
    pool: PgPool,
    home: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Workers {
    async fn new(pool: &PgPool, vendor: Vec<(&'static str, String)>) -> Self {
        let database: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.unwrap();
        let mut address: url::Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        address.set_path(&database);
        let home = tempfile::tempdir().unwrap();
        let mut environment = vec![
            ("DATABASE_URL", address.to_string()),
            ("HIVEMATRIX_HOME", home.path().to_str().unwrap().to_owned()),
        ];
        environment.extend(vendor);
        Self { pool: pool.clone(), home, environment }
    }

    fn start(&self, arguments: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hivematrix-codex"));
        command.args(arguments.split_whitespace()).current_dir(self.home.path()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        command.spawn().unwrap()
    }

    /// Runs one to its end.
    async fn run(&self, arguments: &str) -> (ExitStatus, String) {
        let output = self.start(arguments).wait_with_output().await.unwrap();
        (output.status, String::from_utf8(output.stdout).unwrap())
    }

    async fn run_well(&self, arguments: &str) {
        let (status, output) = self.run(arguments).await;
        assert!(status.success(), "{arguments}: {output}");
    }

    /// Kills a worker without a word. Its job counts as dead once it has not beaten for a while, which is now.
    async fn kill(&self, mut worker: Child) {
        worker.kill().await.unwrap();
        sqlx::query(
            "update sync_jobs set heartbeat_at = clock_timestamp() - interval '1 minute' where status = 'running'",
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Starts a worker, and kills it as soon as it waits for this lock.
    async fn kill_writing(&self, arguments: &str, table: &'static str) {
        let mut lock = self.pool.begin().await.unwrap();
        let statement = format!("lock table {table} in share row exclusive mode");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *lock).await.unwrap();
        let worker = self.start(arguments);
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        until("a write", async || number(&self.pool, waits).await > 0).await;
        self.kill(worker).await;
        lock.rollback().await.unwrap();
        // The server lets the dead one's transaction go.
        let open = "select count(*) from pg_stat_activity where datname = current_database()
                    and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()";
        until("the end of its transaction", async || number(&self.pool, open).await == 0).await;
    }

    async fn killed_jobs(&self) -> i64 {
        number(&self.pool, "select count(*) from sync_jobs where error = 'interrupted: the worker died'")
            .await
    }
}

async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen");
}

fn held(route: &str, page: Option<u32>, before: u32) -> Fault {
    let fault = Fault::always(FaultMode::Slow { delay_ms: 600_000 }).on(route).after(before).times(1);
    match page {
        Some(page) => fault.on_page(page),
        None => fault,
    }
}

/// A Freshservice account and its workers.
struct Desk {
    world: World,
    workers: Workers,
}

impl Desk {
    async fn new(pool: PgPool) -> Self {
        let world = World::of(pool, SIZE).await;
        let vendor = vec![
            ("FRESHSERVICE_BASE_URL", world.vendor.base_url.clone()),
            ("FRESHSERVICE_API_KEY", world.vendor.api_key.clone()),
        ];
        let workers = Workers::new(&world.pool, vendor).await;
        Self { world, workers }
    }

    async fn kill_at(&self, arguments: &str, place: &Place) {
        match *place {
            Asking(route, page, before) => {
                self.world.vendor.control.add_fault(held(route, page, before));
                let worker = self.workers.start(arguments);
                until(route, async || self.world.vendor.control.faults().is_empty()).await;
                self.workers.kill(worker).await;
                self.world.vendor.control.clear_faults();
            }
            Writing(table) => self.workers.kill_writing(arguments, table).await,
        }
    }

    /// Everything is here as the vendor has it.
    async fn assert_complete(&self) {
        let provider = self.world.freshservice();
        let (mut contacts, mut next) = (0, Some(PageRef::FIRST));
        while let Some(at) = next {
            let page = provider.contacts(at).await.unwrap();
            contacts += page.items.iter().filter(|contact| contact.email.is_some()).count();
            next = page.next;
        }
        let companies = provider.companies(PageRef::FIRST).await.unwrap().items;
        let numbered = companies.iter().filter(|company| company.account_number.is_some()).count();
        let agents = provider.agents(PageRef::FIRST).await.unwrap().items.len();
        let groups = provider.groups(PageRef::FIRST).await.unwrap().items.len();
        for (sql, expected) in [
            ("select count(*) from companies", numbered),
            ("select count(*) from contacts", contacts),
            ("select count(*) from psa_agents", agents),
            ("select count(*) from psa_groups", groups),
            ("select count(*) from staged_contacts", 0),
            ("select count(*) from contact_runs", 0),
            ("select count(*) from sync_seen", 0),
            ("select count(*) from ticket_details where detail_due_at is not null", 0),
            ("select count(*) from ticket_details where company_account_number is null and department_id in
                (select external_id from companies)", 0),
            ("select count(*) from ticket_details t where total_hours_spent is distinct from
                (select coalesce(sum(hours), 0) from ticket_time_entries e where e.ticket_id = t.id)", 0),
            ("select count(*) from sync_jobs where status = 'running'", 0),
        ] {
            assert_eq!(self.world.number(sql).await, i64::try_from(expected).unwrap(), "{sql}");
        }
        self.world.assert_same().await;
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_worker_that_is_killed_in_any_phase_of_a_first_sync_loses_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let base = "sync psa --type base";
    let tickets = "sync psa --type tickets";
    let phases = [
        ("the list of companies", base, Asking("/departments", None, 0)),
        ("companies being stored", base, Writing("companies")),
        ("the list of agents", base, Asking("/agents", None, 0)),
        ("agents being stored", base, Writing("psa_agents")),
        ("the list of groups", base, Asking("/groups", None, 0)),
        ("the list of contacts", base, Asking("/requesters", Some(2), 0)),
        ("its end", base, Asking("/requesters", Some(3), 0)),
        ("contacts being stored", base, Writing("contact_company_link")),
        ("the list of tickets", tickets, Asking("/tickets", Some(2), 0)),
        ("a page of tickets being stored", tickets, Writing("ticket_details")),
        ("the bin", tickets, Asking("/tickets", Some(1), 1)),
        ("messages", tickets, Asking("/tickets/{id}/conversations", None, 40)),
        ("hours", tickets, Asking("/tickets/{id}/time_entries", None, 60)),
        ("hours being stored", tickets, Writing("ticket_time_entries")),
    ];
    let killed = i64::try_from(phases.len()).unwrap();
    for (phase, arguments, place) in phases {
        desk.kill_at(arguments, &place).await;
        let broken = "select count(*) from ticket_details where ticket_number is null";
        assert_eq!(desk.world.number(broken).await, 0, "{phase}: no half rows");
    }
    desk.workers.run_well(base).await;
    desk.workers.run_well(tickets).await;
    assert_eq!(desk.workers.killed_jobs().await, killed, "every one of them is told");
    desk.assert_complete().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_worker_that_is_killed_in_any_phase_of_a_comparison_loses_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.workers.run_well("sync psa").await;
    desk.assert_complete().await;
    let control = &desk.world.vendor.control;
    let gone = desk.world.active(8);
    for id in &gone[..4] {
        control.remove_ticket(*id);
    }
    for id in &gone[4..] {
        control.add_work(*id, NewWork { minutes: 30, billable: true, ..NewWork::default() });
    }
    let full = "sync psa --type tickets --full-sync";
    for place in [
        Asking("/tickets", Some(3), 0),
        Asking("/tickets/{id}", None, 1),
        Writing("ticket_details"),
        Asking("/tickets/{id}", None, 2),
        Asking("/tickets/{id}/time_entries", None, 1),
    ] {
        desk.kill_at(full, &place).await;
    }
    desk.workers.run_well(full).await;
    desk.assert_complete().await;
    let deleted = "select count(*) from ticket_details where status = 'deleted'";
    assert_eq!(desk.world.number(deleted).await, 4, "those that are gone, and no other");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_number_that_was_on_its_way_when_the_worker_was_killed_is_given_to_nobody_else(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let control = &desk.world.vendor.control;
    for id in 77..81 {
        let fresh = serde_json::json!({ "name": format!("Company {id}"), "custom_fields": {} });
        control.add_record(Collection::Departments, id, fresh.as_object().unwrap().clone());
    }
    let create = "create-account-numbers";
    for before in [0, 1] {
        desk.kill_at(create, &Asking("/departments/{id}", None, before)).await;
    }
    desk.kill_at(create, &Writing("account_numbers")).await;
    desk.workers.run_well(create).await;
    desk.workers.run_well("sync psa --type companies").await;
    let companies = desk.world.freshservice().companies(PageRef::FIRST).await.unwrap().items;
    let mut numbers: Vec<_> = companies.iter().filter_map(|company| company.account_number.clone()).collect();
    assert_eq!(numbers.len(), companies.len(), "everybody has one");
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), companies.len(), "and nobody another's");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_worker_that_is_killed_in_any_phase_of_reading_assets_loses_nothing(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let (public, secret) = world.vendor.keys.clone();
    let vendor = vec![
        ("DATTO_BASE_URL", world.vendor.base_url.clone()),
        ("DATTO_PUBLIC_KEY", public),
        ("DATTO_SECRET_KEY", secret),
    ];
    let workers = Workers::new(&world.pool, vendor).await;
    let all = "sync rmm --push-account-numbers";
    let control = &world.vendor.control;
    let kill_at = async |place: Place| match place {
        Asking(route, page, before) => {
            control.add_fault(held(route, page, before));
            let worker = workers.start(all);
            until(route, async || control.faults().is_empty()).await;
            workers.kill(worker).await;
            control.clear_faults();
        }
        Writing(table) => workers.kill_writing(all, table).await,
    };
    for place in [
        Asking("/account/sites", None, 0),
        Asking("/site/{id}/variables", None, 3),
        Writing("rmm_site_links"),
        Asking("/site/{id}/devices", None, 2),
        Writing("assets"),
        Asking("/site/{id}/devices", None, 4),
    ] {
        kill_at(place).await;
    }
    workers.run_well(all).await;
    let listed = control.devices();
    let stored: Vec<String> =
        sqlx::query_scalar("select external_id from assets").fetch_all(&world.pool).await.unwrap();
    let known = listed.iter().filter(|(uid, ..)| stored.contains(uid)).count();
    assert_eq!(stored.len(), known, "each once");
    assert!(known * 10 >= listed.len() * 8, "all but the provider's own: {known} of {}", listed.len());

    // One that is gone, and a number that a site lacks.
    control.remove_device(&stored[0]);
    control.set_variable(&world.site(1), "AccountNumber", None);
    kill_at(Asking("/device/{id}", None, 0)).await;
    kill_at(Asking("/site/{id}/variable", None, 0)).await;
    workers.run_well(all).await;
    let left = "select count(*) from assets";
    assert_eq!(number(&world.pool, left).await, i64::try_from(stored.len()).unwrap() - 1);
    assert_eq!(control.variable(&world.site(1), "AccountNumber"), Some(world.number(1)));
    let site = world.datto().site_variable(&world.site(1), "AccountNumber").await.unwrap();
    assert_eq!(site, Some(world.number(1)), "once");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn of_two_processes_that_sync_at_once_one_does_and_the_other_says_why_not(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let control = &desk.world.vendor.control;
    control.add_fault(held("/tickets", Some(2), 0));
    let first = desk.workers.start("sync psa --type tickets --light");
    until("the second page", async || control.faults().is_empty()).await;
    let (status, output) = desk.workers.run("sync psa --type tickets --light").await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("a sync of this kind is running already (job "), "{output}");
    // Another kind has nothing to do with it.
    desk.workers.run_well("sync psa --type base").await;
    control.clear_faults();
    let first = first.wait_with_output().await.unwrap();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stdout));
    desk.world.assert_same().await;
}
