//! Who gets in, who does not, and what is left afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hivematrix_e2e::board::Board;
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::{eventually, when};
use serde_json::json;

use crate::stage::Stage;

pub async fn a_wrong_password_is_told_and_opens_nothing(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.open(suite, "/beacon/helpdesk").await?;
    browser.fill_login("tech", "certainly-not-this").await?;
    let alert = browser.find("[role=alert]").await?.text().await?;
    ensure!(!alert.trim().is_empty(), "the form does not say what was wrong");
    ensure!(browser.has("input[name=password]").await?, "the form is gone");
    browser.open(suite, "/beacon/helpdesk").await?;
    browser.find("input[name=password]").await?;
    Ok(())
}

pub async fn a_person_signs_in_and_lands_on_the_board(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    let board = Board::read(browser).await?;
    ensure!(board.sections.len() == 4);
    let path = browser.driver.current_url().await?.path().to_owned();
    ensure!(path.starts_with("/beacon/"), "the home page is {path}");
    let cookies = browser.driver.get_all_cookies().await?;
    ensure!(!cookies.is_empty(), "there is no session cookie");
    let seen = browser.script("return document.cookie").await?;
    for cookie in cookies {
        let mark = format!("{}=", cookie.name);
        let value = cookie.value;
        let private = cookie.name.contains("session");
        ensure!(!private || !seen.to_string().contains(&mark), "scripts can read the session cookie");
        ensure!(!private || cookie.secure == Some(true), "the session cookie is not marked secure");
        ensure!(!value.contains("eyJ"), "a cookie carries a readable token");
    }
    Ok(())
}

pub async fn after_sign_out_the_back_button_shows_nothing_private(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.open(suite, "/beacon/helpdesk").await?;
    let board = eventually("tickets on the board", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok((board.total > 0).then_some(board))
    })
    .await?;
    let subjects: Vec<String> = board.rows().take(20).map(|row| row.subject.clone()).collect();
    browser.find("a[href='/logout']").await?.click().await?;
    eventually("the board is left", ARRIVAL, async || Ok(when(!browser.has("#s1-items-body").await?)))
        .await?;
    browser.driver.back().await?;
    browser.find("input[name=password]").await.context("the back button does not lead to the login form")?;
    let page = browser.script("return document.documentElement.textContent").await?.to_string();
    for subject in subjects.iter().filter(|subject| subject.len() > 12) {
        let quoted = serde_json::to_string(subject)?;
        ensure!(!page.contains(quoted.trim_matches('"')), "the back button shows: {subject}");
    }
    ensure!(!browser.has("#s1-items-body > tr").await?, "the back button shows rows");
    browser.open(suite, "/beacon/helpdesk").await?;
    browser.find("input[name=password]").await.context("the board opens without a login")?;
    Ok(())
}

pub async fn a_client_gets_the_page_that_says_no(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "client").await?;
    browser.open(suite, "/beacon/helpdesk").await?;
    eventually("a page", ARRIVAL, async || Ok(when(browser.is_on(suite).await?))).await?;
    ensure!(!browser.has("#s1-items-body").await?, "a client sees the board");
    let status = browser.fetch_status("/beacon/helpdesk").await?;
    ensure!(status == 403, "the page answers {status}");
    let status = browser.fetch_status("/beacon/api/tickets/helpdesk").await?;
    ensure!(status == 403, "the data answers {status}");
    let heading = browser.find("h1").await?.text().await?;
    ensure!(!heading.trim().is_empty(), "the page does not say why");
    Ok(())
}

/// The promise; and how often it is tried on a machine that may be busy with other things.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);
const TRIES: usize = 5;

pub async fn a_revoked_session_is_refused_everywhere_within_two_seconds(stage: &Stage) -> Result<()> {
    let mut slow = Vec::new();
    for _ in 0..TRIES {
        match revoke_one(&stage.suite).await? {
            took if took < REVOKED_WITHIN => return Ok(()),
            took => slow.push(took),
        }
    }
    bail!("it never took less than {REVOKED_WITHIN:?}: {slow:?}")
}

/// Revokes a session that all services accept, and waits until all of them refuse it.
async fn revoke_one(suite: &Suite) -> Result<Duration> {
    let client = suite.client()?;
    let token = suite.token("admin").await?;
    let core = suite.service_url("core").await?;
    let places = [
        format!("{}/beacon/api/tickets/helpdesk", suite.url),
        format!("{}/api/tickets/helpdesk", suite.service_url("beacon").await?),
        format!("{}/api/tickets/active", suite.service_url("codex").await?),
        format!("{}/api/plans", suite.service_url("ledger").await?),
        format!("{}/api/folders/tree", suite.service_url("knowledgetree").await?),
        format!("{}/api/services/status", suite.service_url("helm").await?),
    ];
    let status = async |url: &String| -> Result<u16> {
        let request = client.get(url).bearer_auth(&token).header("Accept", "application/json");
        Ok(request.send().await?.status().as_u16())
    };
    for place in &places {
        let status = status(place).await?;
        ensure!(status == 200, "{place} answers {status} to a good token");
    }
    let revoke = client.post(format!("{core}/api/token/revoke")).json(&json!({"token": token}));
    let answer = revoke.send().await?.status();
    let revoked = Instant::now();
    ensure!(answer.is_success(), "the token could not be revoked: {answer}");
    for place in &places {
        let refused = async || Ok(when(status(place).await? == 401));
        eventually(&format!("{place} refuses the token"), ARRIVAL, refused).await?;
    }
    Ok(revoked.elapsed())
}
