//! What upstream answered over the same data: every request of its callers is answered here too, and no member that they
//! read is missing or says something else, except where the contract corrects upstream.

use hivematrix_shared::{
    auth::{PermissionLevel, UserClaims},
    contracts::codex::wire::parse_time,
};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = include_str!("upstream/world.sql");
const ANSWERS: &str = include_str!("upstream/answers.json");

/// A request and upstream's answer to it.
#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    path: String,
    token: Option<String>,
    body: Option<Value>,
    status: u16,
    answer: Value,
}

/// Members whose value the contract changes; the member itself must be there.
fn is_corrected(name: &str, path: &str) -> bool {
    let member = path.rsplit('.').next().unwrap_or_default();
    match member {
        // Tickets of the board have other codes, ids, texts, places and order (§2): here the members count.
        _ if path.contains(".section") && path.contains("[].") => true,
        _ if path.contains(".group_ids") || member.ends_with("_url_template") => true,
        // Rows without a status stay on the board (§5.3); the time is that of the minute.
        "total_active" | "last_updated" => true,
        // Unknown companies are not of the standard level (§4.3).
        "company_compliance_level" => true,
        // Upstream stores nothing where the default is meant.
        "active" | "employment_type" => true,
        // A single ticket's hours, and preferences that upstream stores as nothing.
        _ => {
            name.contains("nulls")
                || name == "agents"
                || name.starts_with("put agent") && member == "updated_at"
        }
    }
}

fn compare(name: &str, path: &str, theirs: &Value, ours: &Value) {
    if is_corrected(name, path) {
        return;
    }
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (member, value) in theirs {
                let mine = ours.get(member).unwrap_or_else(|| panic!("{name}: {path}.{member} is missing"));
                compare(name, &format!("{path}.{member}"), value, mine);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if !path.contains(".section") {
                assert_eq!(theirs.len(), ours.len(), "{name}: {path}");
            }
            for value in theirs {
                let mine = ours
                    .iter()
                    .find(|mine| same_row(value, mine))
                    .or_else(|| ours.iter().find(|_| path.contains(".section")));
                let mine = mine.unwrap_or_else(|| panic!("{name}: {path} lacks {value}"));
                compare(name, &format!("{path}[]"), value, mine);
            }
        }
        (Value::Number(theirs), Value::Number(ours)) => {
            assert_eq!(theirs.as_f64(), ours.as_f64(), "{name}: {path}")
        }
        (Value::String(text), _) if ours.is_null() => {
            assert!(parse_time(text).is_none(), "{name}: {path} was {text}")
        }
        (Value::String(theirs), Value::String(ours)) if parse_time(theirs).is_some() => {
            let seconds = |text: &str| parse_time(text).map(|time| time.timestamp());
            assert_eq!(seconds(theirs), seconds(ours), "{name}: {path}");
        }
        (Value::String(theirs), Value::String(ours)) if theirs.parse::<f64>().is_ok() => {
            assert_eq!(theirs.parse::<f64>(), ours.parse::<f64>(), "{name}: {path}");
        }
        _ => assert_eq!(theirs, ours, "{name}: {path}"),
    }
}

/// Rows are the same when one of their identifying members is; lists come in another order here.
fn same_row(theirs: &Value, ours: &Value) -> bool {
    ["/company/account_number", "/account_number", "/ticket_id", "/id", "/keycloak_id"]
        .iter()
        .find_map(|key| Some(theirs.pointer(key)? == ours.pointer(key)?))
        .unwrap_or(theirs == ours)
}

fn token(world: &World, who: &str) -> String {
    if let Some(service) = who.strip_prefix("service ") {
        return world.identity.service_token(service.split(' ').next().unwrap(), "codex");
    }
    let name = who.strip_prefix("user ").unwrap();
    let level = match name {
        "ada" => PermissionLevel::Admin,
        "bo" => PermissionLevel::Billing,
        "cy" => PermissionLevel::Client,
        _ => PermissionLevel::Technician,
    };
    let email = if name == "cy" { String::new() } else { format!("{}@msp.example", name.replace(' ', "-")) };
    world.identity.sign(&UserClaims { email, preferred_username: name.into(), ..world.identity.user(level) })
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn every_recorded_request_is_answered_with_all_of_its_members(pool: PgPool) {
    let world = World::at(
        pool,
        "2026-11-22T03:51:32Z",
        &["--freshservice-domain", "invented-msp.freshservice.example"],
    );
    world.sql(WORLD).await;
    let recorded: Vec<Recorded> = serde_json::from_str(ANSWERS).unwrap();
    assert!(recorded.len() > 80);
    for case in recorded {
        let mut request = world.client.request(case.method.parse::<Method>().unwrap(), &case.path);
        if let Some(who) = &case.token {
            request = request.bearer(token(&world, who));
        }
        if let Some(body) = &case.body {
            request = request.json(body);
        }
        let answer = request.send().await;
        assert_eq!(answer.status.as_u16(), case.status, "{}: {}", case.name, answer.text());
        // Problem documents have another type and words (§1.2), but keep upstream's `error`.
        let theirs = match case.answer {
            Value::Object(problem) if problem.contains_key("type") && problem.contains_key("status") => {
                continue;
            }
            other if other.is_null() => continue,
            other => other,
        };
        let mut theirs = theirs;
        if case.name == "psa config" {
            theirs["providers"].as_object_mut().unwrap().remove("superops");
        }
        compare(&case.name, "", &theirs, &answer.json());
    }
}
