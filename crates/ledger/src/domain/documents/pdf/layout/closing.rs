//! What follows the total: notes, terms of payment, and where the hours come from.

use rust_decimal::Decimal;

use super::{ACCENT, Flow, INK, MUTED, RULE, Style};
use crate::domain::documents::{
    document::{Kind, TicketShown, amount_text},
    pdf::{
        font::{self, Weight},
        text::{few_lines, paragraphs},
    },
};

const TEXT: Style = Style::plain(8.5);
/// From one line to the next.
const LEADING: f32 = 11.5;
/// Widths of the columns of numbers.
const HOURS: f32 = 60.0;
const TICKET: f32 = 90.0;

/// Draws all of it.
pub(super) fn draw(flow: &mut Flow<'_>) {
    let document = flow.document;
    words(flow, "Notes", document.notes.as_deref());
    // Terms are how to pay.
    let terms = document.sender.terms.as_deref().filter(|_| document.kind == Kind::Invoice);
    words(flow, "Terms", terms);
    hours(flow);
}

fn title(flow: &mut Flow<'_>, text: &str) {
    flow.text(flow.left(), flow.y + 9.0, Style::bold(9.5).in_color(ACCENT), text);
    flow.y += 18.0;
}

fn hours(flow: &mut Flow<'_>) {
    let Some(hours) = &flow.document.hours else { return };
    flow.need(22.0 + 18.0 + 16.0 + 3.0 * LEADING);
    flow.y += 22.0;
    title(flow, "Where the hours come from");
    flow.begin_table(heading);
    for ticket in &hours.tickets {
        draw_ticket(flow, ticket);
    }
    flow.end_table();
    let covered =
        [("Prepaid for the month", -hours.prepaid_monthly), ("Prepaid for the year", -hours.prepaid_yearly)];
    let mut sums = vec![("Hours worked", hours.worked)];
    sums.extend(covered.into_iter().filter(|(_, hours)| !hours.is_zero()));
    sums.push(("Hours charged", hours.billable));
    flow.need(f32::from(u8::try_from(sums.len()).unwrap_or(u8::MAX)) * 13.0 + 6.0);
    flow.y += 4.0;
    for (label, hours) in sums {
        let style = if label == "Hours charged" { Style { weight: Weight::Bold, ..TEXT } } else { TEXT };
        sum(flow, label, hours, style);
    }
}

fn sum(flow: &mut Flow<'_>, label: &str, hours: Decimal, style: Style) {
    let (right, y) = (flow.right(), flow.y + 9.0);
    flow.text_to(right - HOURS - 8.0, y, 200.0, style.in_color(MUTED), label);
    flow.text_to(right, y, HOURS, style.in_color(INK), &amount_text(hours));
    flow.y += 13.0;
}

fn heading(flow: &mut Flow<'_>) {
    let style = Style::bold(8.0).in_color(MUTED);
    let y = flow.y + 7.0;
    flow.text(flow.left(), y, style, "Ticket");
    flow.text(flow.left() + TICKET, y, style, "Subject");
    flow.text_to(flow.right(), y, HOURS, style, "Hours");
    flow.y += 12.0;
    flow.rule(0.8, ACCENT);
    flow.y += 0.8;
}

fn draw_ticket(flow: &mut Flow<'_>, ticket: &TicketShown) {
    let font = font::of(TEXT.weight);
    let subject = if ticket.non_billable.is_zero() {
        ticket.subject.clone()
    } else {
        format!("{} (and {} h not charged)", ticket.subject, amount_text(ticket.non_billable))
    };
    let number = few_lines(font, TEXT.size, &ticket.number, TICKET - 8.0, 1).concat();
    let lines = few_lines(font, TEXT.size, &subject, flow.content_width() - TICKET - HOURS, 2);
    let height = f32::from(u8::try_from(lines.len().max(1)).unwrap_or(u8::MAX)) * LEADING + 6.0;
    flow.need(height);
    let top = flow.y + 11.0;
    flow.text(flow.left(), top, TEXT, &number);
    for (place, line) in (0_u8..).zip(&lines) {
        flow.text(flow.left() + TICKET, top + f32::from(place) * LEADING, TEXT, line);
    }
    flow.text_to(flow.right(), top, HOURS, TEXT, &amount_text(ticket.hours));
    flow.y += height;
    flow.rule(0.4, RULE);
}

fn words(flow: &mut Flow<'_>, heading: &str, text: Option<&str>) {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return };
    let lines = paragraphs(font::of(TEXT.weight), TEXT.size, text, flow.content_width());
    flow.need(18.0 + 18.0 + 2.0 * LEADING);
    flow.y += 18.0;
    title(flow, heading);
    for line in lines {
        flow.need(LEADING);
        flow.text(flow.left(), flow.y + 8.0, TEXT.in_color(MUTED), &line);
        flow.y += LEADING;
    }
}
