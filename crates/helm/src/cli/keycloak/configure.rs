//! `helm keycloak configure`.

use anyhow::{Context, Result, bail};
use hivematrix_shared::{
    config::{CommonSettings, Secret},
    service_client::http_client,
};
use serde_json::json;

use super::{
    super::output::{answer, is_kept, keep_for_answer, say},
    ConfigureArgs, password,
    setup::{FirstPassword, Setup},
    status, unconfirmed,
};
use crate::{
    clients::keycloak::{Administrator, Keycloak},
    domain::{
        child_env,
        keycloak_in_use::{keycloak_in_use, realm_in_use},
        keycloak_realm::{ADMIN, DEMO, RealmModel},
        operator::Operator,
    },
    instance::{
        Layout, master_config, operator,
        options::{Given, Keycloak as Remembered, Options},
    },
    suite::Basis,
};

/// Where Keycloak listens by itself.
const DEFAULT_URL: &str = "http://localhost:8080";
const CORE_PORT: u16 = 5000;

pub(super) async fn run(layout: &Layout, common: &CommonSettings, args: &ConfigureArgs) -> Result<()> {
    if args.json {
        keep_for_answer();
    }
    // Under systemd that is what the units are given, whatever root's shell holds.
    let operator = operator::of_next_up(layout)?;
    set_up(layout, common, &operator, args, || {
        password::read(&args.admin_user, args.admin_password_file.as_deref())
    })
    .await
}

/// Sets the realm up with the administrator's password, which is asked for once everything else is clear.
pub(super) async fn set_up(
    layout: &Layout,
    common: &CommonSettings,
    operator: &Operator,
    args: &ConfigureArgs,
    admin_password: impl FnOnce() -> Result<Secret>,
) -> Result<()> {
    let basis = {
        let (layout, given, operator) = (layout.clone(), Given::from_environment()?, operator.clone());
        tokio::task::spawn_blocking(move || Basis::of(&layout, &given, &operator)).await??
    };
    let set = |name: &str| operator.get(name).map(str::to_owned);
    let realm = args.realm.clone().unwrap_or_else(|| realm_in_use(&basis.config, operator));
    // It is part of addresses everywhere.
    if realm.is_empty() || !realm.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        bail!("a realm's name is made of letters, digits, - and _");
    }
    let used = || keycloak_in_use(&basis.config, operator).map(|used| used.base_url().to_owned());
    let url = args.url.clone().or_else(used);
    let url = base_url(url.as_deref().unwrap_or(DEFAULT_URL), &realm)?;
    let origins = basis.public_origins(operator);
    if origins.is_empty() {
        bail!("the suite has no gateway, so nobody could sign in");
    }
    warn_about_main(&origins[0]);
    let model = RealmModel {
        realm: realm.clone(),
        origins: origins.clone(),
        core_port: basis.registry.get("core").map_or(CORE_PORT, |core| core.service.port),
        // What is set is also what the services are given.
        client_secret: child_env::client_secret(&basis.config, &basis.secrets, operator),
        admin_client_secret: set("KEYCLOAK_ADMIN_CLIENT_SECRET")
            .unwrap_or_else(|| basis.secrets.keycloak_admin_client_secret.clone()),
    };
    let first = match (operator.admin_password(), &basis.admin_password) {
        (Some(given), _) => Some(FirstPassword { value: Secret::new(given), temporary: false }),
        (None, Some(made)) => Some(FirstPassword { value: Secret::new(made), temporary: true }),
        (None, None) => None,
    };
    let demo = args.demo || basis.options.demo.is_some();
    let first_password = basis.admin_password.clone();
    // Everything that is read is read: others may prepare the instance while Keycloak works.
    drop(basis);

    let administrator = Administrator::User { name: args.admin_user.clone(), password: admin_password()? };
    let http = http_client(common).context("cannot set up TLS")?;
    let keycloak = Keycloak::new(http.clone(), &url, administrator);
    let mut setup = Setup::new(&keycloak, &model);
    setup.realm().await?;
    setup.user(&ADMIN, first.as_ref()).await?;
    for user in DEMO.iter().filter(|_| demo) {
        setup.user(user, first.as_ref()).await?;
    }
    if setup.changes == 0 {
        say!("Keycloak is as it should be: nothing was changed.");
    }
    let mut options = Options::read(layout)?;
    let answered = json!({
        "url": url, "realm": realm, "changes": setup.changes, "users": setup.made_users,
        "password_file": layout.admin_password().display().to_string(),
    });
    if let Some(password) = first_password.filter(|_| !setup.made_users.is_empty() && !is_kept()) {
        say_password(layout, &setup.made_users, &password, !options.admin_password_shown);
        options.admin_password_shown = true;
        options.write(layout)?;
    }
    let known = Remembered { url, realm, origins };
    unconfirmed::warn(&status::check(&http, &known, &model).await?);
    let is_new = options.keycloak.as_ref() != Some(&known);
    remember(layout, options, known)?;
    if is_new {
        say!("\n`helm up` makes the suite use it.");
    }
    if args.json {
        answer(&answered)?;
    }
    Ok(())
}

/// Both what the suite uses from now on, and what Keycloak was told.
fn remember(layout: &Layout, mut options: Options, known: Remembered) -> Result<()> {
    master_config::change(layout, None, |document| {
        document.set(&["keycloak", "url"], known.url.as_str().into())?;
        document.set(&["keycloak", "realm"], known.realm.as_str().into())
    })?;
    if options.keycloak.as_ref() != Some(&known) {
        say!("\nThis instance remembers {}, realm {}.", known.url, known.realm);
        options.keycloak = Some(known);
        options.write(layout)?;
    }
    Ok(())
}

fn say_password(layout: &Layout, users: &[&str], password: &str, show: bool) {
    let place = layout.admin_password();
    say!("\n  User      {}", users.join(", "));
    if show {
        say!("  Password  {password}");
        say!("            (shown once, kept in {})", place.display());
    } else {
        say!("  Password  the first one is kept in {}", place.display());
    }
    say!("            It must be changed at the first sign-in.");
}

/// Everybody signs in at the main address, whichever other one was opened.
fn warn_about_main(origin: &str) {
    if url::Url::parse(origin).is_ok_and(|url| is_this_machine(&url)) {
        eprintln!(
            "helm: people sign in at {origin}, which only this machine can open; for others set NEXUS_SERVICE_URL, \
             best in the instance's settings.env"
        );
    }
}

fn is_this_machine(url: &url::Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// The address without the realm, which upstream's settings put at its end.
fn base_url(given: &str, realm: &str) -> Result<String> {
    let url = url::Url::parse(given).with_context(|| format!("{given} is no address"))?;
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        bail!("{given} is no address such as http://localhost:8080");
    };
    if url.scheme() == "http" && !is_this_machine(&url) {
        eprintln!("helm: {host} is asked without TLS: passwords and secrets cross the network as they are");
    }
    let base = given.trim_end_matches('/');
    Ok(base.strip_suffix(&format!("/realms/{realm}")).unwrap_or(base).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_a_base_url() {
        for (given, expected) in [
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://localhost:8080/", Some("http://localhost:8080")),
            ("http://localhost:8080/realms/msp", Some("http://localhost:8080")),
            ("https://sso.example/auth", Some("https://sso.example/auth")),
            ("localhost:8080", None),
            ("sso.example", None),
            ("ftp://sso.example", None),
        ] {
            assert_eq!(base_url(given, "msp").ok().as_deref(), expected, "{given}");
        }
    }
}
