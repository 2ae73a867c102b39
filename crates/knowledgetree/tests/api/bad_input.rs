//! What nobody should send.

use hivematrix_shared::auth::PermissionLevel::Technician;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn bodies_of_the_wrong_shape_are_told_what_is_wrong(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let token = suite.identity.user_token(Technician);
    let node = format!("/api/node/{id}");
    for (method, path) in [("POST", "/api/node"), ("PUT", &*node), ("POST", &*format!("{node}/move"))] {
        for (body, status) in [
            (&b"null"[..], 400),
            (b"[]", 400),
            (b"7", 400),
            (b"\"text\"", 400),
            (b"{", 400),
            (b"", 400),
            (b"{\"name\": 7, \"parent_id\": {}, \"new_parent_id\": []}", 400),
            (b"\xff\xfe", 400),
        ] {
            let request = suite.client.request(method.parse().unwrap(), path).bearer(&token);
            let answer = request.body("application/json", body.to_vec()).send().await;
            assert_eq!(
                answer.status,
                status,
                "{method} {path} {}: {}",
                String::from_utf8_lossy(body),
                answer.text()
            );
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
        {
            let request = suite.client.request(method.parse().unwrap(), path).bearer(&token);
            let answer =
                request.body(media_type, b"{\"name\": \"y\", \"parent_id\": \"root\"}".to_vec()).send().await;
            assert_eq!(answer.status, 415, "{method} {path} {media_type}");
        }
    }
    for (body, field) in [
        (json!({"updated_at": "yesterday", "content": "y"}), "updated_at"),
        (json!({"version": "one", "content": "y"}), "version"),
        (json!({"content_format": "word", "content": "y"}), "content_format"),
        (json!({"content": 7}), "content"),
    ] {
        let answer = suite.send("PUT", &node, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(!detail.is_empty(), "{field}");
    }
    assert_eq!(suite.json(&node).await["version"], 1);
    let wrong_method = suite.send("PATCH", &node, json!({})).await;
    assert_eq!(wrong_method.status, 405);
    for method in ["GET", "PUT", "DELETE"] {
        assert!(wrong_method.header("allow").contains(method), "{}", wrong_method.header("allow"));
    }
    let large = suite.client.post("/api/node").bearer(&token);
    let large = large.body("application/json", vec![b' '; 17 * 1024 * 1024]).send().await;
    assert_eq!(large.status, 413, "{}", large.text());
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn names_that_could_do_harm_are_refused_and_others_are_names(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    for name in [" ", "a/b", "..", ".", "a\nb", "a\0b", "\u{202e}gpj.exe", "\u{200b}", &"x".repeat(256)] {
        for (method, path, body) in [
            ("POST", "/api/node".to_owned(), json!({"parent_id": "root", "name": name})),
            ("PUT", format!("/api/node/{id}"), json!({"name": name})),
            ("POST", format!("/api/node/{id}/copy"), json!({"name": name})),
        ] {
            let answer = suite.send(method, &path, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["field"].as_str()),
                (400, Some("name")),
                "{method} {name:?}"
            );
        }
    }
    for name in [
        "<img src=x onerror=alert(1)>",
        "a?b#c%41 \\ \"' & ;",
        "日本語 👩‍💻",
        "'; drop table context_items; --",
        "%00",
        "${x}{{y}}",
    ] {
        let id = suite.article("root", name, "x").await;
        assert_eq!(suite.id_at(&format!("/{name}")).await, id, "{name}");
        assert_eq!(suite.json(&format!("/api/node/{id}")).await["name"], name);
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn ids_that_are_none_are_not_found_and_never_a_fault(pool: PgPool) {
    let suite = Suite::start(pool).await;
    for id in ["%00", "..%2F..%2F", "%27%3B--", "%E2%98%83", "a%20b", &"x".repeat(5000), "%FF"] {
        for (method, path, body) in [
            ("GET", format!("/api/node/{id}"), Value::Null),
            ("GET", format!("/api/node/{id}/browse"), Value::Null),
            ("GET", format!("/api/node/{id}/versions"), Value::Null),
            ("GET", format!("/api/context/{id}"), Value::Null),
            ("PUT", format!("/api/node/{id}"), json!({"name": "x"})),
            ("DELETE", format!("/api/node/{id}"), Value::Null),
            ("POST", format!("/api/node/{id}/copy"), json!({"new_parent_id": "root"})),
            ("POST", format!("/api/trash/{id}/restore"), Value::Null),
            ("DELETE", format!("/api/files/{id}"), Value::Null),
        ] {
            let token = suite.identity.user_token(Technician);
            let request = suite.client.request(method.parse().unwrap(), &path).bearer(&token);
            let answer = if body.is_null() { request.send().await } else { request.json(&body).send().await };
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }
    }
    let parent = suite.send("POST", "/api/node", json!({"parent_id": "a\0b", "name": "x"})).await;
    assert_eq!(parent.status, 404, "{}", parent.text());
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn texts_that_no_person_writes_are_refused_or_made_harmless(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let path = format!("/api/node/{id}");
    let long = suite.send("PUT", &path, json!({"content": "x".repeat(2 * 1024 * 1024 + 1)})).await;
    assert_eq!((long.status.as_u16(), long.json()["field"].as_str()), (413, Some("content")));
    for html in ["<div>".repeat(1000), "<br>".repeat(200_000), format!("<a {}>", "x ".repeat(5000))] {
        let answer = suite.send("PUT", &path, json!({"content_html": html})).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["field"].as_str()),
            (400, Some("content")),
            "{}",
            &html[..20]
        );
    }
    assert_eq!(suite.json(&path).await["content"], "x", "nothing was lost");
    let table = format!("|a|b|\n|-|-|\n{}", "|1|2|\n".repeat(5000));
    for text in [
        "<script>alert(1)</script>[x](javascript:alert(1))![y](data:text/html,z)<svg onload=alert(1)>"
            .to_owned(),
        "[x](JaVaScRiPt:alert(1)) <a href=\"&#106;avascript:alert(1)\">y</a> <iframe srcdoc=z></iframe>"
            .to_owned(),
        table,
        "nul\0 and \r\n line ends \u{feff}".to_owned(),
        ">".repeat(5000),
        "[".repeat(5000),
        "*a ".repeat(5000),
    ] {
        let saved = suite.send("PUT", &path, json!({"content": text})).await;
        assert!([200, 400].contains(&saved.status.as_u16()), "{}: {}", &text[..20], saved.text());
        let html = suite.json(&path).await["content_html"].as_str().unwrap().to_lowercase();
        // As the text of a link that is none they may stand there.
        for act in ["<script", "=\"javascript:", "=\"data:", "onload=", "<iframe", "<svg"] {
            assert!(!html.contains(act), "{act} in {html}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_folder_of_ten_thousand_is_listed(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let rows: Vec<Value> = std::iter::once(json!({"path": "Many", "is_folder": true}))
        .chain((0..10_000).map(|n| json!({"path": format!("Many/note {n}"), "content": "x"})))
        .collect();
    let file = serde_json::to_vec(&rows).unwrap();
    let admin = hivematrix_shared::auth::PermissionLevel::Admin;
    let imported = suite.form(admin, "/admin/import", "file", Some("many.json"), &file).await;
    assert_eq!(
        (imported.status.as_u16(), imported.json()["created"].as_u64()),
        (200, Some(10_001)),
        "{}",
        imported.text()
    );
    let id = suite.id_at("/Many").await;
    let listing = suite.json(&format!("/api/node/{id}/browse")).await;
    let children = listing["children"].as_array().unwrap();
    assert_eq!(
        (children.len(), children[9999]["name"].as_str()),
        (10_000, Some("note 9999")),
        "numbers by their value"
    );
    let moved = suite.folder("root", "Elsewhere").await;
    assert_eq!(
        suite.send("POST", &format!("/api/node/{id}/move"), json!({"new_parent_id": moved})).await.status,
        200
    );
    assert_eq!(suite.send("DELETE", &format!("/api/node/{id}"), Value::Null).await.status, 200);
    assert_eq!(suite.json("/api/trash").await["items"][0]["items"], 10_001);
}
