//! Masks of frames: what a client sends is combined with four bytes that it has drawn.

/// A mask, and how far in it one is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// Takes it off the next bytes of a frame.
    pub fn take_off(&mut self, bytes: &mut [u8]) {
        let word = u32::from_ne_bytes(self.0);
        let (words, rest) = bytes.as_chunks_mut::<4>();
        for four in words {
            *four = (u32::from_ne_bytes(*four) ^ word).to_ne_bytes();
        }
        for (byte, mask) in rest.iter_mut().zip(self.0) {
            *byte ^= mask;
        }
        self.0.rotate_left(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_wherever_a_frame_is_cut() {
        let mask = [0xa1, 0x02, 0x73, 0xff];
        let masked: Vec<u8> = (0..=255)
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        for step in 1..masked.len() {
            let (mut bytes, mut left) = (masked.clone(), Mask::new(mask));
            bytes.chunks_mut(step).for_each(|piece| left.take_off(piece));
            assert!(bytes.into_iter().eq(0..=255), "{step}");
        }
    }
}
