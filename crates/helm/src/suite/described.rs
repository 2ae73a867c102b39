//! What the services are told, from everything that is settled about an instance.

use std::collections::BTreeMap;

use anyhow::Result;
use hivematrix_shared::clock::Clock;

use super::Basis;
use crate::{
    domain::{child_env::Suite, operator::Operator, ports},
    instance::{
        Layout, databases, foreign,
        machine::{addresses, hostname},
        options::{Given, Options},
        registry,
    },
};

/// What the services are told.
pub(super) fn suite_of(
    layout: &Layout,
    basis: &Basis,
    operator: &Operator,
    database_urls: &BTreeMap<String, String>,
    redis_url: Option<String>,
) -> Result<Suite> {
    let (options, secrets) = (&basis.options, &basis.secrets);
    let own_lines = basis
        .registry
        .iter()
        .filter(|(_, entry)| foreign::is_upstream(layout, entry))
        .map(|(name, entry)| (name.to_owned(), foreign::own_lines(layout, entry)))
        .collect();
    Ok(Suite {
        home: layout.home().to_owned(),
        services_file: layout.services_json(),
        port_offset: options.port_offset,
        registry: basis.registry.clone(),
        secrets: secrets.clone(),
        database_urls: database_urls.clone(),
        redis_url,
        hostname: hostname(),
        addresses: addresses(),
        service_secrets_file: layout.service_secrets(),
        admin_password_file: (!options.admin_password_given).then(|| layout.admin_password()),
        simulator: simulator_address(options, ports::SIMULATOR, &secrets.simulator_api_key)?,
        simulator_rmm: simulator_address(options, ports::SIMULATOR_RMM, &secrets.simulator_rmm_key)?,
        config: basis.config.clone(),
        own_lines,
        operator: operator.clone(),
    })
}

fn simulator_address(options: &Options, port: u16, key: &str) -> Result<Option<(String, String)>> {
    if options.demo.is_none() {
        return Ok(None);
    }
    let port = ports::shifted(port, options.port_offset)?;
    Ok(Some((format!("http://127.0.0.1:{port}"), key.to_owned())))
}

/// What the services would be told, without looking at servers or making any: for the files of foreign services, which
/// have no use for Redis.
///
/// # Errors
/// In words, naming the part that failed.
pub fn describe(layout: &Layout, operator: &Operator) -> Result<Suite> {
    let basis = Basis::of(layout, &Given::from_environment()?, operator)?;
    registry::write(layout, &basis.registry)?;
    let urls = basis
        .registry
        .iter()
        .filter(|(_, entry)| entry.needs_database() && !entry.is_remote())
        .map(|(name, _)| Ok((name.to_owned(), databases::url_of(layout, name, &basis.secrets, operator)?)))
        .collect::<Result<BTreeMap<String, String>>>()?;
    suite_of(layout, &basis, operator, &urls, None)
}

/// Writes the files of foreign services, of all or of one, and says how each came out.
///
/// # Errors
/// When the instance cannot be read.
pub fn sync(layout: &Layout, operator: &Operator, only: Option<&str>) -> Result<Vec<foreign::Synced>> {
    Ok(foreign::sync(layout, &describe(layout, operator)?, only, Clock::system().now()))
}
