//! What every request must be before anybody looks at what it asks for: unambiguous, and for a host of ours.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hivematrix_shared::problem::Problem;
use http::{HeaderValue, StatusCode, Version, header, request::Parts, uri::Authority};

use super::HostKind;
use crate::{
    Gateway,
    audit::{self, Audit},
    domain::{
        framing::{MAX_TARGET, Refusal},
        origin::{PublicOrigin, is_host, is_loopback_host, is_same_host},
        refusals::Reason,
    },
    front::{Front, client_of},
    tls::inbound::BodyFault,
};

/// Layer: refuses requests that two readers could understand differently, and says so when a body turns out to be broken
/// or too slow. Either way the connection ends, since nobody knows what else comes over it.
pub async fn refuse_ambiguous(State(audit): State<Audit>, request: Request, next: Next) -> Response {
    let version = request.version();
    let (parts, body) = request.into_parts();
    let client = client_of(&parts);
    if let Err(refusal) = judge(&parts) {
        return refuse(refusal, version, &audit, client);
    }
    let fault = parts.extensions.get::<BodyFault>().cloned();
    let response = next.run(Request::from_parts(parts, body)).await;
    match fault.and_then(|fault| fault.get()) {
        // The error is ours, and this is what caused it.
        Some(refusal) if response.extensions().get::<Problem>().is_some() => {
            refuse(refusal, version, &audit, client)
        }
        _ => response,
    }
}

fn refuse(refusal: Refusal, version: Version, audit: &Audit, address: IpAddr) -> Response {
    let detail = refusal.to_string();
    audit.refused(&audit::Refusal {
        reason: Reason::Framing,
        user: None,
        address,
        service: None,
        detail: Some(&detail),
    });
    let mut problem = Problem::new(refusal.status()).detail(detail);
    if version < Version::HTTP_2 {
        problem = problem.header(header::CONNECTION, HeaderValue::from_static("close"));
    }
    problem.into_response()
}

/// The rules that both versions of HTTP share. Those of HTTP/1.1 alone are in [`crate::domain::framing`], and HTTP/2 has
/// no others that its library does not know.
fn judge(parts: &Parts) -> Result<(), Refusal> {
    if let Some(refusal) = parts.extensions.get::<Refusal>() {
        return Err(*refusal);
    }
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        return Err(Refusal::TargetTooLong);
    }
    if !matches!(parts.uri.scheme_str(), None | Some("http" | "https")) {
        return Err(Refusal::Malformed);
    }
    let authority = parts.uri.authority().map(Authority::as_str);
    let mut hosts = parts.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let (host, another) = (hosts.next(), hosts.next());
    let unclear = another.is_some()
        || authority.is_some_and(|authority| !is_host(authority))
        || host.is_some_and(|host| !is_host(host))
        || matches!((authority, host), (Some(authority), Some(host)) if !is_same_host(authority, host));
    if unclear { Err(Refusal::Host) } else { Ok(()) }
}

impl Gateway {
    /// Refuses hosts that are not ours: links and cookies made for them would serve somebody else.
    pub(super) fn host_kind(&self, parts: &Parts) -> Result<HostKind, Problem> {
        let host = parts.extensions.get::<Front>().and_then(|front| front.host.as_deref());
        let host = host.or_else(|| parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()));
        let host = host.or_else(|| parts.uri.authority().map(Authority::as_str)).unwrap_or_default();
        if let Some(origin) = self.origins.of_host(host) {
            return Ok(HostKind::Public(origin.clone()));
        }
        if is_loopback_host(host) && client_of(parts).is_loopback() {
            return Ok(HostKind::Local);
        }
        self.refused_nobody(parts, Reason::Host, host);
        let main = self.origins.main().map(PublicOrigin::as_str).unwrap_or_default();
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST)
            .detail(format!("HiveMatrix does not answer under this address. Open {main} instead.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a request with this address and these values of `Host`.
    fn judged(uri: &str, hosts: &[&str]) -> Result<(), Refusal> {
        let mut builder = http::Request::builder().uri(uri);
        for host in hosts {
            builder = builder.header("host", *host);
        }
        judge(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_request_names_one_host_however_it_names_it() {
        let long = format!("/{}", "x".repeat(MAX_TARGET));
        for (uri, hosts, expected) in [
            ("/x", &["gw.test"][..], Ok(())),
            ("/x", &[], Ok(())),
            ("/x", &["[::1]:8443"], Ok(())),
            ("https://gw.test/x", &["gw.test"], Ok(())),
            ("https://gw.test/x", &[], Ok(())),
            ("https://GW.test:443/x", &["gw.test"], Ok(())),
            ("https://gw.test/x", &["gw.test:8443"], Err(Refusal::Host)),
            ("https://gw.test/x", &["evil.example"], Err(Refusal::Host)),
            ("https://evil.example/x", &["gw.test"], Err(Refusal::Host)),
            ("https://gw.test@evil.example/x", &[], Err(Refusal::Host)),
            ("/x", &["gw.test", "evil.example"], Err(Refusal::Host)),
            ("/x", &["gw.test", "gw.test"], Err(Refusal::Host)),
            ("/x", &[""], Err(Refusal::Host)),
            ("/x", &["gw.test, evil.example"], Err(Refusal::Host)),
            ("/x", &["gw.test evil.example"], Err(Refusal::Host)),
            ("/x", &["gw.test/evil"], Err(Refusal::Host)),
            ("/x", &["evil@gw.test"], Err(Refusal::Host)),
            ("/x", &["gw.test#"], Err(Refusal::Host)),
            ("ftp://gw.test/x", &["gw.test"], Err(Refusal::Malformed)),
            (&long, &["gw.test"], Err(Refusal::TargetTooLong)),
        ] {
            assert_eq!(judged(uri, hosts), expected, "{uri:.60} {hosts:?}");
        }
    }
}
