//! A whole suite with a simulated vendor behind it.

use std::ops::Deref;

use anyhow::{Context, Result};
use hivematrix_simulators::freshservice::{Config, Handle, spawn};
use hivematrix_simulators::world::{Size, SizeName};

use crate::instance::Instance;
pub use crate::instance::{ARRIVAL, ServiceStatus};
use crate::needs::Build;

/// Seconds between two syncs of Codex and two refreshes of the board. The board's own minimum is 5.
const SYNC_SECONDS: u64 = 2;
const REFRESH_SECONDS: u64 = 5;

/// A running suite and the vendor behind it.
#[derive(Debug)]
pub struct Suite {
    /// The simulated vendor.
    pub vendor: Handle,
    instance: Instance,
}

impl Suite {
    /// Starts everything and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// What `helm up` says.
    pub async fn start(build: &Build) -> Result<Self> {
        // The board of the demo with a shorter past: the first sync is part of every run.
        let size = Size {
            contacts: 400,
            assets: 400,
            tickets: 1_200,
            history_days: 60,
            ..Size::named(SizeName::Demo)
        };
        Self::start_with(build, size, []).await
    }

    /// As [`Suite::start`], with a vendor of another size and more settings.
    ///
    /// # Errors
    ///
    /// What `helm up` says.
    pub async fn start_with(
        build: &Build,
        size: Size,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self> {
        let vendor = spawn(Config { size, ..Config::default() }).await.context("cannot start the vendor")?;
        let settings = [
            ("FRESHSERVICE_BASE_URL", vendor.base_url.clone()),
            ("FRESHSERVICE_API_KEY", vendor.api_key.clone()),
            ("TICKET_SYNC_INTERVAL_SECONDS", SYNC_SECONDS.to_string()),
            ("AUTO_REFRESH_INTERVAL_SECONDS", REFRESH_SECONDS.to_string()),
            ("PUBLIC_DISPLAY_ENABLED", true.to_string()),
        ];
        let instance = Instance::new(build, settings.into_iter().chain(more))?;
        instance.helm(&["up", "--demo"]).await?;
        Ok(Self { vendor, instance })
    }
}

impl Deref for Suite {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}
