//! Another writer in the way of a sync.

use std::time::Duration;

use hivematrix_codex::sync::{BasePart, Reach, SyncError};
use hivematrix_simulators::freshservice::TicketPatch;
use sqlx::{AssertSqlSafe, PgPool};

use crate::harness::World;
use crate::rmm_world::RmmWorld;

/// From now on the database breaks off the first writes to a table, as if somebody else had been in the way.
async fn break_off(pool: &PgPool, table: &str, times: u32) {
    let sql = format!(
        "create sequence if not exists breaks;
         alter sequence breaks restart;
         create or replace function break_off() returns trigger language plpgsql as $$ begin
             if nextval('breaks') <= {times} then raise exception 'in the way' using errcode = '40P01'; end if;
             return null;
         end $$;
         create or replace trigger break_off before insert or update or delete on {table}
             for each statement execute function break_off();"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

async fn let_be(pool: &PgPool, table: &str) {
    let sql = format!("drop trigger break_off on {table}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_deadlock_costs_a_moment_and_not_the_run(pool: PgPool) {
    let world = World::new(pool).await;
    for (table, part) in [
        ("companies", BasePart::Companies),
        ("psa_agents", BasePart::Agents),
        ("staged_contacts", BasePart::Contacts),
        ("contacts", BasePart::Contacts),
    ] {
        break_off(&world.pool, table, 2).await;
        let sync = world.sync();
        sync.base(&[part]).await.unwrap();
        assert_eq!(sync.report.counts().warnings, u64::from(part == BasePart::Companies), "{table}");
        let_be(&world.pool, table).await;
    }
    break_off(&world.pool, "ticket_details", 3).await;
    let report = world.tickets(Reach::Full).await;
    assert_eq!(report.counts().tickets_created, world.stored().await.len() as u64, "each counted once");
    world.assert_same().await;
    let_be(&world.pool, "ticket_details").await;

    break_off(&world.pool, "ticket_time_entries", 3).await;
    let report = world.details().await;
    assert_eq!(report.counts().details, world.stored().await.len() as u64);
    let_be(&world.pool, "ticket_time_entries").await;

    // Somebody who is in the way for good ends the run, and what was stored stays.
    break_off(&world.pool, "ticket_details", 1000).await;
    world.vendor.control.update_ticket(world.active(1)[0], TicketPatch::default());
    world.pass(1);
    let error = world.failing_tickets(Reach::Changes).await;
    assert!(matches!(error, SyncError::Database(_)), "{error}");
    let_be(&world.pool, "ticket_details").await;
    world.tickets(Reach::Changes).await;
    world.assert_same().await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_deadlock_costs_no_sync_of_assets_either(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    for table in ["rmm_site_links", "assets", "rmm_runs"] {
        break_off(&world.pool, table, 2).await;
        let report = world.devices().await;
        assert_eq!(report.counts().assets, u64::try_from(world.stored().await).unwrap(), "{table}");
        let_be(&world.pool, table).await;
    }
}

/// Two writers who lock the same tickets in opposite order; the database ends one of them.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_real_deadlock_with_another_writer_is_survived(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let ids = world.active(2);
    let (first, last) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
    for id in &ids {
        world.vendor.control.update_ticket(*id, TicketPatch { priority: Some(4), ..TicketPatch::default() });
    }
    world.pass(1);
    // The sync writes in the order of the ids: it waits for the last one while it holds the first.
    let mut other = world.pool.begin().await.unwrap();
    let touch = async |other: &mut sqlx::PgConnection, id: u64| {
        sqlx::query("update ticket_details set subject = 'Touched' where external_id = $1")
            .bind(i64::try_from(id).unwrap())
            .execute(other)
            .await
    };
    touch(&mut other, *last).await.unwrap();
    let sync = world.sync();
    let run = tokio::spawn(async move { sync.tickets(Reach::Changes).await });
    let waits = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
    while world.number(waits).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One of the two is broken off: we, or the sync.
    if touch(&mut other, *first).await.is_ok() {
        other.commit().await.unwrap();
    } else {
        other.rollback().await.unwrap();
    }
    run.await.unwrap().unwrap();
    world.assert_same().await;
}
