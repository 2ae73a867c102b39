//! Everything that differs from the plan.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn total(suite: &Suite) -> Value {
    suite.json("/api/billing/1001?year=2025&month=6").await["receipt"]["total"].clone()
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn every_operation_has_upstreams_words(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let cases = [
        (
            "GET",
            "/api/overrides/client/1001",
            Value::Null,
            200,
            json!({"overrides": null, "message": "No overrides configured"}),
        ),
        (
            "PUT",
            "/api/overrides/client/1001",
            json!({"per_user_cost": "21.35"}),
            200,
            json!({"message": "Overrides updated successfully"}),
        ),
        (
            "POST",
            "/api/overrides/client/1001",
            json!({"prepaid_hours_monthly": 2}),
            200,
            json!({"message": "Overrides updated successfully"}),
        ),
        (
            "DELETE",
            "/api/overrides/client/1001",
            Value::Null,
            200,
            json!({"message": "Overrides deleted successfully"}),
        ),
        (
            "DELETE",
            "/api/overrides/client/1001",
            Value::Null,
            200,
            json!({"message": "No overrides to delete"}),
        ),
        ("GET", "/api/overrides/asset/7", Value::Null, 200, json!({"override": null})),
        (
            "PUT",
            "/api/overrides/asset/7",
            json!({"billing_type": "custom", "custom_cost": 0}),
            200,
            json!({"message": "Asset override updated successfully"}),
        ),
        (
            "GET",
            "/api/overrides/asset/7",
            Value::Null,
            200,
            json!({"override": {"asset_id": 7, "billing_type": "Custom", "custom_cost": 0}}),
        ),
        (
            "POST",
            "/api/overrides/asset/7",
            json!({"billing_type": "VM"}),
            200,
            json!({"message": "Asset override updated successfully"}),
        ),
        (
            "GET",
            "/api/overrides/asset/7",
            Value::Null,
            200,
            json!({"override": {"asset_id": 7, "billing_type": "VM", "custom_cost": null}}),
        ),
        (
            "DELETE",
            "/api/overrides/asset/7",
            Value::Null,
            200,
            json!({"message": "Asset override deleted successfully"}),
        ),
        ("DELETE", "/api/overrides/asset/7", Value::Null, 200, json!({"message": "No override to delete"})),
        (
            "PUT",
            "/api/overrides/user/7",
            json!({"billing_type": "Free"}),
            200,
            json!({"message": "User override updated successfully"}),
        ),
        (
            "GET",
            "/api/overrides/user/7",
            Value::Null,
            200,
            json!({"override": {"user_id": 7, "billing_type": "Free", "custom_cost": null}}),
        ),
        (
            "DELETE",
            "/api/overrides/user/7",
            Value::Null,
            200,
            json!({"message": "User override deleted successfully"}),
        ),
        (
            "POST",
            "/api/overrides/manual-assets/1001",
            json!({"hostname": "SW", "billing_type": "Switch", "notes": "rack"}),
            201,
            json!({"message": "Manual asset added", "id": 1}),
        ),
        (
            "GET",
            "/api/overrides/manual-assets/1001",
            Value::Null,
            200,
            json!({"manual_assets": [{"id": 1, "hostname": "SW", "billing_type": "Switch", "custom_cost": null, "notes": "rack"}]}),
        ),
        (
            "DELETE",
            "/api/overrides/manual-assets/1001/1",
            Value::Null,
            200,
            json!({"message": "Manual asset deleted"}),
        ),
        (
            "POST",
            "/api/overrides/manual-users/1001",
            json!({"full_name": "Temp", "billing_type": "Paid"}),
            201,
            json!({"message": "Manual user added", "id": 1}),
        ),
        (
            "DELETE",
            "/api/overrides/manual-users/1001/1",
            Value::Null,
            200,
            json!({"message": "Manual user deleted"}),
        ),
        (
            "POST",
            "/api/overrides/line-items/1001",
            json!({"name": "SSL", "yearly_fee": 99, "yearly_bill_month": 9}),
            201,
            json!({"message": "Custom line item added", "id": 1}),
        ),
        (
            "PUT",
            "/api/overrides/line-items/1001/1",
            json!({"yearly_fee": "150.00"}),
            200,
            json!({"message": "Line item updated"}),
        ),
        (
            "GET",
            "/api/overrides/line-items/1001",
            Value::Null,
            200,
            json!({"line_items": [{"id": 1, "name": "SSL", "description": null, "monthly_fee": null, "one_off_fee": null, "one_off_year": null, "one_off_month": null, "yearly_fee": 150, "yearly_bill_month": 9, "first_month": null, "last_month": null}]}),
        ),
        (
            "DELETE",
            "/api/overrides/line-items/1001/1",
            Value::Null,
            200,
            json!({"message": "Line item deleted"}),
        ),
        (
            "PUT",
            "/api/overrides/features/1001",
            json!({"sat": "PhishDrill", "web_filtering": "On", "unknown": "x"}),
            200,
            json!({"message": "Feature overrides updated: sat, web_filtering"}),
        ),
        (
            "GET",
            "/api/overrides/features/1001",
            Value::Null,
            200,
            json!({"feature_overrides": [{"feature_type": "sat", "override_enabled": true, "value": "PhishDrill"}, {"feature_type": "web_filtering", "override_enabled": true, "value": "On"}]}),
        ),
        (
            "DELETE",
            "/api/overrides/features/1001/sat",
            Value::Null,
            200,
            json!({"message": "Feature override for sat deleted"}),
        ),
        (
            "DELETE",
            "/api/overrides/features/1001/sat",
            Value::Null,
            200,
            json!({"message": "No override to delete"}),
        ),
    ];
    for (method, path, body, status, expected) in cases {
        let answer = suite.send(method, path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, expected), "{method} {path} {body}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_wrong_is_said_by_member_and_nothing_is_stored(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let cases = [
        ("PUT", "/api/overrides/client/1001", json!({}), 400, "No data provided"),
        ("PUT", "/api/overrides/client/1001", json!({"per_user": 20}), 400, "No data provided"),
        ("PUT", "/api/overrides/client/1001", json!([]), 400, "The body must be a JSON object"),
        (
            "PUT",
            "/api/overrides/client/1001",
            json!({"per_vm_cost": -1}),
            400,
            "Not saved: per_vm_cost must not be negative.",
        ),
        (
            "PUT",
            "/api/overrides/client/1001",
            json!({"per_vm_cost": 1.005}),
            400,
            "Not saved: per_vm_cost must have at most two decimal places.",
        ),
        ("PUT", "/api/overrides/asset/7", json!({"custom_cost": 1}), 400, "billing_type is required"),
        (
            "PUT",
            "/api/overrides/asset/7",
            json!({"billing_type": "Workstatoin"}),
            400,
            "Not saved: billing_type must be one of Workstation, Server, VM, Switch, Firewall, Custom, No Charge.",
        ),
        (
            "PUT",
            "/api/overrides/user/7",
            json!({"billing_type": "Paid", "custom_cost": "NaN"}),
            400,
            "Not saved: custom_cost must be a number.",
        ),
        (
            "POST",
            "/api/overrides/manual-assets/1001",
            json!({"hostname": "X"}),
            400,
            "hostname and billing_type are required",
        ),
        (
            "POST",
            "/api/overrides/manual-users/1001",
            json!({"billing_type": "Paid"}),
            400,
            "full_name and billing_type are required",
        ),
        ("POST", "/api/overrides/line-items/1001", json!({"monthly_fee": 1}), 400, "name is required"),
        ("POST", "/api/overrides/line-items/1001", json!({"monthly_fee": "x"}), 400, "name is required"),
        (
            "PUT",
            "/api/device-types",
            json!({"device_type": "Printer", "billing_type": "Custom"}),
            400,
            "Not saved: billing_type must be one of Workstation, Server, VM, Switch, Firewall, No Charge.",
        ),
        ("POST", "/api/overrides/features/1001", json!({}), 400, "No data provided"),
        ("DELETE", "/api/overrides/manual-assets/1001/1", Value::Null, 404, "Manual asset not found"),
        ("DELETE", "/api/overrides/manual-users/1001/1", Value::Null, 404, "Manual user not found"),
        ("PUT", "/api/overrides/line-items/1001/1", json!({"name": "x"}), 404, "Line item not found"),
        ("DELETE", "/api/overrides/line-items/1001/1", Value::Null, 404, "Line item not found"),
    ];
    for (method, path, body, status, error) in cases {
        let answer = suite.send(method, path, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{method} {path} {body}"
        );
    }
    let answer = suite
        .send("PUT", "/api/overrides/client/1001", json!({"per_vm_cost": -1, "per_user_cost": 1e30}))
        .await;
    assert_eq!(
        answer.json()["fields"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["per_user_cost", "per_vm_cost"]
    );
    assert_eq!(suite.json("/api/overrides/client/1001").await["overrides"], json!(null), "no empty row");
    let odd = "9".repeat(51);
    let answer = suite.send("PUT", &format!("/api/overrides/client/{odd}"), json!({"per_vm_cost": 1})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"].clone()),
        (404, json!(format!("Company {odd} not found")))
    );
    let token = suite.identity.user_token(hivematrix_shared::auth::PermissionLevel::Billing);
    let plain = suite
        .client
        .put("/api/overrides/client/1001")
        .bearer(&token)
        .body("text/plain", b"x".to_vec())
        .send()
        .await;
    assert_eq!(plain.status, 415);
    let broken = suite
        .client
        .put("/api/overrides/client/1001")
        .bearer(&token)
        .body("application/json", b"{".to_vec())
        .send()
        .await;
    assert_eq!(broken.status, 400);
    assert_eq!(suite.send("PATCH", "/api/overrides/client/1001", json!({})).await.status, 405);
    let changes: i64 =
        sqlx::query_scalar("select count(*) from rate_changes").fetch_one(&pool).await.unwrap();
    assert_eq!(changes, 0);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn each_kind_of_override_changes_the_bill(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    // 3 x 24.00, 2 x 31.25 + 99.99
    assert_eq!(total(&suite).await, json!(234.49));
    for (method, path, body, expected) in [
        ("PUT", "/api/overrides/client/1001", json!({"per_user_cost": 20}), 222.49),
        ("PUT", "/api/overrides/client/1001", json!({"per_server_cost": 0}), 122.50),
        ("PUT", "/api/overrides/asset/100101", json!({"billing_type": "Server"}), 91.25),
        (
            "PUT",
            "/api/overrides/user/100101",
            json!({"billing_type": "Custom", "custom_cost": "5.05"}),
            76.30,
        ),
        (
            "POST",
            "/api/overrides/manual-assets/1001",
            json!({"hostname": "SW", "billing_type": "Switch"}),
            84.30,
        ),
        (
            "POST",
            "/api/overrides/manual-users/1001",
            json!({"full_name": "Temp", "billing_type": "Paid"}),
            104.30,
        ),
        ("POST", "/api/overrides/line-items/1001", json!({"name": "Discount", "monthly_fee": -4.30}), 100.00),
        (
            "POST",
            "/api/overrides/line-items/1001",
            json!({"name": "Later", "monthly_fee": 50, "first_month": "2025-07"}),
            100.00,
        ),
        ("PUT", "/api/overrides/client/1001", json!({"per_server_cost": null}), 299.98),
        ("DELETE", "/api/overrides/client/1001", Value::Null, 311.98),
    ] {
        let answer = suite.send(method, path, body.clone()).await;
        assert!(answer.status.is_success(), "{path} {body}: {}", answer.text());
        assert_eq!(total(&suite).await, json!(expected), "{path} {body}");
    }
}
