//! Options and categories of features over JSON.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::plans::world;

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
