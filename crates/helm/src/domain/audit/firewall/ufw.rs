//! `ufw status verbose`: rules in their order, the first that fits counts.

use super::{Family, Verdict, holds};

/// What ufw tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ufw {
    /// `Status: active`.
    pub is_active: bool,
    /// `Default: deny (incoming)` or `reject`.
    pub denies_by_default: bool,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Ports as written; `None` for all.
    ports: Option<String>,
    accepts: bool,
    family: Family,
}

/// Words of the column Action for what comes in; `LIMIT` lets in what comes slowly.
const ACTIONS: [(&str, bool); 4] = [("ALLOW", true), ("LIMIT", true), ("DENY", false), ("REJECT", false)];

impl Ufw {
    /// Reads the answer.
    #[must_use]
    pub fn read(status: &str) -> Self {
        let value = |name: &str| {
            status.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default().trim()
        };
        let incoming = value("Default:").split(',').find(|part| part.contains("(incoming)"));
        Self {
            is_active: value("Status:") == "active",
            denies_by_default: incoming
                .is_some_and(|part| ["deny", "reject"].iter().any(|word| part.trim().starts_with(word))),
            rules: status.lines().filter_map(rule).collect(),
        }
    }

    pub(super) fn verdict(&self, port: u16, family: Family) -> Verdict {
        let fits = |rule: &&Rule| {
            rule.family == family && rule.ports.as_deref().is_none_or(|ports| holds(ports, port))
        };
        match self.rules.iter().find(fits) {
            Some(rule) if rule.accepts => Verdict::Accept,
            Some(_) => Verdict::Drop,
            None if self.denies_by_default => Verdict::Drop,
            None => Verdict::Accept,
        }
    }
}

/// One line `To Action From`. A rule for some senders only is the operator's own choice and says nothing about all others;
/// one for a name of an application, for UDP or for what goes out is about other ports.
fn rule(line: &str) -> Option<Rule> {
    let (accepts, to, rest) = ACTIONS.into_iter().find_map(|(word, accepts)| {
        let (to, rest) = line.split_once(&format!(" {word} "))?;
        Some((accepts, to.trim(), rest.trim()))
    })?;
    let from = match rest.split_once(' ') {
        Some(("OUT" | "FWD", _)) => return None,
        Some(("IN", from)) => from.trim(),
        _ => rest,
    };
    let from = from.split('#').next().unwrap_or_default().trim();
    let v6 = to.ends_with("(v6)") || from.ends_with("(v6)");
    if from.trim_end_matches("(v6)").trim() != "Anywhere" {
        return None;
    }
    let to = to.trim_end_matches("(v6)").trim();
    // `5000 on eth0` is one way in of several: letting in counts, keeping out does not.
    let to = match to.split_once(" on ") {
        Some(_) if !accepts => return None,
        Some((to, _)) => to.trim(),
        None => to,
    };
    let ports = match to {
        "Anywhere" => None,
        to => {
            // An address of this machine may stand before the port.
            let last = to.split_whitespace().last()?;
            let (ports, protocol) = last.split_once('/').unwrap_or((last, "tcp"));
            if protocol != "tcp" || !ports.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            Some(ports.to_owned())
        }
    };
    Some(Rule { ports, accepts, family: if v6 { Family::V6 } else { Family::V4 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Status: active
Logging: on (low)
Default: allow (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp                     LIMIT IN    Anywhere
4430/tcp                   DENY IN     Anywhere
5000                       DENY IN     Anywhere
5010/tcp                   ALLOW IN    10.0.0.0/8
5010/tcp                   DENY IN     Anywhere                   # hivematrix
5020/udp                   DENY IN     Anywhere
5030 on eth0               DENY IN     Anywhere
6000:6007/tcp              REJECT IN   Anywhere
Nginx Full                 ALLOW IN    Anywhere
7000                       DENY OUT    Anywhere
5000 (v6)                  DENY IN     Anywhere (v6)
";

    #[test]
    fn rules_are_read_field_by_field_and_for_each_family() {
        let ufw = Ufw::read(STATUS);
        assert!(ufw.is_active && !ufw.denies_by_default);
        for (port, v4, v6) in [
            (22, false, false),
            (443, false, false),
            (4430, true, false),
            (5000, true, true),
            (5010, true, false),
            (5020, false, false),
            (5030, false, false),
            (6003, true, false),
            (7000, false, false),
        ] {
            assert_eq!(ufw.verdict(port, Family::V4) == Verdict::Drop, v4, "{port}");
            assert_eq!(ufw.verdict(port, Family::V6) == Verdict::Drop, v6, "{port} v6");
        }
    }

    #[test]
    fn what_nobody_allows_is_refused_by_default() {
        let ufw = Ufw::read(
            "Status: active\nDefault: deny (incoming), allow (outgoing)\n\nTo  Action  From\n443/tcp  ALLOW IN  Anywhere\n",
        );
        assert_eq!(ufw.verdict(443, Family::V4), Verdict::Accept);
        assert_eq!(ufw.verdict(443, Family::V6), Verdict::Drop);
        assert_eq!(ufw.verdict(8080, Family::V4), Verdict::Drop);
        assert!(!Ufw::read("Status: inactive\n").is_active);
    }
}
