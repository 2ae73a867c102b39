//! A total by kind of charge.

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
