//! `POST /api/ticket/<id>/update`: the vendor first, then what it confirmed (codex-api.md §4.3).

use hivematrix_shared::auth::PermissionLevel::{self, Admin, Billing, Client, Technician};
use hivematrix_shared::testing::TestResponse;
use hivematrix_simulators::freshservice::{Config, Fault, FaultMode, Handle, TicketPatch, spawn};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{NOW, World};

/// The first technician of the simulated account.
const AGENT: i64 = 19_000_200_001;

struct Desk {
    world: World,
    vendor: Handle,
    /// A ticket of the vendor that is stored here as number 1.
    external_id: u64,
}

impl Desk {
    async fn new(pool: PgPool) -> Self {
        let vendor = spawn(Config::default()).await.unwrap();
        let arguments =
            ["--freshservice-base-url", &vendor.base_url, "--freshservice-api-key", &vendor.api_key];
        let world = World::at(pool, NOW, &arguments);
        let patch = TicketPatch { subject: Some("Printer".to_owned()), ..TicketPatch::default() };
        let external_id = vendor.control.create_ticket(patch);
        sqlx::query(
            "insert into ticket_details (id, external_id, ticket_number, subject, status, status_id, requester_name,
                 last_updated_at) values (1, $1, $1::text, 'Printer', 'open', 2, 'Jo', '2025-11-20T00:00:00Z')",
        )
        .bind(i64::try_from(external_id).unwrap())
        .execute(&world.pool)
        .await
        .unwrap();
        world
            .sql(
                "insert into psa_agents (external_id, external_source, first_name, active) values
                     (19000200001, 'freshservice', 'Ana', true), (19000200002, 'freshservice', 'Old', false),
                     (55, 'superops', 'Eve', true)",
            )
            .await;
        Self { world, vendor, external_id }
    }

    async fn update_as(&self, level: PermissionLevel, path: &str, body: &Value) -> TestResponse {
        self.world.call_as(level, Method::POST, path, body).await
    }

    async fn update(&self, body: Value) -> TestResponse {
        self.update_as(Technician, "/api/ticket/1/update", &body).await
    }

    async fn stored(&self) -> Value {
        sqlx::query_scalar("select to_jsonb(t) from ticket_details t where id = 1")
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }

    async fn notes_at_vendor(&self) -> Vec<String> {
        let detail = self.world.get(&format!("/api/ticket/{}?provider=none", self.external_id)).await;
        assert_eq!(detail.status, StatusCode::NOT_FOUND, "the look below is not served from the store");
        sqlx::query("delete from ticket_details").execute(&self.world.pool).await.unwrap();
        let live = self.world.get(&format!("/api/ticket/{}", self.external_id)).await.json();
        let notes = live["notes"].as_array().unwrap();
        notes.iter().map(|note| note["body"].as_str().unwrap().to_owned()).collect()
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_change_reaches_the_vendor_and_then_the_store(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let text = "Called <Jo> & left\na message";
    let answer = desk
        .update(json!({"status": "Waiting on Customer", "assigned_to": AGENT.to_string(), "notes": text, "more": 1}))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let told = answer.json();
    assert_eq!(
        (&told["success"], &told["ticket_id"], &told["external_id"]),
        (&json!(true), &json!(1), &json!(desk.external_id))
    );
    assert_eq!(told["applied"], json!(["status", "assigned_to", "notes"]));

    let there = desk.vendor.control.ticket(desk.external_id).unwrap();
    assert_eq!((&there["status"], &there["responder_id"]), (&json!(9), &json!(AGENT)));
    let here = desk.stored().await;
    for (member, value) in [
        ("status", json!("waiting_customer")),
        ("status_id", json!(9)),
        ("responder_id", json!(AGENT)),
        ("webhook_updated_at", json!(null)),
    ] {
        assert_eq!(here[member], value, "{member}");
    }
    let updated: chrono::DateTime<chrono::Utc> = there["updated_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        here["last_updated_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
        updated
    );
    let note = &here["notes"][0];
    assert_eq!(*note, told["note"]);
    insta::assert_json_snapshot!(note, { ".id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]" });
    assert_eq!(desk.notes_at_vendor().await, ["Called <Jo> & left a message"]);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_id_means_what_its_type_says(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let external = format!("/api/ticket/{}/update", desk.external_id);
    for (path, body, status) in [
        ("/api/ticket/1/update", json!({"status": "pending"}), 200),
        ("/api/ticket/1/update", json!({"status": "pending", "id_type": "internal"}), 200),
        ("/api/ticket/1/update", json!({"status": "pending", "id_type": "external"}), 404),
        (&external, json!({"status": "pending"}), 404),
        (&external, json!({"status": "pending", "id_type": "external"}), 200),
        (&external, json!({"status": "pending", "id_type": "external", "provider": "superops"}), 404),
        ("/api/ticket/1/update", json!({"status": "pending", "id_type": "guess"}), 400),
        ("/api/ticket/x/update", json!({"status": "pending"}), 404),
    ] {
        let answer = desk.update_as(Technician, path, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.text());
    }
    assert_eq!(
        desk.update_as(Technician, "/api/ticket/2/update", &json!({"status": "open"})).await.json()["error"],
        "Ticket not found"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn technicians_and_administrators_change_tickets(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let body = json!({"status": "pending"});
    for (level, status) in [(Admin, 200), (Technician, 200), (Billing, 403), (Client, 403)] {
        let answer = desk.update_as(level, "/api/ticket/1/update", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{level:?}");
        assert_eq!(answer.json()["success"], status == 200);
    }
    let identity = &desk.world.identity;
    for (token, status) in [
        (identity.service_token("brainhair", "codex"), 403),
        (identity.service_token_on_behalf("brainhair", "codex", Technician), 200),
        (identity.service_token_on_behalf("brainhair", "codex", Client), 403),
        ("nonsense".to_owned(), 401),
    ] {
        let answer = desk.world.client.post("/api/ticket/1/update").bearer(token).json(&body).send().await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_makes_no_sense_never_reaches_the_vendor(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let before = desk.stored().await;
    desk.vendor.control.clear_requests();
    for (body, said) in [
        (json!({}), "Nothing to change"),
        (json!({"status": " ", "notes": "\n\u{0} "}), "Nothing to change"),
        (json!({"status": "done"}), "Unknown status. Use one of: billing_complete, closed,"),
        (json!({"status": "deleted"}), "Unknown status"),
        (json!({"status": "spam"}), "Unknown status"),
        (json!({"status": "unknown"}), "Unknown status"),
        (json!({"assigned_to": 4}), "Freshservice has no agent 4"),
        (json!({"assigned_to": 55}), "Freshservice has no agent 55"),
        (json!({"assigned_to": 19_000_200_002_i64}), "not active"),
        (json!({"notes": "x".repeat(32_001)}), "at most 32000 characters"),
        (json!({"status": 5}), ""),
        (json!({"assigned_to": "Ana"}), ""),
        (json!([]), ""),
    ] {
        let answer = desk.update(body.clone()).await;
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(answer.status == StatusCode::BAD_REQUEST && error.contains(said), "{body}: {error}");
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(desk.vendor.control.request_counts().total, 0);
    assert_eq!(desk.stored().await, before);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_vendor_that_refuses_changes_nothing_here(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let before = desk.stored().await;
    for (mode, status, outcome) in [
        (FaultMode::Unauthorized, 502, "failed"),
        (FaultMode::Status { status: 403 }, 502, "failed"),
        (FaultMode::NotFound, 404, "failed"),
    ] {
        desk.vendor.control.add_fault(Fault::always(mode.clone()));
        let answer = desk.update(json!({"status": "pending", "notes": "Hello"})).await;
        let told = answer.json();
        assert_eq!((answer.status.as_u16(), &told["outcome"]), (status, &json!(outcome)), "{mode:?}");
        assert_eq!(
            (&told["applied"], &told["failed"]),
            (&json!([]), &json!(["status", "notes"])),
            "{mode:?}"
        );
        desk.vendor.control.clear_faults();
    }
    assert_eq!(desk.stored().await, before);
    desk.world.sql("update ticket_details set external_source = 'superops'").await;
    assert_eq!(desk.update(json!({"status": "pending"})).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn half_a_success_is_told_as_such(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 400 }).on("/tickets/{id}/notes"));
    let answer = desk.update(json!({"status": "on_hold", "notes": "Hello"})).await;
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["outcome"]), (502, &json!("failed")));
    assert_eq!((&told["applied"], &told["failed"]), (&json!(["status"]), &json!(["notes"])));
    let here = desk.stored().await;
    assert_eq!((&here["status"], &here["notes"]), (&json!("on_hold"), &json!([])));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_note_is_never_added_twice(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let posts = || {
        desk.vendor
            .control
            .request_counts()
            .by_route
            .get("POST /tickets/{id}/notes")
            .copied()
            .unwrap_or_default()
    };
    // Written, but the answer is lost on the way: a look at the ticket tells.
    desk.vendor.control.add_fault(Fault::always(FaultMode::CutConnection).on("/tickets/{id}/notes"));
    let answer = desk.update(json!({"notes": "First"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!((posts(), desk.stored().await["notes"].as_array().unwrap().len()), (1, 1));
    desk.vendor.control.clear_faults();

    // Nobody knows: it is neither sent again nor kept here.
    desk.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 504 }).on("/tickets/{id}/notes"));
    let answer = desk.update(json!({"notes": "Second"})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["outcome"]), (502, &json!("unknown")));
    assert_eq!((posts(), desk.stored().await["notes"].as_array().unwrap().len()), (2, 1));
    desk.vendor.control.clear_faults();

    // Refused for now: that one is sent again.
    let limited = FaultMode::RateLimited { retry_after: Some(1) };
    desk.vendor.control.add_fault(Fault::always(limited).on("/tickets/{id}/notes").times(1));
    assert_eq!(desk.update(json!({"notes": "Third"})).await.status, StatusCode::OK);
    assert_eq!(posts(), 4);
    assert_eq!(desk.notes_at_vendor().await, ["First", "Third"]);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_time_of_a_note_is_not_taken_for_that_of_its_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.world.sql("update ticket_details set detail_due_at = null").await;
    let time = |row: &Value, member: &str| -> chrono::DateTime<chrono::Utc> {
        row[member].as_str().unwrap().parse().unwrap()
    };
    // What the ticket looks like after the note cannot be asked for: then its own time stays, so that whatever the vendor says
    // next is news.
    desk.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 403 }).on("/tickets/{id}"));
    assert_eq!(desk.update(json!({"notes": "Called"})).await.status, StatusCode::OK);
    let here = desk.stored().await;
    assert_eq!(
        time(&here, "last_updated_at"),
        "2025-11-20T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
    assert!(here["detail_due_at"].is_string() && here["notes"][0]["body"] == "Called", "{here}");

    desk.vendor.control.clear_faults();
    assert_eq!(desk.update(json!({"notes": "Called again"})).await.status, StatusCode::OK);
    let there = desk.vendor.control.ticket(desk.external_id).unwrap();
    assert_eq!(
        time(&desk.stored().await, "last_updated_at"),
        time(&there, "updated_at"),
        "the vendor's, at once"
    );
}
