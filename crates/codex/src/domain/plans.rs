//! Billing plans: prices by name and term, and which of them a company has (codex-api.md §3.6, §6.5, §10).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    contract::{BILLED_HOURLY, canonical_term},
    features::NOT_INCLUDED,
};

/// The term of a company whose contract names none, as far as features and prices go.
pub const MONTH_TO_MONTH: &str = "Month to Month";
/// The terms a new plan is made with.
pub const TERMS: [&str; 4] = [MONTH_TO_MONTH, "1 Year", "2 Year", "3 Year"];

/// Support levels that the page offers; others are kept where they are.
pub const SUPPORT_LEVELS: [&str; 3] = [BILLED_HOURLY, "Unlimited", "All Inclusive"];
/// Companies of this plan, in any case of letters, are not billed.
pub const INACTIVE: &str = "Inactive";

/// Names of the eleven numbers and the headings of their columns.
pub const PRICES: [(&str, &str); 11] = [
    ("per_user_cost", "User"),
    ("per_workstation_cost", "Workstation"),
    ("per_server_cost", "Server"),
    ("per_vm_cost", "VM"),
    ("per_switch_cost", "Switch"),
    ("per_firewall_cost", "Firewall"),
    ("per_hour_ticket_cost", "Per Hour"),
    ("backup_base_fee_workstation", "BU Base WS"),
    ("backup_base_fee_server", "BU Base Srv"),
    ("backup_included_tb", "Inc. TB"),
    ("backup_per_tb_fee", "$/TB Fee"),
];

/// What a plan costs: per item and month, per hour of a ticket, and for backups. JSON numbers in answers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Prices {
    /// A user.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_user_cost: Decimal,
    /// A workstation.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_workstation_cost: Decimal,
    /// A physical server.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_server_cost: Decimal,
    /// A virtual machine.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_vm_cost: Decimal,
    /// A switch.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_switch_cost: Decimal,
    /// A firewall.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_firewall_cost: Decimal,
    /// An hour of work on tickets.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub per_hour_ticket_cost: Decimal,
    /// Backup of a workstation.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub backup_base_fee_workstation: Decimal,
    /// Backup of a server.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub backup_base_fee_server: Decimal,
    /// Terabytes within the base fee.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub backup_included_tb: Decimal,
    /// Each further terabyte.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub backup_per_tb_fee: Decimal,
}

impl Default for Prices {
    /// Nothing costs anything, and one terabyte is included: the defaults of the table.
    fn default() -> Self {
        let zero = Decimal::ZERO;
        Self {
            per_user_cost: zero,
            per_workstation_cost: zero,
            per_server_cost: zero,
            per_vm_cost: zero,
            per_switch_cost: zero,
            per_firewall_cost: zero,
            per_hour_ticket_cost: zero,
            backup_base_fee_workstation: zero,
            backup_base_fee_server: zero,
            backup_included_tb: Decimal::ONE,
            backup_per_tb_fee: zero,
        }
    }
}

impl Prices {
    /// What a plan costs that somebody makes by its name alone (§10).
    pub fn of_new_plan() -> Self {
        Self {
            per_hour_ticket_cost: Decimal::from(90),
            backup_base_fee_workstation: Decimal::from(25),
            backup_base_fee_server: Decimal::from(50),
            backup_per_tb_fee: Decimal::from(15),
            ..Self::default()
        }
    }

    /// The number of this name, to be changed.
    pub fn named(&mut self, name: &str) -> Option<&mut Decimal> {
        Some(match name {
            "per_user_cost" => &mut self.per_user_cost,
            "per_workstation_cost" => &mut self.per_workstation_cost,
            "per_server_cost" => &mut self.per_server_cost,
            "per_vm_cost" => &mut self.per_vm_cost,
            "per_switch_cost" => &mut self.per_switch_cost,
            "per_firewall_cost" => &mut self.per_firewall_cost,
            "per_hour_ticket_cost" => &mut self.per_hour_ticket_cost,
            "backup_base_fee_workstation" => &mut self.backup_base_fee_workstation,
            "backup_base_fee_server" => &mut self.backup_base_fee_server,
            "backup_included_tb" => &mut self.backup_included_tb,
            "backup_per_tb_fee" => &mut self.backup_per_tb_fee,
            _ => return None,
        })
    }
}

/// Six texts that the original kept in the plan itself. Features live in a table of their own; these are stored and told
/// for readers of the old ones.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OldFeatures {
    /// Deprecated.
    pub antivirus: String,
    /// Deprecated.
    pub soc: String,
    /// Deprecated.
    pub password_manager: String,
    /// Deprecated.
    pub sat: String,
    /// Deprecated.
    pub email_security: String,
    /// Deprecated.
    pub network_management: String,
}

impl Default for OldFeatures {
    fn default() -> Self {
        let none = || NOT_INCLUDED.to_owned();
        Self {
            antivirus: none(),
            soc: none(),
            password_manager: none(),
            sat: none(),
            email_security: none(),
            network_management: none(),
        }
    }
}

impl OldFeatures {
    /// The text of this name, to be changed.
    pub fn named(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "antivirus" => &mut self.antivirus,
            "soc" => &mut self.soc,
            "password_manager" => &mut self.password_manager,
            "sat" => &mut self.sat,
            "email_security" => &mut self.email_security,
            "network_management" => &mut self.network_management,
            _ => return None,
        })
    }
}

/// Names of [`OldFeatures`].
pub const OLD_FEATURES: [&str; 6] =
    ["antivirus", "soc", "password_manager", "sat", "email_security", "network_management"];

/// One term of a plan, without its features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Row id; 0 before it is stored.
    pub id: i64,
    /// Name.
    pub plan_name: String,
    /// Canonical term.
    pub term_length: String,
    /// How support is billed.
    pub support_level: String,
    /// What it costs.
    #[serde(flatten)]
    pub prices: Prices,
    /// See there.
    #[serde(flatten)]
    pub old_features: OldFeatures,
}

impl Plan {
    /// A plan that is not stored yet, with these prices.
    pub fn new(plan_name: &str, term_length: &str, prices: Prices) -> Self {
        Self {
            id: 0,
            plan_name: plan_name.to_owned(),
            term_length: term_length.to_owned(),
            support_level: BILLED_HOURLY.to_owned(),
            prices,
            old_features: OldFeatures::default(),
        }
    }

    /// The terms a plan is made with when somebody only names it.
    pub fn in_all_terms(plan_name: &str) -> [Self; 4] {
        TERMS.map(|term| Self::new(plan_name, term, Prices::of_new_plan()))
    }
}

/// Features of a plan: category key → value.
pub type Features = BTreeMap<String, String>;

/// A name or value as it is stored: trimmed, not empty, without control characters, at most so many characters.
///
/// # Errors
/// In words for the field.
pub fn clean(text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters".to_owned())
    } else if text.chars().count() > longest {
        Err(format!("must have at most {longest} characters"))
    } else {
        Ok(text.to_owned())
    }
}

/// What a company says about its plan: the columns of these names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreed<'a> {
    /// The plan, also one a person chose.
    pub billing_plan: Option<&'a str>,
    /// The vendor's plan.
    pub plan_selected: Option<&'a str>,
    /// Canonical term.
    pub contract_term_length: Option<&'a str>,
    /// The vendor's term in any spelling.
    pub contract_term: Option<&'a str>,
}

impl<'a> Agreed<'a> {
    /// Name of the effective plan: an edited one wins.
    pub fn plan(&self) -> Option<&'a str> {
        filled(self.billing_plan).or_else(|| filled(self.plan_selected))
    }

    /// The canonical term, if there is one.
    pub fn term(&self) -> Option<String> {
        filled(self.contract_term_length).or_else(|| filled(self.contract_term)).and_then(canonical_term)
    }

    /// Name and term under which features and prices are looked up.
    pub fn key(&self) -> Option<(String, String)> {
        Some((self.plan()?.to_owned(), self.term().unwrap_or_else(|| MONTH_TO_MONTH.to_owned())))
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name() {
        let mut prices = Prices::of_new_plan();
        let written = serde_json::to_value(&prices).unwrap();
        assert_eq!(written.as_object().unwrap().len(), PRICES.len());
        for (name, _) in PRICES {
            assert!(written.get(name).is_some_and(serde_json::Value::is_f64), "{name}");
            *prices.named(name).unwrap() = Decimal::new(150, 2);
        }
        let changed = serde_json::to_value(&prices).unwrap();
        assert!(changed.as_object().unwrap().values().all(|number| number == 1.5), "{changed}");
        assert!(prices.named("id").is_none());
        let mut old = OldFeatures::default();
        assert!(OLD_FEATURES.into_iter().all(|name| old.named(name).is_some()));
    }

    #[test]
    fn a_plan_made_by_name_has_four_terms_and_the_usual_fees() {
        let plans = Plan::in_all_terms("Gold");
        assert_eq!(plans.each_ref().map(|plan| plan.term_length.as_str()), TERMS);
        let written = serde_json::to_value(&plans[1].prices).unwrap();
        let costs = |name: &str| written[name].as_f64().unwrap();
        assert_eq!(
            [
                costs("per_user_cost"),
                costs("per_hour_ticket_cost"),
                costs("backup_base_fee_workstation"),
                costs("backup_base_fee_server"),
                costs("backup_included_tb"),
                costs("backup_per_tb_fee"),
            ],
            [0.0, 90.0, 25.0, 50.0, 1.0, 15.0]
        );
    }

    #[test]
    fn names_are_trimmed_and_bounded() {
        for (text, expected) in [
            (" Gold ", Ok("Gold")),
            ("", Err(())),
            ("\n", Err(())),
            ("a\u{0}b", Err(())),
            ("ünïcödé💎", Ok("ünïcödé💎")),
            ("0123456789", Ok("0123456789")),
            ("01234567890", Err(())),
        ] {
            assert_eq!(clean(text, 10).map_err(|_| ()), expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn an_edited_plan_wins_and_a_missing_term_is_month_to_month() {
        let of = |billing_plan, plan_selected, contract_term_length, contract_term| {
            Agreed { billing_plan, plan_selected, contract_term_length, contract_term }.key()
        };
        for (key, expected) in [
            (of(Some("Gold"), Some("Basic"), Some("1 Year"), Some("2 Year")), Some(("Gold", "1 Year"))),
            (of(Some(" "), Some("Basic"), None, Some("2-years")), Some(("Basic", "2 Year"))),
            (of(None, Some("Basic"), Some(""), None), Some(("Basic", MONTH_TO_MONTH))),
            (of(None, None, Some("1 Year"), None), None),
        ] {
            let key = key.as_ref().map(|(plan, term)| (plan.as_str(), term.as_str()));
            assert_eq!(key, expected);
        }
    }
}
