//! Who may do what (knowledgetree.md §16 W2, platform.md §8).

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn everybody_with_a_token_reads_and_only_editors_write(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let folder = suite.folder("root", "A").await;
    let id = suite.article(&folder, "note", "x").await;
    let reads = [
        "/api/search?query=note".to_owned(),
        "/api/browse".to_owned(),
        format!("/api/browse/{folder}"),
        format!("/api/node/{id}"),
        format!("/api/node/{folder}/children"),
        format!("/api/node/{folder}/browse"),
        format!("/api/node/{id}/path"),
        format!("/api/node/{id}/back-links"),
        "/api/folders/tree".to_owned(),
        format!("/api/context/{id}"),
        format!("/api/context/tree/{id}"),
        format!("/api/node/{id}/context-tree"),
        "/api/context/ticket/7".to_owned(),
        "/api/context/company/7".to_owned(),
        "/api/context/ticket/7/text".to_owned(),
        "/api/context/company/7/text".to_owned(),
    ];
    let alone = suite.identity.service_token("brainhair", "knowledgetree");
    for path in &reads {
        assert_eq!(suite.client.get(path).send().await.status, 401, "{path}");
        for level in [Client, Billing, Technician, Admin] {
            assert_eq!(suite.as_level(level, "GET", path, Value::Null).await.status, 200, "{level} {path}");
        }
        assert_eq!(suite.by(&alone, "GET", path, Value::Null).await.status, 200, "service {path}");
    }
    // What only calculates is a read, whatever its method.
    for (path, body) in [
        (format!("/api/context/{id}"), json!({"excluded_ids": []})),
        (format!("/api/node/{id}/context"), json!({})),
        (format!("/api/context/subtree/{id}"), json!({})),
        ("/api/content/preview".to_owned(), json!({"content": "x"})),
        ("/api/content/convert".to_owned(), json!({"content": "x", "from": "markdown", "to": "html"})),
    ] {
        assert_eq!(suite.as_level(Client, "POST", &path, body.clone()).await.status, 200, "{path}");
        assert_eq!(suite.by(&alone, "POST", &path, body).await.status, 200, "service {path}");
    }
    let writes = [
        ("POST", "/api/node".to_owned()),
        ("PUT", format!("/api/node/{id}")),
        ("DELETE", format!("/api/node/{id}")),
        ("POST", format!("/api/node/{id}/move")),
        ("POST", format!("/api/node/{id}/copy")),
        ("POST", format!("/api/upload/{id}")),
        ("POST", format!("/api/node/{id}/upload")),
        ("DELETE", "/api/files/x".to_owned()),
        ("POST", format!("/api/context/ticket/7/{id}")),
        ("DELETE", format!("/api/context/ticket/7/{id}")),
        ("POST", format!("/api/context/company/7/{id}")),
        ("DELETE", format!("/api/context/company/7/{id}")),
        ("POST", format!("/api/node/{id}/versions/1/restore")),
        ("POST", "/api/trash/x/restore".to_owned()),
    ];
    let admin_only = [
        ("DELETE", "/api/trash/x".to_owned()),
        ("POST", "/admin/wipe".to_owned()),
        ("POST", "/admin/import".to_owned()),
    ];
    for (method, path) in writes.iter().chain(&admin_only) {
        assert_eq!(suite.client.request(method.parse().unwrap(), path).send().await.status, 401, "{path}");
        for level in [Client, Billing] {
            assert_eq!(
                suite.as_level(level, method, path, Value::Null).await.status,
                403,
                "{level} {method} {path}"
            );
        }
        assert_eq!(suite.by(&alone, method, path, Value::Null).await.status, 403, "service {method} {path}");
        let acting = suite.identity.service_token_on_behalf("brainhair", "knowledgetree", Billing);
        assert_eq!(
            suite.by(&acting, method, path, Value::Null).await.status,
            403,
            "for billing {method} {path}"
        );
    }
    for (method, path) in &admin_only {
        assert_eq!(
            suite.as_level(Technician, method, path, Value::Null).await.status,
            403,
            "{method} {path}"
        );
    }
    for (level, status) in [(Client, 403), (Billing, 403), (Technician, 403), (Admin, 200)] {
        assert_eq!(
            suite.as_level(level, "GET", "/admin/export", Value::Null).await.status,
            status,
            "{level}"
        );
    }
    assert_eq!(suite.json(&format!("/api/node/{id}")).await["version"], 1, "nothing has changed");
    // A service has the rights of the person it acts for.
    let acting = suite.identity.service_token_on_behalf("brainhair", "knowledgetree", Technician);
    let made = suite
        .by(&acting, "POST", "/api/node", json!({"parent_id": "root", "name": "by the assistant"}))
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let made = suite.json(&format!("/api/node/{}", made.json()["id"].as_str().unwrap())).await;
    assert_eq!(made["created_by"], "technician@example.test");
    let elsewhere = suite.identity.service_token("brainhair", "codex");
    assert_eq!(
        suite.by(&elsewhere, "GET", "/api/browse", Value::Null).await.status,
        401,
        "meant for another service"
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn for_a_client_companies_do_not_exist(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let (companies, acme) = (suite.id_at("/Companies").await, suite.id_at("/Companies/Acme Corp").await);
    let card = suite.id_at("/Companies/Acme Corp/Jane Doe.md").await;
    let open = suite.article("root", "Open", "zephyr").await;
    suite.article("root", "Links", "x").await;
    let linking = suite.article(&acme, "Inner", &format!("[x](/view/{open})")).await;
    suite.send("POST", &format!("/api/context/ticket/7/{card}"), Value::Null).await;
    let file = suite.upload(&format!("/api/upload/{card}"), "secret.txt", b"zephyr").await.json();
    let stored = format!("/uploads/{}.txt", file["file_id"].as_str().unwrap());
    let client = async |path: &str| suite.as_level(Client, "GET", path, Value::Null).await;
    for id in [&companies, &acme, &card, &linking] {
        for path in [
            format!("/api/node/{id}"),
            format!("/api/browse/{id}"),
            format!("/api/node/{id}/children"),
            format!("/api/node/{id}/browse"),
            format!("/api/node/{id}/path"),
            format!("/api/node/{id}/back-links"),
            format!("/api/context/{id}"),
            format!("/api/context/tree/{id}"),
        ] {
            assert_eq!(client(&path).await.status, 404, "{path}");
        }
    }
    assert_eq!(client("/api/browse?path=/Companies").await.status, 404);
    assert_eq!(client("/api/browse").await.json()["categories"], json!([]));
    assert_eq!(client("/api/folders/tree").await.json()["children"], json!([]));
    let found = client("/api/search?query=zephyr&include_folders=true").await.json();
    assert_eq!((found.as_array().unwrap().len(), found[0]["id"].as_str()), (1, Some(&*open)));
    assert_eq!(client("/api/context/ticket/7").await.json()["items"], json!([]));
    assert_eq!(client("/api/context/company/1").await.json()["items"], json!([]));
    assert_eq!(client("/api/context/company/1/text").await.json()["context"], "");
    assert_eq!(client(&format!("/api/node/{open}/back-links")).await.json()["back_links"], json!([]));
    assert_eq!(client(&stored).await.status, 404);
    assert_eq!(suite.get(&stored).await.status, 200);
    // Nor who wrote what.
    let node = client(&format!("/api/node/{open}")).await.json();
    assert_eq!((node["created_by"].clone(), node["updated_by"].clone()), (Value::Null, Value::Null));
    for path in [
        format!("/api/node/{open}/versions"),
        format!("/api/node/{open}/versions/1"),
        "/api/trash".to_owned(),
    ] {
        assert_eq!(client(&path).await.status, 403, "{path}");
        assert_eq!(suite.as_level(Billing, "GET", &path, Value::Null).await.status, 200, "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_page_of_somebody_else_writes_nothing_with_our_cookie(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let cookie = format!("access_token={}", suite.identity.user_token(Admin));
    for (site, status) in
        [(Some("cross-site"), 401), (Some("same-site"), 401), (None, 401), (Some("same-origin"), 200)]
    {
        let request = suite.client.post("/api/node").header("cookie", &cookie);
        let request = match site {
            Some(site) => request.header("sec-fetch-site", site),
            None => request,
        };
        let answer = request.json(&json!({"parent_id": "root", "name": "x"})).send().await;
        assert_eq!(answer.status, status, "{site:?}");
        let request = suite.client.post("/admin/wipe").header("cookie", &cookie);
        let request = match site {
            Some(site) => request.header("sec-fetch-site", site),
            None => request,
        };
        // Ours too must say that it is meant.
        assert_eq!(request.send().await.status, if status == 200 { 400 } else { 401 }, "{site:?}");
    }
    // A form of another site, by way of the gateway, which adds the bearer header.
    let token = suite.identity.user_token(Admin);
    let form = suite.client.post("/admin/wipe").bearer(&token).header("sec-fetch-site", "cross-site");
    assert_eq!(form.form(&[("confirm", "YES")]).send().await.status, 415);
    let empty = suite.client.post("/admin/wipe").bearer(&token).header("origin", "https://evil.example");
    assert_eq!(empty.send().await.status, 400);
    assert!(suite.json("/api/browse?path=/x").await["current_node"]["id"].is_string(), "it is still there");
}
