//! Reads HTML that was sanitised. The sanitiser's serializer writes it in one way only (each element closed,
//! attributes in double quotes, markup characters in texts escaped), so that taking it apart needs no parser's
//! repairs.

use std::borrow::Cow;

use super::weight::VOID;

/// A piece of sanitised HTML; `raw` is its source.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag.
    End { name: &'a str, raw: &'a str },
    /// A text, not decoded.
    Text(&'a str),
}

/// A start tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag<'a> {
    pub name: &'a str,
    /// In their order, values decoded.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    pub raw: &'a str,
}

impl Tag<'_> {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }

    /// Whether the element has no end tag.
    pub fn is_void(&self) -> bool {
        VOID.contains(&self.name)
    }
}

/// The tokens of sanitised HTML.
pub(super) fn tokens(html: &str) -> Tokens<'_> {
    Tokens(html)
}

pub(super) struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.0.is_empty() {
            return None;
        }
        if !self.0.starts_with('<') {
            return Some(Token::Text(self.take(self.0.find('<').unwrap_or(self.0.len()))));
        }
        let raw = self.take(tag_length(self.0));
        let inner = raw.trim_start_matches('<').trim_end_matches('>');
        Some(match inner.strip_prefix('/') {
            Some(name) => Token::End { name, raw },
            None => {
                let name = inner.split(' ').next().unwrap_or_default();
                Token::Start(Tag { name, attributes: attributes(&inner[name.len()..]), raw })
            }
        })
    }
}

impl<'a> Tokens<'a> {
    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

fn tag_length(rest: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn attributes(mut rest: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        found.push((name.trim(), html_escape::decode_html_entities(value)));
        rest = after;
    }
    found
}

/// A text of sanitised HTML as people see it.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    html_escape::decode_html_entities(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitised_html_falls_into_its_pieces() {
        let html = "a &lt;<p title=\"x > &quot;y&quot;\" class=\"z\">b<br></p>";
        let found: Vec<Token<'_>> = tokens(html).collect();
        let [
            Token::Text("a &lt;"),
            Token::Start(tag),
            Token::Text("b"),
            Token::Start(br),
            Token::End { name: "p", raw: "</p>" },
        ] = found.as_slice()
        else {
            panic!("{found:?}")
        };
        assert_eq!(tag.name, "p");
        assert_eq!(tag.attribute("title"), Some("x > \"y\""));
        assert_eq!(tag.attribute("class"), Some("z"));
        assert_eq!(tag.attribute("id"), None);
        assert!(br.is_void() && !tag.is_void());
        assert_eq!(decode("a &lt;&nbsp;"), "a <\u{a0}");
    }
}
