//! Plans from a file.

use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::plans::world;

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
