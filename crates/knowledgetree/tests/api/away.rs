//! What is answered while the store is away.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn every_route_says_that_the_store_is_away(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let id = suite.article("root", "note", "x").await;
    pool.close().await;
    for (method, path, body) in [
        ("GET", "/api/search?query=x".to_owned(), Value::Null),
        ("GET", "/api/browse".to_owned(), Value::Null),
        ("GET", format!("/api/browse/{id}"), Value::Null),
        ("GET", format!("/api/node/{id}"), Value::Null),
        ("GET", format!("/api/node/{id}/children"), Value::Null),
        ("GET", format!("/api/node/{id}/browse"), Value::Null),
        ("GET", format!("/api/node/{id}/path"), Value::Null),
        ("GET", format!("/api/node/{id}/back-links"), Value::Null),
        ("GET", format!("/api/node/{id}/versions"), Value::Null),
        ("GET", "/api/folders/tree".to_owned(), Value::Null),
        ("GET", format!("/api/context/{id}"), Value::Null),
        ("GET", format!("/api/context/tree/{id}"), Value::Null),
        ("GET", "/api/context/ticket/7".to_owned(), Value::Null),
        ("GET", "/api/trash".to_owned(), Value::Null),
        ("GET", "/uploads/x.png".to_owned(), Value::Null),
        ("GET", "/admin/export".to_owned(), Value::Null),
        ("POST", "/api/node".to_owned(), json!({"parent_id": "root", "name": "y"})),
        ("PUT", format!("/api/node/{id}"), json!({"content": "y"})),
        ("DELETE", format!("/api/node/{id}"), Value::Null),
        ("POST", format!("/api/node/{id}/move"), json!({"new_parent_id": "root"})),
        ("POST", format!("/api/context/ticket/7/{id}"), Value::Null),
        ("POST", "/admin/wipe".to_owned(), json!({"confirm": "YES"})),
    ] {
        let answer = suite.as_admin(method, &path, body).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["error"].as_str()),
            (503, Some("Database not configured")),
            "{method} {path}"
        );
        assert!(answer.headers.contains_key("retry-after"), "{path}");
    }
    let up = suite.upload(&format!("/api/upload/{id}"), "a.txt", b"x").await;
    assert_eq!((up.status.as_u16(), suite.bytes_on_disk().len()), (503, 0));
}
