//! Reading and checking a query: what it asks for, or what is wrong with it.

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Document, FragmentDefinition, OperationDefinition, Selection, SelectionSet, Value as Written,
    VariableDefinition, parse_query,
};
use serde_json::{Map, Value, json};

use super::schema::{Definitions, Field, SCHEMA, Type};

/// A field that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Name in the answer.
    pub key: String,
    /// Name in the schema.
    pub name: String,
    /// Arguments.
    pub arguments: Map<String, Value>,
    /// What is asked of it; empty for a scalar.
    pub inside: Vec<Asked>,
}

/// A checked query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Name of the operation, if it has one.
    pub name: Option<String>,
    /// The root fields.
    pub roots: Vec<Asked>,
}

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    classification: &'static str,
    message: String,
}

impl Invalid {
    fn syntax(message: impl std::fmt::Display) -> Self {
        Self { classification: "InvalidSyntax", message: format!("Invalid Syntax : {message}") }
    }

    fn validation(message: impl std::fmt::Display) -> Self {
        Self { classification: "ValidationError", message: format!("Validation error : {message}") }
    }

    /// As it appears in `errors`.
    pub fn as_error(&self) -> Value {
        json!({"message": self.message, "locations": [], "extensions": {"classification": self.classification}})
    }
}

type Fragments<'a> = BTreeMap<&'a str, &'a FragmentDefinition<'static, String>>;

/// What the checks need.
struct Check<'a> {
    fragments: Fragments<'a>,
    declared: BTreeMap<&'a str, Type>,
    variables: &'a Map<String, Value>,
}

/// Reads the body of a request.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &Value) -> Result<Query, Invalid> {
    let text = body.get("query").and_then(Value::as_str).ok_or_else(|| Invalid::syntax("no query"))?;
    let document: Document<'static, String> =
        parse_query::<String>(text).map_err(Invalid::syntax)?.into_static();
    let empty = Map::new();
    let variables = body.get("variables").and_then(Value::as_object).unwrap_or(&empty);
    let mut fragments = Fragments::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                fragments.insert(fragment.name.as_str(), fragment);
            }
            Definition::Operation(operation) => operations.push(operation),
        }
    }
    let [operation] = operations.as_slice() else {
        return Err(Invalid::validation("exactly one operation is expected"));
    };
    let none = Vec::new();
    let (root, name, declared, selection): (_, _, &Vec<VariableDefinition<'static, String>>, _) =
        match operation {
            OperationDefinition::SelectionSet(selection) => ("Query", None, &none, selection),
            OperationDefinition::Query(query) => {
                ("Query", query.name.clone(), &query.variable_definitions, &query.selection_set)
            }
            OperationDefinition::Mutation(mutation) => {
                ("Mutation", mutation.name.clone(), &mutation.variable_definitions, &mutation.selection_set)
            }
            OperationDefinition::Subscription(_) => {
                return Err(Invalid::validation("subscriptions are not offered"));
            }
        };
    let declared =
        declared.iter().map(|variable| (variable.name.as_str(), kind(&variable.var_type))).collect();
    let check = Check { fragments, declared, variables };
    Ok(Query { name, roots: check.selection(root, selection, 0)? })
}

fn kind(written: &graphql_parser::query::Type<'static, String>) -> Type {
    use graphql_parser::query::Type as Parsed;
    match written {
        Parsed::NamedType(name) => Type::Named(name.clone()),
        Parsed::ListType(inner) => Type::List(Box::new(kind(inner))),
        Parsed::NonNullType(inner) => Type::Required(Box::new(kind(inner))),
    }
}

/// Fields inside fields; no honest query goes deeper.
const DEEPEST: usize = 12;

impl Check<'_> {
    fn selection(
        &self,
        object: &str,
        selection: &SelectionSet<'static, String>,
        depth: usize,
    ) -> Result<Vec<Asked>, Invalid> {
        if depth > DEEPEST {
            return Err(Invalid::validation("the query is nested too deeply"));
        }
        let mut asked = Vec::new();
        for item in &selection.items {
            match item {
                Selection::Field(field) => asked.push(self.field(object, field, depth)?),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments.get(spread.fragment_name.as_str()).ok_or_else(|| {
                        Invalid::validation(format!("undefined fragment '{}'", spread.fragment_name))
                    })?;
                    asked.extend(self.selection(object, &fragment.selection_set, depth + 1)?);
                }
                Selection::InlineFragment(fragment) => {
                    asked.extend(self.selection(object, &fragment.selection_set, depth + 1)?);
                }
            }
        }
        Ok(asked)
    }

    fn field(
        &self,
        object: &str,
        written: &graphql_parser::query::Field<'static, String>,
        depth: usize,
    ) -> Result<Asked, Invalid> {
        let name = written.name.as_str();
        let key = written.alias.clone().unwrap_or_else(|| name.to_owned());
        if name == "__typename" {
            let arguments = Map::from_iter([("type".to_owned(), object.into())]);
            return Ok(Asked { key, name: name.to_owned(), arguments, inside: Vec::new() });
        }
        let field = SCHEMA
            .fields(object)
            .and_then(|fields| fields.get(name))
            .ok_or_else(|| Invalid::validation(format!("Field '{name}' in type '{object}' is undefined")))?;
        let arguments = self.arguments(name, field, &written.arguments)?;
        let nested = SCHEMA.fields(field.kind.name()).is_some();
        let empty = written.selection_set.items.is_empty();
        if !nested && !empty {
            let kind = field.kind.name();
            let message = format!("Sub selection not allowed on leaf type '{kind}' of field '{name}'");
            return Err(Invalid::validation(message));
        }
        if nested && empty {
            let kind = field.kind.name();
            return Err(Invalid::validation(format!(
                "Sub selection required for type '{kind}' of field '{name}'"
            )));
        }
        let inside = if nested {
            self.selection(field.kind.name(), &written.selection_set, depth + 1)?
        } else {
            Vec::new()
        };
        Ok(Asked { key, name: name.to_owned(), arguments, inside })
    }

    fn arguments(
        &self,
        name: &str,
        field: &Field,
        written: &[(String, Written<'static, String>)],
    ) -> Result<Map<String, Value>, Invalid> {
        let mut arguments = Map::new();
        for (argument, value) in written {
            let kind = field.arguments.get(argument).ok_or_else(|| {
                Invalid::validation(format!("Unknown argument '{argument}' of field '{name}'"))
            })?;
            if let Written::Variable(variable) = value {
                let declared = self
                    .declared
                    .get(variable.as_str())
                    .ok_or_else(|| Invalid::validation(format!("Undefined variable '{variable}'")))?;
                if declared.name() != kind.name() {
                    return Err(Invalid::validation(format!(
                        "Variable '{variable}' of type '{}' used where '{}' is expected",
                        declared.name(),
                        kind.name()
                    )));
                }
            }
            let value = self.value(value)?;
            fits(argument, &value, kind)?;
            arguments.insert(argument.clone(), value);
        }
        for (argument, kind) in &field.arguments {
            if !arguments.contains_key(argument) {
                fits(argument, &Value::Null, kind)?;
            }
        }
        Ok(arguments)
    }

    fn value(&self, written: &Written<'static, String>) -> Result<Value, Invalid> {
        Ok(match written {
            Written::Variable(name) => {
                if !self.declared.contains_key(name.as_str()) {
                    return Err(Invalid::validation(format!("Undefined variable '{name}'")));
                }
                self.variables.get(name).cloned().unwrap_or(Value::Null)
            }
            Written::Int(number) => number.as_i64().into(),
            Written::Float(number) => json!(number),
            Written::String(text) | Written::Enum(text) => text.as_str().into(),
            Written::Boolean(value) => (*value).into(),
            Written::Null => Value::Null,
            Written::List(items) => {
                items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Written::Object(members) => {
                let members = members.iter().map(|(name, value)| Ok((name.clone(), self.value(value)?)));
                Value::Object(members.collect::<Result<Map<_, _>, Invalid>>()?)
            }
        })
    }
}

/// Whether a value may stand where a type is expected.
fn fits(name: &str, value: &Value, kind: &Type) -> Result<(), Invalid> {
    let wrong = || Invalid::validation(format!("'{name}' is not a valid '{}'", kind.name()));
    match (kind, value) {
        (Type::Required(_), Value::Null) => {
            Err(Invalid::validation(format!("'{name}' of type '{}!' must not be null", kind.name())))
        }
        (Type::Required(inner), value) => fits(name, value, inner),
        (_, Value::Null) => Ok(()),
        (Type::List(inner), Value::Array(items)) => items.iter().try_for_each(|item| fits(name, item, inner)),
        (Type::List(inner), single) => fits(name, single, inner),
        (Type::Named(kind), value) => match SCHEMA.get(kind) {
            Some(Definitions::Input(fields)) => {
                let members = value.as_object().ok_or_else(wrong)?;
                if let Some(unknown) = members.keys().find(|member| !fields.contains_key(*member)) {
                    let message = format!("'{name}' contains a field not in '{kind}': '{unknown}'");
                    return Err(Invalid::validation(message));
                }
                let absent = Value::Null;
                fields
                    .iter()
                    .try_for_each(|(field, kind)| fits(field, members.get(field).unwrap_or(&absent), kind))
            }
            Some(Definitions::Enum(words)) => {
                value.as_str().filter(|word| words.contains(*word)).map(|_| ()).ok_or_else(wrong)
            }
            Some(Definitions::Object(_)) => Err(wrong()),
            None => match kind.as_str() {
                "ID" => value.is_string() || value.is_i64() || value.is_u64(),
                "String" => value.is_string(),
                "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                "Boolean" => value.is_boolean(),
                _ => true,
            }
            .then_some(())
            .ok_or_else(wrong),
        },
    }
}

/// What is asked of a value, under the asked names.
pub fn project(value: &Value, inside: &[Asked]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| project(item, inside)).collect(),
        Value::Object(members) if !inside.is_empty() => {
            let members = inside.iter().map(|asked| {
                let value = match asked.name.as_str() {
                    "__typename" => asked.arguments.get("type").cloned().unwrap_or_default(),
                    name => project(members.get(name).unwrap_or(&Value::Null), &asked.inside),
                };
                (asked.key.clone(), value)
            });
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(query: &str, variables: Value) -> String {
        match read(&json!({"query": query, "variables": variables})) {
            Ok(query) => format!("fine: {query:?}"),
            Err(invalid) => invalid.message,
        }
    }

    #[test]
    fn queries_that_the_vendor_refuses_are_refused() {
        let list =
            "query q($input: ListInfoInput!) { getTicketList(input: $input) { tickets { ticketId FIELD } } }";
        let with = |field: &str| list.replace("FIELD", field);
        let page = json!({"input": {"page": 1}});
        for (query, variables, expected) in [
            (
                with("client { accountId }"),
                page.clone(),
                "Sub selection not allowed on leaf type 'JSON' of field 'client'",
            ),
            (with("requester { name }"), page.clone(), "Sub selection not allowed"),
            (with("nonsense"), page.clone(), "Field 'nonsense' in type 'Ticket' is undefined"),
            (with(""), json!({}), "'input' of type 'ListInfoInput!' must not be null"),
            (with(""), json!({"input": {"first": 10}}), "contains a field not in 'ListInfoInput': 'first'"),
            (with(""), json!({"input": {"page": "1"}}), "'page' is not a valid 'Int'"),
            (
                with(""),
                json!({"input": {"sort": [{"attribute": "a", "order": "down"}]}}),
                "'order' is not a valid 'SortOrder'",
            ),
            ("{ getTicketList(input: {page: 1}) }".to_owned(), json!({}), "Sub selection required"),
            (
                "{ getTicketList(input: $x) { listInfo { page } } }".to_owned(),
                json!({}),
                "Undefined variable 'x'",
            ),
            (
                "query q($input: String!) { getTicket(input: $input) { ticketId } }".to_owned(),
                json!({"input": "1"}),
                "Variable 'input' of type 'String'",
            ),
            ("{ getTicket(id: 1) { ticketId } }".to_owned(), json!({}), "Unknown argument 'id'"),
            ("query {".to_owned(), json!({}), "Invalid Syntax"),
            ("{ ...missing }".to_owned(), json!({}), "undefined fragment"),
        ] {
            let message = wrong(&query, variables);
            assert!(message.contains(expected), "{query}: {message}");
        }
        assert!(read(&json!({})).is_err());
    }

    #[test]
    fn aliases_fragments_and_several_roots_are_understood() {
        let text = "query Two { a: getTicket(input: {ticketId: \"1\"}) { ...t } b: getTicket(input: {ticketId: 2}) { ...t } } \
                    fragment t on Ticket { id: ticketId client __typename }";
        let query = read(&json!({"query": text})).unwrap();
        assert_eq!(query.name.as_deref(), Some("Two"));
        assert_eq!(query.roots.iter().map(|root| root.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let ticket = json!({"ticketId": "1", "client": {"accountId": "9"}, "subject": "not asked"});
        let answer = project(&ticket, &query.roots[0].inside);
        assert_eq!(answer, json!({"id": "1", "client": {"accountId": "9"}, "__typename": "Ticket"}));
    }
}
