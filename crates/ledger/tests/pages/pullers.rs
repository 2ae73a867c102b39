//! The jobs of administrators (ledger-pages.md §7.1, §7.2, §7.3).

use std::time::Duration;

use hivematrix_shared::auth::PermissionLevel::Admin;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const NAME: &str = "Night's \"check\" <b>";
const ESCAPED: &str = "Night&#39;s &#34;check&#34; &#60;b&#62;";

async fn added(world: &World, name: &str) -> i64 {
    let fields =
        [("job_name", name), ("script_path", "verify"), ("schedule_cron", "0 3 * * *"), ("enabled", "on")];
    let saved = world.form("/admin/pullers/add", &fields).await;
    assert_eq!((saved.status, saved.header("location")), (StatusCode::FOUND, "/ledger/admin/pullers"));
    let jobs = world.call(Method::GET, "/api/pullers", Value::Null).await.json();
    let job = jobs["pullers"].as_array().unwrap().iter().find(|job| job["job_name"] == name).unwrap();
    job["id"].as_i64().unwrap()
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_job_is_added_edited_switched_and_deleted_by_forms(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(world.page("/admin/pullers").await.text().contains("No jobs yet"));
    let form = world.page("/admin/pullers?add=1").await.text();
    assert!(form.contains("Add New Sync Job") && form.contains("name=\"enabled\" checked"));
    let id = added(&world, NAME).await;
    let html = world.page("/admin/pullers").await.text();
    for part in [
        format!("<strong>{ESCAPED}</strong>"),
        "<code>verify</code>".to_owned(),
        "<code>0 3 * * *</code>".to_owned(),
        "At 03:00.".to_owned(),
        "Next: 2025-07-16 03:00".to_owned(),
        format!("action=\"/ledger/admin/pullers/run/{id}\""),
        format!("data-confirm=\"{ESCAPED} and the history of its runs are deleted.\""),
        format!("href=\"/ledger/admin/pullers?edit={id}#job-form\""),
        "role=\"switch\" aria-checked=\"true\"".to_owned(),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    let form = world.page(&format!("/admin/pullers?edit={id}")).await.text();
    assert!(
        form.contains("Edit Sync Job") && form.contains(&format!("name=\"job_name\" value=\"{ESCAPED}\""))
    );
    assert!(form.contains("<option value=\"verify\" selected>"));
    // What is not ticked is not sent.
    let edited = world
        .form(
            &format!("/admin/pullers/edit/{id}"),
            &[
                ("job_name", "Ask"),
                ("script_path", "sync_from_codex.py"),
                ("schedule_cron", ""),
                ("description", "a\nb"),
            ],
        )
        .await;
    assert_eq!((edited.status, edited.header("location")), (StatusCode::FOUND, "/ledger/admin/pullers"));
    let cookie = edited.header("set-cookie").split(';').next().unwrap().to_owned();
    let token = world.identity.user_token(Admin);
    let page = world.client.get("/admin/pullers").bearer(token).header("cookie", &cookie).send().await.text();
    assert!(
        page.contains("Job Ask saved.") && page.contains("Manual") && page.contains("aria-checked=\"false\"")
    );
    let on = world.form(&format!("/admin/pullers/enable/{id}"), &[("enabled", "on")]).await;
    assert_eq!(on.status, StatusCode::FOUND);
    let job = world.call(Method::GET, &format!("/api/pullers/{id}"), Value::Null).await.json();
    assert_eq!(
        json!([job["job_name"], job["script_path"], job["enabled"], job["description"]]),
        json!(["Ask", "sync_from_codex.py", true, "a\nb"]),
        "the switch leaves the rest alone"
    );
    let deleted = world.form(&format!("/admin/pullers/delete/{id}"), &[]).await;
    assert_eq!(deleted.status, StatusCode::FOUND);
    assert_eq!(
        world.call(Method::GET, &format!("/api/pullers/{id}"), Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
    for path in ["edit", "enable", "delete", "run", "cancel"] {
        let gone = world
            .form(&format!("/admin/pullers/{path}/{id}"), &[("job_name", "x"), ("script_path", "verify")])
            .await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        format!("/admin/pullers/log/{id}"),
        format!("/admin/pullers?edit={id}"),
        "/admin/pullers/log/x".to_owned(),
    ] {
        let gone = world.page(&path).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
        assert!(gone.text().contains("<html"), "an error page: {path}");
    }
    let get = world.page(&format!("/admin/pullers/delete/{id}")).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED, "nothing changes by GET");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_form_with_a_fault_comes_back_as_it_was_sent(pool: PgPool) {
    let world = World::new(pool).await;
    let id = added(&world, "One").await;
    let fields = [
        ("job_name", "Two \"2\""),
        ("script_path", "../evil.py"),
        ("schedule_cron", "0 0 31 2 *"),
        ("description", "kept"),
    ];
    for path in ["/admin/pullers/add".to_owned(), format!("/admin/pullers/edit/{id}")] {
        let refused = world.form(&path, &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        let html = refused.text();
        for part in [
            "value=\"Two &#34;2&#34;\"",
            "must be one of sync_from_codex.py, scheduled_snapshots, verify",
            "never comes: there is no such day",
            "value=\"0 0 31 2 *\"",
            ">kept</textarea>",
        ] {
            assert!(html.contains(part), "{path}: {part}");
        }
        assert!(!html.contains("name=\"enabled\" checked"), "{path}");
    }
    let twice = world.form("/admin/pullers/add", &[("job_name", "One"), ("script_path", "verify")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert!(twice.text().contains("is the name of another job"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_run_is_started_by_its_button_and_its_log_stays(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    let id = added(&world, NAME).await;
    added(&world, "Never run").await;
    assert!(world.page(&format!("/admin/pullers/log/{id}")).await.text().contains("This job has never run."));
    // As the original's own clients send it: without a body.
    let run = world
        .client
        .post(format!("/admin/pullers/run/{id}").as_str())
        .bearer(world.identity.user_token(Admin));
    let started = run.header("x-forwarded-prefix", "/ledger").send().await;
    assert_eq!((started.status, started.header("location")), (StatusCode::FOUND, "/ledger/admin/pullers"));
    let mut html = String::new();
    for _ in 0..200 {
        html = world.page(&format!("/admin/pullers/log/{id}")).await.text();
        if html.contains("Success") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for part in [
        format!("Log: {ESCAPED}"),
        "1 documents of 1 companies, 0 faults.".to_owned(),
        "exit code 0".to_owned(),
        format!("action=\"/ledger/admin/pullers/run/{id}?from=log\""),
        "shown above".to_owned(),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    let again = world.form(&format!("/admin/pullers/run/{id}?from=log"), &[]).await;
    assert_eq!(again.header("location"), format!("/ledger/admin/pullers/log/{id}"));
    let settings = world.page("/admin/settings").await.text();
    assert!(
        settings.contains("Configured Jobs: <strong>2</strong>") && settings.contains("Recent Puller Runs")
    );
    let (ran, never) = (settings.find(ESCAPED).unwrap(), settings.find("Never run").unwrap());
    assert!(ran < never && settings.contains("<td class=\"t-nowrap\" data-label=\"Last Run\">Never</td>"));
}
