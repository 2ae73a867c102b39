//! What is inserted where: a streaming rewriter that touches `<html>`, the end of the head and both ends of the body.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lol_html::{
    Selector,
    html_content::{ContentType, DocumentEnd, EndTag},
    send::{Element, ElementContentHandlers, HtmlRewriter, Settings},
};

use super::{Dress, body::Output};
use crate::{
    assets,
    domain::{look::Look, nonce::Nonce, route, session::Remaining},
};

/// The pieces that are inserted.
pub(super) struct Additions {
    look: Option<Look>,
    head: String,
    body_start: String,
    body_end: String,
}

impl Additions {
    /// Pieces for a page. A side panel opens the layout, so that it has to be closed at the end of the body.
    pub fn new(dress: &Dress<'_>) -> Self {
        let sheet = |path| format!("<link rel=\"stylesheet\" href=\"{}\">\n", assets::address(path));
        let icon = assets::address(route::ICON);
        let mut head = format!("<link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\">\n");
        head.push_str(&sheet("css/global.css"));
        let mut body_end = String::new();
        if dress.panel.is_some() {
            head.push_str(&sheet("css/side-panel.css"));
            head.push_str(&script("js/theme-boot.js", "", dress.nonce));
            let attributes = format!(" type=\"module\" data-icons=\"{}\"", assets::address(assets::ICONS));
            body_end = format!("</div>\n</div>\n{}", script("js/ui.js", &attributes, dress.nonce));
        }
        if let Some(Remaining { expires_in, renews_in }) = dress.session {
            let mut attributes = format!(" type=\"module\" data-expires-in=\"{expires_in}\"");
            if let Some(renews_in) = renews_in {
                attributes.push_str(&format!(" data-renews-in=\"{renews_in}\""));
            }
            head.push_str(&script("js/session.js", &attributes, dress.nonce));
        }
        if let Some(seconds) = dress.retry_after {
            let attributes = format!(" type=\"module\" data-retry-after=\"{seconds}\"");
            head.push_str(&script("js/retry.js", &attributes, dress.nonce));
        }
        let body_start = dress.panel.map(|panel| panel.markup(dress.look)).unwrap_or_default();
        Self { look: dress.look, head, body_start, body_end }
    }

    /// End of head, start of body, end of body.
    #[cfg(test)]
    pub fn parts(&self) -> (String, String, String) {
        (self.head.clone(), self.body_start.clone(), self.body_end.clone())
    }
}

/// The tag of a script below `static/`. `attributes` begin with a space.
fn script(path: &str, attributes: &str, nonce: Option<&Nonce>) -> String {
    let nonce = nonce.map(Nonce::attribute).unwrap_or_default();
    format!("<script{attributes}{nonce} src=\"{}\"></script>\n", assets::address(path))
}

/// What was already inserted: each piece once, whatever the document looks like.
struct Progress {
    additions: Additions,
    html: AtomicBool,
    head_open: AtomicBool,
    body_open: AtomicBool,
    body_closed: AtomicBool,
}

/// The first call says true.
fn first(flag: &AtomicBool) -> bool {
    !flag.swap(true, Ordering::Relaxed)
}

impl Progress {
    fn on_html(&self, element: &mut Element<'_, '_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if !first(&self.html) {
            return Ok(());
        }
        match self.additions.look {
            Some(look) => {
                element.set_attribute("data-theme", look.theme.as_str())?;
                element.set_attribute("data-color-theme", look.color_theme.as_str())?;
            }
            None => {
                element.remove_attribute("data-theme");
                element.remove_attribute("data-color-theme");
            }
        }
        Ok(())
    }

    fn on_head(self: &Arc<Self>, element: &mut Element<'_, '_>) {
        if first(&self.head_open)
            && let Some(handlers) = element.end_tag_handlers()
        {
            let progress = self.clone();
            handlers.push(Box::new(move |end: &mut EndTag<'_>| {
                end.before(&progress.additions.head, ContentType::Html);
                Ok(())
            }));
        }
    }

    fn on_body(self: &Arc<Self>, element: &mut Element<'_, '_>) {
        if !first(&self.body_open) {
            return;
        }
        element.prepend(&self.additions.body_start, ContentType::Html);
        if let Some(handlers) = element.end_tag_handlers() {
            let progress = self.clone();
            handlers.push(Box::new(move |end: &mut EndTag<'_>| {
                if first(&progress.body_closed) {
                    end.before(&progress.additions.body_end, ContentType::Html);
                }
                Ok(())
            }));
        }
    }

    /// Documents may leave out the end tag of the body.
    fn on_end(&self, end: &mut DocumentEnd<'_>) {
        if self.body_open.load(Ordering::Relaxed) && first(&self.body_closed) {
            end.append(&self.additions.body_end, ContentType::Html);
        }
    }
}

/// A rewriter that inserts `additions`, and where its output appears.
pub(super) fn build(additions: Additions) -> (HtmlRewriter<'static, Output>, Output) {
    let progress = Arc::new(Progress {
        additions,
        html: AtomicBool::new(false),
        head_open: AtomicBool::new(false),
        body_open: AtomicBool::new(false),
        body_closed: AtomicBool::new(false),
    });
    let (html, head, body, end) = (progress.clone(), progress.clone(), progress.clone(), progress);
    let mut settings = Settings::new_send().with_strict(false);
    let handlers = [
        ("html", ElementContentHandlers::default().element(move |e: &mut Element<'_, '_>| html.on_html(e))),
        (
            "head",
            ElementContentHandlers::default().element(move |e: &mut Element<'_, '_>| {
                head.on_head(e);
                Ok(())
            }),
        ),
        (
            "body",
            ElementContentHandlers::default().element(move |e: &mut Element<'_, '_>| {
                body.on_body(e);
                Ok(())
            }),
        ),
    ];
    for (name, handler) in handlers {
        if let Ok(selector) = name.parse::<Selector>() {
            settings = settings.append_element_content_handler((Cow::Owned(selector), handler));
        }
    }
    let settings = settings.append_document_content_handler(
        lol_html::DocumentContentHandlers::default().end(move |e: &mut DocumentEnd<'_>| {
            end.on_end(e);
            Ok(())
        }),
    );
    let output = Output::default();
    (HtmlRewriter::new(settings, output.clone()), output)
}
