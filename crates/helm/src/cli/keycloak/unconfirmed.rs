//! Clients whose e-mail address nobody has confirmed: they see no company until somebody does.

use anyhow::Result;
use hivematrix_shared::auth::PermissionLevel;
use serde::Serialize;

use super::super::output::{harmless, say};
use crate::clients::keycloak::Keycloak;

/// Users on one page of a listing.
const PAGE: usize = 100;
/// Names that are told one by one.
const NAMED: usize = 20;

/// A client whose address nobody has confirmed.
#[derive(Debug, Serialize)]
pub(super) struct Unconfirmed {
    username: String,
    email: String,
}

/// Says who they are, if there are any.
pub(super) fn warn(clients: &[Unconfirmed]) {
    if clients.is_empty() {
        return;
    }
    say!(
        "\nThe e-mail addresses of {} clients are not confirmed, so that they see no company. Look at each address, then turn \
         on Email verified at Keycloak (Users):",
        clients.len()
    );
    for client in clients.iter().take(NAMED) {
        say!("  {}  {}", harmless(&client.username), harmless(&client.email));
    }
    if clients.len() > NAMED {
        say!("  and {} more", clients.len() - NAMED);
    }
}

/// Enabled users of the level `client` with an address that is not confirmed.
///
/// # Errors
/// When Keycloak refuses or does not answer.
pub(super) async fn find(keycloak: &Keycloak, realm: &str) -> Result<Vec<Unconfirmed>> {
    let mut found = Vec::new();
    for page in 0.. {
        let first = page * PAGE;
        let path = format!("/{realm}/users?emailVerified=false&first={first}&max={PAGE}");
        let users = keycloak.list(&path).await?;
        let last = users.len() < PAGE;
        for user in users {
            let open = user["emailVerified"] != true && user["enabled"] == true && user["email"].is_string();
            let Some(id) = user["id"].as_str().filter(|_| open) else { continue };
            let groups = keycloak.list(&format!("/{realm}/users/{id}/groups")).await?;
            let names: Vec<&str> = groups.iter().filter_map(|group| group["name"].as_str()).collect();
            if PermissionLevel::from_groups(&names) == PermissionLevel::Client {
                let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
                found.push(Unconfirmed { username: text("username"), email: text("email") });
            }
        }
        if last {
            break;
        }
    }
    Ok(found)
}
