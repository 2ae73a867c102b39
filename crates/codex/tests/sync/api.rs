//! The routes of codex-api.md §8.2.

use clap::Parser;
use hivematrix_codex::config::Settings;
use hivematrix_codex::{Codex, app};
use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client as Customer, Technician};
use hivematrix_shared::config::Secret;
use hivematrix_shared::server;
use hivematrix_shared::testing::{Client, TestIdentity, TestResponse};
use hivematrix_simulators::freshservice::{Fault, FaultMode};
use http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::Value;
use sqlx::PgPool;

use crate::harness::World;

struct Api {
    identity: TestIdentity,
    client: Client,
}

impl Api {
    fn new(world: &World, key: &str) -> Self {
        Self::with(world, key, |_| {})
    }

    fn with(world: &World, key: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let identity = TestIdentity::default();
        let context = identity.context("codex");
        let mut settings = Settings::parse_from(["codex"]);
        settings.freshservice.freshservice_base_url = Some(world.vendor.base_url.parse().unwrap());
        settings.freshservice.freshservice_api_key = Some(Secret::new(key));
        change(&mut settings);
        let (router, options) = app(Codex::new(context.clone(), settings, world.pool.clone()));
        Self { identity, client: Client::new(server::apply(&context, router, options)) }
    }

    async fn post(&self, path: &str, token: &str) -> TestResponse {
        self.client.post(path).bearer(token).send().await
    }

    async fn get(&self, path: &str, token: &str) -> TestResponse {
        self.client.get(path).bearer(token).send().await
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_sync_is_started_watched_and_found_again(pool: PgPool) {
    let world = World::new(pool).await;
    let api = Api::new(&world, &world.vendor.api_key);
    let technician = api.identity.service_token_on_behalf("beacon", "codex", Technician);
    let started = api.post("/sync/tickets", &technician).await;
    assert_eq!(started.status, StatusCode::OK);
    assert_json_snapshot!("started", started.json(), { ".job_id" => "[id]" });
    let id = started.json()["job_id"].as_str().unwrap().to_owned();
    let mut status = api.get(&format!("/sync/status/{id}"), &technician).await.json();
    while status["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        status = api.get(&format!("/sync/status/{id}"), &technician).await.json();
    }
    // How many of the vendor's tickets are recent enough to be listed depends on the day.
    let stored: i64 =
        sqlx::query_scalar("select count(*) from ticket_details").fetch_one(&world.pool).await.unwrap();
    assert!(stored > 200, "{stored} tickets");
    assert_eq!(status["progress"]["counts"]["tickets"], stored);
    assert_eq!(status["progress"]["counts"]["tickets_created"], stored);
    assert_json_snapshot!("status", status, {
        ".id" => "[id]", ".started_at" => "[time]", ".completed_at" => "[time]", ".output" => "[lines]",
        ".progress.counts.tickets" => "[tickets]", ".progress.counts.tickets_created" => "[tickets]",
        ".progress.counts.details" => "[details]"
    });
    let billing = api.identity.user_token(Billing);
    assert_eq!(api.get("/sync/last/psa", &billing).await.json(), status);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_class_of_caller_gets_what_it_may(pool: PgPool) {
    let world = World::new(pool).await;
    let api = Api::new(&world, &world.vendor.api_key);
    world.vendor.control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 60_000 }));
    let status = "/sync/status/5d1c3a3e-0000-4000-8000-000000000000";
    for (method, path, level, expected) in [
        ("POST", "/sync/psa", Technician, 403),
        ("POST", "/sync/psa", Admin, 200),
        ("POST", "/sync/tickets/full-history", Technician, 403),
        ("POST", "/sync/tickets", Billing, 403),
        ("POST", "/sync/tickets", Customer, 403),
        ("POST", "/sync/tickets", Technician, 200),
        ("POST", "/sync/tickets/full-history", Admin, 409),
        ("GET", status, Billing, 403),
        ("GET", status, Technician, 404),
        ("GET", "/sync/status/none", Technician, 404),
        ("GET", "/sync/last/psa", Customer, 403),
        ("GET", "/sync/last/psa", Billing, 200),
        ("GET", "/sync/last/nope", Billing, 404),
        ("POST", "/sync/cancel/none", Technician, 404),
        ("POST", "/sync/cancel/none", Billing, 403),
    ] {
        let token = api.identity.user_token(level);
        let request = if method == "POST" { api.client.post(path) } else { api.client.get(path) };
        let answer = request.bearer(token).send().await;
        assert_eq!(answer.status.as_u16(), expected, "{method} {path} as {level}: {}", answer.text());
    }
    let service = api.identity.service_token("beacon", "codex");
    assert_eq!(api.get("/sync/status/none", &service).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.post("/sync/tickets", &service).await.status, StatusCode::FORBIDDEN);
    assert_eq!(api.client.post("/sync/tickets").send().await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn refusals_keep_upstreams_members(pool: PgPool) {
    let world = World::new(pool).await;
    let api = Api::new(&world, &world.vendor.api_key);
    world.vendor.control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 60_000 }));
    let technician = api.identity.user_token(Technician);
    let started = api.post("/sync/tickets", &technician).await.json();
    let again = api.post("/sync/tickets", &technician).await;
    assert_eq!(again.json()["job_id"], started["job_id"]);
    let id = started["job_id"].as_str().unwrap().to_owned();
    let redacted = |answer: &TestResponse| -> Value {
        serde_json::from_str(&answer.text().replace(&id, "[id]")).unwrap()
    };
    assert_json_snapshot!("running", redacted(&again));
    let billing = api.identity.user_token(Billing);
    assert_json_snapshot!("denied", redacted(&api.post("/sync/tickets", &billing).await));
    assert_json_snapshot!("no_job", redacted(&api.get("/sync/status/none", &technician).await));
    assert_json_snapshot!("no_script", redacted(&api.get("/sync/last/nope", &technician).await));

    let cancelled = api.post(&format!("/sync/cancel/{id}"), &technician).await;
    assert_eq!(cancelled.json()["success"], true);

    let unconfigured = Api::new(&world, "YOUR_FRESHSERVICE_API_KEY");
    let admin = unconfigured.identity.user_token(Admin);
    let refused = unconfigured.post("/sync/psa", &admin).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_json_snapshot!("unconfigured", redacted(&refused));
}

/// Waits for a job to end.
async fn ended(api: &Api, id: &str, token: &str) -> Value {
    loop {
        let status = api.get(&format!("/sync/status/{id}"), token).await.json();
        if status["status"] != "running" {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_dry_run_is_a_job_of_its_own(pool: PgPool) {
    let world = World::new(pool).await;
    let api = Api::new(&world, &world.vendor.api_key);
    let admin = api.identity.user_token(Admin);
    let started = api.post("/sync/psa?dry_run=true", &admin).await;
    assert_eq!(started.status, StatusCode::OK);
    let id = started.json()["job_id"].as_str().unwrap().to_owned();
    let status = ended(&api, &id, &admin).await;
    assert_eq!(
        (&status["script"], &status["success"]),
        (&Value::from("psa-dry-run"), &Value::from(true)),
        "{status}"
    );
    assert_eq!(status["progress"]["counts"]["companies"], 6);
    assert_eq!(world.number("select count(*) from companies").await, 0);
    assert_eq!(api.get("/sync/last/psa", &admin).await.status, StatusCode::NOT_FOUND, "no sync has run");
    assert_eq!(api.post("/sync/psa?dry_run=perhaps", &admin).await.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_a_job_could_not_take_is_listed(pool: PgPool) {
    let world = World::new(pool).await;
    let api = Api::new(&world, &world.vendor.api_key);
    let admin = api.identity.user_token(Admin);
    let started = api.post("/sync/psa", &admin).await.json();
    let id = started["job_id"].as_str().unwrap().to_owned();
    let status = ended(&api, &id, &admin).await;
    let technician = api.identity.user_token(Technician);
    let errors = api.get(&format!("/sync/status/{id}/errors"), &technician).await.json();
    assert_eq!(errors["total"], status["progress"]["counts"]["warnings"], "{errors}");
    let messages = errors["errors"].as_array().unwrap();
    assert!(
        messages
            .iter()
            .any(|row| row["message"].as_str().unwrap().contains("(Our Own Office) has no account number"))
    );
    let page = api.get(&format!("/sync/status/{id}/errors?limit=1&offset=1000"), &technician).await.json();
    assert_eq!((&page["count"], &page["total"]), (&Value::from(0), &errors["total"]));
    for (path, token, status) in [
        (
            "/sync/status/00000000-0000-0000-0000-000000000000/errors".to_owned(),
            &technician,
            StatusCode::NOT_FOUND,
        ),
        ("/sync/status/nonsense/errors".to_owned(), &technician, StatusCode::NOT_FOUND),
        (format!("/sync/status/{id}/errors"), &api.identity.user_token(Billing), StatusCode::FORBIDDEN),
    ] {
        assert_eq!(api.get(&path, token).await.status, status, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_that_is_not_stored_comes_from_the_named_system(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let other = crate::superops::harness::World::new(pool).await;
    let api = Api::with(&world, &world.vendor.api_key, |settings| {
        settings.psa.psa_enabled_providers = vec!["freshservice".to_owned(), "superops".to_owned()];
        settings.superops.superops_base_url = Some(other.vendor.base_url.parse().unwrap());
        settings.superops.superops_api_key = Some(Secret::new(other.vendor.api_key.clone()));
        settings.superops.superops_subdomain = Some(other.vendor.subdomain.clone());
    });
    let technician = api.identity.user_token(Technician);
    let ticket = other.vendor.control.active_ids()[0];
    let id = crate::superops::harness::id(ticket);
    let found = api.get(&format!("/api/ticket/{id}?id_type=external&provider=superops"), &technician).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    let live = found.json();
    assert_eq!(
        (&live["source"], &live["external_id"]),
        (&Value::from("superops"), &Value::from(id.to_string()))
    );
    assert!(live["description_text"].as_str().is_some_and(|text| !text.is_empty()), "{live}");
    let elsewhere =
        api.get(&format!("/api/ticket/{id}?id_type=external&provider=freshservice"), &technician).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);

    let config = api.get("/api/psa/config", &technician).await.json();
    let superops = &config["providers"]["superops"];
    assert_eq!(superops["ticket_url_template"], "https://app.superops.com/tickets/{ticket_id}");
    assert_eq!((&superops["name"], &superops["api_key"]), (&Value::from("SuperOps"), &Value::from("***")));
    assert!(!config.to_string().contains(&other.vendor.api_key));
}
