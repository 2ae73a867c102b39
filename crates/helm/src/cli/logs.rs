//! `helm logs`: out of the central log, oldest first.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, Result, bail};
use hivematrix_shared::contracts::helm::LogObject;
use serde_json::Value;

use super::{
    LogsArgs,
    list::registry_of,
    output::{Colour, coloured, harmless, paint, say},
    store,
};
use crate::{
    domain::log_filter::{LogFilter, Order},
    instance::Layout,
    store::logs::{self, LogRow},
};

const FOLLOW_POLL: Duration = Duration::from_millis(500);
/// Lines taken at a time while following.
const FOLLOW_BATCH: i64 = 1000;
/// Exceptions are cut to this.
const EXCEPTION: usize = 200;

pub(super) async fn run(layout: &Layout, args: LogsArgs) -> Result<()> {
    let pool = store::open(layout).await?;
    let mut filter = LogFilter {
        service: args.service.or(args.service_flag),
        level: args.level,
        correlation_id: args.correlation,
        user: args.user,
        search: args.search,
        words: args.words,
        start: args.since,
        end: args.until,
        limit: args.tail,
        ..LogFilter::default()
    };
    // Asked first, so that no line falls between the end of the log and its tail.
    let mut last = if args.follow { logs::settled(&pool).await.context("cannot read the log")? } else { 0 };
    let mut rows = logs::search(&pool, &filter).await.context("cannot read the log")?;
    rows.reverse();
    let colours = coloured();
    let print = |row: LogRow| {
        let line = if args.json { json(row) } else { text(&row, colours) };
        say!("{line}");
    };
    if rows.is_empty() && !args.follow && !args.json {
        say!("No logs found");
        if let Some(service) = filter.service.as_deref().filter(|name| !is_known(layout, name)) {
            bail!("there is no service '{service}'; `helm list` names them");
        }
        return Ok(());
    }
    if !args.json {
        let heading = format!("{} log lines, oldest first", rows.len());
        say!("{}", paint(&heading, Colour::Grey, colours));
    }
    // Lines that came between the two questions are in both answers.
    let mut told: HashSet<i64> = rows.iter().map(|row| row.id).filter(|id| *id > last).collect();
    rows.into_iter().for_each(print);
    if !args.follow {
        return Ok(());
    }
    filter.limit = FOLLOW_BATCH;
    filter.order = Order::Ascending;
    loop {
        filter.after_id = Some(last);
        filter.up_to_id = Some(logs::settled(&pool).await.context("cannot read the log")?);
        let rows = logs::search(&pool, &filter).await.context("cannot read the log")?;
        last = filter.last_id(rows.last().map(|row| row.id), rows.len()).unwrap_or(last);
        for row in rows {
            if !told.remove(&row.id) {
                print(row);
            }
        }
        tokio::time::sleep(FOLLOW_POLL).await;
    }
}

/// Whether the suite has a service of this name. An unreadable registry hides nothing.
fn is_known(layout: &Layout, name: &str) -> bool {
    name == "helm" || registry_of(layout).is_ok_and(|registry| registry.get(name).is_some())
}

/// The object that `GET /api/logs` has for the row.
fn json(row: LogRow) -> String {
    // It has no map with keys that are no strings, so that this cannot fail.
    serde_json::to_string(&LogObject::from(row)).unwrap_or_default()
}

/// A line, and an indented one for each value beside the message.
fn text(row: &LogRow, colours: bool) -> String {
    let colour = match row.level.as_str() {
        "ERROR" | "CRITICAL" => Colour::Red,
        "WARNING" => Colour::Yellow,
        "INFO" => Colour::Green,
        _ => Colour::Blue,
    };
    let mut line = format!(
        "{} {} {:<15} ",
        row.timestamp.format("%Y-%m-%d %H:%M:%S%.3f"),
        paint(&format!("{:<10}", format!("[{}]", row.level)), colour, colours),
        format!("[{}]", harmless(&row.service)),
    );
    if let Some(id) = &row.correlation_id {
        let short: String = harmless(id).chars().take(logs::SHORT_CORRELATION).collect();
        line.push_str(&format!("{} ", paint(&short, Colour::Grey, colours)));
    }
    if let Some(user) = &row.user_email {
        line.push_str(&format!("{} ", paint(&harmless(user), Colour::Blue, colours)));
    }
    line.push_str(&harmless(&row.message));
    if let Some(Value::Object(extra)) = &row.extra_data {
        for (name, value) in extra {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let value: String =
                if name == "exception" { value.chars().take(EXCEPTION).collect() } else { value };
            let item = format!("    {}: {}", harmless(name), harmless(&value));
            line.push('\n');
            line.push_str(&paint(&item, Colour::Grey, colours));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_time_level_service_request_user_message_and_values() {
        let time = Utc.with_ymd_and_hms(2025, 11, 22, 10, 30, 0).unwrap();
        let row = LogRow {
            id: 1,
            service: "codex".into(),
            level: "ERROR".into(),
            message: "sync failed".into(),
            timestamp: time,
            correlation_id: Some("0123456789abcdef".into()),
            user_email: Some("ada@x".into()),
            extra_data: Some(json!({"exception": "x".repeat(300), "tries": 3})),
            created_at: time,
            hostname: None,
            process_id: None,
        };
        let expected = format!(
            "2025-11-22 10:30:00.000 [ERROR]    [codex]         01234567 ada@x sync failed\n    exception: {}\n    tries: 3",
            "x".repeat(200)
        );
        assert_eq!(text(&row, false), expected);
    }
}
