//! What people wrote, out and in again.

use std::io::{Cursor, Read as _, Write as _};

use hivematrix_shared::{auth::PermissionLevel::Admin, testing::TestResponse};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

async fn import(suite: &Suite, name: &str, file: &[u8]) -> TestResponse {
    suite.form(Admin, "/admin/import", "file", Some(name), file).await
}

/// Some notes, one of them below a folder of the sync.
async fn notes(suite: &Suite) {
    suite.companies().await;
    let docs = suite.folder("root", "Docs: a/b?".replace('/', "_").as_str()).await;
    suite.made(json!({"parent_id": docs, "name": "Scripts", "is_folder": true, "is_attached": true})).await;
    suite.article(&docs, "How to", "# One\n\ntext\n").await;
    suite
        .made(json!({"parent_id": docs, "name": "Html", "content": "<p>a</p>", "content_format": "html"}))
        .await;
    let acme = suite.id_at("/Companies/Acme Corp").await;
    suite.article(&acme, "Our note", "of ours").await;
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_export_has_what_people_wrote_and_comes_back_whole(pool: PgPool) {
    let suite = Suite::start(pool).await;
    notes(&suite).await;
    let export = suite.as_admin("GET", "/admin/export", Value::Null).await;
    assert_eq!(export.status, 200, "{}", export.text());
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"knowledgetree_export.json\"");
    let rows = export.json();
    let row = |path: &str| {
        rows.as_array().unwrap().iter().find(|row| row["path"] == path).cloned().unwrap_or_default()
    };
    assert_eq!(row("Docs: a_b?/How to")["content"], "# One\n\ntext\n");
    assert_eq!(row("Docs: a_b?/Html")["content_format"], "html");
    assert_eq!(row("Docs: a_b?/Scripts")["is_attached"], true);
    assert_eq!(row("Companies/Acme Corp")["reference"], true, "{rows}");
    assert_eq!(row("Companies/Acme Corp/Our note")["content"], "of ours");
    assert_eq!(row("Companies/Acme Corp/Jane Doe.md"), Value::Null, "the sync's own is not exported");

    let again = import(&suite, "x.json", &export.body).await.json();
    assert_eq!(
        (again["success"].as_bool(), again["message"].as_str()),
        (Some(true), Some("Import successful.")),
        "{again}"
    );
    assert_eq!(
        (again["created"].as_u64(), again["updated"].as_u64()),
        (Some(0), Some(0)),
        "it was so already"
    );
    // Gone, but for the company.
    let docs = suite.id_at("/Docs: a_b?").await;
    suite.send("DELETE", &format!("/api/node/{docs}"), Value::Null).await;
    let again = import(&suite, "x.json", &export.body).await.json();
    assert_eq!(again["created"].as_u64(), Some(4), "{again}");
    let html = suite.id_at("/Docs: a_b?/Html").await;
    assert_eq!(suite.json(&format!("/api/node/{html}")).await["content_format"], "html");
    // Into an empty tree: the company must be there.
    suite.as_admin("POST", "/admin/wipe", Value::Null).await;
    let refused = import(&suite, "x.json", &export.body).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(suite.json("/api/browse").await["categories"], json!([]), "all or nothing");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_folder_of_markdown_goes_out_and_comes_back(pool: PgPool) {
    let suite = Suite::start(pool).await;
    notes(&suite).await;
    let export = suite.as_admin("GET", "/admin/export?format=zip", Value::Null).await;
    assert_eq!((export.status.as_u16(), export.header("content-type")), (200, "application/zip"));
    let mut archive = zip::ZipArchive::new(Cursor::new(export.body.clone())).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let how_to = names.iter().find(|name| name.ends_with("How to.md")).unwrap_or_else(|| panic!("{names:?}"));
    let mut text = String::new();
    archive.by_name(how_to).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("# One\n\ntext\n"), "{text}");
    let docs = suite.id_at("/Docs: a_b?").await;
    suite.send("DELETE", &format!("/api/node/{docs}"), Value::Null).await;
    let report = import(&suite, "x.zip", &export.body).await;
    assert_eq!(
        (report.status.as_u16(), report.json()["created"].as_u64()),
        (200, Some(4)),
        "{}",
        report.text()
    );
    let scripts = suite.id_at("/Docs: a_b?/Scripts").await;
    assert_eq!(suite.json(&format!("/api/node/{scripts}")).await["is_attached"], true);
    assert_eq!(
        suite.as_admin("GET", "/admin/export?format=doc", Value::Null).await.json()["field"],
        "format"
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_import_that_is_wrong_says_where_and_changes_nothing(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.companies().await;
    let good = json!({"path": "Good", "is_folder": true});
    for (file, part) in [
        (b"{}".to_vec(), "list"),
        (b"[".to_vec(), ""),
        (serde_json::to_vec(&json!([good, {"path": ""}])).unwrap(), "Entry 2"),
        (serde_json::to_vec(&json!([good, {"path": "a/../b"}])).unwrap(), "Entry 2"),
        (serde_json::to_vec(&json!([good, {"path": "Good"}])).unwrap(), "same path"),
        (serde_json::to_vec(&json!([good, {"path": "x", "is_folder": "perhaps"}])).unwrap(), "is_folder"),
        (serde_json::to_vec(&json!([good, {"path": "Nowhere/x", "content": "y"}])).unwrap(), "Nowhere"),
        (serde_json::to_vec(&json!([good, {"path": "x", "version": 99}])).unwrap(), "99"),
    ] {
        let answer = import(&suite, "x.json", &file).await;
        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(
            answer.status == 400 && error.contains(part),
            "{}: {}",
            String::from_utf8_lossy(&file),
            answer.text()
        );
    }
    let protected = json!([good, {"path": "Companies/Acme Corp/Jane Doe.md", "content": "mine"}]);
    let protected = import(&suite, "x.json", &serde_json::to_vec(&protected).unwrap()).await;
    assert_eq!(
        (protected.status.as_u16(), protected.json()["error"].as_str()),
        (403, Some("Node is read-only"))
    );
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    out.start_file("../../etc/cron.d/x.md", zip::write::SimpleFileOptions::default()).unwrap();
    out.write_all(b"x").unwrap();
    let out = out.finish().unwrap().into_inner();
    let out = import(&suite, "x.zip", &out).await;
    assert_eq!(out.status, 400, "{}", out.text());
    let mut bomb = zip::ZipWriter::new(Cursor::new(Vec::new()));
    bomb.start_file("bomb.md", zip::write::SimpleFileOptions::default()).unwrap();
    for _ in 0..64 {
        bomb.write_all(&vec![b'x'; 1024 * 1024]).unwrap();
    }
    let bomb = import(&suite, "x.zip", &bomb.finish().unwrap().into_inner()).await;
    assert!([400, 413].contains(&bomb.status.as_u16()), "{}", bomb.text());
    let no_file = suite.form(Admin, "/admin/import", "other", Some("x"), b"[]").await;
    assert_eq!((no_file.status.as_u16(), no_file.json()["error"].as_str()), (400, Some("No file part")));
    assert_eq!(import(&suite, "", b"[]").await.json()["error"], "No file selected");
    assert_eq!(suite.get("/api/browse?path=/Good").await.status, 404, "nothing has changed");
}
