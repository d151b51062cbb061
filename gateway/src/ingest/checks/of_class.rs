//! What a document has to be for the class that it was sent for.

use realm_ingest_protocol::{Checker, Class, Document, DocumentError, Limits, RefusalCode, Violation};

/// The check of documents that were sent for one class of one schema.
pub struct OfClass<'a> {
    pub(super) checker: &'a Checker,
    pub(super) name: &'a str,
    pub(super) class: Option<&'a Class>,
    pub(super) conflict: Option<&'a str>,
}

impl OfClass<'_> {
    /// Whether there is such a class.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.class.is_some()
    }

    /// The document, if it is what its own schema says, and the class contradicts nothing accepted.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check<'d>(&self, bytes: &'d [u8]) -> Result<Document<'d>, Violation> {
        let class = self.class.ok_or_else(|| self.unknown())?;
        let document = document(class, self.checker, bytes)?;
        match self.conflict {
            None => Ok(document),
            Some(reason) => Err(Violation {
                code: RefusalCode::SchemaConflict,
                reason: reason.to_owned(),
            }),
        }
    }

    fn unknown(&self) -> Violation {
        let name = self.name;
        let reason = match self.checker.class(name) {
            Some(_) => format!("class '{name}' is embedded and has no documents of its own"),
            None => format!("class '{name}' is not in the schema the transaction was written under"),
        };
        Violation {
            code: RefusalCode::UnknownClass,
            reason,
        }
    }
}

fn document<'d>(class: &Class, checker: &Checker, bytes: &'d [u8]) -> Result<Document<'d>, Violation> {
    let document = Document::validate(bytes, &Limits::default()).map_err(|error| {
        let code = match error {
            DocumentError::TooLarge { .. } => RefusalCode::DocumentTooLarge,
            _ => RefusalCode::InvalidDocument,
        };
        Violation {
            code,
            reason: error.to_string(),
        }
    })?;
    checker.check(&class.name, &document)?;
    if document.get("_id").is_none() {
        // The class may call its key optional, which allows null; without a key nothing tells one
        // document from another.
        let reason = format!("required property '{}._id' is missing", class.name);
        return Err(Violation {
            code: RefusalCode::MissingProperty,
            reason,
        });
    }
    Ok(document)
}
