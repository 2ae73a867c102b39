//! The tables that people change: own conditions, types, devices and people by hand, line items, features, jobs, the
//! schedule of the archive.

/// A table that both suites have.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// What makes a row one and the same in both; none where only its number there does.
    pub(super) key: &'static [&'static str],
    /// What is taken over.
    pub(super) columns: &'static [&'static str],
    /// What only a new row takes: here it changes by itself.
    pub(super) at_first: &'static [&'static str],
    /// The table has one row from the start, and this holds until somebody changes it.
    pub(super) untouched: Option<&'static str>,
}

/// In this order.
pub(super) const TABLES: [Table; 9] = [
    Table {
        name: "client_billing_overrides",
        key: &["company_account_number"],
        columns: &[
            "company_account_number",
            "billing_plan",
            "override_billing_plan_enabled",
            "support_level",
            "override_support_level_enabled",
            "per_user_cost",
            "override_puc_enabled",
            "per_workstation_cost",
            "override_pwc_enabled",
            "per_server_cost",
            "override_psc_enabled",
            "per_vm_cost",
            "override_pvc_enabled",
            "per_switch_cost",
            "override_pswitchc_enabled",
            "per_firewall_cost",
            "override_pfirewallc_enabled",
            "per_hour_ticket_cost",
            "override_phtc_enabled",
            "backup_base_fee_workstation",
            "override_bbfw_enabled",
            "backup_base_fee_server",
            "override_bbfs_enabled",
            "backup_included_tb",
            "override_bit_enabled",
            "backup_per_tb_fee",
            "override_bpt_enabled",
            "prepaid_hours_monthly",
            "override_prepaid_hours_monthly_enabled",
            "prepaid_hours_yearly",
            "override_prepaid_hours_yearly_enabled",
        ],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "asset_billing_overrides",
        key: &["asset_id"],
        columns: &["asset_id", "billing_type", "custom_cost"],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "user_billing_overrides",
        key: &["user_id"],
        columns: &["user_id", "billing_type", "custom_cost"],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "manual_assets",
        key: &[],
        columns: &["company_account_number", "hostname", "billing_type", "custom_cost", "notes"],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "manual_users",
        key: &[],
        columns: &["company_account_number", "full_name", "billing_type", "custom_cost", "notes"],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "custom_line_items",
        key: &[],
        columns: &[
            "company_account_number",
            "name",
            "description",
            "monthly_fee",
            "one_off_fee",
            "one_off_year",
            "one_off_month",
            "yearly_fee",
            "yearly_bill_month",
        ],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "client_feature_overrides",
        key: &["company_account_number", "feature_type"],
        columns: &["company_account_number", "feature_type", "override_enabled", "value"],
        at_first: &[],
        untouched: None,
    },
    Table {
        name: "scheduler_jobs",
        key: &["job_name"],
        columns: &["job_name", "script_path", "schedule_cron", "enabled", "description"],
        at_first: &["last_run", "last_status", "last_run_log"],
        untouched: None,
    },
    Table {
        name: "scheduled_snapshots",
        key: &[],
        columns: &["enabled", "day_of_month", "hour", "snapshot_previous_month", "snapshot_all_companies"],
        at_first: &[],
        untouched: Some("updated_at is null"),
    },
];

/// What columns are that are true or false here and may be nothing there.
pub(super) fn flag(column: &str) -> Option<bool> {
    if column.starts_with("override_") || column == "enabled" {
        Some(false)
    } else {
        column.starts_with("snapshot_").then_some(true)
    }
}
