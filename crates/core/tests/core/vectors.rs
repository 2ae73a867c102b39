//! The requests that upstream's callers send, with the answers of our contract (core.md §2, right-hand column of §2.6).

use aws_lc_rs::signature::RSA_PSS_SHA256;
use hivematrix_shared::{auth::PermissionLevel, testing::TestKey};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Core, Options};

/// What a case expects.
enum Expected {
    /// Status and whole body.
    Body(u16, Value),
    /// Status and a problem document with this status.
    Problem(u16),
}
use Expected::{Body, Problem};

const JSON: Option<&str> = Some("application/json");

/// Name, method, path, media type, body, answer.
type Case<'a> = (&'a str, Method, &'a str, Option<&'a str>, String, Expected);

async fn check(core: &Core, cases: Vec<Case<'_>>) {
    for (name, method, path, kind, body, expected) in cases {
        let mut request = core.client.request(method, path);
        if let Some(kind) = kind {
            request = request.body(kind, body.into_bytes());
        }
        let answer = request.send().await;
        assert!(!answer.header("x-correlation-id").is_empty(), "{name}");
        match expected {
            Body(status, body) => {
                assert_eq!((answer.status.as_u16(), answer.json()), (status, body), "{name}");
                assert_eq!(answer.header("content-type"), "application/json", "{name}");
            }
            Problem(status) => {
                assert_eq!(answer.status, status, "{name}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
                assert_eq!(answer.json()["status"], status, "{name}");
                assert_eq!(answer.json()["instance"], path, "{name}");
                assert_eq!(answer.json()["type"], format!("https://httpstatuses.com/{status}"), "{name}");
            }
        }
    }
}

fn error(status: u16, text: &str) -> Expected {
    Body(status, json!({ "error": text }))
}

#[tokio::test]
async fn service_token_requests_are_answered_as_the_contract_says() {
    let core =
        Core::start(Options { change: |s| s.compat_open_service_token = true, ..Options::default() }).await;
    let names = |calling: &str, target: &str| {
        json!({"calling_service": calling, "target_service": target}).to_string()
    };
    let required = "calling_service and target_service are required";
    let long = "a".repeat(51);
    let post = |name, body: String, expected| (name, Method::POST, "/service-token", JSON, body, expected);
    check(
        &core,
        vec![
            post("empty object", "{}".into(), error(400, required)),
            post("no target", r#"{"calling_service":"beacon"}"#.into(), error(400, required)),
            post("no caller", r#"{"target_service":"codex"}"#.into(), error(400, required)),
            post("empty strings", names("", ""), error(400, required)),
            post("upper case", names("Beacon", "codex"), error(400, "Invalid calling_service format")),
            post("bad target", names("beacon", "co dex;"), error(400, "Invalid target_service format")),
            post("51 characters", names(&long, "codex"), error(400, "Invalid calling_service format")),
            post(
                "trailing newline",
                names("beacon\n", "codex"),
                error(400, "Invalid calling_service format"),
            ),
            post("unknown caller", names("mallory", "codex"), error(400, "Unknown calling_service")),
            post("unknown target", names("beacon", "archive"), error(400, "Unknown target_service")),
            post("number", r#"{"calling_service":5,"target_service":"codex"}"#.into(), Problem(400)),
            post("array", "[1]".into(), Problem(400)),
            post("null", "null".into(), Problem(400)),
            post("broken", r#"{"calling_service":"#.into(), Problem(400)),
            post("empty body", String::new(), Problem(400)),
            (
                "form",
                Method::POST,
                "/service-token",
                Some("application/x-www-form-urlencoded"),
                "calling_service=beacon".into(),
                Problem(415),
            ),
            ("no type", Method::POST, "/service-token", None, String::new(), Problem(415)),
            ("GET", Method::GET, "/service-token", None, String::new(), Problem(405)),
            ("not found", Method::GET, "/nope", None, String::new(), Problem(404)),
        ],
    )
    .await;
    let ok = core
        .client
        .post("/service-token")
        .json(&json!({"calling_service": "ledger", "target_service": "codex", "x": 1}));
    assert_eq!(ok.send().await.status, 200, "further members are ignored");
    let own = core
        .client
        .post("/service-token")
        .json(&json!({"calling_service": "codex", "target_service": "codex"}));
    assert_eq!(own.send().await.status, 200, "a service may ask for itself");
    let allow = core.client.get("/service-token").send().await;
    assert_eq!(allow.header("allow"), "POST");
}

#[tokio::test]
async fn tokens_are_refused_with_the_contracts_words() {
    let core = Core::plain().await;
    let now = core.clock.unix();
    let user = |changes: Value| {
        let mut claims = json!({"iss": "hivematrix-core", "sub": "u", "jti": "no-such-session", "name": "", "email": "",
            "preferred_username": "", "permission_level": "admin", "groups": [], "iat": now, "exp": now + 3600});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    };
    let other = Core::start(Options { own_keys: true, ..Options::default() }).await;
    let sign = async |core: &Core, claims: Value| core.state.keys.sign(&claims).await.unwrap();
    let valid = sign(&core, user(json!({}))).await;
    let (_, rest) = valid.split_once('.').unwrap();
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let with_header = |header: Value| format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let unknown = "Session expired or revoked";
    let key = TestKey::from_pem(&std::fs::read(core.home().join("core/keys/jwt_private.pem")).unwrap());
    let pem = std::fs::read(core.home().join("core/keys/jwt_public.pem")).unwrap();
    let with_public_key = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &user(json!({})),
        &jsonwebtoken::EncodingKey::from_secret(&pem),
    )
    .unwrap();
    let cases = [
        ("expired", sign(&core, user(json!({"iat": now - 3600, "exp": now}))).await, "Token expired", 404),
        ("unknown session", valid.clone(), unknown, 404),
        ("no jti", sign(&core, user(json!({"jti": null}))).await, "Token has no session ID", 400),
        ("service token", core.service_token("beacon").await, "Token has no session ID", 400),
        (
            "another key",
            sign(&other, user(json!({}))).await,
            "Invalid token: Signature verification failed",
            401,
        ),
        ("changed claims", valid.replacen('.', ".A", 1), "Invalid token: Signature verification failed", 401),
        (
            "HS256",
            with_header(json!({"alg": "HS256", "typ": "JWT"})),
            "Invalid token: The specified alg value is not allowed",
            401,
        ),
        (
            "alg none",
            with_header(json!({"alg": "none", "typ": "JWT"})),
            "Invalid token: The specified alg value is not allowed",
            401,
        ),
        (
            "wrong issuer",
            sign(&core, user(json!({"iss": "someone-else"}))).await,
            "Invalid token: Invalid issuer",
            401,
        ),
        (
            "not yet valid",
            sign(&core, user(json!({"nbf": now + 60}))).await,
            "Invalid token: The token is not yet valid (nbf)",
            401,
        ),
        (
            "from the future",
            sign(&core, user(json!({"iat": now + 6}))).await,
            "Invalid token: The token is not yet valid (iat)",
            401,
        ),
        ("issued by a clock a little ahead", sign(&core, user(json!({"iat": now + 5}))).await, unknown, 404),
        (
            "exp as text",
            sign(&core, user(json!({"exp": "4102444800"}))).await,
            "Invalid token: Malformed token",
            401,
        ),
        (
            "exp as a fraction",
            sign(&core, user(json!({"exp": 4102444800.5}))).await,
            "Invalid token: Malformed token",
            401,
        ),
        (
            "exp beyond 2^63",
            sign(&core, user(json!({"exp": 9223372036854775808_u64}))).await,
            "Invalid token: Malformed token",
            401,
        ),
        ("no exp", sign(&core, user(json!({"exp": null}))).await, "Invalid token: Malformed token", 401),
        ("negative exp", sign(&core, user(json!({"exp": -1}))).await, "Token expired", 404),
        (
            "iat as text",
            sign(&core, user(json!({"iat": "now"}))).await,
            "Invalid token: Malformed token",
            401,
        ),
        ("jti as number", sign(&core, user(json!({"jti": 5}))).await, "Token has no session ID", 400),
        (
            "no kid",
            key.sign_raw(r#"{"alg":"RS256","typ":"JWT"}"#, &user(json!({})).to_string()),
            unknown,
            404,
        ),
        (
            "unknown kid",
            key.sign_raw(r#"{"alg":"RS256","kid":"other-key"}"#, &user(json!({})).to_string()),
            "Invalid token: Signature verification failed",
            401,
        ),
        (
            "kid of the realm's key",
            key.sign_raw(r#"{"alg":"RS256","kid":"hivematrix-realm-key-1"}"#, &user(json!({})).to_string()),
            "Invalid token: Signature verification failed",
            401,
        ),
        (
            "demands in the header",
            key.sign_raw(r#"{"alg":"RS256","crit":["exp"]}"#, &user(json!({})).to_string()),
            "Invalid token: Malformed token",
            401,
        ),
        (
            "alg in lower case",
            key.sign_raw(r#"{"alg":"rs256"}"#, &user(json!({})).to_string()),
            "Invalid token: The specified alg value is not allowed",
            401,
        ),
        (
            "PS256",
            key.sign_with(&RSA_PSS_SHA256, r#"{"alg":"PS256"}"#, &user(json!({})).to_string()),
            "Invalid token: The specified alg value is not allowed",
            401,
        ),
        (
            "PS256 called RS256",
            key.sign_with(&RSA_PSS_SHA256, r#"{"alg":"RS256"}"#, &user(json!({})).to_string()),
            "Invalid token: Signature verification failed",
            401,
        ),
        (
            "HS256 with the public key",
            with_public_key,
            "Invalid token: The specified alg value is not allowed",
            401,
        ),
        ("garbage", "garbage".into(), "Invalid token: Not enough segments", 401),
        ("three garbage parts", "a.b.c".into(), "Invalid token: Malformed token", 401),
    ];
    for (name, token, reason, revoke_status) in cases {
        let body = json!({"token": token}).to_string();
        let refused = Body(401, json!({"error": reason, "valid": false}));
        let revoked = match revoke_status {
            404 => Body(404, json!({"message": "Session not found or already revoked"})),
            status => error(status, reason),
        };
        check(
            &core,
            vec![
                (name, Method::POST, "/api/token/validate", JSON, body.clone(), refused),
                (name, Method::POST, "/api/token/revoke", JSON, body, revoked),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn missing_and_malformed_input_has_its_own_status_everywhere() {
    let core = Core::plain().await;
    let none = |valid: bool| match valid {
        true => Body(400, json!({"error": "No token provided", "valid": false})),
        false => error(400, "No token provided"),
    };
    for (path, absent) in [
        ("/api/token/validate", none(true)),
        ("/api/token/revoke", none(false)),
        ("/api/token/exchange", error(400, "No access token provided")),
    ] {
        let post =
            |name, kind, body: &str, expected| (name, Method::POST, path, kind, body.to_owned(), expected);
        check(
            &core,
            vec![
                post("none", JSON, "{}", absent),
                post("number", JSON, r#"{"token":5,"access_token":5}"#, Problem(400)),
                post("broken", JSON, "{", Problem(400)),
                post("array", JSON, "[1]", Problem(400)),
                post("no body", None, "", Problem(415)),
                post("text", Some("text/plain"), "x", Problem(415)),
                ("GET", Method::GET, path, None, String::new(), Problem(405)),
            ],
        )
        .await;
    }
    let large = core
        .client
        .post("/api/token/validate")
        .body("application/json", vec![b' '; 20 * 1024 * 1024])
        .send()
        .await;
    assert_eq!(large.status, 413);
    let header_only =
        core.client.post("/api/token/validate").bearer(core.user_token(PermissionLevel::Client).await);
    assert_eq!(header_only.send().await.status, 200, "the bearer header suffices");
}

#[tokio::test]
async fn a_given_correlation_id_comes_back() {
    let core = Core::plain().await;
    let answer = core.client.get("/.well-known/jwks.json").header("x-correlation-id", "abc-123").send().await;
    assert_eq!(answer.header("x-correlation-id"), "abc-123");
}
