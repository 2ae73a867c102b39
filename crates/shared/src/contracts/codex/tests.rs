//! What upstream's Codex sends is read as what ours would send.

use serde_json::{Value, json};

use super::{ActiveTickets, PsaAgent, PsaConfig, PsaId, SlaColor, Ticket};

/// A ticket as upstream writes it.
fn theirs(changes: Value) -> Value {
    let mut ticket = json!({
        "agent_name": "Agent 19000700004", "agent_responded_at": null, "agent_responded_friendly": "N/A",
        "company_id": "100002", "created_at_str": "2026-11-17T18:51:17Z", "created_days_old": "5 days old",
        "description_text": "Body 21", "due_by_str": "2026-11-22T08:51:17Z", "first_responded_at_iso": null,
        "fr_due_by_str": "2026-11-22T03:50:41Z", "group_id": 19000111222_i64, "id": 5022, "priority": "medium",
        "priority_id": 2, "priority_raw": 2, "priority_text": "Medium", "requester_email": "u21@x.example",
        "requester_id": 19000900002_i64, "requester_name": "Requester 21", "responder_id": 19000700004_i64,
        "sla_class": "sla-critical", "sla_text": "2.0 hours for FR", "source": "freshservice", "status": "waiting_customer",
        "status_id": 9, "status_text": "Waiting on Customer", "subject": "Printer", "ticket_number": "5022",
        "ticket_type": "Service Request", "total_hours_spent": 0.5, "type": "Service Request",
        "updated_at_str": "2026-11-21T17:21:17.123456+00:00", "updated_friendly": "10h ago"
    });
    for (member, value) in changes.as_object().unwrap() {
        ticket[member] = value.clone();
    }
    ticket
}

#[test]
fn words_become_codes_and_iso_texts_become_times() {
    let ticket: Ticket = serde_json::from_value(theirs(json!({}))).unwrap();
    assert_eq!((ticket.id, ticket.external_id), (5022, PsaId(5022)), "the PSA's id stands for both");
    assert_eq!((ticket.status, ticket.status_key.as_str()), (Some(9), "waiting_customer"));
    assert_eq!(
        (ticket.priority, ticket.priority_raw, ticket.priority_key.as_str()),
        (Some(2), Some(2), "medium")
    );
    assert_eq!(ticket.created_at.unwrap().timestamp(), 1_794_941_477);
    assert_eq!(
        (ticket.created_at_str.as_str(), ticket.updated_at_str.as_str()),
        ("Nov 17, 06:51 PM", "Nov 21, 05:21 PM")
    );
    assert_eq!(ticket.responder_id, Some(PsaId(19_000_700_004)));
    assert_eq!((ticket.tags.len(), ticket.description.as_str()), (0, ""));
}

#[test]
fn a_colour_is_made_from_the_class_where_there_is_none() {
    for (class, color, in_section_3) in [
        ("sla-overdue", SlaColor::Red, SlaColor::Red),
        ("sla-critical", SlaColor::Orange, SlaColor::Red),
        ("sla-warning", SlaColor::Yellow, SlaColor::Yellow),
        ("sla-responded", SlaColor::Green, SlaColor::Green),
    ] {
        let ticket = theirs(json!({ "sla_class": class }));
        let board: ActiveTickets = serde_json::from_value(json!({
            "section1": [ticket], "section2": [], "section3": [ticket], "section4": [],
            "last_sync_time": "2026-11-22T03:01:17+00:00", "last_updated": "2026-11-22T03:51:32.974731+00:00", "total_active": 2
        }))
        .unwrap();
        assert_eq!(
            (board.section1[0].sla_color, board.section3[0].sla_color),
            (color, in_section_3),
            "{class}"
        );
        assert_eq!(board.total_active, 2);
    }
}

#[test]
fn missing_and_odd_members_do_not_spoil_the_board() {
    let poor =
        json!({"id": 7, "status": null, "priority": null, "responder_id": "19000700004", "subject": null});
    let board: ActiveTickets =
        serde_json::from_value(json!({"section1": [poor], "last_sync_time": null})).unwrap();
    let ticket = &board.section1[0];
    assert_eq!((ticket.status_key.as_str(), ticket.status_text.as_str()), ("unknown", "Unknown"));
    assert_eq!((ticket.agent_name.as_str(), ticket.requester_name.as_str()), ("Unassigned", "N/A"));
    assert_eq!((ticket.responder_id, ticket.sla_color), (Some(PsaId(19_000_700_004)), SlaColor::Green));
    assert!(board.last_sync_time.is_none());
    let faulty = theirs(json!({"created_at_str": "not a date", "updated_at_str": null}));
    let ticket: Ticket = serde_json::from_value(faulty).unwrap();
    assert_eq!(
        (ticket.created_at, ticket.created_at_str.as_str(), ticket.updated_at_str.as_str()),
        (None, "not a date", "")
    );
}

#[test]
fn what_is_written_is_read_back_unchanged() {
    let ticket: Ticket = serde_json::from_value(theirs(json!({"external_id": "9007199254740993"}))).unwrap();
    let board = ActiveTickets { section3: vec![ticket], total_active: 1, ..ActiveTickets::default() };
    let written = serde_json::to_string(&board).unwrap();
    assert!(written.contains("\"external_id\":\"9007199254740993\""));
    let read: ActiveTickets = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
}

#[test]
fn agents_and_configuration_of_upstream_are_read() {
    let agent: PsaAgent =
        serde_json::from_value(json!({"id": 5, "external_id": 19000700005_i64, "name": "Agent 5"})).unwrap();
    assert!(agent.active && agent.email.is_none());
    let config: PsaConfig = serde_json::from_value(json!({"default_provider": null, "providers": {
        "freshservice": {"name": "Freshservice", "ticket_url_template": "https://x/a/tickets/{ticket_id}",
                         "group_ids": {"professional_services": 19000234009_i64, "helpdesk": null}},
        "superops": {}
    }}))
    .unwrap();
    assert_eq!(config.providers["freshservice"].group_ids.professional_services, [PsaId(19_000_234_009)]);
    assert!(config.providers["superops"].ticket_url_template.is_none());
    let failed: PsaConfig =
        serde_json::from_value(json!({"providers": {}, "error": "no configuration"})).unwrap();
    assert!(failed.providers.is_empty());
}
