//! The security audit and the firewall scripts through the router.

use hivematrix_helm::store::security_audits;
use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin, Technician},
    testing::TestResponse,
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::helm::Helm;

impl Helm {
    async fn post_as(&self, level: PermissionLevel, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        let request = self.client.post(path).bearer(self.identity.user_token(level));
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
    }
}

const LISTS: [&str; 6] = [
    "exposed_services",
    "firewall_protected",
    "firewall_required",
    "secure_services",
    "not_running",
    "unknown_services",
];

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_findings_have_the_contracts_shape(pool: PgPool) {
    // Something that others reach, in the place of Ledger.
    let open = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let helm = Helm::new(pool, None);
    let port = open.local_addr().unwrap().port();
    let registry = json!({ "default_apps": { "ledger": { "name": "HiveMatrix Ledger", "port": port } } });
    std::fs::write(helm.state.layout.home().join("apps_registry.json"), registry.to_string()).unwrap();
    let answer = helm.get_as(Admin, "/api/security/audit").await;
    assert_eq!(answer.status, StatusCode::OK);
    let found = answer.json();
    for list in LISTS {
        assert!(found[list].is_array(), "{list}");
    }
    assert_eq!(
        found["exposed_services"][0],
        json!({ "service": "ledger", "port": port, "binding": "0.0.0.0", "status": "EXPOSED", "severity": "high",
            "issue": found["exposed_services"][0]["issue"] })
    );
    assert_eq!(found["severity"], "high");
    let status = &found["firewall_status"];
    assert!(status["active"].is_boolean() && status["protected_ports"].is_array(), "{status}");
    assert!(status.get("type").is_some() && status.as_object().unwrap().len() == 3, "{status}");
    let services: Vec<&str> = LISTS
        .iter()
        .flat_map(|list| found[list].as_array().unwrap())
        .map(|item| item["service"].as_str().unwrap())
        .collect();
    for service in ["core", "beacon", "helm", "codex", "knowledgetree", "ledger", "brainhair", "keycloak"] {
        assert_eq!(services.iter().filter(|name| **name == service).count(), 1, "{service} in {services:?}");
    }
    for check in found["further_checks"].as_array().unwrap() {
        for member in ["id", "title", "status", "severity", "detail", "why", "fix"] {
            assert!(check[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {check}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn an_audit_is_kept_when_somebody_asks_for_that(pool: PgPool) {
    let helm = Helm::new(pool, None);
    assert_eq!(helm.get_as(Admin, "/api/security/audit").await.status, StatusCode::OK);
    let none = helm.get_as(Admin, "/api/security/audits").await.json();
    assert_eq!(none, json!({ "audits": [], "next_before": null }), "looking keeps nothing");
    for _ in 0..3 {
        let made = helm.post_as(Admin, "/api/security/audits", &[]).await;
        assert_eq!(
            (made.status, &made.json()["by_name"]),
            (StatusCode::CREATED, &json!("admin@example.test"))
        );
    }
    let page = helm.get_as(Admin, "/api/security/audits?limit=2").await.json();
    assert_eq!(page["audits"].as_array().unwrap().len(), 2);
    let rest =
        helm.get_as(Admin, &format!("/api/security/audits?before={}", page["next_before"])).await.json();
    assert_eq!(rest["audits"].as_array().unwrap().len(), 1);
    let id = &rest["audits"][0]["id"];
    let one = helm.get_as(Admin, &format!("/api/security/audits/{id}")).await.json();
    assert_eq!(one, rest["audits"][0]);
    assert_eq!(one["at"], "2025-11-22T10:30:00Z");
    let gone = helm.get_as(Admin, "/api/security/audits/999").await;
    assert_eq!((gone.status, &gone.json()["error"]), (StatusCode::NOT_FOUND, &json!("Audit not found")));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_firewall_script_is_given_by_its_type(pool: PgPool) {
    let helm = Helm::new(pool, None);
    for (query, kind, filename, word) in [
        ("", "ufw", "secure_firewall.sh", "ufw --force enable"),
        ("?type=ufw", "ufw", "secure_firewall.sh", "ufw --force enable"),
        ("?type=iptables", "iptables", "secure_iptables.sh", "CHAIN=HIVEMATRIX"),
        ("?type=nftables", "nftables", "secure_nftables.sh", "TABLE=hivematrix"),
    ] {
        let answer = helm.get_as(Admin, &format!("/api/security/firewall-script{query}")).await.json();
        let told = ["success", "filename", "type"].map(|name| answer[name].clone());
        assert_eq!(told, [json!(true), json!(filename), json!(kind)]);
        let script = answer["script"].as_str().unwrap();
        assert!(script.contains(word), "{script}");
        let internal = script.lines().find(|line| line.starts_with("INTERNAL_PORTS=")).unwrap();
        for port in ["5000", "5001", "5004", "5010", "5020", "5030", "5050", "8080", "5442", "6389"] {
            assert!(internal.split([' ', '"']).any(|word| word == port), "{port} in {internal}");
        }
        assert!(script.contains("PUBLIC_PORTS=\"8443\"\n"), "{script}");
        let file = helm.get_as(Admin, &format!("/security/scripts/{filename}")).await;
        assert_eq!(file.text(), script);
        assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{filename}\""));
    }
    let bad = helm.get_as(Admin, "/api/security/firewall-script?type=pf").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(bad.json()["error"], "Invalid type. Must be ufw, iptables or nftables");
    assert_eq!(helm.get_as(Admin, "/security/scripts/passwd").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_runs_an_audit_and_shows_it(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let empty = helm.get_as(Admin, "/security").await.text();
    assert!(empty.contains("No audit yet") && empty.contains("Download UFW Script"), "{empty}");
    assert_eq!(empty.matches("steps__item").count(), 10, "the checklist");
    let strange = helm.post_as(Admin, "/security/audit", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(strange.status, StatusCode::FORBIDDEN);
    let done = helm.post_as(Admin, "/security/audit", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let shown = helm.get_as(Admin, done.header("location")).await.text();
    for words in ["Further checks", "Not running", "Protected ports", "Made by admin@example.test", "codex"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let kept = helm.get_as(Admin, "/api/security/audits").await.json();
    assert_eq!(kept["audits"].as_array().unwrap().len(), 1);
    helm.post_as(Admin, "/security/audit", &[("sec-fetch-site", "same-origin")]).await;
    let older = helm.get_as(Admin, done.header("location")).await.text();
    assert!(older.contains("This is an older audit"), "{older}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_leads_to_the_newest_audit_that_looked_at_everything_however_old(pool: PgPool) {
    let helm = Helm::new(pool, None);
    let at = helm.state.context.clock.now();
    let kept = async |by: &str, status: &str| {
        let check = json!({ "id": "firewall", "title": "Firewall", "status": status, "severity": "none",
            "detail": "", "why": "", "fix": "" });
        let findings = json!({ "further_checks": [check] });
        security_audits::insert(&helm.state.pool, at, by, "none", &findings).await.unwrap()
    };
    kept("first", "ok").await;
    let complete = kept("timer", "found").await;
    for _ in 0..120 {
        kept("page", "unknown").await;
    }
    let shown = helm.get_as(Admin, "/security").await.text();
    assert!(shown.contains("Not looked at: Firewall") && shown.contains("was made by timer"), "{shown}");
    assert!(shown.contains(&format!("/security?audit={complete}\"")), "{shown}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_administrators_audit(pool: PgPool) {
    let helm = Helm::new(pool, None);
    for path in ["/api/security/audit", "/api/security/audits", "/api/security/firewall-script", "/security"]
    {
        assert_eq!(helm.get_as(Technician, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let same = [("sec-fetch-site", "same-origin")];
    for path in ["/api/security/audits", "/security/audit"] {
        assert_eq!(helm.post_as(Technician, path, &same).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let service = helm.identity.service_token("codex", "helm");
    let alone = helm.client.get("/api/security/audit").bearer(service).send().await.json();
    assert_eq!(alone["error"], Value::from("This endpoint is for users only"));
}
