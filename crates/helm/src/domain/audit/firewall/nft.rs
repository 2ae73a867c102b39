//! `nft -j list ruleset`: every base chain on the hook `input` may refuse; what one accepts, the next may still drop.

use serde_json::Value;

use super::{Family, Verdict};

/// The ruleset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nft {
    chains: Vec<Chain>,
}

#[derive(Debug, Clone, PartialEq)]
struct Chain {
    family: String,
    table: String,
    name: String,
    is_input: bool,
    policy_drops: bool,
    /// The statements of each rule.
    rules: Vec<Vec<Value>>,
}

/// What a chain says; `None`: nothing, it goes on behind the jump.
type Said = Option<Verdict>;

const DEEPEST: usize = 16;

impl Nft {
    /// Reads the answer; what is no ruleset has no chains.
    #[must_use]
    pub fn read(ruleset: &Value) -> Self {
        let objects = ruleset["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut chains: Vec<Chain> = objects
            .iter()
            .filter_map(|object| object.get("chain"))
            .map(|chain| Chain {
                family: text(&chain["family"]),
                table: text(&chain["table"]),
                name: text(&chain["name"]),
                is_input: chain["hook"] == "input" && chain["type"] == "filter",
                policy_drops: chain["policy"] == "drop",
                rules: Vec::new(),
            })
            .collect();
        for rule in objects.iter().filter_map(|object| object.get("rule")) {
            let of = chains.iter_mut().find(|chain| {
                rule["family"] == chain.family.as_str()
                    && rule["table"] == chain.table.as_str()
                    && rule["chain"] == chain.name.as_str()
            });
            if let (Some(chain), Some(statements)) = (of, rule["expr"].as_array()) {
                chain.rules.push(statements.clone());
            }
        }
        Self { chains }
    }

    fn inputs(&self, family: Family) -> impl Iterator<Item = &Chain> {
        let own = match family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        self.chains
            .iter()
            .filter(move |chain| chain.is_input && [own, "inet"].contains(&chain.family.as_str()))
    }

    pub(super) fn verdict(&self, port: u16, family: Family) -> Verdict {
        let drops = |chain: &Chain| {
            let default = if chain.policy_drops { Verdict::Drop } else { Verdict::Accept };
            self.walk(chain, port, 0).unwrap_or(default) == Verdict::Drop
        };
        if self.inputs(family).any(drops) { Verdict::Drop } else { Verdict::Accept }
    }

    pub(super) fn denies_by_default(&self) -> bool {
        [Family::V4, Family::V6].into_iter().all(|family| self.verdict(0, family) == Verdict::Drop)
    }

    pub(super) fn is_active(&self) -> bool {
        let refuses = |chain: &Chain| {
            chain.policy_drops
                || chain.rules.iter().flatten().any(|s| s.get("drop").is_some() || s.get("reject").is_some())
        };
        self.chains.iter().any(|chain| chain.is_input) && self.chains.iter().any(refuses)
    }

    fn walk(&self, chain: &Chain, port: u16, depth: usize) -> Said {
        if depth > DEEPEST {
            return None;
        }
        for statements in &chain.rules {
            // Whether the rule is for every connection to the port; one that is for some only keeps nobody out.
            let mut is_for_all = true;
            for statement in statements {
                if let Some(condition) = statement.get("match") {
                    match fits(condition, port) {
                        Fit::Yes => {}
                        Fit::No => break,
                        Fit::Perhaps => is_for_all = false,
                    }
                    continue;
                }
                let jump = statement.get("jump").or_else(|| statement.get("goto"));
                let said = match () {
                    () if statement.get("accept").is_some() => Some(Verdict::Accept),
                    () if statement.get("drop").is_some() || statement.get("reject").is_some() => {
                        Some(Verdict::Drop)
                    }
                    () if statement.get("return").is_some() && is_for_all => return None,
                    () => jump.and_then(|jump| self.jump(chain, jump, port, depth)),
                };
                match said {
                    Some(Verdict::Drop) if !is_for_all => {}
                    Some(verdict) => return Some(verdict),
                    // Matches of iptables that nft does not know, and limits.
                    None if statement.get("xt").is_some() || statement.get("limit").is_some() => {
                        is_for_all = false;
                    }
                    None => {}
                }
            }
        }
        None
    }

    fn jump(&self, from: &Chain, jump: &Value, port: u16, depth: usize) -> Said {
        let same = |chain: &&Chain| {
            chain.family == from.family && chain.table == from.table && jump["target"] == chain.name.as_str()
        };
        self.walk(self.chains.iter().find(same)?, port, depth + 1)
    }
}

enum Fit {
    Yes,
    No,
    /// For some connections.
    Perhaps,
}

fn fits(condition: &Value, port: u16) -> Fit {
    let (left, right) = (&condition["left"], &condition["right"]);
    let is_equal = matches!(condition["op"].as_str(), Some("==" | "in"));
    let answer = |yes: bool| if yes == is_equal { Fit::Yes } else { Fit::No };
    if let Some(key) = left["meta"]["key"].as_str() {
        return match (key, right.as_str()) {
            ("iif" | "iifname", Some("lo")) => answer(false),
            ("l4proto", Some(protocol)) => answer(protocol == "tcp"),
            ("l4proto", None) => answer(names(right, "tcp")),
            // The chains of a family are looked at apart.
            ("nfproto" | "protocol", _) => Fit::Perhaps,
            _ => Fit::Perhaps,
        };
    }
    if left["ct"]["key"] == "state" {
        return answer(names(right, "new"));
    }
    let payload = &left["payload"];
    match (payload["protocol"].as_str(), payload["field"].as_str()) {
        (Some("tcp" | "th"), Some("dport")) if right.is_string() => Fit::Perhaps,
        (Some("tcp" | "th"), Some("dport")) => answer(has_port(right, port)),
        (Some("udp" | "icmp" | "icmpv6" | "sctp" | "igmp"), _) => Fit::No,
        // Some senders: the operator's own choice, which says nothing about all others.
        (Some("ip" | "ip6"), Some("saddr")) => Fit::No,
        _ => Fit::Perhaps,
    }
}

/// Whether a word or a set of words has one.
fn names(right: &Value, word: &str) -> bool {
    let list = right.as_array().or_else(|| right["set"].as_array());
    right == word || list.is_some_and(|list| list.iter().any(|item| item == word))
}

fn has_port(right: &Value, port: u16) -> bool {
    let number = |value: &Value| value.as_u64();
    let port = u64::from(port);
    match right {
        Value::Number(_) => number(right) == Some(port),
        Value::Object(object) => match (object.get("set"), object.get("range")) {
            (Some(Value::Array(items)), _) => {
                items.iter().any(|item| u16::try_from(port).is_ok_and(|port| has_port(item, port)))
            }
            (_, Some(range)) => {
                matches!((number(&range[0]), number(&range[1])), (Some(first), Some(last)) if (first..=last).contains(&port))
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dport(right: Value) -> Value {
        json!({ "match": { "op": "==", "left": { "payload": { "protocol": "tcp", "field": "dport" } }, "right": right } })
    }

    fn rule(chain: &str, statements: &[Value]) -> Value {
        json!({ "rule": { "family": "inet", "table": "t", "chain": chain, "expr": statements } })
    }

    fn ruleset(policy: &str, rules: &[Value]) -> Nft {
        let mut all = vec![
            json!({ "metainfo": { "version": "1.0.9" } }),
            json!({ "chain": { "family": "inet", "table": "t", "name": "input", "type": "filter", "hook": "input",
                "prio": 0, "policy": policy } }),
            json!({ "chain": { "family": "inet", "table": "t", "name": "more" } }),
        ];
        all.extend_from_slice(rules);
        Nft::read(&json!({ "nftables": all }))
    }

    #[test]
    fn rules_jumps_and_the_policy_are_followed() {
        let lo = json!({ "match": { "op": "==", "left": { "meta": { "key": "iifname" } }, "right": "lo" } });
        let state = json!({ "match": { "op": "in", "left": { "ct": { "key": "state" } },
            "right": ["established", "related"] } });
        let accept = json!({ "accept": null });
        let nft = ruleset(
            "drop",
            &[
                rule("input", &[lo, accept.clone()]),
                rule("input", &[state, accept.clone()]),
                rule("input", &[json!({ "jump": { "target": "more" } })]),
                rule("more", &[dport(json!({ "set": [22, { "range": [6000, 6007] }] })), accept.clone()]),
                rule(
                    "more",
                    &[dport(json!(443)), json!({ "counter": { "packets": 1, "bytes": 1 } }), accept],
                ),
            ],
        );
        assert!(nft.is_active() && nft.denies_by_default());
        for (port, drops) in [(22, false), (443, false), (4430, true), (5000, true), (6003, false)] {
            for family in [Family::V4, Family::V6] {
                assert_eq!(nft.verdict(port, family) == Verdict::Drop, drops, "{port} {family:?}");
            }
        }
    }

    #[test]
    fn a_rule_for_some_connections_keeps_nobody_out() {
        let from = json!({ "match": { "op": "==", "left": { "payload": { "protocol": "ip", "field": "saddr" } },
            "right": "192.0.2.1" } });
        let drop = json!({ "drop": null });
        let named = dport(json!("@blocked"));
        let nft = ruleset(
            "accept",
            &[
                rule("input", &[from, drop.clone()]),
                rule("input", &[json!({ "limit": { "rate": 1, "per": "second" } }), drop.clone()]),
                rule("input", &[named, drop.clone()]),
                rule("input", &[dport(json!(5000)), drop]),
            ],
        );
        assert_eq!(nft.verdict(8080, Family::V4), Verdict::Accept);
        assert_eq!(nft.verdict(5000, Family::V6), Verdict::Drop);
        assert!(nft.is_active() && !nft.denies_by_default());
        assert!(!Nft::read(&json!({})).is_active());
    }
}
