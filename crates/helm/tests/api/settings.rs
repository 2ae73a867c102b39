//! The settings page, its forms and their JSON routes (helm.md §3).

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use hivematrix_helm::{
    clients::systemctl::Systemctl,
    domain::{
        operator::Operator,
        registry::{Addressing, Registry},
        status::UnitKind,
    },
    instance::{Layout, registry},
    suite::{self, handed},
    supervisor::{Timing, UnitSpec},
};
use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::helm::Helm;

/// A self-signed certificate for `msp.example.net` of the organisation `HiveMatrix`.
const CERTIFICATE: &str = include_str!("msp.example.net.crt");

async fn form(helm: &Helm, path: &str, body: &str, headers: &[(&str, &str)]) -> TestResponse {
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let mut request = helm.client.post(path).bearer(token);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body("application/x-www-form-urlencoded", body.as_bytes().to_vec()).send().await
}

async fn json_call(helm: &Helm, method: &str, path: &str, body: Value) -> TestResponse {
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let request = match method {
        "PUT" => helm.client.put(path),
        _ => helm.client.post(path),
    };
    request.bearer(token).json(&body).send().await
}

/// What the next page says.
fn said(answer: &TestResponse) -> String {
    let cookie = answer.header("set-cookie");
    let value = cookie.strip_prefix("helm_session=").unwrap().split(';').next().unwrap();
    let said: Vec<String> =
        url::form_urlencoded::parse(value.as_bytes()).map(|(kind, text)| format!("{kind}: {text}")).collect();
    said.join(" | ")
}

fn stored(helm: &Helm) -> Value {
    serde_json::from_slice(&fs::read(helm.state.layout.master_config()).unwrap()).unwrap()
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_form_stores_what_is_valid_and_says_so(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let answer = form(
        &helm,
        "/settings/save",
        "environment=production&hostname=MSP.example.net&log_level=warning",
        &[("sec-fetch-site", "same-origin"), ("x-forwarded-prefix", "/helm")],
    )
    .await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header("location"), "/helm/settings");
    assert_eq!(said(&answer), "success: Settings saved. Every service has them.");
    let system = stored(&helm)["system"].clone();
    assert_eq!(
        (&system["environment"], &system["hostname"], &system["log_level"]),
        (&json!("production"), &json!("msp.example.net"), &json!("WARNING"))
    );
    // A field that is not sent stays as it is.
    form(&helm, "/settings/save", "log_level=DEBUG", &[]).await;
    assert_eq!(stored(&helm)["system"]["hostname"], "msp.example.net");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_wrong_value_changes_nothing(pool: PgPool) {
    let helm = Helm::new(pool, None);
    form(&helm, "/settings/save", "log_level=ERROR", &[]).await;
    for (body, words) in [
        ("environment=staging&log_level=DEBUG", "system.environment must be one of"),
        ("hostname=a%0ALOG_LEVEL%3DDEBUG", "must not hold control characters"),
        ("hostname=a+b&log_level=loud", "system.log_level must be one of"),
    ] {
        let answer = form(&helm, "/settings/save", body, &[]).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        let said = said(&answer);
        assert!(said.starts_with("error: Settings not saved") && said.contains(words), "{said}");
        assert_eq!(stored(&helm)["system"]["log_level"], "ERROR");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_form_of_another_site_is_refused(pool: PgPool) {
    let helm = Helm::new(pool, None);
    for path in ["/settings/save", "/settings/sync-config", "/settings/restart-all"] {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example"), ("host", "msp.example.net")],
        ] {
            let answer = form(&helm, path, "log_level=DEBUG", headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert!(!helm.state.layout.master_config().exists());
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_administrators_see_or_change_anything(pool: PgPool) {
    let helm = Helm::new(pool, None);
    for level in [PermissionLevel::Technician, PermissionLevel::Billing, PermissionLevel::Client] {
        for path in ["/settings", "/api/settings", "/settings/ssl-info"] {
            assert_eq!(helm.get_as(level, path).await.status, StatusCode::FORBIDDEN, "{level:?} {path}");
        }
        let token = helm.identity.user_token(level);
        for path in
            ["/settings/save", "/settings/restart-all", "/api/settings/sync", "/api/settings/restart-all"]
        {
            let answer = helm.client.post(path).bearer(token.clone()).send().await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{level:?} {path}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn programs_change_settings_and_never_each_others(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let before = helm.get_as(PermissionLevel::Admin, "/api/settings").await.json();
    assert_eq!(before["environment"], "development");
    assert_eq!(before["keycloak"], json!({"url": null, "realm": "hivematrix", "client_id": "core-client"}));
    let version = before["version"].clone();
    let change = json!({"log_level": "DEBUG", "enable_json_logging": false, "version": version});
    let first = json_call(&helm, "PUT", "/api/settings", change.clone()).await;
    assert_eq!(first.status, StatusCode::OK);
    let first = first.json();
    assert_eq!(first["success"], true);
    assert_eq!(first["message"], "Settings saved successfully");
    let second = json_call(&helm, "PUT", "/api/settings", change).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    let after = helm.get_as(PermissionLevel::Admin, "/api/settings").await.json();
    assert_eq!(after["version"], first["version"]);
    assert_eq!((&after["log_level"], &after["enable_json_logging"]), (&json!("DEBUG"), &json!(false)));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_refusal_names_each_wrong_value(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let wrong = json!({"environment": "staging", "hostname": "a b", "log_level": "INFO"});
    let answer = json_call(&helm, "PUT", "/api/settings", wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = answer.json();
    assert_eq!(problem["errors"]["environment"], "must be one of production, development");
    assert!(problem["errors"]["hostname"].as_str().unwrap().starts_with("must be the name"));
    assert_eq!(problem["errors"].as_object().unwrap().len(), 2);
    for body in [json!({"secret_key": "x"}), json!({"log_level": 7}), json!([])] {
        let answer = json_call(&helm, "PUT", "/api/settings", body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_shows_the_settings_and_what_the_form_before_said(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let done = form(&helm, "/settings/save", "hostname=msp.example.net&environment=production", &[]).await;
    let cookie = done.header("set-cookie").split(';').next().unwrap().to_owned();
    let token = helm.identity.user_token(PermissionLevel::Admin);
    let page = helm.client.get("/settings").bearer(token).header("cookie", &cookie).send().await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    for part in [
        "toast--success",
        "Settings saved. Every service has them.",
        r#"value="msp.example.net""#,
        r#"value="production" checked"#,
        r#"<option value="INFO" selected>"#,
        r#"action="/settings/restart-all""#,
        "There is none yet.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(page.header("set-cookie").contains("Max-Age=0"), "it is said once");
    let later = helm.get_as(PermissionLevel::Admin, "/settings").await;
    assert!(!later.text().contains("toast--success"));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_configuration_that_cannot_be_read_is_said_and_kept(pool: PgPool) {
    let helm = Helm::new(pool, None);
    form(&helm, "/settings/save", "log_level=DEBUG", &[]).await;
    fs::write(helm.state.layout.master_config(), "{\"system\": ").unwrap();
    let page = helm.get_as(PermissionLevel::Admin, "/settings").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("toast--error") && page.text().contains("is damaged"), "{}", page.text());
    assert!(!page.text().contains("/settings/save"), "nothing can be saved over it");
    let answer = form(&helm, "/settings/save", "log_level=INFO", &[]).await;
    assert!(said(&answer).contains("is damaged"));
    assert_eq!(fs::read_to_string(helm.state.layout.master_config()).unwrap(), "{\"system\": ");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn what_a_line_of_the_settings_file_decides_is_said(pool: PgPool) {
    let helm = Helm::new(pool, None);
    form(&helm, "/settings/save", "log_level=DEBUG", &[]).await;
    let file = helm.state.layout.settings_file();
    fs::write(&file, "LOG_LEVEL=ERROR\nKEYCLOAK_SERVER_URL=https://sso.example\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let settings = helm.get_as(PermissionLevel::Admin, "/api/settings").await.json();
    assert_eq!((&settings["log_level"], &settings["fixed"]), (&json!("DEBUG"), &json!(["log_level"])));
    assert_eq!(settings["keycloak"]["url"], "https://sso.example");
    let page = helm.get_as(PermissionLevel::Admin, "/settings").await.text();
    assert!(page.contains("The variable <code>LOG_LEVEL</code> decides"), "{page}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let page = helm.get_as(PermissionLevel::Admin, "/settings").await.text();
    assert!(page.contains("chmod 600"), "{page}");
    let saved = form(&helm, "/settings/save", "log_level=INFO", &[]).await;
    assert!(
        said(&saved).starts_with("warning: Settings saved, but the services were not told"),
        "{}",
        said(&saved)
    );
    assert_eq!(stored(&helm)["system"]["log_level"], "INFO");
    let changed = json_call(&helm, "PUT", "/api/settings", json!({"log_level": "ERROR"})).await.json();
    assert_eq!(changed["success"], false);
    assert_eq!(stored(&helm)["system"]["log_level"], "ERROR");
    let problem = helm.get_as(PermissionLevel::Admin, "/api/settings").await;
    assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(problem.json()["error"], "The settings cannot be read");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_certificate_is_read_in_process(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let info = async || helm.get_as(PermissionLevel::Admin, "/settings/ssl-info").await.json();
    assert_eq!(info().await, json!({"exists": false}));
    let folder = helm.state.layout.folder("nexus").join("certs");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("nexus.crt");
    fs::write(&path, CERTIFICATE).unwrap();
    assert_eq!(
        info().await,
        json!({
            "exists": true, "path": path.display().to_string(), "subject": "CN=msp.example.net, O=HiveMatrix",
            "issuer": "CN=msp.example.net, O=HiveMatrix", "expires": "Nov 25 16:26:31 2046 GMT"
        })
    );
    fs::write(&path, "no certificate").unwrap();
    assert_eq!(
        info().await,
        json!({"exists": true, "path": path.display().to_string(), "error": "Failed to read certificate"})
    );
}

/// As root prepares an instance for systemd, without servers.
fn prepare(layout: &Layout) {
    let databases = json!({"urls": {}, "managed": [], "admin_url": null});
    let servers = json!({"cluster": null, "redis": null, "redis_url": null, "databases": databases});
    fs::create_dir_all(layout.folder("helm")).unwrap();
    fs::write(layout.servers(), servers.to_string()).unwrap();
    fs::write(layout.secrets(), "{}").unwrap();
    handed::note(&suite::prepared_by_root(layout, &Operator::default()).unwrap()).unwrap();
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn under_systemd_settings_are_stored_and_left_to_root(pool: PgPool) {
    let helm = Helm::under_systemd(pool, Systemctl::at("/bin/false"));
    prepare(&helm.state.layout);
    let answer = form(&helm, "/settings/sync-config", "", &[]).await;
    assert_eq!(said(&answer), "success: Configuration synced. Every service has them.");
    let saved = json_call(&helm, "PUT", "/api/settings", json!({"log_level": "DEBUG"})).await.json();
    assert_eq!((&saved["success"], &saved["restart"]), (&json!(false), &json!(["helm"])));
    let message = saved["message"].as_str().unwrap();
    assert!(message.starts_with("Settings saved, but systemd runs this suite: `sudo helm up`"), "{message}");
    assert_eq!(stored(&helm)["system"]["log_level"], "DEBUG");
    let answer = form(&helm, "/settings/sync-config", "", &[]).await;
    assert!(
        said(&answer).contains("`sudo helm up` on the machine hands them on, to helm"),
        "{}",
        said(&answer)
    );
    // Nothing of another account was written, and what root gave Helm itself fixes nothing.
    assert!(!helm.state.layout.folder("core").exists());
    let shown = helm.get_as(PermissionLevel::Admin, "/api/settings").await.json();
    assert_eq!(shown["fixed"], json!([]));
    // Root hands them on.
    prepare(&helm.state.layout);
    let synced = json_call(&helm, "POST", "/api/settings/sync", json!({})).await.json();
    assert_eq!((&synced["success"], &synced["restart"]), (&json!(true), &json!([])));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn under_systemd_the_certificate_is_the_one_that_the_gateway_shows(pool: PgPool) {
    let helm = Helm::under_systemd(pool, Systemctl::at("/bin/false"));
    let address = crate::gateway::showing((2046, 11, 25)).await;
    let port = address.rsplit(':').next().unwrap().parse().ok();
    let addressing = Addressing { gateway_port: port, ..Addressing::default() };
    helm.state.board.set_registry(Registry::generate(&registry::built_in().unwrap(), addressing).unwrap());
    let info = helm.get_as(PermissionLevel::Admin, "/settings/ssl-info").await.json();
    let path = helm.state.layout.folder("nexus").join("certs/nexus.crt");
    assert_eq!(
        info,
        json!({
            "exists": true, "path": path.display().to_string(), "subject": "CN=msp.example.net",
            "issuer": "CN=msp.example.net", "expires": "Nov 25 00:00:00 2046 GMT"
        })
    );
}

/// A process under the supervision of Helm's own supervisor.
fn unit(helm: &Helm, name: &str, program: &str) -> UnitSpec {
    let layout = &helm.state.layout;
    UnitSpec {
        args: vec!["600".to_owned()],
        timing: Timing { ready_interval: Duration::from_millis(5), ..Timing::default() },
        ..UnitSpec::plain(name, program, layout.home(), layout.logs(name))
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn every_service_that_runs_is_restarted_and_no_other(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let none = json_call(&helm, "POST", "/api/settings/restart-all", json!({})).await;
    assert_eq!(none.json()["message"], "No running services to restart.");
    for name in ["codex", "beacon", "core"] {
        helm.supervisor.add(unit(&helm, name, "/usr/bin/sleep"));
    }
    for name in ["codex", "beacon"] {
        assert!(helm.state.control.start(name).await.success, "{name}");
    }
    let pid = |name: &str| helm.supervisor.board().state(name).unwrap().identity.map(|identity| identity.pid);
    let before = (pid("codex"), pid("beacon"));
    let answer = form(&helm, "/settings/restart-all", "", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(said(&answer), "success: Restarted: codex, beacon.");
    let after = (pid("codex"), pid("beacon"));
    assert!(after.0.is_some() && after.1.is_some() && before.0 != after.0 && before.1 != after.1);
    assert_eq!(pid("core"), None, "what was stopped stays stopped");

    // One that cannot be started again is named.
    let mut gone = unit(&helm, "beacon", "/nowhere/beacon");
    gone.args.clear();
    helm.supervisor.respec(vec![gone]).await;
    let answer = json_call(&helm, "POST", "/api/settings/restart-all", json!({})).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    assert_eq!(
        answer.json(),
        json!({"success": false, "message": "Restarted: codex. Failed: beacon.", "restarted": ["codex"],
            "failed": [{"service": "beacon", "message": "Service failed to start. Check logs for details."}],
            "restarting": []})
    );
    helm.supervisor.stop_all(&[UnitKind::Service]).await;
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_sync_reports_each_foreign_service(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let none = json_call(&helm, "POST", "/api/settings/sync", json!({})).await.json();
    assert_eq!(
        none,
        json!({"success": true, "message": "Configuration synced successfully", "restart": [], "services": []})
    );
    let theirs = helm.state.layout.home().parent().unwrap().join("hivematrix-zoo");
    fs::create_dir_all(&theirs).unwrap();
    fs::write(theirs.join("run.py"), "").unwrap();
    let done = json_call(&helm, "POST", "/api/settings/sync", json!({})).await.json();
    assert_eq!(
        done["services"],
        json!([{"service": "zoo", "written": [".flaskenv", "services.json"], "error": null}])
    );
    assert!(fs::read_to_string(theirs.join(".flaskenv")).unwrap().contains("SERVICE_NAME=zoo\n"));
    fs::remove_file(theirs.join(".flaskenv")).unwrap();
    fs::create_dir(theirs.join(".flaskenv")).unwrap();
    let failed = json_call(&helm, "POST", "/api/settings/sync", json!({})).await.json();
    assert_eq!(failed["success"], false);
    let answer = form(&helm, "/settings/sync-config", "", &[]).await;
    assert!(
        said(&answer).starts_with("error: Configuration not synced: the files of these services"),
        "{}",
        said(&answer)
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_test_backup_is_ordered_on_the_page_and_its_result_told(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let page = helm.get_as(PermissionLevel::Admin, "/settings").await.text();
    assert!(page.contains(r#"action="/settings/backup""#) && page.contains("Test Backup"), "{page}");
    let own = [("sec-fetch-site", "same-origin"), ("x-forwarded-prefix", "/helm")];
    let answer = form(&helm, "/settings/backup", "", &own).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/helm/settings"));
    let said = said(&answer);
    assert!(said.starts_with("error: Test backup failed: ") && said.contains("there is no suite"), "{said}");
    let page = helm.get_as(PermissionLevel::Admin, "/settings").await.text();
    assert!(page.contains("Last test:") && page.contains("2025-11-22 10:30 UTC"), "{page}");
    let strange = form(&helm, "/settings/backup", "", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(strange.status, StatusCode::FORBIDDEN);
}
