//! Whose links are followed: root's and one's own, but for a process that may read more than its account.

use std::{fs, sync::OnceLock};

use nix::unistd::geteuid;

/// Whether a link of this owner may lead this process.
pub(super) fn may_lead(owner: u32) -> bool {
    may_lead_account(owner, geteuid().as_raw(), reads_everything())
}

/// Whether it may lead the process of an account, which may read more than that account does.
fn may_lead_account(owner: u32, own: u32, reads_everything: bool) -> bool {
    owner == 0 || (owner == own && !reads_everything)
}

/// Whether this process may read what its account may not: it has the capability, and is not root.
fn reads_everything() -> bool {
    static READS: OnceLock<bool> = OnceLock::new();
    *READS.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        !geteuid().is_root() && overrides_permissions(&status)
    })
}

/// Whether the capabilities of a process, as `/proc` tells them, let it read files that are closed to it.
fn overrides_permissions(status: &str) -> bool {
    const DAC_OVERRIDE: u64 = 1 << 1;
    const DAC_READ_SEARCH: u64 = 1 << 2;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default();
    bits & (DAC_OVERRIDE | DAC_READ_SEARCH) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_read_more_than_its_account_follows_none_of_its_links() {
        const HELM: u32 = 998;
        for (owner, reads_everything, leads) in [
            (0, false, true),
            (0, true, true),
            (HELM, false, true),
            (HELM, true, false),
            (999, false, false),
            (999, true, false),
        ] {
            assert_eq!(may_lead_account(owner, HELM, reads_everything), leads, "{owner}, {reads_everything}");
        }
        let table = [
            ("Name:\thelm\nCapEff:\t0000000000000004\n", true),
            ("CapEff:\t000001ffffffffff\n", true),
            ("CapInh:\t0000000000000004\nCapEff:\t0000000000000000\n", false),
            ("", false),
        ];
        for (status, reads_everything) in table {
            assert_eq!(overrides_permissions(status), reads_everything, "{status}");
        }
    }
}
