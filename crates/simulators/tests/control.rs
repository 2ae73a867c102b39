//! The control: faults, changes, counts, the moving world.

mod common;

use std::time::Duration;

use common::{get, header, ids, json, start, start_with, walk};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::freshservice::{Collection, Fault, FaultMode, NewEntry, NewWork, TicketPatch};
use hivematrix_simulators::world::people::PROFESSIONAL_SERVICES;
use serde_json::{Value, json};

#[tokio::test]
async fn faults_do_what_they_are_called() {
    let sim = start().await;
    let path = "/departments?per_page=10";
    let cases = [
        (FaultMode::Unauthorized, 401),
        (FaultMode::RateLimited { retry_after: Some(7) }, 429),
        (FaultMode::Status { status: 504 }, 504),
        (FaultMode::NotFound, 404),
        (FaultMode::TruncatedJson, 200),
        (FaultMode::HtmlPage, 200),
        (FaultMode::EmptyBody, 200),
        (FaultMode::EmptyPage, 200),
        (FaultMode::CutConnection, 200),
    ];
    for (mode, status) in cases {
        sim.control.add_fault(Fault::always(mode.clone()).on("/departments").times(1));
        let answer = get(&sim, path).await;
        assert_eq!(answer.status(), status, "{mode:?}");
        let retry_after = header(&answer, "retry-after");
        let body = answer.text().await;
        match mode {
            FaultMode::RateLimited { .. } => assert_eq!(retry_after, "7"),
            FaultMode::TruncatedJson => assert!(serde_json::from_str::<Value>(&body.unwrap()).is_err()),
            FaultMode::HtmlPage => assert!(body.unwrap().starts_with("<!DOCTYPE html>")),
            FaultMode::EmptyBody | FaultMode::NotFound => assert_eq!(body.unwrap(), ""),
            FaultMode::EmptyPage => assert_eq!(body.unwrap(), r#"{"departments":[]}"#),
            FaultMode::CutConnection => assert!(body.is_err()),
            _ => {}
        }
        assert_eq!(ids(&json(&sim, path).await, "departments").len(), 10, "gone after {mode:?}");
    }
}

#[tokio::test]
async fn pages_can_repeat_a_row_or_lose_one() {
    let sim = start().await;
    let path = "/departments?per_page=10";
    sim.control.add_fault(Fault::always(FaultMode::RepeatRow));
    let first = ids(&json(&sim, path).await, "departments");
    let second = ids(&json(&sim, &format!("{path}&page=2")).await, "departments");
    assert_eq!(first.last(), second.first());
    sim.control.clear_faults();

    let query = "/tickets/filter?per_page=50&query=%22status:26%20OR%20status:9%20OR%20status:2%22";
    let whole = ids(&json(&sim, &query.replace("50", "100")).await, "tickets");
    let first = ids(&json(&sim, query).await, "tickets");
    let moved = FaultMode::MoveTicket { ticket_id: first[3], status: 5 };
    sim.control.add_fault(Fault::always(moved).on("/tickets/filter").on_page(2).times(1));
    let second = ids(&json(&sim, &format!("{query}&page=2")).await, "tickets");
    assert_eq!(second.first(), whole.get(51), "the row on the edge was missed");
    assert_eq!(json(&sim, &format!("/tickets/{}", first[3])).await["ticket"]["status"], 5);
}

#[tokio::test]
async fn the_control_changes_tickets_and_counts_requests() {
    let sim = start().await;
    let patch: TicketPatch = serde_json::from_value(json!({
        "subject": "Made by a test", "description": "<p>1 &lt; 2</p>", "priority": 4, "responder_id": null,
        "fr_due_by": "2026-03-18T13:00:00Z", "kind": "Incident", "tags": ["vip"],
    }))
    .unwrap();
    let id = sim.control.create_ticket(patch);
    let newest = json(&sim, "/tickets?include=tags&per_page=1").await;
    assert_eq!(newest["tickets"][0]["id"], id);
    assert_eq!(newest["tickets"][0]["subject"], "Made by a test");
    assert_eq!(newest["tickets"][0]["description_text"], "1 &lt; 2");
    assert_eq!(newest["tickets"][0]["tags"], json!(["vip"]));

    sim.control.advance(Duration::from_secs(60));
    assert!(sim.control.update_ticket(id, TicketPatch { status: Some(26), ..TicketPatch::default() }));
    assert!(
        sim.control
            .add_entry(id, NewEntry { text: "Any <news>?".to_owned(), incoming: true, private: false })
    );
    assert!(sim.control.add_work(id, NewWork { minutes: 75, billable: true, ..NewWork::default() }));
    let ticket = &json(&sim, &format!("/tickets/{id}")).await["ticket"];
    assert_eq!((&ticket["status"], &ticket["updated_at"]), (&json!(26), &json!("2026-03-18T12:01:00Z")));
    let replies = json(&sim, &format!("/tickets/{id}/conversations")).await;
    assert_eq!(replies["conversations"][0]["body"], "<div>Any &lt;news&gt;?</div>");
    let work = json(&sim, &format!("/tickets/{id}/time_entries")).await;
    assert_eq!(work["time_entries"][0]["time_spent"], "01:15");
    assert!(sim.control.active_ids().contains(&id));

    sim.control.clear_requests();
    assert!(sim.control.remove_ticket(id));
    assert!(!sim.control.update_ticket(id, TicketPatch::default()));
    assert_eq!(get(&sim, &format!("/tickets/{id}")).await.status(), 404);
    let counts = sim.control.request_counts();
    assert_eq!(counts.by_route, [("GET /tickets/{id}".to_owned(), 1)].into());
    assert_eq!(counts.by_status, [(404, 1)].into());
    assert_eq!(sim.control.request_lines()[0].path, format!("/tickets/{id}"));

    sim.control.change_record(
        Collection::Agents,
        19_000_200_002,
        json!({"active": false}).as_object().unwrap().clone(),
    );
    sim.control.remove_record(Collection::Departments, 19_000_100_001);
    sim.control.add_record(
        Collection::Requesters,
        7,
        json!({"first_name": "Ada"}).as_object().unwrap().clone(),
    );
    assert_eq!(walk(&sim, "/agents?active=true", "agents").await.len(), 23);
    assert_eq!(walk(&sim, "/departments", "departments").await.len(), 40);
    assert_eq!(get(&sim, "/departments/19000100001").await.status(), 404);
    assert_eq!(json(&sim, "/requesters/7").await["requester"]["first_name"], "Ada");

    sim.control.reset();
    assert_eq!((sim.control.ticket_count(), sim.control.active_ids().len()), (6_000, 120));
    assert_eq!(walk(&sim, "/departments", "departments").await.len(), 41);
}

#[tokio::test]
async fn the_control_works_over_http_and_needs_no_key() {
    let sim = start().await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}/_control{path}", sim.base_url);
    let made: Value = client
        .post(url("/tickets"))
        .json(&json!({"subject": "Hello", "group_id": PROFESSIONAL_SERVICES}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = made["ticket"]["id"].as_u64().unwrap();
    let changed =
        client.patch(url(&format!("/tickets/{id}"))).json(&json!({"status": 23})).send().await.unwrap();
    assert_eq!(changed.json::<Value>().await.unwrap()["ticket"]["status"], 23);
    let wrong =
        client.patch(url(&format!("/tickets/{id}"))).json(&json!({"colour": 1})).send().await.unwrap();
    assert!(wrong.status().is_client_error());
    let fault = json!({"mode": "status", "status": 500, "path": "/tickets"});
    assert_eq!(client.post(url("/faults")).json(&fault).send().await.unwrap().status(), 201);
    assert_eq!(get(&sim, "/tickets").await.status(), 500);
    assert_eq!(client.delete(url("/faults")).send().await.unwrap().status(), 204);
    assert_eq!(get(&sim, "/tickets").await.status(), 200);
    let state: Value = client.get(url("/state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["tickets"], 6_001);
    let removed =
        client.delete(url(&format!("/records/departments/{}", 19_000_100_001_u64))).send().await.unwrap();
    assert_eq!(removed.status(), 204);
    let requests: Value = client.get(url("/requests")).send().await.unwrap().json().await.unwrap();
    assert_eq!(requests["counts"]["by_status"], json!({"200": 1, "500": 1}));
}

#[tokio::test]
async fn a_ticket_has_a_page_where_nothing_is_markup() {
    let sim = start().await;
    let patch =
        TicketPatch { subject: Some("<script>alert(1)</script>".to_owned()), ..TicketPatch::default() };
    let id = sim.control.create_ticket(patch);
    let alive = reqwest::get(format!("{}/livez", sim.base_url)).await.unwrap();
    assert_eq!(alive.status(), 200, "a supervisor asks without a key");
    let page = reqwest::get(format!("{}/helpdesk/tickets/{id}", sim.base_url)).await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains("<script"));
    let list = reqwest::get(&sim.base_url).await.unwrap().text().await.unwrap();
    assert!(list.contains(&format!("href=\"helpdesk/tickets/{id}\">&lt;script&gt;")), "{list}");
}

#[tokio::test]
async fn nobody_controls_it_through_a_gateway() {
    let sim = start().await;
    let state = |client: reqwest::Client| client.get(format!("{}/_control/state", sim.base_url));
    let answer = state(reqwest::Client::new()).header("x-forwarded-for", "127.0.0.1").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(state(reqwest::Client::new()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_moving_world_moves() {
    let sim = start_with(|config| {
        config.live = Some(Duration::from_millis(1));
        config.clock = Clock::real();
    })
    .await;
    let before = sim.control.ticket_count();
    for _ in 0..400 {
        if sim.control.ticket_count() > before + 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no new ticket appeared");
}
