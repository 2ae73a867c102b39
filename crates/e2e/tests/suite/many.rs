//! A board of two thousand tickets. How smooth it is measures `scripts/bench/board.sh`.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::needs;
use hivematrix_e2e::suite::Suite;
use hivematrix_simulators::freshservice::TicketPatch;
use hivematrix_simulators::world::{Size, SizeName};

use crate::Stage;
use crate::board::expected;

pub async fn two_thousand_tickets_are_there_folded_searched_and_sorted(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    let size = Size { contacts: 400, assets: 400, history_days: 60, ..Size::named(SizeName::Demo) };
    let suite = Suite::start_with(&needs::build()?, size.with_active(2_000), []).await?;
    browser.sign_in(&suite, "tech").await?;
    let wanted = expected(&suite, "helpdesk")?;
    ensure!(wanted.len() > 1_000, "the view has {} tickets", wanted.len());
    browser.open(&suite, "/beacon/helpdesk").await?;
    let whole = format!("window.currentApiData?.total_active_items === {}", wanted.len());
    browser.becomes("all tickets have come", &whole).await?;
    let counts = "[1, 2, 3, 4].map((n) => document.querySelectorAll(`#s${n}-items-body tr`).length)";
    let all = format!("({counts}).reduce((a, b) => a + b) === {}", wanted.len());
    browser.becomes("the recipe of the document counts all of them", &all).await?;

    browser.driver.refresh().await?;
    browser.becomes("so it does from the first paint on", &all).await?;
    let seen =
        |section: u8| format!("document.querySelectorAll('#s{section}-items-body tr:not([hidden])').length");
    browser.becomes("a long section is folded", &format!("{} === 100", seen(4))).await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    browser.find("#s4-more button").await?.click().await?;
    browser.becomes("the fold opens", &format!("{} === 200", seen(4))).await?;
    // Tickets that change meanwhile move some rows.
    let goes_on = "Math.abs([...document.querySelectorAll('#s4-items-body tr:not([hidden])')]\
        .indexOf(document.activeElement.closest('tr')) - 100) < 20";
    browser.becomes("the focus goes on where the fold was", goes_on).await?;

    let control = &suite.vendor.control;
    let hidden = browser
        .script("return Number(currentApiData.s4_items[currentApiData.s4_items.length - 1].external_id)")
        .await?
        .as_u64()
        .context("no ticket")?;
    browser.find("#ticket-search").await?.send_keys(format!("#{hidden}")).await?;
    let found = "document.querySelectorAll('#s4-items-body tr:not([hidden])').length";
    browser.becomes("a folded ticket is found", &format!("{found} === 1")).await?;
    browser.find("#filter-clear").await?.click().await?;
    for _ in 0..2 {
        browser.find("#s4-item-table th[data-sort-key=id] button").await?.click().await?;
    }
    let first = "document.querySelector('#s4-items-body tr:not([hidden]) [data-value-id]').getAttribute('data-value-id')";
    let largest = "Math.max(...currentApiData.s4_items.map((t) => Number(t.external_id)))";
    browser
        .becomes(
            "the whole section is sorted, not what is seen of it",
            &format!("Number({first}) === {largest}"),
        )
        .await?;

    let id = control.create_ticket(TicketPatch {
        group_id: Some(None),
        priority: Some(2),
        ..TicketPatch::default()
    });
    let arrived = format!(
        "[1, 2, 3, 4].some((n) => currentApiData[`s${{n}}_items`].some((t) => t.external_id === {id}))"
    );
    browser.becomes("a new one arrives", &arrived).await?;
    browser
        .becomes(
            "and has its row",
            &format!("({counts}).reduce((a, b) => a + b) === currentApiData.total_active_items"),
        )
        .await?;
    browser.picture(&stage.artefacts.join("board-2000.png")).await
}
