//! In a mixed suite: with the original's Codex as the peer, our Ledger answers what the original's Ledger answered to the same
//! requests, but for what is listed here with its reason.

use std::collections::BTreeMap;

use hivematrix_shared::auth::PermissionLevel;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::Suite;

/// A request to the original, in their order, and its answer.
#[derive(Deserialize)]
struct Call {
    name: String,
    method: String,
    path: String,
    r#as: String,
    body: Value,
    status: u16,
    answer: Value,
}

/// Where the answer is another one on purpose, in whole or by these members.
fn difference(name: &str) -> Option<&'static [&'static str]> {
    let whole: &[&str] = &[];
    Some(match name {
        // Zero is zero (ledger.md §3.4).
        "asset override get, zero cost is null" => &["/override/custom_cost"],
        "client override get" => &["/overrides/per_switch_cost"],
        // An item without a fee would never be billed; ids differ after it.
        "line item add, name only" | "line items, null fees" | "line item delete" => whole,
        // Features that this Codex knows are taken.
        "feature override put" | "feature overrides" | "feature override delete, none" => whole,
        // No plan is 422 (§3.3).
        "summary 404: plan unknown" => whole,
        // There is a schedule from the beginning (§7.5).
        "scheduler config, none" => whole,
        // What is no number is refused and not passed over (§3.1).
        "billing: bad year falls back" => whole,
        // Problem documents have the seed's type and words.
        "asset override 404: not a number" => whole,
        _ => return None,
    })
}

/// What belongs to the moment or to rules that are corrected: amounts by type of device, active people, allowances (§4.5), and
/// what follows from them; and plans, of which the original had one more at that time. Names and kinds have to be the same.
const BY_OTHER_RULES: [&str; 4] = ["/api/billing/", "/api/invoice/", "/archive/api/snapshot", "/api/plans"];

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_client_of_the_original_finds_what_it_knows(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.at("2026-11-22T04:00:00Z");
    let codex: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("fixtures/upstream_codex.json")).unwrap();
    for (path, body) in &codex {
        suite.peers.fault(path, 200, &body.to_string());
    }
    let calls: Vec<Call> = serde_json::from_str(include_str!("fixtures/upstream_ledger.json")).unwrap();
    let mut wrong = Vec::new();
    for call in &calls {
        let level = match call.r#as.as_str() {
            "technician" => PermissionLevel::Technician,
            _ if call.path.starts_with("/archive/api/scheduler/config") => PermissionLevel::Admin,
            _ => PermissionLevel::Billing,
        };
        let token = suite.identity.user_token(level);
        let request = suite.client.request(call.method.parse().unwrap(), &call.path).bearer(token);
        let answer =
            if call.body.is_null() { request.send().await } else { request.json(&call.body).send().await };
        let except = difference(&call.name);
        if except.is_some_and(<[_]>::is_empty) {
            continue;
        }
        if answer.status.as_u16() != call.status {
            wrong.push(format!(
                "{}: {} instead of {}: {}",
                call.name,
                answer.status,
                call.status,
                answer.text()
            ));
            continue;
        }
        if call.status == 403 || !(call.answer.is_object() || call.answer.is_array()) {
            continue;
        }
        let is_loose = BY_OTHER_RULES.iter().any(|prefix| call.path.starts_with(prefix));
        compare(&call.answer, &answer.json(), is_loose, "", except.unwrap_or_default(), &mut |fault| {
            wrong.push(format!("{}: {fault}", call.name));
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every member of the original's answer is there; with the same value, or where other rules count, of the same kind.
fn compare(
    theirs: &Value,
    ours: &Value,
    is_loose: bool,
    path: &str,
    except: &[&str],
    tell: &mut impl FnMut(String),
) {
    if except.contains(&path) {
        return;
    }
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                match ours.get(name) {
                    // The archive keeps of people and devices what bills need (§12).
                    None if path.starts_with("/billing_data/") => {}
                    // Counts appear where something is counted.
                    None if path == "/quantities" => {}
                    None => tell(format!("{path}/{name} is missing")),
                    Some(found) => compare(value, found, is_loose, &format!("{path}/{name}"), except, tell),
                }
            }
        }
        // The archive keeps the people who are on the bill (§12), not those who left.
        (Value::Array(theirs), Value::Array(ours)) if path == "/billing_data/users" => {
            let billed = theirs.iter().filter(|user| user["active"] != false);
            let billed: Vec<Value> = billed.cloned().collect();
            if billed.len() != ours.len() {
                tell(format!("{path} has {} instead of {} elements", ours.len(), billed.len()));
            }
            for (their, our) in billed.iter().zip(ours) {
                compare(their, our, is_loose, &format!("{path}/{}", their["id"]), except, tell);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if !is_loose && theirs.len() != ours.len() {
                tell(format!("{path} has {} instead of {} elements", ours.len(), theirs.len()));
            }
            for (place, (their, our)) in theirs.iter().zip(ours).enumerate() {
                compare(their, our, is_loose, &format!("{path}/{place}"), except, tell);
            }
        }
        (Value::Number(theirs), Value::Number(ours)) => {
            if !is_loose && theirs.as_f64() != ours.as_f64() {
                tell(format!("{path} is {ours} instead of {theirs}"));
            }
        }
        (theirs, ours) if is_loose => {
            let is_same_kind =
                theirs.is_null() || std::mem::discriminant(theirs) == std::mem::discriminant(ours);
            if !is_same_kind {
                tell(format!("{path} is {ours} instead of {theirs}"));
            }
        }
        (theirs, ours) => {
            if theirs != ours {
                tell(format!("{path} is {ours} instead of {theirs}"));
            }
        }
    }
}
