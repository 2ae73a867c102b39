//! One company and month as a JSON document: what `compute` reads. It is the `input` member of a billing vector, where Ledger's
//! own rows stand under the names of their tables and columns.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, FixedOffset};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use thiserror::Error;

use crate::domain::billing::{
    Inputs, Period, Plan, Readings,
    device_types::DeviceTypes,
    inputs::{
        Asset, BilledHours, ClientOverride, Company, Contact, FeatureOverride, LineItem, ManualAsset,
        ManualUser, Ticket, TypeOverride, TypeOverrides,
    },
    read::{Kept, plain, time},
    readings::{HoursReading, YearlyPool},
};

mod format;

use format::Document;

/// Why a document is no case. The text begins with the name of the field.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{0}")]
pub struct BadCase(String);

impl BadCase {
    fn in_field(field: &str, error: &str) -> Self {
        Self(format!("{field}: {error}"))
    }
}

/// A case that was read.
#[derive(Clone, Debug)]
pub struct Case {
    period: Period,
    now: DateTime<FixedOffset>,
    company: Kept<Company>,
    assets: Vec<Kept<Asset>>,
    contacts: Vec<Kept<Contact>>,
    tickets: Vec<Ticket>,
    plans: Vec<Plan>,
    with_features: bool,
    client_override: Option<ClientOverride>,
    asset_overrides: TypeOverrides,
    user_overrides: TypeOverrides,
    manual_assets: Vec<ManualAsset>,
    manual_users: Vec<ManualUser>,
    line_items: Vec<LineItem>,
    feature_overrides: Vec<FeatureOverride>,
    device_types: DeviceTypes,
    archived: BTreeSet<Period>,
    billed_hours: Vec<BilledHours>,
    /// The document speaks of one company.
    entry_holders: HashMap<i64, String>,
    /// The choices of the case itself.
    pub readings: Readings,
}

impl Case {
    /// Reads a case, or the vector it stands in.
    ///
    /// # Errors
    /// The document is no JSON, or a field of it cannot be used: which, and why.
    pub fn read(text: &str) -> Result<Self, BadCase> {
        #[derive(Deserialize)]
        struct Vector {
            input: Option<Box<RawValue>>,
        }
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if !text.starts_with('{') {
            return Err(BadCase("the document must be a JSON object".to_owned()));
        }
        let vector: Vector = serde_json::from_str(text).map_err(|error| BadCase(error.to_string()))?;
        let (prefix, json) = match &vector.input {
            Some(input) => ("input.", input.get()),
            None => ("", text),
        };
        if !json.starts_with('{') {
            return Err(BadCase::in_field("input", "must be an object"));
        }
        let mut json = serde_json::Deserializer::from_str(json);
        let document: Document = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let field = format!("{prefix}{}", if path == "." { "" } else { &path });
            match field.trim_end_matches('.') {
                "" => BadCase(plain(error.inner())),
                field => BadCase::in_field(field, &plain(error.inner())),
            }
        })?;
        Self::of(document).map_err(|BadCase(error)| BadCase(format!("{prefix}{error}")))
    }

    fn of(document: Document) -> Result<Self, BadCase> {
        let missing = |field: &str| BadCase::in_field(field, "is missing");
        let year = document.year.ok_or_else(|| missing("year"))?;
        let month = document.month.ok_or_else(|| missing("month"))?;
        let period = period("year", year, "month", month)?;
        let now = document.now.ok_or_else(|| missing("now"))?;
        let now = time(&now)
            .ok_or_else(|| BadCase::in_field("now", "must be a time such as 2025-07-15T12:00:00Z"))?;
        let company = document.company.ok_or_else(|| missing("company"))?;
        // The bill repeats the company with another plan and term, for which it is taken apart.
        serde_json::from_str::<Map<String, Value>>(company.json().get())
            .map_err(|error| BadCase::in_field("company", &plain(&error)))?;
        let rows = document.ledger;
        let mut snapshots = HashMap::new();
        for (place, row) in rows.billing_snapshots.iter().enumerate() {
            let field = |name: &str| format!("ledger.billing_snapshots[{place}].{name}");
            let year = row.billing_year.ok_or_else(|| missing(&field("billing_year")))?;
            let month = row.billing_month.ok_or_else(|| missing(&field("billing_month")))?;
            snapshots.insert((place, row.id), period_of(&field, year, month)?);
        }
        let by_id: HashMap<i64, Period> =
            snapshots.iter().filter_map(|((_, id), period)| Some(((*id)?, *period))).collect();
        let mut billed_hours = Vec::with_capacity(rows.billed_hours.len());
        for (place, row) in rows.billed_hours.into_iter().enumerate() {
            let field = |name: &str| format!("ledger.billed_hours[{place}].{name}");
            let own = match (row.billing_year, row.billing_month) {
                (Some(year), Some(month)) => Some(period_of(&field, year, month)?),
                _ => None,
            };
            billed_hours.push(BilledHours {
                period: own.or_else(|| by_id.get(&row.snapshot_id?).copied()),
                ticket_number: row.ticket_number.unwrap_or_default(),
                time_entry_id: row.time_entry_id,
                hours: row.hours,
            });
        }
        let mappings = rows.device_type_mappings.map(|rows| {
            let rows = rows.into_iter();
            rows.filter_map(|row| Some((row.device_type?, row.billing_type?))).collect::<DeviceTypes>()
        });
        Ok(Self {
            period,
            now,
            company,
            assets: document.assets,
            contacts: document.users,
            tickets: document.tickets,
            plans: document.plans,
            with_features: document.plan_cache.unwrap_or(true),
            client_override: rows.client_override,
            asset_overrides: rows.asset_overrides.into_iter().collect(),
            user_overrides: rows.user_overrides.into_iter().collect(),
            manual_assets: rows.manual_assets,
            manual_users: rows.manual_users,
            line_items: rows.custom_line_items,
            feature_overrides: rows.feature_overrides,
            device_types: mappings.unwrap_or_default(),
            // A month whose bill holds hours is archived, named among the snapshots or not.
            archived: snapshots
                .into_values()
                .chain(billed_hours.iter().filter_map(|row| row.period))
                .collect(),
            billed_hours,
            entry_holders: HashMap::new(),
            readings: Readings {
                yearly_pool: document.settings.yearly_pool.unwrap_or_default(),
                hours: document.settings.hours.unwrap_or_default(),
                original: false,
            },
        })
    }

    /// The month.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// What a bill is made of.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            period: self.period,
            now: self.now,
            company: &self.company,
            assets: &self.assets,
            contacts: &self.contacts,
            tickets: &self.tickets,
            plans: &self.plans,
            with_features: self.with_features,
            client_override: self.client_override.as_ref(),
            asset_overrides: &self.asset_overrides,
            user_overrides: &self.user_overrides,
            manual_assets: &self.manual_assets,
            manual_users: &self.manual_users,
            line_items: &self.line_items,
            feature_overrides: &self.feature_overrides,
            device_types: &self.device_types,
            archived: &self.archived,
            billed_hours: &self.billed_hours,
            entry_holders: &self.entry_holders,
            readings: self.readings,
        }
    }
}

fn period_of(field: &impl Fn(&str) -> String, year: i64, month: i64) -> Result<Period, BadCase> {
    period(&field("billing_year"), year, &field("billing_month"), month)
}

fn period(year_field: &str, year: i64, month_field: &str, month: i64) -> Result<Period, BadCase> {
    if !(1..=12).contains(&month) {
        return Err(BadCase::in_field(month_field, "must be between 1 and 12"));
    }
    Period::new(year, month).ok_or_else(|| BadCase::in_field(year_field, "must be between 1 and 9999"))
}

#[cfg(test)]
mod tests;
