//! What the gateway shows of the provider, and what it does not.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::visitor::{Visitor, form};
use reqwest::StatusCode;
use serde_json::Value;

use super::stage::{BOARD, Stage};

/// Cookies that scripts of Keycloak's own pages have to read; they hold hashes and open nothing.
const READ_BY_SCRIPTS: [&str; 2] = ["KC_AUTH_SESSION_HASH", "KEYCLOAK_SESSION"];

pub async fn cookies_are_closed_to_scripts_and_other_sites(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let visitor = stage.visitor()?;
    let form = visitor.open(BOARD).await?;
    let values = [("username", account.username.as_str()), ("password", account.password.as_str())];
    let page = visitor.submit(&form, form::SIGN_IN, &values).await?;
    let out = visitor.follow_link("/logout").await?;
    let cookies: Vec<_> = [form, page, out].into_iter().flat_map(|page| page.cookies).collect();
    ensure!(cookies.iter().any(|(_, cookie)| cookie.starts_with("__Host-session=")), "no session");
    for (url, cookie) in cookies {
        let name = cookie.split('=').next().unwrap_or_default();
        let attributes: Vec<String> =
            cookie.split(';').skip(1).map(|a| a.trim().to_ascii_lowercase()).collect();
        if attributes.iter().any(|a| a == "max-age=0") {
            continue;
        }
        let has = |attribute: &str| attributes.iter().any(|a| a == attribute);
        let path = attributes.iter().find_map(|a| a.strip_prefix("path=")).unwrap_or_default();
        ensure!(has("secure"), "{url}: {cookie}");
        ensure!(has("httponly") || READ_BY_SCRIPTS.contains(&name), "{url}: {cookie}");
        ensure!(attributes.iter().any(|a| a.starts_with("samesite=")), "{url}: {cookie}");
        ensure!(!attributes.iter().any(|a| a.starts_with("domain=")), "{url}: {cookie}");
        if name.starts_with("__Host-") {
            ensure!(path == "/" && has("samesite=lax"), "{url}: {cookie}");
        } else {
            ensure!(path.starts_with("/keycloak"), "{url}: {cookie}");
        }
    }
    Ok(())
}

pub async fn the_provider_is_known_by_the_public_address(stage: &Stage) -> Result<()> {
    let page = stage.visitor()?.fetch(&stage.realm_path("/.well-known/openid-configuration")).await?;
    ensure!(page.status == StatusCode::OK, "{}", page.status);
    let discovery: Value = serde_json::from_str(&page.text)?;
    let issuer = format!("{}{}", stage.instance.url, stage.realm_path(""));
    ensure!(discovery["issuer"] == issuer.as_str(), "{}", discovery["issuer"]);
    for endpoint in ["authorization_endpoint", "end_session_endpoint"] {
        let address = discovery[endpoint].as_str().with_context(|| format!("no {endpoint}"))?;
        ensure!(address.starts_with(&format!("{issuer}/protocol/openid-connect/")), "{endpoint}: {address}");
    }
    // What programs call may follow the caller, who came by the gateway (`hostname-backchannel-dynamic`).
    for endpoint in ["token_endpoint", "jwks_uri"] {
        let address = discovery[endpoint].as_str().with_context(|| format!("no {endpoint}"))?;
        ensure!(address.starts_with(&format!("{}/", stage.instance.url)), "{endpoint}: {address}");
    }
    let keys = stage.visitor()?.fetch(discovery["jwks_uri"].as_str().unwrap_or_default()).await?;
    ensure!(keys.status == StatusCode::OK && keys.text.contains("\"kid\""), "{} {}", keys.url, keys.status);
    Ok(())
}

pub async fn administration_and_other_realms_are_closed(stage: &Stage) -> Result<()> {
    let (admin, _) = stage.signed_in("admins").await?;
    let realm = &stage.realm;
    let token = stage.directory.token().await?;
    for path in [
        "/keycloak/".to_owned(),
        "/keycloak/admin".to_owned(),
        "/keycloak/admin/".to_owned(),
        "/keycloak/admin/master/console/".to_owned(),
        format!("/keycloak/admin/realms/{realm}/users"),
        format!("/keycloak/%61dmin/realms/{realm}/users"),
        format!("/keycloak/realms/{realm}/..%2f..%2fadmin/realms/{realm}/users"),
        format!("/keycloak/realms/{realm}/..;/..;/admin/realms/{realm}/users"),
        format!("/keycloak/resources/..;/admin/realms/{realm}/users"),
        format!("/keycloak/realms/{realm}/%252e%252e/master/account"),
        "/keycloak/realms/master".to_owned(),
        "/keycloak/realms/master/account".to_owned(),
        "/keycloak/realms/master/.well-known/openid-configuration".to_owned(),
        "/keycloak/realms/master/protocol/openid-connect/token".to_owned(),
        "/realms/master/account".to_owned(),
        "/keycloak/metrics".to_owned(),
        "/keycloak/health".to_owned(),
    ] {
        let address = admin.address(&path)?;
        let answer = stage.instance.client()?.get(address.clone()).bearer_auth(&token).send().await?;
        ensure!(matches!(answer.status().as_u16(), 400 | 404), "{address}: {}", answer.status());
        let page = admin.get(&path).await?;
        ensure!(matches!(page.status.as_u16(), 400 | 404), "{address}: {}", page.status);
    }
    Ok(())
}

pub async fn every_public_address_leads_to_a_sign_in(stage: &Stage) -> Result<()> {
    let other = stage.instance.url.replace("//localhost", "//127.0.0.1");
    let account = stage.directory.account(Some("technicians"), false).await?;
    let visitor = Visitor::new(&other)?;
    let page = visitor.sign_in("/beacon/helpdesk?from=there", &account.username, &account.password).await?;
    ensure!(page.status == StatusCode::OK && page.url.query() == Some("from=there"), "{}", page.url);
    // Keycloak's pages belong to the main address; the local realm has none.
    let expected = if stage.foreign.is_some() { &stage.instance.url } else { &other };
    ensure!(page.url.as_str().starts_with(expected.as_str()), "{}", page.url);
    ensure!(visitor.at(&page.url).is_signed_in().await?);
    Ok(())
}
