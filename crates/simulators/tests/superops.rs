//! The SuperOps stand-in on its wire: headers, GraphQL, lists, errors inside 200, the limit.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use chrono::{DateTime, Utc};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::freshservice::{self, Fault, FaultMode, NewEntry, TicketPatch};
use hivematrix_simulators::superops::{Config, Handle, spawn, vendor_id};
use serde_json::{Value, json};

fn noon() -> DateTime<Utc> {
    "2026-03-18T12:00:00Z".parse().unwrap()
}

async fn start(rate_limit: u32) -> Handle {
    let desk = freshservice::Config {
        clock: Clock::standing(noon()),
        rate_limit,
        ..freshservice::Config::default()
    };
    spawn(Config { desk, ..Config::default() }).await.unwrap()
}

async fn send(sim: &Handle, query: &str, variables: Value) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("{}/msp", sim.base_url))
        .bearer_auth(&sim.api_key)
        .header("CustomerSubDomain", &sim.subdomain)
        .json(&json!({"query": query, "variables": variables}))
        .send()
        .await
        .unwrap()
}

async fn ask(sim: &Handle, query: &str, variables: Value) -> Value {
    let answer = send(sim, query, variables).await;
    assert_eq!(answer.status(), 200, "{query}");
    answer.json().await.unwrap()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["clientError"][0]["code"].as_str().unwrap_or_default()
}

const TICKETS: &str = "query t($input: ListInfoInput!) { getTicketList(input: $input) { \
    tickets { ticketId createdTime updatedTime status client requester } listInfo { page pageSize hasMore totalCount } } }";

#[tokio::test]
async fn both_headers_are_needed() {
    let sim = start(1000).await;
    let client = reqwest::Client::new();
    let url = format!("{}/msp", sim.base_url);
    let query = json!({"query": "{ getTechnicianGroupList { groupId } }"});
    let request = || client.post(&url).json(&query);
    for (request, status) in [
        (request(), 401),
        (request().bearer_auth("wrong").header("CustomerSubDomain", &sim.subdomain), 401),
        (request().bearer_auth(&sim.api_key), 400),
        (request().bearer_auth(&sim.api_key).header("CustomerSubDomain", "other"), 400),
        (request().bearer_auth(&sim.api_key).header("CustomerSubDomain", &sim.subdomain), 200),
        (client.get(&url), 405),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn a_selection_below_a_json_scalar_is_refused() {
    let sim = start(1000).await;
    let query = "{ getTicketList(input: {page: 1}) { tickets { ticketId client { accountId } } } }";
    let answer = ask(&sim, query, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["classification"], "ValidationError");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("Sub selection not allowed"));
    assert!(answer.get("data").is_none());
}

#[tokio::test]
async fn lists_are_paged_ordered_and_filtered() {
    let sim = start(100_000).await;
    let (mut seen, mut page, mut last) = (Vec::new(), 1, String::from("9"));
    loop {
        let input =
            json!({"page": page, "pageSize": 100, "sort": [{"attribute": "createdTime", "order": "DESC"}]});
        let answer = ask(&sim, TICKETS, json!({"input": input})).await;
        let list = &answer["data"]["getTicketList"];
        for ticket in list["tickets"].as_array().unwrap() {
            let created = ticket["createdTime"].as_str().unwrap();
            assert!(created <= last.as_str() && created.len() == 19, "no zone, newest first: {created}");
            last = created.to_owned();
            seen.push(ticket["ticketId"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            list["listInfo"]["totalCount"].as_u64().unwrap() as usize > seen.len(),
            list["listInfo"]["hasMore"]
        );
        if list["listInfo"]["hasMore"] == false {
            break;
        }
        page += 1;
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    assert!(seen.len() < sim.control.ticket_count(), "spam and deleted tickets are in no list");
    assert!(seen.iter().all(|id| id.parse::<u64>().unwrap() > 1 << 53));

    let changed = sim.control.active_ids()[0];
    sim.control.advance(std::time::Duration::from_secs(60));
    sim.control.update_ticket(changed, TicketPatch { priority: Some(4), ..TicketPatch::default() });
    let condition = json!({"attribute": "updatedTime", "operator": "after", "value": "2026-03-18T12:00:00"});
    let answer = ask(&sim, TICKETS, json!({"input": {"condition": condition}})).await;
    let tickets = answer["data"]["getTicketList"]["tickets"].as_array().unwrap();
    assert_eq!(
        tickets.iter().map(|ticket| &ticket["ticketId"]).collect::<Vec<_>>(),
        [&json!(vendor_id(changed).to_string())]
    );

    let users = "query u($input: GetClientUserListInput!) { getClientUserList(input: $input) { userList { userId client } listInfo { totalCount } } }";
    let all = ask(&sim, users, json!({"input": {"listInfo": {"page": 1}}})).await;
    let client = all["data"]["getClientUserList"]["userList"][0]["client"]["accountId"].clone();
    let some = ask(&sim, users, json!({"input": {"clientId": client, "listInfo": {"page": 1}}})).await;
    let some = &some["data"]["getClientUserList"];
    assert!(some["userList"].as_array().unwrap().iter().all(|user| user["client"]["accountId"] == client));
    assert!(
        some["listInfo"]["totalCount"].as_u64()
            < all["data"]["getClientUserList"]["listInfo"]["totalCount"].as_u64()
    );
    let assets = "query a($input: ListInfoInput!) { getAssetList(input: $input) { assets { assetId client status } listInfo { totalCount } } }";
    let condition = json!({"attribute": "client.accountId", "operator": "is", "value": client});
    let own = ask(&sim, assets, json!({"input": {"condition": condition}})).await;
    let own = own["data"]["getAssetList"]["assets"].as_array().unwrap().clone();
    assert!(!own.is_empty() && own.iter().all(|asset| asset["client"]["accountId"] == client));
}

#[tokio::test]
async fn errors_come_inside_200() {
    let sim = start(1000).await;
    let one = "query t($input: TicketIdentifierInput!) { getTicket(input: $input) { ticketId } }";
    let answer = ask(&sim, one, json!({"input": {"ticketId": "7"}})).await;
    assert_eq!((code(&answer), &answer["data"]["getTicket"]), ("entity_does_not_exist", &Value::Null));
    assert_eq!(answer["errors"][0]["path"], json!(["getTicket"]));
    let answer = ask(&sim, TICKETS, json!({"input": {"pageSize": 101}})).await;
    assert_eq!(code(&answer), "type_validation_failed");
    let condition = json!({"attribute": "mood", "operator": "is", "value": "good"});
    let answer = ask(&sim, TICKETS, json!({"input": {"condition": condition}})).await;
    assert_eq!(code(&answer), "referred_value_does_not_exist");
    sim.control.add_fault(
        Fault::always(FaultMode::VendorError { code: "forbidden".to_owned() }).on("/getTicket").times(1),
    );
    let id = json!({"input": {"ticketId": vendor_id(sim.control.active_ids()[0]).to_string()}});
    assert_eq!(code(&ask(&sim, one, id.clone()).await), "forbidden");
    assert!(ask(&sim, one, id).await.get("errors").is_none());
}

#[tokio::test]
async fn several_questions_fit_in_one_request() {
    let sim = start(1000).await;
    let ids = sim.control.active_ids();
    let entry = |incoming| NewEntry { text: "Hello?".to_owned(), incoming, private: false };
    sim.control.advance(std::time::Duration::from_secs(60));
    sim.control.add_entry(ids[0], entry(true));
    sim.control.add_entry(ids[1], entry(false));
    let query = format!(
        "{{ a: getTicketConversationList(input: {{ticketId: \"{}\"}}) {{ type }} \
           b: getTicketConversationList(input: {{ticketId: \"{}\"}}) {{ type }} \
           c: getTicketConversationList(input: {{ticketId: \"7\"}}) {{ type }} }}",
        vendor_id(ids[0]),
        vendor_id(ids[1])
    );
    let answer = ask(&sim, &query, json!({})).await;
    let last = |key: &str| answer["data"][key].as_array().unwrap().last().unwrap()["type"].clone();
    assert_eq!((last("a"), last("b")), (json!("REQ_REPLY"), json!("TECH_REPLY")));
    assert_eq!(answer["data"]["a"][0]["type"], "DESCRIPTION");
    assert_eq!((&answer["data"]["c"], &answer["errors"][0]["path"]), (&Value::Null, &json!(["c"])));
    assert_eq!(sim.control.request_counts().total, 1);
}

#[tokio::test]
async fn the_minute_has_an_end() {
    let sim = start(3).await;
    let query = "{ getTechnicianGroupList { groupId name } }";
    for _ in 0..3 {
        assert_eq!(
            ask(&sim, query, json!({})).await["data"]["getTechnicianGroupList"].as_array().unwrap().len(),
            5
        );
    }
    assert_eq!(code(&ask(&sim, query, json!({})).await), "rate_limit_exceeded");
    sim.control.advance(std::time::Duration::from_secs(60));
    assert_eq!(code(&ask(&sim, query, json!({})).await), "");
}

#[tokio::test]
async fn a_client_can_be_changed() {
    let sim = start(1000).await;
    let id = vendor_id(hivematrix_simulators::world::companies::FIRST_COMPANY_ID).to_string();
    let change =
        "mutation c($input: UpdateClientInput!) { updateClient(input: $input) { name customFields } }";
    let input = json!({"accountId": id, "customFields": {"account_number": "424242"}});
    let answer = ask(&sim, change, json!({"input": input})).await;
    assert_eq!(answer["data"]["updateClient"]["customFields"]["account_number"], "424242");
    let read = "query c($input: ClientIdentifierInput!) { getClient(input: $input) { customFields } }";
    let fields = ask(&sim, read, json!({"input": {"accountId": id}})).await;
    assert_eq!(fields["data"]["getClient"]["customFields"]["account_number"], "424242");
    assert!(fields["data"]["getClient"]["customFields"]["phone_system"].is_string(), "the others stay");
}
