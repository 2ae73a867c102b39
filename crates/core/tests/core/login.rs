//! Signing in at the local realm (core.md §7.5).

use chrono::TimeDelta;
use hivematrix_shared::config::Secret;
use sqlx::PgPool;

use crate::support::{Browser, Core, ISSUER, ORIGIN, Options, PASSWORD, claims};

async fn outcomes(core: &Core) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM sign_ins ORDER BY id").fetch_all(core.pool()).await.unwrap()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_code_flow_leads_back_with_a_code_that_brings_tokens_of_the_public_issuer(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let form = browser.authorize(&[]).await;
    assert_eq!(form.status(), 200);
    assert!(form.action().starts_with("/keycloak/realms/hivematrix/login-actions/authenticate?"));
    assert_eq!(form.response.header("cache-control"), "no-store");
    let back = browser.submit(&form, &[("username", " TECH "), ("password", PASSWORD)]).await;
    assert!(back.response.status.is_redirection());
    assert!(back.location().as_str().starts_with(&format!("{ORIGIN}/keycloak-callback?")));
    assert_eq!(back.parameter("state").as_deref(), Some("the-state"));
    assert_eq!(back.parameter("iss").as_deref(), Some(ISSUER));

    let tokens = core.redeem(&back.code()).await.json();
    let id = claims(tokens["id_token"].as_str().unwrap());
    insta::assert_json_snapshot!("id_token", id, {
        ".sub" => "[id]", ".sid" => "[id]", ".jti" => "[id]", ".at_hash" => "[hash]",
        ".iat" => "[time]", ".exp" => "[time]", ".auth_time" => "[time]"
    });
    assert_eq!(id["exp"].as_i64().unwrap(), core.clock.unix() + 300);
    let userinfo = core.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    insta::assert_json_snapshot!("userinfo", userinfo, { ".sub" => "[id]" });
    assert_eq!(outcomes(&core).await, ["success"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn cookies_are_bound_to_the_realms_path_and_closed_to_scripts(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let back = Browser::new(&core).sign_in("tech", PASSWORD).await;
    let cookie = back.response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    for cookie in cookie {
        assert!(cookie.ends_with("; Path=/keycloak; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_signed_in_browser_is_not_asked_again_unless_the_client_wants_it(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    assert!(!browser.is_signed_in().await);
    browser.sign_in("tech@hivematrix.local", PASSWORD).await;
    assert!(!browser.authorize(&[]).await.code().is_empty());
    assert!(browser.is_signed_in().await);
    let asked = browser.authorize(&[("prompt", "login")]).await;
    assert!(asked.text().contains("kc-form-login"));
    core.clock.advance(TimeDelta::hours(12));
    let expired = browser.authorize(&[("prompt", "none")]).await;
    assert_eq!(expired.parameter("error").as_deref(), Some("login_required"));
    assert_eq!(expired.parameter("state").as_deref(), Some("the-state"));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn wrong_passwords_and_unknown_names_get_the_same_answer(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let mut answers = Vec::new();
    for (name, password) in
        [("tech", "wrong"), ("nobody", "wrong"), ("tech' OR 1=1 --", "wrong"), ("nobody", PASSWORD)]
    {
        let page = Browser::new(&core).sign_in(name, password).await;
        assert!(page.text().contains("kc-form-login"));
        answers.push((page.status(), page.alert().unwrap()));
    }
    assert!(
        answers.iter().all(|answer| *answer == (401, "The user name or the password is wrong.".to_owned())),
        "{answers:?}"
    );
    let empty = Browser::new(&core).sign_in("tech", "").await;
    assert_eq!(empty.status(), 400);
    assert_eq!(outcomes(&core).await, ["wrong_credentials"; 4]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_password_in_the_place_of_the_name_is_not_written_down(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for typed in ["TECH", "nobody", "tech@hivematrix.local", PASSWORD, "Summer2025!"] {
        Browser::new(&core).sign_in(typed, "wrong").await;
    }
    let names: Vec<String> =
        sqlx::query_scalar("SELECT username FROM sign_ins ORDER BY id").fetch_all(core.pool()).await.unwrap();
    assert_eq!(names, ["TECH", "nobody", "tech@hivematrix.local", "[withheld]", "[withheld]"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_account_locks_with_a_growing_delay_and_a_success_resets_it(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let attempt = async |password: &str| Browser::new(&core).sign_in("tech", password).await;
    for _ in 0..5 {
        assert_eq!(attempt("wrong").await.status(), 401);
    }
    let locked = attempt(PASSWORD).await;
    assert_eq!(locked.status(), 429, "not even the right password is looked at");
    assert_eq!(locked.alert().unwrap(), "There were too many failed attempts. Try again in 30 seconds.");
    core.clock.advance(TimeDelta::seconds(30));
    assert_eq!(attempt("wrong").await.status(), 401);
    core.clock.advance(TimeDelta::seconds(59));
    assert_eq!(attempt(PASSWORD).await.status(), 429, "now 60 seconds");
    core.clock.advance(TimeDelta::seconds(1));
    assert!(attempt(PASSWORD).await.response.status.is_redirection());
    assert_eq!(attempt("wrong").await.status(), 401, "counted from the start again");
    assert!(outcomes(&core).await.contains(&"locked".to_owned()));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn names_without_an_account_lock_in_the_same_way(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for _ in 0..5 {
        assert_eq!(Browser::new(&core).sign_in("nobody", "wrong").await.status(), 401);
    }
    assert_eq!(Browser::new(&core).sign_in("NOBODY", "wrong").await.status(), 429);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_address_that_tries_many_accounts_locks_and_others_go_on(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for n in 0..20 {
        assert_eq!(Browser::new(&core).sign_in(&format!("user{n}"), "wrong").await.status(), 401);
    }
    assert_eq!(Browser::new(&core).sign_in("tech", PASSWORD).await.status(), 429);
    assert!(
        Browser::at(&core, "198.51.100.4").sign_in("tech", PASSWORD).await.response.status.is_redirection()
    );
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn many_attempts_at_once_do_not_slip_past_the_limit(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let form = browser.authorize(&[]).await;
    let attempts = (0..12).map(|_| browser.submit(&form, &[("username", "tech"), ("password", "wrong")]));
    let statuses: Vec<_> =
        futures::future::join_all(attempts).await.iter().map(|page| page.status()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_generated_password_has_to_be_changed_before_anything_else(pool: PgPool) {
    let core = Core::start(Options {
        pool: Some(pool),
        change: |settings| {
            use std::os::unix::fs::PermissionsExt;
            let file = settings.common.home.join("first-password");
            std::fs::write(&file, "generated-1\n").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            settings.admin_password = None;
            settings.admin_password_file = Some(file);
        },
        ..Options::default()
    })
    .await;
    let browser = Browser::new(&core);
    let change = browser.sign_in("admin", "generated-1").await;
    assert_eq!(change.status(), 200);
    assert!(change.text().contains("kc-passwd-update-form"));
    assert!(!browser.is_signed_in().await, "not signed in yet");
    for (new, confirm, why) in [
        ("short", "short", "The password needs at least 8 characters."),
        ("long enough", "other one", "The two passwords are not the same."),
        ("generated-1", "generated-1", "The new password must differ from the old one."),
        (
            "Summer2025!",
            "Summer2025!",
            "The password is one of those that are tried first. Several words that have nothing to do with each other make a good one.",
        ),
    ] {
        let again = browser.submit(&change, &[("password-new", new), ("password-confirm", confirm)]).await;
        assert_eq!(again.alert().as_deref(), Some(why));
    }
    let fields = [("password-new", "my own choice"), ("password-confirm", "my own choice")];
    let back = browser.submit(&change, &fields).await;
    assert!(!back.code().is_empty());
    let reused = browser
        .submit(&change, &[("password-new", "a second one"), ("password-confirm", "a second one")])
        .await;
    assert_eq!(reused.status(), 400, "the ticket counts once");
    assert!(Browser::new(&core).sign_in("admin", "my own choice").await.response.status.is_redirection());
    assert_eq!(Browser::new(&core).sign_in("admin", "generated-1").await.status(), 401);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_restart_with_another_first_password_changes_nobody(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let mut settings = core.state.settings.clone();
    settings.admin_password = Some(Secret::new("something else"));
    core.state.realm.as_ref().unwrap().bootstrap(&settings).await.unwrap();
    assert!(Browser::new(&core).sign_in("admin", PASSWORD).await.response.status.is_redirection());
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(core.pool()).await.unwrap();
    assert_eq!(count, 4);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_form_counts_only_in_the_browser_it_was_shown_in(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let form = browser.authorize(&[]).await;
    let fields = [("username", "tech"), ("password", PASSWORD)];
    let stranger = Browser::new(&core);
    let refused = stranger.submit(&form, &fields).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.alert().unwrap(), "The form was open for too long. Please sign in again.");
    let forged = browser.submit(&form, &[fields[0], fields[1], ("form_mark", "AAAA")]).await;
    assert_eq!(forged.status(), 400);
    assert!(outcomes(&core).await.is_empty(), "no password was looked at");
    // The fresh form of the refusal works.
    assert!(stranger.submit(&refused, &fields).await.response.status.is_redirection());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn requests_that_are_not_ours_lead_nowhere(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    for more in [
        ("client_id", "unknown"),
        ("client_id", "hivematrix-admin"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://localhost:8443/keycloak-callback/../evil"),
        ("redirect_uri", ""),
    ] {
        let page = browser.authorize(&[more]).await;
        assert_eq!(page.status(), 400, "{more:?}");
        assert!(page.response.header("location").is_empty(), "{more:?}");
        assert!(page.text().contains("This sign-in cannot go on"));
    }
    let twice = browser.get("/realms/hivematrix/protocol/openid-connect/auth?client_id=a&client_id=b").await;
    assert_eq!(twice.status(), 400);
    for (more, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let page = browser.authorize(&[more]).await;
        assert_eq!(page.parameter("error").as_deref(), Some(error));
        assert_eq!(page.parameter("state").as_deref(), Some("the-state"));
    }
    let elsewhere = core
        .client
        .get("/realms/hivematrix/protocol/openid-connect/auth?client_id=core-client")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-prefix", "/keycloak");
    assert_eq!(elsewhere.send().await.status, 400);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn what_a_person_types_is_shown_as_text(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let page = Browser::new(&core).sign_in("\"><script>alert(1)</script>", "x").await;
    assert!(!page.text().contains("<script>"), "{}", page.text());
    let page =
        Browser::new(&core).authorize(&[("state", "\"><script>"), ("login_hint", "'\"><img src=x>")]).await;
    assert!(!page.text().contains("<script>") && !page.text().contains("<img"), "{}", page.text());
    assert!(
        !page.text().contains("style=") && !page.text().contains("onclick"),
        "a strict policy forbids these"
    );
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn logout_ends_the_browsers_session_by_id_token_or_by_asking(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let tokens = core.redeem(&browser.sign_in("tech", PASSWORD).await.code()).await.json();
    let id_token = tokens["id_token"].as_str().unwrap();
    let path = |pairs: &[(&str, &str)]| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/realms/hivematrix/protocol/openid-connect/logout?{query}")
    };
    let home = format!("{ORIGIN}/");

    let evil = browser
        .get(&path(&[("id_token_hint", id_token), ("post_logout_redirect_uri", "https://evil.example/")]))
        .await;
    assert_eq!(evil.status(), 400);
    let asked =
        browser.get(&path(&[("client_id", "core-client"), ("post_logout_redirect_uri", &home)])).await;
    assert!(asked.text().contains("kc-logout-form"));
    let foreign = core.tokens("client").await["id_token"].as_str().unwrap().to_owned();
    let asked_too =
        browser.get(&path(&[("id_token_hint", &foreign), ("post_logout_redirect_uri", &home)])).await;
    assert!(asked_too.text().contains("kc-logout-form"), "another user's token");
    assert!(browser.is_signed_in().await);

    core.clock.advance(TimeDelta::seconds(301));
    let pairs = [("id_token_hint", id_token), ("post_logout_redirect_uri", &home), ("state", "s")];
    let done = browser.get(&path(&pairs)).await;
    assert_eq!(done.location().as_str(), format!("{home}?state=s"), "an expired ID token still tells who");
    assert!(!browser.is_signed_in().await);
    assert_eq!(core.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);

    browser.sign_in("tech", PASSWORD).await;
    let asked =
        browser.get(&path(&[("client_id", "core-client"), ("post_logout_redirect_uri", &home)])).await;
    assert_eq!(browser.submit(&asked, &[]).await.location().as_str(), home);
    assert!(!browser.is_signed_in().await);
    let nobody = browser.get(&path(&[])).await;
    assert!(nobody.text().contains("You are signed out"));
    assert!(outcomes(&core).await.contains(&"signed_out".to_owned()));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_database_that_is_away_is_said_on_a_page_and_recovers(pool: PgPool) {
    let core = Core::with_realm(pool.clone()).await;
    let browser = Browser::new(&core);
    let form = browser.authorize(&[]).await;
    sqlx::query("ALTER TABLE sign_in_failures RENAME TO away").execute(core.pool()).await.unwrap();
    let failed = browser.submit(&form, &[("username", "tech"), ("password", PASSWORD)]).await;
    assert_eq!(failed.status(), 500);
    assert!(
        failed.text().contains("Reference") && !failed.text().contains("sign_in_failures"),
        "{}",
        failed.text()
    );
    sqlx::query("ALTER TABLE away RENAME TO sign_in_failures").execute(core.pool()).await.unwrap();
    assert!(!browser.submit(&form, &[("username", "tech"), ("password", PASSWORD)]).await.code().is_empty());
}

#[sqlx::test(migrations = false)]
async fn until_the_database_is_set_up_sign_in_is_a_503_and_tokens_are_given(pool: PgPool) {
    let core = Core::start(Options { pool: Some(pool), bootstrap: false, ..Options::default() }).await;
    assert_eq!(Browser::new(&core).authorize(&[]).await.status(), 503);
    assert_eq!(core.client.get("/readyz").send().await.status, 503);
    assert_eq!(core.client.get("/livez").send().await.status, 200);
    let body = serde_json::json!({"calling_service": "beacon", "target_service": "codex"});
    let service = core.client.post("/service-token").json(&body).header("x-service-secret", "beacon-secret");
    assert_eq!(service.send().await.status, 200);
    hivematrix_core::jobs::start(&core.state);
    crate::support::eventually("the realm gets ready", async || {
        core.state.realm.as_ref().unwrap().is_ready()
    })
    .await;
    assert!(!Browser::new(&core).sign_in("admin", PASSWORD).await.code().is_empty());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_pages_of_the_realm(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let sign_in = browser.sign_in("tech", "wrong").await;
    browser.sign_in("tech", PASSWORD).await;
    let sign_out = browser.get("/realms/hivematrix/protocol/openid-connect/logout").await;
    insta::assert_snapshot!("sign_in_page", sign_in.stable());
    insta::assert_snapshot!("sign_out_page", sign_out.stable());
}
