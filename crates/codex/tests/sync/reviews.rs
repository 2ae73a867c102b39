//! What syncs leave to people, and what jobs could not take as it was.

use std::sync::Arc;

use hivematrix_codex::store::reviews::{self, Resolved, ReviewItem};
use hivematrix_codex::sync::{BasePart, Reach, Report, Sync, SyncRules};
use hivematrix_simulators::freshservice::Collection;
use hivematrix_simulators::world::companies::FIRST_COMPANY_ID;
use hivematrix_simulators::world::people::FIRST_CONTACT_ID;
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use crate::harness::World;
use crate::superops::harness as superops;

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn base(world: &World) -> Report {
    let sync = world.sync();
    sync.base(&BasePart::ALL).await.unwrap();
    sync.report
}

async fn open(pool: &PgPool, kind: &str) -> Vec<ReviewItem> {
    reviews::list(pool, Some(kind), false, 1000, 0).await.unwrap().items
}

/// Two contacts of the vendor that have an address, and the address of the first.
async fn two_people(world: &World) -> (u64, u64, String) {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("select external_id, email from contacts order by external_id limit 2")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    (rows[0].0.unsigned_abs(), rows[1].0.unsigned_abs(), rows[0].1.clone())
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn two_contacts_with_one_address_are_flagged_until_the_cause_is_gone(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    assert!(open(&world.pool, reviews::DUPLICATE_CONTACT).await.is_empty());
    let (first, second, address) = two_people(&world).await;
    let give = |email: &str| {
        let change = members(json!({ "primary_email": email }));
        world.vendor.control.change_record(Collection::Requesters, second, change);
    };
    give(&address.to_uppercase());
    let report = base(&world).await;
    assert!(report.counts().warnings > 0);
    let items = open(&world.pool, reviews::DUPLICATE_CONTACT).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].subject, format!("freshservice:{second}"));
    assert_eq!(items[0].other, format!("freshservice:{first}"));
    assert!(items[0].detail.to_lowercase().contains(&address), "{}", items[0].detail);

    // Found again it is still one item, and with its cause it goes.
    base(&world).await;
    assert_eq!(open(&world.pool, reviews::DUPLICATE_CONTACT).await.len(), 1);
    give("somebody.else@acme.example");
    base(&world).await;
    assert!(open(&world.pool, reviews::DUPLICATE_CONTACT).await.is_empty());
    let all = reviews::list(&world.pool, None, true, 10, 0).await.unwrap().items;
    let settled = all.iter().find(|item| item.kind == reviews::DUPLICATE_CONTACT).unwrap();
    assert_eq!(settled.resolved_by.as_deref(), Some("sync"));

    // It comes back with its cause, and what a person has decided stays decided.
    give(&address);
    base(&world).await;
    let again = open(&world.pool, reviews::DUPLICATE_CONTACT).await;
    assert_eq!(again.len(), 1);
    let mut conn = world.pool.acquire().await.unwrap();
    let done = reviews::resolve(
        &mut conn,
        again[0].id,
        "not a duplicate",
        Some("twins"),
        "user:ann",
        world.clock.now(),
    )
    .await
    .unwrap();
    assert!(matches!(done, Resolved::Done(item) if item.note.as_deref() == Some("twins")));
    base(&world).await;
    assert!(open(&world.pool, reviews::DUPLICATE_CONTACT).await.is_empty());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn companies_without_a_number_or_with_anothers_are_flagged(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    // The service provider's own department has no number.
    let items = open(&world.pool, reviews::COMPANY_WITHOUT_NUMBER).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].subject, format!("freshservice:{}", FIRST_COMPANY_ID + 6));
    assert!(items[0].detail.contains("Our Own Office"));
    let number = |id: u64, number: Value| {
        let change = members(json!({"custom_fields": {"account_number": number}}));
        world.vendor.control.change_record(Collection::Departments, id, change);
    };
    number(FIRST_COMPANY_ID + 6, json!(100_001));
    base(&world).await;
    assert!(open(&world.pool, reviews::COMPANY_WITHOUT_NUMBER).await.is_empty());
    let items = open(&world.pool, reviews::DUPLICATE_COMPANY).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].other, format!("freshservice:{FIRST_COMPANY_ID}"));
    number(FIRST_COMPANY_ID + 6, json!(700_001));
    base(&world).await;
    assert!(open(&world.pool, reviews::DUPLICATE_COMPANY).await.is_empty());
    assert_eq!(world.number("select count(*) from companies").await, 7);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn two_ticketing_systems_live_side_by_side(pool: PgPool) {
    let fresh = World::new(pool.clone()).await;
    let other = superops::World::new(pool.clone()).await;
    base(&fresh).await;
    fresh.tickets(Reach::Full).await;
    let before = fresh.stored().await;
    let companies = fresh.number("select count(*) from companies").await;

    // Its clients have the same account numbers and its users the same addresses: flagged, and nothing is merged.
    let counts = other.base().await.counts();
    assert_eq!((counts.companies, counts.contacts), (0, 0), "{counts:?}");
    assert_eq!(fresh.number("select count(*) from companies").await, companies);
    assert_eq!(fresh.number("select count(*) from companies where external_source = 'superops'").await, 0);
    let flagged = open(&pool, reviews::DUPLICATE_COMPANY).await;
    assert_eq!(flagged.len(), 6);
    assert!(
        flagged
            .iter()
            .all(|item| item.subject.starts_with("superops:") && item.other.starts_with("freshservice:"))
    );
    let people = open(&pool, reviews::DUPLICATE_CONTACT).await;
    assert!(people.len() > 20, "{}", people.len());
    assert_eq!(fresh.number("select count(*) from psa_agents where external_source = 'superops'").await, 4);

    other.tickets(Reach::Full).await;
    other.assert_same().await;
    let still: Vec<i64> =
        sqlx::query_scalar("select external_id from ticket_details where external_source = 'freshservice' and status <> 'deleted'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(still.len(), before.len(), "the other system's full run does not miss them");

    // A run of one system settles nothing of the other's, and a client with a number of its own is stored.
    let change = members(json!({"customFields": {"account_number": "555001"}}));
    let client = hivematrix_simulators::superops::vendor_id(FIRST_COMPANY_ID);
    other.vendor.control.change_record(Collection::Departments, client, change);
    base(&fresh).await;
    assert_eq!(open(&pool, reviews::DUPLICATE_COMPANY).await.len(), 6);
    other.base().await;
    assert_eq!(open(&pool, reviews::DUPLICATE_COMPANY).await.len(), 5);
    assert_eq!(fresh.number("select count(*) from companies where external_source = 'superops'").await, 1);
    let linked = "select count(*) from ticket_details where external_source = 'superops' and company_account_number = '555001'";
    assert!(fresh.number(linked).await > 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn one_id_at_two_systems_is_two_records(pool: PgPool) {
    let fresh = World::new(pool.clone()).await;
    let other = superops::World::new(pool.clone()).await;
    base(&fresh).await;
    // The same number as one of the other vendor's people.
    let id = FIRST_CONTACT_ID + 1;
    let user = members(
        json!({"userId": id.to_string(), "name": "Same Number", "email": "same.number@else.example"}),
    );
    other.vendor.control.add_record(Collection::Requesters, id, user);
    other.base().await;
    let sources: Vec<String> =
        sqlx::query_scalar("select external_source from contacts where external_id = $1 order by 1")
            .bind(i64::try_from(id).unwrap())
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(sources, ["freshservice", "superops"]);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_dry_run_tells_and_stores_nothing(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let compare = async || {
        let sync =
            Sync { rules: SyncRules::default(), provider: Arc::new(world.freshservice()), ..world.sync() };
        sync.compare(&BasePart::ALL, Some(Reach::Full)).await.unwrap();
        sync.report
    };
    let first = compare().await;
    let counts = first.counts();
    assert_eq!((counts.companies, counts.agents), (6, 4));
    assert!(counts.tickets_created > 200 && counts.tickets_created == counts.tickets, "{counts:?}");
    for table in ["companies", "contacts", "psa_agents", "ticket_details", "review_items", "sync_seen"] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }

    base(&world).await;
    world.tickets(Reach::Full).await;
    world.pass(5);
    let ids = world.active(3);
    world.vendor.control.update_ticket(ids[0], hivematrix_simulators::freshservice::TicketPatch::default());
    world.vendor.control.remove_ticket(ids[1]);
    world.vendor.control.remove_record(Collection::Departments, FIRST_COMPANY_ID + 2);
    let change = members(json!({"custom_fields": {"account_number": 888_001}}));
    world.vendor.control.change_record(Collection::Departments, FIRST_COMPANY_ID, change);
    let report = compare().await;
    let counts = report.counts();
    assert_eq!(
        (counts.companies, counts.removed, counts.tickets_created, counts.tickets_updated),
        (5, 1, 0, 1),
        "{counts:?}"
    );
    let planned = report.progress()["planned"].to_string();
    for expected in
        ["remove company 100003", "give company 100001 the account number 888001", "ask about 1 tickets"]
    {
        assert!(planned.contains(expected), "{planned}");
    }
    assert_eq!(world.number("select count(*) from companies").await, 6);
    assert_eq!(world.number("select count(*) from companies where account_number = '888001'").await, 0);
    assert_eq!(world.status_of(ids[1]).await.as_deref().map(|status| status == "deleted"), Some(false));
}
