//! A browser behind the gateway: forwarded headers, cookies, forms.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use hivematrix_core::domain::oidc::challenge_of;
use hivematrix_shared::testing::{Client, TestRequest, TestResponse};
use serde_json::Value;
use url::Url;

use super::{CLIENT_SECRET, Core, ORIGIN, PASSWORD};

/// PKCE verifier of all tests.
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-standard";

/// Cookies and an address.
pub struct Browser {
    client: Client,
    cookies: Mutex<BTreeMap<String, String>>,
    pub address: String,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    pub response: TestResponse,
}

impl Browser {
    pub fn new(core: &Core) -> Self {
        Self { client: core.client.clone(), cookies: Mutex::default(), address: "203.0.113.7".into() }
    }

    pub fn at(core: &Core, address: &str) -> Self {
        Self { address: address.into(), ..Self::new(core) }
    }

    fn prepare(&self, request: TestRequest) -> TestRequest {
        let cookies: Vec<_> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request
            .header("x-forwarded-for", &self.address)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", ORIGIN.trim_start_matches("https://"))
            .header("x-forwarded-prefix", "/keycloak")
            .header("accept", "text/html")
            .header("user-agent", "test browser");
        if cookies.is_empty() { request } else { request.header("cookie", &cookies.join("; ")) }
    }

    async fn send(&self, request: TestRequest) -> Page {
        let response = self.prepare(request).send().await;
        for cookie in response.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.into(), value.into());
            }
        }
        Page { response }
    }

    /// Opens a path as the gateway passes it on, or an address below `/keycloak`.
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.client.get(strip(path))).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.client.post(strip(path)).form(fields)).await
    }

    /// Sends the page's first form with its hidden fields and the given ones.
    pub async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        self.fill(page, &page.text(), fields).await
    }

    /// Sends the form of this id.
    pub async fn submit_form(&self, page: &Page, id: &str, fields: &[(&str, &str)]) -> Page {
        let text = page.text();
        let form =
            text.split_once(&format!("<form id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {text}")).1;
        self.fill(page, form.split("</form>").next().unwrap(), fields).await
    }

    async fn fill(&self, page: &Page, form: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = hidden(form);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        all.extend(fields);
        assert_eq!(page.response.header("cache-control"), "no-store");
        self.post(&action(form), &all).await
    }

    /// Opens the sign-in form as the gateway's client asks for it; more parameters may be added.
    pub async fn authorize(&self, more: &[(&str, &str)]) -> Page {
        self.get(&authorize_path(more)).await
    }

    /// Signs in; the answer leads back to the client.
    pub async fn sign_in(&self, name: &str, password: &str) -> Page {
        let form = self.authorize(&[]).await;
        self.submit(&form, &[("username", name), ("password", password)]).await
    }

    /// Whether the realm takes this browser as signed in.
    pub async fn is_signed_in(&self) -> bool {
        self.authorize(&[("prompt", "none")]).await.parameter("code").is_some()
    }
}

fn strip(path: &str) -> &str {
    path.strip_prefix("/keycloak").unwrap_or(path)
}

/// The gateway's authorization request; a parameter given in `more` replaces its own, an empty one leaves it out.
pub fn authorize_path(more: &[(&str, &str)]) -> String {
    let challenge = challenge_of(VERIFIER);
    let redirect = format!("{ORIGIN}/keycloak-callback");
    let usual = [
        ("client_id", "core-client"),
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("redirect_uri", &redirect),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    format!("/realms/hivematrix/protocol/openid-connect/auth?{query}")
}

impl Page {
    pub fn status(&self) -> u16 {
        self.response.status.as_u16()
    }

    pub fn text(&self) -> String {
        self.response.text()
    }

    /// Where the first form goes, as the browser reads it.
    pub fn action(&self) -> String {
        action(&self.text())
    }

    /// The text of the element of this id.
    pub fn text_of(&self, id: &str) -> String {
        let text = self.text();
        let element =
            text.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no {id} in {text}"));
        unescape(element.split_once('>').unwrap().1.split('<').next().unwrap())
    }

    /// The attribute of the element of this id.
    pub fn attribute_of(&self, id: &str, name: &str) -> String {
        let text = self.text();
        let element =
            text.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no {id} in {text}"));
        let value = element.split('>').next().unwrap().split(&format!("{name}=\"")).nth(1).unwrap();
        unescape(value.split('"').next().unwrap())
    }

    /// The page without what differs from run to run, for snapshots.
    pub fn stable(&self) -> String {
        let mut text = self.text();
        for (before, after) in [
            ("name=\"form_mark\" value=\"", '"'),
            ("name=\"ticket\" value=\"", '"'),
            ("name=\"id\" value=\"", '"'),
            ("id=\"totpSecret\" value=\"", '"'),
            ("id=\"kc-totp-secret-key\">", '<'),
            // How large the picture is depends on the digits among the key's letters.
            ("<svg class=\"qr\" viewBox=\"", '"'),
            ("<path fill=\"#fff\" d=\"", '"'),
            ("<path fill=\"#000\" d=\"", '"'),
            ("<li class=\"code-list__item\">", '<'),
            ("<time datetime=\"", '>'),
            ("Core v", '<'),
        ] {
            let mut parts = text.split(before);
            let mut done = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let rest = part.find(after).map_or("", |at| &part[at..]);
                done.push_str(&format!("{before}[varies]{rest}"));
            }
            text = done;
        }
        text
    }

    /// The address it redirects to.
    pub fn location(&self) -> Url {
        Url::parse(self.response.header("location"))
            .unwrap_or_else(|_| panic!("no redirect: {}", self.text()))
    }

    /// A parameter of that address.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    pub fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code in {}", self.location()))
    }

    /// The text of the alert.
    pub fn alert(&self) -> Option<String> {
        let text = self.text();
        let alert = text.split("role=\"alert\"").nth(1)?;
        Some(unescape(alert.split("alert__message\">").nth(1)?.split('<').next()?))
    }
}

fn action(form: &str) -> String {
    let action = form.split("action=\"").nth(1).unwrap_or_else(|| panic!("no form in {form}"));
    unescape(action.split('"').next().unwrap())
}

fn hidden(form: &str) -> Vec<(String, String)> {
    let attribute = |input: &str, name: &str| {
        let value = input.split(&format!("{name}=\"")).nth(1).unwrap();
        unescape(value.split('"').next().unwrap())
    };
    // Pages with several forms repeat fields.
    let mut seen = BTreeSet::new();
    let inputs = form.split("<input type=\"hidden\" ").skip(1);
    let fields = inputs.map(|input| (attribute(input, "name"), attribute(input, "value")));
    fields.filter(|(name, _)| seen.insert(name.clone())).collect()
}

fn unescape(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
}

impl Core {
    /// Redeems a code as the gateway does: directly, with the client's secret.
    pub async fn redeem(&self, code: &str) -> TestResponse {
        self.redeem_with(code, &[]).await
    }

    /// As [`Core::redeem`] with replaced fields; an empty one is left out.
    pub async fn redeem_with(&self, code: &str, more: &[(&str, &str)]) -> TestResponse {
        let redirect = format!("{ORIGIN}/keycloak-callback");
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("client_id", "core-client"),
            ("client_secret", CLIENT_SECRET),
            ("code_verifier", VERIFIER),
        ];
        let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
        let fields: Vec<_> =
            kept.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
        self.token_endpoint(&fields).await
    }

    pub async fn token_endpoint(&self, fields: &[(&str, &str)]) -> TestResponse {
        self.client.post("/realms/hivematrix/protocol/openid-connect/token").form(fields).send().await
    }

    /// Signs a user in with a fresh browser and returns the token endpoint's answer.
    pub async fn tokens(&self, name: &str) -> Value {
        let page = Browser::new(self).sign_in(name, PASSWORD).await;
        let answer = self.redeem(&page.code()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub async fn userinfo(&self, access_token: &str) -> TestResponse {
        self.client
            .get("/realms/hivematrix/protocol/openid-connect/userinfo")
            .bearer(access_token)
            .send()
            .await
    }
}
