//! The eleven rates: what the plan says, replaced by what was agreed with the company (rules 5 and 6).

use rust_decimal::Decimal;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{inputs::ClientOverride, number::Money, plan::Plan, terabytes::Terabytes};

/// A rate: its column in plans and overrides, and the flag that enables the override (2.1).
#[derive(Clone, Copy, Debug)]
pub struct RateColumn {
    /// Column and member.
    pub name: &'static str,
    /// Column of the flag.
    pub flag: &'static str,
}

/// The rates there are; [`Rate`] counts them in this order.
pub const RATES: [RateColumn; 11] = [
    RateColumn { name: "per_user_cost", flag: "override_puc_enabled" },
    RateColumn { name: "per_workstation_cost", flag: "override_pwc_enabled" },
    RateColumn { name: "per_server_cost", flag: "override_psc_enabled" },
    RateColumn { name: "per_vm_cost", flag: "override_pvc_enabled" },
    RateColumn { name: "per_switch_cost", flag: "override_pswitchc_enabled" },
    RateColumn { name: "per_firewall_cost", flag: "override_pfirewallc_enabled" },
    RateColumn { name: "per_hour_ticket_cost", flag: "override_phtc_enabled" },
    RateColumn { name: "backup_base_fee_workstation", flag: "override_bbfw_enabled" },
    RateColumn { name: "backup_base_fee_server", flag: "override_bbfs_enabled" },
    RateColumn { name: "backup_included_tb", flag: "override_bit_enabled" },
    RateColumn { name: "backup_per_tb_fee", flag: "override_bpt_enabled" },
];

/// One of [`RATES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rate {
    /// For each paid user.
    User,
    /// For each workstation.
    Workstation,
    /// For each server.
    Server,
    /// For each virtual machine.
    Vm,
    /// For each switch.
    Switch,
    /// For each firewall.
    Firewall,
    /// For each billable hour.
    Hour,
    /// For each workstation that is backed up.
    BackupWorkstation,
    /// For each server or virtual machine that is backed up.
    BackupServer,
    /// No money: TB included for each of them.
    IncludedTb,
    /// For each TB beyond.
    BackupTb,
}

impl Rate {
    /// The rate a type of device costs: the one named `per_<type>_cost`, whatever it was made for (rule 12).
    pub(super) fn of_type(name: &str) -> Option<Self> {
        [
            ("user", Self::User),
            ("workstation", Self::Workstation),
            ("server", Self::Server),
            ("vm", Self::Vm),
            ("switch", Self::Switch),
            ("firewall", Self::Firewall),
            ("hour_ticket", Self::Hour),
        ]
        .into_iter()
        .find_map(|(known, rate)| known.eq_ignore_ascii_case(name).then_some(rate))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        RATES[self as usize].name
    }
}

/// Where an amount comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The plan (rule 5).
    Plan,
    /// Agreed with the company (rule 6).
    ClientOverride,
    /// Set for the one device (rule 12).
    AssetOverride,
    /// Set for the one user (rule 18).
    UserOverride,
    /// A device or user entered by hand (rules 13 and 17).
    ManualRow,
    /// A line item (rules 35 to 37).
    CustomItem,
    /// Sent by a foreign Codex (rule 45).
    Codex,
    /// Nothing: the type costs nothing.
    Free,
}

/// The rates of a bill.
#[derive(Clone, Debug)]
pub struct Rates<'a> {
    pub(super) support_level: Option<&'a str>,
    values: [Money; RATES.len()],
    sources: [Source; RATES.len()],
}

impl<'a> Rates<'a> {
    /// The rates of a plan for a company (rules 5 to 7).
    pub(super) fn of(plan: &'a Plan, own: Option<&'a ClientOverride>) -> Self {
        let mut rates = Self {
            support_level: plan.support_level(),
            values: plan.rates.map(Option::unwrap_or_default),
            sources: [Source::Plan; RATES.len()],
        };
        let included = &mut rates.values[Rate::IncludedTb as usize];
        if included.is_zero() {
            *included = Money::from_cents(100);
        }
        let Some(own) = own else { return rates };
        for (place, value) in own.rates.iter().enumerate() {
            if let Some(value) = value {
                rates.values[place] = *value;
                rates.sources[place] = Source::ClientOverride;
            }
        }
        if let Some(level) = &own.support_level {
            rates.support_level = level.as_deref();
        }
        rates
    }

    /// How much.
    pub(super) const fn value(&self, rate: Rate) -> Money {
        self.values[rate as usize]
    }

    /// Who says so.
    pub(super) const fn source(&self, rate: Rate) -> Source {
        self.sources[rate as usize]
    }

    /// TB included for each backed-up device.
    pub(super) const fn included_tb(&self) -> Decimal {
        self.value(Rate::IncludedTb).decimal()
    }

    /// The effective rate of an hour.
    pub fn per_hour(&self) -> Money {
        self.value(Rate::Hour)
    }

    /// The effective base fee of a backed-up workstation.
    pub fn per_backed_up_workstation(&self) -> Money {
        self.value(Rate::BackupWorkstation)
    }

    /// The effective base fee of a backed-up server.
    pub fn per_backed_up_server(&self) -> Money {
        self.value(Rate::BackupServer)
    }

    /// The effective fee of a TB beyond what is included.
    pub fn per_tb(&self) -> Money {
        self.value(Rate::BackupTb)
    }

    /// Where each rate comes from.
    pub(super) fn sources(&self) -> RateSources {
        RateSources(self.sources)
    }
}

impl Serialize for Rates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(RATES.len() + 1))?;
        map.serialize_entry("support_level", &self.support_level)?;
        for (place, (rate, value)) in RATES.iter().zip(&self.values).enumerate() {
            if place == Rate::IncludedTb as usize {
                map.serialize_entry(rate.name, &Terabytes::allowance(1, self.included_tb()))?;
            } else {
                map.serialize_entry(rate.name, value)?;
            }
        }
        map.end()
    }
}

/// Where each rate comes from.
#[derive(Clone, Debug)]
pub struct RateSources([Source; RATES.len()]);

impl Serialize for RateSources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(RATES.iter().map(|rate| rate.name).zip(&self.0))
    }
}
