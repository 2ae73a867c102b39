//! The vendor's JSON: which members an object has and what they are called.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::freshservice::{Collection, State};
use crate::world::companies::FIRST_COMPANY_ID;
use crate::world::people::{FIRST_AGENT_ID, FIRST_CONTACT_ID, GROUPS};
use crate::world::text::escape;
use crate::world::thread::Entry;
use crate::world::{Ticket, World, status};

use super::records::record;

/// The vendor's ids are beyond what a double holds exactly, and come as text.
const SHIFT: u64 = 7_206_852_868_000_000_000;
/// First id of clients' sites, one for each client.
const FIRST_SITE_ID: u64 = 19_000_900_001;

/// The vendor's id of a record of the world.
pub const fn vendor_id(id: u64) -> u64 {
    SHIFT + id
}

/// The world's id behind the vendor's.
pub fn world_id(id: u64) -> Option<u64> {
    id.checked_sub(SHIFT)
}

/// An id as it appears on the wire.
pub fn id(id: u64) -> Value {
    Value::String(vendor_id(id).to_string())
}

/// A time in the vendor's form: UTC to the second, without a zone.
pub fn time(at: DateTime<Utc>) -> Value {
    Value::String(at.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn time_or_null(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, time)
}

/// The statuses of this tenant, by the world's code. The vendor has none for a reply of the customer: it is seen in the
/// conversation only.
pub const STATUSES: &[(u16, &str)] = &[
    (status::OPEN, "Open"),
    (status::PENDING, "Pending"),
    (status::RESOLVED, "Resolved"),
    (status::CLOSED, "Closed"),
    (status::SCHEDULED, "Scheduled"),
    (status::WAITING_CUSTOMER, "Waiting on customer"),
    (status::WAITING_THIRD_PARTY, "Waiting on third party"),
    (status::UNDER_INVESTIGATION, "Under Investigation"),
    (status::JOB_COMPLETE_BILL, "Job Complete - Bill"),
    (status::BILLING_COMPLETE, "Billing Complete"),
    (status::UPDATE_NEEDED, "Update Needed"),
    (status::ON_HOLD, "On Hold"),
    (status::PENDING_HUBSPOT, "Pending Hubspot"),
];

/// The priorities of this tenant, by the world's code.
pub const PRIORITIES: &[(u8, &str)] = &[(1, "Low"), (2, "Medium"), (3, "High"), (4, "Critical")];

fn status_name(code: u16) -> &'static str {
    if code == status::CUSTOMER_REPLIED {
        return "Open";
    }
    STATUSES.iter().find(|(known, _)| *known == code).map_or("Parked By Robot", |(_, name)| name)
}

fn member(object: Option<Value>, names: &[&str]) -> Value {
    let Some(object) = object else { return Value::Null };
    names
        .iter()
        .map(|name| ((*name).to_owned(), object[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn client_of(sim: &State, world_company: Option<u64>) -> Value {
    member(
        world_company.and_then(|company| record(sim, Collection::Departments, vendor_id(company))),
        &["accountId", "name"],
    )
}

fn user_of(sim: &State, world_contact: Option<u64>) -> Value {
    let user = world_contact.and_then(|contact| record(sim, Collection::Requesters, vendor_id(contact)));
    member(user, &["userId", "name", "email"])
}

fn technician_of(sim: &State, world_agent: Option<u64>) -> Value {
    let user = world_agent.and_then(|agent| record(sim, Collection::Agents, vendor_id(agent)));
    member(user, &["userId", "name", "email"])
}

/// A client.
pub fn client(world: &World, index: u32) -> Value {
    let c = world.company(index);
    let contacts = world.contacts_of(index);
    let person = |place: u32| {
        let p = (contacts.start + place < contacts.end).then(|| world.contact(contacts.start + place))?;
        Some(json!({"userId": id(p.id), "name": p.name(), "email": p.email}))
    };
    let (users, devices, network) = c.managed;
    let (street, city) = c.address.split_once(", ").unwrap_or((c.address.as_str(), "Springfield"));
    json!({
        "accountId": id(c.id),
        "name": c.name,
        "stage": "Active",
        "status": "Paid",
        "emailDomains": [c.domain],
        "accountManager": {"userId": id(FIRST_AGENT_ID), "name": world.agent(0).first_name},
        "primaryContact": person(0),
        "secondaryContact": person(1),
        "hqSite": {"id": id(FIRST_SITE_ID + u64::from(index)), "name": "Headquarters", "line1": street, "city": city},
        "technicianGroups": [],
        "customFields": {
            "account_number": c.account_number,
            "plan_selected": c.plan,
            "contract_term": c.term,
            "contract_start_date": c.contract_start.map(|at| at.format("%Y-%m-%d").to_string()),
            "company_start_date": c.customer_since.format("%Y-%m-%d").to_string(),
            "managed_users": users.to_string(),
            "managed_devices": devices.to_string(),
            "managed_network": network.to_string(),
            "profit_or_non_profit": c.profit,
            "company_main_number": c.phone,
            "phone_system": c.systems.0,
            "email_system": c.systems.1,
        },
    })
}

/// The site of a client.
pub fn site(world: &World, index: u32) -> Value {
    let c = world.company(index);
    let (street, city) = c.address.split_once(", ").unwrap_or((c.address.as_str(), "Springfield"));
    json!({
        "id": id(FIRST_SITE_ID + u64::from(index)),
        "name": "Headquarters",
        "timezoneCode": "America/New_York",
        "working24x7": false,
        "line1": street,
        "city": city,
        "countryCode": "US",
        "contactNumber": c.phone,
        "client": {"accountId": id(c.id), "name": c.name},
        "hq": true,
    })
}

/// A user of a client.
pub fn client_user(sim: &State, index: u32) -> Value {
    let p = sim.world.contact(index);
    let company = sim.world.company_of(index);
    json!({
        "userId": id(p.id),
        "firstName": p.first_name,
        "lastName": p.last_name,
        "name": p.name(),
        "email": p.email,
        "contactNumber": p.phones.0,
        "reportingManager": null,
        "site": {"id": id(FIRST_SITE_ID + u64::from(company)), "name": "Headquarters"},
        "role": {"roleId": id(19_000_950_001), "name": if p.vip { "Approver" } else { "Requester" }},
        "client": client_of(sim, p.companies.first().copied()),
        "customFields": {"user_number": (!p.number.is_multiple_of(4)).then(|| format!("U-{:05}", p.id % 100_000))},
    })
}

/// A technician.
pub fn technician(world: &World, index: u32) -> Value {
    let a = world.agent(index);
    let groups: Vec<Value> = GROUPS
        .iter()
        .filter(|(group, _, _)| a.groups.contains(group))
        .map(|(group, name, _)| json!({"groupId": id(*group), "name": name}))
        .collect();
    let name = a.last_name.map_or_else(|| a.first_name.to_owned(), |last| format!("{} {last}", a.first_name));
    json!({
        "userId": id(a.id),
        "firstName": a.first_name,
        "lastName": a.last_name,
        "name": name,
        "email": a.email,
        "contactNumber": null,
        "designation": a.job_title.map(|title| json!({"designationId": id(19_000_960_001), "name": title})),
        "team": {"teamId": id(19_000_970_001), "name": "Service"},
        "role": {"roleId": id(19_000_980_001), "name": if index == 0 { "Admin" } else { "Technician" }},
        "groups": groups,
    })
}

/// A group of technicians.
pub fn group(index: u32) -> Value {
    let (group, name, _) = GROUPS[index as usize % GROUPS.len()];
    json!({"groupId": id(group), "name": name})
}

/// A device. Its technical side follows from its number.
pub fn asset(sim: &State, index: u32) -> Value {
    let a = sim.world.asset(index);
    let number = a.id % 1_000;
    let now = sim.world.started();
    let (platform, version, category) = match a.description {
        "Server" => (Some("Microsoft Windows Server 2022 Standard"), Some("10.0.20348"), Some("SERVER")),
        "Laptop" | "Desktop computer" => {
            (Some("Microsoft Windows 11 Pro"), Some("10.0.22631"), Some("WORKSTATION"))
        }
        _ => (None, None, None),
    };
    let online = !number.is_multiple_of(5);
    let seen = if online { now } else { now - TimeDelta::hours(7 + (number % 90).cast_signed()) };
    json!({
        "assetId": id(a.id),
        "name": a.name,
        "assetClass": {"classId": id(19_000_990_001), "name": if platform.is_some() { "Windows" } else { "Network" }},
        "deviceCategory": {"deviceCategoryId": id(a.type_id), "name": a.description},
        "client": client_of(sim, Some(a.department_id)),
        // Some devices were never given a site.
        "site": (!number.is_multiple_of(9)).then(|| json!({"id": id(FIRST_SITE_ID + a.department_id - FIRST_COMPANY_ID), "name": "Headquarters"})),
        "requester": user_of(sim, a.user_id),
        "primaryMac": format!("02:00:00:{:02X}:{:02X}:{:02X}", a.id >> 16 & 0xff, a.id >> 8 & 0xff, a.id & 0xff),
        "loggedInUser": a.user_id.filter(|_| platform.is_some())
            .map(|user| sim.world.contact((user - FIRST_CONTACT_ID) as u32).first_name.to_lowercase()),
        "serialNumber": format!("SN{:08}", a.id % 100_000_000),
        "manufacturer": (["Dell Inc.", "HP", "Lenovo"][(number % 3) as usize]),
        "model": a.description,
        "hostName": platform.map(|_| a.name.to_uppercase()),
        "publicIp": format!("198.51.100.{}", number % 250 + 1),
        "gateway": "192.168.1.1",
        "platform": platform,
        "platformFamily": platform.map(|_| "Windows"),
        "platformCategory": category,
        "platformVersion": version,
        "domain": platform.map(|_| format!("C{:03}", a.department_id - FIRST_COMPANY_ID + 1)),
        "status": if online { "ONLINE" } else { "OFFLINE" },
        "sysUptime": null,
        "lastCommunicatedTime": time(seen),
        "lastReportedTime": time(seen - TimeDelta::minutes(20)),
        "agentVersion": platform.map(|_| "2.41.0"),
        "patchStatus": platform.map(|_| ["Fully Patched", "Missing Patches", "Reboot Required"][(number % 3) as usize]),
        "warrantyExpiryDate": null,
        "purchasedDate": a.created_at.format("%Y-%m-%d").to_string(),
        "customFields": {},
    })
}

/// A ticket.
pub fn ticket(sim: &State, t: &Ticket, now: DateTime<Utc>) -> Value {
    let words = sim.world.words(t);
    let story = t.story.get();
    let late = |due: Option<DateTime<Utc>>, done: Option<DateTime<Utc>>| {
        due.is_some_and(|due| done.unwrap_or(now) > due)
    };
    let minutes: u32 = sim.world.work(t).iter().map(|entry| entry.minutes).sum();
    let group = GROUPS.iter().find(|(group, _, _)| Some(*group) == t.group_id);
    let priority = PRIORITIES.iter().find(|(code, _)| *code == t.priority).map(|(_, name)| *name);
    json!({
        "ticketId": id(t.id),
        "displayId": t.id.to_string(),
        "subject": words.subject,
        "ticketType": if t.kind == "Service Request" { "SERVICE_REQUEST" } else { "INCIDENT" },
        "requestType": t.kind,
        "source": if t.source == 2 { "FORM" } else { "EMAIL" },
        "client": client_of(sim, t.department_id),
        "site": null,
        "requester": user_of(sim, t.requester_id),
        "additionalRequester": [],
        "followers": [],
        "technician": technician_of(sim, t.responder_id),
        "techGroup": group.map(|(group, name, _)| json!({"groupId": id(*group), "name": name})),
        "sla": {"id": id(19_000_700_001), "name": "Standard"},
        "status": status_name(t.status),
        "priority": priority,
        "impact": null,
        "urgency": null,
        "category": story.category,
        "subcategory": story.sub_category,
        "createdTime": time(t.created_at),
        "updatedTime": time(t.updated_at),
        "firstResponseDueTime": time_or_null(t.fr_due_by),
        "firstResponseTime": time_or_null(t.first_responded_at),
        "firstResponseViolated": late(t.fr_due_by, t.first_responded_at),
        "resolutionDueTime": time_or_null(t.due_by),
        "resolutionTime": time_or_null(t.resolved_at),
        "resolutionViolated": late(t.due_by, t.resolved_at),
        "customFields": {},
        "worklogTimespent": format!("{minutes}.00"),
    })
}

/// The messages of a ticket: what the requester wrote first, the vendor's thanks for it, and the replies.
pub fn conversations(sim: &State, t: &Ticket) -> Value {
    let description = json!({
        "conversationId": conversation_id(t.id * 2_000),
        "content": sim.world.words(t).html,
        "time": time(t.created_at),
        "user": user_of(sim, t.requester_id),
        "toUsers": [],
        "type": "DESCRIPTION",
    });
    let thanks = json!({
        "conversationId": conversation_id(t.id * 2_000 + 1),
        "content": "<p>We have received your request.</p>",
        "time": time(t.created_at),
        "user": {"email": "support@msp.example"},
        "toUsers": [{"user": user_of(sim, t.requester_id)}],
        "type": "REQ_NOTIFICATION",
    });
    let replies = sim.world.thread(t).into_iter().filter(|entry| !entry.private).map(|entry| {
        json!({
            "conversationId": conversation_id(entry.id),
            "content": content(&entry),
            "time": time(entry.at),
            "user": author(sim, &entry),
            "toUsers": if entry.incoming { json!([]) } else { json!([{"user": user_of(sim, t.requester_id)}]) },
            "type": if entry.incoming { "REQ_REPLY" } else { "TECH_REPLY" },
        })
    });
    [description, thanks].into_iter().chain(replies).collect()
}

/// The notes of a ticket.
pub fn notes(sim: &State, t: &Ticket) -> Value {
    sim.world.thread(t).iter().filter(|entry| entry.private).map(|entry| note(sim, entry)).collect()
}

/// One of them.
pub fn note(sim: &State, entry: &Entry) -> Value {
    json!({
        "noteId": conversation_id(entry.id),
        "addedBy": author(sim, entry),
        "addedOn": time(entry.at),
        "content": content(entry),
        "attachments": [],
        "privacyType": if entry.private { "PRIVATE" } else { "PUBLIC" },
    })
}

fn conversation_id(number: u64) -> Value {
    id(number)
}

fn content(entry: &Entry) -> String {
    format!("<div>{}</div>", escape(&entry.text))
}

fn author(sim: &State, entry: &Entry) -> Value {
    if entry.incoming { user_of(sim, entry.user_id) } else { technician_of(sim, entry.user_id) }
}
