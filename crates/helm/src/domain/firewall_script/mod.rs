//! Firewall scripts (helm.md §9): SSH first and on its real port, every internal port closed, IPv4 and IPv6, rules of others left
//! alone, as often as wanted, and taken back by themselves unless somebody confirms them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// For which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ubuntu's.
    Ufw,
    /// iptables and ip6tables.
    Iptables,
    /// nft.
    Nftables,
}

impl Kind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Ufw, Self::Iptables, Self::Nftables];

    /// The word of the parameter `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ufw => "ufw",
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ufw => "UFW",
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
        }
    }

    /// What the parameter `type` names; none is ufw.
    #[must_use]
    pub fn named(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("") => Some(Self::Ufw),
            Some(word) => Self::ALL.into_iter().find(|kind| kind.as_str() == word),
        }
    }

    /// Name of the file.
    #[must_use]
    pub const fn filename(self) -> &'static str {
        match self {
            Self::Ufw => "secure_firewall.sh",
            Self::Iptables => "secure_iptables.sh",
            Self::Nftables => "secure_nftables.sh",
        }
    }

    const fn body(self) -> &'static str {
        match self {
            Self::Ufw => include_str!("ufw.sh"),
            Self::Iptables => include_str!("iptables.sh"),
            Self::Nftables => include_str!("nftables.sh"),
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Ufw => "ufw",
            Self::Iptables => "iptables",
            Self::Nftables => "nft",
        }
    }
}

const COMMON: &str = include_str!("common.sh");

/// Which ports are open and which are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// Where people sign in to the machine, as far as it is known now; the script looks again.
    pub ssh: BTreeSet<u16>,
    /// The gateway's.
    pub public: BTreeSet<u16>,
    /// Everything else of the suite.
    pub internal: BTreeSet<u16>,
}

/// The script.
#[must_use]
pub fn script(kind: Kind, ports: &Ports) -> String {
    let list =
        |ports: &mut dyn Iterator<Item = &u16>| ports.map(u16::to_string).collect::<Vec<_>>().join(" ");
    let closed = &mut ports.internal.iter().filter(|p| !ports.ssh.contains(p) && !ports.public.contains(p));
    let (file, title, program) = (kind.filename(), kind.title(), kind.program());
    let name = kind.as_str();
    format!(
        "#!/usr/bin/env bash
# Firewall of HiveMatrix for {title}, written by Helm. Look at it before you run it.
#
#   ./{file}                  shows the rules and asks whether to apply them
#   ./{file} show             shows the rules
#   sudo ./{file} apply       applies them; they are taken back after five minutes ...
#   sudo ./{file} confirm     ... unless you confirm them
#   sudo ./{file} rollback    takes them back now
set -euo pipefail
export LC_ALL=C

# What Helm knows of SSH here; the script looks again when it is run. Everything that is not named here is closed: add the
# ports of other programs that have to stay open to PUBLIC_PORTS.
SSH_PORTS=\"{ssh}\"
PUBLIC_PORTS=\"{public}\"
INTERNAL_PORTS=\"{closed}\"
ROLLBACK_SECONDS=300
PROGRAM={program}
STATE=/var/lib/hivematrix-firewall-{name}
UNIT=hivematrix-firewall-{name}-rollback
{own}{COMMON}{body}",
        ssh = list(&mut ports.ssh.iter()),
        public = list(&mut ports.public.iter()),
        closed = list(closed),
        own = match kind {
            Kind::Ufw => "",
            Kind::Iptables => "CHAIN=HIVEMATRIX\n",
            Kind::Nftables => "TABLE=hivematrix\n",
        },
        body = kind.body(),
    )
}

/// The ports of `sshd_config`, in the text of the file and of what it includes. None named is 22.
#[must_use]
pub fn sshd_ports(config: &str) -> BTreeSet<u16> {
    let words = |line: &str| {
        let line = line.trim();
        let (key, value) = line.split_once(|c: char| c.is_whitespace() || c == '=')?;
        let value = value.trim_start_matches(['=', ' ', '\t']).trim().trim_matches('"');
        match key.to_ascii_lowercase().as_str() {
            "port" => value.parse().ok(),
            // `ListenAddress 0.0.0.0:2222`, `ListenAddress [::]:2222`; an address alone has the port of `Port`.
            "listenaddress" => {
                let address = value.split_whitespace().next()?;
                address.parse::<std::net::SocketAddr>().ok().map(|at| at.port())
            }
            _ => None,
        }
    };
    let named: BTreeSet<u16> =
        config.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(words).collect();
    if named.is_empty() { BTreeSet::from([22]) } else { named }
}

#[cfg(test)]
mod tests;
