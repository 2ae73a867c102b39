//! `…/account`: what a person may see and change of the own account.

mod browsers;
mod owner;
mod page;
mod password;
mod second_factor;
mod views;

use axum::{
    Router,
    routing::{get, post},
};

use crate::realm::Realm;

/// All routes of the account page, below `base`.
pub fn router(base: &str) -> Router<Realm> {
    Router::new()
        .route(&format!("{base}/account"), get(page::show))
        .route(&format!("{base}/account/"), get(page::show))
        .route(&format!("{base}/account/password"), post(password::change))
        .route(&format!("{base}/account/totp"), get(second_factor::show).post(second_factor::set_up))
        .route(&format!("{base}/account/totp/remove"), post(second_factor::remove))
        .route(&format!("{base}/account/recovery-codes"), post(second_factor::renew_codes))
        .route(&format!("{base}/account/sessions/end"), post(browsers::end))
        .route(&format!("{base}/account/sign-out-everywhere"), post(browsers::sign_out_everywhere))
}
