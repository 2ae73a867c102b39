//! Which hours a bill holds, and which were worked before (rules 21 to 24, 46 and 48).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike as _, Duration, FixedOffset, Utc};

use super::super::{
    Inputs,
    explain::Booked,
    inputs::{BilledHours, Ticket, TimeEntry},
    number::Hours,
    period::Period,
    result::{BilledTicket, HeldHours},
};
use super::Worked;

/// The hours of all tickets, told apart.
#[derive(Debug, Default)]
pub(super) struct Collected<'a> {
    /// By month of the work.
    pub worked: BTreeMap<Period, Worked>,
    pub tickets: Vec<BilledTicket<'a>>,
    pub skipped: Vec<&'a str>,
    pub booked: Vec<Booked<'a>>,
    pub held: Vec<HeldHours<'a>>,
    pub this_month: Hours,
    pub last_month: Hours,
}

/// What archived bills hold already.
#[derive(Debug, Default)]
struct Earlier<'a> {
    by_entry: HashMap<i64, Hours>,
    /// Of a ticket, without an entry.
    undated: HashMap<&'a str, Hours>,
    by_ticket: HashMap<&'a str, Hours>,
}

impl<'a> Earlier<'a> {
    fn of(rows: &'a [BilledHours]) -> Self {
        let mut earlier = Self::default();
        for row in rows {
            let ticket = row.ticket_number.as_str();
            let sums = match row.time_entry_id {
                Some(entry) => earlier.by_entry.entry(entry).or_default(),
                None => earlier.undated.entry(ticket).or_default(),
            };
            *sums = *sums + row.hours;
            let sum = earlier.by_ticket.entry(ticket).or_default();
            *sum = *sum + row.hours;
        }
        earlier
    }

    /// The hours of a ticket that no bill holds.
    fn rest(&self, ticket: &Ticket) -> Hours {
        self.by_ticket
            .get(ticket.number())
            .map_or(ticket.total_hours_spent, |held| ticket.total_hours_spent.without_held(*held))
    }
}

struct Collector<'a, 'b> {
    inputs: &'b Inputs<'a>,
    earlier: Earlier<'a>,
    /// When the work of entries was done that archived bills hold.
    known_entries: HashMap<i64, (Period, DateTime<FixedOffset>)>,
    /// Numbers of the clock's month and the one before (rule 28).
    shown_months: (u32, u32),
    found: Collected<'a>,
}

/// Hours of one ticket that the bill holds or lists.
#[derive(Clone, Copy, Debug, Default)]
struct OfTicket {
    listed: bool,
    charged: Hours,
    free: Hours,
}

/// Goes through all tickets, and through what archived bills hold.
pub(super) fn collect<'a>(inputs: &Inputs<'a>) -> Collected<'a> {
    let month = inputs.now.with_timezone(&Utc).month();
    let mut collector = Collector {
        inputs,
        earlier: Earlier::of(inputs.billed_hours),
        known_entries: HashMap::new(),
        shown_months: (month, if month == 1 { 12 } else { month - 1 }),
        found: Collected { tickets: Vec::with_capacity(inputs.tickets.len()), ..Collected::default() },
    };
    for ticket in inputs.tickets {
        collector.add(ticket);
    }
    if inputs.readings.dated_hours() {
        for row in inputs.billed_hours {
            collector.add_held(row);
        }
    }
    collector.found
}

impl<'a> Collector<'a, '_> {
    fn add(&mut self, ticket: &'a Ticket) {
        let of_ticket = match (self.inputs.readings.dated_hours(), ticket.time_entries.is_empty()) {
            (true, false) => Some(self.entries(ticket)),
            (true, true) => self.undated(ticket),
            (false, _) => self.cumulative(ticket),
        };
        let of_ticket = of_ticket.unwrap_or_else(|| {
            self.found.skipped.push(ticket.number());
            OfTicket::default()
        });
        if of_ticket.listed {
            self.found.tickets.push(BilledTicket {
                ticket_number: ticket.ticket_number.as_deref(),
                subject: ticket.subject.as_deref(),
                total_hours_spent: of_ticket.charged,
                non_billable_hours: of_ticket.free,
            });
        }
    }

    /// All hours of a ticket in the month of its last update (rule 21). They may be billed again in another month; what is
    /// remembered of them is what no bill held yet, for the day when hours are dated.
    fn cumulative(&mut self, ticket: &'a Ticket) -> Option<OfTicket> {
        let at = ticket.last_updated_at?;
        let month = Period::of(&at)?;
        let hours = ticket.total_hours_spent;
        self.show(at, hours);
        let period = self.inputs.period;
        // Upstream's months end with their last full second, so that the fraction after it is in none of them.
        let in_no_month = self.inputs.readings.original && at > period.next().begins() - Duration::seconds(1);
        if month > period || (month == period && in_no_month) {
            return Some(OfTicket::default());
        }
        if month < period {
            self.elsewhere(month, hours);
            return Some(OfTicket::default());
        }
        self.hold(ticket.number(), None, Some(at), month, hours, self.earlier.rest(ticket));
        Some(OfTicket { listed: true, charged: hours, ..OfTicket::default() })
    }

    /// A ticket without entries: what no bill holds of it, in the month of its last update.
    fn undated(&mut self, ticket: &'a Ticket) -> Option<OfTicket> {
        let at = ticket.last_updated_at?;
        let month = Period::of(&at)?;
        self.show(at, ticket.total_hours_spent);
        let rest = self.earlier.rest(ticket);
        let here = self.place(ticket.number(), None, at, month, rest);
        let listed = month == self.inputs.period || (here && !rest.is_zero());
        Some(OfTicket { listed, charged: if here { rest } else { Hours::ZERO }, free: Hours::ZERO })
    }

    /// A ticket with entries: each by its own date, where it has none by the ticket's last update. Hours that were billed when
    /// the ticket had no entries yet are taken off the earliest ones.
    fn entries(&mut self, ticket: &'a Ticket) -> OfTicket {
        let mut of_ticket = OfTicket::default();
        let mut undated = self.earlier.undated.get(ticket.number()).copied().unwrap_or_default();
        let mut entries: Vec<&TimeEntry> = ticket.time_entries.iter().collect();
        if !undated.is_zero() {
            entries.sort_by_key(|entry| entry.executed_at.or(ticket.last_updated_at));
        }
        let mut skipped = false;
        for entry in entries {
            let at = entry.executed_at.or(ticket.last_updated_at);
            let Some((at, month)) = at.and_then(|at| Some((at, Period::of(&at)?))) else {
                skipped = true;
                continue;
            };
            self.show(at, entry.hours);
            if entry.billable == Some(false) {
                if month == self.inputs.period {
                    of_ticket.listed = true;
                    of_ticket.free = of_ticket.free + entry.hours;
                    self.book(ticket.number(), entry.id, Some(at), month, entry.hours, false);
                }
                continue;
            }
            if self.is_held_by_another(entry) {
                continue;
            }
            let held = entry.id.and_then(|id| Some((id, *self.earlier.by_entry.get(&id)?)));
            if let Some((id, held)) = held {
                self.known_entries.insert(id, (month, at));
                undated = undated.without(entry.hours.without(held));
                continue;
            }
            let covered = undated.min(entry.hours.or_none());
            undated = undated.minus(covered);
            let rest = if covered.is_zero() { entry.hours } else { entry.hours.without_held(covered) };
            if rest.is_zero() && !covered.is_zero() {
                continue;
            }
            if self.place(ticket.number(), entry.id, at, month, rest) {
                of_ticket.listed = true;
                of_ticket.charged = of_ticket.charged + rest;
            }
        }
        if skipped {
            self.found.skipped.push(ticket.number());
        }
        of_ticket
    }

    /// Whether a bill of another company holds an entry, which is billed once ever.
    fn is_held_by_another(&self, entry: &TimeEntry) -> bool {
        let holder = entry.id.and_then(|id| self.inputs.entry_holders.get(&id));
        holder.is_some_and(|holder| Some(holder) != self.inputs.company.account_number.as_ref())
    }

    /// Hours that no bill holds: whether they are this one's. Those of an earlier month that is still open, or that another
    /// open month before this one takes, were worked before; those of a later one are nobody's yet.
    fn place(
        &mut self,
        ticket: &'a str,
        entry: Option<i64>,
        at: DateTime<FixedOffset>,
        month: Period,
        hours: Hours,
    ) -> bool {
        let period = self.inputs.period;
        let mut open = month;
        while open <= period && self.inputs.archived.contains(&open) {
            open = open.next();
        }
        if open == period {
            self.hold(ticket, entry, Some(at), month, hours, hours);
        } else if open < period {
            self.elsewhere(month, hours);
        }
        open == period
    }

    /// Hours that an archived bill holds. When the very month is computed again, its bill holds them once more, and the bills
    /// after it do not count.
    fn add_held(&mut self, row: &'a BilledHours) {
        let period = self.inputs.period;
        if row.period.is_some_and(|billed| billed > period) {
            return;
        }
        let known = row.time_entry_id.and_then(|id| self.known_entries.get(&id).copied());
        let tickets = self.inputs.tickets;
        let ticket = || tickets.iter().find(|ticket| ticket.number() == row.ticket_number);
        let updated = || Period::of(&ticket()?.last_updated_at?);
        let Some(month) = known.map(|(month, _)| month).or(row.period).or_else(updated) else { return };
        if row.period != Some(period) || !self.inputs.archived.contains(&period) {
            self.elsewhere(month, row.hours);
            return;
        }
        // An entry may have got another date since; later than its bill it was not.
        let month = month.min(period);
        let at = known.map(|(_, at)| at);
        self.hold(&row.ticket_number, row.time_entry_id, at, month, row.hours, row.hours);
        let listed =
            self.found.tickets.iter_mut().find(|listed| listed.ticket_number == Some(&row.ticket_number));
        if let Some(listed) = listed {
            listed.total_hours_spent = listed.total_hours_spent + row.hours;
        } else {
            self.found.tickets.push(BilledTicket {
                ticket_number: Some(&row.ticket_number),
                subject: ticket().and_then(|ticket| ticket.subject.as_deref()),
                total_hours_spent: row.hours,
                non_billable_hours: Hours::ZERO,
            });
        }
    }

    /// Hours of this bill, and what is to be remembered of them.
    fn hold(
        &mut self,
        ticket: &'a str,
        entry: Option<i64>,
        at: Option<DateTime<FixedOffset>>,
        month: Period,
        hours: Hours,
        remembered: Hours,
    ) {
        let worked = self.worked(month);
        worked.here = worked.here + hours;
        if !remembered.is_zero() {
            self.found.held.push(HeldHours {
                ticket_number: ticket,
                time_entry_id: entry,
                hours: remembered,
            });
        }
        if !hours.is_zero() {
            self.book(ticket, entry, at, month, hours, true);
        }
    }

    fn book(
        &mut self,
        ticket_number: &'a str,
        time_entry_id: Option<i64>,
        at: Option<DateTime<FixedOffset>>,
        month: Period,
        hours: Hours,
        billable: bool,
    ) {
        let late = month < self.inputs.period;
        self.found.booked.push(Booked { ticket_number, time_entry_id, at, hours, billable, late });
    }

    fn elsewhere(&mut self, month: Period, hours: Hours) {
        let worked = self.worked(month);
        worked.elsewhere = worked.elsewhere + hours;
    }

    fn worked(&mut self, month: Period) -> &mut Worked {
        self.found.worked.entry(month).or_default()
    }

    /// Adds hours to those of the clock's month or the one before: by the number of the month in the time's own offset,
    /// whatever the year (rule 28).
    fn show(&mut self, at: DateTime<FixedOffset>, hours: Hours) {
        let found = &mut self.found;
        if at.month() == self.shown_months.0 {
            found.this_month = found.this_month + hours;
        } else if at.month() == self.shown_months.1 {
            found.last_month = found.last_month + hours;
        }
    }
}
