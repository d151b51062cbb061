//! Changesets of realm-core 14, as far as readings need them: instructions behind the strings that they use.

const DEFINE_STRING: u8 = 63;
const ADD_TABLE: u8 = 0;
const CREATE_OBJECT: u8 = 2;
const UPDATE: u8 = 4;
const ADD_COLUMN: u8 = 6;
/// An object id, as a type.
const OBJECT_ID: u8 = 10;
/// A class of which objects are only sent.
const ASYMMETRIC: u8 = 2;

pub enum Value<'a> {
    Int(i64),
    Double(f64),
    Text(&'a str),
}

/// One that is being written.
#[derive(Default)]
pub struct Changeset {
    bytes: Vec<u8>,
    strings: Vec<&'static str>,
}

impl Changeset {
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// With an object id as its key.
    pub fn add_table(&mut self, class: &'static str, key: &'static str) {
        let (class, key) = (self.string(class), self.string(key));
        self.put(&[ADD_TABLE]);
        self.integer(class);
        self.put(&[ASYMMETRIC]);
        self.integer(key);
        self.put(&[OBJECT_ID, 0]);
    }

    /// One value of this type, which cannot be null.
    pub fn add_column(&mut self, class: &'static str, property: &'static str, kind: u8) {
        let (class, property) = (self.string(class), self.string(property));
        self.put(&[ADD_COLUMN]);
        self.integer(class);
        self.integer(property);
        self.put(&[kind, 0, 0]);
    }

    pub fn create(&mut self, class: &'static str, key: [u8; 12]) {
        let class = self.string(class);
        self.put(&[CREATE_OBJECT]);
        self.integer(class);
        self.key(key);
    }

    pub fn update(&mut self, class: &'static str, key: [u8; 12], property: &'static str, value: &Value<'_>) {
        let (class, property) = (self.string(class), self.string(property));
        self.put(&[UPDATE]);
        self.integer(class);
        self.key(key);
        self.integer(property);
        // The path ends at the property.
        self.put(&[0]);
        match value {
            Value::Int(number) => {
                self.put(&[1]);
                self.integer(*number);
            }
            Value::Double(number) => {
                self.put(&[7]);
                self.put(&number.to_le_bytes());
            }
            Value::Text(text) => {
                self.put(&[3]);
                self.text(text);
            }
        }
        // Not a default.
        self.put(&[0]);
    }

    /// The index of a string, which is defined where it is new.
    fn string(&mut self, text: &'static str) -> i64 {
        let known = self.strings.iter().position(|known| *known == text);
        let index = known.unwrap_or(self.strings.len());
        let number = i64::try_from(index).unwrap_or(i64::MAX);
        if known.is_none() {
            self.strings.push(text);
            self.put(&[DEFINE_STRING]);
            self.integer(number);
            self.text(text);
        }
        number
    }

    fn key(&mut self, key: [u8; 12]) {
        self.put(&[OBJECT_ID]);
        self.put(&key);
    }

    fn text(&mut self, text: &str) {
        self.integer(i64::try_from(text.len()).unwrap_or(i64::MAX));
        self.put(text.as_bytes());
    }

    /// Seven bits at a time, the lowest first; the last byte has six, and the sign.
    fn integer(&mut self, number: i64) {
        let (mut rest, sign) = if number < 0 { (!number, 0x40) } else { (number, 0) };
        while rest > 0x3f {
            self.put(&[low_bits(rest, 0x7f) | 0x80]);
            rest >>= 7;
        }
        self.put(&[low_bits(rest, 0x3f) | sign]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

fn low_bits(number: i64, mask: u8) -> u8 {
    number.to_le_bytes()[0] & mask
}
