//! Plans and the companies a sync brings.

use std::{path::Path, process::ExitCode};

use hivematrix_codex::{domain::contract::end_date, plans_file, sync::BasePart};
use sqlx::PgPool;

use crate::harness::World;

/// Prices of the plans that the simulated companies have.
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/demo/billing_plans.json");

async fn base(world: &World) {
    world.sync().base(&BasePart::ALL).await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn support_levels_follow_the_effective_plan(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    plans_file::import_first(&pool, Path::new(DEMO)).await;
    assert_eq!(world.number("select count(*) from billing_plans").await, 12);
    assert_eq!(world.number("select count(*) from plan_features").await, 84);
    base(&world).await;
    let wrong = "select count(*) from companies c left join billing_plans p
         on p.plan_name = c.billing_plan and p.term_length = c.contract_term_length
         where c.support_level is distinct from
            case when c.billing_plan is not null and c.contract_term_length is not null
                then coalesce(p.support_level, 'Billed Hourly') end";
    assert_eq!(world.number(wrong).await, 0);
    let without_prices = "select count(*) from companies c
         where c.billing_plan <> 'Inactive' and not exists (select from billing_plans p
            where p.plan_name = c.billing_plan and p.term_length = coalesce(c.contract_term_length, 'Month to Month'))";
    assert_eq!(world.number(without_prices).await, 0, "the demo has a price for every company");
    assert!(world.number("select count(*) from companies where billing_plan = 'Standard'").await > 0);

    // A person gives a company another plan: its level stays with that plan in every sync after.
    sqlx::raw_sql(
        "update companies set billing_plan = 'Premium', contract_term_length = '1 Year', support_level = 'Unlimited',
            edited_fields = '{billing_plan,contract_term_length}'
         where account_number = (select min(account_number) from companies where billing_plan = 'Standard');
         truncate change_log",
    )
    .execute(&pool)
    .await
    .unwrap();
    base(&world).await;
    let kept = "select count(*) from companies where 'billing_plan' = any (edited_fields) and plan_selected = 'Standard'
         and support_level = 'Unlimited'";
    assert_eq!(world.number(kept).await, 1);
    let noise = "select count(*) from change_log where field = 'support_level'";
    assert_eq!(world.number(noise).await, 0, "nothing changed, so nothing is written down");
}

/// The end follows from start and term as they count now, whoever has set which of them.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_end_of_a_contract_follows_the_vendors_half_of_it(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    base(&world).await;
    let numbers: Vec<String> = sqlx::query_scalar(
        "select account_number from companies where contract_start_date is not null order by 1 limit 3",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    // What an edit by hand leaves: the term of one, the start of another, and an end for a term that gives none.
    for (number, edit) in numbers.iter().zip([
        "contract_term_length = '2 Year', edited_fields = '{contract_end_date,contract_term_length}'",
        "contract_start_date = '2024-03-01', edited_fields = '{contract_end_date,contract_start_date}'",
        "contract_term_length = '5 Year', edited_fields = '{contract_end_date,contract_term_length}'",
    ]) {
        let update = format!(
            "update companies set contract_end_date = '2001-01-01', {edit} where account_number = $1"
        );
        sqlx::query(sqlx::AssertSqlSafe(update)).bind(number).execute(&pool).await.unwrap();
    }
    base(&world).await;
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "select contract_start_date, contract_term_length, contract_end_date from companies
         where account_number = any ($1) order by account_number",
    )
    .bind(&numbers)
    .fetch_all(&pool)
    .await
    .unwrap();
    for (start, term, end) in &rows[..2] {
        let expected = end_date(start, term).map(|date| date.to_string());
        assert_eq!(end, &expected, "{start} {term}");
    }
    assert_eq!((rows[0].1.as_str(), rows[1].0.as_str()), ("2 Year", "2024-03-01"), "the edited half stays");
    assert_eq!(rows[2].2.as_deref(), Some("2001-01-01"), "what was agreed stays where none follows");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_first_plans_come_from_a_file_and_later_ones_do_not(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    plans_file::import_first(&pool, Path::new("/nowhere/plans.json")).await;
    assert_eq!(world.number("select count(*) from billing_plans").await, 0, "a missing file stops nothing");
    plans_file::import_first(&pool, Path::new(DEMO)).await;
    sqlx::raw_sql("delete from billing_plans where plan_name <> 'Basic'").execute(&pool).await.unwrap();
    plans_file::import_first(&pool, Path::new(DEMO)).await;
    assert_eq!(world.number("select count(*) from billing_plans").await, 4, "what was deleted stays deleted");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_command_line_imports_by_the_same_rules(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let failed = |code: ExitCode| format!("{code:?}") != format!("{:?}", ExitCode::SUCCESS);
    let tell = async |path: &str, dry_run| {
        failed(plans_file::import_and_tell(&pool, Path::new(path), dry_run).await.unwrap())
    };
    assert!(tell("/nowhere/plans.json", false).await);
    assert!(!tell(DEMO, true).await);
    assert_eq!(world.number("select count(*) from billing_plans").await, 0, "a dry run");
    assert!(!tell(DEMO, false).await && !tell(DEMO, false).await, "it can be repeated");
    assert_eq!(world.number("select count(*) from billing_plans").await, 12);
    let bad = std::env::temp_dir().join(format!("plans-{}.json", std::process::id()));
    std::fs::write(&bad, r#"{"plans": [{"plan_name": "Odd"}, {"plan_name": "Even", "term_length": "1 Year"}], "feature_options": []}"#)
        .unwrap();
    assert!(tell(bad.to_str().unwrap(), false).await, "a bad record is an error");
    std::fs::remove_file(&bad).unwrap();
    assert_eq!(world.number("select count(*) from billing_plans").await, 13, "and the others are taken");
}
