//! Whether a vendor answers.

use std::time::{Duration, Instant};

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::AdminOnly,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Codex, clients::keycloak, providers::ProviderError, routes::api::refusals::ForAdmins};

/// Longest wait for the vendor.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(test_connection))
}

/// Which vendor.
#[derive(Deserialize, ToSchema)]
struct Which {
    /// `freshservice`, `superops`, `datto` or `keycloak`.
    provider: String,
    /// `psa` or `rmm`, for a vendor that is both; the PSA where nothing is said.
    #[serde(default)]
    system: Option<String>,
}

/// How the test went.
#[derive(Serialize, ToSchema)]
struct Tested {
    success: bool,
    provider: String,
    message: String,
    latency_ms: u64,
}

/// Asks a vendor something small with the stored address and key, for at most 5 seconds.
#[utoipa::path(post, path = "/api/admin/test-connection", tag = "admin", request_body = Which, responses(
    (status = 200, description = "`success` and the vendor's answer in words", body = Tested),
    (status = 400, description = "No provider named"), (status = 422, description = "No such provider"),
    ForAdmins
))]
async fn test_connection(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(which): Json<Which>,
) -> Result<Json<Tested>> {
    let begun = Instant::now();
    let outcome = match tokio::time::timeout(PATIENCE, check(&codex, &which)).await {
        Ok(Err(Refusal::Unknown)) => {
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY).error("There is no such provider."));
        }
        Ok(Err(Refusal::Failed(text))) => Err(text),
        Ok(Ok(name)) => Ok(name),
        Err(_) => Err(format!("No answer within {} seconds.", PATIENCE.as_secs())),
    };
    let (success, message) = match outcome {
        Ok(name) => (true, format!("{name} answers and accepts the key.")),
        Err(text) => (false, text),
    };
    let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    audit!(caller = caller.label(), provider = which.provider, success, "connection tested");
    Ok(Json(Tested { success, provider: which.provider, message, latency_ms }))
}

/// Why there is no good answer.
enum Refusal {
    /// No such provider.
    Unknown,
    /// In words for an administrator, without keys.
    Failed(String),
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unknown { .. } => Self::Unknown,
            error => Self::Failed(sentence(&error.to_string())),
        }
    }
}

/// The display name of the vendor that answered well.
async fn check(codex: &Codex, which: &Which) -> Result<&'static str, Refusal> {
    let vendors = codex.sync.vendors();
    let known = ["freshservice", "superops", "datto"].contains(&which.provider.as_str());
    let refused = |error: ProviderError| match error {
        ProviderError::Unknown { .. } if known => {
            Refusal::Failed(format!("{} is not configured.", which.provider))
        }
        error => error.into(),
    };
    match (which.provider.as_str(), which.system.as_deref()) {
        ("keycloak", _) => {
            keycloak::check(codex).await.map_err(|error| Refusal::Failed(sentence(&error.to_string())))?;
            Ok("Keycloak")
        }
        (name, Some("rmm")) | (name @ "datto", None) => {
            let provider = vendors.rmm.get(Some(name)).map_err(refused)?;
            provider.check().await?;
            Ok(provider.display_name())
        }
        (name, None | Some("psa")) => {
            let provider = vendors.psa.get(Some(name)).map_err(refused)?;
            provider.check().await?;
            Ok(provider.display_name())
        }
        _ => Err(Refusal::Unknown),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
