//! The suite under systemd, as far as that can be shown where no systemd runs: the units before `systemd-analyze`, and the
//! commands and the daemon before a stand-in `systemctl` that records what it is told and keeps a process for each unit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod commands;
mod following;
mod stand_in;
mod units;
