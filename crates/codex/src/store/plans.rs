//! Billing plans and their features.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor, types::Json};

use crate::domain::plans::{Features, OldFeatures, Plan, Prices};

/// Which plans are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only the one with this id.
    pub id: Option<i64>,
    /// Only those of this name.
    pub plan_name: Option<&'a str>,
    /// Only those of this canonical term.
    pub term_length: Option<&'a str>,
}

/// Plans by name and term.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(executor: impl PgExecutor<'_>, selection: Selection<'_>) -> sqlx::Result<Vec<Plan>> {
    let rows = sqlx::query!(
        "select id, plan_name, term_length, support_level, per_user_cost, per_workstation_cost, per_server_cost,
            per_vm_cost, per_switch_cost, per_firewall_cost, per_hour_ticket_cost, backup_base_fee_workstation,
            backup_base_fee_server, backup_included_tb, backup_per_tb_fee, antivirus, soc, password_manager, sat,
            email_security, network_management
         from billing_plans
         where ($1::bigint is null or id = $1) and ($2::text is null or plan_name = $2)
            and ($3::text is null or term_length = $3)
         order by lower(plan_name), plan_name, term_length",
        selection.id,
        selection.plan_name,
        selection.term_length
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Plan {
            id: row.id,
            plan_name: row.plan_name,
            term_length: row.term_length,
            support_level: row.support_level,
            prices: Prices {
                per_user_cost: row.per_user_cost,
                per_workstation_cost: row.per_workstation_cost,
                per_server_cost: row.per_server_cost,
                per_vm_cost: row.per_vm_cost,
                per_switch_cost: row.per_switch_cost,
                per_firewall_cost: row.per_firewall_cost,
                per_hour_ticket_cost: row.per_hour_ticket_cost,
                backup_base_fee_workstation: row.backup_base_fee_workstation,
                backup_base_fee_server: row.backup_base_fee_server,
                backup_included_tb: row.backup_included_tb,
                backup_per_tb_fee: row.backup_per_tb_fee,
            },
            old_features: OldFeatures {
                antivirus: row.antivirus,
                soc: row.soc,
                password_manager: row.password_manager,
                sat: row.sat,
                email_security: row.email_security,
                network_management: row.network_management,
            },
        })
        .collect())
}

/// One plan.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(executor: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Plan>> {
    let found = list(executor, Selection { id: Some(id), ..Selection::default() }).await?;
    Ok(found.into_iter().next())
}

/// Whether there is any plan.
///
/// # Errors
/// When the database cannot be read.
pub async fn any(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from billing_plans) as "exists!""#).fetch_one(executor).await
}

/// Keeps others from changing plans until the transaction ends. Readers are not kept waiting.
///
/// # Errors
/// When the database cannot be asked.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table billing_plans, plan_features, feature_options in share row exclusive mode")
        .execute(conn)
        .await?;
    Ok(())
}

/// Features of plans by plan id.
///
/// # Errors
/// When the database cannot be read.
pub async fn features(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<BTreeMap<i64, Features>> {
    let rows = sqlx::query!(
        "select plan_id, feature_type, feature_value from plan_features where plan_id = any ($1)",
        ids
    )
    .fetch_all(executor)
    .await?;
    let mut features: BTreeMap<i64, Features> = BTreeMap::new();
    for row in rows {
        features.entry(row.plan_id).or_default().insert(row.feature_type, row.feature_value);
    }
    Ok(features)
}

/// Stores a new plan. None when there is one of this name and term.
///
/// # Errors
/// When the database cannot be written.
pub async fn insert(conn: &mut PgConnection, plan: &Plan) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into billing_plans (plan_name, term_length, support_level, per_user_cost, per_workstation_cost,
            per_server_cost, per_vm_cost, per_switch_cost, per_firewall_cost, per_hour_ticket_cost,
            backup_base_fee_workstation, backup_base_fee_server, backup_included_tb, backup_per_tb_fee, antivirus, soc,
            password_manager, sat, email_security, network_management)
         select i.plan_name, i.term_length, i.support_level, i.per_user_cost, i.per_workstation_cost,
            i.per_server_cost, i.per_vm_cost, i.per_switch_cost, i.per_firewall_cost, i.per_hour_ticket_cost,
            i.backup_base_fee_workstation, i.backup_base_fee_server, i.backup_included_tb, i.backup_per_tb_fee,
            i.antivirus, i.soc, i.password_manager, i.sat, i.email_security, i.network_management
         from jsonb_populate_record(null::billing_plans, $1) as i
         on conflict do nothing
         returning id",
        Json(plan) as _
    )
    .fetch_optional(conn)
    .await
}

/// Writes plans over what is stored under their ids.
///
/// # Errors
/// When a name and term are taken, or the database cannot be written.
pub async fn update(conn: &mut PgConnection, plans: &[Plan]) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing_plans p set
            plan_name = i.plan_name, term_length = i.term_length, support_level = i.support_level,
            per_user_cost = i.per_user_cost, per_workstation_cost = i.per_workstation_cost,
            per_server_cost = i.per_server_cost, per_vm_cost = i.per_vm_cost, per_switch_cost = i.per_switch_cost,
            per_firewall_cost = i.per_firewall_cost, per_hour_ticket_cost = i.per_hour_ticket_cost,
            backup_base_fee_workstation = i.backup_base_fee_workstation,
            backup_base_fee_server = i.backup_base_fee_server, backup_included_tb = i.backup_included_tb,
            backup_per_tb_fee = i.backup_per_tb_fee, antivirus = i.antivirus, soc = i.soc,
            password_manager = i.password_manager, sat = i.sat, email_security = i.email_security,
            network_management = i.network_management
         from jsonb_populate_recordset(null::billing_plans, $1) as i
         where p.id = i.id",
        Json(plans) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces the features of plans: those that are equal stay untouched.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace_features(
    conn: &mut PgConnection,
    features: &BTreeMap<i64, Features>,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = features.keys().copied().collect();
    let (mut plans, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (id, features) in features {
        for (key, value) in features {
            plans.push(*id);
            keys.push(key.clone());
            values.push(value.clone());
        }
    }
    sqlx::query!(
        "delete from plan_features f where f.plan_id = any ($1) and not exists (
            select from unnest($2::bigint[], $3::text[]) as i (plan_id, key)
            where i.plan_id = f.plan_id and i.key = f.feature_type)",
        &ids,
        &plans,
        &keys
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into plan_features as f (plan_id, feature_type, feature_value)
         select * from unnest($1::bigint[], $2::text[], $3::text[])
         on conflict (plan_id, feature_type) do update set feature_value = excluded.feature_value
         where f.feature_value <> excluded.feature_value",
        &plans,
        &keys,
        &values
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes plans with their features.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, ids: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from billing_plans where id = any ($1)", ids).execute(conn).await?;
    Ok(done.rows_affected())
}
