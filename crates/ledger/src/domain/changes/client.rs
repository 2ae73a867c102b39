//! Own conditions of a company: fifteen values, each with a flag that says whether it counts (ledger.md §2.1, §3.4).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::fields::{Fields, Invalid};
use crate::domain::billing::{
    inputs::ClientOverride,
    number::{Hours, Money},
    rates::RATES,
};

/// A number among the conditions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Number {
    /// Its column, and member of requests and answers.
    pub name: &'static str,
    /// The column of its flag.
    pub flag: &'static str,
    /// Hours or TB instead of money.
    pub is_quantity: bool,
}

const fn rate(place: usize) -> Number {
    Number { name: RATES[place].name, flag: RATES[place].flag, is_quantity: place == 9 }
}

const fn prepaid(name: &'static str, flag: &'static str) -> Number {
    Number { name, flag, is_quantity: true }
}

/// The numbers there are: the eleven rates in the order of [`RATES`], then what is prepaid.
pub const NUMBERS: [Number; 13] = [
    rate(0),
    rate(1),
    rate(2),
    rate(3),
    rate(4),
    rate(5),
    rate(6),
    rate(7),
    rate(8),
    rate(9),
    rate(10),
    prepaid("prepaid_hours_monthly", "override_prepaid_hours_monthly_enabled"),
    prepaid("prepaid_hours_yearly", "override_prepaid_hours_yearly_enabled"),
];

/// A value with its flag. A value that does not count is kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Condition<T> {
    /// The value.
    pub value: Option<T>,
    /// Whether it counts.
    pub enabled: bool,
}

impl<T> Condition<T> {
    /// The value, if it counts.
    pub fn in_force(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.enabled)
    }

    /// Takes a member of a request: a value counts from now on, null does so no more.
    fn take(&mut self, given: Option<Option<T>>) {
        match given {
            None => {}
            Some(Some(value)) => *self = Self { value: Some(value), enabled: true },
            Some(None) => self.enabled = false,
        }
    }
}

/// A row of `client_billing_overrides`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientConditions {
    /// Another plan.
    pub billing_plan: Condition<String>,
    /// Another support level.
    pub support_level: Condition<String>,
    /// The numbers, in the order of [`NUMBERS`].
    pub numbers: [Condition<Decimal>; NUMBERS.len()],
}

impl ClientConditions {
    /// Whether a request has a member that is one of the conditions.
    pub fn are_in(members: &Map<String, Value>) -> bool {
        let mut names =
            ["billing_plan", "support_level"].into_iter().chain(NUMBERS.map(|number| number.name));
        names.any(|name| members.contains_key(name))
    }

    /// Takes the members of a request; those it does not have stay as they are, and unknown ones are passed over.
    ///
    /// # Errors
    /// Says what is wrong with each member.
    pub fn change(&mut self, members: &Map<String, Value>) -> Result<(), Invalid> {
        let mut fields = Fields::of(members);
        let mut changed = self.clone();
        changed.billing_plan.take(fields.text("billing_plan", 100));
        changed.support_level.take(fields.text("support_level", 100));
        for (number, condition) in NUMBERS.iter().zip(&mut changed.numbers) {
            let given = if number.is_quantity {
                fields.prepaid(number.name).map(|given| given.map(Hours::decimal))
            } else {
                fields.rate(number.name).map(|given| given.map(Money::decimal))
            };
            condition.take(given);
        }
        *self = fields.done(changed)?;
        Ok(())
    }

    /// What the API answers: values in force, null for others. Zero is zero.
    pub fn answer(&self, account_number: &str) -> Value {
        let mut answer = Map::new();
        answer.insert("company_account_number".to_owned(), json!(account_number));
        answer.insert("billing_plan".to_owned(), json!(self.billing_plan.in_force()));
        answer.insert("support_level".to_owned(), json!(self.support_level.in_force()));
        for (number, condition) in NUMBERS.iter().zip(&self.numbers) {
            answer
                .insert(number.name.to_owned(), condition.in_force().copied().map_or(Value::Null, as_number));
        }
        Value::Object(answer)
    }

    /// As bills read it.
    pub fn in_force(&self) -> ClientOverride {
        let number = |place: usize| self.numbers[place].in_force().copied();
        ClientOverride {
            billing_plan: self.billing_plan.in_force().cloned(),
            support_level: self.support_level.enabled.then(|| self.support_level.value.clone()),
            rates: std::array::from_fn(|place| number(place).and_then(|value| Money::rate(value).ok())),
            prepaid_hours_monthly: number(RATES.len()).and_then(|value| Hours::prepaid(value).ok()),
            prepaid_hours_yearly: number(RATES.len() + 1).and_then(|value| Hours::prepaid(value).ok()),
        }
    }
}

/// A stored amount as JSON has it: a number with the digits it has (rule 42).
pub(crate) fn as_number(value: Decimal) -> Value {
    // At most ten digits are stored, which a double keeps.
    value.normalize().to_string().parse::<f64>().map_or(Value::Null, |number| {
        if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(conditions: &mut ClientConditions, members: Value) -> Result<(), Invalid> {
        conditions.change(members.as_object().unwrap())
    }

    #[test]
    fn a_given_member_counts_from_now_on_and_null_ends_it() {
        let mut conditions = ClientConditions::default();
        let given = json!({"per_user_cost": "21.35", "backup_included_tb": 0, "prepaid_hours_monthly": 2.5, "other": 1});
        change(&mut conditions, given).unwrap();
        let answer = conditions.answer("410777");
        assert_eq!(
            (&answer["per_user_cost"], &answer["backup_included_tb"], &answer["prepaid_hours_monthly"]),
            (&json!(21.35), &json!(0), &json!(2.5))
        );
        assert_eq!(
            (&answer["per_vm_cost"], &answer["company_account_number"]),
            (&Value::Null, &json!("410777"))
        );
        assert_eq!(conditions.in_force().rates[0].unwrap().to_string(), "21.35");

        change(&mut conditions, json!({"per_user_cost": null})).unwrap();
        assert_eq!(conditions.answer("410777")["per_user_cost"], Value::Null);
        assert_eq!(conditions.numbers[0].value, Some("21.35".parse().unwrap()), "the value is kept");
        assert_eq!(conditions.answer("410777")["prepaid_hours_monthly"], json!(2.5), "others stay");
    }

    #[test]
    fn a_fault_changes_nothing() {
        let mut conditions = ClientConditions::default();
        let faults =
            change(&mut conditions, json!({"per_user_cost": 5, "per_vm_cost": -1, "support_level": [1]}));
        assert_eq!(faults.unwrap_err().0.keys().collect::<Vec<_>>(), ["per_vm_cost", "support_level"]);
        assert_eq!(conditions, ClientConditions::default());
    }
}
