//! Calls to other services: address from the registry, cached service token, correlation id, timeout (platform.md §8).

mod elements;
mod request;
#[cfg(test)]
mod tests;
mod tokens;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::Method;

use self::tokens::TokenCache;
pub use self::{
    elements::{Incoming, read_elements, read_incoming},
    request::ServiceRequest,
};
use crate::{config::CommonSettings, problem::Problem, registry::RegistryHandle};

/// How long an instance that could not be reached is left out while others are there.
const DEAD_FOR: Duration = Duration::from_secs(5);

/// Calls other services with service tokens. Cheap to clone.
#[derive(Clone)]
pub struct ServiceClient(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    registry: RegistryHandle,
    /// Addresses from the settings, which win over the registry.
    core_urls: Vec<String>,
    helm_urls: Vec<String>,
    port_offset: u16,
    tokens: TokenCache,
    next: AtomicUsize,
    dead: Mutex<HashMap<String, Instant>>,
    default_urls: Mutex<HashMap<String, String>>,
}

/// Why a call to a service has no answer. An answer with an error status is not an error here.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The registry does not name the service.
    #[error("the service `{0}` is not registered")]
    UnknownService(String),
    /// Core refused the service token.
    #[error("Core gave no token for `{target}`: {reason}")]
    Token {
        /// The service the token was for.
        target: String,
        /// What Core said.
        reason: String,
    },
    /// Core answered that the acting user's token does not count.
    #[error("the acting user's session is not valid any more")]
    ActingUser,
    /// The service, or Core for its token, cannot be reached.
    #[error("`{service}` cannot be reached: {reason}")]
    Unreachable {
        /// The service that was called.
        service: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("`{0}` did not answer in time")]
    Timeout(String),
    /// The answer is not what the contract says.
    #[error("`{service}` answered {what}")]
    BadAnswer {
        /// The service that was called.
        service: String,
        /// What came.
        what: String,
    },
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let problem = match &error {
            ServiceError::ActingUser => Self::unauthorized("The session has been revoked."),
            ServiceError::Timeout(service) => Self::new(http::StatusCode::GATEWAY_TIMEOUT)
                .detail(format!("The service {service} did not answer in time.")),
            ServiceError::BadAnswer { service, .. } => {
                Self::bad_gateway(format!("The service {service} gave an unexpected answer."))
            }
            ServiceError::UnknownService(service) | ServiceError::Unreachable { service, .. } => {
                Self::unavailable(format!("The service {service} is not available."), 5)
            }
            ServiceError::Token { target, .. } => {
                Self::unavailable(format!("The service {target} is not available."), 5)
            }
        };
        problem.cause(error)
    }
}

impl ServiceClient {
    /// A client for the service that `settings` describe.
    pub fn new(settings: &CommonSettings, registry: RegistryHandle) -> Result<Self, reqwest::Error> {
        let http = http_client(settings)?;
        Ok(Self(Arc::new(Inner {
            tokens: TokenCache::new(settings.service_name.clone(), settings.service_secret.clone()),
            http,
            registry,
            core_urls: addresses(settings.core_url.as_deref()),
            helm_urls: addresses(settings.helm_url.as_deref()),
            port_offset: settings.port_offset,
            next: AtomicUsize::new(0),
            dead: Mutex::default(),
            default_urls: Mutex::default(),
        })))
    }

    /// `GET` of a service's path (with leading slash, without its prefix).
    pub fn get(&self, service: &str, path: &str) -> ServiceRequest {
        self.request(Method::GET, service, path)
    }

    /// `POST` to a service's path.
    pub fn post(&self, service: &str, path: &str) -> ServiceRequest {
        self.request(Method::POST, service, path)
    }

    /// `PUT` to a service's path.
    pub fn put(&self, service: &str, path: &str) -> ServiceRequest {
        self.request(Method::PUT, service, path)
    }

    /// `DELETE` of a service's path.
    pub fn delete(&self, service: &str, path: &str) -> ServiceRequest {
        self.request(Method::DELETE, service, path)
    }

    /// Any request to a service.
    pub fn request(&self, method: Method, service: &str, path: &str) -> ServiceRequest {
        ServiceRequest::new(self.clone(), method, service, path)
    }

    /// The shared HTTP client, for calls that need no service token (health probes, Core's open routes).
    pub fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// Where `service` is while the registry does not name it (a setting such as `CODEX_SERVICE_URL`).
    pub fn set_default_url(&self, service: &str, url: &str) {
        let mut urls = self.0.default_urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.insert(service.to_owned(), url.trim_end_matches('/').to_owned());
    }

    /// Base URLs of all instances of a service.
    fn instances(&self, service: &str) -> Result<Vec<String>, ServiceError> {
        let configured: &[String] = match service {
            "core" => &self.0.core_urls,
            "helm" => &self.0.helm_urls,
            _ => &[],
        };
        let registry = self.0.registry.load();
        let registered = registry.get(service).map(|entry| entry.instances()).unwrap_or_default();
        match (configured, registered) {
            // Whoever set one address, as Helm does, took it from a registry that may name more of them by now.
            ([one], many) if many.len() > 1 && many.iter().any(|url| url.trim_end_matches('/') == one) => {
                Ok(many.to_vec())
            }
            ([], []) => self.default_url(service).map(|url| vec![url]),
            ([], registered) => Ok(registered.to_vec()),
            (configured, _) => Ok(configured.to_vec()),
        }
    }

    /// Where a service is that neither settings nor registry name.
    fn default_url(&self, service: &str) -> Result<String, ServiceError> {
        let urls = self.0.default_urls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = urls.get(service) {
            return Ok(url.clone());
        }
        // Core and Helm are needed even where the registry does not name them (Helm is not in upstream's).
        match service {
            "core" => Ok(format!("http://localhost:{}", 5000 + self.0.port_offset)),
            "helm" => Ok(format!("http://localhost:{}", 5004 + self.0.port_offset)),
            _ => Err(ServiceError::UnknownService(service.to_owned())),
        }
    }

    /// Base URL of one instance of a service, the next in turn that is not known to be dead.
    pub fn base_url(&self, service: &str) -> Result<String, ServiceError> {
        let instances = self.instances(service)?;
        let start = self.0.next.fetch_add(1, Ordering::Relaxed);
        let dead = self.0.dead.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = |url: &&String| {
            dead.get(url.trim_end_matches('/')).is_none_or(|since| since.elapsed() > DEAD_FOR)
        };
        let in_turn = (0..instances.len()).map(|i| &instances[(start + i) % instances.len()]);
        let url = in_turn.clone().find(alive).or_else(|| in_turn.clone().next());
        url.map(|url| url.trim_end_matches('/').to_owned())
            .ok_or_else(|| ServiceError::UnknownService(service.to_owned()))
    }

    /// Leaves an instance out for a while, where there are others.
    pub(crate) fn mark_dead(&self, base_url: &str) {
        self.0
            .dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(base_url.to_owned(), Instant::now());
    }

    /// Makes a call that needs no service token; `make` gets the base URL of an instance. One that cannot be reached is left
    /// out, and another one asked.
    pub async fn call_open(
        &self,
        service: &str,
        make: impl Fn(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, ServiceError> {
        let mut others = self.instances(service)?.len().saturating_sub(1);
        loop {
            let base = self.base_url(service)?;
            match make(&self.0.http, &base).send().await {
                Err(error) if error.is_connect() && others > 0 => {
                    self.mark_dead(&base);
                    others -= 1;
                }
                outcome => return outcome.map_err(|error| failed(service, error)),
            }
        }
    }

    /// A token for calling `target`, from the cache or from Core; `user_token` makes it act on behalf of that user.
    pub async fn service_token(
        &self,
        target: &str,
        user_token: Option<&str>,
    ) -> Result<String, ServiceError> {
        self.0.tokens.get(self, target, user_token).await
    }
}

/// The addresses of a comma-separated setting.
fn addresses(setting: Option<&str>) -> Vec<String> {
    let parts = setting.unwrap_or_default().split(',').map(|url| url.trim().trim_end_matches('/'));
    parts.filter(|url| !url.is_empty()).map(str::to_owned).collect()
}

/// Why a call has no answer.
fn failed(service: &str, error: reqwest::Error) -> ServiceError {
    if error.is_timeout() {
        ServiceError::Timeout(service.to_owned())
    } else {
        ServiceError::Unreachable { service: service.to_owned(), reason: error.without_url().to_string() }
    }
}

/// An HTTP client with the suite's TLS settings; no redirects are followed.
pub fn http_client(settings: &CommonSettings) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(30))
        // A machine that is gone sends no farewell. Three seconds later its connections break, the open revocation feed too.
        .tcp_keepalive(Duration::from_secs(1))
        .tcp_keepalive_interval(Duration::from_secs(1))
        .tcp_keepalive_retries(2)
        .tls_danger_accept_invalid_certs(!settings.verify_ssl);
    let authority = settings.ca_file.as_ref().and_then(|path| std::fs::read(path).ok());
    if let Some(pem) = authority {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    builder.build()
}
