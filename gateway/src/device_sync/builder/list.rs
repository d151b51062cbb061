//! A list that is edited anywhere at a bounded cost, however long it is: a client may put a million elements in front of each
//! other.

/// Elements of a piece. With twice as many it is cut.
const PIECE: usize = 512;

/// Elements in pieces.
#[derive(Debug)]
pub(super) struct List<T> {
    /// None is empty, but the only one.
    pieces: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            pieces: vec![Vec::new()],
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
        } else if at == piece.len() {
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
    }

    /// Piece and place in it of an index; behind the last element of the last piece for any that is behind the end.
    fn find(&self, index: usize) -> (usize, usize) {
        let last = self.pieces.len().saturating_sub(1);
        let in_last = self.pieces.last().map_or(0, Vec::len);
        // Lists grow at their ends.
        let before_last = self.length - in_last;
        if let Some(at) = index.checked_sub(before_last) {
            return (last, at);
        }
        let mut at = index;
        for (number, piece) in self.pieces.iter().enumerate() {
            if at < piece.len() {
                return (number, at);
            }
            at -= piece.len();
        }
        (last, in_last)
    }
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
