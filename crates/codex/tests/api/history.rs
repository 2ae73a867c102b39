//! The history of syncs, what runs, and the schedule.

use chrono::{Local, NaiveTime, TimeZone as _};
use hivematrix_shared::auth::PermissionLevel::{Billing, Technician};
use hivematrix_shared::clock::zone_name;
use hivematrix_shared::pages::format::iso_z;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

/// Ten scheduled ticket syncs, one of them failed, a base sync by a person with errors, and one that runs.
const RUNS: &str = "
    insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, success, error, requested_by, progress)
    select gen_random_uuid(), 'psa', 'freshservice', 'tickets', case when n = 3 then 'failed' else 'completed' end,
        timestamptz '2025-11-22T09:00:00Z' + n * interval '5 minutes', timestamptz '2025-11-22T09:00:10Z' + n * interval '5 minutes',
        n <> 3, case when n = 3 then 'boom' end, 'scheduler', null
    from generate_series(1, 10) n;
    insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, success, requested_by, progress) values
        ('00000000-0000-4000-8000-00000000000b', 'psa', 'freshservice', 'base', 'completed', '2025-11-22T08:00:00Z', '2025-11-22T08:01:40Z',
         true, 'admin', '{\"counts\": {\"companies\": 40, \"contacts\": 160, \"warnings\": 2}}'),
        ('00000000-0000-4000-8000-00000000000c', 'keycloak_agents', null, null, 'completed', '2025-11-22T08:10:00Z', '2025-11-22T08:10:01Z',
         false, 'admin', null);
    insert into sync_jobs (id, script, provider, sync_type, status, started_at, heartbeat_at, requested_by, output, progress) values
        ('00000000-0000-4000-8000-00000000000d', 'psa', 'freshservice', 'base', 'running', '2025-11-22T10:30:00Z', now(), 'admin', 'line',
         '{\"phase\": \"contacts\", \"page\": 2, \"counts\": {\"companies\": 40, \"contacts\": 60}}');
    insert into sync_job_errors (job_id, at, message) values ('00000000-0000-4000-8000-00000000000d', now(), 'row 7');
";

async fn jobs(world: &World, query: &str) -> (Vec<String>, Value) {
    let answer = world.get_as(Technician, &format!("/api/sync/jobs{query}")).await.json();
    let names = answer["jobs"].as_array().unwrap().iter();
    (
        names
            .map(|job| format!("{} {}", job["name"].as_str().unwrap(), job["outcome"].as_str().unwrap()))
            .collect(),
        answer,
    )
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_history_is_filtered_paged_and_light_syncs_can_be_left_out(pool: PgPool) {
    let world = World::new(pool);
    world.sql(RUNS).await;
    let (names, answer) = jobs(&world, "?light=false").await;
    assert_eq!(
        names,
        [
            "[Freshservice] Sync running",
            "[Freshservice] Tickets failed",
            "[Keycloak] Agents errors",
            "[Freshservice] Sync success"
        ]
    );
    assert_eq!(
        answer["pagination"],
        json!({ "page": 1, "pages": 1, "total": 4, "has_prev": false, "has_next": false, "prev_num": null, "next_num": null })
    );
    assert_eq!(
        (&answer["jobs"][3]["duration_seconds"], &answer["jobs"][3]["warnings"], &answer["jobs"][3]["done"]),
        (&json!(100), &json!(2), &json!(200))
    );
    world
        .sql(
            "insert into sync_jobs (id, script, status, started_at, completed_at, success, error, requested_by)
             values (gen_random_uuid(), 'clear-data', 'failed', '2025-11-22T07:00:00Z', '2025-11-22T07:00:01Z', false,
                 'cancelled', 'admin')",
        )
        .await;
    for (query, total) in [
        ("", 14),
        ("?script=psa", 12),
        ("?script=keycloak_agents", 1),
        ("?provider=freshservice&status=failed", 1),
        ("?status=errors", 1),
        ("?status=completed", 10),
        ("?status=running", 1),
        ("?status=nonsense", 0),
        ("?script=clear-data", 1),
        ("?status=cancelled", 1),
        ("?status=failed", 1),
        ("?script=&status=&page=x", 14),
    ] {
        assert_eq!(jobs(&world, query).await.1["pagination"]["total"], total, "{query}");
    }
    let (names, answer) = jobs(&world, "?per_page=5&page=3").await;
    assert_eq!(
        (names.len(), &answer["pagination"]["has_next"], &answer["pagination"]["prev_num"]),
        (4, &json!(false), &json!(2))
    );
    assert_eq!(world.get_as(Billing, "/api/sync/jobs").await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_runs_is_seen_by_everybody_with_an_estimate(pool: PgPool) {
    let world = World::new(pool);
    world.sql(RUNS).await;
    let running = world.get_as(Technician, "/api/sync/running").await.json();
    let job = &running["jobs"][0];
    assert_eq!(running["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&job["done"], &job["total"], &job["seconds_left"]),
        (&json!(100), &json!(200), &json!(15)),
        "{job}"
    );
    assert_eq!(
        (&job["output"], job.get("errors"), &job["errors_total"]),
        (&json!("line"), None, &json!(1)),
        "asked every few seconds, it does not carry the texts of all errors"
    );
    assert_eq!(job["progress"]["phase"], "contacts");
    let mut one =
        world.get_as(Technician, "/api/sync/jobs/00000000-0000-4000-8000-00000000000d").await.json();
    assert_eq!(one.as_object_mut().unwrap().remove("errors"), Some(json!(["row 7"])));
    assert_eq!(&one, job);
    for id in ["none", "00000000-0000-4000-8000-000000000000"] {
        assert_eq!(
            world.get_as(Technician, &format!("/api/sync/jobs/{id}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_schedule_tells_what_runs_next(pool: PgPool) {
    let configured = [
        "--freshservice-domain",
        "msp.freshservice.com",
        "--freshservice-api-key",
        "k3y",
        "--sync-psa-time",
        "04:30",
        "--sync-tickets-schedule",
        "hourly",
    ];
    let world = World::at(pool, crate::support::NOW, &configured);
    world.sql(RUNS).await;
    world.sql("insert into companies (account_number, name) values ('1', 'Acme')").await;
    let schedule = world.get_as(Technician, "/api/sync/schedule").await.json();
    let rows: Vec<_> = schedule["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            (
                job["id"].as_str().unwrap(),
                job["rhythm"].as_str().unwrap(),
                job["next_run"].as_str().unwrap(),
                job["running"] == true,
            )
        })
        .collect();
    // Times of a day are meant where the server is, which differs from one that runs these tests to the next.
    let zone = zone_name();
    let begins = |time: &str| {
        let time: NaiveTime = time.parse().unwrap();
        let days = world.clock.local().date_naive().iter_days();
        let mut moments = days.map(|day| Local.from_local_datetime(&day.and_time(time)).earliest().unwrap());
        iso_z(moments.find(|moment| *moment > world.clock.now()).unwrap().to_utc())
    };
    assert_eq!(schedule["time_zone"], zone);
    assert_eq!(
        rows,
        [
            // One was begun and is not done; its row has no key, so it does not count as running.
            ("psa_sync", format!("daily at 04:30 {zone}").as_str(), begins("04:30:00").as_str(), false),
            ("tickets_light_sync", "every 5 minutes", "2025-11-22T10:30:15Z", false),
            ("tickets_detail_sync", "every hour", "2025-11-22T10:30:15Z", false),
            ("tickets_full_sync", format!("daily at 02:30 {zone}").as_str(), "2025-11-22T10:30:15Z", false),
        ]
    );
    assert_eq!(world.get_as(Billing, "/api/sync/schedule").await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_kind_of_job_has_a_type_of_the_contract(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, success, error)
             select gen_random_uuid(), 'psa', 'freshservice', kind, 'failed', '2025-11-22T09:00:00Z', '2025-11-22T09:01:00Z',
                 false, repeat('x', 1500) || 'end'
             from unnest('{base,tickets,tickets-detail,tickets-full}'::text[]) as kind",
        )
        .await;
    let (_, answer) = jobs(&world, "?per_page=2").await;
    assert_eq!(
        answer["pagination"],
        json!({ "page": 1, "pages": 2, "total": 4, "has_prev": false, "has_next": true, "prev_num": null, "next_num": 2 })
    );
    let (_, all) = jobs(&world, "").await;
    let mut kinds = Vec::new();
    for job in all["jobs"].as_array().unwrap() {
        let path = format!("/sync/status/{}", job["id"].as_str().unwrap());
        let told = world.get_as(Technician, &path).await.json();
        assert_eq!(told["sync_type"], job["sync_type"]);
        let error = told["error"].as_str().unwrap();
        assert!(error.len() == 1000 && error.ends_with("end"), "the last 1000 characters");
        kinds.push(told["sync_type"].as_str().unwrap().to_owned());
    }
    kinds.sort();
    assert_eq!(kinds, ["base", "tickets", "tickets", "tickets-detail"]);
}
