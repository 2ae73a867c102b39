//! What the forms of the settings do. Each card saves by itself; `save_overrides` saves four of them together, as the original does.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Form as FormBody, Path},
    pages::{
        Page,
        flash::{Flash, Kind},
    },
    problem::{Problem, Result},
};
use http::{StatusCode, header};
use serde_json::Value;
use sqlx::PgConnection;

use super::{Refused, material, show};
use crate::{
    Ledger,
    bills::Material,
    domain::{
        billing::Money,
        changes::{
            ASSET_TYPES, ClientConditions, Invalid, ItemChange, USER_TYPES, added,
            form::{self, Form},
        },
    },
    routes::{
        api::account,
        pages::{
            failed,
            parts::{FLASHES, path_part},
        },
    },
    store::{
        changes, client, features, items, manual,
        types::{self, Of},
    },
};

/// Why something was not saved.
enum NotSaved {
    /// Fields are wrong.
    Invalid(Invalid),
    /// It failed.
    Failed(Problem),
}

impl From<Invalid> for NotSaved {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<sqlx::Error> for NotSaved {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

type Saved = std::result::Result<&'static str, NotSaved>;

/// A form of the page.
pub async fn save(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    page: Page,
    FormBody(pairs): FormBody<Vec<(String, String)>>,
) -> Result<Response> {
    let account_number = account(&account_number)?.to_owned();
    let form: Form = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let material = match material(&ledger, &account_number).await {
        Ok(material) => material,
        Err(error) => return failed(&page, error, &account_number),
    };
    let action = action(&form);
    let mut tx = changes::begin(&ledger.pool, &caller.label()).await?;
    let codex =
        if matches!(action, "save_features" | "save_overrides") { feature_keys(&form) } else { Vec::new() };
    let saved = perform(&mut tx, &material, &account_number, action, &form, &codex).await;
    match saved {
        Ok(words) => {
            tx.commit().await?;
            audit!(user = caller.label(), company = account_number, action, "Settings of a client changed");
            let to = format!("{}/client/{}/settings", page.prefix, path_part(&account_number));
            let mut response = (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
            if let Some(cookie) = FLASHES.set(&[Flash::new(Kind::Success, words)]) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(NotSaved::Invalid(faults)) => {
            drop(tx);
            show(&ledger, page, Vec::new(), &account_number, Refused { form, faults }).await
        }
        Err(NotSaved::Failed(problem)) => Err(problem),
    }
}

/// What is to be done: the pressed button, or the parameter that the original's links have.
fn action(form: &Form) -> &str {
    let given = form::field(form, "action");
    let deletes = ["delete_manual_asset", "delete_manual_user", "delete_line_item"];
    deletes.into_iter().find(|name| given.is_empty() && form.contains_key(*name)).unwrap_or(given)
}

/// The features that the form is about.
fn feature_keys(form: &Form) -> Vec<String> {
    let keys = form.keys().filter_map(|name| name.strip_prefix("feature_"));
    keys.filter(|key| !key.ends_with("_enabled") && key.len() <= 100).map(str::to_owned).collect()
}

async fn perform(
    tx: &mut PgConnection,
    material: &Material,
    account_number: &str,
    action: &str,
    form: &Form,
    features: &[String],
) -> Saved {
    match action {
        "save_rates" => save_rates(tx, account_number, form).await,
        "reset_rates" => {
            client::remove(tx, account_number).await?;
            Ok("The client has the rates of its plan again.")
        }
        "save_features" => save_features(tx, account_number, form, features).await,
        "save_assets" => save_types(tx, material, account_number, Of::Assets, form).await,
        "save_users" => save_types(tx, material, account_number, Of::Users, form).await,
        "save_overrides" => save_all(tx, material, account_number, form, features).await,
        "add_manual_asset" => {
            let asset = added::manual_asset(form)?;
            manual::add_asset(tx, account_number, &asset).await?;
            Ok("Manual asset added.")
        }
        "add_manual_user" => {
            let user = added::manual_user(form)?;
            manual::add_user(tx, account_number, &user).await?;
            Ok("Manual user added.")
        }
        "add_line_item" => {
            items::add(tx, account_number, &form::line_item(form)?).await?;
            Ok("Line item added.")
        }
        "change_line_item" => {
            let id: i32 = form::field(form, "id").parse().map_err(|_| not_there())?;
            let known = items::hold(tx, account_number, id).await?.ok_or_else(not_there)?;
            // The form has no field for it.
            let item = ItemChange { description: known.description, ..form::line_item(form)? };
            items::save(tx, id, &item).await?;
            Ok("Line item changed.")
        }
        "delete_manual_asset" | "delete_manual_user" | "delete_line_item" => {
            let text = [form::field(form, "id"), form::field(form, action)]
                .into_iter()
                .find(|text| !text.is_empty());
            let id: i32 = text.and_then(|text| text.parse().ok()).ok_or_else(not_there)?;
            let was_there = match action {
                "delete_manual_asset" => manual::remove_asset(tx, account_number, id).await?,
                "delete_manual_user" => manual::remove_user(tx, account_number, id).await?,
                _ => items::remove(tx, account_number, id).await?,
            };
            if was_there { Ok("Deleted.") } else { Err(not_there()) }
        }
        _ => Err(NotSaved::Failed(Problem::bad_request("The form does not say what is to be done."))),
    }
}

fn not_there() -> NotSaved {
    NotSaved::Failed(Problem::new(StatusCode::NOT_FOUND).error("It is not there any more."))
}

async fn save_rates(tx: &mut PgConnection, account_number: &str, form: &Form) -> Saved {
    let before = client::hold(tx, account_number).await?;
    let mut conditions: ClientConditions = before.clone().unwrap_or_default();
    conditions.fill(form)?;
    let is_nothing = before.is_none() && conditions == ClientConditions::default();
    if before.as_ref() != Some(&conditions) && !is_nothing {
        client::save(tx, account_number, &conditions).await?;
    }
    Ok("Rates saved.")
}

async fn save_features(tx: &mut PgConnection, account_number: &str, form: &Form, keys: &[String]) -> Saved {
    for (key, value) in form::features(form, keys.iter().map(String::as_str))? {
        match value {
            Some(value) => features::save(tx, account_number, key, &value).await?,
            None => _ = features::remove(tx, account_number, key).await?,
        }
    }
    Ok("Features saved.")
}

async fn save_types(
    tx: &mut PgConnection,
    material: &Material,
    account_number: &str,
    of: Of,
    form: &Form,
) -> Saved {
    let (prefix, known, ids): (_, &[&str], Vec<i64>) = match of {
        Of::Assets => {
            ("asset", &ASSET_TYPES, material.data().assets.iter().filter_map(|asset| asset.id).collect())
        }
        Of::Users => {
            ("user", &USER_TYPES, material.data().contacts.iter().filter_map(|contact| contact.id).collect())
        }
    };
    let stored = types::list(&mut *tx, of, Some(&ids)).await?;
    for (id, change) in form::type_changes(form, prefix, ids.into_iter(), known)? {
        match (change, stored.iter().find(|row| row.id == id)) {
            (Some(change), Some(row))
                if row.billing_type.as_deref() == Some(change.billing_type)
                    && row.custom_cost == change.custom_cost.map(Money::decimal) => {}
            (Some(change), _) => types::save(tx, of, id, &change, Some(account_number)).await?,
            (None, Some(_)) => _ = types::remove(tx, of, id).await?,
            (None, None) => {}
        }
    }
    Ok(if of == Of::Assets { "Billing of the devices saved." } else { "Billing of the users saved." })
}

/// All four cards; what is wrong in any of them is told together, and then nothing is saved.
async fn save_all(
    tx: &mut PgConnection,
    material: &Material,
    account_number: &str,
    form: &Form,
    keys: &[String],
) -> Saved {
    let mut faults = Invalid::default();
    let results = [
        save_rates(tx, account_number, form).await,
        save_features(tx, account_number, form, keys).await,
        save_types(tx, material, account_number, Of::Assets, form).await,
        save_types(tx, material, account_number, Of::Users, form).await,
    ];
    for result in results {
        match result {
            Ok(_) => {}
            Err(NotSaved::Invalid(found)) => faults.0.extend(found.0),
            Err(failed) => return Err(failed),
        }
    }
    if faults.0.is_empty() { Ok("All settings saved.") } else { Err(faults.into()) }
}
