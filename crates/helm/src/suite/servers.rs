//! The servers of a suite: PostgreSQL and Redis, its own or given.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{operator::Operator, ports, registry::Registry, secrets::Secrets},
    instance::{
        Layout,
        databases::{self, Databases},
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
    pub(super) redis_url: Option<String>,
    pub(super) databases: Databases,
}

impl Servers {
    pub(super) fn prepare(
        layout: &Layout,
        registry: &Registry,
        secrets: &Secrets,
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
        Ok(Self { cluster, redis, redis_url, databases })
    }
}
