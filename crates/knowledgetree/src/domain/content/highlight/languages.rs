//! What tells the languages apart.

/// A language, as far as colours go.
pub(super) struct Language {
    /// As they stand behind the fence, in lower case.
    names: &'static [&'static str],
    pub line_comments: &'static [&'static str],
    /// Whether a line comment begins only after white space or a separator, as in shells.
    pub comments_need_space: bool,
    pub block_comments: &'static [(&'static str, &'static str)],
    /// The longer ones first.
    pub strings: &'static [Quote],
    /// Apart by spaces.
    pub keywords: &'static str,
    pub ignores_case: bool,
    /// Signs before the name of a variable.
    pub sigils: &'static str,
    /// Whether words have dashes in them: `Get-Date`.
    pub dashes: bool,
    /// Elements in angle brackets.
    pub is_markup: bool,
}

/// A string literal.
pub(super) struct Quote {
    pub open: &'static str,
    close: &'static str,
    escape: Option<char>,
    /// Whether it goes over line ends.
    multiline: bool,
}

impl Quote {
    /// The length of the string whose opening sign was read; without an end it goes to the end of its line, or of all.
    pub fn length(&self, inner: &str) -> usize {
        let mut letters = inner.char_indices();
        while let Some((at, letter)) = letters.next() {
            if Some(letter) == self.escape {
                letters.next();
            } else if inner[at..].starts_with(self.close) {
                return at + self.close.len();
            } else if letter == '\n' && !self.multiline {
                return at;
            }
        }
        inner.len()
    }
}

const fn quote(open: &'static str, close: &'static str, escape: Option<char>, multiline: bool) -> Quote {
    Quote { open, close, escape, multiline }
}

const C_STRINGS: &[Quote] = &[quote("\"", "\"", Some('\\'), false), quote("'", "'", Some('\\'), false)];
const PLAIN_STRINGS: &[Quote] = &[quote("\"", "\"", None, false), quote("'", "'", None, false)];
const C_COMMENTS: &[(&str, &str)] = &[("/*", "*/")];

const NONE: Language = Language {
    names: &[],
    line_comments: &[],
    comments_need_space: false,
    block_comments: &[],
    strings: C_STRINGS,
    keywords: "",
    ignores_case: false,
    sigils: "",
    dashes: false,
    is_markup: false,
};

/// The language of that name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.to_ascii_lowercase();
    ALL.iter().find(|language| language.names.contains(&name.as_str()))
}

impl Language {
    /// The class of a word; empty for an ordinary one.
    pub fn class_of(&self, word: &str) -> &'static str {
        let is_keyword = if self.ignores_case {
            self.keywords.split_whitespace().any(|keyword| keyword.eq_ignore_ascii_case(word))
        } else {
            self.keywords.split_whitespace().any(|keyword| keyword == word)
        };
        // `Verb-Noun`, as PowerShell names its commands.
        let is_command = || self.dashes && word.split_once('-').is_some_and(|(_, noun)| !noun.is_empty());
        if is_keyword {
            "keyword"
        } else if is_command() {
            "name"
        } else {
            ""
        }
    }
}

pub(super) static ALL: &[Language] = &[
    Language {
        names: &["powershell", "ps1", "ps", "pwsh", "psm1"],
        line_comments: &["#"],
        comments_need_space: true,
        block_comments: &[("<#", "#>")],
        strings: &[
            quote("@\"\n", "\n\"@", None, true),
            quote("@'\n", "\n'@", None, true),
            quote("\"", "\"", Some('`'), true),
            quote("'", "'", None, true),
        ],
        keywords: "begin break catch class continue data do dynamicparam else elseif end exit filter finally \
                   for foreach function if in param process return switch throw trap try until using while",
        ignores_case: true,
        sigils: "$",
        dashes: true,
        ..NONE
    },
    Language {
        names: &["bash", "sh", "shell", "zsh", "console", "shell-session"],
        line_comments: &["#"],
        comments_need_space: true,
        strings: &[quote("\"", "\"", Some('\\'), true), quote("'", "'", None, true)],
        keywords: "case cd do done echo elif else esac exit export fi for function if in local read return \
                   set shift source sudo then trap unset until while",
        sigils: "$",
        ..NONE
    },
    Language {
        names: &["bat", "batch", "cmd", "dos"],
        line_comments: &["rem", "::"],
        comments_need_space: true,
        strings: &[quote("\"", "\"", None, false)],
        keywords: "call cd copy del do echo else endlocal errorlevel exist exit for goto if in mkdir move not \
                   off on pause pushd popd set setlocal shift start",
        ignores_case: true,
        sigils: "%",
        ..NONE
    },
    Language {
        names: &["python", "py"],
        line_comments: &["#"],
        strings: &[
            quote("\"\"\"", "\"\"\"", Some('\\'), true),
            quote("'''", "'''", Some('\\'), true),
            quote("\"", "\"", Some('\\'), false),
            quote("'", "'", Some('\\'), false),
        ],
        keywords: "and as assert async await break class continue def del elif else except False finally for \
                   from global if import in is lambda None nonlocal not or pass raise return True try while \
                   with yield",
        ..NONE
    },
    Language {
        names: &["sql", "postgresql", "mysql", "tsql"],
        line_comments: &["--"],
        block_comments: C_COMMENTS,
        strings: PLAIN_STRINGS,
        keywords: "add all alter and as asc begin between by case commit create database declare default \
                   delete desc distinct drop else end exec exists foreign from full grant group having in \
                   index inner insert into is join key left like limit not null offset on or order outer \
                   primary references returning right rollback select set table then top union unique update \
                   use values view when where with",
        ignores_case: true,
        ..NONE
    },
    Language {
        names: &["cypher"],
        line_comments: &["//"],
        block_comments: C_COMMENTS,
        keywords: "and as by call case create delete desc detach else end exists foreach in is limit match \
                   merge not null on optional or order remove return set skip then union unwind when where \
                   with yield",
        ignores_case: true,
        sigils: "$",
        ..NONE
    },
    Language {
        names: &["json", "jsonc", "json5"],
        line_comments: &["//"],
        block_comments: C_COMMENTS,
        keywords: "true false null",
        ..NONE
    },
    Language {
        names: &["yaml", "yml"],
        line_comments: &["#"],
        comments_need_space: true,
        keywords: "true false null yes no on off",
        ..NONE
    },
    Language {
        names: &["ini", "conf", "cfg", "toml", "properties", "reg", "env", "dotenv"],
        line_comments: &["#", ";"],
        comments_need_space: true,
        keywords: "true false yes no on off",
        ignores_case: true,
        ..NONE
    },
    Language {
        names: &["xml", "html", "xhtml", "svg", "xaml", "csproj"],
        block_comments: &[("<!--", "-->"), ("<![CDATA[", "]]>")],
        strings: &[quote("\"", "\"", None, false)],
        is_markup: true,
        ..NONE
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "typescript", "ts", "tsx"],
        line_comments: &["//"],
        block_comments: C_COMMENTS,
        strings: &[
            quote("`", "`", Some('\\'), true),
            quote("\"", "\"", Some('\\'), false),
            quote("'", "'", Some('\\'), false),
        ],
        keywords: "as async await break case catch class const continue default delete do else enum export \
                   extends false finally for from function if import in instanceof interface let new null of \
                   return static super switch this throw true try type typeof undefined var void while yield",
        ..NONE
    },
    Language {
        names: &["css", "scss", "less"],
        block_comments: C_COMMENTS,
        keywords: "important inherit initial none unset",
        ..NONE
    },
    Language {
        names: &[
            "c", "cpp", "c++", "h", "cs", "csharp", "c#", "java", "kotlin", "go", "golang", "rust", "rs",
            "php", "swift",
        ],
        line_comments: &["//"],
        block_comments: C_COMMENTS,
        keywords: "abstract as async await base bool break byte case catch char class const continue crate \
                   default defer delete do double echo else enum extends extern false final finally float fn \
                   for foreach func function go goto if impl implements import in int interface internal let \
                   long loop match mod mut namespace new nil null out override package private protected pub \
                   public range readonly ref return self short sizeof static string struct super switch this \
                   throw throws trait true try type typedef union unsafe unsigned use using val var virtual \
                   void where while yield",
        sigils: "$",
        ..NONE
    },
    Language {
        names: &["ruby", "rb", "perl", "pl"],
        line_comments: &["#"],
        comments_need_space: true,
        keywords: "and begin class def do else elsif end ensure false for foreach if in last module my next \
                   nil not or our package require rescue return self sub then true undef unless until use \
                   when while yield",
        sigils: "$@",
        ..NONE
    },
    Language {
        names: &["vb", "vbs", "vbscript", "vba"],
        line_comments: &["'", "rem"],
        strings: &[quote("\"", "\"", None, false)],
        keywords: "and as byval byref call case const dim do each else elseif end error exit false for \
                   function if in is loop new next not nothing null on option or private public resume select \
                   set sub then to true until wend while with",
        ignores_case: true,
        ..NONE
    },
    Language {
        names: &["dockerfile", "docker", "nginx", "apache", "terraform", "hcl", "makefile", "make"],
        line_comments: &["#"],
        comments_need_space: true,
        keywords: "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL USER VOLUME \
                   WORKDIR data events http include listen location module output provider proxy_pass \
                   resource return root server server_name upstream variable",
        sigils: "$",
        ..NONE
    },
];
