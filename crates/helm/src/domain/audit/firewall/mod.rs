//! What a firewall lets through, as its own program tells it: policies count as well as rules, IPv4 and IPv6 apart.

pub mod iptables;
pub mod nft;
pub mod ufw;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What becomes of a new connection from anywhere to a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It gets in.
    Accept,
    /// It does not.
    Drop,
}

/// The rules of one program.
#[derive(Debug, Clone, PartialEq)]
pub enum Rules {
    /// `ufw status verbose`.
    Ufw(ufw::Ufw),
    /// `iptables -S` and `ip6tables -S`.
    Iptables(iptables::Iptables),
    /// `nft -j list ruleset`.
    Nft(nft::Nft),
}

impl Rules {
    /// Whether a new connection from anywhere does not get in.
    #[must_use]
    pub fn blocks(&self, port: u16, family: Family) -> bool {
        let verdict = match self {
            Self::Ufw(ufw) => ufw.verdict(port, family),
            Self::Iptables(tables) => tables.verdict(port, family),
            Self::Nft(nft) => nft.verdict(port, family),
        };
        verdict == Verdict::Drop
    }

    /// Whether what nobody allows is refused.
    #[must_use]
    pub fn denies_by_default(&self) -> bool {
        match self {
            Self::Ufw(ufw) => ufw.denies_by_default,
            Self::Iptables(tables) => tables.denies_by_default(),
            Self::Nft(nft) => nft.denies_by_default(),
        }
    }

    /// Whether it refuses anything at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self {
            Self::Ufw(ufw) => ufw.is_active,
            Self::Iptables(tables) => tables.is_active(),
            Self::Nft(nft) => nft.is_active(),
        }
    }

    /// Name of the program.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ufw(_) => "ufw",
            Self::Iptables(_) => "iptables",
            Self::Nft(_) => "nftables",
        }
    }
}

/// What is known of the firewall of this machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Firewall {
    /// What each program that is there and may be asked tells.
    pub rules: Vec<Rules>,
    /// Programs that are there and do not answer Helm, such as without root.
    pub silent: Vec<String>,
}

impl Firewall {
    /// The one that counts first: the first that refuses anything.
    #[must_use]
    pub fn active(&self) -> Option<&Rules> {
        self.rules.iter().find(|rules| rules.is_active())
    }

    /// Whether a new connection from anywhere to this port is refused; one that refuses is enough.
    #[must_use]
    pub fn blocks(&self, port: u16, family: Family) -> bool {
        self.rules.iter().any(|rules| rules.is_active() && rules.blocks(port, family))
    }

    /// Whether what nobody allows is refused.
    #[must_use]
    pub fn denies_by_default(&self) -> bool {
        self.rules.iter().any(|rules| rules.is_active() && rules.denies_by_default())
    }
}

/// `firewall_status` of the findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirewallStatus {
    /// Whether one is known to refuse anything.
    pub active: bool,
    /// `ufw`, `iptables` or `nftables`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Ports of the suite that it keeps closed, by a rule or because nobody allows them.
    pub protected_ports: Vec<u16>,
}

/// Whether ports written as `22`, `6000:6007` or `80,443` (also with `-` for a range) hold one.
fn holds(ports: &str, port: u16) -> bool {
    ports.split(',').any(|part| {
        let (first, last) = part.split_once([':', '-']).unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().ok();
        matches!((number(first), number(last)), (Some(first), Some(last)) if (first..=last).contains(&port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_never_part_of_another_number() {
        for (ports, port, held) in [
            ("443", 443, true),
            ("4430", 443, false),
            ("80,443", 443, true),
            ("6000:6007", 6003, true),
            ("6000-6007", 6008, false),
            ("ssh", 22, false),
            ("", 22, false),
        ] {
            assert_eq!(holds(ports, port), held, "{ports} {port}");
        }
    }
}
