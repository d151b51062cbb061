//! Which properties of a class a document has had so far.

/// Which properties a document has shown. Those of real classes fit into the inline part.
#[derive(Default)]
pub(super) struct Seen {
    inline: [u64; 4],
    rest: Vec<u64>,
}

impl Seen {
    /// False when the property was there already.
    pub(super) fn insert(&mut self, index: usize) -> bool {
        let (word, bit) = (index / 64, 1 << (index % 64));
        let word = match word.checked_sub(self.inline.len()) {
            None => self.inline.get_mut(word),
            Some(word) => {
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                self.rest.get_mut(word)
            }
        };
        word.is_some_and(|word| {
            let fresh = *word & bit == 0;
            *word |= bit;
            fresh
        })
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        let word = index / 64;
        let found = match word.checked_sub(self.inline.len()) {
            None => self.inline.get(word),
            Some(word) => self.rest.get(word),
        };
        found.is_some_and(|word| *word & (1 << (index % 64)) != 0)
    }
}
