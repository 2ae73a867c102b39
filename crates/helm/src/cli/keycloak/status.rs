//! `helm keycloak status`: whether the identity provider is there and knows this suite.

use anyhow::{Context, Result, bail};
use hivematrix_shared::{
    config::{CommonSettings, Secret},
    service_client::http_client,
};
use serde::Serialize;

use super::{
    super::{
        Quit,
        output::{self, say},
    },
    unconfirmed::{self, Unconfirmed},
};
use crate::{
    clients::keycloak::{Administrator, Keycloak, discovery},
    domain::{
        keycloak_in_use::keycloak_in_use,
        keycloak_realm::{ADMIN_CLIENT, GROUPS, RealmModel},
        master_config::MasterConfig,
    },
    instance::{
        Layout, master_config, operator,
        options::{Keycloak as Remembered, Options},
        secrets,
    },
};

/// The answer of `--json`.
#[derive(Serialize)]
struct Answer {
    ok: bool,
    keycloak: Option<Described>,
    reason: Option<String>,
    unconfirmed: Vec<Unconfirmed>,
}

#[derive(Serialize)]
struct Described {
    url: String,
    realm: String,
    issuer: Option<String>,
}

pub(super) async fn run(layout: &Layout, common: &CommonSettings, json: bool) -> Result<()> {
    let options = Options::read(layout)?;
    let operator = operator::of_suite(layout)?;
    let config = MasterConfig::from(master_config::read(layout)?.document);
    let Some(used) = keycloak_in_use(&config, &operator) else {
        if json {
            return print(&Answer { ok: true, keycloak: None, reason: None, unconfirmed: Vec::new() });
        }
        say!("This instance uses Core's own realm.");
        return Ok(());
    };
    let url = used.base_url();
    let told = options.keycloak.filter(|told| told.url == url && told.realm == used.realm);
    let Some(known) = told else {
        let reason = format!("{url} was not set up for this suite: run `helm keycloak configure`");
        if !json {
            bail!(reason);
        }
        let keycloak = Some(Described { url: url.to_owned(), realm: used.realm.clone(), issuer: None });
        print(&Answer { ok: false, keycloak, reason: Some(reason), unconfirmed: Vec::new() })?;
        return Err(Quit(1).into());
    };
    if !json {
        say!("Keycloak  {}", known.url);
        say!("Realm     {}", known.realm);
    }
    let own = secrets::read(layout)?.keycloak_admin_client_secret;
    let model = RealmModel {
        realm: known.realm.clone(),
        origins: known.origins.clone(),
        admin_client_secret: operator.get("KEYCLOAK_ADMIN_CLIENT_SECRET").map_or(own, str::to_owned),
        ..RealmModel::template()
    };
    let found = check(&http_client(common).context("cannot set up TLS")?, &known, &model).await;
    if json {
        let issuer = Some(model.issuer());
        let keycloak = Some(Described { url: known.url.clone(), realm: known.realm.clone(), issuer });
        let reason = found.as_ref().err().map(|error| format!("{error:#}"));
        let ok = reason.is_none();
        print(&Answer { ok, keycloak, reason, unconfirmed: found.unwrap_or_default() })?;
        return if ok { Ok(()) } else { Err(Quit(1).into()) };
    }
    unconfirmed::warn(&found?);
    say!("Issuer    {}", model.issuer());
    say!("It answers, and Helm may administer its users.");
    Ok(())
}

fn print(answer: &Answer) -> Result<()> {
    output::answer(answer)?;
    Ok(())
}

/// Asks as the services will: issuer, and the users by the suite's own administration client. Answers which clients will be
/// refused.
///
/// # Errors
/// What does not fit.
pub(super) async fn check(
    http: &reqwest::Client,
    known: &Remembered,
    model: &RealmModel,
) -> Result<Vec<Unconfirmed>> {
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
        None => unconfirmed::find(&keycloak, &known.realm)
            .await
            .context("users without a confirmed address cannot be read"),
    }
}
