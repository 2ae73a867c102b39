//! The customers, and the service provider itself.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::text::names::{COMPANY_FIRST, COMPANY_SECOND, ascii_slug};
use crate::dice::{Dice, Salt};

/// First id of departments in the vendor's system.
pub const FIRST_COMPANY_ID: u64 = 19_000_100_001;

/// One customer. The last company of the world is the provider itself and has no account number.
#[derive(Debug, Clone)]
pub struct Company {
    /// Vendor id.
    pub id: u64,
    /// Display name.
    pub name: String,
    /// Six digits.
    pub account_number: Option<String>,
    /// Mail domain.
    pub domain: String,
    /// One line.
    pub description: Option<String>,
    /// Postal address.
    pub address: String,
    /// Main telephone number.
    pub phone: String,
    /// Billing plan.
    pub plan: Option<&'static str>,
    /// Contract term in the spellings people type.
    pub term: Option<&'static str>,
    /// Start of the contract.
    pub contract_start: Option<DateTime<Utc>>,
    /// Customer since.
    pub customer_since: DateTime<Utc>,
    /// `For Profit` or `Non-Profit`.
    pub profit: &'static str,
    /// Numbers under contract: users, devices, network devices.
    pub managed: (u32, u32, u32),
    /// Telephone and mail system.
    pub systems: (&'static str, &'static str),
}

impl World {
    /// Number of companies including the provider itself.
    #[must_use]
    pub fn company_count(&self) -> u32 {
        self.size.companies + 1
    }

    /// The company at an index below [`Self::company_count`].
    #[must_use]
    pub fn company(&self, index: u32) -> Company {
        let mut dice = Dice::new(self.seed, Salt::Company, u64::from(index));
        let id = FIRST_COMPANY_ID + u64::from(index);
        let customer_since = self.timeline.begin() - TimeDelta::days(dice.range(200, 3000));
        if index >= self.size.companies {
            return Company {
                id,
                name: "Our Own Office".to_owned(),
                account_number: None,
                domain: "msp.example".to_owned(),
                description: Some("Internal requests of the service provider".to_owned()),
                address: "1 Service Way, Springfield".to_owned(),
                phone: "+1 555 0100".to_owned(),
                plan: None,
                term: None,
                contract_start: None,
                customer_since,
                profit: "For Profit",
                managed: (0, 0, 0),
                systems: ("VoIP", "Microsoft 365"),
            };
        }
        let name = company_name(index);
        let contacts = self.contacts_of(index).len() as u32;
        Company {
            id,
            domain: format!("{}.example", ascii_slug(&name)),
            account_number: Some((100_001 + index).to_string()),
            description: dice.chance(0.4).then(|| format!("{} users, {} sites", contacts, dice.range(1, 5))),
            address: format!("{} {} Street, Springfield", dice.range(1, 900), dice.pick(COMPANY_FIRST)),
            phone: format!("+1 555 {:04}", dice.range(101, 9999)),
            plan: dice.weighted(&[
                (Some("Standard"), 40),
                (Some("Premium"), 25),
                (Some("Basic"), 22),
                (Some("Inactive"), 5),
                (None, 8),
            ]),
            term: dice.weighted(&[
                (Some("1 Year"), 25),
                (Some("2 Year"), 15),
                (Some("3 years"), 20),
                (Some("month to month"), 20),
                (Some("1-Year"), 10),
                (None, 10),
            ]),
            contract_start: dice.chance(0.85).then(|| customer_since + TimeDelta::days(dice.range(0, 190))),
            customer_since,
            profit: dice.weighted(&[("For Profit", 8), ("Non-Profit", 2)]),
            managed: (contacts, contacts + contacts / 5, 1 + contacts / 12),
            systems: (
                dice.pick(&["VoIP", "Hosted PBX", "Analog"]),
                dice.pick(&["Microsoft 365", "Microsoft 365", "Google Workspace", "Exchange on site"]),
            ),
            name,
        }
    }
}

/// Unique as long as there are fewer companies than pairs of words; then numbered.
fn company_name(index: u32) -> String {
    let (first, second) = (COMPANY_FIRST.len() as u32, COMPANY_SECOND.len() as u32);
    let round = index / (first * second);
    let inside = index % (first * second);
    let (row, column) = (inside % first, (inside / first + inside % first) % second);
    let name = format!("{} {}", COMPANY_FIRST[row as usize], COMPANY_SECOND[column as usize]);
    if round == 0 { name } else { format!("{name} {}", round + 1) }
}

/// Where each company's contacts begin: about a third of them are small, a few are big, all have at least one.
pub(super) fn contact_offsets(seed: u64, companies: u32, contacts: u32) -> Vec<u32> {
    let shares: Vec<f64> =
        (0..companies).map(|i| Dice::new(seed, Salt::Headcount, u64::from(i)).skewed(0.15, 3.0, 2)).collect();
    let total: f64 = shares.iter().sum();
    let spare = f64::from(contacts - companies);
    let mut offsets = Vec::with_capacity(companies as usize + 1);
    let mut sum = 0.0;
    for (index, share) in shares.iter().enumerate() {
        offsets.push(index as u32 + (spare * sum / total) as u32);
        sum += share;
    }
    offsets.push(contacts);
    offsets
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: HashSet<String> = (0..5000).map(company_name).collect();
        assert_eq!(names.len(), 5000);
    }

    #[test]
    fn every_company_has_contacts() {
        for (companies, contacts) in [(40, 1500), (200, 8000), (7, 7), (1, 3)] {
            let offsets = contact_offsets(1, companies, contacts);
            assert_eq!(offsets.len(), companies as usize + 1);
            assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!((offsets[0], offsets[companies as usize]), (0, contacts));
        }
    }
}
