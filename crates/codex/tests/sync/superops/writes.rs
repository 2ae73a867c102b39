//! Changes that go to the vendor first, by the provider and by the routes.

use clap::Parser;
use hivematrix_codex::config::Settings;
use hivematrix_codex::providers::{Pace, ProviderError, PsaProvider, TicketChange};
use hivematrix_codex::sync::Reach;
use hivematrix_codex::{Codex, app};
use hivematrix_shared::auth::PermissionLevel::Technician;
use hivematrix_shared::config::Secret;
use hivematrix_shared::server;
use hivematrix_shared::testing::{Client, TestIdentity, TestResponse};
use hivematrix_simulators::freshservice::{Fault, FaultMode, NewEntry, TicketPatch};
use hivematrix_simulators::world::people::FIRST_AGENT_ID;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::harness::{World, id};

fn to(status: &str) -> TicketChange {
    TicketChange { status: Some(status.to_owned()), responder_id: None }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn status_and_technician_change_there_and_the_answer_is_the_ticket_as_it_is_then(pool: PgPool) {
    let world = World::new(pool).await;
    let (provider, ticket) = (world.superops(), world.vendor.control.create_ticket(TicketPatch::default()));
    let both = TicketChange { responder_id: Some(id(FIRST_AGENT_ID)), ..to("on_hold") };
    let changed = provider.update_ticket(id(ticket), &both).await.unwrap().unwrap();
    assert_eq!(
        (changed.status.as_deref(), changed.responder_id),
        (Some("on_hold"), Some(id(FIRST_AGENT_ID)))
    );
    assert!(changed.description.is_some(), "all of it, its description too");
    assert_eq!(provider.ticket(id(ticket), Pace::Now).await.unwrap().unwrap(), changed);
    let closed = provider.update_ticket(id(ticket), &to("closed")).await.unwrap().unwrap();
    assert!(closed.closed_at.is_some());

    // Who wrote last is known from the messages only; while they cannot be read, the ticket is what the change answered.
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 403 }).on("/getTicket"));
    let blind = provider.update_ticket(id(ticket), &to("waiting_customer")).await.unwrap().unwrap();
    assert_eq!((blind.status.as_deref(), blind.description_apart), (Some("waiting_customer"), true));
    world.vendor.control.clear_faults();

    assert_eq!(provider.update_ticket(7, &to("closed")).await.unwrap(), None, "no such ticket");
    let nameless = provider.update_ticket(id(ticket), &to("pending_hubspot_2")).await.unwrap_err();
    assert!(matches!(nameless, ProviderError::NotSupported { .. }), "{nameless}");
    let nobody = TicketChange { status: None, responder_id: Some(7) };
    let refused = provider.update_ticket(id(ticket), &nobody).await.unwrap_err().to_string();
    assert!(refused.contains("referred_value_does_not_exist (technician)"), "{refused}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_change_is_repeated_and_a_note_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    let (provider, ticket) = (world.superops(), world.vendor.control.create_ticket(TicketPatch::default()));
    let change = TicketChange { status: None, responder_id: Some(id(FIRST_AGENT_ID)) };
    for (mode, unknown, changes, notes) in [
        (FaultMode::Status { status: 500 }, true, 3, 1),
        (FaultMode::CutConnection, true, 3, 1),
        (FaultMode::HtmlPage, true, 3, 1),
        (FaultMode::EmptyBody, true, 3, 1),
        (FaultMode::TruncatedJson, true, 3, 1),
        (FaultMode::VendorError { code: "forbidden".to_owned() }, false, 1, 1),
        (FaultMode::Unauthorized, false, 1, 1),
        (FaultMode::RateLimited { retry_after: None }, false, 6, 6),
    ] {
        world.vendor.control.add_fault(Fault::always(mode.clone()));
        world.vendor.control.clear_requests();
        let error = provider.update_ticket(id(ticket), &change).await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::OutcomeUnknown { .. }), unknown, "{mode:?}: {error}");
        assert_eq!(world.requests(), changes, "{mode:?}");
        world.vendor.control.clear_requests();
        let error = provider.add_note(id(ticket), "Hello").await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::OutcomeUnknown { .. }), unknown, "{mode:?}: {error}");
        assert_eq!(world.requests(), notes, "{mode:?}");
        world.vendor.control.clear_faults();
    }
    assert_eq!(provider.add_note(7, "Hello").await.unwrap(), None);
}

/// The routes over a stored ticket and a stored device of this vendor.
struct Desk {
    client: Client,
    identity: TestIdentity,
    world: World,
    ticket: u64,
}

impl Desk {
    async fn new(pool: PgPool) -> Self {
        Self::with(pool, &[]).await
    }

    /// With what the account's own statuses mean.
    async fn with(pool: PgPool, statuses: &[(&str, &str)]) -> Self {
        let world = World::new(pool).await;
        world.base().await;
        let ticket = world.vendor.control.create_ticket(TicketPatch::default());
        world.tickets(Reach::Full).await;
        let identity = TestIdentity::default();
        let context = identity.context("codex");
        let mut settings = Settings::parse_from(["codex"]);
        settings.psa.psa_default_provider = "superops".to_owned();
        settings.rmm.rmm_default_provider = "superops".to_owned();
        settings.superops.superops_base_url = Some(world.vendor.base_url.parse().unwrap());
        settings.superops.superops_api_key = Some(Secret::new(world.vendor.api_key.clone()));
        settings.superops.superops_status_map =
            statuses.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
        settings.superops.superops_subdomain = Some(world.vendor.subdomain.clone());
        let (router, options) = app(Codex::new(context.clone(), settings, world.pool.clone()));
        let client = Client::new(server::apply(&context, router, options));
        Self { client, identity, world, ticket }
    }

    async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.client.post(path).bearer(self.identity.user_token(Technician)).json(&body).send().await
    }

    async fn update(&self, mut body: Value) -> TestResponse {
        body["id_type"] = "external".into();
        self.post(&format!("/api/ticket/{}/update", id(self.ticket)), body).await
    }

    async fn stored(&self) -> Value {
        sqlx::query_scalar("select to_jsonb(t) from ticket_details t where external_id = $1")
            .bind(id(self.ticket))
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_update_reaches_the_vendor_and_then_the_store(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let answer = desk
        .update(json!({"status": "On Hold", "assigned_to": id(FIRST_AGENT_ID).to_string(), "notes": "Called <Jo> & left"}))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["applied"], json!(["status", "assigned_to", "notes"]));
    let here = desk.stored().await;
    assert_eq!((&here["status"], &here["responder_id"]), (&json!("on_hold"), &json!(id(FIRST_AGENT_ID))));
    assert_eq!(here["notes"][0]["body"], "Called <Jo> & left");
    let there = desk.world.superops().ticket_detail(id(desk.ticket), Pace::Now).await.unwrap().unwrap();
    let notes: Vec<_> = there.conversations.iter().filter(|entry| entry.private).collect();
    assert_eq!((notes.len(), notes[0].body.as_str()), (1, "Called <Jo> & left"));
    assert_eq!(here["notes"][0]["id"], notes[0].id);

    // This vendor shows a reply of the customer in the messages only, so it cannot be set.
    let answer = desk.update(json!({"status": "customer_replied"})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(answer.json()["failed"], json!(["status"]));
    let entry = NewEntry { text: "Well?".to_owned(), incoming: true, private: false };
    desk.world.pass(1);
    desk.world.vendor.control.add_entry(desk.ticket, entry);
    assert_eq!(desk.update(json!({"status": "open"})).await.status, StatusCode::OK);
    assert_eq!(desk.stored().await["status"], "customer_replied", "the customer still waits");
}

/// The account's own statuses can be given, by name and by key; those of Freshservice that nobody has here cannot.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_status_is_one_of_the_accounts_own(pool: PgPool) {
    let desk = Desk::with(pool, &[("On Hold", "parked")]).await;
    for status in ["On Hold", "parked"] {
        let answer = desk.update(json!({ "status": status })).await;
        assert_eq!(answer.status, StatusCode::OK, "{status}: {}", answer.text());
        assert_eq!(desk.stored().await["status"], "parked", "{status}");
        assert_eq!(desk.update(json!({"status": "open"})).await.status, StatusCode::OK);
    }
    for (status, refusal) in [
        ("2", StatusCode::BAD_REQUEST),
        ("deleted", StatusCode::BAD_REQUEST),
        ("customer_replied", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = desk.update(json!({ "status": status })).await;
        assert_eq!(answer.status, refusal, "{status}: {}", answer.text());
        assert_eq!(desk.stored().await["status"], "open", "{status}");
    }
    let answer = desk.update(json!({ "status": "nonsense" })).await;
    assert!(answer.json()["error"].as_str().unwrap().contains("parked"), "the choices: {}", answer.text());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_vendor_that_refuses_changes_nothing_here(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let before = desk.stored().await;
    for (mode, status, outcome) in [
        (FaultMode::Unauthorized, 502, "failed"),
        (FaultMode::VendorError { code: "mandatory_validation_failed".to_owned() }, 502, "failed"),
        (FaultMode::NotFound, 404, "failed"),
    ] {
        desk.world.vendor.control.add_fault(Fault::always(mode.clone()).on("/updateTicket"));
        let answer = desk.update(json!({"status": "pending", "notes": "Hello"})).await;
        let told = answer.json();
        assert_eq!((answer.status.as_u16(), &told["outcome"]), (status, &json!(outcome)), "{mode:?}");
        assert_eq!(told["failed"], json!(["status", "notes"]), "{mode:?}");
        desk.world.vendor.control.clear_faults();
    }
    assert_eq!(desk.stored().await, before);
    // Taken, but the answer is lost on the way: a look at the ticket tells, and it is not sent again.
    let lost = Fault::always(FaultMode::CutConnection).on("/createTicketNote");
    desk.world.vendor.control.add_fault(lost);
    let answer = desk.update(json!({"notes": "Once"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let there = desk.world.superops().ticket_detail(id(desk.ticket), Pace::Now).await.unwrap().unwrap();
    assert_eq!(there.conversations.iter().filter(|entry| entry.body == "Once").count(), 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn devices_of_this_vendor_run_no_commands(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let company: String = sqlx::query_scalar("select min(account_number) from companies")
        .fetch_one(&desk.world.pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into assets (id, hostname, company_account_number, rmm_provider, external_id)
         overriding system value values (9001, 'pc', $1, 'superops', '7')",
    )
    .bind(company)
    .execute(&desk.world.pool)
    .await
    .unwrap();
    let path = "/api/rmm/device/device-9001/command";
    let answer = desk.post(path, json!({"command": "whoami", "reason": "ticket 1"})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["error"], "SuperOps cannot run commands");
    let result =
        desk.client.get(&format!("{path}/1")).bearer(desk.identity.user_token(Technician)).send().await;
    assert_eq!(result.status, StatusCode::UNPROCESSABLE_ENTITY);
}
