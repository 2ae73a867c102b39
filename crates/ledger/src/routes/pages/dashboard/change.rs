//! What the month comes to against the archived one before, and what that is made of.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

use super::super::parts::{Currency, month_words};
use crate::{domain::billing::Period, store::revenue::ArchivedTotal};

/// Clients, and what they come to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Part {
    clients: usize,
    amount: Decimal,
}

impl Part {
    fn add(&mut self, amount: Decimal) {
        self.clients += 1;
        self.amount += amount;
    }

    /// `2 clients`, where there are any.
    fn counted(&self) -> Option<String> {
        match self.clients {
            0 => None,
            1 => Some("1 client".to_owned()),
            clients => Some(format!("{clients} clients")),
        }
    }
}

/// The change against the archived month before: of the clients that were billed in it, whether they still are or not. Those that
/// were not are told beside it: either they are new, or their bill of that month has not been accepted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// Billed in both: the difference.
    both: Part,
    /// Billed then, and gone or not billed any more: what they came to.
    lost: Part,
    /// Billed then, and without a bill for a reason that has to be mended: what they came to.
    missing: Part,
    /// Not billed then: what they come to.
    other: Part,
}

impl Change {
    /// Of the bills of now (account number and total), companies that should have one and have none, and what was archived of the
    /// month before. Nothing while nothing of that is archived.
    pub fn of<'a>(
        now: impl Iterator<Item = (&'a str, Decimal)>,
        troubled: &HashSet<&str>,
        before: &HashMap<String, ArchivedTotal>,
    ) -> Option<Self> {
        if before.is_empty() {
            return None;
        }
        let mut change = Self::default();
        let mut seen: HashSet<&str> = HashSet::new();
        for (number, amount) in now {
            match before.get(number) {
                Some(total) if seen.insert(number) => change.both.add(amount - total.amount),
                // A second invoice of the same month, archived under a former number.
                Some(_) => change.both.amount += amount,
                None => change.other.add(amount),
            }
        }
        for (number, total) in before.iter().filter(|(number, _)| !seen.contains(number.as_str())) {
            let is_troubled = troubled.contains(number.as_str());
            if is_troubled { &mut change.missing } else { &mut change.lost }.add(total.amount);
        }
        Some(change)
    }

    /// In words, each cause in a sentence of its own where there is more than the clients of both months. None for the first month
    /// that there is.
    pub fn words(&self, period: Period, currency: &Currency) -> Option<ChangeWords> {
        let total = self.both.amount - self.lost.amount - self.missing.amount;
        let month = month_words(period.previous()?);
        let gone = [
            self.lost
                .counted()
                .map(|who| format!("{} of {who} not billed any more", currency.change(-self.lost.amount))),
            self.missing.counted().map(|who| {
                format!("{} of {who} that cannot be billed yet", currency.change(-self.missing.amount))
            }),
        ];
        let mut causes: Vec<String> = gone.into_iter().flatten().collect();
        if !causes.is_empty()
            && let Some(who) = self.both.counted()
        {
            causes.insert(0, format!("{} of {who} billed in both months", currency.change(self.both.amount)));
        }
        if let Some(who) = self.other.counted() {
            let amount = currency.amount(self.other.amount);
            causes.push(format!("not compared: {amount} of {who} without an invoice of {month}"));
        }
        Some(ChangeWords {
            words: format!("{} against {month}", currency.change(total)),
            is_less: total < Decimal::ZERO,
            causes,
        })
    }
}

/// The change as the page shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeWords {
    /// `-$70.00 against June 2025`.
    pub words: String,
    /// Whether it is less than before.
    pub is_less: bool,
    /// What it is made of, where that is more than one thing.
    pub causes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(now: &[(&str, i64)], troubled: &[&str], before: &[(&str, i64)]) -> Option<ChangeWords> {
        let before = before.iter().map(|(number, amount)| {
            let total = ArchivedTotal { amount: Decimal::from(*amount), ..ArchivedTotal::default() };
            ((*number).to_owned(), total)
        });
        let now = now.iter().map(|(number, amount)| (*number, Decimal::from(*amount)));
        let change = Change::of(now, &troubled.iter().copied().collect(), &before.collect())?;
        change.words(Period::new(2025, 7)?, &Currency { code: "USD".to_owned() })
    }

    #[test]
    fn clients_that_are_lost_are_a_cause_and_not_hidden_in_the_sum() {
        assert_eq!(words(&[("a", 100)], &[], &[]), None, "nothing is archived");
        let plain = words(&[("a", 150), ("b", 100)], &[], &[("a", 100), ("b", 110)]).unwrap();
        assert_eq!(
            plain,
            ChangeWords { words: "+$40.00 against June 2025".to_owned(), is_less: false, causes: Vec::new() }
        );
        let lost = words(
            &[("a", 150), ("new", 300)],
            &["broken"],
            &[("a", 100), ("gone", 70), ("also", 50), ("broken", 20)],
        )
        .unwrap();
        assert_eq!((lost.words.as_str(), lost.is_less), ("-$90.00 against June 2025", true));
        assert_eq!(
            lost.causes,
            [
                "+$50.00 of 1 client billed in both months",
                "-$120.00 of 2 clients not billed any more",
                "-$20.00 of 1 client that cannot be billed yet",
                "not compared: $300.00 of 1 client without an invoice of June 2025"
            ]
        );
    }
}
