//! The wire: authentication, wrapping, paging, windows, includes, errors.

mod common;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use common::{get, header, ids, json, noon, start, start_with, walk};
use hivematrix_simulators::world::people::PROFESSIONAL_SERVICES;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn only_the_key_opens() {
    let sim = start().await;
    let url = format!("{}/api/v2/agents/me", sim.base_url);
    let client = reqwest::Client::new();
    for request in
        [client.get(&url), client.get(&url).basic_auth("wrong", Some("X")), client.get(&url).bearer_auth("x")]
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "invalid_credentials");
    }
    assert_eq!(json(&sim, "/agents/me").await["agent"]["id"], 19_000_200_001_u64);
}

#[tokio::test]
async fn lists_are_complete_across_their_pages() {
    let sim = start().await;
    for (path, name, count) in [
        ("/departments?per_page=100", "departments", 41),
        ("/departments?per_page=7", "departments", 41),
        ("/requesters?per_page=100", "requesters", 1_500),
        ("/agents", "agents", 25),
        ("/agents?active=true", "agents", 24),
        ("/groups", "groups", 5),
        ("/assets?per_page=100", "assets", 2_500),
        ("/tickets/42006/conversations", "conversations", 46),
        ("/tickets/42018/time_entries?per_page=100", "time_entries", 130),
    ] {
        let mut all = walk(&sim, path, name).await;
        let complete = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), complete), (count, count), "{path}");
    }
    let since = "/tickets?per_page=100&updated_since=2020-01-01T00:00:00Z";
    let listed = walk(&sim, since, "tickets").await;
    let spam = walk(&sim, &format!("{since}&filter=spam"), "tickets").await;
    let deleted = walk(&sim, &format!("{since}&filter=deleted"), "tickets").await;
    assert_eq!(listed.len() + spam.len() + deleted.len(), 6_000);
    assert!(listed.is_sorted_by(|a, b| a > b), "newest first");
    assert!(!spam.is_empty() && !deleted.is_empty());
}

#[tokio::test]
async fn pages_default_to_thirty_and_say_when_there_is_more() {
    let sim = start().await;
    let first = get(&sim, "/departments?foo=a%20b").await;
    let next = format!("<{}/api/v2/departments?foo=a+b&page=2>; rel=\"next\"", sim.base_url);
    assert_eq!(header(&first, "link"), next);
    assert_eq!(ids(&first.json().await.unwrap(), "departments").len(), 30);
    let last = get(&sim, "/departments?page=2").await;
    assert_eq!(header(&last, "link"), "");
    assert_eq!(ids(&last.json().await.unwrap(), "departments").len(), 11);
    assert_eq!(json(&sim, "/departments?page=3").await, json!({"departments": []}));
}

#[tokio::test]
async fn wrong_parameters_are_refused_with_the_field() {
    let sim = start().await;
    for (path, field) in [
        ("/departments?per_page=101", "per_page"),
        ("/departments?per_page=0", "per_page"),
        ("/tickets?page=x", "page"),
        ("/tickets?updated_since=yesterday", "updated_since"),
        ("/tickets?include=everything", "include"),
        ("/tickets?filter=mine", "filter"),
        ("/tickets?order_type=up", "order_type"),
        ("/tickets?requester_id=x", "requester_id"),
        ("/tickets/filter", "query"),
        ("/tickets/filter?query=status:2", "query"),
        ("/tickets/filter?query=%22colour:2%22", "query"),
        ("/tickets/42001?include=nothing", "include"),
        ("/agents?state=gone", "state"),
        ("/agents?active=maybe", "active"),
    ] {
        let answer = get(&sim, path).await;
        assert_eq!(answer.status(), 400, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["description"], &body["errors"][0]["field"]),
            (&json!("Validation failed"), &json!(field))
        );
        assert_eq!(body["errors"][0]["code"], "invalid_value");
    }
}

#[tokio::test]
async fn unknown_things_are_404_with_an_empty_body() {
    let sim = start().await;
    for path in ["/tickets/1", "/tickets/9999999", "/tickets/1/time_entries", "/departments/5", "/nothing"] {
        let answer = get(&sim, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn without_updated_since_only_the_last_thirty_days_are_listed() {
    let sim = start().await;
    let recent = walk(&sim, "/tickets?per_page=100", "tickets").await;
    assert!((300..1_200).contains(&recent.len()), "{} tickets", recent.len());
    let oldest = json(&sim, &format!("/tickets/{}", recent.last().unwrap())).await;
    let created: DateTime<Utc> = oldest["ticket"]["created_at"].as_str().unwrap().parse().unwrap();
    assert!(created >= noon() - TimeDelta::days(30));
    let old_but_touched = "/tickets?per_page=100&updated_since=2026-03-18T00:00:00Z&order_type=asc";
    let touched = walk(&sim, old_but_touched, "tickets").await;
    assert!(touched.is_sorted() && touched[0] < *recent.last().unwrap());
}

#[tokio::test]
async fn a_ticket_has_the_vendors_members() {
    let sim = start().await;
    let id = sim.control.active_ids()[40];
    let list =
        json(&sim, "/tickets?per_page=100&include=stats,requester,tags&updated_since=2020-01-01T00:00:00Z")
            .await;
    let row = &list["tickets"][0];
    for member in [
        "id",
        "subject",
        "type",
        "status",
        "priority",
        "source",
        "description",
        "description_text",
        "requester_id",
        "responder_id",
        "group_id",
        "department_id",
        "workspace_id",
        "due_by",
        "fr_due_by",
        "is_escalated",
        "spam",
        "deleted",
        "cc_emails",
        "custom_fields",
        "created_at",
        "updated_at",
        "requester",
        "stats",
        "tags",
    ] {
        assert!(row.get(member).is_some(), "{member} is missing");
    }
    assert!(row.get("urgency").is_none() && row.get("department").is_none());
    for time in ["created_at", "updated_at"] {
        let text = row[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{text}");
    }
    assert_ne!(row["stats"]["ticket_id"], row["id"]);
    let single = json(&sim, &format!("/tickets/{id}?include=stats,conversations")).await;
    assert!(single["ticket"]["urgency"].is_u64() && single["ticket"]["attachments"].is_array());
    assert!(single["ticket"].get("requester").is_none());
    let many = json(&sim, "/tickets/42006?include=conversations").await;
    assert_eq!(many["ticket"]["conversations"].as_array().unwrap().len(), 10, "an include shows ten at most");
}

#[tokio::test]
async fn the_filter_has_a_total_and_no_link() {
    let sim = start().await;
    let codes = [2, 3, 8, 9, 10, 13, 19, 23, 26, 27].map(|code| format!("status:{code}")).join(" OR ");
    let path = format!("/tickets/filter?per_page=100&query=%22({})%22", codes.replace(' ', "%20"));
    let answer = get(&sim, &path).await;
    assert_eq!(header(&answer, "link"), "");
    let first: Value = answer.json().await.unwrap();
    assert_eq!((first["total"].as_u64(), ids(&first, "tickets").len()), (Some(119), 100));
    let second = json(&sim, &format!("{path}&page=2")).await;
    assert_eq!((second["total"].as_u64(), ids(&second, "tickets").len()), (Some(119), 19));
    let third = json(&sim, &format!("{path}&page=3")).await;
    assert_eq!((third["total"].as_u64(), ids(&third, "tickets").len()), (Some(119), 0));
    for (query, all) in [
        (format!("group_id:{PROFESSIONAL_SERVICES}"), format!("\"group_id\":{PROFESSIONAL_SERVICES}")),
        ("agent_id:null".to_owned(), "\"responder_id\":null".to_owned()),
        ("priority:>4 AND status:2".to_owned(), "\"priority\":4".to_owned()),
    ] {
        let found = json(&sim, &format!("/tickets/filter?query=%22{}%22", query.replace(' ', "%20"))).await;
        let rows = found["tickets"].as_array().unwrap();
        assert!(!rows.is_empty(), "{query}");
        assert!(rows.iter().all(|row| row.to_string().contains(&all)), "{query}");
    }
}

#[tokio::test]
async fn every_answer_shows_the_limit_and_the_limit_holds() {
    let sim = start_with(|config| config.rate_limit = 20).await;
    let answer = get(&sim, "/tickets?include=stats,requester").await;
    let limits = ["x-ratelimit-total", "x-ratelimit-remaining", "x-ratelimit-used-currentrequest"];
    assert_eq!(limits.map(|name| header(&answer, name)), ["20", "15", "5"]);
    let mut refused = None;
    for _ in 0..6 {
        let answer = get(&sim, "/departments?include=x,y").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(header(&refused, "retry-after"), "60");
    assert_eq!(header(&refused, "x-ratelimit-total"), "20");
    assert!(refused.json::<Value>().await.unwrap()["message"].is_string());
    sim.control.advance(Duration::from_secs(60));
    assert_eq!(get(&sim, "/departments").await.status(), 200);
}

#[tokio::test]
async fn departments_can_be_changed() {
    let sim = start().await;
    let path = "/departments/19000100003";
    let before = json(&sim, path).await;
    assert_eq!(before["department"]["custom_fields"]["account_number"], 100_003);
    let url = format!("{}/api/v2{path}", sim.base_url);
    let body = json!({"custom_fields": {"managed_users": "77"}});
    let request = reqwest::Client::new().put(url).basic_auth(&sim.api_key, Some("X")).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let fields = &answer["department"]["custom_fields"];
    assert_eq!((&fields["managed_users"], &fields["account_number"]), (&json!("77"), &json!(100_003)));
    assert_eq!(json(&sim, path).await, answer);
    let own = json(&sim, "/departments/19000100041").await;
    assert_eq!(own["department"]["custom_fields"]["account_number"], Value::Null);
}

#[tokio::test]
async fn tickets_are_changed_and_get_notes() {
    let sim = start().await;
    let id = sim.control.active_ids()[0];
    let client = reqwest::Client::new();
    let url = format!("{}/api/v2/tickets/{id}", sim.base_url);
    let put = async |body: Value| {
        client.put(&url).basic_auth(&sim.api_key, Some("X")).json(&body).send().await.unwrap()
    };
    let answer = put(json!({"status": 5, "responder_id": 19_000_200_002_u64})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let changed = answer.json::<Value>().await.unwrap();
    assert_eq!(changed["ticket"]["status"], 5);
    let now = json(&sim, &format!("/tickets/{id}?include=stats")).await;
    assert_eq!(now["ticket"]["responder_id"], 19_000_200_002_u64);
    assert_eq!(now["ticket"]["stats"]["closed_at"], "2026-03-18T12:00:00Z");
    let reopened = put(json!({"status": 2, "responder_id": null})).await.json::<Value>().await.unwrap();
    assert_eq!(reopened["ticket"]["responder_id"], Value::Null);
    for wrong in [
        json!({"status": 99}),
        json!({"status": "open"}),
        json!({"responder_id": 4}),
        json!({"priority": 5}),
        json!({"nonsense": 1}),
    ] {
        let answer = put(wrong.clone()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(answer.json::<Value>().await.unwrap()["errors"][0]["code"], "invalid_value");
    }

    let notes = format!("{url}/notes");
    let post = async |body: Value| {
        client.post(&notes).basic_auth(&sim.api_key, Some("X")).json(&body).send().await.unwrap()
    };
    let answer = post(json!({"body": "<div>One &lt;two&gt;</div>", "private": true})).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let note = answer.json::<Value>().await.unwrap()["conversation"].clone();
    assert_eq!((&note["body_text"], &note["private"]), (&json!("One <two>"), &json!(true)));
    let thread = json(&sim, &format!("/tickets/{id}/conversations?per_page=100")).await;
    assert!(thread["conversations"].as_array().unwrap().contains(&note));
    assert_eq!(post(json!({"body": " "})).await.status(), StatusCode::BAD_REQUEST);
    let gone = client.put(format!("{}/api/v2/tickets/1", sim.base_url)).basic_auth(&sim.api_key, Some("X"));
    assert_eq!(gone.json(&json!({"status": 2})).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
