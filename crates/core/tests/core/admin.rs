//! Keycloak's Admin REST subset (core.md §7.5, helm.md §4.4, codex-api.md §13.4).

use http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Admin, Browser, Core, PASSWORD, claims};

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_user_is_made_changed_and_removed_with_keycloaks_codes(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin
        .create(json!({"username": "Ada", "email": "ADA@msp.example", "firstName": "Ada", "lastName": "L", "enabled": true,
            "emailVerified": false, "unknownMember": 1}))
        .await;
    let user = admin.get(&format!("/users/{id}")).await;
    insta::assert_json_snapshot!(user, { ".id" => "[id]", ".createdTimestamp" => "[time]" });
    assert_eq!(user["createdTimestamp"], core.clock.unix() * 1000);

    let change =
        json!({"firstName": "Adele", "email": "", "attributes": {"phone": ["1"]}, "username": "ada"});
    assert_eq!(admin.send(Method::PUT, &format!("/users/{id}"), Some(change)).await.status, 204);
    let user = admin.get(&format!("/users/{id}")).await;
    assert_eq!(
        (&user["firstName"], &user["lastName"], user.get("email")),
        (&json!("Adele"), &json!("L"), None)
    );
    assert_eq!(user["attributes"], json!({"phone": ["1"]}));
    let rename = admin.send(Method::PUT, &format!("/users/{id}"), Some(json!({"username": "eve"}))).await;
    assert_eq!(rename.status, 400);

    assert_eq!(admin.send(Method::DELETE, &format!("/users/{id}"), None).await.status, 204);
    for (method, path) in [
        (Method::GET, format!("/users/{id}")),
        (Method::DELETE, format!("/users/{id}")),
        (Method::GET, "/users/not-an-id".into()),
        (Method::POST, format!("/users/{id}/logout")),
        (Method::GET, format!("/users/{id}/groups")),
    ] {
        let missing = admin.send(method, &path, None).await;
        assert_eq!(
            (missing.status.as_u16(), missing.json()),
            (404, json!({"error": "User not found"})),
            "{path}"
        );
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_address_that_an_administrator_wrote_is_confirmed_unless_he_says_otherwise(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let claims_of = async |name: &str| {
        let access = core.tokens(name).await["access_token"].clone();
        let userinfo = core.userinfo(access.as_str().unwrap()).await.json();
        let token = claims(&core.exchange(&access).await);
        assert_eq!(token["permission_level"], "client");
        (userinfo["email_verified"].clone(), token["email"].clone(), token.get("email_verified").cloned())
    };
    let credentials = json!([{"type": "password", "value": PASSWORD, "temporary": false}]);
    for (name, said, confirmed) in [
        ("said-nothing", Value::Null, true),
        ("said-yes", json!(true), true),
        ("said-no", json!(false), false),
    ] {
        let mut body = json!({"username": name, "email": format!("{name}@c.example"), "enabled": true,
            "credentials": credentials});
        if !said.is_null() {
            body["emailVerified"] = said;
        }
        let id = admin.create(body).await;
        let expected = match confirmed {
            true => (json!(true), json!(format!("{name}@c.example")), None),
            false => (json!(false), json!(""), Some(json!(false))),
        };
        assert_eq!(claims_of(name).await, expected, "{name}");
        let change = json!({"email": format!("new-{name}@c.example")});
        assert_eq!(admin.send(Method::PUT, &format!("/users/{id}"), Some(change)).await.status, 204);
        let expected = (json!(true), json!(format!("new-{name}@c.example")), None);
        assert_eq!(claims_of(name).await, expected, "{name}, another address");
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_session_ends_when_the_address_changes_or_is_confirmed(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let path = format!("/users/{}", admin.id_of("client").await);
    for (change, ends) in [
        (json!({"email": "other@c.example"}), true),
        (json!({"emailVerified": false}), true),
        (json!({"emailVerified": true}), true),
        (json!({"email": "other@c.example", "emailVerified": true, "lastName": "Other"}), false),
    ] {
        let token = core.exchange(&core.tokens("client").await["access_token"]).await;
        assert_eq!(admin.send(Method::PUT, &path, Some(change.clone())).await.status, 204, "{change}");
        assert_eq!(core.validate(&token).await, if ends { 401 } else { 200 }, "{change}");
    }
}

#[sqlx::test(migrations = false)]
async fn addresses_from_before_count_as_the_administrators(pool: PgPool) {
    let (before, confirm): (Vec<_>, Vec<_>) =
        hivematrix_core::MIGRATOR.iter().partition(|migration| migration.version < 4);
    for migration in before {
        sqlx::raw_sql(migration.sql.clone()).execute(&pool).await.unwrap();
    }
    let people = "insert into users (id, username, email, created_at) values \
        (gen_random_uuid(), 'old', 'old@c.example', now()), (gen_random_uuid(), 'nameless', null, now())";
    sqlx::raw_sql(people).execute(&pool).await.unwrap();
    sqlx::raw_sql(confirm[0].sql.clone()).execute(&pool).await.unwrap();
    let confirmed: Vec<String> =
        sqlx::query_scalar("select username from users where email_verified").fetch_all(&pool).await.unwrap();
    assert_eq!(confirmed, ["old"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn clashing_and_unusable_users_are_refused(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    for (body, status, message) in [
        (json!({"username": "TECH"}), 409, "User exists with same username"),
        (json!({"username": "new", "email": "Tech@hivematrix.local"}), 409, "User exists with same email"),
        (json!({"email": "x@y.example"}), 400, "User name is missing"),
        (json!({"username": "  "}), 400, "User name is missing"),
        (json!({"username": "a b"}), 400, "User name is not valid"),
    ] {
        let refused = admin.send(Method::POST, "/users", Some(body.clone())).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()),
            (status, json!({"errorMessage": message})),
            "{body}"
        );
    }
    assert_eq!(admin.send(Method::POST, "/users", Some(json!({"username": 5}))).await.status, 400);
    assert_eq!(
        admin
            .send(Method::POST, "/users", Some(json!({"username": "new", "groups": ["/nope"]})))
            .await
            .status,
        404
    );
    assert_eq!(admin.get("/users/count").await, 4, "nothing half made is left");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn users_are_listed_searched_and_paged(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    for n in 0..3 {
        let body = json!({"username": format!("z{n}"), "email": format!("z{n}@msp.example"), "firstName": "Zoe",
            "lastName": format!("Number {n}"), "enabled": n != 1});
        admin.create(body).await;
    }
    for (path, names) in [
        ("/users", "admin billing client tech z0 z1 z2"),
        ("/users?first=1&max=2", "billing client"),
        ("/users?max=-1&first=5", "z1 z2"),
        ("/users?max=0", ""),
        ("/users?first=x&max=y&briefRepresentation=z", "admin billing client tech z0 z1 z2"),
        ("/users?username=EC", "tech"),
        ("/users?username=z1&exact=true", "z1"),
        ("/users?username=z&exact=true", ""),
        ("/users?email=msp.example", "z0 z1 z2"),
        ("/users?email=z2@msp.example&exact=true", "z2"),
        ("/users?firstName=zoe&enabled=false", "z1"),
        ("/users?search=zoe", "z0 z1 z2"),
        ("/users?search=zoe%20number", "z0 z1 z2"),
        ("/users?search=umber", ""),
        ("/users?search=*umber*", "z0 z1 z2"),
        ("/users?search=%25", ""),
        ("/users?username=%25", ""),
    ] {
        assert_eq!(admin.names(path).await.join(" "), names, "{path}");
    }
    assert_eq!(admin.get("/users/count").await, 7);
    assert_eq!(admin.get("/users/count?search=zoe").await, 3);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn groups_are_listed_joined_and_left_and_decide_the_level(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let groups = admin.get("/groups").await;
    insta::assert_json_snapshot!(groups, { "[].id" => "[id]" });
    let id_of = |name: &str| {
        let group = groups.as_array().unwrap().iter().find(|group| group["name"] == name).unwrap();
        group["id"].as_str().unwrap().to_owned()
    };
    let user = admin.get("/users?username=client&exact=true").await[0]["id"].as_str().unwrap().to_owned();
    let session = core.tokens("client").await["access_token"].clone();
    let jwt = core.client.post("/api/token/exchange").json(&json!({"access_token": session})).send().await;
    let jwt = jwt.json()["token"].as_str().unwrap().to_owned();

    let path = format!("/users/{user}/groups/{}", id_of("admins"));
    assert_eq!(admin.send(Method::PUT, &path, None).await.status, 204);
    assert_eq!(admin.send(Method::PUT, &path, None).await.status, 204, "again is fine");
    let names =
        |groups: Value| groups.as_array().unwrap().iter().map(|g| g["path"].clone()).collect::<Vec<_>>();
    assert_eq!(names(admin.get(&format!("/users/{user}/groups")).await), ["/admins", "/client"]);
    let old = core.client.post("/api/token/validate").json(&json!({"token": jwt})).send().await;
    assert_eq!(old.status, 401, "the old level is gone at once");
    let access = core.tokens("client").await["access_token"].clone();
    let jwt =
        core.client.post("/api/token/exchange").json(&json!({"access_token": access})).send().await.json();
    assert_eq!(claims(jwt["token"].as_str().unwrap())["permission_level"], "admin");
    assert_eq!(admin.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(names(admin.get(&format!("/users/{user}/groups")).await), ["/client"]);

    let nowhere = format!("/users/{user}/groups/{user}");
    let missing = admin.send(Method::PUT, &nowhere, None).await;
    assert_eq!((missing.status.as_u16(), missing.json()), (404, json!({"error": "Group not found"})));
    assert_eq!(names(admin.get("/groups?search=TECH").await), ["/technicians"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_password_reset_signs_out_and_a_temporary_one_is_changed_at_sign_in(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin.get("/users?username=tech&exact=true").await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/users/{id}/reset-password");
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    for (body, error) in [
        (json!({"type": "password", "value": "short", "temporary": false}), "error"),
        (json!({"type": "password", "value": ""}), "errorMessage"),
        (json!({"type": "otp", "value": "long enough"}), "errorMessage"),
        (json!({}), "errorMessage"),
    ] {
        let refused = admin.send(Method::PUT, &path, Some(body.clone())).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.json().get(error).is_some(), "{body} {}", refused.text());
    }
    assert!(browser.is_signed_in().await);
    let temporary = json!({"type": "password", "value": "for the first time", "temporary": true});
    assert_eq!(admin.send(Method::PUT, &path, Some(temporary)).await.status, 204);
    assert!(!browser.is_signed_in().await);
    assert_eq!(admin.get(&format!("/users/{id}")).await["requiredActions"], json!(["UPDATE_PASSWORD"]));
    assert!(browser.sign_in("tech", "for the first time").await.text().contains("kc-passwd-update-form"));
    let lasting = json!({"type": "password", "value": "for good this time", "temporary": false});
    assert_eq!(admin.send(Method::PUT, &path, Some(lasting)).await.status, 204);
    assert!(!browser.sign_in("tech", "for good this time").await.code().is_empty());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_disabled_or_removed_user_is_out_at_once(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    for (name, method, body) in
        [("tech", Method::PUT, Some(json!({"enabled": false}))), ("billing", Method::DELETE, None)]
    {
        let browser = Browser::new(&core);
        let tokens = core.redeem(&browser.sign_in(name, PASSWORD).await.code()).await.json();
        let exchange = json!({"access_token": tokens["access_token"]});
        let jwt =
            core.client.post("/api/token/exchange").json(&exchange).send().await.json()["token"].clone();
        let id = admin.get(&format!("/users?username={name}&exact=true")).await[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(admin.send(method, &format!("/users/{id}"), body).await.status, 204);
        assert!(!browser.is_signed_in().await, "{name}");
        assert_eq!(
            core.client.post("/api/token/validate").json(&json!({"token": jwt})).send().await.status,
            401
        );
        assert_eq!(core.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
        let again = browser.sign_in(name, PASSWORD).await;
        assert!(
            matches!((name, again.status()), ("tech", 403) | ("billing", 401)),
            "{name} {}",
            again.status()
        );
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_interface_is_for_administrators_on_this_machine(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let users = "/admin/realms/hivematrix/users";
    let status = async |token: Option<&str>| {
        let request = core.client.get(users);
        let request = if let Some(token) = token { request.bearer(token) } else { request };
        request.send().await.status.as_u16()
    };
    let own = core.tokens("admin").await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status(None).await, 401);
    assert_eq!(status(Some("garbage")).await, 401);
    assert_eq!(status(Some(&core.service_token("helm").await)).await, 401);
    assert_eq!(status(Some(&own)).await, 403, "a browser's token is no administration token");
    let admin = Admin::new(&core).await;
    assert_eq!(status(Some(&admin.token)).await, 200);
    let forwarded =
        core.client.get(users).bearer(&admin.token).header("x-forwarded-prefix", "/keycloak").send().await;
    assert_eq!(forwarded.status, 403);
    let fields = [
        ("grant_type", "password"),
        ("client_id", "admin-cli"),
        ("username", "admin"),
        ("password", PASSWORD),
    ];
    let master =
        core.client.post("/realms/master/protocol/openid-connect/token").form(&fields).send().await.json();
    let master = master["access_token"].as_str().unwrap();
    assert_eq!(status(Some(master)).await, 200);
    let id = admin.get("/users?username=admin&exact=true").await[0]["id"].as_str().unwrap().to_owned();
    let group = admin.get("/groups?search=admins").await[0]["id"].as_str().unwrap().to_owned();
    admin.send(Method::DELETE, &format!("/users/{id}/groups/{group}"), None).await;
    assert_eq!(status(Some(master)).await, 403, "no longer an administrator");
}
