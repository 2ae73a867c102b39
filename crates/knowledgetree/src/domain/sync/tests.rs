use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use serde_json::json;

use super::input::{Asset, Bulk, Company, Contact, Ticket};
use super::*;
use crate::domain::content::{Format, render};
use crate::domain::names;

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn contact_cards_are_worded_as_the_contract_has_them() {
    let contact: Contact = read(json!({
        "active": true, "email": "jane_doe@acme.example", "employment_type": "Full Time", "id": 8,
        "mobile_phone_number": "+1-555-0107", "name": "Jane Doe", "secondary_emails": null, "title": "Clerk", "work_phone_number": null
    }));
    assert_eq!(
        contact_article(&contact),
        "# Contact Information for Jane Doe\n\n- **Email:** jane_doe@acme.example\n- **Title:** Clerk\n- **Mobile Phone:** +1-555-0107\n\
         - **Work Phone:** N/A\n- **Active:** Yes\n"
    );
    let empty: Contact = read(json!({"id": null, "name": "", "active": null, "email": "x@y.example"}));
    assert_eq!(
        contact_article(&empty),
        "# Contact Information for x@y.example\n\n- **Email:** x@y.example\n- **Title:** N/A\n- **Mobile Phone:** N/A\n\
         - **Work Phone:** N/A\n- **Active:** N/A\n"
    );
}

#[test]
fn devices_are_worded_as_the_contract_has_them() {
    let asset: Asset = read(json!({
        "domain": "DOM", "ext_ip_address": "203.0.113.2", "hardware_type": "Server", "hostname": "HOST-02", "id": 2,
        "int_ip_address": "192.0.2.2", "last_logged_in_user": "DOM\\user1", "last_seen": "2026-11-22T02:51:17+01:00", "online": false,
        "operating_system": "Windows 11 Pro"
    }));
    assert_eq!(
        asset_article(&asset),
        "# Computer Information: HOST-02\n\n- **Operating System:** Windows 11 Pro\n- **Hardware Type:** Server\n\
         - **Internal IP:** 192.0.2.2\n- **External IP:** 203.0.113.2\n- **Last Logged In User:** DOM\\user1\n- **Status:** ✗ Offline\n\
         - **Last Seen:** 2026-11-22T01:51:17Z\n- **Domain:** DOM\n"
    );
    let odd: Asset = read(json!({"hostname": "höst & <21>", "online": 1, "last_seen": "yesterday"}));
    let text = asset_article(&odd);
    assert!(text.starts_with("# Computer Information: höst & \\<21>\n"), "{text}");
    assert!(text.contains("- **Status:** ✓ Online\n- **Last Seen:** yesterday\n"), "{text}");
}

#[test]
fn tickets_are_worded_as_the_contract_has_them() {
    let ticket: Ticket = read(json!({
        "closed_at": null, "created_at": "2026-11-20T16:51:17-05:00", "description": "<div>Body</div>", "description_text": "Line one\n# two",
        "conversations": [
            {"body": "<p>hi <b>there</b></p>", "body_text": "hi there", "created_at": "2026-11-22T01:51:17Z", "from_email": "u@x.example",
             "id": 1, "incoming": true, "private": false},
            {"body": "done", "from_email": null, "created_at": "bad", "incoming": false},
        ],
        "last_updated_at": "2026-11-22T02:51:17Z",
        "notes": [{"body_text": "internal", "created_at": "2026-11-22T01:51:17Z", "id": 2, "private": true}],
        "priority": "low", "requester_email": "u0@x.example", "requester_name": "Requester 0", "status": "waiting_customer",
        "subject": "Ticket 1: printer <b>jam</b> & \"paper\"", "ticket_id": 1, "ticket_number": "5001", "total_hours_spent": 0.255
    }));
    assert_eq!(
        ticket_article(&ticket),
        "# Ticket #1: Ticket 1: printer \\<b>jam\\</b> & \"paper\"\n\n## Ticket Information\n\n- **Requester:** Requester 0 (u0@x.example)\n\
         - **Status:** Waiting on Customer\n- **Priority:** Low\n- **Created:** 2026-11-20T21:51:17Z\n\
         - **Last Updated:** 2026-11-22T02:51:17Z\n- **Closed:** N/A\n- **Hours Spent:** 0.26\n\n## Description\n\nLine one\n\\# two\n\n\
         ## Conversation History\n\n### Message 1 (Incoming)\n\n- **From:** u@x.example\n- **Date:** 2026-11-22T01:51:17Z\n\nhi **there**\n\n\
         ### Message 2 (Outgoing)\n\n- **From:** N/A\n- **Date:** bad\n\ndone\n\n## Internal Notes\n\n### Note 1\n\n- **From:** N/A\n\
         - **Date:** 2026-11-22T01:51:17Z\n\ninternal\n\n---\n\n*Synced from Codex*\n"
    );
}

#[test]
fn what_is_missing_has_its_default() {
    let ticket: Ticket = read(
        json!({"ticket_number": 7, "total_hours_spent": null, "conversations": null, "notes": "not json"}),
    );
    assert_eq!(
        ticket_article(&ticket),
        "# Ticket #7: No Subject\n\n## Ticket Information\n\n- **Requester:** Unknown\n- **Status:** Closed\n- **Priority:** Medium\n\
         - **Created:** N/A\n- **Last Updated:** N/A\n- **Closed:** N/A\n- **Hours Spent:** 0.00\n\n## Description\n\n> No description.\n\n\
         ---\n\n*Synced from Codex*\n"
    );
}

#[test]
fn whatever_a_ticket_says_it_cannot_forge_the_article_or_act() {
    let ticket: Ticket = read(json!({
        "ticket_id": 1, "subject": "x\n# forged\n<script>y</script> #",
        "description_text": "<p>a</p><script>x()</script><a href=\"javascript:x\">b</a>",
        "conversations": [{"body": "## forged\n\n---\n\n*Synced from Codex*", "incoming": true}]
    }));
    let html = render(Format::Markdown, &ticket_article(&ticket)).html;
    assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
    assert_eq!(html.matches("<h1>").count(), 1, "{html}");
    assert_eq!((html.matches("<h2>").count(), html.matches("<hr>").count()), (3, 1), "{html}");
}

#[test]
fn a_ticket_without_end_is_cut_and_says_so() {
    let message = json!({"body": "word ".repeat(20_000), "incoming": true});
    let ticket: Ticket = read(json!({"ticket_id": 1, "conversations": vec![message; 20]}));
    let text = ticket_article(&ticket);
    assert!(text.len() < 700_000 && text.contains("> Cut here: ") && text.ends_with("*Synced from Codex*\n"));
}

#[test]
fn ids_are_those_of_upstream() {
    assert_eq!(node_id("root", "Companies"), "root_Companies");
    assert_eq!(node_id("root_Companies", "Acme Corp"), "root_Companies_Acme_Corp");
    assert_eq!(
        node_id("root_Companies_Acme_Corp_Users_Jane_Doe", "Contact.md"),
        "root_Companies_Acme_Corp_Users_Jane_Doe_Contact.md"
    );
    assert_eq!(node_id("p", "A/B"), "p_A_B");
}

#[test]
fn things_that_share_a_name_or_an_id_stay_apart() {
    let mut taken: HashSet<String> = HashSet::new();
    let mut ids = Vec::new();
    for (name, source) in [("A B", "1"), ("A_B", "2"), ("A/B", "3"), ("A B", "2")] {
        let id = assign_id("p", name, source, |id| taken.contains(id));
        taken.insert(id.clone());
        ids.push(id);
    }
    assert_eq!(ids, ["p_A_B", "p_A_B_2", "p_A_B_3", "p_A_B_2_2"]);

    let wanted = |source_id, name| Wanted { source_id, name, ending: ".md", otherwise: "Unnamed" };
    let list = [
        wanted("10", "Jane"),
        wanted("9", "Jane"),
        wanted("11", "Jane (10)"),
        wanted("12", ""),
        wanted("13", "Note"),
    ];
    let names = assign_names(&list, &HashSet::from(["Note.md".to_owned()]));
    assert_eq!(names, ["Jane (10) (10).md", "Jane.md", "Jane (10).md", "Unnamed.md", "Note (13).md"]);
    // A new namesake changes nobody's name.
    assert_eq!(assign_names(&list[1..2], &HashSet::new()), ["Jane.md"]);
}

#[test]
fn a_company_of_upstream_becomes_a_tree() {
    // Without `id` and `users`, as upstream's Codex answers.
    let bulk: Bulk = read(json!({
        "company": {"account_number": "100002", "name": "Tilia & Söhne <GmbH>", "billing_plan": null},
        "assets": [{"id": 2, "hostname": "HOST/02"}, {"id": 3, "hostname": null}, {}],
        "contacts": [{"id": 8, "name": "Pia Park", "email": "pia@c.example", "secondary_emails": "[\"alt@x.example\"]"},
                     {"id": 9, "name": "Pia Park", "email": "PIA2@c.example"}, {"id": 8, "name": "again"}, "odd"],
        "locations": [],
        "tickets": [{"ticket_id": 1, "ticket_number": "5001", "requester_email": "Alt@X.example"},
                    {"ticket_number": "5002", "requester_email": "pia2@c.example"}, {"ticket_id": 3, "requester_email": "who@x.example"}, {}]
    }));
    let plan = company(&bulk.company, "Tilia & Söhne <GmbH>", &bulk.contacts, &bulk.assets).unwrap();
    let rows: Vec<String> = plan
        .iter()
        .map(|item| {
            let parent = item.parent.as_ref().map_or("", |parent| parent.source.as_str());
            format!("{} {} in {parent}: {}", item.key.source.as_str(), item.key.id, item.name)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "codex:company 100002 in codex:companies: Tilia & Söhne <GmbH>",
            "codex:users 100002 in codex:company: Users",
            "codex:assets 100002 in codex:company: Assets",
            "codex:contact 100002/8 in codex:users: Pia Park",
            "codex:contact_card 100002/8 in codex:contact: Contact.md",
            "codex:contact 100002/9 in codex:users: Pia Park (9)",
            "codex:contact_card 100002/9 in codex:contact: Contact.md",
            "codex:asset 100002/2 in codex:assets: HOST_02.md",
            "codex:asset 100002/3 in codex:assets: Unnamed.md",
        ]
    );
    assert!(plan.iter().all(|item| item.read_only && !item.is_attached));
    assert!(!companies_folder().read_only);

    let (articles, links) = tickets(&bulk.company, &bulk.contacts, &bulk.tickets.unwrap()).unwrap();
    assert_eq!(
        (articles[0].name.as_str(), articles[0].is_attached, articles[0].read_only),
        ("Tickets", true, true)
    );
    let names: Vec<&str> = articles[1..].iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["Ticket_1.md", "Ticket_5002.md", "Ticket_3.md"]);
    let links: Vec<(&str, &str, Option<&str>)> = links
        .iter()
        .map(|link| {
            (
                link.number.as_str(),
                link.article.id.as_str(),
                link.requester.as_ref().map(|key| key.id.as_str()),
            )
        })
        .collect();
    assert_eq!(
        links,
        [("5001", "1", Some("100002/8")), ("5002", "5002", Some("100002/9")), ("3", "3", None)]
    );
}

#[test]
fn tickets_that_were_not_asked_for_are_not_no_tickets() {
    assert!(read::<Bulk>(json!({"company": {}})).tickets.is_none());
    assert!(read::<Bulk>(json!({"company": {}, "tickets": []})).tickets.is_some_and(|list| list.is_empty()));
    assert!(company(&Company::default(), "x", &[], &[]).is_none());
    assert!(tickets(&Company::default(), &[], &[]).is_none());
}

/// Values that columns of the original suite have held.
fn odd_value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(|n| json!(n)),
        Just(json!(1e300)),
        any::<bool>().prop_map(|b| json!(b)),
        ".{0,20}".prop_map(|text| json!(text)),
        Just(json!(["x", 1, null])),
        Just(json!({"a": "b"})),
        Just(json!("[{\"body\":\"x\"}]")),
    ]
}

proptest! {
    #[test]
    fn nothing_that_codex_sends_breaks_the_sync(values in prop::collection::vec(odd_value(), 16)) {
        let ticket: Ticket = read(json!({
            "ticket_id": values[0], "ticket_number": values[1], "subject": values[2], "description_text": values[3], "description": values[4],
            "status": values[5], "priority": values[6], "requester_name": values[7], "requester_email": values[8], "created_at": values[9],
            "last_updated_at": values[10], "closed_at": values[11], "total_hours_spent": values[12], "conversations": values[13],
            "notes": [{"body": values[14], "incoming": values[15]}],
        }));
        let text = ticket_article(&ticket);
        prop_assert!(text.starts_with("# Ticket #") && text.ends_with("*Synced from Codex*\n"));
        let contact: Contact = read(json!({"id": values[0], "name": values[1], "email": values[2], "active": values[3],
            "secondary_emails": values[4], "title": values[5]}));
        let asset: Asset = read(json!({"id": values[0], "hostname": values[1], "online": values[2], "last_seen": values[3]}));
        let owner: Company = read(json!({"id": values[6], "account_number": "1", "name": values[7]}));
        let plan = company(&owner, owner.shown_name(), &[contact.clone()], &[asset]).unwrap();
        prop_assert!(plan.iter().skip(1).all(|item| names::check(&item.name) == Ok(item.name.as_str())));
        prop_assert!(tickets(&owner, &[contact], &[ticket]).is_some());
    }

    #[test]
    fn names_in_a_folder_are_unique_whatever_the_order(
        list in prop::collection::vec(("[0-9]{1,2}", "[aA (0-9)/]{0,4}"), 0..8), taken in prop::collection::hash_set("[aA]{1,2}", 0..3),
    ) {
        let list: HashMap<String, String> = list.into_iter().collect();
        let mut wanted: Vec<Wanted<'_>> = list
            .iter()
            .map(|(source_id, name)| Wanted { source_id, name, ending: "", otherwise: "Unnamed" })
            .collect();
        let names = assign_names(&wanted, &taken);
        let all: HashSet<&String> = names.iter().collect();
        prop_assert_eq!(all.len(), names.len());
        prop_assert!(names.iter().all(|name| !taken.contains(name) && names::check(name) == Ok(name.as_str())));
        wanted.reverse();
        let mut again = assign_names(&wanted, &taken);
        again.reverse();
        prop_assert_eq!(again, names);
    }
}
