//! The second factor at sign-in: the code of the app, and setting an app up when an administrator wants it.

use axum::response::Response;
use hivematrix_shared::problem::Result;
use http::{StatusCode, header};

use super::{
    qr,
    submission::{Proof, Submission, refusal_text},
    views::{CodePage, RecoveryCodesPage, SetUpForm, SetUpPage, problem_page, show, show_form},
};
use crate::{
    domain::user::User,
    realm::{
        ending::Ended,
        second_factor::{OFFER_LIFETIME, Offer, SetUpError, Wish},
        sign_in::{Refusal, Verdict},
    },
};

/// What is said once an app is set up.
pub const fn set_up_notice(ended: Ended) -> &'static str {
    match ended {
        Ended::Now(_) => "The authenticator app is set up. Other devices were signed out.",
        Ended::Later => {
            "The authenticator app is set up. Other devices have to sign in again, but what is open there goes on until the session store answers."
        }
    }
}

/// Seconds to enter the code.
const CODE_LIFETIME: i64 = 600;

/// `POST …/login-actions/authenticate-otp`: the code of the app in `otp`, or a recovery code in `recoveryCodeInput`.
pub async fn authenticate_otp(submission: Submission) -> Response {
    let done = submission.take_code().await;
    done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
}

/// `POST …/login-actions/configure-totp`: the first code of an app that has to be set up.
pub async fn configure_totp(submission: Submission) -> Response {
    let done = submission.set_up().await;
    done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
}

impl Submission {
    async fn take_code(&self) -> Result<Response> {
        let Some(user) = self.proven_user(Proof::Password).await? else { return Ok(self.too_late()) };
        let typed = self.form.get("otp").or_else(|| self.form.get("recoveryCodeInput")).unwrap_or_default();
        if typed.trim().is_empty() {
            let error = (StatusCode::BAD_REQUEST, "Enter the code of your authenticator app.".to_owned());
            return self.code_form(&user, Some(error)).await;
        }
        let verdict =
            self.realm.sign_in_with_code(user.clone(), typed, self.client_id(), &self.browser).await?;
        match verdict {
            Verdict::Refused(refusal @ (Refusal::Wrong | Refusal::Locked(_))) => {
                let error = refusal_text(refusal, "The code is wrong, or was used before.");
                self.code_form(&user, Some(error)).await
            }
            verdict => self.proceed(verdict).await,
        }
    }

    /// The form that asks for a code.
    pub async fn code_form(&self, user: &User, error: Option<(StatusCode, String)>) -> Result<Response> {
        let mark = self.mark();
        let ticket = self.ticket(user, Proof::Password, CODE_LIFETIME, &mark).await?;
        let (status, error) = match error {
            Some((status, error)) => (status, Some(error)),
            None => (StatusCode::OK, None),
        };
        let view = CodePage {
            page: &self.page,
            action: self.target.action(&self.realm, &self.page, "authenticate-otp"),
            error,
            mark: &mark.mark,
            ticket: &ticket,
        };
        Ok(show_form(status, &view, &mark))
    }

    async fn set_up(&self) -> Result<Response> {
        let user = self.proven_user(Proof::Everything).await?;
        // A new password comes first, and this ticket may be older than the wish for one.
        let user = user.filter(|user| user.configure_totp && !user.update_password);
        let Some(user) = user else { return Ok(self.too_late()) };
        let field = |name: &str| self.form.get(name).unwrap_or_default();
        let Some(offer) = self.realm.open_offer(&user, field("totpSecret")) else {
            return Ok(self.too_late());
        };
        let (code, label) = (field("totp"), field("userLabel"));
        let wish = Wish::Administrator;
        match self.realm.set_up_app(&user, &offer, code, label, wish, &self.browser).await? {
            Ok(done) => {
                let (_, cookie) = self.sign_on(&user).await?;
                let view = RecoveryCodesPage {
                    page: &self.page,
                    notice: Some(set_up_notice(done.ended)),
                    codes: done.codes.iter().map(ToString::to_string).collect(),
                    onward: self.target.onward(&self.realm, &self.page),
                };
                let mut response = show(StatusCode::OK, &view);
                response.headers_mut().append(header::SET_COOKIE, cookie);
                Ok(response)
            }
            Err(error @ SetUpError::WrongCode) => self.set_up_form(&user, &offer, Some(error)).await,
            Err(SetUpError::AlreadyThere) => Ok(self.too_late()),
        }
    }

    /// The form with the key for a new app.
    pub async fn set_up_form(
        &self,
        user: &User,
        offer: &Offer,
        error: Option<SetUpError>,
    ) -> Result<Response> {
        let mark = self.mark();
        let ticket = self.ticket(user, Proof::Everything, OFFER_LIFETIME, &mark).await?;
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let view = SetUpPage {
            page: &self.page,
            lead: "An administrator asks you to protect your account with a second factor.",
            form: SetUpForm {
                action: self.target.action(&self.realm, &self.page, "configure-totp"),
                username: &user.username,
                error: error.map(|error| error.to_string()),
                mark: &mark.mark,
                ticket: Some(&ticket),
                sealed: &offer.sealed,
                key: qr::in_groups(&offer.key.base32()),
                picture: qr::picture(&offer.key.uri()?)?,
                label: self.form.get("userLabel").unwrap_or_default(),
            },
            cancel: None,
        };
        Ok(show_form(status, &view, &mark))
    }
}
