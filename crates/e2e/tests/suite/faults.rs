//! What breaks, and how it heals by itself.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hivematrix_e2e::board::Board;
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::{Fault, FaultMode, TicketPatch};

use crate::Stage;
use crate::board::{expected, open};

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
        // Two requests at least have met the fault, then the board had time to hear of it.
        eventually(&format!("Codex meets {mode:?}"), Duration::from_secs(90), async || {
            Ok(when(control.request_counts().total >= 2))
        })
        .await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let board = Board::read(browser).await?;
        ensure!(board.numbers() == before, "{mode:?} changed the board");
        control.clear_faults();
    }
    let id = control.create_ticket(TicketPatch { group_id: Some(None), ..TicketPatch::default() });
    eventually("the vendor is followed again", ARRIVAL * 2, async || {
        Ok(when(Board::read(browser).await?.find(id).is_some()))
    })
    .await?;
    ensure!(Board::read(browser).await?.numbers() == expected(suite, "helpdesk")?);
    Ok(())
}

pub async fn killed_codex_leaves_the_rows_and_comes_back(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?.numbers();
    let pid = suite.kill("codex").await?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        ensure!(Board::read(browser).await?.numbers() == before, "rows went away with Codex");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    suite.comes_back("codex", pid).await?;
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
