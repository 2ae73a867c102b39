//! What a token check costs in a service, for scripts/bench/run.sh. Prints what a first check takes, signature included,
//! and one of a token that is remembered, in microseconds: the mean of the quickest round.

use std::{error::Error, sync::Arc, time::Instant};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hivematrix_shared::{
    auth::{Authenticator, DEFAULT_KEY_ID, ISSUER, Revocations, TokenKeys, VerifyingKey},
    clock::Clock,
};
use serde_json::json;

/// Different tokens: fewer than a verifier remembers.
const TOKENS: usize = 100;
/// Fresh verifiers, so that each sees every token for the first time. Rounds are short: what else the machine does should
/// miss some of them.
const ROUNDS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::system();
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let tokens =
        (0..TOKENS).map(|number| token(&pair, number, clock.unix())).collect::<Result<Vec<_>, _>>()?;
    let public = pair.public_key();
    let key = VerifyingKey::new(
        DEFAULT_KEY_ID,
        public.modulus().big_endian_without_leading_zero(),
        public.exponent().big_endian_without_leading_zero(),
    )
    .ok_or("no key")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut first, mut remembered) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let keys = TokenKeys::default().with_key(key.clone(), None);
        let revocations = Arc::new(Revocations::local());
        let auth = Authenticator::local("codex", clock.clone(), keys, revocations, false);
        for quickest in [&mut first, &mut remembered] {
            let began = Instant::now();
            for token in &tokens {
                runtime.block_on(auth.verify(token))?;
            }
            *quickest = quickest.min(began.elapsed().as_secs_f64());
        }
    }
    let microseconds = |round: f64| round * 1e6 / TOKENS as f64;
    println!("{:.1} {:.1}", microseconds(first), microseconds(remembered));
    Ok(())
}

/// A user token as Core signs them.
fn token(pair: &KeyPair, number: usize, now: i64) -> Result<String, Box<dyn Error>> {
    let header = json!({"alg": "RS256", "kid": DEFAULT_KEY_ID, "typ": "JWT"});
    let claims = json!({
        "iss": ISSUER, "sub": format!("5f1d3c1e-0000-4000-8000-{number:012}"), "jti": format!("0b9d6b1e-{number}"),
        "name": "Ada Lovelace", "email": "ada@msp.example", "preferred_username": "ada",
        "permission_level": "technician", "groups": ["technicians"], "iat": now, "exp": now + 3600,
    });
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
