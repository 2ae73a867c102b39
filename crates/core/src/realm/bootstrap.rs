//! The realm's first groups and users (platform.md §13).

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use hivematrix_shared::config::Secret;
use uuid::Uuid;

use super::Realm;
use crate::{
    config::Settings,
    crypto::passwords::PasswordError,
    domain::{
        password_policy,
        user::{GROUPS, User},
    },
    store::realm::{
        groups,
        users::{self, UserError},
    },
};

/// A first user and the group it is in.
struct FirstUser {
    username: &'static str,
    group: &'static str,
    first_name: &'static str,
}

const ADMIN: FirstUser = FirstUser { username: "admin", group: "admins", first_name: "Admin" };
const DEMO: [FirstUser; 3] = [
    FirstUser { username: "tech", group: "technicians", first_name: "Demo technician" },
    FirstUser { username: "billing", group: "billing", first_name: "Demo billing" },
    FirstUser { username: "client", group: "client", first_name: "Demo client" },
];

/// The realm could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The first password's file cannot be used.
    #[error("the first password cannot be read from {path}: {reason}")]
    PasswordFile {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// An account could not be stored.
    #[error(transparent)]
    User(#[from] UserError),
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// First password and whether it has to be changed: a given one stays, a generated one does not.
struct FirstPassword {
    value: Secret,
    temporary: bool,
}

fn first_password(settings: &Settings) -> Result<Option<FirstPassword>, BootstrapError> {
    if let Some(value) = settings.admin_password.clone().filter(|password| !password.is_empty()) {
        return Ok(Some(FirstPassword { value, temporary: false }));
    }
    let Some(path) = &settings.admin_password_file else { return Ok(None) };
    let value = read_secret(path)
        .map_err(|reason| BootstrapError::PasswordFile { path: path.display().to_string(), reason })?;
    Ok(Some(FirstPassword { value, temporary: true }))
}

fn read_secret(path: &Path) -> Result<Secret, String> {
    let mode = fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:o})"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("it is empty".to_owned()),
        password => Ok(Secret::new(password)),
    }
}

impl Realm {
    /// Makes groups and first users that are not there yet. An existing user is never touched.
    pub async fn bootstrap(&self, settings: &Settings) -> Result<(), BootstrapError> {
        let mut transaction = self.pool.begin().await?;
        // Several Core instances may start at once.
        sqlx::query!("SELECT pg_advisory_xact_lock(5000)").execute(&mut *transaction).await?;
        for group in GROUPS {
            groups::ensure(&mut transaction, group).await?;
        }
        let mut missing = Vec::new();
        let demo: &[FirstUser] = if settings.demo_users { &DEMO } else { &[] };
        for first in std::iter::once(&ADMIN).chain(demo) {
            if !users::exists(&mut transaction, first.username).await? {
                missing.push(first);
            }
        }
        if missing.is_empty() {
            transaction.commit().await?;
            return Ok(());
        }
        let Some(password) = first_password(settings)? else {
            transaction.commit().await?;
            tracing::error!(
                "nobody can sign in yet: set HIVEMATRIX_ADMIN_PASSWORD or HIVEMATRIX_ADMIN_PASSWORD_FILE and restart Core"
            );
            return Ok(());
        };
        if let Err(weak) = password_policy::check(password.value.expose(), ADMIN.username, None)
            && !password.temporary
        {
            // It is the operator's decision, perhaps for an evening; accounts and forms take no such password.
            tracing::warn!(reason = %weak, "the given first password is weak, change it on the account page");
        }
        let now = self.clock.now();
        for first in missing {
            let user = User {
                id: Uuid::new_v4(),
                username: first.username.to_owned(),
                email: Some(format!("{}@hivematrix.local", first.username)),
                first_name: Some(first.first_name.to_owned()),
                last_name: None,
                enabled: true,
                email_verified: true,
                update_password: password.temporary,
                configure_totp: false,
                attributes: serde_json::json!({}),
                created_at: now,
            };
            users::insert(&mut transaction, &user).await?;
            let hash = self.passwords.hash(password.value.expose()).await?;
            users::set_password(&mut transaction, user.id, &hash, password.temporary, now).await?;
            groups::add_by_name(&mut transaction, user.id, first.group).await?;
            hivematrix_shared::audit!(
                username = first.username,
                group = first.group,
                "A first user was made"
            );
        }
        transaction.commit().await?;
        Ok(())
    }
}
