//! Syncs that an administrator starts.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::{Fault, FaultMode};
use serde_json::Value;

use crate::stage::Stage;

const SYNC: &str = "[data-sync='/sync/psa']";
const NAME: &str = "[Freshservice] Sync";
/// The progress of that sync among those of others.
const RUNS: &str = "[...document.querySelectorAll('#progress-jobs article')].find((e) => e.querySelector('h3').textContent === '[Freshservice] Sync')";
/// The newest row of the history that is about it.
const ROW: &str = "[...document.querySelectorAll('#history-rows tr')].find((e) => e.cells[0].textContent === '[Freshservice] Sync')";

/// Opens the page from which syncs are started, and waits until none like that runs.
pub async fn open(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/codex/admin/").await?;
    idle(stage).await
}

/// Starts a sync that waits for the vendor, who answers with the contacts once the faults are cleared: nobody has to hurry.
pub async fn held(stage: &Stage) -> Result<()> {
    stage
        .suite
        .vendor
        .control
        .add_fault(Fault::always(FaultMode::Slow { delay_ms: 600_000 }).on("/requesters"));
    stage.click(SYNC).await?;
    stage.yes("its progress is shown", RUNS).await
}

/// Cancels the sync that waits.
pub async fn cancel(stage: &Stage) -> Result<()> {
    stage.value(&format!("{RUNS}.querySelector('button').click()")).await?;
    stage.click("#ask [type=submit]").await?;
    stage.toast(&format!("{NAME}: Cancelled")).await?;
    stage.suite.vendor.control.clear_faults();
    stage.yes("its progress is taken away", &format!("!({RUNS})")).await
}

pub async fn a_sync_is_started_once_watched_and_cancelled(stage: &Stage) -> Result<()> {
    open(stage).await?;
    let before = runs(stage).await?;
    held(stage).await?;
    stage.yes("with what it is at and how far it is", &format!("/elapsed/.test({RUNS}.textContent)")).await?;
    stage.yes("and with what it has read", &format!("/\\d+ companies/.test({RUNS}.textContent)")).await?;
    stage
        .yes(
            "the button says that it runs",
            &format!("document.querySelector(\"{SYNC}[aria-disabled=true][aria-busy=true]\")"),
        )
        .await?;

    stage.click(SYNC).await?;
    stage.toast("This runs already").await?;
    ensure!(runs(stage).await? == before + 1, "the second click has started a second one");

    stage.browser.driver.refresh().await?;
    stage.yes("a reloaded page shows it as well", RUNS).await?;
    ensure!(
        stage.value(&format!("{RUNS}.querySelector('pre').textContent.trim()")).await? != "",
        "its log is empty"
    );

    cancel(stage).await?;
    stage
        .yes(
            "the button can be used again",
            &format!("!document.querySelector(\"{SYNC}\").matches('[aria-disabled], [aria-busy]')"),
        )
        .await?;
    stage.yes("the history says how it ended", &format!("{ROW}?.textContent.includes('Cancelled')")).await
}

pub async fn a_sync_that_ends_well_is_in_the_history(stage: &Stage) -> Result<()> {
    open(stage).await?;
    let before = runs(stage).await?;
    // As if the page had stood open for long: its counts are of another day.
    let old = "document.querySelectorAll('[data-part=statistics] .text-right, #data-type option')";
    stage.value(&format!("{old}.forEach((e) => e.textContent = 'of old')")).await?;
    stage.click(SYNC).await?;
    stage.toast(&format!("{NAME}: ")).await?;
    stage
        .yes("the counts are those of now", &format!("[...{old}].every((e) => e.textContent !== 'of old')"))
        .await?;
    eventually("one more run", ARRIVAL, async || Ok(when(runs(stage).await? == before + 1))).await?;
    stage
        .yes(
            "the history says how it ended",
            &format!("/Success|Completed with errors/.test({ROW}?.textContent)"),
        )
        .await?;
    stage.value(&format!("{ROW}.querySelector('button').click()")).await?;
    stage.yes("its details are shown", "document.getElementById('job').classList.contains('active')").await?;
    let details = stage.text("#job-body").await?;
    for words in ["Job ID", "Script", "psa", "Counts", "companies", "Output"] {
        ensure!(details.contains(words), "no {words} in {details}");
    }
    stage.press(thirtyfour::Key::Escape).await?;
    stage.yes("Escape closes them", "!document.querySelector('.modal.active')").await?;

    stage.choose("#history-status", "failed").await?;
    let only = |word: &str| {
        format!(
            "[...document.querySelectorAll('#history-rows .badge')].every((e) => e.textContent === '{word}')"
        )
    };
    stage.yes("the history is filtered", &only("Failed")).await?;
    stage.choose("#history-status", "cancelled").await?;
    stage.yes("and by what was cancelled", &only("Cancelled")).await
}

/// The table of the first page, and whether it shows a sync that runs.
const TABLE: &str = "document.querySelector('[data-live] .table-wrapper')";
const RUNNING: &str = "document.querySelector('[data-live] .status-badge--running')";

pub async fn the_first_page_follows_syncs_and_keeps_the_focus(stage: &Stage) -> Result<()> {
    let control = &stage.suite.vendor.control;
    stage.visit("admin", "/codex/").await?;
    idle(stage).await?;
    stage.browser.driver.refresh().await?;
    stage.yes("no sync runs", &format!("{TABLE} && !{RUNNING}")).await?;
    stage.value(&format!("{TABLE}.focus()")).await?;
    control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 600_000 }).on("/requesters"));
    let (_, started) = stage.request("POST", "/codex/sync/psa", None).await?;
    let job = started["job_id"].as_str().context("no sync was started")?.to_owned();
    // Whoever comes back to the page sees what is new.
    stage.value("document.dispatchEvent(new Event('visibilitychange'))").await?;
    stage.yes("a sync that somebody has started is shown", RUNNING).await?;
    stage.value(&format!("{RUNNING}.dataset.seen = 'yes'")).await?;
    stage.yes("its row is read again", &format!("{RUNNING} && !{RUNNING}.dataset.seen")).await?;
    stage.yes("and the focus stays", &format!("document.activeElement === {TABLE}")).await?;
    stage.request("POST", &format!("/codex/sync/cancel/{job}"), None).await?;
    control.clear_faults();
    stage.yes("its end is shown", &format!("{TABLE} && !{RUNNING}")).await?;
    let result = "[...document.querySelectorAll('[data-live] tr')].find((e) => e.cells[0].textContent === '[Freshservice] Sync')";
    stage.yes("with how it went", &format!("{result}.textContent.includes('Cancelled')")).await
}

/// Waits until no such sync runs, of an earlier scenario or of the schedule.
async fn idle(stage: &Stage) -> Result<()> {
    eventually("no such sync runs", ARRIVAL, async || {
        let (_, running) = stage.request("GET", "/codex/api/sync/running", None).await?;
        let jobs = running["jobs"].as_array().context("no list of jobs")?;
        Ok(when(!jobs.iter().any(is_base)))
    })
    .await
}

fn is_base(job: &Value) -> bool {
    job["script"] == "psa" && job["sync_type"] == "base"
}

/// How many such syncs there have been.
async fn runs(stage: &Stage) -> Result<usize> {
    let (_, history) =
        stage.request("GET", "/codex/api/sync/jobs?script=psa&light=false&per_page=500", None).await?;
    Ok(history["jobs"].as_array().context("no list of jobs")?.iter().filter(|job| is_base(job)).count())
}
