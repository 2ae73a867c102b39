//! Which implementation of TLS counts where a crate does not say.

/// Makes aws-lc the implementation for clients of crates that name none. A crate in the suite's build may bring another one along; with
/// two built in, such a client would end the process instead of choosing. Doing this again changes nothing.
pub fn prefer_aws_lc() {
    // An error means that one is set already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
