//! What runs beside the requests.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use hivematrix_shared::clock::Clock;
use tokio::signal::unix::{Signal, SignalKind, signal};
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
        gateway.backends.tidy(&wanted.chain(gateway.realm.instances()).collect());
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
pub struct CertificateKeeper {
    wanted: Wanted,
    current: Arc<CurrentCertificate>,
    clock: Clock,
    hang_up: Signal,
    checks: u32,
    /// The last failure, so that one is told once and not every minute.
    told: Option<String>,
}

impl CertificateKeeper {
    /// Keeps `current` up to date. From here on SIGHUP does not end the process: it means that the files have changed.
    pub fn new(wanted: Wanted, current: Arc<CurrentCertificate>, clock: Clock) -> io::Result<Self> {
        Ok(Self { wanted, current, clock, hang_up: signal(SignalKind::hangup())?, checks: 0, told: None })
    }

    /// Looks at the files every minute, and at once on SIGHUP.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                _ = self.hang_up.recv() => tracing::info!("told to look at the certificate"),
            }
            self.check();
        }
    }

    /// Looks at the files once. What is not usable is told, and the certificate in use stays.
    pub fn check(&mut self) {
        self.checks = self.checks.wrapping_add(1);
        match certificate::load_or_make(&self.wanted, self.clock.now()) {
            Ok(loaded) => {
                self.told = None;
                if self.checks.is_multiple_of(WARN_EVERY) {
                    loaded.warn_before_end(self.clock.now());
                }
                if self.current.replace(&loaded) {
                    tracing::info!(not_after = %loaded.not_after, "another certificate is in use");
                }
            }
            Err(error) => {
                let failure = Some(error.to_string());
                if self.told != failure {
                    tracing::error!(error = %error, "the certificate cannot be used, the last one stays in use");
                    self.told = failure;
                }
            }
        }
    }
}
