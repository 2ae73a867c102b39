//! Requests and answers of the control socket: one JSON object per line, one answer per request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{domain::status::UnitStatus, instance::options::Given};

/// What the command line asks for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Who are you?
    Hello,
    /// States of everything; `fresh` also asks everybody's health.
    Status {
        /// Ask health checks now.
        fresh: bool,
    },
    /// Take new settings, start everything.
    Up {
        /// What `helm up` was told.
        given: Given,
        /// Documented variables of the caller's shell.
        operator: BTreeMap<String, String>,
    },
    /// Start one unit.
    Start {
        /// Its name.
        service: String,
    },
    /// Stop one unit; it stays down.
    Stop {
        /// Its name.
        service: String,
    },
    /// Stop and start one unit.
    Restart {
        /// Its name.
        service: String,
    },
    /// Stop everything, and the daemon.
    Down,
    /// End the daemon and leave everything running, for another one to adopt.
    Handover,
}

/// The daemon's answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done.
    pub ok: bool,
    /// What happened, in words.
    pub message: String,
    /// Process id: of the daemon for `hello`, else of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Port of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What the daemon was started as: another program file or port makes another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// States, for `status`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitStatus>,
    /// Units that were restarted, for `up`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarted: Vec<String>,
}

impl Reply {
    /// It was done.
    #[must_use]
    pub fn done(message: impl Into<String>) -> Self {
        Self { ok: true, message: message.into(), ..Self::default() }
    }

    /// It was not.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}
