//! Devices: who they are, whose they are, and when they go.

use hivematrix_codex::sync::SyncError;
use hivematrix_simulators::datto::{Fault, FaultMode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::rmm_world::{RmmWorld, SIZE};

fn members(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn all_devices_of_known_sites_are_stored_once(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let report = world.devices().await;
    assert_eq!(world.stored().await, i64::from(SIZE.assets));
    assert_eq!(report.counts().assets_created, u64::from(SIZE.assets));
    for (uid, hostname, site) in world.vendor.control.devices() {
        let row: (String, Option<String>, Option<String>) =
            sqlx::query_as("select hostname, rmm_site_uid, rmm_provider from assets where external_id = $1")
                .bind(&uid)
                .fetch_one(&world.pool)
                .await
                .unwrap();
        assert_eq!(row, (hostname, Some(site), Some("datto".to_owned())));
    }
    // Three forms of time on the wire, one moment of the last sign of life for whoever is online.
    // The vendor's clock goes on while a slow machine reads its devices.
    let now = world.vendor.control.now();
    let strange: i64 = sqlx::query_scalar(
        "select count(*) from assets where online and last_seen not between $1 - interval '5 minutes' and $1
            or last_seen is null or last_reboot is null or last_reboot > $1 or last_audit_date < '2000-01-01'",
    )
    .bind(now)
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(strange, 0);
    assert!(world.count("select count(*) from assets where last_audit_date is null").await > 0);
    assert!(
        world.count("select count(*) from assets where backup_usage_tb > 0 and udf6 is not null").await > 0
    );
    assert_eq!(world.count("select count(*) from assets where device_type is distinct from udf7").await, 0);

    let again = world.devices().await;
    assert_eq!(again.counts().assets_created, 0);
    assert_eq!(world.stored().await, i64::from(SIZE.assets));
    assert_eq!(world.count("select count(*) from change_log where entity = 'assets'").await, 0);
    assert_eq!(world.count("select count(*) from rmm_runs").await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn devices_and_sites_are_followed_where_they_move(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let (from, to) = (world.site(0), world.site(1));
    let moved = world.devices_of(&from)[0].clone();
    let stayed = world.devices_of(&from)[1].clone();
    world.vendor.control.move_device(&moved, &to);
    world.vendor.control.patch_device(&moved, members(json!({ "hostname": "RENAMED" })));
    world.devices().await;
    assert_eq!(world.company_of(&moved).await, Some(world.number(1)));
    assert_eq!(world.count("select count(*) from assets where hostname = 'RENAMED'").await, 1);
    assert_eq!(world.stored().await, i64::from(SIZE.assets));

    // A whole site goes to another company, and its link with it.
    world.vendor.control.set_variable(&from, "AccountNumber", Some(&world.number(2)));
    world.devices().await;
    assert_eq!(world.company_of(&stayed).await, Some(world.number(2)));
    let link: String =
        sqlx::query_scalar("select company_account_number from rmm_site_links where rmm_site_uid = $1")
            .bind(&from)
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(link, world.number(2));
    // Nobody's site: its devices stay where they were.
    let own = world.made.site(SIZE.companies, false).uid;
    world.vendor.control.move_device(&moved, &own);
    world.devices().await;
    assert_eq!(world.company_of(&moved).await, Some(world.number(1)));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_device_goes_only_when_the_vendor_confirms_it(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let site = world.site(0);
    let gone = world.devices_of(&site)[0].clone();
    let marked = world.devices_of(&world.site(1))[0].clone();
    world.vendor.control.remove_device(&gone);
    world.vendor.control.patch_device(&marked, members(json!({ "deleted": true })));
    let report = world.devices().await;
    assert_eq!(report.counts().removed, 2);
    assert_eq!((world.company_of(&gone).await, world.company_of(&marked).await), (None, None));
    let reasons = world
        .count("select count(*) from tombstones where kind = 'assets' and reason = 'gone from Datto RMM'")
        .await;
    assert_eq!(reasons, 2);

    // A list that comes empty all of a sudden proves nothing.
    let before = world.stored().await;
    let path = format!("/site/{site}/devices");
    world.vendor.control.add_fault(Fault::always(FaultMode::EmptyPage).on(&path));
    let report = world.devices().await;
    assert_eq!((world.stored().await, report.counts().removed), (before, 0));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn too_many_are_never_removed(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    for (uid, _, _) in world.vendor.control.devices().iter().take(SIZE.assets as usize / 2) {
        world.vendor.control.remove_device(uid);
    }
    let report = world.devices().await;
    assert_eq!(world.stored().await, i64::from(SIZE.assets));
    assert!(report.output().contains("refused to remove"), "{}", report.output());
    assert_eq!(world.asked("/device/"), 0, "not even asked about");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_failing_site_keeps_its_devices_and_stops_nobody(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let (bad, good) = (world.site(0), world.site(1));
    let (kept, gone) = (world.devices_of(&bad)[0].clone(), world.devices_of(&good)[0].clone());
    world.vendor.control.remove_device(&gone);
    world.sql("update assets set operating_system = null").await;
    let path = format!("/site/{bad}/devices");
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 500 }).on(&path));
    let (error, report) = world.failing_devices().await;
    assert!(matches!(error, SyncError::Incomplete(_)), "{error}");
    assert_eq!(world.company_of(&kept).await, Some(world.number(0)));
    // The others were read, but nothing goes while it could be in the site that is missing.
    assert!(world.count("select count(*) from assets where operating_system is not null").await > 0);
    assert_eq!(world.company_of(&gone).await, Some(world.number(1)));
    assert_eq!(report.counts().removed, 0);
    world.vendor.control.clear_faults();
    world.devices().await;
    assert_eq!(world.company_of(&gone).await, None);
    assert_eq!(world.count("select count(*) from assets where operating_system is null").await, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_broken_run_goes_on_where_it_was(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    world.devices().await;
    let mut sites: Vec<String> = world.vendor.control.sites().into_iter().map(|(uid, _)| uid).collect();
    sites.sort();
    let (done, broken) = (sites[1].clone(), sites[3].clone());
    let path = format!("/site/{broken}/devices");
    world.vendor.control.add_fault(Fault::always(FaultMode::Unauthorized).on(&path));
    let (error, _) = world.failing_devices().await;
    assert!(matches!(error, SyncError::Provider(_)), "{error}");
    let gone = world.devices_of(&broken).first().cloned();
    if let Some(gone) = &gone {
        world.vendor.control.remove_device(gone);
    }
    world.vendor.control.clear_faults();
    world.vendor.control.clear_requests();
    let report = world.devices().await;
    assert!(report.output().contains("Going on"), "{}", report.output());
    assert_eq!(world.asked(&format!("/site/{done}/devices")), 0);
    assert_eq!(world.asked(&path), 1);
    assert_eq!(report.counts().removed, u64::from(gone.is_some()));
    assert_eq!(world.stored().await, i64::from(SIZE.assets) - i64::from(gone.is_some()));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn old_rows_get_their_uid_once_and_keep_what_hangs_on_them(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let number = world.number(0);
    let mut of_first = world.devices_of(&world.site(0)).into_iter();
    let (plain, doubtful) = (of_first.next().unwrap(), of_first.next().unwrap());
    for (uid, hostname) in [(&plain, "Old-One"), (&doubtful, "Old-Two")] {
        world.vendor.control.patch_device(uid, members(json!({ "hostname": hostname })));
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into contacts (id, name, email, primary_email)
            values (1, 'Somebody', 'somebody@c1.example', 'somebody@c1.example');
         insert into assets (id, hostname, company_account_number) overriding system value
            values (9001, 'old-one', '{number}'), (9002, 'old-two', '{number}'), (9003, 'OLD-TWO', '{number}');
         insert into asset_contact_link (asset_id, contact_id) values (9001, 1)"
    )))
    .execute(&world.pool)
    .await
    .unwrap();
    world.devices().await;
    let id: i64 = sqlx::query_scalar("select id from assets where external_id = $1")
        .bind(&plain)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(id, 9001);
    assert_eq!(world.count("select count(*) from asset_contact_link where asset_id = 9001").await, 1);
    // Two rows of one name: nobody guesses, a person is asked about each of them.
    let id: i64 = sqlx::query_scalar("select id from assets where external_id = $1")
        .bind(&doubtful)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(![9001, 9002, 9003].contains(&id));
    let open = "select count(*) from review_items where kind = 'duplicate_asset' and resolved_at is null
        and detail ilike '%old-two'";
    assert_eq!(world.count(open).await, 2);
    world.sql("delete from assets where id in (9002, 9003)").await;
    world.devices().await;
    assert_eq!(
        world.count("select count(*) from review_items where subject = '9003' and resolved_at is null").await,
        0
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn sites_nobody_can_be_sure_of_are_questions(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let site = world.site(0);
    let company = world.made.company(0);
    let control = &world.vendor.control;
    control.set_variable(&site, "AccountNumber", None);
    // Upstream would have taken any company whose name is part of the site's.
    control.rename_site(&site, &format!("{} - Head Office", company.name));
    let device = world.devices_of(&site)[0].clone();
    world.devices().await;
    assert_eq!(world.company_of(&device).await, None);
    let question: (String, Value) = sqlx::query_as(
        "select detail, proposal from review_items where kind = 'rmm_site' and subject = $1 and resolved_at is null",
    )
    .bind(format!("datto/{site}"))
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(question.1["companies"][0]["account_number"], world.number(0), "{question:?}");
    assert_eq!(question.1["site_uid"], site);

    // A person answers with a link; the question closes by itself.
    sqlx::query("insert into rmm_site_links (company_account_number, rmm_site_uid) values ($1, $2)")
        .bind(world.number(3))
        .bind(&site)
        .execute(&world.pool)
        .await
        .unwrap();
    world.devices().await;
    assert_eq!(world.company_of(&device).await, Some(world.number(3)));
    let open = "select count(*) from review_items where kind = 'rmm_site' and resolved_at is null
        and proposal ->> 'site_name' like '%Head Office'";
    assert_eq!(world.count(open).await, 0);

    // The exact name does as well, whatever its case and spaces.
    let other = world.site(1);
    control.set_variable(&other, "AccountNumber", None);
    control.rename_site(&other, &format!(" {} ", world.made.company(1).name.to_uppercase()));
    sqlx::raw_sql("delete from rmm_site_links").execute(&world.pool).await.unwrap();
    let device = world.devices_of(&other)[0].clone();
    world.devices().await;
    assert_eq!(world.company_of(&device).await, Some(world.number(1)));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn odd_rows_cost_a_warning_and_nothing_else(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let devices = world.devices_of(&world.site(0));
    let control = &world.vendor.control;
    control.patch_device(&devices[0], members(json!({ "hostname": "" })));
    control.patch_device(
        &devices[1],
        members(json!({ "lastSeen": "soon", "hostname": "nul\u{0}char", "udf": {"udf6": "much"} })),
    );
    control.patch_device(&devices[2], members(json!({ "uid": null })));
    control.patch_device(&devices[3], members(json!({ "online": null, "hostname": "\u{202e}עברית 🖥" })));
    let report = world.devices().await;
    assert_eq!(world.stored().await, i64::from(SIZE.assets) - 2);
    assert!(report.counts().warnings >= 3, "{}", report.output());
    assert_eq!(
        world.count("select count(*) from assets where hostname = 'nulchar' and last_seen is null").await,
        1
    );
    assert_eq!(
        world
            .count("select count(*) from assets where hostname like '%עברית 🖥' and online is not null")
            .await,
        1
    );
}
