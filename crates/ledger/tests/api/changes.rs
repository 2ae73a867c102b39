//! Who changed which rate, settings, and kinds of devices.

use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn who_changed_what_from_what_to_what_is_kept(pool: PgPool) {
    let suite = Suite::start(pool).await;
    for body in [json!({"per_user_cost": 20}), json!({"per_user_cost": 25.5}), json!({"per_user_cost": 25.5})]
    {
        suite.send("PUT", "/api/overrides/client/1001", body).await;
    }
    suite
        .send(
            "PUT",
            "/api/overrides/asset/7",
            json!({"billing_type": "VM", "company_account_number": "1001"}),
        )
        .await;
    suite.send("DELETE", "/api/overrides/asset/7", Value::Null).await;
    suite.send("PUT", "/api/overrides/client/1002", json!({"support_level": "Unlimited"})).await;
    let history = suite.json("/api/rate-changes?account_number=1001").await;
    let told: Vec<Value> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            json!([
                row["changed_by"],
                row["table_name"],
                row["row_id"],
                row["column_name"],
                row["old_value"],
                row["new_value"]
            ])
        })
        .collect();
    let by = "billing@example.test";
    assert_eq!(
        json!(told),
        json!([
            [by, "asset_billing_overrides", "7", "billing_type", "VM", null],
            [by, "asset_billing_overrides", "7", "billing_type", null, "VM"],
            [by, "client_billing_overrides", "1001", "per_user_cost", "20.00", "25.50"],
            [by, "client_billing_overrides", "1001", "per_user_cost", null, "20.00"],
            [by, "client_billing_overrides", "1001", "override_puc_enabled", null, "true"],
        ])
    );
    for statement in
        ["delete from rate_changes", "update rate_changes set changed_by = 'x'", "truncate rate_changes"]
    {
        let error = sqlx::query(statement).execute(&suite.pool).await.unwrap_err().to_string();
        assert!(error.contains("the archive is never changed"), "{statement}: {error}");
    }
    let first = suite.json("/api/rate-changes?limit=2").await;
    let next = suite.json(&format!("/api/rate-changes?limit=500&before={}", first["next"])).await;
    assert_eq!((first["changes"].as_array().unwrap().len(), next["next"].clone()), (2, Value::Null));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_kind_of_device_is_billed_as_somebody_says(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let mut company = Company::new("1001", "Harbor & Vine");
    company.assets =
        vec![json!({"id": 1, "hostname": "EDGE", "hardware_type": "Network Device", "backup_data_bytes": 0})];
    company.contacts = Vec::new();
    suite.peers.companies([company]);
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!(
        (&bill["receipt"]["total"], &bill["unmapped_devices"][0]["hostname"]),
        (&json!(31.25), &json!("EDGE"))
    );
    let answer = suite
        .send(
            "PUT",
            "/api/device-types",
            json!({"device_type": "network device", "billing_type": "firewall"}),
        )
        .await;
    assert_eq!(answer.json(), json!({"message": "network device is billed as Firewall"}));
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!((&bill["receipt"]["total"], &bill["unmapped_devices"]), (&json!(19.5), &json!([])));
    let known = suite.json("/api/device-types").await;
    let row = known["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["device_type"] == "network device")
        .unwrap();
    assert_eq!(row["updated_by"], "billing@example.test");
    assert_eq!(suite.send("DELETE", "/api/device-types/Network%20Device", Value::Null).await.status, 200);
    assert_eq!(suite.send("DELETE", "/api/device-types/Network%20Device", Value::Null).await.status, 404);
    let refused = suite
        .send("PUT", "/api/device-types", json!({"device_type": "Printer", "billing_type": "Printer"}))
        .await;
    assert_eq!(refused.status, 400);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn settings_are_for_administrators_and_change_how_hours_are_read(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let put = |level, body: Value| {
        let token = suite.identity.user_token(level);
        suite.client.put("/api/settings").bearer(token).json(&body).send()
    };
    assert_eq!(put(PermissionLevel::Billing, json!({"hours": "original"})).await.status, 403);
    for bad in [
        json!({"hours": "sometimes"}),
        json!({"currency": "EURO"}),
        json!({"yearly_pool": null}),
        json!({"terms": 1.5, "hours": ""}),
    ] {
        assert_eq!(put(PermissionLevel::Admin, bad.clone()).await.status, 400, "{bad}");
    }
    let body = json!({"hours": "original", "yearly_pool": "NET", "currency": "eur", "sender_address": "1 Quay\nHarbor"});
    assert_eq!(put(PermissionLevel::Admin, body).await.status, 200);
    let known = suite.json("/api/settings").await;
    assert_eq!(
        known["settings"],
        json!({"yearly_pool": "net", "hours": "original", "currency": "EUR", "sender_name": null, "sender_address": "1 Quay\nHarbor",
            "sender_email": null, "sender_tax_id": null, "terms": null, "paper": "a4", "xero_account_code": "200", "xero_tax_type": "Tax Exempt",
            "xero_dates": "day_first", "sender_country": null, "sender_vat_id": null, "sender_registration": null, "no_tax": null,
            "no_tax_reason": null, "has_logo": false, "has_mail_server": false})
    );
    // The original suite's reading: a ticket of the month counts with all its hours, whenever they were worked.
    suite.peers.companies([Company::new("1001", "Harbor & Vine").entries(
        "7",
        "2025-06-20T10:00:00Z",
        &[(1, "2025-05-20T10:00:00Z", 2.0), (2, "2025-06-20T10:00:00Z", 1.0)],
    )]);
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!(bill["receipt"]["billable_hours"], json!(3));
    put(PermissionLevel::Admin, json!({"hours": "dated"})).await;
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!(bill["receipt"]["billable_hours"], json!(1));
}
