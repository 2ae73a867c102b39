//! What a handler demands of its caller. Deny by default: a route without one of these asks for nobody, so every route
//! takes one, or says in its documentation why it is open.
//!
//! A service that acts for a user has that user's rights. On its own it may read, and write only through [`ServiceOnly`]
//! routes, unless the compatibility switch for upstream is on (platform.md §8).

use axum::extract::FromRequestParts;
use http::{Method, StatusCode, request::Parts};

use super::{ActingUser, AuthError, Authentication, Caller, PermissionLevel, ServiceClaims};
use crate::problem::Problem;

/// Any valid token, whatever the level (class T of codex-api.md §1.1).
#[derive(Clone, Debug)]
pub struct Authenticated(pub Caller);

/// Everyone but `client` users; services may read.
#[derive(Clone, Debug)]
pub struct StaffOnly(pub Caller);

/// A person, directly or through a service that acts for one; services on their own get 403.
#[derive(Clone, Debug)]
pub struct UserOnly(pub ActingUser);

/// `admin` only; services may read. Closed with 503 while Core is away.
#[derive(Clone, Debug)]
pub struct AdminOnly(pub Caller);

/// As [`AdminOnly`], but open while Core is away: Helm's service control, which brings Core back.
#[derive(Clone, Debug)]
pub struct AdminEvenInOutage(pub Caller);

/// `admin` or `technician`; services may read.
#[derive(Clone, Debug)]
pub struct TechnicianOnly(pub Caller);

/// `admin` or `billing`; services may read.
#[derive(Clone, Debug)]
pub struct BillingOnly(pub Caller);

/// A service token; the handler decides which services.
#[derive(Clone, Debug)]
pub struct ServiceOnly(pub ServiceClaims);

/// The caller if there is a valid token, for open routes that show more to some.
#[derive(Clone, Debug)]
pub struct MaybeCaller(pub Option<Caller>);

fn authentication(parts: &Parts) -> Result<(Caller, &Authentication), Problem> {
    let found = parts.extensions.get::<Authentication>().ok_or(AuthError::Missing)?;
    Ok((found.caller.clone()?, found))
}

/// The caller when a person's level fits `allowed`, or a service that may do this without a person.
fn require(parts: &Parts, allowed: impl Fn(PermissionLevel) -> bool, needs: &str) -> Result<Caller, Problem> {
    let (caller, found) = authentication(parts)?;
    match caller.level() {
        Some(level) if allowed(level) => Ok(caller),
        Some(_) => Err(Problem::forbidden(format!("This needs the permission level {needs}."))
            .with("error", "Insufficient permissions")),
        None if is_read(&parts.method) || found.compat_service_writes => Ok(caller),
        None => Err(Problem::forbidden("A service may change this only on behalf of a user.")
            .with("error", "Insufficient permissions")),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refuse_in_outage(parts: &Parts) -> Result<(), Problem> {
    match parts.extensions.get::<Authentication>() {
        Some(found) if found.outage => Err(AuthError::Unavailable.into()),
        _ => Ok(()),
    }
}

macro_rules! extractor {
    ($name:ident, $parts:ident => $body:expr) => {
        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts($parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
                $body
            }
        }
    };
}

extractor!(Authenticated, parts => require(parts, |_| true, "").map(Self));
extractor!(StaffOnly, parts => require(parts, PermissionLevel::is_staff, "admin, technician or billing").map(Self));
extractor!(TechnicianOnly, parts =>
    require(parts, PermissionLevel::may_edit, "admin or technician").map(Self));
extractor!(BillingOnly, parts =>
    require(parts, |l| matches!(l, PermissionLevel::Admin | PermissionLevel::Billing), "admin or billing").map(Self));
extractor!(AdminEvenInOutage, parts => require(parts, |l| l == PermissionLevel::Admin, "admin").map(Self));
extractor!(AdminOnly, parts => {
    let caller = require(parts, |l| l == PermissionLevel::Admin, "admin")?;
    refuse_in_outage(parts)?;
    Ok(Self(caller))
});
extractor!(UserOnly, parts => {
    let (caller, _) = authentication(parts)?;
    caller.acting_user().map(Self).ok_or_else(|| {
        Problem::new(StatusCode::FORBIDDEN).error("This endpoint is for users only")
    })
});
extractor!(ServiceOnly, parts => match authentication(parts)?.0 {
    Caller::Service(service) => Ok(Self(service)),
    Caller::User(_) => Err(Problem::forbidden("This endpoint is for services only.")),
});
extractor!(MaybeCaller, parts => Ok(Self(authentication(parts).ok().map(|(caller, _)| caller))));

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, caller: Option<Caller>, outage: bool, compat: bool) -> Parts {
        let (mut parts, ()) = http::Request::builder().method(method).body(()).unwrap().into_parts();
        parts.extensions.insert(Authentication {
            caller: caller.ok_or(AuthError::Missing),
            outage,
            compat_service_writes: compat,
        });
        parts
    }

    fn service(on_behalf_of: Option<PermissionLevel>) -> Caller {
        Caller::Service(ServiceClaims {
            iss: super::super::ISSUER.into(),
            sub: "service:beacon".into(),
            token_type: "service".into(),
            calling_service: "beacon".into(),
            target_service: "codex".into(),
            on_behalf_of: on_behalf_of
                .map(|permission_level| ActingUser { permission_level, ..ActingUser::default() }),
            iat: 0,
            exp: 0,
        })
    }

    async fn admin(mut parts: Parts) -> Option<StatusCode> {
        AdminOnly::from_request_parts(&mut parts, &()).await.err().map(|problem| problem.status())
    }

    #[tokio::test]
    async fn a_service_has_the_rights_of_its_acting_user_and_alone_may_only_read() {
        use PermissionLevel::{Admin, Client};
        for (method, caller, compat, refused) in [
            (Method::GET, Some(service(None)), false, None),
            (Method::POST, Some(service(None)), false, Some(StatusCode::FORBIDDEN)),
            (Method::POST, Some(service(None)), true, None),
            (Method::POST, Some(service(Some(Admin))), false, None),
            (Method::GET, Some(service(Some(Client))), true, Some(StatusCode::FORBIDDEN)),
            (Method::GET, None, true, Some(StatusCode::UNAUTHORIZED)),
        ] {
            assert_eq!(
                admin(parts(method.clone(), caller.clone(), false, compat)).await,
                refused,
                "{method} {caller:?}"
            );
        }
    }

    #[tokio::test]
    async fn while_core_is_away_admin_routes_are_closed() {
        let closed =
            admin(parts(Method::GET, Some(service(Some(PermissionLevel::Admin))), true, false)).await;
        assert_eq!(closed, Some(StatusCode::SERVICE_UNAVAILABLE));
    }

    #[tokio::test]
    async fn a_request_that_was_not_authenticated_is_refused() {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        let refused = Authenticated::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
}
