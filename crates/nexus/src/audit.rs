//! Audit lines of the gateway: who came in and went out, what was refused, what administrators changed.
//!
//! No line holds a token, a cookie or a query. Method, path and correlation id come from the request's span.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hivematrix_shared::{
    audit,
    auth::{Caller, PermissionLevel, UserClaims},
    pages::format::shortened,
    rate_limit::customer,
    registry::ServiceEntry,
};
use http::{Method, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::domain::refusals::{Reason, Refusals};

/// Longest text of a client's own that is kept.
const LONGEST: usize = 100;
const MINUTE: Duration = Duration::from_secs(60);

/// Writes audit lines; refusals at most once a minute for each reason and asker, the others counted.
#[derive(Clone, Default)]
pub struct Audit(Arc<Mutex<Refusals>>);

/// A request that was refused.
pub struct Refusal<'a> {
    /// Why.
    pub reason: Reason,
    /// The signed-in user, if there is one.
    pub user: Option<&'a UserClaims>,
    /// Where the request came from.
    pub address: IpAddr,
    /// The service it was for.
    pub service: Option<&'a str>,
    /// Further words; only the beginning is kept, since they may be the client's own.
    pub detail: Option<&'a str>,
}

impl Audit {
    /// A user has a session now; `renewal` when it takes the place of one that was about to end.
    pub fn signed_in(&self, user: &UserClaims, address: IpAddr, renewal: bool) {
        audit!(
            user = label(user),
            sub = user.sub,
            permission_level = user.permission_level.as_str(),
            client_address = %address,
            renewal,
            "Signed in"
        );
    }

    /// A user ended his session.
    pub fn signed_out(&self, user: &UserClaims, address: IpAddr) {
        audit!(user = label(user), sub = user.sub, client_address = %address, "Signed out");
    }

    /// A request was refused.
    pub fn refused(&self, refusal: &Refusal<'_>) {
        let user = refusal.user.map(label);
        let address = refusal.address.to_string();
        let stranger = customer(refusal.address).to_string();
        let asker = user.as_deref().unwrap_or(&stranger);
        if !self.refusals().count(refusal.reason, asker, user.is_none()) {
            return;
        }
        audit!(
            reason = refusal.reason.as_str(),
            user,
            client_address = address,
            service = refusal.service.map(|text| shortened(text, LONGEST)),
            detail = refusal.detail.map(|text| shortened(text, LONGEST)),
            "A request was refused"
        );
    }

    /// A change by an administrator went through the gateway to a service that only administrators may use.
    pub fn changed(&self, user: &UserClaims, address: IpAddr, change: &Change, status: StatusCode) {
        audit!(
            user = label(user),
            sub = user.sub,
            client_address = %address,
            service = change.service,
            method = change.method.as_str(),
            path = change.path,
            status = status.as_u16(),
            "An administrator's request was passed on"
        );
    }

    /// Ends each minute with a line for every asker that was refused more than once.
    pub async fn count_refusals(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(MINUTE)).await.is_some() {
            self.close_minute();
        }
        self.close_minute();
    }

    /// Writes what was counted since the last time.
    fn close_minute(&self) {
        let repeated = self.refusals().close();
        for line in repeated {
            audit!(
                reason = line.reason.map(Reason::as_str),
                asker = line.asker,
                count = line.count,
                "Further requests were refused"
            );
        }
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change that is worth a line, kept before the request is sent on.
pub struct Change {
    service: String,
    method: Method,
    path: String,
}

impl Change {
    /// The change a request makes to a service that only administrators may use, or to Core's sessions.
    pub fn of(method: &Method, path: &str, service: &str, entry: &ServiceEntry) -> Option<Self> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return None;
        }
        let for_others = |level: &PermissionLevel| *level != PermissionLevel::Admin && entry.allows(*level);
        let administrative = service == "core" || !PermissionLevel::ALL.iter().any(for_others);
        administrative.then(|| Self {
            service: service.to_owned(),
            method: method.clone(),
            path: path.to_owned(),
        })
    }
}

fn label(user: &UserClaims) -> String {
    Caller::User(user.clone()).label()
}
