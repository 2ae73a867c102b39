//! Whose data a caller may read (platform.md §7): staff and services everything, a `client` its own companies.

/// The companies a caller may see.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them, and rows without a company.
    Everything,
    /// Only these account numbers; rows without a company are nobody's.
    Companies(Vec<String>),
}

impl Scope {
    /// Whether a row of this company may be seen.
    pub fn includes(&self, account_number: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Companies(own) => {
                account_number.is_some_and(|number| own.iter().any(|known| known == number))
            }
        }
    }

    /// The account numbers to filter by in SQL; none means no filter.
    pub fn account_numbers(&self) -> Option<&[String]> {
        match self {
            Self::Everything => None,
            Self::Companies(own) => Some(own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_only_rows_of_its_companies() {
        let own = Scope::Companies(vec!["100001".into()]);
        for (company, everything, mine) in
            [(Some("100001"), true, true), (Some("100002"), true, false), (None, true, false)]
        {
            assert_eq!(Scope::Everything.includes(company), everything);
            assert_eq!(own.includes(company), mine);
        }
        assert!(!Scope::Companies(vec![]).includes(Some("100001")));
    }
}
