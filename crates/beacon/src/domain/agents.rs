//! The PSA's agents: names for `responder_id` and the entries of the filter (beacon.md §7, §10).

use std::{borrow::Cow, collections::HashMap};

use hivematrix_shared::contracts::codex::{PsaAgent, PsaId, Ticket};

const UNASSIGNED: &str = "Unassigned";

/// All agents that Codex knows.
#[derive(Clone, Debug, Default)]
pub struct Agents {
    names: HashMap<PsaId, String>,
    active: Vec<AgentOption>,
}

/// One entry of the agent filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentOption {
    /// The PSA's id, the value of the option.
    pub id: PsaId,
    /// The agent's name.
    pub name: String,
    /// How many tickets of the view the agent has.
    pub count: usize,
}

impl Agents {
    /// Takes Codex's list.
    pub fn new(list: Vec<PsaAgent>) -> Self {
        let mut active: Vec<_> = list
            .iter()
            .filter(|agent| agent.active)
            .map(|agent| AgentOption { id: agent.external_id, name: agent.name.clone(), count: 0 })
            .collect();
        active.sort_by_cached_key(|agent| (agent.name.to_lowercase(), agent.id));
        active.dedup_by_key(|agent| agent.id);
        Self { names: list.into_iter().map(|agent| (agent.external_id, agent.name)).collect(), active }
    }

    /// Whether Codex knows no agent at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Number of active agents.
    pub fn active_count(&self) -> usize {
        self.active.len()
    }

    /// The entries of the filter: active agents by name with their number of tickets, and the selected one even when it is
    /// not among them.
    pub fn options(&self, selected: Option<PsaId>, loads: &HashMap<PsaId, usize>) -> Vec<AgentOption> {
        let mut options = self.active.clone();
        if let Some(id) = selected.filter(|id| self.active.iter().all(|agent| agent.id != *id)) {
            options.push(AgentOption { id, name: self.name_of(id), count: 0 });
        }
        for option in &mut options {
            option.count = loads.get(&option.id).copied().unwrap_or_default();
        }
        options
    }

    /// The name of an agent, also of one who is not active any more.
    pub fn name_of(&self, id: PsaId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("Agent {id}"))
    }

    /// The ticket with the name of its agent, where Codex had none or only the id.
    pub fn named<'t>(&self, ticket: &'t Ticket) -> Cow<'t, Ticket> {
        let is_missing = |id: PsaId| {
            let name = ticket.agent_name.trim();
            name.is_empty() || name == UNASSIGNED || name == format!("Agent {id}")
        };
        let known = ticket.responder_id.filter(|id| is_missing(*id)).and_then(|id| self.names.get(&id));
        match known {
            Some(name) => Cow::Owned(Ticket { agent_name: name.clone(), ..ticket.clone() }),
            None => Cow::Borrowed(ticket),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agents() -> Agents {
        Agents::new(
            serde_json::from_value(json!([
                {"id": 1, "external_id": 11, "name": "zoe", "active": true},
                {"id": 2, "external_id": 12, "name": "Ben", "active": false},
                {"id": 3, "external_id": "13", "name": "Ana"},
                {"id": 4, "external_id": 14, "name": "Mia", "active": true}
            ]))
            .unwrap(),
        )
    }

    #[test]
    fn the_filter_lists_active_agents_by_name_ignoring_case_with_their_tickets() {
        for (selected, expected) in [
            (None, "Ana 0, Mia 0, zoe 3"),
            (Some(14), "Ana 0, Mia 0, zoe 3"),
            (Some(12), "Ana 0, Mia 0, zoe 3, Ben 1"),
            (Some(0), "Ana 0, Mia 0, zoe 3, Agent 0 0"),
        ] {
            let loads = HashMap::from([(PsaId(11), 3), (PsaId(12), 1), (PsaId(99), 2)]);
            let options = agents().options(selected.map(PsaId), &loads);
            let names: Vec<_> = options.into_iter().map(|a| format!("{} {}", a.name, a.count)).collect();
            assert_eq!(names.join(", "), expected, "{selected:?}");
        }
    }

    #[test]
    fn a_missing_agent_name_is_looked_up_by_responder() {
        for (ticket, name) in [
            (json!({"id": 1, "responder_id": 11}), "zoe"),
            (json!({"id": 1, "responder_id": "12", "agent_name": "Agent 12"}), "Ben"),
            (json!({"id": 1, "responder_id": 11, "agent_name": "Zoe Q."}), "Zoe Q."),
            (json!({"id": 1, "responder_id": 99, "agent_name": "Agent 99"}), "Agent 99"),
            (json!({"id": 1, "responder_id": null}), "Unassigned"),
        ] {
            let ticket: Ticket = serde_json::from_value(ticket).unwrap();
            assert_eq!(agents().named(&ticket).agent_name, name);
        }
    }
}
