//! A total by kind of charge.

use std::ops::AddAssign;

use rust_decimal::Decimal;

/// What a total is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Charges {
    /// People.
    pub users: Decimal,
    /// Devices.
    pub assets: Decimal,
    /// Hours.
    pub hours: Decimal,
    /// Backup.
    pub backup: Decimal,
    /// Line items.
    pub items: Decimal,
}

impl AddAssign for Charges {
    fn add_assign(&mut self, other: Self) {
        self.users += other.users;
        self.assets += other.assets;
        self.hours += other.hours;
        self.backup += other.backup;
        self.items += other.items;
    }
}
