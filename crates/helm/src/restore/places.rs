//! Where the databases of an archive belong on this machine.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use url::Url;

use super::swap;
use crate::{
    domain::{
        backup::manifest::DatabaseFacts,
        master_config::{MasterConfig, Neo4j},
        neo4j_in_use::neo4j_in_use,
        operator::Operator,
        ports,
        secrets::Secrets,
    },
    instance::{
        Layout,
        databases::{self, Databases},
        master_config, operator,
        options::{Given, Options},
        postgres, registry, secrets,
    },
    suite,
};

/// Where the databases are, by the settings of this instance; on an empty machine by those of the archive.
pub struct View {
    layout: Layout,
    staged: Layout,
    /// The secrets of the services and servers.
    pub secrets: Secrets,
    operator: Operator,
    admin_url: String,
    /// The administrative address is the private cluster's.
    pub private: bool,
    /// Port of that cluster.
    pub port: u16,
}

/// Where one database is.
pub struct Place {
    /// Its part of the archive.
    pub part: String,
    /// What the archive knows of it.
    pub facts: DatabaseFacts,
    /// Address, as its service.
    pub url: String,
    /// Address of another database of the server, from which this one is made and renamed.
    pub server: String,
    /// Helm makes it.
    pub managed: bool,
}

impl View {
    /// Settles it.
    ///
    /// # Errors
    /// When settings or secrets cannot be read.
    pub fn of(layout: &Layout) -> Result<Self> {
        let staged = Layout::new(swap::staged(layout));
        let coming = staged.clone();
        let given = Given::from_environment()?;
        let is_empty = !layout.secrets().exists();
        let view = if is_empty && staged.secrets().exists() {
            staged
        } else {
            if is_empty {
                suite::Basis::of(layout, &given, &operator::of_next_up(layout)?)?;
            }
            layout.clone()
        };
        let secrets = secrets::read(&view)?;
        let operator = operator::of_restored(layout, &view)?;
        let offset = Options::read(&view)?.with(&given)?.port_offset;
        let port = ports::shifted(ports::POSTGRES, offset)?;
        let (admin_url, private) = match operator.database_server() {
            Some(url) => (url.to_owned(), false),
            None => (postgres::admin_url(port, &secrets.postgres_password), true),
        };
        Ok(Self { layout: view, staged: coming, secrets, operator, admin_url, private, port })
    }

    /// The Neo4j of the instance, where it uses one.
    ///
    /// # Errors
    /// When the master configuration cannot be read.
    pub fn neo4j(&self) -> Result<Option<Neo4j>> {
        let known = |layout: &Layout| -> Result<Option<Neo4j>> {
            let config = MasterConfig::from(master_config::read(layout)?.document);
            Ok(neo4j_in_use(&config, &self.operator))
        };
        match known(&self.layout)? {
            Some(place) => Ok(Some(place)),
            // What comes with the archive.
            None => known(&self.staged),
        }
    }

    /// Port of the suite's own Neo4j.
    ///
    /// # Errors
    /// When there is no such port.
    pub fn neo4j_port(&self) -> Result<u16> {
        let offset = Options::read(&self.layout)?.with(&Given::from_environment()?)?.port_offset;
        Ok(ports::shifted(ports::NEO4J, offset)?)
    }

    /// Where each of these databases is.
    ///
    /// # Errors
    /// When an address is not valid, or a service is none of this instance.
    pub fn places(&self, wanted: &[(String, DatabaseFacts)]) -> Result<Vec<Place>> {
        let written = registry::written(&self.layout)?;
        let place = |(part, facts): &(String, DatabaseFacts)| {
            let (part, facts) = (part.clone(), facts.clone());
            Ok(
                match databases::elsewhere(
                    &self.layout,
                    &facts.service,
                    written.get(&facts.service),
                    &self.operator,
                )? {
                    Some(url) => {
                        let server = databases::with_database(&url, "postgres")?;
                        Place { part, facts, url, server, managed: false }
                    }
                    None => {
                        let password = &self.secrets.of(&facts.service).database_password;
                        if password.is_empty() {
                            bail!(
                                "{} is no service of this instance: its database has no owner here",
                                facts.service
                            );
                        }
                        let url = databases::own_url(&self.admin_url, &facts.service, password)?;
                        Place { part, facts, url, server: self.admin_url.clone(), managed: true }
                    }
                },
            )
        };
        wanted.iter().map(place).collect()
    }

    /// Makes the roles of the services, and their databases where there are none.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn make(&self, places: &[Place]) -> Result<()> {
        let managed: Vec<String> =
            places.iter().filter(|place| place.managed).map(|place| place.facts.service.clone()).collect();
        let admin_url = Some(self.admin_url.clone());
        Databases { urls: BTreeMap::new(), managed, admin_url }.make(&self.secrets).await
    }
}

impl Place {
    /// Name of the database.
    ///
    /// # Errors
    /// When the address names none.
    pub fn name(&self) -> Result<String> {
        let name = self.parsed()?.path().trim_start_matches('/').to_owned();
        if name.is_empty() {
            bail!("a database address names no database");
        }
        Ok(name)
    }

    /// The role that owns it.
    ///
    /// # Errors
    /// When the address names none.
    pub fn owner(&self) -> Result<String> {
        let pair = format!("x={}", self.parsed()?.username().replace('+', "%2B"));
        let owner = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, name)| name.into_owned());
        owner.filter(|name| !name.is_empty()).context("a database address names no role")
    }

    fn parsed(&self) -> Result<Url> {
        // The parse error would repeat the address with its password.
        self.url.parse().ok().context("a database address is not valid")
    }
}
