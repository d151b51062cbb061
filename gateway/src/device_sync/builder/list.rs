//! A list that is edited anywhere at a bounded cost, however long it is: a client may put a million elements in front of each
//! other.

/// Elements of a piece. With twice as many it is cut.
const PIECE: usize = 512;

/// Elements in pieces.
#[derive(Debug)]
pub(super) struct List<T> {
    /// None is empty, but the only one.
    pieces: Vec<Vec<T>>,
    lengths: Lengths,
    length: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            pieces: vec![Vec::new()],
            lengths: Lengths::default(),
            length: 0,
        }
    }
}

impl<T> List<T> {
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (piece, at) = self.find(index);
        self.pieces.get_mut(piece)?.get_mut(at)
    }

    /// False when the index is behind the end.
    pub(super) fn insert(&mut self, index: usize, value: T) -> bool {
        if index > self.length {
            return false;
        }
        let (number, at) = self.find(index);
        let Some(piece) = self.pieces.get_mut(number) else {
            return false;
        };
        self.length += 1;
        if piece.len() < 2 * PIECE {
            piece.insert(at, value);
            self.lengths.change(number, |length| length + 1);
            return true;
        }
        if at == piece.len() {
            // What is only added to stays in full pieces.
            self.pieces.insert(number + 1, vec![value]);
        } else {
            let mut rest = piece.split_off(PIECE);
            match at.checked_sub(PIECE) {
                Some(at) => rest.insert(at, value),
                None => piece.insert(at, value),
            }
            self.pieces.insert(number + 1, rest);
        }
        self.lengths = Lengths::of(&self.pieces);
        true
    }

    /// None when the index is behind the end.
    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.length {
            return None;
        }
        let (number, at) = self.find(index);
        let piece = self.pieces.get_mut(number)?;
        let value = piece.remove(at);
        self.length -= 1;
        self.lengths.change(number, |length| length.saturating_sub(1));
        if piece.len() < PIECE / 2 {
            self.join(number);
        }
        Some(value)
    }

    /// Joins a small piece with the one behind it, or in front of it, if that is small enough.
    fn join(&mut self, number: usize) {
        let lengths = |one: usize| Some(self.pieces.get(one)?.len() + self.pieces.get(one + 1)?.len());
        let pairs = [Some(number), number.checked_sub(1)];
        let first = pairs
            .into_iter()
            .flatten()
            .find(|one| lengths(*one).is_some_and(|length| length <= PIECE));
        let Some(first) = first else { return };
        let mut second = self.pieces.remove(first + 1);
        if let Some(first) = self.pieces.get_mut(first) {
            first.append(&mut second);
        }
        self.lengths = Lengths::of(&self.pieces);
    }

    /// Piece and place in it of an index; behind the last element of the last piece for any that is behind the end.
    fn find(&self, index: usize) -> (usize, usize) {
        let last = self.pieces.len().saturating_sub(1);
        let in_last = self.pieces.last().map_or(0, Vec::len);
        // Lists grow at their ends.
        match index.checked_sub(self.length - in_last) {
            Some(at) => (last, at),
            None => self.lengths.find(index),
        }
    }
}

/// The lengths of pieces as a Fenwick tree: node `n`, counted from 1, has the sum of as many pieces up to the `n`th as its
/// lowest bit says. Nothing where there is one piece.
#[derive(Debug, Default)]
struct Lengths {
    nodes: Vec<usize>,
}

impl Lengths {
    fn of<T>(pieces: &[Vec<T>]) -> Self {
        if pieces.len() < 2 {
            return Self::default();
        }
        let mut nodes: Vec<_> = pieces.iter().map(Vec::len).collect();
        for node in 1..=nodes.len() {
            let sum = nodes.get(node - 1).copied().unwrap_or_default();
            if let Some(parent) = nodes.get_mut(parent(node) - 1) {
                *parent += sum;
            }
        }
        Self { nodes }
    }

    fn change(&mut self, piece: usize, by_one: impl Fn(usize) -> usize) {
        let mut node = piece + 1;
        while let Some(sum) = self.nodes.get_mut(node - 1) {
            *sum = by_one(*sum);
            node = parent(node);
        }
    }

    /// Piece and place in it of an index that is not behind the end.
    fn find(&self, index: usize) -> (usize, usize) {
        let (mut piece, mut at) = (0, index);
        let mut step = 1 << self.nodes.len().checked_ilog2().unwrap_or_default();
        while step > 0 {
            if let Some(sum) = self.nodes.get(piece + step - 1)
                && let Some(rest) = at.checked_sub(*sum)
            {
                piece += step;
                at = rest;
            }
            step /= 2;
        }
        (piece, at)
    }
}

/// The node that sums up this one and others.
const fn parent(node: usize) -> usize {
    node + (1 << node.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_a_vector_is(
            fill in 0_usize..5_000,
            edits in prop::collection::vec((0_u8..4, 0_usize..5_200, 1_usize..700), 0..60),
        ) {
            let (mut list, mut model) = (List::default(), Vec::new());
            for value in 0..fill {
                prop_assert!(list.insert(value, value));
                model.push(value);
            }
            for (kind, index, times) in edits {
                for time in 0..times {
                    match kind {
                        0 => {
                            prop_assert_eq!(list.insert(index, time), index <= model.len());
                            if index <= model.len() {
                                model.insert(index, time);
                            }
                        }
                        1 | 2 => {
                            let expected = (index < model.len()).then(|| model.remove(index));
                            prop_assert_eq!(list.remove(index), expected);
                        }
                        _ => {
                            prop_assert_eq!(list.get_mut(index), model.get_mut(index));
                        }
                    }
                }
                prop_assert_eq!(list.len(), model.len());
            }
            prop_assert!(list.iter().eq(model.iter()));
            prop_assert!(list.pieces.len() <= 1 + 4 * list.len() / PIECE + 5, "{} pieces", list.pieces.len());
        }
    }
}
