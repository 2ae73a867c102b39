//! What a job reads, when it hears of its end, and that it looks alive until then.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::future::BoxFuture;
use hivematrix_codex::cli::{self, Command};
use hivematrix_codex::jobs::{Details, Done, SyncService, Work};
use hivematrix_codex::providers::Vendors;
use hivematrix_codex::store::sync_jobs;
use hivematrix_codex::sync::{BasePart, Obeyed, Reach, Report, SyncError, SyncRules};
use hivematrix_shared::clock::Clock;
use hivematrix_simulators::freshservice::{Fault, FaultMode};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;

use crate::harness::World;
use crate::jobs::{LIST, ended, schedule, service, until};

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_full_run_reads_the_details_of_every_ticket_again(pool: PgPool) {
    let world = World::new(pool).await;
    let service = service(&world, &CancellationToken::new());
    let read = async |details| {
        let work = Work::Tickets { reach: Reach::Full, details };
        let job = ended(&world, service.start(None, work, "test").await.unwrap()).await;
        assert_eq!(job.status, "completed", "{job:?}");
        job.progress.unwrap()["counts"]["details"].as_u64().unwrap()
    };
    let all = world.listed().await.len() as u64;
    assert_eq!(read(Details::Due).await, all, "all are new");
    assert_eq!(read(Details::Due).await, 0);
    assert_eq!(read(Details::All).await, all, "whether they are due or not");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_short_sync_hears_of_its_end_between_two_pages(pool: PgPool) {
    let world = World::new(pool).await;
    // All pages would be read and stored before the next sign of life.
    let slow = Fault::always(FaultMode::Slow { delay_ms: 1_000 }).on("/tickets").on_page(1);
    world.vendor.control.add_fault(slow);
    let service = service(&world, &CancellationToken::new());
    let id = service.start(None, LIST, "test").await.unwrap();
    until("the first request", async || world.vendor.control.request_counts().total > 0).await;
    assert!(sync_jobs::request_cancel(&world.pool, id).await.unwrap());
    let job = ended(&world, id).await;
    assert_eq!((job.status.as_str(), job.error.as_deref()), ("failed", Some("cancelled")));
    assert!(world.stored().await.len() <= 100, "at most the page that was on its way");
}

/// Somebody who wants every run to end.
struct Impatient;

impl Obeyed for Impatient {
    fn wanted_end(&self) -> BoxFuture<'_, Option<SyncError>> {
        Box::pin(std::future::ready(Some(SyncError::Cancelled)))
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_end_that_somebody_wanted_is_no_error_of_a_part(pool: PgPool) {
    let world = World::new(pool).await;
    let sync = world.sync();
    sync.report.obey(Impatient);
    let ended = sync.base(&BasePart::ALL).await;
    assert!(matches!(ended, Err(SyncError::Cancelled)), "{ended:?}");
    assert!(sync.report.problems().is_empty() && !sync.report.output().contains("ERROR"));
    assert!(!sync.report.output().contains("Reading agents"), "nor is the next part begun");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_step_that_keeps_its_thread_busy_does_not_look_dead(pool: PgPool) {
    let options = pool.connect_options().as_ref().clone();
    let age = move || async {
        let pool = PgPoolOptions::new().max_connections(3).connect_with(options).await.unwrap();
        let (clock, shutdown) = (Clock::system(), CancellationToken::new());
        let rules = SyncRules::default();
        let service = SyncService::new(pool.clone(), clock, Vendors::default(), schedule(), rules, shutdown);
        let busy = |_: Report| async {
            std::thread::sleep(Duration::from_secs(5));
            Ok(Done::Whole)
        };
        let (id, running) = service.start_task("busy", Duration::from_secs(60), "test", busy).await.unwrap();
        tokio::time::sleep(Duration::from_millis(4_500)).await;
        let age: f64 = sqlx::query_scalar(
            "select extract(epoch from clock_timestamp() - heartbeat_at)::float8 from sync_jobs where id = $1",
        )
        .bind(id)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(running.await.unwrap().error, None);
        pool.close().await;
        age
    };
    // Threads of its own, as the service has them.
    let threads = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(age())
    });
    let age = tokio::task::spawn_blocking(move || threads.join().unwrap()).await.unwrap();
    assert!(age < 3.5, "the last sign of life is {age} seconds old");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn all_providers_include_the_one_that_lacks_its_key(pool: PgPool) {
    let world = World::new(pool).await;
    let run = async |wanted: &[&'static str]| {
        let psa = world.providers().wanting(wanted.iter().copied());
        let (clock, shutdown) = (world.clock.clone(), CancellationToken::new());
        let (rules, vendors) = (SyncRules::default(), Vendors { psa, ..Vendors::default() });
        let service = SyncService::new(world.pool.clone(), clock, vendors, schedule(), rules, shutdown);
        let line = ["codex", "sync-psa", "--all-providers", "--type", "agents"];
        let command = CommandLine::parse_from(line).command;
        format!("{:?}", cli::run(&command, &service).await)
    };
    assert_eq!(run(&["freshservice"]).await, format!("{:?}", ExitCode::SUCCESS));
    let agents = "select count(*) from psa_agents";
    let found = world.number(agents).await;
    assert!(found > 0);
    sqlx::query("delete from psa_agents").execute(&world.pool).await.unwrap();
    assert_eq!(run(&["superops", "freshservice"]).await, format!("{:?}", ExitCode::FAILURE));
    assert_eq!(world.number(agents).await, found, "the others are read all the same");
}

#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}
