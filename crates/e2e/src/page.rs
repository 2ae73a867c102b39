//! What a browser without scripts sees: an answer, its forms, what it loads.

use std::cell::RefCell;

use anyhow::{Context, Result, bail};
use html_escape::decode_html_entities;
use lol_html::{RewriteStrSettings, element, rewrite_str, text};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// An answer as a browser has it.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address, after redirects.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub text: String,
    /// `Set-Cookie` of this answer and of the redirects that led here: the answering address and the value.
    pub cookies: Vec<(Url, String)>,
    /// Addresses of the redirects that led here, the first one first.
    pub trail: Vec<Url>,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub action: Url,
    /// Its fields with the values they come with.
    pub fields: Vec<(String, String)>,
}

impl Page {
    /// A header as text; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `Set-Cookie` values of this answer alone.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
    }

    /// Where a redirect leads.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn location(&self) -> Result<Url> {
        let location = self.header("location");
        if !self.status.is_redirection() || location.is_empty() {
            bail!("{} is no redirect: {} {}", self.url, self.status, self.shown());
        }
        self.url.join(location).with_context(|| format!("{} leads to {location}", self.url))
    }

    /// Whether there is a form of this id.
    #[must_use]
    pub fn has_form(&self, id: &str) -> bool {
        self.form(id).is_ok()
    }

    /// The form of this id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn form(&self, id: &str) -> Result<Form> {
        let action = RefCell::new(None);
        let fields = RefCell::new(Vec::new());
        let decoded = |text: String| decode_html_entities(&text).into_owned();
        let form = element!(format!("form#{id}"), |form| {
            *action.borrow_mut() = form.get_attribute("action").map(decoded);
            Ok(())
        });
        let input = element!(format!("form#{id} input"), |input| {
            let kind = input.get_attribute("type").unwrap_or_default();
            let sent = !matches!(kind.as_str(), "submit" | "button" | "checkbox" | "radio" | "image");
            if let Some(name) = input.get_attribute("name").filter(|_| sent) {
                fields.borrow_mut().push((name, decoded(input.get_attribute("value").unwrap_or_default())));
            }
            Ok(())
        });
        self.scan(vec![form, input])?;
        let action = action
            .into_inner()
            .with_context(|| format!("{} ({}) has no form {id}: {}", self.url, self.status, self.shown()))?;
        Ok(Form { action: self.url.join(&action)?, fields: fields.into_inner() })
    }

    /// Addresses of the scripts, styles and icons the page loads.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub fn assets(&self) -> Result<Vec<Url>> {
        let found = RefCell::new(Vec::new());
        let keep = |address: Option<String>| {
            let address = address.map(|address| decode_html_entities(&address).into_owned());
            found.borrow_mut().extend(address.and_then(|address| self.url.join(&address).ok()));
        };
        let script = element!("script[src]", |script| {
            keep(script.get_attribute("src"));
            Ok(())
        });
        let link = element!("link[href]", |link| {
            let kind = link.get_attribute("rel").unwrap_or_default();
            if matches!(kind.as_str(), "stylesheet" | "icon" | "modulepreload") {
                keep(link.get_attribute("href"));
            }
            Ok(())
        });
        self.scan(vec![script, link])?;
        Ok(found.into_inner())
    }

    /// The text inside the elements of a selector, with single spaces.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub fn text_of(&self, selector: &str) -> Result<String> {
        let found = RefCell::new(String::new());
        self.scan(vec![text!(selector, |chunk| {
            found.borrow_mut().push_str(chunk.as_str());
            Ok(())
        })])?;
        let found = found.into_inner();
        Ok(decode_html_entities(&found).split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The text inside each element of a selector, with single spaces.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub fn texts_of(&self, selector: &str) -> Result<Vec<String>> {
        let found: RefCell<Vec<String>> = RefCell::default();
        let begin = element!(selector, |_| {
            found.borrow_mut().push(String::new());
            Ok(())
        });
        let add = text!(selector, |chunk| {
            if let Some(last) = found.borrow_mut().last_mut() {
                last.push_str(chunk.as_str());
            }
            Ok(())
        });
        self.scan(vec![begin, add])?;
        let tidy =
            |text: &String| decode_html_entities(text).split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(found.into_inner().iter().map(tidy).collect())
    }

    /// An attribute of the first element of a selector that has it.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub fn attribute_of(&self, selector: &str, name: &str) -> Result<Option<String>> {
        let found = RefCell::new(None);
        self.scan(vec![element!(selector, |element| {
            let value = element.get_attribute(name);
            let mut found = found.borrow_mut();
            *found = found.take().or(value);
            Ok(())
        })])?;
        Ok(found.into_inner().map(|value| decode_html_entities(&value).into_owned()))
    }

    /// What a form says is wrong; the local realm and Keycloak have each a place of their own for it.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub fn complaint(&self) -> Result<String> {
        let places = ["[role=alert]", "[id^=input-error]", ".kc-feedback-text", "#kc-error-message"];
        let mut said = Vec::new();
        for place in places {
            let text = self.text_of(place)?;
            if !text.is_empty() && !said.contains(&text) {
                said.push(text);
            }
        }
        Ok(said.join(" "))
    }

    /// The beginning of the readable text, for messages of failed tests.
    #[must_use]
    pub fn shown(&self) -> String {
        let body = self.text_of("body").unwrap_or_default();
        let text = if body.is_empty() { &self.text } else { &body };
        text.chars().take(400).collect()
    }

    fn scan(
        &self,
        handlers: Vec<(std::borrow::Cow<'_, lol_html::Selector>, lol_html::ElementContentHandlers<'_>)>,
    ) -> Result<()> {
        let settings = handlers
            .into_iter()
            .fold(RewriteStrSettings::new(), RewriteStrSettings::append_element_content_handler);
        rewrite_str(&self.text, settings).map(drop).context("the page cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page {
            url: Url::parse("https://a.example/x/y").unwrap(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            text: text.to_owned(),
            cookies: Vec::new(),
            trail: Vec::new(),
        }
    }

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let page = page(
            r#"<form id="other" action="/z"><input name="q"></form>
               <form id="f" action="/p?a=1&amp;b=2"><input name="u" value="a&quot;b"><input type=hidden name=h value=1>
               <input type="submit" name="s" value="go"></form><div role="alert"> Wrong  &amp; late </div>"#,
        );
        let form = page.form("f").unwrap();
        assert_eq!(form.action.as_str(), "https://a.example/p?a=1&b=2");
        let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(fields, [("u", "a\"b"), ("h", "1")]);
        assert!(!page.has_form("g"));
        assert_eq!(page.complaint().unwrap(), "Wrong & late");
        assert_eq!(page.attribute_of("input", "value").unwrap().as_deref(), Some("a\"b"));
        assert_eq!(page.attribute_of("input", "href").unwrap(), None);
    }

    #[test]
    fn texts_of_several_elements_stay_apart() {
        let page = page("<ol><li>one <b>&amp; more</b></li><li>two</li></ol><p>three</p>");
        assert_eq!(page.texts_of("li").unwrap(), ["one & more", "two"]);
    }
}
