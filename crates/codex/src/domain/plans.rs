//! Which plan a company has (codex-api.md §6.5, §10).

use super::contract::canonical_term;

/// The term of a company whose contract names none, as far as features and prices go.
pub const MONTH_TO_MONTH: &str = "Month to Month";
/// The terms a new plan is made with.
pub const TERMS: [&str; 4] = [MONTH_TO_MONTH, "1 Year", "2 Year", "3 Year"];

/// What a company says about its plan: the columns of these names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreed<'a> {
    /// The plan, also one a person chose.
    pub billing_plan: Option<&'a str>,
    /// The vendor's plan.
    pub plan_selected: Option<&'a str>,
    /// Canonical term.
    pub contract_term_length: Option<&'a str>,
    /// The vendor's term in any spelling.
    pub contract_term: Option<&'a str>,
}

impl<'a> Agreed<'a> {
    /// Name of the effective plan: an edited one wins.
    pub fn plan(&self) -> Option<&'a str> {
        filled(self.billing_plan).or_else(|| filled(self.plan_selected))
    }

    /// The canonical term, if there is one.
    pub fn term(&self) -> Option<String> {
        filled(self.contract_term_length).or_else(|| filled(self.contract_term)).and_then(canonical_term)
    }

    /// Name and term under which features and prices are looked up.
    pub fn key(&self) -> Option<(String, String)> {
        Some((self.plan()?.to_owned(), self.term().unwrap_or_else(|| MONTH_TO_MONTH.to_owned())))
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_plan_wins_and_a_missing_term_is_month_to_month() {
        let of = |billing_plan, plan_selected, contract_term_length, contract_term| {
            Agreed { billing_plan, plan_selected, contract_term_length, contract_term }.key()
        };
        for (key, expected) in [
            (of(Some("Gold"), Some("Basic"), Some("1 Year"), Some("2 Year")), Some(("Gold", "1 Year"))),
            (of(Some(" "), Some("Basic"), None, Some("2-years")), Some(("Basic", "2 Year"))),
            (of(None, Some("Basic"), Some(""), None), Some(("Basic", MONTH_TO_MONTH))),
            (of(None, None, Some("1 Year"), None), None),
        ] {
            let key = key.as_ref().map(|(plan, term)| (plan.as_str(), term.as_str()));
            assert_eq!(key, expected);
        }
    }
}
