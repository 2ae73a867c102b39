//! Who may read what: every route against every kind of caller.

use hivematrix_shared::auth::{
    PermissionLevel::{Admin, Billing, Client, Technician},
    UserClaims,
};
use http::{Method, StatusCode};
use sqlx::PgPool;

use crate::support::World;

const WORLD: &str = r#"
    insert into companies (account_number, name) values ('100001', 'Mine'), ('100002', 'Theirs');
    insert into contacts (id, name, email, primary_email) values
        (1, 'Client', 'Client@Example.test', 'Client@Example.test'), (2, 'Other', 'other@c2.example', 'other@c2.example');
    insert into contact_company_link (contact_id, company_account_number) values (1, '100001'), (2, '100002');
    insert into assets (id, hostname, company_account_number) values (1, 'MINE', '100001'), (2, 'THEIRS', '100002');
    insert into locations (name, company_account_number) values ('Here', '100001'), ('There', '100002');
    insert into ticket_details (external_id, subject, status, company_account_number) values
        (1, 'mine', 'open', '100001'), (2, 'theirs', 'open', '100002'), (3, 'nobodys', 'open', null);
"#;

const READS: [&str; 26] = [
    "/api/companies",
    "/api/companies/bulk",
    "/api/companies/100001",
    "/api/company/100001",
    "/api/companies/100001/assets",
    "/api/companies/100001/contacts",
    "/api/companies/100001/users",
    "/api/companies/100001/locations",
    "/api/companies/100001/tickets",
    "/api/contacts",
    "/api/contact/1",
    "/api/assets",
    "/api/asset/1",
    "/api/rmm/devices",
    "/api/rmm/device/device-1",
    "/api/tickets",
    "/api/tickets/active",
    "/api/ticket/1",
    "/api/psa/tickets",
    "/api/psa/tickets/active",
    "/api/psa/agents",
    "/api/psa/config",
    "/api/public/user/theme?email=client@example.test",
    "/api/public/user/home-page?email=client@example.test",
    "/api/my/settings",
    "/settings",
];

/// What a client may open in a browser.
const CLIENT_PAGES: [&str; 15] = [
    "/",
    "/companies/",
    "/companies/100001",
    "/companies/api/search",
    "/companies/export.csv",
    "/contacts/",
    "/contacts/1",
    "/contacts/api/search",
    "/contacts/export.csv",
    "/assets/",
    "/assets/1",
    "/assets/api/search",
    "/assets/export.csv",
    "/search?q=mine",
    "/api/search?q=mine",
];

#[sqlx::test(migrations = "../../migrations/codex")]
async fn nobody_reads_without_a_token_and_staff_reads_everything(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for path in READS.iter().chain(&["/", "/companies/", "/api/agents"]) {
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in READS {
        for level in [Admin, Technician, Billing] {
            assert_eq!(world.get_as(level, path).await.status, StatusCode::OK, "{path} {level}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_client_reads_only_its_own_company(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for path in READS {
        let expected = if path.starts_with("/api/psa/agents") || path.starts_with("/api/psa/config") {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::OK
        };
        let answer = world.get_as(Client, path).await;
        assert_eq!(answer.status, expected, "{path}");
        let text = answer.text().to_lowercase();
        assert!(
            !text.contains("theirs") && !text.contains("there\"") && !text.contains("nobodys"),
            "{path}: {text}"
        );
        assert!(!text.contains("other@c2"), "{path}: {text}");
    }
    for path in [
        "/api/companies/100002",
        "/api/companies/100002/assets",
        "/api/companies/100002/contacts",
        "/api/companies/100002/users",
        "/api/companies/100002/locations",
        "/api/companies/100002/tickets",
        "/api/companies/no-such-one",
        "/api/company/100002",
        "/api/contacts?company_id=100002",
        "/api/contact/2",
        "/api/assets?company_id=100002",
        "/api/asset/2",
        "/api/rmm/devices?company_id=100002",
        "/api/rmm/device/device-2",
        "/api/rmm/device/device-1/command/x",
        "/api/tickets?company_id=100002",
        "/api/ticket/2",
        "/api/ticket/3",
        "/api/psa/tickets?company=100002",
        "/api/public/user/theme?email=other@c2.example",
        "/api/public/user/home-page?email=other@c2.example",
        "/api/agents",
    ] {
        assert_eq!(world.get_as(Client, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let own = world.get_as(Client, "/api/tickets/active").await.json();
    assert_eq!(
        (own["total_active"].as_i64(), own["section1"][0]["subject"].as_str()),
        (Some(1), Some("mine"))
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_client_without_a_contact_reads_nothing(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world.sql("delete from contacts").await;
    assert_eq!(world.get_as(Client, "/api/companies").await.json(), serde_json::json!([]));
    assert_eq!(
        world.get_as(Client, "/api/companies/bulk?include_tickets=true").await.json(),
        serde_json::json!([])
    );
    assert_eq!(world.get_as(Client, "/api/tickets/active").await.json()["total_active"], 0);
    assert_eq!(world.get_as(Client, "/api/companies/100001").await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_client_whose_address_is_not_confirmed_is_refused_everywhere_and_told_why(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let kept = UserClaims { email_verified: Some(false), ..world.identity.user(Client) };
    let withheld = UserClaims { email: String::new(), ..kept.clone() };
    let mut for_client = world.identity.service("brainhair", "codex", Some(Client));
    for_client.on_behalf_of.as_mut().unwrap().email_verified = Some(false);
    let tokens =
        [world.identity.sign(&kept), world.identity.sign(&withheld), world.identity.sign(&for_client)];
    for (token, person) in tokens.iter().zip([true, true, false]) {
        let pages = if person { &CLIENT_PAGES[..] } else { &[] };
        for path in READS.iter().chain(pages).filter(|path| !path.contains("/public/")) {
            let answer = world.client.get(path).bearer(token).send().await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            let staff_only = ["/api/psa/agents", "/api/psa/config"];
            if !staff_only.contains(path) {
                // What is closed to services says so first.
                let closed = !person && answer.text().contains("for users only");
                assert!(closed || answer.text().contains("not confirmed"), "{path}: {}", answer.text());
            }
        }
        let change = serde_json::json!({"theme_preference": "dark"});
        let answer = world.client.put("/api/my/settings").bearer(token).json(&change).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn an_address_counts_only_letter_by_letter(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world.sql("update contacts set email = 'Kim@C1.example' where id = 1").await;
    for (email, sees) in [
        ("kim@c1.example", 1),
        ("KIM@C1.EXAMPLE", 1),
        // The sign for kelvin, whose small letter is a k of ASCII; an i without a dot; a Cyrillic letter.
        ("\u{212a}im@c1.example", 0),
        ("k\u{131}m@c1.example", 0),
        ("kim@\u{441}1.example", 0),
        ("kim@c1.example\n", 0),
        ("%", 0),
    ] {
        let token = world.identity.sign(&UserClaims { email: email.into(), ..world.identity.user(Client) });
        let companies = world.client.get("/api/companies").bearer(token).send().await.json();
        assert_eq!(companies.as_array().unwrap().len(), sees, "{email:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_service_that_acts_for_a_client_has_its_rights(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let token = world.identity.service_token_on_behalf("brainhair", "codex", Client);
    let answer = world.client.get("/api/companies/100002").bearer(&token).send().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = world.client.get("/api/my/settings").bearer(&token).send().await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn services_on_their_own_read_and_do_not_write(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for path in ["/api/companies", "/api/agents", "/api/tickets/active"] {
        assert_eq!(world.get(path).await.status, StatusCode::OK, "{path}");
    }
    let token = world.identity.service_token("nexus", "codex");
    let body = serde_json::json!({"theme_preference": "dark"});
    for path in ["/api/my/settings", "/api/agents/x/settings"] {
        let answer = world.client.put(path).bearer(&token).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let foreign = world.identity.service_token("codex", "helm");
    assert_eq!(
        world.client.get("/api/companies").bearer(foreign).send().await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn errors_are_problem_documents_with_their_own_status(pool: PgPool) {
    let world = World::new(pool);
    let token = world.token(Admin);
    for (method, path, status) in [
        (Method::GET, "/api/nope", 404),
        (Method::POST, "/api/tickets/active", 405),
        (Method::GET, "/api/ticket/abc", 404),
        (Method::GET, "/api/ticket/1", 404),
        (Method::GET, "/api/ticket/1?id_type=guess", 400),
        (Method::GET, "/api/contact/1", 404),
        (Method::GET, "/api/asset/1", 404),
        (Method::GET, "/api/companies/1/assets", 404),
        (Method::PUT, "/api/my/settings", 415),
    ] {
        let answer = world.client.request(method.clone(), path).bearer(&token).send().await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        let problem = answer.json();
        assert_eq!(problem["type"], format!("https://httpstatuses.com/{status}"));
    }
    let missing = world.client.get("/api/companies/999999").bearer(&token).send().await;
    insta::assert_json_snapshot!(missing.json());
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn odd_values_are_ignored_refused_or_name_nothing(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    for (path, status) in [
        // numbers that are none, or too large
        ("/api/tickets?limit=abc&offset=1e3", 200),
        ("/api/tickets?limit=-1&offset=-1", 200),
        ("/api/tickets?limit=99999999999999999999&offset=9223372036854775807", 200),
        ("/api/contacts?limit=0", 200),
        ("/api/assets?offset=9223372036854775807", 200),
        ("/api/rmm/devices?limit=-5&status=asleep", 200),
        ("/api/rmm/devices?company_id=%00", 400),
        ("/api/rmm/device/device-%F0%9F%92%A9", 400),
        ("/api/rmm/device/device-9223372036854775807", 404),
        ("/api/rmm/device/device-1/command/x", 422),
        ("/api/companies?limit=-1&offset=-9223372036854775808", 200),
        ("/api/companies/bulk?include_tickets=true&year=2147483647&updated_since=soon", 200),
        ("/api/companies/100001/tickets?year=-5", 200),
        ("/api/tickets/active?group_id=99999999999999999999&responder_id=", 200),
        ("/api/ticket/99999999999999999999", 404),
        ("/api/ticket/-1", 404),
        ("/api/ticket/0?id_type=internal", 404),
        ("/api/contact/9223372036854775807", 404),
        ("/api/asset/-9223372036854775808", 404),
        // text of any kind
        ("/api/companies/", 404),
        ("/api/companies/100001/", 404),
        ("/api/companies/%F0%9F%92%A9", 404),
        ("/api/companies/%FF", 404),
        ("/api/companies/a%2Fb", 404),
        ("/api/tickets?status=%FF&company_id=%E6%97%A5&company_id=100001", 200),
        ("/api/tickets?status='%20or%20true%20--", 200),
        // no stored text has a NUL character
        ("/api/companies/%00", 400),
        ("/api/tickets?status=%00", 400),
        ("/api/public/user/theme?email=a%00b", 400),
        ("/api/psa/agents?provider=%00", 400),
        ("/api/agents/%00", 400),
        ("/sync/last/%00", 400),
        ("/sync/status/%00", 404),
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        if status != 200 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        }
    }
}
