//! What must be on the machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The programs a browser test needs.
#[derive(Debug, Clone)]
pub struct Browsers {
    /// The browser.
    pub chromium: PathBuf,
    /// Its WebDriver server.
    pub chromedriver: PathBuf,
}

/// Finds the browser, or says what to install.
///
/// # Errors
///
/// The missing program and its Debian package.
pub fn browsers() -> Result<Browsers> {
    Ok(Browsers {
        chromium: on_path("chromium").context("chromium is not installed (Debian package chromium)")?,
        chromedriver: on_path("chromedriver")
            .context("chromedriver is not installed (Debian package chromium-driver)")?,
    })
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]);
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Where a failure to find the browser is a failure: on the build server.
#[must_use]
pub fn must_run() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// The folders of this build.
#[derive(Debug, Clone)]
pub struct Build {
    /// `helm`; the services lie beside it.
    pub helm: PathBuf,
    /// Where pictures and logs are kept: `e2e` in the target directory.
    pub artefacts: PathBuf,
}

/// Finds the suite that was built in the profile of the running test.
///
/// # Errors
///
/// When it was not built.
pub fn build() -> Result<Build> {
    let test = std::env::current_exe().context("cannot tell where the test lies")?;
    // target/<profile>/deps/<test>
    let profile =
        test.parent().and_then(Path::parent).context("the test does not lie in a target directory")?;
    let helm = profile.join("helm");
    if !helm.is_file() {
        bail!("{} is not there: build the suite first (cargo build --workspace --bins)", helm.display());
    }
    let artefacts = profile.parent().unwrap_or(profile).join("e2e");
    std::fs::create_dir_all(&artefacts).with_context(|| format!("cannot create {}", artefacts.display()))?;
    Ok(Build { helm, artefacts })
}
