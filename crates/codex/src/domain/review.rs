//! Things that people have to decide, in words.

use serde_json::Value;

/// Kind of the items about sites of an RMM without a company.
pub const SITE: &str = "rmm_site";
/// Kind of the items about two assets of one name.
pub const DUPLICATE_ASSET: &str = "duplicate_asset";

/// A site of an RMM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Name of the RMM.
    pub provider: String,
    /// Its key there.
    pub uid: String,
    /// Its name there.
    pub name: Option<String>,
}

/// The site an item is about: what the proposal says, else the key, which names the RMM before its first `/` or `:`.
pub fn site(kind: &str, subject: &str, proposal: Option<&Value>) -> Option<Site> {
    if kind != SITE {
        return None;
    }
    let said = |member: &str| {
        Some(proposal?.get(member)?.as_str()?.to_owned()).filter(|text: &String| !text.is_empty())
    };
    let (provider, uid) = subject.split_once(['/', ':']).unwrap_or(("datto", subject));
    Some(Site {
        provider: said("provider").unwrap_or_else(|| provider.to_owned()),
        uid: said("site_uid").unwrap_or_else(|| uid.to_owned()),
        name: said("site_name"),
    })
}

/// The companies an item proposes: account number and name.
pub fn proposed_companies(proposal: Option<&Value>) -> Vec<(String, String)> {
    let companies = proposal.and_then(|proposal| proposal.get("companies")).and_then(Value::as_array);
    companies
        .into_iter()
        .flatten()
        .filter_map(|company| {
            let text = |member| company.get(member)?.as_str().map(str::to_owned);
            let number = text("account_number")?;
            Some((number.clone(), text("name").unwrap_or(number)))
        })
        .collect()
}

/// Heading of the items of a kind, and what there is to decide.
pub fn words(kind: &str) -> (String, &'static str) {
    let (title, decide) = match kind {
        "duplicate_contact" => (
            "Contacts that may be one person",
            "Two records share an address. Merge them, or say that they are different people.",
        ),
        SITE => (
            "RMM sites without a company",
            "Devices of a site can only be stored when its company is known. Choose the company the site belongs to.",
        ),
        DUPLICATE_ASSET => (
            "Devices with the same name",
            "Two devices of one company have one host name: the same machine set up again, or two machines.",
        ),
        "duplicate_company" => (
            "Companies with the same account number",
            "Only one of them can be stored. Correct the account number of the other one in the PSA.",
        ),
        "company_without_number" => (
            "Companies without an account number",
            "A company is stored under its account number. Set one in the PSA, or let Codex create them in the settings.",
        ),
        other => return (other.replace('_', " "), ""),
    };
    (title.to_owned(), decide)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_site_is_named_by_its_proposal_or_by_its_key() {
        let full = json!({"provider": "datto", "site_uid": "u-1", "site_name": "Main Street"});
        for (kind, subject, proposal, expected) in [
            (SITE, "datto/u-1", Some(&full), Some(("datto", "u-1", Some("Main Street")))),
            (SITE, "superops:u:2", None, Some(("superops", "u:2", None))),
            (SITE, "u-3", Some(&json!({"site_name": ""})), Some(("datto", "u-3", None))),
            (DUPLICATE_ASSET, "datto/u-1", Some(&full), None),
        ] {
            let found = site(kind, subject, proposal);
            let found =
                found.as_ref().map(|site| (site.provider.as_str(), site.uid.as_str(), site.name.as_deref()));
            assert_eq!(found, expected, "{subject}");
        }
    }

    #[test]
    fn companies_without_a_number_are_no_proposal() {
        let proposal = json!({"companies": [{"account_number": "1", "name": "A"}, {"name": "B"}, {"account_number": "3"}]});
        let expected = [("1", "A"), ("3", "3")].map(|(number, name)| (number.to_owned(), name.to_owned()));
        assert_eq!(proposed_companies(Some(&proposal)), expected);
        assert_eq!(proposed_companies(Some(&json!({"companies": 5}))), []);
        assert_eq!(proposed_companies(None), []);
    }
}
