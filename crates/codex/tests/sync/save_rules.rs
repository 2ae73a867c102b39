//! What a ticket row does to the one that is stored (codex-api.md §6.5).

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_codex::providers::PsaTicket;
use hivematrix_codex::store::sync_tickets;
use serde_json::{Value, json};
use sqlx::PgPool;

fn now() -> DateTime<Utc> {
    "2025-11-22T09:15:00Z".parse().unwrap()
}

fn stored() -> PsaTicket {
    PsaTicket {
        external_id: 42,
        ticket_number: "42".to_owned(),
        subject: Some("Printer".to_owned()),
        status: Some("open".to_owned()),
        status_id: Some(2),
        ticket_type: "Incident".to_owned(),
        requester_id: Some(7),
        requester_name: Some("Jo".to_owned()),
        responder_id: Some(3),
        department_id: Some(1),
        created_at: Some(now() - TimeDelta::days(1)),
        updated_at: Some(now()),
        has_stats: true,
        first_responded_at: Some(now() - TimeDelta::hours(1)),
        tags: Some(vec!["vip".to_owned()]),
        ..PsaTicket::default()
    }
}

/// A change to the vendor's row, and the members of the stored row that must differ afterwards.
type Case = (&'static str, fn(&mut PsaTicket), Value);

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_a_row_does_to_the_one_that_is_stored(pool: PgPool) {
    sqlx::raw_sql(
        "insert into companies (account_number, external_id, name) values ('A', 1, 'A'), ('B', 2, 'B')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let later = now() + TimeDelta::minutes(1);
    let cases: &[Case] = &[
        ("the same again", |_| {}, json!({})),
        ("newer", |row| row.subject = Some("Toner".into()), json!({"subject": "Toner"})),
        (
            "older",
            |row| {
                row.updated_at = Some(now() - TimeDelta::seconds(1));
                row.subject = Some("Old".into());
            },
            json!({}),
        ),
        (
            "same age, other content",
            |row| {
                row.updated_at = Some(now());
                row.status = Some("pending".into());
            },
            json!({"status": "pending", "last_updated_at": "2025-11-22T09:15:00+00:00", "detail_due": false}),
        ),
        (
            "without a time",
            |row| row.updated_at = None,
            json!({"last_updated_at": "2025-11-22T09:15:00+00:00", "detail_due": false}),
        ),
        (
            "without response times",
            |row| {
                row.has_stats = false;
                row.first_responded_at = None;
            },
            json!({}),
        ),
        (
            "with empty response times",
            |row| row.first_responded_at = None,
            json!({"first_responded_at": null}),
        ),
        ("without the requester's name", |row| row.requester_name = None, json!({})),
        (
            "another requester without a name",
            |row| {
                row.requester_id = Some(8);
                row.requester_name = None;
            },
            json!({"requester_id": 8, "requester_name": null}),
        ),
        ("without tags", |row| row.tags = None, json!({})),
        ("with no tags", |row| row.tags = Some(vec![]), json!({"tags": []})),
        ("unassigned", |row| row.responder_id = None, json!({"responder_id": null})),
        ("another company", |row| row.department_id = Some(2), json!({"company_account_number": "B"})),
        ("an unknown company", |row| row.department_id = Some(99), json!({})),
        ("no company", |row| row.department_id = None, json!({})),
        ("no status", |row| row.status = None, json!({"status": null})),
    ];
    for (case, change, differs) in cases {
        let mut conn = pool.acquire().await.unwrap();
        sqlx::raw_sql("delete from ticket_details").execute(&mut *conn).await.unwrap();
        sync_tickets::upsert(&mut conn, "freshservice", &[stored()], now()).await.unwrap();
        sqlx::raw_sql("update ticket_details set detail_due_at = null").execute(&mut *conn).await.unwrap();
        let before = row(&pool).await;

        let mut incoming = PsaTicket { updated_at: Some(later), ..stored() };
        change(&mut incoming);
        sync_tickets::upsert(&mut conn, "freshservice", &[incoming], later).await.unwrap();

        let mut expected = before.clone();
        if *case != "older" {
            expected["last_updated_at"] = json!("2025-11-22T09:16:00+00:00");
            expected["detail_due"] = json!(true);
        }
        for (member, value) in differs.as_object().unwrap() {
            expected[member] = value.clone();
        }
        assert_eq!(row(&pool).await, expected, "{case}");
    }
}

async fn row(pool: &PgPool) -> Value {
    sqlx::query_scalar(
        "select to_jsonb(t) from (select subject, status, requester_id, requester_name, responder_id,
             company_account_number, first_responded_at, last_updated_at, tags, detail_due_at is not null as detail_due
         from ticket_details) t",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// What is stored, what comes, and the time of closing afterwards, in minutes after [`now`].
type Closing = (&'static str, (&'static str, Option<i64>), (&'static str, Option<i64>), Option<i64>);

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_time_of_closing_stays_while_the_ticket_is_over(pool: PgPool) {
    let at = |minutes: Option<i64>| minutes.map(|minutes| now() + TimeDelta::minutes(minutes));
    let cases: &[Closing] = &[
        ("closed, and the vendor tells when", ("open", None), ("closed", Some(-5)), Some(-5)),
        ("closed, and nobody tells when", ("open", None), ("closed", None), Some(1)),
        ("closed before, changed since", ("closed", Some(-5)), ("closed", None), Some(-5)),
        ("an event told it, the list does not", ("resolved", Some(-5)), ("resolved", None), Some(-5)),
        ("billed after it was resolved", ("resolved", Some(-5)), ("billing_complete", None), Some(-5)),
        ("the vendor knows better", ("closed", Some(-5)), ("closed", Some(-9)), Some(-9)),
        ("open again", ("closed", Some(-5)), ("open", None), None),
        ("resolved, and nobody told when", ("open", None), ("resolved", None), None),
    ];
    for (case, (status, closed), (next, told), expected) in cases {
        let mut conn = pool.acquire().await.unwrap();
        sqlx::raw_sql("delete from ticket_details").execute(&mut *conn).await.unwrap();
        let row = |status: &str| PsaTicket { status: Some(status.to_owned()), ..stored() };
        sync_tickets::upsert(&mut conn, "freshservice", &[row(status)], now()).await.unwrap();
        sqlx::query("update ticket_details set closed_at = $1")
            .bind(at(*closed))
            .execute(&mut *conn)
            .await
            .unwrap();
        let incoming = PsaTicket { updated_at: at(Some(1)), closed_at: at(*told), ..row(next) };
        sync_tickets::upsert(&mut conn, "freshservice", &[incoming], now()).await.unwrap();
        let closed: Option<DateTime<Utc>> =
            sqlx::query_scalar("select closed_at from ticket_details").fetch_one(&mut *conn).await.unwrap();
        assert_eq!(closed, at(*expected), "{case}");
    }
}
