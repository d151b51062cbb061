//! Reads the instructions of a changeset, one after the other.

use super::instruction::{Column, ColumnType, Container, Instruction, KeyColumn, PathElement, Place, Table};
use super::integer::Input;
use super::value::{Key, KeyType, Payload, code, numbered};
use super::{ChangesetError, Fault, MAX_PATH};

/// Numbered strings of one changeset: two for each document of the largest transaction. Among them are keys of objects and of
/// dictionaries.
const MAX_STRINGS: usize = 2_000_000;

/// In front of a path's name, where another element has its index.
const NAME: i64 = -1;

/// See the module.
#[derive(Debug)]
pub struct Reader<'a> {
    length: usize,
    input: Input<'a>,
    strings: Vec<&'a str>,
    path: Vec<PathElement<'a>>,
}

impl<'a> Reader<'a> {
    /// From the beginning of a changeset.
    #[must_use]
    pub const fn new(changeset: &'a [u8]) -> Self {
        Self {
            length: changeset.len(),
            input: Input::new(changeset),
            strings: Vec::new(),
            path: Vec::new(),
        }
    }

    /// The next instruction, until there is none.
    ///
    /// # Errors
    /// When there is something else. Then it is the end.
    pub fn next_instruction(&mut self) -> Result<Option<Instruction<'a, '_>>, ChangesetError> {
        let mut input = self.input.clone();
        let item = read(&mut input, &mut self.strings, &mut self.path);
        let at = self.length - input.len();
        self.input = if item.is_ok() { input } else { Input::new(&[]) };
        item.map_err(|fault| ChangesetError { at, fault })
    }

    /// Bytes of memory that it holds, about.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.strings.capacity() * size_of::<&str>()
    }
}

fn read<'a, 'r>(
    input: &mut Input<'a>,
    strings: &mut Vec<&'a str>,
    path: &'r mut Vec<PathElement<'a>>,
) -> Result<Option<Instruction<'a, 'r>>, Fault> {
    while !input.is_empty() {
        match input.int()? {
            63 => define(input, strings)?,
            code => return instruction(code, input, strings, path).map(Some),
        }
    }
    Ok(None)
}

fn define<'a>(input: &mut Input<'a>, strings: &mut Vec<&'a str>) -> Result<(), Fault> {
    if input.index()? != strings.len() {
        return Err(Fault::StringOrder);
    }
    if strings.len() == MAX_STRINGS {
        return Err(Fault::TooManyStrings);
    }
    strings.push(input.string()?);
    Ok(())
}

fn instruction<'a, 'r>(
    code: i64,
    input: &mut Input<'a>,
    strings: &[&'a str],
    path: &'r mut Vec<PathElement<'a>>,
) -> Result<Instruction<'a, 'r>, Fault> {
    use Instruction as I;
    Ok(match code {
        0 => I::AddTable {
            class: numbered(input, strings)?,
            table: table(input, strings)?,
        },
        1 => I::EraseTable {
            class: numbered(input, strings)?,
        },
        2 => I::CreateObject {
            class: numbered(input, strings)?,
            key: Key::read(input, strings)?,
        },
        3 => I::EraseObject {
            class: numbered(input, strings)?,
            key: Key::read(input, strings)?,
        },
        4 => {
            let place = place(input, strings, path)?;
            let payload = Payload::read(input, strings)?;
            // Of an element how many there were, of others whether it is a default: nothing depends on it.
            if is_element(&place) {
                input.uint()?;
            } else {
                input.bool()?;
            }
            I::Update { place, payload }
        }
        5 => I::AddInteger {
            place: place(input, strings, path)?,
            by: input.int()?,
        },
        6 => I::AddColumn {
            class: numbered(input, strings)?,
            field: numbered(input, strings)?,
            column: column(input, strings)?,
        },
        7 => I::EraseColumn {
            class: numbered(input, strings)?,
            field: numbered(input, strings)?,
        },
        8 => {
            let place = element(input, strings, path)?;
            let payload = Payload::read(input, strings)?;
            input.uint()?;
            I::ArrayInsert { place, payload }
        }
        9 => {
            let place = element(input, strings, path)?;
            let to = input.index()?;
            input.uint()?;
            I::ArrayMove { place, to }
        }
        10 => {
            let place = element(input, strings, path)?;
            input.uint()?;
            I::ArrayErase { place }
        }
        11 => I::Clear {
            place: place(input, strings, path)?,
            container: Container::read(input)?,
        },
        12 => I::SetInsert {
            place: place(input, strings, path)?,
            payload: Payload::read(input, strings)?,
        },
        13 => I::SetErase {
            place: place(input, strings, path)?,
            payload: Payload::read(input, strings)?,
        },
        other => return Err(Fault::UnknownInstruction(other)),
    })
}

fn table<'a>(input: &mut Input<'a>, strings: &[&'a str]) -> Result<Table<'a>, Fault> {
    Ok(match input.int()? {
        0 => Table::Regular(key_column(input, strings)?),
        1 => Table::Embedded,
        2 => Table::Asymmetric(key_column(input, strings)?),
        other => return Err(Fault::UnknownType(other)),
    })
}

fn key_column<'a>(input: &mut Input<'a>, strings: &[&'a str]) -> Result<Option<KeyColumn<'a>>, Fault> {
    let name = numbered(input, strings)?;
    let kind = KeyType::read(input)?;
    let nullable = input.bool()?;
    Ok(kind.map(|kind| KeyColumn { name, kind, nullable }))
}

fn column<'a>(input: &mut Input<'a>, strings: &[&'a str]) -> Result<Column<'a>, Fault> {
    let kind = ColumnType::read(input)?;
    let nullable = input.bool()?;
    let container = Container::read(input)?;
    let target = (kind == ColumnType::Link).then(|| numbered(input, strings));
    let target = target.transpose()?;
    if container == Some(Container::Dictionary) {
        // The type of its keys.
        match input.int()? {
            code::STRING => {}
            other => return Err(Fault::UnknownType(other)),
        }
    }
    Ok(Column {
        kind,
        nullable,
        container,
        target,
    })
}

fn place<'a, 'r>(
    input: &mut Input<'a>,
    strings: &[&'a str],
    path: &'r mut Vec<PathElement<'a>>,
) -> Result<Place<'a, 'r>, Fault> {
    let class = numbered(input, strings)?;
    let key = Key::read(input, strings)?;
    let field = numbered(input, strings)?;
    let count = input.index()?;
    if count > MAX_PATH {
        return Err(Fault::PathTooLong);
    }
    path.clear();
    for _ in 0..count {
        path.push(match input.int()? {
            NAME => PathElement::Name(numbered(input, strings)?),
            index => PathElement::Index(usize::try_from(index).map_err(|_| Fault::Integer)?),
        });
    }
    Ok(Place {
        class,
        key,
        field,
        path,
    })
}

fn element<'a, 'r>(
    input: &mut Input<'a>,
    strings: &[&'a str],
    path: &'r mut Vec<PathElement<'a>>,
) -> Result<Place<'a, 'r>, Fault> {
    let place = place(input, strings, path)?;
    if is_element(&place) {
        Ok(place)
    } else {
        Err(Fault::NoIndex)
    }
}

const fn is_element(place: &Place<'_, '_>) -> bool {
    matches!(place.path.last(), Some(PathElement::Index(_)))
}

#[cfg(test)]
mod tests;
