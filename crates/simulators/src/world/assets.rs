//! The customers' devices.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::companies::FIRST_COMPANY_ID;
use super::people::FIRST_CONTACT_ID;
use crate::dice::{Dice, Salt};

/// First id of assets in the vendor's system.
pub const FIRST_ASSET_ID: u64 = 19_000_500_001;

/// Kinds of devices: vendor's type id, name, description of the model, share.
const KINDS: &[((u64, &str, &str), u32)] = &[
    ((19_000_600_001, "WS", "Desktop computer"), 34),
    ((19_000_600_002, "LT", "Laptop"), 38),
    ((19_000_600_003, "SRV", "Server"), 7),
    ((19_000_600_004, "PRN", "Printer"), 9),
    ((19_000_600_005, "SW", "Network switch"), 8),
    ((19_000_600_006, "FW", "Firewall"), 4),
];

/// One device.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Vendor id.
    pub id: u64,
    /// Number shown to people.
    pub display_id: u32,
    /// Host name.
    pub name: String,
    /// Vendor id of the type.
    pub type_id: u64,
    /// What it is.
    pub description: &'static str,
    /// Vendor id of the user.
    pub user_id: Option<u64>,
    /// Vendor id of the company.
    pub department_id: u64,
    /// Time of entry.
    pub created_at: DateTime<Utc>,
}

impl World {
    /// The device at an index below `size.assets`.
    #[must_use]
    pub fn asset(&self, index: u32) -> Asset {
        let mut dice = Dice::new(self.seed, Salt::Asset, u64::from(index));
        let contact = dice.below(self.size.contacts);
        let company = self.company_of(contact);
        let (type_id, prefix, description) = dice.weighted(KINDS);
        let personal = matches!(prefix, "WS" | "LT");
        Asset {
            id: FIRST_ASSET_ID + u64::from(index),
            display_id: index + 1,
            name: format!("C{:03}-{prefix}-{:03}", company + 1, index % 2000),
            type_id,
            description,
            user_id: (personal && dice.chance(0.9)).then_some(FIRST_CONTACT_ID + u64::from(contact)),
            department_id: FIRST_COMPANY_ID + u64::from(company),
            created_at: self.timeline.begin() - TimeDelta::seconds(dice.range(0, 1200 * 86_400)),
        }
    }
}
