//! The table of what is charged, and its total.

use super::{
    super::document::{Group, Kind, Line, amount_text},
    font::{self, Weight},
    layout::{ACCENT, Flow, INK, MUTED, RULE, Style, WHITE},
    text::few_lines,
};

/// Widths of the columns of numbers.
const AMOUNT: f32 = 88.0;
const PRICE: f32 = 84.0;
const QUANTITY: f32 = 62.0;
/// Between what is written and the rules around it.
const PADDING: f32 = 4.0;
/// From one line of a description to the next.
const LEADING: f32 = 12.0;
const TITLE_HEIGHT: f32 = 24.0;
const SUBTOTAL_HEIGHT: f32 = 22.0;
const TEXT: Style = Style::plain(9.0);

/// Draws both.
pub(super) fn draw(flow: &mut Flow<'_>) {
    let document = flow.document;
    flow.begin_table(heading);
    let groups = document.groups();
    if groups.is_empty() {
        flow.y += PADDING + 10.0;
        flow.text(flow.left(), flow.y, TEXT.in_color(MUTED), "Nothing is charged for this month.");
        flow.y += 10.0;
    }
    for group in &groups {
        draw_group(flow, group);
    }
    flow.end_table();
    total(flow);
}

fn heading(flow: &mut Flow<'_>) {
    let style = Style::bold(8.0).in_color(MUTED);
    let y = flow.y + 8.0;
    let right = flow.right();
    flow.text(flow.left(), y, style, "Description");
    flow.text_to(right - AMOUNT - PRICE, y, QUANTITY, style, "Quantity");
    flow.text_to(right - AMOUNT, y, PRICE, style, "Unit price");
    let amount = format!("Amount {}", flow.document.sender.currency);
    flow.text_to(right, y, AMOUNT, style, amount.trim());
    flow.y += 14.0;
    flow.rule(1.0, ACCENT);
    flow.y += 1.0;
}

/// A line with its description broken to its column.
struct Row<'a> {
    line: &'a Line,
    description: Vec<String>,
}

impl Row<'_> {
    fn height(&self) -> f32 {
        let lines = u8::try_from(self.description.len().max(1)).unwrap_or(u8::MAX);
        f32::from(lines) * LEADING + 2.0 * PADDING - 1.0
    }
}

fn draw_group(flow: &mut Flow<'_>, group: &Group<'_>) {
    let width = flow.content_width() - AMOUNT - PRICE - QUANTITY - 8.0;
    let font = font::of(TEXT.weight);
    let row =
        |line| Row { line, description: few_lines(font, TEXT.size, line.short_description(), width, 4) };
    for (place, line) in group.lines.iter().enumerate() {
        let row = row(line);
        // The amount of a single line is its own subtotal.
        let has_subtotal = group.lines.len() > 1 && place + 1 == group.lines.len();
        // A heading goes with its first line, a subtotal with the last.
        let title_height = if place == 0 { TITLE_HEIGHT } else { 0.0 };
        let subtotal_height = if has_subtotal { SUBTOTAL_HEIGHT } else { 0.0 };
        flow.need(title_height + row.height() + subtotal_height);
        if place == 0 {
            let title =
                few_lines(font::of(Weight::Bold), 9.5, &group.title, flow.content_width(), 1).concat();
            flow.text(flow.left(), flow.y + 17.0, Style::bold(9.5).in_color(ACCENT), &title);
            flow.y += TITLE_HEIGHT;
        }
        draw_row(flow, &row);
        if has_subtotal {
            subtotal(flow, group);
        }
    }
}

fn subtotal(flow: &mut Flow<'_>, group: &Group<'_>) {
    let y = flow.y + 14.0;
    let right = flow.right();
    flow.text_to(right - AMOUNT, y, PRICE, TEXT.in_color(MUTED), "Subtotal");
    flow.text_to(right, y, AMOUNT - 6.0, Style::bold(9.0), &amount_text(group.subtotal));
    flow.y += SUBTOTAL_HEIGHT;
    flow.rule(0.6, RULE);
}

fn draw_row(flow: &mut Flow<'_>, row: &Row<'_>) {
    let top = flow.y + PADDING + 8.0;
    let right = flow.right();
    for (place, line) in (0_u8..).zip(&row.description) {
        flow.text(flow.left(), top + f32::from(place) * LEADING, TEXT, line);
    }
    let line = row.line;
    flow.text_to(right - AMOUNT - PRICE, top, QUANTITY - 4.0, TEXT, &line.quantity_text());
    flow.text_to(right - AMOUNT, top, PRICE - 6.0, TEXT, &amount_text(line.unit_price));
    flow.text_to(right, top, AMOUNT - 6.0, TEXT, &amount_text(line.amount));
    flow.y += row.height();
    flow.rule(0.4, RULE);
}

/// Total, what was credited since, and what is left to pay.
fn total(flow: &mut Flow<'_>) {
    let document = flow.document;
    let is_credit = matches!(document.kind, Kind::CreditNote { .. });
    let mut rows = Vec::new();
    if !document.rounding().is_zero() {
        rows.push(("Rounding".to_owned(), document.rounding()));
    }
    if !document.credits.is_empty() {
        rows.push(("Total".to_owned(), document.total));
    }
    for credit in &document.credits {
        let label = format!("Credit note {} of {}", credit.number, credit.date.format("%-d %B %Y"));
        rows.push((label, -credit.amount));
    }
    let label = if is_credit { "Total credited" } else { "Amount due" };
    let sum = format!("{} {}", document.sender.currency, amount_text(document.amount_due()));
    let right = flow.right();
    let width = 250.0;
    // A credit note for each line of an invoice is thinkable; together they stay with their sum as long as a page holds them.
    let many = rows.len().min(20);
    flow.need(14.0 + 16.0 * f32::from(u8::try_from(many).unwrap_or(u8::MAX)) + 34.0);
    flow.y += 14.0;
    for (label, amount) in rows {
        flow.need(16.0 + 34.0);
        let label =
            few_lines(font::of(Weight::Regular), 9.0, &label, flow.content_width() - AMOUNT, 1).concat();
        flow.text_to(right - AMOUNT - 8.0, flow.y + 9.0, flow.content_width(), TEXT, &label);
        flow.text_to(
            right - 10.0,
            flow.y + 9.0,
            AMOUNT - 10.0,
            Style::bold(9.0).in_color(INK),
            &amount_text(amount),
        );
        flow.y += 16.0;
    }
    flow.fill(right - width, flow.y, width, 28.0, ACCENT);
    flow.text(right - width + 12.0, flow.y + 18.0, Style::bold(10.0).in_color(WHITE), label);
    flow.text_to(right - 10.0, flow.y + 18.5, width - 110.0, Style::bold(12.0).in_color(WHITE), sum.trim());
    flow.y += 34.0;
}
