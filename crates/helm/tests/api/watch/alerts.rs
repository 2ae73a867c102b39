//! Alerts: found, kept, told.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use axum::{Json, Router, extract::State, routing::post};
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_helm::{
    clients::webhook::Webhook,
    domain::alerts::{Finding, Rule, Severity},
    jobs::{Alerts, Watched},
    store::alerts::{self, Event},
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

fn now() -> DateTime<Utc> {
    "2025-11-22T10:30:00Z".parse().unwrap()
}

fn finding(subject: &str, severity: Severity) -> Finding {
    Finding { rule: Rule::Down, subject: subject.into(), severity, message: format!("{subject} is stopped.") }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn an_alert_fires_once_becomes_worse_and_is_over(pool: PgPool) {
    let at = |minutes: i64| now() + TimeDelta::minutes(minutes);
    let untold = async |minutes: i64| {
        let events = alerts::untold(&pool, at(minutes)).await.unwrap();
        events.into_iter().map(|(event, alert)| (event, alert.id, alert.severity)).collect::<Vec<_>>()
    };
    alerts::settle(&pool, &[finding("codex", Severity::Warning)], at(0)).await.unwrap();
    alerts::settle(&pool, &[finding("codex", Severity::Warning)], at(1)).await.unwrap();
    let firing = alerts::firing(&pool).await.unwrap();
    assert_eq!((firing.len(), firing[0].fired_at, firing[0].last_seen), (1, at(0), at(1)));
    let id = firing[0].id;
    assert_eq!(untold(1).await, [(Event::Fire, id, "warning".into())]);
    alerts::told(&pool, Event::Fire, id, at(1)).await.unwrap();
    assert_eq!(untold(1).await, []);
    alerts::settle(
        &pool,
        &[finding("codex", Severity::Critical), finding("nexus", Severity::Warning)],
        at(2),
    )
    .await
    .unwrap();
    let worse = alerts::firing(&pool).await.unwrap();
    assert_eq!(worse.iter().map(|alert| alert.subject.as_str()).collect::<Vec<_>>(), ["codex", "nexus"]);
    assert_eq!(untold(2).await[0], (Event::Fire, id, "critical".into()), "told once more");
    alerts::settle(&pool, &[], at(3)).await.unwrap();
    assert_eq!(alerts::firing(&pool).await.unwrap(), []);
    let over = alerts::resolved(&pool, 10).await.unwrap();
    assert!(over.len() == 2 && over.iter().all(|alert| alert.resolved_at == Some(at(3))));
    let events: Vec<_> = untold(3).await.into_iter().map(|(event, ..)| event).collect();
    assert_eq!(events, [Event::Fire, Event::Fire, Event::Resolve, Event::Resolve], "in their order");
    assert_eq!(untold(60 * 25).await, [], "nobody wants yesterday's news");
    alerts::settle(&pool, &[finding("codex", Severity::Critical)], at(4)).await.unwrap();
    assert_ne!(alerts::firing(&pool).await.unwrap()[0].id, id, "another time");
    assert_eq!(alerts::remove_before(&pool, at(4), true).await.unwrap(), 2, "counted only");
    assert_eq!(alerts::remove_before(&pool, at(4), false).await.unwrap(), 2);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn alerts_are_answered_and_shown_on_the_dashboard(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    let nasty =
        Finding { message: "<b>codex</b> is stopped.".into(), ..finding("codex", Severity::Critical) };
    alerts::settle(&pool, &[finding("old", Severity::Warning)], now()).await.unwrap();
    alerts::settle(&pool, &[nasty], now()).await.unwrap();
    let answer = helm.get("/api/alerts").await.json();
    assert_eq!(answer["firing"][0]["message"], "<b>codex</b> is stopped.");
    assert_eq!(
        (&answer["firing"][0]["rule"], &answer["resolved"][0]["subject"]),
        (&json!("down"), &json!("old"))
    );
    let dashboard = helm.get("/").await.text();
    assert!(dashboard.contains("&#60;b&#62;codex") && !dashboard.contains("<b>codex"), "{dashboard}");
    let polled = helm.get("/api/dashboard/status").await.json();
    assert_eq!(polled["alerts"][0]["severity"], "critical");
    let technician = helm.get_as(hivematrix_shared::auth::PermissionLevel::Technician, "/api/alerts").await;
    assert_eq!(technician.status, StatusCode::FORBIDDEN);
}

/// What a webhook was told, and how often it is to fail first.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<Value>>>,
    failures: Arc<Mutex<u32>>,
}

impl Ear {
    async fn webhook(&self) -> Arc<ArcSwapOption<Webhook>> {
        let hear = async |State(ear): State<Self>, Json(body): Json<Value>| {
            let mut failures = ear.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return StatusCode::BAD_GATEWAY;
            }
            ear.heard.lock().unwrap().push(body);
            StatusCode::NO_CONTENT
        };
        let app = Router::new().route("/hook", post(hear)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Arc::new(ArcSwapOption::from_pointee(Webhook::new(&address).unwrap()))
    }

    /// What was said about backups; this machine's own troubles are its own.
    fn about_backups(&self) -> Vec<(Value, Value)> {
        let heard = self.heard.lock().unwrap();
        let about = heard.iter().filter(|body| body["alert"]["rule"] == "backup");
        about.map(|body| (body["event"].clone(), body["text"].clone())).collect()
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_webhook_is_told_when_it_begins_and_when_it_is_over_also_when_it_fails_first(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    let home = helm.state.layout.home().to_owned();
    let record = |ok: bool| {
        std::fs::create_dir_all(home.join("backups")).unwrap();
        let record = json!({"finished_at": "2025-11-22T02:00:00Z", "archive": "/b/x.tar.age", "ok": ok});
        std::fs::write(home.join("backups/last.json"), record.to_string()).unwrap();
    };
    let ear = Ear { failures: Arc::new(Mutex::new(2)), ..Ear::default() };
    let webhook = ear.webhook().await;
    let watched = Watched { home: home.clone(), certificate: home.join("nexus.crt"), gateway: None, webhook };
    let clock = helm.state.context.clock.clone();
    let mut watch = Alerts::new(pool.clone(), helm.state.board.clone(), clock, watched);
    watch.look().await;
    assert_eq!(ear.about_backups(), [], "no backup was ever made: nothing is known");
    record(false);
    watch.look().await;
    let firing = alerts::firing(&pool).await.unwrap();
    let backup = firing.iter().find(|alert| alert.rule == "backup").unwrap();
    assert_eq!(backup.message, "The backup of 2025-11-22 02:00 UTC failed.");
    record(true);
    // It is left alone for a while after each failure, longer after the second.
    for _ in 0..6 {
        watch.look().await;
    }
    assert_eq!(*ear.failures.lock().unwrap(), 0);
    assert_eq!(
        ear.about_backups(),
        [
            (json!("fire"), json!("[warning] The backup of 2025-11-22 02:00 UTC failed.")),
            (json!("resolve"), json!("[resolved] The backup of 2025-11-22 02:00 UTC failed."))
        ]
    );
    watch.look().await;
    assert_eq!(ear.about_backups().len(), 2, "once");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn of_the_store_itself_the_webhook_is_told_without_it(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    let ear = Ear::default();
    let webhook = ear.webhook().await;
    let home = helm.state.layout.home().to_owned();
    let watched = Watched { certificate: home.join("nexus.crt"), home, gateway: None, webhook };
    let clock = helm.state.context.clock.clone();
    sqlx::query("ALTER TABLE alerts RENAME TO away").execute(&pool).await.unwrap();
    let mut watch = Alerts::new(pool.clone(), helm.state.board.clone(), clock, watched);
    for _ in 0..5 {
        watch.look().await;
    }
    let said = |ear: &Ear| {
        let heard = ear.heard.lock().unwrap();
        let about = heard.iter().filter(|body| body["alert"]["subject"] == "log store");
        about.map(|body| body["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(&ear), ["[critical] Helm's database does not answer."], "once");
    sqlx::query("ALTER TABLE away RENAME TO alerts").execute(&pool).await.unwrap();
    watch.look().await;
    assert_eq!(said(&ear)[1..], ["[resolved] Helm's database does not answer."]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_certificate_whose_file_is_closed_is_asked_of_the_gateway(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    let home = helm.state.layout.home().to_owned();
    let gateway = Some(crate::gateway::showing((2025, 11, 24)).await);
    let watched = Watched { certificate: home.join("closed.crt"), home, gateway, ..Watched::default() };
    let mut watch =
        Alerts::new(pool.clone(), helm.state.board.clone(), helm.state.context.clock.clone(), watched);
    watch.look().await;
    let firing = alerts::firing(&pool).await.unwrap();
    assert!(firing.iter().any(|alert| alert.rule == "certificate"), "{firing:?}");
}
