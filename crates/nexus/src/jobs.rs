//! What runs beside the requests.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hivematrix_shared::clock::Clock;
use url::Url;

use crate::{
    Gateway,
    config::Settings,
    domain::origin::PublicOrigins,
    tls::{
        certificate::{self, Wanted},
        listener::CurrentCertificate,
    },
};

/// How often the certificate is looked at: renewed by somebody else, or about to end.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Checks between two warnings: once a day.
const WARN_EVERY: u32 = 24 * 60;

/// How often connections to backends are looked at.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Closes connections to backends that nobody uses, and forgets backends that left the registry.
pub async fn tidy_backends(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(TIDY_INTERVAL).await;
        let registry = gateway.context.registry.load();
        let wanted = registry.0.values().flat_map(|entry| entry.instances().iter().cloned());
        gateway.backends.tidy(&wanted.chain(gateway.realm.backend()).collect());
    }
}

/// The certificate for these settings: all names of this machine and of the public origins.
pub fn wanted_certificate(settings: &Settings, origins: &PublicOrigins) -> Wanted {
    let (certificate, key) = settings.certificate_paths();
    let mut names: BTreeSet<String> = certificate::own_names();
    names.extend(origins.iter().filter_map(|origin| {
        let url = Url::parse(origin.as_str()).ok()?;
        url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned())
    }));
    Wanted { certificate, key, authority_dir: settings.certs_dir(), names }
}

/// Takes a changed certificate into use without a restart, and renews a self-made one in time.
pub async fn keep_certificate(wanted: Wanted, current: Arc<CurrentCertificate>, clock: Clock) {
    for check in 1_u32.. {
        tokio::time::sleep(CHECK_INTERVAL).await;
        match certificate::load_or_make(&wanted, clock.now()) {
            Ok(loaded) => {
                if check.is_multiple_of(WARN_EVERY) {
                    loaded.warn_before_end(clock.now());
                }
                if current.replace(&loaded) {
                    tracing::info!(not_after = %loaded.not_after, "another certificate is in use");
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "the certificate cannot be read, the last one stays in use")
            }
        }
    }
}
