//! Archived invoices by mail, with a mail server that the tests play.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::support::{Company, Suite};

/// What a mail server was told, line by line.
#[derive(Clone, Default)]
struct Post(Arc<Mutex<Vec<String>>>);

impl Post {
    /// Its port.
    async fn open(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let post = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(post.clone().talk(stream));
            }
        });
        port
    }

    async fn talk(self, stream: TcpStream) {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        writing.write_all(b"220 post.test\r\n").await.unwrap();
        let mut in_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap().push(line.clone());
            let answer = match line.split(' ').next().unwrap() {
                "." if in_data => {
                    in_data = false;
                    "250 taken"
                }
                _ if in_data => continue,
                "EHLO" => "250-post.test\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 welcome",
                "RCPT" if line.contains("nobody@") => "550 no such mailbox",
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            if writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn told(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

async fn suite(pool: PgPool, post: &Post, host: &str) -> Suite {
    let port = post.open().await.to_string();
    let suite = Suite::start_with(
        pool,
        &[
            "--smtp-host",
            host,
            "--smtp-port",
            &port,
            "--smtp-security",
            "none",
            "--smtp-user",
            "billing",
            "--smtp-password",
            "hunter2",
            "--smtp-from",
            "Example Billing <billing@example.test>",
        ],
    )
    .await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    suite
}

const PATH: &str = "/archive/api/snapshot/1001-202506/mails";

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_invoice_goes_out_with_its_pdf_and_that_is_noted(pool: PgPool) {
    let post = Post::default();
    let suite = suite(pool.clone(), &post, "127.0.0.1").await;
    assert_eq!(suite.json("/api/settings").await["settings"]["has_mail_server"], json!(true));
    let to = "books@harbor.test; owner@harbor.test";
    let answer = suite.send("POST", PATH, json!({"to": to})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({"message": "Sent to books@harbor.test, owner@harbor.test"}));
    let told = post.told();
    for part in [
        // "\0billing\0hunter2"
        "AUTH PLAIN AGJpbGxpbmcAaHVudGVyMg==",
        "MAIL FROM:<billing@example.test>",
        "RCPT TO:<books@harbor.test>",
        "RCPT TO:<owner@harbor.test>",
        "From: \"Example Billing\" <billing@example.test>",
        "Subject: Invoice 1001-202506 for June 2025",
        "Please find attached invoice 1001-202506 for June 2025.",
        "Total: $234.49",
        "Content-Disposition: attachment; filename=\"1001-202506.pdf\"",
        "Content-Type: application/pdf",
        // "%PDF-"
        "JVBERi0",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let noted = suite.json(PATH).await;
    assert_eq!(
        noted["mails"],
        json!([{"sent_at": "2025-07-15T12:00:00Z", "sent_by": noted["mails"][0]["sent_by"],
            "recipients": "books@harbor.test, owner@harbor.test"}])
    );
    let page = suite.client.get("/archive/invoice/1001-202506").header("accept", "text/html");
    let token = suite.identity.user_token(hivematrix_shared::auth::PermissionLevel::Billing);
    let page = page.bearer(token).send().await.text();
    assert!(
        page.contains("id=\"mail-form\"") && page.contains("value=\"books@harbor.test, owner@harbor.test\"")
    );
    assert!(page.contains("id=\"mails-title\"") && !page.contains("mailto:"));
    let change = sqlx::query("delete from document_mails").execute(&pool).await;
    assert!(change.unwrap_err().to_string().contains("never changed"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_the_mail_server_refuses_is_told_and_not_noted(pool: PgPool) {
    let post = Post::default();
    let suite = suite(pool, &post, "127.0.0.1").await;
    for (body, status, words) in [
        (json!({}), 400, "to is needed"),
        (json!({"to": " , "}), 400, "1 to 20 addresses"),
        (json!({"to": "nonsense"}), 400, "nonsense is no mail address"),
        (json!({"to": "a@b.test\nBcc: c@d.test"}), 400, "must not contain line breaks"),
        (json!({"to": "nobody@harbor.test"}), 502, "no such mailbox"),
    ] {
        let answer = suite.send("POST", PATH, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(words), "{body}: {}", answer.text());
    }
    let missing = suite.send("POST", "/archive/api/snapshot/1/mails", json!({"to": "a@b.test"})).await;
    assert_eq!(missing.status, 404);
    assert_eq!(suite.json(PATH).await["mails"], json!([]));
    assert!(!post.told().contains("DATA"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn no_password_goes_over_the_network_in_the_clear_and_nothing_goes_without_a_server(pool: PgPool) {
    let post = Post::default();
    let far = suite(pool.clone(), &post, "mail.example.test").await;
    let refused = far.send("POST", PATH, json!({"to": "a@b.test"})).await;
    assert_eq!((refused.status.as_u16(), post.told()), (409, String::new()));
    let none = far.second();
    let refused = none.send("POST", PATH, json!({"to": "a@b.test"})).await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["error"], Value::from("No mail server is set"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_second_click_sends_nothing_and_nobody_sends_without_end(pool: PgPool) {
    let post = Post::default();
    let suite = suite(pool.clone(), &post, "127.0.0.1").await;
    let to = |address: &str| json!({"to": address});
    let (one, two) = tokio::join!(
        suite.send("POST", PATH, to("books@harbor.test")),
        suite.send("POST", PATH, to("books@harbor.test"))
    );
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    let again = suite.send("POST", PATH, to("books@harbor.test")).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("less than a minute ago"), "{}", again.text());
    assert_eq!(suite.send("POST", PATH, to("owner@harbor.test")).await.status, 200, "others may have it");
    suite.at("2025-07-15T12:01:01Z");
    assert_eq!(suite.send("POST", PATH, to("books@harbor.test")).await.status, 200);

    let by = suite.json(PATH).await["mails"][0]["sent_by"].as_str().unwrap().to_owned();
    sqlx::query(
        "insert into document_mails (document, sent_at, sent_by, recipients)
         select 'x', '2025-07-15T11:30:00Z', $1, 'x@x.test' from generate_series(1, 57)",
    )
    .bind(by)
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(suite.send("POST", PATH, to("third@harbor.test")).await.status, 429);
    suite.at("2025-07-15T13:30:00Z");
    assert_eq!(suite.send("POST", PATH, to("third@harbor.test")).await.status, 200);
}
