//! The mail server that invoices are given to.

use clap::{Args, ValueEnum};
use hivematrix_shared::config::Secret;
use lettre::message::Mailbox;

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Security {
    /// Begins in the clear and must become TLS before anything is said. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// In the clear, for a server on the same machine. Port 25.
    None,
}

/// The mail server. Without a host, pages offer the reader's own mail program instead.
#[derive(Args, Clone, Debug, Default)]
pub struct MailSettings {
    /// Name of the mail server that invoices are sent with.
    #[arg(long, env = "SMTP_HOST")]
    pub smtp_host: Option<String>,
    /// Its port; the usual one of the protection where it is not given.
    #[arg(long, env = "SMTP_PORT")]
    pub smtp_port: Option<u16>,
    /// How the connection is protected.
    #[arg(long, env = "SMTP_SECURITY", value_enum, default_value = "starttls")]
    pub smtp_security: Security,
    /// Name to sign in with, where the server wants one.
    #[arg(long, env = "SMTP_USER")]
    pub smtp_user: Option<String>,
    /// Its password.
    #[arg(long, env = "SMTP_PASSWORD", hide_env_values = true)]
    pub smtp_password: Option<Secret>,
    /// Sender: `billing@example.com` or `Example Billing <billing@example.com>`.
    #[arg(long, env = "SMTP_FROM")]
    pub smtp_from: Option<Mailbox>,
}

impl MailSettings {
    /// The name of the server; an empty one, as containers hand on what is not set, is none.
    pub fn host(&self) -> Option<&str> {
        self.smtp_host.as_deref().filter(|host| !host.is_empty())
    }

    /// Name and password, where the server wants them.
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        let user = self.smtp_user.as_deref().filter(|user| !user.is_empty())?;
        Some((user, self.smtp_password.as_ref()?))
    }

    /// Looks whether there is all that a server needs.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self) -> Result<(), &'static str> {
        let has_user = self.smtp_user.as_ref().is_some_and(|user| !user.is_empty());
        match () {
            () if self.host().is_none() => Ok(()),
            () if self.smtp_from.is_none() => Err("SMTP_HOST is set, and SMTP_FROM is missing"),
            () if has_user && self.smtp_password.is_none() => {
                Err("SMTP_USER is set, and SMTP_PASSWORD is missing")
            }
            () => Ok(()),
        }
    }
}
