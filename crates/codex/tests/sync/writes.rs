//! Changes that go to the vendor, and events that come from it between two syncs.

use hivematrix_codex::domain::webhook::TicketEvent;
use hivematrix_codex::domain::{status::StatusMap, statuses::Statuses};
use hivematrix_codex::providers::{ProviderError, PsaProvider, TicketChange};
use hivematrix_codex::store::webhooks::{self, Effect};
use hivematrix_codex::sync::Reach;
use hivematrix_simulators::freshservice::{Fault, FaultMode, TicketPatch};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::World;

/// A change that may be repeated is; what nobody can know is told as such.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_change_is_repeated_and_a_note_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    let provider = world.freshservice();
    let id = i64::try_from(world.active(1)[0]).unwrap();
    let change = TicketChange { status: Some("on_hold".to_owned()), responder_id: None };
    for (mode, unknown, puts, posts) in [
        (FaultMode::Status { status: 500 }, true, 3, 1),
        (FaultMode::CutConnection, true, 3, 1),
        (FaultMode::HtmlPage, true, 3, 1),
        (FaultMode::EmptyBody, true, 3, 1),
        (FaultMode::TruncatedJson, true, 3, 1),
        (FaultMode::Status { status: 403 }, false, 1, 1),
        (FaultMode::Unauthorized, false, 1, 1),
        (FaultMode::RateLimited { retry_after: Some(1) }, false, 6, 6),
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()));
        world.vendor.control.clear_requests();
        let error = provider.update_ticket(id, &change).await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::OutcomeUnknown { .. }), unknown, "{mode:?}: {error}");
        assert_eq!(world.vendor.control.request_counts().total, puts, "{mode:?}");
        world.vendor.control.clear_requests();
        let error = provider.add_note(id, "Hello").await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::OutcomeUnknown { .. }), unknown, "{mode:?}: {error}");
        assert_eq!(world.vendor.control.request_counts().total, posts, "{mode:?}");
        world.vendor.control.clear_faults();
    }
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 500 }).times(2));
    let ticket = provider.update_ticket(id, &change).await.unwrap().unwrap();
    assert_eq!((ticket.status.as_deref(), ticket.status_id), (Some("on_hold"), Some(23)));
    assert_eq!(provider.update_ticket(1, &change).await.unwrap(), None);
    assert_eq!(provider.add_note(1, "Hello").await.unwrap(), None);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_the_vendor_says_against_a_change_is_passed_on(pool: PgPool) {
    let world = World::new(pool).await;
    let id = i64::try_from(world.active(1)[0]).unwrap();
    let nobody = TicketChange { status: None, responder_id: Some(4) };
    let error = world.freshservice().update_ticket(id, &nobody).await.unwrap_err().to_string();
    assert!(error.contains("Validation failed (responder_id There is no record"), "{error}");
    let odd = TicketChange { status: Some("no_such_key".to_owned()), responder_id: None };
    let error = world.freshservice().update_ticket(id, &odd).await.unwrap_err();
    assert!(matches!(error, ProviderError::NotSupported { .. }), "{error}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn without_a_connection_nothing_was_sent(pool: PgPool) {
    let world = World::new(pool).await;
    let provider = world.freshservice();
    let World { vendor, .. } = world;
    drop(vendor);
    // The server's task is aborted; its socket closes in a moment.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let error = provider.add_note(1, "Hello").await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable { .. }), "{error}");
}

async fn report(world: &World, payload: Value) -> Effect {
    let statuses = Statuses::Codes(StatusMap::freshservice([]));
    let event = TicketEvent::read(&payload, &statuses, world.clock.now()).unwrap();
    webhooks::apply(&world.pool, "freshservice", &event, world.clock.now()).await.unwrap()
}

/// An event without a time is stored with ours, which must not keep the next sync from storing what the vendor has.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_sync_corrects_what_events_have_told(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.active(1)[0];
    // The vendor changes it, its event arrives half a minute later, tells only half of it, and tells it wrong.
    world.vendor.control.update_ticket(
        id,
        TicketPatch { status: Some(23), subject: Some("New name".to_owned()), ..TicketPatch::default() },
    );
    world.clock.set(world.clock.now() + chrono::TimeDelta::seconds(30));
    assert_eq!(
        report(&world, json!({"ticket_id": id, "status_id": 9})).await,
        Effect::Updated(vec!["status"])
    );
    assert_eq!(world.status_of(id).await.as_deref(), Some("waiting_customer"));
    let mark = "select count(*) from sync_state where kind = 'tickets' and last_completed_at is not null";
    assert_eq!(world.number(mark).await, 1, "the mark of the syncs is not touched by events");
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
    assert_eq!(world.status_of(id).await.as_deref(), Some("on_hold"));
}

/// What only an event has told of yet gets its words from the next sync, and its messages from the detail phase.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_ticket_that_an_event_brought_is_completed(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let id = world.vendor.control.create_ticket(TicketPatch::default());
    assert_eq!(report(&world, json!({"event": "ticket.created", "ticket_id": id})).await, Effect::Created);
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
    let bare = "select count(*) from ticket_details where description is null or subject like 'Ticket #%'";
    assert_eq!(world.number(bare).await, 0);
}
