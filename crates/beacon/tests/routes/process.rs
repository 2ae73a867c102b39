//! The binary itself: what it says when it starts, how it logs, what it refuses, how it stops (beacon.md §14).

use std::{path::Path, process::Stdio};

use hivematrix_shared::{auth::PermissionLevel::Technician, testing::TestIdentity};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::common::{Peers, ours, within};

/// The running service and what it logs.
struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    read: Vec<Value>,
    url: String,
}

fn command(home: &Path, peers: Option<&Peers>) -> Command {
    if let Some(peers) = peers {
        let services = json!({"core": {"url": peers.url}, "codex": {"url": peers.url}, "beacon": {"url": "http://localhost:5001"}});
        std::fs::write(home.join("services.json"), services.to_string()).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_hivematrix-beacon"));
    command.env_clear().env("HIVEMATRIX_HOME", home).env("SERVICE_PORT", "0").env("LOG_SHIPPING", "false");
    command
        .current_dir(home)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Process {
    async fn start(home: &Path, peers: &Peers, environment: &[(&str, &str)]) -> Self {
        let mut child = command(home, Some(peers)).envs(environment.iter().copied()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut process = Self { child, log, read: Vec::new(), url: String::new() };
        let listening = process.line("listening").await;
        process.url = format!("http://{}", listening["extra"]["address"].as_str().unwrap());
        // It listens a moment before it heeds signals; once it answers it does both.
        assert_eq!(reqwest::get(format!("{}/livez", process.url)).await.unwrap().status(), 200);
        process
    }

    /// Waits for a line whose message begins so.
    async fn line(&mut self, message: &str) -> Value {
        let fits = |line: &Value| line["message"].as_str().is_some_and(|text| text.starts_with(message));
        if let Some(line) = self.read.iter().find(|line| fits(line)) {
            return line.clone();
        }
        loop {
            let text = within(self.log.next_line()).await.unwrap().expect("the log goes on");
            let line: Value = serde_json::from_str(&text).unwrap();
            self.read.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }

    /// Stops it as a supervisor does, and returns the rest of its log.
    async fn stop(mut self) -> (Option<i32>, String) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
        let mut rest = String::new();
        within(self.log.get_mut().read_to_string(&mut rest)).await.unwrap();
        (within(self.child.wait()).await.unwrap().code(), rest)
    }
}

async fn peers() -> (TestIdentity, Peers) {
    let identity = TestIdentity::default();
    let peers = Peers::start(identity.clone()).await;
    peers.answer("GET /api/tickets/active", 200, ours());
    peers.answer(
        "GET /api/psa/agents",
        200,
        json!([{"id": 1, "external_id": 7, "name": "Ana", "active": true}]),
    );
    let template = json!({"ticket_url_template": "https://msp.example/a/tickets/{ticket_id}"});
    peers.answer(
        "GET /api/psa/config",
        200,
        json!({"default_provider": "freshservice", "providers": {"freshservice": template}}),
    );
    (identity, peers)
}

#[tokio::test]
async fn the_start_says_what_the_seed_expects() {
    let (_, peers) = peers().await;
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(home.path(), &peers, &[]).await;
    for message in [
        "Loaded 3 services from services.json",
        "Loaded 1 active agents from Codex",
        "Loaded PSA config with base URL: https://msp.example/a/tickets/",
        "Starting Beacon - Ticket Dashboard",
        "Supported views: {'helpdesk': 'Helpdesk', 'professional-services': 'Professional Services'}",
    ] {
        let line = process.line(message).await;
        assert_eq!((&line["level"], &line["service"]), (&json!("INFO"), &json!("beacon")), "{message}");
    }
    let (code, _) = process.stop().await;
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn a_board_is_logged_with_the_seeds_fields_at_top_level() {
    let (identity, peers) = peers().await;
    let home = tempfile::tempdir().unwrap();
    let views = r#"[{"slug":"field","name":"Field","tags":["onsite"]}]"#;
    let mut process = Process::start(home.path(), &peers, &[("VIEWS", views)]).await;
    let page = reqwest::Client::new()
        .get(format!("{}/field?agent_id=19000234567", process.url))
        .bearer_auth(identity.user_token(Technician))
        .header("x-correlation-id", "a1b2c3d4-e5f6-7890")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["x-correlation-id"]),
        (200, &"a1b2c3d4-e5f6-7890".parse().unwrap())
    );
    let line = process.line("Loading dashboard for view: Field").await;
    let expected = json!({"level": "INFO", "service": "beacon", "correlation_id": "a1b2c3d4-e5f6-7890", "view_slug": "field",
        "agent_id": 19_000_234_567_i64, "ticket_count": 1});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&line[member], value, "{line}");
    }
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    let sent = peers.seen("/api/tickets/active")[0].headers["x-correlation-id"].clone();
    assert_eq!(sent, "a1b2c3d4-e5f6-7890", "Codex is asked under the same id");
    let request = process.line("GET /field").await;
    assert_eq!(
        (&request["extra"]["status"], &request["correlation_id"]),
        (&json!(200), &line["correlation_id"]),
        "{request}"
    );
    assert!(request["extra"]["duration_ms"].is_number());
    process.stop().await;
}

#[tokio::test]
async fn the_seeds_environment_is_taken_and_development_says_more() {
    let (identity, peers) = peers().await;
    for (environment, config, is_told) in [
        (&[("FLASK_APP", "run.py"), ("FLASK_ENV", "production")][..], "{}", false),
        (&[("FLASK_APP", "run.py"), ("FLASK_ENV", "development")], "{}", true),
        (&[], r#"{"system": {"environment": "development"}}"#, true),
    ] {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("master_config.json"), config).unwrap();
        let process = Process::start(home.path(), &peers, environment).await;
        let data = reqwest::Client::new()
            .get(format!("{}/api/tickets/helpdesk", process.url))
            .bearer_auth(identity.user_token(Technician))
            .send()
            .await
            .unwrap();
        assert_eq!(data.status(), 200);
        let (_, rest) = process.stop().await;
        assert_eq!(rest.contains("tickets of a view"), is_told, "{environment:?} {config}: {rest}");
    }
}

#[tokio::test]
async fn a_stop_ends_open_streams_without_waiting_for_them() {
    let (identity, peers) = peers().await;
    let home = tempfile::tempdir().unwrap();
    let process = Process::start(home.path(), &peers, &[]).await;
    let mut stream = reqwest::Client::new()
        .get(format!("{}/api/stream/helpdesk", process.url))
        .bearer_auth(identity.user_token(Technician))
        .header("accept-encoding", "gzip, br")
        .send()
        .await
        .unwrap();
    assert!(!stream.headers().contains_key("content-encoding"), "{:?}", stream.headers());
    let first = within(stream.chunk()).await.unwrap().unwrap();
    assert!(first.starts_with(b"retry: 2000"), "what there is comes at once");
    let (code, rest) = process.stop().await;
    assert_eq!(code, Some(0));
    assert!(!rest.contains("open connections were cut"), "{rest}");
    within(async { while let Ok(Some(_)) = stream.chunk().await {} }).await;
}

#[tokio::test]
async fn settings_that_cannot_work_end_the_start_with_a_reason() {
    let home = tempfile::tempdir().unwrap();
    for (name, value, reason) in [
        ("PUBLIC_DISPLAY_ENABLED", "true", "PUBLIC_DISPLAY_ENABLED needs SECRET_KEY"),
        ("VIEWS", "[]", "at least one view is needed"),
        ("VIEWS", r#"[{"slug":"displays","name":"x"}]"#, "cannot be a view's slug"),
        (
            "VIEWS",
            r#"[{"slug":"a","name":"x","window_days":0}]"#,
            "window_days of the view `a` must be 1 to 3650",
        ),
        ("PROFESSIONAL_SERVICES_GROUP_IDS", "1,x", "`x` is not a group id"),
        ("AUTO_REFRESH_INTERVAL_SECONDS", "1", "not in 5..=86400"),
        ("SIREN_THRESHOLD", "many", "invalid digit"),
    ] {
        let run = command(home.path(), None).env(name, value).output();
        let output = within(run).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{name}={value}: {said}");
    }
}
