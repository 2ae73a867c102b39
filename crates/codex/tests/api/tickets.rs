//! Ticket lists, single tickets and the PSA's lists.

use hivematrix_shared::auth::PermissionLevel;
use hivematrix_simulators::freshservice::{Config, Fault, FaultMode, NewEntry, spawn};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{NOW, World};

const WORLD: &str = r#"
    insert into companies (account_number, name, compliance_level) values ('1', 'Alpha', 'cjis');
    insert into psa_agents (external_id, external_source, first_name, last_name, active, email) values
        (701, 'freshservice', 'Ana', 'Abel', false, 'ana@msp.example'), (702, 'freshservice', null, null, true, null),
        (703, 'freshservice', 'bea', null, true, null), (1, 'superops', 'Eve', 'Ek', true, null);
    insert into ticket_details (id, external_id, external_source, company_account_number, ticket_number, subject, status, priority, priority_id,
        responder_id, group_id, last_updated_at, created_at, total_hours_spent, conversations, requester_name) values
        (1, 500, 'freshservice', '1', '500', 'one', 'open', 'low', 1, 701, 7, '2025-11-22 10:00Z', '2025-11-22 09:00Z', 1.5, '[{"body": "hi", "incoming": true}]', 'Ines'),
        (2, 501, 'freshservice', null, '501', 'two', 'pending', 'urgent', 4, 799, null, '2025-11-22 08:00Z', null, 0, '[]', null),
        (3, 500, 'superops', null, '500', 'three', 'resolved', 'low', 1, null, null, null, null, 0, '[]', null);
    insert into ticket_time_entries (id, external_id, external_source, ticket_id, hours) values (9, 9, 'freshservice', 1, 1.5);
"#;

async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn tickets_come_newest_change_first_and_filtered_exactly(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!(world.get("/api/tickets?limit=1").await.json());
    for (query, ids, total) in [
        ("", vec![1, 2, 3], 3),
        ("?offset=2", vec![3], 3),
        ("?offset=5", vec![], 3),
        ("?limit=-1", vec![1, 2, 3], 3),
        ("?company_id=1", vec![1], 1),
        ("?status=pending", vec![2], 1),
        ("?priority=low", vec![1, 3], 2),
        ("?priority=Low", vec![], 0),
    ] {
        let page = world.get(&format!("/api/tickets{query}")).await.json();
        let found: Vec<_> =
            page["tickets"].as_array().unwrap().iter().map(|t| t["id"].as_i64().unwrap()).collect();
        assert_eq!((found, page["total"].as_i64()), (ids, Some(total)), "{query}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_ticket_is_named_by_the_psas_id_unless_said_otherwise(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!(world.get("/api/ticket/500").await.json());
    for (path, ticket_id) in [
        ("/api/ticket/500", 1),
        ("/api/ticket/500?provider=superops", 3),
        ("/api/ticket/2?id_type=internal", 2),
        ("/api/ticket/501?id_type=external", 2),
    ] {
        assert_eq!(world.get(path).await.json()["ticket_id"], ticket_id, "{path}");
    }
    assert_eq!(world.get("/api/ticket/1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/api/ticket/501").await.json()["agent_name"], "Agent 799");
    assert_eq!(world.get("/api/ticket/501").await.json()["company_compliance_level"], json!(null));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn agents_come_active_first_then_by_name(pool: PgPool) {
    let world = world(pool).await;
    let names = |answer: serde_json::Value| -> Vec<String> {
        answer.as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(world.get("/api/psa/agents").await.json()), ["Agent 702", "bea", "Eve Ek", "Ana Abel"]);
    assert_eq!(names(world.get("/api/psa/agents?provider=superops").await.json()), ["Eve Ek"]);
    insta::assert_json_snapshot!(world.get("/api/psa/agents?provider=superops").await.json(), { "[].id" => "[id]" });
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_configuration_tells_links_and_no_secret(pool: PgPool) {
    let real = ["--freshservice-domain", "msp.freshservice.com", "--freshservice-api-key", "k3y"];
    let answer = World::at(pool.clone(), NOW, &real).get("/api/psa/config").await;
    assert!(!answer.text().contains("k3y"));
    insta::assert_json_snapshot!(answer.json());
    let nothing: [&[&str]; 2] = [&[], &["--freshservice-domain", " ", "--freshservice-web-domain", ""]];
    for arguments in nothing {
        let none = World::at(pool.clone(), NOW, arguments).get("/api/psa/config").await;
        assert_eq!(none.json(), json!({"default_provider": null, "providers": {}}), "{arguments:?}");
    }
    let simulated = [
        "--freshservice-base-url",
        "http://127.0.0.1:20900",
        "--freshservice-professional-services-group-id",
        "1,2",
    ];
    let config = World::at(pool, NOW, &simulated).get("/api/psa/config").await.json();
    let provider = &config["providers"]["freshservice"];
    assert_eq!(provider["ticket_url_template"], "http://127.0.0.1:20900/helpdesk/tickets/{ticket_id}");
    assert_eq!(provider["group_ids"]["professional_services"], json!([1, 2]));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_psas_lists(pool: PgPool) {
    let world = world(pool).await;
    insta::assert_json_snapshot!("psa_tickets", world.get("/api/psa/tickets?limit=1").await.json());
    insta::assert_json_snapshot!("psa_tickets_active", world.get("/api/psa/tickets/active").await.json());
    assert_eq!(world.get("/api/psa/tickets?provider=superops&status=resolved").await.json()[0]["id"], 3);
    assert_eq!(world.get("/api/psa/tickets?company=1").await.json().as_array().unwrap().len(), 1);
}

/// What was never synced is read from the PSA, with the company's level where Codex knows the company.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_ticket_that_is_not_stored_is_read_from_the_psa(pool: PgPool) {
    let vendor = spawn(Config::default()).await.unwrap();
    let url = vendor.base_url.to_string();
    let arguments = ["--freshservice-base-url", &url, "--freshservice-api-key", &vendor.api_key];
    let world = World::at(pool, NOW, &arguments);
    let id = vendor.control.active_ids()[0];
    vendor
        .control
        .add_entry(id, NewEntry { text: "Seen by agents only".into(), incoming: false, private: true });
    let path = format!("/api/ticket/{id}");

    let unknown = world.get(&path).await;
    assert_eq!(unknown.status, StatusCode::OK, "{}", unknown.text());
    let unknown = unknown.json();
    assert_eq!((&unknown["external_id"], &unknown["company_compliance_level"]), (&json!(id), &json!(null)));
    assert!(unknown["notes"].to_string().contains("Seen by agents only"));
    assert!(!unknown["conversations"].to_string().contains("Seen by agents only"));
    assert_eq!(world.get("/api/tickets").await.json()["total"], 0, "nothing is stored");

    sqlx::query("insert into companies (account_number, name, external_id, compliance_level) values ('9', 'Nine', $1, 'hipaa')")
        .bind(unknown["company_id"].as_i64())
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(world.get(&path).await.json()["company_compliance_level"], "hipaa");
    let client = world.get_as(PermissionLevel::Client, &path).await;
    assert_eq!(client.status, StatusCode::NOT_FOUND, "a customer spends no request at the vendor");
    assert_eq!(world.get("/api/ticket/1").await.status, StatusCode::NOT_FOUND);
    let internal = world.get(&format!("{path}?id_type=internal")).await;
    assert_eq!(internal.status, StatusCode::NOT_FOUND, "only the PSA's ids can be asked for there");

    vendor.control.add_fault(Fault::always(FaultMode::Unauthorized));
    let refused = world.get(&path).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(refused.json()["error"].as_str().unwrap().contains("authentication"), "{}", refused.text());
}
