//! A Keycloak that is configured and does not know the suite yet is set up by itself when the suite comes up (seed 3.9). Users
//! that are there keep their passwords, and a Keycloak that is away keeps nobody from starting the rest.

use std::time::Duration;

use anyhow::Result;
use hivematrix_shared::{
    config::{CommonSettings, Secret},
    service_client::http_client,
};

use super::{super::output::say, ConfigureArgs, configure};
use crate::{
    clients::keycloak::{Discovery, KeycloakError, discovery},
    domain::{keycloak_in_use::keycloak_in_use, operator::Operator},
    instance::{
        Layout,
        operator::{KEYCLOAK_ADMIN, KEYCLOAK_ADMIN_PASSWORD, for_this_command},
    },
    suite::Prepared,
};

/// How often one that is starting is asked, and how long it has between two questions (platform.md §13).
const STARTING: u32 = 60;
const PAUSE: Duration = Duration::from_secs(2);

/// What Keycloak lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// There is no realm of that name: a fresh one.
    Realm,
    /// There is one, and it was not set up for this suite.
    Suite,
    /// It was set up, for other public addresses.
    Addresses,
}

impl Lack {
    fn words(self, realm: &str) -> String {
        match self {
            Self::Realm => format!("Keycloak has no realm {realm} yet"),
            Self::Suite => format!("the realm {realm} was not set up for this suite"),
            Self::Addresses => format!("the realm {realm} knows other public addresses of this suite"),
        }
    }
}

/// Sets the realm up where it is needed and an administrator is known; else says what is missing. Never fails. Whether it
/// was set up.
pub(in crate::cli) async fn ensure(
    layout: &Layout,
    common: &CommonSettings,
    prepared: &Prepared,
    operator: &Operator,
) -> bool {
    set_up(layout, common, prepared, operator).await.unwrap_or_else(|error| {
        eprintln!(
            "helm: Keycloak: {error:#}. Nobody can sign in until that is mended; see `helm keycloak status`"
        );
        false
    })
}

async fn set_up(
    layout: &Layout,
    common: &CommonSettings,
    prepared: &Prepared,
    operator: &Operator,
) -> Result<bool> {
    let Some(used) = keycloak_in_use(&prepared.config, operator) else { return Ok(false) };
    let (url, realm) = (used.base_url().to_owned(), used.realm.clone());
    let password = for_this_command(KEYCLOAK_ADMIN_PASSWORD)
        .or_else(|| prepared.config.document().text(&["keycloak", "admin_password"]));
    let told = prepared.options.keycloak.as_ref().filter(|told| told.url == url && told.realm == realm);
    // One that is about to be set up may still be starting.
    let patience = if told.is_none() && password.is_some() { STARTING } else { 1 };
    let found = found(&http_client(common)?, &url, &realm, patience).await?;
    let lack = match (found, told) {
        (None, _) => Lack::Realm,
        (Some(_), None) => Lack::Suite,
        (Some(_), Some(told)) if told.origins != prepared.public_origins => Lack::Addresses,
        (Some(_), Some(_)) => return Ok(false),
    };
    let config = prepared.config.document();
    let Some(password) = password else {
        eprintln!(
            "helm: {}: run `helm keycloak configure`, or set {KEYCLOAK_ADMIN_PASSWORD}",
            lack.words(&realm)
        );
        return Ok(false);
    };
    say!("{}: it is set up now.", lack.words(&realm));
    let admin =
        for_this_command(KEYCLOAK_ADMIN).or_else(|| config.effective(&["keycloak", "admin_username"]));
    let args = ConfigureArgs {
        url: Some(url),
        realm: Some(realm),
        admin_user: admin.unwrap_or_else(|| "admin".to_owned()),
        admin_password_file: None,
        demo: false,
        json: false,
    };
    configure::set_up(layout, common, operator, &args, || Ok(Secret::new(password))).await.map(|()| true)
}

/// Asks whether there is a realm, several times where there is no answer.
async fn found(
    http: &reqwest::Client,
    url: &str,
    realm: &str,
    patience: u32,
) -> Result<Option<Discovery>, KeycloakError> {
    for _ in 1..patience {
        match discovery(http, url, realm).await {
            Err(KeycloakError::Unusable { .. }) => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
    discovery(http, url, realm).await
}
