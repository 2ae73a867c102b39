//! Events that vendors report (codex-api.md §9).

use hivematrix_shared::testing::TestResponse;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{NOW, World};

const SECRET: &str = "a \"long\" secret";
const FRESHSERVICE: &str = "/webhooks/freshservice/ticket";

fn world(pool: PgPool) -> World {
    with(pool, &[])
}

fn with(pool: PgPool, more: &[&str]) -> World {
    let mut arguments = vec!["--webhooks-enabled", "true", "--webhooks-secret", SECRET];
    arguments.extend(more);
    World::at(pool, NOW, &arguments)
}

async fn post(world: &World, path: &str, payload: &Value) -> TestResponse {
    world.client.post(path).header("x-webhook-secret", SECRET).json(payload).send().await
}

async fn report(world: &World, payload: Value) -> Value {
    let answer = post(world, FRESHSERVICE, &payload).await;
    assert!(answer.status.is_success(), "{payload}: {}", answer.text());
    answer.json()
}

/// The ticket as the database has it, without what only the clock decides.
async fn stored(world: &World, external_id: i64) -> Value {
    sqlx::query_scalar("select to_jsonb(t) from ticket_details t where external_id = $1")
        .bind(external_id)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

async fn a_company_and_a_ticket(world: &World) {
    world
        .sql(
            "insert into companies (account_number, name, external_id) values ('1', 'One', 901), ('2', 'Two', 902);
             insert into ticket_details (external_id, ticket_number, subject, description, status, status_id, priority,
                 priority_id, requester_id, requester_email, requester_name, responder_id, group_id, department_id,
                 company_account_number, created_at, last_updated_at, tags)
             values (500, '500', 'Printer', '<b>Jam</b>', 'open', 2, 'low', 1, 5, 'jo@x.example', 'Jo', 7, 8, 901, '1',
                 '2025-11-22T09:00:00Z', '2025-11-22T10:00:00Z', '[\"vip\"]')",
        )
        .await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_guards_stand_in_their_order(pool: PgPool) {
    let off = World::new(pool.clone());
    let no_secret = World::at(pool.clone(), NOW, &["--webhooks-enabled", "true"]);
    let blank = World::at(pool.clone(), NOW, &["--webhooks-enabled", "true", "--webhooks-secret", ""]);
    let narrow = with(pool.clone(), &["--webhooks-allowed-ips", "203.0.113.0/24"]);
    let open = world(pool);
    for (world, secret, status, error) in [
        (&off, Some(SECRET), 503, "Webhooks are disabled"),
        (&no_secret, Some(SECRET), 401, "Invalid webhook secret"),
        (&no_secret, Some(""), 401, "Invalid webhook secret"),
        (&blank, Some(""), 401, "Invalid webhook secret"),
        (&open, None, 401, "Invalid webhook secret"),
        (&open, Some("a \"long\" secreT"), 401, "Invalid webhook secret"),
        (&narrow, Some("wrong"), 401, "Invalid webhook secret"),
        (&narrow, Some(SECRET), 403, "IP address not allowed"),
    ] {
        for path in [FRESHSERVICE, "/webhooks/superops/ticket", "/webhooks/test"] {
            let mut request = world.client.post(path).body("application/json", b"not even JSON".to_vec());
            if let Some(secret) = secret {
                request = request.header("x-webhook-secret", secret);
            }
            let answer = request.send().await;
            assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{path}");
        }
    }
    let token = open.token(hivematrix_shared::auth::PermissionLevel::Admin);
    let no = open.client.post(FRESHSERVICE).bearer(token).json(&json!({"ticket_id": 1})).send().await;
    assert_eq!(no.status, StatusCode::UNAUTHORIZED, "a login is no secret");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_gateways_word_about_the_address_counts(pool: PgPool) {
    let narrow = with(pool, &["--webhooks-allowed-ips", "203.0.113.0/24, 198.51.100.7"]);
    let trial = async |forwarded: &str| {
        let request = narrow.client.post("/webhooks/test").header("x-webhook-secret", SECRET);
        request.header("x-forwarded-for", forwarded).json(&json!({})).send().await
    };
    let answer = trial("203.0.113.9").await;
    insta::assert_json_snapshot!(answer.json());
    // The last entry is the gateway's, whatever a stranger has put before it.
    assert_eq!(trial("203.0.113.9, 192.0.2.1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(trial("192.0.2.1, 198.51.100.7").await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn health_tells_how_it_is_set_up_and_no_secret(pool: PgPool) {
    let answer = world(pool).client.get("/webhooks/health").send().await;
    assert!(!answer.text().contains("long"));
    insta::assert_json_snapshot!(answer.json());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn bodies_that_are_no_events_are_refused(pool: PgPool) {
    let world = world(pool);
    for (body, error) in [
        (&b""[..], "not JSON"),
        (b"ticket_id=1", "not JSON"),
        (b"{\"ticket_id\": 1", "not JSON"),
        (b"\xff", "not JSON"),
        (b"{}", "Empty payload"),
        (b"[]", "Empty payload"),
        (b"{\"event\": \"ticket.updated\"}", "Missing ticket_id"),
        (b"{\"ticket_id\": \"{{ticket.id}}\"}", "ticket_id is not an id"),
        (b"{\"event\": \"ticket.exploded\"}", "Missing ticket_id"),
    ] {
        let request = world.client.post(FRESHSERVICE).header("x-webhook-secret", SECRET);
        let answer = request.body("application/json", body.to_vec()).send().await;
        let said = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(answer.status == StatusCode::BAD_REQUEST && said.contains(error), "{said}");
    }
    let large = vec![b' '; 1024 * 1024 + 1];
    let request = world.client.post(FRESHSERVICE).header("x-webhook-secret", SECRET);
    assert_eq!(request.body("application/json", large).send().await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let count: i64 =
        sqlx::query_scalar("select count(*) from ticket_details").fetch_one(&world.pool).await.unwrap();
    assert_eq!(count, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_event_of_another_kind_is_taken_and_changes_nothing(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let before = stored(&world, 500).await;
    for path in [FRESHSERVICE, "/webhooks/superops/ticket"] {
        for ticket in [500, 501] {
            let merged = json!({"ticket_id": ticket, "event": "ticket.merged", "status_id": 5});
            let answer = post(&world, path, &merged).await;
            assert_eq!(
                (answer.status, &answer.json()["status"]),
                (StatusCode::OK, &json!("ignored")),
                "{path}"
            );
            assert_eq!(answer.json()["reason"], "the event is of an unknown kind");
        }
    }
    assert_eq!(stored(&world, 500).await, before);
    let count: i64 =
        sqlx::query_scalar("select count(*) from ticket_details").fetch_one(&world.pool).await.unwrap();
    assert_eq!(count, 1);
    assert_eq!(world.get("/api/tickets/active").await.json()["last_sync_time"], json!(null));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn superops_may_report_what_names_no_ticket(pool: PgPool) {
    let world = world(pool);
    let path = "/webhooks/superops/ticket";
    for body in ["", "{}", "[]", "\"ping\"", "{\"ticket_id\": null}", "{\"event\": \"ticket.updated\"}"] {
        let request = world.client.post(path).header("x-webhook-secret", SECRET);
        let answer = request.body("application/json", body.into()).send().await;
        assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &json!("received")), "{body}");
        assert!(answer.json()["message"].is_string(), "{body}");
    }
    for body in ["{", "{\"ticket_id\": \"{{ticket.id}}\"}"] {
        let request = world.client.post(path).header("x-webhook-secret", SECRET);
        let answer = request.body("application/json", body.into()).send().await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_known_ticket_takes_what_is_told(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let answer = report(
        &world,
        json!({"event": "ticket.updated", "ticket_id": "500", "status_id": "9", "priority_id": "4",
            "subject": "{{ticket.subject}}", "responder_id": null, "group_id": "88", "department_id": "902",
            "updated_at": "2025-11-22T10:20:00Z", "unknown": "{{x}}"}),
    )
    .await;
    insta::assert_json_snapshot!("updated", answer);
    let ticket = stored(&world, 500).await;
    for (member, value) in [
        ("status", json!("waiting_customer")),
        ("priority", json!("urgent")),
        ("subject", json!("Printer")),
        ("description", json!("<b>Jam</b>")),
        ("responder_id", json!(null)),
        ("group_id", json!(88)),
        ("company_account_number", json!("2")),
        ("requester_name", json!("Jo")),
        ("tags", json!(["vip"])),
        ("last_updated_at", json!("2025-11-22T10:20:00+00:00")),
        ("webhook_updated_at", json!("2025-11-22T10:30:15+00:00")),
        ("detail_due_at", json!("2025-11-22T10:30:15+00:00")),
    ] {
        assert_eq!(ticket[member], value, "{member}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn late_and_repeated_events_change_nothing(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let close = json!({"ticket_id": 500, "status_id": 5, "updated_at": "2025-11-22T10:10:00Z"});
    assert_eq!(report(&world, close.clone()).await["changes"], json!(["status", "closed_at"]));
    let once = stored(&world, 500).await;
    world.clock.set(world.clock.now() + chrono::TimeDelta::minutes(5));
    assert_eq!(report(&world, close).await["changes"], json!([]));
    assert_eq!(stored(&world, 500).await, once, "the same event again");
    for late in [
        json!({"ticket_id": 500, "status_id": 2, "updated_at": "2025-11-22T10:09:59Z"}),
        json!({"ticket_id": 500, "event": "ticket.deleted", "updated_at": "2025-11-22T10:00:00Z"}),
        json!({"ticket_id": 500, "event": "ticket.created", "updated_at": "2025-11-22T09:00:00+00:00"}),
    ] {
        let answer = report(&world, late).await;
        assert_eq!((&answer["status"], answer["reason"].is_string()), (&json!("ignored"), true));
    }
    assert_eq!(stored(&world, 500).await, once);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_nobody_knew_is_created(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let answer = post(&world, FRESHSERVICE, &json!({"ticket_id": 501, "department_id": 901})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json(), json!({"status": "created", "ticket_id": 501, "provider": "freshservice"}));
    insta::assert_json_snapshot!("created", stored(&world, 501).await, { ".id" => "[id]" });
    let named = json!({"event": "ticket.created", "ticket_id": 501, "subject": "Now named"});
    let again = post(&world, FRESHSERVICE, &named).await;
    assert_eq!((again.status, &again.json()["changes"]), (StatusCode::OK, &json!(["subject"])));
    let superops =
        post(&world, "/webhooks/superops/ticket", &json!({"ticket_id": "500", "status_id": "On Hold"})).await;
    assert_eq!((superops.status, &superops.json()["provider"]), (StatusCode::CREATED, &json!("superops")));
    let sources: Vec<(String, String)> = sqlx::query_as(
        "select external_source, status from ticket_details where external_id = 500 order by 1",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let expected =
        [("freshservice", "open"), ("superops", "on_hold")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(sources, expected, "vendors do not touch each other's tickets");
}

/// SuperOps has no codes: 7 is no ticket in Freshservice's bin there, and the account's own words count.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn superops_is_understood_by_its_own_words(pool: PgPool) {
    let world = with(pool, &["--superops-status-map", "Parts Ordered=waiting_third_party"]);
    let report = async |status: Value| {
        let event = json!({"ticket_id": 500, "status_id": status});
        post(&world, "/webhooks/superops/ticket", &event).await.json()
    };
    assert_eq!(report(json!("Parts ordered")).await["status"], "created");
    let told = async || {
        let ticket = stored(&world, 500).await;
        (ticket["status"].clone(), ticket["status_id"].clone())
    };
    assert_eq!(told().await, (json!("waiting_third_party"), json!(10)));
    for number in [json!(7), json!("6"), json!(2), json!("Deleted")] {
        let answer = report(number.clone()).await;
        assert_eq!((&answer["status"], &answer["changes"]), (&json!("updated"), &json!([])), "{number}");
        assert_eq!(answer["ignored_fields"], json!(["status_id"]), "{number}");
        assert_eq!(told().await, (json!("waiting_third_party"), json!(10)), "{number}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_removed_ticket_stays_on_record(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let gone = json!({"event": "ticket.deleted", "ticket_id": 500});
    let expected =
        json!({"status": "deleted", "ticket_id": 500, "provider": "freshservice", "new_status": "deleted"});
    assert_eq!(report(&world, gone.clone()).await, expected);
    let once = stored(&world, 500).await;
    assert_eq!((&once["status"], &once["detail_due_at"]), (&json!("deleted"), &json!(null)));
    assert_eq!(report(&world, gone).await, expected);
    assert_eq!(stored(&world, 500).await, once, "twice is once");
    let spam = report(&world, json!({"ticket_id": 500, "status_id": 6})).await;
    assert_eq!(spam["new_status"], "spam");
    let unknown = report(&world, json!({"event": "ticket.deleted", "ticket_id": 77})).await;
    assert_eq!(unknown["status"], "ignored");
    let back = report(&world, json!({"ticket_id": 500, "status_id": 2})).await;
    assert_eq!(back["changes"], json!(["status"]), "restored at the vendor");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_board_shows_an_event_at_once(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    let board = async || world.get("/api/tickets/active").await.json();
    assert_eq!(board().await["last_sync_time"], json!(null));
    report(&world, json!({"ticket_id": 500, "status_id": 26})).await;
    let replied = board().await;
    assert_eq!(replied["section2"][0]["external_id"], 500);
    assert_eq!(replied["last_sync_time"], "2025-11-22T10:30:15Z", "an accepted event is as good as a sync");
    report(&world, json!({"ticket_id": 500, "status_id": 5})).await;
    assert_eq!(board().await["total_active"], 0);
    let health = world.client.get("/health").send().await.json();
    assert!(
        health["checks"]["sync"]["last_sync_time"].is_null(),
        "events do not hide that syncs have stopped"
    );
}

/// A time that we had to make up must not keep the vendor's own news out.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_event_without_time_does_not_block_what_follows(pool: PgPool) {
    let world = world(pool);
    a_company_and_a_ticket(&world).await;
    report(&world, json!({"ticket_id": 500, "status_id": 3})).await;
    assert_eq!(stored(&world, 500).await["last_updated_at"], "2025-11-22T10:30:15+00:00");
    let next = json!({"ticket_id": 500, "status_id": 23, "updated_at": "2025-11-22T10:30:10Z"});
    assert_eq!(
        report(&world, next).await["changes"],
        json!(["status"]),
        "the vendor's clock is a little behind"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn events_that_come_together_make_one_ticket(pool: PgPool) {
    let world = world(pool);
    let events: Vec<Value> = (0..8)
        .map(|n| json!({"ticket_id": 600, "subject": format!("v{n}"), "updated_at": format!("2025-11-22T10:00:0{n}Z")}))
        .collect();
    let answers =
        futures::future::join_all(events.iter().map(|event| post(&world, FRESHSERVICE, event))).await;
    assert!(answers.iter().all(|answer| answer.status.is_success()));
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
    assert_eq!(stored(&world, 600).await["subject"], "v7", "the newest wins, whatever the order");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn one_address_may_send_600_a_minute(pool: PgPool) {
    let world = world(pool);
    let trial = async |address: &'static str| {
        let request = world.client.post("/webhooks/test").header("x-webhook-secret", "wrong");
        request.header("x-forwarded-for", address).json(&json!({})).send().await
    };
    let mut limited = 0;
    for _ in 0..700 {
        let answer = trial("203.0.113.1").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            limited += 1;
            assert_eq!(answer.header("retry-after"), answer.json()["retry_after"].to_string());
        }
    }
    assert!((1..=100).contains(&limited), "{limited} refused");
    assert_eq!(trial("203.0.113.2").await.status, StatusCode::UNAUTHORIZED, "others are not concerned");
    assert_eq!(world.get("/api/tickets").await.status, StatusCode::OK);
}
