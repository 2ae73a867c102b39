//! How smooth a board of two thousand tickets is; for `scripts/bench/board.sh`. Prints a name and a number in each line.

use std::time::Duration;

use anyhow::{Context, Result};
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::needs;
use hivematrix_e2e::suite::Suite;
use hivematrix_simulators::world::{Size, SizeName};
use serde_json::Value;

const LOADS: usize = 7;
const REFRESHES: usize = 10;
/// Texts of all tickets change with the minute: two of these are among what is observed.
const OBSERVED: Duration = Duration::from_secs(130);

/// Collects long frames with the scripts in them, and what the browser calls long tasks.
const OBSERVE: &str = "
    window.seenScripts = []; window.seenTasks = [];
    new PerformanceObserver((list) => {
      for (const frame of list.getEntries()) for (const {duration, invoker, sourceURL, forcedStyleAndLayoutDuration: forced} of frame.scripts) {
        seenScripts.push({duration, forced, name: `${invoker} of ${sourceURL.split('/').pop()}`});
      }
    }).observe({type: 'long-animation-frame'});
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) seenTasks.push(task.duration);
    }).observe({type: 'longtask'});";

#[tokio::main]
async fn main() -> Result<()> {
    let size = Size { contacts: 400, assets: 400, history_days: 60, ..Size::named(SizeName::Demo) };
    // One view that holds them all.
    let views = r#"[{"slug": "helpdesk", "name": "Helpdesk"}, {"slug": "all", "name": "All"}]"#.to_owned();
    let suite = Suite::start_with(&needs::build()?, size.with_active(2_000), [("VIEWS", views)]).await?;
    let browser = Browser::start(&needs::browsers()?).await?;
    browser.sign_in(&suite, "tech").await?;
    browser.open(&suite, "/beacon/all").await?;
    // The vendor lives on meanwhile: some are solved, some are new.
    let all = suite.vendor.control.active_ids().len() * 95 / 100;
    browser
        .becomes("the tickets have come", &format!("window.currentApiData?.total_active_items > {all}"))
        .await?;

    let mut paints = Vec::new();
    for _ in 0..LOADS {
        browser.driver.refresh().await?;
        browser.becomes("the first answer is there", "window.currentApiData").await?;
        let paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime";
        paints.push(browser.script(paint).await?.as_f64().context("no paint")?);
    }
    paints.sort_by(f64::total_cmp);
    println!("first_paint_ms {:.0}", paints[LOADS / 2]);

    browser.script(OBSERVE).await?;
    let busy = |text: &str| format!("document.querySelector('#refresh-btn').textContent.trim() === '{text}'");
    for _ in 0..REFRESHES {
        browser.find("#refresh-btn").await?.click().await?;
        browser.becomes("a refresh begins", &busy("Refreshing...")).await?;
        browser.becomes("and ends", &busy("Refresh")).await?;
    }
    tokio::time::sleep(OBSERVED).await;
    let tickets = browser.script("return currentApiData.total_active_items").await?;
    println!("tickets {tickets}");
    let longest_script =
        "return seenScripts.sort((a, b) => b.duration - a.duration)[0] ?? {duration: 0, name: 'none'}";
    let script = browser.script(longest_script).await?;
    println!("longest_script_ms {:.0}", script["duration"].as_f64().context("no duration")?);
    println!("longest_script {script}");
    let tasks = browser.script("return seenTasks").await?;
    println!("long_tasks {}", tasks.as_array().map_or(0, Vec::len));
    println!("longest_task_ms {:.0}", longest(&tasks));
    browser.quit().await
}

fn longest(durations: &Value) -> f64 {
    durations.as_array().into_iter().flatten().filter_map(Value::as_f64).fold(0.0, f64::max)
}
