//! Hours are billed once, in the month of the work or the next that is open (rule 48).

use serde_json::json;
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn hours(suite: &Suite, year: i32, month: i32) -> serde_json::Value {
    suite.json(&format!("/api/billing/1001?year={year}&month={month}")).await["receipt"]["billable_hours"]
        .clone()
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn late_hours_are_billed_in_the_next_open_month_and_once(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let early = [(1, "2025-05-10T10:00:00Z", 2.0)];
    suite.peers.companies([Company::new("1001", "A").entries("7", "2025-05-10T10:00:00Z", &early)]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    // An hour of May is booked after May was archived.
    let both = [(1, "2025-05-10T10:00:00Z", 2.0), (2, "2025-05-31T10:00:00Z", 1.5)];
    suite.peers.companies([Company::new("1001", "A").entries("7", "2025-06-02T10:00:00Z", &both)]);
    assert_eq!(hours(&suite, 2025, 6).await, json!(1.5));
    assert_eq!(hours(&suite, 2025, 7).await, json!(0), "June is open, so it is not July's");
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    assert_eq!(hours(&suite, 2025, 7).await, json!(0));
    assert_eq!(hours(&suite, 2025, 5).await, json!(2), "an archived month stays what it was");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_ticket_without_dated_hours_that_is_touched_again_bills_only_what_is_new(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "A").ticket("7", "2025-05-10T10:00:00Z", 3.0)]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    suite.peers.companies([Company::new("1001", "A").ticket("7", "2025-06-10T10:00:00Z", 4.25)]);
    assert_eq!(hours(&suite, 2025, 6).await, json!(1.25));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn hours_of_last_year_that_came_late_are_asked_for_where_a_month_was_closed_early(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.at("2025-12-28T12:00:00Z");
    suite.peers.companies([Company::new("1001", "A")]);
    assert_eq!(suite.accept("1001", 2025, 12).await.status, 201);
    suite.at("2026-02-03T12:00:00Z");
    let late = [(9, "2025-12-30T10:00:00Z", 2.0)];
    suite.peers.companies([Company::new("1001", "A").entries("7", "2025-12-30T11:00:00Z", &late)]);
    assert_eq!(hours(&suite, 2026, 1).await, json!(2));
    let before = suite.peers.seen("/api/companies/bulk?").len();
    let dashboard = suite.json("/api/billing/dashboard?year=2026&month=1").await;
    assert_eq!(dashboard["companies"][0]["total_bill"], json!(454.49));
    assert_eq!(dashboard["companies"][0]["hours"], json!(0), "they are no hours of this year");
    let bulk = &suite.peers.seen("/api/companies/bulk?")[before..];
    let asked =
        "/api/companies/bulk?include_tickets=true&fields=billing&updated_since=2024-07-01T00%3A00%3A00Z";
    assert_eq!(bulk, [asked], "both years in one answer");
    assert_eq!(suite.accept("1001", 2026, 1).await.status, 201);
    assert_eq!(hours(&suite, 2026, 2).await, json!(0));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn last_year_is_read_only_where_its_hours_can_still_be_late(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "A")]);
    suite.send("PUT", "/api/overrides/client/1001", json!({"prepaid_hours_yearly": 10})).await;
    let more_than_a_year = |suite: &Suite| {
        suite.peers.seen("/api/companies/bulk?").iter().filter(|at| !at.contains("year=2026")).count()
    };

    // November in December and December in January, as months are archived.
    suite.at("2025-12-02T12:00:00Z");
    assert_eq!(suite.accept("1001", 2025, 11).await.status, 201);
    suite.at("2026-01-05T12:00:00Z");
    assert_eq!(suite.accept("1001", 2025, 12).await.status, 201);
    suite.json("/api/billing/dashboard?year=2026&month=1").await;
    assert_eq!(more_than_a_year(&suite), 0, "whatever comes late now is touched this year");

    // Late hours of December come with their ticket, and take from the balance of their year, which its open months lessen.
    let used = [(1, "2025-03-10T10:00:00Z", 9.0)];
    let late = [(2, "2025-12-30T10:00:00Z", 3.0)];
    suite.peers.companies([Company::new("1001", "A").entries("6", "2025-03-10T10:00:00Z", &used).entries(
        "7",
        "2026-01-08T10:00:00Z",
        &late,
    )]);
    assert_eq!(hours(&suite, 2026, 1).await, json!(2), "one of three is prepaid");
    let dashboard = suite.json("/api/billing/dashboard?year=2026&month=1").await;
    assert_eq!(dashboard["companies"][0]["total_bill"], json!(454.49));
    assert_eq!(more_than_a_year(&suite), 0, "the one company is asked for alone");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn late_hours_of_last_year_take_nothing_from_the_balance_of_this_one(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "A")]);
    suite.send("PUT", "/api/overrides/client/1001", json!({"prepaid_hours_yearly": 10})).await;
    suite.at("2025-12-28T12:00:00Z");
    assert_eq!(suite.accept("1001", 2025, 12).await.status, 201);
    let late = [(9, "2025-12-30T10:00:00Z", 2.0)];
    suite.peers.companies([Company::new("1001", "A").entries("7", "2025-12-30T11:00:00Z", &late)]);
    suite.at("2026-02-03T12:00:00Z");
    assert_eq!(suite.accept("1001", 2026, 1).await.status, 201);
    let before = suite.peers.seen("/api/companies/bulk?").len();
    let bill = suite.json("/api/billing/1001?year=2026&month=2").await;
    assert_eq!(bill["remaining_yearly_hours"], json!(10));
    suite.json("/api/billing/dashboard?year=2026&month=2").await;
    let bulk = &suite.peers.seen("/api/companies/bulk?")[before..];
    assert_eq!(bulk.len(), 1, "January took what December had left: {bulk:?}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_hours_of_a_year_are_those_that_were_worked_in_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.at("2026-02-03T12:00:00Z");
    let entries = [(1, "2025-12-30T10:00:00Z", 8.0), (2, "2026-01-04T10:00:00Z", 1.5)];
    suite.peers.companies([Company::new("1001", "A")
        .entries("7", "2026-01-04T11:00:00Z", &entries)
        .ticket("8", "2026-01-05T10:00:00Z", 2.25)
        .ticket("9", "2025-12-05T10:00:00Z", 4.0)]);
    for (year, hours) in [(2026, 3.75), (2025, 12.0)] {
        let dashboard = suite.json(&format!("/api/billing/dashboard?year={year}&month=1")).await;
        assert_eq!(dashboard["companies"][0]["hours"].as_f64(), Some(hours), "{year}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn hours_that_were_billed_years_ago_stay_billed_when_their_ticket_is_touched(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.at("2025-01-02T12:00:00Z");
    let old = [(1, "2024-12-10T10:00:00Z", 2.0)];
    suite.peers.companies([Company::new("1001", "A").entries("7", "2024-12-10T10:00:00Z", &old)]);
    assert_eq!(suite.accept("1001", 2024, 12).await.status, 201);
    suite.at("2026-07-02T12:00:00Z");
    suite.peers.companies([Company::new("1001", "A").entries("7", "2026-06-10T10:00:00Z", &old)]);
    assert_eq!(hours(&suite, 2026, 6).await, json!(0));
    assert_eq!(suite.accept("1001", 2026, 6).await.status, 201);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_ticket_that_moves_to_another_company_is_not_billed_twice(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let entries = [(1, "2025-05-10T10:00:00Z", 2.0)];
    suite.peers.companies([
        Company::new("1001", "A").entries("7", "2025-05-10T10:00:00Z", &entries),
        Company::new("1002", "B"),
    ]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    let more = [(1, "2025-05-10T10:00:00Z", 2.0), (2, "2025-06-10T10:00:00Z", 0.5)];
    suite.peers.companies([
        Company::new("1001", "A"),
        Company::new("1002", "B").entries("7", "2025-06-10T10:00:00Z", &more),
    ]);
    let bill = suite.json("/api/billing/1002?year=2025&month=6").await;
    assert_eq!(bill["receipt"]["billable_hours"], json!(0.5));
    assert_eq!(suite.accept("1002", 2025, 5).await.status, 201);
    assert_eq!(suite.accept("1002", 2025, 6).await.status, 201);
}
