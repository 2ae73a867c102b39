//! The vendor's schema, as far as a query has to keep to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use graphql_parser::schema::{Definition, Type as Parsed, TypeDefinition, parse_schema};

/// The schema.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::read(include_str!("schema.graphql")));

/// A type where a field or argument names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// By name.
    Named(String),
    /// A list.
    List(Box<Type>),
    /// Never null.
    Required(Box<Type>),
}

impl Type {
    fn of(parsed: Parsed<'_, String>) -> Self {
        match parsed {
            Parsed::NamedType(name) => Self::Named(name),
            Parsed::ListType(inner) => Self::List(Box::new(Self::of(*inner))),
            Parsed::NonNullType(inner) => Self::Required(Box::new(Self::of(*inner))),
        }
    }

    /// The name inside lists and marks.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::Required(inner) => inner.name(),
        }
    }
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// Its arguments.
    pub arguments: BTreeMap<String, Type>,
    /// What it is.
    pub kind: Type,
}

/// What a name stands for.
#[derive(Debug)]
pub enum Definitions {
    /// Has fields of its own.
    Object(BTreeMap<String, Field>),
    /// An argument with members.
    Input(BTreeMap<String, Type>),
    /// One of some words.
    Enum(BTreeSet<String>),
}

/// All types; scalars are those that are not here.
#[derive(Debug)]
pub struct Schema(BTreeMap<String, Definitions>);

impl Schema {
    fn read(text: &'static str) -> Self {
        let document = parse_schema::<String>(text).map(|document| document.definitions).unwrap_or_default();
        let types = document.into_iter().filter_map(|definition| match definition {
            Definition::TypeDefinition(definition) => entry(definition),
            _ => None,
        });
        Self(types.collect())
    }

    /// What a name stands for; `None` for a scalar.
    pub fn get(&self, name: &str) -> Option<&Definitions> {
        self.0.get(name)
    }

    /// The fields of an object.
    pub fn fields(&self, name: &str) -> Option<&BTreeMap<String, Field>> {
        match self.0.get(name) {
            Some(Definitions::Object(fields)) => Some(fields),
            _ => None,
        }
    }
}

fn entry(definition: TypeDefinition<'_, String>) -> Option<(String, Definitions)> {
    Some(match definition {
        TypeDefinition::Object(object) => {
            let fields = object.fields.into_iter().map(|field| {
                let arguments =
                    field.arguments.into_iter().map(|input| (input.name, Type::of(input.value_type)));
                (field.name, Field { arguments: arguments.collect(), kind: Type::of(field.field_type) })
            });
            (object.name, Definitions::Object(fields.collect()))
        }
        TypeDefinition::InputObject(input) => {
            let fields = input.fields.into_iter().map(|field| (field.name, Type::of(field.value_type)));
            (input.name, Definitions::Input(fields.collect()))
        }
        TypeDefinition::Enum(words) => {
            let values = words.values.into_iter().map(|value| value.name);
            (words.name, Definitions::Enum(values.collect()))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_complete_in_itself() {
        assert!(SCHEMA.fields("Query").is_some_and(|fields| fields.len() == 15));
        for (name, definition) in &SCHEMA.0 {
            let kinds: Vec<&Type> = match definition {
                Definitions::Object(fields) => fields
                    .values()
                    .flat_map(|field| field.arguments.values().chain(std::iter::once(&field.kind)))
                    .collect(),
                Definitions::Input(fields) => fields.values().collect(),
                Definitions::Enum(_) => Vec::new(),
            };
            for kind in kinds {
                let known = SCHEMA.get(kind.name()).is_some()
                    || ["ID", "String", "Int", "Boolean", "JSON"].contains(&kind.name());
                assert!(known, "{name} names {}", kind.name());
            }
        }
    }
}
