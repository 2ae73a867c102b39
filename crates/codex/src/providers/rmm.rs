//! What Codex wants from a system for remote monitoring and management (codex-api.md §7.1).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::time::Instant;

use super::{Answer, Kind, Page, PageRef, Registry, cannot};

/// A customer's place in the RMM.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RmmSite {
    /// The vendor's uid.
    pub external_id: String,
    /// Display name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Account number, where the vendor's list carries it; else it is asked for with [`RmmProvider::site_variable`].
    pub account_number: Option<String>,
}

/// A managed device. The member names are column names of `assets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RmmDevice {
    /// The vendor's uid.
    pub external_id: String,
    /// Uid of the site it belongs to.
    pub site_id: String,
    /// Name of the site.
    pub rmm_site_name: Option<String>,
    /// Host name; empty when the vendor has none.
    pub hostname: String,
    /// Category as the vendor writes it.
    pub hardware_type: Option<String>,
    /// Our type, kept in a custom field of the device.
    pub device_type: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Who used it last.
    pub last_logged_in_user: Option<String>,
    /// Windows domain.
    pub domain: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether it answers now.
    pub online: Option<bool>,
    /// Address inside.
    pub int_ip_address: Option<String>,
    /// Address outside.
    pub ext_ip_address: Option<String>,
    /// Last sign of life.
    pub last_seen: Option<DateTime<Utc>>,
    /// Last start.
    pub last_reboot: Option<DateTime<Utc>>,
    /// Last inventory.
    pub last_audit_date: Option<DateTime<Utc>>,
    /// Name of the virus scanner.
    pub antivirus_product: Option<String>,
    /// Patch state as the vendor writes it.
    pub patch_status: Option<String>,
    /// Its page at the vendor.
    pub portal_url: Option<String>,
    /// Where a remote session begins.
    pub web_remote_url: Option<String>,
    /// Local administrators.
    pub enabled_administrators: Option<String>,
    /// Backup in use, TiB with two decimals.
    pub backup_usage_tb: Option<Decimal>,
    /// Custom fields by number, 1 to 30.
    pub udf: BTreeMap<u8, String>,
}

/// A command that runs, or ran, on a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RemoteCommand {
    /// The vendor's uid of the job.
    pub job_id: String,
    /// State as the vendor writes it, such as `active` or `completed`.
    pub status: String,
    /// What it wrote, once known.
    pub stdout: Option<String>,
    /// What it complained about, once known.
    pub stderr: Option<String>,
}

/// What an inventory of a device found; `None` and empty where it tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeviceAudit {
    /// Name of the processor.
    pub cpu: Option<String>,
    /// Main memory.
    pub ram_bytes: Option<u64>,
    /// All disks together.
    pub disk_bytes: Option<u64>,
    /// What is free on them.
    pub disk_free_bytes: Option<u64>,
    /// Of the first network card.
    pub mac_address: Option<String>,
    /// Installed programs.
    pub software: Vec<Software>,
}

/// An installed program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Software {
    /// Its name.
    pub name: String,
    /// Its version, as it writes it.
    pub version: Option<String>,
}

/// An RMM Codex can read and, in two places, write. Lists are read page by page, pages counted from 1. Single rows answer
/// `None` when the vendor has none of that id.
pub trait RmmProvider: Send + Sync {
    /// Name in configuration and rows, such as `datto`.
    fn name(&self) -> &'static str;
    /// Name for people, such as `Datto RMM`.
    fn display_name(&self) -> &'static str;
    /// What work waits for now because of the account's limit of requests: the end of a sentence that begins with
    /// [`Self::display_name`]. `None` while nothing waits.
    fn holds_up(&self) -> Option<String>;
    /// Checks address and keys.
    fn check(&self) -> Answer<'_, ()>;
    /// A page of sites.
    fn sites(&self, page: PageRef) -> Answer<'_, Page<RmmSite>>;
    /// One site.
    fn site<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmSite>>;
    /// The value of a site's variable, `None` when there is no such variable.
    fn site_variable<'a>(&'a self, site: &'a str, name: &'a str) -> Answer<'a, Option<String>>;
    /// Creates or changes a site's variable.
    fn set_site_variable<'a>(&'a self, site: &'a str, name: &'a str, value: &'a str) -> Answer<'a, ()>;
    /// A page of a site's devices.
    fn devices<'a>(&'a self, site: &'a str, page: PageRef) -> Answer<'a, Page<RmmDevice>>;
    /// One device.
    fn device<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmDevice>>;
    /// What the last inventory of a device found.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    fn audit<'a>(&'a self, device: &'a str) -> Answer<'a, Option<DeviceAudit>> {
        let _ = device;
        cannot(self.display_name(), "list what is in a device")
    }
    /// Starts a command on a device; `None` when there is no such device.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    /// After `deadline` nothing is sent and nothing is waited for.
    fn run_command<'a>(
        &'a self,
        device: &'a str,
        command: &'a str,
        deadline: Instant,
    ) -> Answer<'a, Option<RemoteCommand>> {
        let _ = (device, command, deadline);
        cannot(self.display_name(), "run commands")
    }
    /// How a command of [`Self::run_command`] stands.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    fn command<'a>(&'a self, device: &'a str, job_id: &'a str) -> Answer<'a, Option<RemoteCommand>> {
        let _ = (device, job_id);
        cannot(self.display_name(), "run commands")
    }
}

impl Kind for dyn RmmProvider {
    const SYSTEM: &'static str = "RMM";
    const KNOWN: &'static [&'static str] = &["datto", "superops"];
    const DEFAULT: &'static str = "datto";

    fn key(&self) -> &'static str {
        self.name()
    }
}

/// The RMM providers that are configured, by name.
pub type RmmProviders = Registry<dyn RmmProvider>;
