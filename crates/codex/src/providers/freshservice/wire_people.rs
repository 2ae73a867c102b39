//! Freshservice departments, requesters, agents and groups as normalised rows (codex-api.md §13.1).

use super::super::row::Row;
use super::super::types::{PsaAgent, PsaCompany, PsaContact, PsaGroup};

/// A department is a customer company.
pub(super) fn company(row: &mut Row<'_>) -> Option<PsaCompany> {
    let external_id = row.int("id")?;
    let name = row.line("name").unwrap_or_else(|| format!("Company {external_id}"));
    let mut fields = row.object("custom_fields");
    let mut field = |name: &str| fields.as_mut().and_then(|fields| fields.text(name));
    Some(PsaCompany {
        external_id,
        account_number: field("account_number"),
        name,
        plan_selected: field("plan_selected").or_else(|| field("billing_plan")),
        managed_users: field("managed_users"),
        managed_devices: field("managed_devices"),
        managed_network: field("managed_network"),
        contract_term: field("contract_term"),
        contract_start_date: field("contract_start_date"),
        company_start_date: field("company_start_date"),
        profit_or_non_profit: field("profit_or_non_profit"),
        company_main_number: field("company_main_number"),
        phone_system: field("phone_system"),
        email_system: field("email_system"),
        address: field("address").or_else(|| row.text("address")),
        description: row.text("description"),
        domains: Some(row.texts("domains")).filter(|domains| !domains.is_empty()),
        head_user_id: row.int("head_user_id"),
        head_name: row.text("head_name"),
        prime_user_id: row.int("prime_user_id"),
        prime_user_name: row.text("prime_user_name"),
        workspace_id: row.int("workspace_id"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    })
}

/// A requester is a contact.
pub(super) fn contact(row: &mut Row<'_>) -> Option<PsaContact> {
    let department_names = match row.get("department_names") {
        Some(names) if names.is_array() => Some(row.texts("department_names").join(", ")),
        _ => row.text("department_names"),
    };
    let mut fields = row.object("custom_fields");
    Some(PsaContact {
        external_id: row.int("id")?,
        first_name: row.line("first_name"),
        last_name: row.line("last_name"),
        email: row.text("primary_email").or_else(|| row.text("email")),
        secondary_emails: row.texts("secondary_emails"),
        job_title: row.text("job_title"),
        active: row.flag("active", true),
        is_agent: row.flag("is_agent", false),
        vip_user: row.flag("vip_user", false),
        has_logged_in: row.flag("has_logged_in", false),
        can_see_all_tickets_from_associated_departments: row
            .flag("can_see_all_tickets_from_associated_departments", false),
        can_see_all_changes_from_associated_departments: row
            .flag("can_see_all_changes_from_associated_departments", false),
        mobile_phone_number: row.text("mobile_phone_number"),
        work_phone_number: row.text("work_phone_number"),
        user_number: fields.as_mut().and_then(|fields| fields.text("user_number")),
        address: row.text("address"),
        background_information: row.text("background_information"),
        department_names: department_names.filter(|names| !names.is_empty()),
        department_ids: row.ids("department_ids"),
        reporting_manager_id: row.int("reporting_manager_id"),
        location_id: row.int("location_id"),
        location_name: row.text("location_name"),
        work_schedule_id: row.int("work_schedule_id"),
        language: row.text("language"),
        time_zone: row.text("time_zone"),
        time_format: row.text("time_format"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    })
}

/// A technician.
pub(super) fn agent(row: &mut Row<'_>) -> Option<PsaAgent> {
    let mut group_ids = row.ids("group_ids");
    if group_ids.is_empty() {
        group_ids = row.ids("member_of");
    }
    Some(PsaAgent {
        external_id: row.int("id")?,
        first_name: row.text("first_name"),
        last_name: row.text("last_name"),
        email: row.text("email").or_else(|| row.text("primary_email")),
        job_title: row.text("job_title"),
        active: row.flag("active", true),
        group_ids,
        department_ids: row.ids("department_ids"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    })
}

/// A group of technicians.
pub(super) fn group(row: &mut Row<'_>) -> Option<PsaGroup> {
    let external_id = row.int("id")?;
    let mut agent_ids = row.ids("agent_ids");
    if agent_ids.is_empty() {
        agent_ids = row.ids("members");
    }
    Some(PsaGroup {
        external_id,
        name: row.text("name").unwrap_or_else(|| format!("Group {external_id}")),
        description: row.text("description"),
        agent_ids,
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    })
}
