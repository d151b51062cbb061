//! Whether a document is well-formed, all the way down.

use std::str;

use super::DocumentError;
use super::elements::{Element, Elements, split, take_string};

pub(super) fn validate_body(bytes: &[u8], depth: usize, max_depth: usize) -> Result<(), DocumentError> {
    let depth = depth.checked_sub(1).ok_or(DocumentError::TooDeep(max_depth))?;
    let (document, rest) = split(bytes)?;
    if !rest.is_empty() {
        return Err(DocumentError::TrailingBytes);
    }
    let mut elements = Elements::new(document);
    while let Some(element) = elements.next() {
        validate_element(element?, depth, max_depth)?;
    }
    Ok(())
}

pub(super) fn validate_element(
    element: Element<'_>,
    depth: usize,
    max_depth: usize,
) -> Result<(), DocumentError> {
    let Element { kind, key, raw } = element;
    utf8(key)?;
    match kind {
        0x02 | 0x0D | 0x0E => validate_string(raw),
        0x03 | 0x04 => validate_body(raw, depth, max_depth),
        0x08 if raw != [0] && raw != [1] => Err(DocumentError::InvalidBoolean),
        0x0B => utf8(raw),
        0x0C => validate_string(raw.split_last_chunk::<12>().map_or(raw, |(text, _)| text)),
        0x0F => {
            let (code, scope) = take_string(raw.get(4..).ok_or(DocumentError::BadLength)?)?;
            validate_string(code)?;
            validate_body(scope, depth, max_depth)
        }
        _ => Ok(()),
    }
}

fn validate_string(raw: &[u8]) -> Result<(), DocumentError> {
    match raw.get(4..).and_then(<[u8]>::split_last) {
        Some((0, text)) => utf8(text),
        Some(_) => Err(DocumentError::MissingTerminator),
        None => Err(DocumentError::BadLength),
    }
}

fn utf8(bytes: &[u8]) -> Result<(), DocumentError> {
    str::from_utf8(bytes)
        .map(drop)
        .map_err(|_| DocumentError::InvalidUtf8)
}
