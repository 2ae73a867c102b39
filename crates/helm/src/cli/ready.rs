//! Waits until everything is ready, whoever runs the suite, and says what is, and in the end what is not.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::output::{Colour, coloured, paint, say};
use crate::{
    domain::ports,
    suite::Prepared,
    supervisor::probe::{Probe, local_client},
};

/// Everything must be ready by then; a first start with migrations and a demo takes longest.
const PATIENCE: Duration = Duration::from_secs(180);
/// A service that crashes this often does not come up by waiting.
pub(super) const CRASHES: u32 = 6;

/// What one look at everything finds.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Names of what is ready.
    pub ready: Vec<String>,
    /// What is not, each with its reason, in words.
    pub late: Vec<String>,
    /// Something of it does not become ready by waiting.
    pub hopeless: bool,
}

/// Looks at everything, again and again.
pub(super) trait Watch {
    /// Pause between two looks.
    const PAUSE: Duration;

    /// One look.
    async fn look(&mut self) -> Result<Look>;
}

/// Waits until nothing is late.
///
/// # Errors
/// When it takes too long or is hopeless, with everything that is late.
pub(super) async fn wait<W: Watch>(mut watch: W) -> Result<()> {
    let (started, colours) = (Instant::now(), coloured());
    let mut told: BTreeSet<String> = BTreeSet::new();
    loop {
        let look = watch.look().await?;
        for name in look.ready {
            if !told.contains(&name) {
                let seconds = started.elapsed().as_secs_f32();
                say!("  {} {name:<12} {seconds:5.1} s", paint("ready", Colour::Green, colours));
                told.insert(name);
            }
        }
        if look.late.is_empty() {
            return Ok(());
        }
        if look.hopeless || started.elapsed() > PATIENCE {
            let late: String = look.late.iter().map(|late| format!("\n  {late}")).collect();
            bail!("not everything is ready (what runs goes on; `helm down` stops it):{late}");
        }
        tokio::time::sleep(W::PAUSE).await;
    }
}

/// Whether Helm itself is ready: its log store must be open as well.
///
/// # Errors
/// When its port is none, or TLS cannot be set up.
pub(super) fn helm_probe(prepared: &Prepared) -> Result<Probe> {
    let port = ports::shifted(ports::HELM, prepared.options.port_offset)?;
    Ok(Probe::Http { client: local_client()?, url: format!("http://127.0.0.1:{port}/readyz") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that were written down.
    struct Script(Vec<Look>);

    impl Watch for Script {
        const PAUSE: Duration = Duration::ZERO;

        async fn look(&mut self) -> Result<Look> {
            Ok(self.0.remove(0))
        }
    }

    fn look(late: &[&str], hopeless: bool) -> Look {
        let late = late.iter().map(|late| (*late).to_owned()).collect();
        Look { ready: vec!["core".to_owned()], late, hopeless }
    }

    #[tokio::test]
    async fn it_ends_when_nothing_is_late_or_nothing_is_to_be_hoped() {
        let script = |looks| wait(Script(looks));
        script(vec![look(&["codex: no answer yet"], false), look(&[], false)]).await.unwrap();
        let error = script(vec![look(&["codex: a", "beacon: b"], true)]).await.unwrap_err().to_string();
        assert!(error.ends_with(":\n  codex: a\n  beacon: b"), "{error}");
    }
}
