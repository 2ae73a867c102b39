//! Requests and answers of the control socket: one JSON object per line, one answer per request.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{operator::Operator, status::UnitStatus},
    instance::options::Given,
};

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
        shell: Operator,
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
    /// Read the settings anew, for the next start of each service.
    Reload,
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
    /// Units that run with other settings than they would get now, for `reload`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outdated: Vec<Outdated>,
}

/// A unit that runs with other settings than it would get now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outdated {
    /// Its name.
    pub name: String,
    /// Names of the variables that differ; none where the program or its arguments do.
    pub variables: Vec<String>,
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
