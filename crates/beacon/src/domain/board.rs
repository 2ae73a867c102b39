//! One view of the board: Codex's sections, filtered and in default order.

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::{ActiveTickets, PsaId, Ticket};

use super::{agents::Agents, order::Section, views::View};

/// The tickets of one view, for one agent or all.
#[derive(Debug, Default)]
pub struct Board<'t> {
    /// The sections in page order.
    pub sections: [Vec<Cow<'t, Ticket>>; 4],
    /// How many tickets of the view each agent has, whoever is selected.
    pub loads: HashMap<PsaId, usize>,
}

/// What is selected on the page.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The tab.
    pub view: &'a View,
    /// Only this agent's tickets.
    pub agent: Option<PsaId>,
    /// Only tickets of this priority, 1 low to 4 urgent.
    pub priority: Option<i64>,
    /// The professional-services set.
    pub professional_services: &'a [PsaId],
}

impl<'t> Board<'t> {
    /// Applies the view, then agent and priority, then each section's order.
    pub fn select(
        tickets: &'t ActiveTickets,
        selection: Selection<'_>,
        agents: &Agents,
        now: DateTime<Utc>,
    ) -> Self {
        let lists = [&tickets.section1, &tickets.section2, &tickets.section3, &tickets.section4];
        let mut loads = HashMap::new();
        let mut sections = lists.map(|list| {
            list.iter()
                .filter(|ticket| selection.view.shows(ticket, selection.professional_services, now))
                .inspect(|ticket| {
                    if let Some(agent) = ticket.responder_id {
                        *loads.entry(agent).or_default() += 1;
                    }
                })
                .filter(|ticket| selection.agent.is_none_or(|agent| ticket.responder_id == Some(agent)))
                .filter(|ticket| selection.priority.is_none_or(|wanted| ticket.priority_raw == Some(wanted)))
                .map(|ticket| agents.named(ticket))
                .collect::<Vec<_>>()
        });
        for (section, list) in Section::ALL.into_iter().zip(&mut sections) {
            list.sort_by(|a, b| section.order(a, b));
        }
        Self { sections, loads }
    }

    /// Number of tickets in the four sections.
    pub fn total(&self) -> usize {
        self.sections.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::views::Views;

    #[test]
    fn the_agent_filter_applies_to_all_sections_after_the_view() {
        let tickets: ActiveTickets = serde_json::from_value(json!({
            "section1": [{"id": 1, "responder_id": 7}, {"id": 2, "responder_id": 8}],
            "section2": [{"id": 3, "responder_id": "7"}],
            "section3": [{"id": 4, "responder_id": 7, "group_id": 19_000_234_009_i64}],
            "section4": [{"id": 5, "responder_id": null}, {"id": 6, "responder_id": 0}]
        }))
        .unwrap();
        let views = Views::default();
        for (slug, agent, expected) in [
            ("helpdesk", None, [vec![1, 2], vec![3], vec![], vec![5, 6]]),
            ("helpdesk", Some(7), [vec![1], vec![3], vec![], vec![]]),
            ("helpdesk", Some(0), [vec![], vec![], vec![], vec![6]]),
            ("helpdesk", Some(99), [vec![], vec![], vec![], vec![]]),
            ("professional-services", None, [vec![], vec![], vec![4], vec![]]),
            ("professional-services", Some(8), [vec![], vec![], vec![], vec![]]),
        ] {
            let selection = Selection {
                view: views.find(slug).unwrap(),
                agent: agent.map(PsaId),
                priority: None,
                professional_services: &[PsaId(19_000_234_009)],
            };
            let board = Board::select(&tickets, selection, &Agents::default(), DateTime::UNIX_EPOCH);
            let ids = board.sections.map(|list| list.iter().map(|ticket| ticket.id).collect::<Vec<_>>());
            assert_eq!(ids, expected, "{slug} {agent:?}");
        }
    }

    #[test]
    fn the_priority_filter_applies_with_the_agents_and_loads_count_the_whole_view() {
        let tickets: ActiveTickets = serde_json::from_value(json!({
            "section1": [{"id": 1, "responder_id": 7, "priority": 4}, {"id": 2, "responder_id": 7, "priority": 1}],
            "section2": [{"id": 3, "responder_id": 8, "priority": "urgent", "priority_raw": 4}],
            "section4": [{"id": 4, "responder_id": null, "priority": null},
                         {"id": 5, "responder_id": 7, "group_id": 19_000_234_009_i64}]
        }))
        .unwrap();
        let views = Views::default();
        for (agent, priority, expected) in [
            (None, Some(4), vec![1, 3]),
            (Some(7), Some(4), vec![1]),
            (Some(7), None, vec![1, 2]),
            (None, Some(2), vec![]),
        ] {
            let selection = Selection {
                view: views.find("helpdesk").unwrap(),
                agent: agent.map(PsaId),
                priority,
                professional_services: &[PsaId(19_000_234_009)],
            };
            let board = Board::select(&tickets, selection, &Agents::default(), DateTime::UNIX_EPOCH);
            let ids: Vec<_> = board.sections.iter().flatten().map(|ticket| ticket.id).collect();
            assert_eq!(ids, expected, "{agent:?} {priority:?}");
            assert_eq!(board.loads, HashMap::from([(PsaId(7), 2), (PsaId(8), 1)]));
        }
    }
}
