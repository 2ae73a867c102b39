//! Who listens: the kernel's tables `/proc/net/tcp` and `/proc/net/tcp6`, field by field.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// State `LISTEN` of the kernel's tables.
const LISTEN: &str = "0A";

/// A listening TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens; an unspecified address is every address of the machine.
    pub at: SocketAddr,
    /// Number of the socket, by which its process is found.
    pub inode: u64,
}

impl Listener {
    /// Whether only this machine reaches it. All of 127.0.0.0/8 is this machine, also written as an IPv6 address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.at.ip().to_canonical().is_loopback()
    }

    /// Whether it is reached by IPv4; the unspecified IPv6 address takes both.
    #[must_use]
    pub fn takes_v4(&self) -> bool {
        self.at.ip().to_canonical().is_ipv4() || self.at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }

    /// Whether it is reached by IPv6.
    #[must_use]
    pub fn takes_v6(&self) -> bool {
        self.at.ip().to_canonical().is_ipv6()
    }
}

/// The listening sockets of one table. Lines of another form are no sockets.
#[must_use]
pub fn listening(table: &str) -> Vec<Listener> {
    table.lines().skip(1).filter_map(listener).collect()
}

fn listener(line: &str) -> Option<Listener> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    if *state != LISTEN {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let at = SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?);
    Some(Listener { at, inode: inode.parse().ok()? })
}

/// The kernel prints the words of an address as numbers of the machine.
fn ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const V4: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1388 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0
   3: nonsense
   4: 0200007F:115C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0000000000000000 100 0 0 10 0
";
    const V6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6 1 0000000000000000 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:1389 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000 100 0 0 10 0
";

    #[test]
    fn only_listening_sockets_are_read_from_both_tables() {
        let all: Vec<_> = [V4, V6].into_iter().flat_map(listening).collect();
        let told: Vec<_> = all
            .iter()
            .map(|l| (l.at.to_string(), l.inode, l.is_loopback(), l.takes_v4(), l.takes_v6()))
            .collect();
        let row = |at: &str, inode, loopback, v4, v6| (at.to_owned(), inode, loopback, v4, v6);
        assert_eq!(
            told,
            [
                row("127.0.0.1:5000", 4711, true, true, false),
                row("0.0.0.0:443", 4712, false, true, false),
                row("127.0.0.2:4444", 4714, true, true, false),
                row("[::1]:5000", 5, true, false, true),
                row("[::]:8080", 6, false, true, true),
                row("[::ffff:127.0.0.1]:5001", 7, true, true, false),
            ]
        );
    }

    #[test]
    fn the_table_of_this_machine_is_understood() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let at = socket.local_addr().unwrap();
        assert!(listening(&table).iter().any(|listener| listener.at == at), "{table}");
    }
}
