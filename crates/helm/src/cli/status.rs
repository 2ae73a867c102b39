//! `helm status`: for people, or `--json` for programs.

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::{
    StatusArgs,
    offline::{self, LeftRunning},
    output::{Colour, answer, coloured, paint, say},
    systemd,
};
use crate::{
    control::{client::ask, protocol::Request},
    domain::status::{Health, Phase, UnitStatus, memory_text, uptime_text},
    instance::{Layout, installation},
};

/// One service in `helm status --json`.
#[derive(Debug, PartialEq, Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    state: &'static str,
    pid: Option<i32>,
    url: Option<String>,
    health: &'static str,
    /// Bytes.
    memory: Option<u64>,
    /// Seconds.
    uptime: Option<u64>,
}

/// How everything stands, as Helm's daemon says, or where that does not run, systemd. `None` where nobody knows.
pub(super) async fn units(layout: &Layout, fresh: bool) -> Result<Option<Vec<UnitStatus>>> {
    if let Some(reply) = ask(layout, &Request::Status { fresh }).await? {
        return Ok(Some(reply.units));
    }
    match installation::of(layout)? {
        Some(_) => systemd::statuses(layout).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn run(layout: &Layout, args: &StatusArgs) -> Result<()> {
    let units = units(layout, true).await?;
    let mut lines: Vec<Line> = match &units {
        Some(units) => units.iter().map(Line::of).collect(),
        None => offline::left_running(layout)?.iter().map(Line::left).collect(),
    };
    if let Some(name) = &args.service {
        lines.retain(|line| line.entry.name == *name);
        if lines.is_empty() && units.is_some() {
            bail!("there is no service {name}");
        }
    }
    if args.json {
        let entries: Vec<&Entry> = lines.iter().map(|line| &line.entry).collect();
        answer(&entries).context("cannot write JSON")?;
        return Ok(());
    }
    match (units.is_some(), lines.is_empty()) {
        (_, true) => say!("The suite in {} is not running.", layout.home().display()),
        (false, false) => {
            say!("The daemon is not running, but these processes are. `helm up` takes them over.\n");
            print_table(&lines);
        }
        (true, false) => print_table(&lines),
    }
    Ok(())
}

struct Line {
    entry: Entry,
    port: Option<u16>,
    latency: Option<f64>,
    note: String,
}

impl Line {
    fn of(unit: &UnitStatus) -> Self {
        use crate::domain::status::UnitKind;
        let healthy = matches!(unit.health, Health::Healthy);
        let note = match (&unit.last_error, unit.state) {
            (Some(error), state) if state != Phase::Running => error.clone(),
            _ if healthy || unit.state == Phase::Stopped => String::new(),
            _ => unit.health_message.clone(),
        };
        Self {
            entry: Entry {
                name: unit.name.clone(),
                kind: match unit.kind {
                    UnitKind::Service => "service",
                    UnitKind::Server => "server",
                    UnitKind::Helper => "helper",
                },
                state: unit.state.as_str(),
                pid: unit.pid,
                url: unit.url.clone(),
                health: unit.health.as_str(),
                memory: unit.memory,
                uptime: unit.uptime,
            },
            port: unit.port,
            latency: unit.health_latency_ms,
            note,
        }
    }

    fn left(process: &LeftRunning) -> Self {
        Self {
            entry: Entry {
                name: process.name.clone(),
                kind: "process",
                state: Phase::Running.as_str(),
                pid: Some(process.pid),
                url: None,
                health: Health::Unknown.as_str(),
                memory: process.memory,
                uptime: process.uptime,
            },
            port: None,
            latency: None,
            note: "not supervised".into(),
        }
    }
}

fn print_table(lines: &[Line]) {
    let colours = coloured();
    say!(
        "{:<14} {:<11} {:<12} {:>8} {:>6} {:>11} {:>9} {:>9}",
        "SERVICE",
        "STATUS",
        "HEALTH",
        "PID",
        "PORT",
        "MEMORY",
        "UPTIME",
        "LATENCY"
    );
    let dash = || "-".to_owned();
    let mut total = 0;
    for Line { entry, port, latency, note } in lines {
        let state = paint(&format!("{:<11}", entry.state), state_colour(entry.state), colours);
        let health = paint(&format!("{:<12}", entry.health), health_colour(entry.health), colours);
        say!(
            "{:<14} {state} {health} {:>8} {:>6} {:>11} {:>9} {:>9}  {}",
            entry.name,
            entry.pid.map_or_else(dash, |pid| pid.to_string()),
            port.map_or_else(dash, |port| port.to_string()),
            entry.memory.map_or_else(dash, memory_text),
            entry.uptime.map_or_else(dash, uptime_text),
            latency.map_or_else(dash, |ms| format!("{ms:.1} ms")),
            paint(note, Colour::Grey, colours),
        );
        total += entry.memory.unwrap_or(0);
    }
    say!("{:<14} {:<11} {:<12} {:>8} {:>6} {:>11}", "", "", "", "", "", memory_text(total));
}

fn state_colour(state: &str) -> Colour {
    match state {
        "running" => Colour::Green,
        "stopped" | "restarting" => Colour::Red,
        _ => Colour::Yellow,
    }
}

fn health_colour(health: &str) -> Colour {
    match health {
        "healthy" => Colour::Green,
        "degraded" => Colour::Yellow,
        "unknown" => Colour::Grey,
        _ => Colour::Red,
    }
}
