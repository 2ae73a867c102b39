//! End-to-end tests: the whole suite as a user meets it.
//!
//! The scenarios of `tests/suite` happen in a real browser, against a simulated vendor. They share one suite, started by the built `helm` in an instance directory and
//! on ports of its own ([`suite`]); each has a browser of its own ([`browser`]), reads the ticket board through
//! [`board`], and is run one after the other by [`runner`], which can skip, unlike the standard test harness.
//!
//! The scenarios of `tests/login` happen in a [`visitor`], a browser without scripts, once with Core's own realm and once
//! with a real Keycloak ([`keycloak`]); accounts are made by the interface both have ([`directory`]).

pub mod authenticator;
pub mod axe;
pub mod board;
pub mod browser;
pub mod console;
pub mod directory;
pub mod inspect;
pub mod instance;
pub mod keycloak;
pub mod needs;
pub mod page;
pub mod relay;
pub mod runner;
pub mod suite;
pub mod visitor;
pub mod wait;
