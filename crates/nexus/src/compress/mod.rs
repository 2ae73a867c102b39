//! Compression of answers on their way out (nexus.md §8.3, §11): pages of all services and what backends send plain.
//!
//! Compressed lengths tell something about their content. Whoever can make a browser ask again and again with text of
//! his own choice and see the lengths on the wire can guess a secret beside that text (BREACH). Answers here hold no
//! secret that lasts: the session is in a cookie no page shows, changes are protected by where they come from and not by
//! a token in the page, and a page's nonce is new each time. What is left is the data itself, so an answer that another
//! site caused is sent as it is: nobody outside can then choose the text and measure the length.

mod body;

use axum::{body::Body, response::Response};
use http::{HeaderMap, Method, header};
use http_body::Body as _;

use self::body::EncodedBody;
use crate::domain::{
    csrf,
    encoding::{self, Coding},
};

/// Codings of answers that are encoded as they pass, the cheaper one first.
const OFFERED: [Coding; 2] = [Coding::Gzip, Coding::Brotli];

/// What a request says about the coding of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    coding: Option<Coding>,
}

impl Wish {
    /// The wish of a request.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        let plain = *method == Method::HEAD || csrf::is_from_another_site(headers);
        Self { coding: if plain { None } else { encoding::wanted(headers, &OFFERED) } }
    }
}

/// Encodes an answer as wished, if it gains by it.
pub fn compress(mut response: Response, wish: Wish) -> Response {
    if !encoding::may_be_encoded(response.status(), response.headers()) || is_small(&response) {
        return response;
    }
    encoding::add_vary(response.headers_mut());
    let Some(coding) = wish.coding else { return response };
    encoding::describe_encoded(response.headers_mut(), coding);
    response.map(|body| Body::new(EncodedBody::new(body, coding)))
}

/// Whether an answer is known to be too short; an unknown length is taken for a long one.
fn is_small(response: &Response) -> bool {
    let declared = response.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    declared
        .or_else(|| response.body().size_hint().exact())
        .is_some_and(|length| length < encoding::WORTH_ENCODING)
}

#[cfg(test)]
mod tests;
