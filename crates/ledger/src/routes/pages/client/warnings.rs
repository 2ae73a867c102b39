//! What has to be read before a bill is accepted.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::parts::{self, Currency, Standing};
use crate::{bills::Material, domain::billing::Bill};

/// A sentence that has to be read before the bill is accepted.
#[derive(Clone, Debug)]
pub struct Warning {
    /// `error`, `warning` or `info`.
    pub kind: &'static str,
    /// What.
    pub title: String,
    /// More about it.
    pub text: String,
    /// Where to do something about it: address below the prefix, words.
    pub link: Option<(&'static str, &'static str)>,
}

/// From this part of the bill before on, a change is worth a word.
const LARGE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

/// Whether a bill is much more or much less than the one before.
pub fn is_large(total: Decimal, before: Decimal) -> bool {
    (total - before).abs() > before.abs() * LARGE
}

/// Says when a bill is much more or much less than the archived one of the month before.
pub fn large_change(total: Decimal, before: Decimal, month: &str, currency: &Currency) -> Option<Warning> {
    let change = total - before;
    is_large(total, before).then(|| Warning {
        kind: "warning",
        title: format!("{} against {month}", currency.change(change)),
        text: format!("The invoice of {month} was {}.", currency.amount(before)),
        link: None,
    })
}

/// What to look at before the bill is accepted. `current` is whether the month still runs.
pub fn of(material: &Material, bill: &Bill<'_>, is_over: bool, today: NaiveDate) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut add =
        |kind, title: String, text: String, link| warnings.push(Warning { kind, title, text, link });
    if let Some(reason) = material.incomplete() {
        add(
            "error",
            "This bill is incomplete and cannot be archived yet".to_owned(),
            format!("{reason}."),
            None,
        );
    }
    if !is_over {
        let text = "Devices, people and hours may still change until it is.".to_owned();
        add("info", "This month is not over".to_owned(), text, None);
    }
    match Standing::of(&bill.contract_end_date, bill.contract_expired, today) {
        Standing::Expired => {
            let text = format!(
                "It ended on {}. The bill goes on until somebody ends it.",
                parts::day(&bill.contract_end_date)
            );
            add("warning", "The contract has expired".to_owned(), text, None);
        }
        Standing::Expiring => {
            add(
                "info",
                format!("The contract ends on {}", parts::day(&bill.contract_end_date)),
                String::new(),
                None,
            );
        }
        Standing::Active => {}
    }
    if !bill.unmapped_devices.is_empty() {
        let count = bill.unmapped_devices.len();
        let title = if count == 1 {
            "1 device has a kind without a billing type".to_owned()
        } else {
            format!("{count} devices have a kind without a billing type")
        };
        let names: Vec<String> = bill
            .unmapped_devices
            .iter()
            .take(8)
            .map(|device| match device.device_type {
                Some(kind) => format!("{} ({kind})", device.hostname),
                None => device.hostname.to_owned(),
            })
            .collect();
        let more =
            if count > names.len() { format!(" and {} more", count - names.len()) } else { String::new() };
        let text = format!("They are billed as Workstation: {}{more}.", names.join(", "));
        add("warning", title, text, Some(("/admin/device-types", "Map kinds of devices")));
    }
    if !bill.skipped_tickets.is_empty() {
        let text = format!("No month can have them: {}.", bill.skipped_tickets.join(", "));
        add("warning", "Tickets without a readable time are left out".to_owned(), text, None);
    }
    warnings
}
