//! Jobs, their worker and the scheduler.

use std::time::Duration;

use chrono::{NaiveTime, TimeDelta};
use hivematrix_codex::domain::schedule::{Rhythm, Schedule};
use hivematrix_codex::jobs::{Details, StartError, SyncService, Work};
use hivematrix_codex::providers::{Providers, Vendors};
use hivematrix_codex::store::sync_jobs::{self, Job, NewJob};
use hivematrix_codex::sync::{Reach, SyncRules};
use hivematrix_simulators::freshservice::{Fault, FaultMode, TicketPatch};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::World;

pub const LIST: Work = Work::Tickets { reach: Reach::Changes, details: Details::Skip };

pub fn schedule() -> Schedule {
    Schedule {
        enabled: true,
        tickets: Some(TimeDelta::minutes(5)),
        details: Rhythm::Never,
        comparison: Rhythm::Never,
        base: Rhythm::Daily(NaiveTime::MIN),
        assets: Rhythm::Daily(NaiveTime::MIN),
        run_on_startup: false,
    }
}

pub fn service(world: &World, shutdown: &CancellationToken) -> SyncService {
    let (pool, clock) = (world.pool.clone(), world.clock.clone());
    SyncService::new(
        pool,
        clock,
        Vendors { psa: world.providers(), ..Vendors::default() },
        schedule(),
        SyncRules::default(),
        shutdown.clone(),
    )
}

async fn job(world: &World, id: Uuid) -> Job {
    sync_jobs::get(&world.pool, id).await.unwrap().unwrap()
}

pub async fn ended(world: &World, id: Uuid) -> Job {
    for _ in 0..2000 {
        let job = job(world, id).await;
        if job.status != "running" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("job {id} does not end");
}

/// Waits for something that has to happen.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..2000 {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen");
}

fn slow_tickets(world: &World) {
    let fault = Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/tickets").on_page(2);
    world.vendor.control.add_fault(fault);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_job_leaves_a_row_with_its_end_and_counts(pool: PgPool) {
    let world = World::new(pool).await;
    let service = service(&world, &CancellationToken::new());
    let work = Work::Tickets { reach: Reach::Changes, details: Details::Due };
    let id = service.start(None, work, "test").await.unwrap();
    let job = ended(&world, id).await;
    assert_eq!((job.status.as_str(), job.success, job.error.as_deref()), ("completed", Some(true), None));
    assert_eq!((job.script.as_str(), job.sync_type.as_deref()), ("psa", Some("tickets")));
    let progress = job.progress.unwrap();
    let stored = world.stored().await.len();
    assert_eq!(progress["counts"]["tickets_created"], stored);
    assert_eq!(progress["counts"]["details"], stored);
    assert!(job.output.unwrap().ends_with("Done\n"));
    let synced = "select count(*) from sync_state where kind = 'tickets' and last_completed_at is not null";
    assert_eq!(world.number(synced).await, 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_failing_vendor_is_named_in_the_job(pool: PgPool) {
    let world = World::new(pool).await;
    world.vendor.control.add_fault(Fault::always(FaultMode::Unauthorized));
    let service = service(&world, &CancellationToken::new());
    let job = ended(&world, service.start(None, LIST, "test").await.unwrap()).await;
    assert_eq!((job.status.as_str(), job.success), ("failed", Some(false)));
    assert!(job.error.as_deref().unwrap().starts_with("authentication with Freshservice failed"), "{job:?}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn one_list_phase_at_a_time_and_details_do_not_hold_it_up(pool: PgPool) {
    let world = World::new(pool).await;
    slow_tickets(&world);
    let service = service(&world, &CancellationToken::new());
    let first = service.start(None, LIST, "test").await.unwrap();
    match service.start(None, LIST, "test").await {
        Err(StartError::Running(running)) => assert_eq!(running, first),
        other => panic!("{other:?}"),
    }
    // Another kind may run beside it.
    let base = service.start(None, Work::base(), "test").await.unwrap();
    assert_eq!(ended(&world, base).await.status, "completed");
    assert!(sync_jobs::request_cancel(&world.pool, first).await.unwrap());
    assert_eq!(ended(&world, first).await.error.as_deref(), Some("cancelled"));

    world.vendor.control.clear_faults();
    world
        .vendor
        .control
        .add_fault(Fault::always(FaultMode::Slow { delay_ms: 60_000 }).on("/tickets/{id}/conversations"));
    let work = Work::Tickets { reach: Reach::Changes, details: Details::Due };
    let detailing = service.start(None, work.clone(), "test").await.unwrap();
    let key = "select count(*) from sync_jobs where exclusive_key = 'psa:tickets-detail:freshservice'";
    until("the detail phase", async || world.number(key).await == 1).await;
    let second = service.start(None, work, "test").await.unwrap();
    let second = ended(&world, second).await;
    assert_eq!(second.status, "completed");
    assert!(second.output.unwrap().contains("Details are being read by another job"));
    assert_eq!(job(&world, detailing).await.status, "running");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_job_whose_worker_is_dead_makes_room_and_its_work_goes_on(pool: PgPool) {
    let world = World::new(pool).await;
    // What a process killed in the middle of a run leaves behind.
    slow_tickets(&world);
    let dead = NewJob {
        script: "psa",
        provider: Some("freshservice"),
        sync_type: Some("tickets"),
        exclusive_key: "psa:tickets:freshservice",
        requested_by: "test",
    };
    let dead = sync_jobs::start(&world.pool, &dead, world.clock.now()).await.unwrap().unwrap();
    let sync = world.sync();
    let run = tokio::spawn(async move { sync.tickets(Reach::Full).await });
    until("the first page", async || world.stored().await.len() == 100).await;
    run.abort();
    world.vendor.control.clear_faults();

    let service = service(&world, &CancellationToken::new());
    assert!(matches!(service.start(None, LIST, "test").await, Err(StartError::Running(id)) if id == dead));
    sqlx::query("update sync_jobs set heartbeat_at = clock_timestamp() - interval '16 seconds'")
        .execute(&world.pool)
        .await
        .unwrap();
    let id = service.start(None, LIST, "test").await.unwrap();
    assert_eq!(ended(&world, id).await.status, "completed");
    let dead = job(&world, dead).await;
    assert_eq!(
        (dead.status.as_str(), dead.error.as_deref()),
        ("failed", Some("interrupted: the worker died"))
    );
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_job_that_lost_its_lease_stops(pool: PgPool) {
    let world = World::new(pool).await;
    let slow = Fault::always(FaultMode::Slow { delay_ms: 1_200 }).on("/tickets");
    world.vendor.control.add_fault(slow);
    let service = service(&world, &CancellationToken::new());
    let id = service.start(None, LIST, "test").await.unwrap();
    let begun = async || world.vendor.control.request_counts().total > 0;
    until("the first request", begun).await;
    sqlx::query(
        "update sync_jobs set status = 'failed', error = 'taken', exclusive_key = null where id = $1",
    )
    .bind(id)
    .execute(&world.pool)
    .await
    .unwrap();
    // The worker notices with its next sign of life, while pages are left to be read: then nothing is asked any more.
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    let asked = world.vendor.control.request_counts().total;
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    assert_eq!(world.vendor.control.request_counts().total, asked);
    assert_eq!(job(&world, id).await.error.as_deref(), Some("taken"), "and the row is left alone");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_fresh_instance_fills_itself_and_a_stopped_one_goes_on(pool: PgPool) {
    let world = World::new(pool).await;
    slow_tickets(&world);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service(&world, &shutdown).run());
    until("the first page of tickets", async || world.stored().await.len() == 100).await;
    assert!(world.number("select count(*) from companies").await >= 6, "companies come first");
    shutdown.cancel();
    running.await.unwrap();
    let stopped =
        "select count(*) from sync_jobs where error like 'interrupted%' and completed_at is not null";
    assert_eq!(world.number(stopped).await, 1);
    assert_eq!(world.number("select count(*) from sync_jobs where status = 'running'").await, 0);

    // The clock stands still, so only the interruption is a reason to go on.
    world.vendor.control.clear_faults();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service(&world, &shutdown).run());
    let done = "select count(*) from sync_state where kind = 'tickets' and last_completed_at is not null";
    until("the rest", async || world.number(done).await == 1).await;
    shutdown.cancel();
    running.await.unwrap();
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_clock_that_was_ahead_and_is_set_back_does_not_stop_the_syncs(pool: PgPool) {
    let world = World::new(pool).await;
    let shutdown = CancellationToken::new();
    let now = world.clock.now();
    world.clock.set(now + TimeDelta::days(3));
    let running = tokio::spawn(service(&world, &shutdown).run());
    let done = "select count(*) from sync_jobs where status = 'completed' and sync_type = 'tickets'";
    until("a ticket sync", async || world.number(done).await == 1).await;

    let missed = world.active(1)[0];
    let closed = TicketPatch { status: Some(5), ..TicketPatch::default() };
    world.vendor.control.update_ticket(missed, closed);
    world.clock.set(now);
    until("a sync after the clock was set back", async || world.number(done).await == 2).await;
    shutdown.cancel();
    running.await.unwrap();
    world.assert_same().await;
    let ahead = "select count(*) from sync_state where last_completed_at > now() + interval '1 day'";
    assert_eq!(world.number(ahead).await, 0, "the board does not claim to be synced in the future");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_one_instance_follows_the_schedule(pool: PgPool) {
    let world = World::new(pool).await;
    let shutdown = CancellationToken::new();
    let instances: Vec<_> = (0..3).map(|_| tokio::spawn(service(&world, &shutdown).run())).collect();
    let done = "select count(*) from sync_jobs where status = 'completed' and sync_type = 'tickets'";
    until("a ticket sync", async || world.number(done).await == 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    shutdown.cancel();
    for instance in instances {
        instance.await.unwrap();
    }
    assert_eq!(world.number("select count(*) from sync_jobs").await, 2, "one base, one ticket sync");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn old_jobs_are_removed(pool: PgPool) {
    let world = World::new(pool).await;
    sqlx::query(
        "insert into sync_jobs (id, script, status, started_at)
         select gen_random_uuid(), 'psa', 'completed', $1 - make_interval(days => days) from unnest($2::int[]) as d (days)",
    )
    .bind(world.clock.now())
    .bind(vec![1, 29, 31, 400])
    .execute(&world.pool)
    .await
    .unwrap();
    let removed = sync_jobs::prune(&world.pool, world.clock.now() - TimeDelta::days(30)).await.unwrap();
    assert_eq!(removed, 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn without_a_provider_nothing_starts_and_the_reason_is_said(pool: PgPool) {
    let world = World::new(pool).await;
    let vendors = Vendors { psa: Providers::new("freshservice"), ..Vendors::default() };
    let (clock, shutdown) = (world.clock.clone(), CancellationToken::new());
    let service =
        SyncService::new(world.pool.clone(), clock, vendors, schedule(), SyncRules::default(), shutdown);
    let error = service.start(Some("autotask"), LIST, "test").await.unwrap_err();
    assert_eq!(error.to_string(), "unknown PSA provider 'autotask' (known: freshservice, superops)");
    assert_eq!(world.number("select count(*) from sync_jobs").await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_beat_without_news_leaves_the_log_as_it_is(pool: PgPool) {
    let world = World::new(pool).await;
    let new = NewJob {
        script: "psa",
        provider: Some("freshservice"),
        sync_type: Some("base"),
        exclusive_key: "k",
        requested_by: "test",
    };
    let id = sync_jobs::start(&world.pool, &new, world.clock.now()).await.unwrap().unwrap();
    for (output, stored) in
        [(None, None), (Some("one"), Some("one")), (None, Some("one")), (Some("two"), Some("two"))]
    {
        sync_jobs::beat(&world.pool, id, &serde_json::json!({}), output).await.unwrap();
        assert_eq!(job(&world, id).await.output.as_deref(), stored, "{output:?}");
    }
}
