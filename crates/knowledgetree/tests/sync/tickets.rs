//! Tickets.

use hivematrix_knowledgetree::{
    domain::{item::Visibility, synced::ContextOwner},
    jobs::sync::Kind,
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Suite, company, ticket};

const TICKETS: &str = "Companies/Acme Corp/Tickets";

async fn acme(pool: PgPool) -> Suite {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.completed(Kind::Companies).await;
    suite
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_ticket_is_an_article_and_knows_its_requester(pool: PgPool) {
    let suite = acme(pool).await;
    let mut known = ticket(5001, "VPN drops", "2026-11-21T10:00:00Z");
    known["requester_email"] = json!("PIA@1.example");
    suite.peers.tickets(0, [known, ticket(5002, "Toner", "2026-11-21T11:00:00Z")]);
    let ended = suite.completed(Kind::Tickets).await;
    assert_eq!((ended.progress.companies, ended.progress.tickets, ended.progress.created), (1, 2, 3));

    let folder = suite.item(TICKETS).await;
    assert!(folder.is_attached && folder.read_only && folder.is_folder);
    let article = suite.item(&format!("{TICKETS}/Ticket_5101.md")).await;
    assert!(article.read_only && !article.is_folder);
    for line in [
        "# Ticket #5101: VPN drops",
        "- **Hours Spent:** 1.50",
        "## Conversation History",
        "## Internal Notes",
    ] {
        assert!(article.content.lines().any(|have| have == line), "{line} is not in {}", article.content);
    }
    let context = |number: &'static str| {
        let store = suite.store.clone();
        async move {
            let items = store.context_of(ContextOwner::Ticket(number), Visibility::All).await.unwrap();
            items.into_iter().map(|item| item.name).collect::<Vec<_>>()
        }
    };
    assert_eq!(context("5001").await, ["Contact.md", "Ticket_5101.md"]);
    assert_eq!(context("5002").await, ["Ticket_5102.md"]);
    assert_eq!(suite.store.counts().await.unwrap().tickets, 2);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_later_run_asks_for_what_changed_since_and_overwrite_for_all(pool: PgPool) {
    let suite = acme(pool).await;
    suite.peers.tickets(
        0,
        [ticket(5001, "Old", "2026-11-01T10:00:00Z"), ticket(5002, "New", "2026-11-21T10:00:00Z")],
    );
    suite.peers.seen();
    suite.completed(Kind::Tickets).await;
    suite.clock.set("2026-11-22T13:00:00Z".parse().unwrap());
    let ended = suite.completed(Kind::Tickets).await;
    // From a day before the latest change that is known.
    assert_eq!((ended.progress.tickets, ended.progress.unchanged), (1, 2));
    let all = "/api/companies/bulk?include_tickets=true";
    let since = format!("{all}&updated_since=2026-11-20T10%3A00%3A00Z");
    assert_eq!(suite.peers.seen(), [all, &since]);

    let ended = suite.run(Kind::Tickets, true).await;
    assert_eq!(ended.progress.tickets, 2);
    // After a week all of them, in any case: what is gone shows only then.
    suite.clock.set("2026-11-30T13:00:00Z".parse().unwrap());
    suite.completed(Kind::Tickets).await;
    assert_eq!(suite.peers.seen(), [all, all]);

    // The original's Codex sends all of them whatever it is asked for.
    suite.peers.as_the_original();
    assert_eq!(suite.completed(Kind::Tickets).await.progress.tickets, 1);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn tickets_go_when_a_run_over_all_does_not_show_them(pool: PgPool) {
    let suite = acme(pool).await;
    suite
        .peers
        .tickets(0, [ticket(5001, "A", "2026-11-21T09:00:00Z"), ticket(5002, "B", "2026-11-21T10:00:00Z")]);
    suite.completed(Kind::Tickets).await;
    suite.peers.tickets(0, [ticket(5002, "B", "2026-11-21T10:00:00Z")]);
    assert_eq!(suite.completed(Kind::Tickets).await.progress.removed, 0, "it was not asked for all");
    assert!(suite.exists(&format!("{TICKETS}/Ticket_5101.md")).await);
    suite.peers.break_off(900);
    suite.run(Kind::Tickets, true).await;
    assert!(suite.exists(&format!("{TICKETS}/Ticket_5101.md")).await);
    suite.peers.mend();
    assert_eq!(suite.run(Kind::Tickets, true).await.progress.removed, 1);
    assert!(!suite.exists(&format!("{TICKETS}/Ticket_5101.md")).await);
    // The other sync leaves tickets alone.
    suite.completed(Kind::Companies).await;
    assert!(suite.exists(&format!("{TICKETS}/Ticket_5102.md")).await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn tickets_of_a_company_without_a_folder_wait_for_it(pool: PgPool) {
    let suite = acme(pool).await;
    suite.peers.tickets(0, [ticket(5001, "A", "2026-11-21T09:00:00Z")]);
    suite.completed(Kind::Tickets).await;
    suite.peers.change(|companies| companies.push(company("2", "Birch")));
    suite.peers.tickets(1, [ticket(6001, "Old", "2026-11-20T09:30:00Z")]);
    let ended = suite.completed(Kind::Tickets).await;
    assert_eq!((ended.progress.companies_without_folder, ended.progress.tickets), (1, 1));
    suite.peers.tickets(0, [ticket(5003, "Much later", "2026-11-22T11:00:00Z")]);
    suite.completed(Kind::Tickets).await;
    suite.completed(Kind::Companies).await;
    let ended = suite.completed(Kind::Tickets).await;
    assert_eq!(ended.progress.companies_without_folder, 0);
    assert!(suite.exists("Companies/Birch/Tickets/Ticket_6101.md").await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn many_tickets_of_one_company_are_written_in_parts(pool: PgPool) {
    let suite = acme(pool).await;
    suite.peers.tickets(0, (1..=250).map(|number| ticket(number, "Same", "2026-11-21T09:00:00Z")));
    let ended = suite.completed(Kind::Tickets).await;
    assert_eq!((ended.progress.tickets, ended.progress.created), (250, 251));
    assert_eq!(suite.store.counts().await.unwrap().tickets, 250);
    let ended = suite.run(Kind::Tickets, true).await;
    assert_eq!((ended.progress.created, ended.progress.updated, ended.progress.removed), (0, 0, 0));
}
