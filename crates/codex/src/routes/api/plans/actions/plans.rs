//! Making, changing, copying, removing and importing plans.

use std::collections::BTreeMap;

use hivematrix_shared::{
    audit,
    auth::Caller,
    problem::{Problem, Result},
};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::{
    super::{clash, invalid, no_such_plan, refused, taken},
    begin,
};
use crate::{
    Codex,
    domain::{
        contract::canonical_term,
        plan_changes::{self, Invalid, NAME, apply},
        plan_file::PlanFile,
        plans::{Features, Plan, Prices, clean},
    },
    store::{
        plan_import::{self, Statistics},
        plan_usage::{self, Usage},
        plans::{self, Selection},
        support_levels,
    },
};

const EXISTS: &str = "Plan with this name and term already exists";

/// Makes one term of a plan.
///
/// # Errors
/// 400 for values that are missing or do not fit, 409 when it exists.
pub async fn create(codex: &Codex, caller: &Caller, given: &Map<String, Value>) -> Result<i64> {
    let filled = |name: &str| {
        given.get(name).is_some_and(|value| {
            value.as_str().is_none_or(|text| !text.trim().is_empty()) && !value.is_null()
        })
    };
    if !(filled("plan_name") || filled("billing_plan")) || !filled("term_length") {
        return Err(refused("plan_name and term_length are required"));
    }
    let mut plan = Plan::new("", "", Prices::default());
    let changes = apply(&mut plan, given).map_err(|error| invalid(&error))?;
    let features = plan_changes::changed(Features::new(), changes).map_err(|error| invalid(&error))?;
    let mut tx = begin(codex, caller).await?;
    let id = plans::insert(&mut tx, &plan).await?.ok_or_else(|| clash(EXISTS))?;
    plans::replace_features(&mut tx, &BTreeMap::from([(id, features)])).await?;
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(
        plan = plan.plan_name,
        term = plan.term_length,
        id,
        caller = caller.label(),
        "billing plan created"
    );
    Ok(id)
}

/// Makes a plan with the four usual terms and fees.
///
/// # Errors
/// 400 for no name, 409 when there is a plan of this name.
pub async fn create_in_all_terms(codex: &Codex, caller: &Caller, name: &str) -> Result<(String, Vec<i64>)> {
    let name = clean(name, NAME).map_err(|error| field("plan_name", &error))?;
    let mut tx = begin(codex, caller).await?;
    if !of_name(&mut tx, &name).await?.is_empty() {
        return Err(clash(format!("There is a plan “{name}” already")));
    }
    let mut ids = Vec::new();
    for plan in Plan::in_all_terms(&name) {
        ids.extend(plans::insert(&mut tx, &plan).await?);
    }
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(plan = name, caller = caller.label(), "billing plan created in all terms");
    Ok((name, ids))
}

/// Changes one term of a plan. With another name or term it is another plan for the companies that have it, so that the
/// same has to be said about them as when it is removed. Answers how many of them got the plan they were given.
///
/// # Errors
/// 400 for values that do not fit, 404 for an unknown id, 409 when name and term are taken, and as [`remove`].
pub async fn change(
    codex: &Codex,
    caller: &Caller,
    id: i64,
    given: &Map<String, Value>,
    removal: &Removal,
) -> Result<Left> {
    let mut tx = begin(codex, caller).await?;
    let mut plan = plans::find(&mut *tx, id).await?.ok_or_else(no_such_plan)?;
    let old = (plan.plan_name.clone(), plan.term_length.clone());
    let changes = apply(&mut plan, given).map_err(|error| invalid(&error))?;
    plans::update(&mut tx, std::slice::from_ref(&plan)).await.map_err(|error| taken(error, EXISTS))?;
    let renamed = (&old.0, &old.1) != (&plan.plan_name, &plan.term_length);
    let left = if renamed { leave(&mut tx, &old.0, Some(&old.1), removal).await? } else { Left::default() };
    if !changes.is_empty() {
        let known = plans::features(&mut *tx, &[id]).await?.remove(&id).unwrap_or_default();
        let features = plan_changes::changed(known, changes).map_err(|error| invalid(&error))?;
        plans::replace_features(&mut tx, &BTreeMap::from([(id, features)])).await?;
    }
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(
        plan = plan.plan_name,
        term = plan.term_length,
        id,
        was = renamed.then(|| format!("{} ({})", old.0, old.1)),
        companies = left.companies,
        reassigned_to = removal.target(),
        caller = caller.label(),
        "billing plan changed"
    );
    Ok(left)
}

/// Changes several terms of a plan at once, all or none. Each names its row by `id` or `term_length`; names and terms do
/// not change. Wrong values are told by `<field>_<id>`.
///
/// # Errors
/// 400 for values that do not fit, 404 when there is no such plan.
pub async fn save(codex: &Codex, caller: &Caller, name: &str, terms: &[Map<String, Value>]) -> Result<usize> {
    let mut tx = begin(codex, caller).await?;
    let mut rows = of_name(&mut tx, name).await?;
    if rows.is_empty() {
        return Err(no_such_plan());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut features = plans::features(&mut *tx, &ids).await?;
    let mut wrong = Invalid::default();
    let mut changed = BTreeMap::new();
    for given in terms {
        let id = given.get("id").and_then(Value::as_i64);
        let term = given.get("term_length").and_then(Value::as_str).and_then(canonical_term);
        let row = rows.iter_mut().find(|row| match (id, &term) {
            (Some(id), _) => row.id == id,
            (None, Some(term)) => row.term_length == *term,
            (None, None) => false,
        });
        let Some(row) = row else {
            return Err(refused(format!(
                "The plan “{name}” has no such term; name it by its id or term_length"
            )));
        };
        let mut given = given.clone();
        given.retain(|member, _| !matches!(member.as_str(), "plan_name" | "billing_plan" | "term_length"));
        let known = features.remove(&row.id).unwrap_or_default();
        match apply(row, &given).and_then(|changes| plan_changes::changed(known, changes)) {
            Ok(features) => drop(changed.insert(row.id, features)),
            Err(Invalid(fields)) => {
                for (member, error) in fields {
                    wrong.note(&format!("{member}_{}", row.id), &error);
                }
            }
        }
    }
    wrong.result().map_err(|error| invalid(&error))?;
    rows.retain(|row| changed.contains_key(&row.id));
    plans::update(&mut tx, &rows).await?;
    plans::replace_features(&mut tx, &changed).await?;
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(plan = name, terms = rows.len(), caller = caller.label(), "billing plan changed");
    Ok(rows.len())
}

/// Gives the other terms of a plan the prices, support level and features of one.
///
/// # Errors
/// 404 when there is no such plan or term.
pub async fn copy_terms(codex: &Codex, caller: &Caller, name: &str, source: &str) -> Result<usize> {
    let term = canonical_term(source).unwrap_or_default();
    let mut tx = begin(codex, caller).await?;
    let mut rows = of_name(&mut tx, name).await?;
    let source = rows.iter().find(|row| row.term_length == term).cloned().ok_or_else(no_such_plan)?;
    rows.retain(|row| row.id != source.id);
    let features = plans::features(&mut *tx, &[source.id]).await?.remove(&source.id).unwrap_or_default();
    for row in &mut rows {
        row.prices = source.prices.clone();
        row.support_level.clone_from(&source.support_level);
        row.old_features = source.old_features.clone();
    }
    let features = rows.iter().map(|row| (row.id, features.clone())).collect();
    plans::update(&mut tx, &rows).await?;
    plans::replace_features(&mut tx, &features).await?;
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(
        plan = name,
        term,
        caller = caller.label(),
        "terms of a billing plan overwritten with one of them"
    );
    Ok(rows.len())
}

/// What happens to the companies of a plan that is removed.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// They get this plan.
    pub reassign_to: Option<String>,
    /// They keep its name, and have no prices.
    pub force: bool,
}

impl Removal {
    fn target(&self) -> Option<&str> {
        self.reassign_to.as_deref().map(str::trim).filter(|to| !to.is_empty())
    }
}

/// Companies whose plan is none any more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// How many had it.
    pub companies: usize,
    /// How many of them got another plan.
    pub reassigned: u64,
}

/// What was removed.
#[derive(Clone, Copy, Debug)]
pub struct Removed {
    /// Terms.
    pub terms: u64,
    /// Companies that got another plan.
    pub reassigned: u64,
}

/// Removes a plan in one term or in all.
///
/// # Errors
/// 404 when there is none, 400 when the companies cannot get the other plan, 409 with the member `companies` when companies
/// have it and nothing was said about them.
pub async fn remove(
    codex: &Codex,
    caller: &Caller,
    name: &str,
    term: Option<&str>,
    removal: &Removal,
) -> Result<Removed> {
    let term = term.map(|term| canonical_term(term).unwrap_or_default());
    let mut tx = begin(codex, caller).await?;
    let mut rows = of_name(&mut tx, name).await?;
    rows.retain(|row| term.as_ref().is_none_or(|term| row.term_length == *term));
    if rows.is_empty() {
        return Err(no_such_plan());
    }
    let left = leave(&mut tx, name, term.as_deref(), removal).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let terms = plans::remove(&mut tx, &ids).await?;
    support_levels::refresh(&mut tx, None).await?;
    tx.commit().await?;
    audit!(
        plan = name,
        terms,
        companies = left.companies,
        reassigned_to = removal.target(),
        caller = caller.label(),
        "billing plan removed"
    );
    Ok(Removed { terms, reassigned: left.reassigned })
}

/// Gives the companies of a plan, in one term or in all, what was said about them.
async fn leave(conn: &mut PgConnection, name: &str, term: Option<&str>, removal: &Removal) -> Result<Left> {
    let usage = Usage::load(&mut *conn, None).await?;
    let companies: Vec<String> = usage.companies(name, term).map(str::to_owned).collect();
    let mut left = Left { companies: companies.len(), reassigned: 0 };
    if let Some(to) = removal.target() {
        if to == name {
            return Err(refused("reassign_to must be another plan"));
        }
        if of_name(conn, to).await?.is_empty() {
            return Err(refused(format!("reassign_to: there is no plan “{to}”")));
        }
        left.reassigned = plan_usage::reassign(conn, &companies, to).await?;
    } else if !companies.is_empty() && !removal.force {
        return Err(in_use(name, companies.len()));
    }
    Ok(left)
}

/// Removes one term of a plan by its id.
///
/// # Errors
/// As [`remove`].
pub async fn remove_row(codex: &Codex, caller: &Caller, id: i64, removal: &Removal) -> Result<Removed> {
    let plan = plans::find(&codex.pool, id).await?.ok_or_else(no_such_plan)?;
    remove(codex, caller, &plan.plan_name, Some(&plan.term_length), removal).await
}

fn in_use(name: &str, companies: usize) -> Problem {
    let who = if companies == 1 { "1 company has".to_owned() } else { format!("{companies} companies have") };
    clash(format!(
        "{who} the plan “{name}”. Choose the plan they get instead (reassign_to), or leave them on this name, without prices (force)."
    ))
    .with("companies", companies)
}

/// Takes plans and options from a file; with `dry_run` only says what would happen.
///
/// # Errors
/// When the database fails.
pub async fn import(codex: &Codex, caller: &Caller, file: PlanFile, dry_run: bool) -> Result<Statistics> {
    let mut tx = begin(codex, caller).await?;
    let done = plan_import::import(&mut tx, file).await?;
    if dry_run {
        tx.rollback().await?;
        return Ok(done);
    }
    tx.commit().await?;
    audit!(
        plans = done.plans_imported,
        options = done.features_imported,
        errors = done.errors.len(),
        caller = caller.label(),
        "billing plans imported"
    );
    Ok(done)
}

async fn of_name(conn: &mut PgConnection, name: &str) -> Result<Vec<Plan>> {
    Ok(plans::list(conn, Selection { plan_name: Some(name), ..Selection::default() }).await?)
}

fn field(name: &str, error: &str) -> Problem {
    let mut wrong = Invalid::default();
    wrong.note(name, error);
    invalid(&wrong)
}
