//! `hivematrix-simulators freshservice --port 5091 --size demo --live`

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::{Parser, Subcommand};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::freshservice::{Config, spawn};
use hivematrix_simulators::world::{Size, SizeName};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

/// Vendor stand-ins on their real wire formats, for demonstrations and tests.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    vendor: Vendor,
}

#[derive(Debug, Subcommand)]
enum Vendor {
    /// Freshservice REST v2.
    Freshservice(Freshservice),
}

#[derive(Debug, clap::Args)]
struct Freshservice {
    /// Address to listen on; the control below /_control answers to this machine only.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on.
    #[arg(long, default_value_t = 5091)]
    port: u16,
    /// Numbers of everything.
    #[arg(long, value_enum, default_value_t = SizeName::Demo)]
    size: SizeName,
    /// Another number of active tickets.
    #[arg(long)]
    active: Option<u32>,
    /// Another number of companies.
    #[arg(long)]
    companies: Option<u32>,
    /// Same seed: same companies, people and tickets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let the world move: new tickets, replies, closings.
    #[arg(long)]
    live: bool,
    /// Seconds between two events of a moving world.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    live_interval: u64,
    /// The key that callers must present.
    #[arg(long, env = "FRESHSERVICE_API_KEY", hide_env_values = true, default_value = "simulator-key")]
    api_key: String,
    /// Credits per minute (the vendor's largest plan has 500).
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
}

impl From<Freshservice> for Config {
    fn from(arguments: Freshservice) -> Self {
        let mut size = Size::named(arguments.size);
        if let Some(active) = arguments.active {
            size = size.with_active(active);
        }
        if let Some(companies) = arguments.companies {
            size = size.with_companies(companies);
        }
        Self {
            host: arguments.host,
            port: arguments.port,
            size,
            seed: arguments.seed,
            live: arguments.live.then(|| Duration::from_secs(arguments.live_interval)),
            api_key: arguments.api_key,
            rate_limit: arguments.rate_limit,
            clock: Clock::real(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(std::io::stderr)
        .init();
    let Vendor::Freshservice(arguments) = Arguments::parse().vendor;
    let mut simulator = spawn(arguments.into()).await?;
    let size = simulator.control.size();
    tracing::info!(
        url = simulator.base_url,
        companies = size.companies,
        tickets = size.tickets,
        active = size.active,
        "Freshservice stand-in is listening"
    );
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        () = simulator.ended() => anyhow::bail!("the server has ended"),
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
