//! What belongs to tickets, companies and items, as lists and as texts.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_text_of_an_item_is_what_stands_beside_it_and_in_attached_folders(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let docs = suite.folder("root", "Docs").await;
    let scripts = suite
        .made(json!({"parent_id": "root", "name": "Scripts", "is_folder": true, "is_attached": true}))
        .await;
    suite.article(&scripts, "reset", "do it").await;
    let id = suite.article(&docs, "How to", "first").await;
    suite.made(json!({"parent_id": docs, "name": "Html", "content": "<p>a <strong>b</strong></p>", "content_format": "html"})).await;
    suite.upload(&format!("/api/upload/{id}"), "plan.txt", b"x").await;
    let whole = "# Context: KnowledgeTree Root\n\nFile: reset (from attached folder: Scripts)\n\ndo it\n\n\
                 ## Context: Docs\n\nFile: How to\n\nfirst\n\nFile: Html\n\na **b**\n\n\
                 ## Attached Files for How to\n\n- plan.txt";
    let text = suite.json(&format!("/api/context/{id}")).await;
    assert_eq!((text["context"].as_str(), text["is_cut"].as_bool()), (Some(whole), Some(false)));
    for path in [format!("/api/context/tree/{id}"), format!("/api/node/{id}/context-tree")] {
        assert_eq!(
            suite.json(&path).await,
            json!({"attached_folders": [{"id": scripts, "name": "Scripts"}]}),
            "{path}"
        );
    }
    for path in [format!("/api/context/{id}"), format!("/api/node/{id}/context")] {
        let text = suite.send("POST", &path, json!({"excluded_ids": [scripts]})).await.json();
        assert!(!text["context"].as_str().unwrap().contains("reset"), "{path}");
        assert_eq!(
            suite.send("POST", &path, Value::Null).await.json()["context"],
            whole,
            "a body may be left out"
        );
    }
    let cut = suite.json(&format!("/api/context/{id}?max_bytes=120")).await;
    assert!(cut["context"].as_str().unwrap().contains("> Cut here: ") && cut["is_cut"] == true, "{cut}");
    let subtree = suite.send("POST", &format!("/api/context/subtree/{docs}"), Value::Null).await.json();
    assert_eq!(subtree["context"], "# Context: Docs\n\nFile: How to\n\nfirst\n\nFile: Html\n\na **b**");
    for wrong in ["0", "-1", "many"] {
        let answer = suite.get(&format!("/api/context/{id}?max_bytes={wrong}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["field"].as_str()),
            (400, Some("max_bytes")),
            "{wrong}"
        );
    }
    for path in ["/api/context/x", "/api/context/tree/x", "/api/node/x/context-tree"] {
        assert_eq!(suite.get(path).await.json()["error"], "Node not found", "{path}");
    }
    assert_eq!(suite.send("POST", "/api/context/subtree/x", Value::Null).await.status, 404);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn knowledge_is_linked_to_tickets_and_companies(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let (b, a) =
        (suite.article("root", "b note", "of b").await, suite.article("root", "a note", "of a").await);
    for (method, path) in [
        ("POST", format!("/api/context/ticket/SR-7%2F1/{b}")),
        ("POST", format!("/api/context/ticket/SR-7%2F1/{a}")),
        ("POST", format!("/api/context/ticket/SR-7%2F1/{a}")),
        ("POST", format!("/api/context/company/101/{a}")),
    ] {
        let answer = suite.send(method, &path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})), "{path}");
    }
    let ticket = suite.json("/api/context/ticket/SR-7%2F1").await;
    let names: Vec<_> = ticket["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!((ticket["ticket"].as_str(), names), (Some("SR-7/1"), vec![json!("a note"), json!("b note")]));
    let text = suite.json("/api/context/ticket/SR-7%2F1/text").await;
    assert_eq!(text["context"], "# Context: Ticket SR-7/1\n\nFile: a note\n\nof a\n\nFile: b note\n\nof b");
    assert_eq!(suite.json("/api/context/ticket/unknown").await, json!({"ticket": "unknown", "items": []}));
    let company = suite.json("/api/context/company/1").await;
    let names: Vec<_> =
        company["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, ["a note", "Acme Corp"]);
    let text = suite.json("/api/context/company/1/text").await["context"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with(
            "# Context: Company 1\n\nFile: a note\n\nof a\n\n## Context: Acme Corp\n\nFile: Jane Doe.md"
        ),
        "{text}"
    );
    assert!(text.contains("Printer on fire") && !text.contains("Joe"), "{text}");
    let unlink = format!("/api/context/ticket/SR-7%2F1/{a}");
    assert_eq!(suite.send("DELETE", &unlink, Value::Null).await.status, 200);
    assert_eq!(suite.send("DELETE", &unlink, Value::Null).await.json()["error"], "Not linked");
    for (path, error) in [
        (format!("/api/context/ticket/7/{}", "nowhere"), "Node not found"),
        (format!("/api/context/company/nobody/{a}"), "Company not found"),
    ] {
        let answer = suite.send("POST", &path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (404, Some(error)), "{path}");
    }
    for number in ["%20", "a%00b", &"9".repeat(200)] {
        let answer = suite.send("POST", &format!("/api/context/ticket/{number}/{a}"), Value::Null).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["field"].as_str()),
            (400, Some("number")),
            "{number}"
        );
    }
    let hostile = suite.json("/api/context/ticket/x%0A%23%20Injected/text").await;
    assert_eq!(hostile["context"], "");
}
