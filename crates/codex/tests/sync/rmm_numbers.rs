//! Account numbers: given and pushed.

use hivematrix_codex::sync::{Mode, SyncError};
use hivematrix_simulators::datto::{Fault, FaultMode};
use hivematrix_simulators::freshservice::Collection;
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{SMALL, World};
use crate::rmm_world::RmmWorld;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn numbers_are_pushed_to_exact_names_and_links_only(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let control = &world.vendor.control;
    let (named, linked, unsure, conflicting) = (world.site(0), world.site(1), world.site(2), world.site(3));
    for site in [&named, &linked, &unsure] {
        control.set_variable(site, "AccountNumber", None);
    }
    control.rename_site(&named, &world.made.company(0).name.to_uppercase());
    control.rename_site(&linked, "Somewhere else");
    control.rename_site(&unsure, &format!("{} Warehouse", world.made.company(2).name));
    sqlx::query(
        "insert into rmm_site_links (company_account_number, rmm_site_uid) values ($1, $2), ($3, $4)",
    )
    .bind(world.number(1))
    .bind(&linked)
    .bind(world.number(0))
    .bind(&conflicting)
    .execute(&world.pool)
    .await
    .unwrap();

    let sync = world.sync();
    sync.push_account_numbers(Mode::DryRun).await.unwrap();
    assert_eq!(control.variable(&named, "AccountNumber"), None);
    let planned = sync.report.progress()["planned"].as_array().unwrap().len();
    assert_eq!(planned, 2, "{}", sync.report.output());
    let wrote = |method| {
        control
            .request_lines()
            .iter()
            .filter(|line| line.method == method && line.path != "/auth/oauth/token")
            .count()
    };
    assert_eq!((wrote("PUT"), wrote("POST")), (0, 0));

    let sync = world.sync();
    sync.push_account_numbers(Mode::Write).await.unwrap();
    assert_eq!(sync.report.counts().account_numbers, 2);
    assert_eq!(control.variable(&named, "AccountNumber"), Some(world.number(0)));
    assert_eq!(control.variable(&linked, "AccountNumber"), Some(world.number(1)));
    assert_eq!(control.variable(&unsure, "AccountNumber"), None);
    // A number that is another company's is not written over; the link follows it.
    assert_eq!(control.variable(&conflicting, "AccountNumber"), Some(world.number(3)));
    assert!(
        world
            .count("select count(*) from review_items where kind = 'rmm_site' and resolved_at is null")
            .await
            >= 1
    );

    let sync = world.sync();
    sync.push_account_numbers(Mode::Write).await.unwrap();
    assert_eq!(sync.report.counts().account_numbers, 0, "all equal now");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_number_that_is_not_taken_is_a_failure(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let control = &world.vendor.control;
    for (company, site) in [(0, world.site(0)), (1, world.site(1))] {
        control.set_variable(&site, "AccountNumber", None);
        control.rename_site(&site, &world.made.company(company).name);
    }
    let path = format!("/site/{}/variable", world.site(0));
    control.add_fault(Fault::always(FaultMode::Status { status: 500 }).on(&path));
    let error = world.sync().push_account_numbers(Mode::Write).await.unwrap_err();
    assert!(matches!(&error, SyncError::Incomplete(text) if text.starts_with("1 sites")), "{error}");
    assert_eq!(control.variable(&world.site(1), "AccountNumber"), Some(world.number(1)), "the others go on");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn companies_without_a_number_get_one_that_nobody_has(pool: PgPool) {
    let world = World::new(pool).await;
    let vendor = &world.vendor.control;
    // Besides the provider's own office, which has none either.
    vendor.add_record(
        Collection::Departments,
        77,
        json!({ "name": "Brand New", "custom_fields": {} }).as_object().unwrap().clone(),
    );
    sqlx::raw_sql(
        "insert into companies (account_number, name, external_id, external_source) values
            ('AB-1', 'By Hand', null, 'freshservice'), ('500000', 'Taken', null, 'freshservice'),
            ('pending', 'BRAND  new', null, 'freshservice')",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let sync = world.sync();
    sync.create_account_numbers(Mode::DryRun).await.unwrap();
    let planned = sync.report.progress()["planned"].as_array().unwrap().len();
    assert_eq!(planned, 2, "{}", sync.report.output());
    assert_eq!(world.number("select count(*) from companies where account_number = 'pending'").await, 1);
    assert!(vendor.request_lines().iter().all(|line| line.method == "GET"));

    let sync = world.sync();
    sync.create_account_numbers(Mode::Write).await.unwrap();
    assert_eq!(sync.report.counts().account_numbers, 2);
    assert_eq!(
        world
            .number("select count(*) from companies where account_number = '500001' and name = 'BRAND  new'")
            .await,
        1
    );
    // Nothing is left to do, and the base sync finds what was written.
    let sync = world.sync();
    sync.create_account_numbers(Mode::Write).await.unwrap();
    assert_eq!(sync.report.counts().account_numbers, 0);
    world.sync().base(&hivematrix_codex::sync::BasePart::ALL).await.unwrap();
    assert_eq!(
        world
            .number("select count(*) from companies where external_id = 77 and account_number = '500001'")
            .await,
        1
    );
    let all = "select count(distinct account_number) from companies where external_id is not null";
    assert_eq!(world.number(all).await, i64::from(SMALL.companies) + 2);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_company_that_does_not_take_its_number_does_not_stop_the_others(pool: PgPool) {
    let world = World::new(pool).await;
    let vendor = &world.vendor.control;
    for id in [77, 78] {
        let company = json!({ "name": format!("New {id}"), "custom_fields": {} });
        vendor.add_record(Collection::Departments, id, company.as_object().unwrap().clone());
    }
    let fault = FaultMode::Status { status: 400 };
    vendor.add_fault(Fault::always(fault).on("/departments/77"));
    let sync = world.sync();
    let error = sync.create_account_numbers(Mode::Write).await.unwrap_err();
    assert!(matches!(error, SyncError::Incomplete(_)), "{error}");
    assert_eq!(sync.report.counts().account_numbers, 2);
}
