//! What a unit may not do.

use super::text::UnitText;

/// Lines that hold for every unit.
const ALWAYS: [(&str, &str); 22] = [
    ("UMask", "0077"),
    ("NoNewPrivileges", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectControlGroups", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("RemoveIPC", "yes"),
    ("KeyringMode", "private"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", "~@privileged @resources"),
    // A refused call is an error that the program can report, not its end.
    ("SystemCallErrorNumber", "EPERM"),
];

/// How far a unit is closed; the default is what every service gets.
#[derive(Debug, Clone)]
pub(super) struct Hardening {
    /// What it may do beyond its account.
    capabilities: &'static [&'static str],
    /// Whether it sees the processes of others.
    sees_processes: bool,
    /// Whether it sees what the kernel tells beside processes, such as what is mounted: the health check looks at the disk.
    sees_machine: bool,
    /// Whether it may ask the kernel for sockets and firewall rules.
    netlink: bool,
    /// Whether no memory may be both written and run.
    no_new_code: bool,
}

impl Default for Hardening {
    fn default() -> Self {
        Self {
            capabilities: &[],
            sees_processes: false,
            sees_machine: true,
            netlink: false,
            no_new_code: true,
        }
    }
}

impl Hardening {
    /// With capabilities of the machine, which an account of its own name space would not have.
    pub(super) fn with(capabilities: &'static [&'static str]) -> Self {
        Self { capabilities, ..Self::default() }
    }

    /// Helm measures the processes of the others.
    pub(super) fn watcher() -> Self {
        Self { sees_processes: true, netlink: true, ..Self::default() }
    }

    /// The audit looks at everything and changes nothing.
    pub(super) fn auditor() -> Self {
        Self { capabilities: &["CAP_DAC_READ_SEARCH", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"], ..Self::watcher() }
    }

    /// PostgreSQL and Redis look at nothing but their folder.
    pub(super) fn server() -> Self {
        Self { sees_machine: false, ..Self::default() }
    }

    /// A foreign service and Java make code while they run, and Java looks at the memory of the machine.
    pub(super) fn interpreter() -> Self {
        Self { no_new_code: false, ..Self::default() }
    }

    pub(super) fn write(&self, text: &mut UnitText) {
        for (key, value) in ALWAYS {
            text.set(key, value);
        }
        let families =
            if self.netlink { "AF_INET AF_INET6 AF_UNIX AF_NETLINK" } else { "AF_INET AF_INET6 AF_UNIX" };
        text.set("RestrictAddressFamilies", families);
        let capabilities = self.capabilities.join(" ");
        text.set("CapabilityBoundingSet", &capabilities).set("AmbientCapabilities", &capabilities);
        // In a name space of its own an account has no capability outside, and does not know the accounts of others.
        let alone = self.capabilities.is_empty() && !self.sees_processes;
        text.set("PrivateUsers", if alone { "yes" } else { "no" });
        text.set("ProtectProc", if self.sees_processes { "default" } else { "invisible" });
        text.set("ProcSubset", if self.sees_machine { "all" } else { "pid" });
        text.set("MemoryDenyWriteExecute", if self.no_new_code { "yes" } else { "no" });
    }
}
