//! Listening sockets, and where people sign in by SSH.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
};

use crate::domain::{
    firewall_script::sshd_ports,
    sockets::{self, Listener},
};

/// Every listening TCP socket of this machine, IPv4 and IPv6.
pub(super) fn listening() -> Vec<Listener> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|file| fs::read_to_string(file).ok());
    tables.flat_map(|table| sockets::listening(&table)).collect()
}

/// The ports of SSH: what `sshd` listens on where that may be seen, what its settings say, and the port of the session that
/// asks, if it is one. 22 when nothing says otherwise.
pub(super) fn ssh_ports() -> BTreeSet<u16> {
    let mut ports = sshd_ports(&settings());
    let inodes = sockets_of("sshd");
    ports.extend(listening().iter().filter(|l| inodes.contains(&l.inode)).map(|l| l.at.port()));
    let session = std::env::var("SSH_CONNECTION").unwrap_or_default();
    ports.extend(session.split_whitespace().nth(3).and_then(|port| port.parse::<u16>().ok()));
    ports
}

/// `sshd_config` with what distributions include.
fn settings() -> String {
    let more =
        fs::read_dir("/etc/ssh/sshd_config.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let files = more.filter(|file| file.extension().is_some_and(|ending| ending == "conf"));
    let all = files.chain(["/etc/ssh/sshd_config".into()]);
    all.filter_map(|file| fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n")
}

/// The sockets of all processes of a name, as far as this one may see them.
fn sockets_of(name: &str) -> HashSet<u64> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let named = processes
        .filter(|process| fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim() == name));
    let files = named.flat_map(|process| fs::read_dir(process.join("fd")).into_iter().flatten().flatten());
    let links = files.filter_map(|file| fs::read_link(file.path()).ok());
    links
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_this_machine_is_seen_with_its_address() {
        let socket =
            std::net::TcpListener::bind("[::1]:0").or_else(|_| std::net::TcpListener::bind("127.0.0.1:0"));
        let at = socket.as_ref().unwrap().local_addr().unwrap();
        let found = listening().into_iter().find(|listener| listener.at == at).unwrap();
        assert!(found.is_loopback());
        let comm = fs::read_to_string("/proc/self/comm").unwrap();
        assert!(
            sockets_of(comm.trim()).contains(&found.inode),
            "its process is found by the number of the socket"
        );
    }
}
