//! What only a person can decide.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::Collection;
use hivematrix_simulators::world::companies::FIRST_COMPANY_ID;
use serde_json::{Map, Value, json};

use crate::stage::{Stage, quoted};

/// Ids at the vendor that its own people do not have.
const MERGED: u64 = 19_900_000_001;
const APART: u64 = 19_900_000_011;
const CHOSEN: u64 = 19_900_000_021;

pub async fn two_records_of_one_person_are_merged(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("admin", "/codex/admin/").await?;
    let item = question(stage, MERGED, "Merle").await?;
    let links = stage.texts(&format!("{item} .user-item__email a")).await?;
    ensure!(links.len() == 2, "the question names {links:?}");
    let pages: Vec<String> = serde_json::from_value(
        stage.value(&format!("[...document.querySelectorAll({} + ' .user-item__email a')].map((e) => new URL(e.href).pathname)", quoted(&item))).await?,
    )?;
    stage.click(&format!("{item} [data-merge]")).await?;
    let choices = stage.texts("#merge-dialog label").await?;
    ensure!(
        choices[0].contains(&links[0]) && choices[1].contains(&links[1]),
        "the dialog offers {choices:?}"
    );
    stage.click("label[for=merge-one]").await?;
    stage.click("#merge-dialog [type=submit]").await?;
    stage.yes("the question leaves the page", &format!("!document.querySelector({})", quoted(&item))).await?;
    stage.yes("the dialog is closed", "!document.querySelector('.modal.active')").await?;
    browser.open(suite, &pages[0]).await?;
    ensure!(stage.text("h1").await? == links[0], "the record that stays is gone");
    ensure!(stage.text("#contact").await?.contains("merged record"), "it does not say what it took in");
    let gone = browser.fetch_status(&pages[1]).await?;
    ensure!(gone == 404, "the other record still answers {gone}");

    // A sync does not bring it back.
    sync(stage).await?;
    let found = listed(stage, "Merle").await?;
    ensure!(found.len() == 1, "after the next sync there are {found:?}");
    Ok(())
}

pub async fn two_people_stay_two(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/codex/admin/").await?;
    let item = question(stage, APART, "Apart").await?;
    let before: u64 = open_questions(stage).await?;
    stage.click(&format!("{item} [data-dismiss]")).await?;
    stage.fill("#dismiss-note", "Mother and daughter.").await?;
    stage.click("#dismiss-dialog [type=submit]").await?;
    stage.toast("Decided").await?;
    stage.yes("the question leaves the page", &format!("!document.querySelector({})", quoted(&item))).await?;
    ensure!(open_questions(stage).await? == before - 1);
    sync(stage).await?;
    ensure!(open_questions(stage).await? == before - 1, "the next sync asks again");
    let found = listed(stage, "Apart").await?;
    ensure!(found.len() == 2, "of two people there are {found:?}");
    Ok(())
}

pub async fn a_company_chosen_for_one_site_is_not_taken_for_the_next(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/codex/admin/").await?;
    question(stage, CHOSEN, "Chosen").await?;
    // Sites without a company, as the page has them.
    let sites = "document.querySelector('[data-group] ul').insertAdjacentHTML('beforeend', ['a', 'b'].map((id) =>
        `<li data-item=\"${id}\"><p class=\"user-item__name\">Site ${id}</p><button type=\"button\" data-choose>Choose</button></li>`).join(''))";
    stage.value(sites).await?;
    let disabled = "document.querySelector('#link-dialog [type=submit]').disabled";
    let chosen = "document.querySelector('#link-company input:checked')";
    stage.click("[data-item=a] [data-choose]").await?;
    stage.yes("nothing is chosen yet", disabled).await?;
    stage.fill("#link-company input[type=search]", "a").await?;
    stage.click("#link-company label").await?;
    stage.yes("a company is chosen", &format!("{chosen} && !{disabled}")).await?;
    stage.press(thirtyfour::Key::Escape).await?;
    stage.yes("the dialog is closed", "!document.querySelector('.modal.active')").await?;
    stage.click("[data-item=b] [data-choose]").await?;
    ensure!(stage.text("#link-what").await? == "Site b");
    stage.texts_when("companies to choose from", "#link-company label", |found| !found.is_empty()).await?;
    ensure!(
        stage.value(&format!("!{chosen} && {disabled}")).await? == true,
        "the company that was chosen for the first site is chosen for the second"
    );
    ensure!(stage.value("document.querySelector('#link-company input[type=search]').value").await? == "");
    Ok(())
}

/// Lets the vendor have two people who come to share an address, and opens the question about them.
async fn question(stage: &Stage, id: u64, name: &str) -> Result<String> {
    let control = &stage.suite.vendor.control;
    let address = |place: u64| format!("{}.{place}@lighthouse.example", name.to_lowercase());
    for place in [1, 2] {
        let person = json!({
            "first_name": name, "last_name": format!("Number {place}"), "primary_email": address(place), "active": true,
            "department_ids": [FIRST_COMPANY_ID],
        });
        control.add_record(Collection::Requesters, id + place, members(person)?);
    }
    sync(stage).await?;
    let found = listed(stage, name).await?;
    ensure!(found.len() == 2, "of two new people there are {found:?}");
    control.change_record(Collection::Requesters, id + 2, members(json!({"primary_email": address(1)}))?);
    sync(stage).await?;
    stage.browser.open(&stage.suite, "/codex/review").await?;
    let question = format!(
        "[...document.querySelectorAll('[data-item]')].find((e) => e.textContent.includes({}))?.dataset.item",
        quoted(name)
    );
    let item = stage.value(&question).await?;
    Ok(format!("[data-item='{}']", item.as_str().with_context(|| format!("nothing is asked about {name}"))?))
}

fn members(value: Value) -> Result<Map<String, Value>> {
    value.as_object().cloned().context("no object")
}

/// Names of the contacts that a search finds.
async fn listed(stage: &Stage, name: &str) -> Result<Vec<String>> {
    let (_, found) = stage.request("GET", &format!("/codex/contacts/api/search?search={name}"), None).await?;
    let rows = found["contacts"].as_array().context("no contacts")?;
    Ok(rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect())
}

async fn open_questions(stage: &Stage) -> Result<u64> {
    let (_, found) = stage.request("GET", "/codex/api/review?kind=duplicate_contact", None).await?;
    found["total"].as_u64().with_context(|| format!("no total in {found}"))
}

/// A sync of companies and contacts, to its end.
async fn sync(stage: &Stage) -> Result<()> {
    let id = eventually("a sync is started", ARRIVAL, async || {
        let (status, started) = stage.request("POST", "/codex/sync/psa", None).await?;
        // One that runs already may have read the people before they changed.
        Ok(if status == 409 { None } else { started["job_id"].as_str().map(str::to_owned) })
    })
    .await?;
    eventually("the sync has ended", ARRIVAL, async || {
        let (_, job) = stage.request("GET", &format!("/codex/sync/status/{id}"), None).await?;
        ensure!(job["status"] != "failed", "the sync failed: {job}");
        Ok(when(job["status"] == "completed"))
    })
    .await
}
