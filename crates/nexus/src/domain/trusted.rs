//! Whose word counts about where a request came from: the reverse proxies in front of the gateway.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// What `BEHIND_PROXY` alone trusts: this machine and private networks (RFC 1918, RFC 4193, link-local addresses).
const PRIVATE: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// Addresses and networks whose forwarding headers are believed. By default there are none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrustedProxies(Vec<IpNet>);

/// An entry that is no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an address such as 10.0.0.5 nor a network such as 10.0.0.0/24")]
pub struct AddressError(String);

impl TrustedProxies {
    /// This machine and private networks.
    pub fn private() -> Self {
        Self(PRIVATE.iter().filter_map(|network| network.parse().ok()).collect())
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a connection from `address` may say for whom it speaks.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = AddressError;

    /// Reads a comma list.
    fn from_str(list: &str) -> Result<Self, AddressError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let address = entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            address.or_else(|_| entry.parse()).map_err(|_| AddressError(entry.to_owned()))
        };
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_addresses_are_trusted() {
        let list: TrustedProxies = "10.0.0.5, 192.0.2.0/24 ,2001:db8::/32,".parse().unwrap();
        for (address, trusted) in [
            ("10.0.0.5", true),
            ("::ffff:10.0.0.5", true),
            ("10.0.0.6", false),
            ("192.0.2.200", true),
            ("192.0.3.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(list.contains(address.parse().unwrap()), trusted, "{address}");
        }
        for list in ["10.0.0", "10.0.0.0/33", "proxy.example", "10.0.0.1;10.0.0.2"] {
            assert!(list.parse::<TrustedProxies>().is_err(), "{list}");
        }
    }

    #[test]
    fn without_a_list_it_is_private_networks_or_nobody() {
        let private = TrustedProxies::private();
        assert_eq!(private.0.len(), PRIVATE.len());
        for (address, trusted) in [
            ("127.0.0.1", true),
            ("172.18.0.1", true),
            ("fd00::1", true),
            ("172.32.0.1", false),
            ("203.0.113.7", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(private.contains(address.parse().unwrap()), trusted, "{address}");
            assert!(!TrustedProxies::default().contains(address.parse().unwrap()));
        }
    }
}
