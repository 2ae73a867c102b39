//! Authorization codes, what was granted for them, and refresh tokens. All are single use.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// A new authorization code.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// Stored form of the code.
    pub hash: &'a [u8],
    /// The browser's session.
    pub session: Uuid,
    /// Whom it is for.
    pub client_id: &'a str,
    /// Where it was sent.
    pub redirect_uri: &'a str,
    /// Issuer the browser sees.
    pub issuer: &'a str,
    /// Granted scope.
    pub scope: &'a str,
    /// For the ID token.
    pub nonce: Option<&'a str>,
    /// PKCE challenge.
    pub code_challenge: Option<&'a str>,
    /// Until when it may be redeemed.
    pub expires_at: DateTime<Utc>,
}

/// A redeemed code.
#[derive(Clone, Debug)]
pub struct RedeemedCode {
    /// Whom it was issued to.
    pub client_id: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// PKCE challenge.
    pub code_challenge: Option<String>,
    /// What it turns into.
    pub grant: Grant,
}

/// What a client may do in the name of a user.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Id, a claim of its access tokens.
    pub id: Uuid,
    /// The browser's session, the `sid` claim.
    pub session: Uuid,
    /// Who.
    pub user: Uuid,
    /// To whom.
    pub client_id: String,
    /// Issuer the browser sees.
    pub issuer: String,
    /// Granted scope.
    pub scope: String,
    /// When the password was given.
    pub authenticated_at: DateTime<Utc>,
}

/// Keeps a code.
pub async fn insert_code(pool: &PgPool, code: &NewCode<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO authorization_codes (code_hash, session_id, client_id, redirect_uri, issuer, scope, nonce,
                                          code_challenge, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        code.hash,
        code.session,
        code.client_id,
        code.redirect_uri,
        code.issuer,
        code.scope,
        code.nonce,
        code.code_challenge,
        code.expires_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Redeems a code: once, in time. A second use takes back what the first one gave (RFC 6749 §4.1.2).
pub async fn redeem_code(
    pool: &PgPool,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<RedeemedCode>> {
    let mut transaction = pool.begin().await?;
    let Some(code) = sqlx::query!(
        "SELECT c.session_id, c.client_id, c.redirect_uri, c.issuer, c.scope, c.nonce, c.code_challenge, c.expires_at,
                c.used_at, c.grant_id, s.user_id, s.authenticated_at
         FROM authorization_codes c JOIN sign_on_sessions s ON s.id = c.session_id
         WHERE c.code_hash = $1 FOR UPDATE OF c",
        hash
    )
    .fetch_optional(&mut *transaction)
    .await?
    else {
        return Ok(None);
    };
    if code.used_at.is_some() {
        sqlx::query!("DELETE FROM grants WHERE id = $1", code.grant_id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    let id = Uuid::new_v4();
    sqlx::query!(
        "UPDATE authorization_codes SET used_at = $2, grant_id = $3 WHERE code_hash = $1",
        hash,
        now,
        id
    )
    .execute(&mut *transaction)
    .await?;
    if code.expires_at <= now {
        transaction.commit().await?;
        return Ok(None);
    }
    sqlx::query!(
        "INSERT INTO grants (id, session_id, client_id, issuer, scope, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id,
        code.session_id,
        code.client_id,
        code.issuer,
        code.scope,
        now
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(RedeemedCode {
        client_id: code.client_id.clone(),
        redirect_uri: code.redirect_uri,
        nonce: code.nonce,
        code_challenge: code.code_challenge,
        grant: Grant {
            id,
            session: code.session_id,
            user: code.user_id,
            client_id: code.client_id,
            issuer: code.issuer,
            scope: code.scope,
            authenticated_at: code.authenticated_at,
        },
    }))
}

/// A grant whose browser session is live.
pub async fn find(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<Option<Grant>> {
    sqlx::query_as!(
        Grant,
        r#"SELECT g.id, g.session_id AS session, s.user_id AS "user", g.client_id, g.issuer, g.scope, s.authenticated_at
         FROM grants g JOIN sign_on_sessions s ON s.id = g.session_id
         WHERE g.id = $1 AND s.expires_at > $2"#,
        id,
        now
    )
    .fetch_optional(pool)
    .await
}

/// Takes a grant back: its refresh tokens are gone, its access tokens refused by userinfo.
pub async fn delete(pool: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM grants WHERE id = $1", id).execute(pool).await?;
    Ok(())
}

/// Keeps a refresh token of a grant.
pub async fn insert_refresh(
    pool: &PgPool,
    hash: &[u8],
    grant: Uuid,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, grant_id, expires_at) VALUES ($1, $2, $3)",
        hash,
        grant,
        expires_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Uses a refresh token: once, in time, by the client it was issued to. A second use means that someone copied it, so the
/// whole grant is taken back.
pub async fn use_refresh(
    pool: &PgPool,
    hash: &[u8],
    client_id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Grant>> {
    let mut transaction = pool.begin().await?;
    let Some(token) = sqlx::query!(
        "SELECT r.grant_id, r.expires_at, r.used_at FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id
         WHERE r.token_hash = $1 AND g.client_id = $2 FOR UPDATE OF r",
        hash,
        client_id
    )
    .fetch_optional(&mut *transaction)
    .await?
    else {
        return Ok(None);
    };
    if token.used_at.is_some() {
        sqlx::query!("DELETE FROM grants WHERE id = $1", token.grant_id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    sqlx::query!("UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1", hash, now)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    if token.expires_at <= now {
        return Ok(None);
    }
    find(pool, token.grant_id, now).await
}

/// The grant of a refresh token, used or not.
pub async fn of_refresh(pool: &PgPool, hash: &[u8]) -> sqlx::Result<Option<(Uuid, String)>> {
    let found = sqlx::query!(
        "SELECT g.id, g.client_id FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id WHERE r.token_hash = $1",
        hash
    );
    Ok(found.fetch_optional(pool).await?.map(|row| (row.id, row.client_id)))
}
