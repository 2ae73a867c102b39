//! What upstream answered over the same data: each of its recorded answers is given here too, with all of its members, or
//! stands in the tables below with the line of the contract that wants another one.

mod compare;
mod differences;

use std::collections::BTreeMap;

use hivematrix_shared::{
    auth::{PermissionLevel, ServiceClaims, UserClaims},
    testing::{TestIdentity, TestKey, TestResponse},
};
use hivematrix_simulators::freshservice::{Config, spawn};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;

use self::differences::{MEMBERS, STATUSES};
use crate::{agents::realm, described, support::World};

const WORLD: &str = include_str!("upstream/world.sql");
const CASES: &str = include_str!("upstream/cases.json");
/// When the answers were recorded.
const THEN: &str = "2026-11-22T03:51:32Z";

/// A request and upstream's answer to it; in the order in which they were sent, since later ones see what earlier ones wrote.
#[derive(Deserialize)]
struct Case {
    name: String,
    method: String,
    /// `{name}` stands for the job of that case.
    path: String,
    /// Whose token, what is wrong with it, or `header` and its value.
    auth: Option<String>,
    body: Option<Value>,
    status: u16,
    /// None for problem documents, which have another type and other words here (codex-api.md §1.2).
    answer: Option<Value>,
    /// The case with the same answer.
    #[serde(rename = "as")]
    same: Option<String>,
}

/// The claims that a name stands for.
fn person(identity: &TestIdentity, name: &str) -> UserClaims {
    let (number, level) = match name {
        "ada" => (1, PermissionLevel::Admin),
        "bo" => (3, PermissionLevel::Billing),
        "cy" => (4, PermissionLevel::Client),
        _ => (2, PermissionLevel::Technician),
    };
    let email = if name == "cy" { String::new() } else { format!("{}@msp.example", name.replace(' ', "-")) };
    let sub = if name == "not synced" {
        name.to_owned()
    } else {
        format!("5f1d3c1e-0000-4000-8000-00000000000{number}")
    };
    UserClaims { sub, email, preferred_username: name.into(), ..identity.user(level) }
}

/// The value of the header `authorization`.
fn authorization(identity: &TestIdentity, who: &str) -> String {
    let ada = || person(identity, "ada");
    let claims = |claims: &UserClaims| serde_json::to_string(claims).unwrap();
    let raw = |header: Value| identity.key().sign_raw(&header.to_string(), &claims(&ada()));
    let token = match who.split_once(' ') {
        Some(("header", value)) => return value.replace("{ada}", &identity.sign(&ada())),
        Some(("user", name)) => identity.sign(&person(identity, name)),
        Some(("service", names)) => {
            let (caller, target) = names.split_once(" to ").unwrap_or((names, "codex"));
            let claims: ServiceClaims = identity.service(caller, target, None);
            identity.sign(&claims)
        }
        Some(("expired", _)) => {
            identity.sign(&UserClaims { iat: ada().iat - 7200, exp: ada().iat - 60, ..ada() })
        }
        Some(("revoked", _)) => {
            identity.sign(&UserClaims { jti: Some("ended".to_owned()), ..person(identity, "tom") })
        }
        Some(("signed", _)) => TestKey::generate("hivematrix-signing-key-1").sign(&ada()),
        Some(("wrong", _)) => identity.sign(&UserClaims { iss: "someone-else".to_owned(), ..ada() }),
        Some(("no", _)) => raw(json!({ "alg": "RS256", "typ": "JWT" })),
        Some(("unknown", _)) => raw(json!({ "alg": "RS256", "typ": "JWT", "kid": "another-key" })),
        Some(("alg", _)) => {
            let token = raw(json!({ "alg": "none", "typ": "JWT", "kid": "hivematrix-signing-key-1" }));
            token.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).unwrap()
        }
        None if who == "HS256" => {
            raw(json!({ "alg": "HS256", "typ": "JWT", "kid": "hivematrix-signing-key-1" }))
        }
        _ => panic!("{who}"),
    };
    format!("Bearer {token}")
}

/// What has to be so before a case; the rows that spoilt upstream's answers cannot be stored here, or spoil nothing.
async fn prepare(world: &World, case: &str) {
    let refused = async |statement: &'static str| {
        assert!(sqlx::raw_sql(statement).execute(&world.pool).await.is_err(), "{case}: {statement}");
    };
    match case {
        "fault: one open ticket without a priority" => {
            world.sql("update ticket_details set priority = null, priority_id = null where id = 1").await;
        }
        "fault: one open ticket with a time without offset" => {
            world.sql("update ticket_details set last_updated_at = '2026-11-22T03:00:00' where id = 1").await;
        }
        "fault: backup usage not a number" => refused("update assets set backup_usage_tb = 'x'").await,
        "fault: conversations not JSON" => refused("update ticket_details set conversations = '[x'").await,
        "company without a plan" => {
            world
                .sql(
                    "update companies set plan_selected = null, support_level = null
                     where account_number = '100005'",
                )
                .await;
        }
        _ => {}
    }
}

async fn ask(world: &World, case: &Case, jobs: &BTreeMap<String, String>) -> TestResponse {
    let mut path = case.path.clone();
    for (name, id) in jobs {
        path = path.replace(&format!("{{{name}}}"), id);
    }
    let request = || {
        let mut request = world.client.request(case.method.parse::<Method>().unwrap(), &path);
        if let Some(who) = &case.auth {
            request = request.header("authorization", &authorization(&world.identity, who));
        }
        if case.name == "correlation id comes back" {
            request = request.header("x-correlation-id", "abc-123");
        }
        match &case.body {
            Some(body) => request.json(body),
            None => request,
        }
    };
    let mut answer = request().send().await;
    // A job is looked at until it has ended.
    while path.starts_with("/sync/status/") && path != case.path && answer.json()["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = request().send().await;
    }
    answer
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_recorded_answer_is_given_with_all_of_its_members(pool: PgPool) {
    let vendor = spawn(Config::default()).await.unwrap();
    let (realm_url, realm) = realm().await;
    realm.lock().unwrap().users = vec![
        json!({ "id": "5f1d3c1e-0000-4000-8000-000000000001", "username": "ada", "email": "ada@msp.example",
            "firstName": "Ada", "lastName": "Admin", "enabled": true }),
        json!({ "id": "5f1d3c1e-0000-4000-8000-000000000009", "username": "new", "email": "new@msp.example",
            "firstName": "New", "lastName": "User", "enabled": true }),
    ];
    let arguments = [
        "--freshservice-domain",
        "invented-msp.freshservice.example",
        "--freshservice-base-url",
        &vendor.base_url,
        "--freshservice-api-key",
        "not-the-key",
        "--superops-api-key",
        "k",
        "--superops-subdomain",
        "invented-msp",
        "--superops-professional-services-group-id",
        "77",
        "--keycloak-backend-url",
        &realm_url,
        "--keycloak-admin-client-id",
        "codex",
        "--keycloak-admin-client-secret",
        "s3cret",
    ];
    let world = World::at(pool.clone(), THEN, &arguments);
    world.sql(WORLD).await;
    world.context.auth.revocations().insert("ended", world.identity.clock.unix() + 3600);
    let without_core = World::without_core(pool, THEN);

    let document = world.client.get("/static/openapi.json").send().await.json();
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 190, "upstream's recorded answers");
    let answers: BTreeMap<_, _> =
        cases.iter().filter_map(|case| Some((case.name.as_str(), case.answer.as_ref()?))).collect();
    let (mut wrong, mut used, mut jobs) = (Vec::new(), Vec::new(), BTreeMap::new());
    for case in &cases {
        prepare(&world, &case.name).await;
        let asked = if case.name == "Core away before its keys are known" { &without_core } else { &world };
        let answer = ask(asked, case, &jobs).await;
        let (ours, theirs) = (answer.status.as_u16(), case.status);
        let other = STATUSES.iter().find(|other| other.case == case.name);
        match other {
            Some(other) => used.push(other.why),
            None if ours == theirs => {}
            None => {
                let text: String = answer.text().chars().take(300).collect();
                wrong.push(format!("{}: {ours} for {theirs}: {text}", case.name));
            }
        }
        if let Some(other) = other.filter(|other| other.status != ours || ours == theirs) {
            wrong.push(format!("{}: {ours}, and not {} ({})", case.name, other.status, other.why));
        }
        let kind = answer.header("content-type");
        if ours >= 400 && !case.path.ends_with("/health") && kind != "application/problem+json" {
            wrong.push(format!("{}: an error as {kind}", case.name));
        }
        for complaint in described::complaints(&document, &case.method, &case.path, &answer) {
            wrong.push(format!("{}: {complaint}", case.name));
        }
        let id = answer.header("x-correlation-id");
        if id.is_empty() || (case.name == "correlation id comes back" && id != "abc-123") {
            wrong.push(format!("{}: correlation id {id:?}", case.name));
        }
        let Some(theirs) = case.answer.as_ref().or_else(|| answers.get(case.same.as_deref()?).copied())
        else {
            continue;
        };
        let ours = answer.json();
        if let Some(id) = ours["job_id"].as_str() {
            jobs.insert(case.name.clone(), id.to_owned());
        }
        for difference in compare::differences(theirs, &ours) {
            match MEMBERS.iter().find(|member| member.allows(&case.name, &difference.path)) {
                Some(member) => used.push(member.why),
                None => wrong.push(format!("{}: {difference}", case.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let reasons = STATUSES.iter().map(|other| other.why).chain(MEMBERS.iter().map(|member| member.why));
    let idle: Vec<_> = reasons.filter(|why| !used.contains(why)).collect();
    assert!(idle.is_empty(), "differences that there are not any more: {idle:#?}");
}
