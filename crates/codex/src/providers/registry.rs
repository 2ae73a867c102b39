//! Which providers of a kind there are, and which of them this instance has.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ProviderError;

/// A kind of provider: its trait as a trait object.
pub trait Kind {
    /// What such systems are called, `PSA` or `RMM`.
    const SYSTEM: &'static str;
    /// The names of all providers of the kind this build knows.
    const KNOWN: &'static [&'static str];
    /// The one that is used where neither a call nor the settings name another.
    const DEFAULT: &'static str;

    /// Name in configuration and rows.
    fn key(&self) -> &'static str;
}

/// The providers of a kind that are configured, by name.
pub struct Registry<P: ?Sized> {
    default: Option<String>,
    enabled: BTreeMap<&'static str, Arc<P>>,
    /// Why a known provider is not among the enabled ones.
    unavailable: BTreeMap<&'static str, ProviderError>,
    /// Names that the settings list, whether they can be used or not.
    wanted: Vec<String>,
}

impl<P: Kind + ?Sized> Registry<P> {
    /// No provider at all, to be filled with [`Self::with`] and [`Self::without`].
    pub fn new(default: impl Into<String>) -> Self {
        Self { default: Some(default.into()), ..Self::default() }
    }

    /// Adds a configured provider.
    #[must_use]
    pub fn with(mut self, provider: Arc<P>) -> Self {
        self.enabled.insert(provider.key(), provider);
        self
    }

    /// Records why a known provider cannot be used.
    #[must_use]
    pub fn without(mut self, name: &'static str, reason: ProviderError) -> Self {
        self.unavailable.insert(name, reason);
        self
    }

    /// Records which providers somebody wants to be read.
    #[must_use]
    pub fn wanting<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.wanted =
            names.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        self
    }

    /// Names of the providers that can be used, and then of those that somebody wants to be read and that cannot: whoever asks
    /// for all of them has to hear about these.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.enabled.keys().copied().collect();
        for name in &self.wanted {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The provider of that name, or the default one.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`] for a name nobody knows, [`ProviderError::NotConfigured`] for a known one without
    /// address or key.
    pub fn get(&self, name: Option<&str>) -> Result<Arc<P>, ProviderError> {
        let name = name.unwrap_or_else(|| self.default_name());
        if let Some(provider) = self.enabled.get(name) {
            return Ok(Arc::clone(provider));
        }
        Err(self.unavailable.get(name).cloned().unwrap_or_else(|| ProviderError::Unknown {
            system: P::SYSTEM,
            name: name.to_owned(),
            known: P::KNOWN.join(", "),
        }))
    }

    /// Name of the provider used when a call names none.
    pub fn default_name(&self) -> &str {
        self.default.as_deref().unwrap_or(P::DEFAULT)
    }

    /// All configured providers, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<P>> {
        self.enabled.values()
    }

    /// Whether nothing is configured.
    pub fn is_empty(&self) -> bool {
        self.enabled.is_empty()
    }
}

// Written out, since deriving them would ask the same of the provider.
impl<P: ?Sized> Clone for Registry<P> {
    fn clone(&self) -> Self {
        Self {
            default: self.default.clone(),
            enabled: self.enabled.clone(),
            unavailable: self.unavailable.clone(),
            wanted: self.wanted.clone(),
        }
    }
}

impl<P: ?Sized> Default for Registry<P> {
    fn default() -> Self {
        Self { default: None, enabled: BTreeMap::new(), unavailable: BTreeMap::new(), wanted: Vec::new() }
    }
}

impl<P: ?Sized> std::fmt::Debug for Registry<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("enabled", &self.enabled.keys()).finish_non_exhaustive()
    }
}
