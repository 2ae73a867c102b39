//! Settings that change while the service runs, connection tests and the forms of the admin page.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use hivematrix_codex::{Codex, Patience, app, config};
use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin, Technician},
    clock::Clock,
    registry::Registry,
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{described, support::NOW};

/// Codex with an instance directory of its own.
pub struct Instance {
    pub client: Client,
    pub identity: TestIdentity,
    pub codex: Codex,
    pub home: tempfile::TempDir,
}

impl Instance {
    pub fn new(pool: PgPool, conf: &str, arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("codex")).unwrap();
        fs::write(home.path().join("codex/codex.conf"), conf).unwrap();
        Self::at(pool, home, arguments, Patience::default())
    }

    /// Whose requests wait as long as is said here.
    pub fn waiting(pool: PgPool, patience: Patience) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("codex")).unwrap();
        Self::at(pool, home, &[], patience)
    }

    fn at(pool: PgPool, home: tempfile::TempDir, arguments: &[&str], patience: Patience) -> Self {
        let identity = TestIdentity::new(Clock::manual(NOW.parse().unwrap()));
        let args = ["hivematrix-codex"].into_iter().chain(arguments.iter().copied());
        let own = config::load_from(args, home.path()).unwrap();
        let mut common = settings("codex");
        common.home = home.path().to_owned();
        let context = identity.context_with(common, "codex", Registry::default());
        let codex = Codex { patience, ..Codex::new(context.clone(), own, pool) };
        let (router, options) = app(codex.clone());
        Self { client: Client::new(server::apply(&context, router, options)), identity, codex, home }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("codex").join(name)
    }

    fn conf(&self) -> String {
        fs::read_to_string(self.path("codex.conf")).unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, body: Value, level: PermissionLevel) -> TestResponse {
        let token = self.identity.user_token(level);
        let request = self.client.request(method.parse().unwrap(), path).bearer(token);
        let answer = if body.is_null() { request.send().await } else { request.json(&body).send().await };
        described::checked(&self.client, method, path, answer).await
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.send(method, path, body, Admin).await;
        (answer.status.as_u16(), answer.json())
    }

    async fn put(&self, body: Value) -> (u16, Value) {
        self.admin("PUT", "/api/admin/settings", body).await
    }

    pub async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, String, String) {
        let token = self.identity.user_token(Admin);
        let request = self.client.post(path).bearer(token).header("x-forwarded-prefix", "/codex");
        let answer = request.form(pairs).send().await;
        (answer.status.as_u16(), answer.header("location").to_owned(), answer.header("set-cookie").to_owned())
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_key_that_was_stored_a_moment_ago_is_not_sent_to_another_server(pool: PgPool) {
    let here = Instance::new(pool, "[freshservice]\ndomain = acme.freshservice.com\n", &[]);
    // By somebody else, and not read here yet.
    fs::write(here.path("codex.conf"), CONF).unwrap();
    let (status, refused) = here.put(json!({ "freshservice": { "domain": "evil.example" } })).await;
    assert_eq!(status, 422, "{refused}");
    assert!(refused["errors"]["freshservice.domain"].as_str().unwrap().contains("Enter the API key again"));
    assert_eq!(here.conf(), CONF);
}

const CONF: &str = "# the MSP's own remark\n[freshservice]\ndomain = acme.freshservice.com\napi_key = 0ld-key\nhomegrown = kept\n";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn settings_are_written_taken_up_at_once_and_never_tell_a_secret(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    let (status, changed) = here
        .put(json!({
            "freshservice": { "api_key": "n3w-s3cret", "web_domain": "help.acme.example" },
            "scheduler": { "sync_psa_time": "4:15", "sync_tickets_interval_seconds": 120 },
        }))
        .await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        changed["changed"],
        json!([
            "freshservice.api_key",
            "freshservice.web_domain",
            "scheduler.sync_psa_time",
            "scheduler.sync_tickets_interval_seconds"
        ])
    );
    assert_eq!(
        here.conf(),
        "# the MSP's own remark\n[freshservice]\ndomain = acme.freshservice.com\napi_key = n3w-s3cret\nhomegrown = kept\n\
         web_domain = help.acme.example\n\n[scheduler]\nsync_psa_time = 04:15\nsync_tickets_interval_seconds = 120\n"
    );
    assert_eq!(fs::read_to_string(here.path("codex.conf.bak")).unwrap(), CONF);
    for name in ["codex.conf", "codex.conf.bak", "codex.conf.lock"] {
        let mode = fs::metadata(here.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(here.codex.settings().scheduler.ticket_sync_interval_seconds, 120);
    assert_eq!(
        here.codex.settings().freshservice.freshservice_api_key.as_ref().unwrap().expose(),
        "n3w-s3cret"
    );
    assert_eq!(here.codex.sync.schedule().tickets.unwrap().num_seconds(), 120);

    let answer = here.send("GET", "/api/admin/settings", Value::Null, Admin).await;
    assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    let sections = &answer.json()["sections"];
    assert_eq!(sections["freshservice"]["api_key"]["value"], "***");
    assert_eq!(sections["freshservice"]["web_domain"]["value"], "help.acme.example");
    assert_eq!(sections["freshservice"]["web_domain"]["source"], "file");
    assert_eq!(sections["scheduler"]["sync_psa_schedule"]["source"], "default");

    // A blank secret stays, a blank value goes, null takes a secret away.
    let (_, kept) = here.put(json!({ "freshservice": { "api_key": "", "web_domain": "" } })).await;
    assert_eq!(kept["changed"], json!(["freshservice.web_domain"]));
    assert!(here.conf().contains("api_key = n3w-s3cret") && !here.conf().contains("web_domain"));
    here.put(json!({ "freshservice": { "api_key": null } })).await;
    assert!(here.codex.settings().freshservice.freshservice_api_key.is_none());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn wrong_and_fixed_values_are_named_and_change_nothing(pool: PgPool) {
    let here = Instance::new(pool, CONF, &["--sync-psa-schedule", "hourly"]);
    let (status, refused) = here
        .put(json!({
            "freshservice": { "domain": "not a host", "web_domain": "good.example" },
            "scheduler": { "sync_psa_schedule": "daily", "sync_psa_time": "noon" },
            "nowhere": { "x": 1 },
        }))
        .await;
    assert_eq!(status, 422);
    let named: Vec<_> = refused["errors"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        named,
        ["freshservice.domain", "nowhere.x", "scheduler.sync_psa_schedule", "scheduler.sync_psa_time"]
    );
    assert!(refused["errors"]["scheduler.sync_psa_schedule"].as_str().unwrap().contains("command line"));
    assert_eq!(here.conf(), CONF);
    let shown = here.admin("GET", "/api/admin/settings", Value::Null).await.1;
    let schedule = &shown["sections"]["scheduler"]["sync_psa_schedule"];
    assert_eq!((&schedule["value"], &schedule["editable"]), (&json!("hourly"), &json!(false)));
    for (body, status) in [(json!([]), 400), (json!({ "psa": 1 }), 400)] {
        assert_eq!(here.put(body.clone()).await.0, status, "{body}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_file_that_somebody_else_writes_is_taken_up_and_a_broken_one_is_not(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    let domain = |here: &Instance| here.codex.settings().freshservice.freshservice_domain.clone().unwrap();
    fs::write(here.path("codex.conf"), "[freshservice]\ndomain = other.example\n").unwrap();
    here.codex.reload();
    assert_eq!(domain(&here), "other.example");

    for broken in
        ["[freshservice\ndomain", "[scheduler]\nsync_psa_time = noon\n[freshservice]\ndomain = x.example\n"]
    {
        fs::write(here.path("codex.conf"), broken).unwrap();
        here.codex.reload();
        assert_eq!(domain(&here), "other.example", "{broken}");
        let shown = here.admin("GET", "/api/admin/settings", Value::Null).await.1;
        assert_eq!(shown["problems"].as_array().unwrap().len(), 1, "{shown}");
        let (status, refused) = here.put(json!({ "psa": { "default_provider": "superops" } })).await;
        assert_eq!(status, 409, "{refused}");
    }
    // The value that is wrong can be put right here.
    assert_eq!(here.put(json!({ "scheduler": { "sync_psa_time": "03:00" } })).await.0, 200);
    assert_eq!(domain(&here), "x.example");
    assert!(
        here.admin("GET", "/api/admin/settings", Value::Null).await.1["problems"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    fs::remove_file(here.path("codex.conf")).unwrap();
    here.codex.reload();
    assert_eq!(domain(&here), "x.example", "a file that is gone changes nothing");
}

#[test]
fn a_broken_file_keeps_nobody_from_starting() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("codex")).unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join("codex").join(name), text).unwrap();
    write("codex.conf", "[scheduler]\nsync_psa_time = noon\nsync_psa_schedule = hourly\n");
    let settings = config::load_from(["codex"], home.path()).unwrap();
    assert_eq!(settings.scheduler.sync_psa_schedule, "hourly", "only the wrong value is left out");
    write("codex.conf", "[scheduler");
    write("codex.conf.bak", "[freshservice]\ndomain = copy.example\n");
    let settings = config::load_from(["codex"], home.path()).unwrap();
    assert_eq!(settings.freshservice.freshservice_domain.as_deref(), Some("copy.example"));
    assert!(
        config::load_from(["codex", "--sync-psa-time", "noon"], home.path()).is_err(),
        "an argument must be right"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn writers_at_once_lose_nothing(pool: PgPool) {
    let here = Instance::new(pool, "", &[]);
    let (a, b, c) = tokio::join!(
        here.put(json!({ "freshservice": { "domain": "a.example" } })),
        here.put(json!({ "scheduler": { "sync_psa_time": "05:00" } })),
        here.put(json!({ "psa": { "default_provider": "superops" } })),
    );
    assert_eq!((a.0, b.0, c.0), (200, 200, 200));
    let conf = here.conf();
    for line in ["domain = a.example", "sync_psa_time = 05:00", "default_provider = superops"] {
        assert!(conf.contains(line), "{conf}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_administrators_see_and_change_settings(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    for (method, path) in [
        ("GET", "/api/admin/settings"),
        ("PUT", "/api/admin/settings"),
        ("POST", "/api/admin/test-connection"),
        ("POST", "/api/admin/clear-data"),
        ("POST", "/api/admin/webhook-secret"),
        ("GET", "/api/admin/statistics"),
        ("POST", "/admin/update-freshservice"),
        ("POST", "/admin/clear-data"),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        assert_eq!(here.send(method, path, body, Technician).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let alone = here.identity.service_token("beacon", "codex");
    let answer = here.client.put("/api/admin/settings").bearer(alone).json(&json!({})).send().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a service alone may not write");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_forms_of_the_page_store_and_come_back_with_a_message(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    let fields = [("fs_domain", "b.freshservice.com"), ("fs_web_domain", ""), ("fs_api_key", "")];
    let (_, _, cookie) = here.form("/admin/update-freshservice", &fields).await;
    assert!(cookie.starts_with("codex_session=error=Freshservice+settings+not+saved"), "{cookie}");
    assert!(
        here.conf().contains("domain = acme.freshservice.com\n"),
        "the key stays where it was meant to go"
    );
    let fields = [fields[0], fields[1], ("fs_api_key", "n3w-key")];
    let (status, location, cookie) = here.form("/admin/update-freshservice", &fields).await;
    assert_eq!((status, location.as_str()), (302, "/codex/admin/"));
    assert!(cookie.starts_with("codex_session=success=Freshservice+settings+saved"), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("Path=/;"), "{cookie}");
    assert!(here.conf().contains("domain = b.freshservice.com\napi_key = n3w-key\n"), "{}", here.conf());
    let (_, _, cookie) = here.form("/admin/update-psa-provider", &[("default_provider", "jira")]).await;
    assert!(cookie.starts_with("codex_session=error=PSA+provider+not+saved"), "{cookie}");
    here.form("/admin/update-rmm-provider", &[("default_provider", "superops")]).await;
    assert!(here.conf().contains("[rmm]\ndefault_provider = superops\n"));
    let datto = [("datto_endpoint", ""), ("datto_public_key", "pub"), ("datto_secret_key", "sec")];
    here.form("/admin/update-datto", &datto).await;
    assert!(here.conf().contains("[datto]\npublic_key = pub\nsecret_key = sec\n"), "{}", here.conf());
    let token = here.identity.user_token(Admin);
    let wrong = here.client.post("/admin/update-datto").bearer(token).json(&json!({})).send().await;
    assert_eq!(wrong.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_connection_test_says_what_is_wrong(pool: PgPool) {
    let conf = "[freshservice]\nbase_url = http://127.0.0.1:1\napi_key = k3y\n";
    let here = Instance::new(pool, conf, &[]);
    let (status, tested) =
        here.admin("POST", "/api/admin/test-connection", json!({ "provider": "freshservice" })).await;
    assert_eq!((status, &tested["success"]), (200, &json!(false)), "{tested}");
    assert!(!tested.to_string().contains("k3y"));
    let (status, tested) =
        here.admin("POST", "/api/admin/test-connection", json!({ "provider": "datto" })).await;
    assert_eq!((status, &tested["success"]), (200, &json!(false)));
    assert!(tested["message"].as_str().unwrap().contains("not configured"), "{tested}");
    for body in [json!({ "provider": "jira" }), json!({ "provider": "datto", "system": "crm" })] {
        assert_eq!(here.admin("POST", "/api/admin/test-connection", body).await.0, 422);
    }
    assert_eq!(here.admin("POST", "/api/admin/test-connection", json!({})).await.0, 400);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn webhooks_are_switched_on_with_a_secret_that_is_shown_once(pool: PgPool) {
    let here = Instance::new(pool, "", &[]);
    let on = json!({ "webhooks": { "enabled": true, "allowed_ips": "203.0.113.0/24" } });
    let (status, refused) = here.put(on.clone()).await;
    assert_eq!(
        (status, &refused["errors"]["webhooks.secret"]),
        (422, &json!("Webhooks need a secret. Make one first."))
    );
    let (status, made) = here.admin("POST", "/api/admin/webhook-secret", Value::Null).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!((status, secret.len()), (200, 64));
    assert_eq!(here.put(on).await.0, 200);
    let shown = here.send("GET", "/api/admin/settings", Value::Null, Admin).await.text();
    let page = here.send("GET", "/admin/", Value::Null, Admin).await.text();
    assert!(!shown.contains(&secret) && !page.contains(&secret), "only once");
    assert!(page.contains("Secret configured"));
    // It works at once, and the list of addresses too.
    let hook = |secret: String| here.client.post("/webhooks/test").header("x-webhook-secret", &secret).send();
    assert_eq!(hook("wrong".to_owned()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hook(secret.clone()).await.status, StatusCode::FORBIDDEN);
    here.put(json!({ "webhooks": { "allowed_ips": "" } })).await;
    assert_eq!(hook(secret.clone()).await.status, StatusCode::OK);
    let (_, again) = here.admin("POST", "/api/admin/webhook-secret", Value::Null).await;
    assert_ne!(again["secret"], secret);
    assert_eq!(hook(secret).await.status, StatusCode::UNAUTHORIZED, "the old one stops working");
    here.put(json!({ "webhooks": { "enabled": false } })).await;
    assert_eq!(
        hook(again["secret"].as_str().unwrap().to_owned()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}
