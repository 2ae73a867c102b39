//! Setting an authenticator app up, where the two providers differ: how a person gets to the form, how the key is shown, and
//! what follows.

use anyhow::{Context, Result};
use hivematrix_e2e::authenticator::Authenticator;
use hivematrix_e2e::directory::Account;
use hivematrix_e2e::page::Page;
use hivematrix_e2e::visitor::{Visitor, form};

use super::stage::Stage;

impl Stage {
    /// The form by which somebody who is signed in sets an app up.
    pub async fn app_form(&self, visitor: &Visitor) -> Result<Page> {
        if self.foreign.is_none() {
            return visitor.follow_link(&self.realm_path("/account/totp")).await;
        }
        // What the button of Keycloak's account page does, which is a program of its own.
        let mut target = visitor.address(&self.realm_path("/protocol/openid-connect/auth"))?;
        target.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", "account-console"),
            ("redirect_uri", &format!("{}{}", self.instance.url, self.realm_path("/account/"))),
            ("scope", "openid"),
            ("state", "a-state-of-this-test"),
            ("kc_action", "CONFIGURE_TOTP"),
            ("code_challenge", super::stage::CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        visitor.open(target.as_str()).await
    }

    /// The app that was given the key of such a form. The local realm shows it as it is typed; Keycloak draws it, and its
    /// form carries it.
    pub fn app(&self, page: &Page) -> Result<Authenticator> {
        if self.foreign.is_none() {
            return Authenticator::typed(&page.text_of("#kc-totp-secret-key")?);
        }
        let fields = page.form(form::SET_UP_APP)?.fields;
        let key = fields.iter().find(|(name, _)| name == "totpSecret").context("the form has no key")?;
        Authenticator::scanned(key.1.as_bytes())
    }

    /// Fills in and sends such a form. The local realm asks for the password again, unless it was given just now.
    pub async fn enter_first_code(
        &self,
        visitor: &Visitor,
        page: &Page,
        code: &str,
        account: &Account,
    ) -> Result<Page> {
        let mut fields = vec![("totp", code), ("userLabel", "My phone")];
        if page.form(form::SET_UP_APP)?.fields.iter().any(|(name, _)| name == "password") {
            fields.push(("password", &account.password));
        }
        visitor.submit(page, form::SET_UP_APP, &fields).await
    }

    /// What follows the right first code: the local realm shows recovery codes, and a link leads on. Keycloak's recovery
    /// codes are another credential, which a realm has to want.
    pub async fn after_the_first_code(&self, visitor: &Visitor, page: Page) -> Result<(Page, Vec<String>)> {
        if self.foreign.is_some() {
            return Ok((page, Vec::new()));
        }
        let codes = page.texts_of(".code-list__item")?;
        let onward = page.attribute_of("#onward", "href")?;
        let onward = onward.with_context(|| format!("nothing leads on: {}", page.shown()))?;
        Ok((visitor.follow_link(&onward).await?, codes))
    }
}
