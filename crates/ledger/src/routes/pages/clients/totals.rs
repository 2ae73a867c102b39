//! What the clients of a list come to together.

use rust_decimal::Decimal;

use crate::bills::overview::Row;

/// What rows come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Sums of the columns of that name.
    pub workstations: u64,
    /// Likewise.
    pub servers: u64,
    /// Likewise.
    pub vms: u64,
    /// Likewise.
    pub users: u64,
    /// Likewise.
    pub backup: Decimal,
    /// Likewise.
    pub hours: Decimal,
    /// Likewise.
    pub total_bill: Decimal,
}

impl Totals {
    /// Of these rows.
    pub fn of(rows: &[Row]) -> Self {
        rows.iter().fold(Self::default(), |sum, row| Self {
            workstations: sum.workstations + u64::from(row.workstations),
            servers: sum.servers + u64::from(row.servers),
            vms: sum.vms + u64::from(row.vms),
            users: sum.users + u64::from(row.users),
            backup: sum.backup + row.backup,
            hours: sum.hours + row.hours,
            total_bill: sum.total_bill + row.total_bill,
        })
    }
}
