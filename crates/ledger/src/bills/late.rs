//! Hours of the year before: Codex sends a bill the tickets of its own year, and some need more.

use std::collections::HashSet;

use crate::{
    clients::codex::CompanyData,
    domain::billing::{
        Period,
        inputs::{Ticket, TimeEntry},
    },
    store::inputs::Rows,
};

/// Whether a bill of this month needs the tickets of the year before besides: hours of that year came after their month was
/// archived, so that the year's balance decides what they cost, or a bill of this year holds hours of a ticket that was not
/// touched in it, so that nobody knows when they were worked and which year's balance they took from.
pub(super) fn needs_last_year(data: &CompanyData, rows: &Rows, period: Period) -> bool {
    let number = data.company.account_number.as_deref().unwrap_or_default();
    let Some(own) = rows.companies.get(number) else { return false };
    let known: HashSet<&str> =
        data.tickets.iter().filter_map(|ticket| ticket.ticket_number.as_deref()).collect();
    let of_year =
        own.billed_hours.iter().filter(|held| held.period.is_some_and(|at| at.year() == period.year()));
    if of_year.into_iter().any(|held| !known.contains(held.ticket_number.as_str())) {
        return true;
    }
    let held: HashSet<i64> = own.billed_hours.iter().filter_map(|held| held.time_entry_id).collect();
    let came_late = |entry: &TimeEntry| {
        let month = entry.executed_at.and_then(|at| Period::of(&at));
        month.is_some_and(|month| month.year() == period.year() - 1 && own.archived.contains(&month))
            && entry.billable != Some(false)
            && !entry.id.is_some_and(|id| held.contains(&id))
    };
    data.tickets.iter().flat_map(|ticket| &ticket.time_entries).any(came_late)
}

/// Adds tickets of another year that are not there yet.
pub(super) fn add(data: &mut CompanyData, late: Vec<Ticket>) {
    let known: HashSet<Option<String>> =
        data.tickets.iter().map(|ticket| ticket.ticket_number.clone()).collect();
    data.tickets.extend(late.into_iter().filter(|ticket| !known.contains(&ticket.ticket_number)));
}
