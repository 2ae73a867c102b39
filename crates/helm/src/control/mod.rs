//! How the command line talks to the daemon: JSON lines over a Unix socket that only the instance's owner can open
//! (`<home>/helm/control.sock`, 0600, in a folder of mode 0700). Whoever may open it may also read the instance's
//! secrets, so it needs no further proof.

pub mod client;
pub mod protocol;
pub mod server;

use std::{fs::File, io, os::fd::AsRawFd, path::Path};

/// Name of the socket in its folder.
const SOCKET: &str = "control.sock";

/// An address for the socket in `folder` that fits a socket's 108 bytes, however deep the folder lies. It is valid as
/// long as the returned handle lives.
fn address(folder: &Path) -> io::Result<(File, String)> {
    let handle = File::open(folder)?;
    let address = format!("/proc/self/fd/{}/{SOCKET}", handle.as_raw_fd());
    Ok((handle, address))
}
