//! Which tables and columns are taken over, and how rows of both sides are matched (codex-api.md §3).

use hivematrix_shared::contracts::codex::wire::{iso, parse_time};
use serde_json::{Map, Value, json};

use super::value::Kind;
use crate::providers::html;

/// A row on its way: values by column name.
pub type Row = Map<String, Value>;

/// A column that is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name on both sides.
    pub name: &'static str,
    /// What it holds here.
    pub kind: Kind,
    /// What stands for a missing value, as upstream's application would have written it.
    pub default: Option<&'static str>,
}

impl Column {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: None }
}
const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}
const fn word(name: &'static str) -> Column {
    column(name, Kind::Word)
}
const fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}
const fn flag(name: &'static str) -> Column {
    column(name, Kind::Bool)
}
const fn time(name: &'static str) -> Column {
    column(name, Kind::Time)
}
const fn array(name: &'static str) -> Column {
    column(name, Kind::Array)
}
const fn money(name: &'static str) -> Column {
    column(name, Kind::Number).or("0")
}

/// When a row that is stored already gives way to the source's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conflict {
    /// Unless it was changed here since it was taken over. Fields a person has edited stay in any case.
    Remember,
    /// Unless it is newer.
    Newer,
    /// Never.
    Keep,
}

/// A table that is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name on both sides.
    pub name: &'static str,
    /// Primary key. A single `id` is a number that stands for nothing, so that another one does as well.
    pub key: &'static [&'static str],
    /// When a row `t` that is stored is the record of a row `i` of the source; for tables with an `id`.
    pub same: &'static str,
    /// The columns, the key's included.
    pub columns: &'static [Column],
    /// Columns that are only read, for `prepare`.
    pub also: &'static [&'static str],
    /// Columns that name the `id` of a row of another table.
    pub references: &'static [(&'static str, &'static str)],
    /// What happens to a row that is stored already.
    pub conflict: Conflict,
    /// Mends what no column can tell by itself.
    pub prepare: fn(&mut Row) -> Result<(), String>,
}

impl Table {
    /// Whether rows have an `id` of no meaning.
    pub fn has_id(&self) -> bool {
        self.columns.iter().any(|column| column.name == "id" && column.kind == Kind::Int)
    }
}

fn as_it_is(_: &mut Row) -> Result<(), String> {
    Ok(())
}

const BASE: Table = Table {
    name: "",
    key: &["id"],
    same: "t.id = i.id",
    columns: &[],
    also: &[],
    references: &[],
    conflict: Conflict::Remember,
    prepare: as_it_is,
};

/// All tables, each after those it refers to.
pub const TABLES: &[Table] = &[
    Table {
        name: "companies",
        key: &["account_number"],
        columns: &[
            word("account_number"),
            word("psa_provider").or("freshservice"),
            column("compliance_level", Kind::Level).or("standard"),
            int("external_id"),
            word("external_source").or("freshservice"),
            text("name"),
            text("description"),
            text("address"),
            array("domains"),
            time("created_at"),
            time("updated_at"),
            int("head_user_id"),
            text("head_name"),
            int("prime_user_id"),
            text("prime_user_name"),
            int("workspace_id"),
            word("plan_selected"),
            text("managed_users"),
            text("managed_devices"),
            text("managed_network"),
            text("contract_term"),
            text("contract_start_date"),
            text("contract_end_date"),
            text("company_start_date"),
            text("profit_or_non_profit"),
            text("company_main_number"),
            word("billing_plan"),
            column("contract_term_length", Kind::Term),
            text("support_level"),
            text("phone_system"),
            text("email_system"),
            text("datto_portal_url"),
        ],
        ..BASE
    },
    Table {
        name: "contacts",
        same: "(t.external_source = i.external_source and t.external_id = i.external_id) \
               or lower(t.email) = lower(i.email)",
        columns: &[
            int("id"),
            int("external_id"),
            word("external_source").or("freshservice"),
            text("first_name"),
            text("last_name"),
            text("name"),
            word("primary_email"),
            word("email"),
            text("job_title"),
            text("title"),
            flag("active").or("true"),
            flag("is_agent").or("false"),
            flag("vip_user").or("false"),
            flag("has_logged_in").or("false"),
            flag("can_see_all_tickets_from_associated_departments").or("false"),
            flag("can_see_all_changes_from_associated_departments").or("false"),
            text("mobile_phone_number"),
            text("work_phone_number"),
            text("user_number"),
            text("address"),
            text("background_information"),
            text("department_names"),
            array("secondary_emails"),
            array("department_ids"),
            word("employment_type").or("Full Time"),
            int("reporting_manager_id"),
            int("location_id"),
            text("location_name"),
            int("work_schedule_id"),
            word("language").or("en"),
            text("time_zone"),
            text("time_format"),
            time("created_at"),
            time("updated_at"),
        ],
        prepare: contact,
        ..BASE
    },
    Table {
        name: "contact_company_link",
        key: &["contact_id", "company_account_number"],
        columns: &[int("contact_id"), word("company_account_number")],
        references: &[("contact_id", "contacts")],
        conflict: Conflict::Keep,
        ..BASE
    },
    Table {
        name: "assets",
        // A device that our own sync has found may have the number of another one there.
        same: "t.id = i.id and (t.external_id is null or lower(t.hostname) = lower(i.hostname))",
        columns: &[
            int("id"),
            text("hostname"),
            word("company_account_number"),
            text("hardware_type"),
            text("device_type"),
            text("operating_system"),
            text("antivirus_product"),
            text("domain"),
            text("last_logged_in_user"),
            text("rmm_site_name"),
            text("description"),
            text("enabled_administrators"),
            text("ext_ip_address"),
            text("int_ip_address"),
            time("last_audit_date"),
            time("last_reboot"),
            time("last_seen"),
            text("patch_status"),
            flag("online"),
            column("backup_usage_tb", Kind::Number),
            text("portal_url"),
            text("web_remote_url"),
            text("udf1"),
            text("udf2"),
            text("udf3"),
            text("udf4"),
            text("udf5"),
            text("udf6"),
            text("udf7"),
            text("udf8"),
            text("udf9"),
            text("udf10"),
            text("udf11"),
            text("udf12"),
            text("udf13"),
            text("udf14"),
            text("udf15"),
            text("udf16"),
            text("udf17"),
            text("udf18"),
            text("udf19"),
            text("udf20"),
            text("udf21"),
            text("udf22"),
            text("udf23"),
            text("udf24"),
            text("udf25"),
            text("udf26"),
            text("udf27"),
            text("udf28"),
            text("udf29"),
            text("udf30"),
        ],
        ..BASE
    },
    Table {
        name: "asset_contact_link",
        key: &["asset_id", "contact_id"],
        columns: &[int("asset_id"), int("contact_id")],
        references: &[("asset_id", "assets"), ("contact_id", "contacts")],
        conflict: Conflict::Keep,
        ..BASE
    },
    Table {
        name: "locations",
        columns: &[
            int("id"),
            text("name"),
            text("address"),
            text("phone_number"),
            word("company_account_number"),
        ],
        ..BASE
    },
    Table {
        name: "rmm_site_links",
        same: "t.rmm_site_uid = i.rmm_site_uid and t.rmm_provider = i.rmm_provider",
        columns: &[
            int("id"),
            word("company_account_number"),
            word("rmm_site_uid"),
            word("rmm_provider").or("datto"),
        ],
        ..BASE
    },
    Table {
        name: "psa_agents",
        same: "t.external_id = i.external_id and t.external_source = i.external_source",
        columns: &[
            int("id"),
            int("external_id"),
            word("external_source").or("freshservice"),
            word("email"),
            text("first_name"),
            text("last_name"),
            flag("active").or("true"),
            text("job_title"),
            array("department_ids"),
            array("group_ids"),
            time("created_at"),
            time("updated_at"),
            column("provider_data", Kind::Json),
        ],
        ..BASE
    },
    Table {
        name: "agents",
        key: &["keycloak_id"],
        columns: &[
            word("keycloak_id"),
            word("username"),
            word("email"),
            text("first_name"),
            text("last_name"),
            flag("enabled").or("true"),
            word("theme_preference").or("light"),
            word("preferred_color_theme").or("purple"),
            word("knowledgetree_view_preference").or("grid"),
            word("home_page_preference").or("beacon"),
            time("created_at"),
            time("updated_at"),
            time("last_synced_at"),
        ],
        ..BASE
    },
    Table {
        name: "billing_plans",
        same: "t.plan_name = i.plan_name and t.term_length = i.term_length",
        columns: &[
            int("id"),
            word("plan_name"),
            column("term_length", Kind::Term),
            word("support_level").or("Billed Hourly"),
            money("per_user_cost"),
            money("per_workstation_cost"),
            money("per_server_cost"),
            money("per_vm_cost"),
            money("per_switch_cost"),
            money("per_firewall_cost"),
            money("per_hour_ticket_cost"),
            money("backup_base_fee_workstation"),
            money("backup_base_fee_server"),
            column("backup_included_tb", Kind::Number).or("1"),
            money("backup_per_tb_fee"),
            word("antivirus").or("Not Included"),
            word("soc").or("Not Included"),
            word("password_manager").or("Not Included"),
            word("sat").or("Not Included"),
            word("email_security").or("Not Included"),
            word("network_management").or("Not Included"),
        ],
        ..BASE
    },
    Table {
        name: "plan_features",
        same: "t.plan_id = i.plan_id and t.feature_type = i.feature_type",
        columns: &[int("id"), int("plan_id"), word("feature_type"), text("feature_value")],
        references: &[("plan_id", "billing_plans")],
        ..BASE
    },
    Table {
        name: "feature_options",
        same: "t.feature_category = i.feature_category and t.option_value = i.option_value",
        columns: &[
            int("id"),
            word("feature_category"),
            word("option_value"),
            text("display_name"),
            text("description"),
        ],
        also: &["feature_type"],
        prepare: option,
        ..BASE
    },
    Table {
        name: "feature_category_config",
        same: "t.feature_key = i.feature_key",
        columns: &[
            int("id"),
            word("feature_key"),
            text("display_name"),
            text("full_name"),
            text("description"),
        ],
        ..BASE
    },
    Table {
        name: "company_feature_overrides",
        same: "t.company_account_number = i.company_account_number and t.feature_key = i.feature_key",
        columns: &[
            int("id"),
            word("company_account_number"),
            word("feature_key"),
            text("value"),
            flag("override_enabled").or("true"),
        ],
        ..BASE
    },
    Table {
        name: "ticket_details",
        same: "t.external_id = i.external_id and t.external_source = i.external_source",
        columns: &[
            int("id"),
            int("external_id"),
            word("external_source").or("freshservice"),
            word("company_account_number"),
            word("ticket_number"),
            text("subject"),
            text("description"),
            text("description_text"),
            word("status"),
            word("priority"),
            int("status_id"),
            int("priority_id"),
            word("ticket_type"),
            word("requester_email"),
            text("requester_name"),
            int("requester_id"),
            int("responder_id"),
            int("group_id"),
            int("department_id"),
            time("created_at"),
            time("last_updated_at"),
            time("closed_at"),
            time("fr_due_by"),
            time("due_by"),
            time("first_responded_at"),
            time("agent_responded_at"),
            time("webhook_updated_at"),
            money("total_hours_spent"),
            array("conversations").or("[]"),
            array("notes").or("[]"),
            array("tags").or("[]"),
        ],
        conflict: Conflict::Newer,
        prepare: ticket,
        ..BASE
    },
    Table {
        name: "sync_jobs",
        key: &["id"],
        columns: &[
            word("id"),
            word("script"),
            word("provider"),
            word("sync_type"),
            word("status"),
            time("started_at"),
            time("completed_at"),
            text("output"),
            text("error"),
            flag("success"),
        ],
        conflict: Conflict::Keep,
        prepare: job,
        ..BASE
    },
];

fn is_missing(row: &Row, name: &str) -> bool {
    row.get(name)
        .is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// Both columns of the address have the same value there, and a name can be made up from the others.
fn contact(row: &mut Row) -> Result<(), String> {
    for (missing, other) in [("email", "primary_email"), ("primary_email", "email"), ("title", "job_title")] {
        if is_missing(row, missing)
            && let Some(value) = row.get(other).cloned()
        {
            row.insert(missing.to_owned(), value);
        }
    }
    let email = row.get("email").and_then(Value::as_str).ok_or("it has no e-mail address")?.to_owned();
    if is_missing(row, "name") {
        let parts: Vec<&str> =
            ["first_name", "last_name"].into_iter().filter_map(|part| row.get(part)?.as_str()).collect();
        let full = parts.join(" ").trim().to_owned();
        let local = email.split('@').next().unwrap_or(&email).to_owned();
        row.insert("name".to_owned(), if full.is_empty() { local.into() } else { full.into() });
    }
    Ok(())
}

/// Notes that the original's own update has added get the shape of all others (codex-api.md §6.4).
fn ticket(row: &mut Row) -> Result<(), String> {
    for note in row.get_mut("notes").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(text) = note.get("text").filter(|_| note.get("body").is_none()).and_then(Value::as_str)
        else {
            continue;
        };
        let at = note.get("created_at").and_then(Value::as_str).and_then(parse_time).map(iso);
        *note = json!({
            "id": null, "body": text, "body_html": html::from_text(text), "from_email": note.get("user"),
            "to_emails": [], "created_at": at, "updated_at": at, "incoming": false, "private": true, "user_id": null,
            "support_email": null,
        });
    }
    Ok(())
}

/// The original has two pairs of columns for one thing, and rows that fill only one of them.
fn option(row: &mut Row) -> Result<(), String> {
    for (missing, other) in [("feature_category", "feature_type"), ("option_value", "display_name")] {
        if is_missing(row, missing)
            && let Some(value) = row.get(other).cloned()
        {
            row.insert(missing.to_owned(), value);
        }
    }
    row.remove("feature_type");
    Ok(())
}

/// A job that ran there does not run here.
fn job(row: &mut Row) -> Result<(), String> {
    let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
    if uuid::Uuid::parse_str(id).is_err() {
        return Err(format!("'{id}' is no id of a job"));
    }
    if row.get("status").and_then(Value::as_str) == Some("running") {
        row.insert("status".to_owned(), "failed".into());
        if is_missing(row, "error") {
            row.insert("error".to_owned(), "It had not ended when it was imported.".into());
        }
    }
    Ok(())
}
