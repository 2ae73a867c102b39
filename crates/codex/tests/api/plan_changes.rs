//! Making, changing, copying, renaming and removing plans over JSON.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::plans::world;

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
async fn no_plan_gets_countless_features(pool: PgPool) {
    let world = world(pool).await;
    let many = |from: usize, to: usize| {
        let all = (from..to).map(|number| (format!("f{number}"), json!("x")));
        Value::Object(all.collect())
    };
    let made = json!({"plan_name": "Huge", "term_length": "1 Year", "features": many(0, 201)});
    let refused = world.call(Method::POST, "/api/billing-plans", made).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("may be at most 200"), "{}", refused.text());
    // The plan has one already, so that all together would be too many.
    for path in ["/api/billing-plans/3", "/api/plans/Basic"] {
        let row = json!({"term_length": "1 Year", "features": many(0, 200)});
        let body = if path.ends_with('3') { row } else { json!({"terms": [row]}) };
        let refused = world.call(Method::PUT, path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(refused.text().contains("may be at most 200"), "{path}: {}", refused.text());
    }
    let fits = world.call(Method::PUT, "/api/billing-plans/3", json!({"features": many(0, 199)})).await;
    assert_eq!(fits.status, StatusCode::OK, "{}", fits.text());
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
