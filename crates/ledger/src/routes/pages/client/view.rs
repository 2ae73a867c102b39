//! What the page of a bill shows of it.

mod hours;

pub use hours::HoursView;

use super::{
    super::parts::{self, Currency},
    lines::{ChargeLine, Group, Mark, Reader},
    warnings::Warning,
};
use crate::{
    bills::Material,
    domain::billing::{Bill, Money, Plan, explain::LineKind},
};

/// A fact of the company, with a mark where it differs from the plan.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Name.
    pub label: &'static str,
    /// Value.
    pub value: String,
    /// Where it differs.
    pub mark: Option<Mark>,
    /// Whether it stands out: the contract has ended.
    pub is_bad: bool,
}

/// A feature that is included.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Name.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Where it differs from the plan.
    pub mark: Option<Mark>,
}

/// The backup of a bill.
#[derive(Clone, Debug)]
pub struct BackupView {
    /// TB.
    pub total: String,
    /// TB.
    pub included: String,
    /// TB.
    pub overage: String,
    /// Charge.
    pub charge: String,
    /// Its parts.
    pub lines: Vec<ChargeLine>,
}

/// A sum in the head.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What.
    pub label: &'static str,
    /// How much.
    pub value: String,
    /// Where it stands on the page.
    pub anchor: &'static str,
}

/// A bill.
pub struct BillView {
    /// Everything.
    pub total: String,
    /// Its parts.
    pub figures: Vec<Figure>,
    /// About the company.
    pub facts: Vec<Fact>,
    /// What is included.
    pub features: Vec<Feature>,
    /// Devices.
    pub assets: Vec<Group>,
    /// Their sum.
    pub total_assets: String,
    /// People.
    pub users: Vec<Group>,
    /// Their sum.
    pub total_users: String,
    /// Hours.
    pub hours: HoursView,
    /// Backup.
    pub backup: BackupView,
    /// Line items.
    pub items: Vec<ChargeLine>,
    /// Their sum.
    pub total_items: String,
    /// What to look at first.
    pub warnings: Vec<Warning>,
}

impl BillView {
    /// Of a bill.
    pub fn of(material: &Material, bill: &Bill<'_>, currency: &Currency) -> Self {
        let plan = plan_of(material, bill);
        let reader = Reader { currency, plan };
        let receipt = &bill.receipt;
        let of_kind = |kind: LineKind| bill.explain.lines.iter().filter(move |line| line.kind == kind);
        let money = |amount: Money| reader.money(amount);
        let figures = [
            ("Users", receipt.total_user_charges, "users"),
            ("Assets", receipt.total_asset_charges, "assets"),
            ("Hours", receipt.ticket_charge, "hours"),
            ("Backup", receipt.backup_charge, "backup"),
            ("Line items", receipt.total_line_item_charges, "items"),
        ];
        Self {
            total: money(receipt.total),
            figures: figures
                .into_iter()
                .map(|(label, amount, anchor)| Figure { label, value: money(amount), anchor })
                .collect(),
            facts: facts(material, bill, plan),
            features: features(bill, plan),
            assets: reader.groups(of_kind(LineKind::Asset)),
            total_assets: money(receipt.total_asset_charges),
            users: reader.groups(of_kind(LineKind::User)),
            total_users: money(receipt.total_user_charges),
            hours: HoursView::of(bill, &reader),
            backup: BackupView {
                total: bill.total_backup_tb.two_places().to_string(),
                included: receipt.total_included_tb.two_places().to_string(),
                overage: receipt.overage_tb.two_places().to_string(),
                charge: money(receipt.backup_charge),
                lines: of_kind(LineKind::Backup).map(|line| reader.line(line)).collect(),
            },
            items: of_kind(LineKind::Custom).map(|line| reader.line(line)).collect(),
            total_items: money(receipt.total_line_item_charges),
            warnings: Vec::new(),
        }
    }
}

/// The plan behind a bill.
pub fn plan_of<'a>(material: &'a Material, bill: &Bill<'_>) -> Option<&'a Plan> {
    let (name, term) = (bill.client.billing_plan, bill.client.contract_term_length.trim());
    material.inputs().plans.iter().find(|plan| plan.plan_name == name && plan.term_length == term)
}

fn facts(material: &Material, bill: &Bill<'_>, plan: Option<&Plan>) -> Vec<Fact> {
    let company = &material.data().company;
    let fact = |label, value: &str| Fact { label, value: value.to_owned(), mark: None, is_bad: false };
    let own = |of: Option<&str>| Mark {
        word: "Override",
        title: of.map_or_else(|| "Agreed with the client".to_owned(), |of| format!("Without it: {of}")),
    };
    let in_codex = company.billing_plan.as_deref().map(str::trim).filter(|plan| !plan.is_empty());
    let mut plan_fact = fact("Billing Plan", bill.client.billing_plan);
    if in_codex != Some(bill.client.billing_plan) {
        plan_fact.mark = Some(own(in_codex.or(Some("no plan"))));
    }
    let level = bill.support_level_display.unwrap_or("N/A");
    let mut support = fact("Support Level", level);
    let in_plan = plan.and_then(Plan::support_level);
    if in_plan != bill.support_level_display {
        support.mark = Some(own(in_plan));
    }
    let mut facts = vec![
        fact("Account Number", bill.account_number()),
        fact("Billing Period", &bill.period.to_string()),
        plan_fact,
        fact("Contract Term", bill.client.contract_term_length),
        support,
    ];
    if let Some(start) = company.contract_start_date.as_deref().filter(|start| !start.is_empty()) {
        facts.push(fact("Contract Start", parts::day(start)));
    }
    let mut end = fact("Contract End", parts::day(&bill.contract_end_date));
    end.is_bad = bill.contract_expired;
    facts.push(end);
    facts
}

fn features(bill: &Bill<'_>, plan: Option<&Plan>) -> Vec<Feature> {
    let included = bill.plan_features.iter().filter(|(_, value)| **value != "Not Included");
    included
        .map(|(key, value)| {
            let name = bill.feature_display_names.get(key).copied().flatten();
            let is_own = bill.feature_override_status.get(key).copied().unwrap_or_default();
            let in_plan = plan.and_then(|plan| plan.features.get(*key)?.as_deref()).unwrap_or("Not Included");
            Feature {
                name: name.map_or_else(|| parts::title_of(key), str::to_owned),
                value: (*value).to_owned(),
                mark: is_own.then(|| Mark { word: "Override", title: format!("The plan says: {in_plan}") }),
            }
        })
        .collect()
}
