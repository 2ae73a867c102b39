//! The sign-in form's way: name and password, and a forced new password.

use axum::response::Response;
use hivematrix_shared::problem::Result;
use http::StatusCode;

use super::{
    password,
    submission::{Proof, Submission},
    views::{NewPasswordPage, problem_page, show_form},
};
use crate::{
    domain::{password_policy, user::User},
    realm::sign_in::Verdict,
    store::realm::users,
};

/// Seconds to choose a new password.
const NEW_PASSWORD_LIFETIME: i64 = 600;

/// `POST …/login-actions/authenticate`: name and password.
pub async fn authenticate(submission: Submission) -> Response {
    let done = submission.authenticate().await;
    done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
}

/// `POST …/login-actions/required-action`: the new password after a forced change.
pub async fn required_action(submission: Submission) -> Response {
    let done = submission.choose_password().await;
    done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
}

impl Submission {
    async fn authenticate(&self) -> Result<Response> {
        let name = self.form.get("username").unwrap_or_default();
        let password = self.form.get("password").unwrap_or_default();
        if name.trim().is_empty() || password.is_empty() {
            return Ok(self.sign_in_form(StatusCode::BAD_REQUEST, "Enter your user name and password."));
        }
        let verdict = self.realm.sign_in(name, password, self.client_id(), &self.browser).await?;
        self.proceed(verdict).await
    }

    async fn choose_password(&self) -> Result<Response> {
        let user = self.proven_user(Proof::Everything).await?;
        let Some(user) = user.filter(|user| user.update_password) else { return Ok(self.too_late()) };
        match password::choose(&self.realm, &user, &self.form, None, &self.browser).await? {
            // Where sessions end only later, this browser has none that matters to it.
            Ok(_) => {
                let user = users::find(&self.realm.pool, user.id).await?;
                match user.filter(|user| user.enabled) {
                    Some(user) => self.proceed(Verdict::proven(user)).await,
                    None => Ok(self.too_late()),
                }
            }
            Err(why) => self.new_password_form(&user, Some(why)).await,
        }
    }

    /// The form for the new password.
    pub async fn new_password_form(&self, user: &User, error: Option<String>) -> Result<Response> {
        let mark = self.mark();
        let ticket = self.ticket(user, Proof::Everything, NEW_PASSWORD_LIFETIME, &mark).await?;
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let view = NewPasswordPage {
            page: &self.page,
            action: self.target.action(&self.realm, &self.page, "required-action"),
            username: &user.username,
            error,
            mark: &mark.mark,
            ticket: &ticket,
            shortest: password_policy::SHORTEST,
        };
        Ok(show_form(status, &view, &mark))
    }
}
