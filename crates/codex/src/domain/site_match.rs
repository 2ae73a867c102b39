//! Which company a site of the RMM belongs to (codex-api.md §7.1 and §7.3). Pure; a guess is never more than a proposal.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

/// Proposals for a site that nothing certain is known about.
const PROPOSALS: usize = 5;
/// Words that say nothing about who somebody is.
const GENERIC: &[&str] = &[
    "inc", "llc", "ltd", "gmbh", "ag", "co", "corp", "company", "group", "the", "and", "of", "office",
    "site", "hq", "main",
];

/// A company as it is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Our key.
    pub account_number: String,
    /// Display name.
    pub name: String,
}

/// A company a site may belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Our key.
    pub account_number: String,
    /// Display name.
    pub name: String,
}

/// How a site found its company, or why it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The site's variable names it.
    Variable(String),
    /// Somebody, or an earlier run, has linked them.
    Link(String),
    /// Exactly one company has the site's name.
    Name(String),
    /// A person has to say.
    None {
        /// Why, in words.
        reason: String,
        /// What comes near.
        proposals: Vec<Proposal>,
    },
}

impl Match {
    /// Account number of the company whose devices these are: a name alone is no proof.
    pub fn certain(&self) -> Option<&str> {
        match self {
            Self::Variable(number) | Self::Link(number) => Some(number),
            Self::Name(_) | Self::None { .. } => None,
        }
    }

    /// Account number of the company, also of one that only has the same name.
    pub fn company(&self) -> Option<&str> {
        match self {
            Self::Variable(number) | Self::Link(number) | Self::Name(number) => Some(number),
            Self::None { .. } => None,
        }
    }
}

/// All companies, ready to be asked.
#[derive(Debug)]
pub struct Companies {
    numbers: HashSet<String>,
    by_name: HashMap<String, Vec<usize>>,
    all: Vec<Candidate>,
}

impl Companies {
    /// The companies there are.
    pub fn new(all: Vec<Candidate>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, company) in all.iter().enumerate() {
            by_name.entry(squeezed(&company.name)).or_default().push(index);
        }
        let numbers = all.iter().map(|company| company.account_number.clone()).collect();
        Self { numbers, by_name, all }
    }

    /// Whether there is a company of that number.
    pub fn has(&self, number: &str) -> bool {
        self.numbers.contains(number)
    }

    /// The company of a site: by its variable, else by its link, else, where it carries no number, by its
    /// exact name; case and spaces do not count.
    pub fn of_site(&self, name: &str, variable: Option<&str>, link: Option<&str>) -> Match {
        let variable = variable.map(str::trim).filter(|number| !number.is_empty());
        if let Some(number) = variable.filter(|number| self.has(number)) {
            return Match::Variable(number.to_owned());
        }
        if let Some(number) = link.filter(|number| self.has(number)) {
            return Match::Link(number.to_owned());
        }
        let same = self.by_name.get(&squeezed(name)).map_or(&[][..], Vec::as_slice);
        if let Some(number) = variable {
            let reason = format!("no company has account number {number}, which the site carries");
            return Match::None { reason, proposals: self.near(name, same) };
        }
        let reason = match same {
            [only] => return Match::Name(self.all[*only].account_number.clone()),
            [] => "the site has no account number, and no company has its name".to_owned(),
            several => format!("{} companies have the name of the site", several.len()),
        };
        Match::None { reason, proposals: self.near(name, same) }
    }

    /// The company of a site of which only the link is known.
    pub fn of_link(&self, link: Option<&str>) -> Match {
        match link.filter(|number| self.has(number)) {
            Some(number) => Match::Link(number.to_owned()),
            None => Match::None {
                reason: "the RMM does not tell the account number of the site".to_owned(),
                proposals: Vec::new(),
            },
        }
    }

    /// Companies that share words with a name, the nearest first.
    fn near(&self, name: &str, same: &[usize]) -> Vec<Proposal> {
        let wanted = words(name);
        let mut near: Vec<(usize, usize)> = (0..self.all.len())
            .filter_map(|index| {
                let shared = words(&self.all[index].name).intersection(&wanted).count();
                let points = if same.contains(&index) { usize::MAX } else { shared };
                (points > 0).then_some((points, index))
            })
            .collect();
        near.sort_by_key(|(points, index)| (std::cmp::Reverse(*points), *index));
        let proposal = |company: &Candidate| Proposal {
            account_number: company.account_number.clone(),
            name: company.name.clone(),
        };
        near.into_iter().take(PROPOSALS).map(|(_, index)| proposal(&self.all[index])).collect()
    }
}

/// A name without case and spaces.
pub fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn words(name: &str) -> HashSet<String> {
    name.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 1 && !GENERIC.contains(&word.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_finds_its_company_only_for_certain() {
        let company =
            |number: &str, name: &str| Candidate { account_number: number.into(), name: name.into() };
        let companies = Companies::new(vec![
            company("1", "Acme"),
            company("2", "Acme Dental"),
            company("3", "Twin"),
            company("4", "twin"),
            company("5", "Blue Heron  Law"),
        ]);
        let none = |text: &str, numbers: &[&str]| {
            (Err(text.to_owned()), numbers.iter().map(|n| (*n).to_owned()).collect())
        };
        let is = |found: Match| -> (Result<Match, String>, Vec<String>) { (Ok(found), vec![]) };
        for (name, variable, link, expected) in [
            ("anything", Some("2"), Some("1"), is(Match::Variable("2".into()))),
            ("anything", Some(" 2 "), None, is(Match::Variable("2".into()))),
            ("anything", Some("99"), Some("1"), is(Match::Link("1".into()))),
            ("anything", None, Some("1"), is(Match::Link("1".into()))),
            ("ACME", None, Some("gone"), is(Match::Name("1".into()))),
            (" blueheron LAW ", None, None, is(Match::Name("5".into()))),
            // Upstream took any company whose name is part of the site's.
            ("Acme HQ", None, None, none("the site has no account number", &["1", "2"])),
            ("Acme Dental HQ", None, None, none("the site has no account number", &["2", "1"])),
            ("TWIN", None, None, none("2 companies", &["3", "4"])),
            ("Unheard Of", Some("99"), None, none("no company has account number 99", &[])),
            ("", Some(""), None, none("the site has no account number", &[])),
        ] {
            let found = match companies.of_site(name, variable, link) {
                Match::None { reason, proposals } => {
                    (Err(reason), proposals.into_iter().map(|p| p.account_number).collect::<Vec<_>>())
                }
                found => (Ok(found), vec![]),
            };
            match (&found.0, &expected.0) {
                (Err(reason), Err(wanted)) => {
                    assert!(reason.starts_with(wanted.as_str()), "{name}: {reason}")
                }
                (found, wanted) => assert_eq!(found, wanted, "{name}"),
            }
            assert_eq!(found.1, expected.1, "{name}");
        }
    }
}
