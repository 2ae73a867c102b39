//! Nobody locks out himself, and somebody who can administer is always left.

use serde_json::Value;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use super::{PAGE, RealmAdmin, id_of, name_of};
use crate::{clients::keycloak::KeycloakError, domain::user_list::UserFilter};

/// The group whose members are administrators.
pub const ADMINS: &str = "admins";

/// Why a change must not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lockout {
    /// One's own account.
    #[error("You cannot take away your own access.")]
    Oneself,
    /// Nobody else could administer any more.
    #[error("This is the last administrator who can sign in.")]
    LastAdministrator,
}

impl RealmAdmin {
    /// Whether `id` may lose the right to administer: nobody locks out himself, and somebody has to be left. The answer
    /// holds for as long as the guard is kept.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn may_lose_access(
        &self,
        id: Uuid,
        acting: &str,
    ) -> Result<Result<MutexGuard<'_, ()>, Lockout>, KeycloakError> {
        let guard = self.0.guard.lock().await;
        if acting.parse::<Uuid>().is_ok_and(|acting| acting == id) {
            return Ok(Err(Lockout::Oneself));
        }
        let Some(groups) = self.groups_of(id).await? else { return Ok(Ok(guard)) };
        if !administers(&groups) || self.others_administer(id).await? {
            return Ok(Ok(guard));
        }
        Ok(Err(Lockout::LastAdministrator))
    }

    /// Whether somebody else is an administrator who can sign in. Asked user by user, since not every realm lists the
    /// members of a group; it ends with the first one found.
    async fn others_administer(&self, id: Uuid) -> Result<bool, KeycloakError> {
        let enabled = UserFilter { enabled: Some(true), ..UserFilter::default() };
        let mut first = 0;
        loop {
            let page = self.page(&enabled, first, PAGE).await?;
            first += PAGE;
            let last = page.len() < PAGE;
            // A realm that does not know the filter answers with all.
            let enabled = page.iter().filter(|user| user["enabled"] == true);
            for other in enabled.filter_map(id_of).filter(|other| *other != id) {
                if self.groups_of(other).await?.is_some_and(|groups| administers(&groups)) {
                    return Ok(true);
                }
            }
            if last {
                return Ok(false);
            }
        }
    }
}

/// Whether these groups make an administrator.
#[must_use]
pub fn administers(groups: &[Value]) -> bool {
    groups.iter().any(|group| name_of(group) == Some(ADMINS))
}
