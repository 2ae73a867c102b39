//! The public addresses of the suite, and the issuer that follows from them.

use url::Url;

/// Path under which the gateway shows the identity provider.
pub const PUBLIC_PREFIX: &str = "/keycloak";

/// A public origin such as `https://localhost:8443`, normalised (no default port, lower-case host).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin(String);

impl Origin {
    /// Reads `scheme://host[:port]`, with or without a path behind it, which is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .then(|| Self(url.origin().ascii_serialization()))
    }

    /// The origin as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Host, with the port unless it is the scheme's own.
    pub fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }

    /// Where the gateway shows the identity provider.
    pub fn provider_base(&self) -> String {
        format!("{}{PUBLIC_PREFIX}", self.0)
    }

    /// The issuer of `realm` for browsers of this origin.
    pub fn issuer(&self, realm: &str) -> String {
        format!("{}/realms/{realm}", self.provider_base())
    }
}

/// All configured public origins; the first is the main one.
#[derive(Clone, Debug)]
pub struct Origins {
    main: Origin,
    others: Vec<Origin>,
}

/// A list of public origins that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a public address such as https://msp.example")]
pub struct InvalidOrigin(String);

impl Origins {
    /// Reads a comma-separated list.
    pub fn parse(list: &str) -> Result<Self, InvalidOrigin> {
        let mut all = list
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| Origin::parse(part).ok_or_else(|| InvalidOrigin(part.trim().to_owned())))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        let main = all.next().ok_or_else(|| InvalidOrigin(list.to_owned()))?;
        Ok(Self { main, others: all.collect() })
    }

    /// The one used where a request does not say.
    pub fn main(&self) -> &Origin {
        &self.main
    }

    /// All of them, the main one first.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.main).chain(&self.others)
    }

    /// The configured origin that the gateway's `X-Forwarded-Proto` and `X-Forwarded-Host` name.
    pub fn forwarded(&self, proto: &str, host: &str) -> Option<&Origin> {
        let named = Origin::parse(&format!("{proto}://{host}"))?;
        self.iter().find(|origin| **origin == named)
    }

    /// The origin whose issuer this is.
    pub fn of_issuer(&self, issuer: &str, realm: &str) -> Option<&Origin> {
        self.iter().find(|origin| origin.issuer(realm) == issuer)
    }
}

/// An identity provider's base URL without realm or trailing slash: `…/realms/<realm>` is accepted and cut off
/// (platform.md §4).
pub fn provider_base(url: &str, realm: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let cut = url.strip_suffix(&format!("/realms/{realm}")).unwrap_or(url);
    cut.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_url_is_accepted_with_and_without_its_realm() {
        for (given, base) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://localhost:8080/realms/hivematrix", "http://localhost:8080"),
            ("http://localhost:8080/realms/hivematrix/", "http://localhost:8080"),
            ("https://msp.example/keycloak/realms/hivematrix", "https://msp.example/keycloak"),
            ("https://msp.example/realms/other", "https://msp.example/realms/other"),
        ] {
            assert_eq!(provider_base(given, "hivematrix"), base);
        }
    }

    #[test]
    fn only_configured_origins_are_recognised() {
        let origins = Origins::parse("https://localhost:8443, https://MSP.example:443/").unwrap();
        let found = |proto, host| origins.forwarded(proto, host).map(Origin::as_str);
        assert_eq!(found("https", "localhost:8443"), Some("https://localhost:8443"));
        assert_eq!(found("https", "msp.example"), Some("https://msp.example"));
        assert_eq!(found("https", "msp.example:443"), Some("https://msp.example"));
        for (proto, host) in
            [("http", "msp.example"), ("https", "evil.example"), ("https", "msp.example/x@evil"), ("", "")]
        {
            let named = found(proto, host);
            assert!(named.is_none() || host.starts_with("msp.example/"), "{proto} {host}");
        }
        assert_eq!(origins.main().issuer("hivematrix"), "https://localhost:8443/keycloak/realms/hivematrix");
        assert!(origins.of_issuer("https://msp.example/keycloak/realms/hivematrix", "hivematrix").is_some());
        assert!(origins.of_issuer("https://evil.example/keycloak/realms/hivematrix", "hivematrix").is_none());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "msp.example", "ftp://msp.example", ",", "javascript:alert(1)"] {
            assert!(Origins::parse(bad).is_err(), "{bad}");
        }
    }
}
