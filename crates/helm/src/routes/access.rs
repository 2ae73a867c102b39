//! Who may use Helm: administrators, directly or through a service that acts for one (helm.md §2).

use axum::extract::FromRequestParts;
use hivematrix_shared::{
    auth::{ActingUser, AdminEvenInOutage, AdminOnly, Caller, UserOnly, is_same_origin},
    problem::Problem,
};
use http::{HeaderMap, header, request::Parts};

/// Subject of the tokens that Core makes for Helm's command line (core.md §2.7).
pub const COMMAND_LINE: &str = "helm-cli";
/// Whose command line it is: an account of this machine. Counts only with a token of [`COMMAND_LINE`].
pub const OPERATOR_HEADER: &str = "x-helm-operator";

/// An administrator; services on their own get 403 `This endpoint is for users only`.
#[derive(Debug, Clone)]
pub struct AdminUser(pub ActingUser);

impl<S: Send + Sync> FromRequestParts<S> for AdminUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let UserOnly(user) = UserOnly::from_request_parts(parts, state).await?;
        AdminOnly::from_request_parts(parts, state).await?;
        Ok(Self(user))
    }
}

/// An administrator who looks at the services, and must be able to while Core is away: what brings it back is on those pages.
#[derive(Debug, Clone)]
pub struct AdminUserEvenInOutage(pub ActingUser);

impl<S: Send + Sync> FromRequestParts<S> for AdminUserEvenInOutage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let UserOnly(user) = UserOnly::from_request_parts(parts, state).await?;
        AdminEvenInOutage::from_request_parts(parts, state).await?;
        Ok(Self(user))
    }
}

/// A form that one of our own pages sent, or a program: never one that another site put into a browser.
#[derive(Debug, Clone, Copy)]
pub struct OwnForm;

impl<S: Send + Sync> FromRequestParts<S> for OwnForm {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // Browsers send at least one of the two with a form.
        let is_browser =
            ["sec-fetch-site", header::ORIGIN.as_str()].iter().any(|name| parts.headers.contains_key(*name));
        if is_browser && !is_same_origin(&parts.headers) {
            return Err(Problem::forbidden("This form was not sent by a page of Helm."));
        }
        Ok(Self)
    }
}

/// An administrator who changes something, with the name under which that is kept.
#[derive(Debug, Clone)]
pub struct Author {
    /// The administrator.
    pub user: ActingUser,
    /// E-mail or login name, and the way when it was not the browser: `ada@example.com through brainhair`.
    pub name: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Author {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AdminUser(user) = AdminUser::from_request_parts(parts, state).await?;
        let AdminOnly(caller) = AdminOnly::from_request_parts(parts, state).await?;
        Ok(Self { user, name: name_of(&caller, &parts.headers) })
    }
}

/// The name of an administrator who orders something that must also be possible while Core is away.
#[derive(Debug, Clone)]
pub struct AuthorEvenInOutage(pub String);

impl<S: Send + Sync> FromRequestParts<S> for AuthorEvenInOutage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AdminEvenInOutage(caller) = AdminEvenInOutage::from_request_parts(parts, state).await?;
        Ok(Self(name_of(&caller, &parts.headers)))
    }
}

/// Who calls and by which way, as it is kept.
fn name_of(caller: &Caller, headers: &HeaderMap) -> String {
    let user = caller.acting_user();
    let operator = user.as_ref().and_then(|user| operator(user, headers));
    match (caller.service_name().filter(|_| user.is_some()), operator) {
        (Some(service), _) => format!("{} through {service}", caller.label()),
        (None, Some(operator)) => format!("{operator} on the command line"),
        (None, None) => caller.label(),
    }
}

/// The account whose command line calls, where it is one.
fn operator<'a>(user: &ActingUser, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = headers.get(OPERATOR_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (user.sub == COMMAND_LINE && is_operator(named)).then_some(named)
}

/// Whether this can be the name of an account as it is kept.
#[must_use]
pub fn is_operator(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::auth::{Authentication, PermissionLevel, ServiceClaims};
    use http::{HeaderValue, StatusCode};
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_command_line_says_whose_it_is() {
        for (sub, header, expected) in [
            (COMMAND_LINE, "ops", Some("ops")),
            (COMMAND_LINE, "ops\" x", None),
            (COMMAND_LINE, "", None),
            ("5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed", "root", None),
        ] {
            let user = ActingUser { sub: sub.to_owned(), ..ActingUser::default() };
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(OPERATOR_HEADER),
                HeaderValue::from_str(header).unwrap(),
            )]);
            assert_eq!(operator(&user, &headers), expected, "{sub} {header}");
        }
    }

    #[tokio::test]
    async fn while_core_is_away_an_administrator_sees_the_services_and_nobody_else_does() {
        let user = |level: PermissionLevel| {
            let claims =
                json!({"iss": "hivematrix-core", "sub": "1", "permission_level": level, "iat": 0, "exp": 0});
            Caller::User(serde_json::from_value(claims).unwrap())
        };
        for (level, elsewhere, services) in [
            (PermissionLevel::Admin, Some(StatusCode::SERVICE_UNAVAILABLE), None),
            (PermissionLevel::Technician, Some(StatusCode::FORBIDDEN), Some(StatusCode::FORBIDDEN)),
        ] {
            let (mut parts, ()) = http::Request::new(()).into_parts();
            parts.extensions.insert(Authentication {
                caller: Ok(user(level)),
                outage: true,
                compat_service_writes: false,
            });
            let refused = AdminUser::from_request_parts(&mut parts, &()).await.err();
            assert_eq!(refused.map(|problem| problem.status()), elsewhere, "{level:?}");
            let refused = AdminUserEvenInOutage::from_request_parts(&mut parts, &()).await.err();
            assert_eq!(refused.map(|problem| problem.status()), services, "{level:?}");
        }
    }

    #[test]
    fn a_name_tells_the_way() {
        let ada = ActingUser { sub: "1".into(), email: "ada@example.com".into(), ..ActingUser::default() };
        let cli = ActingUser { sub: COMMAND_LINE.into(), ..ActingUser::default() };
        let through = |service: &str, user: Option<&ActingUser>| {
            Caller::Service(ServiceClaims {
                iss: "hivematrix-core".into(),
                sub: format!("service:{service}"),
                token_type: "service".into(),
                calling_service: service.into(),
                target_service: "helm".into(),
                on_behalf_of: user.cloned(),
                iat: 0,
                exp: 0,
            })
        };
        let ops = HeaderMap::from_iter([(
            http::HeaderName::from_static(OPERATOR_HEADER),
            HeaderValue::from_static("ops"),
        )]);
        for (caller, headers, expected) in [
            (through("brainhair", Some(&ada)), &HeaderMap::new(), "ada@example.com through brainhair"),
            (through("brainhair", Some(&ada)), &ops, "ada@example.com through brainhair"),
            (through("brainhair", None), &ops, "service:brainhair"),
            (through("core", Some(&cli)), &HeaderMap::new(), "helm-cli through core"),
        ] {
            assert_eq!(name_of(&caller, headers), expected);
        }
    }
}
