//! Where things lie below `HIVEMATRIX_HOME` (platform.md §2).

use std::path::{Path, PathBuf};

use crate::domain::backup::parts::SHELL_FILE;

/// The paths of one instance.
#[derive(Debug, Clone)]
pub struct Layout {
    home: PathBuf,
}

impl Layout {
    /// The instance in `home`, which must be absolute: services are started with other working directories.
    #[must_use]
    pub fn new(home: PathBuf) -> Self {
        Self { home }
    }

    /// `HIVEMATRIX_HOME`.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Folder of one service or server.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Folder of the process logs of one service or server.
    #[must_use]
    pub fn logs(&self, name: &str) -> PathBuf {
        self.folder(name).join("logs")
    }

    /// `services.json`, read by every service.
    #[must_use]
    pub fn services_json(&self) -> PathBuf {
        self.home.join("services.json")
    }

    /// All generated secrets (0600).
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.folder("helm").join("secrets.json")
    }

    /// Folder of the master configuration, and of copies of what a sync replaces.
    #[must_use]
    pub fn configs(&self) -> PathBuf {
        self.folder("helm").join("configs")
    }

    /// The master configuration, without secrets (platform.md §3.3).
    #[must_use]
    pub fn master_config(&self) -> PathBuf {
        self.configs().join("master_config.json")
    }

    /// The secrets of the master configuration (0600).
    #[must_use]
    pub fn master_secrets(&self) -> PathBuf {
        self.configs().join("master_secrets.json")
    }

    /// Held while the master configuration is changed.
    #[must_use]
    pub fn master_lock(&self) -> PathBuf {
        self.configs().join("master_config.lock")
    }

    /// Services of other makers that were found beside the instance, with the ports they were given.
    #[must_use]
    pub fn found_services(&self) -> PathBuf {
        self.folder("helm").join("found_services.json")
    }

    /// The operator's lasting settings, `KEY=VALUE` lines; the environment of a call wins over them.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.home.join("settings.env")
    }

    /// What `helm up` was told, kept for the next time.
    #[must_use]
    pub fn options(&self) -> PathBuf {
        self.folder("helm").join("instance.json")
    }

    /// Variables of the shells that brought the running suite up (0600).
    #[must_use]
    pub fn shell(&self) -> PathBuf {
        self.folder("helm").join(SHELL_FILE)
    }

    /// Which servers root found when it prepared the instance for systemd (0600).
    #[must_use]
    pub fn servers(&self) -> PathBuf {
        self.folder("helm").join("servers.json")
    }

    /// Digests of the settings that root gave the units of systemd (0600).
    #[must_use]
    pub fn handed(&self) -> PathBuf {
        self.folder("helm").join("handed.json")
    }

    /// Held while an update runs.
    #[must_use]
    pub fn update_lock(&self) -> PathBuf {
        self.folder("helm").join("update.lock")
    }

    /// Which services were stopped by hand.
    #[must_use]
    pub fn stopped(&self) -> PathBuf {
        self.folder("helm").join("stopped.json")
    }

    /// One record per running process, for adoption.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.folder("helm").join("run")
    }

    /// Held by the one daemon of this instance; contains its process id.
    #[must_use]
    pub fn daemon_lock(&self) -> PathBuf {
        self.folder("helm").join("daemon.lock")
    }

    /// Held while an instance is prepared.
    #[must_use]
    pub fn prepare_lock(&self) -> PathBuf {
        self.folder("helm").join("prepare.lock")
    }

    /// Folder of the control socket `control.sock`.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.folder("helm")
    }

    /// Where Core reads the hashes of the service secrets.
    #[must_use]
    pub fn service_secrets(&self) -> PathBuf {
        self.folder("core").join("service_secrets.json")
    }

    /// The generated first password of `admin` (0600).
    #[must_use]
    pub fn admin_password(&self) -> PathBuf {
        self.folder("core").join("admin_password")
    }
}
