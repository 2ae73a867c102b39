//! The detail phase.

use std::time::Duration;

use hivematrix_codex::providers::{PsaTimeEntry, TicketDetail};
use hivematrix_codex::store::sync_details::{self, Stale};
use hivematrix_codex::sync::{DetailLimits, Reach};
use hivematrix_simulators::freshservice::{Fault, FaultMode, NewEntry, NewWork};
use rust_decimal::Decimal;
use sqlx::PgPool;

use crate::harness::World;

async fn hours(world: &World, id: u64) -> Decimal {
    sqlx::query_scalar("select total_hours_spent from ticket_details where external_id = $1")
        .bind(i64::try_from(id).unwrap())
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn details_hold_messages_notes_and_all_hours(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    for number in 0..120 {
        let entry = NewEntry { text: format!("Message {number}"), incoming: true, private: number % 40 == 0 };
        world.vendor.control.add_entry(id, entry);
    }
    for minutes in [90, 20] {
        world.vendor.control.add_work(id, NewWork { minutes, billable: true, ..NewWork::default() });
    }
    world.pass(1);
    world.tickets(Reach::Changes).await;
    let report = world.details().await;
    assert_eq!(report.counts().details, world.stored().await.len() as u64);
    assert_eq!(world.number("select count(*) from ticket_details where detail_due_at is not null").await, 0);

    let found = "$[*] ? (@.body starts with \"Message\")";
    let (conversations, notes): (i32, i32) = sqlx::query_as(
        "select jsonb_array_length(jsonb_path_query_array(conversations, $2::jsonpath)),
                jsonb_array_length(jsonb_path_query_array(notes, $2::jsonpath))
         from ticket_details where external_id = $1",
    )
    .bind(i64::try_from(id).unwrap())
    .bind(found)
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!((conversations, notes), (117, 3), "more than one page of them");
    let sums = "select count(*) from ticket_details t where t.total_hours_spent is distinct from
                (select coalesce(sum(hours), 0) from ticket_time_entries e where e.ticket_id = t.id)";
    assert_eq!(world.number(sums).await, 0);
    assert!(hours(&world, id).await >= "1.8333".parse().unwrap());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_failed_call_keeps_the_hours_and_comes_back_later(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    world.vendor.control.add_work(id, NewWork { minutes: 60, billable: true, ..NewWork::default() });
    world.pass(1);
    world.tickets(Reach::Changes).await;
    world.details().await;
    let before = hours(&world, id).await;
    assert!(before >= Decimal::ONE);

    world.vendor.control.add_entry(id, NewEntry { text: "More".into(), ..NewEntry::default() });
    let entries = format!("/tickets/{id}/time_entries");
    for mode in [FaultMode::Status { status: 500 }, FaultMode::NotFound, FaultMode::HtmlPage] {
        world.vendor.control.clear_faults();
        world.vendor.control.add_fault(Fault::always(mode.clone()).on(&entries));
        world.pass(1);
        world.tickets(Reach::Changes).await;
        let report = world.details().await;
        assert_eq!(report.counts().details, 0, "{mode:?}");
        assert_eq!(hours(&world, id).await, before, "{mode:?}");
    }
    world.vendor.control.clear_faults();
    assert_eq!(world.details().await.counts().details, 0, "not at once");
    world.pass(60);
    assert_eq!(world.details().await.counts().details, 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_that_is_gone_is_found_out_by_its_details(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    world.vendor.control.remove_ticket(id);
    let report = world.details().await;
    assert_eq!(report.counts().tickets_deleted, 1);
    assert_eq!(world.status_of(id).await.as_deref(), Some("deleted"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn active_tickets_come_first_and_limits_hold(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let sync = world.sync();
    sync.details(DetailLimits { tickets: 30, time: Duration::from_secs(60), changed_since: None })
        .await
        .unwrap();
    assert_eq!(sync.report.counts().details, 30);
    let closed = "select count(*) from ticket_details where detail_due_at is null and not is_active";
    assert_eq!(world.number(closed).await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_booking_that_comes_on_two_pages_counts_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    for _ in 0..120 {
        world.vendor.control.add_work(id, NewWork { minutes: 30, billable: true, ..NewWork::default() });
        world.vendor.control.add_entry(id, NewEntry { text: "Again".into(), ..NewEntry::default() });
    }
    world.pass(1);
    world.tickets(Reach::Changes).await;
    world.details().await;
    let before = hours(&world, id).await;
    assert!(before >= Decimal::from(60));
    let messages = "select max(jsonb_array_length(conversations)) :: bigint from ticket_details";
    let messages_before = world.number(messages).await;
    assert!(messages_before >= 120);

    world.vendor.control.add_fault(Fault::always(FaultMode::RepeatRow).on(&format!("/tickets/{id}/*")));
    world.vendor.control.add_work(id, NewWork { minutes: 30, billable: true, ..NewWork::default() });
    world.pass(1);
    world.tickets(Reach::Changes).await;
    assert_eq!(world.details().await.counts().details, 1);
    assert_eq!(hours(&world, id).await, before + Decimal::new(5, 1));
    assert_eq!(world.number(messages).await, messages_before);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn details_that_cannot_be_stored_are_put_off_and_the_others_read(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    let refuse =
        format!("alter table ticket_details add check (external_id <> {id} or total_hours_spent = 0)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&world.pool).await.unwrap();
    world.vendor.control.add_work(id, NewWork { minutes: 30, billable: true, ..NewWork::default() });
    world.pass(1);
    let report = world.details().await;
    assert_eq!(report.counts().details, world.stored().await.len() as u64 - 1);
    assert!(report.output().contains(&format!("ticket {id}: ")), "{}", report.output());
    assert_eq!(world.number("select count(*) from ticket_details where detail_due_at is not null").await, 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_booking_that_cannot_be_read_stays_as_it_is_stored(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let due =
        sync_details::due(&world.pool, "freshservice", world.clock.now(), None, 1).await.unwrap().remove(0);
    let entry = |external_id, hours: &str| PsaTimeEntry {
        external_id,
        agent_id: None,
        hours: hours.parse().unwrap(),
        billable: Some(true),
        executed_at: None,
        created_at: None,
        updated_at: None,
    };
    let save = async |time_entries, unread_entries| {
        let detail = TicketDetail { time_entries, unread_entries, ..TicketDetail::default() };
        sync_details::save(&world.pool, "freshservice", &due, &detail).await.unwrap();
        let stored: Vec<i64> =
            sqlx::query_scalar("select external_id from ticket_time_entries where ticket_id = $1 order by 1")
                .bind(due.id)
                .fetch_all(&world.pool)
                .await
                .unwrap();
        (stored, hours(&world, due.external_id.unsigned_abs()).await)
    };
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let all = vec![entry(1, "1"), entry(2, "2"), entry(3, "4")];
    assert_eq!(save(all, vec![]).await, (vec![1, 2, 3], number("7")));
    // One is changed, one cannot be read, one is gone.
    assert_eq!(save(vec![entry(1, "1.5")], vec![Some(2)]).await, (vec![1, 2], number("3.5")));
    // One without a name could be any of them.
    assert_eq!(save(vec![entry(4, "1")], vec![None]).await, (vec![1, 2, 4], number("4.5")));
    // One that was never read counts for nothing.
    assert_eq!(save(vec![entry(4, "1")], vec![Some(5)]).await, (vec![4], number("1")));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn all_details_can_be_read_again_in_as_many_runs_as_it_takes(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    world.details().await;
    let gone = world.active(1)[0];
    world.vendor.control.remove_ticket(gone);
    world.pass(10);
    world.tickets(Reach::Full).await;
    world.details().await;
    const DUE: &str = "select count(*) from ticket_details where detail_due_at is not null";
    assert_eq!(world.number(DUE).await, 0);

    let sync = world.sync();
    sync.make_due(Stale::All).await.unwrap();
    let all = world.stored().await.len() as u64;
    assert_eq!(world.number(DUE).await.unsigned_abs(), all, "all but the one that is gone");
    let limits = DetailLimits { tickets: 30, time: Duration::from_secs(60), changed_since: None };
    sync.details(limits).await.unwrap();
    assert_eq!(world.number(DUE).await.unsigned_abs(), all - 30);
    assert_eq!(world.details().await.counts().details, all - 30, "the next run goes on there");
}
