//! Everything of Ledger's own that bills depend on, in a fixed number of queries whatever the number of companies.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{
    billed_hours, client, device_types, features, items, manual, settings, snapshots,
    types::{self, Of, TypeRow},
};
use crate::domain::billing::{
    device_types::DeviceTypes,
    inputs::{
        BilledHours, ClientOverride, FeatureOverride, LineItem, ManualAsset, ManualUser, TypeOverride,
        TypeOverrides,
    },
    number::Money,
    period::Period,
    readings::{HoursReading, Readings, YearlyPool},
};
use crate::domain::changes::added;

/// What Ledger knows of one company.
#[derive(Clone, Debug, Default)]
pub struct CompanyRows {
    /// Own conditions.
    pub client_override: Option<ClientOverride>,
    /// Devices that Codex does not know.
    pub manual_assets: Vec<ManualAsset>,
    /// People whom Codex does not know.
    pub manual_users: Vec<ManualUser>,
    /// What is billed besides.
    pub line_items: Vec<LineItem>,
    /// Features agreed on.
    pub feature_overrides: Vec<FeatureOverride>,
    /// Months that are archived.
    pub archived: BTreeSet<Period>,
    /// Those of them that are archived under an account number that the company had before, with that number.
    pub archived_before: BTreeMap<Period, String>,
    /// Hours that archived bills hold.
    pub billed_hours: Vec<BilledHours>,
    /// Where the company's archive ends; a bill is archived only onto the archive that it was computed from.
    pub archive_end: i64,
}

/// What Ledger knows of companies.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// By account number.
    pub companies: HashMap<String, CompanyRows>,
    /// Types of single devices.
    pub asset_overrides: TypeOverrides,
    /// Types of single people.
    pub user_overrides: TypeOverrides,
    /// Whose archived bill holds an entry, by its id.
    pub entry_holders: HashMap<i64, String>,
    /// Which rate a kind of device has.
    pub device_types: DeviceTypes,
    /// The operator's choices.
    pub readings: Readings,
}

/// Whose rows are read.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Account numbers.
    pub companies: &'a [String],
    /// Codex's ids of their devices.
    pub assets: &'a [i64],
    /// Codex's ids of their people.
    pub users: &'a [i64],
    /// Codex's ids of the hours booked on their tickets.
    pub entries: &'a [i64],
}

/// Reads the rows of these companies, of all without a list, for bills of `year`. The transaction should be one snapshot of
/// the database, so that all rows agree.
///
/// # Errors
/// When the database cannot be read.
pub async fn read(connection: &mut PgConnection, whose: Option<Whose<'_>>, year: i32) -> sqlx::Result<Rows> {
    let only = whose.map(|whose| whose.companies);
    let mut rows = Rows {
        readings: readings(&settings::load(&mut *connection).await?),
        device_types: device_types::list(&mut *connection)
            .await?
            .into_iter()
            .map(|row| (row.device_type, row.billing_type))
            .collect(),
        asset_overrides: type_overrides(
            types::list(&mut *connection, Of::Assets, whose.map(|whose| whose.assets)).await?,
        ),
        user_overrides: type_overrides(
            types::list(&mut *connection, Of::Users, whose.map(|whose| whose.users)).await?,
        ),
        entry_holders: HashMap::new(),
        companies: HashMap::new(),
    };
    for (account_number, conditions) in client::list(&mut *connection, only).await? {
        rows.of(account_number).client_override = Some(conditions.in_force());
    }
    for row in manual::assets(&mut *connection, only).await? {
        rows.of(row.company_account_number).manual_assets.push(ManualAsset {
            id: Some(row.id.into()),
            hostname: Some(row.name),
            billing_type: Some(row.billing_type),
            custom_cost: money(row.custom_cost),
        });
    }
    for row in manual::users(&mut *connection, only).await? {
        rows.of(row.company_account_number).manual_users.push(ManualUser {
            id: Some(row.id.into()),
            full_name: Some(row.name),
            billing_type: Some(row.billing_type),
            custom_cost: money(row.custom_cost),
        });
    }
    for row in items::list(&mut *connection, only).await? {
        let item = added::billed(row.item, Some(row.id.into()));
        rows.of(row.company_account_number).line_items.push(item);
    }
    for row in features::list(&mut *connection, only).await? {
        rows.of(row.company_account_number).feature_overrides.push(FeatureOverride {
            feature_type: Some(row.feature_type),
            override_enabled: row.override_enabled,
            value: row.value,
        });
    }
    // The archive stays under the numbers that companies had; what it holds is billed all the same.
    for month in snapshots::months(&mut *connection, only).await? {
        let period = Period::new(month.billing_year.into(), month.billing_month.into());
        let (number, current) = (month.company_account_number, month.current_account_number);
        if current != number {
            let company = rows.of(current);
            company.archived.extend(period);
            company.archived_before.extend(period.map(|period| (period, number.clone())));
            company.archive_end = company.archive_end.max(month.position);
        }
        let company = rows.of(number);
        company.archived.extend(period);
        company.archive_end = company.archive_end.max(month.position);
    }
    let entries = whose.map(|whose| whose.entries);
    let wanted: Option<HashSet<&String>> = only.map(|only| only.iter().collect());
    for (account_number, hours) in billed_hours::list(connection, only, entries, year - 1).await? {
        if let Some(entry) = hours.time_entry_id {
            rows.entry_holders.insert(entry, account_number.clone());
        }
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&account_number)) {
            rows.of(account_number).billed_hours.push(hours);
        }
    }
    Ok(rows)
}

impl Rows {
    fn of(&mut self, account_number: String) -> &mut CompanyRows {
        self.companies.entry(account_number).or_default()
    }
}

fn money(cost: Option<Decimal>) -> Option<Money> {
    cost.and_then(|cost| Money::new(cost).ok())
}

fn type_overrides(rows: Vec<TypeRow>) -> TypeOverrides {
    let rows = rows.into_iter().map(|row| TypeOverride {
        id: Some(row.id),
        billing_type: row.billing_type,
        custom_cost: money(row.custom_cost),
    });
    rows.collect()
}

/// The operator's choices among the readings.
pub fn readings(settings: &settings::BillingSettings) -> Readings {
    Readings {
        yearly_pool: if settings.yearly_pool == "net" { YearlyPool::Net } else { YearlyPool::Gross },
        hours: if settings.hours == "original" { HoursReading::Original } else { HoursReading::Dated },
        original: false,
    }
}
