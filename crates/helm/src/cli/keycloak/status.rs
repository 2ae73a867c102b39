//! `helm keycloak status`: whether the identity provider is there and knows this suite.

use anyhow::{Context, Result, bail};
use hivematrix_shared::{
    config::{CommonSettings, Secret},
    service_client::http_client,
};

use super::{super::output::say, unconfirmed};
use crate::{
    clients::keycloak::{Administrator, Keycloak, discovery},
    domain::{
        child_env::given,
        keycloak_realm::{ADMIN_CLIENT, GROUPS, RealmModel},
    },
    instance::{
        Layout,
        options::{Keycloak as Remembered, Options},
        secrets,
    },
    suite,
};

pub(super) async fn run(layout: &Layout, common: &CommonSettings) -> Result<()> {
    let options = Options::read(layout)?;
    let operator = suite::operator_variables(layout)?;
    if let Some(url) = given(&operator, "KEYCLOAK_SERVER_URL") {
        say!("KEYCLOAK_SERVER_URL is set and wins over what the instance remembers: {url}");
    }
    let Some(known) = options.keycloak else {
        say!("This instance uses Core's own realm.");
        return Ok(());
    };
    say!("Keycloak  {}", known.url);
    say!("Realm     {}", known.realm);
    let own = secrets::read(layout)?.keycloak_admin_client_secret;
    let model = RealmModel {
        realm: known.realm.clone(),
        origins: known.origins.clone(),
        admin_client_secret: given(&operator, "KEYCLOAK_ADMIN_CLIENT_SECRET").map_or(own, str::to_owned),
        ..RealmModel::template()
    };
    check(&http_client(common).context("cannot set up TLS")?, &known, &model).await?;
    say!("Issuer    {}", model.issuer());
    say!("It answers, and Helm may administer its users.");
    Ok(())
}

/// Asks as the services will: issuer, and the users by the suite's own administration client. Warns about clients who will
/// be refused.
///
/// # Errors
/// What does not fit.
pub(super) async fn check(http: &reqwest::Client, known: &Remembered, model: &RealmModel) -> Result<()> {
    let found = discovery(http, &known.url, &known.realm).await?;
    let found =
        found.with_context(|| format!("there is no realm {}: run `helm keycloak configure`", known.realm))?;
    let issuer = model.issuer();
    if found.issuer != issuer {
        bail!("the issuer is {} instead of {issuer}: run `helm keycloak configure`", found.issuer);
    }
    let administrator = Administrator::Client {
        realm: known.realm.clone(),
        id: ADMIN_CLIENT.to_owned(),
        secret: Secret::new(model.admin_client_secret.clone()),
    };
    let keycloak = Keycloak::new(http.clone(), &known.url, administrator);
    keycloak.list(&format!("/{}/users?max=1", known.realm)).await.context("users cannot be read")?;
    let groups = keycloak.list(&format!("/{}/groups", known.realm)).await.context("groups cannot be read")?;
    let missing = GROUPS.into_iter().find(|name| !groups.iter().any(|group| group["name"] == *name));
    match missing {
        Some(name) => bail!("there is no group {name}: run `helm keycloak configure`"),
        None => unconfirmed::warn(&keycloak, &known.realm).await,
    }
}
