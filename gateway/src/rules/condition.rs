//! What is left of an expression once the user is known.

use std::cmp::Ordering;

use bson::{Bson, Uuid, oid::ObjectId, spec::BinarySubtype};
use realm_ingest_protocol::{Document, Value};

use super::expression::{Comparison, Conversion, Expression, FieldPath, MAX_LIST, Operand, Subject, Test};
use super::facts::{Fact, Facts};
use crate::comparison::{Constants, equal, order};

/// An expression in which nothing but fields of the document is open. Judging a document by it costs no allocation.
#[derive(Debug)]
pub enum Condition<'a> {
    /// Decided.
    Literal(bool),
    /// True if all are.
    All(Vec<Self>),
    /// True if one is.
    Any(Vec<Self>),
    /// True if whether the field passes is as wanted.
    Field {
        /// Of the document.
        path: &'a FieldPath,
        /// What it passes, or does not.
        check: Check,
        /// Which of both.
        wanted: bool,
    },
}

/// A test whose right side is known.
#[derive(Debug)]
pub enum Check {
    /// Against the one value.
    Compare(Comparison, Constants),
    /// Whether it is one of them; or, negated, none.
    In(Constants, bool),
    /// Whether it has a value other than null, or has not.
    Exists(bool),
}

impl Expression {
    /// What is left of it for this user.
    #[must_use]
    pub fn given(&self, facts: &Facts<'_>) -> Condition<'_> {
        self.being(true, facts)
    }

    /// What is left of it being `wanted`. A test against something that is not there is neither true nor false, so nobody
    /// passes it either way: not by `$ne`, nor by `%not`.
    fn being(&self, wanted: bool, facts: &Facts<'_>) -> Condition<'_> {
        match self {
            Self::Literal(literal) => Condition::Literal(*literal == wanted),
            Self::All(list) => several(list, wanted, facts, !wanted),
            Self::Any(list) => several(list, wanted, facts, wanted),
            Self::Not(inner) => inner.being(!wanted, facts),
            Self::Test(subject, test) => {
                let Some(check) = test.given(facts) else {
                    return Condition::Literal(false);
                };
                let decided = |value: Option<Value<'_>>| Condition::Literal(check.passes(value) == wanted);
                match subject {
                    Subject::Field(path) => Condition::Field { path, check, wanted },
                    Subject::Literal(literal) => decided(Some(Value::Boolean(*literal))),
                    Subject::Fact(fact) => match fact.of(facts) {
                        None => decided(None),
                        Some(json) => Constants::of_any(&json)
                            .map_or(Condition::Literal(false), |one| decided(one.first())),
                    },
                }
            }
        }
    }

    /// Calls `each` for every test in it.
    pub fn for_each_test<'a>(&'a self, each: &mut impl FnMut(&'a Subject, &'a Test)) {
        match self {
            Self::Literal(_) => {}
            Self::All(list) | Self::Any(list) => list.iter().for_each(|one| one.for_each_test(each)),
            Self::Not(inner) => inner.for_each_test(each),
            Self::Test(subject, test) => each(subject, test),
        }
    }
}

/// Of each being `wanted`. `deciding` is what one of these has to be so that the others do not matter.
fn several<'a>(list: &'a [Expression], wanted: bool, facts: &Facts<'_>, deciding: bool) -> Condition<'a> {
    let mut open = Vec::new();
    for expression in list {
        match expression.being(wanted, facts) {
            Condition::Literal(literal) if literal == deciding => return Condition::Literal(deciding),
            Condition::Literal(_) => {}
            condition => open.push(condition),
        }
    }
    match (open.is_empty(), deciding) {
        (true, _) => Condition::Literal(!deciding),
        (false, true) => Condition::Any(open),
        (false, false) => Condition::All(open),
    }
}

impl Test {
    fn given(&self, facts: &Facts<'_>) -> Option<Check> {
        Some(match self {
            Self::Compare(comparison, operand) => Check::Compare(*comparison, operand.given(facts)?),
            Self::In { list, negated } => Check::In(list.list_given(facts)?, *negated),
            Self::Exists(wanted) => Check::Exists(*wanted),
        })
    }

    /// What it is tested against, if anything.
    #[must_use]
    pub const fn operand(&self) -> Option<&Operand> {
        match self {
            Self::Compare(_, operand) | Self::In { list: operand, .. } => Some(operand),
            Self::Exists(_) => None,
        }
    }
}

impl Operand {
    /// The expansion that it is, or is converted from.
    #[must_use]
    pub fn fact(&self) -> Option<&Fact> {
        match self {
            Self::Constants(_) => None,
            Self::Fact(fact) => Some(fact),
            Self::Converted(_, inner) => inner.fact(),
        }
    }

    fn given(&self, facts: &Facts<'_>) -> Option<Constants> {
        match self {
            Self::Constants(constants) => Some(constants.clone()),
            Self::Fact(fact) => Constants::of([&*fact.of(facts)?]),
            Self::Converted(conversion, inner) => {
                let constants = inner.given(facts)?;
                Constants::of_bson([conversion.of(constants.first()?)?])
            }
        }
    }

    fn list_given(&self, facts: &Facts<'_>) -> Option<Constants> {
        match self {
            Self::Fact(fact) => {
                let value = fact.of(facts)?;
                let list = value.as_array().filter(|list| list.len() <= MAX_LIST)?;
                Constants::of(list)
            }
            _ => self.given(facts),
        }
    }
}

impl Conversion {
    fn of(self, value: Value<'_>) -> Option<Bson> {
        Some(match (self, value) {
            (Self::StringToOid, Value::String(text)) => Bson::ObjectId(ObjectId::parse_str(text).ok()?),
            (Self::OidToString, Value::ObjectId(id)) => Bson::String(ObjectId::from_bytes(id).to_hex()),
            (Self::StringToUuid, Value::String(text)) => Uuid::parse_str(text).ok()?.into(),
            (Self::UuidToString, Value::Binary { subtype: 4, bytes }) => {
                let uuid = bson::Binary {
                    subtype: BinarySubtype::Uuid,
                    bytes: bytes.to_vec(),
                };
                Bson::String(uuid.to_uuid().ok()?.to_string())
            }
            _ => return None,
        })
    }
}

impl Condition<'_> {
    /// Whether it holds for a sound document.
    #[must_use]
    pub fn holds(&self, document: &Document<'_>) -> bool {
        match self {
            Self::Literal(literal) => *literal,
            Self::All(list) => list.iter().all(|one| one.holds(document)),
            Self::Any(list) => list.iter().any(|one| one.holds(document)),
            Self::Field { path, check, wanted } => check.passes(path.of(document)) == *wanted,
        }
    }
}

impl FieldPath {
    fn of<'a>(&self, document: &Document<'a>) -> Option<Value<'a>> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(document.get(first)?, |value, name| match value {
                Value::Document(inner) => inner.get(name),
                _ => None,
            })
    }
}

impl Check {
    fn passes(&self, value: Option<Value<'_>>) -> bool {
        // Realm reads absent and null as the same.
        let value = value.unwrap_or(Value::Null);
        match self {
            Self::Exists(wanted) => (value != Value::Null) == *wanted,
            Self::In(list, negated) => any(value, |one| list.contains(one)) != *negated,
            Self::Compare(comparison, constant) => constant.first().is_some_and(|with| match comparison {
                Comparison::Eq => any(value, |one| equal(one, with)),
                Comparison::Ne => !any(value, |one| equal(one, with)),
                Comparison::Gt => any(value, |one| order(one, with) == Some(Ordering::Greater)),
                Comparison::Gte => any(value, |one| order(one, with).is_some_and(Ordering::is_ge)),
                Comparison::Lt => any(value, |one| order(one, with) == Some(Ordering::Less)),
                Comparison::Lte => any(value, |one| order(one, with).is_some_and(Ordering::is_le)),
            }),
        }
    }
}

/// As in MongoDB's queries, an array passes if one of its elements does.
fn any(value: Value<'_>, passes: impl Fn(Value<'_>) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.fields().any(|field| passes(field.value)),
        one => passes(one),
    }
}
