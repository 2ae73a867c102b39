//! Rows that people add: types of single devices and people, devices and people that Codex does not know, line items and
//! features (ledger.md §2.2, §3.4).

use serde_json::{Map, Value};

use super::{
    ASSET_TYPES, USER_TYPES,
    fields::{Fields, Invalid},
};
use crate::domain::billing::number::Money;

/// The type of one device or person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypeChange {
    /// The type.
    pub billing_type: &'static str,
    /// What it costs if the type is `Custom`; none clears what was there.
    pub custom_cost: Option<Money>,
}

impl TypeChange {
    /// Of a request; `known` are the types there are.
    ///
    /// # Errors
    /// Says what is wrong; `None` where there is no type at all.
    pub fn read(members: &Map<String, Value>, known: &[&'static str]) -> Result<Self, Option<Invalid>> {
        let mut fields = Fields::of(members);
        let billing_type = fields.choice("billing_type", known).flatten();
        let custom_cost = fields.rate("custom_cost").flatten();
        fields.done(()).map_err(Some)?;
        Ok(Self { billing_type: billing_type.ok_or(None)?, custom_cost })
    }
}

/// A device that Codex does not know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewManualAsset {
    /// Name.
    pub hostname: String,
    /// Type and cost.
    pub billing: TypeChange,
    /// For people.
    pub notes: Option<String>,
}

/// A person whom Codex does not know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewManualUser {
    /// Name.
    pub full_name: String,
    /// Type and cost.
    pub billing: TypeChange,
    /// For people.
    pub notes: Option<String>,
}

fn named(
    members: &Map<String, Value>,
    name: &str,
    known: &[&'static str],
) -> Result<(String, TypeChange, Option<String>), Option<Invalid>> {
    let mut fields = Fields::of(members);
    let text = fields.text(name, 150).flatten();
    let notes = fields.words("notes", 10_000).flatten();
    fields.done(()).map_err(Some)?;
    let billing = TypeChange::read(members, known)?;
    Ok((text.ok_or(None)?, billing, notes))
}

impl NewManualAsset {
    /// Of a request.
    ///
    /// # Errors
    /// Says what is wrong; `None` where name or type is missing.
    pub fn read(members: &Map<String, Value>) -> Result<Self, Option<Invalid>> {
        let (hostname, billing, notes) = named(members, "hostname", &ASSET_TYPES)?;
        Ok(Self { hostname, billing, notes })
    }
}

impl NewManualUser {
    /// Of a request.
    ///
    /// # Errors
    /// Says what is wrong; `None` where name or type is missing.
    pub fn read(members: &Map<String, Value>) -> Result<Self, Option<Invalid>> {
        let (full_name, billing, notes) = named(members, "full_name", &USER_TYPES)?;
        Ok(Self { full_name, billing, notes })
    }
}

/// How often a line item is billed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ItemKind {
    /// Every month.
    Recurring,
    /// In one month.
    OneOff,
    /// In one month of every year.
    Yearly,
}

/// A line item as it stands in its table, or as it will.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ItemChange {
    /// Name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Every month.
    pub monthly_fee: Option<Money>,
    /// Once.
    pub one_off_fee: Option<Money>,
    /// When once is.
    pub one_off_year: Option<i32>,
    /// When once is.
    pub one_off_month: Option<i32>,
    /// Once a year.
    pub yearly_fee: Option<Money>,
    /// In which month.
    pub yearly_bill_month: Option<i32>,
    /// First month in which it is billed, `YYYY-MM`.
    pub first_month: Option<String>,
    /// Last month in which it is billed, `YYYY-MM`.
    pub last_month: Option<String>,
}

/// The members that decide when an item is billed.
const BILLING: [&str; 8] = [
    "monthly_fee",
    "one_off_fee",
    "one_off_year",
    "one_off_month",
    "yearly_fee",
    "yearly_bill_month",
    "first_month",
    "last_month",
];

impl ItemChange {
    /// A new item.
    ///
    /// # Errors
    /// Says what is wrong; `None` where there is no name.
    pub fn new(members: &Map<String, Value>) -> Result<Self, Option<Invalid>> {
        let is_nameless = match members.get("name") {
            None | Some(Value::Null) => true,
            Some(name) => name.as_str().is_some_and(|name| name.trim().is_empty()),
        };
        if is_nameless { Err(None) } else { Self::read(members).map_err(Some) }
    }

    /// A new item, which may have no name.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, Invalid> {
        let mut item = Self::default();
        item.take(members, true)?;
        Ok(item)
    }

    /// Takes the members of a request; those it does not have stay as they are.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn change(&mut self, members: &Map<String, Value>) -> Result<(), Invalid> {
        self.take(members, BILLING.iter().any(|name| members.contains_key(*name)))
    }

    fn take(&mut self, members: &Map<String, Value>, is_checked: bool) -> Result<(), Invalid> {
        let mut fields = Fields::of(members);
        let mut item = self.clone();
        if let Some(name) = fields.text("name", 150) {
            item.name = name.unwrap_or_default();
            if item.name.is_empty() && !self.name.is_empty() {
                fields.refuse("name", "must not be empty");
            }
        }
        put(&mut item.description, fields.words("description", 10_000));
        for (fee, name) in [
            (&mut item.monthly_fee, "monthly_fee"),
            (&mut item.one_off_fee, "one_off_fee"),
            (&mut item.yearly_fee, "yearly_fee"),
        ] {
            // A fee of nothing is none, as in the original suite.
            put(fee, fields.fee(name).map(|fee| fee.filter(|fee| !fee.is_zero())));
        }
        put(&mut item.one_off_year, fields.whole("one_off_year", 1..=9999));
        put(&mut item.one_off_month, fields.whole("one_off_month", 1..=12));
        put(&mut item.yearly_bill_month, fields.whole("yearly_bill_month", 1..=12));
        for (month, name) in [(&mut item.first_month, "first_month"), (&mut item.last_month, "last_month")] {
            let given = fields.text(name, 7);
            if given.as_ref().and_then(Option::as_deref).is_some_and(|month| !is_month(month)) {
                fields.refuse(name, "must be a month such as 2025-06");
            }
            put(month, given);
        }
        if is_checked {
            item.check(&mut fields);
        }
        *self = fields.done(item)?;
        Ok(())
    }

    /// One kind, with its fee and its time: anything else would never be billed, or hide another fee.
    fn check(&self, fields: &mut Fields<'_>) {
        let fees = [
            ("monthly_fee", self.monthly_fee),
            ("one_off_fee", self.one_off_fee),
            ("yearly_fee", self.yearly_fee),
        ];
        let mut given = fees.iter().filter(|(_, fee)| fee.is_some()).map(|(name, _)| *name);
        match (given.next(), given.next()) {
            (None, _) => {
                fields.refuse("monthly_fee", "or one_off_fee or yearly_fee is needed, and must not be zero")
            }
            (Some(_), Some(second)) => fields.refuse(second, "cannot stand beside another fee"),
            (Some("one_off_fee"), None) => {
                if self.one_off_year.is_none() {
                    fields.refuse("one_off_year", "is needed with one_off_fee");
                }
                if self.one_off_month.is_none() {
                    fields.refuse("one_off_month", "is needed with one_off_fee");
                }
            }
            (Some("yearly_fee"), None) if self.yearly_bill_month.is_none() => {
                fields.refuse("yearly_bill_month", "is needed with yearly_fee");
            }
            _ => {}
        }
        if let (Some(first), Some(last)) = (&self.first_month, &self.last_month)
            && last < first
        {
            fields.refuse("last_month", "must not be before first_month");
        }
    }

    /// How often it is billed, by the precedence of rules 35 to 37.
    pub fn kind(&self) -> ItemKind {
        match (self.monthly_fee, self.yearly_fee, self.one_off_fee) {
            (Some(_), _, _) => ItemKind::Recurring,
            (None, Some(_), None) => ItemKind::Yearly,
            _ => ItemKind::OneOff,
        }
    }
}

fn put<T>(slot: &mut Option<T>, given: Option<Option<T>>) {
    if let Some(value) = given {
        *slot = value;
    }
}

fn is_month(text: &str) -> bool {
    let numbers = text.split_once('-').and_then(|(year, month)| {
        (year.len() == 4 && month.len() == 2)
            .then_some((year.parse::<u32>().ok()?, month.parse::<u32>().ok()?))
    });
    numbers.is_some_and(|(year, month)| year >= 1 && (1..=12).contains(&month))
}

/// Features and their values: an empty one ends the override. Unknown features are passed over.
///
/// # Errors
/// Says what is wrong.
pub fn feature_changes(
    members: &Map<String, Value>,
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Option<String>)>, Invalid> {
    let mut fields = Fields::of(members);
    let known = members.keys().filter(|name| is_known(name));
    let changes = known.map(|name| (name.clone(), fields.text(name, 100).flatten())).collect();
    fields.done(changes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(members: Value) -> Vec<String> {
        match ItemChange::new(members.as_object().unwrap()) {
            Ok(_) => Vec::new(),
            Err(None) => vec!["none".to_owned()],
            Err(Some(invalid)) => invalid.0.into_keys().collect(),
        }
    }

    #[test]
    fn an_item_has_one_fee_and_its_time() {
        for (members, expected) in [
            (json!({"name": "Office", "monthly_fee": 62.5}), &[][..]),
            (json!({"name": "Discount", "monthly_fee": "-10.00"}), &[]),
            (json!({"name": "Cabling", "one_off_fee": 480, "one_off_year": 2025, "one_off_month": 6}), &[]),
            (json!({"name": "SSL", "yearly_fee": 99, "yearly_bill_month": 9, "first_month": "2025-01"}), &[]),
            (json!({"monthly_fee": 1}), &["none"]),
            (json!({"monthly_fee": "x", "one_off_month": 13}), &["none"]),
            (json!({"name": " "}), &["none"]),
            (json!({"name": [1], "monthly_fee": 1}), &["name"]),
            (json!({"name": "Nothing"}), &["monthly_fee"]),
            (json!({"name": "Nothing", "monthly_fee": 0}), &["monthly_fee"]),
            (
                json!({"name": "Two", "monthly_fee": 1, "yearly_fee": 2, "yearly_bill_month": 1}),
                &["yearly_fee"],
            ),
            (json!({"name": "Cabling", "one_off_fee": 480}), &["one_off_month", "one_off_year"]),
            (json!({"name": "SSL", "yearly_fee": 99}), &["yearly_bill_month"]),
            (json!({"name": "SSL", "yearly_fee": 99, "yearly_bill_month": 13}), &["yearly_bill_month"]),
            (json!({"name": "Off", "monthly_fee": 1, "first_month": "2025-13"}), &["first_month"]),
            (
                json!({"name": "Off", "monthly_fee": 1, "first_month": "2025-06", "last_month": "2025-05"}),
                &["last_month"],
            ),
        ] {
            assert_eq!(faults(members.clone()), expected, "{members}");
        }
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        // Taken over from another archive: a row that could not be made here.
        let mut item = ItemChange { name: "Old".to_owned(), ..ItemChange::default() };
        item.change(json!({"description": "never billed"}).as_object().unwrap()).unwrap();
        assert_eq!(item.description.as_deref(), Some("never billed"));
        item.change(json!({"yearly_fee": 5}).as_object().unwrap()).unwrap_err();
        assert_eq!(item.yearly_fee, None);
        item.change(json!({"yearly_fee": 5, "yearly_bill_month": 3}).as_object().unwrap()).unwrap();
        assert_eq!(item.kind(), ItemKind::Yearly);
    }
}
