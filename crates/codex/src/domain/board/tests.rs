//! Tables of the board's rules.

use chrono::TimeDelta;

use super::*;

const NOW: &str = "2025-11-22T10:30:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// A case in minutes from now: positive lies in the future.
#[derive(Clone, Copy)]
struct Case {
    status: Option<&'static str>,
    priority: Option<&'static str>,
    ticket_type: &'static str,
    updated: Option<i64>,
    fr_due: Option<i64>,
    due: Option<i64>,
    answered: Option<i64>,
    agent: Option<i64>,
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// Medium, updated an hour ago, incident (the base of the worked cases).
const fn ticket(status: &'static str) -> Case {
    Case {
        status: Some(status),
        priority: Some("medium"),
        ticket_type: "Incident",
        updated: Some(-HOUR),
        fr_due: None,
        due: None,
        answered: None,
        agent: None,
    }
}

impl Case {
    const fn fr_due(self, minutes: i64) -> Self {
        Self { fr_due: Some(minutes), ..self }
    }
    const fn due(self, minutes: i64) -> Self {
        Self { due: Some(minutes), ..self }
    }
    const fn answered(self) -> Self {
        Self { answered: Some(-2 * HOUR), ..self }
    }
    const fn priority(self, priority: &'static str) -> Self {
        Self { priority: Some(priority), ..self }
    }
    const fn no_priority(self) -> Self {
        Self { priority: None, ..self }
    }
    const fn updated(self, minutes: i64) -> Self {
        Self { updated: Some(minutes), ..self }
    }
    const fn service_request(self) -> Self {
        Self { ticket_type: SERVICE_REQUEST, ..self }
    }

    fn place(self) -> Option<Placement> {
        let at = |minutes: Option<i64>| minutes.map(|m| now() + TimeDelta::minutes(m));
        let facts = Facts {
            status: self.status,
            priority: self.priority,
            ticket_type: Some(self.ticket_type),
            last_updated_at: at(self.updated),
            fr_due_by: at(self.fr_due),
            due_by: at(self.due),
            first_responded_at: at(self.answered),
            agent_responded_at: at(self.agent),
        };
        place(&facts, now())
    }
}

fn check(name: &str, case: Case, section: Section, text: &str, color: SlaColor, class: &str) {
    let placed = case.place().unwrap_or_else(|| panic!("{name}: not on the board"));
    assert_eq!(
        (placed.section, placed.sla_text.as_str(), placed.sla_color, placed.sla_class),
        (section, text, color, class),
        "{name}"
    );
}

use Section::{CustomerReplied, NeedsAgent, Open, Other};
use SlaColor::{Green, Orange, Red, Yellow};

#[test]
fn worked_cases_of_the_contract() {
    for (name, case, section, text, color, class) in [
        ("due in 30 h", ticket("open").fr_due(30 * HOUR), Open, "Due in 30h", Green, "sla-normal"),
        ("due in 20 h", ticket("open").fr_due(20 * HOUR), Open, "Due in 20h", Yellow, "sla-warning"),
        ("due in 3 h 20", ticket("open").fr_due(200), NeedsAgent, "Due in 3h", Orange, "sla-critical"),
        ("due 2 h ago", ticket("open").fr_due(-2 * HOUR), NeedsAgent, "Overdue by 2h", Red, "sla-overdue"),
        (
            "already answered",
            ticket("open").fr_due(HOUR).answered(),
            Open,
            "Open (FR Met)",
            Green,
            "sla-responded",
        ),
        (
            "urgent, answered, updated 10 min ago",
            ticket("open").priority("urgent").answered().updated(-10),
            NeedsAgent,
            "Open (FR Met)",
            Green,
            "sla-responded",
        ),
        (
            "urgent, answered, updated 31 min ago",
            ticket("open").priority("urgent").answered().updated(-31),
            NeedsAgent,
            "Update Overdue (Open, 31m ago)",
            Red,
            "sla-critical",
        ),
        (
            "customer replied, low, updated 9 d ago",
            ticket("customer_replied").priority("low").updated(-9 * DAY),
            CustomerReplied,
            "Customer Replied (9d ago)",
            Yellow,
            "sla-warning",
        ),
        (
            "pending, answered",
            ticket("pending").answered(),
            Other,
            "Pending (1h ago)",
            Green,
            "sla-in-progress",
        ),
        (
            "waiting for the customer, updated 4 d ago",
            ticket("waiting_customer").updated(-4 * DAY),
            NeedsAgent,
            "Update Overdue (Waiting on Customer, 4d ago)",
            Red,
            "sla-critical",
        ),
        (
            "pending hubspot, updated 30 d ago",
            ticket("pending_hubspot").updated(-30 * DAY),
            Other,
            "Pending Hubspot (30d ago)",
            Green,
            "sla-none",
        ),
    ] {
        check(name, case, section, text, color, class);
    }
}

#[test]
fn tickets_that_are_over_are_not_on_the_board() {
    for status in ["resolved", "closed", "job_complete_bill", "billing_complete", "spam", "trash", "deleted"]
    {
        assert_eq!(ticket(status).fr_due(-HOUR).place(), None, "{status}");
    }
}

#[test]
fn a_service_request_runs_towards_its_due_time() {
    let both = ticket("open").fr_due(-HOUR).due(30 * HOUR);
    check("incident", both, NeedsAgent, "Overdue by 1h", Red, "sla-overdue");
    check("service request", both.service_request(), Open, "Due in 30h", Green, "sla-normal");
    check(
        "without one",
        ticket("open").fr_due(HOUR).service_request(),
        Open,
        "No Due Due Date",
        Green,
        "sla-none",
    );
    check("incident without one", ticket("open").due(HOUR), Open, "No FR Due Date", Green, "sla-none");
}

#[test]
fn boundaries_of_the_clock() {
    for (minutes, section, text, color) in [
        (-1, NeedsAgent, "Overdue by 1m", Red),
        (0, NeedsAgent, "Due in <1m", Orange),
        (4 * HOUR - 1, NeedsAgent, "Due in 3h", Orange),
        (4 * HOUR, Open, "Due in 4h", Yellow),
        (24 * HOUR - 1, Open, "Due in 23h", Yellow),
        (24 * HOUR, Open, "Due in 24h", Green),
        (48 * HOUR, Open, "Due in 2d", Green),
    ] {
        let placed = ticket("open").fr_due(minutes).place().unwrap();
        assert_eq!(
            (placed.section, placed.sla_text.as_str(), placed.sla_color),
            (section, text, color),
            "{minutes}"
        );
    }
}

#[test]
fn an_update_is_overdue_strictly_after_the_threshold_of_its_priority() {
    for (priority, threshold) in
        [("urgent", 30), ("high", 2 * DAY), ("medium", 3 * DAY), ("low", 4 * DAY), ("something", 3 * DAY)]
    {
        let case = ticket("on_hold").answered().priority(priority);
        let text = |minutes: i64| case.updated(-minutes).place().unwrap().sla_text;
        assert!(text(threshold).starts_with("On Hold"), "{priority}: {}", text(threshold));
        assert!(text(threshold + 1).starts_with("Update Overdue"), "{priority}: {}", text(threshold + 1));
    }
}

#[test]
fn without_priority_or_update_time_nothing_is_overdue() {
    check(
        "no priority",
        ticket("on_hold").no_priority().updated(-90 * DAY),
        Other,
        "On Hold (90d ago)",
        Green,
        "sla-none",
    );
    let no_time = Case { updated: None, ..ticket("scheduled") };
    check("no update time", no_time, Other, "Scheduled (N/A)", Green, "sla-in-progress");
}

#[test]
fn section_3_takes_every_status_that_presses() {
    for (name, case, text, color) in [
        (
            "breached wins over an overdue update",
            ticket("on_hold").fr_due(-50 * HOUR).updated(-9 * DAY),
            "Overdue by 2d",
            Red,
        ),
        (
            "overdue update wins over critical",
            ticket("pending").fr_due(HOUR).updated(-9 * DAY),
            "Update Overdue (Pending, 9d ago)",
            Red,
        ),
        ("critical while waiting", ticket("waiting_third_party").fr_due(HOUR), "Due in 1h", Orange),
        (
            "urgent and safe",
            ticket("pending").priority("urgent").fr_due(30 * HOUR).updated(-5),
            "Due in 30h",
            Green,
        ),
        ("asks for an update", ticket("update_needed").answered(), "Update Needed (FR Met)", Green),
        ("asks for an update, no target", ticket("update_needed"), "No FR Due Date", Green),
    ] {
        let placed = case.place().unwrap();
        assert_eq!(
            (placed.section, placed.sla_text.as_str(), placed.sla_color),
            (NeedsAgent, text, color),
            "{name}"
        );
    }
}

#[test]
fn a_customers_reply_is_section_2_whatever_the_clock_says() {
    for (minutes, color) in [(30 * HOUR, Yellow), (20 * HOUR, Yellow), (HOUR, Orange), (-HOUR, Red)] {
        let case = ticket("customer_replied").priority("urgent").fr_due(minutes);
        check("running", case, CustomerReplied, "Customer Replied (1h ago)", color, "sla-warning");
        check(
            "answered",
            case.answered(),
            CustomerReplied,
            "Customer Replied (1h ago)",
            Yellow,
            "sla-warning",
        );
    }
}

#[test]
fn words_of_the_statuses_at_rest() {
    let agent_answered = Case { agent: Some(-3 * HOUR), ..ticket("waiting_customer").answered() };
    for (case, text, class) in [
        (ticket("waiting_customer").answered(), "Waiting on Customer", "sla-responded"),
        (agent_answered, "Waiting on Customer (Agent: 3h ago)", "sla-responded"),
        (ticket("on_hold").answered(), "On Hold (1h ago)", "sla-none"),
        (ticket("scheduled").answered(), "Scheduled (1h ago)", "sla-in-progress"),
        (ticket("waiting_third_party"), "Waiting on Third Party (1h ago)", "sla-in-progress"),
        (ticket("under_investigation"), "Under Investigation (1h ago)", "sla-in-progress"),
        (ticket("pending"), "Pending (1h ago)", "sla-in-progress"),
        (ticket("pending_hubspot").fr_due(-HOUR).priority("urgent"), "Pending Hubspot (1h ago)", "sla-none"),
        (ticket("pending").updated(90), "Pending (in the future)", "sla-in-progress"),
    ] {
        check(text, case, Other, text, Green, class);
    }
    check(
        "with a target",
        ticket("waiting_customer").fr_due(30 * HOUR),
        Other,
        "Due in 30h",
        Green,
        "sla-normal",
    );
}

#[test]
fn an_unknown_status_stays_visible() {
    let none = Case { status: None, ..ticket("") };
    check("null", none, Other, "Unknown (1h ago)", Green, "sla-in-progress");
    check("unnamed", ticket("unknown"), Other, "Unknown (1h ago)", Green, "sla-in-progress");
    check("local", ticket("with_vendor"), Other, "With Vendor (1h ago)", Green, "sla-in-progress");
    check("rule 3 applies", none.fr_due(-HOUR), NeedsAgent, "Overdue by 1h", Red, "sla-overdue");
}

/// Id, priority, colour; deadline, creation and update in minutes from now.
type Row = (i64, Option<i32>, SlaColor, Option<i64>, Option<i64>, Option<i64>);

fn sorted(section: Section, rows: &[Row]) -> Vec<i64> {
    let at = |minutes: Option<i64>| minutes.map(|m| now() + TimeDelta::minutes(m));
    let mut keys: Vec<_> = rows
        .iter()
        .map(|&(id, priority, sla_color, deadline, created, updated)| {
            let placement = Placement {
                section,
                sla_text: String::new(),
                sla_color,
                sla_class: "",
                deadline: at(deadline),
            };
            (order(&placement, priority, at(created), at(updated), id), id)
        })
        .collect();
    keys.sort();
    keys.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn order_of_the_sections() {
    let rows = [
        (1, Some(2), Green, None, Some(-10), Some(-1)),
        (2, Some(2), Green, None, Some(-30), Some(-2)),
        (3, Some(4), Green, None, None, None),
        (4, Some(1), Green, None, Some(-10), Some(-3)),
    ];
    assert_eq!(sorted(Open, &rows), [2, 1, 4, 3], "created, oldest first; ties by id; missing last");
    assert_eq!(sorted(CustomerReplied, &rows), [4, 2, 1, 3], "updated, oldest first");
    assert_eq!(sorted(Other, &rows), [4, 2, 1, 3], "updated, oldest first");
    let pressing = [
        (1, Some(2), Red, Some(-10), None, None),
        (2, Some(4), Orange, Some(30), None, None),
        (3, Some(4), Red, Some(-5), None, None),
        (4, Some(4), Red, Some(-50), None, None),
        (5, None, Red, Some(-99), None, None),
        (6, Some(3), Green, None, None, Some(-7)),
    ];
    assert_eq!(
        sorted(NeedsAgent, &pressing),
        [4, 3, 2, 5, 1, 6],
        "urgent first, then colour, then the deadline"
    );
}
