//! `hivematrix-simulators freshservice --port 5091 --size demo --live`, `hivematrix-simulators superops`

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::{Parser, Subcommand};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::freshservice::{self, Config};
use hivematrix_simulators::superops;
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
    /// SuperOps GraphQL, tickets and devices.
    Superops(SuperOps),
}

/// What every stand-in's world is like.
#[derive(Debug, clap::Args)]
struct Desk {
    /// Address to listen on; the control below /_control answers to this machine only.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
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
}

impl Desk {
    fn config(self, port: u16, api_key: String, rate_limit: u32) -> Config {
        let mut size = Size::named(self.size);
        if let Some(active) = self.active {
            size = size.with_active(active);
        }
        if let Some(companies) = self.companies {
            size = size.with_companies(companies);
        }
        Config {
            host: self.host,
            port,
            size,
            seed: self.seed,
            live: self.live.then(|| Duration::from_secs(self.live_interval)),
            api_key,
            rate_limit,
            clock: Clock::real(),
        }
    }
}

#[derive(Debug, clap::Args)]
struct Freshservice {
    #[command(flatten)]
    desk: Desk,
    /// Port to listen on.
    #[arg(long, default_value_t = 5091)]
    port: u16,
    /// The key that callers must present.
    #[arg(long, env = "FRESHSERVICE_API_KEY", hide_env_values = true, default_value = "simulator-key")]
    api_key: String,
    /// Credits per minute (the vendor's largest plan has 500).
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
}

#[derive(Debug, clap::Args)]
struct SuperOps {
    #[command(flatten)]
    desk: Desk,
    /// Port to listen on.
    #[arg(long, default_value_t = 5092)]
    port: u16,
    /// The token that callers must present.
    #[arg(long, env = "SUPEROPS_API_KEY", hide_env_values = true, default_value = "simulator-key")]
    api_key: String,
    /// The tenant that callers must name.
    #[arg(long, env = "SUPEROPS_SUBDOMAIN", default_value = "simulated")]
    subdomain: String,
    /// Requests per minute.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().vendor {
        Vendor::Freshservice(Freshservice { desk, port, api_key, rate_limit }) => {
            let mut simulator = freshservice::spawn(desk.config(port, api_key, rate_limit)).await?;
            announce("Freshservice", &simulator.base_url, simulator.control.size());
            until_stopped(simulator.ended()).await
        }
        Vendor::Superops(SuperOps { desk, port, api_key, subdomain, rate_limit }) => {
            let desk = desk.config(port, api_key, rate_limit);
            let mut simulator = superops::spawn(superops::Config { desk, subdomain }).await?;
            announce("SuperOps", &simulator.base_url, simulator.control.size());
            until_stopped(simulator.ended()).await
        }
    }
}

fn announce(vendor: &str, url: &str, size: Size) {
    let Size { companies, tickets, active, .. } = size;
    tracing::info!(url, companies, tickets, active, "{vendor} stand-in is listening");
}

async fn until_stopped(ended: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        () = ended => anyhow::bail!("the server has ended"),
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
