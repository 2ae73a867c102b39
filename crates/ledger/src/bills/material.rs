//! Everything that the bill of one company depends on.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, FixedOffset, Utc};

use crate::{
    clients::codex::{CodexError, CompanyData},
    domain::{
        billing::{
            Bill, Inputs, NoBill, Period, Plan, Readings, compute, device_types::DeviceTypes,
            inputs::TypeOverrides,
        },
        documents::xero,
    },
    store::inputs::{CompanyRows, Rows},
};

/// When Codex last read the tickets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AsOf {
    /// Then.
    At(DateTime<Utc>),
    /// It does not tell, as the original's does not, or reads none at all.
    Untold,
    /// It did not answer. A bill of it can be shown; it is not known to be whole.
    Unheard,
}

impl AsOf {
    /// What came of asking.
    pub(super) fn heard(answer: Result<Option<DateTime<Utc>>, CodexError>) -> Self {
        match answer {
            Ok(Some(at)) => Self::At(at),
            Ok(None) => Self::Untold,
            Err(error) => {
                tracing::warn!(%error, "Codex did not say when it last read the tickets");
                Self::Unheard
            }
        }
    }
}

/// What all companies have in common.
#[derive(Debug)]
struct Common {
    plans: Arc<[Plan]>,
    asset_overrides: TypeOverrides,
    user_overrides: TypeOverrides,
    entry_holders: HashMap<i64, String>,
    device_types: DeviceTypes,
    readings: Readings,
    period: Period,
    now: DateTime<FixedOffset>,
    tickets_as_of: AsOf,
}

/// Everything that the bill of one company for one month depends on.
#[derive(Debug)]
pub struct Material {
    data: CompanyData,
    rows: CompanyRows,
    common: Arc<Common>,
}

impl Material {
    /// One for each company.
    pub(super) fn of(
        companies: Vec<CompanyData>,
        rows: Rows,
        plans: Arc<[Plan]>,
        period: Period,
        now: DateTime<FixedOffset>,
        tickets_as_of: AsOf,
    ) -> Vec<Self> {
        let Rows {
            companies: mut own,
            asset_overrides,
            user_overrides,
            entry_holders,
            device_types,
            readings,
        } = rows;
        let common = Arc::new(Common {
            plans,
            asset_overrides,
            user_overrides,
            entry_holders,
            device_types,
            readings,
            period,
            now,
            tickets_as_of,
        });
        let of_one = |data: CompanyData| {
            let number = data.company.account_number.as_deref().unwrap_or_default();
            let rows = own.remove(number).unwrap_or_default();
            Self { rows, common: common.clone(), data }
        };
        companies.into_iter().map(of_one).collect()
    }

    /// Account number, empty where Codex has none.
    pub fn account_number(&self) -> &str {
        self.data.company.account_number.as_deref().unwrap_or_default()
    }

    /// Name; the account number where Codex has none.
    pub fn company_name(&self) -> &str {
        let name = self.data.company.name.as_deref().filter(|name| !name.trim().is_empty());
        name.unwrap_or_else(|| self.account_number())
    }

    /// What Codex says.
    pub fn data(&self) -> &CompanyData {
        &self.data
    }

    /// What Ledger's tables say.
    pub fn rows(&self) -> &CompanyRows {
        &self.rows
    }

    /// The month.
    pub fn period(&self) -> Period {
        self.common.period
    }

    /// Whether the company is one that is not billed: its plan is named `inactive` (ledger.md §3.3).
    pub fn is_inactive(&self) -> bool {
        self.plan_name().is_some_and(|plan| plan.eq_ignore_ascii_case("inactive"))
    }

    /// The plan that the company has, or was given here.
    pub fn plan_name(&self) -> Option<&str> {
        let own = self.rows.client_override.as_ref().and_then(|own| own.billing_plan.as_deref());
        let plan = own.filter(|name| !name.is_empty()).or(self.data.company.billing_plan.as_deref())?;
        Some(plan.trim()).filter(|plan| !plan.is_empty())
    }

    /// Why the bill cannot be final: the month was archived before the company's account number became another one, or the month
    /// is over and Codex read the tickets for the last time before its end, so that hours are likely to be missing, or did not
    /// say when. Of that nothing where Codex never tells.
    pub fn incomplete(&self) -> Option<String> {
        if let Some(former) = self.rows.archived_before.get(&self.common.period) {
            return Some(format!(
                "{} is archived under the account number {former}, which this company had before",
                self.common.period
            ));
        }
        let end = self.common.period.next().begins();
        match self.common.tickets_as_of {
            _ if self.common.now < end => None,
            AsOf::Untold => None,
            AsOf::Unheard => Some(format!(
                "Codex did not answer when it was asked whether it has read the tickets to the end of {}; try again",
                self.common.period
            )),
            AsOf::At(read) => (read < end).then(|| {
                format!(
                    "Codex last read the tickets on {}, before the end of {}",
                    read.format("%Y-%m-%d %H:%M UTC"),
                    self.common.period
                )
            }),
        }
    }

    /// What should be looked at although the bill can be final, sentence by sentence.
    pub fn warnings(&self, bill: &Bill<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        let period = self.common.period;
        if self.common.now < period.next().begins() {
            warnings.push(format!(
                "{period} is not over: hours that are still to come will be in the next open month"
            ));
        }
        let letters = self.company_name().chars().count();
        if letters > xero::NAME {
            warnings.push(format!(
                "The company's name has {letters} letters: the invoice has all of them, names of files and Xero the first ones"
            ));
        }
        if bill.contract_expired {
            warnings.push(format!("The contract ended on {}", bill.contract_end_date));
        }
        if !bill.unmapped_devices.is_empty() {
            let names = bill.unmapped_devices.iter().map(|device| device.hostname);
            warnings.push(format!(
                "Devices of a kind without a billing type are billed as Workstation: {}",
                some_of(names)
            ));
        }
        if !bill.skipped_tickets.is_empty() {
            let numbers = bill.skipped_tickets.iter().copied();
            warnings.push(format!("Tickets without a readable time are left out: {}", some_of(numbers)));
        }
        warnings
    }

    /// Whether this month is in the archive.
    pub fn is_archived(&self) -> bool {
        self.rows.archived.contains(&self.common.period)
    }

    /// What the bill is computed from.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            period: self.common.period,
            now: self.common.now,
            company: &self.data.company,
            assets: &self.data.assets,
            contacts: &self.data.contacts,
            tickets: &self.data.tickets,
            plans: &self.common.plans,
            with_features: true,
            client_override: self.rows.client_override.as_ref(),
            asset_overrides: &self.common.asset_overrides,
            user_overrides: &self.common.user_overrides,
            manual_assets: &self.rows.manual_assets,
            manual_users: &self.rows.manual_users,
            line_items: &self.rows.line_items,
            feature_overrides: &self.rows.feature_overrides,
            device_types: &self.common.device_types,
            archived: &self.rows.archived,
            billed_hours: &self.rows.billed_hours,
            entry_holders: &self.common.entry_holders,
            readings: self.common.readings,
        }
    }

    /// The bill.
    ///
    /// # Errors
    /// Why there is none.
    pub fn bill(&self) -> Result<Bill<'_>, NoBill> {
        compute(&self.inputs())
    }
}

/// The first few of some names, and how many more there are.
fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const TOLD: usize = 8;
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(TOLD);
    let told = names.into_iter().take(TOLD).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{told} and {more} more") } else { told }
}
