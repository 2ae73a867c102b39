//! A person's authenticator app.

use hivematrix_core::crypto::totp::TotpKey;
use hivematrix_shared::clock::Clock;

use super::{Browser, Core, PASSWORD, Page};

/// An app that was given the key of a page.
pub struct App {
    key: TotpKey,
    clock: Clock,
}

impl App {
    /// Reads the key that a page shows.
    pub fn scan(core: &Core, page: &Page) -> Self {
        let key = page.text_of("kc-totp-secret-key").replace(' ', "");
        Self { key: TotpKey::from_base32(&key, "someone").unwrap(), clock: core.clock.clone() }
    }

    /// The code it shows now.
    pub fn code(&self) -> String {
        self.key.code_at(self.clock.unix())
    }

    /// The code it shows some steps of 30 seconds from now.
    pub fn code_in(&self, steps: i64) -> String {
        self.key.code_at(self.clock.unix() + 30 * steps)
    }

    /// A code that does not count now.
    pub fn wrong_code(&self) -> String {
        let near = [-1, 0, 1].map(|step| self.code_in(step));
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }

    /// Waits until the app shows a code that was not used yet.
    pub fn next(&self) -> String {
        self.clock.advance(chrono::TimeDelta::seconds(30));
        self.code()
    }
}

/// The recovery codes that a page shows.
pub fn recovery_codes(page: &Page) -> Vec<String> {
    let text = page.text();
    let items = text.split("code-list__item\">").skip(1);
    items.map(|item| item.split('<').next().unwrap().to_owned()).collect()
}

impl Browser {
    /// Sets an app up on the account page of the signed-in user; returns it with the recovery codes.
    pub async fn set_up_app(&self, core: &Core) -> (App, Vec<String>) {
        let form = self.get("/realms/hivematrix/account/totp").await;
        let app = App::scan(core, &form);
        let fields = [("totp", app.code()), ("userLabel", "My phone".into()), ("password", PASSWORD.into())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let done = self.submit_form(&form, "kc-totp-settings-form", &fields).await;
        assert_eq!(done.status(), 200, "{:?}", done.alert());
        let codes = recovery_codes(&done);
        assert_eq!(codes.len(), 10, "{}", done.text());
        (app, codes)
    }
}
