//! `hivematrix-simulators freshservice --port 5091 --size demo --live`, or `… datto --port 5092 --size demo`

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::{Parser, Subcommand};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::datto;
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
    /// Datto RMM v2, with the machines of the same companies.
    Datto(Datto),
}

/// The Datto account; also part of a Freshservice simulator that serves both.
#[derive(Debug, Clone, clap::Args)]
struct DattoAccount {
    /// The API key that callers must present.
    #[arg(long, env = "DATTO_PUBLIC_KEY", hide_env_values = true, default_value = "simulator-public")]
    datto_public_key: String,
    /// The API secret key that callers must present.
    #[arg(long, env = "DATTO_SECRET_KEY", hide_env_values = true, default_value = "simulator-secret")]
    datto_secret_key: String,
    /// Reads in any 60 seconds.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    datto_read_limit: u32,
    /// Writes in any 60 seconds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    datto_write_limit: u32,
}

#[derive(Debug, clap::Args)]
struct Datto {
    /// Address to listen on; the control below /_control answers to this machine only.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on.
    #[arg(long, default_value_t = 5092)]
    port: u16,
    /// Numbers of everything.
    #[arg(long, value_enum, default_value_t = SizeName::Demo)]
    size: SizeName,
    /// Same seed: same companies, people and machines.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    account: DattoAccount,
}

impl DattoAccount {
    fn config(self, host: IpAddr, port: u16, size: Size, seed: u64, clock: Clock) -> datto::Config {
        datto::Config {
            host,
            port,
            size,
            seed,
            clock,
            keys: (self.datto_public_key, self.datto_secret_key),
            read_limit: self.datto_read_limit,
            write_limit: self.datto_write_limit,
            job_time: Duration::from_secs(3),
            ..datto::Config::default()
        }
    }
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
    /// Serve the companies' Datto RMM as well, on this port.
    #[arg(long)]
    datto_port: Option<u16>,
    #[command(flatten)]
    datto: DattoAccount,
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
    match Arguments::parse().vendor {
        Vendor::Freshservice(arguments) => freshservice(arguments).await,
        Vendor::Datto(arguments) => {
            let Datto { host, port, size, seed, account } = arguments;
            let config = account.config(host, port, Size::named(size), seed, Clock::real());
            let mut rmm = serve_datto(config).await?;
            until_stopped(rmm.ended()).await
        }
    }
}

async fn freshservice(arguments: Freshservice) -> anyhow::Result<()> {
    let (rmm_port, account) = (arguments.datto_port, arguments.datto.clone());
    let config = Config::from(arguments);
    let rmm = rmm_port
        .map(|port| account.config(config.host, port, config.size, config.seed, config.clock.clone()));
    let mut simulator = spawn(config).await?;
    let size = simulator.control.size();
    tracing::info!(
        url = simulator.base_url,
        companies = size.companies,
        tickets = size.tickets,
        active = size.active,
        "Freshservice stand-in is listening"
    );
    match rmm {
        None => until_stopped(simulator.ended()).await,
        Some(config) => {
            let mut rmm = serve_datto(config).await?;
            let ended = async {
                tokio::select! {
                    () = simulator.ended() => {}
                    () = rmm.ended() => {}
                }
            };
            until_stopped(ended).await
        }
    }
}

async fn serve_datto(config: datto::Config) -> anyhow::Result<datto::Handle> {
    let rmm = datto::spawn(config).await?;
    let (sites, devices) = (rmm.control.sites().len(), rmm.control.devices().len());
    tracing::info!(url = rmm.base_url, sites, devices, "Datto stand-in is listening");
    Ok(rmm)
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
