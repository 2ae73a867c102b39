//! Platform users from the identity provider (codex-api.md §4.5, §13.4).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;
use utoipa::ToSchema;
use uuid::Uuid;

use super::task::Done;
use super::{Outcome, StartError};
use crate::Codex;
use crate::clients::keycloak::{Keycloak, KeycloakError, RealmUser};
use crate::domain::realm_users::{self, Person};
use crate::store::{sync_agents, users};
use crate::sync::{Report, SyncError, attempts};

/// Script name of the job.
pub const AGENTS_SCRIPT: &str = "keycloak_agents";

/// Longest it may take.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// What a run has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    /// Users stored.
    pub synced: u64,
    /// New ones among them.
    pub created: u64,
    /// Known ones among them.
    pub updated: u64,
    /// Users that the realm no longer has, and that were enabled until now.
    pub disabled: u64,
    /// Users the realm lists.
    pub total_keycloak_users: u64,
    /// One sentence for each user who could not be stored; null when there is none.
    pub errors: Option<Vec<String>>,
}

/// How a run ended, for somebody who waits for it.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// What it has done, once it is done.
    pub summary: Option<Summary>,
    /// Why the identity provider did not deliver.
    pub refusal: Option<KeycloakError>,
}

/// A run that has begun.
pub struct Running {
    /// Id of its job.
    pub job_id: Uuid,
    handle: JoinHandle<Outcome>,
    ended: Arc<Mutex<Ended>>,
}

impl Running {
    /// Waits for the end.
    pub async fn wait(self) -> (Ended, Option<String>) {
        let outcome = self.handle.await;
        let error = match outcome {
            Ok(outcome) => outcome.error,
            Err(error) => Some(error.to_string()),
        };
        (self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone(), error)
    }
}

/// Starts reading the users of the realm.
///
/// # Errors
/// When that runs already.
pub async fn start(codex: &Codex, requested_by: &str) -> Result<Running, StartError> {
    let ended = Arc::new(Mutex::new(Ended::default()));
    let (told, own) = (ended.clone(), codex.clone());
    let work = |report: Report| async move {
        let result = run(&own, &report).await;
        let mut ended = told.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(summary) => {
                let done = if summary.errors.is_some() { Done::WithErrors } else { Done::Whole };
                ended.summary = Some(summary);
                Ok(done)
            }
            Err(error) => {
                if let SyncError::Keycloak(refusal) = &error {
                    ended.refusal = Some(refusal.clone());
                }
                Err(error)
            }
        }
    };
    let (job_id, handle) = codex.sync.start_task(AGENTS_SCRIPT, LIMIT, requested_by, work).await?;
    Ok(Running { job_id, handle, ended })
}

async fn run(codex: &Codex, report: &Report) -> Result<Summary, SyncError> {
    report.at("users of the realm", None);
    report.line("Reading the users of the identity provider");
    let keycloak = Keycloak::of(codex)?;
    let mut listed = keycloak.users().await?;
    let (pool, now) = (&codex.pool, codex.context.clock.now());
    let known = users::list(pool).await?;
    if listed.is_empty() && !known.is_empty() {
        // An empty list is a fault of the realm, or of our rights in it, not the end of everybody.
        return Err(KeycloakError::Nonsense("any user").into());
    }
    let missing = {
        let present: HashSet<&str> = listed.iter().map(|user| user.id.as_str()).collect();
        let missing = known.iter().filter(|row| row.enabled && !present.contains(row.keycloak_id.as_str()));
        missing.map(|row| row.keycloak_id.as_str()).collect::<Vec<_>>()
    };
    listed.extend(keycloak.users_among(&missing).await?);
    let rows: Vec<Person<'_>> = known
        .iter()
        .map(|row| Person { id: &row.keycloak_id, username: &row.username, email: row.email.as_deref() })
        .collect();
    let people: Vec<Person<'_>> = listed.iter().map(person).collect();
    let realm: Vec<String> = listed.iter().map(|user| user.id.clone()).collect();
    let mut summary = Summary { total_keycloak_users: count(listed.len()), ..Summary::default() };
    let mut errors = Vec::new();
    let mut kept: HashSet<&str> = HashSet::new();
    for (user, row) in listed.iter().zip(realm_users::assign(&rows, &people)) {
        report.go_on().await?;
        let row = row.map(|index| rows[index].id);
        match attempts::persist(|| sync_agents::store(pool, row, user, &realm, now)).await {
            Ok(()) => {
                summary.synced += 1;
                if row.is_some() { summary.updated += 1 } else { summary.created += 1 }
            }
            Err(SyncError::Database(error)) if error.as_database_error().is_some() => {
                kept.extend(row);
                let reason = reason(&error);
                report.warn(format!("{}: {reason}", user.username));
                errors.push(format!("{}: {reason}", user.username));
            }
            Err(error) => return Err(error),
        }
        report.count(|counts| counts.agents = summary.synced);
    }
    // A user who could not be stored is still there.
    let present: Vec<String> = realm.iter().cloned().chain(kept.into_iter().map(str::to_owned)).collect();
    let disable = || sync_agents::disable_missing(pool, &present, now);
    summary.disabled = attempts::persist(disable).await?;
    if summary.disabled > 0 {
        report.line(format!("{} no longer in the realm, disabled", summary.disabled));
    }
    summary.errors = (!errors.is_empty()).then_some(errors);
    Ok(summary)
}

fn person(user: &RealmUser) -> Person<'_> {
    Person { id: &user.id, username: &user.username, email: user.email.as_deref() }
}

/// Why a row was refused, without the words of the database.
fn reason(error: &sqlx::Error) -> &'static str {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("unique_agent_email") => "another user has the same e-mail address",
        Some("agents_username_key") => "another user has the same login name",
        _ => "the values cannot be stored",
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
