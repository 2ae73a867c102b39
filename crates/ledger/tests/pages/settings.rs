//! The settings of a client (ledger-pages.md §5).

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const PATH: &str = "/client/100001/settings";

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_card_saves_by_itself_and_says_so_on_the_next_page(pool: PgPool) {
    let world = World::new(pool).await;
    let fields = [
        ("action", "save_rates"),
        ("per_user_cost", "12.50"),
        ("override_puc_enabled", "on"),
        ("per_vm_cost", "9"),
    ];
    let saved = world.form(PATH, &fields).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (StatusCode::FOUND, "/ledger/client/100001/settings")
    );
    let cookie = saved.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("ledger_session="), "never the gateway's own name");
    let token = world.identity.user_token(hivematrix_shared::auth::PermissionLevel::Admin);
    let page = world.client.get(PATH).bearer(token).header("cookie", &cookie).send().await;
    assert!(page.text().contains("Rates saved.") && page.header("set-cookie").contains("Max-Age=0"));
    let stored = world.call(Method::GET, "/api/overrides/client/100001", Value::Null).await.json();
    assert_eq!(
        (&stored["overrides"]["per_user_cost"], &stored["overrides"]["per_vm_cost"]),
        (&json!(12.5), &Value::Null)
    );
    assert!(
        page.text().contains("name=\"per_vm_cost\" type=\"number\" min=\"0\" step=\"0.01\" value=\"9\""),
        "kept, though not enabled"
    );
    assert!(page.text().contains("Per User Cost enabled"), "the history");

    let changes = world.form(PATH, &[("action", "reset_rates")]).await;
    assert_eq!(changes.status, StatusCode::FOUND);
    let stored = world.call(Method::GET, "/api/overrides/client/100001", Value::Null).await.json();
    assert_eq!(stored["overrides"], Value::Null);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_saved(pool: PgPool) {
    let world = World::new(pool).await;
    for (fields, fault) in [
        (&[("action", "save_rates"), ("per_user_cost", "<x>"), ("per_vm_cost", "3")][..], "must be a number"),
        (&[("action", "save_rates"), ("per_user_cost", "-1")], "must not be negative"),
        (
            &[("action", "save_assets"), ("asset_billing_type_1", "Custom"), ("asset_custom_cost_1", "")],
            "is needed for the type Custom",
        ),
        (
            &[("action", "save_users"), ("user_billing_type_7", "Toaster")],
            "must be one of Paid, Free, No Charge, Custom",
        ),
        (
            &[
                ("action", "add_manual_asset"),
                ("manual_asset_hostname", " "),
                ("manual_asset_billing_type", "Switch"),
            ],
            "is needed",
        ),
        (
            &[("action", "add_line_item"), ("line_item_type", "recurring"), ("line_item_name", "Office")],
            "is needed, and must not be zero",
        ),
    ] {
        let answer = world.form(PATH, fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields:?}");
        let html = answer.text();
        assert!(html.contains("form-group__error") && html.contains(fault), "{fields:?}");
        assert!(!html.contains("value=\"<x>\""));
    }
    assert!(!world.page(PATH).await.text().contains("badge--info\">Override"), "nothing was saved");
    assert_eq!(world.form(PATH, &[("action", "burn")]).await.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn rows_are_added_billed_and_deleted_by_post(pool: PgPool) {
    let world = World::new(pool).await;
    let added: [&[(&str, &str)]; 3] = [
        &[
            ("action", "add_manual_asset"),
            ("manual_asset_hostname", "Rack"),
            ("manual_asset_billing_type", "Firewall"),
        ],
        &[
            ("action", "add_manual_user"),
            ("manual_user_name", "Temp"),
            ("manual_user_billing_type", "Custom"),
            ("manual_user_custom_cost", "7.25"),
        ],
        &[
            ("action", "add_line_item"),
            ("line_item_type", "one_off"),
            ("line_item_name", "Cabling"),
            ("line_item_one_off_fee", "480"),
            ("line_item_one_off_year", "2025"),
            ("line_item_one_off_month", "7"),
        ],
    ];
    for fields in added {
        let answer = world.form(PATH, fields).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    }
    let html = world.page(PATH).await.text();
    for part in ["Rack", "$7.25", "Cabling", "2025-07", "$480.00"] {
        assert!(html.contains(part), "{part}");
    }
    for (path, list, action) in [
        ("/api/overrides/manual-assets/100001", "manual_assets", "delete_manual_asset"),
        ("/api/overrides/manual-users/100001", "manual_users", "delete_manual_user"),
        ("/api/overrides/line-items/100001", "line_items", "delete_line_item"),
    ] {
        let id = world.call(Method::GET, path, Value::Null).await.json()[list][0]["id"].to_string();
        let unchanged = world.page(&format!("{PATH}?{action}={id}")).await;
        assert_eq!(unchanged.status, StatusCode::OK);
        assert_eq!(
            world.call(Method::GET, path, Value::Null).await.json()[list].as_array().unwrap().len(),
            1,
            "no change by GET"
        );
        assert_eq!(world.form(PATH, &[("action", action), ("id", &id)]).await.status, StatusCode::FOUND);
        assert_eq!(world.call(Method::GET, path, Value::Null).await.json()[list], json!([]));
        assert_eq!(
            world.form(PATH, &[("action", action), ("id", &id)]).await.status,
            StatusCode::NOT_FOUND,
            "gone already"
        );
    }
}

/// The button of the original, which saves four cards at once: all of them, or none.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn all_cards_are_saved_together_or_not_at_all(pool: PgPool) {
    let world = World::new(pool).await;
    let all = [
        ("action", "save_overrides"),
        ("per_user_cost", "30"),
        ("override_puc_enabled", "on"),
        ("feature_soc", "Huntress"),
        ("feature_soc_enabled", "on"),
        ("asset_billing_type_3", "No Charge"),
        ("user_billing_type_7", "Free"),
    ];
    let mut wrong = all;
    wrong[5] = ("asset_billing_type_3", "Toaster");
    assert_eq!(world.form(PATH, &wrong).await.status, StatusCode::BAD_REQUEST);
    let total = async || {
        world.call(Method::GET, "/api/billing/100001?year=2025&month=6", Value::Null).await.json()["receipt"]
            ["total"]
            .clone()
    };
    assert_eq!(total().await, json!(3045.0));
    assert_eq!(world.form(PATH, &all).await.status, StatusCode::FOUND);
    assert_eq!(total().await, json!(2980.0), "no printer, nobody pays");
    let history =
        world.call(Method::GET, "/api/rate-changes?account_number=100001", Value::Null).await.json();
    let by: Vec<&str> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["changed_by"].as_str().unwrap())
        .collect();
    assert!(by.len() >= 4 && by.iter().all(|name| *name == by[0] && name.contains("admin")), "{by:?}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_effect_is_told_before_anything_is_saved(pool: PgPool) {
    let world = World::new(pool).await;
    let path = "/api/billing/100001/preview?year=2025&month=6";
    let body =
        json!({"per_user_cost": "10", "override_puc_enabled": "on", "asset_billing_type_2": "No Charge"});
    let answer = world.call(Method::POST, path, body).await;
    assert_eq!(
        answer.json(),
        json!({"current": 3045.0, "preview": 2855.0, "change": -190.0}),
        "its backup has no allowance any more"
    );
    assert_eq!(world.call(Method::POST, path, json!({})).await.json()["change"], json!(0.0));
    let wrong = world.call(Method::POST, path, json!({"per_user_cost": "x"})).await;
    assert_eq!(
        (wrong.status, wrong.json()["fields"]["per_user_cost"].as_str()),
        (StatusCode::BAD_REQUEST, Some("must be a number"))
    );
    assert!(!world.page(PATH).await.text().contains("badge--info\">Override"));
    // What is about to be added counts as soon as it has a name and a cost.
    for (body, change) in [
        (json!({"manual_asset_hostname": "OLD", "manual_asset_billing_type": "Workstation"}), 25.0),
        (json!({"manual_asset_billing_type": "Workstation", "manual_user_billing_type": "Paid"}), 0.0),
        (json!({"manual_asset_hostname": "OLD", "manual_asset_billing_type": "Custom"}), 0.0),
        (
            json!({"manual_user_name": "Temp", "manual_user_billing_type": "Custom", "manual_user_custom_cost": "7.5"}),
            7.5,
        ),
        (
            json!({"line_item_type": "recurring", "line_item_name": "Discount", "line_item_recurring_fee": "-45"}),
            -45.0,
        ),
        (json!({"line_item_type": "recurring", "line_item_name": "Discount"}), 0.0),
    ] {
        let answer = world.call(Method::POST, path, body.clone()).await.json();
        assert_eq!(answer["change"], json!(change), "{body}: {answer}");
    }
    let wrong = json!({"line_item_type": "yearly", "line_item_name": "SSL", "line_item_yearly_fee": "99"});
    let wrong = world.call(Method::POST, path, wrong).await;
    assert_eq!(wrong.json()["fields"]["line_item_yearly_month"], json!("is needed with yearly_fee"));
    let item = json!({"name": "Office", "monthly_fee": 60});
    let added = world.call(Method::POST, "/api/overrides/line-items/100001", item).await.json();
    let edited = json!({"id": added["id"].to_string(), "line_item_type": "recurring", "line_item_name": "Office",
        "line_item_recurring_fee": "50"});
    assert_eq!(world.call(Method::POST, path, edited).await.json()["change"], json!(-10.0), "in its place");
    assert_eq!(
        world.page(PATH).await.text().matches("data-preview novalidate").count(),
        6,
        "rates, types, additions"
    );
}

/// §5 and §10: first and last month of what is billed every month, changed where it stands; a deletion can be taken back.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_line_item_is_changed_and_its_deletion_taken_back(pool: PgPool) {
    let world = World::new(pool).await;
    let item =
        json!({"name": "Office", "description": "per seat", "monthly_fee": 62.5, "first_month": "2025-03"});
    let path = "/api/overrides/line-items/100001";
    let id = world.call(Method::POST, path, item).await.json()["id"].to_string();
    let html = world.page(&format!("{PATH}?edit_item={id}")).await.text();
    for part in [
        "Edit Line Item".to_owned(),
        format!("<input type=\"hidden\" name=\"id\" value=\"{id}\">"),
        "value=\"62.50\"".to_owned(),
        "value=\"2025-03\"".to_owned(),
        "value=\"change_line_item\"".to_owned(),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    let unknown = world.page(&format!("{PATH}?edit_item=999")).await.text();
    assert!(unknown.contains("Add New Line Item") && !unknown.contains("change_line_item"));
    let mut fields = vec![
        ("action", "change_line_item"),
        ("id", id.as_str()),
        ("line_item_type", "recurring"),
        ("line_item_name", "Office 365"),
        ("line_item_recurring_fee", "70"),
        ("line_item_first_month", "2025-03"),
        ("line_item_last_month", "2025-02"),
    ];
    let refused = world.form(PATH, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.text().contains("must not be before first_month")
            && refused.text().contains("Edit Line Item")
    );
    fields[6].1 = "2025-09";
    assert_eq!(world.form(PATH, &fields).await.status, StatusCode::FOUND);
    let stored = world.call(Method::GET, path, Value::Null).await.json()["line_items"][0].clone();
    assert_eq!(
        (&stored["name"], &stored["monthly_fee"], &stored["last_month"], &stored["description"]),
        (&json!("Office 365"), &json!(70), &json!("2025-09"), &json!("per seat"))
    );
    fields[1].1 = "999";
    assert_eq!(world.form(PATH, &fields).await.status, StatusCode::NOT_FOUND);

    let html = world.page(PATH).await.text();
    let undo = html.split_once("data-undo=\"").unwrap().1.split('"').next().unwrap().replace("&#34;", "\"");
    let undo: serde_json::Map<String, Value> = serde_json::from_str(&undo).unwrap();
    assert_eq!(
        world.form(PATH, &[("action", "delete_line_item"), ("id", &id)]).await.status,
        StatusCode::FOUND
    );
    let again: Vec<(&str, &str)> =
        undo.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    assert_eq!(world.form(PATH, &again).await.status, StatusCode::FOUND);
    let mut back = world.call(Method::GET, path, Value::Null).await.json()["line_items"][0].clone();
    back["id"] = stored["id"].clone();
    assert_eq!(back, stored);
}
