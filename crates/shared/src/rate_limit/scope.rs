//! The governors of one scope: the default, a route, or the addresses.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{body::Body, response::IntoResponse};
use governor::middleware::NoOpMiddleware;
use tower_governor::{
    GovernorError, GovernorLayer,
    governor::{GovernorConfig, GovernorConfigBuilder},
};

use super::{KeyBy, Window};
use crate::problem::Problem;

/// The layer of one window.
pub(super) type WindowLayer = GovernorLayer<KeyBy, NoOpMiddleware, Body>;

/// Keys a governor may hold between two housekeepings; above, it is cleaned at once.
const MAX_KEYS: usize = 50_000;
/// Requests between two looks at the number of keys.
const LOOK_EVERY: u32 = 4096;

/// One window of a scope.
pub(super) struct Governed {
    config: Arc<GovernorConfig<KeyBy, NoOpMiddleware>>,
    layer: WindowLayer,
}

impl Governed {
    /// The layer that lets requests through or refuses them.
    pub(super) fn layer(&self) -> &WindowLayer {
        &self.layer
    }
}

pub(super) struct Scope {
    windows: Vec<Governed>,
    seen: AtomicU32,
}

impl Scope {
    pub(super) fn new(windows: &[Window], key: KeyBy, scale: f64) -> Self {
        let windows = windows.iter().filter_map(|(limit, per)| {
            let limit = scaled(*limit, scale);
            let config = GovernorConfigBuilder::default()
                .key_extractor(key)
                .period(per.duration() / limit)
                .burst_size(limit)
                .finish()?;
            let config = Arc::new(config);
            Some(Governed {
                config: config.clone(),
                layer: GovernorLayer::new(config).error_handler(refusal),
            })
        });
        Self { windows: windows.collect(), seen: AtomicU32::new(0) }
    }

    /// The windows for the next request. All of them must let it through.
    pub(super) fn windows(&self) -> &[Governed] {
        if self.seen.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1 && self.keys() > MAX_KEYS
        {
            self.forget_idle();
        }
        &self.windows
    }

    /// Throws buckets away that are full again: they say nothing.
    pub(super) fn forget_idle(&self) {
        for Governed { config, .. } in &self.windows {
            config.limiter().retain_recent();
            config.limiter().shrink_to_fit();
        }
    }

    pub(super) fn keys(&self) -> usize {
        self.windows.iter().map(|window| window.config.limiter().len()).max().unwrap_or_default()
    }
}

/// At least one request per window, whatever the scale.
fn scaled(limit: u32, scale: f64) -> u32 {
    let scaled = (f64::from(limit) * scale).round();
    // `as` saturates; not a number becomes 0.
    (scaled as u32).max(1)
}

fn refusal(error: GovernorError) -> axum::response::Response {
    match error {
        // The governor rounds down; a client that comes back then would be early.
        GovernorError::TooManyRequests { wait_time, .. } => Problem::too_many_requests(wait_time + 1),
        error => Problem::internal(error),
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_multiplies_and_never_closes_a_route() {
        for (limit, scale, expected) in [
            (500, 1.0, 500),
            (500, 100.0, 50_000),
            (3, 0.5, 2),
            (5, 0.01, 1),
            (5, 0.0, 1),
            (5, f64::NAN, 1),
            (5, -1.0, 1),
            (5, 1e12, u32::MAX),
        ] {
            assert_eq!(scaled(limit, scale), expected, "{limit} x {scale}");
        }
    }
}
