//! The head of the first page: who sends what to whom, and what it comes to.

use chrono::NaiveDate;

use super::{ACCENT, Flow, MARGIN, MUTED, RULE, Style, TINT};
use crate::domain::documents::{
    document::{Kind, amount_text},
    pdf::{
        font::{self, Weight},
        text::few_lines,
    },
};

/// Room for the logo.
const LOGO: (f32, f32) = (190.0, 58.0);
/// Between two columns.
const GAP: f32 = 16.0;

/// Draws it.
pub(super) fn draw(flow: &mut Flow<'_>) {
    letterhead(flow);
    parties(flow);
    band(flow);
}

/// The line on top of every further page.
pub(super) fn draw_again(flow: &mut Flow<'_>) {
    let document = flow.document;
    let style = Style::plain(8.0).in_color(MUTED);
    let half = flow.content_width() / 2.0 - GAP;
    let cut = |text: &str| few_lines(font::of(style.weight), style.size, text, half, 1).concat();
    let y = MARGIN + 6.0;
    flow.text(flow.left(), y, style, &cut(&format!("{} {}", document.title(), document.number)));
    flow.text_to(flow.right(), y, half, style, &cut(&document.customer.name));
    flow.y = MARGIN + 14.0;
    flow.rule(0.6, RULE);
    flow.y += 14.0;
}

/// Logo, or name, on the left; what it is on the right.
fn letterhead(flow: &mut Flow<'_>) {
    let (sender, number) = (&flow.document.sender, &flow.document.number);
    let half = flow.content_width() / 2.0;
    if let Some(logo) = &sender.logo {
        let (width, height) = logo.size_within(LOGO);
        flow.logo(flow.left(), MARGIN, width, height);
    } else {
        let style = Style::bold(16.0).in_color(ACCENT);
        let lines = few_lines(font::of(Weight::Bold), style.size, &sender.name, half + 30.0, 2);
        for (place, line) in (0_u8..).zip(lines) {
            flow.text(flow.left(), MARGIN + 16.0 + 20.0 * f32::from(place), style, &line);
        }
    }
    let title = Style::bold(24.0).in_color(ACCENT);
    flow.text_to(flow.right(), MARGIN + 20.0, half, title, flow.document.title());
    let number = few_lines(font::of(Weight::Regular), 11.0, number, half - 40.0, 1).concat();
    flow.text_to(flow.right(), MARGIN + 38.0, half, Style::plain(11.0).in_color(MUTED), &number);
    flow.y = MARGIN + LOGO.1 + 26.0;
}

/// Sender, customer, contract.
fn parties(flow: &mut Flow<'_>) {
    let document = flow.document;
    let sender = document.sender;
    let mut from = vec![sender.name.clone()];
    from.extend(sender.address.iter().cloned());
    from.extend(sender.email.clone());
    from.extend(sender.tax_id.as_ref().map(|id| format!("Tax ID {id}")));
    let mut to = vec![document.customer.name.clone()];
    to.extend(document.customer.address.iter().cloned());
    to.push(format!("Account {}", document.customer.account_number));
    let (label, about) = match &document.kind {
        Kind::Invoice => {
            let named =
                |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}: {value}"));
            let contract = [
                named("Plan", &document.plan),
                named("Term", &document.term),
                named("Support", &document.support_level),
            ];
            ("CONTRACT", contract.into_iter().flatten().collect())
        }
        Kind::CreditNote { invoice_number, reason } => {
            ("CORRECTS", vec![format!("Invoice {invoice_number}"), format!("Reason: {reason}")])
        }
    };
    let width = (flow.content_width() - 2.0 * GAP) / 3.0;
    let top = flow.y;
    let mut bottom = top;
    for (place, (label, lines, first)) in (0_u8..).zip([
        ("FROM", from, Weight::Bold),
        ("BILL TO", to, Weight::Bold),
        (label, about, Weight::Regular),
    ]) {
        let x = flow.left() + f32::from(place) * (width + GAP);
        bottom = bottom.max(block(flow, x, top, width, label, &lines, first));
    }
    flow.y = bottom + 12.0;
}

/// A label and lines below it. Tells where it ends.
fn block(
    flow: &mut Flow<'_>,
    x: f32,
    top: f32,
    width: f32,
    label: &str,
    lines: &[String],
    first: Weight,
) -> f32 {
    if lines.iter().all(|line| line.trim().is_empty()) {
        return top;
    }
    flow.text(x, top, Style::bold(7.5).in_color(MUTED), label);
    let mut y = top + 14.0;
    // A letterhead has a dozen lines at most.
    for (place, line) in lines.iter().take(12).enumerate() {
        let weight = if place == 0 { first } else { Weight::Regular };
        let style = Style { weight, ..Style::plain(9.0) };
        for line in few_lines(font::of(weight), style.size, line, width, 3) {
            flow.text(x, y, style, &line);
            y += 12.5;
        }
    }
    y
}

/// Dates, month and sum in a row.
fn band(flow: &mut Flow<'_>) {
    let document = flow.document;
    let date = |date: NaiveDate| date.format("%-d %B %Y").to_string();
    let period = document.period.first_day().format("%B %Y").to_string();
    let (date_label, sum_label) = match document.kind {
        Kind::Invoice => ("Invoice date", "Amount due"),
        Kind::CreditNote { .. } => ("Date", "Credited"),
    };
    let mut cells = vec![(date_label, date(document.date))];
    cells.extend(document.due_date.map(|due| ("Due date", date(due))));
    cells.push(("Billing period", period));
    let sum = format!("{} {}", document.sender.currency, amount_text(document.amount_due()));
    let (left, right, top) = (flow.left(), flow.right(), flow.y);
    flow.fill(left, top, flow.content_width(), 42.0, TINT);
    let label_style = Style::plain(7.5).in_color(MUTED);
    let value_style = Style::bold(10.0);
    let width = flow.content_width() / 4.0;
    for (place, (label, value)) in (0_u8..).zip(cells) {
        let x = left + 12.0 + f32::from(place) * (width - 4.0);
        flow.text(x, top + 16.0, label_style, label);
        flow.text(x, top + 31.0, value_style, &value);
    }
    flow.text_to(right - 12.0, top + 16.0, width, label_style, sum_label);
    flow.text_to(right - 12.0, top + 32.0, width, Style::bold(12.0).in_color(ACCENT), sum.trim());
    flow.y = top + 42.0 + 22.0;
}
