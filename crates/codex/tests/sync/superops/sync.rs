//! Companies, people, tickets and details, end to end.

use chrono::DateTime;
use hivematrix_codex::providers::{PageRef, PsaProvider, TicketView};
use hivematrix_codex::sync::Reach;
use hivematrix_simulators::freshservice::{Collection, Fault, FaultMode, NewEntry, NewWork, TicketPatch};
use hivematrix_simulators::superops::vendor_id;
use hivematrix_simulators::world::companies::FIRST_COMPANY_ID;
use hivematrix_simulators::world::status;
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use super::harness::{World, id};

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_base_sync_stores_all_and_repeats_harmlessly(pool: PgPool) {
    let world = World::new(pool).await;
    let counts = world.base().await.counts();
    // Six customers; the provider's own client has no account number.
    assert_eq!(counts.companies, 6, "{counts:?}");
    assert!(counts.agents >= 4 && counts.contacts >= 25 && counts.groups == 5, "{counts:?}");
    let again = world.base().await.counts();
    assert_eq!((again.companies, again.contacts, again.removed), (6, counts.contacts, 0));
    assert_eq!(world.number("select count(*) from contacts").await, counts.contacts as i64);
    assert_eq!(
        world.number("select count(*) from contact_company_link").await,
        counts.contacts as i64,
        "a user belongs to one client"
    );
    assert!(world.number("select min(external_id) from companies").await > 1 << 53);
    assert_eq!(
        world
            .number(
                "select count(*) from companies where billing_plan is not null or plan_selected is not null"
            )
            .await,
        world.number("select count(*) from companies where plan_selected is not null").await
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn all_tickets_are_stored_with_who_wrote_last(pool: PgPool) {
    let world = World::new(pool).await;
    world.base().await;
    let counts = world.tickets(Reach::Full).await.counts();
    assert!(counts.tickets >= 240 && counts.tickets_created == counts.tickets, "{counts:?}");
    world.assert_same().await;
    assert!(
        world.number("select count(*) from ticket_details where status = 'customer_replied'").await > 0,
        "the vendor has no such status, its conversations tell"
    );
    assert_eq!(world.number("select count(*) from ticket_details where status = 'spam'").await, 0);
    assert!(
        world.number("select count(*) from ticket_details where company_account_number is not null").await
            > 200
    );
    let odd = "select count(*) from ticket_details where status_id is null and status <> 'unknown'";
    assert_eq!(world.number(odd).await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn details_bring_description_messages_notes_and_hours(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let ticket = world.vendor.control.create_ticket(TicketPatch {
        description: Some("<p>Printer <b>on fire</b></p><script>x()</script>".to_owned()),
        ..TicketPatch::default()
    });
    let entry = |text: &str, incoming, private| NewEntry { text: text.to_owned(), incoming, private };
    world.vendor.control.add_entry(ticket, entry("Try water?", false, false));
    world.vendor.control.add_entry(ticket, entry("Careful, he is angry", false, true));
    world.vendor.control.add_work(ticket, NewWork { minutes: 45, ..NewWork::default() });
    world.vendor.control.add_work(ticket, NewWork { minutes: 60, ..NewWork::default() });
    world.pass(1);
    world.vendor.control.add_entry(ticket, entry("It still burns", true, false));
    world.pass(1);
    world.tickets(Reach::Changes).await;
    assert_eq!(world.status_of(ticket).await.as_deref(), Some("customer_replied"));
    world.details().await;
    let row: (String, String, Value, Value, rust_decimal::Decimal) = sqlx::query_as(
        "select description, description_text, conversations, notes, total_hours_spent
         from ticket_details where external_id = $1",
    )
    .bind(id(ticket))
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!((row.0.as_str(), row.1.as_str()), ("<p>Printer <b>on fire</b></p>", "Printer on fire"));
    let bodies: Vec<_> = row
        .2
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["body"].as_str().unwrap(), entry["incoming"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        bodies,
        [("Try water?", false), ("It still burns", true)],
        "no description, no automatic mail"
    );
    assert_eq!(row.3[0]["body"], "Careful, he is angry");
    assert_eq!(row.4, "1.75".parse().unwrap());

    // The list says nothing about descriptions, so it does not take them away.
    world.pass(1);
    world
        .vendor
        .control
        .update_ticket(ticket, TicketPatch { status: Some(status::ON_HOLD), ..TicketPatch::default() });
    world.tickets(Reach::Changes).await;
    let kept = world.text("select description from ticket_details where external_id = $1", id(ticket)).await;
    assert_eq!(kept.as_deref(), Some("<p>Printer <b>on fire</b></p>"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_incremental_run_costs_few_requests(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.details().await;
    world.pass(10);
    let ids: Vec<u64> = world.vendor.control.active_ids().into_iter().take(7).collect();
    for ticket in &ids {
        world
            .vendor
            .control
            .update_ticket(*ticket, TicketPatch { priority: Some(3), ..TicketPatch::default() });
    }
    world.pass(1);
    world.vendor.control.clear_requests();
    let counts = world.tickets(Reach::Changes).await.counts();
    assert!(counts.tickets_updated >= ids.len() as u64, "{counts:?}");
    let list = world.requests();
    assert!(list <= 2, "one list, one question about who wrote last: {list}");
    world.details().await;
    let limit = 5 + 2 * ids.len() as u64;
    assert!(world.requests() <= limit, "{} of {limit}", world.requests());
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_vanished_ticket_is_asked_about_and_marked(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let [gone, spam, stays] = world.vendor.control.active_ids()[..3] else { panic!("too few tickets") };
    world.vendor.control.remove_ticket(gone);
    world.vendor.control.update_ticket(spam, TicketPatch { spam: Some(true), ..TicketPatch::default() });
    let counts = world.tickets(Reach::Full).await.counts();
    assert_eq!(counts.tickets_deleted, 2, "to the vendor's callers both are gone");
    assert_eq!(world.status_of(gone).await.as_deref(), Some("deleted"));
    assert_eq!(world.status_of(spam).await.as_deref(), Some("deleted"));
    assert_ne!(world.status_of(stays).await.as_deref(), Some("deleted"));
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_that_is_deleted_between_two_pages_hides_no_other(pool: PgPool) {
    let world = World::new(pool).await;
    let newest = *world.listed().await.keys().last().unwrap();
    let newest = u64::try_from(newest).unwrap() - vendor_id(0);
    // While the second page is held, a ticket of the first one goes, and every later one moves up.
    world.vendor.control.add_fault(
        Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/getTicketList").on_page(2).times(1),
    );
    let sync = world.sync();
    let run = tokio::spawn(async move { sync.tickets(Reach::Full).await });
    while world.number("select count(*) from ticket_details").await < 100 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    while !world.vendor.control.faults().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world.vendor.control.remove_ticket(newest);
    world.vendor.control.clear_faults();
    run.await.unwrap().unwrap();
    let (stored, listed) = (world.stored().await, world.listed().await);
    let missed: Vec<_> = listed.keys().filter(|id| !stored.contains_key(id)).collect();
    assert_eq!(missed, Vec::<&i64>::new());
    world.tickets(Reach::Full).await;
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_renamed_client_and_a_new_number_follow(pool: PgPool) {
    let world = World::new(pool).await;
    world.base().await;
    world.tickets(Reach::Full).await;
    let client = vendor_id(FIRST_COMPANY_ID);
    let change = members(json!({"name": "Renamed & Sons", "customFields": {"account_number": "900900"}}));
    world.vendor.control.change_record(Collection::Departments, client, change);
    world.base().await;
    let name = world.text("select name from companies where external_id = $1", id(FIRST_COMPANY_ID)).await;
    assert_eq!(name.as_deref(), Some("Renamed & Sons"));
    assert_eq!(world.number("select count(*) from companies").await, 6);
    for sql in [
        "select count(*) from ticket_details where company_account_number = '900900'",
        "select count(*) from contact_company_link where company_account_number = '900900'",
    ] {
        assert!(world.number(sql).await > 0, "{sql}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn records_that_are_gone_are_confirmed_one_by_one(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.base().await.counts();
    let control = &world.vendor.control;
    let person = world.number("select max(external_id) from contacts").await;
    let agent = world.number("select max(external_id) from psa_agents").await;
    control.remove_record(Collection::Requesters, person.unsigned_abs());
    control.remove_record(Collection::Agents, agent.unsigned_abs());
    control.remove_record(Collection::Departments, vendor_id(FIRST_COMPANY_ID + 5));
    let counts = world.base().await.counts();
    assert_eq!(counts.removed, 3, "{counts:?}");
    assert_eq!(world.number("select count(*) from companies").await, before.companies as i64 - 1);

    // An empty list removes nobody.
    control.add_fault(Fault::always(FaultMode::EmptyPage));
    let counts = world.base().await.counts();
    assert_eq!(counts.removed, 0);
    assert_eq!(world.number("select count(*) from companies").await, before.companies as i64 - 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn trouble_in_the_middle_ends_the_run_and_the_next_one_goes_on(pool: PgPool) {
    let world = World::new(pool).await;
    for mode in [
        FaultMode::Status { status: 500 },
        FaultMode::VendorError { code: "forbidden".to_owned() },
        FaultMode::TruncatedJson,
        FaultMode::EmptyPage,
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()).on("/getTicketList").on_page(2));
        let error = world.sync().tickets(Reach::Full).await;
        assert!(error.is_err() || mode == FaultMode::EmptyPage, "{mode:?}");
        world.vendor.control.clear_faults();
    }
    assert!(world.number("select count(*) from ticket_details").await >= 100, "the first page was kept");
    world.tickets(Reach::Full).await;
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn without_conversations_the_board_keeps_the_statuses_by_name(pool: PgPool) {
    let world = World::new(pool).await;
    let fault = Fault::always(FaultMode::VendorError { code: "forbidden".to_owned() });
    world.vendor.control.add_fault(fault.on("/getTicketConversationList"));
    let report = world.tickets(Reach::Full).await;
    assert!(report.counts().tickets >= 240 && report.counts().warnings > 0);
    assert_eq!(
        world.number("select count(*) from ticket_details where status = 'customer_replied'").await,
        0
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn hours_that_cannot_be_read_leave_the_stored_ones(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.details().await;
    let hours = "select sum(total_hours_spent)::float8::bigint from ticket_details";
    let before = world.number(hours).await;
    assert!(before > 10);
    world.pass(10);
    for ticket in world.vendor.control.active_ids() {
        world.vendor.control.update_ticket(ticket, TicketPatch::default());
    }
    world.tickets(Reach::Changes).await;
    world.vendor.control.add_fault(
        Fault::always(FaultMode::VendorError { code: "forbidden".to_owned() }).on("/getTicketDetail"),
    );
    let report = world.details().await;
    assert!(report.counts().warnings > 0 && report.counts().details == 0);
    assert_eq!(world.number(hours).await, before);
}

/// A sync and a dry run read the same list at the same time: each notices by itself that it has become shorter.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn two_who_read_the_list_at_once_do_not_disturb_each_other(pool: PgPool) {
    let world = World::new(pool).await;
    let newest = u64::try_from(*world.listed().await.keys().last().unwrap()).unwrap() - vendor_id(0);
    let provider = world.superops();
    let read = async |page| provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, page).await.unwrap();
    let first = read(PageRef::FIRST).await;
    world.vendor.control.remove_ticket(newest);
    let other = read(PageRef::FIRST).await;
    let second = read(first.next.unwrap()).await;
    let others_second = read(other.next.unwrap()).await;
    let met: Vec<i64> = first.items.iter().chain(&second.items).map(|ticket| ticket.external_id).collect();
    let whole: Vec<i64> =
        other.items.iter().chain(&others_second.items).map(|ticket| ticket.external_id).collect();
    assert_eq!(whole.len(), 200, "whoever began afterwards has nothing to read again");
    let missed: Vec<_> = whole.iter().filter(|id| !met.contains(id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
