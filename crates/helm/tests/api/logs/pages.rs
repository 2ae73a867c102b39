//! The log page and the page of one request.

use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::Helm;

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn pages_show_log_text_as_text(pool: PgPool) {
    let helm = Helm::new(pool);
    let nasty = "<script>alert(1)</script>";
    helm.ingest("codex", json!({"logs": [{"message": nasty, "user_id": nasty, "trace_id": "\"><b>", "context": {"a": nasty}}]})).await;
    let page = helm.get("/logs?search=%3Cscript&start_time=soon").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains(nasty));
    assert!(!page.text().contains("\"><b>"));
    assert!(page.text().contains("Invalid start_time format"));
    let dashboard = helm.get("/").await;
    assert!(dashboard.text().contains("data-service=\"helm\""));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_the_newest_page_of_an_open_time_is_live(pool: PgPool) {
    let helm = Helm::new(pool);
    let logs: Vec<_> = (0..3).map(|n| json!({"message": format!("line {n}")})).collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    let newest = helm.get("/logs?limit=2&service=codex").await.text().to_owned();
    assert!(newest.contains(r#"id="live""#) && newest.contains("static/js/logs.js"), "{newest}");
    assert!(newest.contains("/api/logs?service=codex&#38;order=asc&#38;limit=500"), "{newest}");
    let older = newest.split("Older lines").next().unwrap().rsplit("href=\"").next().unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&");
    let page = helm.get(&older).await.text().to_owned();
    assert!(page.contains("line 0") && !page.contains("line 1"), "{older}: {page}");
    assert!(!page.contains(r#"id="live""#), "an older page stands still");
    let closed = helm.get("/logs?end_time=2030-01-01").await;
    assert!(!closed.text().contains(r#"id="live""#), "a time that is over as well");
    let odd = helm.get("/logs?cursor=nonsense&start_time=soon&end_time=2000-01-01").await;
    let odd = odd.text();
    assert!(
        odd.contains("Invalid start_time format: it was left out. Invalid cursor: it was left out."),
        "{odd}"
    );
    assert!(!odd.contains("line 2") && odd.contains("2000-01-01"), "what is understood holds");
    assert!(!odd.contains("soon") && !odd.contains("nonsense"), "and the links say no more");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn every_link_of_the_page_asks_for_what_the_page_was_asked_for(pool: PgPool) {
    let helm = Helm::new(pool);
    let logs: Vec<_> = (0..4).map(|n| json!({"message": format!("line {n}"), "trace_id": "req-1"})).collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    helm.ingest("codex", json!({"logs": [{"message": "another request"}]})).await;
    let page = helm.get("/logs?trace_id=req-1&words=line&limit=2&order=asc").await.text().to_owned();
    assert!(page.contains("line 0") && !page.contains("another request"), "{page}");
    let same = "correlation_id=req-1&#38;words=line";
    assert!(page.contains(&format!("/api/logs?{same}&#38;order=asc&#38;limit=500")), "the tail: {page}");
    assert!(page.contains(&format!("/api/logs/export?{same}&amp;format=csv")), "{page}");
    assert!(
        page.contains(&format!("/logs?{same}&#38;limit=2&#38;order=asc&#38;cursor=")),
        "the next page: {page}"
    );
    assert!(page.contains(r#"name="words" type="search" value="line""#), "the form: {page}");
    let wins = helm.get("/logs?trace_id=req-1&correlation_id=req-2").await;
    assert!(!wins.text().contains("line 0"), "the seed's name wins");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_request_is_drawn_through_its_services(pool: PgPool) {
    let helm = Helm::new(pool);
    let id = "req/1\"><b>";
    let line = |message: &str, time: &str, took: f64| {
        json!({"logs": [{"message": message, "timestamp": time,
        "trace_id": id, "context": {"duration_ms": took}}]})
    };
    helm.ingest("codex", line("GET /api/tickets 200", "2025-11-22T10:00:00.300Z", 100.0)).await;
    helm.ingest("nexus", line("GET /beacon/ 200", "2025-11-22T10:00:00.400Z", 400.0)).await;
    let page = helm.get("/logs/correlation/req%2F1%22%3E%3Cb%3E").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(!text.contains(id) && !text.contains("\"><b>"), "an id is text");
    assert!(text.contains("2 lines through 2 services, 400 ms in all"), "{text}");
    assert!(text.find(">nexus<").unwrap() < text.find(">codex<").unwrap(), "who began first stands first");
    assert!(text.contains(r#"x="5000" width="2500""#), "codex worked from 200 to 300 ms: {text}");
    let unknown = helm.get("/logs/correlation/nobody").await;
    assert!(unknown.text().contains("Nothing is known of this request"));
}
