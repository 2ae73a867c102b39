//! Clients, their users, technicians and groups as normalised rows (codex-api.md §6.1, §13.3).

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::rmm::RmmSite;
use super::super::row::Row;
use super::super::types::{PsaAgent, PsaCompany, PsaContact, PsaGroup};

/// What a vendor keeps in fields of its own that Codex has columns for, and in which custom field each is.
#[derive(Debug, Clone)]
pub struct ClientFields {
    /// Custom field with the account number.
    pub account_number: String,
    /// Columns of a company and the custom fields they come from; a column without an entry is looked for under its own
    /// name.
    pub others: BTreeMap<String, String>,
}

/// The columns that [`ClientFields::others`] may name.
pub const CLIENT_COLUMNS: [&str; 11] = [
    "plan_selected",
    "managed_users",
    "managed_devices",
    "managed_network",
    "contract_term",
    "contract_start_date",
    "company_start_date",
    "profit_or_non_profit",
    "company_main_number",
    "phone_system",
    "email_system",
];

/// A client.
pub(super) fn company(row: &mut Row<'_>, fields: &ClientFields) -> Option<PsaCompany> {
    let mut custom = row.object("customFields");
    let mut column = |name: &str| {
        let field = fields.others.get(name).map_or(name, String::as_str);
        custom.as_mut().and_then(|custom| custom.text(field))
    };
    let (plan_selected, contract_term) = (column("plan_selected"), column("contract_term"));
    let (managed_users, managed_devices) = (column("managed_users"), column("managed_devices"));
    let (managed_network, contract_start_date) = (column("managed_network"), column("contract_start_date"));
    let (company_start_date, phone_system) = (column("company_start_date"), column("phone_system"));
    let (profit_or_non_profit, email_system) = (column("profit_or_non_profit"), column("email_system"));
    let company_main_number = column("company_main_number");
    let account_number = account_number(row, fields);
    let mut head = row.object("primaryContact");
    let mut prime = row.object("secondaryContact");
    let mut site = row.object("hqSite");
    let domains = row.texts("emailDomains");
    Some(PsaCompany {
        external_id: row.int("accountId")?,
        account_number,
        name: row.line("name")?,
        address: site.as_mut().and_then(address),
        domains: (!domains.is_empty()).then_some(domains),
        head_user_id: head.as_mut().and_then(|person| person.int("userId")),
        head_name: head.as_mut().and_then(|person| person.text("name")),
        prime_user_id: prime.as_mut().and_then(|person| person.int("userId")),
        prime_user_name: prime.as_mut().and_then(|person| person.text("name")),
        plan_selected,
        managed_users,
        managed_devices,
        managed_network,
        contract_term,
        contract_start_date,
        company_start_date,
        profit_or_non_profit,
        company_main_number,
        phone_system,
        email_system,
        ..PsaCompany::default()
    })
}

/// The account number in a client's custom field.
fn account_number(row: &Row<'_>, fields: &ClientFields) -> Option<String> {
    row.object("customFields")?.text(&fields.account_number)
}

/// The lines of a site's postal address.
fn address(site: &mut Row<'_>) -> Option<String> {
    let parts: Vec<String> = ["line1", "line2", "line3", "postalCode", "city", "stateCode", "countryCode"]
        .into_iter()
        .filter_map(|part| site.text(part))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A client as a place of devices.
pub(super) fn site(row: &mut Row<'_>, fields: &ClientFields) -> Option<RmmSite> {
    Some(RmmSite {
        account_number: account_number(row, fields),
        external_id: row.int("accountId")?.to_string(),
        name: row.text("name")?,
        description: None,
    })
}

/// A user of a client. The vendor lists only those who are there.
pub(super) fn contact(row: &mut Row<'_>) -> Option<PsaContact> {
    let (first_name, last_name) = names(row);
    let mut client = row.object("client");
    let mut site = row.object("site");
    let mut custom = row.object("customFields");
    Some(PsaContact {
        external_id: row.int("userId")?,
        first_name,
        last_name,
        email: row.text("email"),
        active: true,
        work_phone_number: row.text("contactNumber"),
        user_number: custom.as_mut().and_then(|custom| custom.text("user_number")),
        department_names: client.as_mut().and_then(|client| client.text("name")),
        department_ids: client.as_mut().and_then(|client| client.int("accountId")).into_iter().collect(),
        location_id: site.as_mut().and_then(|site| site.int("id")),
        location_name: site.as_mut().and_then(|site| site.text("name")),
        ..PsaContact::default()
    })
}

/// A technician. The vendor lists only those who are there.
pub(super) fn agent(row: &mut Row<'_>) -> Option<PsaAgent> {
    let (first_name, last_name) = names(row);
    let groups = row.get("groups").and_then(Value::as_array).into_iter().flatten();
    let group_ids = groups.filter_map(|group| Row::of(group)?.int("groupId")).collect();
    let job_title = match row.object("designation") {
        Some(mut designation) => designation.text("name"),
        None => row.text("designation"),
    };
    Some(PsaAgent {
        external_id: row.int("userId")?,
        first_name,
        last_name,
        email: row.text("email"),
        job_title,
        active: true,
        group_ids,
        ..PsaAgent::default()
    })
}

/// First and last name, else all of the name as the first.
fn names(row: &mut Row<'_>) -> (Option<String>, Option<String>) {
    let (first, last) = (row.line("firstName"), row.line("lastName"));
    if first.is_none() && last.is_none() { (row.line("name"), None) } else { (first, last) }
}

/// A group of technicians.
pub(super) fn group(row: &mut Row<'_>) -> Option<PsaGroup> {
    Some(PsaGroup { external_id: row.int("groupId")?, name: row.text("name")?, ..PsaGroup::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> ClientFields {
        let others = [("plan_selected".to_owned(), "udf2select".to_owned())].into();
        ClientFields { account_number: "udf1text".to_owned(), others }
    }

    #[test]
    fn a_client_becomes_a_company_and_a_site() {
        let value = json!({"accountId": "7206852887969157120", "name": "Acme", "emailDomains": ["acme.example"],
            "primaryContact": {"userId": "7206852887969157125", "name": "Jo"}, "secondaryContact": null,
            "hqSite": {"id": "9", "line1": "1 Road", "city": "Town", "countryCode": "US"},
            "customFields": {"udf1text": 100_001, "udf2select": "Premium", "contract_term": "1 Year"}});
        let company = company(&mut Row::of(&value).unwrap(), &fields()).unwrap();
        assert_eq!(company.external_id, 7_206_852_887_969_157_120, "beyond 2^53, exactly");
        assert_eq!(company.account_number.as_deref(), Some("100001"));
        assert_eq!(company.plan_selected.as_deref(), Some("Premium"));
        assert_eq!(company.contract_term.as_deref(), Some("1 Year"));
        assert_eq!(company.address.as_deref(), Some("1 Road, Town, US"));
        assert_eq!(company.head_user_id, Some(7_206_852_887_969_157_125));
        let site = site(&mut Row::of(&value).unwrap(), &fields()).unwrap();
        assert_eq!(
            (site.external_id.as_str(), site.account_number.as_deref()),
            ("7206852887969157120", Some("100001"))
        );
        let bare = json!({"accountId": "1", "name": "B", "customFields": null});
        assert_eq!(super::company(&mut Row::of(&bare).unwrap(), &fields()).unwrap().account_number, None);
    }

    #[test]
    fn people_have_names_companies_and_groups() {
        let value = json!({"userId": "11", "name": "Jo Doe", "email": "jo@acme.example",
            "client": {"accountId": "7206852887969157120", "name": "Acme"}, "site": {"id": "9", "name": "HQ"}});
        let contact = contact(&mut Row::of(&value).unwrap()).unwrap();
        assert_eq!(contact.department_ids, [7_206_852_887_969_157_120]);
        assert_eq!(contact.first_name.as_deref(), Some("Jo Doe"));
        let value = json!({"userId": "12", "firstName": "Al", "designation": {"name": "Engineer"},
            "groups": [{"groupId": "5", "name": "Desk"}, {"name": "no id"}]});
        let agent = agent(&mut Row::of(&value).unwrap()).unwrap();
        assert_eq!((agent.group_ids, agent.job_title.as_deref()), (vec![5], Some("Engineer")));
    }
}
