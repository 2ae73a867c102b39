//! Signing in with an authenticator app (core.md §7.5).

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Admin, App, Browser, Core, PASSWORD, Page, recovery_codes};

async fn outcomes(core: &Core) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM sign_ins ORDER BY id").fetch_all(core.pool()).await.unwrap()
}

/// A Core whose user `tech` has an app, used for the last time just now.
async fn with_app(pool: PgPool) -> (Core, App, Vec<String>) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    let (app, codes) = browser.set_up_app(&core).await;
    sqlx::query("DELETE FROM sign_ins").execute(core.pool()).await.unwrap();
    (core, app, codes)
}

/// A browser at the form that asks for the code.
async fn at_the_code_form(core: &Core) -> (Browser, Page) {
    let browser = Browser::new(core);
    let form = browser.sign_in("tech", PASSWORD).await;
    assert_eq!(form.status(), 200, "{}", form.text());
    assert!(form.text().contains("kc-otp-login-form"), "{}", form.text());
    (browser, form)
}

async fn enter(browser: &Browser, form: &Page, code: &str) -> Page {
    browser.submit_form(form, "kc-otp-login-form", &[("otp", code)]).await
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn password_and_code_sign_in_and_neither_does_alone(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    assert!(!browser.is_signed_in().await, "not with the password alone");
    assert_eq!(Browser::new(&core).sign_in("tech", "wrong").await.status(), 401);
    let code = app.next();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let back = enter(&browser, &form, &spaced).await;
    assert!(!back.code().is_empty());
    assert_eq!(back.parameter("state").as_deref(), Some("the-state"), "the request survives the second step");
    assert!(browser.is_signed_in().await);
    assert_eq!(outcomes(&core).await, ["code_required", "wrong_credentials", "success"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_wrong_code_is_refused_and_may_be_tried_again(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    let code = app.next();
    for (wrong, status) in
        [(app.wrong_code().as_str(), 401), ("12345", 401), ("1234567", 401), ("abcdef", 401), (" ", 400)]
    {
        let again = enter(&browser, &form, wrong).await;
        assert_eq!(again.status(), status, "{wrong}");
        assert!(again.text().contains("kc-otp-login-form"));
        if status == 401 {
            assert_eq!(again.alert().as_deref(), Some("The code is wrong, or was used before."), "{wrong}");
        }
    }
    assert!(!enter(&browser, &form, &code).await.code().is_empty());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn no_code_counts_twice_nor_an_older_one_after_a_newer(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    assert_eq!(enter(&browser, &form, &app.code()).await.status(), 401, "the one that set it up");
    let code = app.next();
    let (first, second) = tokio::join!(enter(&browser, &form, &code), enter(&browser, &form, &code));
    let redirected = [&first, &second].iter().filter(|page| page.response.status.is_redirection()).count();
    assert_eq!(redirected, 1, "two at once");
    let (other, form) = at_the_code_form(&core).await;
    assert_eq!(enter(&other, &form, &code).await.status(), 401);
    assert!(!enter(&other, &form, &app.code_in(1)).await.code().is_empty(), "one step early");
    let (third, form) = at_the_code_form(&core).await;
    core.clock.advance(TimeDelta::seconds(30));
    assert_eq!(enter(&third, &form, &app.code_in(-1)).await.status(), 401, "older than the last");
    assert_eq!(enter(&third, &form, &app.code()).await.status(), 401, "the one that came early");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_recovery_code_counts_once(pool: PgPool) {
    let (core, _, codes) = with_app(pool).await;
    let recover = async |code: &str| {
        let (browser, form) = at_the_code_form(&core).await;
        browser.submit_form(&form, "kc-recovery-code-login-form", &[("recoveryCodeInput", code)]).await
    };
    assert!(!recover(&codes[0]).await.code().is_empty());
    assert_eq!(recover(&codes[0]).await.status(), 401);
    let typed = codes[1].replace('-', " ").to_uppercase();
    assert!(!recover(&typed).await.code().is_empty(), "however it is typed");
    assert_eq!(recover("aaaa-aaaa-aaaa-aaaa").await.status(), 401);
    assert!(outcomes(&core).await.contains(&"recovery_code_used".to_owned()));
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT code_hash FROM recovery_codes").fetch_all(core.pool()).await.unwrap();
    assert!(stored.iter().all(|hash| hash.len() == 32), "only digests are stored");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn codes_count_towards_the_lock_out_and_the_password_does_not_reset_it(pool: PgPool) {
    let (core, app, codes) = with_app(pool).await;
    core.clock.advance(TimeDelta::seconds(60));
    let wrong = app.wrong_code();
    for attempt in 1..=5 {
        // The password is right each time, which must not buy more tries.
        let (browser, form) = at_the_code_form(&core).await;
        assert_eq!(enter(&browser, &form, &wrong).await.status(), 401, "{attempt}");
    }
    let password = Browser::new(&core).sign_in("tech", PASSWORD).await;
    assert_eq!(password.status(), 429);
    core.clock.advance(TimeDelta::seconds(30));
    let (browser, form) = at_the_code_form(&core).await;
    assert_eq!(enter(&browser, &form, &wrong).await.status(), 401);
    let locked = enter(&browser, &form, &app.code()).await;
    assert_eq!(locked.status(), 429, "not even the right code is looked at");
    assert_eq!(
        locked.alert().as_deref(),
        Some("There were too many failed attempts. Try again in 60 seconds.")
    );
    let recovery = [("recoveryCodeInput", codes[0].as_str())];
    assert_eq!(browser.submit_form(&form, "kc-recovery-code-login-form", &recovery).await.status(), 429);
    core.clock.advance(TimeDelta::seconds(60));
    assert!(!enter(&browser, &form, &app.code()).await.code().is_empty());
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sign_in_failures WHERE subject LIKE 'account:%'")
            .fetch_one(core.pool())
            .await
            .unwrap();
    assert_eq!(rows, 0, "only the last factor starts the account afresh");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_in_with_a_code_costs_an_address_nothing(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    for _ in 0..25 {
        let (browser, form) = at_the_code_form(&core).await;
        assert!(!enter(&browser, &form, &app.next()).await.code().is_empty());
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_names_of_an_account_are_one_subject(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for name in ["tech", "TECH", "tech@hivematrix.local", " Tech@HiveMatrix.local ", "tech"] {
        assert_eq!(Browser::new(&core).sign_in(name, "wrong").await.status(), 401, "{name}");
    }
    for name in ["tech", "tech@hivematrix.local"] {
        let refused = Browser::new(&core).sign_in(name, PASSWORD).await;
        assert_eq!(refused.status(), 401, "{name}: nothing tells that the names belong together");
    }
    assert!(outcomes(&core).await.contains(&"locked".to_owned()));
    core.clock.advance(TimeDelta::seconds(30));
    assert!(Browser::new(&core).sign_in("tech", PASSWORD).await.response.status.is_redirection());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_proof_of_the_password_counts_in_its_browser_in_its_time_and_for_its_step(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    let ticket = form.attribute_of("kc-otp-login-form", "action");
    assert!(ticket.contains("/login-actions/authenticate-otp?"));

    let (thief, own) = at_the_code_form(&core).await;
    let stolen = hidden(&form, "ticket");
    let fields = [("otp", app.next()), ("ticket", stolen.clone())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let refused = thief.submit_form(&own, "kc-otp-login-form", &fields).await;
    assert_eq!(
        refused.alert().as_deref(),
        Some("That took too long. Please sign in again."),
        "another browser"
    );

    let path = form.action().replace("authenticate-otp", "required-action");
    let mark = hidden(&form, "form_mark");
    let skip = [
        ("form_mark", &*mark),
        ("ticket", &*stolen),
        ("password-new", "new one 1"),
        ("password-confirm", "new one 1"),
    ];
    assert_eq!(browser.post(&path, &skip).await.status(), 400, "no other step");
    let path = form.action().replace("authenticate-otp", "configure-totp");
    assert_eq!(browser.post(&path, &skip).await.status(), 400, "no other step");
    assert_eq!(enter(&browser, &form, "").await.status(), 400);

    core.clock.advance(TimeDelta::seconds(600));
    let late = enter(&browser, &form, &app.code()).await;
    assert_eq!(late.alert().as_deref(), Some("That took too long. Please sign in again."));
    assert!(!browser.is_signed_in().await);
}

fn hidden(page: &Page, name: &str) -> String {
    let text = page.text();
    let value = text.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_changed_password_ends_the_way_through_the_code(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    let body = json!({"type": "password", "value": "another password", "temporary": false});
    admin.send(http::Method::PUT, &format!("/users/{id}/reset-password"), Some(body)).await;
    assert_eq!(enter(&browser, &form, &app.next()).await.status(), 400);
    assert!(!browser.is_signed_in().await);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_app_that_an_administrator_wants_is_set_up_before_anything_else(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let before = Browser::new(&core);
    before.sign_in("tech", PASSWORD).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    admin.require(&id, &["CONFIGURE_TOTP", "UPDATE_PASSWORD"]).await;
    assert_eq!(
        admin.get(&format!("/users/{id}")).await["requiredActions"],
        json!(["CONFIGURE_TOTP", "UPDATE_PASSWORD"])
    );
    assert!(!before.is_signed_in().await, "browsers are asked again");

    let browser = Browser::new(&core);
    let change = browser.sign_in("tech", PASSWORD).await;
    assert!(change.text().contains("kc-passwd-update-form"));
    let fields = [("password-new", "my own choice"), ("password-confirm", "my own choice")];
    let form = browser.submit_form(&change, "kc-passwd-update-form", &fields).await;
    assert!(form.text().contains("kc-totp-settings-form"), "{}", form.text());
    assert!(!browser.is_signed_in().await, "not signed in yet");
    insta::assert_snapshot!("forced_set_up_page", form.stable());

    let app = App::scan(&core, &form);
    let set_up =
        async |code: &str| browser.submit_form(&form, "kc-totp-settings-form", &[("totp", code)]).await;
    let wrong = set_up(&app.wrong_code()).await;
    assert!(wrong.alert().unwrap().starts_with("That code does not fit."));
    assert_eq!(App::scan(&core, &wrong).code(), app.code(), "the key stays the same");
    let done = set_up(&app.code()).await;
    assert_eq!(recovery_codes(&done).len(), 10);
    insta::assert_snapshot!("recovery_codes_page", done.stable());
    assert_eq!(set_up(&app.next()).await.status(), 400, "the form counts once");

    let back = browser.get(&done.attribute_of("onward", "href")).await;
    assert_eq!((back.code().is_empty(), back.parameter("state").as_deref()), (false, Some("the-state")));
    assert_eq!(admin.get(&format!("/users/{id}")).await["requiredActions"], json!([]));
    assert_eq!(
        outcomes(&core).await,
        ["success", "password_change_required", "password_changed", "second_factor_set_up"]
    );
    let again = Browser::new(&core).sign_in("tech", "my own choice").await;
    assert!(again.text().contains("kc-otp-login-form"));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_new_app_that_an_administrator_wants_replaces_the_old_one_after_its_code(pool: PgPool) {
    let (core, old, codes) = with_app(pool).await;
    let admin = Admin::new(&core).await;
    admin.require(&admin.id_of("tech").await, &["CONFIGURE_TOTP"]).await;
    let (browser, form) = at_the_code_form(&core).await;
    let set_up = enter(&browser, &form, &old.next()).await;
    let new = App::scan(&core, &set_up);
    let done = browser.submit_form(&set_up, "kc-totp-settings-form", &[("totp", &new.code())]).await;
    assert_eq!(recovery_codes(&done).len(), 10);
    core.clock.advance(TimeDelta::seconds(60));
    let (browser, form) = at_the_code_form(&core).await;
    assert_eq!(enter(&browser, &form, &old.code()).await.status(), 401);
    assert_eq!(enter(&browser, &form, &codes[0]).await.status(), 401, "old recovery codes are gone too");
    assert!(!enter(&browser, &form, &new.code()).await.code().is_empty());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_key_is_encrypted_and_opens_only_for_its_account(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let stored: String =
        sqlx::query_scalar("SELECT secret FROM totp_credentials").fetch_one(core.pool()).await.unwrap();
    assert!(stored.len() > 60, "sealed");
    // Someone who can write to the table gives the administrator a key of their own.
    let billing = Browser::new(&core);
    billing.sign_in("billing", PASSWORD).await;
    let (own, _) = billing.set_up_app(&core).await;
    sqlx::query(
        "UPDATE totp_credentials SET secret = (SELECT secret FROM totp_credentials t JOIN users u ON u.id = t.user_id
                                               WHERE u.username = 'billing')",
    )
    .execute(core.pool())
    .await
    .unwrap();
    let (browser, form) = at_the_code_form(&core).await;
    assert_eq!(enter(&browser, &form, &own.next()).await.status(), 500);
    assert_eq!(enter(&browser, &form, &app.code()).await.status(), 500, "and nobody gets in without the key");
    assert!(!browser.is_signed_in().await);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_page_that_asks_for_a_code(pool: PgPool) {
    let (core, app, _) = with_app(pool).await;
    let (browser, form) = at_the_code_form(&core).await;
    insta::assert_snapshot!("code_page", enter(&browser, &form, &app.wrong_code()).await.stable());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn every_form_that_takes_a_secret_is_limited_per_address(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    for path in hivematrix_core::routes::realm::form_paths("hivematrix") {
        let mut sent = 0;
        while browser.post(&path, &[]).await.status() != 429 {
            sent += 1;
            assert!(sent < 90, "{path} has no limit of 60 a minute");
        }
        assert!(sent >= 60, "{path}: {sent}");
        assert_ne!(Browser::at(&core, "198.51.100.9").post(&path, &[]).await.status(), 429, "{path}");
    }
}
