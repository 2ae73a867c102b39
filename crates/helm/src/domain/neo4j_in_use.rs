//! Which Neo4j the suite uses: the one rule for everybody who asks, whoever set it.

use super::{
    master_config::{MasterConfig, Neo4j},
    operator::Operator,
};

/// The Neo4j that KnowledgeTree is told: the operator's variables win over the master configuration.
#[must_use]
pub fn neo4j_in_use(config: &MasterConfig, operator: &Operator) -> Option<Neo4j> {
    let known = config.neo4j();
    let set = |name: &str| operator.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let uri = set("NEO4J_URI").or_else(|| known.as_ref().map(|known| known.uri.clone()))?;
    let user = set("NEO4J_USER").or_else(|| known.as_ref().map(|known| known.user.clone()));
    let password = set("NEO4J_PASSWORD").or_else(|| known.and_then(|known| known.password));
    Some(Neo4j { uri, user: user.unwrap_or_else(|| "neo4j".to_owned()), password })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::master_config::Document;

    #[test]
    fn variables_win_over_what_is_configured() {
        let configured =
            json!({"databases": {"neo4j": {"uri": "bolt://one:7687", "user": "tree", "password": "p"}}});
        for (config, variables, expected) in [
            (json!({}), &[][..], None),
            (json!({}), &[("NEO4J_USER", "x")], None),
            (json!({}), &[("NEO4J_URI", "bolt://two:7687")], Some(("bolt://two:7687", "neo4j", None))),
            (configured.clone(), &[], Some(("bolt://one:7687", "tree", Some("p")))),
            (configured, &[("NEO4J_PASSWORD", "q")], Some(("bolt://one:7687", "tree", Some("q")))),
        ] {
            let config = MasterConfig::from(Document::of(config).unwrap());
            let operator =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let found = neo4j_in_use(&config, &operator);
            let found = found.as_ref().map(|it| (it.uri.as_str(), it.user.as_str(), it.password.as_deref()));
            assert_eq!(found, expected);
        }
    }
}
