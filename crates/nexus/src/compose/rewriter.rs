//! What is inserted where: a streaming rewriter that touches `<html>`, the end of the head and the start of the body.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lol_html::{
    Selector,
    errors::RewritingError,
    html_content::{ContentType, EndTag},
    send::{Element, ElementContentHandlers, HtmlRewriter, Settings},
};

use super::{Dress, body::Output};
use crate::{
    assets,
    domain::{look::Look, nonce::Nonce, route, session::Remaining},
};

/// The pieces that are inserted.
pub(super) struct Additions {
    look: Look,
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
    head_closed: AtomicBool,
    body_open: AtomicBool,
}

/// The first call says true.
fn first(flag: &AtomicBool) -> bool {
    !flag.swap(true, Ordering::Relaxed)
}

impl Progress {
    fn on_html(&self, element: &mut Element<'_, '_>) -> HandlerResult {
        if !first(&self.html) {
            return Ok(());
        }
        let look = self.additions.look;
        element.set_attribute("data-theme", look.theme.as_str())?;
        element.set_attribute("data-color-theme", look.color_theme.as_str())?;
        Ok(())
    }

    fn on_head(self: &Arc<Self>, element: &mut Element<'_, '_>) {
        if first(&self.head_open)
            && let Some(handlers) = element.end_tag_handlers()
        {
            let progress = self.clone();
            handlers.push(Box::new(move |end: &mut EndTag<'_>| {
                if first(&progress.head_closed) {
                    end.before(&progress.additions.head, ContentType::Html);
                }
                Ok(())
            }));
        }
    }

    fn on_body(&self, element: &mut Element<'_, '_>) {
        if !first(&self.body_open) {
            return;
        }
        // Documents may leave out the end tag of the head; the body's start ends it.
        if self.head_open.load(Ordering::Relaxed) && first(&self.head_closed) {
            element.before(&self.additions.head, ContentType::Html);
        }
        element.prepend(&self.additions.body_start, ContentType::Html);
    }
}

/// The first part of a page, up to and including the start of its body: the only part that has to be parsed.
pub(super) struct Front {
    rewriter: HtmlRewriter<'static, Output>,
    output: Output,
    progress: Arc<Progress>,
}

impl Front {
    /// Inserts `additions`, but for the one at the end of the body.
    pub fn new(additions: Additions) -> Self {
        let progress = Arc::new(Progress {
            additions,
            html: AtomicBool::new(false),
            head_open: AtomicBool::new(false),
            head_closed: AtomicBool::new(false),
            body_open: AtomicBool::new(false),
        });
        let (html, head, body) = (progress.clone(), progress.clone(), progress.clone());
        let handlers = [
            on("html", move |element| html.on_html(element)),
            on("head", move |element| {
                head.on_head(element);
                Ok(())
            }),
            on("body", move |element| {
                body.on_body(element);
                Ok(())
            }),
        ];
        let mut settings = Settings::new_send().with_strict(false);
        for handler in handlers.into_iter().flatten() {
            settings = settings.append_element_content_handler(handler);
        }
        let output = Output::default();
        Self { rewriter: HtmlRewriter::new(settings, output.clone()), output, progress }
    }

    /// Takes in a few bytes and appends what is finished; nothing while a tag is incomplete.
    pub fn push(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), RewritingError> {
        self.rewriter.write(data)?;
        self.output.move_to(out);
        Ok(())
    }

    /// Whether the body has begun.
    pub fn is_complete(&self) -> bool {
        self.progress.body_open.load(Ordering::Relaxed)
    }

    /// What was taken in and not returned yet.
    pub fn finish(self) -> (Vec<u8>, Result<(), RewritingError>) {
        let outcome = self.rewriter.end();
        (self.output.take(), outcome)
    }

    /// What belongs at the end of the body; nothing in a document without one.
    pub fn body_end(&self) -> String {
        if self.is_complete() { self.progress.additions.body_end.clone() } else { String::new() }
    }
}

type HandlerResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
type Handler = (Cow<'static, Selector>, ElementContentHandlers<'static>);

/// A handler for the elements of a name; `None` never happens, since the names are fixed.
fn on(
    name: &str,
    handler: impl FnMut(&mut Element<'_, '_>) -> HandlerResult + Send + 'static,
) -> Option<Handler> {
    let selector = name.parse::<Selector>().ok()?;
    Some((Cow::Owned(selector), ElementContentHandlers::default().element(handler)))
}
