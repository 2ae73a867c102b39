//! Users and groups of the realm through the router, over a stand-in that speaks Keycloak's paths (helm.md §4.4).

mod history;
mod pages;
mod realm;

use hivematrix_helm::{realm_admin::RealmAdmin, supervisor::probe::local_client};
use hivematrix_shared::{
    auth::{
        PermissionLevel::{self, Admin, Technician},
        UserClaims,
    },
    testing::TestResponse,
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use self::realm::{Shared, group, group_id, id, router};
use crate::helm::Helm;

/// Helm and the realm it administers.
pub struct World {
    pub helm: Helm,
    pub realm: Shared,
    /// Id of the administrator who calls.
    pub me: String,
}

impl World {
    /// Helm over a realm in which `root` alone administers, besides whoever calls.
    pub async fn new(pool: PgPool) -> Self {
        let client =
            [("KEYCLOAK_ADMIN_CLIENT_ID", "hivematrix-admin"), ("KEYCLOAK_ADMIN_CLIENT_SECRET", "s3cret")];
        Self::administered_by(pool, &client).await
    }

    async fn administered_by(pool: PgPool, administrator: &[(&str, &str)]) -> Self {
        let realm = Shared::default();
        for name in ["root", "bo"] {
            let user = json!({ "id": id(name), "username": name, "enabled": true });
            realm.lock().unwrap().users.insert(id(name), user);
        }
        realm.lock().unwrap().members.insert((id("root"), "admins".to_owned()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router(realm.clone())).into_future());
        let place = [("KEYCLOAK_REALM", "hivematrix"), ("KEYCLOAK_BACKEND_URL", url.as_str())];
        let environment = place.iter().chain(administrator);
        let environment =
            environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::over(pool, realm, RealmAdmin::from_environment(local_client().unwrap(), &environment))
    }

    fn over(pool: PgPool, realm: Shared, admin: Option<RealmAdmin>) -> Self {
        Self { helm: Helm::new(pool, admin), realm, me: id("me") }
    }

    /// A token of this level for the one who calls.
    pub fn token(&self, level: PermissionLevel) -> String {
        let identity = &self.helm.identity;
        identity.sign(&UserClaims { sub: self.me.clone(), ..identity.user(level) })
    }

    pub async fn send(&self, method: &str, path: &str, body: Value, level: PermissionLevel) -> TestResponse {
        let path = filled(&format!("/api/keycloak{path}"));
        let request = self
            .helm
            .client
            .request(method.parse().unwrap(), &path)
            .header("x-correlation-id", "req-1")
            .bearer(self.token(level));
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.send(method, path, body, Admin).await;
        (answer.status.as_u16(), answer.json())
    }

    fn is_member(&self, user: &str, name: &str) -> bool {
        self.realm.lock().unwrap().members.contains(&(id(user), name.to_owned()))
    }
}

/// A path with the ids of the names it holds: `/users/{bo}/groups/{group admins}`.
fn filled(path: &str) -> String {
    let Some((before, rest)) = path.split_once('{') else { return path.to_owned() };
    let (name, after) = rest.split_once('}').unwrap();
    format!("{before}{}{}", id(name), filled(after))
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_new_user_has_password_and_groups_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    let body = json!({ "username": "ada", "email": "ada@x.example", "firstName": "Ada", "lastName": " ",
        "password": "long-enough-1", "groups": ["technicians"] });
    let (status, made) = world.admin("POST", "/users", body.clone()).await;
    assert_eq!((status, &made["success"], &made["id"]), (201, &json!(true), &json!(id("ada"))), "{made}");
    let user = world.realm.lock().unwrap().users[&id("ada")].clone();
    assert_eq!(
        user["credentials"],
        json!([{ "type": "password", "value": "long-enough-1", "temporary": true }])
    );
    assert_eq!(
        (&user["enabled"], &user["firstName"], &user["lastName"]),
        (&json!(true), &json!("Ada"), &json!(null))
    );
    assert!(world.is_member("ada", "technicians"));

    let (status, refused) = world.admin("POST", "/users", body).await;
    assert_eq!((status, &refused["error"]), (409, &json!("Failed to create user")));
    assert_eq!(refused["details"], "User exists with same username");
    let (status, refused) = world.admin("POST", "/users", json!({ "username": "x" })).await;
    assert_eq!((status, &refused["error"]), (400, &json!("username and email are required")));
    let short = json!({ "username": "x", "email": "x@x.example", "password": "1234567" });
    assert_eq!(world.admin("POST", "/users", short).await.0, 400);
    assert_eq!(
        world.realm.lock().unwrap().users.len(),
        3,
        "nobody is made without a password that was wanted"
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_person_of_the_master_realm_administers_where_no_client_is_known(pool: PgPool) {
    let person = [("KEYCLOAK_ADMIN_USER", "kc"), ("KEYCLOAK_ADMIN_PASS", "pw")];
    let world = World::administered_by(pool.clone(), &person).await;
    let (status, found) = world.admin("GET", "/users", Value::Null).await;
    assert_eq!((status, found["users"].as_array().map(Vec::len)), (200, Some(2)), "{found}");
    let wrong = World::administered_by(pool, &[person[0], ("KEYCLOAK_ADMIN_PASS", "other")]).await;
    let (status, refused) = wrong.admin("GET", "/users", Value::Null).await;
    assert_eq!((status, &refused["error"]), (500, &json!("Failed to authenticate with Keycloak")));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn an_address_is_confirmed_by_whoever_says_so(pool: PgPool) {
    let world = World::new(pool).await;
    let confirmed = |name: &str| world.realm.lock().unwrap().users[&id(name)]["emailVerified"].clone();
    let ada = json!({ "username": "ada", "email": "ada@x.example", "emailVerified": true });
    assert_eq!(world.admin("POST", "/users", ada).await.0, 201);
    let eve = json!({ "username": "eve", "email": "eve@x.example" });
    assert_eq!(world.admin("POST", "/users", eve).await.0, 201);
    assert_eq!((confirmed("ada"), confirmed("eve")), (json!(true), json!(false)));
    for (change, expected) in [
        (json!({ "lastName": "Smith" }), false),
        (json!({ "email": "eve@y.example" }), false),
        (json!({ "email": "eve@z.example", "emailVerified": true }), true),
        (json!({ "emailVerified": false }), false),
    ] {
        assert_eq!(world.admin("PUT", "/users/{eve}", change.clone()).await.0, 200, "{change}");
        assert_eq!(confirmed("eve"), expected, "{change}");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_a_users_own_members_are_changed_and_others_are_named(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.realm.lock().unwrap().users[&id("bo")].clone();
    for (member, value) in [
        ("credentials", json!([{ "type": "password", "value": "smuggled-in-1" }])),
        ("attributes", json!({ "permission_level": ["admin"] })),
        ("realmRoles", json!(["admin"])),
        ("groups", json!(["/admins"])),
    ] {
        let body = json!({ "firstName": "Bo", member: value });
        let (status, refused) = world.admin("PUT", "/users/{bo}", body).await;
        let words = format!("{member} cannot be changed here");
        assert_eq!((status, &refused["error"], &refused["details"]), (400, &json!(words), &json!(words)));
    }
    assert_eq!(world.realm.lock().unwrap().users[&id("bo")], before);
    let all = json!({ "id": id("root"), "createdTimestamp": 1, "username": "bo", "email": "bo@x.example", "firstName": "Bo", "lastName": "B",
        "emailVerified": true, "enabled": true, "requiredActions": ["UPDATE_PASSWORD"] });
    assert_eq!(world.admin("PUT", "/users/{bo}", all).await.0, 200);
    assert_eq!(
        world.realm.lock().unwrap().users[&id("bo")]["id"],
        before["id"],
        "what only Keycloak sets is passed over"
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn all_pages_of_users_are_listed(pool: PgPool) {
    let world = World::new(pool).await;
    for n in 0..250 {
        let name = format!("n{n:03}");
        let user = json!({ "id": id(&name), "username": name, "email": format!("{name}@x.example"), "enabled": n % 2 == 0 });
        world.realm.lock().unwrap().users.insert(id(&name), user);
    }
    let names = |answer: &Value| -> Vec<String> {
        let users = answer["users"].as_array().unwrap().iter();
        users.map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    let (_, all) = world.admin("GET", "/users", Value::Null).await;
    assert_eq!((names(&all).len(), &all["total"]), (252, &json!(252)));
    for (query, first, number, total) in [
        ("first=0&max=10", "bo", 10, 252),
        ("first=201&max=100", "n200", 51, 252),
        ("first=500", "", 0, 252),
        ("search=N24&max=3", "n240", 3, 10),
        ("search=n24", "n240", 10, 10),
        ("search=n24&enabled=false", "n241", 5, 5),
        ("search=x.example%20n001&first=0", "n001", 1, 1),
        ("max=0", "bo", 1, 252),
    ] {
        let (status, answer) = world.admin("GET", &format!("/users?{query}"), Value::Null).await;
        let names = names(&answer);
        let told = (names.first().map_or("", String::as_str), names.len(), &answer["total"]);
        assert_eq!((status, told), (200, (first, number, &json!(total))), "{query}");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn what_is_no_id_reaches_nobody(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.realm.lock().unwrap().users.clone();
    for bad in ["..", "%2e%2e", "..%2Fgroups", "bo", "00000000000000000000000000000000", "x%3Fa%3Db"] {
        for (method, path) in [
            ("GET", format!("/users/{bad}")),
            ("PUT", format!("/users/{bad}")),
            ("DELETE", format!("/users/{bad}")),
            ("POST", format!("/users/{bad}/reset-password")),
            ("GET", format!("/users/{bad}/groups")),
            ("PUT", format!("/users/{bad}/groups")),
            ("PUT", format!("/users/{bad}/groups/{{group billing}}")),
            ("DELETE", format!("/users/{{root}}/groups/{bad}")),
        ] {
            let body = match method {
                "PUT" | "POST" => {
                    json!({ "enabled": true, "groups": ["admins"], "password": "long-enough-1" })
                }
                _ => Value::Null,
            };
            // Members beside `enabled` would be refused as 400 before the id is looked at.
            let body = if path.ends_with(bad) && method == "PUT" { json!({ "enabled": true }) } else { body };
            let (status, refused) = world.admin(method, &path, body).await;
            assert_eq!(status, 404, "{method} {path}: {refused}");
        }
    }
    assert_eq!(world.realm.lock().unwrap().users, before);
    let (status, one) = world.admin("GET", "/users/{bo}", Value::Null).await;
    assert_eq!((status, &one["user"]["username"]), (200, &json!("bo")));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn another_spelling_of_an_id_opens_no_way_around_the_guard(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .realm
        .lock()
        .unwrap()
        .users
        .insert(id("me"), json!({ "id": id("me"), "username": "me", "enabled": true }));
    world.realm.lock().unwrap().members.insert((id("me"), "admins".to_owned()));
    for path in [
        format!("/users/{}", id("me").to_uppercase()),
        format!("/users/{}/groups/{}", id("me"), group_id("admins").to_uppercase()),
    ] {
        assert_eq!(world.admin("DELETE", &path, Value::Null).await.0, 409, "{path}");
    }
    assert!(world.is_member("me", "admins"));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn nobody_locks_out_himself_or_the_last_administrator(pool: PgPool) {
    let world = World::new(pool).await;
    {
        let mut realm = world.realm.lock().unwrap();
        for (name, enabled) in [("me", true), ("off", false)] {
            let user = json!({ "id": id(name), "username": name, "enabled": enabled });
            realm.users.insert(id(name), user);
        }
        // Somebody who cannot sign in does not count.
        realm.members.insert((id("off"), "admins".to_owned()));
    }
    let groups = json!({ "groups": ["billing"] });
    let disable = json!({ "enabled": false });
    for (method, path, body) in [
        ("PUT", "/users/{root}/groups", groups.clone()),
        ("PUT", "/users/{root}", disable.clone()),
        ("DELETE", "/users/{root}", Value::Null),
        ("DELETE", "/users/{root}/groups/{group admins}", Value::Null),
        ("PUT", "/users/{me}", disable.clone()),
        ("DELETE", "/users/{me}", Value::Null),
    ] {
        let (status, refused) = world.admin(method, path, body).await;
        assert_eq!(status, 409, "{method} {path}: {refused}");
    }
    assert!(world.is_member("root", "admins"));
    // With another one who can sign in, root may go.
    world.realm.lock().unwrap().members.insert((id("bo"), "admins".to_owned()));
    assert_eq!(world.admin("PUT", "/users/{root}/groups", groups).await.0, 200);
    assert_eq!(world.admin("PUT", "/users/{root}", disable).await.0, 200);
    assert_eq!(world.admin("DELETE", "/users/{root}", Value::Null).await.0, 200);
    // Others lose nothing that matters.
    assert_eq!(world.admin("DELETE", "/users/{off}", Value::Null).await.0, 200);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_user_admin_stays(pool: PgPool) {
    let world = World::new(pool).await;
    world.realm.lock().unwrap().users.insert(id("a"), json!({ "id": id("a"), "username": "Admin" }));
    let (status, refused) = world.admin("DELETE", "/users/{a}", Value::Null).await;
    assert_eq!((status, &refused["error"]), (403, &json!("Cannot delete the admin user")));
    assert_eq!(world.admin("DELETE", "/users/{none}", Value::Null).await.0, 404);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn groups_are_replaced_and_a_part_that_fails_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    let (status, done) =
        world.admin("PUT", "/users/{bo}/groups", json!({ "groups": ["technicians", "billing"] })).await;
    assert_eq!((status, &done["success"]), (200, &json!(true)));
    assert_eq!((&done["added"], &done["removed"]), (&json!(["technicians", "billing"]), &json!([])));
    world.realm.lock().unwrap().closed = Some("admins");
    let wanted = json!({ "groups": ["admins", "billing", "nobody"] });
    let (status, done) = world.admin("PUT", "/users/{bo}/groups", wanted).await;
    assert_eq!((status, &done["success"]), (207, &json!(false)));
    assert_eq!(done["errors"], json!(["Failed to add to group admins", "Group nobody does not exist"]));
    assert_eq!(done["removed"], json!(["technicians"]));
    assert_eq!(
        world.admin("PUT", "/users/{bo}/groups", json!({})).await.1["error"],
        "Missing \"groups\" in request body"
    );
    assert_eq!(
        world.admin("GET", "/users/{bo}/groups", Value::Null).await.1["groups"],
        json!([group("billing")])
    );
    assert_eq!(world.admin("GET", "/users/{none}/groups", Value::Null).await.0, 404);
    assert_eq!(world.admin("PUT", "/users/{bo}/groups/{group technicians}", Value::Null).await.0, 200);
    assert_eq!(world.admin("DELETE", "/users/{bo}/groups/{group billing}", Value::Null).await.0, 200);
    assert!(world.is_member("bo", "technicians") && !world.is_member("bo", "billing"));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_password_is_set_or_refused_with_the_reason(pool: PgPool) {
    let world = World::new(pool).await;
    let path = "/users/{bo}/reset-password";
    assert_eq!(
        world.admin("POST", path, json!({ "password": "new-password-1", "temporary": false })).await.0,
        200
    );
    let kept = world.realm.lock().unwrap().users[&id("bo")]["credentials"][0].clone();
    assert_eq!(kept, json!({ "type": "password", "value": "new-password-1", "temporary": false }));
    let (status, refused) = world.admin("POST", path, json!({ "password": "password" })).await;
    assert_eq!((status, &refused["details"]), (400, &json!("too common")));
    assert_eq!(world.admin("POST", path, json!({})).await.1["error"], "password is required");
    assert_eq!(
        world.admin("POST", "/users/{none}/reset-password", json!({ "password": "new-password-1" })).await.0,
        404
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_administrators_get_in_and_an_outage_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    for path in ["/users", "/groups", "/users/{bo}/groups"] {
        assert_eq!(
            world.send("GET", path, Value::Null, Technician).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let service = world.helm.identity.service_token("codex", "helm");
    let alone = world.helm.client.get("/api/keycloak/users").bearer(service).send().await;
    assert_eq!(alone.json()["error"], "This endpoint is for users only");
    world.realm.lock().unwrap().shut = true;
    let (status, refused) = world.admin("GET", "/users", Value::Null).await;
    assert_eq!((status, &refused["error"]), (500, &json!("Failed to authenticate with Keycloak")));
    let without = World::over(world.helm.state.pool.clone(), Shared::default(), None);
    assert_eq!(
        without.admin("GET", "/users", Value::Null).await.1["error"],
        "Failed to authenticate with Keycloak"
    );
}
