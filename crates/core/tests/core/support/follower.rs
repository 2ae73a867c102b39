//! A service that follows Core's revocation feed, with the shared crate's own client.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hivematrix_shared::{
    auth::{RevocationFeed, Revocations},
    clock::Clock,
    config::Secret,
    registry::{Registry, RegistryHandle},
    service_client::ServiceClient,
    testing,
};
use tokio_util::sync::CancellationToken;

use super::{Core, claims, secret_of};

/// A revoked session is refused everywhere within two seconds (core.md §2.7); one more for a busy machine.
const WITHIN: Duration = Duration::from_secs(3);

/// The list that a service `beacon` checks tokens against.
pub struct Follower {
    pub list: Arc<Revocations>,
    pub clock: Clock,
    stop: CancellationToken,
}

impl Follower {
    /// Follows the Core instances at these addresses.
    pub fn of(urls: &[&str]) -> Self {
        let mut settings = testing::settings("beacon");
        settings.core_url = Some(urls.join(","));
        settings.service_secret = Secret::new(secret_of("beacon"));
        let client = ServiceClient::new(&settings, RegistryHandle::of(Registry::default())).unwrap();
        let clock = super::now();
        let list = Arc::new(Revocations::following(&clock));
        let stop = CancellationToken::new();
        tokio::spawn(RevocationFeed::new(client, list.clone(), clock.clone()).run(stop.clone()));
        Self { list, clock, stop }
    }

    pub fn refuses(&self, token: &str) -> bool {
        self.list.contains(claims(token)["jti"].as_str().unwrap())
    }

    /// Waits until a token is refused; the test fails when that takes longer than it may.
    pub async fn refuses_in_time(&self, token: &str, what: &str) {
        let since = Instant::now();
        while !self.refuses(token) {
            assert!(since.elapsed() < WITHIN, "{what}: not refused in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until it follows: a session that ends is refused.
    pub async fn follows(&self, core: &Core) {
        let token = core.ended_session().await;
        super::eventually("the service follows Core", async || self.refuses(&token)).await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
