//! Changes of a company by people: edited, created, removed. The functions belong into a transaction that says who acts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::account_numbers;
use super::{features, support_levels};
use crate::domain::{
    company_edit::{Edit, PEOPLE, is_as_stored},
    contract::{canonical_term, effective_end},
};

/// Source of companies that no vendor has.
pub const MANUAL: &str = "manual";

/// Why an edit cannot be made.
#[derive(Debug)]
pub enum Refused {
    /// There is no such company.
    Missing,
    /// No contact of the vendor has this id.
    NoContact(i64),
    /// A value does not fit; the sentence for the person who sent it.
    Misfit(String),
}

/// Makes an edit. Fields whose value really changes become edited: a sync leaves them alone from now on. Gives back their
/// names.
///
/// # Errors
/// When the database cannot be asked or written.
pub async fn apply(
    conn: &mut PgConnection,
    account_number: &str,
    edit: &Edit,
) -> sqlx::Result<Result<Vec<String>, Refused>> {
    let Some(stored) = locked(&mut *conn, account_number).await? else { return Ok(Err(Refused::Missing)) };
    let is_stored =
        |field: &str, value: &Value| is_as_stored(field, stored.get(field).unwrap_or(&Value::Null), value);
    let misfit = edit.misfits.iter().find(|(field, misfit)| !is_stored(field, &misfit.sent));
    if let Some((_, misfit)) = misfit {
        return Ok(Err(Refused::Misfit(misfit.sentence.clone())));
    }
    let mut changes: BTreeMap<&str, Value> = edit
        .fields
        .iter()
        .filter(|(field, value)| !is_stored(field, value))
        .map(|(field, value)| (*field, value.clone()))
        .collect();
    // Without a plan or term of its own a company has the vendor's, so clearing them means to follow the vendor again.
    let mut follows = Vec::new();
    for field in ["billing_plan", "contract_term_length"] {
        if changes.get(field).is_some_and(Value::is_null) {
            follows.push(field.to_owned());
            changes.insert(field, of_vendor(&stored, field));
        }
    }
    let level = changes.remove("support_level");
    for (id, name) in PEOPLE.into_iter().zip(["head_name", "prime_user_name"]) {
        let Some(chosen) = changes.get(id) else { continue };
        let known = match chosen.as_i64() {
            None => Value::Null,
            Some(external_id) => match contact_name(&mut *conn, &stored, external_id).await? {
                Some(found) => Value::String(found),
                None => return Ok(Err(Refused::NoContact(external_id))),
            },
        };
        changes.insert(name, known);
    }
    end_contract(&stored, &mut changes);
    let mut edited: Vec<String> = changes
        .keys()
        .filter(|field| !matches!(**field, "head_name" | "prime_user_name"))
        .map(|field| (*field).to_owned())
        .filter(|field| !follows.contains(field))
        .collect();
    // The end follows from start and term: the vendor's would belong to others than these.
    let computed =
        edited.iter().any(|field| field == "contract_start_date" || field == "contract_term_length");
    if computed && !edited.iter().any(|field| field == "contract_end_date") {
        edited.push("contract_end_date".to_owned());
    }
    write(&mut *conn, account_number, &changes, &edited, &follows).await?;
    // The plan's level first; only a level that differs from it was chosen by a person.
    if changes.contains_key("billing_plan") || changes.contains_key("contract_term_length") {
        support_levels::refresh(&mut *conn, Some(&[account_number.to_owned()])).await?;
    }
    if let Some(level) = level {
        let now = locked(&mut *conn, account_number).await?.unwrap_or_default();
        if now.get("support_level").unwrap_or(&Value::Null) != &level {
            let chosen = vec!["support_level".to_owned()];
            let change = BTreeMap::from([("support_level", level)]);
            write(&mut *conn, account_number, &change, &chosen, &[]).await?;
            edited.extend(chosen);
        }
    }
    if let Some(overrides) = &edit.overrides {
        features::replace_overrides(conn, account_number, overrides).await?;
    }
    Ok(Ok(edited))
}

/// Gives a field back to the vendor: the next sync may write it. Where the vendor's value is stored, it returns at once.
/// Whether the field was an edited one; none when there is no such company.
///
/// # Errors
/// When the database cannot be asked or written.
pub async fn follow(
    conn: &mut PgConnection,
    account_number: &str,
    field: &str,
) -> sqlx::Result<Option<bool>> {
    let Some(stored) = locked(&mut *conn, account_number).await? else { return Ok(None) };
    let is_edited = |name: &str| {
        let edited = stored.get("edited_fields").and_then(Value::as_array);
        edited.is_some_and(|names| names.iter().any(|known| known == name))
    };
    if !is_edited(field) {
        return Ok(Some(false));
    }
    let mut follows = vec![field.to_owned()];
    let mut changes = BTreeMap::new();
    match field {
        "billing_plan" | "contract_term_length" => {
            changes.insert(field, of_vendor(&stored, field));
            end_contract(&stored, &mut changes);
        }
        _ => {}
    }
    // The end follows from start and term: it is the vendor's when both of them are.
    let others = ["contract_start_date", "contract_term_length"].into_iter().filter(|name| *name != field);
    if field.starts_with("contract_") && !others.into_iter().any(is_edited) {
        follows.push("contract_end_date".to_owned());
    }
    write(&mut *conn, account_number, &changes, &[], &follows).await?;
    if matches!(field, "billing_plan" | "contract_term_length" | "support_level") {
        support_levels::refresh(conn, Some(&[account_number.to_owned()])).await?;
    }
    Ok(Some(true))
}

/// A company by hand: its number is given, or the next free one of six digits. None when the number is taken.
///
/// # Errors
/// When the database cannot be written.
pub async fn create(
    conn: &mut PgConnection,
    account_number: Option<&str>,
    name: &str,
) -> sqlx::Result<Option<String>> {
    let number = match account_number {
        // A number that a company at the PSA is about to get is that company's.
        Some(number) if account_numbers::is_reserved(conn, number).await? => None,
        Some(number) => Some(number.to_owned()),
        None => account_numbers::reserve(conn, &[]).await?,
    };
    let Some(number) = number else { return Ok(None) };
    sqlx::query_scalar!(
        "insert into companies (account_number, name, psa_provider, external_source, created_at, updated_at)
         values ($1, $2, $3, $3, now(), now())
         on conflict (account_number) do nothing
         returning account_number",
        number,
        name,
        MANUAL
    )
    .fetch_optional(conn)
    .await
}

/// Removes a company with its assets, locations, links and agreements. Tickets and contacts stay, without the company.
/// Gives back its name.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, account_number: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("delete from companies where account_number = $1 returning name", account_number)
        .fetch_optional(conn)
        .await
}

/// A company's row, which nobody else changes until the transaction ends.
async fn locked(conn: &mut PgConnection, account_number: &str) -> sqlx::Result<Option<Map<String, Value>>> {
    let row = sqlx::query_scalar!(
        r#"select to_jsonb(c) as "row!" from companies c where account_number = $1 for update"#,
        account_number
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }))
}

fn of_vendor(stored: &Map<String, Value>, field: &str) -> Value {
    match field {
        "billing_plan" => stored.get("plan_selected").cloned().unwrap_or_default(),
        _ => {
            let term = stored.get("contract_term").and_then(Value::as_str);
            term.and_then(canonical_term).map_or(Value::Null, Value::String)
        }
    }
}

/// Computes the end when start or term change. An end that was sent counts only where none can be computed.
fn end_contract(stored: &Map<String, Value>, changes: &mut BTreeMap<&str, Value>) {
    const FIELDS: [&str; 3] = ["contract_start_date", "contract_term_length", "contract_end_date"];
    if !FIELDS.iter().any(|field| changes.contains_key(field)) {
        return;
    }
    let value = |field: &str| changes.get(field).or_else(|| stored.get(field)).and_then(Value::as_str);
    let sent = changes.get("contract_end_date").and_then(Value::as_str);
    let end = effective_end(value("contract_start_date"), value("contract_term_length"), sent);
    let end = end.map_or(Value::Null, Value::String);
    if stored.get("contract_end_date").unwrap_or(&Value::Null) == &end {
        changes.remove("contract_end_date");
    } else {
        changes.insert("contract_end_date", end);
    }
}

async fn contact_name(
    conn: &mut PgConnection,
    stored: &Map<String, Value>,
    external_id: i64,
) -> sqlx::Result<Option<String>> {
    let source = stored.get("external_source").and_then(Value::as_str).unwrap_or_default();
    sqlx::query_scalar!(
        "select name from contacts where external_id = $1 order by external_source <> $2 limit 1",
        external_id,
        source
    )
    .fetch_optional(conn)
    .await
}

async fn write(
    conn: &mut PgConnection,
    account_number: &str,
    changes: &BTreeMap<&str, Value>,
    edited: &[String],
    follows: &[String],
) -> sqlx::Result<()> {
    if changes.is_empty() && edited.is_empty() && follows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "
        update companies c set
            name = n.name, description = n.description, compliance_level = n.compliance_level,
            billing_plan = n.billing_plan, support_level = n.support_level, email_system = n.email_system,
            phone_system = n.phone_system, contract_term_length = n.contract_term_length,
            managed_users = n.managed_users, managed_devices = n.managed_devices,
            managed_network = n.managed_network, company_main_number = n.company_main_number,
            address = n.address, datto_portal_url = n.datto_portal_url,
            domains = nullif(n.domains, 'null'), head_user_id = n.head_user_id, head_name = n.head_name,
            prime_user_id = n.prime_user_id, prime_user_name = n.prime_user_name,
            company_start_date = n.company_start_date, contract_start_date = n.contract_start_date,
            contract_end_date = n.contract_end_date,
            edited_fields = array(
                select distinct field from unnest(c.edited_fields || $3::text[]) as field
                where field <> all ($4::text[]) order by field)
        from (
            select (jsonb_populate_record(old, $2)).* from companies old where old.account_number = $1
        ) as n
        where c.account_number = $1
        ",
        account_number,
        sqlx::types::Json(changes) as _,
        edited,
        follows
    )
    .execute(conn)
    .await?;
    Ok(())
}
