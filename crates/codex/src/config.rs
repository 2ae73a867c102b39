//! Settings of Codex (codex-api.md §11): flag over environment over `codex.conf` over default.

mod superops;

use chrono::NaiveTime;
use clap::{ArgAction, Args, Parser};
use hivematrix_shared::{
    config::{
        CommonSettings, DatabaseSettings, FileKey, Secret, ServiceConfig, home_from_environment, parse_bool,
    },
    contracts::codex::{PsaConfig, PsaGroupIds, PsaId, PsaProviderConfig},
};
use url::Url;

use crate::{
    cli,
    domain::{status::StatusMap, statuses::Statuses, vendor_words::StatusNames},
    settings::Origin,
};
pub use superops::{Region, SuperOpsSettings};

mod webhooks;

pub use webhooks::{AllowedAddresses, SHORTEST_SECRET, WebhookSettings, is_short_secret};

/// Port when none is configured.
pub const DEFAULT_PORT: u16 = 5010;

/// Everything that can be set.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "hivematrix-codex",
    version,
    about = "Companies, contacts, assets and tickets of an MSP, in one place"
)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub common: CommonSettings,
    /// Where the data lives.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Which ticketing systems are read.
    #[command(flatten)]
    pub psa: PsaSettings,
    /// The Freshservice account.
    #[command(flatten)]
    pub freshservice: FreshserviceSettings,
    /// The SuperOps account.
    #[command(flatten)]
    pub superops: SuperOpsSettings,
    /// Which system for monitoring and management is read.
    #[command(flatten)]
    pub rmm: RmmSettings,
    /// The Datto RMM account.
    #[command(flatten)]
    pub datto: DattoSettings,
    /// What runs by itself.
    #[command(flatten)]
    pub scheduler: SchedulerSettings,
    /// What vendors report by themselves.
    #[command(flatten)]
    pub webhooks: WebhookSettings,
    /// IANA name of the zone in which the display times of the ticket board are written.
    #[arg(long, env = "DISPLAY_TIME_ZONE", default_value = "UTC")]
    pub display_time_zone: String,
    /// File with billing plans and feature options, in the form of an export, that is imported at start as long as there
    /// are no plans.
    #[arg(long, env = "BILLING_PLANS_FILE")]
    pub billing_plans_file: Option<std::path::PathBuf>,
    /// The identity provider, for the list of platform users.
    #[command(flatten)]
    pub keycloak: KeycloakSettings,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<cli::Command>,
    /// Where all this was read, to read it again when the file changes.
    #[arg(skip)]
    pub origin: Option<Origin>,
}

/// Reads the settings of this process; prints help or the error and exits when asked to, or when an argument or a variable
/// is wrong. What is wrong in the file is left out.
pub fn load() -> Settings {
    load_from(std::env::args_os(), home_from_environment()).unwrap_or_else(|error| error.exit())
}

/// As [`load`], of given arguments and the files below `home`.
///
/// # Errors
/// When an argument or a variable is wrong, or help was asked for.
pub fn load_from(
    args: impl IntoIterator<Item = impl Into<std::ffi::OsString>>,
    home: impl Into<std::path::PathBuf>,
) -> Result<Settings, clap::Error> {
    Ok(Origin::new(args, home).load()?.settings)
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "codex";
    const FILE_KEYS: &'static [FileKey] = &[
        FileKey::new("database", "connection_string", "DATABASE_URL"),
        FileKey::new("psa", "default_provider", "PSA_DEFAULT_PROVIDER"),
        FileKey::new("psa", "enabled_providers", "PSA_ENABLED_PROVIDERS"),
        FileKey::new("freshservice", "domain", "FRESHSERVICE_DOMAIN"),
        FileKey::new("freshservice", "web_domain", "FRESHSERVICE_WEB_DOMAIN"),
        FileKey::new("freshservice", "base_url", "FRESHSERVICE_BASE_URL"),
        FileKey::new("freshservice", "api_key", "FRESHSERVICE_API_KEY"),
        FileKey::new("freshservice", "ticket_url_template", "FRESHSERVICE_TICKET_URL_TEMPLATE"),
        FileKey::new("freshservice", "status_map", "FRESHSERVICE_STATUS_MAP"),
        FileKey::new(
            "freshservice",
            "professional_services_group_id",
            "FRESHSERVICE_PROFESSIONAL_SERVICES_GROUP_ID",
        ),
        FileKey::new("freshservice", "helpdesk_group_id", "FRESHSERVICE_HELPDESK_GROUP_ID"),
        // What upstream's admin page writes comes first, so that our own section wins over it.
        FileKey::new("psa.superops", "api_url", "SUPEROPS_BASE_URL"),
        FileKey::new("psa.superops", "api_key", "SUPEROPS_API_KEY"),
        FileKey::new("superops", "base_url", "SUPEROPS_BASE_URL"),
        FileKey::new("superops", "api_key", "SUPEROPS_API_KEY"),
        FileKey::new("superops", "subdomain", "SUPEROPS_SUBDOMAIN"),
        FileKey::new("superops", "region", "SUPEROPS_REGION"),
        FileKey::new("superops", "account_number_field", "SUPEROPS_ACCOUNT_NUMBER_FIELD"),
        FileKey::new("superops", "client_fields", "SUPEROPS_CLIENT_FIELDS"),
        FileKey::new("superops", "status_map", "SUPEROPS_STATUS_MAP"),
        FileKey::new("superops", "worklog_unit", "SUPEROPS_WORKLOG_UNIT"),
        FileKey::new("superops", "ticket_url_template", "SUPEROPS_TICKET_URL_TEMPLATE"),
        FileKey::new("superops", "professional_services_group_id", "SUPEROPS_PROFESSIONAL_SERVICES_GROUP_ID"),
        FileKey::new("superops", "helpdesk_group_id", "SUPEROPS_HELPDESK_GROUP_ID"),
        FileKey::new("rmm", "default_provider", "RMM_DEFAULT_PROVIDER"),
        FileKey::new("datto", "api_endpoint", "DATTO_BASE_URL"),
        FileKey::new("datto", "public_key", "DATTO_PUBLIC_KEY"),
        FileKey::new("datto", "secret_key", "DATTO_SECRET_KEY"),
        FileKey::new("datto", "command_component", "DATTO_COMMAND_COMPONENT"),
        FileKey::new("scheduler", "sync_psa_enabled", "SYNC_PSA_ENABLED"),
        FileKey::new("scheduler", "sync_rmm_enabled", "SYNC_RMM_ENABLED"),
        FileKey::new("scheduler", "sync_tickets_enabled", "SYNC_TICKETS_ENABLED"),
        FileKey::new("scheduler", "sync_psa_schedule", "SYNC_PSA_SCHEDULE"),
        FileKey::new("scheduler", "sync_psa_time", "SYNC_PSA_TIME"),
        FileKey::new("scheduler", "sync_rmm_schedule", "SYNC_RMM_SCHEDULE"),
        FileKey::new("scheduler", "sync_rmm_time", "SYNC_RMM_TIME"),
        FileKey::new("scheduler", "sync_tickets_schedule", "SYNC_TICKETS_SCHEDULE"),
        FileKey::new("scheduler", "sync_tickets_detail_time", "SYNC_TICKETS_DETAIL_TIME"),
        FileKey::new("scheduler", "sync_tickets_interval_seconds", "TICKET_SYNC_INTERVAL_SECONDS"),
        FileKey::new("scheduler", "sync_run_on_startup", "SYNC_RUN_ON_STARTUP"),
        FileKey::new("webhooks", "enabled", "WEBHOOKS_ENABLED"),
        FileKey::new("webhooks", "secret", "WEBHOOKS_SECRET"),
        FileKey::new("webhooks", "allowed_ips", "WEBHOOKS_ALLOWED_IPS"),
        FileKey::new("webhooks", "log_payloads", "WEBHOOKS_LOG_PAYLOADS"),
    ];

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

/// Which ticketing systems are read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "PSA")]
pub struct PsaSettings {
    /// Provider used when a call names none.
    #[arg(long, env = "PSA_DEFAULT_PROVIDER", default_value = "freshservice")]
    pub psa_default_provider: String,
    /// Providers that are read, separated by commas.
    #[arg(long, env = "PSA_ENABLED_PROVIDERS", default_value = "freshservice", value_delimiter = ',')]
    pub psa_enabled_providers: Vec<String>,
}

/// The Freshservice account.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Freshservice")]
pub struct FreshserviceSettings {
    /// Host of the account, e.g. `acme.freshservice.com`.
    #[arg(long, env = "FRESHSERVICE_DOMAIN")]
    pub freshservice_domain: Option<String>,
    /// Host people use in the browser, when it is another one.
    #[arg(long, env = "FRESHSERVICE_WEB_DOMAIN")]
    pub freshservice_web_domain: Option<String>,
    /// Origin of the API when it is not `https://<domain>`; `/api/v2` is appended when there is no path.
    #[arg(long, env = "FRESHSERVICE_BASE_URL")]
    pub freshservice_base_url: Option<Url>,
    /// API key of an agent.
    #[arg(long, env = "FRESHSERVICE_API_KEY", hide_env_values = true, hide_default_value = true)]
    pub freshservice_api_key: Option<Secret>,
    /// Address of a ticket in the browser; default `https://<domain>/helpdesk/tickets/{ticket_id}`.
    #[arg(long, env = "FRESHSERVICE_TICKET_URL_TEMPLATE")]
    pub freshservice_ticket_url_template: Option<String>,
    /// Changes to the table of status codes, e.g. `6=waiting_customer,17=on_hold`.
    #[arg(long, env = "FRESHSERVICE_STATUS_MAP", value_delimiter = ',', value_parser = parse_status)]
    pub freshservice_status_map: Vec<(i32, String)>,
    /// Groups shown in the professional-services view, separated by commas.
    #[arg(
        long,
        env = "FRESHSERVICE_PROFESSIONAL_SERVICES_GROUP_ID",
        default_value = "19000234009",
        value_delimiter = ','
    )]
    pub freshservice_professional_services_group_id: Vec<i64>,
    /// Group of the helpdesk; without one it is every other group.
    #[arg(long, env = "FRESHSERVICE_HELPDESK_GROUP_ID")]
    pub freshservice_helpdesk_group_id: Option<i64>,
}

/// Which system for monitoring and management is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "RMM")]
pub struct RmmSettings {
    /// Provider used when a call names none.
    #[arg(long, env = "RMM_DEFAULT_PROVIDER", default_value = "datto")]
    pub rmm_default_provider: String,
}

/// The Datto RMM account.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Datto RMM")]
pub struct DattoSettings {
    /// Origin of the account's platform, e.g. `https://merlot-api.centrastage.net`.
    #[arg(long, env = "DATTO_BASE_URL")]
    pub datto_base_url: Option<String>,
    /// API key.
    #[arg(long, env = "DATTO_PUBLIC_KEY", hide_env_values = true, hide_default_value = true)]
    pub datto_public_key: Option<Secret>,
    /// API secret key.
    #[arg(long, env = "DATTO_SECRET_KEY", hide_env_values = true, hide_default_value = true)]
    pub datto_secret_key: Option<Secret>,
    /// Uid of the component that runs remote commands; it gets the command as variable `command`.
    #[arg(long, env = "DATTO_COMMAND_COMPONENT")]
    pub datto_command_component: Option<String>,
}

/// The identity provider: Keycloak, or Core's own realm on Keycloak's paths.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Keycloak")]
pub struct KeycloakSettings {
    /// Realm of the suite.
    #[arg(long, env = "KEYCLOAK_REALM", default_value = "hivematrix")]
    pub keycloak_realm: String,
    /// Its address as services reach it; default that of Core, whose own realm speaks Keycloak.
    #[arg(long, env = "KEYCLOAK_BACKEND_URL")]
    pub keycloak_backend_url: Option<Url>,
    /// Client of the realm that may list users; wins over the administrator's name.
    #[arg(long, env = "KEYCLOAK_ADMIN_CLIENT_ID")]
    pub keycloak_admin_client_id: Option<String>,
    /// Its secret.
    #[arg(long, env = "KEYCLOAK_ADMIN_CLIENT_SECRET", hide_env_values = true, hide_default_value = true)]
    pub keycloak_admin_client_secret: Option<Secret>,
    /// Administrator of the realm `master`.
    #[arg(long, env = "KEYCLOAK_ADMIN_USER")]
    pub keycloak_admin_user: Option<String>,
    /// The administrator's password.
    #[arg(long, env = "KEYCLOAK_ADMIN_PASS", hide_env_values = true, hide_default_value = true)]
    pub keycloak_admin_pass: Option<Secret>,
}

/// What runs by itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Scheduler")]
pub struct SchedulerSettings {
    /// Start no scheduled sync at all.
    #[arg(long, env = "CODEX_SKIP_SCHEDULER", default_value = "false", action = ArgAction::Set, value_parser = any_value)]
    pub skip_scheduler: bool,
    /// Sync companies, contacts and agents on schedule.
    #[arg(long, env = "SYNC_PSA_ENABLED", default_value = "true", action = ArgAction::Set, value_parser = parse_bool)]
    pub sync_psa_enabled: bool,
    /// Sync tickets on schedule.
    #[arg(long, env = "SYNC_TICKETS_ENABLED", default_value = "true", action = ArgAction::Set, value_parser = parse_bool)]
    pub sync_tickets_enabled: bool,
    /// `daily` or `hourly`.
    #[arg(long, env = "SYNC_PSA_SCHEDULE", default_value = "daily")]
    pub sync_psa_schedule: String,
    /// Time of the daily sync of companies, contacts and agents, in the zone of the server.
    #[arg(long, env = "SYNC_PSA_TIME", default_value = "02:00", value_parser = parse_time)]
    pub sync_psa_time: NaiveTime,
    /// Sync assets on schedule.
    #[arg(long, env = "SYNC_RMM_ENABLED", default_value = "true", action = ArgAction::Set, value_parser = parse_bool)]
    pub sync_rmm_enabled: bool,
    /// `daily` or `hourly`.
    #[arg(long, env = "SYNC_RMM_SCHEDULE", default_value = "daily")]
    pub sync_rmm_schedule: String,
    /// Time of the daily sync of assets, in the zone of the server.
    #[arg(long, env = "SYNC_RMM_TIME", default_value = "03:00", value_parser = parse_time)]
    pub sync_rmm_time: NaiveTime,
    /// `frequent` or `daily`: details of active and recently changed tickets are read again with the daily comparison; `hourly`:
    /// those of recently changed ones every hour as well.
    #[arg(long, env = "SYNC_TICKETS_SCHEDULE", default_value = "frequent")]
    pub sync_tickets_schedule: String,
    /// Time of the daily comparison of all tickets, in the zone of the server.
    #[arg(long, env = "SYNC_TICKETS_DETAIL_TIME", default_value = "02:30", value_parser = parse_time)]
    pub sync_tickets_detail_time: NaiveTime,
    /// Seconds between two ticket syncs.
    #[arg(long, env = "TICKET_SYNC_INTERVAL_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub ticket_sync_interval_seconds: u64,
    /// Run every enabled sync once when the service starts.
    #[arg(long, env = "SYNC_RUN_ON_STARTUP", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub sync_run_on_startup: bool,
}

/// `CODEX_SKIP_SCHEDULER` counts with any value but a clear no (codex-api.md §8.3).
fn any_value(value: &str) -> Result<bool, String> {
    Ok(parse_bool(value).unwrap_or(true))
}

/// A time of day such as `02:30`.
fn parse_time(value: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(value.trim(), "%H:%M")
        .map_err(|_| format!("`{value}` is not a time such as 02:30"))
}

/// A setting without white space around it; an empty one counts as not set, as lines such as `KEY=` mean it.
pub(crate) fn filled(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

fn parse_status(entry: &str) -> Result<(i32, String), String> {
    let (code, key) = entry.split_once('=').ok_or_else(|| format!("`{entry}` is not CODE=KEY"))?;
    let code = code.trim().parse().map_err(|_| format!("`{code}` is not a status code"))?;
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(format!("`{key}` is not a status key"));
    }
    Ok((code, key.to_owned()))
}

impl Settings {
    /// What the statuses of a vendor's account mean, also while the account is not configured.
    pub fn statuses(&self, provider: &str) -> Statuses {
        match provider {
            "superops" => Statuses::Words(StatusNames::new(&self.superops.superops_status_map)),
            _ => Statuses::Codes(StatusMap::freshservice(&self.freshservice.freshservice_status_map)),
        }
    }

    /// What `GET /api/psa/config` tells about the configured providers (codex-api.md §4.4).
    pub fn psa_config(&self) -> PsaConfig {
        let mut providers = std::collections::BTreeMap::new();
        if let Some(freshservice) = self.freshservice.psa_config() {
            providers.insert("freshservice".to_owned(), freshservice);
        }
        if let Some(superops) = self.superops.psa_config() {
            providers.insert("superops".to_owned(), superops);
        }
        let default_provider = (!providers.is_empty()).then(|| self.psa.psa_default_provider.clone());
        PsaConfig { default_provider, providers }
    }
}

impl FreshserviceSettings {
    fn psa_config(&self) -> Option<PsaProviderConfig> {
        let origin = self.web_origin()?;
        let ticket = filled(&self.freshservice_ticket_url_template).map(str::to_owned);
        Some(PsaProviderConfig {
            name: Some("Freshservice".to_owned()),
            ticket_url_template: Some(
                ticket.unwrap_or_else(|| format!("{origin}/helpdesk/tickets/{{ticket_id}}")),
            ),
            company_url_template: Some(format!("{origin}/a/admin/departments/{{company_id}}")),
            contact_url_template: Some(format!("{origin}/a/requesters/{{contact_id}}")),
            domain: self.account_host(),
            api_key: self
                .freshservice_api_key
                .as_ref()
                .filter(|key| !key.is_empty())
                .map(|_| "***".to_owned()),
            group_ids: PsaGroupIds {
                professional_services: self
                    .freshservice_professional_services_group_id
                    .iter()
                    .copied()
                    .map(PsaId)
                    .collect(),
                helpdesk: self.freshservice_helpdesk_group_id.map(PsaId),
            },
        })
    }

    /// Where people open the PSA: the web domain, else the account's, else the server of the API.
    fn web_origin(&self) -> Option<String> {
        match filled(&self.freshservice_web_domain).or_else(|| self.domain()) {
            Some(host) => Some(format!("https://{host}")),
            None => self.freshservice_base_url.as_ref().map(|url| url.origin().ascii_serialization()),
        }
    }

    /// The host of the account, if one is set.
    pub fn domain(&self) -> Option<&str> {
        filled(&self.freshservice_domain)
    }

    /// The host of the account: the domain, else that of the API.
    fn account_host(&self) -> Option<String> {
        self.domain().map(str::to_owned).or_else(|| {
            let url = self.freshservice_base_url.as_ref()?;
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        })
    }
}
