//! Settings of the vendors' webhooks (codex-api.md §9).

use std::net::IpAddr;
use std::str::FromStr;

use clap::{ArgAction, Args};
use hivematrix_shared::config::{Secret, parse_bool};
use ipnet::IpNet;

/// Fewest characters of a secret that is set by hand: it is all that stands between strangers and the tickets.
pub const SHORTEST_SECRET: usize = 16;

/// Whether a secret could be guessed.
pub fn is_short_secret(secret: &str) -> bool {
    secret.chars().count() < SHORTEST_SECRET
}

/// Whether vendors may report changes, and who counts as a vendor.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookSettings {
    /// Take events that vendors report.
    #[arg(long, env = "WEBHOOKS_ENABLED", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub webhooks_enabled: bool,
    /// What vendors send in `X-Webhook-Secret`; without one nobody gets in.
    #[arg(long, env = "WEBHOOKS_SECRET", hide_env_values = true, hide_default_value = true)]
    pub webhooks_secret: Option<Secret>,
    /// Addresses or networks (`203.0.113.0/24`) events may come from, separated by commas; empty: any.
    #[arg(long, env = "WEBHOOKS_ALLOWED_IPS", default_value = "", hide_default_value = true)]
    pub webhooks_allowed_ips: AllowedAddresses,
    /// Write the known fields of every event to the log: they name people.
    #[arg(long, env = "WEBHOOKS_LOG_PAYLOADS", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub webhooks_log_payloads: bool,
}

impl WebhookSettings {
    /// Whether there is a secret that can match.
    pub fn has_secret(&self) -> bool {
        self.webhooks_secret.as_ref().is_some_and(|secret| !secret.is_empty())
    }

    /// Whether webhooks are taken with a secret that could be guessed.
    pub fn is_weak(&self) -> bool {
        let short = |secret: &Secret| !secret.is_empty() && is_short_secret(secret.expose());
        self.webhooks_enabled && self.webhooks_secret.as_ref().is_some_and(short)
    }

    /// Whether this is the secret, told in constant time.
    pub fn is_secret(&self, candidate: &str) -> bool {
        self.webhooks_secret.as_ref().is_some_and(|secret| secret.matches(candidate))
    }
}

/// Networks; none at all stands for everybody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedAddresses(Vec<IpNet>);

impl AllowedAddresses {
    /// Whether there is no restriction.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether requests from this address are let in.
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.is_open() || self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for AllowedAddresses {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let address = entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            address
                .or_else(|_| entry.parse())
                .map_err(|_| format!("`{entry}` is neither an address nor a network"))
        };
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_let_in_what_they_contain() {
        for (list, address, allowed) in [
            ("", "203.0.113.7", true),
            (" , ", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("::ffff:203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("198.51.100.1, 203.0.113.0/24", "203.0.113.8", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "203.0.113.8", false),
        ] {
            let list: AllowedAddresses = list.parse().unwrap();
            assert_eq!(list.allow(address.parse().unwrap()), allowed, "{list:?} {address}");
        }
        assert!("203.0.113".parse::<AllowedAddresses>().is_err());
        assert!("example.com".parse::<AllowedAddresses>().is_err());
    }

    #[test]
    fn an_empty_secret_opens_nothing() {
        let with = |secret: Option<&str>| WebhookSettings {
            webhooks_enabled: true,
            webhooks_secret: secret.map(Secret::new),
            webhooks_allowed_ips: AllowedAddresses::default(),
            webhooks_log_payloads: false,
        };
        assert!(!with(None).is_secret("") && !with(Some("")).is_secret(""));
        assert!(!with(Some("")).has_secret() && with(Some("s")).is_secret("s"));
    }
}
