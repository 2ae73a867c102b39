//! With what the original's Codex answered (the recorded answers), by one call and by several.

use hivematrix_knowledgetree::jobs::sync::Kind;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::Suite;

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/original_bulk.json")).unwrap()
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn one_call_and_several_make_the_same_tree(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.as_the_original();
    suite.peers.companies(recorded());
    let by_one = [suite.completed(Kind::Companies).await, suite.completed(Kind::Tickets).await];
    assert!(by_one.iter().all(|ended| ended.progress.unreadable == 0), "{by_one:?}");
    let recorded_tickets: usize = recorded().iter().map(|one| one["tickets"].as_array().unwrap().len()).sum();
    assert_eq!(by_one[1].progress.tickets as usize, recorded_tickets);
    let paths = suite.paths().await;
    for path in [
        "!Companies/Northwind Orchards/Users/Ines Ito/Contact.md",
        "!Companies/Northwind Orchards/Tickets//",
        "!Companies/Northwind Orchards/Tickets/Ticket_1.md",
        "!Companies/Tilia & Söhne <GmbH>/Assets/HOST-02.md",
        "!Companies/Emberline 'Ltd'/",
    ] {
        assert!(paths.iter().any(|have| have == path), "{path} is not in {paths:#?}");
    }

    suite.peers.seen();
    suite.peers.without_bulk();
    for kind in [Kind::Companies, Kind::Tickets] {
        let again = suite.run(kind, true).await.progress;
        assert_eq!((again.created, again.updated, again.removed, again.unreadable), (0, 0, 0, 0), "{kind:?}");
        assert!(again.unchanged > 0);
    }
    assert_eq!(suite.paths().await, paths);
    let seen = suite.peers.seen();
    for path in [
        "/api/companies",
        "/api/companies/100001/users",
        "/api/companies/100001/assets",
        "/api/companies/100001/tickets",
    ] {
        assert!(seen.iter().any(|have| have == path), "{path} was not asked for: {seen:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_company_whose_tickets_the_original_cannot_give_keeps_them(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.as_the_original();
    suite.peers.without_bulk();
    suite.peers.companies(recorded());
    suite.completed(Kind::Companies).await;
    suite.completed(Kind::Tickets).await;
    let before = suite.paths().await;
    // One row that is no JSON in its database, and it answers 500 for the whole company.
    suite.peers.fault("/api/companies/100001/tickets", 500);
    let ended = suite.run(Kind::Tickets, true).await;
    assert_eq!((ended.progress.unreadable, ended.progress.removed), (1, 0));
    assert_eq!(suite.paths().await, before);
    // The rest of a company is no matter of one row: then the run ends.
    suite.peers.fault("/api/companies/100001/users", 502);
    assert!(suite.failed(Kind::Companies).await.contains("status 502"));
    assert_eq!(suite.paths().await, before);
}
