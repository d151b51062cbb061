//! Reads expressions from JSON.

use serde_json::{Map, Value};

use super::{Comparison, Conversion, Expression, FieldPath, Operand, Place, Subject, Test};
use crate::comparison::Constants;
use crate::json_path::{Findings, JsonPath, kind, shown};
use crate::rules::facts::Fact;

/// Levels of expressions inside each other.
const MAX_DEPTH: usize = 50;

/// Values of one list. Each document is compared with all of them.
pub const MAX_LIST: usize = 1_000;

/// Stands for what is not served.
const UNSERVED: Expression = Expression::Literal(false);

const FUNCTIONS: &str = "functions are not served yet";

/// Reads expressions, noting what is not served.
pub struct Reader<'a> {
    /// Where the expressions stand.
    pub place: Place,
    /// Takes what is wrong.
    pub findings: &'a mut Findings,
    /// False once something was wrong.
    pub sound: bool,
}

impl Reader<'_> {
    /// One expression.
    pub fn expression(&mut self, json: &Value, path: &JsonPath<'_>) -> Expression {
        if path.depth() > MAX_DEPTH {
            return self.refuse(
                path,
                format!("expressions are nested deeper than {MAX_DEPTH} levels"),
            );
        }
        match json {
            Value::Bool(literal) => Expression::Literal(*literal),
            Value::String(text) if text == "%%true" => Expression::Literal(true),
            Value::String(text) if text == "%%false" => Expression::Literal(false),
            Value::Object(members) => {
                let members = members.iter();
                all(members.map(|(key, value)| self.member(key, value, &path.key(key))))
            }
            _ => self.refuse(
                path,
                format!("expected true, false or an object, found {}", kind(json)),
            ),
        }
    }

    fn member(&mut self, key: &str, value: &Value, path: &JsonPath<'_>) -> Expression {
        match key {
            "%and" => Expression::All(self.list(value, path)),
            "%or" => Expression::Any(self.list(value, path)),
            "%nor" => not(Expression::Any(self.list(value, path))),
            "%not" => not(self.expression(value, path)),
            "%%true" => self.literal(true, value, path),
            "%%false" => self.literal(false, value, path),
            "%function" => self.refuse(path, FUNCTIONS),
            _ if key.starts_with("%%") => match self.fact(key, path) {
                Some(fact) => self.tests(&Subject::Fact(fact), value, path),
                None => UNSERVED,
            },
            _ if key.is_empty() || key.starts_with(['$', '%']) => {
                self.refuse(path, format!("operator '{}' is not served here", shown(key)))
            }
            _ if self.place == Place::Choice => self.refuse(
                path,
                "a role is chosen before there is a document, so fields of it cannot be used here",
            ),
            _ => {
                let names = key.split('.').map(ToOwned::to_owned).collect();
                self.tests(&Subject::Field(FieldPath(names)), value, path)
            }
        }
    }

    /// `{"%%true": ...}`, which most often has an expression inside.
    fn literal(&mut self, literal: bool, value: &Value, path: &JsonPath<'_>) -> Expression {
        let first = value.as_object().and_then(|members| members.keys().next());
        let is_test = first.is_some_and(|key| key.starts_with('$'));
        if value.is_string() || is_test {
            return self.tests(&Subject::Literal(literal), value, path);
        }
        let inner = self.expression(value, path);
        if literal { inner } else { not(inner) }
    }

    fn list(&mut self, json: &Value, path: &JsonPath<'_>) -> Vec<Expression> {
        let Value::Array(elements) = json else {
            return vec![self.refuse(
                path,
                format!("expected an array of expressions, found {}", kind(json)),
            )];
        };
        let elements = elements.iter().enumerate();
        elements
            .map(|(at, one)| self.expression(one, &path.index(at)))
            .collect()
    }

    /// What the subject has to pass: a value that it equals, or operators.
    fn tests(&mut self, subject: &Subject, json: &Value, path: &JsonPath<'_>) -> Expression {
        let operators = json.as_object().filter(|members| is_operators(members));
        let Some(operators) = operators else {
            let operand = self.operand(json, path);
            return operand.map_or(UNSERVED, |operand| {
                Expression::Test(subject.clone(), Test::Compare(Comparison::Eq, operand))
            });
        };
        let tests = operators.iter();
        all(tests.map(|(operator, value)| {
            let test = self.test(operator, value, &path.key(operator));
            test.map_or(UNSERVED, |test| Expression::Test(subject.clone(), test))
        }))
    }

    fn test(&mut self, operator: &str, value: &Value, path: &JsonPath<'_>) -> Option<Test> {
        let comparison = match operator {
            "$eq" => Comparison::Eq,
            "$ne" => Comparison::Ne,
            "$gt" => Comparison::Gt,
            "$gte" => Comparison::Gte,
            "$lt" => Comparison::Lt,
            "$lte" => Comparison::Lte,
            "$in" | "$nin" => {
                let list = self.values(value, path)?;
                let negated = operator == "$nin";
                return Some(Test::In { list, negated });
            }
            "$exists" | "%exists" => {
                let Some(wanted) = value.as_bool() else {
                    return self.nothing(path, format!("expected true or false, found {}", kind(value)));
                };
                return Some(Test::Exists(wanted));
            }
            "%function" => return self.nothing(path, FUNCTIONS),
            _ => {
                let text = format!("operator '{}' is not served here", shown(operator));
                return self.nothing(path, text);
            }
        };
        Some(Test::Compare(comparison, self.operand(value, path)?))
    }

    fn operand(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Operand> {
        match json {
            Value::String(text) if text.starts_with("%%") => match text.as_str() {
                "%%true" => Constants::of([&Value::Bool(true)]).map(Operand::Constants),
                "%%false" => Constants::of([&Value::Bool(false)]).map(Operand::Constants),
                _ => self.fact(text, path).map(Operand::Fact),
            },
            Value::Object(members) if members.len() == 1 => {
                let conversion = members.iter().next();
                let conversion = conversion.and_then(|(key, value)| Some((conversion_of(key)?, key, value)));
                match conversion {
                    Some((conversion, key, value)) => self.converted(conversion, value, &path.key(key)),
                    None => self.constant(json, path),
                }
            }
            _ => self.constant(json, path),
        }
    }

    fn converted(&mut self, conversion: Conversion, json: &Value, path: &JsonPath<'_>) -> Option<Operand> {
        let operand = self.operand(json, path)?;
        if matches!(operand, Operand::Converted(..)) {
            return self.nothing(
                path,
                "a conversion takes a value or an expansion, no other operator",
            );
        }
        Some(Operand::Converted(conversion, Box::new(operand)))
    }

    fn constant(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Operand> {
        let constant = Constants::of([json]).map(Operand::Constants);
        constant.or_else(|| {
            let text = format!(
                "expected a text, number, boolean, null, a value in Extended JSON or an expansion, found {}",
                kind(json)
            );
            self.nothing(path, text)
        })
    }

    /// The list of `$in`.
    fn values(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Operand> {
        match json {
            Value::String(text) if text.starts_with("%%") => self.fact(text, path).map(Operand::Fact),
            Value::Array(list) if list.len() > MAX_LIST => {
                self.nothing(path, format!("the list has more than {MAX_LIST} values"))
            }
            Value::Array(list) => {
                let is_expansion = |one: &Value| one.as_str().is_some_and(|text| text.starts_with("%%"));
                let constants = Constants::of(list).filter(|_| !list.iter().any(is_expansion));
                let constants = constants.map(Operand::Constants);
                constants.or_else(|| {
                    self.nothing(
                        path,
                        "the list may have texts, numbers, booleans, null and values in Extended JSON",
                    )
                })
            }
            _ => self.nothing(
                path,
                format!("expected an array or an expansion, found {}", kind(json)),
            ),
        }
    }

    fn fact(&mut self, expansion: &str, path: &JsonPath<'_>) -> Option<Fact> {
        let fact = Fact::parse(expansion);
        fact.or_else(|| {
            let text = format!(
                "expansion '{}' is not served here; known are %%true, %%false, %%user.id, .type, .data, .custom_data and \
                 .identities, %%values, and %%environment.tag and .values",
                shown(expansion)
            );
            self.nothing(path, text)
        })
    }

    fn refuse(&mut self, path: &JsonPath<'_>, text: impl Into<String>) -> Expression {
        self.report(path, text);
        UNSERVED
    }

    fn nothing<T>(&mut self, path: &JsonPath<'_>, text: impl Into<String>) -> Option<T> {
        self.report(path, text);
        None
    }

    fn report(&mut self, path: &JsonPath<'_>, text: impl Into<String>) {
        path.report(self.findings, text);
        self.sound = false;
    }
}

/// Several members of one object hold together.
fn all(expressions: impl Iterator<Item = Expression>) -> Expression {
    let mut list: Vec<_> = expressions.collect();
    match list.len() {
        0 => Expression::Literal(true),
        1 => list.remove(0),
        _ => Expression::All(list),
    }
}

fn not(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

/// Operators on a value, as opposed to the value in Extended JSON or a conversion.
fn is_operators(members: &Map<String, Value>) -> bool {
    let first = members.keys().next().map(String::as_str);
    first.is_some_and(|key| {
        key.starts_with(['$', '%']) && !is_extended_json(key) && conversion_of(key).is_none()
    })
}

fn is_extended_json(key: &str) -> bool {
    matches!(
        key,
        "$oid"
            | "$numberInt"
            | "$numberLong"
            | "$numberDouble"
            | "$numberDecimal"
            | "$date"
            | "$uuid"
            | "$binary"
    )
}

fn conversion_of(key: &str) -> Option<Conversion> {
    match key {
        "%stringToOid" => Some(Conversion::StringToOid),
        "%oidToString" => Some(Conversion::OidToString),
        "%stringToUuid" => Some(Conversion::StringToUuid),
        "%uuidToString" => Some(Conversion::UuidToString),
        _ => None,
    }
}
