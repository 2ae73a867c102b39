//! Settings that change while the service runs.

use std::collections::BTreeMap;

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::AdminOnly,
    extract::Json,
    problem::{Problem, Result},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::save;
use crate::{
    Codex,
    routes::api::refusals::ForAdmins,
    settings::{
        Field, Snapshot, Source,
        change::{Sent, current},
        fields::{FIELDS, Kind},
    },
};

pub(super) fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(get_settings, put_settings)).routes(routes!(new_webhook_secret))
}

/// One setting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Setting {
    /// Name for people.
    pub label: &'static str,
    /// `text`, `host`, `url`, `secret`, `boolean`, `choice`, `choices`, `number`, `ids`, `time`, `addresses`, `status_map`.
    pub kind: &'static str,
    /// The value; `***` for a secret that is set, `null` for what is not set.
    pub value: Value,
    /// What gave it.
    pub source: Source,
    /// Whether it can be changed here; environment and command line win over the file.
    pub editable: bool,
    /// The words to choose from.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub choices: &'static [&'static str],
}

/// All settings that can be changed while the service runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminSettings {
    /// Section → key → setting.
    pub sections: BTreeMap<&'static str, BTreeMap<&'static str, Setting>>,
    /// What is wrong with the settings file; then the values of before hold.
    pub problems: Vec<String>,
    /// What this request has changed, as `section.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<String>>,
}

impl AdminSettings {
    /// The settings of a moment.
    pub fn of(now: &Snapshot) -> Self {
        let mut sections: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for field in FIELDS.iter().filter(|field| field.variable().is_some()) {
            sections.entry(field.section).or_default().insert(field.key, setting(now, field));
        }
        Self { sections, problems: now.complaints.clone(), changed: None }
    }
}

fn setting(now: &Snapshot, field: &Field) -> Setting {
    let (raw, source) = current(now, field);
    Setting {
        label: field.label,
        kind: field.kind_name(),
        value: raw.map_or(if field.kind == Kind::Switch { json!(false) } else { Value::Null }, |raw| {
            field.shown(raw)
        }),
        source,
        editable: source.is_editable(),
        choices: field.choices(),
    }
}

/// Settings that can be changed while the service runs, without any secret.
#[utoipa::path(get, path = "/api/admin/settings", tag = "admin", responses(
    (status = 200, body = AdminSettings), ForAdmins
))]
async fn get_settings(State(codex): State<Codex>, _: AdminOnly) -> Json<AdminSettings> {
    Json(AdminSettings::of(&codex.live.snapshot()))
}

/// Changes settings: sections with keys and values. `null` or an empty value means the default, but an empty secret, or
/// `***`, keeps the one there is. All or nothing. Holds at once here, within seconds in other instances.
#[utoipa::path(put, path = "/api/admin/settings", tag = "admin", request_body = BTreeMap<String, Object>, responses(
    (status = 200, body = AdminSettings), (status = 400, description = "Not an object of objects"),
    (status = 409, description = "The settings file is broken, or there is none"),
    (status = 422, description = "Member `errors`: `section.key` → sentence"), ForAdmins
))]
async fn put_settings(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(sent): Json<Sent>,
) -> Result<Json<AdminSettings>> {
    let changed = save(&codex, &caller, &sent).await?;
    Ok(Json(AdminSettings { changed: Some(changed), ..AdminSettings::of(&codex.live.snapshot()) }))
}

/// A secret, shown this once.
#[derive(Serialize, ToSchema)]
struct NewSecret {
    success: bool,
    /// To be entered at the vendor.
    secret: String,
}

/// Makes and stores a new secret for webhooks. The old one stops working.
#[utoipa::path(post, path = "/api/admin/webhook-secret", tag = "admin", responses(
    (status = 200, body = NewSecret),
    (status = 409, description = "The settings file is broken, or there is none"),
    (status = 422, description = "The secret is fixed by the environment"), ForAdmins
))]
async fn new_webhook_secret(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
) -> Result<Json<NewSecret>, Problem> {
    // Two random identifiers hold 244 random bits.
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let webhooks = Map::from_iter([("secret".to_owned(), json!(secret))]);
    save(&codex, &caller, &Sent::from([("webhooks".to_owned(), webhooks)])).await?;
    audit!(caller = caller.label(), "a new webhook secret was made");
    Ok(Json(NewSecret { success: true, secret }))
}
