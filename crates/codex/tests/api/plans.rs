//! Billing plans and features over JSON.

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

async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

impl World {
    async fn call(&self, method: Method, path: &str, body: Value) -> TestResponse {
        self.call_as(Admin, method, path, &body).await
    }

    async fn text(&self, query: &'static str) -> String {
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
async fn a_plan_is_made_and_changed_term_by_term(pool: PgPool) {
    let world = world(pool).await;
    let trial = json!({"plan_name": " Trial ", "term_length": "1-Year", "per_user_cost": 5, "per_vm_cost": "12.30",
        "features": {"SOC": "Huntress"}});
    let made = world.call(Method::POST, "/api/billing-plans", trial.clone()).await;
    assert_eq!(
        (made.status, made.json()),
        (StatusCode::CREATED, json!({"id": 101, "message": "Billing plan created"}))
    );
    let again = world.call(Method::POST, "/api/billing-plans", trial).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (StatusCode::CONFLICT, &json!("Plan with this name and term already exists"))
    );
    let row = world.get("/api/billing-plans/101").await.json();
    assert_eq!(
        (
            &row["plan_name"],
            &row["term_length"],
            &row["per_user_cost"],
            &row["per_vm_cost"],
            &row["backup_included_tb"]
        ),
        (&json!("Trial"), &json!("1 Year"), &json!(5.0), &json!(12.3), &json!(1.0))
    );
    assert_eq!(
        world.get("/api/billing-plans/Trial/1%20Year").await.json()["features"],
        json!({"soc": "Huntress"})
    );

    let change =
        json!({"billing_plan": "Gold", "per_user_cost": 6.5, "features": {"soc": null, "sat": "KnowBe4"}});
    let changed = world.call(Method::PUT, "/api/billing-plans/101", change).await;
    assert_eq!(changed.json(), json!({"id": 101, "message": "Billing plan updated"}));
    assert_eq!(
        world.get("/api/billing-plans/Gold/1%20Year").await.json()["features"],
        json!({"sat": "KnowBe4"})
    );
    assert_eq!(world.get("/api/billing-plans/101").await.json()["per_vm_cost"], 12.3);

    for (path, body, status, error) in [
        (
            "/api/billing-plans/101",
            json!({"plan_name": "Basic"}),
            409,
            "Plan with this name and term already exists",
        ),
        ("/api/billing-plans/999", json!({}), 404, "Plan not found"),
        (
            "/api/billing-plans/101",
            json!({"per_user_cost": -1, "per_vm_cost": 1e9}),
            400,
            "Not saved: per_user_cost must not be negative; per_vm_cost must be at most 99,999,999.99.",
        ),
    ] {
        let answer = world.call(Method::PUT, path, body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{path}");
    }
    for body in [
        json!({"plan_name": "Trial"}),
        json!({"term_length": "1 Year"}),
        json!({"plan_name": " ", "term_length": "1 Year"}),
    ] {
        let answer = world.call(Method::POST, "/api/billing-plans", body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!("plan_name and term_length are required"))
        );
    }
    let nul = world
        .call(Method::POST, "/api/billing-plans", json!({"plan_name": "a\u{0}b", "term_length": "x"}))
        .await;
    assert_eq!(nul.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_whole_plan_is_made_saved_and_copied_at_once(pool: PgPool) {
    let world = world(pool).await;
    let made = world.call(Method::POST, "/api/plans", json!({"plan_name": "Gold"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    insta::assert_json_snapshot!(
        "new_plan",
        world.get("/api/billing-plans?plan_name=Gold&term_length=1%20Year").await.json()[0]
    );
    let terms = world
        .text("select string_agg(term_length, ',' order by id) from billing_plans where plan_name = 'Gold'")
        .await;
    assert_eq!(terms, "Month to Month,1 Year,2 Year,3 Year");
    assert_eq!(
        world.call(Method::POST, "/api/plans", json!({"plan_name": "Gold "})).await.status,
        StatusCode::CONFLICT
    );

    let saved = json!({"terms": [
        {"id": made.json()["ids"][0], "per_user_cost": "80.00", "plan_name": "not looked at", "features": {"soc": "Huntress"}},
        {"term_length": "2-Year", "per_user_cost": 70, "support_level": "All Inclusive"},
    ]});
    let saved = world.call(Method::PUT, "/api/plans/Gold", saved).await;
    assert_eq!((saved.status, &saved.json()["terms"]), (StatusCode::OK, &json!(2)), "{}", saved.text());
    let copied =
        world.call(Method::POST, "/api/plans/Gold/copy-terms", json!({"source_term": "monthly"})).await;
    assert_eq!(copied.json()["terms"], 3);
    let same = world.text(
        "select string_agg(distinct p.per_user_cost || p.support_level || f.feature_value, '') from billing_plans p join plan_features f \
         on f.plan_id = p.id where plan_name = 'Gold' having count(*) = 4").await;
    assert_eq!(same, "80.00Billed HourlyHuntress", "features are copied too");

    let id = made.json()["ids"][1].as_i64().unwrap();
    let wrong = json!({"terms": [{"id": id, "per_user_cost": "x"}, {"term_length": "Month to Month", "per_user_cost": 1}]});
    let wrong = world.call(Method::PUT, "/api/plans/Gold", wrong).await;
    assert_eq!(wrong.json()["fields"], json!({format!("per_user_cost_{id}"): "must be a number"}));
    assert_eq!(world.get("/api/billing-plans/Gold/monthly").await.status, StatusCode::OK);
    assert_eq!(
        world.text("select per_user_cost::text from billing_plans where plan_name = 'Gold' and term_length = 'Month to Month'").await,
        "80.00", "all or nothing"
    );
    for (method, path, body, status) in [
        (Method::PUT, "/api/plans/Nope", json!({"terms": []}), 404),
        (Method::PUT, "/api/plans/Gold", json!({"terms": [{"id": 1}]}), 400),
        (Method::PUT, "/api/plans/Gold", json!({"terms": [{}]}), 400),
        (Method::PUT, "/api/plans/Gold", json!({"terms": "all"}), 400),
        (Method::POST, "/api/plans/Gold/copy-terms", json!({"source_term": "9 Year"}), 404),
        (Method::POST, "/api/plans", json!({"plan_name": "x".repeat(101)}), 400),
    ] {
        let answer = world.call(method, path, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.text());
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_plan_that_companies_have_goes_only_when_it_is_said_what_happens_to_them(pool: PgPool) {
    let world = world(pool).await;
    let refused = world.call(Method::DELETE, "/api/plans/Premium", Value::Null).await;
    assert_eq!((refused.status, &refused.json()["companies"]), (StatusCode::CONFLICT, &json!(2)));
    let one_term = world.call(Method::DELETE, "/api/billing-plans/1", Value::Null).await;
    assert_eq!((one_term.status, &one_term.json()["companies"]), (StatusCode::CONFLICT, &json!(1)));
    for to in ["Premium", "Nope"] {
        let answer =
            world.call(Method::DELETE, &format!("/api/plans/Premium?reassign_to={to}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{to}");
    }
    let moved = world.call(Method::DELETE, "/api/plans/Premium?reassign_to=Basic", Value::Null).await;
    assert_eq!(moved.json(), json!({"success": true, "terms": 2, "reassigned": 2}));
    let now = world.text(
        "select string_agg(account_number || ':' || billing_plan || ':' || coalesce(support_level, '-') || ':' || \
         array_to_string(edited_fields, '+'), ' ' order by account_number) from companies where account_number in ('1', '2')").await;
    assert_eq!(now, "1:Basic:Billed Hourly:billing_plan 2:Basic:-:billing_plan", "a sync leaves it alone");

    assert_eq!(
        world.call(Method::DELETE, "/api/billing-plans/Basic/1-Year", Value::Null).await.status,
        StatusCode::CONFLICT
    );
    let forced = world.call(Method::DELETE, "/api/billing-plans/Basic/1-Year?force=true", Value::Null).await;
    assert_eq!(forced.json(), json!({"success": true, "terms": 1, "reassigned": 0}));
    assert_eq!(
        world.call(Method::DELETE, "/api/plans/Basic", Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
    let kept = world.text("select string_agg(record ->> 'per_server_cost', ' ' order by id) from tombstones where kind = 'billing_plans'").await;
    assert_eq!(kept, "199.98 210.00 90.00", "what was removed is kept");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn support_levels_follow_plans_unless_a_person_chose_one(pool: PgPool) {
    let world = world(pool).await;
    world.sql("update companies set support_level = 'Mine', edited_fields = '{support_level}' where account_number = '3'").await;
    world.call(Method::PUT, "/api/billing-plans/1", json!({"support_level": "All Inclusive"})).await;
    world.call(Method::PUT, "/api/billing-plans/3", json!({"support_level": "Unlimited"})).await;
    let levels = world.text(
        "select string_agg(account_number || ':' || coalesce(support_level, '-'), ' ' order by account_number) from companies").await;
    assert_eq!(levels, "1:All Inclusive 2:- 3:Mine 4:-", "without a term there is none");
    let by = world.text("select string_agg(entity || '.' || field || ' ' || actor, ', ' order by id) from change_log where new_value = 'All Inclusive'").await;
    assert_eq!(
        by,
        "billing_plans.support_level admin@example.test, companies.support_level admin@example.test"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_renamed_option_takes_plans_and_companies_along(pool: PgPool) {
    let world = world(pool).await;
    let renamed = world
        .call(
            Method::PUT,
            "/api/feature-options/3",
            json!({"value": "Arctic Wolf MDR", "description": "Day and night"}),
        )
        .await;
    assert_eq!(
        renamed.json(),
        json!({"id": 3, "feature_type": "soc", "feature_category": "soc", "display_name": "Arctic Wolf MDR",
            "option_value": "Arctic Wolf MDR", "description": "Day and night"})
    );
    assert_eq!(
        world
            .text(
                "select string_agg(distinct feature_value, '') from plan_features where feature_type = 'soc'"
            )
            .await,
        "Arctic Wolf MDR"
    );
    assert_eq!(world.text("select value from company_feature_overrides").await, "Arctic Wolf MDR");
    let log = world.text("select string_agg(entity || ' ' || entity_id || ' ' || field || ' ' || old_value, ', ' order by entity, entity_id) from change_log").await;
    assert_eq!(
        log,
        "billing_plans 1 feature:soc Arctic Wolf, billing_plans 2 feature:soc Arctic Wolf, companies 3 feature:soc Arctic Wolf"
    );
    for (path, body, status) in [
        ("/api/feature-options/3", json!({"value": "Huntress"}), 409),
        ("/api/feature-options/5", json!({"value": "None"}), 409),
        ("/api/feature-options/999", json!({"value": "x"}), 404),
        ("/api/feature-options/3", json!({"value": " "}), 400),
    ] {
        assert_eq!(world.call(Method::PUT, path, body).await.status.as_u16(), status, "{path}");
    }
    let text = world.call(Method::PUT, "/api/feature-options/3", json!({"description": ""})).await.json();
    assert_eq!((&text["description"], &text["option_value"]), (&json!(null), &json!("Arctic Wolf MDR")));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_option_in_use_is_removed_with_a_word_about_its_plans(pool: PgPool) {
    let world = world(pool).await;
    let refused = world.call(Method::DELETE, "/api/feature-options/3", Value::Null).await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["plans"], &problem["plan_terms"], &problem["companies"]),
        (StatusCode::CONFLICT, &json!(1), &json!(2), &json!(1))
    );
    assert!(problem["detail"].as_str().unwrap().contains("used by 1 plan and 1 company"), "{problem}");
    for new in ["Arctic%20Wolf", "EDR"] {
        let answer = world
            .call(Method::DELETE, &format!("/api/feature-options/3?replace_with={new}"), Value::Null)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{new}");
    }
    let done = world.call(Method::DELETE, "/api/feature-options/3?replace_with=Huntress", Value::Null).await;
    assert_eq!(done.json(), json!({"success": true, "plans": 1, "plan_terms": 2, "companies": 1}));
    assert_eq!(
        world
            .text(
                "select string_agg(distinct feature_value, '') from plan_features where feature_type = 'soc'"
            )
            .await,
        "Huntress"
    );
    assert_eq!(world.text("select value from company_feature_overrides").await, "Huntress");
    let confirmed = world.call(Method::DELETE, "/api/feature-options/4?confirm=true", Value::Null).await;
    assert_eq!(confirmed.status, StatusCode::OK);
    assert_eq!(world.text("select count(*)::text from plan_features where feature_type = 'soc'").await, "0");
    assert_eq!(world.text("select count(*)::text from company_feature_overrides").await, "0");
    assert_eq!(
        world.call(Method::DELETE, "/api/feature-options/5", Value::Null).await.status,
        StatusCode::CONFLICT,
        "Not Included stays"
    );
    assert_eq!(
        world.call(Method::DELETE, "/api/feature-options/6", Value::Null).await.status,
        StatusCode::OK,
        "nobody has it"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn options_and_categories_are_added_renamed_and_removed(pool: PgPool) {
    let world = world(pool).await;
    for (body, status) in [
        (json!({"feature_type": "mfa", "display_name": "Duo"}), 201),
        (json!({"category": "mfa", "value": "Duo", "description": "again"}), 200),
        (json!({"feature_type": "soc", "display_name": "Arctic Wolf"}), 200),
        (json!({}), 400),
        (json!({"feature_type": " - ", "display_name": "x"}), 400),
    ] {
        let answer = world.call(Method::POST, "/api/feature-options", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text());
    }
    let options = world.get("/api/feature-options?category=mfa").await.json();
    let values: Vec<_> =
        options.as_array().unwrap().iter().map(|option| option["option_value"].as_str().unwrap()).collect();
    assert_eq!(values, ["Duo", "Not Included"], "a new category has both");

    let added = world.call(Method::POST, "/api/feature-categories", json!({"name": "Dark Web  Watch"})).await;
    assert_eq!((added.status, &added.json()["key"]), (StatusCode::CREATED, &json!("dark_web_watch")));
    assert_eq!(
        world.call(Method::POST, "/api/feature-categories", json!({"name": "dark web watch"})).await.status,
        StatusCode::CONFLICT
    );

    let renamed =
        world.call(Method::PUT, "/api/feature-categories/soc", json!({"name": "Managed Detection"})).await;
    assert_eq!(renamed.json()["key"], "managed_detection");
    assert_eq!(
        world
            .text("select string_agg(distinct feature_type, ',' order by feature_type) from plan_features")
            .await,
        "antivirus,managed_detection"
    );
    assert_eq!(world.text("select feature_key from company_feature_overrides").await, "managed_detection");
    assert_eq!(
        world.get("/billing-plans/api/feature-categories").await.json()["display_names"]["managed_detection"],
        "Managed Detection"
    );
    let again = world
        .call(Method::PUT, "/api/feature-categories/managed_detection", json!({"name": "MANAGED detection"}))
        .await;
    assert_eq!(again.json()["key"], "managed_detection", "only the name changes");
    assert_eq!(
        world
            .call(Method::PUT, "/api/feature-categories/managed_detection", json!({"name": "Antivirus"}))
            .await
            .status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        world.call(Method::PUT, "/api/feature-categories/none", json!({"name": "x"})).await.status,
        StatusCode::NOT_FOUND
    );

    let refused = world.call(Method::DELETE, "/api/feature-categories/managed_detection", Value::Null).await;
    assert_eq!((refused.status, &refused.json()["plan_terms"]), (StatusCode::CONFLICT, &json!(2)));
    let gone = world
        .call(Method::DELETE, "/api/feature-categories/managed_detection?confirm=true", Value::Null)
        .await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(
        world.call(Method::DELETE, "/api/feature-categories/managed_detection", Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.call(Method::DELETE, "/api/feature-categories/web_filtering", Value::Null).await.status,
        StatusCode::OK,
        "unused"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_import_takes_what_is_new_and_tells_every_bad_record(pool: PgPool) {
    let world = world(pool).await;
    let file = json!({
        "plans": [
            {"plan_name": "Gold", "term_length": "1-Year", "per_user_cost": 10.25, "features": {"soc": "Huntress"}},
            {"plan_name": "Gold", "term_length": "1 Year", "per_user_cost": 99},
            {"plan_name": "Premium", "term_length": "1-Year"},
            {"plan_name": "Gold", "term_length": "2 Year", "per_user_cost": "free"},
            {"plan_name": "Silver"},
            {"plan_name": "Gold", "term_length": "3 Year"},
        ],
        "feature_options": [
            {"feature_category": "soc", "option_value": "Huntress"},
            {"feature_category": "mfa", "option_value": "Duo", "display_name": "Duo", "description": "Two\nsteps"},
            {"feature_category": "mfa"},
        ],
    });
    let dry = world.call(Method::POST, "/api/billing-plans/import?dry_run=true", file.clone()).await;
    assert_eq!(world.text("select count(*)::text from billing_plans").await, "3", "nothing happened");
    let mut expected = dry.json();
    insta::assert_json_snapshot!("import", expected);
    expected["dry_run"] = json!(false);
    assert_eq!(world.call(Method::POST, "/api/billing-plans/import", file).await.json(), expected);
    assert_eq!(
        world.get("/api/billing-plans/Gold/1%20Year").await.json()["features"],
        json!({"soc": "Huntress"})
    );
    assert_eq!(
        world.text("select description from feature_options where feature_category = 'mfa'").await,
        "Two\nsteps"
    );

    let exported = world.get("/billing-plans/export").await;
    assert_eq!(exported.header("content-disposition"), "attachment; filename=\"billing_plans_export.json\"");
    world.sql("truncate billing_plans cascade; truncate feature_options").await;
    let taken = world.call(Method::POST, "/api/billing-plans/import", exported.json()).await.json();
    assert_eq!(
        (&taken["plans_imported"], &taken["features_imported"], &taken["errors"]),
        (&json!(5), &json!(7), &json!([]))
    );
    assert_eq!(
        world.get("/billing-plans/export").await.text(),
        exported.text(),
        "an export comes back whole"
    );

    for body in [
        json!({}),
        json!({"default_plans_data": [1], "default_features": []}),
        json!({"plans": {}, "feature_options": []}),
    ] {
        let refused = world.call(Method::POST, "/api/billing-plans/import", body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(refused.json()["error"].as_str().unwrap().contains("`plans`"), "{body}");
    }
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

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_plan_in_use_gets_another_name_or_term_only_with_a_word_about_its_companies(pool: PgPool) {
    let world = world(pool).await;
    let change = async |query: &str, body: Value| {
        world.call(Method::PUT, &format!("/api/billing-plans/1{query}"), body).await
    };
    let plan_of = async |number: &str| {
        world.get(&format!("/api/companies/{number}")).await.json()["billing_plan"].clone()
    };
    for body in [json!({ "plan_name": "Gold" }), json!({ "term_length": "5 Year" })] {
        let refused = change("", body.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["companies"]),
            (StatusCode::CONFLICT, &json!(1)),
            "{body}"
        );
    }
    assert_eq!(world.get("/api/billing-plans/1").await.json()["plan_name"], "Premium", "nothing was changed");
    // The name it has, in whatever spelling of the term, is no other one.
    let same = json!({ "plan_name": "Premium", "term_length": "1-year", "per_user_cost": 1 });
    assert_eq!(change("", same).await.status, StatusCode::OK);
    assert_eq!(
        change("?reassign_to=Nowhere", json!({ "plan_name": "Gold" })).await.status,
        StatusCode::BAD_REQUEST
    );
    let renamed = change("?reassign_to=Gold", json!({ "plan_name": "Gold" })).await;
    assert_eq!(renamed.json(), json!({ "id": 1, "message": "Billing plan updated", "reassigned": 1 }));
    assert_eq!((plan_of("1").await, plan_of("2").await), (json!("Gold"), json!("Premium")));
    let forced = change("?force=true", json!({ "term_length": "2 Year" })).await;
    assert_eq!(forced.json(), json!({ "id": 1, "message": "Billing plan updated" }));
    assert_eq!(plan_of("1").await, "Gold", "it stays, without prices");
    assert_eq!(
        world.text("select support_level from companies where account_number = '1'").await,
        "Billed Hourly"
    );
}
