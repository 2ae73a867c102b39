//! Companies, contacts and assets.

use hivematrix_shared::contracts::codex::{BulkCompany, Company};
use serde_json::json;
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = r#"
    insert into companies (account_number, name, compliance_level, plan_selected, billing_plan, domains) values
        ('2', 'beta', 'standard', 'Basic', null, '["b.example"]'), ('1', 'Alpha', 'cjis', 'Basic', 'Premium', null),
        ('3', 'Gamma', 'hipaa', null, null, null);
    insert into contacts (id, name, email, primary_email, active, secondary_emails) values
        (1, 'Ada', 'ada@x.example', 'ada@x.example', true, '["a@y.example"]'), (2, 'bo', 'bo@x.example', 'bo@x.example', false, null),
        (3, 'Cy', 'cy@x.example', 'cy@x.example', true, null);
    insert into contact_company_link (contact_id, company_account_number, origin) values
        (1, '1', 'psa'), (1, '2', 'manual'), (2, '1', 'psa'), (1, '3', 'psa');
    insert into assets (id, hostname, company_account_number, device_type, backup_usage_tb, last_seen, online) values
        (1, 'ZED', '1', 'Server', 1.25, '2025-11-22 09:00:00.9Z', true), (2, 'abc', '1', null, null, null, null),
        (3, 'ODD', '2', null, 0.001, null, false);
    insert into locations (id, name, address, phone_number, company_account_number) values (1, 'HQ', '1 Way', '+1', '2');
    insert into ticket_details (id, external_id, subject, description, status, company_account_number, last_updated_at, total_hours_spent, conversations) values
        (1, 101, 'first', '<p>a</p>', 'closed', '1', '2024-12-31 23:59:59Z', 7.333333, '[{"body": "hi"}]'),
        (2, 102, 'second', null, 'open', '1', '2025-01-01 00:00:00Z', 0, '[]'),
        (3, 103, 'third', null, 'open', '2', '2023-05-05 00:00:00Z', 0, '[]'),
        (4, 104, 'without company', null, 'open', null, '2025-05-05 00:00:00Z', 0, '[]');
    insert into ticket_time_entries (id, external_id, external_source, ticket_id, agent_id, hours, billable, executed_at, updated_at) values
        (1, 1, 'freshservice', 1, 701, 0.3333, true, '2024-12-31 10:00Z', '2025-01-02 10:00Z'),
        (2, 2, 'freshservice', 1, null, 1.5, null, '2025-01-01 00:00Z', null);
"#;

async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn companies_come_by_name_and_in_pages(pool: PgPool) {
    let world = world(pool).await;
    for (query, expected) in [
        ("", vec!["1", "2", "3"]),
        ("?limit=2", vec!["1", "2"]),
        ("?limit=2&offset=2", vec!["3"]),
        ("?limit=x&offset=-1", vec!["1", "2", "3"]),
        ("?limit=0", vec![]),
    ] {
        let answer = world.get(&format!("/api/companies{query}")).await;
        let companies: Vec<Company> = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            companies.iter().map(|company| company.id.as_str()).collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    insta::assert_json_snapshot!(world.get("/api/companies/1").await.json());
    assert_eq!(world.get("/api/company/1").await.json(), world.get("/api/companies/1").await.json());
    assert_eq!(world.get("/api/companies/2").await.json()["billing_plan"], "Basic");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn bulk_has_every_company_with_all_that_belongs_to_it(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!(
        "bulk_with_tickets",
        world.get("/api/companies/bulk?include_tickets=True").await.json()
    );
    let without = world.get("/api/companies/bulk").await;
    assert!(!without.text().contains("\"tickets\""));
    let read: Vec<BulkCompany> = serde_json::from_slice(&without.body).unwrap();
    assert_eq!(read.iter().map(|element| element.assets.len()).collect::<Vec<_>>(), [2, 1, 0]);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn tickets_are_chosen_by_year_of_change_or_of_work_and_by_change(pool: PgPool) {
    let world = world(pool).await;
    for (query, expected) in [
        ("", vec![1, 2]),
        ("?year=2024", vec![1]),
        ("?year=2025", vec![1, 2]),
        ("?year=2023", vec![]),
        ("?year=abc", vec![1, 2]),
        ("?year=0", vec![1, 2]),
        ("?updated_since=2025-01-01T00:00:00Z", vec![2]),
        ("?updated_since=yesterday", vec![1, 2]),
        ("?year=2025&updated_since=2025-01-01", vec![2]),
    ] {
        let answer = world.get(&format!("/api/companies/1/tickets{query}")).await.json();
        let found: Vec<_> =
            answer.as_array().unwrap().iter().map(|ticket| ticket["ticket_id"].as_i64().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
        let separator = if query.is_empty() { "?" } else { "&" };
        let bulk =
            world.get(&format!("/api/companies/bulk{query}{separator}include_tickets=true")).await.json();
        assert_eq!(bulk[0]["tickets"], answer, "{query}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn billing_fields_leave_out_what_bills_do_not_need(pool: PgPool) {
    let world = world(pool).await;
    let tickets = world.get("/api/companies/1/tickets?fields=billing").await.json();
    let members: Vec<_> = tickets[0].as_object().unwrap().keys().cloned().collect();
    for left_out in ["description", "description_text", "conversations", "notes"] {
        assert!(!members.contains(&left_out.to_owned()), "{left_out}");
    }
    assert_eq!(tickets[0]["total_hours_spent"], json!(7.333333));
    assert_eq!(tickets[0]["time_entries"][0]["hours"], json!(0.3333));
}

/// The list is sent piece by piece; the pieces must fit together at any size.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_large_bulk_answer_is_whole(pool: PgPool) {
    let world = world(pool).await;
    world
        .sql("insert into companies (account_number, name) select 'c' || n, 'Company ' || n % 7 from generate_series(1, 40) n; \
              insert into ticket_details (id, external_id, company_account_number, subject, description) \
              select 1000 + n, 1000 + n, 'c' || (1 + n % 40), 'Ticket ' || n, repeat('x', n) from generate_series(1, 1000) n")
        .await;
    let answer = world.get("/api/companies/bulk?include_tickets=true").await;
    let read: Vec<BulkCompany> = serde_json::from_slice(&answer.body).unwrap();
    let tickets: usize = read.iter().filter_map(|element| element.tickets.as_ref()).map(Vec::len).sum();
    assert_eq!((read.len(), tickets), (43, 1003));
    for element in &read {
        let many = element.company.account_number.starts_with('c');
        assert_eq!(element.tickets.as_ref().unwrap().len() == 25, many, "{}", element.company.account_number);
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn contacts_carry_the_strictest_level_of_their_companies(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!(world.get("/api/contacts?limit=1").await.json());
    for (path, level) in [
        ("/api/contact/1", json!("hipaa")),
        ("/api/contact/2", json!("cjis")),
        ("/api/contact/3", json!(null)),
    ] {
        assert_eq!(world.get(path).await.json()["company_compliance_level"], level, "{path}");
    }
    let page = world.get("/api/contacts?company_id=1&offset=1").await.json();
    assert_eq!(
        (&page["total"], &page["count"], &page["contacts"][0]["name"]),
        (&json!(2), &json!(1), &json!("bo"))
    );
    let beyond = world.get("/api/contacts?offset=9").await.json();
    assert_eq!((&beyond["total"], &beyond["count"]), (&json!(3), &json!(0)));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn assets_carry_their_company_and_exact_bytes(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!(world.get("/api/asset/1").await.json());
    let page = world.get("/api/assets?company_id=1&limit=1&offset=1").await.json();
    assert_eq!((&page["total"], &page["assets"][0]["hostname"]), (&json!(2), &json!("ZED")));
    let odd = world.get("/api/companies/2/assets").await.json();
    assert_eq!(odd[0]["backup_data_bytes"], 1_099_511_627, "0.001 TiB, cut to whole bytes");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn one_absurd_backup_stops_no_reader_of_bills(pool: PgPool) {
    let world = world(pool).await;
    world.sql("update assets set backup_usage_tb = 99999999999999999999 where id = 1").await;
    world.sql("update assets set backup_usage_tb = -3 where id = 2").await;
    let most = i64::from(hivematrix_codex::domain::asset::MOST_BACKUP_TB) << 40;
    for (path, at) in [
        ("/api/companies/1/assets", "/"),
        ("/api/assets?company_id=1", "/assets/"),
        ("/api/companies/bulk", "/0/assets/"),
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, http::StatusCode::OK, "{path}: {}", answer.text());
        let answer = answer.json();
        let bytes = |place: usize| {
            let asset = answer.pointer(&format!("{}{place}", at)).unwrap();
            (asset["id"].as_i64().unwrap(), asset["backup_data_bytes"].as_i64().unwrap())
        };
        assert_eq!((bytes(0), bytes(1)), ((2, 0), (1, most)), "{path}");
    }
    assert_eq!(world.get("/api/asset/1").await.status, http::StatusCode::OK);
    for path in ["/api/companies/2/assets", "/api/companies/bulk"] {
        let text = world.get(path).await.text();
        assert!(text.contains(r#""backup_usage_tb":"0.00""#), "two places, however small: {text}");
    }
}
