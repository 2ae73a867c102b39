//! Changing companies: edits, locations, by hand, and what a sync may do afterwards (codex-api.md §4.6).

use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin, Billing, Client, Technician},
    testing::TestResponse,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = r#"
    insert into companies (account_number, name, external_id, plan_selected, billing_plan, contract_term,
        contract_term_length, contract_start_date, contract_end_date, support_level, head_user_id, head_name, domains) values
        ('100001', 'Acme', 1, 'Basic', 'Basic', '1 year', '1 Year', '2024-01-01', '2024-12-31', 'Billed Hourly', 7, 'Old Head',
            '["acme.example"]'),
        ('100002', 'Beta', 2, null, null, null, null, null, null, null, null, null, null);
    insert into contacts (id, external_id, name, email, primary_email) values
        (1, 42, 'Jo Doe', 'client@example.test', 'client@example.test');
    insert into contact_company_link (contact_id, company_account_number) values (1, '100001');
    insert into billing_plans (id, plan_name, term_length, support_level) overriding system value values
        (1, 'Gold', '1 Year', 'Unlimited'), (2, 'Gold', '2 Year', 'All Inclusive');
    insert into plan_features (plan_id, feature_type, feature_value) values (1, 'soc', 'Agent'), (1, 'sat', 'Basic');
    insert into assets (id, hostname, company_account_number, online) values (5000, 'PC-5', '100001', true);
    insert into ticket_details (external_id, subject, status, company_account_number, last_updated_at) values
        (900, 'Printer <b>', 'open', '100001', '2025-11-20T10:00:00Z');
"#;

impl World {
    async fn send(&self, level: PermissionLevel, method: Method, path: &str, body: Value) -> TestResponse {
        self.call_as(level, method, path, &body).await
    }

    async fn update(&self, body: Value) -> TestResponse {
        self.send(Technician, Method::PUT, "/companies/100001/update", body).await
    }

    async fn stored(&self) -> Value {
        sqlx::query_scalar("select to_jsonb(c) from companies c where account_number = '100001'")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_technicians_and_administrators_change_companies(pool: PgPool) {
    let world = world(pool).await;
    let location = json!({ "name": "Lab", "address": "1 Main St" });
    let calls = [
        (Method::PUT, "/companies/100001/update", json!({ "name": "X" })),
        (Method::DELETE, "/companies/100001/edited/name", json!({})),
        (Method::POST, "/companies/100001/locations", location.clone()),
        (Method::PUT, "/companies/100001/locations/1", location.clone()),
        (Method::DELETE, "/companies/100001/locations/1", json!({})),
        (Method::POST, "/api/companies", json!({ "name": "New" })),
        (Method::DELETE, "/api/companies/100001", json!({})),
    ];
    for (method, path, body) in calls {
        for level in [Client, Billing] {
            let answer = world.send(level, method.clone(), path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {level}");
            assert!(answer.json()["error"].is_string());
        }
        let service = world.identity.service_token("beacon", "codex");
        let answer = world.client.request(method.clone(), path).bearer(service).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: a service alone");
        let nobody = world.client.request(method.clone(), path).json(&body).send().await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        if path.starts_with("/api/") {
            let answer = world.send(Technician, method.clone(), path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: administrators only");
        }
    }
    assert_eq!(world.stored().await["name"], "Acme");
    let changes: i64 = sqlx::query_scalar("select count(*) from change_log where entity = 'companies'")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(changes, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_what_differs_is_edited_and_remembered(pool: PgPool) {
    let world = world(pool).await;
    let body = json!({
        "name": "Acme", "description": " Anvils ", "email_system": "", "managed_users": 25,
        "domains": "[\"acme.example\"]", "shoe_size": 42, "head_user_id": "7"
    });
    let answer = world.update(body).await;
    assert_eq!(answer.json(), json!({ "success": true, "message": "Company updated successfully" }));
    let stored = world.stored().await;
    assert_eq!(stored["edited_fields"], json!(["description", "managed_users"]));
    assert_eq!((&stored["description"], &stored["managed_users"]), (&json!("Anvils"), &json!("25")));
    let log: Vec<(String, Option<String>, Option<String>, String)> = sqlx::query_as(
        "select field, old_value, new_value, actor from change_log where entity_id = '100001' order by field",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let line = |field: &str, new: &str| {
        (field.to_owned(), None, Some(new.to_owned()), "technician@example.test".to_owned())
    };
    assert_eq!(log, [line("description", "Anvils"), line("managed_users", "25")]);
    world.update(json!({ "description": "" })).await;
    assert_eq!(world.stored().await["description"], Value::Null);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_plan_that_is_edited_is_the_plan_everywhere(pool: PgPool) {
    let world = world(pool).await;
    assert_eq!(world.update(json!({ "billing_plan": "Gold" })).await.status, StatusCode::OK);
    let company = world.get("/api/companies/100001").await.json();
    assert_eq!((&company["billing_plan"], &company["support_level"]), (&json!("Gold"), &json!("Unlimited")));
    let listed = world.get_as(Billing, "/companies/api/search?plan=Gold").await.json();
    assert_eq!(listed["companies"][0]["plan_selected"], "Gold");
    assert_eq!(world.stored().await["edited_fields"], json!(["billing_plan"]), "the level follows the plan");

    world.update(json!({ "contract_term_length": "2-Year" })).await;
    let company = world.get("/api/companies/100001").await.json();
    assert_eq!(company["contract_term_length"], "2 Year");
    assert_eq!(company["contract_end_date"], "2025-12-31");
    assert_eq!(company["support_level"], "All Inclusive");

    world
        .update(json!({ "contract_term_length": "Month to Month", "contract_end_date": "2030-01-01" }))
        .await;
    assert_eq!(world.stored().await["contract_end_date"], Value::Null, "open contracts have no end");

    world.update(json!({ "support_level": "Unlimited" })).await;
    world.update(json!({ "contract_term_length": "2 Year" })).await;
    let stored = world.stored().await;
    assert_eq!(stored["support_level"], "Unlimited", "a chosen level stays");

    world.update(json!({ "billing_plan": "" })).await;
    let stored = world.stored().await;
    assert_eq!(stored["billing_plan"], "Basic", "without a plan of its own a company has the PSA's");
    assert!(!stored["edited_fields"].as_array().unwrap().contains(&json!("billing_plan")));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_end_is_computed_and_otherwise_what_was_sent(pool: PgPool) {
    let world = world(pool).await;
    for (sent, end) in [
        (json!({ "contract_start_date": "2025-03-01T00:00:00Z" }), json!("2026-02-28")),
        (json!({ "contract_end_date": "2040-01-01" }), json!("2026-02-28")),
        (json!({ "contract_term_length": "5 Year", "contract_end_date": "2030-02-28" }), json!("2030-02-28")),
        (json!({ "contract_start_date": "" }), Value::Null),
    ] {
        assert_eq!(world.update(sent.clone()).await.status, StatusCode::OK, "{sent}");
        assert_eq!(world.stored().await["contract_end_date"], end, "{sent}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_person_brings_a_name_and_takes_it_away(pool: PgPool) {
    let world = world(pool).await;
    world.update(json!({ "head_user_id": 42, "prime_user_id": "42" })).await;
    let stored = world.stored().await;
    assert_eq!((&stored["head_name"], &stored["prime_user_name"]), (&json!("Jo Doe"), &json!("Jo Doe")));
    assert_eq!(stored["edited_fields"], json!(["head_user_id", "prime_user_id"]));
    world.update(json!({ "head_user_id": "" })).await;
    let stored = world.stored().await;
    assert_eq!((&stored["head_user_id"], &stored["head_name"]), (&Value::Null, &Value::Null));
    let answer = world.update(json!({ "name": "Never", "head_user_id": 4711 })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.stored().await["name"], "Acme", "all or nothing");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn overrides_replace_the_set(pool: PgPool) {
    let world = world(pool).await;
    world.update(json!({ "billing_plan": "Gold" })).await;
    let overrides = || async {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select feature_key, value from company_feature_overrides where override_enabled order by 1",
        )
        .fetch_all(&world.pool)
        .await
        .unwrap();
        rows
    };
    world.update(json!({ "feature_overrides": { "soc": "Human", "sat": "", "antivirus": "X" } })).await;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(overrides().await, [pair("antivirus", "X"), pair("soc", "Human")]);
    let page = world.get_as(Billing, "/companies/100001").await.text();
    assert!(page.contains("Human") && page.contains(">Custom<") && page.contains("From Plan"));
    world.update(json!({ "description": "unrelated" })).await;
    assert_eq!(overrides().await.len(), 2, "what is not sent stays");
    world.update(json!({ "feature_overrides": {} })).await;
    assert_eq!(overrides().await, []);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn edits_that_do_not_fit_are_refused_in_words(pool: PgPool) {
    let world = world(pool).await;
    for (body, status) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!([]), StatusCode::BAD_REQUEST),
        (json!({ "compliance_level": "secret" }), StatusCode::BAD_REQUEST),
        (json!({ "domains": "acme" }), StatusCode::BAD_REQUEST),
        (json!({ "datto_portal_url": "javascript:alert(1)" }), StatusCode::BAD_REQUEST),
    ] {
        let answer = world.update(body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.json()["detail"].as_str().is_some_and(|text| text.len() > 5), "{body}");
    }
    assert_eq!(world.update(json!({})).await.json()["error"], "No data provided");
    let missing = world.send(Admin, Method::PUT, "/companies/nope/update", json!({ "name": "x" })).await;
    assert_eq!(
        (missing.status, &missing.json()["error"]),
        (StatusCode::NOT_FOUND, &json!("Company not found"))
    );
}

/// Whoever sends back all of a company changes what differs, whatever an older system has left in the rest.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_is_stored_in_an_older_form_does_not_stop_an_edit(pool: PgPool) {
    let world = world(pool).await;
    world
        .sql(
            "update companies set company_start_date = '05/01/2019', contract_start_date = '2024-01-01T00:00:00Z',
                 domains = '[\"localhost\"]', datto_portal_url = 'rmm.example/x' where account_number = '100001'",
        )
        .await;
    let all = json!({
        "name": "Acme", "company_start_date": "05/01/2019", "contract_start_date": "2024-01-01",
        "contract_end_date": "2024-12-31", "domains": "[\"localhost\"]", "datto_portal_url": "rmm.example/x",
        "compliance_level": "", "description": "New"
    });
    let answer = world.update(all.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let stored = world.stored().await;
    assert_eq!((&stored["description"], &stored["compliance_level"]), (&json!("New"), &json!("standard")));
    assert_eq!(stored["edited_fields"], json!(["description"]), "nothing else was changed");
    assert_eq!(stored["company_start_date"], "05/01/2019");

    let mut other = all;
    other["company_start_date"] = json!("06/01/2019");
    let answer = world.update(other).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let text = "company_start_date must be a date such as 2025-01-31.";
    assert_eq!((&answer.json()["error"], &answer.json()["success"]), (&json!(text), &json!(false)));
    world.update(json!({ "compliance_level": "hipaa" })).await;
    assert_eq!(world.get("/api/companies/100001").await.json()["compliance_level"], "hipaa");
    world.update(json!({ "compliance_level": "" })).await;
    assert_eq!(world.get("/api/companies/100001").await.json()["compliance_level"], "standard");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_field_can_follow_the_psa_again(pool: PgPool) {
    let world = world(pool).await;
    world
        .update(json!({ "billing_plan": "Gold", "contract_term_length": "2 Year", "description": "x" }))
        .await;
    let follow = |field: &'static str| {
        let path = format!("/companies/100001/edited/{field}");
        let world = &world;
        async move { world.send(Technician, Method::DELETE, &path, json!({})).await.status }
    };
    assert_eq!(follow("name").await, StatusCode::NOT_FOUND, "was not edited");
    for field in ["billing_plan", "contract_term_length", "description"] {
        assert_eq!(follow(field).await, StatusCode::OK, "{field}");
    }
    let stored = world.stored().await;
    assert_eq!(stored["edited_fields"], json!([]));
    assert_eq!(
        (&stored["billing_plan"], &stored["contract_term_length"]),
        (&json!("Basic"), &json!("1 Year"))
    );
    assert_eq!(stored["contract_end_date"], "2024-12-31");
    assert_eq!(stored["support_level"], "Billed Hourly");
    assert_eq!(stored["description"], "x", "the next sync brings its value");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn locations_are_added_changed_and_removed(pool: PgPool) {
    let world = world(pool).await;
    let path = "/companies/100001/locations";
    assert_eq!(world.get(path).await.json(), json!({ "success": true, "locations": [] }));
    for body in [
        json!({ "name": "Lab" }),
        json!({ "name": " ", "address": "x" }),
        json!({ "name": 1, "address": "x" }),
    ] {
        assert_eq!(
            world.send(Technician, Method::POST, path, body.clone()).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    let new = json!({ "name": " Lab ", "address": "1 Main St", "phone_number": "" });
    let added = world.send(Technician, Method::POST, path, new).await.json();
    let id = added["location"]["id"].as_i64().unwrap();
    let expected = json!({ "id": id, "name": "Lab", "address": "1 Main St", "phone_number": null });
    assert_eq!(added, json!({ "success": true, "location": expected }));
    let one = format!("{path}/{id}");
    let change = json!({ "name": "Lab", "address": "2 Main St", "phone_number": "555" });
    assert_eq!(world.send(Admin, Method::PUT, &one, change.clone()).await.status, StatusCode::OK);
    assert_eq!(world.get_as(Client, path).await.json()["locations"][0]["address"], "2 Main St");
    let foreign = format!("/companies/100002/locations/{id}");
    assert_eq!(world.send(Admin, Method::PUT, &foreign, change.clone()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.send(Admin, Method::DELETE, &foreign, json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get_as(Client, "/companies/100002/locations").await.status, StatusCode::FORBIDDEN);
    let page = world.get_as(Technician, "/companies/100001").await.text();
    assert!(
        page.contains("Lab, 2 Main St, 555") && page.contains("technician@example.test"),
        "the history tells it"
    );
    assert_eq!(world.send(Admin, Method::DELETE, &one, json!({})).await.status, StatusCode::OK);
    assert_eq!(world.send(Admin, Method::DELETE, &one, json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.send(Admin, Method::POST, "/companies/nope/locations", change).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.get("/companies/nope/locations").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn companies_are_created_and_removed_by_hand(pool: PgPool) {
    let world = world(pool).await;
    let create = |body: Value| world.send(Admin, Method::POST, "/api/companies", body);
    let added = create(json!({ "name": " New Ltd " })).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(
        (&added.json()["account_number"], &added.json()["name"]),
        (&json!("100003"), &json!("New Ltd"))
    );
    assert_eq!(
        create(json!({ "name": "Own", "account_number": "A-7" })).await.json()["account_number"],
        "A-7"
    );
    assert_eq!(create(json!({ "name": "Own", "account_number": "A-7" })).await.status, StatusCode::CONFLICT);
    for body in [
        json!({ "name": "" }),
        json!({}),
        json!({ "name": "x", "account_number": "a/b" }),
        json!({ "name": "x", "account_number": "export.csv" }),
    ] {
        assert_eq!(create(body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let remove = |path: &'static str| world.send(Admin, Method::DELETE, path, json!({}));
    assert_eq!(remove("/api/companies/100001?name=Beta").await.status, StatusCode::CONFLICT);
    assert_eq!(world.stored().await["name"], "Acme", "nothing was removed");
    assert_eq!(remove("/api/companies/100001?name=Acme").await.status, StatusCode::OK);
    assert_eq!(remove("/api/companies/100001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(remove("/api/companies/100003").await.status, StatusCode::OK);
    let next = create(json!({ "name": "Next" })).await.json();
    assert_eq!(next["account_number"], "100004", "numbers are not given out twice");
    let ticket: Option<String> =
        sqlx::query_scalar("select company_account_number from ticket_details where external_id = 900")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(ticket, None, "tickets live on");
    let (name, reason): (String, String) =
        sqlx::query_as("select name, reason from tombstones where key = '100001'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!((name.as_str(), reason.as_str()), ("Acme", "removed by admin@example.test"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_page_shows_what_its_reader_may_do(pool: PgPool) {
    let world = world(pool).await;
    world.update(json!({ "description": "<script>alert(1)</script>" })).await;
    for (level, edits, removes, history) in [
        (Admin, true, true, true),
        (Technician, true, false, true),
        (Billing, false, false, true),
        (Client, false, false, false),
    ] {
        let answer = world.get_as(level, "/companies/100001").await;
        assert_eq!(answer.status, StatusCode::OK, "{level}");
        let page = answer.text();
        assert_eq!(page.contains("id=\"editBtn\""), edits, "{level}");
        assert_eq!(page.contains("id=\"location-dialog\""), edits, "{level}");
        assert_eq!(page.contains("data-delete=\"/api/companies/100001\""), removes, "{level}");
        assert_eq!(page.contains("Change History"), history, "{level}");
        assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert"), "{level}");
        assert!(
            page.contains("Printer &#60;b&#62;")
                && page.contains("/contacts/1\"")
                && page.contains("/assets/5000\"")
        );
        assert!(page.contains("<span class=\"contract-expired\">12/31/2024</span>"), "{level}");
        assert!(!page.contains("/ledger/client"), "only where the registry has the service");
        assert!(!page.contains("style=") && !page.contains("onclick"), "{level}");
    }
    assert_eq!(world.get_as(Client, "/companies/100002").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get_as(Admin, "/companies/nope").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/companies/100001").await.status, StatusCode::FORBIDDEN, "users only");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn long_lists_come_in_parts(pool: PgPool) {
    let world = world(pool).await;
    world
        .sql("insert into assets (hostname, company_account_number) select 'SRV-' || lpad(n::text, 3, '0'), '100001' from generate_series(1, 60) n")
        .await;
    let page = world.get_as(Billing, "/companies/100001?assets_page=2").await.text();
    assert!(page.contains("Assets (61)") && page.contains("SRV-026") && !page.contains("SRV-060"));
    assert!(page.contains("Page 2 of 3") && page.contains("?assets_page=3#assets"));
    assert!(world.get_as(Billing, "/companies/100001?assets_page=99").await.text().contains("Page 3 of 3"));
}
