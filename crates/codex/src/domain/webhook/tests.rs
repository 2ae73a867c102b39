use serde_json::json;

use super::*;
use crate::domain::{status::StatusMap, vendor_words::StatusNames};

fn now() -> DateTime<Utc> {
    "2025-11-22T10:30:00Z".parse().unwrap()
}

fn read(payload: Value) -> Result<TicketEvent, Refusal> {
    TicketEvent::read(&payload, &Statuses::Codes(StatusMap::freshservice([])), now())
}

#[test]
fn a_payload_must_say_what_happened_to_which_ticket() {
    let unknown = |event: &str| Refusal::Event { ticket_id: 1, event: event.to_owned() };
    for (payload, refusal) in [
        (json!({}), Refusal::Empty),
        (json!([1]), Refusal::Empty),
        (json!(null), Refusal::Empty),
        (json!({"event": "ticket.updated"}), Refusal::NoTicket),
        (json!({"ticket_id": null}), Refusal::NoTicket),
        (json!({"ticket_id": " "}), Refusal::NoTicket),
        (json!({"ticket_id": "{{ticket.id}}"}), Refusal::TicketId),
        (json!({"ticket_id": 0}), Refusal::TicketId),
        (json!({"ticket_id": -4}), Refusal::TicketId),
        (json!({"ticket_id": 1.5}), Refusal::TicketId),
        (json!({"ticket_id": "99999999999999999999"}), Refusal::TicketId),
        (json!({"ticket_id": true}), Refusal::TicketId),
        (json!({"event": "ticket.merged"}), Refusal::NoTicket),
        (json!({"ticket_id": 1, "event": "ticket.merged"}), unknown("ticket.merged")),
        (json!({"ticket_id": 1, "event": 7}), unknown("not a text")),
    ] {
        assert_eq!(read(payload.clone()).unwrap_err(), refusal, "{payload}");
    }
}

#[test]
fn ids_come_as_numbers_or_text_and_unfilled_placeholders_tell_nothing() {
    for (value, told, ignored) in [
        (json!(7), Told::Value(7), false),
        (json!("7"), Told::Value(7), false),
        (json!(" 19000111111 "), Told::Value(19_000_111_111), false),
        (json!(7.0), Told::Value(7), false),
        (json!(null), Told::Empty, false),
        (json!(""), Told::Nothing, false),
        (json!("{{ticket.agent.id}}"), Told::Nothing, true),
        (json!("{{ ticket.agent.id | default: 1 }}"), Told::Nothing, true),
        (json!("Jane"), Told::Nothing, true),
        (json!(0), Told::Nothing, true),
        (json!({"id": 7}), Told::Nothing, true),
    ] {
        let event = read(json!({"ticket_id": "5", "responder_id": value})).unwrap();
        assert_eq!((event.responder_id, event.ignored.contains(&"responder_id")), (told, ignored), "{value}");
    }
}

#[test]
fn a_status_is_a_code_or_a_name_and_some_mean_that_the_ticket_is_gone() {
    let known = |key: &str, code| Some((key.to_owned(), Some(code)));
    for (value, status, kind) in [
        (json!(2), known("open", 2), Kind::Updated),
        (json!("26"), known("customer_replied", 26), Kind::Updated),
        (json!("Waiting on Customer"), known("waiting_customer", 9), Kind::Updated),
        (json!(99), known("unknown", 99), Kind::Updated),
        (json!(6), known("spam", 6), Kind::Deleted),
        (json!("7"), known("deleted", 7), Kind::Deleted),
        (json!("{{ticket.status}}"), None, Kind::Updated),
        (json!("Nobody knows"), None, Kind::Updated),
        (json!(null), None, Kind::Updated),
    ] {
        let event = read(json!({"ticket_id": 5, "status_id": value})).unwrap();
        assert_eq!((event.status, event.kind), (status, kind), "{value}");
    }
    let own = Statuses::Codes(StatusMap::freshservice(&[(6, "waiting_customer".to_owned())]));
    let event = TicketEvent::read(&json!({"ticket_id": 5, "status_id": 6}), &own, now()).unwrap();
    assert_eq!(event.kind, Kind::Updated, "an account's own meaning of a code counts");
    let event = read(json!({"ticket_id": 5, "event": "ticket.deleted", "status_id": 2})).unwrap();
    assert_eq!(event.end(), "deleted");
}

#[test]
fn where_a_vendor_has_no_codes_numbers_tell_nothing() {
    let parked = ("Parked".to_owned(), "on_hold".to_owned());
    let words = Statuses::Words(StatusNames::new([&parked]));
    let read = |payload| TicketEvent::read(&payload, &words, now()).unwrap();
    for (value, key) in [
        (json!(7), None),
        (json!("6"), None),
        (json!(2), None),
        (json!("Parked"), Some("on_hold")),
        (json!("Deleted"), None),
    ] {
        let event = read(json!({"ticket_id": 5, "status_id": value, "priority_id": "Critical"}));
        assert_eq!(event.status.as_ref().map(|(key, _)| key.as_str()), key, "{value}");
        assert_eq!(event.ignored.contains(&"status_id"), key.is_none(), "{value}");
        assert_eq!((event.kind, event.priority_id), (Kind::Updated, Some(4)), "{value}");
    }
    let event = read(json!({"ticket_id": 5, "priority_id": 4}));
    assert_eq!((event.priority_id, event.ignored), (None, vec!["priority_id"]));
}

#[test]
fn times_that_cannot_be_are_left_out() {
    for (value, time) in [
        (json!("2025-11-22T10:00:00Z"), Some("2025-11-22T10:00:00Z")),
        (json!("2025-11-22T12:00:00+02:00"), Some("2025-11-22T10:00:00Z")),
        (json!("2025-11-22 10:00:00"), Some("2025-11-22T10:00:00Z")),
        (json!("2025-11-22T10:39:00Z"), Some("2025-11-22T10:39:00Z")),
        (json!("2099-01-01T00:00:00Z"), None),
        (json!("yesterday"), None),
        (json!(1_700_000_000), None),
    ] {
        let event = read(json!({"ticket_id": 5, "updated_at": value})).unwrap();
        assert_eq!(event.updated_at, time.map(|time| time.parse().unwrap()), "{value}");
    }
}

#[test]
fn a_subject_is_text_without_placeholders() {
    for (subject, taken) in [
        (json!(" Printer jam \u{0} "), Some("Printer jam")),
        (json!("{{ticket.subject}}"), None),
        (json!("Re: {{ticket.subject}} again"), None),
        (json!("Braces {{}} and {{ are } harmless"), Some("Braces {{}} and {{ are } harmless")),
        (json!(404), Some("404")),
        (json!(["x"]), None),
    ] {
        assert_eq!(read(json!({"ticket_id": 5, "subject": subject})).unwrap().subject.as_deref(), taken);
    }
}

#[test]
fn only_known_members_are_told_to_the_log() {
    let payload = json!({"ticket_id": 5, "secret": "s3cret", "subject": "x"});
    assert_eq!(known_members(&payload).keys().collect::<Vec<_>>(), ["ticket_id", "subject"]);
}
