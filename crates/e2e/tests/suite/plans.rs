//! A billing plan from its first day to its last.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::stage::Stage;

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
    stage.click(&save).await?;
    stage.toast(&format!("Plan “{NAME}” saved")).await?;
    stage.texts_when("nothing is left to save", &status, |said| said == [""]).await?;
    browser.open(suite, &format!("/codex/billing-plans/?plan={NAME}")).await?;
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
