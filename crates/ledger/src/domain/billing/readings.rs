//! Where the rules leave a choice, and who chose: settings of the operator.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which hours use up the yearly prepaid pool (rule 47).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum YearlyPool {
    /// All hours of the months before (rule 24).
    #[default]
    Gross,
    /// Only those that the monthly allowance of their month did not cover.
    Net,
}

/// When hours are billed (rule 48).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum HoursReading {
    /// By the date the work was done, each hour once.
    #[default]
    Dated,
    /// All hours a ticket ever had, in the month of its last update (rule 21), as the original suite does.
    Original,
}

/// All choices.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Readings {
    /// How the yearly pool is used up.
    pub yearly_pool: YearlyPool,
    /// How hours get their month.
    pub hours: HoursReading,
    /// Every rule as the original suite has it (rules 11, 17, 21, 24, 31, 32 unresolved, 43 to 48 off), except for its
    /// rounding. For comparing bills during a migration. The two settings above do not count then.
    pub original: bool,
}

impl Readings {
    /// The original suite's reading of every rule.
    pub const ORIGINAL: Self =
        Self { yearly_pool: YearlyPool::Gross, hours: HoursReading::Original, original: true };

    /// Whether hours are billed by the date of the work.
    pub(super) fn dated_hours(self) -> bool {
        !self.original && self.hours == HoursReading::Dated
    }

    /// Whether the monthly allowance spares the yearly pool.
    pub(super) fn net_pool(self) -> bool {
        !self.original && self.yearly_pool == YearlyPool::Net
    }
}
