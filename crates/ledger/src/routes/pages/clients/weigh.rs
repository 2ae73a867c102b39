//! What to look at before many bills become final at once.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::{
    client::warnings::is_large,
    parts::{Currency, Standing},
};
use crate::{bills::overview::Row, store::revenue::ArchivedTotal};

/// Warnings that are told one by one.
const TOLD: usize = 5;

/// The open bills of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weighed {
    /// How many can be accepted.
    pub count: usize,
    /// What they come to.
    pub total: Decimal,
    /// What to look at, by account number.
    pub warnings: HashMap<String, String>,
    /// The same in words; empty for nothing.
    pub words: String,
}

impl Weighed {
    /// Of these rows; `before` is the archived month before.
    pub fn of(
        rows: &[Row],
        before: &HashMap<String, ArchivedTotal>,
        today: NaiveDate,
        currency: &Currency,
    ) -> Self {
        let mut weighed = Self::default();
        let mut told = Vec::new();
        for row in rows.iter().filter(|row| !row.is_archived && row.complete) {
            weighed.count += 1;
            weighed.total += row.total_bill;
            let mut parts = Vec::new();
            if Standing::of(&row.contract_end_date, row.contract_expired, today) == Standing::Expired {
                parts.push("has an expired contract".to_owned());
            }
            if let Some(before) = before.get(&row.account_number)
                && is_large(row.total_bill, before.amount)
            {
                let change = currency.change(row.total_bill - before.amount);
                parts.push(format!("changes by {change} against the month before"));
            }
            if !parts.is_empty() {
                let words = parts.join(" and ");
                told.push(format!("{} {words}", row.name));
                weighed.warnings.insert(row.account_number.clone(), words);
            }
        }
        if !told.is_empty() {
            let more =
                if told.len() > TOLD { format!(" and {} more", told.len() - TOLD) } else { String::new() };
            told.truncate(TOLD);
            weighed.words = format!("To look at: {}{more}.", told.join("; "));
        }
        weighed
    }
}
