//! The Datto client against everything the vendor can do wrong.

use std::time::{Duration, Instant};

use hivematrix_codex::providers::datto::{Connection, Datto};
use hivematrix_codex::providers::{PageRef, ProviderError, Quota, Retry, RmmProvider};
use hivematrix_shared::config::Secret;
use hivematrix_simulators::datto::{Fault, FaultMode};
use sqlx::PgPool;

use crate::harness::HASTY;
use crate::rmm_world::{RmmWorld, SIZE};

const TOKEN: &str = "POST /auth/oauth/token";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn one_token_serves_a_run_and_is_renewed_when_it_ends(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let datto = world.datto();
    let control = &world.vendor.control;
    for _ in 0..3 {
        datto.sites(PageRef::FIRST).await.unwrap();
    }
    assert_eq!(control.request_counts().by_route[TOKEN], 1);
    control.revoke_tokens();
    datto.sites(PageRef::FIRST).await.unwrap();
    assert_eq!(control.request_counts().by_route[TOKEN], 2);
    // Many at once wait for one new token.
    control.revoke_tokens();
    let calls = (0..8).map(|_| datto.sites(PageRef::FIRST));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(control.request_counts().by_route[TOKEN], 3);
    // A vendor that refuses every token is asked for one new one, not for ever.
    control.add_fault(Fault::always(FaultMode::Unauthorized));
    let error = datto.sites(PageRef::FIRST).await.unwrap_err();
    assert!(matches!(error, ProviderError::Authentication { .. }), "{error}");
    assert!(control.request_counts().by_route[TOKEN] <= 5);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn tokens_are_renewed_before_they_end(pool: PgPool) {
    let world = RmmWorld::with(pool, |config| config.token_life = Duration::from_secs(2)).await;
    let datto = world.datto();
    datto.sites(PageRef::FIRST).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    datto.sites(PageRef::FIRST).await.unwrap();
    let counts = world.vendor.control.request_counts();
    assert_eq!(counts.by_route[TOKEN], 2);
    assert_eq!(counts.by_status.get(&401), None, "never with an old one");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn wrong_keys_are_said_and_never_shown(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let connection = Connection { secret_key: Secret::new("hunter2-hunter2"), ..world.connection() };
    assert!(!format!("{connection:?}").contains("hunter2"));
    let error = Datto::new(connection).unwrap().check().await.unwrap_err();
    assert!(matches!(error, ProviderError::Authentication { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!(world.vendor.control.request_counts().by_route[TOKEN], 1);
    world.datto().check().await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn pages_smaller_than_asked_for_lose_nothing(pool: PgPool) {
    let world = RmmWorld::with(pool, |config| config.page_cap = 3).await;
    world.devices().await;
    assert_eq!(world.stored().await, i64::from(SIZE.assets));
    assert!(world.vendor.control.request_lines().iter().any(|line| line.query.contains("page=2&max=250")));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn failures_are_survived_by_trying_again(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let datto = world.datto();
    for mode in [
        FaultMode::Status { status: 500 },
        FaultMode::Status { status: 503 },
        FaultMode::CutConnection,
        FaultMode::TruncatedJson,
        FaultMode::HtmlPage,
        FaultMode::EmptyBody,
        FaultMode::RateLimited { retry_after: None },
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()).on("/account/sites").times(2));
        let page = datto.sites(PageRef::FIRST).await;
        assert!(page.is_ok_and(|page| !page.items.is_empty()), "{mode:?}");
    }
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 500 }).on("/account/sites"));
    let error = datto.sites(PageRef::FIRST).await.unwrap_err();
    assert!(matches!(error, ProviderError::Api { status: 500, .. }), "{error}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_page_without_rows_that_announces_others_is_broken_and_not_the_end(pool: PgPool) {
    let world = RmmWorld::with(pool, |config| config.page_cap = 2).await;
    world.vendor.control.add_fault(Fault::always(FaultMode::EmptyPage).on("/account/sites"));
    let error = world.datto().sites(PageRef::FIRST).await.unwrap_err();
    assert!(error.to_string().contains("empty page"), "{error}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_wait_the_vendor_asks_for_is_kept_by_all(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let retry = Retry { longest_wait: Duration::from_secs(5), total_wait: Duration::from_secs(5), ..HASTY };
    let datto = world.patient(retry);
    datto.check().await.unwrap();
    let fault = Fault::always(FaultMode::RateLimited { retry_after: Some(1) }).times(1);
    world.vendor.control.add_fault(fault);
    let begun = Instant::now();
    let (first, second) = tokio::join!(datto.sites(PageRef::FIRST), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        datto.sites(PageRef::FIRST).await
    });
    assert!(first.is_ok() && second.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(950), "{:?}", begun.elapsed());
    let lines = world.vendor.control.request_lines();
    assert_eq!(
        lines.iter().filter(|line| line.path == "/account/sites").count(),
        3,
        "nobody asked meanwhile"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_lockout_after_429_is_waited_out_and_a_plain_403_is_not(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let datto = world.datto();
    let control = &world.vendor.control;
    control.add_fault(Fault::always(FaultMode::Status { status: 403 }).on("/account/sites").times(1));
    let error = datto.sites(PageRef::FIRST).await.unwrap_err();
    assert!(matches!(error, ProviderError::Api { status: 403, .. }), "{error}");
    control
        .add_fault(Fault::always(FaultMode::RateLimited { retry_after: None }).on("/account/sites").times(1));
    datto.sites(PageRef::FIRST).await.unwrap();
    control.add_fault(Fault::always(FaultMode::Status { status: 403 }).on("/account/sites").times(1));
    datto.sites(PageRef::FIRST).await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn over_the_limit_it_backs_off_and_gives_up_before_it_hammers(pool: PgPool) {
    let world = RmmWorld::with(pool, |config| {
        config.read_limit = 5;
        config.patience = 3;
        // The vendor's minute never ends.
        config.clock = hivematrix_simulators::clock::Clock::standing(config.clock.now());
    })
    .await;
    let retry = Retry {
        default_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(40),
        total_wait: Duration::from_millis(100),
        ..HASTY
    };
    let datto = world.patient(retry);
    let mut last = Ok(());
    for _ in 0..8 {
        last = datto.sites(PageRef::FIRST).await.map(|_| ());
        if last.is_err() {
            break;
        }
    }
    assert!(matches!(last, Err(ProviderError::RateLimited { .. })), "{last:?}");
    let refused = world.vendor.control.request_counts();
    let refused = refused.by_status.get(&429).unwrap_or(&0) + refused.by_status.get(&403).unwrap_or(&0);
    assert!((2..=8).contains(&refused), "{refused}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_own_bucket_keeps_it_below_the_vendors_limit(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let slow = Quota { burst: 3, per_minute: 1_200 };
    let datto = Datto::new(Connection { reads: slow, ..world.connection() }).unwrap();
    let begun = Instant::now();
    let calls = (0..8).map(|_| datto.sites(PageRef::FIRST));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    // Nine requests with the token's: three at once, six at 20 a second.
    assert!(begun.elapsed() >= Duration::from_millis(280), "{:?}", begun.elapsed());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn variables_are_created_changed_and_left_alone(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let (datto, control, site) = (world.datto(), &world.vendor.control, world.site(0));
    control.set_variable(&site, "AccountNumber", None);
    let wrote = |method: &str| {
        control
            .request_lines()
            .iter()
            .filter(|line| line.method == method && line.path.starts_with("/site/"))
            .count()
    };
    assert_eq!(datto.site_variable(&site, "AccountNumber").await.unwrap(), None);
    datto.set_site_variable(&site, "AccountNumber", "1").await.unwrap();
    assert_eq!(
        (control.variable(&site, "AccountNumber").as_deref(), wrote("PUT"), wrote("POST")),
        (Some("1"), 1, 0)
    );
    datto.set_site_variable(&site, "AccountNumber", "2").await.unwrap();
    assert_eq!(
        (control.variable(&site, "AccountNumber").as_deref(), wrote("PUT"), wrote("POST")),
        (Some("2"), 1, 1)
    );
    datto.set_site_variable(&site, "AccountNumber", "2").await.unwrap();
    assert_eq!((wrote("PUT"), wrote("POST")), (1, 1), "equal already");
    // Somebody else creates it between our look and our write: the vendor refuses, we change theirs.
    let path = format!("/site/{site}/variables");
    control.add_fault(Fault::always(FaultMode::EmptyPage).on(&path).times(1));
    datto.set_site_variable(&site, "AccountNumber", "3").await.unwrap();
    assert_eq!(
        (control.variable(&site, "AccountNumber").as_deref(), wrote("PUT"), wrote("POST")),
        (Some("3"), 2, 2)
    );
    // A write whose answer is lost has happened.
    control.set_variable(&site, "AccountNumber", None);
    let path = format!("/site/{site}/variable");
    control.add_fault(Fault::always(FaultMode::CutConnection).on(&path).times(1));
    datto.set_site_variable(&site, "AccountNumber", "4").await.unwrap();
    assert_eq!(control.variable(&site, "AccountNumber").as_deref(), Some("4"));
    let error = datto.set_site_variable("nowhere", "AccountNumber", "5").await.unwrap_err();
    assert!(matches!(error, ProviderError::Api { status: 404, .. }), "{error}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn variables_beyond_the_first_page_are_found(pool: PgPool) {
    let world = RmmWorld::with(pool, |config| config.page_cap = 2).await;
    let (datto, site) = (world.datto(), world.site(0));
    for number in 0..5 {
        world.vendor.control.set_variable(&site, &format!("Other{number}"), Some("x"));
    }
    world.vendor.control.set_variable(&site, "Last", Some("found"));
    assert_eq!(datto.site_variable(&site, "Last").await.unwrap().as_deref(), Some("found"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn commands_succeed_fail_and_never_end(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let datto = world.datto();
    let device = world.devices_of(&world.site(0))[0].clone();
    let online = serde_json::json!({ "online": true }).as_object().unwrap().clone();
    world.vendor.control.patch_device(&device, online);
    for (command, status, stdout, stderr) in [
        ("whoami", "success", Some("system"), None),
        ("fail now", "failed", None, Some("not recognized")),
        ("hang", "active", None, None),
    ] {
        let job = datto.run_command(&device, command, soon()).await.unwrap().unwrap().job_id;
        let found = datto.command(&device, &job).await.unwrap().unwrap();
        assert_eq!(found.status, status, "{command}");
        for (text, wanted) in [(&found.stdout, stdout), (&found.stderr, stderr)] {
            match (text, wanted) {
                (Some(text), Some(wanted)) => assert!(text.contains(wanted), "{command}: {text}"),
                (text, wanted) => assert_eq!(text.is_some(), wanted.is_some(), "{command}"),
            }
        }
        // Another device's command is nobody else's to read.
        let other = world.devices_of(&world.site(1))[0].clone();
        if status != "active" {
            assert_eq!(datto.command(&other, &job).await.unwrap(), None);
        }
    }
    assert_eq!(datto.run_command("no-such-device-1", "whoami", soon()).await.unwrap(), None);
    assert_eq!(datto.command(&device, "no-such-job-1").await.unwrap(), None);
    // Its answer lost, a command is not sent again.
    let jobs = world.vendor.control.job_count();
    world
        .vendor
        .control
        .add_fault(Fault::always(FaultMode::CutConnection).on(&format!("/device/{device}/quickjob")));
    let lost = datto.run_command(&device, "whoami", soon()).await.unwrap_err();
    assert!(matches!(lost, ProviderError::OutcomeUnknown { .. }), "{lost}");
    assert_eq!(world.vendor.control.job_count(), jobs + 1);
}

/// A moment by which everything has happened.
fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(20)
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_command_is_not_sent_after_its_time(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let device = world.devices_of(&world.site(0))[0].clone();
    let path = format!("/device/{device}/quickjob");
    let jobs = world.vendor.control.job_count();
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 429 }).on(&path));
    let datto = world.patient(Retry::default());
    let by = tokio::time::Instant::now() + Duration::from_millis(300);
    let refused = datto.run_command(&device, "whoami", by).await.unwrap_err();
    let told = matches!(refused, ProviderError::NotSent { .. } | ProviderError::RateLimited { .. });
    assert!(told, "it certainly did not run: {refused}");
    world.vendor.control.clear_faults();
    world.vendor.control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 5_000 }).on(&path));
    let by = tokio::time::Instant::now() + Duration::from_millis(1_500);
    let unanswered = world.datto().run_command(&device, "whoami", by).await.unwrap_err();
    assert!(matches!(unanswered, ProviderError::OutcomeUnknown { .. }), "{unanswered}");
    assert!(world.vendor.control.job_count() <= jobs + 1);
}
