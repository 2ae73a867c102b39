//! Who is calling and what they may do: token verification, revocation and the extractors of handlers.

mod claims;
mod extractors;
mod jwks;
mod jws;
mod keys;
mod level;
mod remote_keys;
mod revocations;
#[cfg(test)]
mod tests;
mod token;
mod verify;

use self::claims::Claims;
pub use self::{
    claims::{ActingUser, Caller, DEFAULT_KEY_ID, ISSUER, ServiceClaims, UserClaims},
    extractors::{
        AdminEvenInOutage, AdminOnly, Authenticated, BillingOnly, MaybeCaller, ServiceOnly, StaffOnly,
        TechnicianOnly, UserOnly,
    },
    jwks::{KeySet, PROVIDER_ALGORITHMS, ProviderKeys},
    jws::{JwsError, Unverified, VerifyingKey},
    keys::{LiveKeys, TokenKeys},
    level::{PermissionLevel, UnknownLevel},
    remote_keys::{Lookup, RemoteKeys},
    revocations::{RevocationFeed, Revocations},
    token::{BearerToken, COOKIE, bearer, cookie, is_same_origin, token_of},
    verify::{AuthError, Authentication, Authenticator, CLOCK_SKEW, Fingerprint},
};
