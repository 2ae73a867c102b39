//! Security audit and firewall scripts (helm.md §4.5, §9).

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ServeState,
    domain::{
        audit::Findings,
        firewall_script::{Kind, script},
    },
    inspect,
    routes::{
        access::{AdminUser, Author},
        paging,
    },
    store::security_audits::{self, KeptAudit},
};

const PER_PAGE: i64 = 20;
const MOST: i64 = 200;

/// The routes with their documents.
pub fn router() -> OpenApiRouter<ServeState> {
    OpenApiRouter::new()
        .routes(routes!(run))
        .routes(routes!(kept, keep))
        .routes(routes!(one))
        .routes(routes!(firewall_script))
}

/// Looks at this machine now.
///
/// # Errors
/// When the instance cannot be read.
pub(crate) async fn findings(state: &ServeState) -> Result<Findings> {
    let found = inspect::audit_of(&state.layout, state.context.clock.now()).await;
    found.map_err(|error| Problem::internal(format!("{error:#}")).with("error", "Internal server error"))
}

/// Looks at this machine and keeps what was found.
///
/// # Errors
/// When the instance cannot be read, or the database does not take it.
pub(crate) async fn keep_findings(state: &ServeState, by: &str) -> Result<(i64, DateTime<Utc>, Findings)> {
    let found = findings(state).await?;
    let at = state.context.clock.now();
    let severity = found.overall_severity.as_str();
    let body = serde_json::to_value(&found).map_err(Problem::internal)?;
    let id = security_audits::insert(&state.pool, at, by, severity, &body).await?;
    audit!(by, severity, exposed = found.exposed_services.len(), "a security audit was made");
    Ok((id, at, found))
}

/// Looks at this machine now and keeps nothing.
#[utoipa::path(get, path = "/api/security/audit", tag = "security", responses(
    (status = 200, body = Findings), (status = 403, description = "Not an administrator"),
    (status = 500, description = "`Internal server error`: the instance cannot be read")
))]
pub async fn run(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Findings>> {
    Ok(Json(findings(&state).await?))
}

/// An audit that was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audit {
    /// Rises with time.
    id: i64,
    /// When it was made, UTC.
    at: DateTime<Utc>,
    /// Who asked for it.
    by_name: String,
    /// The worst of what it found.
    severity: String,
    /// The object of `GET /api/security/audit` as it was then.
    #[schema(value_type = Findings)]
    findings: Value,
}

impl From<KeptAudit> for Audit {
    fn from(kept: KeptAudit) -> Self {
        let KeptAudit { id, at, by_name, severity, findings } = kept;
        Self { id, at, by_name, severity, findings }
    }
}

/// Looks at this machine now and keeps what was found.
#[utoipa::path(post, path = "/api/security/audits", tag = "security", responses(
    (status = 201, body = Audit), (status = 403, description = "Not an administrator"),
    (status = 500, description = "The instance cannot be read"), (status = 503, description = "The database is away")
))]
pub async fn keep(State(state): State<ServeState>, by: Author) -> Result<(StatusCode, Json<Audit>)> {
    let (id, at, found) = keep_findings(&state, &by.name).await?;
    let severity = found.overall_severity.as_str().to_owned();
    let findings = serde_json::to_value(found).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(Audit { id, at, by_name: by.name, severity, findings })))
}

/// Which audits are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditsQuery {
    /// Only those before this id: `next_before` of the page before.
    before: Option<i64>,
    /// How many, at most 200; default 20.
    limit: Option<i64>,
}

/// A page of audits.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audits {
    /// The newest first.
    audits: Vec<Audit>,
    /// What to ask for next; null on the last page.
    next_before: Option<i64>,
}

/// The audits that were kept, the newest first; the last thousand are.
#[utoipa::path(get, path = "/api/security/audits", tag = "security", params(AuditsQuery), responses(
    (status = 200, body = Audits), (status = 403, description = "Not an administrator"),
    (status = 503, description = "The database is away")
))]
pub async fn kept(
    State(state): State<ServeState>,
    _: AdminUser,
    LenientQuery(query): LenientQuery<AuditsQuery>,
) -> Result<Json<Audits>> {
    let limit = query.limit.unwrap_or(PER_PAGE).clamp(1, MOST);
    let (audits, next_before) = page(&state, query.before, limit).await?;
    Ok(Json(Audits { audits: audits.into_iter().map(Audit::from).collect(), next_before }))
}

/// A page of audits, and where the next one begins.
pub(crate) async fn page(
    state: &ServeState,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<KeptAudit>, Option<i64>)> {
    let read = async |most| security_audits::page(&state.pool, before, most).await;
    paging::page(limit, |audit: &KeptAudit| audit.id, read).await
}

/// One audit that was kept.
#[utoipa::path(get, path = "/api/security/audits/{id}", tag = "security", params(("id" = i64, Path)), responses(
    (status = 200, body = Audit), (status = 403, description = "Not an administrator"),
    (status = 404, description = "`Audit not found`, or no longer kept")
))]
pub async fn one(State(state): State<ServeState>, _: AdminUser, Path(id): Path<i64>) -> Result<Json<Audit>> {
    let found = security_audits::find(&state.pool, id).await?;
    let found = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error("Audit not found"))?;
    Ok(Json(found.into()))
}

/// Which script is wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ScriptQuery {
    /// `ufw` (default), `iptables` or `nftables`.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// A firewall script.
#[derive(Debug, Serialize, ToSchema)]
pub struct FirewallScript {
    success: bool,
    /// The text of the file.
    script: String,
    /// Name of the file.
    filename: &'static str,
    /// For which program.
    #[serde(rename = "type")]
    kind: Kind,
}

/// A firewall script for this machine: a text to look at, which changes nothing by itself.
#[utoipa::path(get, path = "/api/security/firewall-script", tag = "security", params(ScriptQuery), responses(
    (status = 200, body = FirewallScript), (status = 400, description = "No such type"),
    (status = 403, description = "Not an administrator"), (status = 500, description = "The instance cannot be read")
))]
pub async fn firewall_script(
    State(state): State<ServeState>,
    _: AdminUser,
    LenientQuery(query): LenientQuery<ScriptQuery>,
) -> Result<Json<FirewallScript>> {
    let Some(kind) = Kind::named(query.kind.as_deref()) else {
        let text = "Invalid type. Must be ufw, iptables or nftables";
        return Err(Problem::new(StatusCode::BAD_REQUEST).error(text));
    };
    let script = script_of(&state, kind).await?;
    Ok(Json(FirewallScript { success: true, script, filename: kind.filename(), kind }))
}

/// The text of a script.
///
/// # Errors
/// When the instance cannot be read.
pub(crate) async fn script_of(state: &ServeState, kind: Kind) -> Result<String> {
    let ports = inspect::ports_of(&state.layout).await;
    let ports = ports.map_err(|error| Problem::internal(format!("{error:#}")))?;
    Ok(script(kind, &ports))
}
