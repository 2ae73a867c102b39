//! The request path: forwarded byte for byte, judged in its normalised form (nexus.md §6, §8.1).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A request path that is safe to judge and to forward.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestPath<'a> {
    /// The path as it came; what backends get.
    raw: &'a str,
    /// Percent-decoded once, slashes merged; what the rules look at.
    normalized: Cow<'a, str>,
}

/// Why a path is not forwarded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PathError {
    /// Repeated slashes: the client is sent to the merged path.
    #[error("The path has repeated slashes.")]
    RepeatedSlashes {
        /// The path with each run of slashes merged into one.
        merged: String,
    },
    /// `.` or `..`, also encoded or with a path parameter, or a backslash.
    #[error("The path has dot segments.")]
    DotSegments,
    /// A broken percent escape, a control character or text that is not UTF-8.
    #[error("The path is malformed.")]
    Malformed,
}

impl<'a> RequestPath<'a> {
    /// Judges the path of a request.
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::Malformed);
        }
        if raw.contains("//") {
            return Err(PathError::RepeatedSlashes { merged: merge_slashes(raw) });
        }
        let normalized = if raw.contains('%') {
            if has_broken_escape(raw) {
                return Err(PathError::Malformed);
            }
            let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| PathError::Malformed)?;
            if decoded.contains("//") { Cow::Owned(merge_slashes(&decoded)) } else { decoded }
        } else {
            Cow::Borrowed(raw)
        };
        if normalized.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err(PathError::Malformed);
        }
        if has_dot_segment(&normalized) || hides_dot_segment(&normalized) {
            return Err(PathError::DotSegments);
        }
        Ok(Self { raw, normalized })
    }

    /// The path as it came.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The decoded path for comparisons.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The first segment, as it came and without the slash.
    pub fn first_segment(&self) -> &'a str {
        let rest = &self.raw[1..];
        rest.split_once('/').map_or(rest, |(first, _)| first)
    }

    /// What follows the first segment, as it came, with its slash; empty when there is none.
    pub fn after_first_segment(&self) -> &'a str {
        &self.raw[1 + self.first_segment().len()..]
    }

    /// What follows the first segment in the normalised path; `/` when there is none.
    pub fn normalized_after_first_segment(&self) -> &str {
        let rest = &self.normalized[1..];
        rest.find('/').map_or("/", |at| &rest[at..])
    }
}

fn has_dot_segment(path: &str) -> bool {
    path.contains('\\') || path.split('/').any(is_dot_segment)
}

/// Whether a server that decodes twice would find one.
fn hides_dot_segment(decoded: &str) -> bool {
    decoded.contains('%') && has_dot_segment(&percent_decode_str(decoded).decode_utf8_lossy())
}

/// Some servers cut a path parameter (`..;x`) before they resolve the segment, so it does not hide one here.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.split(';').next(), Some("." | ".."))
}

fn has_broken_escape(raw: &str) -> bool {
    raw.match_indices('%').any(|(at, _)| {
        !raw.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    })
}

fn merge_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass_unchanged() {
        for raw in [
            "/",
            "/codex/",
            "/codex/a%20b",
            "/codex/a%2Fb",
            "/codex/a;v=1",
            "/codex/.hidden",
            "/x/...",
            "/x/a..b",
            "/x/100%25",
            "/x/a%252Fb",
        ] {
            let path = RequestPath::parse(raw).unwrap();
            assert_eq!(path.raw(), raw);
        }
        assert_eq!(RequestPath::parse("/codex/a%2Fb").unwrap().normalized(), "/codex/a/b");
    }

    #[test]
    fn every_spelling_of_a_dot_segment_is_refused() {
        for raw in [
            "/beacon/display/../helpdesk",
            "/beacon/display/./x",
            "/beacon/display/%2e%2e/helpdesk",
            "/beacon/display/.%2E/helpdesk",
            "/beacon/display%2f..%2fhelpdesk",
            "/beacon/display/..%2Fhelpdesk",
            "/beacon/display/..;a=b/helpdesk",
            "/beacon/display/..%3b/helpdesk",
            "/beacon/display/..%5chelpdesk",
            "/beacon/display\\..\\helpdesk",
            "/beacon/display/%252e%252e/helpdesk",
            "/beacon/display/..%252fhelpdesk",
            "/beacon/display/%25%32%65%25%32%65/helpdesk",
            "/codex/..",
        ] {
            assert_eq!(RequestPath::parse(raw), Err(PathError::DotSegments), "{raw}");
        }
    }

    #[test]
    fn broken_escapes_and_control_characters_are_refused() {
        for raw in
            ["/codex/%", "/codex/%2", "/codex/%zz", "/codex/%00", "/codex/%0d%0aX", "/codex/%ff", "codex"]
        {
            assert_eq!(RequestPath::parse(raw), Err(PathError::Malformed), "{raw}");
        }
    }

    #[test]
    fn repeated_slashes_lead_to_the_merged_path() {
        let merged = |raw| match RequestPath::parse(raw) {
            Err(PathError::RepeatedSlashes { merged }) => merged,
            other => panic!("{other:?}"),
        };
        assert_eq!(merged("//evil.example/x"), "/evil.example/x");
        assert_eq!(merged("/codex///a//b/"), "/codex/a/b/");
    }

    #[test]
    fn the_first_segment_and_the_rest_come_from_the_raw_path() {
        for (raw, first, rest, normal_rest) in [
            ("/", "", "", "/"),
            ("/codex", "codex", "", "/"),
            ("/codex/", "codex", "/", "/"),
            ("/codex/a%2Fb", "codex", "/a%2Fb", "/a/b"),
            ("/core%2Fservice-token", "core%2Fservice-token", "", "/service-token"),
            ("/codex/%2Fmetrics", "codex", "/%2Fmetrics", "/metrics"),
        ] {
            let path = RequestPath::parse(raw).unwrap();
            assert_eq!((path.first_segment(), path.after_first_segment()), (first, rest), "{raw}");
            assert_eq!(path.normalized_after_first_segment(), normal_rest, "{raw}");
        }
    }
}
