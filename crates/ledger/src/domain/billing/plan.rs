//! Which plan a company has (rules 1 to 4).

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    inputs::{ClientOverride, Company},
    number::Money,
    rates::RATES,
    read,
};

/// Term of a company without one (rule 2).
pub(super) const MONTH_TO_MONTH: &str = "Month to Month";

/// A plan as Codex lists it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Codex's id.
    pub id: Option<i64>,
    /// Name.
    pub plan_name: String,
    /// Term.
    pub term_length: String,
    /// Support level; outer `None` where the member is missing (rule 5).
    pub support_level: Option<Option<String>>,
    /// In the order of [`RATES`].
    pub rates: [Option<Money>; RATES.len()],
    /// What it includes (rule 9).
    pub features: IndexMap<String, Option<String>>,
    /// How features are called.
    pub feature_display_names: IndexMap<String, Option<String>>,
}

impl Plan {
    /// The eleven rates by name; what is missing costs nothing.
    pub fn named_rates(&self) -> impl Iterator<Item = (&'static str, Money)> {
        RATES.iter().zip(&self.rates).map(|(rate, value)| (rate.name, value.unwrap_or_default()))
    }

    /// The support level (rule 5).
    pub fn support_level(&self) -> Option<&str> {
        self.support_level.as_ref().map_or(Some("Billed Hourly"), |level| level.as_deref())
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut plan = Self::default();
        let named = |name: &str, error: &dyn std::fmt::Display| D::Error::custom(format!("{name}: {error}"));
        for (name, json) in IndexMap::<String, Box<RawValue>>::deserialize(deserializer)? {
            let text = || read::text_of(&json).map_err(|error| named(&name, &error));
            match name.as_str() {
                "id" => plan.id = serde_json::from_str(json.get()).unwrap_or_default(),
                "plan_name" => plan.plan_name = text()?.unwrap_or_default(),
                "term_length" => plan.term_length = text()?.unwrap_or_default(),
                "support_level" => plan.support_level = Some(text()?),
                "features" => plan.features = texts(&json).map_err(|error| named(&name, &error))?,
                "feature_display_names" => {
                    plan.feature_display_names = texts(&json).map_err(|error| named(&name, &error))?;
                }
                _ => {
                    if let Some(place) = RATES.iter().position(|rate| rate.name == name) {
                        plan.rates[place] = read::rate_of(&json).map_err(|error| named(&name, &error))?;
                    }
                }
            }
        }
        Ok(plan)
    }
}

/// A map of texts; what is no text there does not keep a bill from being made.
fn texts(json: &RawValue) -> Result<IndexMap<String, Option<String>>, &'static str> {
    let map: Option<IndexMap<String, Box<RawValue>>> =
        serde_json::from_str(json.get()).map_err(|_| "must be an object")?;
    let texts = map.unwrap_or_default().into_iter();
    Ok(texts.map(|(key, value)| (key, read::text_of(&value).ok().flatten())).collect())
}

/// Why there is no bill.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NoBill {
    /// Rule 1.
    #[error("the company has no account number")]
    NoAccountNumber,
    /// Rule 4, without a plan at all.
    #[error("the company has no billing plan")]
    NoPlan,
    /// Rule 4.
    #[error("there is no plan `{plan}` with the term `{term}`")]
    UnknownPlan {
        /// Name looked for.
        plan: String,
        /// Term looked for.
        term: String,
    },
}

/// What rules 2 to 4 come to.
pub(super) struct Chosen<'a> {
    /// Name, written back to the company.
    pub name: &'a str,
    /// Term, written back to the company.
    pub term: &'a str,
    /// The plan.
    pub plan: &'a Plan,
}

/// Chooses the plan. An overridden plan still has the company's term, and no other term takes its place.
pub(super) fn choose<'a>(
    company: &'a Company,
    own: Option<&'a ClientOverride>,
    plans: &'a [Plan],
) -> Result<Chosen<'a>, NoBill> {
    if company.account_number.as_deref().unwrap_or_default().is_empty() {
        return Err(NoBill::NoAccountNumber);
    }
    let term =
        company.contract_term_length.as_deref().filter(|term| !term.is_empty()).unwrap_or(MONTH_TO_MONTH);
    let overridden = own.and_then(|own| own.billing_plan.as_deref()).filter(|name| !name.is_empty());
    let name = overridden.unwrap_or_else(|| company.billing_plan.as_deref().unwrap_or_default().trim());
    if name.is_empty() {
        return Err(NoBill::NoPlan);
    }
    let plan = plans.iter().find(|plan| plan.plan_name == name && plan.term_length == term.trim());
    let unknown = || NoBill::UnknownPlan { plan: name.to_owned(), term: term.trim().to_owned() };
    Ok(Chosen { name, term, plan: plan.ok_or_else(unknown)? })
}
