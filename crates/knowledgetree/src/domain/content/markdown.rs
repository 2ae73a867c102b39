//! Markdown as HTML (knowledgetree.md §8.1).

use std::sync::LazyLock;

use comrak::Options;

use super::weight;

/// How articles are read: pipe tables, strikethrough, task lists and bare addresses beside CommonMark; a single line
/// end is a line break; raw HTML passes, since the sanitiser comes next.
pub(super) static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.render.hardbreaks = true;
    options.render.r#unsafe = true;
    options.render.tasklist_classes = true;
    options
});

/// Most signs that nest a block, in a row: with more of them the parser's work grows faster than the text.
const MOST_NESTED: usize = 100;

/// The HTML of a Markdown text, not sanitised, but of a weight that can be parsed.
///
/// # Errors
/// What is too much of it, as the end of a sentence about the text.
pub(super) fn to_raw_html(markdown: &str) -> Result<String, &'static str> {
    if nests_too_deep(markdown) {
        return Err("nests more than 100 quotes and lists");
    }
    let html = comrak::markdown_to_html(markdown, &OPTIONS);
    weight::check(&html)?;
    Ok(html)
}

/// Whether a line begins with more quotes and bullets than anybody writes.
fn nests_too_deep(markdown: &str) -> bool {
    markdown.lines().any(|line| {
        let signs = line.bytes().take_while(|b| b" \t>-+*0123456789.)".contains(b));
        signs.filter(|b| b">-+*.)".contains(b)).nth(MOST_NESTED).is_some()
            && line.bytes().any(|b| b == b'>' || b == b' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_of_the_contract() {
        for (markdown, html) in [
            ("a\nb", "<p>a<br />\nb</p>\n"),
            ("~~x~~ `~~y~~`", "<p><del>x</del> <code>~~y~~</code></p>\n"),
            (
                "```powershell\nGet-Date\n```",
                "<pre><code class=\"language-powershell\">Get-Date\n</code></pre>\n",
            ),
            (
                "|a|b|\n|:-|-:|\n|1|2|",
                "<table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n\
                 <td align=\"left\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n",
            ),
            ("<kbd>F1</kbd>", "<p><kbd>F1</kbd></p>\n"),
            (
                "- [x] done",
                "<ul class=\"contains-task-list\">\n<li class=\"task-list-item\"><input type=\"checkbox\" class=\"task-list-item-checkbox\" checked=\"\" disabled=\"\" /> done</li>\n</ul>\n",
            ),
            (
                "see https://acme.example",
                "<p>see <a href=\"https://acme.example\">https://acme.example</a></p>\n",
            ),
        ] {
            assert_eq!(to_raw_html(markdown).unwrap(), html);
        }
    }

    #[test]
    fn a_rule_of_many_signs_is_no_nesting() {
        assert!(!nests_too_deep(&"-".repeat(1000)));
        assert!(!nests_too_deep(&format!("| {} |", "- ".repeat(1000))));
        assert!(nests_too_deep(&">".repeat(1000)));
        assert!(nests_too_deep(&"- ".repeat(1000)));
        assert!(nests_too_deep(&"1. ".repeat(1000)));
    }
}
