//! The number of a write transaction as an application keeps it, beside its own data or in a file of its own.

/// Bits of a sequence number: a million transactions a second last for eight years.
const SEQ_BITS: u32 = 48;

/// Bits of a mark. Two marks that are drawn for one file are the same once in 16,383 times at most.
const MARK_BITS: u32 = 14;

const MAX_SEQ: i64 = (1 << SEQ_BITS) - 1;
pub(crate) const MAX_MARK: u16 = (1 << MARK_BITS) - 1;
const MAX_LANE: u8 = 3;

/// Which write transaction of a realm: its place in its outbox, and what tells that place from others of the same
/// number.
///
/// As 64 bits: the sequence number in the lowest 48, then 14 of the mark, then 2 of the lane. A file begins with mark 0,
/// so that in the first lane the number is the sequence number, which is also what the operator sees of a dead letter.
/// Another mark is drawn where sequence numbers could be given out a second time: when the file is seen to be a copy or
/// an older state of itself, and when damage took its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number {
    lane: u8,
    mark: u16,
    seq: i64,
}

impl Number {
    /// Of a transaction without objects, which has no place in an outbox.
    pub const NONE: Number = Number {
        lane: 0,
        mark: 0,
        seq: 0,
    };

    /// The transaction at this place of an outbox of the first lane.
    pub(crate) fn new(mark: u16, seq: i64) -> Number {
        Number { lane: 0, mark, seq }
    }

    /// The same place in the outbox of another lane. Lanes are 0 to 3.
    #[must_use]
    pub fn in_lane(self, lane: u8) -> Number {
        Number {
            lane: lane.min(MAX_LANE),
            ..self
        }
    }

    /// What [`Number::bits`] gave.
    pub fn from_bits(bits: u64) -> Number {
        Number {
            lane: (bits >> (SEQ_BITS + MARK_BITS)) as u8,
            mark: (bits >> SEQ_BITS) as u16 & MAX_MARK,
            seq: bits as i64 & MAX_SEQ,
        }
    }

    /// The number for an application. 0 where there is none, as for a place that no outbox comes to.
    pub fn bits(self) -> u64 {
        if !(1..=MAX_SEQ).contains(&self.seq) {
            return 0;
        }
        let mark = u64::from(self.mark & MAX_MARK) << SEQ_BITS;
        let lane = u64::from(self.lane) << (SEQ_BITS + MARK_BITS);
        lane | mark | self.seq as u64
    }

    /// Which outbox of the realm.
    pub fn lane(self) -> u8 {
        self.lane
    }

    /// The place in that outbox.
    pub fn seq(self) -> i64 {
        self.seq
    }

    pub(crate) fn mark(self) -> u16 {
        self.mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_from_its_bits() {
        for (lane, mark, seq) in [(0, 0, 1), (3, MAX_MARK, MAX_SEQ), (1, 7, 123_456_789)] {
            let number = Number::new(mark, seq).in_lane(lane);
            assert_eq!(Number::from_bits(number.bits()), number);
        }
        assert_eq!(Number::new(0, 17).bits(), 17, "the sequence number itself");
        assert_eq!(Number::new(0, 17).in_lane(1).bits(), 17 | 1 << 62);
    }

    #[test]
    fn what_is_no_place_has_no_number() {
        assert_eq!(Number::NONE.bits(), 0);
        assert_eq!(Number::new(5, MAX_SEQ + 1).bits(), 0);
        assert_eq!(Number::from_bits(1 << 62).bits(), 0);
    }
}
