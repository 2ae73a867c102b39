//! Why a token is refused, in stable words (core.md §2.2 and weak point 22: library messages go to the log only).

/// A token that does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenReason {
    /// `exp` has passed.
    #[error("Token expired")]
    Expired,
    /// Service tokens and upstream's offline test tokens have no session.
    #[error("Token has no session ID")]
    NoSession,
    /// The session is unknown, over or revoked.
    #[error("Session expired or revoked")]
    SessionOver,
    /// Not three parts.
    #[error("Invalid token: Not enough segments")]
    Segments,
    /// Header or claims cannot be read.
    #[error("Invalid token: Malformed token")]
    Malformed,
    /// Any algorithm but RS256.
    #[error("Invalid token: The specified alg value is not allowed")]
    Algorithm,
    /// Signed with another key, or changed.
    #[error("Invalid token: Signature verification failed")]
    Signature,
    /// `nbf` lies ahead.
    #[error("Invalid token: The token is not yet valid (nbf)")]
    NotBefore,
    /// `iat` lies ahead.
    #[error("Invalid token: The token is not yet valid (iat)")]
    IssuedAhead,
    /// Another issuer.
    #[error("Invalid token: Invalid issuer")]
    Issuer,
}
