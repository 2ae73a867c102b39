//! Agents and PSA settings, which change seldom.

use std::sync::{Arc, Mutex, PoisonError};

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
    made: Mutex<Made>,
}

/// What was made of both answers last: nearly every request finds it as it is.
#[derive(Default)]
struct Made {
    agents: Option<Arc<Agents>>,
    config: Option<Arc<PsaConfig>>,
    /// None before the first request.
    reference: Option<Arc<Reference>>,
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
            made: Mutex::default(),
        }
    }

    /// The current values, asked for where they are old; both at the same time.
    pub async fn current(&self) -> Arc<Reference> {
        let (of_agents, of_config) = (self.asker.clone(), self.asker.clone());
        let (agents, config) = tokio::join!(
            self.agents.get(|| async move { of_agents.agents().await }),
            self.config.get(|| async move { of_config.config().await })
        );
        self.of(agents, config)
    }

    /// The values as they are remembered, whatever their age.
    pub fn known(&self) -> Arc<Reference> {
        self.of(self.agents.known(), self.config.known())
    }

    fn of(&self, agents: Option<Arc<Agents>>, config: Option<Arc<PsaConfig>>) -> Arc<Reference> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reference) = &made.reference
            && is_same(made.agents.as_ref(), agents.as_ref())
            && is_same(made.config.as_ref(), config.as_ref())
        {
            return reference.clone();
        }
        let reference = Arc::new(Reference {
            agents: agents.clone().unwrap_or_default(),
            links: config.as_deref().and_then(TicketLinks::from_config),
            professional_services: views::professional_services_groups(
                &self.asker.configured_groups,
                config.as_deref(),
            ),
        });
        *made = Made { agents, config, reference: Some(reference.clone()) };
        reference
    }
}

fn is_same<T>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
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

#[cfg(test)]
mod tests {
    use hivematrix_shared::testing::TestIdentity;

    use super::*;

    #[tokio::test]
    async fn the_same_answers_are_made_into_a_reference_once() {
        let context = TestIdentity::default().context("beacon");
        let cache = ReferenceCache::new(Codex::new(context.client.clone()), &context.clock, vec![], false);
        let config = |template: &str| {
            let provider = serde_json::json!({"x": {"ticket_url_template": template}});
            let config = serde_json::json!({"default_provider": "x", "providers": provider});
            Some(Arc::new(serde_json::from_value::<PsaConfig>(config).unwrap()))
        };
        let (agents, first) = (Some(Arc::new(Agents::default())), config("/a/{ticket_id}"));
        let made = cache.of(agents.clone(), first.clone());
        assert!(Arc::ptr_eq(&made, &cache.of(agents.clone(), first.clone())));
        let other = cache.of(agents, config("/b/{ticket_id}"));
        assert_eq!(other.links.as_ref().map(TicketLinks::base), Some("/b/"));
        assert!(cache.known().links.is_none(), "nothing was ever asked for");
    }
}
