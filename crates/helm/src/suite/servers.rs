//! The servers of a suite: PostgreSQL, Redis and Neo4j, its own or given.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        master_config::MasterConfig,
        neo4j_in_use::neo4j_in_use,
        operator::Operator,
        ports,
        registry::{HelmEntry, Registry},
        secrets::Secrets,
    },
    instance::{
        Layout,
        databases::{self, Databases},
        neo4j,
        options::Options,
        postgres::{self, Cluster},
        redis::{self, Server},
    },
};

/// The servers of the suite, its own or given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Servers {
    /// The private PostgreSQL.
    pub cluster: Option<Cluster>,
    /// The private Redis.
    pub redis: Option<Server>,
    /// The suite's own Neo4j.
    #[serde(default)]
    pub neo4j: Option<neo4j::Server>,
    pub(super) redis_url: Option<String>,
    pub(super) databases: Databases,
}

impl Servers {
    pub(super) fn prepare(
        layout: &Layout,
        registry: &Registry,
        secrets: &Secrets,
        config: &MasterConfig,
        options: &Options,
        operator: &Operator,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let cluster = if databases::private_cluster_needed(layout, registry, operator)? {
            let port = ports::shifted(ports::POSTGRES, options.port_offset)?;
            Some(postgres::prepare(layout, port, &secrets.postgres_password)?)
        } else {
            None
        };
        let admin_url = cluster.as_ref().map(|c| c.admin_url.as_str()).or_else(|| operator.database_server());
        let databases = match admin_url {
            Some(url) => Databases::settle(layout, registry, secrets, operator, url)?,
            None => Databases::given(layout, registry, operator)?,
        };
        let given = operator.redis().map(str::to_owned);
        let needed = registry.iter().any(|(_, entry)| entry.needs_redis() && !entry.is_remote());
        let redis = if given.is_none() && needed {
            let port = ports::shifted(ports::REDIS, options.port_offset)?;
            let server = redis::prepare(layout, port, &secrets.redis_password)?;
            if server.is_none() {
                warnings.push(
                    "Redis is not installed: sessions are kept in memory and end when Core is restarted"
                        .into(),
                );
            }
            server
        } else {
            None
        };
        let redis_url = given.or_else(|| redis.as_ref().map(|server| server.url.clone()));
        let neo4j = own_neo4j(layout, registry, config, options, operator)?;
        Ok(Self { cluster, redis, neo4j, redis_url, databases })
    }
}

/// The own Neo4j runs where the suite is told its address and no other one, and somebody keeps a graph here.
fn own_neo4j(
    layout: &Layout,
    registry: &Registry,
    config: &MasterConfig,
    options: &Options,
    operator: &Operator,
) -> Result<Option<neo4j::Server>> {
    let port = ports::shifted(ports::NEO4J, options.port_offset)?;
    let is_elsewhere = registry.get("knowledgetree").is_some_and(HelmEntry::is_remote);
    match neo4j_in_use(config, operator).filter(|place| !is_elsewhere && neo4j::is_own(place, port)) {
        Some(place) => neo4j::prepare(layout, port, &place.password.unwrap_or_default()).map(Some),
        None => Ok(None),
    }
}
