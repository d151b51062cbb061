//! Decimal128 values as BSON stores them: IEEE 754-2008 in its binary integer (BID) encoding.
//!
//! Text and arithmetic are decNumber's (which speaks the other encoding of the same numbers); this file is the
//! one place where the two encodings meet.

use dec::{Context, Decimal128};

/// A decimal128 number as its BID bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

const SIGN: u64 = 1 << 63;
const INFINITY: u64 = 0x7800_0000_0000_0000;
const NAN: u64 = 0x7c00_0000_0000_0000;
/// Both bits set: the coefficient has an implied leading `100`, which no 34-digit number needs.
const LARGE: u64 = 0x6000_0000_0000_0000;
const BIAS: i32 = 6176;
const EXPONENT_MASK: u64 = 0x3fff;
const COEFFICIENT_HIGH_MASK: u64 = (1 << 49) - 1;
/// 10^34 - 1; a larger coefficient is not canonical and counts as zero.
const MAX_COEFFICIENT: u128 = 9_999_999_999_999_999_999_999_999_999_999_999;

/// `+ - * /`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Reads decimal text, rounding half to even at 34 digits. Text that is no number gives NaN.
pub(crate) fn parse(text: &str) -> Bits {
    let parsed = Context::<Decimal128>::default().parse(text);
    parsed.map_or(Bits { low: 0, high: NAN }, to_bits)
}

/// Largest number of 15 digits.
const MAX_15_DIGITS: u64 = 999_999_999_999_999;

/// Converts as Realm does: a double that up to 15 digits write exactly gives those (`20`, `2.5`), any other is rounded
/// to 15 significant digits, trailing zeros included (`123.456000000000`).
pub(crate) fn from_double(value: f64) -> Bits {
    if value == 0.0 || !value.is_finite() {
        return parse(&value.to_string());
    }
    match exact(value.abs()) {
        Some((coefficient, exponent)) => Bits {
            low: coefficient,
            high: if value < 0.0 { SIGN } else { 0 } | u64::from((exponent + BIAS).unsigned_abs()) << 49,
        },
        None => parse(&format!("{value:.14e}")),
    }
}

/// The coefficient and the exponent, at most 0, of a positive double that 15 digits can write.
fn exact(value: f64) -> Option<(u64, i32)> {
    let bits = value.to_bits();
    let binary_exponent = i32::try_from(bits >> 52).ok()?.max(1) - 1075;
    let leading_bit = if bits >> 52 == 0 { 0 } else { 1 << 52 };
    let significand = bits & ((1 << 52) - 1) | leading_bit;
    let zeros = significand.trailing_zeros();
    let (odd, shift) = (significand >> zeros, binary_exponent + i32::try_from(zeros).ok()?);
    // One decimal place for each binary one: odd / 2^n is odd * 5^n / 10^n.
    let factor = if shift < 0 {
        5_u64.checked_pow(shift.unsigned_abs())
    } else {
        2_u64.checked_pow(shift.unsigned_abs())
    };
    let coefficient = odd.checked_mul(factor?)?;
    (coefficient <= MAX_15_DIGITS).then_some((coefficient, shift.min(0)))
}

/// The scientific text of IEEE 754-2008, which [`parse`] turns into the same bits again.
pub(crate) fn to_text(bits: Bits) -> String {
    from_bits(bits).to_string()
}

pub(crate) fn calculate(operator: Operator, a: Bits, b: Bits) -> Bits {
    let (a, b) = (from_bits(a), from_bits(b));
    let mut context = Context::<Decimal128>::default();
    to_bits(match operator {
        Operator::Add => context.add(a, b),
        Operator::Subtract => context.sub(a, b),
        Operator::Multiply => context.mul(a, b),
        Operator::Divide => context.div(a, b),
    })
}

/// Orders by value, so `1.0` and `1.00` are equal; nothing compares with NaN.
pub(crate) fn compare(a: Bits, b: Bits) -> Option<std::cmp::Ordering> {
    Context::<Decimal128>::default().partial_cmp(from_bits(a), from_bits(b))
}

fn to_bits(value: Decimal128) -> Bits {
    let sign = if value.is_signed() { SIGN } else { 0 };
    if value.is_nan() {
        return Bits { low: 0, high: NAN };
    }
    if value.is_infinite() {
        return Bits {
            low: 0,
            high: INFINITY | sign,
        };
    }
    let coefficient = value.coefficient().unsigned_abs();
    let exponent = u64::try_from(value.exponent() + BIAS).unwrap_or(0);
    Bits {
        low: coefficient as u64,
        high: sign | (exponent << 49) | (coefficient >> 64) as u64,
    }
}

fn from_bits(bits: Bits) -> Decimal128 {
    let negative = bits.high & SIGN != 0;
    let text = if bits.high & NAN == NAN {
        "NaN".to_owned()
    } else if bits.high & INFINITY == INFINITY {
        "Infinity".to_owned()
    } else {
        let (shift, coefficient) = if bits.high & LARGE == LARGE {
            (47, 0)
        } else {
            let high = u128::from(bits.high & COEFFICIENT_HIGH_MASK);
            (49, high << 64 | u128::from(bits.low))
        };
        let exponent = ((bits.high >> shift) & EXPONENT_MASK) as i64 - i64::from(BIAS);
        let coefficient = if coefficient > MAX_COEFFICIENT {
            0
        } else {
            coefficient
        };
        format!("{coefficient}E{exponent}")
    };
    let sign = if negative { "-" } else { "" };
    let parsed = Context::<Decimal128>::default().parse(format!("{sign}{text}"));
    parsed.unwrap_or(Decimal128::NAN)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic"
    )]

    use super::*;
    use std::cmp::Ordering;

    /// The bits that the bson crate, an independent implementation, gives for the same text.
    fn reference(text: &str) -> Bits {
        let bytes = text.parse::<bson::Decimal128>().unwrap().bytes();
        let (low, high) = bytes.split_at(8);
        Bits {
            low: u64::from_le_bytes(low.try_into().unwrap()),
            high: u64::from_le_bytes(high.try_into().unwrap()),
        }
    }

    #[test]
    fn bits_are_those_of_another_implementation() {
        for text in [
            "0",
            "-0",
            "1",
            "1.0",
            "1.00",
            "-123.456",
            "9999999999999999999999999999999999",
            "-9.999999999999999999999999999999999E6144",
            "1E-6176",
            "1E+3",
            "0E+6111",
            "0E-6176",
            "Infinity",
            "-Infinity",
            "NaN",
            "1234567890.123456789012345678901234",
            "18446744073709551616",
            "18446744073709551615",
        ] {
            assert_eq!(parse(text), reference(text), "{text}");
            assert_eq!(parse(&to_text(parse(text))), parse(text), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_number_gives_nan() {
        for text in ["", "abc", "1,5", " 1", "1 ", "--1", "1\0", "0x10"] {
            assert_eq!(parse(text).high, NAN, "{text}");
            assert_eq!(to_text(parse(text)), "NaN");
        }
    }

    #[test]
    fn the_35th_digit_rounds_half_to_even() {
        let digits = "1234567890123456789012345678901234";
        assert_eq!(
            to_text(parse(&format!("{digits}5"))),
            "1.234567890123456789012345678901234E+34"
        );
        let odd = "1234567890123456789012345678901235";
        assert_eq!(
            to_text(parse(&format!("{odd}5"))),
            "1.234567890123456789012345678901236E+34"
        );
        assert_eq!(to_text(parse("1E6145")), "Infinity");
        assert_eq!(to_text(parse("1E-6200")), "0E-6176");
    }

    #[test]
    fn a_double_that_fifteen_digits_write_exactly_has_no_digit_more() {
        for (value, text) in [
            (20.0, "20"),
            (10.0, "10"),
            (2.5, "2.5"),
            (-1.0, "-1"),
            (-0.375, "-0.375"),
            (100.0, "100"),
            (999_999_999_999_999.0, "999999999999999"),
            (100_000_000_000_000.0, "100000000000000"),
            (9.536_743_164_062_5e-7, "9.5367431640625E-7"),
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(to_text(from_double(value)), text);
            assert_eq!(from_double(value), parse(text), "{text}");
        }
    }

    #[test]
    fn any_other_double_is_rounded_to_fifteen_digits() {
        for (value, text) in [
            (123.456, "123.456000000000"),
            (0.1, "0.100000000000000"),
            (1.0 / 3.0, "0.333333333333333"),
            (2.0 / 3.0, "0.666666666666667"),
            (1e15, "1.00000000000000E+15"),
            (-9_007_199_254_740_992.0, "-9.00719925474099E+15"),
            (1e300, "1.00000000000000E+300"),
            (5e-324, "4.94065645841247E-324"),
            (2.225_073_858_507_201e-308, "2.22507385850720E-308"),
            (999_999_999_999_999.9, "1.00000000000000E+15"),
        ] {
            assert_eq!(to_text(from_double(value)), text);
        }
    }

    #[test]
    fn sums_of_doubles_have_the_digits_of_the_doubles() {
        let of = from_double;
        for (operator, a, b, text) in [
            (Operator::Add, 10.0, 20.0, "30"),
            (Operator::Subtract, 10.0, -20.0, "30"),
            (Operator::Divide, 10.0, 4.0, "2.5"),
            (Operator::Divide, 2.5, 2.5, "1"),
            (Operator::Multiply, 12.0, -2.0, "-24"),
        ] {
            assert_eq!(to_text(calculate(operator, of(a), of(b))), text);
        }
    }

    #[test]
    fn arithmetic_is_exact_where_decimals_are() {
        let sum = calculate(Operator::Add, parse("0.1"), parse("0.2"));
        assert_eq!(to_text(sum), "0.3");
        assert_eq!(
            to_text(calculate(Operator::Subtract, parse("1.00"), parse("0.1"))),
            "0.90"
        );
        assert_eq!(
            to_text(calculate(Operator::Multiply, parse("1.50"), parse("-2"))),
            "-3.00"
        );
        let third = calculate(Operator::Divide, parse("1"), parse("3"));
        assert_eq!(to_text(third), "0.3333333333333333333333333333333333");
        assert_eq!(
            to_text(calculate(Operator::Divide, parse("1"), parse("0"))),
            "Infinity"
        );
        assert_eq!(
            to_text(calculate(Operator::Divide, parse("0"), parse("0"))),
            "NaN"
        );
    }

    #[test]
    fn order_is_by_value_and_nan_has_none() {
        assert_eq!(compare(parse("1.0"), parse("1.00")), Some(Ordering::Equal));
        assert_eq!(compare(parse("-1"), parse("1E-100")), Some(Ordering::Less));
        assert_eq!(
            compare(parse("Infinity"), parse("9E6144")),
            Some(Ordering::Greater)
        );
        assert_eq!(compare(parse("NaN"), parse("NaN")), None);
    }

    #[test]
    fn encodings_outside_the_canon_count_as_zero() {
        let large = Bits { low: 7, high: LARGE };
        assert_eq!(to_text(large), "0E-6176");
        let coefficient = MAX_COEFFICIENT + 1;
        let high = (BIAS as u64) << 49 | (coefficient >> 64) as u64;
        assert_eq!(
            to_text(Bits {
                low: coefficient as u64,
                high
            }),
            "0"
        );
    }
}
