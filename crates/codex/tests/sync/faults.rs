//! What a vendor, a clock or the people who write tickets can do to a sync.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_codex::domain::status::StatusMap;
use hivematrix_codex::jobs::{Details, SyncService, Work};
use hivematrix_codex::providers::freshservice::{Connection, Freshservice};
use hivematrix_codex::providers::{Pace, PageRef, Providers, PsaProvider, Vendors};
use hivematrix_codex::store::sync_jobs;
use hivematrix_codex::sync::{BasePart, Reach, SyncRules};
use hivematrix_shared::config::Secret;
use hivematrix_simulators::freshservice::{
    Collection, Config, Fault, FaultMode, NewEntry, NewWork, TicketPatch, spawn,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::harness::{HASTY, World};
use crate::jobs::schedule;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_vendor_whose_clock_differs_loses_no_change(pool: PgPool) {
    for minutes in [-40, 40] {
        sqlx::raw_sql("truncate ticket_details, sync_state cascade").execute(&pool).await.unwrap();
        let world = World::new(pool.clone()).await;
        let skew = TimeDelta::minutes(minutes);
        // Ours is ahead of the vendor's by this much, whatever passes.
        let ours = |world: &World| world.clock.set(world.vendor.control.now() + skew);
        ours(&world);
        world.tickets(Reach::Changes).await;
        for round in 0..3 {
            world.vendor.control.advance(Duration::from_secs(300));
            let id = world.active(4)[round];
            let patch = TicketPatch { status: Some(23), ..TicketPatch::default() };
            world.vendor.control.update_ticket(id, patch);
            world.vendor.control.advance(Duration::from_secs(30));
            ours(&world);
            world.tickets(Reach::Changes).await;
            assert_eq!(world.status_of(id).await.as_deref(), Some("on_hold"), "{minutes} min, round {round}");
            world.assert_same().await;
        }
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_company_that_is_merged_into_another_leaves_its_tickets_and_people_there(pool: PgPool) {
    let world = World::new(pool).await;
    world.sync().base(&BasePart::ALL).await.unwrap();
    world.tickets(Reach::Full).await;
    let largest: Vec<i64> = sqlx::query_scalar(
        "select c.external_id from companies c join ticket_details t on t.company_account_number = c.account_number
         join contact_company_link l on l.company_account_number = c.account_number
         group by 1 having count(distinct l.contact_id) > 1 order by count(distinct t.id) desc limit 2",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let (gone, stays) = (largest[0].unsigned_abs(), largest[1].unsigned_abs());
    let number_of = async |id: u64| -> Option<String> {
        sqlx::query_scalar("select account_number from companies where external_id = $1")
            .bind(i64::try_from(id).unwrap())
            .fetch_optional(&world.pool)
            .await
            .unwrap()
    };
    let (old, new) = (number_of(gone).await.unwrap(), number_of(stays).await.unwrap());
    let tickets: Vec<i64> =
        sqlx::query_scalar("select external_id from ticket_details where company_account_number = $1")
            .bind(&old)
            .fetch_all(&world.pool)
            .await
            .unwrap();
    let people: Vec<i64> = sqlx::query_scalar(
        "select external_id from contacts c join contact_company_link l on l.contact_id = c.id
         where l.company_account_number = $1",
    )
    .bind(&old)
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert!(tickets.len() > 3 && people.len() > 1);
    let control = &world.vendor.control;
    for id in &tickets {
        let patch = TicketPatch { department_id: Some(Some(stays)), ..TicketPatch::default() };
        control.update_ticket(id.unsigned_abs(), patch);
    }
    for id in &people {
        let links = json!({ "department_ids": [stays] });
        control.change_record(Collection::Requesters, id.unsigned_abs(), links.as_object().unwrap().clone());
    }
    control.remove_record(Collection::Departments, gone);
    let renamed = json!({ "name": "Both & Sons" });
    control.change_record(Collection::Departments, stays, renamed.as_object().unwrap().clone());
    world.pass(1);
    world.sync().base(&BasePart::ALL).await.unwrap();
    world.tickets(Reach::Changes).await;
    assert_eq!(number_of(gone).await, None);
    let count = async |sql: &'static str, ids: &[i64]| -> i64 {
        sqlx::query_scalar(sql).bind(ids).bind(&new).fetch_one(&world.pool).await.unwrap()
    };
    let there =
        "select count(*) from ticket_details where external_id = any ($1) and company_account_number = $2";
    assert_eq!(count(there, &tickets).await, i64::try_from(tickets.len()).unwrap());
    let there = "select count(*) from contacts c join contact_company_link l on l.contact_id = c.id
                 where external_id = any ($1) and l.company_account_number = $2";
    assert_eq!(count(there, &people).await, i64::try_from(people.len()).unwrap());
    let name: String = sqlx::query_scalar("select name from companies where account_number = $1")
        .bind(&new)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(name, "Both & Sons");
}

/// A text in all the scripts that have broken something somewhere: joined emoji, combining marks, right to left with an
/// override, a character beyond 16 bits, a byte order mark.
const ODD: &str = "👩‍👩‍👧‍👦 e\u{301} שלום \u{202e}evil\u{202c} 𝒳 \u{feff}مرحبا";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn whatever_people_write_arrives_as_they_wrote_it_and_does_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let hostile = "<script>steal()</script><img src=x onerror=steal()><a href=\"javascript:steal()\">x</a>\
                   <svg><animate onbegin=steal() attributeName=x></svg><iframe srcdoc=\"<script>steal()\"></iframe>\
                   <style>*{background:url(//steal)}</style><form action=//steal><input></form><b>kept</b>";
    let huge = format!("<p>{}</p>", "Wörter, äöü. ".repeat(140_000));
    let create = |subject: &str, description: &str| {
        world.vendor.control.create_ticket(TicketPatch {
            subject: Some(subject.to_owned()),
            description: Some(description.to_owned()),
            ..TicketPatch::default()
        })
    };
    let (odd, nasty, long) =
        (create(ODD, ODD), create("<script>steal()</script> & \"quoted\"", hostile), create("Long", &huge));
    for text in [ODD, hostile] {
        for private in [false, true] {
            let entry = NewEntry { text: text.to_owned(), incoming: !private, private };
            world.vendor.control.add_entry(nasty, entry);
        }
    }
    world.pass(1);
    let report = world.tickets(Reach::Full).await;
    assert_eq!(report.counts().warnings, 0, "{}", report.output());
    world.details().await;
    let stored = async |id: u64| -> Value {
        sqlx::query_scalar("select to_jsonb(t) from ticket_details t where external_id = $1")
            .bind(i64::try_from(id).unwrap())
            .fetch_one(&world.pool)
            .await
            .unwrap()
    };
    let row = stored(odd).await;
    assert_eq!(
        (&row["subject"], &row["description"], &row["description_text"]),
        (&json!(ODD), &json!(ODD), &json!(ODD))
    );
    let row = stored(nasty).await;
    let description = row["description"].as_str().unwrap();
    for live in ["steal", "onerror", "javascript:", "<svg", "<iframe", "<style", "<form", "<input"] {
        assert!(!description.contains(live), "{live} in {description}");
    }
    assert!(description.contains("<b>kept</b>"), "{description}");
    assert_eq!(
        row["subject"], "<script>steal()</script> & \"quoted\"",
        "a subject is text, and stays as it is"
    );
    let notes = row["notes"].as_array().unwrap();
    let bodies: Vec<&str> = notes.iter().map(|note| note["body"].as_str().unwrap()).collect();
    assert!(bodies.contains(&ODD), "{bodies:?}");
    for entry in row["conversations"].as_array().unwrap().iter().chain(notes) {
        let html = entry["body_html"].as_str().unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
    let row = stored(long).await;
    assert!(row["description"].as_str().unwrap().len() > 1_900_000, "nothing is cut off on its way in");
    world.assert_same().await;
}

fn service(world: &World, provider: Freshservice) -> SyncService {
    let vendors =
        Vendors { psa: Providers::new("freshservice").with(Arc::new(provider)), ..Vendors::default() };
    SyncService::new(
        world.pool.clone(),
        world.clock.clone(),
        vendors,
        schedule(),
        SyncRules::default(),
        CancellationToken::new(),
    )
}

/// The job of the board's button (codex-api.md §6.3, §8.2).
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_button_reads_all_details_of_two_days_again_and_no_others(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.details().await;
    let now = world.clock.now();
    let recent = "select count(*) from ticket_details where last_updated_at >= now() - interval '48 hours'";
    assert!(world.number(recent).await > 3);
    // A booking that changes no time of the ticket, and a ticket that has been put off after failures.
    let ids: Vec<i64> = sqlx::query_scalar(
        "select external_id from ticket_details where last_updated_at >= $1 order by external_id limit 2",
    )
    .bind(now - TimeDelta::hours(47))
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let old: i64 = sqlx::query_scalar(
        "update ticket_details set detail_due_at = now() where external_id =
             (select external_id from ticket_details where last_updated_at < $1 limit 1) returning external_id",
    )
    .bind(now - TimeDelta::hours(49))
    .fetch_one(&world.pool)
    .await
    .unwrap();
    sqlx::query("update ticket_details set detail_due_at = now() + interval '1 day', detail_attempts = 5 where external_id = $1")
        .bind(ids[1])
        .execute(&world.pool)
        .await
        .unwrap();
    let before: Vec<(i64, DateTime<Utc>)> =
        sqlx::query_as("select external_id, last_updated_at from ticket_details where external_id = $1")
            .bind(ids[0])
            .fetch_all(&world.pool)
            .await
            .unwrap();
    let work = NewWork { minutes: 45, billable: true, ..NewWork::default() };
    world.vendor.control.add_work(ids[0].unsigned_abs(), work);
    let at = TicketPatch { updated_at: Some(before[0].1), ..TicketPatch::default() };
    world.vendor.control.update_ticket(ids[0].unsigned_abs(), at);
    world.vendor.control.clear_requests();

    let work = Work::Tickets { reach: Reach::Changes, details: Details::Recent };
    let outcome = service(&world, world.freshservice()).run_here("freshservice", work, "test").await.unwrap();
    assert_eq!(outcome.error, None);
    let lines = world.vendor.control.request_lines();
    let asked: Vec<&str> = lines.iter().filter_map(|line| line.path.strip_suffix("/time_entries")).collect();
    let expected: i64 = sqlx::query_scalar("select count(*) from ticket_details where last_updated_at >= $1")
        .bind(now - TimeDelta::hours(48))
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(i64::try_from(asked.len()).unwrap(), expected, "each once");
    for id in &ids {
        assert!(asked.contains(&format!("/tickets/{id}").as_str()), "{id}");
    }
    assert!(!asked.contains(&format!("/tickets/{old}").as_str()), "due, but older");
    let hours: i64 = sqlx::query_scalar(
        "select (sum(hours) * 100)::bigint from ticket_time_entries e join ticket_details t on t.id = e.ticket_id
         where t.external_id = $1 and e.hours = 0.75",
    )
    .bind(ids[0])
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert!(hours >= 75, "{hours}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_job_that_gives_way_says_what_it_waits_for_and_one_that_is_cancelled_has_no_errors(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    // An account whose requests are nearly used up: only the list phase gets through.
    let slow = spawn(Config { rate_limit: 60, size: world.vendor.control.size(), ..Config::default() })
        .await
        .unwrap();
    let connection = Connection {
        retry: HASTY,
        ..Connection::new(slow.base_url.clone(), Secret::new(slow.api_key.clone()))
    };
    let provider = Freshservice::new(connection, StatusMap::freshservice([])).unwrap();
    for _ in 0..40 {
        provider.check().await.unwrap();
    }
    assert!(provider.holds_up().is_none());
    let service = service(&world, provider);
    let work = Work::Tickets { reach: Reach::Changes, details: Details::Due };
    let id = service.start(None, work, "test").await.unwrap();
    let waiting = loop {
        let job = sync_jobs::get(&world.pool, id).await.unwrap().unwrap();
        assert_eq!(job.status, "running", "{job:?}");
        let progress = job.progress.unwrap_or_default();
        if let Some(waiting) = progress["waiting"].as_str() {
            assert_eq!(progress["phase"], "details");
            break waiting.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(waiting.starts_with("Freshservice allows 60 requests a minute and has "), "{waiting}");
    // People are not held up by it.
    let person = service.vendors().psa.get(None).unwrap();
    let ticket = i64::try_from(slow.control.active_ids()[0]).unwrap();
    assert!(person.ticket(ticket, Pace::Now).await.unwrap().is_some());

    sync_jobs::request_cancel(&world.pool, id).await.unwrap();
    let job = loop {
        let job = sync_jobs::get(&world.pool, id).await.unwrap().unwrap();
        if job.status != "running" {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(job.error.as_deref(), Some("cancelled"));
    assert!(!job.output.unwrap().contains("ERROR"));
    assert_eq!(world.number("select count(*) from sync_job_errors").await, 0);
}

/// The vendor refuses a request because the share of its kind is used up, and asks for a pause: work waits for it, a person
/// who asked is told at once instead of waiting for nothing, and other people are not stopped.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_pause_the_vendor_asks_for_stops_work_and_is_told_to_people_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    let connection =
        Connection::new(world.vendor.base_url.clone(), Secret::new(world.vendor.api_key.clone()));
    let provider = Freshservice::new(connection, StatusMap::freshservice([])).unwrap();
    let limited = FaultMode::RateLimited { retry_after: Some(60) };
    world.vendor.control.add_fault(Fault::always(limited).times(1));
    let id = i64::try_from(world.active(1)[0]).unwrap();
    let refused = provider.add_note(id, "Hello").await.unwrap_err();
    assert!(refused.to_string().contains("because of its rate limit"), "{refused}");
    let mut list = Box::pin(provider.companies(PageRef::FIRST));
    assert!(futures::poll!(&mut list).is_pending());
    assert_eq!(provider.holds_up().as_deref(), Some("refuses requests for another 60 s"));
    assert!(provider.ticket(id, Pace::Now).await.unwrap().is_some());
    assert_eq!(
        world.vendor.control.request_counts().total,
        2,
        "no list was asked for before the pause is over"
    );
}
