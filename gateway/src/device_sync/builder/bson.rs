//! Documents as bytes.

use super::super::changeset::Value;
use super::meter::Meter;
use super::{BuildError, Limits};
use crate::memory::Budget;

pub(super) const DOUBLE: u8 = 0x01;
pub(super) const STRING: u8 = 0x02;
pub(super) const DOCUMENT: u8 = 0x03;
pub(super) const ARRAY: u8 = 0x04;
pub(super) const BINARY: u8 = 0x05;
pub(super) const OBJECT_ID: u8 = 0x07;
pub(super) const BOOL: u8 = 0x08;
pub(super) const DATE: u8 = 0x09;
pub(super) const NULL: u8 = 0x0A;
pub(super) const INT64: u8 = 0x12;
pub(super) const DECIMAL: u8 = 0x13;

/// Subtypes of binary.
pub(super) const GENERIC: u8 = 0;
const UUID: u8 = 4;

/// A document or array without anything.
pub(super) const EMPTY: [u8; 5] = [5, 0, 0, 0, 0];
/// Zero as a decimal is written without more.
pub(super) const DECIMAL_ZERO: [u8; 16] = (6_176_u128 << 113).to_le_bytes();
/// A UUID of zeros with its length and subtype.
pub(super) const UUID_ZERO: [u8; 21] = {
    let mut bytes = [0; 21];
    bytes[0] = 16;
    bytes[4] = UUID;
    bytes
};

/// Milliseconds of a second, and nanoseconds of a millisecond.
const MILLIS: i64 = 1_000;
const NANOS: i32 = 1_000_000;

/// Bytes from which on documents grow by a quarter, so that they take not much more memory than they have bytes.
const LARGE: usize = 4 * 1024 * 1024;

/// Has room for so many bytes, and for a few more.
fn make_room(out: &mut Vec<u8>, bytes: usize) {
    let more = bytes.saturating_add(64);
    if out.len() > LARGE && out.capacity() - out.len() < more {
        out.reserve_exact(more.max(out.len() / 4));
    }
}

/// The beginning of an element; its value follows.
pub(super) fn element(out: &mut Vec<u8>, kind: u8, name: &str) {
    make_room(out, name.len());
    out.push(kind);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

/// An element whose value holds no others.
pub(super) fn value(out: &mut Vec<u8>, name: &str, value: Value<'_>) {
    match value {
        Value::Null => element(out, NULL, name),
        Value::Int(value) => {
            element(out, INT64, name);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Bool(value) => {
            element(out, BOOL, name);
            out.push(value.into());
        }
        Value::String(value) => {
            make_room(out, name.len() + value.len());
            element(out, STRING, name);
            length(out, value.len() + 1);
            out.extend_from_slice(value.as_bytes());
            out.push(0);
        }
        Value::Binary(value) => {
            make_room(out, name.len() + value.len());
            element(out, BINARY, name);
            length(out, value.len());
            out.push(GENERIC);
            out.extend_from_slice(value);
        }
        Value::Timestamp { seconds, nanoseconds } => {
            element(out, DATE, name);
            // Both parts have one sign, so this rounds toward zero.
            let millis = seconds
                .saturating_mul(MILLIS)
                .saturating_add((nanoseconds / NANOS).into());
            out.extend_from_slice(&millis.to_le_bytes());
        }
        Value::Float(value) => double(out, name, value.into()),
        Value::Double(value) => double(out, name, value),
        Value::Decimal(bits) => {
            element(out, DECIMAL, name);
            out.extend_from_slice(&bits);
        }
        Value::ObjectId(bytes) => {
            element(out, OBJECT_ID, name);
            out.extend_from_slice(&bytes);
        }
        Value::Uuid(bytes) => {
            element(out, BINARY, name);
            length(out, bytes.len());
            out.push(UUID);
            out.extend_from_slice(&bytes);
        }
    }
}

fn double(out: &mut Vec<u8>, name: &str, value: f64) {
    element(out, DOUBLE, name);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A value of a changeset, which is far below 2 GiB; one that is not gets a length no reader accepts.
fn length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&i32::try_from(length).unwrap_or(-1).to_le_bytes());
}

/// The documents that are made, within their limits.
pub(super) struct Output<'b> {
    pub(super) bytes: Vec<u8>,
    limit: usize,
    /// What accounts for them.
    budget: &'b mut Budget,
    accounted: usize,
}

impl<'b> Output<'b> {
    pub(super) const fn new(limits: Limits, budget: &'b mut Budget) -> Self {
        Self {
            bytes: Vec::new(),
            limit: limits.bytes,
            budget,
            accounted: 0,
        }
    }

    /// An account of its own out of the same memory.
    pub(super) fn meter(&self) -> Meter {
        Meter::new(self.budget.another())
    }

    /// Opens a document; what is written until it is closed is in it.
    pub(super) fn open(&mut self) -> usize {
        make_room(&mut self.bytes, 0);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        start
    }

    pub(super) fn close(&mut self, start: usize) -> Result<(), BuildError> {
        self.copy(&[0]);
        if self.bytes.len() > self.limit {
            return Err(BuildError::TooLarge(self.limit));
        }
        let length = self.bytes.len() - start;
        let length = i32::try_from(length).map_err(|_| BuildError::TooLarge(self.limit))?;
        if let Some(place) = self.bytes.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<4>) {
            *place = length.to_le_bytes();
        }
        self.account()
    }

    /// Something else is held as long as the documents are.
    pub(super) fn account_for(&mut self, bytes: usize) -> Result<(), BuildError> {
        self.budget.try_grow(bytes)?;
        self.accounted += bytes;
        Ok(())
    }

    fn account(&mut self) -> Result<(), BuildError> {
        if let Some(more) = self
            .bytes
            .capacity()
            .checked_sub(self.accounted)
            .filter(|more| *more > 0)
        {
            self.budget.try_grow(more)?;
            self.accounted += more;
        }
        Ok(())
    }

    /// Something that is the same in many documents.
    pub(super) fn copy(&mut self, bytes: &[u8]) {
        make_room(&mut self.bytes, bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Gives the documents away; the budget still accounts for them.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Nothing was made.
    pub(super) fn give_back(&mut self) {
        self.bytes = Vec::new();
        self.budget.shrink(self.accounted);
        self.accounted = 0;
    }
}

/// The names of an array's elements: "0", "1" and so on.
pub(super) struct Indexes {
    digits: Vec<u8>,
}

impl Indexes {
    pub(super) fn new() -> Self {
        Self { digits: vec![b'0'] }
    }

    pub(super) fn name(&self) -> &str {
        str::from_utf8(&self.digits).unwrap_or_default()
    }

    pub(super) fn advance(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn documents_take_a_quarter_more_memory_than_they_have_bytes() {
        let all = 1 << 28;
        let free = Arc::new(Semaphore::new(all));
        let mut budget = Budget::new(Arc::clone(&free));
        let limits = Limits {
            documents: 1,
            bytes: 64 << 20,
        };
        let mut output = Output::new(limits, &mut budget);
        let text = "x".repeat(1_000_000);
        for many in [1_000, 100_000, 1_000_000].into_iter().cycle() {
            if output.bytes.len() + many + 100 > limits.bytes {
                break;
            }
            let start = output.open();
            value(&mut output.bytes, "a", Value::String(text.get(..many).unwrap()));
            output.copy(&EMPTY);
            output.close(start).unwrap();
            let (length, taken) = (output.bytes.len(), all - free.available_permits());
            let most = (length + length / 4 + text.len()).max(2 * LARGE + text.len());
            assert!(taken <= most, "{taken} {length}");
        }
        assert!(output.bytes.len() > 60 << 20);
    }
}
