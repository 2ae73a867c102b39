//! `hivematrix-ledger compute`, as a program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

fn compute(arguments: &[&str], input: &[u8]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hivematrix-ledger"))
        .arg("compute")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(input).unwrap();
    program.wait_with_output().unwrap()
}

fn vector(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)).unwrap()
}

fn bill(arguments: &[&str], input: &[u8]) -> Value {
    let output = compute(arguments, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_bill_has_amounts_as_texts_and_counts_as_numbers() {
    let file = vector("50-everything-at-once.json");
    let whole = bill(&[], &file);
    assert_eq!(whole["receipt_data"]["total"], "1486.86");
    assert_eq!(
        whole["receipt_data"]["billed_assets"][6],
        json!({"name": "HV-LAP2", "type": "No Charge", "cost": "0.00"})
    );
    assert_eq!(whole["receipt_data"]["overage_tb"], "2.499999999998181010596454143524169921875");
    assert_eq!(whole["effective_rates"]["per_user_cost"], "21.35");
    assert_eq!(whole["effective_rates"]["backup_included_tb"], "1.5");
    assert_eq!(whole["quantities"]["workstation"], 2);
    assert_eq!(whole["backup_info"]["total_backup_bytes"], 7_696_581_394_430_i64);
    assert_eq!(whole["assets"][0]["id"], 101);
    assert_eq!(whole["client"]["billing_plan"], "Silver Care");
    let line = &whole["explain"]["lines"][0];
    assert_eq!(
        *line,
        json!({
            "kind": "user", "rule": 18, "name": "Amy \"AJ\" Jones", "type": "Paid", "type_source": "default", "quantity": 1,
            "rate": "21.35", "rate_name": "per_user_cost", "rate_source": "client_override", "amount": "21.35",
            "behind": {"user_id": 1},
        })
    );
    let input: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(bill(&[], input["input"].to_string().as_bytes()), whole, "the input alone is a case as well");
}

#[test]
fn the_original_reading_is_a_switch() {
    let file = vector("64-quirk-server-hardware-billed-as-workstation.json");
    assert_eq!(bill(&[], &file)["receipt_data"]["total"], "293.63");
    assert_eq!(bill(&["--reading", "original"], &file)["receipt_data"]["total"], "125.00");
    let file = vector("29-prepaid-monthly-and-yearly.json");
    assert_eq!(bill(&["--yearly-pool", "net"], &file)["receipt_data"]["billable_hours"], "1.5");
}

#[test]
fn no_bill_is_null_with_a_reason() {
    let output = compute(&[], &vector("07-plan-override-missing-term.json"));
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"null\n".as_slice()));
    let reason = String::from_utf8(output.stderr).unwrap();
    assert_eq!(reason, "hivematrix-ledger: no bill: there is no plan `Gold Care` with the term `1 Year`\n");
}

#[test]
fn broken_input_names_the_field_and_ends_with_2() {
    for (input, expected) in [
        (&b"{"[..], "EOF while parsing an object at line 1 column 1"),
        (b"\xff", "the document is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0"),
        (br#"{"input": {"year": 2025, "month": 13}}"#, "input.month: must be between 1 and 12"),
    ] {
        let output = compute(&[], input);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("hivematrix-ledger: {expected}\n"));
    }
}

#[test]
fn tickets_without_a_time_are_reported() {
    let output = compute(&[], &vector("69-quirk-null-timestamp.json"));
    let remark = String::from_utf8(output.stderr).unwrap();
    assert_eq!(remark, "hivematrix-ledger: ticket 9001: no time that can be read, so it is in no month\n");
}
