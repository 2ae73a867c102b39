//! People: who is billed, and for how much (rules 16 to 20 and 43).

use super::{
    Inputs,
    assets::{Typed, UNKNOWN},
    explain::{Behind, Line, LineKind, Quantity, TypeSource},
    inputs::{Contact, ManualUser},
    number::Money,
    quantities::Quantities,
    rates::{Rate, Rates, Source},
    result::BilledLine,
};

/// The type that costs the rate.
const PAID: &str = "Paid";

/// The type of a contact (rule 17): its override row, else `Paid`. Someone who comes without `email` and `external_id` was
/// put into the list by hand and may carry a type; in the original reading that type hides the row.
fn type_of<'a>(contact: &'a Contact, inputs: &Inputs<'a>) -> Typed<'a> {
    let row = inputs.user_overrides.of(contact.id).map(|(name, cost)| Typed {
        name,
        source: TypeSource::Override,
        custom: (cost, Source::UserOverride),
    });
    let by_hand = contact.email.is_none() && contact.external_id.is_none();
    let own = contact.billing_type.as_deref().filter(|name| by_hand && !name.is_empty());
    let custom = (contact.custom_cost, Source::Codex);
    let own = own.map(|name| Typed { name, source: TypeSource::Codex, custom });
    let default = Typed { name: PAID, source: TypeSource::Default, custom };
    if inputs.readings.original && by_hand { own.unwrap_or(default) } else { row.or(own).unwrap_or(default) }
}

/// What someone of a type costs (rule 18), and who says so.
fn price(typed: &Typed<'_>, rates: &Rates<'_>) -> (Money, Source, Option<Rate>) {
    match typed.name {
        "Custom" => (typed.custom.0.unwrap_or_default(), typed.custom.1, None),
        PAID => (rates.value(Rate::User), rates.source(Rate::User), Some(Rate::User)),
        _ => (Money::ZERO, Source::Free, None),
    }
}

/// The people of a bill.
#[derive(Debug, Default)]
pub(super) struct People<'a> {
    pub billed: Vec<BilledLine<'a>>,
    pub lines: Vec<Line<'a>>,
    pub total: Money,
    /// Those with a price of their own, who are among the free ones in the quantities (rule 19).
    pub custom: u32,
}

/// Bills everybody: the contacts of Codex in its order, without those who left (rule 43), then those entered by hand.
pub(super) fn bill<'a>(
    inputs: &Inputs<'a>,
    rates: &Rates<'a>,
    quantities: &mut Quantities<'a>,
) -> People<'a> {
    let count = inputs.contacts.len() + inputs.manual_users.len();
    let mut people =
        People { billed: Vec::with_capacity(count), lines: Vec::with_capacity(count), ..People::default() };
    for contact in inputs.contacts {
        if contact.active == Some(false) && !inputs.readings.original {
            continue;
        }
        let given = |name: &'a Option<String>| name.as_deref().filter(|name| !name.is_empty());
        let name = given(&contact.full_name).or_else(|| given(&contact.name)).unwrap_or(UNKNOWN);
        let typed = type_of(contact, inputs);
        people.add(name, &typed, Behind::User { user_id: contact.id }, rates, quantities);
    }
    for row in inputs.manual_users {
        let name = row.full_name.as_deref().unwrap_or(UNKNOWN);
        people.add(name, &type_of_row(row), Behind::ManualUser { manual_user_id: row.id }, rates, quantities);
    }
    people
}

/// Rule 17.
fn type_of_row(row: &ManualUser) -> Typed<'_> {
    Typed {
        name: row.billing_type.as_deref().filter(|name| !name.is_empty()).unwrap_or(PAID),
        source: TypeSource::ManualRow,
        custom: (row.custom_cost, Source::ManualRow),
    }
}

impl<'a> People<'a> {
    fn add(
        &mut self,
        name: &'a str,
        typed: &Typed<'a>,
        behind: Behind<'a>,
        rates: &Rates<'a>,
        quantities: &mut Quantities<'a>,
    ) {
        let (cost, rate_source, rate) = price(typed, rates);
        self.total = self.total + cost;
        self.custom += u32::from(typed.name == "Custom");
        quantities.count_user(typed.name == PAID);
        self.billed.push(BilledLine { name, billing_type: typed.name, cost });
        self.lines.push(Line {
            kind: LineKind::User,
            rule: 18,
            name,
            billing_type: typed.name,
            type_source: Some(typed.source),
            quantity: Quantity::Count(1),
            rate: cost,
            rate_name: rate.map(Rate::name),
            rate_source,
            amount: cost,
            behind,
        });
    }
}
