use std::io::Read;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio_stream::wrappers::ReceiverStream;

use super::*;

fn request(accepted: &str) -> Wish {
    let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap())]);
    Wish::of(&Method::GET, &headers)
}

fn json(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What can be read of an encoded text, finished or not.
fn readable(coding: &str, data: &[u8]) -> String {
    let mut text = Vec::new();
    // An unfinished stream ends in an error after its last readable byte.
    let _ = match coding {
        "gzip" => flate2::read::GzDecoder::new(data).read_to_end(&mut text),
        "br" => brotli::Decompressor::new(data, 4096).read_to_end(&mut text),
        other => panic!("{other}"),
    };
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_encoded_answer_holds_the_same_text() {
    let text: String = (0..40_000).map(|n| format!("{{\"id\": {n}}},")).collect();
    for coding in ["gzip", "br"] {
        let answer = compress(json(text.clone()), request(coding));
        assert_eq!(answer.headers()["content-encoding"], coding);
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let data = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(data.len() * 3 < text.len(), "{coding}: {} of {}", data.len(), text.len());
        assert_eq!(readable(coding, &data), text, "{coding}");
    }
}

#[tokio::test]
async fn short_answers_and_other_wishes_are_sent_as_they_are() {
    let long = "x".repeat(1024);
    for (length, wish, encoded, varies) in [
        (1024, request("gzip"), true, true),
        (1023, request("gzip"), false, false),
        (1024, request("identity"), false, true),
        (1024, Wish::of(&Method::GET, &HeaderMap::new()), false, true),
    ] {
        let answer = compress(json(long[..length].to_owned()), wish);
        assert_eq!(answer.headers().contains_key("content-encoding"), encoded, "{length} {wish:?}");
        assert_eq!(answer.headers().contains_key("vary"), varies, "{length} {wish:?}");
    }
    let mut declared = json(Body::from_stream(tokio_stream::iter([Ok::<_, std::io::Error>("short")])));
    declared.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
    assert!(!compress(declared, request("gzip")).headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn what_another_site_caused_shows_its_true_length_only() {
    for (site, encoded) in
        [("same-origin", true), ("none", true), ("cross-site", false), ("same-site", false)]
    {
        let headers = HeaderMap::from_iter([
            (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            ("sec-fetch-site".parse().unwrap(), HeaderValue::from_static(site)),
        ]);
        let answer = compress(json("x".repeat(5000)), Wish::of(&Method::GET, &headers));
        assert_eq!(answer.headers().contains_key("content-encoding"), encoded, "{site}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_keeps_its_length() {
    let mut head = json(Body::empty());
    head.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5000"));
    let wish = Wish::of(
        &Method::HEAD,
        &HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]),
    );
    let head = compress(head, wish);
    assert_eq!(
        (&head.headers()["content-length"], &head.headers()["vary"]),
        (&"5000".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    assert!(!head.headers().contains_key("content-encoding"));
    let mut unchanged = json(Body::empty());
    *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
    assert!(!compress(unchanged, request("gzip")).headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn what_was_read_goes_out_before_the_rest_is_waited_for() {
    for coding in ["gzip", "br"] {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let mut body =
            compress(json(Body::from_stream(ReceiverStream::new(receiver))), request(coding)).into_body();
        let mut seen = Vec::new();
        for piece in ["first ", "second "] {
            sender.send(Ok(piece.into())).await.unwrap();
            seen.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
            assert!(readable(coding, &seen).ends_with(piece), "{coding}");
        }
        drop(sender);
        seen.extend(body.collect().await.unwrap().to_bytes());
        assert_eq!(readable(coding, &seen), "first second ");
    }
}

#[tokio::test]
async fn a_broken_answer_stays_broken_and_trailers_stay() {
    let pieces = [Ok(Bytes::from("half")), Err(std::io::Error::other("gone"))];
    let mut body = compress(json(Body::from_stream(tokio_stream::iter(pieces))), request("gzip")).into_body();
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.frame().await.is_none());

    let trailers = HeaderMap::from_iter([("x-checksum".parse().unwrap(), HeaderValue::from_static("1"))]);
    let frames =
        [Ok::<_, std::io::Error>(Frame::data(Bytes::from("text"))), Ok(Frame::trailers(trailers.clone()))];
    let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
    let read = compress(json(body), request("gzip")).into_body().collect().await.unwrap();
    assert_eq!(read.trailers(), Some(&trailers));
    assert_eq!(readable("gzip", &read.to_bytes()), "text");
}
