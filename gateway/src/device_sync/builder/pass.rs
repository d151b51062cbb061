//! A changeset, read from its beginning to its end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, MAX_PROPERTY_NAME, validation_text};

use super::super::changeset::{Instruction, Key, Place, Reader};
use super::super::registry::{Registry, TableKind};
use super::apply::{Editor, Failure, Way};
use super::bson::Output;
use super::identity::KeyIdentity;
use super::layout::Layouts;
use super::meter::{Meter, NODE};
use super::tree::{self, Node, Object};
use super::{BuildError, Built, Limits, MAX_SCHEMA_INSTRUCTIONS, Misfit, unknown};
use crate::ingest::Run;
use crate::memory::Budget;

/// How much is kept while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One object.
    Streaming,
    /// All of them. What is said of classes is read in advance.
    Whole,
}

/// An object that was created in the changeset.
struct Created<'a> {
    key: Key<'a>,
    object: Object<'a>,
    is_erased: bool,
}

/// Which object an instruction is about.
enum Found {
    /// That of this number among those that are kept.
    Kept(usize),
    /// None that was created in the changeset.
    Foreign,
    /// Perhaps one that is not kept any more.
    Gone,
}

/// See the module.
pub(super) struct Pass<'a, 'b> {
    changeset: &'a [u8],
    registry: Cow<'b, Registry>,
    changed: bool,
    schema_instructions: usize,
    mode: Mode,
    limits: Limits,
    output: Output<'b>,
    meter: Meter,
    layouts: Layouts<'a>,
    /// Those that are kept.
    created: Vec<Created<'a>>,
    /// By layout and key, where all are kept.
    index: HashMap<(usize, KeyIdentity<'a>), usize>,
    /// What the last object had, for the next one.
    spare: Vec<(usize, Node<'a>)>,
    /// What the reader holds.
    strings: usize,
    documents: u32,
    runs: Vec<Run>,
    skipped: u64,
}

impl<'a, 'b> Pass<'a, 'b> {
    pub(super) fn new(
        changeset: &'a [u8],
        registry: &'b Registry,
        mode: Mode,
        limits: Limits,
        budget: &'b mut Budget,
    ) -> Self {
        let output = Output::new(limits, budget);
        Self {
            changeset,
            registry: Cow::Borrowed(registry),
            changed: false,
            schema_instructions: 0,
            mode,
            limits,
            meter: output.meter(),
            output,
            layouts: Layouts::new(),
            created: Vec::new(),
            index: HashMap::new(),
            spare: Vec::new(),
            strings: 0,
            documents: 0,
            runs: Vec::new(),
            skipped: 0,
        }
    }

    /// The documents, and the registry if it has changed. None when the changeset goes back to something that was not kept.
    pub(super) fn run(mut self) -> Result<Option<(Built, Option<Registry>)>, BuildError> {
        let result = self.read();
        if !matches!(result, Ok(true)) {
            self.output.give_back();
        }
        if !result? {
            return Ok(None);
        }
        let built = Built {
            runs: self.runs,
            payload: self.output.take(),
            documents: self.documents,
            changed: self.changed,
            skipped: self.skipped,
            incomplete: self.layouts.incomplete(),
        };
        let grown = self.changed.then(|| self.registry.into_owned());
        Ok(Some((built, grown)))
    }

    fn read(&mut self) -> Result<bool, BuildError> {
        if self.mode == Mode::Whole {
            let mut reader = Reader::new(self.changeset);
            while let Some(instruction) = reader.next_instruction()? {
                self.schema(&instruction)?;
            }
        }
        let mut reader = Reader::new(self.changeset);
        while let Some(instruction) = reader.next_instruction()? {
            if !self.apply(&instruction)? {
                return Ok(false);
            }
            let held = reader.held();
            if held > self.strings {
                self.meter.take(held - self.strings)?;
                self.strings = held;
            }
        }
        for created in std::mem::take(&mut self.created) {
            self.write(&created)?;
        }
        if self.changed {
            self.check_schema()?;
        }
        self.output.account_for(self.runs.capacity() * size_of::<Run>())?;
        Ok(true)
    }

    /// False when it goes back to something that was not kept.
    fn apply(&mut self, instruction: &Instruction<'a, '_>) -> Result<bool, BuildError> {
        use Instruction as I;
        let place = match *instruction {
            I::AddTable { .. } | I::EraseTable { .. } | I::AddColumn { .. } | I::EraseColumn { .. } => {
                // Documents were made under what was known before.
                return Ok(self.mode == Mode::Whole || !self.schema(instruction)? || self.layouts.is_empty());
            }
            I::CreateObject { class, key } => return self.create(class, key),
            I::EraseObject { class, key } => return Ok(self.erase(class, key)),
            I::Update { place, .. }
            | I::AddInteger { place, .. }
            | I::ArrayInsert { place, .. }
            | I::ArrayMove { place, .. }
            | I::ArrayErase { place }
            | I::Clear { place, .. }
            | I::SetInsert { place, .. }
            | I::SetErase { place, .. } => place,
        };
        let kept = match self.find(place.class, place.key) {
            Found::Kept(kept) => kept,
            Found::Gone => return Ok(false),
            Found::Foreign => {
                self.skipped += 1;
                return Ok(true);
            }
        };
        let Some(created) = self.created.get_mut(kept) else {
            return Ok(true);
        };
        let object = &mut created.object;
        let way = Way {
            field: place.field,
            path: place.path,
        };
        let mut editor = Editor {
            layouts: &mut self.layouts,
            registry: &self.registry,
            meter: &mut self.meter,
        };
        let result = match *instruction {
            I::Update { payload, .. } => editor.update(object, way, payload),
            I::AddInteger { by, .. } => editor.add_integer(object, way, by),
            I::ArrayInsert { payload, .. } => editor.array_insert(object, way, payload),
            I::ArrayMove { to, .. } => editor.array_move(object, way, to),
            I::ArrayErase { .. } => editor.array_erase(object, way),
            I::Clear { container, .. } => editor.clear(object, way, container),
            I::SetInsert { payload, .. } => editor.set_insert(object, way, payload),
            I::SetErase { payload, .. } => editor.set_erase(object, way, payload),
            _ => Ok(()),
        };
        result.map(|()| true).map_err(|failure| failed(&place, failure))
    }

    /// Notes what an instruction says of classes, and whether that is new.
    fn schema(&mut self, instruction: &Instruction<'a, '_>) -> Result<bool, BuildError> {
        use Instruction as I;
        if !matches!(
            instruction,
            I::AddTable { .. } | I::EraseTable { .. } | I::AddColumn { .. } | I::EraseColumn { .. }
        ) {
            return Ok(false);
        }
        self.schema_instructions += 1;
        if self.schema_instructions > MAX_SCHEMA_INSTRUCTIONS {
            return Err(BuildError::TooManySchemaInstructions);
        }
        let changed = self.registry.to_mut().apply(instruction)?;
        self.changed |= changed;
        Ok(changed)
    }

    fn check_schema(&self) -> Result<(), BuildError> {
        let schema = self.registry.schema();
        schema.check_limits().map_err(BuildError::Schema)?;
        schema
            .validate()
            .map_err(|findings| BuildError::Schema(validation_text(&findings)))
    }

    /// False when what its class is may be said later.
    fn create(&mut self, class: &'a str, key: Key<'a>) -> Result<bool, BuildError> {
        if self.documents == self.limits.documents {
            return Err(BuildError::TooManyDocuments(self.limits.documents));
        }
        let misfit = |what| BuildError::Object {
            class: shown(class),
            what,
        };
        if class.len() > MAX_CLASS_NAME {
            return Err(misfit(Misfit::Name));
        }
        let Some(layout) = self.layout(class)? else {
            return Ok(false);
        };
        let kind = self.layouts.plan(layout).map(|plan| plan.kind);
        if kind == Some(TableKind::Embedded) {
            return Err(misfit(Misfit::Embedded));
        }
        if key.value().is_none() {
            return Err(misfit(Misfit::NoKey));
        }
        if self.mode == Mode::Streaming {
            if let Some(mut last) = self.created.pop() {
                self.write(&last)?;
                last.object.fields.clear();
                self.spare = last.object.fields;
            }
            self.meter.back_to(self.strings);
        } else {
            self.meter.take(2 * NODE + size_of::<Created<'_>>())?;
            self.index.insert((layout, key.into()), self.created.len());
        }
        self.documents += 1;
        let fields = std::mem::take(&mut self.spare);
        self.created.push(Created {
            key,
            object: Object { layout, fields },
            is_erased: false,
        });
        Ok(true)
    }

    /// The layout of a class of which an object comes; none when what it is may be said later.
    fn layout(&mut self, class: &str) -> Result<Option<usize>, BuildError> {
        if let Some(last) = self.created.last()
            && self.is_class(last.object.layout, class)
        {
            return Ok(Some(last.object.layout));
        }
        if let Some(known) = self.layouts.known(class) {
            return Ok(Some(known));
        }
        if unknown::is_known(class, &self.registry) {
            return Ok(self.layouts.of_class(class, &self.registry));
        }
        if self.mode == Mode::Streaming {
            return Ok(None);
        }
        let unknown = unknown::classes(self.changeset, &self.registry)?;
        Err(BuildError::UnknownClasses(unknown))
    }

    fn is_class(&self, layout: usize, class: &str) -> bool {
        self.layouts
            .plan(layout)
            .is_some_and(|plan| *plan.class == *class)
    }

    /// Erasing does not matter to an object that has left the device.
    fn erase(&mut self, class: &str, key: Key<'a>) -> bool {
        match self.find(class, key) {
            Found::Gone => return false,
            Found::Foreign => self.skipped += 1,
            Found::Kept(kept) => {
                if let Some(created) = self.created.get_mut(kept) {
                    let plan = self.layouts.plan(created.object.layout);
                    created.is_erased = plan.is_some_and(|plan| plan.kind == TableKind::Regular);
                }
            }
        }
        true
    }

    fn find(&self, class: &str, key: Key<'a>) -> Found {
        let key = KeyIdentity::from(key);
        if let Some(last) = self.created.last()
            && KeyIdentity::from(last.key) == key
            && self.is_class(last.object.layout, class)
        {
            return Found::Kept(self.created.len() - 1);
        }
        if self.mode == Mode::Streaming {
            return Found::Gone;
        }
        let class = Some(class).filter(|class| class.len() <= MAX_CLASS_NAME);
        let layout = class.and_then(|class| self.layouts.known(class));
        let kept = layout.and_then(|layout| self.index.get(&(layout, key)));
        kept.map_or(Found::Foreign, |kept| Found::Kept(*kept))
    }

    fn write(&mut self, created: &Created<'a>) -> Result<(), BuildError> {
        let Some(key) = created.key.value().filter(|_| !created.is_erased) else {
            self.documents -= 1;
            return Ok(());
        };
        tree::write(&mut self.output, &self.layouts, key, &created.object)?;
        let Some(plan) = self.layouts.plan(created.object.layout) else {
            return Ok(());
        };
        match self.runs.last_mut() {
            Some(run) if *run.class == *plan.class => run.count += 1,
            _ => self.runs.push(Run {
                class: Arc::clone(&plan.class),
                count: 1,
            }),
        }
        Ok(())
    }
}

fn failed(place: &Place<'_, '_>, failure: Failure) -> BuildError {
    match failure {
        Failure::NoMemory(error) => error.into(),
        Failure::Misfit(what) => BuildError::Instruction {
            class: shown(place.class),
            property: shown(place.field),
            what,
        },
    }
}

/// A name as far as an error shows it.
fn shown(name: &str) -> String {
    name.chars().take(MAX_PROPERTY_NAME).collect()
}
