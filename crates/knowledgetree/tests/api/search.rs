//! Searching.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

fn names(found: &Value) -> Vec<&str> {
    found.as_array().unwrap().iter().map(|hit| hit["name"].as_str().unwrap()).collect()
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_search_tells_where_and_why(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let docs = suite.folder("root", "Printers & co").await;
    let id = suite.article(&docs, "Toner", "Before. Change the magenta cartridge. After.").await;
    for path in ["/api/search?query=magenta+cart", "/api/search?q=magenta+cart"] {
        let found = suite.json(path).await;
        let hit = &found[0];
        assert_eq!((found.as_array().unwrap().len(), hit["id"].as_str()), (1, Some(&*id)), "{path}: {found}");
        assert_eq!(hit["path_names"], json!(["KnowledgeTree Root", "Printers & co", "Toner"]));
        assert_eq!(
            (hit["folder_path"].as_str(), hit["url_path"].as_str()),
            (Some("Printers & co / Toner"), Some("Printers%20%26%20co/Toner"))
        );
        assert!(hit["score"].as_f64().unwrap() > 0.0 && hit["matched"] == "words");
        let parts = hit["snippet"].as_array().unwrap();
        let marked: Vec<_> =
            parts.iter().filter(|part| part["is_match"] == true).map(|part| part["text"].clone()).collect();
        assert_eq!(marked, ["magenta", "cartridge"], "{parts:?}");
        let whole: String = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
        assert!(whole.contains("Change the magenta cartridge."), "{whole}");
    }
    assert_eq!(
        suite.json("/api/search?query=&q=magenta").await[0]["id"],
        id.as_str(),
        "an empty one counts as left out"
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_search_can_be_narrowed(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let attached = suite
        .made(json!({"parent_id": "root", "name": "Zephyr scripts", "is_folder": true, "is_attached": true}))
        .await;
    suite.article(&attached, "In attached", "zephyr").await;
    suite.article("root", "Beside", "zephyr").await;
    for (query, expected) in [
        ("", &["Beside", "In attached", "Jane Doe.md", "Joe Roe.md"][..]),
        ("&include_folders=true", &["Beside", "In attached", "Jane Doe.md", "Joe Roe.md", "Zephyr scripts"]),
        ("&type=folder", &["Zephyr scripts"]),
        ("&type=article", &["Beside", "In attached"]),
        ("&type=contact", &["Jane Doe.md", "Joe Roe.md"]),
        ("&type=ticket", &[]),
        ("&attached=true", &["In attached"]),
        ("&attached=0&type=article", &["Beside"]),
        ("&company=1", &["Jane Doe.md"]),
        ("&company=102", &["Joe Roe.md"]),
        ("&company=nobody", &[]),
        ("&start_node_id=nowhere", &[]),
    ] {
        let found = suite.json(&format!("/api/search?query=zephyr{query}")).await;
        let mut found = names(&found);
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    let within = suite.json(&format!("/api/search?query=zephyr&start_node_id={attached}")).await;
    assert_eq!(names(&within), ["In attached"]);
    assert_eq!(suite.json("/api/search?query=zephyr&limit=2").await.as_array().unwrap().len(), 2);
    assert_eq!(suite.json("/api/search?query=zephyr&limit=100000").await.as_array().unwrap().len(), 4);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn no_text_breaks_a_search_and_no_parameter_is_guessed(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.article("root", "C++ (and) \"quotes\"", "a AND b OR NOT c*").await;
    for text in [
        "",
        " ",
        "\"",
        "(",
        ")",
        "a AND",
        "OR",
        "NOT",
        "*",
        "?",
        "~",
        "^2",
        "a:b",
        "\\",
        "[a TO b]",
        "{",
        "a && b",
        "!",
        "'",
        "%",
        "_",
        "a\0b",
        "\u{202e}",
        "<->",
        "a & | !",
        "☃",
        &"x".repeat(5000),
        &"(".repeat(3000),
        &"a ".repeat(3000),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let answer = suite.get(&format!("/api/search?query={query}&include_folders=true")).await;
        assert_eq!(answer.status, 200, "{text:?}: {}", answer.text());
    }
    assert_eq!(suite.json("/api/search").await, json!([]));
    for (parameter, field) in [
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("include_folders=perhaps", "include_folders"),
        ("attached=2", "attached"),
        ("type=spaceship", "type"),
    ] {
        let answer = suite.get(&format!("/api/search?query=x&{parameter}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["field"].as_str()),
            (400, Some(field)),
            "{parameter}"
        );
    }
}
