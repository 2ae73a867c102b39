//! The settings that every service has (platform.md §17).

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::{Secret, version};

/// Settings shared by all services. Precedence: flag, environment, file, default.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common settings")]
pub struct CommonSettings {
    /// Instance directory; everything that is written goes below it.
    #[arg(long, env = "HIVEMATRIX_HOME", default_value = "instance")]
    pub home: PathBuf,
    /// Name of this service in the registry and in logs; the default is the service's own name.
    #[arg(long, env = "SERVICE_NAME", default_value = "")]
    pub service_name: String,
    /// Version shown on pages and in health; default the last commit of the checkout, else the file `VERSION` beside the
    /// program or in the instance directory.
    #[arg(id = "service_version", long = "service-version", env = "HIVEMATRIX_VERSION", default_value = "")]
    pub version: String,
    /// Address to listen on.
    #[arg(long, env = "SERVICE_HOST", default_value = "127.0.0.1")]
    pub host: std::net::IpAddr,
    /// Port to listen on, taken as it is; without it the service's default port plus the offset.
    #[arg(long, env = "SERVICE_PORT")]
    pub port: Option<u16>,
    /// Added to every default port, so that several suites run side by side.
    #[arg(long, env = "HIVEMATRIX_PORT_OFFSET", default_value_t = 0)]
    pub port_offset: u16,
    /// The registry; default `services.json` in the instance directory, else in the working directory.
    #[arg(long, env = "HIVEMATRIX_SERVICES_FILE")]
    pub services_file: Option<PathBuf>,
    /// Base URL of Core, or several with commas; default from the registry.
    #[arg(long, env = "CORE_SERVICE_URL")]
    pub core_url: Option<String>,
    /// Base URL of Helm, where logs go; default from the registry.
    #[arg(long, env = "HELM_SERVICE_URL")]
    pub helm_url: Option<String>,
    /// This service's own secret towards Core, needed to get service tokens.
    #[arg(
        long,
        env = "SERVICE_SECRET",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub service_secret: Secret,
    /// Key for cookies and signed links of this service.
    #[arg(long, env = "SECRET_KEY", hide_env_values = true, default_value = "", hide_default_value = true)]
    pub secret_key: Secret,
    /// Lowest level that is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    #[arg(long, env = "LOG_LEVEL", default_value = "INFO")]
    pub log_level: String,
    /// Whether the level was chosen on the command line or in the environment.
    #[arg(skip)]
    pub log_level_is_chosen: bool,
    /// Log JSON lines (true) or plain text (false).
    #[arg(long, env = "ENABLE_JSON_LOGGING", default_value = "true", action = ArgAction::Set, value_parser = super::parse_bool)]
    pub json_logging: bool,
    /// Send log lines to Helm; without, they only go to standard error.
    #[arg(long, env = "LOG_SHIPPING", default_value = "true", action = ArgAction::Set, value_parser = super::parse_bool)]
    pub log_shipping: bool,
    /// Multiplies every rate limit; for benchmarks and fuzzing only.
    #[arg(long, env = "HIVEMATRIX_RATE_LIMIT_SCALE", default_value_t = 1.0)]
    pub rate_limit_scale: f64,
    /// Lets every service write without an acting user, as upstream does (platform.md §8).
    #[arg(long, env = "HIVEMATRIX_COMPAT_SERVICE_WRITES", default_value = "false", action = ArgAction::Set, value_parser = super::parse_bool)]
    pub compat_service_writes: bool,
    /// Verify TLS certificates of the servers this service calls.
    #[arg(long, env = "VERIFY_SSL", default_value = "true", action = ArgAction::Set, value_parser = super::parse_bool)]
    pub verify_ssl: bool,
    /// Extra certificate authority (PEM) to trust, such as the suite's local one.
    #[arg(long, env = "HIVEMATRIX_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

impl CommonSettings {
    /// `<home>/<service>`, the folder of this service.
    pub fn service_dir(&self) -> PathBuf {
        self.home.join(&self.service_name)
    }

    /// The explicit port, else `default` plus the offset.
    pub fn listen_port(&self, default: u16) -> u16 {
        self.port.unwrap_or_else(|| default.saturating_add(self.port_offset))
    }

    /// The version, `YYYY.MM.DD-<commit>`, or `unknown`.
    pub fn version(&self) -> String {
        if self.version.is_empty() { version::version(&self.home) } else { self.version.clone() }
    }

    /// Where the registry lies.
    pub fn registry_path(&self) -> PathBuf {
        if let Some(path) = &self.services_file {
            return path.clone();
        }
        let in_home = self.home.join("services.json");
        if in_home.exists() { in_home } else { PathBuf::from("services.json") }
    }
}
