//! `helm start`, `stop`, `restart` and `down`.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use super::{
    DownArgs, Quit, ServiceArgs, StopArgs, offline,
    output::{self, Colour, coloured, paint, say},
    systemd, up,
};
use crate::{
    control::{
        client::{ask, demand},
        protocol::{Reply, Request},
    },
    instance::{Layout, installation, operator},
};

/// An ordered stop of everything: two rounds of 10 s and a margin.
const DOWN_PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn start(layout: &Layout, args: ServiceArgs) -> Result<()> {
    if by_systemd(layout)? {
        return say(Some(systemd::start(layout, &args.service).await?), layout, args.json);
    }
    say(ask(layout, &Request::Start { service: args.service }).await?, layout, args.json)
}

pub(super) async fn stop(layout: &Layout, args: StopArgs) -> Result<()> {
    if by_systemd(layout)? {
        return say(Some(systemd::stop(layout, &args.service).await?), layout, args.json);
    }
    say(ask(layout, &Request::Stop { service: args.service }).await?, layout, args.json)
}

/// Helm itself is restarted by a hand-over: every other process goes on.
pub(super) async fn restart(layout: &Layout, args: ServiceArgs) -> Result<()> {
    let ServiceArgs { service, json, .. } = args;
    if by_systemd(layout)? {
        return say(Some(systemd::restart(layout, &service).await?), layout, json);
    }
    if service != "helm" {
        return say(ask(layout, &Request::Restart { service }).await?, layout, json);
    }
    if ask(layout, &Request::Hello).await?.is_some() {
        demand(layout, &Request::Handover).await?;
        up::wait_for_end(layout, DOWN_PATIENCE).await?;
    }
    // The shell of this call adds nothing to what the suite was brought up with.
    up::start_daemon(layout, &operator::brought_up_with(layout)?).await?;
    say(Some(Reply::done("Service started successfully")), layout, json)
}

pub(super) async fn down(layout: &Layout, args: DownArgs) -> Result<()> {
    let mut message = "HiveMatrix is stopped.".to_owned();
    if let Some(installation) = installation::of(layout)? {
        systemd::down(&installation).await?;
    } else if ask(layout, &Request::Hello).await?.is_some() {
        demand(layout, &Request::Down).await?;
        up::wait_for_end(layout, DOWN_PATIENCE).await?;
    } else if !offline::stop_everything(layout).await? {
        message = format!("The suite in {} is not running.", layout.home().display());
    }
    if args.json {
        return say(Some(Reply::done(message)), layout, true);
    }
    say!("{message}");
    Ok(())
}

fn by_systemd(layout: &Layout) -> Result<bool> {
    Ok(installation::of(layout)?.is_some())
}

/// The answer of `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    success: bool,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

fn say(reply: Option<Reply>, layout: &Layout, json: bool) -> Result<()> {
    let colours = coloured();
    let Some(reply) = reply else {
        bail!("the suite in {} is not running; start it with `helm up`", layout.home().display());
    };
    if json {
        let answer = Answer { success: reply.ok, message: &reply.message, pid: reply.pid, port: reply.port };
        output::answer(&answer)?;
        return if reply.ok { Ok(()) } else { Err(Quit(1).into()) };
    }
    if !reply.ok {
        eprintln!("{} {}", paint("✗", Colour::Red, colours), reply.message);
        bail!("not done");
    }
    say!("{} {}", paint("✓", Colour::Green, colours), reply.message);
    if let Some(pid) = reply.pid {
        say!("  PID: {pid}");
    }
    if let Some(port) = reply.port {
        say!("  Port: {port}");
    }
    Ok(())
}
