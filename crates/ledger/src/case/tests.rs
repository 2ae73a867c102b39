use super::*;

fn error(json: &str) -> String {
    Case::read(json).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_used_is_named() {
    let case = |members: &str| {
        format!(r#"{{"now": "2025-07-15T12:00:00Z", "year": 2025, "month": 6, "company": {{}}, {members}}}"#)
    };
    for (json, expected) in [
        ("[]", "the document must be a JSON object"),
        ("", "the document must be a JSON object"),
        (r#"{"year": 2025"#, "EOF while parsing an object at line 1 column 13"),
        (r#"{"input": 5}"#, "input: must be an object"),
        (r#"{"input": {"year": 2025}}"#, "input.month: is missing"),
        (r#"{"year": 2025, "month": 13}"#, "month: must be between 1 and 12"),
        (r#"{"year": 99999, "month": 1}"#, "year: must be between 1 and 9999"),
        (r#"{"year": "soon", "month": 1}"#, "year: must be a number"),
        (r#"{"year": 2025, "month": 1.5}"#, "month: must be a whole number"),
        (r#"{"year": 2025, "month": 6}"#, "now: is missing"),
        (r#"{"year": 2025, "month": 6, "now": "noon"}"#, "now: must be a time such as 2025-07-15T12:00:00Z"),
        (r#"{"year": 2025, "month": 6, "now": "2025-07-15"}"#, "company: is missing"),
        (
            &case(r#""assets": [{}, {"backup_data_bytes": "many"}]"#),
            "assets[1]: backup_data_bytes: must be a number",
        ),
        (&case(r#""assets": {}"#), "assets: invalid type: map, expected a sequence"),
        (&case(r#""tickets": [[]]"#), "tickets[0]: invalid type: sequence, expected an object"),
        (&case(r#""assets": [[]]"#), "assets[0]: must be an object"),
        (&case(r#""ledger": 5"#), "ledger: invalid type: integer `5`, expected an object"),
        (&case(r#""year": 2024"#), "duplicate field `year`"),
        (&case(r#""plans": [{"per_user_cost": -1}]"#), "plans[0]: per_user_cost: must not be negative"),
        (
            &case(r#""tickets": [{"total_hours_spent": 1e300}]"#),
            "tickets[0].total_hours_spent: must be between -99,999,999.99 and 99,999,999.99",
        ),
        (
            &case(r#""ledger": {"client_override": {"per_user_cost": "x", "override_puc_enabled": true}}"#),
            "ledger.client_override: per_user_cost: must be a number",
        ),
        (
            &case(r#""ledger": {"manual_assets": [{"custom_cost": 1.001}]}"#),
            "ledger.manual_assets[0].custom_cost: must have at most two decimal places",
        ),
        (
            &case(r#""ledger": {"billing_snapshots": [{"billing_year": 2025, "billing_month": 0}]}"#),
            "ledger.billing_snapshots[0].billing_month: must be between 1 and 12",
        ),
    ] {
        assert_eq!(error(json), expected, "{json}");
    }
}

#[test]
fn a_value_that_is_not_enabled_is_not_looked_at() {
    let case = r#"{"now": "2025-07-15", "year": "2025", "month": "6", "company": {}, "more": {},
        "ledger": {"client_override": {"per_user_cost": "x", "override_puc_enabled": 0}}, "assets": null}"#;
    assert!(Case::read(case).is_ok());
}
