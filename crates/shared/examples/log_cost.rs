//! What its log costs a request, for scripts/bench/helm.sh: span, access line on standard error, and the entry on its way to
//! Helm. Prints microseconds: the mean of the quickest round, less what the same takes without a log.

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use clap::Parser;
use hivematrix_shared::{
    config::{self, CommonSettings, ServiceConfig},
    contracts::helm::LogBatch,
    logging::{self, Access, LogSink, SinkError},
};
use http::{Method, StatusCode};
use tokio_util::sync::CancellationToken;
use tracing::field;

/// Requests of a round: fewer than the access lines that a process may ship at once, so that all of them are.
const REQUESTS: usize = 5_000;
const ROUNDS: usize = 8;
/// In between what waits is taken away, and the allowance of access lines grows again.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    common: CommonSettings,
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "ledger";

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

/// A Helm that takes everything at once.
struct Anything;

impl LogSink for Anything {
    async fn send(&self, batch: &LogBatch<'_>) -> Result<(), SinkError> {
        black_box(batch.logs.len());
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let without = quickest(|_| {});
    let settings = config::load::<Settings>();
    let log = logging::init(&settings.common, "ledger");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stop = CancellationToken::new();
    let shipper = {
        let _runtime = runtime.enter();
        log.ship_to(Anything, stop.clone())
    };
    let with = quickest(|round| {
        if round > 0 {
            std::thread::sleep(PAUSE);
        }
    });
    // What still waits when it is stopped may be left on disk for the next start.
    std::thread::sleep(PAUSE);
    stop.cancel();
    runtime.block_on(shipper)?;
    let (sent, all) = (log.counters().shipped.get(), REQUESTS * ROUNDS);
    if sent < u64::try_from(all)? {
        return Err(format!("only {sent} of {all} entries were shipped").into());
    }
    println!("{:.2}", (with - without).max(0.0) * 1e6 / REQUESTS as f64);
    Ok(())
}

/// Seconds of the quickest round.
fn quickest(before: impl Fn(usize)) -> f64 {
    let mut quickest = f64::INFINITY;
    for round in 0..ROUNDS {
        before(round);
        let began = Instant::now();
        for number in 0..REQUESTS {
            request(number);
        }
        quickest = quickest.min(began.elapsed().as_secs_f64());
    }
    quickest
}

/// What the server layer does for the log of one request.
fn request(number: usize) {
    let method = Method::GET;
    let (id, path) = (format!("{number:036}"), format!("/api/invoice/{number}"));
    let span = tracing::info_span!(
        "request", correlation_id = %id, user = field::Empty, method = %method, path = %path
    );
    span.in_scope(|| {
        span.record("user", "billing@example.com");
        logging::access(Access {
            method: &method,
            path: &path,
            route: Some("/api/invoice/{id}"),
            status: StatusCode::OK,
            duration: Duration::from_micros(1234),
        });
    });
}
