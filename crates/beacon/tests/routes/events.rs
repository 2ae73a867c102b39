//! Reading event streams as they come.

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::common::{Suite, within};

/// One event.
#[derive(Debug)]
pub struct Event {
    pub kind: String,
    pub id: String,
    pub data: Value,
    /// The data as it came.
    pub text: String,
}

/// An open stream.
pub struct Events {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Body,
    unread: Vec<u8>,
}

impl Events {
    /// Opens a stream with these headers.
    pub async fn open(suite: &Suite, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = suite.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body, unread: Vec::new() }
    }

    /// The next event; comments and hints are passed over. None at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim_start_matches(": ").to_owned()
            };
            let text = field("data");
            if !text.is_empty() {
                let data = serde_json::from_str(&text).unwrap();
                return Some(Event { kind: field("event"), id: field("id"), data, text });
            }
        }
    }

    /// The next block up to its empty line, of whatever kind.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let rest = self.unread.split_off(end + 2);
                let block = std::mem::replace(&mut self.unread, rest);
                return Some(String::from_utf8(block).unwrap());
            }
            let frame = within(self.body.frame()).await?;
            self.unread.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
    }
}
