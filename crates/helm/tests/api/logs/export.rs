//! The log as a file.

use hivematrix_shared::auth::PermissionLevel;
use http::{StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_file_has_every_line_of_the_filter(pool: PgPool) {
    let helm = Helm::new(pool);
    let logs: Vec<Value> = (0..2_500).map(|n| json!({"message": format!("line {n}")})).collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    helm.ingest("core", json!({"logs": [{"message": "another service"}]})).await;
    let file = helm.get("/api/logs/export?format=json&service=codex&order=asc&limit=1&offset=9").await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        file.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"hivematrix-logs-20251122-103000.json\""
    );
    let rows = file.json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2_500);
    assert!(rows.iter().enumerate().all(|(n, row)| row["message"] == format!("line {n}")));
    assert_eq!(
        (rows[0]["service"].clone(), rows[0]["service_name"].clone()),
        (json!("codex"), json!("codex"))
    );
    let csv = helm.get("/api/logs/export?service=codex").await;
    assert_eq!(csv.text().lines().count(), 2_501);
    assert_eq!(helm.get("/api/logs/export?format=json&service=nobody").await.json(), json!([]));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_spreadsheet_runs_nothing_of_it(pool: PgPool) {
    let helm = Helm::new(pool);
    let entry = json!({"message": "=HYPERLINK(\"http://x\")\nsecond, line", "user_id": "@ada", "trace_id": "+1",
        "timestamp": "2025-11-22T10:00:00.5Z", "context": {"a": "-1"}, "process_id": 7});
    helm.ingest("codex", json!({"logs": [entry]})).await;
    let file = helm.get("/api/logs/export?format=csv").await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = file.text();
    let (headings, line) = text.split_once("\r\n").unwrap();
    assert_eq!(
        headings,
        "\u{feff}id,timestamp,service,level,message,correlation_id,user_email,extra_data,hostname,process_id"
    );
    let (_, line) = line.split_once(',').unwrap();
    assert_eq!(
        line,
        "2025-11-22T10:00:00.500000Z,codex,INFO,\"'=HYPERLINK(\"\"http://x\"\")\nsecond, line\",+1,\"'@ada\",\"{\"\"a\"\":\"\"-1\"\"}\",,7\r\n"
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn files_are_for_administrators_and_of_two_kinds(pool: PgPool) {
    let helm = Helm::new(pool);
    let technician = helm.identity.user_token(PermissionLevel::Technician);
    let refused = helm.client.get("/api/logs/export").bearer(&technician).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for (query, error) in
        [("format=xml", "format must be csv or json"), ("start_time=soon", "Invalid start_time format")]
    {
        let bad = helm.get(&format!("/api/logs/export?{query}")).await;
        assert_eq!((bad.status, bad.json()["error"].clone()), (StatusCode::BAD_REQUEST, json!(error)));
    }
}
