//! The first page: numbers, lists and charts, each for those who may see them (codex-pages.md §2 and §10).

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = r#"
    insert into companies (account_number, name, billing_plan, contract_end_date, contract_term_length) values
        ('100001', 'Mine <Ltd>', 'Gold', '2025-12-01', '1 Year'),
        ('100002', 'Theirs', 'Gold', '2025-11-25', '1 Year'),
        ('100003', 'Gone', 'Inactive', '2025-11-26', '1 Year'),
        ('100004', 'Past', 'Basic', '2025-11-21', '1 Year'),
        ('100005', 'Later', null, '2026-01-30', '1 Year'),
        ('100006', 'Open', null, '2025-11-30', 'Month to Month');
    insert into contacts (name, email, primary_email, active) values
        ('Client', 'client@example.test', 'client@example.test', true),
        ('Homeless', 'homeless@example.test', 'x', true), ('Left', 'left@example.test', 'y', false);
    insert into contact_company_link (contact_id, company_account_number)
        select id, '100001' from contacts where name = 'Client';
    insert into assets (hostname, company_account_number, hardware_type, online, last_seen) values
        ('MINE-PC', '100001', 'Desktop', false, '2025-11-20T10:00:00Z'), ('ON-PC', '100001', 'Desktop', true, null),
        ('THEIR-SRV', '100002', 'Server', false, null);
    insert into ticket_details (external_id, subject, status, company_account_number) values
        (1, 'a', 'open', '100001'), (2, 'b', 'on_hold', '100002'), (3, 'c', 'closed', '100001');
    insert into agents (keycloak_id, username) values ('k', 'kim');
    insert into billing_plans (plan_name, term_length) values ('Gold', '1 Year'), ('Gold', '2 Year');
    insert into review_items (kind, subject, detail, found_at, last_seen_at) values
        ('duplicate_contact', '1', 'two contacts with one address', '2025-11-22', '2025-11-22'),
        ('duplicate_asset', '2', 'settled', '2025-11-22', '2025-11-22');
    update review_items set resolved_at = now() where kind = 'duplicate_asset';
    insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, error, progress) values
        (gen_random_uuid(), 'psa', 'freshservice', 'base', 'completed', '2025-11-22T08:00Z', '2025-11-22T08:30Z', null, null),
        (gen_random_uuid(), 'psa', 'freshservice', 'base', 'failed', '2025-11-22T07:00Z', '2025-11-22T07:30Z', 'old failure', null),
        (gen_random_uuid(), 'rmm', 'datto', 'assets', 'failed', '2025-11-22T10:00Z', '2025-11-22T10:10Z', 'No <answer>', null),
        (gen_random_uuid(), 'psa', 'freshservice', 'tickets', 'running', '2025-11-22T10:28Z', null, null,
            '{"phase": "tickets", "step": {"done": 30, "total": 120, "seconds": 9}}');
"#;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn staff_sees_what_needs_attention(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for level in [Admin, Technician, Billing] {
        let answer = world.get_as(level, "/").await;
        assert_eq!(answer.status, StatusCode::OK);
        let page = answer.text();
        for expected in [
            "Codex - Data Platform",
            "Mine &#60;Ltd&#62;",
            "2025-11-25",
            "1 contract has expired",
            "MINE-PC",
            "never seen",
            "homeless@example.test",
            "Two contacts with one address",
            "[Freshservice] Sync",
            "2h ago",
            "No &#60;answer&#62;",
            "value=\"30\" max=\"120\"",
            "tickets, 30 of 120",
            "Desktop: 2, Server: 1",
            "On Hold: 1, Open: 1",
        ] {
            assert!(page.contains(expected), "{level} {expected}: {page}");
        }
        for hidden in [
            "2025-11-26",
            "2025-11-30",
            "2026-01-30",
            "left@example.test",
            "settled",
            "old failure",
            "Closed",
        ] {
            assert!(!page.contains(hidden), "{level} {hidden}");
        }
        for (card, count) in [("Companies", "6"), ("Contacts", "3"), ("Assets", "3")] {
            let card = format!("{card}</span><span class=\"dashboard-card__count u-block\">{count}</span>");
            assert!(page.contains(&card), "{level} {card}");
        }
        assert!(page.contains("Billing Plans</span><span class=\"dashboard-card__count u-block\">1<"));
        assert_eq!(page.contains("/agents\""), level == Admin);
        assert_eq!(page.contains("/admin/\""), level == Admin);
        assert!(!page.contains("style="));
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_client_sees_its_own_numbers(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let page = world.get_as(Client, "/").await.text();
    assert!(page.contains("MINE-PC") && page.contains("Desktop: 2") && page.contains("2025-12-01"));
    for hidden in [
        "THEIR",
        "Theirs",
        "2025-11-25",
        "Synchronisation",
        "To Review",
        "homeless",
        "expired",
        "On Hold",
        "Companies by Plan",
    ] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    for (card, count) in [("Companies", "1"), ("Contacts", "1"), ("Assets", "2")] {
        assert!(
            page.contains(&format!(
                "{card}</span><span class=\"dashboard-card__count u-block\">{count}</span>"
            ))
        );
    }
    assert_eq!(world.get("/").await.status, StatusCode::FORBIDDEN, "users only");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn before_the_first_sync_the_page_says_what_to_do(pool: PgPool) {
    let world = World::new(pool);
    assert!(world.get_as(Admin, "/").await.text().contains("Connect your ticketing system"));
    assert!(world.get_as(Technician, "/").await.text().contains("An administrator has to connect"));
    assert!(world.get_as(Client, "/").await.text().contains("not linked to a company"));
}

/// One rule for both pages that tell how a run went; a run that goes on does not hide how the last one went.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn runs_have_the_result_that_their_history_tells(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, success, error) values
                 ('00000000-0000-4000-8000-000000000001', 'keycloak_agents', null, null, 'completed',
                     '2025-11-22T10:00Z', '2025-11-22T10:01Z', false, null),
                 (gen_random_uuid(), 'rmm', 'datto', null, 'completed', '2025-11-22T09:00Z', '2025-11-22T09:01Z', true, null),
                 (gen_random_uuid(), 'rmm', 'datto', null, 'running', '2025-11-22T10:29Z', null, null, null),
                 (gen_random_uuid(), 'clear-data', null, null, 'failed', '2025-11-22T08:00Z', '2025-11-22T08:01Z', false,
                     'cancelled');
             insert into sync_job_errors (job_id, at, message) values
                 ('00000000-0000-4000-8000-000000000001', now(), 'no address'),
                 ('00000000-0000-4000-8000-000000000001', now(), 'no name');",
        )
        .await;
    let page = world.get_as(Admin, "/").await.text();
    let row = |source: &str| {
        let rows: Vec<_> = page.split("<tr>").filter(|row| row.contains(source)).map(str::to_owned).collect();
        rows
    };
    let agents = row("[Keycloak] Agents").remove(0);
    assert!(agents.contains("badge--warning\">Completed with errors"), "{agents}");
    assert!(agents.contains("2 rows could not be taken"), "{agents}");
    assert!(row("Clear Data")[0].contains("Cancelled"));
    let devices = row("[Datto] Sync");
    assert_eq!(devices.len(), 2, "the running one and the last result");
    assert!(devices[0].contains("Running") && devices[1].contains("badge--success\">Success"), "{devices:?}");
}

/// What a card counts is what its link shows.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn cards_and_their_lists_count_the_same(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
        .sql(
            "insert into assets (hostname, company_account_number) values ('NOBODY-KNOWS', '100001');
             insert into contacts (name, email, primary_email, is_agent) values ('Agent', 'agent@msp.example', 'z', true);",
        )
        .await;
    let page = world.get_as(Admin, "/").await.text();
    for (card, list, rows, count) in [
        ("offline-title\">Assets Offline", "/assets/?online=0", "Total 2 assets", 2),
        ("homeless-title\">Contacts Without Company", "/contacts/?company=none", "Total 1 contact", 1),
    ] {
        let counted = format!("{card}</h2><span class=\"count\">{count}</span>");
        assert!(page.contains(&counted), "{card}: {page}");
        assert!(page.contains(&format!("href=\"{list}\"")), "{list}");
        let shown = world.get_as(Admin, list).await.text();
        assert!(shown.contains(rows), "{list}: {shown}");
    }
    assert!(!page.contains("NOBODY-KNOWS") && !page.contains("agent@msp.example"));
}
