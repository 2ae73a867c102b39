//! `/api/displays` and the page `/displays`, for administrators (beacon.md §4.1).

use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Billing, Client, Technician},
    testing::TestResponse,
};
use serde_json::{Value, json};

use crate::common::Suite;

const ID: &str = "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab";

fn record() -> Value {
    json!({"id": ID, "name": "<b>Lobby</b>", "view": "helpdesk", "subjects": true, "created_by": "admin@example.test",
           "created_at": "2025-11-22T10:30:00Z", "expires_at": "2025-12-01T00:00:00Z", "revoked_at": null})
}

async fn suite() -> Suite {
    let suite = Suite::start_with(&["--public-display-enabled=true"]).await;
    suite.peers.answer("GET /api/displays", 200, json!({"displays": [record()]}));
    suite.peers.answer("POST /api/displays", 201, record());
    suite.peers.answer(&format!("DELETE /api/displays/{ID}"), 204, Value::Null);
    suite
}

async fn post(suite: &Suite, body: Value) -> TestResponse {
    let token = suite.identity.user_token(Admin);
    let request = suite.client.post("/api/displays").bearer(token).header("x-forwarded-prefix", "/beacon");
    request.json(&body).send().await
}

#[tokio::test]
async fn a_link_is_made_in_codex_on_behalf_of_the_administrator_and_its_address_told_once() {
    let suite = suite().await;
    let asked =
        json!({"name": "Lobby", "view": "helpdesk", "subjects": true, "expires_at": "2025-12-01T00:00:00Z"});
    let made = post(&suite, asked.clone()).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"));
    let mut body = made.json();
    let url = body["url"].take();
    assert_eq!(
        body,
        json!({"id": ID, "name": "<b>Lobby</b>", "view": "helpdesk", "subjects": true, "url": null,
               "created_at": "2025-11-22T10:30:00Z", "expires_at": "2025-12-01T00:00:00Z"})
    );
    assert!(url.as_str().unwrap().starts_with(&format!("/beacon/display/helpdesk?key={ID}.")));
    assert_eq!(suite.peers.seen("/api/displays")[0].body, asked);
    let token = &suite.peers.seen("/service-token")[0].body;
    assert_eq!(token["user_token"], suite.identity.user_token(Admin));
    let list = suite.get_as(Admin, "/api/displays").await;
    assert_eq!(
        list.json(),
        json!({"displays": [{"id": ID, "name": "<b>Lobby</b>", "view": "helpdesk", "subjects": true,
            "created_by": "admin@example.test", "created_at": "2025-11-22T10:30:00Z",
            "expires_at": "2025-12-01T00:00:00Z"}]})
    );
}

#[tokio::test]
async fn subjects_and_end_may_be_left_out() {
    let suite = suite().await;
    assert_eq!(post(&suite, json!({"name": "x", "view": "professional-services"})).await.status, 201);
    let sent = &suite.peers.seen("/api/displays")[0].body;
    assert_eq!(
        *sent,
        json!({"name": "x", "view": "professional-services", "subjects": false, "expires_at": null})
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let suite = suite().await;
    let unknown = post(&suite, json!({"name": "x", "view": "none"})).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]), (400, &json!("Unsupported view: none")));
    assert_eq!(post(&suite, json!({"view": "helpdesk"})).await.status, 400);
    assert!(suite.peers.seen("/api/displays").is_empty(), "nothing of it reached Codex");
    for (codex, body, status, error) in [
        (
            400,
            json!({"error": "name must have 1 to 150 characters"}),
            400,
            json!("name must have 1 to 150 characters"),
        ),
        (403, json!({"error": "Insufficient permissions"}), 403, json!("Insufficient permissions")),
        (503, json!({"error": "secret"}), 503, Value::Null),
        (500, json!({"error": "secret"}), 502, Value::Null),
        (200, json!([1]), 502, Value::Null),
    ] {
        suite.peers.answer("POST /api/displays", codex, body);
        let answer = post(&suite, json!({"name": "x", "view": "helpdesk"})).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &error), "{codex}");
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn links_are_taken_back_and_unknown_ones_are_404() {
    let suite = suite().await;
    let delete = async |id: &str| {
        let token = suite.identity.user_token(Admin);
        suite.client.delete(&format!("/api/displays/{id}")).bearer(token).send().await
    };
    let done = delete(ID).await;
    assert_eq!((done.status.as_u16(), done.body.len()), (204, 0));
    for id in ["00000000-0000-4000-8000-000000000000", "x", "..%2Fcompanies"] {
        let answer = delete(id).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (404, &json!("Display not found")),
            "{id}"
        );
    }
    assert!(suite.peers.seen("/api/companies").is_empty());
}

#[tokio::test]
async fn only_administrators_in_person_manage_links() {
    let suite = suite().await;
    let service = suite.identity.service_token("brainhair", "beacon");
    let on_behalf = suite.identity.service_token_on_behalf("brainhair", "beacon", Admin);
    let mut tokens = vec![(None, 401), (Some(service), 403), (Some(on_behalf), 403)];
    tokens.extend([Technician, Billing, Client].map(|level| (Some(suite.identity.user_token(level)), 403)));
    for (token, status) in tokens {
        let body = json!({"name": "x", "view": "helpdesk"});
        for request in [
            suite.client.get("/api/displays"),
            suite.client.post("/api/displays").json(&body),
            suite.client.delete(&format!("/api/displays/{ID}")),
            suite.client.get("/displays"),
        ] {
            let request = match &token {
                Some(token) => request.bearer(token),
                None => request,
            };
            assert_eq!(request.send().await.status, status, "{token:?}");
        }
    }
    assert!(suite.peers.seen("/api/displays").is_empty());
}

#[tokio::test]
async fn the_page_lists_links_without_their_keys_and_escapes_what_people_typed() {
    let suite = suite().await;
    let mut ended = record();
    ended["expires_at"] = json!("2025-11-22T10:30:00Z");
    ended["view"] = json!("gone");
    suite.peers.answer("GET /api/displays", 200, json!({"displays": [record(), ended]}));
    let page = suite.get_as(Admin, "/displays").await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
    let page = page.text();
    for expected in [
        r#"data-api-url="/api/displays""#,
        r#"<option value="professional-services">Professional Services</option>"#,
        "&#60;b&#62;Lobby",
        "admin@example.test",
        ">Dec 1, 2025 12:00 AM</time>",
        r#"<span class="badge">ended</span>"#,
        ">gone</td>",
    ] {
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
    for never in ["<b>Lobby", "key=", " style=", " onclick="] {
        assert!(!page.contains(never), "{never}");
    }
}

#[tokio::test]
async fn while_codex_is_away_the_page_says_so() {
    let suite = suite().await;
    suite.peers.answer("GET /api/displays", 503, json!({}));
    let token = suite.identity.user_token(Admin);
    let page = suite.client.get("/displays").bearer(token).header("accept", "text/html").send().await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "5"));
    assert!(page.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn without_the_switch_the_routes_say_how_to_get_them() {
    let suite = Suite::start().await;
    for path in ["/api/displays", "/displays"] {
        let answer = suite.get_as(Admin, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["detail"], "Public displays are switched off (PUBLIC_DISPLAY_ENABLED).");
        assert_eq!(suite.get_as(Technician, path).await.status, 403, "{path}");
    }
    assert!(suite.peers.seen("/api/displays").is_empty());
}
