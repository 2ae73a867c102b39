//! `client_billing_overrides`: own conditions of companies (ledger.md §2.1).

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::changes::{ClientConditions, Condition};

/// The conditions of companies, of all without a list.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<&[String]>,
) -> sqlx::Result<Vec<(String, ClientConditions)>> {
    let rows = sqlx::query!(
        r#"select company_account_number, billing_plan, override_billing_plan_enabled, support_level,
            override_support_level_enabled,
            array[
                per_user_cost, per_workstation_cost, per_server_cost, per_vm_cost, per_switch_cost,
                per_firewall_cost, per_hour_ticket_cost, backup_base_fee_workstation, backup_base_fee_server,
                backup_included_tb, backup_per_tb_fee, prepaid_hours_monthly, prepaid_hours_yearly
            ]::numeric[] as "values!: Vec<Option<Decimal>>",
            array[
                override_puc_enabled, override_pwc_enabled, override_psc_enabled, override_pvc_enabled,
                override_pswitchc_enabled, override_pfirewallc_enabled, override_phtc_enabled,
                override_bbfw_enabled, override_bbfs_enabled, override_bit_enabled, override_bpt_enabled,
                override_prepaid_hours_monthly_enabled, override_prepaid_hours_yearly_enabled
            ] as "flags!: Vec<bool>"
         from client_billing_overrides where $1::text[] is null or company_account_number = any($1)"#,
        only
    )
    .fetch_all(executor)
    .await?;
    let conditions = rows.into_iter().map(|row| {
        let mut numbers: [Condition<Decimal>; 13] = Default::default();
        for (number, (value, enabled)) in numbers.iter_mut().zip(row.values.into_iter().zip(row.flags)) {
            *number = Condition { value, enabled };
        }
        let conditions = ClientConditions {
            billing_plan: Condition { value: row.billing_plan, enabled: row.override_billing_plan_enabled },
            support_level: Condition {
                value: row.support_level,
                enabled: row.override_support_level_enabled,
            },
            numbers,
        };
        (row.company_account_number, conditions)
    });
    Ok(conditions.collect())
}

/// The conditions of one company, kept from others until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn hold(
    connection: &mut PgConnection,
    account_number: &str,
) -> sqlx::Result<Option<ClientConditions>> {
    // Also where there is no row yet.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 1))", account_number)
        .fetch_one(&mut *connection)
        .await?;
    let found = list(connection, Some(&[account_number.to_owned()])).await?;
    Ok(found.into_iter().next().map(|(_, conditions)| conditions))
}

/// Stores the conditions of one company.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(
    connection: &mut PgConnection,
    account_number: &str,
    conditions: &ClientConditions,
) -> sqlx::Result<()> {
    let values: Vec<Option<Decimal>> = conditions.numbers.iter().map(|number| number.value).collect();
    let flags: Vec<bool> = conditions.numbers.iter().map(|number| number.enabled).collect();
    sqlx::query!(
        "insert into client_billing_overrides (company_account_number,
            billing_plan, override_billing_plan_enabled, support_level, override_support_level_enabled,
            per_user_cost, override_puc_enabled, per_workstation_cost, override_pwc_enabled, per_server_cost,
            override_psc_enabled, per_vm_cost, override_pvc_enabled, per_switch_cost,
            override_pswitchc_enabled, per_firewall_cost, override_pfirewallc_enabled, per_hour_ticket_cost,
            override_phtc_enabled, backup_base_fee_workstation, override_bbfw_enabled, backup_base_fee_server,
            override_bbfs_enabled, backup_included_tb, override_bit_enabled, backup_per_tb_fee,
            override_bpt_enabled, prepaid_hours_monthly, override_prepaid_hours_monthly_enabled,
            prepaid_hours_yearly, override_prepaid_hours_yearly_enabled)
         values (
            $1, $2, $3, $4, $5, ($6::numeric[])[1], ($7::boolean[])[1], ($6::numeric[])[2], ($7::boolean[])[2], ($6::numeric[])[3], ($7::boolean[])[3], ($6::numeric[])[4], ($7::boolean[])[4], ($6::numeric[])[5], ($7::boolean[])[5], ($6::numeric[])[6],
            ($7::boolean[])[6], ($6::numeric[])[7], ($7::boolean[])[7], ($6::numeric[])[8], ($7::boolean[])[8], ($6::numeric[])[9], ($7::boolean[])[9], ($6::numeric[])[10], ($7::boolean[])[10], ($6::numeric[])[11], ($7::boolean[])[11], ($6::numeric[])[12], ($7::boolean[])[12],
            ($6::numeric[])[13], ($7::boolean[])[13])
         on conflict (company_account_number) do update set
            billing_plan = excluded.billing_plan,
            override_billing_plan_enabled = excluded.override_billing_plan_enabled,
            support_level = excluded.support_level,
            override_support_level_enabled = excluded.override_support_level_enabled,
            per_user_cost = excluded.per_user_cost, override_puc_enabled = excluded.override_puc_enabled,
            per_workstation_cost = excluded.per_workstation_cost,
            override_pwc_enabled = excluded.override_pwc_enabled, per_server_cost = excluded.per_server_cost,
            override_psc_enabled = excluded.override_psc_enabled, per_vm_cost = excluded.per_vm_cost,
            override_pvc_enabled = excluded.override_pvc_enabled, per_switch_cost = excluded.per_switch_cost,
            override_pswitchc_enabled = excluded.override_pswitchc_enabled,
            per_firewall_cost = excluded.per_firewall_cost,
            override_pfirewallc_enabled = excluded.override_pfirewallc_enabled,
            per_hour_ticket_cost = excluded.per_hour_ticket_cost,
            override_phtc_enabled = excluded.override_phtc_enabled,
            backup_base_fee_workstation = excluded.backup_base_fee_workstation,
            override_bbfw_enabled = excluded.override_bbfw_enabled,
            backup_base_fee_server = excluded.backup_base_fee_server,
            override_bbfs_enabled = excluded.override_bbfs_enabled,
            backup_included_tb = excluded.backup_included_tb,
            override_bit_enabled = excluded.override_bit_enabled,
            backup_per_tb_fee = excluded.backup_per_tb_fee,
            override_bpt_enabled = excluded.override_bpt_enabled,
            prepaid_hours_monthly = excluded.prepaid_hours_monthly,
            override_prepaid_hours_monthly_enabled = excluded.override_prepaid_hours_monthly_enabled,
            prepaid_hours_yearly = excluded.prepaid_hours_yearly,
            override_prepaid_hours_yearly_enabled = excluded.override_prepaid_hours_yearly_enabled",
        account_number,
        conditions.billing_plan.value,
        conditions.billing_plan.enabled,
        conditions.support_level.value,
        conditions.support_level.enabled,
        &values as _,
        &flags
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the conditions of one company. False when there were none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(connection: &mut PgConnection, account_number: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from client_billing_overrides where company_account_number = $1",
        account_number
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
