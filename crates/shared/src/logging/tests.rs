//! The log as a whole: what a line looks like, and what reaches Helm in good and bad times.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use clap::Parser;
use serde_json::{Value, json};
use tracing::subscriber::with_default;

use super::*;
use crate::contracts::helm::{LogBatch, LogEntry};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: CommonSettings,
}

fn settings(home: &Path, more: &[&str]) -> CommonSettings {
    let home = home.to_string_lossy();
    let arguments = ["test", "--home", &home, "--service-name", "ledger"];
    Arguments::parse_from(arguments.into_iter().chain(more.iter().copied())).common
}

fn time() -> DateTime<Utc> {
    "2025-11-22T10:30:00.123Z".parse().unwrap()
}

fn quick() -> Pace {
    Pace {
        flush_after: Duration::from_millis(1),
        round: Duration::from_millis(1),
        retry_min: Duration::from_millis(1),
        retry_max: Duration::from_millis(5),
        last_try: Duration::from_secs(5),
        patience: 4,
    }
}

fn handle(home: &Path, capacity: usize) -> LogHandle {
    LogHandle::new(&settings(home, &[]), "ledger", Clock::fixed(time()), capacity, quick())
}

/// Runs `work` under a subscriber of its own and returns the written lines.
fn lines(handle: &LogHandle, settings: &CommonSettings, work: impl FnOnce()) -> Vec<String> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&written);
    let output: Output =
        Box::new(move |line, _| sink.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap()));
    with_default(tracing_subscriber::registry().with(handle.layer(settings, output)), work);
    let written = written.lock().unwrap();
    written.clone()
}

fn json_lines(more: &[&str], work: impl FnOnce()) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let lines = lines(&handle(dir.path(), 100), &settings(dir.path(), more), work);
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_has_the_seeds_members_and_no_others() {
    let lines = json_lines(&[], || {
        let request = tracing::info_span!(
            "request",
            correlation_id = "req-abc-123",
            path = "/api/bill/accept",
            method = "POST",
            user = tracing::field::Empty
        );
        request.in_scope(|| {
            request.record("user", "billing@example.com");
            tracing::info!(
                account_number = "620547",
                total_amount = 4275.5,
                lines = 3,
                ok = true,
                "Bill archived successfully"
            );
        });
        tracing::warn!("Outside of any request");
    });
    assert_eq!(
        lines,
        [
            json!({
                "timestamp": "2025-11-22T10:30:00.123Z", "level": "INFO", "service": "ledger", "correlation_id": "req-abc-123",
                "user": "billing@example.com", "message": "Bill archived successfully",
                "extra": {"account_number": "620547", "total_amount": 4275.5, "lines": 3, "ok": true}
            }),
            json!({
                "timestamp": "2025-11-22T10:30:00.123Z", "level": "WARNING", "service": "ledger", "correlation_id": "none",
                "message": "Outside of any request"
            }),
        ]
    );
}

#[test]
fn named_fields_stand_at_top_level() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 10);
    handle.set_top_level_fields(&["view_slug", "ticket_count"]);
    let lines = lines(&handle, &settings(dir.path(), &[]), || {
        tracing::info!(view_slug = "helpdesk", ticket_count = 12, cached = false, "View rendered");
    });
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["view_slug"], "helpdesk");
    assert_eq!(line["ticket_count"], 12);
    assert_eq!(line["extra"], json!({"cached": false}));
}

#[test]
fn the_level_filters_but_spans_of_requests_and_audit_lines_stay() {
    let lines = json_lines(&["--log-level", "error"], || {
        tracing::info_span!("request", correlation_id = "c-1").in_scope(|| {
            tracing::warn!("not shown");
            tracing::error!("shown");
            crate::audit!(actor = "admin@example.com", "User created");
        });
    });
    let shown: Vec<_> = lines
        .iter()
        .map(|line| (line["message"].as_str().unwrap(), line["correlation_id"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("shown", "c-1"), ("User created", "c-1")]);
}

#[test]
fn the_text_form_is_one_line_whatever_the_message_holds() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &["--json-logging", "false"]);
    let lines = lines(&handle(dir.path(), 10), &settings, || {
        tracing::error!(target: "hivematrix_ledger::bill", count = 2, "first\nsecond");
    });
    assert_eq!(lines, ["2025-11-22T10:30:00.123Z [ERROR] hivematrix_ledger::bill: first second count=2\n"]);
}

#[test]
fn secrets_are_taken_out_of_fields_and_messages() {
    let lines = json_lines(&[], || {
        tracing::info!(client_secret = "s3cr3t", header = "Bearer eyJh.eyJi.c2ln", "refused eyJh.eyJi.c2ln");
    });
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("s3cr3t") && !text.contains("c2ln"), "{text}");
}

#[test]
fn access_lines_carry_route_status_and_time_and_probes_stay_quiet() {
    let line = |path: &str, status: u16| {
        let status = http::StatusCode::from_u16(status).unwrap();
        let duration = Duration::from_micros(12_345);
        access(Access { method: &http::Method::GET, path, route: Some(path), status, duration });
    };
    let lines = json_lines(&[], || {
        line("/api/companies", 200);
        line("/livez", 200);
        line("/health", 503);
    });
    let levels: Vec<_> = lines
        .iter()
        .map(|line| (line["message"].as_str().unwrap(), line["level"].as_str().unwrap()))
        .collect();
    assert_eq!(levels, [("GET /api/companies 200", "INFO"), ("GET /health 503", "WARNING")]);
    assert_eq!(
        lines[0]["extra"],
        json!({"method": "GET", "path": "/api/companies", "route": "/api/companies", "status": 200, "duration_ms": 12.345})
    );
}

#[test]
fn without_shipping_lines_are_written_and_nothing_waits_for_helm() {
    for (shipping, waiting) in [("true", 1), ("false", 0)] {
        let dir = tempfile::tempdir().unwrap();
        let handle = handle(dir.path(), 100);
        let settings = settings(dir.path(), &["--log-shipping", shipping]);
        assert_eq!(lines(&handle, &settings, || tracing::warn!("written")).len(), 1, "{shipping}");
        assert_eq!(handle.queue().len(), waiting, "{shipping}");
    }
}

#[test]
fn a_flood_of_successful_requests_is_shipped_in_part_and_everything_else_is_shipped() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 100);
    let written = lines(&handle, &settings(dir.path(), &[]), || {
        for _ in 0..5_000 {
            tracing::info!(target: ACCESS_TARGET, status = 200, "GET / 200");
        }
        for _ in 0..20 {
            tracing::info!(target: ACCESS_TARGET, status = 404, "GET /none 404");
        }
    });
    assert_eq!(written.len(), 5_020, "standard error has all of them");
    let dropped = handle.counters().dropped_access.get();
    assert!(dropped > 100, "{dropped}");
    let kept = handle.take_batch(1_000).entries;
    assert_eq!(kept.iter().filter(|queued| queued.priority == Priority::Normal).count(), 20);
}

/// A batch: whose it is, and its entries.
type Taken = (String, Vec<LogEntry>);

/// A Helm that can be away, slow or picky.
#[derive(Clone, Default)]
struct FakeHelm {
    taken: Arc<Mutex<Vec<Taken>>>,
    away: Arc<AtomicU32>,
    /// Answers that get lost: what came is stored, and nobody hears of it.
    mute: Arc<AtomicU32>,
    hangs: bool,
    hates: Option<&'static str>,
}

impl FakeHelm {
    fn messages(&self) -> Vec<String> {
        self.taken
            .lock()
            .unwrap()
            .iter()
            .flat_map(|(_, entries)| entries)
            .map(|entry| entry.message.clone())
            .collect()
    }
}

impl LogSink for FakeHelm {
    async fn send(&self, batch: &LogBatch<'_>) -> Result<(), SinkError> {
        tracing::error!("a line of the shipper's own work");
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if self.away.load(Ordering::SeqCst) > 0 {
            self.away.fetch_sub(1, Ordering::SeqCst);
            return Err(SinkError::unavailable("away"));
        }
        if self.hates.is_some_and(|hated| batch.logs.iter().any(|entry| entry.message == hated)) {
            return Err(SinkError::Refused { reason: "400".into() });
        }
        let entries = batch.logs.iter().copied().cloned().collect();
        self.taken.lock().unwrap().push((batch.service_name.to_owned(), entries));
        if self.mute.load(Ordering::SeqCst) > 0 {
            self.mute.fetch_sub(1, Ordering::SeqCst);
            return Err(SinkError::unavailable("the answer got lost"));
        }
        Ok(())
    }
}

/// Logs under the handle's layer on this thread until the guard goes.
fn listen(handle: &LogHandle, home: &Path) -> tracing::subscriber::DefaultGuard {
    let layer = handle.layer(&settings(home, &[]), Box::new(|_, _| {}));
    tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn entries_reach_helm_with_context_and_without_the_shippers_own_lines() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 100);
    let _guard = listen(&handle, dir.path());
    let helm = FakeHelm::default();
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    tracing::info_span!(
        "request",
        correlation_id = "c-1",
        path = "/a",
        method = "GET",
        user = "tech@example.com"
    )
    .in_scope(|| tracing::info!(company = 7, "inside"));
    tracing::info!("outside");
    until(|| helm.messages().len() >= 2).await;
    stop.cancel();
    shipper.await.unwrap();

    assert_eq!(helm.messages(), ["inside", "outside"]);
    let batches = helm.taken.lock().unwrap();
    let (service, entries) = &batches[0];
    let entry = &entries[0];
    assert_eq!(service, "ledger");
    assert_eq!(entry.context, Some(json!({"company": 7, "path": "/a", "method": "GET"})));
    assert_eq!(
        (entry.trace_id.as_deref(), entry.user_id.as_deref()),
        (Some("c-1"), Some("tech@example.com"))
    );
    assert_eq!(entry.timestamp, "2025-11-22T10:30:00.123Z");
    assert_eq!(batches.last().unwrap().1.last().unwrap().trace_id, None);
    assert_eq!(handle.counters().shipped.get(), 2);
}

#[tokio::test]
async fn what_is_sent_again_comes_under_the_number_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 100);
    let _guard = listen(&handle, dir.path());
    let helm = FakeHelm { mute: Arc::new(AtomicU32::new(1)), ..FakeHelm::default() };
    let stop = CancellationToken::new();
    tracing::info!("first");
    tracing::info!("second");
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    until(|| helm.messages().len() >= 4).await;
    tracing::info!("third");
    until(|| helm.messages().len() >= 5).await;
    stop.cancel();
    shipper.await.unwrap();

    assert_eq!(helm.messages(), ["first", "second", "first", "second", "third"]);
    let batches = helm.taken.lock().unwrap();
    let entries: Vec<&LogEntry> = batches.iter().flat_map(|(_, entries)| entries).collect();
    assert_eq!((entries[0], entries[1]), (entries[2], entries[3]), "the same in every member");
    let numbers: Vec<_> = entries.iter().map(|entry| entry.seq.unwrap()).collect();
    assert!(numbers[0] < numbers[1] && numbers[1] < numbers[4], "{numbers:?}");
    let sources: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry.source.clone()).collect();
    assert!(sources.len() == 1 && !sources.contains(&None), "one run of a process: {sources:?}");
}

#[tokio::test]
async fn an_outage_loses_nothing_and_keeps_the_order() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 100);
    let _guard = listen(&handle, dir.path());
    let helm = FakeHelm::default();
    helm.away.store(5, Ordering::SeqCst);
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    let mut expected = Vec::new();
    for number in 0..20 {
        tracing::info!("line {number}");
        expected.push(format!("line {number}"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lines = |helm: &FakeHelm| {
        helm.messages().into_iter().filter(|message| message.starts_with("line")).collect::<Vec<_>>()
    };
    until(|| lines(&helm).len() == 20).await;
    assert_eq!(lines(&helm), expected);
    assert!(handle.counters().spooled.get() > 0);
    let others: Vec<_> = helm.messages().into_iter().filter(|message| !message.starts_with("line")).collect();
    assert_eq!(
        others,
        ["Helm does not take log lines, keeping them on disk", "Helm takes log lines again"][..others.len()]
    );
    stop.cancel();
    shipper.await.unwrap();
}

#[tokio::test]
async fn what_waits_when_the_process_stops_is_replayed_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    {
        let handle = handle(dir.path(), 100);
        let _guard = listen(&handle, dir.path());
        let helm = FakeHelm::default();
        helm.away.store(u32::MAX, Ordering::SeqCst);
        let stop = CancellationToken::new();
        let shipper = handle.ship_to(helm, stop.clone());
        tracing::info!("before the stop");
        stop.cancel();
        shipper.await.unwrap();
        tracing::info!("after the stop");
    }
    let handle = handle(dir.path(), 100);
    let helm = FakeHelm::default();
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    until(|| helm.messages().len() == 2).await;
    assert_eq!(helm.messages(), ["before the stop", "after the stop"]);
    stop.cancel();
    shipper.await.unwrap();
}

#[tokio::test]
async fn a_helm_that_hangs_neither_blocks_nor_loses_lines() {
    let dir = tempfile::tempdir().unwrap();
    let slow = LogHandle::new(
        &settings(dir.path(), &[]),
        "ledger",
        Clock::fixed(time()),
        10,
        Pace { last_try: Duration::from_millis(1), ..quick() },
    );
    let _guard = listen(&slow, dir.path());
    let stop = CancellationToken::new();
    let shipper = slow.ship_to(FakeHelm { hangs: true, ..FakeHelm::default() }, stop.clone());
    for number in 0..40 {
        tracing::warn!("line {number}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.cancel();
    shipper.await.unwrap();
    assert_eq!(slow.counters().lost.get(), 0);
    drop(slow);
    drop(_guard);

    let handle = handle(dir.path(), 100);
    let helm = FakeHelm::default();
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    until(|| helm.messages().len() == 40).await;
    let expected: Vec<_> = (0..40).map(|number| format!("line {number}")).collect();
    assert_eq!(helm.messages(), expected);
    stop.cancel();
    shipper.await.unwrap();
}

#[tokio::test]
async fn an_entry_that_helm_refuses_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let handle = handle(dir.path(), 100);
    let _guard = listen(&handle, dir.path());
    let helm = FakeHelm { hates: Some("line 3"), ..FakeHelm::default() };
    for number in 0..6 {
        tracing::info!("line {number}");
    }
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    until(|| helm.messages().len() == 5).await;
    assert_eq!(helm.messages(), ["line 0", "line 1", "line 2", "line 4", "line 5"]);
    stop.cancel();
    shipper.await.unwrap();
    assert_eq!(handle.counters().lost.get(), 1);
}

#[tokio::test]
async fn a_disk_that_fails_as_well_costs_nothing_while_memory_lasts() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be.
    std::fs::write(dir.path().join("ledger"), "").unwrap();
    let handle = handle(dir.path(), 1000);
    let _guard = listen(&handle, dir.path());
    let helm = FakeHelm::default();
    helm.away.store(8, Ordering::SeqCst);
    let stop = CancellationToken::new();
    let shipper = handle.ship_to(helm.clone(), stop.clone());
    let mut expected = Vec::new();
    for number in 0..10 {
        tracing::info!("line {number}");
        expected.push(format!("line {number}"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lines = |helm: &FakeHelm| {
        helm.messages().into_iter().filter(|message| message.starts_with("line")).collect::<Vec<_>>()
    };
    until(|| lines(&helm).len() == 10).await;
    assert_eq!(lines(&helm), expected);
    let told = helm.messages().iter().filter(|message| message.contains("cannot be kept on disk")).count();
    assert!(told <= 1);
    stop.cancel();
    shipper.await.unwrap();
    assert_eq!(handle.counters().lost.get(), 0);
}
