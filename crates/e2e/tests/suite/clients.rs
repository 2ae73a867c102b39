//! What a client sees of Codex, and what it may do there.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::stage::Stage;

const NUMBERS: &str = ".data-table td[data-label='Account #']";

pub async fn a_client_sees_only_its_own_company(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("client", "/codex/companies/").await?;
    let own = stage.texts(NUMBERS).await?;
    ensure!(own.len() == 1, "the client sees {own:?}");
    let name = stage.text(".data-table tbody td:not([data-label]) a").await?;
    for (page, column) in [("/codex/contacts/", "Company"), ("/codex/assets/", "Company")] {
        browser.open(suite, page).await?;
        let companies = stage.texts(&format!(".data-table td[data-label={column}]")).await?;
        ensure!(
            !companies.is_empty() && companies.iter().all(|shown| *shown == name),
            "{page} shows {companies:?}"
        );
        ensure!(
            !stage.browser.has("#list-form select[name=company]").await?,
            "{page} offers companies to choose from"
        );
    }
    browser.open(suite, "/codex/").await?;
    let tiles = stage.texts(".dashboard-card__title").await?;
    ensure!(tiles == ["Companies", "Contacts", "Assets"], "the first page offers {tiles:?}");
    for words in ["Synchronisation", "To Review"] {
        ensure!(!stage.text("main").await?.contains(words), "the first page tells of {words}");
    }

    let other = other_company(stage).await?;
    for path in [
        format!("/codex/companies/{other}"),
        "/codex/admin/".into(),
        "/codex/agents".into(),
        "/codex/review".into(),
    ] {
        let status = browser.fetch_status(&path).await?;
        ensure!(status == 403, "{path} answers {status}");
    }
    let (_, file) = stage.request("GET", "/codex/companies/export.csv", None).await?;
    ensure!(!file.to_string().contains(&other), "the export has another company");
    let (status, found) = stage.request("GET", &format!("/codex/api/search?q={other}"), None).await?;
    ensure!(
        status == 200 && found["companies"]["items"] == json!([]),
        "the search finds another company: {found}"
    );
    Ok(())
}

pub async fn what_a_client_is_not_shown_is_refused_too(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("client", "/codex/companies/").await?;
    let company = stage.texts(NUMBERS).await?.pop().context("no company")?;
    let (_, people) = stage.request("GET", "/codex/contacts/api/search?per_page=1", None).await?;
    let (_, devices) = stage.request("GET", "/codex/assets/api/search?per_page=1", None).await?;
    let contact = people["contacts"][0]["id"].as_u64().context("no contact")?;
    let asset = devices["assets"][0]["id"].as_u64().context("no asset")?;
    let pages = [
        format!("/codex/companies/{company}"),
        format!("/codex/contacts/{contact}"),
        format!("/codex/assets/{asset}"),
        "/codex/companies/".into(),
        "/codex/contacts/".into(),
        "/codex/assets/".into(),
    ];
    let actions = [
        "Edit Details",
        "Add Location",
        "Remove Company",
        "Merge",
        "Delete",
        "Manage Users",
        "Remote Access",
        "Reveal",
        "Add Company",
        "Add Contact",
        "Add Asset",
    ];
    for page in &pages {
        browser.open(suite, page).await?;
        browser.find("h1").await?;
        for action in actions {
            ensure!(!stage.offers(action).await?, "{page} offers {action}");
        }
    }
    for (method, path, body) in [
        ("PUT", format!("/codex/companies/{company}/update"), json!({"name": "Ours now"})),
        ("POST", format!("/codex/companies/{company}/locations"), json!({"name": "x", "address": "x"})),
        ("DELETE", format!("/codex/api/companies/{company}?name=x"), json!({})),
        ("PUT", format!("/codex/contacts/{contact}/update"), json!({"job_title": "x"})),
        ("POST", format!("/codex/api/contacts/{contact}/merge"), json!({"into": contact})),
        ("DELETE", format!("/codex/api/contacts/{contact}"), json!({})),
        ("POST", "/codex/api/contacts".into(), json!({"email": "x@lighthouse.example"})),
        ("PUT", format!("/codex/assets/{asset}/update-contacts"), json!({"contact_ids": []})),
        ("POST", format!("/codex/api/asset/{asset}/reveal"), json!({"field": "udf2"})),
        ("POST", "/codex/api/assets".into(), json!({"hostname": "x", "company_account_number": company})),
        ("POST", "/codex/sync/psa".into(), json!({})),
        ("PUT", "/codex/api/admin/settings".into(), json!({"scheduler": {"sync_psa_enabled": false}})),
    ] {
        let (status, answer) = stage.request(method, &path, Some(&body)).await?;
        ensure!(status == 403, "{method} {path} answers {status} {answer}");
    }
    Ok(())
}

/// The account number of a company that is not the client's: those of the vendor go up one by one.
async fn other_company(stage: &Stage) -> Result<String> {
    let token = stage.suite.token("technician").await?;
    let url = format!("{}/api/companies?limit=5", stage.suite.service_url("codex").await?);
    let all: serde_json::Value =
        stage.suite.client()?.get(url).bearer_auth(token).send().await?.error_for_status()?.json().await?;
    stage.browser.open(&stage.suite, "/codex/companies/").await?;
    let own = stage.texts(NUMBERS).await?;
    let numbers = all
        .as_array()
        .context("no companies")?
        .iter()
        .filter_map(|company| company["account_number"].as_str());
    numbers.map(str::to_owned).find(|number| !own.contains(number)).context("there is only one company")
}
