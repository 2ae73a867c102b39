//! A signed-in user's session and its stored forms (core.md §6).

use hivematrix_shared::auth::PermissionLevel;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Seconds a session lasts from its creation; use does not extend it.
pub const LIFETIME: i64 = 3600;
/// Longest life of any session: tokens for tests and scripts (core.md §2.7).
pub const LONGEST_LIFETIME: i64 = 24 * 3600;

/// What is known about the user at login; the answer of `/api/token/validate`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct UserData {
    /// The identity provider's user id.
    pub sub: String,
    /// Display name, empty when unknown.
    #[serde(default)]
    pub name: String,
    /// E-mail, empty when unknown or withheld.
    #[serde(default)]
    pub email: String,
    /// `false` when the e-mail is withheld, see [`UserData::withhold_unconfirmed`]; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Login name, empty when unknown.
    #[serde(default)]
    pub preferred_username: String,
    /// Level from the groups at login.
    #[serde(default)]
    pub permission_level: PermissionLevel,
    /// The identity provider's group list as it came.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl UserData {
    /// Takes the address away from a `client` unless the identity provider vouches for it, and says so in
    /// [`UserData::email_verified`]; whether it did.
    ///
    /// Services find a client's company by the address (platform.md §7), so that a client who may type it could choose the
    /// company. Silence counts as no: Keycloak sends `email_verified` wherever it sends `email`. Staff sees all companies
    /// anyway and keeps the address as it is.
    pub fn withhold_unconfirmed(&mut self, verified: Option<bool>) -> bool {
        let withheld = self.permission_level == PermissionLevel::Client
            && !self.email.is_empty()
            && verified != Some(true);
        if withheld {
            self.email.clear();
            self.email_verified = Some(false);
        }
        withheld
    }
}

/// Who signed in, and in which browser session of the identity provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The user.
    pub user: UserData,
    /// The provider's own session, the claim `sid` of its tokens; `None` where there is none, as for `helm token`.
    pub sid: Option<String>,
}

impl From<UserData> for Identity {
    fn from(user: UserData) -> Self {
        Self { user, sid: None }
    }
}

/// Whose sessions are to end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    /// All of the user with this `sub`.
    User(String),
    /// Those of one browser: the identity provider's session (`sid`) they were made from.
    Browser(String),
}

impl Whose {
    /// Whether a session is meant.
    pub fn is(&self, session: &Session) -> bool {
        match self {
            Self::User(sub) => session.user.sub == *sub,
            Self::Browser(sid) => session.sid.as_ref() == Some(sid),
        }
    }
}

/// One session. Its id is the token's `jti`.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The user.
    pub user: UserData,
    /// The identity provider's session it was made from, so that both end together.
    pub sid: Option<String>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds; the session is over from the second after.
    pub expires_at: i64,
    /// Ended early; kept until `expires_at`.
    pub revoked: bool,
    /// Address of the browser or client that signed in, empty when unknown.
    pub client_address: String,
}

/// The stored object: the user data both at top level (the seed's form) and under `user_data` (upstream's wrapper).
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    user: &'a UserData,
    user_data: &'a UserData,
    created_at: i64,
    expires_at: i64,
    revoked: bool,
    client_address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

impl Session {
    /// A session that starts now and lasts `lifetime` seconds.
    pub fn start(
        identity: impl Into<Identity>,
        client_address: impl Into<String>,
        now: i64,
        lifetime: i64,
    ) -> Self {
        let Identity { user, sid } = identity.into();
        Self {
            user,
            sid,
            created_at: now,
            expires_at: now + lifetime,
            revoked: false,
            client_address: client_address.into(),
        }
    }

    /// Whether its time has run out.
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires_at < now
    }

    /// Whether it counts: neither expired nor revoked.
    pub fn is_live(&self, now: i64) -> bool {
        !self.revoked && !self.is_expired(now)
    }

    /// The stored JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Stored {
            user: &self.user,
            user_data: &self.user,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked: self.revoked,
            client_address: &self.client_address,
            sid: self.sid.as_deref(),
        })
    }

    /// Reads upstream's wrapper, the seed's plain user data, or both in one. `fallback_expiry` (Unix seconds) stands in
    /// where the value says nothing, from the key's remaining time to live. `None` for anything else.
    pub fn from_json(raw: &str, fallback_expiry: i64) -> Option<Self> {
        let stored: Map<String, Value> = serde_json::from_str(raw).ok()?;
        let user = match stored.get("user_data") {
            Some(wrapped) => serde_json::from_value(wrapped.clone()).ok()?,
            None => serde_json::from_value(Value::Object(stored.clone())).ok()?,
        };
        let expires_at = stored.get("expires_at").and_then(Value::as_i64).unwrap_or(fallback_expiry);
        let text = |name: &str| stored.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            user,
            sid: text("sid"),
            created_at: stored.get("created_at").and_then(Value::as_i64).unwrap_or(expires_at - LIFETIME),
            expires_at,
            revoked: stored.get("revoked").and_then(Value::as_bool).unwrap_or(false),
            client_address: text("client_address").unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> UserData {
        UserData {
            sub: "u1".into(),
            name: "Ada L".into(),
            email: "a@x".into(),
            email_verified: None,
            preferred_username: "ada".into(),
            permission_level: PermissionLevel::Technician,
            groups: vec!["technicians".into()],
        }
    }

    #[test]
    fn the_stored_value_is_upstreams_wrapper_and_the_seeds_form_in_one() {
        let session = Session::start(ada(), "192.0.2.1", 1_000, LIFETIME);
        let value: Value = serde_json::from_str(&session.to_json().unwrap()).unwrap();
        let user = json!({"sub": "u1", "name": "Ada L", "email": "a@x", "preferred_username": "ada",
            "permission_level": "technician", "groups": ["technicians"]});
        assert_eq!(value["user_data"], user);
        assert_eq!(value["email"], "a@x");
        assert_eq!(
            (&value["created_at"], &value["expires_at"], &value["revoked"]),
            (&json!(1000), &json!(4600), &json!(false))
        );
        assert_eq!(Session::from_json(&session.to_json().unwrap(), 0), Some(session));
    }

    #[test]
    fn only_a_client_without_a_confirmed_address_loses_it() {
        use PermissionLevel::{Admin, Billing, Client, Technician};
        for (level, email, verified, withheld) in [
            (Client, "a@x", Some(true), false),
            (Client, "a@x", Some(false), true),
            (Client, "a@x", None, true),
            // Nothing that could be confirmed.
            (Client, "", Some(false), false),
            (Billing, "a@x", Some(false), false),
            (Technician, "a@x", None, false),
            (Admin, "a@x", Some(false), false),
        ] {
            let known = UserData { permission_level: level, email: email.into(), ..ada() };
            let mut user = known.clone();
            assert_eq!(user.withhold_unconfirmed(verified), withheld, "{level} {email} {verified:?}");
            let expected = match withheld {
                true => UserData { email: String::new(), email_verified: Some(false), ..known },
                false => known,
            };
            assert_eq!(user, expected, "{level} {email} {verified:?}");
        }
    }

    #[test]
    fn the_providers_session_is_kept_beside_the_user_and_never_in_the_user_data() {
        let identity = Identity { user: ada(), sid: Some("s1".into()) };
        let session = Session::start(identity, "", 1_000, LIFETIME);
        let value: Value = serde_json::from_str(&session.to_json().unwrap()).unwrap();
        assert_eq!((&value["sid"], value["user_data"].get("sid")), (&json!("s1"), None));
        assert_eq!(Session::from_json(&session.to_json().unwrap(), 0), Some(session));
    }

    #[test]
    fn a_user_means_all_browsers_and_a_browser_only_its_own_sessions() {
        let of = |sid: Option<&str>| {
            let identity = Identity { user: ada(), sid: sid.map(str::to_owned) };
            Session::start(identity, "", 0, LIFETIME)
        };
        for (whose, session, meant) in [
            (Whose::User("u1".into()), of(None), true),
            (Whose::User("u1".into()), of(Some("s1")), true),
            (Whose::User("s1".into()), of(Some("s1")), false),
            (Whose::Browser("s1".into()), of(Some("s1")), true),
            (Whose::Browser("s1".into()), of(Some("s2")), false),
            (Whose::Browser("u1".into()), of(None), false),
        ] {
            assert_eq!(whose.is(&session), meant, "{whose:?}");
        }
    }

    #[test]
    fn either_form_is_read() {
        let wrapper =
            json!({"user_data": ada(), "created_at": 10, "expires_at": 3610, "revoked": true}).to_string();
        let read = Session::from_json(&wrapper, 99).unwrap();
        assert_eq!((read.user, read.created_at, read.expires_at, read.revoked), (ada(), 10, 3610, true));

        let plain = serde_json::to_string(&ada()).unwrap();
        let read = Session::from_json(&plain, 5000).unwrap();
        assert_eq!((read.user, read.created_at, read.expires_at, read.revoked), (ada(), 1400, 5000, false));
    }

    #[test]
    fn what_is_no_session_is_none() {
        for raw in ["", "null", "[]", "{}", r#"{"user_data":5}"#, r#"{"name":"no sub"}"#, "{\"sub\":"] {
            assert_eq!(Session::from_json(raw, 0), None, "{raw}");
        }
    }

    #[test]
    fn a_session_lives_through_its_last_second() {
        let session = Session::start(ada(), "", 0, 10);
        assert!(session.is_live(10));
        assert!(!session.is_live(11));
    }
}
