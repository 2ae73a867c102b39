//! The account's pages.

use askama::Template;
use hivematrix_shared::pages::Page;

/// A moment in three forms.
#[derive(Clone, Debug)]
pub struct Moment {
    /// For programs.
    pub iso: String,
    /// In full.
    pub exact: String,
    /// In words.
    pub text: String,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct BrowserRow {
    /// Id of its session.
    pub id: String,
    /// Whether the page is shown in it.
    pub is_this: bool,
    /// What it is.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// When it signed in.
    pub since: Moment,
}

/// A line of the audit.
#[derive(Clone, Debug)]
pub struct SignInRow {
    /// When.
    pub at: Moment,
    /// What happened.
    pub what: &'static str,
    /// By what.
    pub name: String,
    /// From where.
    pub address: String,
}

/// The account's authenticator app.
#[derive(Clone, Debug)]
pub struct SecondFactorFacts {
    /// Its owner's name for it, perhaps empty.
    pub label: String,
    /// When it was set up.
    pub since: Moment,
    /// Recovery codes that still count.
    pub codes_left: i64,
}

/// A person's own account.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Path of the account page.
    pub base: String,
    /// Login name.
    pub username: &'a str,
    /// Display name, empty when unknown.
    pub name: String,
    /// E-mail, empty when unknown.
    pub email: &'a str,
    /// Group names.
    pub groups: String,
    /// What went well.
    pub notice: Option<&'a str>,
    /// What went wrong.
    pub error: Option<String>,
    /// The forms' mark.
    pub mark: &'a str,
    /// Fewest characters of a new password.
    pub shortest: usize,
    /// The app, where there is one.
    pub second_factor: Option<SecondFactorFacts>,
    /// Signed-in browsers, the newest first.
    pub browsers: Vec<BrowserRow>,
    /// The last sign-ins, the newest first.
    pub past: Vec<SignInRow>,
}

/// What can be done with an authenticator app.
#[derive(Template)]
#[template(path = "second_factor.html")]
pub struct ManagePage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Path of the account page.
    pub base: String,
    /// Whose, for password managers.
    pub username: &'a str,
    /// Recovery codes that still count.
    pub codes_left: i64,
    /// What went wrong.
    pub error: Option<String>,
    /// The forms' mark.
    pub mark: &'a str,
}
