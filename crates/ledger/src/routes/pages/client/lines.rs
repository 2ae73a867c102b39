//! The lines of a bill with the reason of each, for people.

use indexmap::IndexMap;

use super::super::parts::Currency;
use crate::domain::billing::{
    Money, Plan,
    explain::{Behind, Line, Quantity, TypeSource},
    rates::Source,
};

/// A mark beside a value that differs from the plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Word of the badge.
    pub word: &'static str,
    /// What it stands for.
    pub title: String,
}

/// A line of a bill.
#[derive(Clone, Debug)]
pub struct ChargeLine {
    /// Of whom or what.
    pub name: String,
    /// Its page in Codex.
    pub link: Option<String>,
    /// Billing type.
    pub kind: String,
    /// What is out of the ordinary.
    pub marks: Vec<Mark>,
    /// `2.50 h × $95.00`.
    pub sum: String,
    /// The whole reason, sentence by sentence.
    pub why: Vec<String>,
    /// Charge.
    pub cost: String,
}

/// Lines of one billing type.
#[derive(Clone, Debug)]
pub struct Group {
    /// The type.
    pub kind: String,
    /// How many.
    pub count: usize,
    /// Their sum.
    pub subtotal: String,
    /// The lines.
    pub lines: Vec<ChargeLine>,
}

/// Lines of a group that are shown at once; a longer one is folded.
const SHOWN: usize = 25;

impl Group {
    /// Whether it is folded until somebody opens it.
    pub fn is_long(&self) -> bool {
        self.count > SHOWN
    }
}

/// What the sentences need besides the line.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// How amounts are written.
    pub currency: &'a Currency,
    /// The plan behind the bill.
    pub plan: Option<&'a Plan>,
}

impl Reader<'_> {
    /// A line for people.
    pub fn line(&self, line: &Line<'_>) -> ChargeLine {
        let mut marks = Vec::new();
        let mut why = vec![format!("Rule {} of the billing rules sets this amount.", line.rule)];
        if let Some(source) = line.type_source {
            why.push(type_words(line, source));
            match source {
                TypeSource::Override => {
                    marks
                        .push(Mark { word: "Override", title: "Its billing type is set by hand".to_owned() });
                }
                TypeSource::Unmapped => marks.push(Mark {
                    word: "Unmapped",
                    title: "Its kind of device has no billing type of its own".to_owned(),
                }),
                TypeSource::ManualRow => {
                    marks.push(Mark {
                        word: "Manual",
                        title: "Entered by hand, Codex does not know it".to_owned(),
                    });
                }
                TypeSource::Codex | TypeSource::Mapping | TypeSource::Default => {}
            }
        }
        let plan_rate = line.rate_name.and_then(|name| self.plan_rate(name));
        if line.rate_source == Source::ClientOverride {
            let plan =
                plan_rate.map_or_else(String::new, |rate| format!("; the plan says {}", self.money(rate)));
            marks.push(Mark { word: "Own rate", title: format!("Agreed with the client{plan}") });
        }
        why.push(self.rate_words(line, plan_rate));
        if let Behind::Devices { asset_ids } = &line.behind {
            let ids: Vec<String> = asset_ids.iter().flatten().map(i64::to_string).collect();
            why.push(format!("Codex's ids of the devices: {}.", ids.join(", ")));
        }
        ChargeLine {
            name: line.name.to_owned(),
            link: link(&line.behind),
            kind: line.billing_type.to_owned(),
            marks,
            sum: format!("{} × {}", quantity(line.quantity), self.money(line.rate)),
            why,
            cost: self.money(line.amount),
        }
    }

    /// Lines by billing type, in the order in which the types come.
    pub fn groups<'b>(&self, lines: impl Iterator<Item = &'b Line<'b>>) -> Vec<Group> {
        let mut groups: IndexMap<&str, (Money, Vec<ChargeLine>)> = IndexMap::new();
        for line in lines {
            let (sum, rows) = groups.entry(line.billing_type).or_default();
            *sum = *sum + line.amount;
            rows.push(self.line(line));
        }
        groups
            .into_iter()
            .map(|(kind, (sum, lines))| Group {
                kind: kind.to_owned(),
                count: lines.len(),
                subtotal: self.money(sum),
                lines,
            })
            .collect()
    }

    /// An amount.
    pub fn money(&self, money: Money) -> String {
        self.currency.amount(money.decimal())
    }

    /// What the plan says of a rate.
    pub fn plan_rate(&self, name: &str) -> Option<Money> {
        self.plan?.named_rates().find(|(known, _)| *known == name).map(|(_, rate)| rate)
    }

    fn rate_words(&self, line: &Line<'_>, plan_rate: Option<Money>) -> String {
        let rate = self.money(line.rate);
        match line.rate_source {
            Source::Plan => {
                let plan = self.plan.map_or("the plan", |plan| plan.plan_name.as_str());
                format!("The rate of {rate} is that of {plan}.")
            }
            Source::ClientOverride => match plan_rate {
                Some(plan) => {
                    format!(
                        "The rate of {rate} is agreed with the client; the plan says {}.",
                        self.money(plan)
                    )
                }
                None => format!("The rate of {rate} is agreed with the client."),
            },
            Source::AssetOverride => format!("The cost of {rate} is set for this device."),
            Source::UserOverride => format!("The cost of {rate} is set for this user."),
            Source::ManualRow => format!("The cost of {rate} stands in the row that was entered by hand."),
            Source::CustomItem => format!("The fee of {rate} stands in the line item."),
            Source::Codex => format!("Codex sends the cost of {rate}."),
            Source::Free => "This type costs nothing.".to_owned(),
        }
    }
}

fn type_words(line: &Line<'_>, source: TypeSource) -> String {
    let kind = match &line.behind {
        Behind::Asset { device_type: Some(kind), .. } => format!("“{kind}”"),
        _ => "that Codex does not tell".to_owned(),
    };
    let billed = format!("Billed as {}", line.billing_type);
    match source {
        TypeSource::Override => format!("{billed}: set by hand for this one."),
        TypeSource::Codex => format!("{billed}: Codex says so."),
        TypeSource::Mapping => format!("{billed}: its kind {kind} is mapped to that."),
        TypeSource::Unmapped => format!("{billed}: its kind {kind} is not mapped."),
        TypeSource::ManualRow => format!("{billed}: entered by hand."),
        TypeSource::Default => format!("{billed}: as everybody for whom nothing else is set."),
    }
}

fn quantity(quantity: Quantity) -> String {
    match quantity {
        Quantity::Count(count) => count.to_string(),
        Quantity::Hours(hours) => format!("{} h", hours.two_places()),
        Quantity::Volume(volume) => format!("{} TB", volume.two_places()),
    }
}

/// Where Codex shows it. Codex lies beside Ledger behind the gateway.
fn link(behind: &Behind<'_>) -> Option<String> {
    match behind {
        Behind::Asset { asset_id: Some(id), .. } => Some(format!("/codex/assets/{id}")),
        Behind::User { user_id: Some(id) } => Some(format!("/codex/contacts/{id}")),
        _ => None,
    }
}
