//! Ledger's settings (ledger.md §10.1).

pub mod mail;

use clap::Parser;
use hivematrix_shared::config::{self, CommonSettings, DatabaseSettings, FileKey, ServiceConfig};

use self::mail::MailSettings;
use crate::cli::Command;

/// Port where `LEDGER_PORT` says nothing.
pub const DEFAULT_PORT: u16 = 5030;

/// Bills that are exact, explained and final.
#[derive(Clone, Debug, Parser)]
#[command(name = "hivematrix-ledger", version, about)]
pub struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings every service has.
    #[command(flatten)]
    pub common: CommonSettings,
    /// Where the data lives.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Base URL of Codex where the registry does not name it.
    #[arg(long, env = "CODEX_SERVICE_URL")]
    pub codex_url: Option<String>,
    /// Who sends invoices.
    #[command(flatten)]
    pub mail: MailSettings,
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "ledger";
    const FILE_KEYS: &'static [FileKey] = &[
        FileKey::new("database", "connection_string", "DATABASE_URL"),
        FileKey::new("mail", "host", "SMTP_HOST"),
        FileKey::new("mail", "port", "SMTP_PORT"),
        FileKey::new("mail", "security", "SMTP_SECURITY"),
        FileKey::new("mail", "user", "SMTP_USER"),
        FileKey::new("mail", "password", "SMTP_PASSWORD"),
        FileKey::new("mail", "from", "SMTP_FROM"),
    ];

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

/// Reads the settings; ends the process with a message when they are wrong.
pub fn load() -> Settings {
    config::load()
}
