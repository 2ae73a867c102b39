//! Core's signing keys: one that signs, those that still verify, perhaps one that waits (core.md §5).

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use chrono::{DateTime, SecondsFormat};
use hivematrix_shared::{
    auth::{DEFAULT_KEY_ID, LiveKeys, TokenKeys, Unverified},
    clock::Clock,
    contracts::core::{KeyState, SigningKey},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    key_files::{self, KeyFileError, io_error},
    key_manifest::{Manifest, Stamp},
    signer::{Signer, SigningError, thumbprint},
};
use crate::domain::{
    key_schedule::{KeySchedule, ScheduledKey},
    token_reason::TokenReason,
};

/// How often other processes' changes are looked for.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The keys of the tokens. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    manifest: Manifest,
    /// The pair in use before the first rotation.
    first: ScheduledKey,
    clock: Clock,
    current: ArcSwap<Loaded>,
    /// The same keys for whoever only verifies.
    verifying: LiveKeys,
    changes: watch::Sender<Vec<String>>,
}

#[derive(Clone)]
struct Loaded {
    schedule: KeySchedule,
    /// In the schedule's order.
    signers: Vec<Signer>,
    /// The state of the manifest when it was last read.
    stamp: Option<Stamp>,
    /// It could not be used then, and these keys are from before.
    is_stale: bool,
}

/// Keys could not be replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The last rotation's key does not sign yet.
    #[error("a new key is waiting already, it signs from {}", written(*signs_from))]
    Waiting {
        /// Unix seconds.
        signs_from: i64,
    },
    /// Key files could not be read or written.
    #[error(transparent)]
    Files(#[from] KeyFileError),
}

impl KeyRing {
    /// Reads the keys: those of the manifest beside the private key, else the one pair, which is made where it is missing.
    ///
    /// # Errors
    /// When any key that counts cannot be used (core.md §13).
    pub fn open(private: &Path, public: &Path, clock: Clock) -> Result<Self, KeyFileError> {
        let manifest = Manifest::beside(private);
        if manifest.read()?.is_none() {
            key_files::load_or_create(private, public)?;
        }
        let modified = fs::metadata(private).and_then(|meta| meta.modified()).ok();
        let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let first = ScheduledKey {
            kid: DEFAULT_KEY_ID.to_owned(),
            private: beside(private),
            public: if public.parent() == private.parent() { beside(public) } else { public.to_owned() },
            created_at: age.and_then(|age| i64::try_from(age.as_secs()).ok()).unwrap_or_default(),
            signs_from: 0,
            retires_at: None,
        };
        let loaded = load(&manifest, &first, clock.unix())?;
        let verifying = LiveKeys::from(loaded.token_keys(clock.unix()));
        let changes = watch::Sender::new(loaded.names());
        let current = ArcSwap::from_pointee(loaded);
        Ok(Self(Arc::new(Inner { manifest, first, clock, current, verifying, changes })))
    }

    /// The JWT of `claims`, with the key that signs now.
    pub async fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SigningError> {
        let loaded = self.0.current.load_full();
        let signer =
            loaded.signer(self.0.clock.unix()).ok_or_else(|| SigningError("there is no key".into()))?;
        signer.sign(claims).await
    }

    /// The claims of a token that one of the keys signed. Neither times nor issuer are looked at.
    pub fn open_token(&self, token: &str) -> Result<Value, TokenReason> {
        let unverified = Unverified::read(token)?;
        let find = || self.0.verifying.get(unverified.key_id(), self.0.clock.unix());
        // Another instance may have signed with a key that is only just there.
        let key = find().or_else(|| self.reload_if_changed().then(find).flatten());
        Ok(unverified.verified(&key.ok_or(TokenReason::Signature)?)?)
    }

    /// The published keys, the one that signs first (core.md §2.5).
    pub fn jwks(&self) -> Value {
        self.reload_if_changed();
        let keys: Vec<_> =
            self.0.current.load().in_order(self.0.clock.unix()).map(|(_, signer)| signer.jwk()).collect();
        json!({ "keys": keys })
    }

    /// The keys for verification; they follow every change.
    pub fn verifying(&self) -> LiveKeys {
        self.0.verifying.clone()
    }

    /// Signals changes of the published keys, with their names.
    pub fn changes(&self) -> watch::Receiver<Vec<String>> {
        self.0.changes.subscribe()
    }

    /// The keys and their times, the one that signs first.
    pub fn status(&self) -> Vec<SigningKey> {
        self.reload_if_changed();
        let now = self.0.clock.unix();
        let loaded = self.0.current.load();
        let signing = loaded.schedule.keys.get(loaded.schedule.signing(now));
        let state = |key: &ScheduledKey| match signing {
            Some(current) if current == key => KeyState::Signing,
            _ if key.signs_from > now => KeyState::Waiting,
            _ => KeyState::Retiring,
        };
        let describe = |(key, _): (&ScheduledKey, &Signer)| SigningKey {
            kid: key.kid.clone(),
            state: state(key),
            created_at: key.created_at,
            signs_from: key.signs_from,
            retires_at: key.retires_at,
        };
        loaded.in_order(now).map(describe).collect()
    }

    /// Makes a new key. It signs after 360 s, when every verifier has it, and the present one counts until its last token
    /// has expired. With `at_once`, for a stolen key, the new one signs immediately and no other counts any more. Blocks for
    /// as long as making a key takes.
    pub fn rotate(&self, at_once: bool) -> Result<(), RotateError> {
        let Inner { manifest, first, clock, .. } = &*self.0;
        let lock = manifest.lock()?;
        let before = manifest.read()?.unwrap_or_else(|| KeySchedule { keys: vec![first.clone()] });
        let now = clock.unix();
        if let (false, Some(waiting)) = (at_once, before.waiting(now)) {
            return Err(RotateError::Waiting { signs_from: waiting.signs_from });
        }
        let pair = key_files::generate()?;
        let kid = thumbprint(&pair);
        let (private, public) = key_files::names(&kid);
        let new = ScheduledKey { kid, private, public, created_at: now, signs_from: now, retires_at: None };
        key_files::write(&pair, &manifest.path_of(&new.private), &manifest.path_of(&new.public))?;
        let after = if at_once { KeySchedule::replaced_by(new, now) } else { before.hand_over(new, now) };
        self.store(&before, &after)?;
        drop(lock);
        self.reload()?;
        Ok(())
    }

    /// Writes a new schedule, then removes the files of the keys that are no longer in it, and what a process left that was
    /// killed while it wrote.
    fn store(&self, before: &KeySchedule, after: &KeySchedule) -> Result<(), KeyFileError> {
        let manifest = &self.0.manifest;
        manifest.write(after)?;
        let in_use: Vec<_> =
            after.keys.iter().flat_map(|key| [&key.private, &key.public]).map(PathBuf::as_path).collect();
        key_files::remove_leftovers(&manifest.path_of("".as_ref()), &in_use)?;
        let gone = before.keys.iter().filter(|key| after.keys.iter().all(|kept| kept.kid != key.kid));
        for key in gone {
            for file in [&key.private, &key.public] {
                let path = manifest.path_of(file);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(io_error(&path)(error));
                    }
                    _ => {}
                }
            }
            hivematrix_shared::audit!(kid = key.kid, "A signing key was removed");
        }
        Ok(())
    }

    /// Follows the manifest and the clock until it is dropped.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            self.tick();
        }
    }

    /// One step of [`KeyRing::watch`]: takes over changes, removes what is over.
    pub fn tick(&self) {
        if self.0.current.load().is_stale {
            if let Err(error) = self.reload() {
                tracing::debug!(error = %error, "the signing keys still cannot be read");
            }
        } else if !self.reload_if_changed() {
            self.publish();
        }
        if let Err(error) = self.remove_retired() {
            tracing::error!(error = %error, "a signing key that is over cannot be removed");
        }
    }

    fn remove_retired(&self) -> Result<(), KeyFileError> {
        let now = self.0.clock.unix();
        if self.0.current.load().schedule.keys.iter().all(|key| key.is_live(now)) {
            return Ok(());
        }
        let lock = self.0.manifest.lock()?;
        if let Some(before) = self.0.manifest.read()? {
            let after = before.live(now);
            if after != before {
                self.store(&before, &after)?;
            }
        }
        drop(lock);
        self.reload()
    }

    /// Whether the manifest was read again. Keys that cannot be used leave those in use as they are.
    fn reload_if_changed(&self) -> bool {
        let stamp = self.0.manifest.stamp();
        let current = self.0.current.load_full();
        if stamp == current.stamp {
            return false;
        }
        if let Err(error) = self.reload() {
            tracing::error!(error = %error, "the signing keys cannot be read again, those in use stay");
            self.0.current.store(Arc::new(Loaded { stamp, is_stale: true, ..Loaded::clone(&current) }));
            return false;
        }
        true
    }

    fn reload(&self) -> Result<(), KeyFileError> {
        let loaded = load(&self.0.manifest, &self.0.first, self.0.clock.unix())?;
        self.0.current.store(Arc::new(loaded));
        self.publish();
        Ok(())
    }

    /// Hands the keys of this moment to those who only verify.
    fn publish(&self) {
        let loaded = self.0.current.load();
        self.0.verifying.replace(loaded.token_keys(self.0.clock.unix()));
        self.0.changes.send_if_modified(|names| {
            let new = loaded.names();
            let is_new = *names != new;
            *names = new;
            is_new
        });
    }
}

impl Loaded {
    fn signer(&self, now: i64) -> Option<&Signer> {
        self.signers.get(self.schedule.signing(now))
    }

    /// The keys that count, the one that signs first.
    fn in_order(&self, now: i64) -> impl Iterator<Item = (&ScheduledKey, &Signer)> {
        let signing = self.schedule.signing(now);
        let all = || self.schedule.keys.iter().zip(&self.signers);
        let others = all().enumerate().filter(move |(at, _)| *at != signing).map(|(_, key)| key);
        all().skip(signing).take(1).chain(others.filter(move |(key, _)| key.is_live(now)))
    }

    fn token_keys(&self, now: i64) -> TokenKeys {
        self.in_order(now).fold(TokenKeys::default(), |keys, (key, signer)| {
            keys.with_key(signer.verifying_key(), key.retires_at)
        })
    }

    fn names(&self) -> Vec<String> {
        self.schedule.keys.iter().map(|key| key.kid.clone()).collect()
    }
}

fn load(manifest: &Manifest, first: &ScheduledKey, now: i64) -> Result<Loaded, KeyFileError> {
    let _lock = manifest.lock_shared()?;
    // Taken before the content is: a change in between is noticed the next time.
    let stamp = manifest.stamp();
    let schedule = manifest.read()?.unwrap_or_else(|| KeySchedule { keys: vec![first.clone()] }).live(now);
    if schedule.keys.is_empty() {
        let (path, reason) = (manifest.path(), "none of its keys counts any more".to_owned());
        return Err(KeyFileError::Manifest { path, reason });
    }
    let signer = |key: &ScheduledKey| {
        let (private, public) = (manifest.path_of(&key.private), manifest.path_of(&key.public));
        let pair = key_files::load(&private, &public)?;
        Signer::new(pair, &key.kid).ok_or(KeyFileError::NotAKey { path: private })
    };
    let signers = schedule.keys.iter().map(signer).collect::<Result<_, _>>()?;
    Ok(Loaded { schedule, signers, stamp, is_stale: false })
}

fn written(unix: i64) -> String {
    let time = DateTime::from_timestamp(unix, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn beside(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_else(|| path.to_owned())
}
