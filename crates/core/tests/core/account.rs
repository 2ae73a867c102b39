//! The account page (core.md §7.5).

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Admin, App, Browser, Core, Options, PASSWORD, Page, RedisServer, recovery_codes};

const ACCOUNT: &str = "/realms/hivematrix/account";

async fn signed_in(core: &Core) -> Browser {
    let browser = Browser::new(core);
    browser.sign_in("tech", PASSWORD).await;
    browser
}

/// Signs a browser in and gives it a HiveMatrix session, as the gateway does.
async fn at_work(core: &Core, address: &str) -> (Browser, String) {
    let browser = Browser::at(core, address);
    let tokens = core.redeem(&browser.sign_in("tech", PASSWORD).await.code()).await.json();
    let body = json!({"access_token": tokens["access_token"]});
    let jwt = core.client.post("/api/token/exchange").json(&body).send().await.json()["token"].clone();
    (browser, jwt.as_str().unwrap().to_owned())
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn it_leads_back_after_signing_in_and_changes_the_password(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let other = signed_in(&core).await;
    let form = browser.get(ACCOUNT).await;
    assert!(form.text().contains("kc-form-login"));
    let back = browser.submit(&form, &[("username", "tech"), ("password", PASSWORD)]).await;
    assert_eq!(back.response.header("location"), "/keycloak/realms/hivematrix/account");
    let account = browser.get(back.response.header("location")).await;
    assert!(account.text().contains("tech@hivematrix.local") && account.text().contains("technicians"));

    let change = async |present: &str, new: &str| {
        let fields = [("password", present), ("password-new", new), ("password-confirm", new)];
        browser.submit_form(&account, "password-form", &fields).await
    };
    let wrong = change("wrong", "a new password").await;
    assert_eq!((wrong.status(), wrong.alert().as_deref()), (400, Some("The present password is wrong.")));
    assert_eq!(change(PASSWORD, "short").await.status(), 400);
    let done = change(PASSWORD, "a new password").await;
    assert!(done.text().contains("Your password was changed."));
    assert!(browser.is_signed_in().await && !other.is_signed_in().await);
    assert_eq!(Browser::new(&core).sign_in("tech", PASSWORD).await.status(), 401);
    assert!(Browser::new(&core).sign_in("tech", "a new password").await.response.status.is_redirection());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn nothing_is_done_without_the_forms_mark_or_for_another_page(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = signed_in(&core).await;
    browser.set_up_app(&core).await;
    for path in ["password", "totp", "totp/remove", "recovery-codes", "sessions/end", "sign-out-everywhere"] {
        let refused = browser.post(&format!("{ACCOUNT}/{path}"), &[("password", PASSWORD)]).await;
        assert_eq!(refused.status(), 400, "{path}");
        assert_eq!(refused.alert().as_deref(), Some("The form was open for too long. Please try again."));
        let stranger = Browser::new(&core).post(&format!("{ACCOUNT}/{path}"), &[]).await;
        assert!(stranger.text().contains("kc-form-login"), "{path}");
    }
    assert!(browser.is_signed_in().await);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn trying_passwords_on_the_page_locks_like_the_sign_in(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = signed_in(&core).await;
    let account = browser.get(ACCOUNT).await;
    let change = async |present: &str| {
        let fields =
            [("password", present), ("password-new", "a new one"), ("password-confirm", "a new one")];
        browser.submit_form(&account, "password-form", &fields).await
    };
    for _ in 0..5 {
        assert_eq!(change("wrong").await.alert().as_deref(), Some("The present password is wrong."));
    }
    let locked = "There were too many failed attempts. Try again later.";
    assert_eq!(change(PASSWORD).await.alert().as_deref(), Some(locked));
    assert_eq!(Browser::new(&core).sign_in("tech", PASSWORD).await.status(), 429);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn setting_an_app_up_takes_the_password_and_a_code_and_signs_other_browsers_out(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let other = signed_in(&core).await;
    let browser = signed_in(&core).await;
    let form = browser.get(&format!("{ACCOUNT}/totp")).await;
    let app = App::scan(&core, &form);
    let set_up = async |code: &str, password: &str| {
        browser.submit_form(&form, "kc-totp-settings-form", &[("totp", code), ("password", password)]).await
    };
    let wrong = set_up(&app.code(), "wrong").await;
    assert_eq!(wrong.alert().as_deref(), Some("The present password is wrong."));
    assert_eq!(App::scan(&core, &wrong).code(), app.code(), "the picture stays the same");
    assert!(
        set_up(&app.wrong_code(), PASSWORD).await.alert().unwrap().starts_with("That code does not fit.")
    );
    assert!(other.is_signed_in().await, "nothing happened yet");
    assert_eq!(recovery_codes(&set_up(&app.code(), PASSWORD).await).len(), 10);
    assert!(browser.is_signed_in().await && !other.is_signed_in().await);
    let again = set_up(&app.next(), PASSWORD).await;
    assert_eq!(again.alert().as_deref(), Some("This account has an authenticator app already."));
    assert!(browser.get(ACCOUNT).await.text().contains("Recovery codes left"));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_offered_key_is_for_its_account_and_its_time(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = signed_in(&core).await;
    let form = browser.get(&format!("{ACCOUNT}/totp")).await;
    let app = App::scan(&core, &form);
    let billing = Browser::new(&core);
    billing.sign_in("billing", PASSWORD).await;
    let own = billing.get(&format!("{ACCOUNT}/totp")).await;
    let stolen = form.attribute_of("totpSecret", "value");
    let code = app.code();
    let fields = [("totpSecret", &*stolen), ("totp", &*code), ("password", PASSWORD)];
    let late = "The key was shown too long ago. Scan this new one.";
    assert_eq!(
        billing.submit_form(&own, "kc-totp-settings-form", &fields).await.alert().as_deref(),
        Some(late)
    );
    core.clock.advance(TimeDelta::seconds(1800));
    let code = app.code();
    let fields = [("totp", &*code), ("password", PASSWORD)];
    let refused = browser.submit_form(&form, "kc-totp-settings-form", &fields).await;
    assert_eq!(refused.alert().as_deref(), Some(late));
    assert_ne!(App::scan(&core, &refused).code(), code, "a new key");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn removing_the_app_and_new_recovery_codes_take_password_and_code(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = signed_in(&core).await;
    let (app, old) = browser.set_up_app(&core).await;
    let manage = browser.get(&format!("{ACCOUNT}/totp")).await;
    for form in ["recovery-codes-form", "totp-remove-form"] {
        for (password, code, why) in [
            ("wrong", app.code_in(1), "The present password is wrong."),
            (PASSWORD, app.wrong_code(), "The code is wrong, or was used before."),
            (PASSWORD, app.code(), "The code is wrong, or was used before."),
        ] {
            let fields = [("password", password), ("otp", &*code)];
            let refused = browser.submit_form(&manage, form, &fields).await;
            assert_eq!(refused.alert().as_deref(), Some(why), "{form}");
            // Each counts; here it is not about the lock-out.
            sqlx::query("DELETE FROM sign_in_failures").execute(core.pool()).await.unwrap();
        }
    }
    let code = app.next();
    let fields = [("password", PASSWORD), ("otp", &*code)];
    let renewed = browser.submit_form(&manage, "recovery-codes-form", &fields).await;
    let new = recovery_codes(&renewed);
    assert!(new.len() == 10 && !new.contains(&old[0]));
    let with_old = [("password", PASSWORD), ("otp", &*old[0])];
    let refused = browser.submit_form(&manage, "totp-remove-form", &with_old).await;
    assert_eq!(refused.status(), 400, "the old ones no longer count");
    let with_new = [("password", PASSWORD), ("otp", &*new[0])];
    let removed = browser.submit_form(&manage, "totp-remove-form", &with_new).await;
    assert!(removed.text().contains("The second factor was removed."), "{}", removed.text());
    assert!(!Browser::new(&core).sign_in("tech", PASSWORD).await.code().is_empty());
    let gone = browser.submit_form(&manage, "totp-remove-form", &with_new).await;
    assert_eq!(gone.alert().as_deref(), Some("Your account has no authenticator app."));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn browsers_are_listed_and_ended_one_by_one(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let (here, mine) = at_work(&core, "203.0.113.7").await;
    let (there, jwt) = at_work(&core, "198.51.100.4").await;
    let foreign = Browser::new(&core);
    foreign.sign_in("billing", PASSWORD).await;
    let account = here.get(ACCOUNT).await;
    assert!(account.text().contains("198.51.100.4"));
    let ids = session_ids(&account);
    assert_eq!(ids.len(), 2);
    let foreign_id = session_ids(&foreign.get(ACCOUNT).await).remove(0);
    let end = async |browser: &Browser, page: &Page, id: &str| {
        let mark = mark_of(page);
        browser.post(&format!("{ACCOUNT}/sessions/end"), &[("form_mark", &mark), ("id", id)]).await
    };
    for id in [&*foreign_id, "nonsense", ""] {
        assert!(end(&here, &account, id).await.text().contains("was signed out already"), "{id}");
    }
    assert!(foreign.is_signed_in().await && there.is_signed_in().await);
    assert_eq!(core.validate(&jwt).await, 200);

    let own_id = this_one(&account);
    let other_id = ids.iter().find(|id| **id != own_id).unwrap();
    let ended = end(&here, &account, other_id).await;
    assert!(ended.text().contains("The browser was signed out."), "{}", ended.text());
    assert!(!there.is_signed_in().await && here.is_signed_in().await);
    assert_eq!(core.validate(&jwt).await, 401, "its HiveMatrix session is over too");
    assert_eq!(core.validate(&mine).await, 200, "and no other");

    let out = end(&here, &account, &own_id).await;
    assert!(out.text().contains("You are signed out"));
    assert!(!here.is_signed_in().await);
}

fn mark_of(page: &Page) -> String {
    let text = page.text();
    text.split("name=\"form_mark\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn session_ids(page: &Page) -> Vec<String> {
    let text = page.text();
    let fields = text.split("name=\"id\" value=\"").skip(1);
    fields.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn this_one(page: &Page) -> String {
    let text = page.text();
    let row = text.split("This one").nth(1).unwrap();
    row.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_out_everywhere_ends_browsers_and_sessions(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let (here, jwt) = at_work(&core, "203.0.113.7").await;
    let (there, other) = at_work(&core, "198.51.100.4").await;
    let account = here.get(ACCOUNT).await;
    let done = here.submit_form(&account, "sign-out-form", &[]).await;
    assert!(done.text().contains("You are signed out everywhere"));
    assert!(!here.is_signed_in().await && !there.is_signed_in().await);
    for jwt in [jwt, other] {
        assert_eq!(core.validate(&jwt).await, 401);
    }
    let last: String = sqlx::query_scalar("SELECT outcome FROM sign_ins ORDER BY id DESC LIMIT 1")
        .fetch_one(core.pool())
        .await
        .unwrap();
    assert_eq!(last, "signed_out_everywhere");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn sessions_that_end_only_later_are_not_called_ended(pool: PgPool) {
    let mut redis = RedisServer::start().await;
    let options = Options { pool: Some(pool), redis_url: Some(redis.url()), ..Options::default() };
    let core = Core::start(options).await;
    let there = signed_in(&core).await;
    let here = signed_in(&core).await;
    redis.stop();
    let later = "goes on until the session store answers.";
    let account = here.get(ACCOUNT).await;
    let own_id = this_one(&account);
    let other = session_ids(&account).into_iter().find(|id| *id != own_id).unwrap();
    let fields = [("form_mark", &*mark_of(&account)), ("id", &*other)];
    let ended = here.post(&format!("{ACCOUNT}/sessions/end"), &fields).await;
    assert!(ended.text().contains(later), "{}", ended.text());
    assert!(!there.is_signed_in().await, "what is in the database ends at once");
    let fields = [("password", PASSWORD), ("password-new", "a new one"), ("password-confirm", "a new one")];
    let changed = here.submit_form(&account, "password-form", &fields).await;
    assert!(changed.text().contains(later), "{}", changed.text());
    let form = here.get(&format!("{ACCOUNT}/totp")).await;
    let code = App::scan(&core, &form).code();
    let fields = [("totp", &*code), ("password", "a new one")];
    let done = here.submit_form(&form, "kc-totp-settings-form", &fields).await;
    assert!(done.text().contains(later), "{}", done.text());
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_last_ten_sign_ins_are_shown_failures_and_all_and_nobody_elses(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for n in 0..4 {
        Browser::at(&core, &format!("198.51.100.{n}")).sign_in("tech", "wrong").await;
    }
    Browser::at(&core, "192.0.2.200").sign_in("billing", "wrong").await;
    for n in 10..18 {
        Browser::at(&core, &format!("198.51.100.{n}")).sign_in("tech@hivematrix.local", PASSWORD).await;
    }
    let page = signed_in(&core).await.get(ACCOUNT).await.text();
    let past = page.split("id=\"past-title\"").nth(1).unwrap();
    assert_eq!(past.matches("<tr>").count(), 1 + 10);
    assert!(past.contains("198.51.100.3") && past.contains("Wrong password"), "{past}");
    assert!(!past.contains("198.51.100.2<"), "older than the last ten");
    assert!(!past.contains("192.0.2.200"), "another account's");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn what_others_write_into_an_account_is_shown_as_text(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let evil = "<script>alert(1)</script>";
    let body = json!({"firstName": evil, "lastName": "\"><img src=x>", "email": "a<b>@x.example"});
    admin.send(http::Method::PUT, &format!("/users/{}", admin.id_of("tech").await), Some(body)).await;
    let browser = signed_in(&core).await;
    browser.set_up_app(&core).await;
    sqlx::query("UPDATE totp_credentials SET label = $1").bind(evil).execute(core.pool()).await.unwrap();
    sqlx::query("UPDATE sign_on_sessions SET user_agent = $1, client_address = $1")
        .bind(evil)
        .execute(core.pool())
        .await
        .unwrap();
    sqlx::query("UPDATE sign_ins SET user_agent = $1, outcome = $1")
        .bind(evil)
        .execute(core.pool())
        .await
        .unwrap();
    let page = browser.get(ACCOUNT).await.text();
    assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    assert!(!page.contains("style=") && !page.contains(" onclick"), "a strict policy forbids these");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_pages_of_the_account(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = signed_in(&core).await;
    insta::assert_snapshot!("account_page", browser.get(ACCOUNT).await.stable());
    insta::assert_snapshot!("set_up_page", browser.get(&format!("{ACCOUNT}/totp")).await.stable());
    browser.set_up_app(&core).await;
    insta::assert_snapshot!("account_page_with_app", browser.get(ACCOUNT).await.stable());
    insta::assert_snapshot!("second_factor_page", browser.get(&format!("{ACCOUNT}/totp")).await.stable());
}
