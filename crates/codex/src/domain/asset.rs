//! The vendors' words for assets in ours (codex-api.md §7.1).

/// Most terabytes of backup that are believed of one asset, an exbibyte: in bytes still a number that every reader can hold. A
/// vendor keeps the size in a field of free text, and one absurd value must not stop the reading of bills. The queries that
/// tell bytes have the same number.
pub const MOST_BACKUP_TB: u32 = 1 << 20;

/// Kind of an asset, from our type or the vendor's category.
pub fn class(kind: Option<&str>) -> &'static str {
    let kind = kind.unwrap_or_default().trim().to_lowercase();
    match kind.as_str() {
        "desktop" | "workstation" => "workstation",
        "laptop" | "notebook" => "laptop",
        "server" | "esxi host" => "server",
        "network device" | "switch" | "firewall" | "router" | "access point" => "network_device",
        "mobile" | "smartphone" | "tablet" => "mobile",
        "vm" | "virtual machine" => "virtual_machine",
        _ => "other",
    }
}

/// State of an asset's patches.
pub fn patch_state(status: Option<&str>) -> &'static str {
    match status.unwrap_or_default() {
        "FullyPatched" => "up_to_date",
        "ApprovedPending" => "missing_patches",
        "RebootRequired" => "reboot_required",
        "InstallError" => "failed",
        _ => "unknown",
    }
}

/// The build at the end of a system's name, such as `10.0.22631`.
pub fn build(system: &str) -> Option<&str> {
    let last = system.split_whitespace().next_back()?;
    let numbers = last.contains('.') && last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    numbers.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_words_become_ours() {
        for (kind, expected) in [
            (Some("Desktop"), "workstation"),
            (Some("Workstation"), "workstation"),
            (Some("Laptop"), "laptop"),
            (Some("ESXI Host"), "server"),
            (Some("Network Device"), "network_device"),
            (Some("VM"), "virtual_machine"),
            (Some("Printer"), "other"),
            (None, "other"),
        ] {
            assert_eq!(class(kind), expected, "{kind:?}");
        }
        for (status, expected) in [
            (Some("FullyPatched"), "up_to_date"),
            (Some("ApprovedPending"), "missing_patches"),
            (Some("RebootRequired"), "reboot_required"),
            (Some("InstallError"), "failed"),
            (Some("NoPolicy"), "unknown"),
            (None, "unknown"),
        ] {
            assert_eq!(patch_state(status), expected, "{status:?}");
        }
    }

    #[test]
    fn a_build_is_a_number_with_dots_at_the_end() {
        for (system, expected) in [
            ("Microsoft Windows 11 Pro 10.0.22631", Some("10.0.22631")),
            ("macOS 15.1.1", Some("15.1.1")),
            ("Ubuntu 24.04.1 LTS", None),
            ("Microsoft Windows Server 2022", None),
            ("", None),
        ] {
            assert_eq!(build(system), expected, "{system}");
        }
    }
}
