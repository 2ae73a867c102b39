//! The members of a case.

use serde::Deserialize;

use super::{
    Asset, ClientOverride, Company, Contact, FeatureOverride, HoursReading, Kept, LineItem, ManualAsset,
    ManualUser, Plan, Ticket, TypeOverride, YearlyPool,
};
use crate::domain::billing::{Hours, read};

/// The whole case.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    #[serde(deserialize_with = "read::text")]
    pub now: Option<String>,
    #[serde(deserialize_with = "read::whole")]
    pub year: Option<i64>,
    #[serde(deserialize_with = "read::whole")]
    pub month: Option<i64>,
    pub company: Option<Kept<Company>>,
    #[serde(deserialize_with = "read::kept_list")]
    pub assets: Vec<Kept<Asset>>,
    #[serde(deserialize_with = "read::kept_list")]
    pub users: Vec<Kept<Contact>>,
    #[serde(deserialize_with = "read::list")]
    pub tickets: Vec<Ticket>,
    #[serde(deserialize_with = "read::list")]
    pub plans: Vec<Plan>,
    #[serde(deserialize_with = "read::maybe_flag")]
    pub plan_cache: Option<bool>,
    #[serde(deserialize_with = "read::or_default")]
    pub ledger: Rows,
    #[serde(deserialize_with = "read::or_default")]
    pub settings: Settings,
}

/// Choices of the operator.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub yearly_pool: Option<YearlyPool>,
    pub hours: Option<HoursReading>,
}

/// Ledger's tables.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Rows {
    pub client_override: Option<ClientOverride>,
    #[serde(deserialize_with = "read::list")]
    pub asset_overrides: Vec<TypeOverride>,
    #[serde(deserialize_with = "read::list")]
    pub user_overrides: Vec<TypeOverride>,
    #[serde(deserialize_with = "read::list")]
    pub manual_assets: Vec<ManualAsset>,
    #[serde(deserialize_with = "read::list")]
    pub manual_users: Vec<ManualUser>,
    #[serde(deserialize_with = "read::list")]
    pub custom_line_items: Vec<LineItem>,
    #[serde(deserialize_with = "read::list")]
    pub feature_overrides: Vec<FeatureOverride>,
    /// What is known from the start where there are none.
    #[serde(deserialize_with = "read::given_list")]
    pub device_type_mappings: Option<Vec<Mapping>>,
    #[serde(deserialize_with = "read::list")]
    pub billing_snapshots: Vec<Snapshot>,
    #[serde(deserialize_with = "read::list")]
    pub billed_hours: Vec<Billed>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Mapping {
    #[serde(deserialize_with = "read::text")]
    pub device_type: Option<String>,
    #[serde(deserialize_with = "read::text")]
    pub billing_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Snapshot {
    #[serde(deserialize_with = "read::whole")]
    pub id: Option<i64>,
    #[serde(deserialize_with = "read::whole")]
    pub billing_year: Option<i64>,
    #[serde(deserialize_with = "read::whole")]
    pub billing_month: Option<i64>,
}

/// A row of `billed_hours`. Its month is that of its snapshot, unless it names one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Billed {
    #[serde(deserialize_with = "read::whole")]
    pub snapshot_id: Option<i64>,
    #[serde(deserialize_with = "read::whole")]
    pub billing_year: Option<i64>,
    #[serde(deserialize_with = "read::whole")]
    pub billing_month: Option<i64>,
    #[serde(deserialize_with = "read::text")]
    pub ticket_number: Option<String>,
    #[serde(deserialize_with = "read::whole")]
    pub time_entry_id: Option<i64>,
    #[serde(deserialize_with = "read::hours")]
    pub hours: Hours,
}
