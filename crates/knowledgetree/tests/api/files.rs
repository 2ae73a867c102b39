//! Files: up, down, away.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use hivematrix_shared::auth::PermissionLevel::Technician;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Suite;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR-and-the-rest";

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_file_is_kept_by_its_hash_and_handed_out_with_harmless_headers(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let answer = suite.upload(&format!("/api/upload/{id}"), "../../Öl bild.PNG", PNG).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((answer["success"].as_bool(), answer["filename"].as_str()), (Some(true), Some("Ol_bild.PNG")));
    let file_id = answer["file_id"].as_str().unwrap();
    let node = suite.json(&format!("/api/node/{id}")).await;
    let file = &node["files"][0];
    assert_eq!(file["filename"], format!("{file_id}.png"));
    assert_eq!(
        (file["original_filename"].as_str(), file["size"].as_u64()),
        (Some("Ol_bild.PNG"), Some(PNG.len() as u64))
    );
    assert_eq!((file["content_type"].as_str(), file["is_shown"].as_bool()), (Some("image/png"), Some(true)));
    assert_eq!(file["uploaded_by"], "technician@example.test");
    let url = file["url"].as_str().unwrap();
    assert_eq!(url, format!("/uploads/{file_id}.png"));
    let token = suite.identity.user_token(Technician);
    let behind = suite
        .client
        .get(&format!("/api/node/{id}"))
        .bearer(&token)
        .header("x-forwarded-prefix", "/knowledgetree");
    assert_eq!(behind.send().await.json()["files"][0]["url"], format!("/knowledgetree{url}"));

    let down = suite.get(url).await;
    assert_eq!((down.status.as_u16(), &*down.body), (200, PNG));
    assert_eq!(down.header("content-type"), "image/png");
    assert_eq!(down.header("content-disposition"), "inline; filename=\"Ol_bild.PNG\"");
    assert_eq!(down.header("x-content-type-options"), "nosniff");
    assert!(down.header("content-security-policy").contains("default-src 'none'"));
    assert!(down.header("content-security-policy").contains("sandbox"));
    assert_eq!(down.header("cache-control"), "private, no-cache");
    let again =
        suite.client.get(url).bearer(&token).header("if-none-match", down.header("etag")).send().await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));

    let [path] = &suite.bytes_on_disk()[..] else { panic!("{:?}", suite.bytes_on_disk()) };
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(down.header("etag"), format!("\"{name}\""), "the hash is the name");
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    for folder in path.ancestors().skip(1).take(2) {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn only_what_is_harmless_is_shown_and_scripts_are_only_saved(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let script = b"<?xml version=\"1.0\"?><x xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:script>alert(1)</h:script></x>";
    for (name, bytes, way, kind) in [
        ("a.xml", &script[..], "attachment", "application/xml"),
        ("a.md", b"<script>alert(1)</script>", "attachment", "text/markdown; charset=utf-8"),
        ("a.txt", b"<script>alert(1)</script>", "inline", "text/plain; charset=utf-8"),
        ("a.csv", b"a,b", "attachment", "text/csv; charset=utf-8"),
        ("a.pdf", b"%PDF-1.4 and so on", "inline", "application/pdf"),
    ] {
        let up = suite.upload(&format!("/api/node/{id}/upload"), name, bytes).await;
        assert_eq!(up.status, 200, "{name}: {}", up.text());
        let ending = name.split('.').next_back().unwrap();
        let down = suite.get(&format!("/uploads/{}.{ending}", up.json()["file_id"].as_str().unwrap())).await;
        assert_eq!(down.header("content-type"), kind);
        assert_eq!(down.header("content-disposition"), format!("{way}; filename=\"{name}\""));
        assert!(down.header("content-security-policy").starts_with("default-src 'none'"), "{name}");
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_is_no_file_of_ours_is_refused_in_upstreams_words_and_leaves_nothing(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let path = format!("/api/upload/{id}");
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0 bomb";
    for (part, name, bytes, status, error) in [
        ("other", Some("a.txt"), &b"x"[..], 400, "No file part"),
        ("file", None, b"x", 400, "No file part"),
        ("file", Some(""), b"x", 400, "No file selected"),
        ("file", Some("..."), b"x", 400, "Invalid filename"),
        ("file", Some("日本"), b"x", 400, "Invalid filename"),
        ("file", Some("a.exe"), b"MZ", 400, "File type not allowed"),
        ("file", Some("a.html"), b"<p>", 400, "File type not allowed"),
        ("file", Some("a.svg"), b"<svg/>", 400, "File type not allowed"),
        ("file", Some("a.png.zip"), zip, 400, "File type not allowed"),
        ("file", Some("noending"), b"x", 400, "File type not allowed"),
        ("file", Some("bomb.png"), zip, 400, "File content does not match its type"),
        ("file", Some("page.pdf"), b"<html><script>", 400, "File content does not match its type"),
        ("file", Some("a.txt"), b"\x7fELF\0\0\x01", 400, "File content does not match its type"),
        ("file", Some("a.docx"), zip, 400, "File content does not match its type"),
    ] {
        let answer = suite.form(Technician, &path, part, name, bytes).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{part} {name:?}"
        );
    }
    let missing = suite.upload("/api/upload/nowhere", "a.txt", b"x").await;
    assert_eq!((missing.status.as_u16(), missing.json()["error"].as_str()), (404, Some("Node not found")));
    // The size is told before the item.
    let large = vec![b'x'; 50 * 1024 * 1024 + 1];
    for path in [&*path, "/api/upload/nowhere"] {
        let answer = suite.form(Technician, path, "file", Some("a.txt"), &large).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (413, Some("File too large (max 50MB)")),
            "{path}"
        );
    }
    let token = suite.identity.user_token(Technician);
    let no_form = suite.client.post(&path).bearer(&token).json(&json!({"file": "x"})).send().await;
    assert_eq!((no_form.status.as_u16(), no_form.json()["error"].as_str()), (415, Some("No file part")));
    let cut =
        b"--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf of".to_vec();
    let cut =
        suite.client.post(&path).bearer(&token).body("multipart/form-data; boundary=cut", cut).send().await;
    assert_eq!(cut.status, 400, "{}", cut.text());
    assert_eq!(suite.bytes_on_disk(), [] as [std::path::PathBuf; 0], "no draft stays either");
    assert_eq!(suite.json(&format!("/api/node/{id}")).await["files"], json!([]));
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_file_of_the_largest_size_is_taken(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let largest = vec![b'x'; 50 * 1024 * 1024];
    let answer = suite.upload(&format!("/api/upload/{id}"), "a.txt", &largest).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_words_of_files_are_found(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let path = format!("/api/upload/{id}");
    assert_eq!(suite.upload(&path, "plan.csv", b"switch,hummingbird\nport,7").await.status, 200);
    assert_eq!(suite.upload(&path, "scan.pdf", &pdf("kingfisher in a document")).await.status, 200);
    for (word, name) in [("hummingbird", "plan.csv"), ("kingfisher", "scan.pdf")] {
        let found = suite.json(&format!("/api/search?query={word}")).await;
        assert_eq!(
            (found[0]["id"].as_str(), found[0]["file"]["name"].as_str()),
            (Some(&*id), Some(name)),
            "{found}"
        );
    }
    // A PDF that only looks like one is kept, without words.
    assert_eq!(suite.upload(&path, "broken.pdf", b"%PDF-1.4\nnothing of this is true").await.status, 200);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_removed_file_is_gone_and_its_bytes_where_nobody_else_has_them(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let (a, b) = (suite.article("root", "a", "x").await, suite.article("root", "b", "x").await);
    let one = suite.upload(&format!("/api/upload/{a}"), "a.txt", b"same").await.json();
    let two = suite.upload(&format!("/api/upload/{b}"), "b.txt", b"same").await.json();
    let remove = async |file: &Value| {
        suite.send("DELETE", &format!("/api/files/{}", file["file_id"].as_str().unwrap()), Value::Null).await
    };
    assert_eq!(remove(&one).await.json(), json!({"success": true}));
    assert_eq!(suite.get(&format!("/uploads/{}.txt", one["file_id"].as_str().unwrap())).await.status, 404);
    assert_eq!(suite.get(&format!("/uploads/{}.txt", two["file_id"].as_str().unwrap())).await.body, b"same");
    assert_eq!(suite.bytes_on_disk().len(), 1);
    assert_eq!(remove(&two).await.status, 200);
    assert_eq!(suite.bytes_on_disk().len(), 0);
    let gone = remove(&two).await;
    assert_eq!((gone.status.as_u16(), gone.json()["error"].as_str()), (404, Some("File not found")));
    for name in ["..%2F..%2Fetc%2Fpasswd", "tmp", "%00", "x.png", "..", &"x".repeat(3000)] {
        let answer = suite.get(&format!("/uploads/{name}")).await;
        assert_eq!(answer.status, 404, "{name}");
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn bytes_that_come_while_the_same_go_are_kept(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    let path = format!("/api/upload/{id}");
    let mut kept = suite.upload(&path, "a.txt", b"the same bytes").await.json();
    for round in 0..20 {
        let gone = format!("/api/files/{}", kept["file_id"].as_str().unwrap());
        let (removed, uploaded) = futures::join!(
            suite.send("DELETE", &gone, Value::Null),
            suite.upload(&path, "a.txt", b"the same bytes")
        );
        assert_eq!((removed.status.as_u16(), uploaded.status.as_u16()), (200, 200));
        kept = uploaded.json();
        let down = suite.get(&format!("/uploads/{}.txt", kept["file_id"].as_str().unwrap())).await;
        assert_eq!((down.status.as_u16(), &*down.body), (200, &b"the same bytes"[..]), "round {round}");
    }
    assert_eq!(suite.bytes_on_disk().len(), 1, "and nothing else is left");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_an_ended_process_left_behind_is_cleared_away(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    suite.upload(&format!("/api/upload/{id}"), "a.txt", b"kept").await;
    let [kept] = &suite.bytes_on_disk()[..] else { panic!("one") };
    // Bytes without a record, bytes of a record put aside, and a draft.
    let uploads = suite.uploads();
    let unused = "0".repeat(64);
    fs::create_dir_all(uploads.join("00")).unwrap();
    fs::write(uploads.join("00").join(&unused), b"x").unwrap();
    let hash = kept.file_name().unwrap().to_str().unwrap();
    fs::rename(kept, uploads.join(format!("tmp/removed-{hash}.1"))).unwrap();
    fs::write(uploads.join("tmp/draft"), b"half").unwrap();
    let (files, store) = (&suite.tree.files, suite.tree.store.as_ref());
    assert_eq!(files.tidy(store, Duration::from_secs(3600)).await.unwrap(), 0, "all of it is young");
    assert_eq!(suite.bytes_on_disk().len(), 3);
    assert_eq!(files.tidy(store, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(suite.bytes_on_disk(), [kept.clone(), uploads.join("tmp/draft")], "a draft may be growing");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_wipe_takes_everything_and_says_so(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = suite.article("root", "note", "x").await;
    suite.upload(&format!("/api/upload/{id}"), "a.txt", b"bytes").await;
    fs::write(suite.uploads().join("0b1c.png"), b"of the original suite").unwrap();
    let wrong = suite.as_admin("POST", "/admin/wipe", json!({"confirm": "yes"})).await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["field"].as_str()), (400, Some("confirm")));
    assert_eq!(suite.bytes_on_disk().len(), 2);
    let wiped = suite.as_admin("POST", "/admin/wipe", json!({"confirm": "YES"})).await;
    assert_eq!(wiped.json(), json!({"success": true, "message": "Database wiped and re-initialized."}));
    assert_eq!(suite.get(&format!("/api/node/{id}")).await.status, 404);
    assert_eq!(suite.json("/api/node/root").await["content"], "# Welcome to KnowledgeTree");
    assert_eq!(suite.bytes_on_disk().len(), 0);
    // Upstream's scripts send no body.
    assert_eq!(suite.as_admin("POST", "/admin/wipe", Value::Null).await.status, 200);
}

/// A PDF of one line.
fn pdf(line: &str) -> Vec<u8> {
    let stream = format!("BT /F1 12 Tf 20 100 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}
