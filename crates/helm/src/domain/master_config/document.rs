//! The master configuration as a document: read and changed by path, with everything it does not know kept as it is.

use serde_json::{Map, Value};

use super::schema::{self, KEYS};

/// Stands where a secret is not shown.
pub const HIDDEN: &str = "***";

/// Something that must not stand where it does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {reason}")]
pub struct Fault {
    /// Path with dots.
    pub path: String,
    /// What is wrong, after the path.
    pub reason: String,
}

/// A JSON object of settings, secrets included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document(Map<String, Value>);

impl Document {
    /// The document of a new instance: every system default, so that an operator sees what there is.
    #[must_use]
    pub fn with_defaults() -> Self {
        let mut document = Self::default();
        for key in KEYS.iter().filter(|key| key.path.starts_with("system.")) {
            if let Some(default) = key.default {
                let value = key.kind.checked(&Value::from(default)).unwrap_or_default();
                document.put(&key.path.split('.').collect::<Vec<_>>(), value);
            }
        }
        document.put(&["keycloak"], Value::Object(Map::new()));
        document.put(&["databases"], Value::Object(Map::new()));
        document.put(&["apps"], Value::Object(Map::new()));
        document
    }

    /// A document read from a file.
    ///
    /// # Errors
    /// When it is no object, or one of its values is not what it must be.
    pub fn of(value: Value) -> Result<Self, Vec<Fault>> {
        let Value::Object(map) = value else {
            return Err(vec![Fault {
                path: "the configuration".into(),
                reason: "must be a JSON object".into(),
            }]);
        };
        let mut document = Self(map);
        let faults = document.normalise();
        if faults.is_empty() { Ok(document) } else { Err(faults) }
    }

    /// The whole as JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// What stands at a path, of whatever kind.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, step| value.get(*step))
    }

    /// The text, number or flag at a path, as text; an empty one is not set.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<String> {
        match self.get(path)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The value that holds at a path: what is set, else the default of its key.
    #[must_use]
    pub fn effective(&self, path: &[&str]) -> Option<String> {
        self.text(path).or_else(|| schema::find(path)?.default.map(str::to_owned))
    }

    /// Sets a value, or a whole object. A secret that comes as it is shown, [`HIDDEN`], stays what it is.
    ///
    /// # Errors
    /// When the path leads nowhere, a hidden secret is none that is stored, or the document would hold something wrong; nothing
    /// is changed then.
    pub fn set(&mut self, path: &[&str], mut value: Value) -> Result<(), Vec<Fault>> {
        check_path(path)?;
        let mut faults = Vec::new();
        self.reveal(&mut path.iter().map(|step| (*step).to_owned()).collect(), &mut value, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut changed = self.clone();
        changed.put(path, value);
        let faults = changed.normalise();
        if !faults.is_empty() {
            return Err(faults);
        }
        *self = changed;
        Ok(())
    }

    fn reveal(&self, path: &mut Vec<String>, value: &mut Value, faults: &mut Vec<Fault>) {
        if let Value::Object(map) = value {
            for (name, inner) in map.iter_mut() {
                path.push(name.clone());
                self.reveal(path, inner, faults);
                path.pop();
            }
            return;
        }
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        if *value != HIDDEN || !schema::is_secret(&steps) {
            return;
        }
        match self.get(&steps) {
            Some(stored) => *value = stored.clone(),
            None => faults.push(Fault {
                path: path.join("."),
                reason: format!("is not set, so {HIDDEN} stands for nothing: give the secret itself"),
            }),
        }
    }

    /// Takes a value or object away; whether there was one.
    pub fn unset(&mut self, path: &[&str]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut map = &mut self.0;
        for step in parents {
            match map.get_mut(*step) {
                Some(Value::Object(inner)) => map = inner,
                _ => return false,
            }
        }
        map.shift_remove(*last).is_some()
    }

    fn put(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut map = &mut self.0;
        for step in parents {
            let inner = map.entry(*step).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Value::Object(inner) = inner else { return };
            map = inner;
        }
        map.insert((*last).to_owned(), value);
    }

    /// Brings known values to their stored form and says what cannot be.
    fn normalise(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut root = Value::Object(std::mem::take(&mut self.0));
        for name in ["system", "keycloak", "databases", "apps"] {
            if root.get(name).is_some_and(|section| !section.is_object()) {
                faults.push(Fault { path: name.to_owned(), reason: "must be an object".to_owned() });
            }
        }
        visit(&mut root, &mut Vec::new(), &mut faults);
        if let Value::Object(map) = root {
            self.0 = map;
        }
        faults
    }

    /// Single values by path, in the order of the document.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Vec<String>, Value)> {
        let mut found = Vec::new();
        let mut path = Vec::new();
        for (name, value) in &self.0 {
            collect(name, value, &mut path, &mut found);
        }
        found
    }

    /// What everybody may read, and the secrets, each at its path.
    #[must_use]
    pub fn split(&self) -> (Self, Self) {
        let (mut open, mut secret) = (self.clone(), Self::default());
        for (path, value) in self.leaves() {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if schema::is_secret(&path) {
                open.unset(&path);
                secret.put(&path, value);
            }
        }
        (open, secret)
    }

    /// This with the values of another laid over it.
    #[must_use]
    pub fn overlaid(mut self, other: &Self) -> Self {
        for (path, value) in other.leaves() {
            self.put(&path.iter().map(String::as_str).collect::<Vec<_>>(), value);
        }
        self
    }

    /// This with secrets out of sight.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        for (path, _) in self.leaves() {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if schema::is_secret(&path) {
                self.put(&path, Value::from(HIDDEN));
            }
        }
        self
    }
}

fn collect(name: &str, value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Value)>) {
    path.push(name.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| collect(name, value, path, found)),
        single => found.push((path.clone(), single.clone())),
    }
    path.pop();
}

/// Steps of a path, as it is typed; `codex` alone means the settings of that service (upstream's form).
///
/// # Errors
/// When it is no path.
pub fn parse_path(given: &str) -> Result<Vec<&str>, Vec<Fault>> {
    let mut steps: Vec<&str> = given.split('.').collect();
    if let [single] = steps[..]
        && !["system", "keycloak", "databases", "apps"].contains(&single)
    {
        steps.insert(0, "apps");
    }
    check_path(&steps)?;
    Ok(steps)
}

fn check_path(path: &[&str]) -> Result<(), Vec<Fault>> {
    let fault = |reason: &str| Err(vec![Fault { path: path.join("."), reason: reason.to_owned() }]);
    if path.is_empty() || path.iter().any(|step| !is_name(step)) {
        return fault("is no path such as system.log_level");
    }
    if path.len() > 1 && path[0] == "apps" && !is_service(path[1]) {
        return fault("names no service: small letters, digits, _ and -");
    }
    Ok(())
}

/// Names stand in paths, and those of sections and keys in INI files.
fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b':' | b'@'))
        && text.trim() == text
}

fn is_service(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

fn visit(value: &mut Value, path: &mut Vec<String>, faults: &mut Vec<Fault>) {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let fault = |reason: String| Fault { path: steps.join("."), reason };
    if let Some(key) = schema::find(&steps) {
        match key.kind.checked(value) {
            Ok(checked) => *value = checked,
            // An empty value is one that was not filled in.
            Err(_) if value.as_str().is_some_and(|text| text.trim().is_empty()) => {}
            Err(reason) => faults.push(fault(reason)),
        }
        return;
    }
    match value {
        Value::Object(map) => {
            let is_app = steps == ["apps"];
            let in_sections = steps.len() >= 3 && steps[0] == "apps" && steps[2] == "sections";
            for name in map.keys() {
                let wrong = if is_app { !is_service(name) } else { in_sections && !is_name(name) };
                if wrong {
                    faults.push(fault("holds a name that no service, section or key can have".to_owned()));
                }
            }
            for (name, inner) in map.iter_mut() {
                path.push(name.clone());
                visit(inner, path, faults);
                path.pop();
            }
        }
        Value::Array(_) if schema::is_section_value(&steps) => {
            faults.push(fault("must be a single value".to_owned()));
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                visit(item, path, faults);
            }
        }
        Value::String(text) => {
            if let Err(reason) = schema::check_text(text) {
                faults.push(fault(reason));
            }
        }
        _ => {}
    }
}
