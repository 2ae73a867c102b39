//! What breaks, and how it heals by itself.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::board::Board;
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::{Fault, FaultMode, TicketPatch};
use serde_json::Value;

use crate::board::{expected, open};
use crate::stage::Stage;

pub async fn a_failing_vendor_loses_no_ticket(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?.numbers();
    let control = &suite.vendor.control;
    let modes = [
        FaultMode::Unauthorized,
        FaultMode::RateLimited { retry_after: Some(1) },
        FaultMode::Status { status: 500 },
        FaultMode::TruncatedJson,
        FaultMode::HtmlPage,
        FaultMode::EmptyBody,
        FaultMode::EmptyPage,
        FaultMode::NotFound,
        FaultMode::CutConnection,
    ];
    for mode in modes {
        control.clear_requests();
        control.add_fault(Fault::always(mode.clone()));
        // The second request under the fault is made when the first one has been dealt with.
        eventually(&format!("Codex meets {mode:?}"), ARRIVAL, async || {
            Ok(when(control.request_counts().total >= 2))
        })
        .await?;
        let kept = codex_numbers(suite).await?;
        ensure!(kept == control.active_ids(), "{mode:?}: Codex has {} active tickets", kept.len());
        ensure!(Board::read(browser).await?.numbers() == before, "{mode:?} changed the board");
        control.clear_faults();
    }
    let id = control.create_ticket(TicketPatch { group_id: Some(None), ..TicketPatch::default() });
    eventually("the vendor is followed again", ARRIVAL, async || {
        Ok(when(Board::read(browser).await?.find(id).is_some()))
    })
    .await?;
    ensure!(Board::read(browser).await?.numbers() == expected(suite, "helpdesk")?);
    Ok(())
}

/// The vendor's numbers of Codex's active tickets, ascending, past all caches of Beacon.
async fn codex_numbers(suite: &Suite) -> Result<Vec<u64>> {
    let url = format!("{}/api/tickets/active", suite.service_url("codex").await?);
    let answer = suite.client()?.get(url).bearer_auth(suite.token("technician").await?).send().await?;
    let tickets: Value = answer.error_for_status()?.json().await?;
    let mut numbers = Vec::new();
    for section in ["section1", "section2", "section3", "section4"] {
        let section = tickets[section].as_array().context("no section")?;
        numbers.extend(section.iter().filter_map(|ticket| ticket["external_id"].as_u64()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub async fn killed_codex_leaves_the_rows_and_comes_back(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?.numbers();
    let pid = suite.kill("codex").await?;
    let mut lost = false;
    eventually("Codex is back", ARRIVAL, async || {
        lost |= Board::read(browser).await?.numbers() != before;
        Ok(when(suite.is_back("codex", pid).await?))
    })
    .await?;
    ensure!(!lost, "rows went away with Codex");
    let id =
        suite.vendor.control.create_ticket(TicketPatch { group_id: Some(None), ..TicketPatch::default() });
    eventually("the board goes on", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when(board.find(id).is_some() && board.trouble.is_empty()))
    })
    .await
}

pub async fn a_stopped_codex_is_told_and_forgiven(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?.numbers();
    suite.helm(&["stop", "codex"]).await?;
    let stale = eventually("the board says that it is stale", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok((!board.trouble.is_empty()).then_some(board))
    })
    .await;
    let reload = async {
        browser.driver.refresh().await?;
        Board::read(browser).await
    }
    .await;
    suite.helm(&["start", "codex"]).await?;
    ensure!(stale?.numbers() == before, "rows went away with Codex");
    let reload = reload?;
    ensure!(reload.numbers() == before && !reload.trouble.is_empty(), "a reload has nothing to show");
    eventually("the trouble is over", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when(board.trouble.is_empty() && board.numbers() == before))
    })
    .await
}

pub async fn killed_core_and_helm_come_back_without_a_new_login(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    open(stage, "helpdesk").await?;
    let core = suite.kill("core").await?;
    suite.comes_back("core", core).await?;
    browser.driver.refresh().await?;
    ensure!(Board::read(browser).await?.total > 0, "the session ended with Core");

    let before = suite.status().await?;
    suite.kill("helm").await?;
    suite.helm(&["up", "--demo"]).await?;
    let after = suite.status().await?;
    for name in ["core", "nexus", "codex", "beacon"] {
        let pid = |status: &std::collections::BTreeMap<String, hivematrix_e2e::suite::ServiceStatus>| {
            status.get(name).and_then(|status| status.pid)
        };
        ensure!(pid(&before).is_some() && pid(&before) == pid(&after), "{name} was not adopted");
    }
    browser.driver.refresh().await?;
    ensure!(Board::read(browser).await?.total > 0, "the board ended with Helm");
    Ok(())
}
