//! Texts that are not stored: preview and conversion.

use serde_json::json;
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_preview_is_what_will_be_shown_and_nothing_in_it_acts(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let text = "# T\n\n~~a~~ [x](javascript:alert(1)) <img src=x onerror=alert(1)> <script>alert(1)</script>\n\n```rust\nlet a = 1;\n```\n";
    let shown = suite.send("POST", "/api/content/preview", json!({"content": text})).await.json();
    let html = shown["content_html"].as_str().unwrap();
    assert!(
        html.contains("<h1>") && html.contains("<del>a</del>") && html.contains("language-rust"),
        "{html}"
    );
    for gone in ["javascript:", "onerror", "<script"] {
        assert!(!html.contains(gone), "{gone} in {html}");
    }
    let html = json!({"content": "<p onclick=x>a</p><iframe src=x></iframe>", "content_format": "html"});
    assert_eq!(suite.send("POST", "/api/content/preview", html).await.json()["content_html"], "<p>a</p>");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_editor_changes_its_mode_and_loses_nothing(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let markdown = "# Title\n\nA **bold** word.\n\n- one\n- two\n";
    let html = suite
        .send("POST", "/api/content/convert", json!({"content": markdown, "from": "markdown", "to": "html"}))
        .await
        .json();
    assert_eq!(html["content_format"], "html");
    let back = json!({"content": html["content"], "from": "html", "to": "markdown"});
    let back = suite.send("POST", "/api/content/convert", back).await.json();
    let again = json!({"content": back["content"], "from": "markdown", "to": "html"});
    assert_eq!(
        suite.send("POST", "/api/content/convert", again).await.json()["content"],
        html["content"],
        "{back}"
    );
    let long = json!({"content": "x".repeat(2 * 1024 * 1024 + 1), "from": "markdown", "to": "html"});
    let long = suite.send("POST", "/api/content/convert", long).await;
    assert_eq!((long.status.as_u16(), long.json()["field"].as_str()), (413, Some("content")));
    let wrong = suite
        .send("POST", "/api/content/convert", json!({"content": "", "from": "word", "to": "html"}))
        .await;
    assert_eq!(wrong.status, 400);
}
