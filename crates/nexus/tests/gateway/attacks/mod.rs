//! Attacks on the door, a row each, and what becomes of them.
//!
//! | Attack | Where |
//! |---|---|
//! | request smuggling, oversize heads, hosts | `framing`, `http2`; the rules alone in `domain::framing` |
//! | floods of frames and resets, slow-loris, clients that do not read | `http2`, `slow` |
//! | forged and confused tokens | `tokens`; every claim and header in `hivematrix_shared::auth` |
//! | ID tokens, `state`, open redirects by `next` | `sign_in`, `domain::next` |
//! | changes and sign-outs by another site | `access`, `sessions`, `domain::csrf` |
//! | WebSockets opened by another site | `sockets`, `domain::websocket` |
//! | cookie tossing | `cookies`, `domain::cookies` |
//! | path tricks, header injection | `paths`, `domain::path` |
//! | forged forwarding headers | `forwarding`, `front`, `domain::headers` |
//! | scripts in error texts | `pages` |

mod cookies;
mod frames;
mod framing;
mod http2;
mod pages;
mod paths;
mod tokens;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode},
};

use crate::support::World;

/// What reached a service: method, path and query, headers, body.
type Noted = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

/// A gateway in front of a service that notes what reaches it as a whole.
async fn noting() -> (World, Noted) {
    let noted = Noted::default();
    let notes = noted.clone();
    let app = Router::new().fallback(move |request: Request| {
        let notes = notes.clone();
        async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST };
            let line = format!("{} {}", parts.method, parts.uri);
            notes.lock().unwrap().push((line, parts.headers, body.to_vec()));
            StatusCode::OK
        }
    });
    (World::in_front_of(app).await, noted)
}
