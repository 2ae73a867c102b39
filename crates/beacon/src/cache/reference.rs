//! Agents and PSA settings, which change seldom.

use std::sync::Arc;

use chrono::TimeDelta;
use hivematrix_shared::{
    clock::Clock,
    contracts::codex::{PsaConfig, PsaId},
    service_client::ServiceError,
};

use super::slot::Slot;
use crate::{
    clients::codex::Codex,
    domain::{agents::Agents, links::TicketLinks, views},
};

const LIFETIME: TimeDelta = TimeDelta::seconds(300);
/// Of a list without agents: Codex has not read them yet, and the first sync is soon over.
const EMPTY_LIFETIME: TimeDelta = TimeDelta::seconds(5);
const BACK_OFF: TimeDelta = TimeDelta::seconds(30);

/// What is needed beside the tickets to show a board.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// The agents; empty while Codex has never answered.
    pub agents: Arc<Agents>,
    /// Links into the PSA; none where Codex knows no template.
    pub links: Option<TicketLinks>,
    /// The professional-services set.
    pub professional_services: Vec<PsaId>,
}

/// Remembers both answers.
pub struct ReferenceCache {
    asker: Asker,
    agents: Slot<Agents>,
    config: Slot<PsaConfig>,
    nobody: Arc<Agents>,
}

/// Asks Codex, and says in the log what it learnt.
#[derive(Clone)]
struct Asker {
    codex: Codex,
    configured_groups: Arc<[PsaId]>,
    warn_when_empty: bool,
}

impl ReferenceCache {
    /// An empty cache; `configured_groups` go before Codex's, `warn_when_empty` says that some view needs them.
    pub fn new(codex: Codex, clock: &Clock, configured_groups: Vec<PsaId>, warn_when_empty: bool) -> Self {
        Self {
            asker: Asker { codex, configured_groups: configured_groups.into(), warn_when_empty },
            agents: Slot::new(clock.clone(), lifetime_of_agents, BACK_OFF),
            config: Slot::new(clock.clone(), |_| LIFETIME, BACK_OFF),
            nobody: Arc::default(),
        }
    }

    /// The current values, asked for where they are old; both at the same time.
    pub async fn current(&self) -> Reference {
        let (of_agents, of_config) = (self.asker.clone(), self.asker.clone());
        let (agents, config) = tokio::join!(
            self.agents.get(|| async move { of_agents.agents().await }),
            self.config.get(|| async move { of_config.config().await })
        );
        self.of(agents, config.as_deref())
    }

    /// The values as they are remembered, whatever their age.
    pub fn known(&self) -> Reference {
        self.of(self.agents.known(), self.config.known().as_deref())
    }

    fn of(&self, agents: Option<Arc<Agents>>, config: Option<&PsaConfig>) -> Reference {
        Reference {
            agents: agents.unwrap_or_else(|| self.nobody.clone()),
            links: config.and_then(TicketLinks::from_config),
            professional_services: views::professional_services_groups(&self.asker.configured_groups, config),
        }
    }
}

impl Asker {
    async fn agents(&self) -> Result<Agents, ServiceError> {
        let agents = Agents::new(self.codex.agents().await?);
        tracing::info!("Loaded {} active agents from Codex", agents.active_count());
        Ok(agents)
    }

    async fn config(&self) -> Result<PsaConfig, ServiceError> {
        let config = self.codex.config().await?;
        match TicketLinks::from_config(&config) {
            Some(links) => tracing::info!("Loaded PSA config with base URL: {}", links.base()),
            None => tracing::warn!("The PSA config has no usable ticket address; ticket ids have no links"),
        }
        let groups = views::professional_services_groups(&self.configured_groups, Some(&config));
        if groups.is_empty() && self.warn_when_empty {
            tracing::warn!("No group of professional services is known: the helpdesk view shows all tickets");
        }
        Ok(config)
    }
}

fn lifetime_of_agents(agents: &Agents) -> TimeDelta {
    if agents.is_empty() { EMPTY_LIFETIME } else { LIFETIME }
}
