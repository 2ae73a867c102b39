//! `/admin/realms/<realm>/users…`.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use hivematrix_shared::extract::{Json, LenientQuery};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Administrator, Failure,
    bodies::{self, Credential, UserBody},
    finished, user,
};
use crate::{
    domain::{
        password_policy::{self, WeakPassword},
        user::User,
    },
    realm::Realm,
    store::realm::{
        groups, second_factor,
        users::{self, UserError, UserFilter},
    },
};

/// Keycloak's page size where a caller names none.
const DEFAULT_PAGE: i64 = 100;
/// Longest login name.
const LONGEST_NAME: usize = 200;

/// Keycloak's parameters of a listing; a value of the wrong type counts as absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListQuery {
    first: Option<i64>,
    max: Option<i64>,
    search: Option<String>,
    username: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    enabled: Option<bool>,
    exact: Option<bool>,
    brief_representation: Option<bool>,
}

impl ListQuery {
    /// `search`: every word has to begin name, e-mail, given or family name (`*` stands for anything, quotes mean exactly);
    /// the named parameters: contained, or equal with `exact`.
    fn filter(&self) -> UserFilter {
        let named = |value: &Option<String>| {
            let value = value.as_deref()?.trim().to_lowercase();
            let literal = escape(&value);
            Some(if self.exact == Some(true) { literal } else { format!("%{literal}%") })
        };
        let search = self.search.as_deref().unwrap_or_default().to_lowercase();
        UserFilter {
            search: search.split_whitespace().map(search_pattern).collect(),
            username: named(&self.username),
            email: named(&self.email),
            first_name: named(&self.first_name),
            last_name: named(&self.last_name),
            enabled: self.enabled,
        }
    }
}

fn search_pattern(word: &str) -> String {
    if let Some(exact) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return escape(exact);
    }
    let pattern = escape(word).replace('*', "%");
    if word.ends_with('*') { pattern } else { format!("{pattern}%") }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A page of users.
#[utoipa::path(get, path = "/admin/realms/{realm}/users", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("first" = Option<i64>, Query), ("max" = Option<i64>, Query), ("search" = Option<String>, Query), ("username" = Option<String>, Query), ("email" = Option<String>, Query), ("exact" = Option<bool>, Query)),
    responses((status = 200, description = "Users as Keycloak writes them"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway")))]
pub async fn list(
    State(realm): State<Realm>,
    _: Administrator,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<Vec<Value>>, Failure> {
    let first = query.first.unwrap_or(0).max(0);
    // Keycloak reads a negative number as "all".
    let max = query.max.map_or(DEFAULT_PAGE, |max| if max < 0 { i64::MAX } else { max });
    let brief = query.brief_representation.unwrap_or(false);
    let found = users::list(&realm.pool, &query.filter(), first, max).await?;
    let ids: Vec<Uuid> = found.iter().map(|user| user.id).collect();
    let with_app = second_factor::owners(&realm.pool, &ids).await?;
    Ok(Json(found.iter().map(|user| bodies::user(user, with_app.contains(&user.id), brief)).collect()))
}

/// How many users a listing has.
#[utoipa::path(get, path = "/admin/realms/{realm}/users/count", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("first" = Option<i64>, Query), ("max" = Option<i64>, Query), ("search" = Option<String>, Query), ("username" = Option<String>, Query), ("email" = Option<String>, Query), ("exact" = Option<bool>, Query)),
    responses((status = 200, description = "A number"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway")))]
pub async fn count(
    State(realm): State<Realm>,
    _: Administrator,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<i64>, Failure> {
    Ok(Json(users::count(&realm.pool, &query.filter()).await?))
}

/// One user.
#[utoipa::path(get, path = "/admin/realms/{realm}/users/{id}", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 200, description = "The user"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn show(
    State(realm): State<Realm>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let user = user(&realm, &id).await?;
    let has_app = second_factor::exists(&realm.pool, user.id).await?;
    Ok(Json(bodies::user(&user, has_app, false)))
}

/// Makes a user; password and groups may come along.
#[utoipa::path(post, path = "/admin/realms/{realm}/users", tag = "administration of users", request_body = Object,
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 201, description = "Made; `Location` names it"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 400, description = "Name or password is refused"), (status = 409, description = "Name or e-mail is taken")))]
pub async fn create(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Json(body): Json<UserBody>,
) -> Result<Response, Failure> {
    let username = body.username.as_deref().unwrap_or_default().trim().to_lowercase();
    if username.is_empty() {
        return Err(Failure::Message(StatusCode::BAD_REQUEST, "User name is missing".to_owned()));
    }
    if username.chars().count() > LONGEST_NAME
        || username.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Failure::Message(StatusCode::BAD_REQUEST, "User name is not valid".to_owned()));
    }
    let mut new = User {
        id: Uuid::new_v4(),
        username,
        email: None,
        first_name: None,
        last_name: None,
        // Keycloak's own default; callers that mean an active account say so.
        enabled: false,
        // Only administrators write addresses here, so that each one is vouched for unless its writer says otherwise.
        email_verified: true,
        update_password: false,
        configure_totp: false,
        attributes: json!({}),
        created_at: realm.clock.now(),
    };
    body.changes().apply(&mut new);
    let password = match body.credentials.iter().flatten().next_back() {
        Some(credential) => Some(hashed(&realm, &new, credential).await?),
        None => None,
    };
    let mut transaction = realm.pool.begin().await?;
    users::insert(&mut transaction, &new).await?;
    if let Some((hash, temporary)) = password {
        let temporary = temporary || new.update_password;
        users::set_password(&mut transaction, new.id, &hash, temporary, realm.clock.now()).await?;
    }
    for path in body.groups.iter().flatten() {
        if !groups::add_by_name(&mut transaction, new.id, path.trim_start_matches('/')).await? {
            return Err(Failure::NO_GROUP);
        }
    }
    transaction.commit().await?;
    hivematrix_shared::audit!(username = new.username, by, "A user was made");
    let location = format!("{}/admin/realms/{}/users/{}", realm.own_url, realm.name, new.id);
    let location = HeaderValue::from_str(&location).map_err(hivematrix_shared::problem::Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

/// Changes what the body names. A disabled user, or one with another address, is signed out at once.
#[utoipa::path(put, path = "/admin/realms/{realm}/users/{id}", tag = "administration of users", request_body = Object,
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 202, description = "Changed; open sessions end as soon as the session store answers"), (status = 204, description = "Changed"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 400, description = "A value is refused"), (status = 409, description = "The e-mail is taken"), (status = 404, description = "No such user or group")))]
pub async fn update(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
    Json(body): Json<UserBody>,
) -> Result<StatusCode, Failure> {
    let mut changed = user(&realm, &id).await?;
    if body.username.as_deref().is_some_and(|name| name.trim().to_lowercase() != changed.username) {
        // Login names stay, as in a Keycloak realm with its defaults.
        return Err(Failure::Message(StatusCode::BAD_REQUEST, "error-user-attribute-read-only".to_owned()));
    }
    let address = (changed.email.clone(), changed.email_verified);
    body.changes().apply(&mut changed);
    // Which company somebody sees hangs on the address.
    let moved = address != (changed.email.clone(), changed.email_verified);
    let password = match body.credentials.iter().flatten().next_back() {
        Some(credential) => Some(hashed(&realm, &changed, credential).await?),
        None => None,
    };
    let mut transaction = realm.pool.begin().await?;
    if !users::update(&mut transaction, &changed).await? {
        return Err(Failure::NO_USER);
    }
    let closed = !changed.enabled || password.is_some() || moved;
    if let Some((hash, temporary)) = password {
        users::set_password(&mut transaction, changed.id, &hash, temporary, realm.clock.now()).await?;
    }
    transaction.commit().await?;
    let done =
        if closed { finished(realm.end_all_sessions(changed.id).await?) } else { StatusCode::NO_CONTENT };
    hivematrix_shared::audit!(
        username = changed.username,
        enabled = changed.enabled,
        by,
        "A user was changed"
    );
    Ok(done)
}

/// Removes a user and ends its sessions.
#[utoipa::path(delete, path = "/admin/realms/{realm}/users/{id}", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 202, description = "Removed; open sessions end as soon as the session store answers"), (status = 204, description = "Removed"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn delete(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let gone = user(&realm, &id).await?;
    if !users::delete(&realm.pool, gone.id).await? {
        return Err(Failure::NO_USER);
    }
    let done = finished(realm.end_all_sessions(gone.id).await?);
    hivematrix_shared::audit!(username = gone.username, by, "A user was removed");
    Ok(done)
}

/// Sets a password; a temporary one has to be changed at the next sign-in. All sessions of the user end.
#[utoipa::path(put, path = "/admin/realms/{realm}/users/{id}/reset-password", tag = "administration of users", request_body = Object,
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 202, description = "Set; open sessions end as soon as the session store answers"), (status = 204, description = "Set"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 400, description = "The password is refused"), (status = 404, description = "No such user or group")))]
pub async fn reset_password(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
    Json(credential): Json<Credential>,
) -> Result<StatusCode, Failure> {
    let user = user(&realm, &id).await?;
    let (hash, temporary) = hashed(&realm, &user, &credential).await?;
    let mut transaction = realm.pool.begin().await?;
    users::set_password(&mut transaction, user.id, &hash, temporary, realm.clock.now()).await?;
    transaction.commit().await?;
    let done = finished(realm.end_all_sessions(user.id).await?);
    hivematrix_shared::audit!(username = user.username, temporary, by, "A password was set");
    Ok(done)
}

/// Signs a user out everywhere.
#[utoipa::path(post, path = "/admin/realms/{realm}/users/{id}/logout", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 202, description = "Signed out everywhere; open sessions end as soon as the session store answers"), (status = 204, description = "Signed out everywhere"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn logout(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let user = user(&realm, &id).await?;
    let done = finished(realm.end_all_sessions(user.id).await?);
    hivematrix_shared::audit!(username = user.username, by, "A user was signed out");
    Ok(done)
}

/// Checks and hashes a new password; with it, whether it is temporary.
async fn hashed(realm: &Realm, user: &User, credential: &Credential) -> Result<(String, bool), Failure> {
    let bad = |text: &str| Failure::Message(StatusCode::BAD_REQUEST, text.to_owned());
    if credential.kind.as_deref().is_some_and(|kind| kind != "password") {
        return Err(bad("Only the credential type password is supported"));
    }
    let password = credential
        .value
        .as_deref()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| bad("Empty password not allowed"))?;
    password_policy::check(password, &user.username, user.email.as_deref())
        .map_err(|weak| Failure::Policy(policy_code(weak), weak.to_string()))?;
    Ok((realm.passwords.hash(password).await?, credential.temporary.unwrap_or(false)))
}

/// Keycloak's code of a policy that a password breaks.
const fn policy_code(error: WeakPassword) -> &'static str {
    match error {
        WeakPassword::Short => "invalidPasswordMinLengthMessage",
        WeakPassword::Long => "invalidPasswordMaxLengthMessage",
        WeakPassword::OwnName => "invalidPasswordNotUsernameMessage",
        WeakPassword::Common => "invalidPasswordBlacklistedMessage",
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        match error {
            UserError::SameUsername | UserError::SameEmail => {
                Self::Message(StatusCode::CONFLICT, error.to_string())
            }
            UserError::Database(error) => Self::Problem(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_word_is_a_beginning_unless_it_says_otherwise() {
        for (word, pattern) in [
            ("ada", "ada%"),
            ("ada*", "ada%"),
            ("*ada*", "%ada%"),
            ("*ada", "%ada%"),
            ("\"ada\"", "ada"),
            ("50%", "50\\%%"),
            ("a_b", "a\\_b%"),
        ] {
            assert_eq!(search_pattern(word), pattern);
        }
    }
}
