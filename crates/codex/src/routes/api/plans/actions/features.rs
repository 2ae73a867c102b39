//! Adding, renaming and removing options and categories.

use hivematrix_shared::{
    audit,
    auth::Caller,
    problem::{Problem, Result},
};
use http::StatusCode;

use super::{
    super::{clash, refused, taken},
    begin,
};
use crate::{
    Codex,
    domain::{
        features::NOT_INCLUDED,
        plan_changes::{OPTION, VALUE, feature_key},
        plan_file::OptionRecord,
        plans::clean,
    },
    store::{
        feature_categories as categories,
        feature_options::{self as options, Dependents, FeatureOption, Selection},
    },
};

const OPTION_EXISTS: &str = "The category has this option already";

/// Adds an option. The id, and whether it is new: one that exists is found instead.
///
/// # Errors
/// 400 for values that are missing or do not fit.
pub async fn add_option(
    codex: &Codex,
    caller: &Caller,
    category: &str,
    value: &str,
    description: Option<&str>,
) -> Result<(i64, bool)> {
    let key = feature_key(category).map_err(|error| refused(format!("feature_type {error}")))?;
    let value = clean(value, OPTION).map_err(|error| refused(format!("display_name {error}")))?;
    let description = described(description)?;
    let record = OptionRecord {
        feature_category: key.clone(),
        option_value: value.clone(),
        display_name: None,
        description,
    };
    let mut tx = begin(codex, caller).await?;
    if let Some(known) = find_value(&mut tx, &key, &value).await? {
        return Ok((known, false));
    }
    let new_category = !categories::exists(&mut *tx, &key).await?;
    let id = options::insert(&mut tx, &record).await?.ok_or_else(|| clash(OPTION_EXISTS))?;
    if new_category {
        name_new_category(&mut tx, &key, category, &value).await?;
    }
    tx.commit().await?;
    audit!(category = key, option = value, id, caller = caller.label(), "feature option added");
    Ok((id, true))
}

async fn find_value(conn: &mut sqlx::PgConnection, key: &str, value: &str) -> Result<Option<i64>> {
    let known = options::list(conn, Selection { category: Some(key), ..Selection::default() }).await?;
    Ok(known.into_iter().find(|option| option.option_value == value).map(|option| option.id))
}

/// A category that begins with an option has `Not Included` as well.
async fn name_new_category(conn: &mut sqlx::PgConnection, key: &str, typed: &str, first: &str) -> Result<()> {
    if typed.trim() != key {
        categories::set_name(conn, key, typed.trim(), false).await?;
    }
    if first != NOT_INCLUDED {
        options::insert(conn, &not_included(key)).await?;
    }
    Ok(())
}

fn not_included(key: &str) -> OptionRecord {
    OptionRecord {
        feature_category: key.to_owned(),
        option_value: NOT_INCLUDED.to_owned(),
        display_name: None,
        description: None,
    }
}

/// Renames or describes an option; plans and agreements with companies follow.
///
/// # Errors
/// 400 for values that do not fit, 404 for an unknown id, 409 when the category has the new name or it may not change.
pub async fn change_option(
    codex: &Codex,
    caller: &Caller,
    id: i64,
    value: Option<&str>,
    description: Option<&str>,
) -> Result<FeatureOption> {
    let value = value
        .map(|value| clean(value, OPTION))
        .transpose()
        .map_err(|error| refused(format!("value {error}")))?;
    let mut tx = begin(codex, caller).await?;
    let mut option = options::find(&mut *tx, id).await?.ok_or_else(no_such_option)?;
    let old = option.option_value.clone();
    if let Some(value) = value.filter(|value| *value != old || *value != option.label()) {
        if old == NOT_INCLUDED && value != old {
            return Err(clash(format!("Every category has the option “{NOT_INCLUDED}”; it keeps its name")));
        }
        option.option_value = value;
        option.display_name = None;
    }
    if description.is_some() {
        option.description = described(description)?;
    }
    options::update(&mut tx, &option, &old).await.map_err(|error| {
        taken(error, "The category has this option already; remove this one and have that one in its place")
    })?;
    tx.commit().await?;
    audit!(
        category = option.feature_category,
        option = option.option_value,
        was = old,
        id,
        caller = caller.label(),
        "feature option changed"
    );
    Ok(option)
}

/// Removes an option. Plans and agreements that have it get `replace_with`; with `confirm` alone they lose the feature.
///
/// # Errors
/// 404 for an unknown id, 400 for a replacement the category does not have, 409 with the members `plans`, `plan_terms` and
/// `companies` when it is used and nothing was said about that.
pub async fn remove_option(
    codex: &Codex,
    caller: &Caller,
    id: i64,
    replace_with: Option<&str>,
    confirm: bool,
) -> Result<Dependents> {
    let mut tx = begin(codex, caller).await?;
    let option = options::find(&mut *tx, id).await?.ok_or_else(no_such_option)?;
    let (key, value) = (option.feature_category.as_str(), option.option_value.as_str());
    if value == NOT_INCLUDED {
        return Err(clash(format!(
            "Every category has the option “{NOT_INCLUDED}”; remove the category instead"
        )));
    }
    let used = options::dependents(&mut *tx, key, Some(value)).await?;
    let new = replace_with.map(str::trim).filter(|new| !new.is_empty());
    if let Some(new) = new {
        if new == value || (new != NOT_INCLUDED && find_value(&mut tx, key, new).await?.is_none()) {
            return Err(refused(format!("replace_with: the category has no other option “{new}”")));
        }
    } else if !used.none() && !confirm {
        return Err(in_use(
            &format!("The option “{value}” is used by {}", used.words()),
            used,
            "Choose what they get instead (replace_with), or confirm that they lose it (confirm).",
        ));
    }
    options::replace_value(&mut tx, key, value, new).await?;
    options::remove(&mut tx, id).await?;
    tx.commit().await?;
    audit!(
        category = key,
        option = value,
        id,
        replaced_with = new,
        plans = used.plans,
        companies = used.companies,
        caller = caller.label(),
        "feature option removed"
    );
    Ok(used)
}

/// Adds a category with the option `Not Included`; answers with its key.
///
/// # Errors
/// 400 for a name without letters, 409 when it exists.
pub async fn add_category(codex: &Codex, caller: &Caller, name: &str) -> Result<String> {
    let name = clean(name, OPTION).map_err(|error| refused(format!("name {error}")))?;
    let key = feature_key(&name).map_err(|error| refused(format!("name {error}")))?;
    let mut tx = begin(codex, caller).await?;
    if categories::exists(&mut *tx, &key).await? {
        return Err(clash(format!("There is a category “{key}” already")));
    }
    options::insert(&mut tx, &not_included(&key)).await?;
    if name != key {
        categories::set_name(&mut tx, &key, &name, false).await?;
    }
    tx.commit().await?;
    audit!(category = key, caller = caller.label(), "feature category added");
    Ok(key)
}

/// Gives a category another name and the key that follows from it; options, plans and agreements follow. Answers with the
/// key.
///
/// # Errors
/// 400 for a name without letters, 404 when there is none, 409 when the new key is taken.
pub async fn rename_category(codex: &Codex, caller: &Caller, key: &str, name: &str) -> Result<String> {
    let name = clean(name, VALUE).map_err(|error| refused(format!("name {error}")))?;
    let new = feature_key(&name).map_err(|error| refused(format!("name {error}")))?;
    let mut tx = begin(codex, caller).await?;
    if !categories::exists(&mut *tx, key).await? {
        return Err(no_such_category());
    }
    if new != key {
        if categories::exists(&mut *tx, &new).await? {
            return Err(clash(format!("There is a category “{new}” already")));
        }
        categories::rename(&mut tx, key, &new).await?;
    }
    categories::set_name(&mut tx, &new, &name, true).await?;
    tx.commit().await?;
    audit!(category = new, was = key, caller = caller.label(), "feature category renamed");
    Ok(new)
}

/// Removes a category with its options, from plans and agreements too.
///
/// # Errors
/// 404 when there is none, 409 with the members `plans`, `plan_terms` and `companies` when it is used and not confirmed.
pub async fn remove_category(codex: &Codex, caller: &Caller, key: &str, confirm: bool) -> Result<Dependents> {
    let mut tx = begin(codex, caller).await?;
    if !categories::exists(&mut *tx, key).await? {
        return Err(no_such_category());
    }
    let used = options::dependents(&mut *tx, key, None).await?;
    if !used.none() && !confirm {
        let what = format!("The category “{key}” is used by {}", used.words());
        return Err(in_use(&what, used, "Confirm that they lose it (confirm)."));
    }
    categories::remove(&mut tx, key).await?;
    tx.commit().await?;
    audit!(
        category = key,
        plans = used.plans,
        companies = used.companies,
        caller = caller.label(),
        "feature category removed"
    );
    Ok(used)
}

/// Empty is none. Line breaks and tabs may stand in it.
fn described(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    clean(&text.replace(['\n', '\r', '\t'], " "), 10_000)
        .map_err(|error| refused(format!("description {error}")))?;
    Ok(Some(text.to_owned()))
}

fn in_use(what: &str, used: Dependents, way: &str) -> Problem {
    clash(format!("{what}. {way}"))
        .with("plans", used.plans)
        .with("plan_terms", used.plan_terms)
        .with("companies", used.companies)
}

fn no_such_option() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Feature option not found")
}

fn no_such_category() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Feature category not found")
}
