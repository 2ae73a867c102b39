//! A browser of its own for one scenario.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::capabilities::desiredcapabilities::CapabilitiesHelper;
use thirtyfour::{By, ChromiumLikeCapabilities, DesiredCapabilities, TypingData, WebDriver, WebElement};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::needs::Browsers;
use crate::suite::{ARRIVAL, Suite};
use crate::wait::{eventually, when};

/// A page is there by then.
const PAGE: Duration = Duration::from_secs(60);

/// Two frames, and the end of every transition. Animations may go on for ever.
const SETTLED: &str = "
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const transitions = () => document.getAnimations().filter((a) => a instanceof CSSTransition);
    return frame().then(frame).then(() => Promise.allSettled(transitions().map((a) => a.finished))).then(() => true);";

const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--ignore-certificate-errors",
    "--window-size=1440,1000",
];

/// A browser with a fresh profile.
#[derive(Debug)]
pub struct Browser {
    /// The driver, for whatever has no shortcut here.
    pub driver: WebDriver,
    server: Child,
    address: String,
    // Removed with the browser's history and cookies in it.
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// When driver or browser do not start.
    pub async fn start(programs: &Browsers) -> Result<Self> {
        let (server, port) = start_driver(programs).await?;
        let profile = tempfile::Builder::new().prefix("hivematrix-browser-").tempdir()?;
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&programs.chromium.display().to_string())?;
        wanted.accept_insecure_certs(true)?;
        for flag in FLAGS {
            wanted.add_arg(flag)?;
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        wanted.set("goog:loggingPrefs", json!({"browser": "ALL"}))?;
        let address = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(&address, wanted).await.context("the browser")?;
        Ok(Self { driver, server, address, _profile: profile })
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub async fn quit(mut self) -> Result<()> {
        self.driver.quit().await?;
        self.server.kill().await.context("cannot end chromedriver")
    }

    /// Address of the browser's driver.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens a page of the suite.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded.
    pub async fn open(&self, suite: &Suite, path: &str) -> Result<()> {
        self.driver.goto(format!("{}{path}", suite.url)).await.with_context(|| format!("cannot open {path}"))
    }

    /// Waits for an element.
    ///
    /// # Errors
    ///
    /// When it does not appear.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        eventually(&format!("{css} is on the page"), PAGE, async || {
            Ok(self.driver.find_all(By::Css(css)).await?.into_iter().next())
        })
        .await
    }

    /// Whether an element is there now.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn has(&self, css: &str) -> Result<bool> {
        Ok(!self.driver.find_all(By::Css(css)).await?.is_empty())
    }

    /// Runs a script in the page; promises are waited for.
    ///
    /// # Errors
    ///
    /// When it throws.
    pub async fn script(&self, code: &str) -> Result<Value> {
        Ok(self.driver.execute(code, Vec::new()).await?.json().clone())
    }

    /// Waits until an expression of the page is true.
    ///
    /// # Errors
    ///
    /// When it does not become so.
    pub async fn becomes(&self, what: &str, expression: &str) -> Result<()> {
        let code = format!("return Boolean({expression})");
        eventually(what, ARRIVAL, async || Ok(when(self.script(&code).await? == true))).await
    }

    /// Types where the focus is.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn keys(&self, keys: impl Into<TypingData>) -> Result<()> {
        self.driver.active_element().await?.send_keys(keys.into()).await?;
        Ok(())
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    ///
    /// # Errors
    ///
    /// When the browser refuses.
    pub async fn before_every_page(&self, code: &str) -> Result<()> {
        let script = json!({"source": code});
        self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", script).await?;
        Ok(())
    }

    /// As if the system asked for a look, such as `prefers-reduced-motion: reduce`.
    ///
    /// # Errors
    ///
    /// When the browser refuses.
    pub async fn system_asks_for(&self, feature: &str, value: &str) -> Result<()> {
        let media = json!({"features": [{"name": feature, "value": value}]});
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Fills in the login form on the page.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn fill_login(&self, username: &str, password: &str) -> Result<()> {
        let name = self.find("input[name=username]").await?;
        name.clear().await?;
        name.send_keys(username).await?;
        let secret = self.find("input[name=password]").await?;
        secret.send_keys(password).await?;
        self.find("button[type=submit]").await?.click().await?;
        Ok(())
    }

    /// Signs in and stays on whatever page follows.
    ///
    /// # Errors
    ///
    /// When the gateway does not take the login.
    pub async fn sign_in(&self, suite: &Suite, username: &str) -> Result<()> {
        self.open(suite, "/").await?;
        self.fill_login(username, &suite.password).await?;
        eventually("the login form is left", PAGE, async || {
            Ok(when(!self.has("input[name=password]").await? && self.is_on(suite).await?))
        })
        .await
    }

    /// Whether the address is one of the gateway's and the page is complete.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn is_on(&self, suite: &Suite) -> Result<bool> {
        let complete = self.script("return document.readyState").await? == "complete";
        Ok(complete && self.driver.current_url().await?.as_str().starts_with(&suite.url))
    }

    /// Status of a request that the page itself makes.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn fetch_status(&self, path: &str) -> Result<u64> {
        let path = serde_json::to_string(path)?;
        let code = format!("return fetch({path}, {{headers: {{Accept: 'text/html'}}}}).then(r => r.status)");
        self.script(&code).await?.as_u64().context("no status")
    }

    /// Waits until nothing on the page changes its look any more.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn settled(&self) -> Result<()> {
        self.script(SETTLED).await?;
        Ok(())
    }

    /// Shows the page `width` pixels wide, as on a device of that size.
    ///
    /// # Errors
    ///
    /// When the browser refuses.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await?;
        Ok(())
    }

    /// Saves a picture of what is to be seen.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        self.settled().await?;
        let png = self.driver.screenshot_as_png().await?;
        std::fs::write(file, png).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Saves a picture of the whole page, also of what has to be scrolled to.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written.
    pub async fn whole_picture(&self, file: &Path) -> Result<()> {
        self.settled().await?;
        let how = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.driver.cdp().send_raw("Page.captureScreenshot", how).await?;
        let png = BASE64_STANDARD.decode(answer["data"].as_str().context("no picture")?)?;
        std::fs::write(file, png).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Starts the driver. It takes a port that is free in one family of addresses, and ends when another program has it in the
/// other: once more then.
async fn start_driver(programs: &Browsers) -> Result<(Child, u16)> {
    let mut tries = 3;
    loop {
        let mut server = Command::new(&programs.chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start chromedriver")?;
        tries -= 1;
        match port_of(&mut server).await {
            Ok(port) => return Ok((server, port)),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

/// The port that the driver has taken: it says so in a line.
async fn port_of(server: &mut Child) -> Result<u16> {
    let output = server.stdout.take().context("chromedriver has no output")?;
    let mut lines = BufReader::new(output).lines();
    let read = async {
        while let Some(line) = lines.next_line().await? {
            if let Some((_, port)) = line.split_once("successfully on port ") {
                return Ok(port.trim_end_matches('.').parse()?);
            }
        }
        bail!("chromedriver ended")
    };
    let port = tokio::time::timeout(PAGE, read).await.context("chromedriver says nothing")?;
    // It must always find somebody who reads.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    port
}
