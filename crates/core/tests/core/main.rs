//! Tests through Core's router, against real PostgreSQL and Redis. One binary, so that they link once.

#[cfg(test)]
mod support;

#[cfg(test)]
mod account;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod key_rotation;
#[cfg(test)]
mod login;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod own_login;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod provider_sign_out;
#[cfg(test)]
mod redis_trouble;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod second_factor_admin;
#[cfg(test)]
mod service_tokens;
#[cfg(test)]
mod session_store;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod user_tokens;
#[cfg(test)]
mod vectors;
