//! Former states.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn every_state_is_kept_compared_and_can_be_had_back(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "one\ntwo\nthree\n").await;
    let path = format!("/api/node/{id}");
    suite.wait(60);
    suite.as_admin("PUT", &path, json!({"content": "one\n2\nthree\n"})).await;
    suite.wait(60);
    suite.send("PUT", &path, json!({"name": "other", "content_html": "<p>one</p><p>2</p>"})).await;
    let history = suite.json(&format!("{path}/versions")).await;
    let states = history["versions"].as_array().unwrap();
    let numbers: Vec<_> = states.iter().map(|state| state["version"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(
        (states[1]["by"].as_str(), states[1]["at"].as_str()),
        (Some("admin@example.test"), Some("2025-07-15T12:01:00Z"))
    );
    assert_eq!((states[2]["name"].as_str(), states[2]["chars"].as_i64()), (Some("note"), Some(14)));
    let first = suite.json(&format!("{path}/versions/1")).await;
    assert_eq!(
        (first["content"].as_str(), first["name"].as_str()),
        (Some("one\ntwo\nthree\n"), Some("note"))
    );
    assert!(first["content_html"].as_str().unwrap().starts_with("<p>one"));

    for query in ["/versions/1/diff?with=2", "/versions/2/diff?with=1"] {
        let diff = suite.json(&format!("{path}{query}")).await;
        assert_eq!((diff["from"].as_i64(), diff["to"].as_i64()), (Some(1), Some(2)));
        assert_eq!(
            (diff["added"].as_i64(), diff["removed"].as_i64(), diff["is_converted"].as_bool()),
            (Some(1), Some(1), Some(false))
        );
        let lines = diff["hunks"][0]["lines"].as_array().unwrap();
        let shown: Vec<_> = lines
            .iter()
            .map(|line| format!("{} {}", line["change"].as_str().unwrap(), line["text"].as_str().unwrap()))
            .collect();
        assert_eq!(shown, ["same one", "removed two", "added 2", "same three"]);
    }
    let with_present = suite.json(&format!("{path}/versions/2/diff")).await;
    assert_eq!(
        (
            with_present["to"].as_i64(),
            with_present["is_converted"].as_bool(),
            with_present["to_name"].as_str()
        ),
        (Some(3), Some(true), Some("other"))
    );

    let restore = format!("{path}/versions/1/restore");
    let stale = suite.send("POST", &restore, json!({"version": 2})).await;
    assert_eq!((stale.status.as_u16(), stale.json()["current"]["version"].as_i64()), (409, Some(3)));
    let back = suite.send("POST", &restore, json!({"version": 3})).await;
    assert_eq!((back.status.as_u16(), back.json()["version"].as_i64()), (200, Some(4)), "{}", back.text());
    let node = suite.json(&path).await;
    assert_eq!((node["content"].as_str(), node["name"].as_str()), (Some("one\ntwo\nthree\n"), Some("other")));
    assert_eq!(node["content_format"], "markdown");
    for missing in ["/versions/99", "/versions/99/diff", "/versions/1/diff?with=99"] {
        assert_eq!(
            suite.get(&format!("{path}{missing}")).await.json()["error"],
            "Version not found",
            "{missing}"
        );
    }
    assert_eq!(suite.get(&format!("{path}/versions/x")).await.status, 404);
    assert_eq!(suite.send("POST", &format!("{path}/versions/99/restore"), Value::Null).await.status, 404);
}
