//! Looking around.

use serde_json::json;
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_path_leads_to_folders_and_articles_as_upstream_tells_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let docs = suite.folder("root", "Docs & 100%").await;
    suite.folder(&docs, "Server 10").await;
    suite.folder(&docs, "server 9").await;
    let long = "ä".repeat(250);
    let article = suite.article(&docs, "How to", &long).await;
    let encoded = "Docs%20%26%20100%25";
    let listing = suite.json(&format!("/api/browse?path=/{encoded}/")).await;
    assert_eq!(
        listing,
        json!({
            "path": "/Docs & 100%",
            "current_node": {"id": docs, "name": "Docs & 100%", "is_folder": true},
            "categories": [
                {"name": "server 9", "path": "/Docs & 100%/server 9"},
                {"name": "Server 10", "path": "/Docs & 100%/Server 10"}
            ],
            "articles": [{"id": article, "title": "How to", "summary": format!("{}...", "ä".repeat(200))}]
        })
    );
    let at_article = suite.json(&format!("/api/browse?path={encoded}/How%20to")).await;
    assert_eq!(at_article["current_node"], json!({"id": article, "name": "How to", "is_folder": false}));
    assert_eq!((at_article["categories"].clone(), at_article["articles"].clone()), (json!([]), json!([])));
    let root = suite.json("/api/browse").await;
    assert_eq!((root["path"].as_str(), root["current_node"]["id"].as_str()), (Some("/"), Some("root")));
    for path in ["/nowhere", "/docs & 100%", "/Docs & 100%/How to/x", &"/x".repeat(500)] {
        let query: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let answer = suite.get(&format!("/api/browse?path={query}")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            (answer.json()["error"].as_str(), answer.json()["path"].as_str()),
            (Some("Path not found"), Some(path))
        );
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_id_leads_to_what_is_in_a_folder_and_to_the_way_there(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let docs = suite.folder("root", "Docs").await;
    let inner = suite
        .made(json!({"parent_id": docs, "name": "Scripts", "is_folder": true, "is_attached": true}))
        .await;
    let article = suite.article(&docs, "a?b#c%d", "text").await;
    let items = suite.json(&format!("/api/browse/{docs}")).await;
    let items = items["items"].as_array().unwrap();
    assert_eq!((items[0]["id"].as_str(), items[0]["is_attached"].as_bool()), (Some(&*inner), Some(true)));
    assert_eq!(
        (items[1]["content"].as_str(), items[1]["created_at"].as_str()),
        (Some("text"), Some("2025-07-15T12:00:00Z"))
    );
    let children = suite.json(&format!("/api/node/{docs}/children")).await;
    assert_eq!(
        (children[0]["name"].as_str(), children[1]["name"].as_str()),
        (Some("Scripts"), Some("a?b#c%d"))
    );
    let view = suite.json(&format!("/api/node/{inner}/browse")).await;
    assert_eq!(view["url_path"], "Docs/Scripts");
    assert_eq!(view["breadcrumb"][0], json!({"id": "root", "name": "KnowledgeTree Root"}));
    assert_eq!(view["breadcrumb"][2], json!({"id": inner, "name": "Scripts"}));
    assert_eq!(suite.json("/api/node/root/browse").await["url_path"], "");
    let way = suite.json(&format!("/api/node/{article}/path")).await;
    assert_eq!(
        (way["url_path"].as_str(), way["folder_path"].as_str()),
        (Some("Docs/a%3Fb%23c%25d"), Some("Docs / a?b#c%d"))
    );
    let refused = suite.get(&format!("/api/node/{article}/browse")).await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"].as_str()), (400, Some("Not a folder")));
    for path in
        ["/api/browse/x", "/api/node/x", "/api/node/x/children", "/api/node/x/browse", "/api/node/x/path"]
    {
        let answer = suite.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (404, Some("Node not found")),
            "{path}"
        );
    }
    let tree = suite.json("/api/folders/tree").await;
    assert_eq!(
        (tree["id"].as_str(), tree["children"][0]["children"][0]["name"].as_str()),
        (Some("root"), Some("Scripts"))
    );
}
