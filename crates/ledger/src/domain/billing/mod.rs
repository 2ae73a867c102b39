//! Bills (ledger.md section 4): one pure function from what is known about a company to what it owes, and why.
//!
//! All arithmetic is exact: money and hours are decimals ([`number`]), volume is counted in bytes ([`terabytes`]). There is one
//! rounding, half away from zero to cents, once for the charge of hours and once for the overage of backup (rule 41).
//! Amounts are bounded where they come in, so no sum of them can overflow; nothing here panics.

mod assets;
mod backup;
mod contract;
pub mod device_types;
pub mod explain;
mod features;
mod hours;
pub mod inputs;
mod items;
pub mod number;
pub mod period;
mod plan;
pub mod quantities;
pub mod rates;
pub mod read;
pub mod readings;
pub mod result;
pub mod terabytes;
pub mod texts;
mod users;

pub use inputs::Inputs;
pub use number::{Hours, Money};
pub use period::Period;
pub use plan::{NoBill, Plan};
pub use readings::{HoursReading, Readings, YearlyPool};
pub use result::Bill;
pub use terabytes::Terabytes;

use explain::Explanation;
use quantities::Quantities;
use rates::Rates;
use result::{Client, Receipt};

/// Makes the bill of a company for a month.
///
/// # Errors
/// Why there is none: no account number (rule 1), or no plan (rule 4).
pub fn compute<'a>(inputs: &Inputs<'a>) -> Result<Bill<'a>, NoBill> {
    let chosen = plan::choose(inputs.company, inputs.client_override, inputs.plans)?;
    let rates = Rates::of(chosen.plan, inputs.client_override);
    let mut quantities = Quantities::default();
    let types: Vec<_> = inputs.assets.iter().map(|asset| assets::type_of(asset, inputs)).collect();
    let devices = assets::bill(inputs, &types, &rates, &mut quantities);
    let people = users::bill(inputs, &rates, &mut quantities);
    let backup = backup::bill(inputs, &types, &rates);
    let labour = hours::bill(inputs, &rates);
    let items = items::bill(inputs.line_items, inputs.period);
    let features = features::of(inputs.with_features.then_some(chosen.plan), inputs.feature_overrides);
    let contract_end = contract::end(inputs.company, chosen.term.trim(), inputs.now.date_naive());
    let backup_charge = backup.charge();

    // In the order of the invoice.
    let mut lines = people.lines;
    lines.extend(devices.lines);
    lines.extend(backup.lines);
    lines.extend(labour.line);
    lines.extend(items.lines);
    Ok(Bill {
        period: inputs.period,
        client: Client {
            company: inputs.company,
            billing_plan: chosen.name,
            contract_term_length: chosen.term,
        },
        assets: inputs.assets,
        users: inputs.contacts,
        manual_assets: inputs.manual_assets,
        manual_users: inputs.manual_users,
        custom_line_items: inputs.line_items,
        tickets_for_billing_period: labour.tickets,
        receipt: Receipt {
            billed_assets: devices.billed,
            billed_users: people.billed,
            billed_line_items: items.billed,
            total_user_charges: people.total,
            total_asset_charges: devices.total,
            total_line_item_charges: items.total,
            ticket_charge: labour.charge,
            backup_charge,
            total: [devices.total, people.total, labour.charge, backup_charge, items.total].into_iter().sum(),
            hours_for_billing_period: labour.hours,
            prepaid_hours_monthly: labour.prepaid_monthly,
            prepaid_hours_yearly: labour.prepaid_yearly,
            billable_hours: labour.billable,
            backup_base_workstation: backup.base_workstation,
            backup_base_server: backup.base_server,
            total_included_tb: backup.included_tb,
            overage_tb: backup.overage_tb,
            overage_charge: backup.overage_charge,
        },
        support_level_display: rates.support_level,
        explain: Explanation {
            lines,
            rate_sources: rates.sources(),
            hours: labour.explained,
            custom_users: people.custom,
        },
        effective_rates: rates,
        plan_features: features.effective.clone(),
        effective_features: features.effective,
        feature_display_names: features
            .display_names
            .into_iter()
            .flatten()
            .map(|(key, name)| (key.as_str(), name.as_deref()))
            .collect(),
        feature_override_status: features.overridden,
        quantities,
        backup_info: backup.info,
        total_backup_tb: backup.total_tb,
        remaining_yearly_hours: labour.remaining_yearly,
        hours_this_month: labour.this_month,
        hours_last_month: labour.last_month,
        contract_end_date: contract_end.text,
        contract_expired: contract_end.expired,
        unmapped_devices: devices.unmapped,
        skipped_tickets: labour.skipped,
        billed_hours: labour.held,
    })
}
