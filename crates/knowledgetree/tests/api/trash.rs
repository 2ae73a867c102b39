//! Deleting, having back, and letting go.

use hivematrix_knowledgetree::jobs::retention;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_is_deleted_can_be_had_back_whole(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let folder = suite.folder("root", "Runbooks").await;
    let inner = suite.folder(&folder, "Inner").await;
    let article = suite.article(&inner, "note", "hummingbird").await;
    let file = suite.upload(&format!("/api/upload/{article}"), "a.txt", b"words").await.json();
    let stored = format!("/uploads/{}.txt", file["file_id"].as_str().unwrap());
    assert_eq!(
        suite.send("DELETE", &format!("/api/node/{folder}"), Value::Null).await.json(),
        json!({"success": true})
    );
    for path in [format!("/api/node/{folder}"), format!("/api/node/{article}"), stored.clone()] {
        assert_eq!(suite.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(suite.json("/api/search?query=hummingbird").await, json!([]));
    assert_eq!(
        suite.send("DELETE", &format!("/api/node/{folder}"), Value::Null).await.status,
        404,
        "once only"
    );
    let trash = suite.json("/api/trash").await;
    let entry = &trash["items"][0];
    assert_eq!((entry["id"].as_str(), entry["items"].as_i64()), (Some(&*folder), Some(3)));
    assert_eq!(
        (entry["former_parent_id"].as_str(), entry["trashed_by"].as_str()),
        (Some("root"), Some("technician@example.test"))
    );
    assert_eq!(
        (trash["retention_days"].as_i64(), entry["expires_at"].as_str()),
        (Some(30), Some("2025-08-14T12:00:00Z"))
    );
    // Somebody has the name by now.
    suite.folder("root", "Runbooks").await;
    let path = format!("/api/trash/{folder}/restore");
    assert_eq!(suite.send("POST", &path, Value::Null).await.status, 409);
    let bad = suite.send("POST", &path, json!({"name": "a/b"})).await;
    assert_eq!((bad.status.as_u16(), bad.json()["field"].as_str()), (400, Some("name")));
    let back = suite.send("POST", &path, json!({"name": "Runbooks of old"})).await;
    assert_eq!((back.status.as_u16(), back.json()["id"].as_str()), (200, Some(&*folder)), "{}", back.text());
    assert_eq!(suite.id_at("/Runbooks of old/Inner/note").await, article);
    assert_eq!(suite.get(&stored).await.body, b"words");
    assert_eq!(suite.json("/api/trash").await["items"], json!([]));
    assert_eq!(suite.send("POST", &path, Value::Null).await.json()["error"], "Not in the trash");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_administrator_lets_go_for_ever_and_the_bytes_go_too(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let (gone, stays) = (suite.article("root", "gone", "x").await, suite.article("root", "stays", "x").await);
    suite.upload(&format!("/api/upload/{gone}"), "only.txt", b"only here").await;
    for id in [&gone, &stays] {
        suite.upload(&format!("/api/upload/{id}"), "both.txt", b"in both").await;
    }
    assert_eq!(suite.bytes_on_disk().len(), 2, "the same bytes lie there once");
    suite.send("DELETE", &format!("/api/node/{gone}"), Value::Null).await;
    assert_eq!(suite.bytes_on_disk().len(), 2, "the trash keeps its files");
    let path = format!("/api/trash/{gone}");
    assert_eq!(suite.as_admin("DELETE", &path, Value::Null).await.status, 200);
    assert_eq!(suite.bytes_on_disk().len(), 1);
    assert_eq!(suite.as_admin("DELETE", &path, Value::Null).await.status, 404);
    let files = suite.json(&format!("/api/node/{stays}")).await;
    assert_eq!(suite.get(files["files"][0]["url"].as_str().unwrap()).await.body, b"in both");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_has_been_in_the_trash_for_its_time_goes_by_itself(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let (old, young) = (suite.article("root", "old", "x").await, suite.article("root", "young", "x").await);
    suite.upload(&format!("/api/upload/{old}"), "a.txt", b"old bytes").await;
    suite.send("DELETE", &format!("/api/node/{old}"), Value::Null).await;
    suite.wait(29 * 86_400);
    suite.send("DELETE", &format!("/api/node/{young}"), Value::Null).await;
    assert_eq!(retention::empty(&suite.tree).await.unwrap(), 0);
    suite.wait(86_400 + 1);
    assert_eq!(retention::empty(&suite.tree).await.unwrap(), 1);
    let left = suite.json("/api/trash").await;
    assert_eq!(
        (left["items"].as_array().unwrap().len(), left["items"][0]["id"].as_str()),
        (1, Some(&*young))
    );
    assert_eq!(suite.bytes_on_disk(), [] as [std::path::PathBuf; 0]);
}
