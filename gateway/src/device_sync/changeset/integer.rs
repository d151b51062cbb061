//! Integers as realm-core writes them, and the bytes they are read from.
//!
//! Seven bits a byte, the least significant first; bit 7 says that more follow. In the last byte bit 6 is the sign and bits 0 to 5
//! carry value, so 64 takes two bytes: it is not LEB128. A negative `x` is written as `-(x + 1)` with the sign set.

use super::Fault;

/// Bytes of the longest 64-bit integer.
const MAX_INTEGER: usize = 10;

/// Bytes of the longest coefficient of a decimal, which has 113 bits.
const MAX_COEFFICIENT: usize = 17;

/// What is left to read.
#[derive(Clone, Debug)]
pub(super) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A signed integer of 64 bits.
    pub(super) fn int(&mut self) -> Result<i64, Fault> {
        // Nearly all of them.
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x40
        {
            self.rest = rest;
            return Ok(byte.into());
        }
        let (magnitude, is_negative) = self.magnitude(MAX_INTEGER)?;
        let value = i64::try_from(magnitude).map_err(|_| Fault::Integer)?;
        Ok(if is_negative { -value - 1 } else { value })
    }

    /// An integer that is not negative.
    pub(super) fn uint(&mut self) -> Result<u64, Fault> {
        u64::try_from(self.int()?).map_err(|_| Fault::Integer)
    }

    /// An index, or a length.
    pub(super) fn index(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.int()?).map_err(|_| Fault::Integer)
    }

    /// The coefficient of a decimal.
    pub(super) fn coefficient(&mut self) -> Result<u128, Fault> {
        match self.magnitude(MAX_COEFFICIENT)? {
            (value, false) if value >> 113 == 0 => Ok(value),
            _ => Err(Fault::Integer),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool, Fault> {
        match self.int()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::Integer),
        }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(Fault::CutOff)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::CutOff)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// Bytes with their count in front.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.index()?;
        self.bytes(count)
    }

    pub(super) fn string(&mut self) -> Result<&'a str, Fault> {
        str::from_utf8(self.binary()?).map_err(|_| Fault::Text)
    }

    /// An integer's bits, and its sign.
    fn magnitude(&mut self, most: usize) -> Result<(u128, bool), Fault> {
        let mut value = 0;
        let mut shift = 0;
        for (byte, count) in self.rest.iter().zip(1..=most) {
            if byte & 0x80 == 0 {
                value |= u128::from(byte & 0x3f) << shift;
                self.rest = self.rest.get(count..).unwrap_or_default();
                return Ok((value, byte & 0x40 != 0));
            }
            value |= u128::from(byte & 0x7f) << shift;
            shift += 7;
        }
        Err(if self.rest.len() < most {
            Fault::CutOff
        } else {
            Fault::Integer
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::super::encode;
    use super::*;

    const TABLE: [(i64, &[u8]); 14] = [
        (0, &[0x00]),
        (1, &[0x01]),
        (63, &[0x3f]),
        (64, &[0xc0, 0x00]),
        (127, &[0xff, 0x00]),
        (128, &[0x80, 0x01]),
        (300, &[0xac, 0x02]),
        (-1, &[0x40]),
        (-2, &[0x41]),
        (-64, &[0x7f]),
        (-65, &[0xc0, 0x40]),
        (250_000_000, &[0x80, 0xe5, 0x9a, 0xf7, 0x00]),
        (1_700_000_000, &[0x80, 0xe2, 0xcf, 0xaa, 0x06]),
        (
            i64::MAX,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00],
        ),
    ];

    #[test]
    fn integers_are_read_as_clients_write_them() {
        let least = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x40];
        for (value, bytes) in TABLE.into_iter().chain([(i64::MIN, &least[..])]) {
            let mut input = Input::new(bytes);
            assert_eq!((input.int(), input.len()), (Ok(value), 0), "{value}");
            let mut written = Vec::new();
            encode::int(&mut written, value);
            assert_eq!(written, bytes, "{value}");
        }
    }

    #[test]
    fn an_integer_that_is_too_long_or_too_large_is_none() {
        assert_eq!(Input::new(&[0x80; 20]).int(), Err(Fault::Integer));
        assert_eq!(Input::new(&[0x80; 9]).int(), Err(Fault::CutOff));
        assert_eq!(Input::new(&[]).int(), Err(Fault::CutOff));
        let mut large = [0xff; 10];
        large[9] = 0x01;
        assert_eq!(Input::new(&large).int(), Err(Fault::Integer));
        assert_eq!(Input::new(&[0x40]).uint(), Err(Fault::Integer));
        assert_eq!(Input::new(&[0x02]).bool(), Err(Fault::Integer));
    }

    #[test]
    fn a_coefficient_has_113_bits() {
        let mut most = [0xff; 17];
        most[16] = 0x01;
        assert_eq!(Input::new(&most).coefficient(), Ok((1 << 113) - 1));
        most[16] = 0x02;
        assert_eq!(Input::new(&most).coefficient(), Err(Fault::Integer));
        assert_eq!(Input::new(&[0x80; 30]).coefficient(), Err(Fault::Integer));
        assert_eq!(
            Input::new(&[0x41]).coefficient(),
            Err(Fault::Integer),
            "it has no sign"
        );
    }

    #[test]
    fn a_length_beyond_the_end_takes_nothing() {
        let mut bytes = Vec::new();
        encode::int(&mut bytes, i64::MAX);
        assert_eq!(Input::new(&bytes).binary(), Err(Fault::CutOff));
        assert_eq!(Input::new(&[2, b'a']).string(), Err(Fault::CutOff));
        assert_eq!(Input::new(&[1, 0xff]).string(), Err(Fault::Text));
    }

    proptest! {
        #[test]
        fn every_integer_comes_back(value: i64, coefficient in 0_u128..1 << 113) {
            let mut bytes = Vec::new();
            encode::int(&mut bytes, value);
            encode::magnitude(&mut bytes, coefficient, false);
            let mut input = Input::new(&bytes);
            prop_assert_eq!(input.int(), Ok(value));
            prop_assert_eq!(input.coefficient(), Ok(coefficient));
            prop_assert!(input.is_empty());
        }
    }
}
