//! Companies, people, groups and devices on the wire.

use serde_json::{Value, json};

use super::super::wire::ticket::PRIMARY_WORKSPACE;
use super::time;
use crate::world::World;
use crate::world::people::{FIRST_AGENT_ID, GROUPS};

/// A company.
pub fn department(world: &World, index: u32) -> Value {
    let c = world.company(index);
    let contacts = world.contacts_of(index);
    let head = (!contacts.is_empty()).then(|| world.contact(contacts.start));
    let prime = (contacts.len() > 1).then(|| world.contact(contacts.start + 1));
    let (users, devices, network) = c.managed;
    json!({
        "id": c.id,
        "name": c.name,
        "description": c.description,
        "head_user_id": head.as_ref().map(|p| p.id),
        "head_name": head.as_ref().map(|p| p.name()),
        "prime_user_id": prime.as_ref().map(|p| p.id),
        "prime_user_name": prime.as_ref().map(|p| p.name()),
        "domains": [c.domain],
        "workspace_id": PRIMARY_WORKSPACE,
        "custom_fields": {
            // A number field in this tenant, so it comes as one.
            "account_number": c.account_number.as_deref().and_then(|text| text.parse::<u64>().ok()),
            "plan_selected": c.plan,
            "contract_term": c.term,
            "contract_start_date": c.contract_start.map(time),
            "company_start_date": time(c.customer_since),
            "managed_users": users.to_string(),
            "managed_devices": devices.to_string(),
            "managed_network": network.to_string(),
            "profit_or_non_profit": c.profit,
            "company_main_number": c.phone,
            "address": c.address,
            "phone_system": c.systems.0,
            "email_system": c.systems.1,
        },
        "created_at": time(c.customer_since),
        "updated_at": time(c.customer_since),
    })
}

/// A requester.
pub fn requester(world: &World, index: u32) -> Value {
    let p = world.contact(index);
    let company = world.company(world.company_of(index));
    let (language, time_zone, time_format) = p.locale;
    json!({
        "id": p.id,
        "first_name": p.first_name,
        "last_name": p.last_name,
        "primary_email": p.email,
        "secondary_emails": [],
        "job_title": p.job_title,
        "work_phone_number": p.phones.0,
        "mobile_phone_number": p.phones.1,
        "department_ids": p.companies,
        "department_names": company.name,
        "active": p.active,
        "is_agent": false,
        "vip_user": p.vip,
        "has_logged_in": p.number.is_multiple_of(3),
        "address": company.address,
        "background_information": null,
        "reporting_manager_id": null,
        "location_id": null,
        "location_name": null,
        "language": language,
        "time_zone": time_zone,
        "time_format": time_format,
        "can_see_all_tickets_from_associated_departments": p.vip,
        "can_see_all_changes_from_associated_departments": false,
        "external_id": null,
        "work_schedule_id": null,
        "custom_fields": {"user_number": (!p.number.is_multiple_of(4)).then(|| format!("U-{:05}", p.id % 100_000))},
        "created_at": time(p.created_at),
        "updated_at": time(p.created_at),
    })
}

/// A technician.
pub fn agent(world: &World, index: u32) -> Value {
    let a = world.agent(index);
    json!({
        "id": a.id,
        "first_name": a.first_name,
        "last_name": a.last_name,
        "email": a.email,
        "job_title": a.job_title,
        "active": a.active,
        "occasional": a.occasional,
        "department_ids": [],
        "group_ids": a.groups,
        "member_of": a.groups,
        "observer_of": [],
        "role_ids": [19_000_800_001_u64],
        "roles": [{"role_id": 19_000_800_001_u64, "assignment_scope": "entire_helpdesk", "groups": []}],
        "scopes": {},
        "signature": "<p></p>",
        "work_phone_number": null,
        "mobile_phone_number": null,
        "reporting_manager_id": (index > 0).then_some(FIRST_AGENT_ID),
        "location_id": null,
        "location_name": null,
        "address": null,
        "background_information": null,
        "language": "en",
        "time_zone": "Eastern Time (US & Canada)",
        "time_format": "12h",
        "has_logged_in": true,
        "vip_user": false,
        "can_see_all_tickets_from_associated_departments": false,
        "can_see_all_changes_from_associated_departments": false,
        "external_id": null,
        "last_login_at": null,
        "last_active_at": null,
        "auto_assign_tickets": true,
        "workspace_ids": [PRIMARY_WORKSPACE],
        "custom_fields": {},
        "created_at": time(a.created_at),
        "updated_at": time(a.created_at),
    })
}

/// A group of technicians.
pub fn group(world: &World, index: u32) -> Value {
    let (id, name, description) = GROUPS[index as usize % GROUPS.len()];
    let members: Vec<u64> = (0..world.size().agents)
        .map(|i| world.agent(i))
        .filter(|a| a.groups.contains(&id))
        .map(|a| a.id)
        .collect();
    json!({
        "id": id,
        "name": name,
        "description": description,
        "escalate_to": null,
        "unassigned_for": null,
        "business_hours_id": null,
        "auto_ticket_assign": false,
        "restricted": false,
        "approval_required": false,
        "agent_ids": members,
        "members": members,
        "observers": [],
        "leaders": [],
        "members_pending_approval": [],
        "observers_pending_approval": [],
        "leaders_pending_approval": [],
        "ocs_schedule_id": null,
        "created_at": "2020-01-02T09:00:00Z",
        "updated_at": "2024-06-03T10:30:00Z",
    })
}

/// A device.
pub fn asset(world: &World, index: u32) -> Value {
    let a = world.asset(index);
    json!({
        "id": a.id,
        "display_id": a.display_id,
        "name": a.name,
        "description": a.description,
        "asset_type_id": a.type_id,
        "asset_tag": format!("ASSET-{}", a.display_id),
        "impact": "low",
        "usage_type": "permanent",
        "user_id": a.user_id,
        "department_id": a.department_id,
        "location_id": null,
        "agent_id": null,
        "group_id": null,
        "assigned_on": a.user_id.map(|_| time(a.created_at)),
        "workspace_id": PRIMARY_WORKSPACE,
        "created_at": time(a.created_at),
        "updated_at": time(a.created_at),
    })
}
