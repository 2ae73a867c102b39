//! Who calls: the account of this machine under which an order is kept.

use nix::unistd::{Uid, User};

use crate::routes::access::is_operator;

/// The account that calls, behind `sudo` the one that called it; `None` when it has no name that can be kept.
pub(super) fn caller() -> Option<String> {
    let behind_sudo = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    let account = || User::from_uid(Uid::current()).ok().flatten().map(|user| user.name);
    behind_sudo.or_else(account).filter(|name| is_operator(name))
}
