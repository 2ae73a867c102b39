//! Audit of sign-ins.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::sign_on::Browser;

/// How a sign-in or a related act ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Signed in.
    Success,
    /// Name and password do not fit, whether the account exists or not.
    WrongCredentials,
    /// Refused unseen after too many failures.
    Locked,
    /// The password fits, but the account is disabled.
    Disabled,
    /// The password fits and has to be changed first.
    PasswordChangeRequired,
    /// A new password was set by its owner.
    PasswordChanged,
    /// Signed out.
    SignedOut,
    /// Signed out of every browser.
    SignedOutEverywhere,
}

impl Outcome {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::WrongCredentials => "wrong_credentials",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::PasswordChangeRequired => "password_change_required",
            Self::PasswordChanged => "password_changed",
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
        }
    }
}

/// One line of the audit.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// The name as it was typed, cut.
    pub username: &'a str,
    /// The account, if the name has one.
    pub user: Option<Uuid>,
    /// For which client.
    pub client_id: Option<&'a str>,
    /// What came of it.
    pub outcome: Outcome,
    /// From where.
    pub browser: &'a Browser,
}

/// Writes a line, here and into the log.
pub async fn record(pool: &PgPool, sign_in: &SignIn<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    let username: String = sign_in.username.chars().take(200).collect();
    let outcome = sign_in.outcome.as_str();
    let address = &sign_in.browser.address;
    hivematrix_shared::audit!(
        username,
        outcome,
        client_address = address,
        client = sign_in.client_id,
        "Sign-in"
    );
    sqlx::query!(
        "INSERT INTO sign_ins (at, username, user_id, client_id, outcome, client_address, user_agent, correlation_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        now,
        username,
        sign_in.user,
        sign_in.client_id,
        outcome,
        address,
        sign_in.browser.user_agent,
        hivematrix_shared::correlation::current()
    )
    .execute(pool)
    .await?;
    Ok(())
}
