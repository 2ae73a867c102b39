//! Colours in code, by classes: `hl-comment`, `hl-string`, `hl-number`, `hl-keyword`, `hl-variable`, `hl-name`.
//!
//! A small reader of our own, driven by a table of languages, and not a highlighter with grammars: `syntect` with its
//! pure-Rust regular expressions takes 14 MB for the first block of shell script and 35 MB for TypeScript, and never
//! gives them back, which is more than the whole service may have; those on tree-sitter compile a C parser per
//! language. This one keeps nothing, reads each character once whatever the code, and knows what is written down at a
//! managed service provider.

mod languages;

use languages::Language;

use super::{
    escape,
    tokens::{self, Tag, Token},
};

/// Longest code that gets colours.
const LONGEST: usize = 256 * 1024;

/// Puts colours into the code blocks of sanitised HTML (`<pre><code class="language-…">`). The result is for readers
/// only: it is neither stored nor sanitised again.
pub(super) fn code_blocks(html: &str) -> String {
    if !html.contains("<code class=\"") {
        return html.to_owned();
    }
    let tokens: Vec<Token<'_>> = tokens::tokens(html).collect();
    let mut coloured = String::with_capacity(html.len() * 2);
    let mut in_pre = 0_usize;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        index += 1;
        match token {
            Token::Start(tag) => {
                in_pre += usize::from(tag.name == "pre");
                coloured.push_str(tag.raw);
                if in_pre > 0
                    && let Some(language) = language_of(tag)
                    && let Some([Token::Text(raw), Token::End { name: "code", .. }]) =
                        tokens.get(index..index + 2)
                {
                    coloured.push_str(&code(&tokens::decode(raw), language));
                    index += 1;
                }
            }
            Token::End { name, raw } => {
                in_pre = in_pre.saturating_sub(usize::from(*name == "pre"));
                coloured.push_str(raw);
            }
            Token::Text(raw) => coloured.push_str(raw),
        }
    }
    coloured
}

fn language_of(tag: &Tag<'_>) -> Option<&'static Language> {
    if tag.name != "code" {
        return None;
    }
    let name = tag.attribute("class")?.split_whitespace().find_map(|name| name.strip_prefix("language-"))?;
    languages::find(name)
}

/// One code as HTML.
fn code(code: &str, language: &Language) -> String {
    if code.len() > LONGEST {
        return escape::html(code).into_owned();
    }
    let mut out = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut before = '\n';
    while let Some(first) = rest.chars().next() {
        let (class, len) = piece(rest, first, before, language);
        let (text, after) = rest.split_at(len);
        if class.is_empty() {
            out.push_str(&escape::html(text));
        } else {
            out.push_str("<span class=\"hl-");
            out.push_str(class);
            out.push_str("\">");
            out.push_str(&escape::html(text));
            out.push_str("</span>");
        }
        before = text.chars().next_back().unwrap_or(before);
        rest = after;
    }
    out
}

/// What begins here, and how long it is; never nothing.
fn piece(rest: &str, first: char, before: char, language: &Language) -> (&'static str, usize) {
    for (open, close) in language.block_comments {
        if let Some(inner) = rest.strip_prefix(open) {
            let end = inner.find(close).map_or(inner.len(), |at| at + close.len());
            return ("comment", open.len() + end);
        }
    }
    let at_word = before.is_whitespace() || "({[;,|&".contains(before);
    if (at_word || !language.comments_need_space) && starts_comment(rest, language) {
        return ("comment", rest.find('\n').unwrap_or(rest.len()));
    }
    for string in language.strings {
        if let Some(inner) = rest.strip_prefix(string.open) {
            return ("string", string.open.len() + string.length(inner));
        }
    }
    if language.is_markup && first == '<' {
        let name = rest.trim_start_matches(['<', '/', '?', '!']);
        let prefix = rest.len() - name.len();
        let len = name.find(|c: char| !(c.is_alphanumeric() || "-_:.".contains(c))).unwrap_or(name.len());
        return if len > 0 { ("keyword", prefix + len) } else { ("", prefix.max(1)) };
    }
    if language.sigils.contains(first) {
        let name = &rest[first.len_utf8()..];
        let len = match name.strip_prefix('{') {
            Some(inner) => inner.find(['}', '\n']).map_or(0, |at| at + 2),
            None => name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(name.len()),
        };
        // `%NAME%`
        let closing = usize::from(first == '%' && len > 0 && name[len..].starts_with('%'));
        return if len > 0 { ("variable", 1 + len + closing) } else { ("", 1) };
    }
    if first.is_ascii_digit() {
        let len =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len());
        return ("number", len);
    }
    if first.is_alphabetic() || first == '_' {
        let in_word = |c: char| c.is_alphanumeric() || c == '_' || (language.dashes && c == '-');
        let len = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        return (language.class_of(&rest[..len]), len);
    }
    ("", first.len_utf8())
}

fn starts_comment(rest: &str, language: &Language) -> bool {
    language.line_comments.iter().any(|sign| {
        rest.get(..sign.len()).is_some_and(|start| start.eq_ignore_ascii_case(sign))
            // A word such as `rem` ends there.
            && (!sign.ends_with(char::is_alphabetic) || !rest[sign.len()..].starts_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(language: &str, text: &str) -> String {
        let html = code(text, languages::find(language).unwrap());
        html.replace("<span class=\"hl-", "⟨").replace("\">", "|").replace("</span>", "⟩")
    }

    #[test]
    fn code_of_the_trade_gets_its_colours() {
        for (language, text, expected) in [
            (
                "powershell",
                "# note\nGet-Service -Name \"sp`\"x\" | Where-Object { $_.Status -eq 1 }",
                "⟨comment|# note⟩\n⟨name|Get-Service⟩ -Name ⟨string|&quot;sp`&quot;x&quot;⟩ | ⟨name|Where-Object⟩ { ⟨variable|$_⟩.Status -eq ⟨number|1⟩ }",
            ),
            ("ps1", "if ($a) { <# b\nc #> }", "⟨keyword|if⟩ (⟨variable|$a⟩) { ⟨comment|&lt;# b\nc #&gt;⟩ }"),
            ("bash", "echo $HOME#x # y", "⟨keyword|echo⟩ ⟨variable|$HOME⟩#x ⟨comment|# y⟩"),
            ("sh", "x='a\\' ${y}", "x=⟨string|'a\\'⟩ ⟨variable|${y}⟩"),
            (
                "bat",
                "REM x\r\nset A=%PATH%\r\nremove",
                "⟨comment|REM x\r⟩\n⟨keyword|set⟩ A=⟨variable|%PATH%⟩\r\nremove",
            ),
            ("sql", "SELECT 'it''s' -- x", "⟨keyword|SELECT⟩ ⟨string|'it'⟩⟨string|'s'⟩ ⟨comment|-- x⟩"),
            (
                "json",
                "{\"a\": true, \"b\": -1.5e3}",
                "{⟨string|&quot;a&quot;⟩: ⟨keyword|true⟩, ⟨string|&quot;b&quot;⟩: -⟨number|1.5e3⟩}",
            ),
            ("yaml", "a: yes # b", "a: ⟨keyword|yes⟩ ⟨comment|# b⟩"),
            (
                "xml",
                "<a b=\"c\">1</a><!-- d -->",
                "⟨keyword|&lt;a⟩ b=⟨string|&quot;c&quot;⟩&gt;⟨number|1⟩⟨keyword|&lt;/a⟩&gt;⟨comment|&lt;!-- d --&gt;⟩",
            ),
            (
                "python",
                "def f(x): \"\"\"a\nb\"\"\"",
                "⟨keyword|def⟩ f(x): ⟨string|&quot;&quot;&quot;a\nb&quot;&quot;&quot;⟩",
            ),
            ("js", "let a = `b\n` // c", "⟨keyword|let⟩ a = ⟨string|`b\n`⟩ ⟨comment|// c⟩"),
            ("ini", "[a]\n; b\nc = 1", "[a]\n⟨comment|; b⟩\nc = ⟨number|1⟩"),
        ] {
            assert_eq!(marked(language, text), expected, "{language}");
        }
    }

    #[test]
    fn only_code_blocks_of_a_known_language_are_touched() {
        let html = "<p><code class=\"language-sql\">select</code></p><pre><code class=\"language-nope\">select</code></pre>\
                    <pre><code>select</code></pre><pre><code class=\"x language-SQL\">select &lt;</code></pre>";
        assert_eq!(
            code_blocks(html),
            html.replace(">select &lt;", "><span class=\"hl-keyword\">select</span> &lt;")
        );
    }

    #[test]
    fn unfinished_strings_and_comments_are_read_once() {
        for unit in ["\"", "'", "/*", "<!--", "@\"\n", "${", "%", "`", "\\\""] {
            for language in ["powershell", "bash", "js", "xml", "bat", "python"] {
                let text = unit.repeat(50_000);
                let html = code(&text, languages::find(language).unwrap());
                assert!(html.len() >= text.len(), "{unit} {language}");
            }
        }
    }

    proptest! {
        #[test]
        fn colours_change_no_character(text in "[ -~\n\r\tä€]{0,80}", index in 0..languages::ALL.len()) {
            let html = code(&text, &languages::ALL[index]);
            let mut plain = String::new();
            for token in tokens::tokens(&html) {
                if let Token::Text(raw) = token {
                    plain.push_str(&tokens::decode(raw));
                }
            }
            prop_assert_eq!(plain, text);
        }
    }
}
