//! Lines of process logs that no shipper brings.

use hivematrix_helm::jobs::process_logs::ProcessLogs;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

fn collector(helm: &Helm) -> ProcessLogs {
    let state = &helm.state;
    ProcessLogs::new(
        state.pool.clone(),
        state.layout.clone(),
        state.board.clone(),
        state.context.clock.clone(),
    )
}

async fn logs(helm: &Helm, service: &str) -> Vec<Value> {
    let answer = helm.get(&format!("/api/logs?service={service}&order=asc&after_id=0")).await.json();
    answer["logs"].as_array().unwrap().clone()
}

async fn messages(helm: &Helm, service: &str) -> Vec<String> {
    logs(helm, service).await.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn lines_of_another_program_are_stored_once_also_after_a_restart(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add_foreign("archive");
    helm.write("archive", "stdout", "ready\n[ERROR] no room\nhalf a li");
    helm.write(
        "archive",
        "stderr",
        r#"{"level": "warning", "message": "slow", "user": "ada@x", "extra": {"ms": 7}}"#,
    );
    helm.write("archive", "stderr", "\n");
    let mut collector = collector(&helm);
    collector.collect(false).await;
    assert_eq!(messages(&helm, "archive").await, Vec::<String>::new(), "it may still send them by itself");
    collector.collect(true).await;
    collector.collect(true).await;
    assert_eq!(messages(&helm, "archive").await, ["slow", "ready", "[ERROR] no room"]);
    let stored = logs(&helm, "archive").await;
    assert_eq!((&stored[0]["level"], &stored[0]["user_email"]), (&json!("WARNING"), &json!("ada@x")));
    assert_eq!(stored[0]["extra_data"], json!({"ms": 7, "source": "stderr"}));
    assert_eq!(
        (&stored[2]["level"], &stored[2]["extra_data"]),
        (&json!("ERROR"), &json!({"source": "stdout"}))
    );
    // Another daemon goes on where this one was.
    helm.write("archive", "stdout", "ne\n");
    let mut collector = self::collector(&helm);
    collector.collect(true).await;
    assert_eq!(messages(&helm, "archive").await[3..], ["half a line"]);
    // Emptied by the rotation.
    let file = helm.state.layout.logs("archive").join("archive.stdout.log");
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    helm.write("archive", "stdout", "new\n");
    collector.collect(true).await;
    assert_eq!(messages(&helm, "archive").await[4..], ["new"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn what_a_program_sends_and_prints_is_stored_once(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add_foreign("archive");
    let sent = json!({"message": "Bill archived", "timestamp": "2025-11-22T10:29:55Z"});
    helm.ingest("archive", &json!({"logs": [sent]})).await;
    let other = json!({"message": "Bill archived", "timestamp": "2025-11-22T10:29:55Z"});
    helm.ingest("ledger", &json!({"logs": [other]})).await;
    helm.write("archive", "stdout", "2025-11-22 10:29:55 - archive - INFO - Bill archived\nBill lost\n");
    collector(&helm).collect(true).await;
    assert_eq!(messages(&helm, "archive").await, ["Bill archived", "Bill lost"]);
    // A line that looks like one of long ago is news.
    let mut later = collector(&helm);
    helm.ingest(
        "archive",
        &json!({"logs": [{"message": "Old news here", "timestamp": "2025-11-22T09:00:00Z"}]}),
    )
    .await;
    helm.write("archive", "stdout", "Old news here\n");
    later.collect(true).await;
    assert_eq!(messages(&helm, "archive").await[2..], ["Old news here", "Old news here"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn of_our_services_only_what_they_do_not_ship_is_collected(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add("codex");
    helm.write(
        "codex",
        "stderr",
        "{\"timestamp\":\"2025-11-22T10:29:55.000Z\",\"level\":\"INFO\",\"service\":\"codex\",\"message\":\"shipped\"}\n\
         codex: error while loading shared libraries: libssl.so.3\n",
    );
    collector(&helm).collect(false).await;
    assert_eq!(messages(&helm, "codex").await, ["codex: error while loading shared libraries: libssl.so.3"]);
}
