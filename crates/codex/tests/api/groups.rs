//! Whole answers of the contract's groups that have no test of their own, and what is the same in several groups.

use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = r#"
    insert into companies (account_number, name, compliance_level, external_id, plan_selected, billing_plan, email_system,
        phone_system, contract_end_date, description) values
        ('100001', 'Acme', 'hipaa', 901, 'Gold', 'Gold', 'Microsoft 365', 'Zoom Phone', '2026-12-31', 'Anvils'),
        ('100002', 'Beta', 'standard', 902, null, null, null, null, null, null);
    insert into locations (id, name, address, phone_number, company_account_number) values
        (1, 'Depot', '1 Main St', '555', '100001'), (2, 'Yard', null, null, '100001');
    insert into assets (id, hostname, company_account_number, hardware_type, device_type, operating_system, online,
        ext_ip_address, int_ip_address, last_seen, last_logged_in_user, antivirus_product, patch_status, domain, last_reboot) values
        (1, 'PC-1', '100001', 'Desktop', null, 'Windows 11 Pro 10.0.22631', true, '203.0.113.9', '10.0.0.5', '2025-11-22T10:00:00Z',
            'ACME\jo', 'Defender', 'FullyPatched', 'acme.local', '2025-11-20T01:00:00Z'),
        (2, 'SRV-1', '100001', 'Desktop', 'Server', null, null, null, '10.0.0.6', null, null, null, null, null, null);
    insert into agents (keycloak_id, username, email, first_name, last_name, enabled, theme_preference, home_page_preference,
        created_at, updated_at, last_synced_at) values
        ('k1', 'ada', 'admin@example.test', 'Ada', 'Admin', true, 'dark', 'ledger', '2025-11-01T00:00:00Z', '2025-11-02T00:00:00Z',
            '2025-11-03T00:00:00Z');
    insert into ticket_details (id, external_id, company_account_number, subject, status, priority, priority_id, last_updated_at) values
        (1, 11, '100001', 'Known', 'open', 'high', 3, '2025-11-22T10:00:00Z'),
        (2, 12, null, 'Nobody''s', 'pending', 'low', 1, '2025-11-22T09:00:00Z');
    insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, output, success, requested_by, progress) values
        ('00000000-0000-4000-8000-00000000000a', 'psa', 'freshservice', 'base', 'completed', '2025-11-22T08:00:00Z',
            '2025-11-22T08:00:40Z', 'Done', true, 'admin', '{"counts": {"companies": 2}}');
    insert into review_items (kind, subject, other, detail, found_at, last_seen_at) values
        ('rmm_site', 'datto:s1', '', 'A site without a company', '2025-11-22T08:00:00Z', '2025-11-22T08:00:00Z');
"#;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn whole_answers(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for (name, path) in [
        ("company", "/api/companies/100001"),
        ("company_search", "/companies/api/search?search=acme"),
        ("company_locations", "/companies/100001/locations"),
        ("locations", "/api/companies/100001/locations"),
        ("rmm_devices", "/api/rmm/devices"),
        ("rmm_device", "/api/rmm/device/device-1"),
        ("agents", "/api/agents"),
        ("agent", "/api/agents/k1"),
        ("my_settings", "/api/my/settings"),
        ("theme", "/api/public/user/theme?email=admin@example.test"),
        ("home_page", "/api/public/user/home-page?email=admin@example.test"),
        ("sync_status", "/sync/status/00000000-0000-4000-8000-00000000000a"),
        ("sync_jobs", "/api/sync/jobs"),
        ("review", "/api/review"),
        ("statistics", "/api/admin/statistics"),
    ] {
        let answer = world.get_as(Admin, path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text());
        insta::assert_json_snapshot!(name, answer.json());
    }
}

/// Brainhair filters by it, and takes an unknown company for the strictest (§4.3).
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_ticket_tells_the_level_of_its_company(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for (path, pointer, level) in [
        ("/api/tickets", "/tickets/0", json!("hipaa")),
        ("/api/tickets", "/tickets/1", Value::Null),
        ("/api/tickets/active", "/section1/0", json!("hipaa")),
        ("/api/tickets/active", "/section4/0", Value::Null),
        ("/api/ticket/11", "", json!("hipaa")),
        ("/api/ticket/12", "", Value::Null),
        ("/api/psa/tickets", "/0", json!("hipaa")),
        ("/api/psa/tickets", "/1", Value::Null),
        ("/api/psa/tickets/active", "/0", json!("hipaa")),
        ("/api/companies/100001/tickets", "/0", json!("hipaa")),
        ("/api/companies/100001/tickets?fields=billing", "/0", json!("hipaa")),
        ("/api/companies/bulk?include_tickets=true", "/0/tickets/0", json!("hipaa")),
    ] {
        let answer = world.get_as(Technician, path).await.json();
        let ticket = answer.pointer(pointer).unwrap_or_else(|| panic!("{path} {pointer}: {answer}"));
        assert_eq!(ticket.get("company_compliance_level"), Some(&level), "{path} {pointer}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_page_has_a_size_between_nothing_and_the_most(pool: PgPool) {
    let world = World::new(pool);
    for (path, usual, most) in [
        ("/api/tickets", 50, 1000),
        ("/api/contacts", 50, 500),
        ("/api/assets", 50, 500),
        ("/api/review", 50, 500),
    ] {
        for (query, limit, offset) in [
            (String::new(), usual, 0),
            (format!("?limit={}&offset=3", most + 1), most, 3),
            ("?limit=0".to_owned(), 0, 0),
            ("?limit=-1&offset=-1".to_owned(), usual, 0),
            ("?limit=x&offset=1.5".to_owned(), usual, 0),
        ] {
            let page = world.get(&format!("{path}{query}")).await.json();
            assert_eq!((&page["limit"], &page["offset"]), (&json!(limit), &json!(offset)), "{path}{query}");
        }
    }
    for (query, page, pages) in
        [("", 1, 1), ("?per_page=1", 1, 2), ("?per_page=0&page=0", 1, 1), ("?per_page=9999&page=7", 7, 1)]
    {
        world.sql("insert into companies (account_number, name) values ('1', 'A'), ('2', 'B') on conflict do nothing").await;
        let found = world.get_as(Technician, &format!("/companies/api/search{query}")).await.json();
        let place = &found["pagination"];
        assert_eq!(
            (&place["page"], &place["pages"], &place["total"]),
            (&json!(page), &json!(pages), &json!(2)),
            "{query}"
        );
    }
}
