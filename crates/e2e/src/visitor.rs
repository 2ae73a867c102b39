//! A browser without scripts: cookies, redirects and forms, and the headers by which browsers say who caused a request.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{ACCEPT, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use url::Url;

use crate::page::Page;

/// What a browser asks for when it opens a page.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// More redirects than any good way has.
const MAX_REDIRECTS: usize = 12;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Ids of the forms, which the local realm has from Keycloak.
pub mod form {
    /// Name and password.
    pub const SIGN_IN: &str = "kc-form-login";
    /// A forced new password.
    pub const NEW_PASSWORD: &str = "kc-passwd-update-form";
    /// The first code of an authenticator app.
    pub const SET_UP_APP: &str = "kc-totp-settings-form";
    /// A code of the app.
    pub const CODE: &str = "kc-otp-login-form";
    /// A recovery code, in the local realm.
    pub const RECOVERY_CODE: &str = "kc-recovery-code-login-form";
}

/// One person's browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    origin: Url,
    client: Client,
    jar: Arc<Jar>,
}

impl Visitor {
    /// A browser without cookies that opens paths of `origin`.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(origin: &str) -> Result<Self> {
        let jar = Arc::new(Jar::default());
        let client = Client::builder()
            .danger_accept_invalid_certs(true)
            .redirect(Policy::none())
            .cookie_provider(jar.clone())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { origin: Url::parse(origin)?, client, jar })
    }

    /// The same browser, opening paths of another origin.
    #[must_use]
    pub fn at(&self, origin: &Url) -> Self {
        Self { origin: origin.clone(), ..self.clone() }
    }

    /// The address of a path, or a whole address as it is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn address(&self, target: &str) -> Result<Url> {
        self.origin.join(target).with_context(|| format!("{target} is no address"))
    }

    /// The cookies the browser would send to a path, as one header.
    ///
    /// # Errors
    ///
    /// When the path is no address.
    pub fn cookies(&self, target: &str) -> Result<String> {
        let header = self.jar.cookies(&self.address(target)?);
        Ok(header.and_then(|header| header.to_str().map(str::to_owned).ok()).unwrap_or_default())
    }

    /// Gives the browser cookies that another one had.
    ///
    /// # Errors
    ///
    /// When the path is no address.
    pub fn take_cookies(&self, target: &str, header: &str) -> Result<()> {
        let address = self.address(target)?;
        for pair in header.split("; ").filter(|pair| !pair.is_empty()) {
            self.jar.add_cookie_str(&format!("{pair}; Path=/; Secure"), &address);
        }
        Ok(())
    }

    /// Opens a page by its typed address, without following redirects.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn get(&self, target: &str) -> Result<Page> {
        let request = self.navigation(Method::GET, &self.address(target)?, "none");
        send(request).await
    }

    /// Opens a page by its typed address and follows redirects.
    ///
    /// # Errors
    ///
    /// When there is no answer, or no end.
    pub async fn open(&self, target: &str) -> Result<Page> {
        let first = self.get(target).await?;
        self.follow(first).await
    }

    /// Follows a link on one of the suite's own pages.
    ///
    /// # Errors
    ///
    /// When there is no answer, or no end.
    pub async fn follow_link(&self, target: &str) -> Result<Page> {
        let request = self.navigation(Method::GET, &self.address(target)?, "same-origin");
        let first = send(request).await?;
        self.follow(first).await
    }

    /// Fills in a form and sends it, without following redirects.
    ///
    /// # Errors
    ///
    /// When there is no such form or no answer.
    pub async fn post(&self, page: &Page, form: &str, values: &[(&str, &str)]) -> Result<Page> {
        let mut form = page.form(form)?;
        for (name, value) in values {
            form.fields.retain(|(known, _)| known != name);
            form.fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        // A page that hides where it lies also hides it as the origin of a form.
        let origin = match page.header("referrer-policy") {
            "no-referrer" => "null".to_owned(),
            _ => page.url.origin().ascii_serialization(),
        };
        let same = page.url.origin() == form.action.origin();
        let site = if same { "same-origin" } else { "same-site" };
        let request = self.navigation(Method::POST, &form.action, site).header(ORIGIN, origin);
        send(request.form(&form.fields)).await
    }

    /// Fills in a form, sends it and follows redirects.
    ///
    /// # Errors
    ///
    /// When there is no such form, no answer, or no end.
    pub async fn submit(&self, page: &Page, form: &str, values: &[(&str, &str)]) -> Result<Page> {
        let first = self.post(page, form, values).await?;
        self.follow(first).await
    }

    /// Opens a page and signs in at the form it leads to.
    ///
    /// # Errors
    ///
    /// When there is no form.
    pub async fn sign_in(&self, target: &str, username: &str, password: &str) -> Result<Page> {
        let form = self.open(target).await?;
        self.submit(&form, form::SIGN_IN, &[("username", username), ("password", password)]).await
    }

    /// Calls an API as a page's script does.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn fetch(&self, target: &str) -> Result<Page> {
        let request = self
            .client
            .get(self.address(target)?)
            .header(ACCEPT, "application/json")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "cors");
        send(request).await
    }

    /// Sends JSON as a page's script does.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn send_json(&self, method: Method, target: &str, body: &serde_json::Value) -> Result<Page> {
        let request = self
            .client
            .request(method, self.address(target)?)
            .header(ACCEPT, "application/json")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "cors")
            .header(ORIGIN, self.origin.origin().ascii_serialization());
        send(request.json(body)).await
    }

    /// Whether the browser is signed in at the gateway.
    ///
    /// # Errors
    ///
    /// When the gateway does not answer, or with something else than yes or no.
    pub async fn is_signed_in(&self) -> Result<bool> {
        let answer = self.fetch("/core/api/sessions").await?;
        match answer.status.as_u16() {
            200 => Ok(true),
            401 => Ok(false),
            other => bail!("own sessions: {other} {}", answer.shown()),
        }
    }

    async fn follow(&self, mut page: Page) -> Result<Page> {
        while page.status.is_redirection() {
            if page.trail.len() == MAX_REDIRECTS {
                bail!("redirects without an end: {:?}", page.trail);
            }
            let target = page.location()?;
            let next = send(self.navigation(Method::GET, &target, "same-origin")).await?;
            let (mut cookies, mut trail) = (page.cookies, page.trail);
            cookies.extend(next.cookies);
            trail.push(page.url);
            page = Page { cookies, trail, ..next };
        }
        Ok(page)
    }

    fn navigation(&self, method: Method, address: &Url, site: &str) -> RequestBuilder {
        self.client
            .request(method, address.clone())
            .header(ACCEPT, HTML)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }
}

async fn send(request: RequestBuilder) -> Result<Page> {
    let answer = request.send().await?;
    let (url, status, headers) = (answer.url().clone(), answer.status(), answer.headers().clone());
    let text = answer.text().await.with_context(|| format!("the answer of {url} was cut off"))?;
    let mut page = Page { url, status, headers, text, cookies: Vec::new(), trail: Vec::new() };
    page.cookies = page.set_cookies().map(|cookie| (page.url.clone(), cookie.to_owned())).collect();
    Ok(page)
}
