//! Ways to misbehave, for tests of whoever calls.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum FaultMode {
    /// 401, as if the key had been withdrawn.
    Unauthorized,
    /// 429.
    RateLimited {
        /// Value of `Retry-After` in seconds; left out when `None`.
        retry_after: Option<u64>,
    },
    /// A bare error status.
    Status {
        /// The code, 500 or 504 say.
        status: u16,
    },
    /// The answer comes late.
    Slow {
        /// By so many milliseconds.
        delay_ms: u64,
    },
    /// The connection breaks in the middle of the answer.
    CutConnection,
    /// A complete answer whose JSON ends in the middle.
    TruncatedJson,
    /// 200 with a page of HTML, as a proxy or a login page sends it.
    HtmlPage,
    /// 200 with no body at all.
    EmptyBody,
    /// An error of the vendor's own inside a 200 answer; only where the vendor has such.
    VendorError {
        /// The vendor's code of it.
        code: String,
    },
    /// A list without rows.
    EmptyPage,
    /// A later page begins with the last row of the one before.
    RepeatRow,
    /// 404.
    NotFound,
    /// A ticket changes its status just before this request is answered: between two pages, with `page: 2`.
    MoveTicket {
        /// Which.
        ticket_id: u64,
        /// Its new status code.
        status: u16,
    },
}

/// A fault and the requests it applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub mode: FaultMode,
    /// Path below `/api/v2`: a route (`/tickets/{id}`), one path (`/tickets/42001`), or a beginning with `*`
    /// (`/tickets/42001*`). `None` applies to everything.
    #[serde(default)]
    pub path: Option<String>,
    /// Only this page of a list.
    #[serde(default)]
    pub page: Option<u32>,
    /// Lets so many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// Goes away after so many requests; `None` stays until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Fault {
    /// A fault of every request, until it is cleared.
    #[must_use]
    pub fn always(mode: FaultMode) -> Self {
        Self { mode, path: None, page: None, skip: 0, times: None }
    }

    /// Only for this path.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Only for this page of a list.
    #[must_use]
    pub fn on_page(mut self, page: u32) -> Self {
        self.page = Some(page);
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Only for so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, route: &str, path: &str, page: u32) -> bool {
        let path_fits = self.path.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => wanted == route || wanted == path,
        });
        path_fits && self.page.is_none_or(|wanted| wanted == page)
    }
}

/// The faults that are set.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sets another one.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Those that are set.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }

    /// What goes wrong with this request; counts it.
    pub fn strike(&mut self, route: &str, path: &str, page: u32) -> Vec<FaultMode> {
        let mut modes = Vec::new();
        for fault in self.0.iter_mut().filter(|fault| fault.matches(route, path, page)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
            }
            modes.push(fault.mode.clone());
        }
        self.0.retain(|fault| fault.times != Some(0));
        modes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_where_and_as_often_as_asked() {
        let fault = || Fault::always(FaultMode::NotFound);
        let cases = [
            (fault(), "/tickets", 1, true),
            (fault().on("/tickets/{id}"), "/tickets/7", 1, true),
            (fault().on("/tickets/7"), "/tickets/7", 1, true),
            (fault().on("/tickets/8"), "/tickets/7", 1, false),
            (fault().on("/tickets/7*"), "/tickets/7/conversations", 1, true),
            (fault().on("/tickets").on_page(2), "/tickets", 1, false),
            (fault().on("/tickets").on_page(2), "/tickets", 2, true),
        ];
        for (fault, path, page, strikes) in cases {
            let mut faults = Faults::default();
            faults.add(fault.clone());
            let route = crate::freshservice::request_log::route_of(path);
            assert_eq!(!faults.strike(&route, path, page).is_empty(), strikes, "{fault:?} on {path}");
        }

        let mut faults = Faults::default();
        faults.add(fault().after(1).times(2));
        let struck: Vec<bool> =
            (0..5).map(|_| !faults.strike("/tickets", "/tickets", 1).is_empty()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn faults_are_plain_json() {
        let fault: Fault =
            serde_json::from_str(r#"{"mode": "slow", "delay_ms": 50, "path": "/tickets", "times": 1}"#)
                .unwrap();
        assert_eq!(fault, Fault::always(FaultMode::Slow { delay_ms: 50 }).on("/tickets").times(1));
    }
}
