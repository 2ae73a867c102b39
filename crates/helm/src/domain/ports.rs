//! Ports of a suite: defaults, and the offset that lets several suites run side by side.

/// The gateway of an installed suite (platform.md §1).
pub const HTTPS: u16 = 443;
/// Where the gateway sends browsers to [`HTTPS`].
pub const HTTP: u16 = 80;
/// Helm's own port.
pub const HELM: u16 = 5004;
/// The private PostgreSQL cluster; away from 5432, which belongs to the system's own.
pub const POSTGRES: u16 = 5442;
/// The private Redis server; away from 6379, which belongs to the system's own.
pub const REDIS: u16 = 6389;
/// The suite's own Neo4j, by Bolt; away from 7687, which belongs to the machine's own.
pub const NEO4J: u16 = 7697;
/// The simulated ticket system of `helm up --demo`.
pub const SIMULATOR: u16 = 5091;
/// The simulated RMM of `helm up --demo`, served by the same process.
pub const SIMULATOR_RMM: u16 = 5092;

/// The servers that Helm may run on this machine, by name.
pub const SERVERS: [(&str, u16); 5] = [
    ("postgresql", POSTGRES),
    ("redis", REDIS),
    ("neo4j", NEO4J),
    ("simulator", SIMULATOR),
    ("the simulated RMM", SIMULATOR_RMM),
];

/// A port that would lie above 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("port {base} plus the offset {offset} is above 65535; choose a smaller HIVEMATRIX_PORT_OFFSET")]
pub struct PortOutOfRange {
    /// The port without the offset.
    pub base: u16,
    /// `HIVEMATRIX_PORT_OFFSET`.
    pub offset: u16,
}

/// `base` moved by the suite's offset.
///
/// # Errors
/// When the sum is no port.
pub fn shifted(base: u16, offset: u16) -> Result<u16, PortOutOfRange> {
    base.checked_add(offset).ok_or(PortOutOfRange { base, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_moves_a_port_and_never_wraps_around() {
        assert_eq!(shifted(5000, 0), Ok(5000));
        assert_eq!(shifted(5000, 20_000), Ok(25_000));
        assert_eq!(shifted(8443, 57_100), Err(PortOutOfRange { base: 8443, offset: 57_100 }));
    }
}
