//! `helm alerts`: what is wrong now.

use anyhow::{Context, Result, bail};
use hivematrix_shared::clock::Clock;

use super::{
    AlertsArgs,
    output::{Colour, answer, coloured, harmless, paint, say},
    store,
};
use crate::{domain::status::uptime_text, instance::Layout, store::alerts};

pub(super) async fn run(layout: &Layout, args: &AlertsArgs) -> Result<()> {
    let pool = store::open(layout).await?;
    let firing = alerts::firing(&pool).await.context("cannot read the alerts")?;
    if args.json {
        answer(&firing).context("cannot write JSON")?;
    } else if firing.is_empty() {
        say!("Nothing is wrong.");
    }
    let critical = firing.iter().filter(|alert| alert.severity == "critical").count();
    if !args.json {
        let (now, colours) = (Clock::system().now(), coloured());
        for alert in &firing {
            let colour = if alert.severity == "critical" { Colour::Red } else { Colour::Yellow };
            let severity = paint(&format!("{:<8}", alert.severity), colour, colours);
            let since = u64::try_from((now - alert.fired_at).num_seconds()).unwrap_or(0);
            let since = paint(&format!("for {}", uptime_text(since)), Colour::Grey, colours);
            say!("{severity}  {:<12}  {}  {since}", alert.rule, harmless(&alert.message));
        }
    }
    match critical {
        0 => Ok(()),
        1 => bail!("one critical alert is firing"),
        many => bail!("{many} critical alerts are firing"),
    }
}
