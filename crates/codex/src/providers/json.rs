//! The JSON of vendors' answers: read within bounds, and in spite of a character that was cut in half.

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::http::Raw;

/// Most values, about, of an answer that is read. A page of a hundred rows has some thousands.
const MOST_VALUES: usize = 500_000;

/// The JSON of a successful answer, or what came instead.
pub(super) fn json(raw: &Raw) -> Result<Value, String> {
    let trimmed = raw.body.trim_ascii();
    if trimmed.is_empty() {
        return Err("an empty body".to_owned());
    }
    let html = raw
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    if html || trimmed.starts_with(b"<") {
        return Err("a page of HTML instead of JSON".to_owned());
    }
    // Each value takes many times the memory of its text.
    if values(trimmed) > MOST_VALUES {
        return Err(format!("JSON of more than {MOST_VALUES} values"));
    }
    match serde_json::from_slice(trimmed) {
        Ok(value) => Ok(value),
        Err(error) if error.is_eof() => Err(format!("JSON that breaks off after {} bytes", raw.body.len())),
        // One text that somebody cut in the middle of a character must not hide all others.
        Err(error) => serde_json::from_slice(&whole_characters(trimmed))
            .map_err(|_| format!("unreadable JSON ({error})")),
    }
}

/// How many values, about, a JSON has.
fn values(json: &[u8]) -> usize {
    let (mut values, mut inside, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = inside,
            b'"' => inside = !inside,
            b',' | b'[' | b'{' if !inside => values += 1,
            _ => {}
        }
    }
    values
}

/// The JSON with the sign for an unreadable character in place of each half of a pair, such as `\ud83d`, that stands alone.
fn whole_characters(json: &[u8]) -> Vec<u8> {
    let half = |at: usize| -> Option<u16> {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        (0xD800..=0xDFFF).contains(&unit).then_some(unit)
    };
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let length = match (byte, half(at)) {
            (b'\\', Some(first)) => {
                let is_pair = first < 0xDC00 && half(at + 6).is_some_and(|second| second >= 0xDC00);
                if !is_pair {
                    out.extend_from_slice(b"\\ufffd");
                    at += 6;
                    continue;
                }
                12
            }
            // Whatever is escaped begins no other escape.
            (b'\\', None) => 2,
            _ => 1,
        };
        out.extend_from_slice(&json[at..json.len().min(at + length)]);
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;
    use serde_json::json as value;

    use super::*;

    fn raw(body: &[u8]) -> Raw {
        Raw { status: StatusCode::OK, headers: HeaderMap::new(), body: body.to_vec() }
    }

    #[test]
    fn half_a_character_costs_that_character_and_no_more() {
        for (text, read) in [
            (r#"["cut \ud83d", "kept \ud83d\ude00"]"#, value!(["cut \u{fffd}", "kept \u{1f600}"])),
            (r#"["\ude00\ud83d", "\\ud83d"]"#, value!(["\u{fffd}\u{fffd}", "\\ud83d"])),
            (r#"["\ud83d\n", "\ud83dx\ude00"]"#, value!(["\u{fffd}\n", "\u{fffd}x\u{fffd}"])),
        ] {
            assert_eq!(json(&raw(text.as_bytes())).as_ref(), Ok(&read), "{text}");
        }
        for broken in [r#"["\ud83d"#, r#"["\ud83d", x]"#, "[\"\\"] {
            assert!(json(&raw(broken.as_bytes())).is_err(), "{broken}");
        }
    }

    #[test]
    fn an_answer_of_countless_values_is_not_read() {
        let list = |count: usize| raw(format!("[{}0]", "0,".repeat(count)).as_bytes());
        assert!(json(&list(1000)).is_ok());
        assert_eq!(json(&list(MOST_VALUES)).unwrap_err(), "JSON of more than 500000 values");
        for (text, count) in [(r#"{"a": "b, [c]", "d": ["\", {", 1]}"#, 4), ("7", 0)] {
            assert_eq!(values(text.as_bytes()), count, "{text}");
        }
    }
}
