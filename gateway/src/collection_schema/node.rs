//! What `schema.json` says of one value and of those inside it.

use std::collections::HashMap;

use regex::Regex;

use crate::comparison::{Constants, Number};

/// A schema of a value.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What type it has.
    pub kind: Kind,
    /// Name of the class, where it is an embedded object.
    pub title: Option<String>,
    /// `enum`: the values there are.
    pub allowed: Option<Constants>,
    /// Constraints on numbers.
    pub numbers: Option<Box<Numbers>>,
    /// Constraints on strings.
    pub strings: Option<Box<Strings>>,
    /// What arrays have inside.
    pub arrays: Option<Box<Arrays>>,
    /// What documents have inside.
    pub objects: Option<Box<Objects>>,
}

/// Types that a property of a Realm class can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the names are MongoDB's; int is also long, and double is also float"
)]
pub enum Kind {
    #[default]
    Mixed,
    Int,
    Double,
    Decimal,
    Number,
    String,
    Bool,
    Date,
    ObjectId,
    Uuid,
    BinData,
    Object,
    Array,
}

/// Constraints on numbers.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// `minimum`, and whether it is excluded itself.
    pub minimum: Option<(Number, bool)>,
    /// `maximum`, and whether it is excluded itself.
    pub maximum: Option<(Number, bool)>,
    /// `multipleOf`, above 0.
    pub multiple_of: Option<Number>,
}

/// Constraints on strings.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    /// `minLength`, in characters.
    pub min: Option<usize>,
    /// `maxLength`, in characters.
    pub max: Option<usize>,
    /// `pattern`, which may match anywhere.
    pub pattern: Option<Regex>,
}

/// What arrays have inside.
#[derive(Clone, Debug, Default)]
pub struct Arrays {
    /// `items`.
    pub items: Node,
    /// `minItems`.
    pub min: Option<usize>,
    /// `maxItems`.
    pub max: Option<usize>,
    /// `uniqueItems`: the array is a set.
    pub unique: bool,
}

/// What documents have inside.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// `properties`.
    pub properties: HashMap<String, Property>,
    /// `required`, in the order of the file.
    pub required: Vec<String>,
    /// `patternProperties`.
    pub patterns: Vec<(Regex, Node)>,
    /// `additionalProperties`.
    pub others: Others,
    /// `minProperties`.
    pub min: Option<usize>,
    /// `maxProperties`.
    pub max: Option<usize>,
    /// `dependencies`: what has to be there if something is.
    pub dependencies: Vec<(String, Vec<String>)>,
}

/// A field that is named.
#[derive(Clone, Debug, Default)]
pub struct Property {
    /// Its value.
    pub node: Node,
    /// It is among those that are `required`.
    pub required: bool,
}

/// Fields that are not named.
#[derive(Clone, Debug, Default)]
pub enum Others {
    /// There may be any.
    #[default]
    Allowed,
    /// There may be none.
    Forbidden,
    /// Their values are like this.
    Like(Box<Node>),
}

impl Node {
    /// The properties of an embedded object; none for what is no object, and for a dictionary, which has names of its own.
    #[must_use]
    pub fn embedded(&self) -> Option<&Objects> {
        let objects = self.objects.as_deref()?;
        (self.kind == Kind::Object && !objects.properties.is_empty()).then_some(objects)
    }

    /// Whether more than the types has to be looked at in a document of a class that fits.
    #[must_use]
    pub fn has_constraints(&self) -> bool {
        self.allowed.is_some()
            || self.numbers.is_some()
            || self.strings.is_some()
            || self.arrays.as_deref().is_some_and(Arrays::has_constraints)
            || self.objects.as_deref().is_some_and(Objects::has_constraints)
    }

    /// Whether a property of this type may be left out though its class calls it required: Realm reads absent, null and
    /// empty as the same.
    #[must_use]
    pub const fn can_be_left_out(&self) -> bool {
        matches!(self.kind, Kind::Mixed | Kind::Object | Kind::Array)
    }
}

impl Arrays {
    const fn is_bounded(&self) -> bool {
        self.unique || self.min.is_some() || self.max.is_some()
    }

    fn has_constraints(&self) -> bool {
        self.is_bounded() || self.items.has_constraints()
    }
}

impl Objects {
    const fn is_bounded(&self) -> bool {
        self.min.is_some()
            || self.max.is_some()
            || !self.patterns.is_empty()
            || !self.dependencies.is_empty()
            || matches!(self.others, Others::Forbidden)
    }

    fn has_constraints(&self) -> bool {
        // That the others are there is what a class says as well.
        let is_to_be_looked_for = |name: &String| {
            self.properties
                .get(name)
                .is_none_or(|one| one.node.can_be_left_out())
        };
        self.is_bounded()
            || self.required.iter().any(is_to_be_looked_for)
            || self.properties.values().any(|one| one.node.has_constraints())
            || matches!(&self.others, Others::Like(node) if node.has_constraints() || !self.properties.is_empty())
    }
}

impl Kind {
    /// The name that Realm has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Int => "int",
            Self::Double => "double",
            Self::Decimal => "decimal128",
            Self::Number => "number",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::ObjectId => "object id",
            Self::Uuid => "uuid",
            Self::BinData => "data",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}
