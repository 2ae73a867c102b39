//! Archives over HTTP: the list, the order, the state, the page.

use std::{fs, os::unix::fs::PermissionsExt};

use hivematrix_helm::{
    backup::{folder, history, rehearsal},
    clients::systemctl::Systemctl,
    domain::backup::{
        manifest::State,
        retention::{PartRecord, Record, Verified},
    },
    instance::Layout,
};
use hivematrix_shared::auth::PermissionLevel;
use http::StatusCode;
use sqlx::PgPool;

use crate::helm::Helm;

/// Remembers an archive of this day.
async fn remember(layout: &Layout, day: &str, missing: bool) {
    let _lock = history::take(layout).await.unwrap().unwrap();
    let created_at = format!("{day}T02:00:00Z").parse().unwrap();
    let archive = folder(layout).join(format!("hivematrix_backup_{}_020000.tar.age", day.replace('-', "")));
    fs::write(&archive, "x").unwrap();
    let part = |name: &str, state, bytes, reason: Option<&str>| PartRecord {
        name: name.into(),
        state,
        bytes,
        reason: reason.map(Into::into),
    };
    let mut parts = vec![
        part("keys", State::Saved, 1200, None),
        part("redis", State::LeftOut, 0, Some("it holds sessions only")),
    ];
    if missing {
        parts.push(part("postgresql/codex_db", State::Missing, 0, Some("<b>gone</b>")));
    }
    let verified = (!missing).then_some(Verified { at: created_at, ok: true });
    let record = Record {
        archive,
        created_at,
        finished_at: created_at,
        complete: !missing,
        bytes: 4321,
        parts,
        verified,
    };
    history::add(layout, record).unwrap();
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn archives_are_listed_newest_first_for_administrators(pool: PgPool) {
    let helm = Helm::new(pool, None);
    remember(&helm.state.layout, "2025-11-20", false).await;
    remember(&helm.state.layout, "2025-11-21", true).await;
    let answer = helm.get_as(PermissionLevel::Admin, "/api/backups").await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    let list = body["backups"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["name"], "hivematrix_backup_20251121_020000.tar.age");
    assert_eq!(list[0]["complete"], false);
    assert_eq!(list[0]["verified"], serde_json::Value::Null);
    assert_eq!(list[0]["parts"][2]["state"], "missing");
    assert_eq!(list[1]["size"], 4321);
    assert_eq!(list[1]["verified"]["ok"], true);
    assert_eq!(list[1]["parts"][1]["reason"], "it holds sessions only");

    let page = helm.get_as(PermissionLevel::Admin, "/backups").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains("without postgresql/codex_db") && text.contains("Passed"), "{text}");
    assert!(text.contains("&#60;b&#62;gone") && !text.contains("<b>gone"), "what a server said is text");
    for path in ["/api/backups", "/api/backups/status", "/backups"] {
        let answer = helm.get_as(PermissionLevel::Technician, path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn one_backup_at_a_time_and_its_result_is_told(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let order = || helm.client.post("/api/backups").bearer(&token).send();
    let status = async || helm.get_as(PermissionLevel::Admin, "/api/backups/status").await.json();

    let before = status().await;
    assert_eq!((before["running"].as_bool(), before["last"].is_null()), (Some(false), true));
    let lock = history::take(&helm.state.layout).await.unwrap().unwrap();
    assert_eq!(status().await["running"], true);
    let refused = order().await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.json()["error"], "A backup is already running");
    drop(lock);

    // There is no suite in this folder, and the result says so.
    let begun = order().await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    assert_eq!(begun.json()["success"], true);
    let mut now = status().await;
    while now["last"].is_null() {
        tokio::task::yield_now().await;
        now = status().await;
    }
    assert_eq!(now["last"]["ok"], false);
    assert!(now["last"]["error"].as_str().unwrap().contains("there is no suite"), "{now}");
    let page = helm.get_as(PermissionLevel::Admin, "/backups").await.text();
    assert!(page.contains("The last backup failed") && page.contains("No archives yet"));

    let technician = helm.identity.user_token(PermissionLevel::Technician);
    let refused = helm.client.post("/api/backups").bearer(technician).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn under_systemd_the_unit_that_may_read_everything_is_started(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let (program, told) = (folder.path().join("systemctl"), folder.path().join("told"));
    let says = |end: &str| {
        fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> {}\n{end}\n", told.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    };
    says("exit 0");
    let helm = Helm::under_systemd(pool, Systemctl::at(&program));
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let order = || helm.client.post("/api/backups").bearer(&token).send();
    assert_eq!(order().await.status, StatusCode::ACCEPTED);
    let orders = fs::read_to_string(&told).unwrap();
    assert_eq!(orders, "--no-ask-password start --no-block hivematrix-backup.service\n");
    assert!(history::last(&helm.state.layout).unwrap().is_none(), "nothing is saved by Helm itself");
    assert!(!history::running(&helm.state.layout).unwrap().is_running, "the unit finds the lock free");
    says("echo not allowed >&2; exit 1");
    let refused = order().await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refused.json()["error"], "systemd does not start the backup");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_test_backup_says_what_an_archive_would_lack(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let state = async || helm.get_as(PermissionLevel::Admin, "/api/backups/test").await.json();
    let before = state().await;
    assert_eq!((before["running"].as_bool(), before["last"].is_null()), (Some(false), true));

    let lock = rehearsal::take(&helm.state.layout).await.unwrap().unwrap();
    assert_eq!(state().await["running"], true);
    let refused = helm.client.post("/api/backups/test").bearer(&token).send().await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.json()["error"], "A test backup is already running");
    drop(lock);

    let begun = helm.client.post("/api/backups/test").bearer(&token).send().await;
    assert_eq!((begun.status, &begun.json()["success"]), (StatusCode::ACCEPTED, &serde_json::json!(true)));
    let mut now = state().await;
    while now["last"].is_null() {
        tokio::task::yield_now().await;
        now = state().await;
    }
    assert_eq!(now["last"]["ok"], false);
    assert!(now["last"]["error"].as_str().unwrap().contains("there is no suite"), "{now}");
    let status = helm.get_as(PermissionLevel::Admin, "/api/backups/status").await.json();
    assert!(status["last"].is_null(), "it is no backup: {status}");

    let technician = helm.identity.user_token(PermissionLevel::Technician);
    for path in ["/api/backups/test", "/settings/backup"] {
        let refused = helm.client.post(path).bearer(&technician).send().await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}
