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
    /// The password fits, and a code is asked for.
    CodeRequired,
    /// The password fits, the code does not.
    WrongCode,
    /// Signed in with a recovery code instead of one of the app.
    RecoveryCodeUsed,
    /// All fits, and an authenticator app has to be set up first.
    SecondFactorRequired,
    /// An authenticator app was set up by its owner.
    SecondFactorSetUp,
    /// The authenticator app was removed by its owner.
    SecondFactorRemoved,
    /// New recovery codes were made; the old ones no longer count.
    RecoveryCodesMade,
    /// Signed out.
    SignedOut,
    /// Another browser was signed out from the account page.
    BrowserSignedOut,
    /// All browsers were signed out from the account page.
    SignedOutEverywhere,
}

impl Outcome {
    const ALL: [Self; 16] = [
        Self::Success,
        Self::WrongCredentials,
        Self::Locked,
        Self::Disabled,
        Self::PasswordChangeRequired,
        Self::PasswordChanged,
        Self::CodeRequired,
        Self::WrongCode,
        Self::RecoveryCodeUsed,
        Self::SecondFactorRequired,
        Self::SecondFactorSetUp,
        Self::SecondFactorRemoved,
        Self::RecoveryCodesMade,
        Self::SignedOut,
        Self::BrowserSignedOut,
        Self::SignedOutEverywhere,
    ];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::WrongCredentials => "wrong_credentials",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::PasswordChangeRequired => "password_change_required",
            Self::PasswordChanged => "password_changed",
            Self::CodeRequired => "code_required",
            Self::WrongCode => "wrong_code",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::SecondFactorRequired => "second_factor_required",
            Self::SecondFactorSetUp => "second_factor_set_up",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::SignedOut => "signed_out",
            Self::BrowserSignedOut => "browser_signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
        }
    }

    /// The outcome of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Whether somebody was turned away: by mistake, or trying what does not belong to them.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::WrongCredentials | Self::Locked | Self::Disabled | Self::WrongCode)
    }

    /// What the account's owner reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Success => "Signed in",
            Self::WrongCredentials => "Wrong password",
            Self::Locked => "Refused after too many failures",
            Self::Disabled => "Refused, the account was disabled",
            Self::PasswordChangeRequired => "Signed in, a new password was asked for",
            Self::PasswordChanged => "Password changed",
            Self::CodeRequired => "Right password, a code was asked for",
            Self::WrongCode => "Wrong code",
            Self::RecoveryCodeUsed => "A recovery code was used",
            Self::SecondFactorRequired => "Signed in, an authenticator app was asked for",
            Self::SecondFactorSetUp => "Authenticator app set up",
            Self::SecondFactorRemoved => "Authenticator app removed",
            Self::RecoveryCodesMade => "New recovery codes",
            Self::SignedOut => "Signed out",
            Self::BrowserSignedOut => "Another browser was signed out",
            Self::SignedOutEverywhere => "Signed out everywhere",
        }
    }
}

/// One line of the audit.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// The account's name as it was typed; where there is no such account, what may be shown of it.
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
    let (address, client) = (&sign_in.browser.address, sign_in.client_id);
    if sign_in.outcome.is_refusal() {
        hivematrix_shared::audit_warning!(
            username,
            outcome,
            client_address = address,
            client,
            "Sign-in refused"
        );
    } else {
        hivematrix_shared::audit!(username, outcome, client_address = address, client, "Sign-in");
    }
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

/// A line of the audit as the account's owner sees it.
#[derive(Clone, Debug)]
pub struct Past {
    /// When.
    pub at: DateTime<Utc>,
    /// The stored name of an [`Outcome`].
    pub outcome: String,
    /// From where.
    pub client_address: String,
    /// `User-Agent`, cut.
    pub user_agent: String,
}

/// The last lines about an account, the newest first.
pub async fn last_of_user(pool: &PgPool, user: Uuid, most: i64) -> sqlx::Result<Vec<Past>> {
    sqlx::query_as!(
        Past,
        "SELECT at, outcome, client_address, user_agent FROM sign_ins WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
        user,
        most
    )
    .fetch_all(pool)
    .await
}
