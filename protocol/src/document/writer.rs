//! Writes documents.

/// Writes the small header documents of a batch. Documents of the application never pass through it.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    /// Opens a document at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, start }
    }

    fn key(&mut self, kind: u8, key: &str) {
        self.out.push(kind);
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(0);
    }

    /// Appends a string.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(0x02, key);
        self.out.extend_from_slice(&length_prefix(value.len() + 1));
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
    }

    /// Appends a 32-bit integer.
    pub fn int32(&mut self, key: &str, value: i32) {
        self.key(0x10, key);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a 64-bit integer.
    pub fn int64(&mut self, key: &str, value: i64) {
        self.key(0x12, key);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends an array whose elements `fill` writes, keyed "0", "1" and so on.
    pub fn array(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.nested(0x04, key, fill);
    }

    /// Appends a document whose fields `fill` writes.
    pub fn document(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.nested(0x03, key, fill);
    }

    fn nested(&mut self, kind: u8, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(kind, key);
        let mut inner = Writer::new(self.out);
        fill(&mut inner);
        inner.finish();
    }

    /// Closes the document.
    pub fn finish(self) {
        self.out.push(0);
        let length = length_prefix(self.out.len() - self.start);
        if let Some(place) = self.out.get_mut(self.start..self.start + 4) {
            place.copy_from_slice(&length);
        }
    }
}

/// Header documents are far below 2 GiB; one that is not gets a length no reader accepts.
fn length_prefix(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(-1).to_le_bytes()
}
