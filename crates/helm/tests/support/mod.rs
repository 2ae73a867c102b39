//! A pretended service: this very test program, started again as a child, so that no other program is needed.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::PathBuf,
};

/// Set in children: the port to answer on.
pub const PORT: &str = "SERVICE_PORT";
/// Set in children that pretend.
pub const PRETEND: &str = "PRETEND_SERVICE";

/// Arguments that make the test program run [`pretended_service`].
pub fn arguments() -> Vec<String> {
    ["--exact", "support::pretended_service", "--nocapture", "--test-threads=1"].map(str::to_owned).into()
}

/// The test program.
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Answers every request with a healthy document; no test unless started as a child.
#[test]
fn pretended_service() {
    if std::env::var_os(PRETEND).is_none() {
        return;
    }
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let body = r#"{"status":"healthy","checks":{}}"#;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}
