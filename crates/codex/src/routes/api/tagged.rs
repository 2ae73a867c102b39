//! Answers that are known by the version of their data: whoever has one already is told so before it is made again.

use axum::response::{IntoResponse, Response};
use hivematrix_shared::{conditional::is_unchanged, problem::Result};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::reader::Reader;
use crate::{
    Codex,
    store::data_version::{self, Part},
};

/// The entity tag of an answer.
#[derive(Clone, Debug)]
pub struct Tag(HeaderValue);

impl Tag {
    /// The tag of what is asked for, as this reader may see it. Made before the data is read, so that it is never newer.
    ///
    /// # Errors
    /// 503 while the database is away.
    pub async fn of(codex: &Codex, reader: &Reader, parts: &[Part], asked: &str) -> Result<Self> {
        let data = data_version::of(&codex.pool, parts).await?;
        let mut own = reader.scope.account_numbers().map(<[String]>::to_vec);
        if let Some(own) = &mut own {
            own.sort_unstable();
        }
        // Another version of the program may write the same data in another way.
        let program = codex.context.settings.version();
        Ok(Self(tag(&format!("{program:?} {data} {own:?} {asked}"))))
    }

    /// Whether the sender of these headers has the answer.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        is_unchanged(headers, &self.0)
    }

    /// The headers of the answer.
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let private = HeaderValue::from_static("private, no-cache");
        [(header::ETAG, self.0.clone()), (header::CACHE_CONTROL, private)]
    }

    /// The answer to somebody who has it.
    pub fn not_modified(&self) -> Response {
        (StatusCode::NOT_MODIFIED, self.headers()).into_response()
    }
}

fn tag(meaning: &str) -> HeaderValue {
    let text = format!("W/\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_OID, meaning.as_bytes()).simple());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}
