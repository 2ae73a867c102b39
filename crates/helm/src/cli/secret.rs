//! `helm secret`: a service's secret towards Core, for whoever may read the instance's secrets.

use anyhow::{Result, bail};

use super::output::say;
use crate::instance::{Layout, secrets};

pub(super) fn run(layout: &Layout, service: &str) -> Result<()> {
    let secret = secrets::read(layout)?.of(service).service_secret;
    if secret.is_empty() {
        bail!("there is no service {service}");
    }
    say!("{secret}");
    Ok(())
}
