//! The firewall of this machine, from the programs that are there.

use std::path::Path;

use super::commands::{ask, find};
use crate::domain::audit::firewall::{Firewall, Rules, iptables::Iptables, nft::Nft, ufw::Ufw};

/// Asks ufw, nft and iptables, each where it is installed.
pub(super) async fn read() -> Firewall {
    let mut firewall = Firewall::default();
    let mut take = |program: &str, rules: Option<Rules>| match rules {
        Some(rules) => firewall.rules.push(rules),
        None if find(program).is_some() => firewall.silent.push(program.to_owned()),
        None => {}
    };
    take("ufw", ask("ufw", &["status", "verbose"]).await.map(|status| Rules::Ufw(Ufw::read(&status))));
    take("iptables", iptables().await);
    take("nft", nft().await);
    firewall
}

async fn iptables() -> Option<Rules> {
    let v4 = ask("iptables", &["-S"]).await?;
    let v6 = match Path::new("/proc/net/if_inet6").exists() {
        // Without an answer nothing is known to be refused.
        true => Some(ask("ip6tables", &["-S"]).await.unwrap_or_default()),
        false => None,
    };
    Some(Rules::Iptables(Iptables::read(&v4, v6.as_deref())))
}

async fn nft() -> Option<Rules> {
    let ruleset = ask("nft", &["-j", "list", "ruleset"]).await?;
    serde_json::from_str(&ruleset).ok().map(|ruleset| Rules::Nft(Nft::read(&ruleset)))
}
