//! The suite's realm at Keycloak (platform.md §13): one model for the import file and for `helm keycloak configure`.

mod compare;
mod profile;

use serde_json::{Value, json};

pub use self::{
    compare::{differences, overlaid},
    profile::with_closed_address,
};

/// The realm's groups; each one stands for a permission level.
pub const GROUPS: [&str; 4] = ["admins", "technicians", "billing", "client"];
/// Client of gateway and Core: people sign in through it.
pub const CLIENT: &str = "core-client";
/// Client of Helm, Codex and Core: reads and changes users.
pub const ADMIN_CLIENT: &str = "hivematrix-admin";
/// Keycloak's own client whose roles say who may administer the realm.
pub const MANAGEMENT_CLIENT: &str = "realm-management";
/// What [`ADMIN_CLIENT`] may do.
pub const ADMIN_ROLES: [&str; 3] = ["manage-users", "query-groups", "view-users"];

/// Seconds after which a silent sign-on is over when nobody uses it. The gateway renews sessions of one hour by it.
const IDLE_SECONDS: u32 = 2 * 3600;
/// Shortest idle time with which a session of one hour can be renewed silently.
pub const SHORTEST_IDLE_SECONDS: u64 = 3600;
/// Seconds a silent sign-on lasts at most.
const SIGN_ON_SECONDS: u32 = 12 * 3600;
/// Seconds Keycloak keeps sign-in events: as long as the local realm does.
const EVENTS_SECONDS: u32 = 365 * 24 * 3600;

/// What the realm has to know of one suite.
#[derive(Clone)]
pub struct RealmModel {
    /// Its name.
    pub realm: String,
    /// Public origins of the gateway, the main one first, without slashes at the end.
    pub origins: Vec<String>,
    /// Port of Core, whose own sign-in is open to browsers of this machine.
    pub core_port: u16,
    /// Secret of [`CLIENT`].
    pub client_secret: String,
    /// Secret of [`ADMIN_CLIENT`].
    pub admin_client_secret: String,
}

/// A person who is there from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstUser {
    /// Login name.
    pub username: &'static str,
    /// Group.
    pub group: &'static str,
    /// Given name. Keycloak asks for names that are missing at the first sign-in.
    pub first_name: &'static str,
    /// Family name.
    pub last_name: &'static str,
}

/// The first administrator.
pub const ADMIN: FirstUser =
    FirstUser { username: "admin", group: "admins", first_name: "Admin", last_name: "HiveMatrix" };
/// One person for each other level, in a demo.
pub const DEMO: [FirstUser; 3] = [
    FirstUser { username: "tech", group: "technicians", first_name: "Demo", last_name: "Technician" },
    FirstUser { username: "billing", group: "billing", first_name: "Demo", last_name: "Billing" },
    FirstUser { username: "client", group: "client", first_name: "Demo", last_name: "Client" },
];

impl RealmModel {
    /// The model of the import file: Keycloak replaces the placeholders by its own environment.
    #[must_use]
    pub fn template() -> Self {
        Self {
            realm: "hivematrix".into(),
            origins: vec!["${HIVEMATRIX_PUBLIC_URL}".into()],
            core_port: 5000,
            client_secret: "${KEYCLOAK_CLIENT_SECRET}".into(),
            admin_client_secret: "${KEYCLOAK_ADMIN_CLIENT_SECRET}".into(),
        }
    }

    /// Where browsers meet Keycloak: below the main origin of the gateway.
    #[must_use]
    pub fn frontend_url(&self) -> String {
        format!("{}/keycloak", self.origins.first().map(String::as_str).unwrap_or_default())
    }

    /// Issuer of the realm's tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("{}/realms/{}", self.frontend_url(), self.realm)
    }

    /// What has to be so, whatever else an operator set.
    #[must_use]
    pub fn required(&self) -> Value {
        json!({ "enabled": true, "attributes": { "frontendUrl": self.frontend_url() } })
    }

    /// A new realm. What is not [`RealmModel::required`] is the operator's from then on.
    #[must_use]
    pub fn new_realm(&self) -> Value {
        let first = json!({
            "realm": self.realm,
            "displayName": "HiveMatrix",
            "loginTheme": "keycloak",
            "sslRequired": "external",
            "registrationAllowed": false,
            "loginWithEmailAllowed": true,
            "duplicateEmailsAllowed": false,
            // The same delays and the same rule for passwords as in the local realm.
            "bruteForceProtected": true,
            "failureFactor": 5,
            "waitIncrementSeconds": 30,
            "maxFailureWaitSeconds": 900,
            "maxDeltaTimeSeconds": 43_200,
            "passwordPolicy": "length(8) and notUsername and notEmail",
            "accessTokenLifespan": 300,
            "ssoSessionIdleTimeout": IDLE_SECONDS,
            "ssoSessionMaxLifespan": SIGN_ON_SECONDS,
            "eventsEnabled": true,
            "eventsExpiration": EVENTS_SECONDS,
            "adminEventsEnabled": true,
        });
        overlaid(&first, &self.required())
    }

    /// [`CLIENT`], without its mapper.
    #[must_use]
    pub fn client(&self) -> Value {
        json!({
            "clientId": CLIENT,
            "name": "HiveMatrix Core Service",
            "protocol": "openid-connect",
            "enabled": true,
            "publicClient": false,
            "clientAuthenticatorType": "client-secret",
            "secret": self.client_secret,
            "standardFlowEnabled": true,
            "implicitFlowEnabled": false,
            "directAccessGrantsEnabled": false,
            "serviceAccountsEnabled": false,
            "redirectUris": self.redirect_uris(),
            "webOrigins": ["+"],
            "attributes": { "post.logout.redirect.uris": self.post_logout_uris() },
        })
    }

    /// Exact addresses, no wildcards: a code goes nowhere else.
    fn redirect_uris(&self) -> Vec<String> {
        let mut uris: Vec<String> = self
            .origins
            .iter()
            .flat_map(|origin| [format!("{origin}/keycloak-callback"), format!("{origin}/")])
            .collect();
        uris.extend(self.core_addresses().map(|core| format!("{core}/auth")));
        uris.sort_unstable();
        uris
    }

    /// `+` stands for the redirect URIs; Core's own sign-out leads to Core's page, where no code may go.
    fn post_logout_uris(&self) -> String {
        let core = self.core_addresses().map(|core| format!("{core}/"));
        std::iter::once("+".to_owned()).chain(core).collect::<Vec<_>>().join("##")
    }

    fn core_addresses(&self) -> impl Iterator<Item = String> {
        let port = self.core_port;
        ["127.0.0.1", "localhost"].into_iter().map(move |host| format!("http://{host}:{port}"))
    }

    /// [`ADMIN_CLIENT`], without the roles of its account.
    #[must_use]
    pub fn admin_client(&self) -> Value {
        json!({
            "clientId": ADMIN_CLIENT,
            "name": "HiveMatrix user administration",
            "protocol": "openid-connect",
            "enabled": true,
            "publicClient": false,
            "clientAuthenticatorType": "client-secret",
            "secret": self.admin_client_secret,
            "standardFlowEnabled": false,
            "implicitFlowEnabled": false,
            "directAccessGrantsEnabled": false,
            "serviceAccountsEnabled": true,
        })
    }

    /// The whole realm with its first administrator, as Keycloak imports it at its start.
    #[must_use]
    pub fn import(&self) -> Value {
        let client = overlaid(&self.client(), &json!({ "protocolMappers": [groups_mapper()] }));
        let groups: Vec<Value> = GROUPS.iter().map(|name| json!({ "name": name })).collect();
        let account = json!({
            "username": format!("service-account-{ADMIN_CLIENT}"),
            "enabled": true,
            "serviceAccountClientId": ADMIN_CLIENT,
            "clientRoles": { MANAGEMENT_CLIENT: ADMIN_ROLES },
        });
        let rest = json!({
            "components": profile::component(),
            "groups": groups,
            "clients": [client, self.admin_client()],
            "users": [account, ADMIN.representation("${HIVEMATRIX_ADMIN_PASSWORD}", true)],
        });
        overlaid(&self.new_realm(), &rest)
    }
}

impl FirstUser {
    /// The account as Keycloak takes it; a `temporary` password has to be changed at the first sign-in.
    #[must_use]
    pub fn representation(&self, password: &str, temporary: bool) -> Value {
        // An import does not look at `temporary`.
        let actions: &[&str] = if temporary { &["UPDATE_PASSWORD"] } else { &[] };
        json!({
            "username": self.username,
            "requiredActions": actions,
            "email": format!("{}@hivematrix.local", self.username),
            "emailVerified": true,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "enabled": true,
            "groups": [format!("/{}", self.group)],
            "credentials": [{ "type": "password", "value": password, "temporary": temporary }],
        })
    }
}

/// The mapper that puts the names of a user's groups into ID token, access token and userinfo.
#[must_use]
pub fn groups_mapper() -> Value {
    json!({
        "name": "groups",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-group-membership-mapper",
        "config": {
            "claim.name": "groups",
            "full.path": "false",
            "id.token.claim": "true",
            "access.token.claim": "true",
            "userinfo.token.claim": "true",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `helm keycloak realm > deploy/keycloak/hivematrix-realm.json` writes it anew.
    #[test]
    fn the_import_file_is_written_from_this_model() {
        let file = include_str!("../../../../../deploy/keycloak/hivematrix-realm.json");
        let file: Value = serde_json::from_str(file).unwrap();
        assert_eq!(file, RealmModel::template().import());
    }

    #[test]
    fn codes_go_only_to_the_exact_addresses_of_the_contract() {
        let model = RealmModel {
            origins: vec!["https://msp.example".into(), "https://localhost:8443".into()],
            core_port: 5100,
            ..RealmModel::template()
        };
        let client = model.client();
        assert_eq!(
            client["redirectUris"],
            json!([
                "http://127.0.0.1:5100/auth",
                "http://localhost:5100/auth",
                "https://localhost:8443/",
                "https://localhost:8443/keycloak-callback",
                "https://msp.example/",
                "https://msp.example/keycloak-callback",
            ])
        );
        assert_eq!(
            client["attributes"]["post.logout.redirect.uris"],
            "+##http://127.0.0.1:5100/##http://localhost:5100/"
        );
        assert_eq!(model.issuer(), "https://msp.example/keycloak/realms/hivematrix");
    }
}
