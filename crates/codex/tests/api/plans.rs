//! Billing plans and features over JSON: what others read of them, and who may write.

use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Billing, Client, Technician},
    testing::TestResponse,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

pub const WORLD: &str = r#"
    insert into billing_plans (id, plan_name, term_length, support_level, per_user_cost, per_server_cost, per_hour_ticket_cost, backup_per_tb_fee, soc) values
        (1, 'Premium', '1 Year', 'Unlimited', 95.5, 199.98, 0, 15, 'old text'),
        (2, 'Premium', 'Month to Month', 'Unlimited', 100, 210, 0, 15, 'Not Included'),
        (3, 'Basic', '1 Year', 'Billed Hourly', 0, 90, 135, 18, 'Not Included');
    select setval(pg_get_serial_sequence('billing_plans', 'id'), 100);
    insert into plan_features (plan_id, feature_type, feature_value) values
        (1, 'antivirus', 'EDR'), (1, 'soc', 'Arctic Wolf'), (2, 'soc', 'Arctic Wolf'), (3, 'antivirus', 'Not Included');
    insert into feature_options (id, feature_category, option_value, display_name, description) values
        (1, 'antivirus', 'EDR', 'Endpoint Detection', 'Watches'), (2, 'antivirus', 'Not Included', null, null),
        (3, 'soc', 'Arctic Wolf', null, null), (4, 'soc', 'Huntress', null, null), (5, 'soc', 'Not Included', null, null),
        (6, 'web_filtering', 'DNSFilter', null, null);
    select setval(pg_get_serial_sequence('feature_options', 'id'), 100);
    insert into companies (account_number, name, plan_selected, billing_plan, contract_term, contract_term_length, support_level) values
        ('1', 'Alpha', 'Premium', 'Premium', '1-Year', '1 Year', 'Unlimited'),
        ('2', 'Beta', 'Basic', 'Premium', null, null, null),
        ('3', 'Gamma', 'Basic', null, '1 Year', '1 Year', 'Billed Hourly'),
        ('4', 'Delta', 'Inactive', 'Inactive', null, null, null);
    insert into company_feature_overrides (company_account_number, feature_key, value) values ('3', 'soc', 'Arctic Wolf');
"#;

pub async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

impl World {
    pub async fn call(&self, method: Method, path: &str, body: Value) -> TestResponse {
        self.call_as(Admin, method, path, &body).await
    }

    pub async fn text(&self, query: &'static str) -> String {
        sqlx::query_scalar::<_, Option<String>>(query)
            .fetch_one(&self.pool)
            .await
            .unwrap()
            .unwrap_or_default()
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_others_read_has_the_contracts_shapes(pool: PgPool) {
    let world = world(pool).await;
    for (name, path) in [
        ("rows", "/api/billing-plans"),
        ("row", "/api/billing-plans/1"),
        ("named", "/api/billing-plans/Premium/1-year"),
        ("options", "/api/feature-options"),
        ("plans", "/billing-plans/api/plans"),
        ("plan", "/billing-plans/api/plans/Premium/month-to-month"),
        ("options_by_category", "/billing-plans/api/feature-options"),
        ("categories", "/billing-plans/api/feature-categories"),
        ("bulk_plans", "/billing-plans/api/bulk-plans"),
        ("export", "/billing-plans/export"),
    ] {
        insta::assert_json_snapshot!(name, world.get(path).await.json());
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn terms_and_categories_are_found_in_any_spelling(pool: PgPool) {
    let world = world(pool).await;
    for (path, expected) in [
        ("/api/billing-plans?plan_name=Premium", 2),
        ("/api/billing-plans?term_length=1-YEAR", 2),
        ("/api/billing-plans?plan_name=Premium&term_length=monthly", 1),
        ("/api/billing-plans?plan_name=premium", 0),
        ("/api/feature-options?feature_type=soc", 3),
        ("/api/feature-options?category=Web%20Filtering", 1),
        ("/api/feature-options?category=none", 0),
    ] {
        let found = world.get(path).await.json();
        assert_eq!(found.as_array().unwrap().len(), expected, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_is_not_there_is_told_as_upstream_does(pool: PgPool) {
    let world = world(pool).await;
    for path in ["/api/billing-plans/99", "/api/billing-plans/Premium/9-Year"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::NOT_FOUND, &json!("Plan not found")),
            "{path}"
        );
    }
    let answer = world.get("/billing-plans/api/plans/Premium/3-Year").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["message"], "Plan not found: Premium (3-Year)");
    for (path, status) in [
        ("/api/billing-plans/abc", 404),
        ("/api/billing-plans/99999999999999999999", 404),
        ("/api/billing-plans/%00/1%20Year", 400),
        ("/billing-plans/api/plans/Premium/Month%20to%20Month%20%2F%20Special", 404),
        ("/billing-plans/api/plans/Premium/", 404),
    ] {
        assert_eq!(world.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_client_reads_the_plans_of_its_own_companies(pool: PgPool) {
    let world = world(pool).await;
    world
        .sql("insert into contacts (id, name, email, primary_email) values (1, 'C', 'client@example.test', 'client@example.test'); \
              insert into contact_company_link (contact_id, company_account_number) values (1, '2')")
        .await;
    let rows = world.get_as(Client, "/api/billing-plans").await.json();
    let ids: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [2], "Beta has Premium, month to month");
    assert_eq!(world.get_as(Client, "/billing-plans/api/plans").await.json()["count"], 1);
    assert_eq!(
        world.get_as(Client, "/billing-plans/api/bulk-plans").await.json()["plans"]
            .as_object()
            .unwrap()
            .len(),
        1
    );
    for (path, status) in [
        ("/api/billing-plans/2", 200),
        ("/api/billing-plans/1", 404),
        ("/api/billing-plans/Basic/1%20Year", 404),
        ("/billing-plans/api/plans/Premium/1%20Year", 404),
        ("/api/feature-options", 403),
        ("/billing-plans/api/feature-options", 403),
        ("/billing-plans/api/feature-categories", 403),
        ("/billing-plans/export", 403),
    ] {
        assert_eq!(world.get_as(Client, path).await.status.as_u16(), status, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_administrators_write(pool: PgPool) {
    let world = world(pool).await;
    let routes = [
        (Method::POST, "/api/billing-plans"),
        (Method::PUT, "/api/billing-plans/1"),
        (Method::DELETE, "/api/billing-plans/1"),
        (Method::DELETE, "/api/billing-plans/Basic/1%20Year"),
        (Method::POST, "/api/plans"),
        (Method::PUT, "/api/plans/Basic"),
        (Method::DELETE, "/api/plans/Basic"),
        (Method::POST, "/api/plans/Basic/copy-terms"),
        (Method::POST, "/api/billing-plans/import"),
        (Method::POST, "/api/feature-options"),
        (Method::PUT, "/api/feature-options/1"),
        (Method::DELETE, "/api/feature-options/1"),
        (Method::POST, "/api/feature-categories"),
        (Method::PUT, "/api/feature-categories/soc"),
        (Method::DELETE, "/api/feature-categories/soc"),
    ];
    let forms = [
        "create",
        "save",
        "delete",
        "copy-terms",
        "features/categories/add",
        "features/categories/soc/edit",
        "features/categories/soc/delete",
        "features/add",
        "features/1/edit",
        "features/1/delete",
    ];
    for (method, path) in &routes {
        for level in [Technician, Billing, Client] {
            let request =
                world.client.request(method.clone(), path).bearer(world.token(level)).json(&json!({}));
            assert_eq!(request.send().await.status, StatusCode::FORBIDDEN, "{method} {path} {level}");
        }
        let alone = world.identity.service_token("brainhair", "codex");
        let request = world.client.request(method.clone(), path).bearer(alone).json(&json!({}));
        assert_eq!(request.send().await.status, StatusCode::FORBIDDEN, "{method} {path} service");
        let nobody = world.client.request(method.clone(), path).json(&json!({})).send().await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    for form in forms {
        let path = format!("/billing-plans/{form}");
        let answer = world.client.post(&path).bearer(world.token(Technician)).form(&[]).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(world.text("select count(*)::text from billing_plans").await, "3");
    assert_eq!(world.text("select count(*)::text from feature_options").await, "6");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_bills_ask_for_has_no_rate_limit(pool: PgPool) {
    let world = world(pool).await;
    let limited = "/billing-plans/api/feature-categories";
    let mut asked = 0;
    while world.get(limited).await.status != StatusCode::TOO_MANY_REQUESTS {
        asked += 1;
        assert!(asked < 2000, "other routes have a limit");
    }
    for path in [
        "/billing-plans/api/plans",
        "/billing-plans/api/plans/Premium/1%20Year",
        "/billing-plans/api/feature-options",
    ] {
        for _ in 0..5 {
            assert_eq!(world.get(path).await.status, StatusCode::OK, "{path}");
        }
    }
}
