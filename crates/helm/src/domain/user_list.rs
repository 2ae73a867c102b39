//! Which users of the realm are listed, in Keycloak's parameters.

use url::form_urlencoded::Serializer;

/// What a listing is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Words, each of which stands somewhere in the login name, the e-mail address or the name.
    pub search: String,
    /// Only those who can sign in, or who cannot.
    pub enabled: Option<bool>,
}

impl UserFilter {
    /// The filter as more parameters of a query: `&search=…&enabled=…`.
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = Serializer::for_suffix(String::from("&"), 1);
        let search = anywhere(&self.search);
        if !search.is_empty() {
            query.append_pair("search", &search);
        }
        if let Some(enabled) = self.enabled {
            query.append_pair("enabled", if enabled { "true" } else { "false" });
        }
        let query = query.finish();
        if query.len() > 1 { query } else { String::new() }
    }
}

/// Keycloak reads a word as a beginning; people look for any part of a name. What has Keycloak's own signs stays.
fn anywhere(search: &str) -> String {
    let word = |word: &str| match word.contains(['*', '"']) {
        true => word.to_owned(),
        false => format!("*{word}*"),
    };
    search.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_anywhere_unless_the_search_says_otherwise() {
        for (search, asked) in [
            ("", ""),
            ("  ", ""),
            ("ada", "*ada*"),
            (" ada  example.com ", "*ada* *example.com*"),
            ("ada*", "ada*"),
            ("\"ada\" bo", "\"ada\" *bo*"),
            // Keycloak would read a leading `id:` as an id.
            ("id:7", "*id:7*"),
        ] {
            assert_eq!(anywhere(search), asked, "{search}");
        }
    }

    #[test]
    fn values_stay_values_in_the_query() {
        let filter = UserFilter { search: "a&enabled=false".into(), enabled: Some(true) };
        assert_eq!(filter.query(), "&search=*a%26enabled%3Dfalse*&enabled=true");
        assert_eq!(UserFilter::default().query(), "");
    }
}
