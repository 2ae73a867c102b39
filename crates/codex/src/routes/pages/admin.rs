//! `GET /admin/`: syncs, settings and data (codex-pages.md §8).

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{
    auth::AdminOnly,
    pages::Page,
    problem::{Problem, Result},
};
use http::header;
use serde_json::Value;

use crate::{
    Codex,
    routes::{
        api::sync_schedule::{self, ScheduleAnswer},
        flash::{self, Flash, Flashes},
    },
    settings::{
        Field, Snapshot, Source,
        change::{current, find},
        fields::{FIELDS, Kind},
    },
    store::statistics::{self, Statistics},
};

#[derive(Template)]
#[template(path = "admin/page.html")]
struct AdminPage {
    page: Page,
    flashes: Vec<Flash>,
    problems: Vec<String>,
    statistics: Statistics,
    psa_name: &'static str,
    rmm_name: &'static str,
    psa_choice: Vec<FieldView>,
    rmm_choice: Vec<FieldView>,
    psa: Vec<VendorView>,
    rmm: Vec<VendorView>,
    scheduler: Vec<GroupView>,
    startup: Vec<FieldView>,
    schedule: ScheduleAnswer,
    webhooks: Vec<FieldView>,
    webhook_secret: bool,
    webhooks_known: bool,
}

/// The platforms of Datto (codex-api.md §13.2).
const DATTO_PLATFORMS: [&str; 6] = [
    "https://pinotage-api.centrastage.net",
    "https://merlot-api.centrastage.net",
    "https://concord-api.centrastage.net",
    "https://vidal-api.centrastage.net",
    "https://zinfandel-api.centrastage.net",
    "https://syrah-api.centrastage.net",
];

/// One setting as a form shows it.
struct FieldView {
    id: String,
    key: &'static str,
    /// Name of the field in the original's form.
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    checked: bool,
    choices: Vec<(&'static str, String, bool)>,
    editable: bool,
    note: Option<&'static str>,
    help: Option<&'static str>,
    /// Values to choose from where others are possible too.
    suggestions: &'static [&'static str],
}

/// The settings of one vendor.
struct VendorView {
    section: &'static str,
    title: &'static str,
    action: &'static str,
    active: bool,
    configured: bool,
    /// `psa` or `rmm`, for the connection test.
    system: &'static str,
    /// What stands in the place of settings, where they are those of another card.
    instead: Option<&'static str>,
    fields: Vec<FieldView>,
}

impl VendorView {
    /// Name of the vendor, as the button has it.
    fn name(&self) -> &'static str {
        self.title.trim_end_matches(" Integration").trim_end_matches(" RMM")
    }
}

/// Settings that belong together.
struct GroupView {
    title: &'static str,
    fields: Vec<FieldView>,
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    _: AdminOnly,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let now = codex.live.snapshot();
    let vendors = codex.sync.vendors();
    let (psa_active, rmm_active) =
        (vendors.psa.default_name().to_owned(), vendors.rmm.default_name().to_owned());
    let forget = (!flashes.is_empty()).then(|| flash::COOKIE.gone()).flatten();
    let psa_ready = |name: &str| vendors.psa.get(Some(name)).is_ok();
    let rmm_ready = |name: &str| vendors.rmm.get(Some(name)).is_ok();
    let card = |section, system, title, action| {
        let (active, ready) = match system {
            "psa" => (&psa_active, psa_ready(section)),
            _ => (&rmm_active, rmm_ready(section)),
        };
        VendorView {
            section,
            title,
            action,
            active: active == section,
            configured: ready,
            system,
            instead: None,
            fields: section_fields(&now, section),
        }
    };
    let mut psa = vec![
        card("freshservice", "psa", "Freshservice Integration", "/admin/update-freshservice"),
        card("superops", "psa", "Superops Integration", "/admin/update-superops"),
    ];
    let superops_rmm = VendorView {
        instead: Some("Devices are read with the address, key and region of the Superops Integration above."),
        ..card("superops", "rmm", "SuperOps RMM Integration", "/admin/update-superops")
    };
    let mut rmm = vec![card("datto", "rmm", "Datto RMM Integration", "/admin/update-datto"), superops_rmm];
    for vendors in [&mut psa, &mut rmm] {
        vendors.retain(|vendor| !vendor.fields.is_empty());
        vendors.sort_by_key(|vendor| !vendor.active);
    }
    let html = AdminPage {
        page,
        flashes,
        problems: now.complaints.clone(),
        statistics: statistics::statistics(&codex.pool).await?,
        psa_name: title(&psa_active),
        rmm_name: title(&rmm_active),
        psa_choice: one(&now, "psa", "default_provider"),
        rmm_choice: one(&now, "rmm", "default_provider"),
        psa,
        rmm,
        scheduler: groups(&now),
        startup: one(&now, "scheduler", "sync_run_on_startup"),
        schedule: sync_schedule::upcoming(&codex).await?,
        webhooks: section_fields(&now, "webhooks")
            .into_iter()
            .filter(|field| field.key != "secret")
            .collect(),
        webhook_secret: find("webhooks", "secret").is_some_and(|field| current(&now, field).0.is_some()),
        webhooks_known: find("webhooks", "secret").is_some(),
    };
    let html = Html(html.render().map_err(Problem::internal)?);
    let mut response = html.into_response();
    if let Some(cookie) = forget {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn title(provider: &str) -> &'static str {
    match provider {
        "superops" => "SuperOps",
        "datto" => "Datto",
        _ => "Freshservice",
    }
}

/// The fields of a section, without the one that merely lists the enabled providers.
fn section_fields(now: &Snapshot, name: &str) -> Vec<FieldView> {
    FIELDS
        .iter()
        .filter(|field| field.section == name && field.variable().is_some())
        .map(|field| view(now, field))
        .collect()
}

fn one(now: &Snapshot, section: &str, key: &str) -> Vec<FieldView> {
    find(section, key).map(|field| view(now, field)).into_iter().collect()
}

fn groups(now: &Snapshot) -> Vec<GroupView> {
    let group = |title, keys: &[&str]| GroupView {
        title,
        fields: keys.iter().flat_map(|key| one(now, "scheduler", key)).collect(),
    };
    let groups = [
        group("Companies, contacts and agents", &["sync_psa_enabled", "sync_psa_schedule", "sync_psa_time"]),
        group(
            "Tickets",
            &[
                "sync_tickets_enabled",
                "sync_tickets_interval_seconds",
                "sync_tickets_schedule",
                "sync_tickets_detail_time",
            ],
        ),
        group("Devices of the RMM", &["sync_rmm_enabled", "sync_rmm_schedule", "sync_rmm_time"]),
    ];
    groups.into_iter().filter(|group| !group.fields.is_empty()).collect()
}

fn view(now: &Snapshot, field: &'static Field) -> FieldView {
    let (raw, source) = current(now, field);
    let shown = raw.map(|raw| field.shown(raw)).unwrap_or_default();
    let value = match (&shown, field.kind) {
        (_, Kind::Secret) | (Value::Null, _) => String::new(),
        (Value::String(text), _) => text.clone(),
        (Value::Array(items), _) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        (other, _) => other.to_string(),
    };
    FieldView {
        id: format!("{}-{}", field.section, field.key),
        key: field.key,
        name: form_name(field),
        label: field.label,
        kind: field.kind_name(),
        checked: shown == Value::Bool(true),
        choices: field
            .choices()
            .iter()
            .map(|word| (*word, choice(word), value.split(", ").any(|chosen| chosen == *word)))
            .collect(),
        value,
        editable: source.is_editable(),
        note: match (source, field.kind, raw.is_some()) {
            (Source::Environment, ..) => Some("Fixed by the environment of the service."),
            (Source::CommandLine, ..) => Some("Fixed by an argument of the command line."),
            (_, Kind::Secret, true) => Some("Configured. Leave it empty to keep it."),
            (_, Kind::Secret, false) => Some("Not configured."),
            _ => None,
        },
        help: help(field),
        suggestions: if (field.section, field.key) == ("datto", "api_endpoint") {
            &DATTO_PLATFORMS
        } else {
            &[]
        },
    }
}

/// The names of the original's forms, which work without scripts too.
fn form_name(field: &Field) -> &'static str {
    match (field.section, field.key) {
        ("freshservice", "domain") => "fs_domain",
        ("freshservice", "web_domain") => "fs_web_domain",
        ("freshservice", "api_key") => "fs_api_key",
        ("superops", "base_url") => "superops_api_url",
        ("superops", "api_key") => "superops_api_key",
        ("datto", "api_endpoint") => "datto_endpoint",
        ("datto", "public_key") => "datto_public_key",
        ("datto", "secret_key") => "datto_secret_key",
        (_, key) => key,
    }
}

fn choice(word: &str) -> String {
    match word {
        "freshservice" => "Freshservice".to_owned(),
        "superops" => "SuperOps".to_owned(),
        "datto" => "Datto RMM".to_owned(),
        "us" | "eu" => word.to_uppercase(),
        "frequent" => "daily (frequent)".to_owned(),
        word => word.to_owned(),
    }
}

fn help(field: &Field) -> Option<&'static str> {
    Some(match (field.section, field.key) {
        ("freshservice", "domain") => "Host of the API, such as acme.freshservice.com.",
        ("freshservice", "web_domain") => "Host of the links that people open; empty for the API domain.",
        ("freshservice", "base_url") => "Only where the API is not at the domain above.",
        ("freshservice" | "superops", "ticket_url_template") => {
            "With {ticket_id} in the place of the number."
        }
        ("freshservice" | "superops", "status_map") => "Changes to the usual codes, such as 17=on_hold.",
        ("freshservice" | "superops", "professional_services_group_id") => {
            "Numbers of groups, separated by commas."
        }
        ("datto", "api_endpoint") => "That of your platform, as the address of your Datto portal names it.",
        ("datto", "command_component") => "Uid of the component that runs remote commands.",
        ("webhooks", "allowed_ips") => "Addresses or networks, separated by commas; empty for all.",
        ("webhooks", "log_payloads") => "For finding faults; what arrives may hold personal data.",
        ("scheduler", "sync_run_on_startup") => {
            "Everything is read when the service starts, whatever the time."
        }
        ("scheduler", "sync_tickets_schedule") => "How often all tickets are compared with the vendor.",
        _ => return None,
    })
}
