//! `GET /api/tickets/active`.

use chrono::TimeDelta;
use hivematrix_codex::domain::status;
use hivematrix_shared::contracts::codex::{ActiveTickets, SlaColor};
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::World;

const TICKETS: &str = r#"
    insert into companies (account_number, name, compliance_level) values ('100001', 'Northwind', 'standard'), ('100003', 'Cobalt', 'cjis');
    insert into contacts (external_id, name, email, primary_email) values (900, 'Cy Contact', 'cy@c1.example', 'cy@c1.example');
    insert into psa_agents (external_id, external_source, first_name, last_name, active) values
        (701, 'freshservice', 'Ana', 'Abel', true), (702, 'freshservice', 'Gone', 'Away', false), (701, 'superops', 'Not', 'Her', true);
    insert into ticket_details (external_id, company_account_number, ticket_number, subject, description, description_text, status, priority,
        status_id, priority_id, ticket_type, requester_id, requester_name, requester_email, responder_id, group_id,
        created_at, last_updated_at, fr_due_by, due_by, first_responded_at, total_hours_spent, tags) values
        (5001, '100001', '5001', 'Mail <b>down</b>', '<p onclick="x()">It <script>alert(1)</script>is<br>down', 'It is down', 'open', 'medium',
            2, 2, 'Incident', 900, null, 'cy@c1.example', 701, 19000234009,
            '2025-11-22 09:00Z', '2025-11-22 09:15Z', '2025-11-22 13:50Z', '2025-11-24 17:00Z', null, 0.25, '["vip"]'),
        (5002, '100003', '5002', 'Old one', null, null, 'open', 'low', 2, 1, 'Incident', 901, null, null, 702, 7,
            '2025-11-20 09:00Z', '2025-11-22 09:15Z', '2025-11-23 16:30Z', null, null, 0, '[]'),
        (5003, null, '5003', 'Answered', '', '', 'customer_replied', 'high', 26, 3, 'Service Request', null, 'Ines', null, null, null,
            '2025-11-20 09:00Z', '2025-11-22 07:15Z', null, null, '2025-11-21 09:00Z', 1, '[]'),
        (5004, '100001', '5004', 'Waiting', 'x', 'x', 'waiting_customer', 'low', 9, 1, 'Incident', null, null, null, 701, 7,
            '2025-11-10 09:00Z', '2025-11-15 09:15Z', null, null, '2025-11-11 09:00Z', 0, '[]'),
        (9007199254740993, '100001', 'X', 'Big', 'x', 'x', null, null, null, null, null, null, null, null, null, null,
            null, null, null, null, null, 0, '[]'),
        (5006, '100001', '5006', 'Done', 'x', 'x', 'closed', 'low', 5, 1, 'Incident', null, null, null, 701, 7,
            '2025-11-10 09:00Z', '2025-11-15 09:15Z', null, null, null, 0, '[]');
    insert into sync_state (provider, kind, last_completed_at) values
        ('freshservice', 'tickets', '2025-11-22 10:28:03Z'), ('freshservice', 'contacts', '2025-11-22 10:29Z'),
        ('superops', 'tickets', '2025-11-22 09:00Z');
"#;

async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(TICKETS).await;
    world
}

fn ids(section: &Value) -> Vec<i64> {
    section.as_array().unwrap().iter().map(|ticket| ticket["external_id"].as_i64().unwrap_or(-1)).collect()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_whole_answer(pool: PgPool) {
    let answer = world(pool).await.get("/api/tickets/active").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    insta::assert_json_snapshot!(answer.json());
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_bytes_are_those_of_the_contract_type(pool: PgPool) {
    let world = world(pool).await;
    for path in ["/api/tickets/active", "/api/tickets/active?group_id=7", "/api/tickets/active?group_id=0"] {
        let answer = world.get(path).await;
        let read: ActiveTickets = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), answer.text(), "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn filters_keep_what_matches_and_ignore_what_is_no_number(pool: PgPool) {
    let world = world(pool).await;
    for (query, sections, total) in [
        ("group_id=7", [vec![5002], vec![], vec![5004], vec![]], 2),
        ("responder_id=701", [vec![], vec![], vec![5004, 5001], vec![]], 2),
        ("group_id=7&responder_id=701", [vec![], vec![], vec![5004], vec![]], 1),
        ("group_id=abc", [vec![5002], vec![5003], vec![5004, 5001], vec![-1]], 5),
        ("group_id=1", [vec![], vec![], vec![], vec![]], 0),
    ] {
        let answer = world.get(&format!("/api/tickets/active?{query}")).await.json();
        let found = ["section1", "section2", "section3", "section4"].map(|name| ids(&answer[name]));
        assert_eq!((found, answer["total_active"].as_i64()), (sections, Some(total)), "{query}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_clock_that_is_set_back_does_not_leave_an_answer_from_the_future(pool: PgPool) {
    let world = world(pool).await;
    let minute = async || world.get("/api/tickets/active").await.json()["last_updated"].clone();
    assert_eq!(minute().await, "2025-11-22T10:30:00Z");
    world.clock.advance(TimeDelta::hours(5));
    assert_eq!(minute().await, "2025-11-22T15:30:00Z");
    world.clock.advance(TimeDelta::hours(-5));
    assert_eq!(minute().await, "2025-11-22T10:30:00Z");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn an_answer_changes_with_the_minute_and_with_the_data_and_not_in_between(pool: PgPool) {
    let world = world(pool).await;
    let first = world.get("/api/tickets/active").await;
    let etag = first.header("etag").to_owned();
    let again = |etag: String| {
        let token = world.identity.service_token("beacon", "codex");
        world.client.get("/api/tickets/active").bearer(token).header("if-none-match", &etag).send()
    };

    world.clock.advance(TimeDelta::seconds(44));
    let same_minute = again(etag.clone()).await;
    assert_eq!((same_minute.status, same_minute.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(same_minute.header("etag"), etag);

    world.clock.advance(TimeDelta::seconds(1));
    let next_minute = again(etag.clone()).await;
    assert_eq!(next_minute.status, StatusCode::OK);
    assert_eq!(next_minute.json()["last_updated"], "2025-11-22T10:31:00Z");

    let etag = next_minute.header("etag").to_owned();
    world.sql("update ticket_details set subject = 'Mail is up' where external_id = 5001").await;
    let changed = again(etag.clone()).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert!(changed.text().contains("Mail is up"));

    let etag = changed.header("etag").to_owned();
    world
        .sql("update ticket_details set conversations = '[{}]', notes = '[{}]' where external_id = 5001")
        .await;
    assert_eq!(again(etag).await.status, StatusCode::NOT_MODIFIED, "nothing of this is on the board");
}

/// Every kind of write that the board shows, each committed on its own, is in the very next answer.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn an_answer_is_never_older_than_the_last_commit(pool: PgPool) {
    let world = world(pool).await;
    world.get("/api/tickets/active").await;
    for (statement, expected) in [
        (
            "insert into ticket_details (external_id, subject, status) values (5010, 'Brand new', 'open')",
            "Brand new",
        ),
        ("update ticket_details set status = 'open', subject = 'Again' where external_id = 5006", "Again"),
        ("update ticket_details set tags = '[\"blue\"]' where external_id = 5003", "blue"),
        (
            "update companies set name = 'Northwind Orchards' where account_number = '100001'",
            "Northwind Orchards",
        ),
        ("update companies set compliance_level = 'hipaa' where account_number = '100001'", "hipaa"),
        (
            "update psa_agents set last_name = 'Ascher' where external_source = 'freshservice' and external_id = 701",
            "Ana Ascher",
        ),
        ("update contacts set name = 'Cy Renamed' where external_id = 900", "Cy Renamed"),
        (
            "insert into contacts (external_id, name, email, primary_email) values (901, 'Late Contact', 'l@c.example', 'l@c.example')",
            "Late Contact",
        ),
        (
            "update sync_state set last_completed_at = '2025-11-22 10:29:59Z' where provider = 'superops'",
            "2025-11-22T10:29:59Z",
        ),
    ] {
        assert!(!world.get("/api/tickets/active").await.text().contains(expected), "{expected}");
        world.sql(statement).await;
        assert!(world.get("/api/tickets/active").await.text().contains(expected), "{expected}");
    }
    world.sql("delete from ticket_details where external_id = 5010").await;
    assert!(!world.get("/api/tickets/active").await.text().contains("Brand new"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_change_is_seen_when_it_is_committed_and_not_before(pool: PgPool) {
    let world = world(pool).await;
    let mut transaction = world.pool.begin().await.unwrap();
    sqlx::query("update ticket_details set subject = 'Halfway'").execute(&mut *transaction).await.unwrap();
    // A reader in the meantime must not take the old rows for the new version.
    assert!(!world.get("/api/tickets/active").await.text().contains("Halfway"));
    transaction.commit().await.unwrap();
    assert!(world.get("/api/tickets/active").await.text().contains("Halfway"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn writers_do_not_wait_for_each_other(pool: PgPool) {
    let world = world(pool).await;
    let (mut one, mut other) = (world.pool.begin().await.unwrap(), world.pool.begin().await.unwrap());
    for (transaction, first, second) in [(&mut one, 5001, 5002), (&mut other, 5003, 5004)] {
        for id in [first, second] {
            sqlx::query("update ticket_details set subject = 'Both' where external_id = $1")
                .bind(i64::from(id))
                .execute(&mut **transaction)
                .await
                .unwrap();
        }
    }
    one.commit().await.unwrap();
    other.commit().await.unwrap();
    let board = world.get("/api/tickets/active").await.text();
    assert_eq!(board.matches("\"subject\":\"Both\"").count(), 4);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn many_readers_at_once_get_the_same_bytes(pool: PgPool) {
    let world = world(pool).await;
    let answers = futures::future::join_all((0..40).map(|_| world.get("/api/tickets/active"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.body == answers[0].body));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_compressed_form_carries_the_same(pool: PgPool) {
    use std::io::Read;
    let world = world(pool).await;
    let plain = world.get("/api/tickets/active").await;
    let token = world.identity.service_token("beacon", "codex");
    let packed =
        world.client.get("/api/tickets/active").bearer(token).header("accept-encoding", "gzip").send().await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("etag"), plain.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn display_times_are_in_the_configured_zone(pool: PgPool) {
    let world = World::at(pool, crate::support::NOW, &["--display-time-zone", "America/New_York"]);
    world.sql(TICKETS).await;
    let board: ActiveTickets = serde_json::from_slice(&world.get("/api/tickets/active").await.body).unwrap();
    let ticket = board.section3.iter().find(|ticket| ticket.sla_color == SlaColor::Orange).unwrap();
    assert_eq!(ticket.created_at_str, "Nov 22, 04:00 AM");
}

/// A long mail is cut; what is left is still whole HTML.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn texts_are_cut_at_ten_thousand_characters(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into ticket_details (external_id, status, description, description_text) \
              values (1, 'open', '<div>' || repeat('<b>ä&</b> ', 4000) || '</div>', repeat('ä', 20000))",
        )
        .await;
    let board: ActiveTickets = serde_json::from_slice(&world.get("/api/tickets/active").await.body).unwrap();
    let ticket = &board.section1[0];
    assert_eq!(ticket.description_text.chars().count(), 10_000);
    assert!((9_000..=10_000).contains(&ticket.description.chars().count()), "{}", ticket.description.len());
    assert!(ticket.description.ends_with("</div>"));
}

/// The column and the rule must agree, or tickets would be read for nothing or never be seen.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn sql_and_rules_agree_on_what_is_over(pool: PgPool) {
    let keys = status::CLOSED.iter().copied().chain(["open", "pending_hubspot", "unknown", "something"]);
    for (id, key) in (1_i64..).zip(keys) {
        let active: Option<bool> = sqlx::query_scalar(
            "insert into ticket_details (external_id, status) values ($1, $2) returning is_active",
        )
        .bind(id)
        .bind(key)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(active, Some(!status::is_closed(key)), "{key}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn without_a_database_there_is_no_answer_rather_than_an_old_one(pool: PgPool) {
    let world = world(pool).await;
    assert_eq!(world.get("/api/tickets/active").await.status, StatusCode::OK);
    world.pool.close().await;
    let answer = world.get("/api/tickets/active").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "5");
}
