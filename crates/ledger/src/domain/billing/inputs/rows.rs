//! Rows of Ledger's tables (section 2).

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::super::{
    number::{Hours, Money},
    period::Period,
    rates::RATES,
    read,
};

/// Own conditions of a company (2.1): only values whose flag is set.
#[derive(Clone, Debug, Default)]
pub struct ClientOverride {
    /// Another plan; empty counts as none (rule 3).
    pub billing_plan: Option<String>,
    /// Another support level, which may be none (rule 7).
    pub support_level: Option<Option<String>>,
    /// Other rates, in the order of [`RATES`]; zero counts (rule 6).
    pub rates: [Option<Money>; RATES.len()],
    /// Hours prepaid for each month (rule 23).
    pub prepaid_hours_monthly: Option<Hours>,
    /// Hours prepaid for each calendar year (rule 23).
    pub prepaid_hours_yearly: Option<Hours>,
}

/// Reads a row of `client_billing_overrides`. What is not enabled is not looked at.
impl<'de> Deserialize<'de> for ClientOverride {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = HashMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let named = |name: &str, error: &dyn std::fmt::Display| D::Error::custom(format!("{name}: {error}"));
        let enabled = |value: &'static str, flag: &'static str| {
            let Some(on) = row.get(flag) else { return Ok(None) };
            let on = read::flag_of(on).map_err(|error| named(flag, &error))?;
            Ok(if on { row.get(value) } else { None })
        };
        let text = |value, flag| match enabled(value, flag)? {
            Some(json) => read::text_of(json).map_err(|error| named(value, &error)),
            None => Ok(None),
        };
        let hours = |value, flag| match enabled(value, flag)? {
            Some(json) => read::prepaid_of(json).map_err(|error| named(value, &error)),
            None => Ok(None),
        };
        let mut rates = [None; RATES.len()];
        for (rate, known) in rates.iter_mut().zip(&RATES) {
            if let Some(json) = enabled(known.name, known.flag)? {
                *rate = read::rate_of(json).map_err(|error| named(known.name, &error))?;
            }
        }
        let support_level = match row.get("override_support_level_enabled").map(|json| read::flag_of(json)) {
            Some(Ok(true)) => Some(text("support_level", "override_support_level_enabled")?),
            Some(Err(error)) => return Err(named("override_support_level_enabled", &error)),
            _ => None,
        };
        Ok(Self {
            billing_plan: text("billing_plan", "override_billing_plan_enabled")?,
            support_level,
            rates,
            prepaid_hours_monthly: hours("prepaid_hours_monthly", "override_prepaid_hours_monthly_enabled")?,
            prepaid_hours_yearly: hours("prepaid_hours_yearly", "override_prepaid_hours_yearly_enabled")?,
        })
    }
}

/// The type of one device or contact (2.2).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TypeOverride {
    /// Codex's id of the device or contact.
    #[serde(alias = "asset_id", alias = "user_id", deserialize_with = "read::whole")]
    pub id: Option<i64>,
    /// Billing type; a row without one counts as absent (rule 44).
    #[serde(deserialize_with = "read::text")]
    pub billing_type: Option<String>,
    /// What it costs if the type is `Custom`.
    #[serde(deserialize_with = "read::money")]
    pub custom_cost: Option<Money>,
}

/// Types of single devices or contacts, by Codex's id.
#[derive(Clone, Debug, Default)]
pub struct TypeOverrides(HashMap<i64, TypeOverride>);

impl TypeOverrides {
    /// The row of a device or contact, if it says anything.
    pub(in super::super) fn of(&self, id: Option<i64>) -> Option<(&str, Option<Money>)> {
        let row = self.0.get(&id?)?;
        Some((row.billing_type.as_deref().filter(|name| !name.is_empty())?, row.custom_cost))
    }
}

impl FromIterator<TypeOverride> for TypeOverrides {
    fn from_iter<I: IntoIterator<Item = TypeOverride>>(rows: I) -> Self {
        Self(rows.into_iter().filter_map(|row| Some((row.id?, row))).collect())
    }
}

/// A device that Codex does not know.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ManualAsset {
    /// Ledger's id.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<i64>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub hostname: Option<String>,
    /// Billing type.
    #[serde(deserialize_with = "read::text")]
    pub billing_type: Option<String>,
    /// What it costs if the type is `Custom`.
    #[serde(deserialize_with = "read::money")]
    pub custom_cost: Option<Money>,
}

/// A person whom Codex does not know.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ManualUser {
    /// Ledger's id.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<i64>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub full_name: Option<String>,
    /// Billing type.
    #[serde(deserialize_with = "read::text")]
    pub billing_type: Option<String>,
    /// What the person costs if the type is `Custom`.
    #[serde(deserialize_with = "read::money")]
    pub custom_cost: Option<Money>,
}

/// Something billed besides (rules 35 to 37).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LineItem {
    /// Ledger's id.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<i64>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "read::text")]
    pub description: Option<String>,
    /// Every month.
    #[serde(deserialize_with = "read::money")]
    pub monthly_fee: Option<Money>,
    /// Once.
    #[serde(deserialize_with = "read::money")]
    pub one_off_fee: Option<Money>,
    /// When once is.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub one_off_year: Option<i64>,
    /// When once is, 1 to 12.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub one_off_month: Option<i64>,
    /// Once a year.
    #[serde(deserialize_with = "read::money")]
    pub yearly_fee: Option<Money>,
    /// In which month, 1 to 12.
    #[serde(deserialize_with = "read::whole", skip_serializing)]
    pub yearly_bill_month: Option<i64>,
    /// First month in which it is billed, `YYYY-MM`; nothing is no limit.
    #[serde(deserialize_with = "read::text", skip_serializing)]
    pub first_month: Option<String>,
    /// Last month in which it is billed, `YYYY-MM`; nothing is no limit.
    #[serde(deserialize_with = "read::text", skip_serializing)]
    pub last_month: Option<String>,
}

/// A feature agreed on beside the plan (rule 9).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FeatureOverride {
    /// Which.
    #[serde(deserialize_with = "read::text")]
    pub feature_type: Option<String>,
    /// Whether it counts.
    #[serde(deserialize_with = "read::flag")]
    pub override_enabled: bool,
    /// What it is.
    #[serde(deserialize_with = "read::text")]
    pub value: Option<String>,
}

/// Hours that an archived bill holds (rule 48): a row of `billed_hours` with the month of its snapshot.
#[derive(Clone, Debug)]
pub struct BilledHours {
    /// Month of the bill that holds them; `None` where only the hours are known.
    pub period: Option<Period>,
    /// The ticket.
    pub ticket_number: String,
    /// The entry; `None` for hours of a ticket without dated entries.
    pub time_entry_id: Option<i64>,
    /// The hours.
    pub hours: Hours,
}
