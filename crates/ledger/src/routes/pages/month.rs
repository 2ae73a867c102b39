//! The choice of a month.

use super::parts::{MONTHS, month_query, month_words, url_query};
use crate::{Ledger, domain::billing::Period};

/// The choice of a month, kept in the address.
#[derive(Clone, Debug)]
pub struct MonthPicker {
    /// The month that is shown.
    pub period: Period,
    /// Path of the page, with the gateway's prefix.
    pub path: String,
    /// What else stands in the address.
    pub kept: Vec<(&'static str, String)>,
    current: Period,
}

impl MonthPicker {
    /// For the page at `path`.
    pub fn new(ledger: &Ledger, period: Period, path: String) -> Self {
        Self { period, path, kept: Vec::new(), current: ledger.bills.current_period().unwrap_or(period) }
    }

    /// With what else stands in the address; empty values do not.
    pub fn keeping(mut self, kept: Vec<(&'static str, String)>) -> Self {
        self.kept = kept.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self
    }

    fn address(&self, period: Period) -> String {
        let mut query = url_query(&self.kept);
        if !query.is_empty() {
            query.push('&');
        }
        format!("{}?{query}{}", self.path, month_query(period))
    }

    /// `June 2025`.
    pub fn words(&self) -> String {
        month_words(self.period)
    }

    /// Address of the month before.
    pub fn previous(&self) -> Option<String> {
        self.period.previous().map(|period| self.address(period))
    }

    /// Address of the month after; nothing beyond the one that runs.
    pub fn next(&self) -> Option<String> {
        (self.period < self.current).then(|| self.address(self.period.next()))
    }

    /// Whether this is the month that runs.
    pub fn is_current(&self) -> bool {
        self.period == self.current
    }

    /// Address of the month that runs.
    pub fn today(&self) -> String {
        self.address(self.current)
    }

    /// Years to choose from, the newest first.
    pub fn years(&self) -> Vec<i32> {
        let newest = self.current.year().max(self.period.year());
        let oldest = (self.current.year() - 7).min(self.period.year()).max(1);
        // An address may name any year; the list stays short.
        let mut years: Vec<i32> = (oldest.max(newest - 30)..=newest).rev().collect();
        if !years.contains(&self.period.year()) {
            years.push(self.period.year());
        }
        years
    }

    /// Number, name and whether it is chosen, of each month.
    pub fn months(&self) -> impl Iterator<Item = (u32, &'static str, bool)> {
        let chosen = self.period.month();
        (1..).zip(MONTHS).map(move |(number, name)| (number, name, number == chosen))
    }
}
