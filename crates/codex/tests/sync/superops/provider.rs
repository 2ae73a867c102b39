//! The SuperOps client in bad weather, and as a system for devices.

use chrono::DateTime;
use hivematrix_codex::providers::superops::{Connection, SuperOps};
use hivematrix_codex::providers::{PageRef, ProviderError, PsaProvider, RmmProvider, TicketView};
use hivematrix_shared::config::Secret;
use hivematrix_simulators::freshservice::{Fault, FaultMode};
use hivematrix_simulators::world::companies::FIRST_COMPANY_ID;
use sqlx::PgPool;

use super::harness::{World, habits, id};

async fn first_page(provider: &SuperOps) -> Result<usize, ProviderError> {
    let page = provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, PageRef::FIRST).await?;
    Ok(page.items.len())
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn whatever_is_no_data_is_an_error_that_says_what_came(pool: PgPool) {
    let world = World::new(pool).await;
    let vendor_error = |code: &str| FaultMode::VendorError { code: code.to_owned() };
    for (mode, expected, requests) in [
        (FaultMode::Unauthorized, "authentication with SuperOps failed", 1),
        (FaultMode::RateLimited { retry_after: Some(1) }, "because of its rate limit", 6),
        (FaultMode::RateLimited { retry_after: None }, "because of its rate limit", 6),
        (FaultMode::Status { status: 500 }, "HTTP 500", 3),
        (FaultMode::Status { status: 403 }, "HTTP 403", 1),
        (FaultMode::Status { status: 302 }, "HTTP 302", 1),
        (FaultMode::Status { status: 400 }, "the subdomain 'simulated' is not accepted", 1),
        (vendor_error("forbidden"), "an error: forbidden (input)", 1),
        (FaultMode::NotFound, "JSON without a list of 'tickets'", 1),
        (FaultMode::TruncatedJson, "JSON that breaks off", 3),
        (FaultMode::HtmlPage, "a page of HTML instead of JSON", 3),
        (FaultMode::EmptyBody, "an empty body", 3),
        (FaultMode::CutConnection, "could not be reached", 3),
    ] {
        world.vendor.control.clear_requests();
        world.vendor.control.add_fault(Fault::always(mode.clone()));
        let error = first_page(&world.superops()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{mode:?}: {error}");
        assert!(!error.to_string().contains(&world.vendor.api_key), "{error}");
        assert_eq!(world.requests(), requests, "{mode:?}");
        world.vendor.control.clear_faults();
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn passing_trouble_is_survived(pool: PgPool) {
    let world = World::new(pool).await;
    for mode in [
        FaultMode::RateLimited { retry_after: Some(1) },
        FaultMode::RateLimited { retry_after: None },
        FaultMode::Status { status: 502 },
        FaultMode::TruncatedJson,
        FaultMode::HtmlPage,
        FaultMode::EmptyBody,
        FaultMode::CutConnection,
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()).times(2));
        assert_eq!(first_page(&world.superops()).await.unwrap(), 100, "{mode:?}");
        assert!(world.vendor.control.faults().is_empty(), "{mode:?}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn token_and_tenant_are_both_needed(pool: PgPool) {
    let world = World::new(pool).await;
    PsaProvider::check(&world.superops()).await.unwrap();
    for (key, subdomain, expected) in [
        ("wrong", "simulated", "Unauthorized"),
        (world.vendor.api_key.as_str(), "somebody-else", "the subdomain 'somebody-else' is not accepted"),
    ] {
        let connection =
            Connection { api_key: Secret::new(key), subdomain: subdomain.to_owned(), ..world.connection() };
        let error = PsaProvider::check(&SuperOps::new(connection, habits()).unwrap()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Authentication { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let empty = Connection { subdomain: " ".to_owned(), ..world.connection() };
    assert!(matches!(SuperOps::new(empty, habits()), Err(ProviderError::NotConfigured { .. })));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn clients_are_sites_and_their_assets_are_devices(pool: PgPool) {
    let world = World::new(pool).await;
    let provider = world.superops();
    let sites = provider.sites(PageRef::FIRST).await.unwrap();
    assert_eq!((sites.items.len(), sites.next, sites.warnings.len()), (7, None, 0));
    assert_eq!(sites.items.iter().filter(|site| site.account_number.is_some()).count(), 6);
    let mut devices = 0;
    for site in &sites.items {
        let page = provider.devices(&site.external_id, PageRef::FIRST).await.unwrap();
        assert_eq!(page.warnings, Vec::<String>::new());
        for device in page.items {
            devices += 1;
            assert_eq!(device.site_id, site.external_id);
            assert!(!device.hostname.is_empty() && device.online.is_some() && device.last_seen.is_some());
            let alone = provider.device(&device.external_id).await.unwrap().unwrap();
            assert_eq!(alone, device);
        }
    }
    assert_eq!(devices, 10, "all of them, also those without a site");
    assert_eq!(provider.device("not-a-number").await.unwrap(), None);
    assert_eq!(provider.device("7").await.unwrap(), None);

    let site = id(FIRST_COMPANY_ID).to_string();
    provider.set_site_variable(&site, "AccountNumber", "777001").await.unwrap();
    assert_eq!(provider.site_variable(&site, "AccountNumber").await.unwrap().as_deref(), Some("777001"));
    assert_eq!(provider.site(&site).await.unwrap().unwrap().account_number.as_deref(), Some("777001"));
    assert_eq!(provider.site("7").await.unwrap(), None);
    let refused = provider.set_site_variable(&site, "Color", "blue").await.unwrap_err();
    assert!(matches!(refused, ProviderError::NotSupported { .. }), "{refused}");
    assert_eq!(provider.set_account_number(7, "1").await.unwrap(), None, "no such client");
}
