//! The list phase.

use std::time::Duration;

use hivematrix_codex::sync::Reach;
use hivematrix_simulators::freshservice::{Fault, FaultMode, NewWork, TicketPatch};
use sqlx::PgPool;

use crate::harness::{World, ago};

fn status(code: u16) -> TicketPatch {
    TicketPatch { status: Some(code), ..TicketPatch::default() }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_full_run_stores_every_ticket_as_the_vendor_shows_it(pool: PgPool) {
    let world = World::new(pool).await;
    world.sync().base(&hivematrix_codex::sync::BasePart::ALL).await.unwrap();
    let counts = world.tickets(Reach::Full).await.counts();
    world.assert_same().await;
    assert_eq!(counts.tickets_created, world.listed().await.len() as u64);
    assert_eq!(
        world.number("select count(*) from ticket_details where ticket_number <> external_id::text").await,
        0
    );
    // Every ticket of a known department has its company, and is due for its details.
    let unlinked = "select count(*) from ticket_details t join companies c on c.external_id = t.department_id
                    where t.company_account_number is distinct from c.account_number";
    assert_eq!(world.number(unlinked).await, 0);
    assert!(
        world.number("select count(*) from ticket_details where company_account_number is not null").await
            > 100
    );
    assert_eq!(world.number("select count(*) from ticket_details where detail_due_at is null").await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_run_without_changes_writes_nothing_and_asks_little(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Changes).await;
    world.details().await;
    world.pass(10);
    let version = "select version from board_version";
    let before = world.number(version).await;
    world.vendor.control.clear_requests();
    let counts = world.tickets(Reach::Changes).await.counts();
    assert_eq!((counts.tickets_created, counts.tickets_updated), (0, 0));
    assert!(world.vendor.control.request_counts().total <= 5);
    // The end of the run itself shows, as `last_sync_time`.
    assert_eq!(world.number(version).await, before + 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn changed_tickets_cost_at_most_five_requests_and_two_each(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Changes).await;
    world.details().await;
    world.pass(10);
    let changed = world.active(7);
    for id in &changed {
        world.vendor.control.update_ticket(*id, status(23));
    }
    let new = world.vendor.control.create_ticket(TicketPatch::default());
    world.vendor.control.clear_requests();
    let counts = world.tickets(Reach::Changes).await.counts();
    assert_eq!((counts.tickets_created, counts.tickets_updated), (1, 7));
    assert_eq!(world.details().await.counts().details, 8);
    assert!(world.vendor.control.request_counts().total <= 5 + 2 * 8);
    for id in changed {
        assert_eq!(world.status_of(id).await.as_deref(), Some("on_hold"));
    }
    assert_eq!(world.status_of(new).await.as_deref(), Some("open"));
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_run_that_fails_on_any_page_is_taken_up_there_and_loses_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let fault = Fault::always(FaultMode::Status { status: 500 }).on("/tickets").on_page(3);
    world.vendor.control.add_fault(fault);
    let error = world.failing_tickets(Reach::Full).await;
    assert!(error.to_string().contains("HTTP 500"), "{error}");
    assert_eq!(world.stored().await.len(), 200, "both pages before are visible");

    // Meanwhile the vendor's world moves on.
    world.pass(3);
    let changed = world.active(1)[0];
    world.vendor.control.update_ticket(changed, status(26));
    for _ in 0..3 {
        world.vendor.control.create_ticket(TicketPatch::default());
    }
    world.vendor.control.clear_faults();
    world.vendor.control.clear_requests();
    world.pass(3);
    let report = world.tickets(Reach::Changes).await;
    assert_eq!(world.pages_read(), [2, 3], "{}", report.output());

    // What was new or changed in front of the place is still missing; its mark is the start of the broken run.
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_run_that_is_killed_at_any_moment_loses_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    for page in 1..=3 {
        let fault = Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/tickets").on_page(page);
        world.vendor.control.add_fault(fault);
        let sync = world.sync();
        let run = tokio::spawn(async move { sync.tickets(Reach::Full).await });
        let wanted = format!("page={page}");
        while !world.vendor.control.request_lines().iter().any(|line| line.query.ends_with(&wanted))
            && world.stored().await.len() < (page as usize - 1) * 100
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        world.vendor.control.clear_faults();
        world.pass(1);
    }
    world.tickets(Reach::Full).await;
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
    assert_eq!(world.number("select count(*) from sync_seen").await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn odd_pages_lose_nothing_and_store_nothing_twice(pool: PgPool) {
    let world = World::new(pool).await;
    let moved = world.active(1)[0];
    world.vendor.control.add_fault(Fault::always(FaultMode::RepeatRow).on("/tickets"));
    world.vendor.control.add_fault(
        Fault::always(FaultMode::MoveTicket { ticket_id: moved, status: 9 })
            .on("/tickets")
            .on_page(2)
            .times(1),
    );
    world.tickets(Reach::Full).await;
    world.vendor.control.clear_faults();
    world.tickets(Reach::Changes).await;
    assert_eq!(world.status_of(moved).await.as_deref(), Some("waiting_customer"));
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_deleted_while_the_list_is_read_hides_no_other(pool: PgPool) {
    let world = World::new(pool).await;
    // Page 2 waits; meanwhile a row of page 1 goes into the bin, so the first row of page 2 moves to page 1.
    let newest = *world.listed().await.keys().next_back().unwrap();
    let fault = Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/tickets").on_page(2).times(1);
    world.vendor.control.add_fault(fault);
    let sync = world.sync();
    let run = tokio::spawn(async move { sync.tickets(Reach::Full).await.unwrap() });
    while world.stored().await.len() < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let bin = TicketPatch { deleted: Some(true), ..TicketPatch::default() };
    assert!(world.vendor.control.update_ticket(newest.unsigned_abs(), bin));
    world.vendor.control.clear_faults();
    run.await.unwrap();
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn spam_and_bin_are_marks_not_status_codes(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.pass(10);
    let ids = world.active(4);
    let marked =
        |spam, deleted| TicketPatch { spam: Some(spam), deleted: Some(deleted), ..TicketPatch::default() };
    world.vendor.control.update_ticket(ids[0], marked(true, false));
    world.vendor.control.update_ticket(ids[1], marked(false, true));
    world.vendor.control.update_ticket(ids[2], status(6));
    world.vendor.control.update_ticket(ids[3], status(7));
    let counts = world.tickets(Reach::Changes).await.counts();
    assert_eq!(counts.tickets_cleaned, 2);
    assert_eq!(world.status_of(ids[0]).await.as_deref(), Some("spam"));
    assert_eq!(world.status_of(ids[1]).await.as_deref(), Some("deleted"));
    assert_eq!(world.status_of(ids[2]).await.as_deref(), Some("spam"));
    assert_eq!(world.status_of(ids[3]).await.as_deref(), Some("deleted"));
    assert_eq!(world.number("select count(*) from ticket_details where status_id in (6, 7)").await, 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_the_vendor_no_longer_has_is_marked_after_it_was_asked_for(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let ids = world.active(2);
    assert!(world.vendor.control.remove_ticket(ids[0]));
    world.pass(10);
    world.tickets(Reach::Changes).await;
    assert_ne!(
        world.status_of(ids[0]).await.as_deref(),
        Some("deleted"),
        "an incremental run proves nothing"
    );
    world.vendor.control.clear_requests();
    let counts = world.tickets(Reach::Full).await.counts();
    assert_eq!((counts.tickets_deleted, counts.tickets_reconciled), (1, 0));
    assert_eq!(world.status_of(ids[0]).await.as_deref(), Some("deleted"));
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_list_that_suddenly_lacks_a_fifth_removes_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let before = world.stored().await;
    // An empty list, complete as far as anybody can tell.
    world.vendor.control.add_fault(Fault::always(FaultMode::EmptyPage).on("/tickets"));
    world.vendor.control.clear_requests();
    let report = world.tickets(Reach::Full).await;
    assert!(report.output().contains("refused to remove"), "{}", report.output());
    assert_eq!(world.stored().await, before);
    assert_eq!(world.vendor.control.request_counts().by_route.get("GET /tickets/{id}"), None);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_mass_of_marked_tickets_is_not_believed(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.pass(10);
    for id in world.vendor.control.active_ids() {
        world.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });
    }
    let mut sync = world.sync();
    sync.rules.delete_share = 0.1;
    let before = world.stored().await.len();
    sync.tickets(Reach::Changes).await.unwrap();
    assert_eq!(world.stored().await.len(), before);
    assert!(sync.report.output().contains("refused to remove"), "{}", sync.report.output());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn newer_data_is_never_overwritten_by_older(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    sqlx::query("update ticket_details set status = 'on_hold', last_updated_at = $2 where external_id = $1")
        .bind(i64::try_from(id).unwrap())
        .bind(ago(&world.clock, -5))
        .execute(&world.pool)
        .await
        .unwrap();
    world.tickets(Reach::Full).await;
    assert_eq!(world.status_of(id).await.as_deref(), Some("on_hold"), "from an event five minutes ahead");
    world.pass(10);
    world.vendor.control.update_ticket(id, status(3));
    world.tickets(Reach::Changes).await;
    assert_eq!(world.status_of(id).await.as_deref(), Some("pending"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn odd_rows_are_stored_as_far_as_they_can_be_read(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.pass(10);
    let id = world.vendor.control.create_ticket(TicketPatch {
        status: Some(777),
        requester_id: Some(None),
        department_id: Some(Some(1)),
        subject: Some("a\u{0}b".to_owned()),
        description: Some("<p>Hi &eacute;</p><p>there</p><script>x()</script>".to_owned()),
        ..TicketPatch::default()
    });
    world.tickets(Reach::Changes).await;
    let row: (String, Option<i64>, Option<String>, String, String, bool) = sqlx::query_as(
        "select status, requester_id, company_account_number, subject, description, is_active
         from ticket_details where external_id = $1",
    )
    .bind(i64::try_from(id).unwrap())
    .fetch_one(&world.pool)
    .await
    .unwrap();
    let text = |text: &str| text.to_owned();
    let expected = (text("unknown"), None, None, text("ab"), text("<p>Hi é</p><p>there</p>"), true);
    assert_eq!(row, expected);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_in_the_bin_keeps_its_hours_and_comes_back_as_the_same_one(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let (binned, spam) = (world.active(2)[0], world.active(2)[1]);
    for id in [binned, spam] {
        world.vendor.control.add_work(id, NewWork { minutes: 90, billable: true, ..NewWork::default() });
    }
    world.pass(1);
    world.tickets(Reach::Changes).await;
    world.details().await;
    const BILLED: &str = "select jsonb_agg(jsonb_build_array(t.id, t.external_id, t.total_hours_spent, e.id, e.hours) order by e.id)
        from ticket_details t join ticket_time_entries e on e.ticket_id = t.id";
    let billed =
        async || -> serde_json::Value { sqlx::query_scalar(BILLED).fetch_one(&world.pool).await.unwrap() };
    let before = billed().await;
    assert!(before.as_array().is_some_and(|entries| entries.len() >= 2));

    let mark =
        |deleted, spam| TicketPatch { deleted: Some(deleted), spam: Some(spam), ..TicketPatch::default() };
    world.pass(1);
    world.vendor.control.update_ticket(binned, mark(true, false));
    world.vendor.control.update_ticket(spam, mark(false, true));
    let report = world.tickets(Reach::Changes).await;
    assert_eq!(report.counts().tickets_cleaned, 2);
    for line in [
        format!("ticket {binned}: in the bin of Freshservice, kept as deleted with its hours"),
        format!("ticket {spam}: in the spam folder of Freshservice, kept as spam with its hours"),
    ] {
        assert!(report.output().contains(&line), "{line}: {}", report.output());
    }
    assert_eq!(billed().await, before, "ids and hours are what bills are made of");
    let gone = "select count(*) from ticket_details where status in ('deleted', 'spam') and not is_active
        and detail_due_at is null";
    assert_eq!(world.number(gone).await, 2);
    world.assert_same().await;
    let again = world.tickets(Reach::Full).await;
    assert_eq!(again.counts().tickets_cleaned, 0, "told once: {}", again.output());

    world.pass(10);
    world.vendor.control.update_ticket(binned, mark(false, false));
    world.vendor.control.update_ticket(spam, mark(false, false));
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
    assert_eq!(world.number("select count(*) from ticket_details where detail_due_at is not null").await, 2);
    world.details().await;
    assert_eq!(billed().await, before);
}
