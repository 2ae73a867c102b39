//! `helm start`, `stop`, `restart` and `down`.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    offline,
    output::{Colour, coloured, paint, say},
    up,
};
use crate::{
    control::{
        client::{ask, demand},
        protocol::{Reply, Request},
    },
    instance::Layout,
};

/// An ordered stop of everything: two rounds of 10 s and a margin.
const DOWN_PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn start(layout: &Layout, service: String) -> Result<()> {
    say(ask(layout, &Request::Start { service }).await?, layout)
}

pub(super) async fn stop(layout: &Layout, service: String) -> Result<()> {
    say(ask(layout, &Request::Stop { service }).await?, layout)
}

/// Helm itself is restarted by a hand-over: every other process goes on.
pub(super) async fn restart(layout: &Layout, service: String) -> Result<()> {
    if service != "helm" {
        return say(ask(layout, &Request::Restart { service }).await?, layout);
    }
    if ask(layout, &Request::Hello).await?.is_some() {
        demand(layout, &Request::Handover).await?;
        up::wait_for_end(layout, DOWN_PATIENCE).await?;
    }
    up::start_daemon(layout).await?;
    say(Some(Reply::done("Service started successfully")), layout)
}

pub(super) async fn down(layout: &Layout) -> Result<()> {
    if ask(layout, &Request::Hello).await?.is_some() {
        demand(layout, &Request::Down).await?;
        up::wait_for_end(layout, DOWN_PATIENCE).await?;
    } else if !offline::stop_everything(layout).await? {
        say!("The suite in {} is not running.", layout.home().display());
        return Ok(());
    }
    say!("HiveMatrix is stopped.");
    Ok(())
}

fn say(reply: Option<Reply>, layout: &Layout) -> Result<()> {
    let colours = coloured();
    let Some(reply) = reply else {
        bail!("the suite in {} is not running; start it with `helm up`", layout.home().display());
    };
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
