//! What `helm up` was told, kept in the instance so that the next `helm up` need not repeat it.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Layout, files, operator::for_this_command};
use crate::domain::registry::Addressing;

/// Choices that belong to the instance, not to one call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// `HIVEMATRIX_PORT_OFFSET`.
    pub port_offset: u16,
    /// Explicit public port of the gateway (`--port`, `HIVEMATRIX_PORT`).
    pub gateway_port: Option<u16>,
    /// The simulated ticket system, when the instance is a demo.
    pub demo: Option<Demo>,
    /// The operator chose the first password of `admin`: none is generated, then or later.
    pub admin_password_given: bool,
    /// The generated first password of `admin` has been printed.
    pub admin_password_shown: bool,
    /// The identity provider, when it is not Core's own realm (`helm keycloak configure`).
    pub keycloak: Option<Keycloak>,
}

/// A Keycloak that was set up for this instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keycloak {
    /// Base URL for calls from this machine, without the realm.
    pub url: String,
    /// Name of the realm.
    pub realm: String,
    /// The public origins it was told, the main one first.
    pub origins: Vec<String>,
}

/// The simulated world of `--demo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demo {
    /// `demo`, `reference` or `large`.
    pub size: String,
    /// Active tickets, instead of the size's own number.
    pub active: Option<u32>,
    /// Companies, instead of the size's own number.
    pub companies: Option<u32>,
}

/// What one call says; absent members leave the instance as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// `HIVEMATRIX_PORT_OFFSET`, when set.
    pub port_offset: Option<u16>,
    /// `--port` or `HIVEMATRIX_PORT`.
    pub gateway_port: Option<u16>,
    /// `--demo`.
    pub demo: bool,
    /// `--size`.
    pub size: Option<String>,
    /// `--active`.
    pub active: Option<u32>,
    /// `--companies`.
    pub companies: Option<u32>,
}

impl Given {
    /// What the environment says: `HIVEMATRIX_PORT_OFFSET` and `HIVEMATRIX_PORT`.
    ///
    /// # Errors
    /// When a value is no port number.
    pub fn from_environment() -> Result<Self> {
        let number = |name: &str| -> Result<Option<u16>> {
            let text = for_this_command(name);
            // Not the text: what stands there by mistake may be a secret.
            let number =
                text.map(|text| text.parse().ok().with_context(|| format!("{name} is no port number")));
            number.transpose()
        };
        Ok(Self {
            port_offset: number("HIVEMATRIX_PORT_OFFSET")?,
            gateway_port: number("HIVEMATRIX_PORT")?,
            ..Self::default()
        })
    }
}

impl Options {
    /// On which ports the services of the registry are.
    #[must_use]
    pub fn addressing(&self) -> Addressing {
        Addressing { offset: self.port_offset, gateway_port: self.gateway_port }
    }

    /// Reads the options of an instance; a new one has the defaults.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn read(layout: &Layout) -> Result<Self> {
        Ok(files::read_json(&layout.options())?.unwrap_or_default())
    }

    /// The options after one call.
    ///
    /// # Errors
    /// When sizes are given for an instance that is no demo.
    pub fn with(mut self, given: &Given) -> Result<Self> {
        if let Some(offset) = given.port_offset {
            self.port_offset = offset;
        }
        if given.gateway_port.is_some() {
            self.gateway_port = given.gateway_port;
        }
        let sized = given.size.is_some() || given.active.is_some() || given.companies.is_some();
        if given.demo && self.demo.is_none() {
            self.demo = Some(Demo { size: "demo".into(), active: None, companies: None });
        }
        match &mut self.demo {
            Some(demo) => {
                if let Some(size) = &given.size {
                    *demo = Demo { size: size.clone(), active: None, companies: None };
                }
                demo.active = given.active.or(demo.active);
                demo.companies = given.companies.or(demo.companies);
            }
            None if sized => bail!("--size, --active and --companies need --demo"),
            None => {}
        }
        Ok(self)
    }

    /// Keeps the options.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        files::write_json(&layout.options(), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_remembers_its_demo_its_port_and_its_offset() {
        let first =
            Given { port_offset: Some(100), gateway_port: Some(9000), demo: true, ..Given::default() };
        let options = Options::default().with(&first).unwrap();
        assert_eq!(options.demo.as_ref().unwrap().size, "demo");
        assert_eq!(options.clone().with(&Given::default()).unwrap(), options);
    }

    #[test]
    fn a_new_size_forgets_the_numbers_of_the_old_one() {
        let numbers = Given { demo: true, active: Some(7), companies: Some(3), ..Given::default() };
        let options = Options::default().with(&numbers).unwrap();
        let resized = options.with(&Given { size: Some("large".into()), ..Given::default() }).unwrap();
        assert_eq!(resized.demo, Some(Demo { size: "large".into(), active: None, companies: None }));
    }

    #[test]
    fn sizes_need_a_demo() {
        let given = Given { active: Some(5), ..Given::default() };
        assert!(Options::default().with(&given).is_err());
    }
}
