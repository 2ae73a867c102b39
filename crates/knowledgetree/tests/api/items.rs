//! Making, changing, moving, copying, deleting.

use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_item_is_made_read_changed_and_told_as_the_contract_says(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let folder = suite.folder("root", "Runbooks").await;
    let id = suite.article(&folder, "  Restart  ", "# Hello\n\n- [x] *done*\n").await;
    let node = suite.json(&format!("/api/node/{id}")).await;
    assert_eq!(node["name"], "Restart", "names are trimmed");
    assert_eq!(node["content"], "# Hello\n\n- [x] *done*\n");
    assert_eq!(node["content_markdown"], node["content"]);
    assert_eq!(node["content_format"], "markdown");
    assert!(node["content_html"].as_str().unwrap().contains("<em>done</em>"), "{node}");
    assert_eq!(node["parent_id"], folder.as_str());
    assert_eq!(
        (node["version"].as_i64(), node["created_by"].as_str()),
        (Some(1), Some("technician@example.test"))
    );
    assert_eq!(
        (node["created_at"].as_str(), node["updated_at"].as_str()),
        (Some("2025-07-15T12:00:00Z"), Some("2025-07-15T12:00:00Z"))
    );

    suite.wait(60);
    let html =
        "<p style=\"text-align: right; position: fixed\" onclick=\"x()\">Hi<script>alert(1)</script></p>";
    let saved =
        suite.send("PUT", &format!("/api/node/{id}"), json!({"content": "no", "content_html": html})).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    assert_eq!((saved.json()["success"].as_bool(), saved.json()["version"].as_i64()), (Some(true), Some(2)));
    let node = suite.json(&format!("/api/node/{id}")).await;
    assert_eq!(node["content_format"], "html", "content_html wins over content");
    let stored = node["content"].as_str().unwrap();
    assert!(stored.contains("text-align") && stored.contains("Hi"), "{stored}");
    for gone in ["script", "onclick", "alert", "position"] {
        assert!(!stored.contains(gone), "{gone} in {stored}");
    }
    assert_eq!(node["updated_at"], "2025-07-15T12:01:00Z");
    assert!(
        node["content_markdown"].as_str().unwrap().contains("Hi"),
        "converted for those who write Markdown"
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn refusals_have_upstreams_words_and_the_problem_members(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let folder = suite.folder("root", "A").await;
    let inner = suite.folder(&folder, "B").await;
    let article = suite.article(&folder, "note", "x").await;
    let other = suite.article("root", "note", "y").await;
    let taken = "A node with this name already exists in this location";
    let move_of = |id: &str| format!("/api/node/{id}/move");
    let node = |id: &str| format!("/api/node/{id}");
    for (method, path, body, status, error) in [
        ("POST", "/api/node".to_owned(), json!({}), 400, "parent_id and name are required"),
        (
            "POST",
            "/api/node".to_owned(),
            json!({"parent_id": "root", "name": ""}),
            400,
            "parent_id and name are required",
        ),
        (
            "POST",
            "/api/node".to_owned(),
            json!({"parent_id": "nowhere", "name": "x"}),
            404,
            "Parent folder not found",
        ),
        (
            "POST",
            "/api/node".to_owned(),
            json!({"parent_id": article, "name": "x"}),
            400,
            "Parent must be a folder",
        ),
        ("POST", "/api/node".to_owned(), json!({"parent_id": "root", "name": "A"}), 409, taken),
        (
            "POST",
            "/api/node".to_owned(),
            json!({"parent_id": "root", "name": "x", "is_folder": true, "content": "t"}),
            400,
            "A folder has no text",
        ),
        (
            "PUT",
            node(&article),
            json!({}),
            400,
            "One of name, content, content_html and is_attached is required",
        ),
        (
            "PUT",
            node(&article),
            json!({"unknown": 1}),
            400,
            "One of name, content, content_html and is_attached is required",
        ),
        ("PUT", node("nowhere"), json!({"name": "x"}), 404, "Node not found"),
        ("PUT", node("nowhere"), json!({"content": "x"}), 404, "Node not found"),
        ("PUT", node(&folder), json!({"content": "x"}), 400, "A folder has no text"),
        ("PUT", node(&article), json!({"name": "B"}), 409, taken),
        ("PUT", node("root"), json!({"name": "mine"}), 400, "The root cannot be renamed"),
        ("DELETE", node("root"), Value::Null, 400, "The root cannot be deleted"),
        ("DELETE", node("nowhere"), Value::Null, 404, "Node not found"),
        ("POST", move_of(&article), json!({}), 400, "new_parent_id is required"),
        (
            "POST",
            move_of("root"),
            json!({"new_parent_id": folder}),
            400,
            "Cannot move root or non-existent node",
        ),
        (
            "POST",
            move_of("nowhere"),
            json!({"new_parent_id": folder}),
            400,
            "Cannot move root or non-existent node",
        ),
        ("POST", move_of(&article), json!({"new_parent_id": "nowhere"}), 404, "Parent folder not found"),
        ("POST", move_of(&article), json!({"new_parent_id": other}), 400, "Target must be a folder"),
        (
            "POST",
            move_of(&folder),
            json!({"new_parent_id": inner}),
            400,
            "Cannot move a folder into itself or its descendants",
        ),
        (
            "POST",
            move_of(&folder),
            json!({"new_parent_id": folder}),
            400,
            "Cannot move a folder into itself or its descendants",
        ),
        ("POST", move_of(&article), json!({"new_parent_id": "root"}), 409, taken),
        (
            "POST",
            format!("/api/node/{folder}/copy"),
            json!({"new_parent_id": inner}),
            400,
            "Cannot copy a folder into itself or its descendants",
        ),
        ("POST", format!("/api/node/{folder}/copy"), Value::Null, 409, taken),
    ] {
        let answer = suite.send(method, &path, body.clone()).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["error"].as_str()),
            (status, Some(error)),
            "{method} {path} {body}"
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(problem["type"], format!("https://httpstatuses.com/{status}"));
        assert_eq!(problem["instance"], path.as_str());
    }
    let clash = suite.send("POST", "/api/node", json!({"parent_id": "root", "name": "A"})).await.json();
    assert_eq!(clash["existing_id"], folder.as_str());
    // Nothing of all that has changed anything.
    let root = suite.json("/api/node/root/browse").await;
    let names: Vec<_> =
        root["children"].as_array().unwrap().iter().map(|child| child["name"].clone()).collect();
    assert_eq!(names, ["A", "note"]);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_second_editor_is_told_and_never_overwrites(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "first").await;
    let path = format!("/api/node/{id}");
    let seen = suite.json(&path).await;
    suite.wait(1);
    let one = suite
        .as_admin("PUT", &path, json!({"content": "of the first", "updated_at": seen["updated_at"]}))
        .await;
    assert_eq!(one.status, 200, "{}", one.text());
    for expected in [
        json!({"updated_at": seen["updated_at"]}),
        json!({"version": seen["version"]}),
        json!({"updated_at": null}),
    ] {
        let mut body = expected.clone();
        body["content"] = json!("of the second");
        let two = suite.send("PUT", &path, body).await;
        let problem = two.json();
        assert_eq!(
            (two.status.as_u16(), problem["error"].as_str()),
            (409, Some("Node has been changed")),
            "{expected}"
        );
        assert_eq!(problem["current"]["content"], "of the first");
        assert_eq!(problem["current"]["updated_by"], "admin@example.test");
        assert_eq!(problem["current"]["version"], 2);
    }
    assert_eq!(suite.json(&path).await["content"], "of the first");
    // Upstream's clients say nothing about what they saw.
    assert_eq!(suite.send("PUT", &path, json!({"content": "of the third"})).await.status, 200);
    let fresh = json!({"content": "again", "version": one.json()["version"].as_i64().unwrap() + 1});
    assert_eq!(suite.send("PUT", &path, fresh).await.status, 200);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn of_many_who_make_the_same_name_at_once_one_does(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let one = || suite.send("POST", "/api/node", json!({"parent_id": "root", "name": "same"}));
    let answers = futures::future::join_all((0..8).map(|_| one())).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn two_moves_into_each_other_never_make_a_circle(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let (a, b) = (suite.folder("root", "A").await, suite.folder("root", "B").await);
    for _ in 0..5 {
        let (path_a, path_b) = (format!("/api/node/{a}/move"), format!("/api/node/{b}/move"));
        let into_b = suite.send("POST", &path_a, json!({"new_parent_id": b}));
        let into_a = suite.send("POST", &path_b, json!({"new_parent_id": a}));
        let (one, two) = futures::join!(into_b, into_a);
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        // Both are still below the root.
        for id in [&a, &b] {
            let way = suite.json(&format!("/api/node/{id}/path")).await;
            assert_eq!(way["breadcrumb"][0]["id"], "root");
            suite.send("POST", &format!("/api/node/{id}/move"), json!({"new_parent_id": "root"})).await;
        }
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_copy_is_independent_and_belongs_to_people(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let acme = suite.id_at("/Companies/Acme Corp").await;
    let target = suite.folder("root", "Copies").await;
    let body = json!({"new_parent_id": target, "name": "Acme of today"});
    let copy = suite.send("POST", &format!("/api/node/{acme}/copy"), body).await;
    assert_eq!(copy.status, 200, "{}", copy.text());
    let inner = suite.id_at("/Copies/Acme of today/Jane Doe.md").await;
    assert_eq!(suite.json(&format!("/api/node/{inner}")).await["read_only"], false);
    let change = suite.send("PUT", &format!("/api/node/{inner}"), json!({"content": "mine"})).await;
    assert_eq!(change.status, 200);
    let original = suite.id_at("/Companies/Acme Corp/Jane Doe.md").await;
    assert!(
        suite.json(&format!("/api/node/{original}")).await["content"].as_str().unwrap().contains("zephyr")
    );
    // Beside the original, with a name.
    let article = suite.article("root", "note", "x").await;
    let beside = suite.send("POST", &format!("/api/node/{article}/copy"), json!({"name": "note 2"})).await;
    assert_eq!(suite.id_at("/note 2").await, beside.json()["id"].as_str().unwrap());
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_the_sync_made_is_protected_and_takes_notes_beside_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let acme = suite.id_at("/Companies/Acme Corp").await;
    let card = suite.id_at("/Companies/Acme Corp/Jane Doe.md").await;
    for (method, path, body) in [
        ("PUT", format!("/api/node/{card}"), json!({"content": "mine"})),
        ("PUT", format!("/api/node/{acme}"), json!({"name": "mine"})),
        ("POST", format!("/api/node/{card}/move"), json!({"new_parent_id": "root"})),
        ("DELETE", format!("/api/node/{acme}"), Value::Null),
        // What is in it is protected, though the folder is not.
        ("DELETE", format!("/api/node/{}", suite.id_at("/Companies").await), Value::Null),
    ] {
        let answer = suite.send(method, &path, body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        assert_eq!(answer.json()["error"], "Node is read-only");
    }
    let change = suite.as_admin("PUT", &format!("/api/node/{card}"), json!({"content": "mine"})).await;
    assert_eq!(change.status, 403, "administrators delete, but do not write");
    suite.article(&acme, "Our note", "x").await;
    assert_eq!(suite.upload(&format!("/api/upload/{card}"), "a.txt", b"words").await.status, 200);
    assert_eq!(suite.send("POST", &format!("/api/context/ticket/7/{card}"), Value::Null).await.status, 200);
    assert_eq!(
        suite
            .as_level(PermissionLevel::Admin, "DELETE", &format!("/api/node/{acme}"), Value::Null)
            .await
            .status,
        200
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn links_are_known_from_both_ends_whatever_their_targets_are_called(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let target = suite.article("root", "Target", "x").await;
    suite.article("root", "Links", &format!("see [it](/view/{target}) and `[no](/view/{target})`")).await;
    let html = format!("<p><a href=\"/knowledgetree/view/{target}\">it</a></p>");
    suite.made(json!({"parent_id": "root", "name": "Html", "content": html, "content_format": "html"})).await;
    suite.send("PUT", &format!("/api/node/{target}"), json!({"name": "Other name"})).await;
    let links = suite.json(&format!("/api/node/{target}/back-links")).await;
    let names: Vec<_> =
        links["back_links"].as_array().unwrap().iter().map(|link| link["name"].clone()).collect();
    assert_eq!(names, ["Html", "Links"]);
}
