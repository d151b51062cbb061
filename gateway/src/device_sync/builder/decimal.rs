//! The order of decimals, by their value.

use std::cmp::Ordering;

const NAN: u128 = 0x7c << 120;
const INFINITY: u128 = 0x78 << 120;
const SIGN: u128 = 1 << 127;
const EXPONENT: u32 = 113;

/// Where two decimals stand, given the bits of a BSON decimal128, the least significant byte first. What is no number comes
/// before every number; `1.0` and `1.00` are one, and so are zeros.
pub(super) fn compare(one: [u8; 16], other: [u8; 16]) -> Ordering {
    let (one, other) = (u128::from_le_bytes(one), u128::from_le_bytes(other));
    match (one & NAN == NAN, other & NAN == NAN) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    let sign = |bits: u128| match (magnitude(bits), bits & SIGN == 0) {
        (Magnitude::Finite(0, _), _) => 0,
        (_, true) => 1,
        (_, false) => -1,
    };
    let by_sign = sign(one).cmp(&sign(other));
    if by_sign != Ordering::Equal || sign(one) == 0 {
        return by_sign;
    }
    let by_magnitude = compare_magnitudes(magnitude(one), magnitude(other));
    if sign(one) > 0 {
        by_magnitude
    } else {
        by_magnitude.reverse()
    }
}

/// A decimal that is a number, without its sign.
#[derive(Clone, Copy)]
enum Magnitude {
    /// A coefficient of up to 34 digits, and the exponent that goes with it.
    Finite(u128, u128),
    Infinite,
}

fn magnitude(bits: u128) -> Magnitude {
    if bits & INFINITY == INFINITY {
        return Magnitude::Infinite;
    }
    let coefficient = bits & ((1 << EXPONENT) - 1);
    let exponent = (bits & !SIGN) >> EXPONENT;
    // More than 34 digits, and what is written in the form for more bits, count as nothing.
    if exponent >> 12 == 3 || coefficient >= 10_u128.pow(34) {
        return Magnitude::Finite(0, 0);
    }
    Magnitude::Finite(coefficient, exponent)
}

fn compare_magnitudes(one: Magnitude, other: Magnitude) -> Ordering {
    match (one, other) {
        (Magnitude::Infinite, Magnitude::Infinite) => Ordering::Equal,
        (Magnitude::Infinite, Magnitude::Finite(..)) => Ordering::Greater,
        (Magnitude::Finite(..), Magnitude::Infinite) => Ordering::Less,
        (Magnitude::Finite(one, one_exponent), Magnitude::Finite(other, other_exponent)) => {
            let digits = |coefficient: u128| u128::from(coefficient.checked_ilog10().unwrap_or(0));
            let first_digit = (digits(one) + one_exponent).cmp(&(digits(other) + other_exponent));
            first_digit.then_with(|| normal(one, digits(one)).cmp(&normal(other, digits(other))))
        }
    }
}

/// The coefficient with zeros behind it up to 34 digits.
fn normal(coefficient: u128, digits: u128) -> u128 {
    let zeros = u32::try_from(33_u128.saturating_sub(digits)).unwrap_or(0);
    coefficient.saturating_mul(10_u128.pow(zeros))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn bits(text: &str) -> [u8; 16] {
        text.parse::<::bson::Decimal128>().unwrap().bytes()
    }

    #[test]
    fn decimals_are_in_the_order_of_their_values() {
        let sorted = [
            &["NaN"][..],
            &["-Infinity"],
            &["-9.999999999999999999999999999999999E+6144"],
            &["-1000", "-1E+3"],
            &["-1.50", "-1.5"],
            &["-1E-6176"],
            &["0", "-0", "0.000", "0E+6000"],
            &["1E-6176"],
            &["0.1"],
            &["0.9999999999999999999999999999999999"],
            &["1", "1.00", "1.000000000000000000000000000000000"],
            &["1.000000000000000000000000000000001"],
            &["2"],
            &["9"],
            &["10", "1E+1"],
            &["9.999999999999999999999999999999999E+6144"],
            &["Infinity"],
        ];
        for (place, equal) in sorted.iter().enumerate() {
            for (other_place, others) in sorted.iter().enumerate() {
                for (one, other) in equal
                    .iter()
                    .flat_map(|one| others.iter().map(move |other| (one, other)))
                {
                    assert_eq!(
                        compare(bits(one), bits(other)),
                        place.cmp(&other_place),
                        "{one} {other}"
                    );
                }
            }
        }
    }
}
