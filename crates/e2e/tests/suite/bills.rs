//! A month's bills in the hands of whoever sends them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::eventually;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{Stage, quoted};

/// The month before a `YYYY-MM`.
fn month_before(period: &str) -> Result<(i64, i64)> {
    let (year, month) = period.split_once('-').context("no month")?;
    let (year, month): (i64, i64) = (year.parse()?, month.parse()?);
    Ok(if month == 1 { (year - 1, 12) } else { (year, month - 1) })
}

/// Status, type and text of a file; bytes that are no text are as one character each.
async fn file(stage: &Stage, path: &str) -> Result<(u64, String, String)> {
    let read = format!(
        "fetch({}).then(async (r) => [r.status, r.headers.get('content-type') ?? '',
            new TextDecoder('latin1').decode(await r.arrayBuffer())])",
        quoted(path)
    );
    serde_json::from_value(stage.value(&read).await?).context("a file")
}

/// The suite's own Ledger on the command line, with what Helm gave to the one that runs.
async fn on_the_command_line(suite: &Suite, arguments: &[&str]) -> Result<String> {
    let status = suite.status().await?;
    let pid = status.get("ledger").and_then(|ledger| ledger.pid).context("Ledger does not run")?;
    let proc = Path::new("/proc").join(pid.to_string());
    let environment = std::fs::read(proc.join("environ"))?;
    let variables = environment.split(|byte| *byte == 0).filter_map(|one| {
        let (name, value) = std::str::from_utf8(one).ok()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let output = Command::new(std::fs::read_link(proc.join("exe"))?)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "hivematrix-ledger {arguments:?}: {said}{errors}");
    Ok(said)
}

pub async fn a_bill_is_accepted_sent_and_kept_as_it_was(stage: &Stage) -> Result<()> {
    stage.visit("billing", "/codex/companies/").await?;
    ensure!(
        stage.browser.has("#side-panel a[href='/ledger/']").await?,
        "the side panel has no way to Ledger"
    );
    let now = eventually("companies have bills", ARRIVAL, async || {
        let (status, answer) = stage.request("GET", "/ledger/api/billing/dashboard", None).await?;
        let bills = answer["companies"].as_array().map_or(0, Vec::len);
        // One company in eight has no plan, or has ended.
        Ok((status == 200 && bills >= 20).then_some(answer))
    })
    .await?;
    let (year, month) = month_before(now["billing_period"].as_str().unwrap_or_default())?;
    let of_month = format!("?year={year}&month={month}");
    let dashboard = format!("/ledger/api/billing/dashboard{of_month}");
    let (_, before) = stage.request("GET", &dashboard, None).await?;
    let bills = before["companies"].as_array().context("no companies")?;
    let costs = |bill: &&Value| bill["total_bill"].as_f64().is_some_and(|total| total > 0.0);
    let bill = bills.iter().find(costs).context("nobody has to pay anything")?;
    let account = bill["account_number"].as_str().context("no account number")?;

    let body = json!({"account_number": account, "year": year, "month": month, "notes": "by hand"});
    let (status, accepted) = stage.request("POST", "/ledger/api/bill/accept", Some(&body)).await?;
    ensure!(status == 201, "the bill is not accepted: {status} {accepted}");
    let number = accepted["invoice_number"].as_str().context("no number")?;
    let (status, again) = stage.request("POST", "/ledger/api/bill/accept", Some(&body)).await?;
    ensure!(status == 409 && again["invoice_number"] == number, "a second click gets {status} {again}");
    let (_, after) = stage.request("GET", &dashboard, None).await?;
    let listed = after["companies"].as_array().into_iter().flatten();
    let archived: Vec<&Value> =
        listed.filter(|bill| bill["is_archived"] == true).map(|bill| &bill["account_number"]).collect();
    ensure!(archived == [account], "in the archive are {archived:?}");

    let (status, kind, pdf) = file(stage, &format!("/ledger/invoice/{account}/pdf{of_month}")).await?;
    ensure!(status == 200 && kind == "application/pdf", "the PDF: {status} {kind}");
    ensure!(pdf.starts_with("%PDF-") && pdf.trim_end().ends_with("%%EOF"), "the PDF is cut off");
    let csv = format!("/ledger/invoice/{account}/download{of_month}");
    let (status, kind, text) = file(stage, &csv).await?;
    ensure!(status == 200 && kind.starts_with("text/csv"), "the CSV: {status} {kind}");
    ensure!(text.contains(number) && text.lines().count() > 1, "the CSV has no lines: {text}");
    let (_, _, zip) = file(stage, &format!("/ledger/invoices/bulk/download{of_month}")).await?;
    ensure!(zip.starts_with("PK"), "all invoices are no archive");

    let told = on_the_command_line(&stage.suite, &["verify"]).await?;
    ensure!(told.contains("1 documents of 1 companies, 0 faults."), "the archive: {told}");
    Ok(())
}

pub async fn bills_are_closed_to_technicians(stage: &Stage) -> Result<()> {
    stage.visit("tech", "/codex/companies/").await?;
    ensure!(!stage.browser.has("#side-panel a[href='/ledger/']").await?, "the side panel leads to Ledger");
    for path in ["/ledger/", "/ledger/api/billing/dashboard", "/ledger/invoices/bulk/download"] {
        let status = stage.browser.fetch_status(path).await?;
        ensure!(status == 403, "{path} answers {status}");
    }
    Ok(())
}
