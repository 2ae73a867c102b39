//! `iptables -S` and `ip6tables -S`: policies, chains and jumps, for a new TCP connection from anywhere.

use std::collections::BTreeMap;

use super::{Family, Verdict, holds};

/// The filter tables of both families.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Iptables {
    v4: Table,
    /// `None` where the machine has no IPv6.
    v6: Option<Table>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Table {
    policy_drops: bool,
    chains: BTreeMap<String, Vec<Rule>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    ports: Option<String>,
    /// Whether it is for every new TCP connection (to these ports).
    scope: Scope,
    target: String,
    is_goto: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Every one.
    All,
    /// Some of them: letting in counts, keeping out does not.
    Some,
    /// None: loopback, other protocols, known senders, connections that are open already.
    None,
}

/// Chains that call each other in a circle are no table, but a look at one must end.
const DEEPEST: usize = 16;

impl Iptables {
    /// Reads both answers.
    #[must_use]
    pub fn read(v4: &str, v6: Option<&str>) -> Self {
        Self { v4: Table::read(v4), v6: v6.map(Table::read) }
    }

    pub(super) fn verdict(&self, port: u16, family: Family) -> Verdict {
        match (family, &self.v6) {
            (Family::V4, _) => self.v4.verdict(port),
            (Family::V6, Some(v6)) => v6.verdict(port),
            // Nothing gets in by an address that the machine does not have.
            (Family::V6, None) => Verdict::Drop,
        }
    }

    pub(super) fn denies_by_default(&self) -> bool {
        // No port has this number, so that no rule for a port says anything about it.
        let denies = |table: &Table| table.verdict(0) == Verdict::Drop;
        denies(&self.v4) && self.v6.as_ref().is_none_or(denies)
    }

    pub(super) fn is_active(&self) -> bool {
        let refuses = |table: &Table| {
            let refuses = |rule: &Rule| matches!(rule.target.as_str(), "DROP" | "REJECT");
            table.policy_drops || table.chains.values().flatten().any(refuses)
        };
        refuses(&self.v4) || self.v6.as_ref().is_some_and(refuses)
    }
}

impl Table {
    fn read(rules: &str) -> Self {
        let mut table = Self::default();
        for line in rules.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["-P", "INPUT", policy] => table.policy_drops = *policy == "DROP",
                ["-A", chain, rest @ ..] => {
                    table.chains.entry((*chain).to_owned()).or_default().extend(rule(rest));
                }
                _ => {}
            }
        }
        table
    }

    fn verdict(&self, port: u16) -> Verdict {
        let default = if self.policy_drops { Verdict::Drop } else { Verdict::Accept };
        self.walk("INPUT", port, 0).unwrap_or(default)
    }

    fn walk(&self, chain: &str, port: u16, depth: usize) -> Option<Verdict> {
        if depth > DEEPEST {
            return None;
        }
        for rule in self.chains.get(chain)? {
            let fits = rule.ports.as_deref().is_none_or(|ports| holds(ports, port));
            if !fits || rule.scope == Scope::None {
                continue;
            }
            match rule.target.as_str() {
                "ACCEPT" => return Some(Verdict::Accept),
                "DROP" | "REJECT" if rule.scope == Scope::All => return Some(Verdict::Drop),
                "RETURN" if rule.scope == Scope::All => return None,
                other => match self.walk(other, port, depth + 1) {
                    Some(Verdict::Drop) if rule.scope != Scope::All => {}
                    Some(verdict) => return Some(verdict),
                    None if rule.is_goto && rule.scope == Scope::All => return None,
                    None => {}
                },
            }
        }
        None
    }
}

fn rule(words: &[&str]) -> Option<Rule> {
    let mut rule = Rule { ports: None, scope: Scope::All, target: String::new(), is_goto: false };
    let narrow = |scope: &mut Scope, to: Scope| {
        if *scope != Scope::None {
            *scope = to;
        }
    };
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        match word {
            "-j" | "-g" => {
                rule.target = words.next()?.to_owned();
                rule.is_goto = word == "-g";
                break;
            }
            "--dport" | "--dports" | "--destination-port" => rule.ports = Some(words.next()?.to_owned()),
            "-p" => match words.next()? {
                "tcp" | "all" => {}
                _ => rule.scope = Scope::None,
            },
            "-i" => match words.next()? {
                "lo" => rule.scope = Scope::None,
                _ => narrow(&mut rule.scope, Scope::Some),
            },
            // Some senders: the operator's own choice, which says nothing about all others.
            "-s" => match words.next()? {
                "0.0.0.0/0" | "::/0" => {}
                _ => rule.scope = Scope::None,
            },
            "--ctstate" | "--state" => {
                let states = words.next()?;
                if !states.split(',').any(|state| state == "NEW") {
                    rule.scope = Scope::None;
                }
            }
            "-m" => match words.next()? {
                "tcp" | "conntrack" | "state" | "multiport" | "comment" => {}
                _ => narrow(&mut rule.scope, Scope::Some),
            },
            "--comment" => {
                // A comment of several words is quoted.
                let first = words.next()?;
                if first.starts_with('"') && !(first.len() > 1 && first.ends_with('"')) {
                    words.by_ref().find(|word| word.ends_with('"'));
                }
            }
            _ => narrow(&mut rule.scope, Scope::Some),
        }
    }
    (!rule.target.is_empty()).then_some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"-P INPUT DROP
-P FORWARD DROP
-P OUTPUT ACCEPT
-N HIVEMATRIX
-N f2b-sshd
-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
-A INPUT -j HIVEMATRIX
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 8080 -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 9000 -j ACCEPT
-A HIVEMATRIX -i lo -m comment --comment "this machine itself" -j ACCEPT
-A HIVEMATRIX -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HIVEMATRIX -p icmp -j ACCEPT
-A HIVEMATRIX -p tcp -m tcp --dport 22 -j ACCEPT
-A HIVEMATRIX -p tcp -m multiport --dports 80,443 -j ACCEPT
-A HIVEMATRIX -p udp -m udp --dport 5000 -j ACCEPT
-A f2b-sshd -s 192.0.2.1/32 -j REJECT --reject-with icmp-port-unreachable
-A f2b-sshd -j RETURN
"#;

    #[test]
    fn chains_are_followed_and_the_policy_decides_the_rest() {
        let tables = Iptables::read(RULES, None);
        assert!(tables.is_active() && tables.denies_by_default());
        for (port, drops) in
            [(22, false), (443, false), (4430, true), (5000, true), (8080, true), (9000, false)]
        {
            assert_eq!(tables.verdict(port, Family::V4) == Verdict::Drop, drops, "{port}");
        }
    }

    #[test]
    fn each_family_has_its_own_rules() {
        let drop = "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 8080 -j DROP\n";
        let tables = Iptables::read(drop, Some("-P INPUT ACCEPT\n"));
        assert_eq!(tables.verdict(8080, Family::V4), Verdict::Drop);
        assert_eq!(tables.verdict(8080, Family::V6), Verdict::Accept);
        assert!(!tables.denies_by_default() && tables.is_active());
        assert!(!Iptables::read("-P INPUT ACCEPT\n", None).is_active());
    }

    #[test]
    fn a_rule_for_some_connections_keeps_nobody_out() {
        for rule in [
            "-A INPUT -i eth0 -p tcp -m tcp --dport 8080 -j DROP",
            "-A INPUT -p tcp -m tcp --dport 8080 -m limit --limit 1/sec -j DROP",
            "-A INPUT -p tcp -m tcp --dport 8080 -m conntrack --ctstate INVALID -j DROP",
            "-A INPUT -s 192.0.2.0/24 -j DROP",
        ] {
            let tables = Iptables::read(&format!("-P INPUT ACCEPT\n{rule}\n"), None);
            assert_eq!(tables.verdict(8080, Family::V4), Verdict::Accept, "{rule}");
        }
        let circle = Iptables::read("-P INPUT DROP\n-A INPUT -j A\n-A A -j INPUT\n", None);
        assert_eq!(circle.verdict(1, Family::V4), Verdict::Drop);
    }
}
