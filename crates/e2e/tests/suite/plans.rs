//! A billing plan from its first day to its last.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::stage::{Stage, quoted};

const NAME: &str = "Lighthouse";

pub async fn a_plan_is_created_priced_and_refused_a_bad_price(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("admin", "/codex/billing-plans/").await?;
    stage.fill("#new-plan-name", NAME).await?;
    stage.click("form[action$='/billing-plans/create'] button").await?;
    stage.toast(&format!("Plan “{NAME}” created")).await?;
    let plan = format!("details[data-plan={NAME}]");
    stage.yes("the new plan is open", &format!("document.querySelector('{plan}').open")).await?;
    let terms = stage.texts(&format!("{plan} table:first-of-type tbody th")).await?;
    for term in ["Month to Month", "1 Year", "2 Year", "3 Year"] {
        ensure!(terms.iter().any(|row| row.starts_with(term)), "no term {term}: {terms:?}");
    }

    let price = format!("{plan} input[name^=per_user_cost_]");
    let save = format!("{plan} form[data-endpoint] [type=submit]");
    let status = format!("{plan} [data-status]");
    stage.fill(&price, "-5").await?;
    stage.texts_when("it says that nothing is saved", &status, |said| said == ["Unsaved changes"]).await?;
    stage.click(&save).await?;
    stage
        .yes("the wrong price has the focus", "document.activeElement.name.startsWith('per_user_cost_')")
        .await?;
    stage
        .yes("and is told to be wrong", "document.activeElement.getAttribute('aria-invalid') == 'true'")
        .await?;
    let wrong = stage.texts(&format!("{plan} .form-group__error")).await?;
    ensure!(wrong == ["0 or more"], "beside the price stands {wrong:?}");
    // The server would have refused it too.
    let id: u64 = stage
        .value(&format!("document.querySelector('{plan} [name=plan_ids]').value"))
        .await?
        .as_str()
        .unwrap_or_default()
        .parse()?;
    let body = json!({"terms": [{"id": id, "per_user_cost": "-5", "features": {}}]});
    let (refused, problem) = stage.request("PUT", &format!("/codex/api/plans/{NAME}"), Some(&body)).await?;
    ensure!(
        refused == 400 && problem["fields"].is_object(),
        "a bad price is answered by {refused} {problem}"
    );

    stage.fill(&price, "85.5").await?;
    stage.choose(&format!("{plan} select[name^=support_level_]"), "Unlimited").await?;
    stage.click(&save).await?;
    stage.toast(&format!("Plan “{NAME}” saved")).await?;
    stage.texts_when("nothing is left to save", &status, |said| said == [""]).await?;
    ensure!(
        stage.text(&format!("{plan} [data-support]")).await? == "Billed Hourly, Unlimited",
        "the head of the plan has its old support level"
    );
    browser.open(suite, "/codex/").await?;
    browser.open(suite, &format!("/codex/billing-plans/?plan={NAME}")).await?;
    stage
        .yes(
            "a link leads to the plan",
            &format!("document.activeElement === document.querySelector('{plan} summary')"),
        )
        .await?;
    ensure!(
        stage.value(&format!("document.querySelector('{price}').value")).await? == "85.50",
        "the price is not kept"
    );

    stage.click(&format!("{plan} [data-modal-open=delete-dialog]")).await?;
    stage.click("#delete-dialog [type=submit]").await?;
    stage.toast(&format!("Plan “{NAME}” deleted")).await?;
    ensure!(!browser.has(&plan).await?, "the deleted plan is still listed");
    Ok(())
}

pub async fn of_two_files_the_newer_one_is_shown(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/codex/billing-plans/").await?;
    stage.click("[data-modal-open=import-dialog]").await?;
    // The answer about the first file comes last.
    let late =
        "(() => { const asked = window.fetch; let first = true; window.fetch = async (address, how) => {
        const mine = first; first = false;
        const answer = await asked(address, how);
        if (mine) await new Promise((go) => setTimeout(go, 1500));
        return answer; }; })()";
    stage.value(late).await?;
    for name in ["Elderly", "Newcomer"] {
        let file = json!({"plans": [{"plan_name": name, "term_length": "1 Year"}], "feature_options": []});
        let chosen = format!(
            "(() => {{ const files = new DataTransfer(); files.items.add(new File([{}], 'plans.json'));
                const field = document.getElementById('json-file'); field.files = files.files;
                field.dispatchEvent(new Event('change')); }})()",
            quoted(&file.to_string())
        );
        stage.value(&chosen).await?;
    }
    let shown = "document.getElementById('import-preview').textContent";
    stage.yes("the second file is shown", &format!("{shown}.includes('Newcomer')")).await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    ensure!(
        stage.value(&format!("{shown}.includes('Newcomer') && !{shown}.includes('Elderly')")).await? == true,
        "the answer about the first file has taken its place"
    );
    Ok(())
}
