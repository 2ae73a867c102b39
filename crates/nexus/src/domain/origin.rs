//! The public origins of the gateway: the allow-list for `Host` and for sign-in (nexus.md §15, weak point 8).

use std::sync::Arc;

use http::HeaderValue;
use url::Url;

/// One address under which people reach the gateway, such as `https://msp.example.net`. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicOrigin {
    origin: Arc<str>,
    host: Arc<str>,
    port: u16,
    /// Host and port as header values, made once for all requests.
    header_values: (HeaderValue, HeaderValue),
}

/// All of them; the first is the one that links and redirects use by default.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicOrigins(Vec<PublicOrigin>);

/// A setting that names no usable origin.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no origin such as https://msp.example.net or https://localhost:8443")]
pub struct OriginError(String);

impl PublicOrigin {
    fn parse(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong());
        }
        let host = url.host_str().ok_or_else(wrong)?;
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let header_values = (HeaderValue::from_str(&host).map_err(|_| wrong())?, HeaderValue::from(port));
        Ok(Self { origin: url.origin().ascii_serialization().into(), host: host.into(), port, header_values })
    }

    /// Scheme, host and port, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Host with the port where it is not the scheme's own: the value of a `Host` header.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// [`Self::host`] as a header's value.
    pub fn host_value(&self) -> HeaderValue {
        self.header_values.0.clone()
    }

    /// The public port as a header's value.
    pub fn port_value(&self) -> HeaderValue {
        self.header_values.1.clone()
    }

    /// The scheme.
    pub fn scheme(&self) -> &'static str {
        if self.origin.starts_with("http://") { "http" } else { "https" }
    }
}

impl PublicOrigins {
    /// Reads a comma list; the first is the main one.
    pub fn parse(list: &str) -> Result<Self, OriginError> {
        let origins: Vec<_> = list
            .split(',')
            .map(str::trim)
            .filter(|o| !o.is_empty())
            .map(PublicOrigin::parse)
            .collect::<Result<_, _>>()?;
        if origins.is_empty() { Err(OriginError(list.to_owned())) } else { Ok(Self(origins)) }
    }

    /// The addresses of this machine for itself, where no public origin is configured.
    pub fn loopback(port: u16) -> Result<Self, OriginError> {
        Self::parse(&format!("https://localhost:{port},https://127.0.0.1:{port},https://[::1]:{port}"))
    }

    /// The origin of a `Host` header.
    pub fn of_host(&self, host: &str) -> Option<&PublicOrigin> {
        let with_port = |origin: &PublicOrigin| {
            let (name, port) = host.split_at_checked(origin.host.len())?;
            let port =
                port.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some(origin.host.eq_ignore_ascii_case(name) && port.parse() == Ok(origin.port))
        };
        self.0
            .iter()
            .find(|origin| origin.host.eq_ignore_ascii_case(host) || with_port(origin).unwrap_or(false))
    }

    /// Whether an `Origin` header is one of ours.
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|own| &*own.origin == origin)
    }

    /// The main origin.
    pub fn main(&self) -> Option<&PublicOrigin> {
        self.0.first()
    }

    /// All origins, the main one first.
    pub fn iter(&self) -> impl Iterator<Item = &PublicOrigin> {
        self.0.iter()
    }
}

/// Whether a `Host` header is a name or an address, perhaps with a port, and nothing that a URL could be hidden in.
pub fn is_host(host: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.bytes().all(allowed)
}

/// Whether a `Host` header and the authority of a request's address are the same; the port of HTTPS may be left out.
pub fn is_same_host(one: &str, other: &str) -> bool {
    let without_port = |host: &'_ str| host.strip_suffix(":443").unwrap_or(host).to_ascii_lowercase();
    without_port(one) == without_port(other)
}

/// Whether a `Host` header names this machine itself.
pub fn is_loopback_host(host: &str) -> bool {
    is_host(host)
        && Url::parse(&format!("https://{host}/")).is_ok_and(|url| match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_the_origin_with_the_same_port() {
        let origins = PublicOrigins::parse("https://msp.example.net, https://localhost:8443").unwrap();
        for (host, expected) in [
            ("msp.example.net", Some("https://msp.example.net")),
            ("MSP.example.net", Some("https://msp.example.net")),
            ("msp.example.net:443", Some("https://msp.example.net")),
            ("Msp.example.net:443", Some("https://msp.example.net")),
            ("msp.example.net:+443", None),
            ("msp.example.net:443:443", None),
            ("msp.example.net:", None),
            ("msp.example.net.", None),
            ("msp.example.net@evil.example", None),
            ("localhost:8443", Some("https://localhost:8443")),
            ("localhost", None),
            ("msp.example.net:8443", None),
            ("evil.example", None),
            ("msp.example.net.evil.example", None),
            ("", None),
        ] {
            assert_eq!(origins.of_host(host).map(PublicOrigin::as_str), expected, "{host}");
        }
        assert_eq!(origins.main().map(PublicOrigin::port_value), Some(HeaderValue::from(443)));
    }

    #[test]
    fn wrong_settings_are_refused() {
        for list in ["", " , ", "msp.example.net", "ftp://x", "https://"] {
            assert!(PublicOrigins::parse(list).is_err(), "{list:?}");
        }
    }

    #[test]
    fn loopback_names_are_recognised() {
        for (host, expected) in [
            ("localhost:1", true),
            ("127.0.0.1", true),
            ("[::1]:8443", true),
            ("localhost.evil.example", false),
            ("evil.example@localhost", false),
            ("localhost/", false),
            ("localhost#", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_host(host), expected, "{host}");
        }
    }
}
