//! The Freshservice client in bad weather.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use chrono::DateTime;
use hivematrix_codex::domain::status::StatusMap;
use hivematrix_codex::providers::freshservice::{Connection, Freshservice, Retry};
use hivematrix_codex::providers::{Pace, PageRef, ProviderError, PsaProvider, TicketView};
use hivematrix_shared::config::Secret;
use hivematrix_simulators::freshservice::{Config, Fault, FaultMode, spawn};
use sqlx::PgPool;

use crate::harness::{HASTY, World};

async fn first_page(provider: &Freshservice) -> Result<usize, ProviderError> {
    let page = provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, PageRef::FIRST).await?;
    Ok(page.items.len())
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn whatever_is_no_data_is_an_error_that_says_what_came(pool: PgPool) {
    let world = World::new(pool).await;
    for (mode, expected, requests) in [
        (FaultMode::Unauthorized, "authentication with Freshservice failed", 1),
        (FaultMode::RateLimited { retry_after: Some(1) }, "because of its rate limit", 6),
        (FaultMode::RateLimited { retry_after: None }, "because of its rate limit", 6),
        (FaultMode::Status { status: 500 }, "HTTP 500", 3),
        (FaultMode::Status { status: 504 }, "HTTP 504", 3),
        (FaultMode::Status { status: 403 }, "HTTP 403", 1),
        (FaultMode::Status { status: 302 }, "HTTP 302", 1),
        (FaultMode::NotFound, "HTTP 404", 1),
        (FaultMode::TruncatedJson, "JSON that breaks off", 3),
        (FaultMode::HtmlPage, "a page of HTML instead of JSON", 3),
        (FaultMode::EmptyBody, "an empty body", 3),
        (FaultMode::CutConnection, "could not be reached", 3),
    ] {
        world.vendor.control.clear_requests();
        world.vendor.control.add_fault(Fault::always(mode.clone()));
        let error = first_page(&world.freshservice()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{mode:?}: {error}");
        assert!(!error.to_string().contains(&world.vendor.api_key), "{error}");
        assert_eq!(world.vendor.control.request_counts().total, requests, "{mode:?}");
        world.vendor.control.clear_faults();
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn passing_trouble_is_survived(pool: PgPool) {
    let world = World::new(pool).await;
    for mode in [
        FaultMode::RateLimited { retry_after: Some(1) },
        FaultMode::Status { status: 502 },
        FaultMode::TruncatedJson,
        FaultMode::HtmlPage,
        FaultMode::EmptyBody,
        FaultMode::CutConnection,
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()).times(2));
        assert_eq!(first_page(&world.freshservice()).await.unwrap(), 100, "{mode:?}");
        assert!(world.vendor.control.faults().is_empty(), "{mode:?}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_answer_that_does_not_come_is_given_up(pool: PgPool) {
    let world = World::new(pool).await;
    world.vendor.control.add_fault(Fault::always(FaultMode::Slow { delay_ms: 60_000 }));
    let retry = Retry { timeout: Duration::from_millis(50), ..HASTY };
    let error = first_page(&world.freshservice_with(retry)).await.unwrap_err();
    assert!(error.to_string().ends_with("no answer in time"), "{error}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_promised_page_that_is_empty_is_an_error(pool: PgPool) {
    let world = World::new(pool).await;
    world.vendor.control.add_fault(Fault::always(FaultMode::EmptyPage).on("/tickets"));
    let provider = world.freshservice();
    let (promised, guessed) = (PageRef::promised(2), PageRef::number(2));
    let list = |page| provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, page);
    let error = list(promised).await.unwrap_err();
    assert!(error.to_string().contains("an empty page 2 where rows were announced"), "{error}");
    assert!(list(guessed).await.unwrap().items.is_empty());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_wrong_key_is_refused_and_a_right_one_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    world.freshservice().check().await.unwrap();
    let connection =
        Connection { retry: HASTY, ..Connection::new(&world.vendor.base_url, Secret::new("wrong")) };
    let error =
        Freshservice::new(connection, StatusMap::freshservice([])).unwrap().check().await.unwrap_err();
    assert!(matches!(error, ProviderError::Authentication { .. }), "{error}");
}

/// A server that answers everything with the same page, naming the next one on another host.
async fn misleading_server(link: &'static str, rows: usize) -> (String, Arc<AtomicU32>) {
    let requests = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&requests);
    let body: Vec<_> = (0..rows).map(|id| serde_json::json!({"id": id + 1, "status": 2})).collect();
    let body = serde_json::json!({ "tickets": body }).to_string();
    let app = Router::new().fallback(async move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("link", link.parse().unwrap());
        (headers, body.clone())
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), requests)
}

fn client(base_url: String, max_body: usize) -> Freshservice {
    let connection = Connection { retry: HASTY, max_body, ..Connection::new(base_url, Secret::new("key")) };
    Freshservice::new(connection, StatusMap::freshservice([])).unwrap()
}

#[tokio::test]
async fn a_link_to_another_host_only_tells_that_there_is_more() {
    let (foreign, foreign_requests) = misleading_server("<x>; rel=\"last\"", 1).await;
    let link = format!("<{foreign}/api/v2/tickets?page=2>; rel=\"next\"").leak();
    let (base_url, requests) = misleading_server(link, 1).await;
    let provider = client(base_url, 1 << 20);
    let first = provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, PageRef::FIRST).await.unwrap();
    let next = first.next.unwrap();
    assert_eq!((next.number, next.promised), (2, true));
    provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, next).await.unwrap();
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    assert_eq!(foreign_requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_refused() {
    let (base_url, requests) = misleading_server("<x>; rel=\"last\"", 100).await;
    let error = first_page(&client(base_url, 1000)).await.unwrap_err();
    assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_person_does_not_wait_for_the_share_that_is_left_to_others(_pool: PgPool) {
    let vendor = spawn(Config { rate_limit: 20, ..Config::default() }).await.unwrap();
    let id = i64::try_from(vendor.control.active_ids()[0]).unwrap();
    let key = Secret::new(vendor.api_key.clone());
    let connection = Connection { retry: HASTY, ..Connection::new(vendor.base_url.clone(), key) };
    let provider = Freshservice::new(connection, StatusMap::freshservice([])).unwrap();
    for _ in 0..16 {
        provider.check().await.unwrap();
    }
    let background = provider.ticket_detail(id, Pace::Background);
    assert!(tokio::time::timeout(Duration::from_millis(200), background).await.is_err());
    assert!(provider.ticket_detail(id, Pace::Now).await.unwrap().is_some());
}

#[tokio::test]
async fn bookings_that_cannot_be_read_are_named_and_not_passed_over() {
    let app = Router::new().fallback(async |uri: http::Uri| {
        let body = if uri.path().ends_with("/time_entries") {
            serde_json::json!({ "time_entries": [
                { "id": 1, "time_spent": "01:00" }, { "id": 2, "time_spent": "a while" }, { "id": null, "time_spent": "02:00" },
            ] })
        } else {
            serde_json::json!({ "conversations": [] })
        };
        axum::Json(body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let provider = client(format!("http://{address}"), 1 << 20);
    let detail = provider.ticket_detail(7, Pace::Now).await.unwrap().unwrap();
    assert_eq!(detail.time_entries.iter().map(|entry| entry.external_id).collect::<Vec<_>>(), [1]);
    assert_eq!(detail.unread_entries, [Some(2), None]);
    assert!(
        detail.warnings.iter().any(|line| line.contains("2: its time is 'a while'")),
        "{:?}",
        detail.warnings
    );
}
