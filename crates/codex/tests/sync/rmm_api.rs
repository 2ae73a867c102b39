//! The RMM's routes: jobs (codex-api.md §8.2), devices and commands (§4.4).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use hivematrix_codex::config::Settings;
use hivematrix_codex::domain::schedule::{Rhythm, Schedule};
use hivematrix_codex::jobs::SyncService;
use hivematrix_codex::providers::{RmmProviders, Vendors};
use hivematrix_codex::store::recent_commands::{self, Order};
use hivematrix_codex::sync::SyncRules;
use hivematrix_codex::{Codex, app};
use hivematrix_shared::auth::PermissionLevel::{self, Admin, Billing, Client as Customer, Technician};
use hivematrix_shared::config::Secret;
use hivematrix_shared::server;
use hivematrix_shared::testing::{Client, TestIdentity, TestResponse};
use hivematrix_simulators::datto::{COMMAND_COMPONENT, Fault, FaultMode};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::rmm_world::{RmmWorld, SIZE};

struct Api {
    identity: TestIdentity,
    client: Client,
}

impl Api {
    fn new(world: &RmmWorld, component: Option<&str>) -> Self {
        let identity = TestIdentity::default();
        let context = identity.context("codex");
        let mut settings = Settings::parse_from(["codex"]);
        let (public, secret) = world.vendor.keys.clone();
        settings.datto.datto_base_url = Some(world.vendor.base_url.clone());
        settings.datto.datto_public_key = Some(Secret::new(public));
        settings.datto.datto_secret_key = Some(Secret::new(secret));
        settings.datto.datto_command_component = component.map(str::to_owned);
        let (router, options) = app(Codex::new(context.clone(), settings, world.pool.clone()));
        Self { identity, client: Client::new(server::apply(&context, router, options)) }
    }

    async fn post(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.client.post(path).bearer(self.identity.user_token(level)).send().await
    }

    async fn command(&self, level: PermissionLevel, path: &str, body: Value) -> TestResponse {
        self.client.post(path).bearer(self.identity.user_token(level)).json(&body).send().await
    }

    async fn get(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.client.get(path).bearer(self.identity.user_token(level)).send().await
    }

    /// Runs a job to its end.
    async fn job(&self, path: &str) -> Value {
        let started = self.post(Admin, path).await;
        assert_eq!(started.status, StatusCode::OK, "{path}");
        let id = started.json()["job_id"].as_str().unwrap().to_owned();
        loop {
            let job = self.get(Admin, &format!("/sync/status/{id}")).await.json();
            if job["status"] != "running" {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn jobs_of_the_rmm_have_the_rows_of_the_contract(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let api = Api::new(&world, None);
    let site = world.site(0);
    world.vendor.control.set_variable(&site, "AccountNumber", None);
    world.vendor.control.rename_site(&site, &world.made.company(0).name);
    let planned = api.job("/sync/push-to-datto?dry_run=true").await;
    assert_eq!(planned["progress"]["planned"].as_array().unwrap().len(), 1);
    assert!(planned["output"].as_str().unwrap().contains("Would write"));
    assert_eq!(world.vendor.control.variable(&site, "AccountNumber"), None);

    let job = api.job("/sync/datto").await;
    assert_eq!(
        (&job["script"], &job["provider"], &job["sync_type"]),
        (&json!("rmm"), &json!("datto"), &Value::Null)
    );
    assert_eq!(job["success"], true, "{job}");
    // A name alone proves nothing: that site's devices come once it carries the number.
    let others = i64::from(SIZE.assets) - world.devices_of(&site).len() as i64;
    assert_eq!(job["progress"]["counts"]["assets"], others);
    // The push follows.
    assert_eq!(world.vendor.control.variable(&site, "AccountNumber"), Some(world.number(0)));
    let push = api.job("/sync/push-to-datto").await;
    assert_eq!((&push["script"], &push["provider"]), (&json!("push-to-datto"), &Value::Null));
    assert_eq!(api.get(Billing, "/sync/last/push-to-datto").await.json()["id"], push["id"]);

    for path in ["/sync/datto", "/sync/push-to-datto", "/sync/create-account-numbers"] {
        for level in [Technician, Billing, Customer] {
            assert_eq!(api.post(level, path).await.status, StatusCode::FORBIDDEN, "{path} {level}");
        }
        assert_eq!(api.post(Admin, &format!("{path}?dry_run=perhaps")).await.status, StatusCode::BAD_REQUEST);
    }
    // No ticketing system is configured here.
    let answer = api.post(Admin, "/sync/create-account-numbers").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (500, &json!(false)));
    assert!(answer.json()["error"].is_string());

    world.vendor.control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 60_000 }));
    let running = api.post(Admin, "/sync/datto").await.json();
    let second = api.post(Admin, "/sync/datto").await;
    assert_eq!((second.status, &second.json()["job_id"]), (StatusCode::CONFLICT, &running["job_id"]));
    world.vendor.control.clear_faults();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_schedule_reads_devices_once_and_goes_on_after_a_stop(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let schedule = Schedule {
        enabled: true,
        tickets: None,
        details: Rhythm::Never,
        comparison: Rhythm::Never,
        base: Rhythm::Never,
        assets: Rhythm::Daily(chrono::NaiveTime::MIN),
        run_on_startup: false,
    };
    let service = |shutdown: &CancellationToken| {
        let rmm = RmmProviders::new("datto").with(std::sync::Arc::new(world.datto()));
        let vendors = Vendors { rmm, ..Vendors::default() };
        let (pool, clock) = (world.pool.clone(), world.clock.clone());
        SyncService::new(pool, clock, vendors, schedule, SyncRules::default(), shutdown.clone())
    };
    let until = async |what: &str, sql: &'static str, count: i64| {
        tokio::time::timeout(Duration::from_secs(30), async {
            while world.count(sql).await < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{what} never came"));
    };
    let sites = world.vendor.control.sites().len();
    let slow = Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/site/{id}/devices");
    world.vendor.control.add_fault(slow.after(u32::try_from(sites / 2).unwrap()));
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service(&shutdown).run());
    until("half of the devices", "select count(*) from rmm_runs", 1).await;
    shutdown.cancel();
    running.await.unwrap();
    world.vendor.control.clear_faults();
    world.pass();

    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service(&shutdown).run());
    until("the end", "select count(*) from sync_jobs where script = 'rmm' and success", 1).await;
    assert_eq!(world.stored().await, i64::from(SIZE.assets));
    // Several looks later nothing more has been started: today is done.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    shutdown.cancel();
    running.await.unwrap();
    let jobs = "select count(*) from sync_jobs where requested_by = 'scheduler' and sync_type is null";
    assert_eq!(world.count(jobs).await, 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_failing_push_fails_the_job(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let api = Api::new(&world, None);
    let site = world.site(0);
    world.vendor.control.set_variable(&site, "AccountNumber", None);
    world.vendor.control.rename_site(&site, &world.made.company(0).name);
    let path = format!("/site/{site}/variable");
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 409 }).on(&path));
    let job = api.job("/sync/datto").await;
    assert_eq!((&job["success"], &job["status"]), (&json!(false), &json!("failed")));
    assert!(job["error"].as_str().unwrap().contains("did not take"), "{job}");
    let others = i64::from(SIZE.assets) - world.devices_of(&site).len() as i64;
    assert_eq!(world.stored().await, others, "the devices of the other sites are there all the same");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn devices_are_told_with_what_is_known_and_nothing_else(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let api = Api::new(&world, None);
    let all = api.get(Billing, "/api/rmm/devices?limit=1000").await.json();
    assert_eq!(all["count"], SIZE.assets);
    let mut sum = 0;
    for status in ["online", "offline"] {
        let some = api.get(Billing, &format!("/api/rmm/devices?limit=1000&status={status}")).await.json();
        assert!(some["devices"].as_array().unwrap().iter().all(|device| device["status"] == status));
        sum += some["count"].as_u64().unwrap();
    }
    assert_eq!(sum, u64::from(SIZE.assets));
    let of_one = api.get(Admin, &format!("/api/rmm/devices?company_id={}", world.number(0))).await.json();
    assert!(
        of_one["devices"].as_array().unwrap().iter().all(|device| device["company_id"] == world.number(0))
    );

    let id: i64 = sqlx::query_scalar(
        "select id from assets where last_audit_date is not null and hardware_type = 'Laptop' order by id limit 1",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    let path = format!("/api/rmm/device/device-{id}");
    let device = api.get(Technician, &path).await.json();
    assert!(device["hardware"]["ram_gb"].as_f64().unwrap() >= 8.0, "{device}");
    assert!(device["mac_address"].as_str().unwrap().starts_with("00:1A:4B:"));
    assert!(device["installed_software"].as_array().unwrap().len() >= 3);
    let usage = device["health"]["disk_usage"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&usage));
    assert_eq!(device["health"]["cpu_usage"], Value::Null, "nobody tells, so nobody knows");

    world.vendor.control.add_fault(Fault::always(FaultMode::NotFound).on("/audit/device/{id}"));
    let device = api.get(Technician, &path).await.json();
    assert_eq!(
        (&device["mac_address"], &device["installed_software"], &device["hardware"]["cpu"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    for (path, status) in [
        ("/api/rmm/device/7", StatusCode::BAD_REQUEST),
        ("/api/rmm/device/device-", StatusCode::BAD_REQUEST),
        ("/api/rmm/device/device-x", StatusCode::BAD_REQUEST),
        ("/api/rmm/device/device--1", StatusCode::BAD_REQUEST),
        ("/api/rmm/device/device-99999999999999999999", StatusCode::NOT_FOUND),
        ("/api/rmm/device/device-999999", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(api.get(Admin, path).await.status, status, "{path}");
    }
    // A customer sees its own company's only; this one belongs to none.
    assert_eq!(api.get(Customer, &path).await.status, StatusCode::FORBIDDEN);
    let number = world.number(0);
    assert_eq!(
        api.get(Customer, &format!("/api/rmm/devices?company_id={number}")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(api.get(Customer, "/api/rmm/devices").await.json()["count"], 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn commands_run_for_technicians_and_say_why_when_not(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let api = Api::new(&world, Some(COMMAND_COMPONENT));
    let uid = world.devices_of(&world.site(0))[0].clone();
    world.vendor.control.patch_device(&uid, json!({ "online": true }).as_object().unwrap().clone());
    let id: i64 = sqlx::query_scalar("select id from assets where external_id = $1")
        .bind(&uid)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let path = format!("/api/rmm/device/device-{id}/command");
    let whoami = || json!({ "command": "whoami", "reason": "ticket 1" });
    let started = api.command(Technician, &path, whoami()).await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let job = started.json()["job_id"].as_str().unwrap().to_owned();
    let result = api.get(Admin, &format!("{path}/{job}")).await;
    assert_eq!(result.status, StatusCode::OK);
    assert_eq!(result.json()["stdout"], "nt authority\\system\r\n");
    assert_eq!(result.json()["status"], "success");
    for nobodys in ["no-job", "%2E%2E", "..%2F..%2Faccount%2Fsites"] {
        assert_eq!(
            api.get(Admin, &format!("{path}/{nobodys}")).await.status,
            StatusCode::NOT_FOUND,
            "{nobodys}"
        );
    }

    for body in [
        json!({}),
        json!({ "command": "whoami" }),
        json!({ "command": " ", "reason": "x" }),
        json!({ "command": 1, "reason": "x" }),
    ] {
        assert_eq!(api.command(Admin, &path, body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    for level in [Billing, Customer] {
        assert_eq!(api.command(level, &path, whoami()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(api.get(level, &format!("{path}/{job}")).await.status, StatusCode::FORBIDDEN);
    }
    // A service alone may not act, one that acts for a technician may.
    let alone = api.identity.service_token("brain", "codex");
    let refused = api.client.post(&path).bearer(alone).json(&whoami()).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let acting = api.identity.service_token_on_behalf("brain", "codex", Technician);
    let again = api.client.post(&path).bearer(acting.clone()).json(&whoami()).send().await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the same person, the same command");
    let other_instance = Api::new(&world, Some(COMMAND_COMPONENT));
    let again = other_instance.command(Technician, &path, whoami()).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "whichever instance takes it");
    let meant = api.client.post(&path).bearer(acting).header("Idempotency-Key", "second");
    assert_eq!(meant.json(&whoami()).send().await.status, StatusCode::ACCEPTED);

    let unknown = "/api/rmm/device/device-999999/command";
    assert_eq!(api.command(Admin, unknown, whoami()).await.status, StatusCode::NOT_FOUND);
    // Made by hand: no RMM to ask.
    sqlx::query("insert into assets (id, hostname, company_account_number) overriding system value values (9001, 'x', $1)")
        .bind(world.number(0))
        .execute(&world.pool)
        .await
        .unwrap();
    let by_hand = "/api/rmm/device/device-9001/command";
    assert_eq!(api.command(Admin, by_hand, whoami()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let without = Api::new(&world, None);
    assert_eq!(without.command(Admin, &path, whoami()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 500 }));
    let failed = api.command(Admin, &path, whoami()).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert_eq!(failed.json()["outcome"], "unknown", "it was sent");
    assert_eq!(api.command(Admin, &path, whoami()).await.status, StatusCode::CONFLICT);
    world.vendor.control.clear_faults();
    world.vendor.control.remove_device(&uid);
    let gone = || json!({ "command": "hostname", "reason": "ticket 1" });
    for _ in 0..2 {
        // What certainly did not run may be tried again at once.
        assert_eq!(api.command(Admin, &path, gone()).await.status, StatusCode::NOT_FOUND);
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_same_order_is_taken_once_a_minute(pool: PgPool) {
    let order = Order { device: 1, command: "whoami\0".into(), caller: "a".into(), key: None };
    let now: DateTime<Utc> = "2025-11-22T10:30:15Z".parse().unwrap();
    let begin = async |order: &Order, after: i64| {
        recent_commands::begin(&pool, order, now + TimeDelta::seconds(after)).await.unwrap()
    };
    assert!(begin(&order, 0).await);
    assert!(!begin(&order, 59).await);
    for other in [
        Order { device: 2, ..order.clone() },
        Order { command: "hostname".into(), ..order.clone() },
        Order { caller: "b".into(), ..order.clone() },
        Order { key: Some("again".into()), ..order.clone() },
    ] {
        assert!(begin(&other, 0).await, "{other:?}");
        assert!(!begin(&other, 0).await, "{other:?}");
    }
    recent_commands::forget(&pool, &order).await.unwrap();
    assert!(begin(&order, 0).await);
    assert!(begin(&order, 60).await);
    assert!(begin(&order, -3600).await, "the clock was set back");
    let stored: i64 =
        sqlx::query_scalar("select count(*) from recent_commands").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, 1, "older ones are forgotten");
    let together = futures::future::join_all((0..4).map(|_| begin(&order, 0))).await;
    assert_eq!(together.into_iter().filter(|taken| *taken).count(), 1);
}
