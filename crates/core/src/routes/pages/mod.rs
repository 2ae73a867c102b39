//! Core's own pages and login (core.md §7.1 to §7.4, §12). People use the gateway's; these are for direct access.

mod cookies;
mod home;
mod login;
mod logout;

use axum::{Router, routing::get};

use crate::state::AppState;

/// All pages.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(home::home))
        .route("/login", get(login::login))
        .route("/auth", get(login::auth))
        .route("/logout", get(logout::ask).post(logout::act))
}
