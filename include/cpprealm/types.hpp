// The value types of a schema beyond C++'s own: uuid, object_id, decimal128, and mixed, which holds
// one of several.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/internal/hex.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm {

struct bsoncxx; // bson.hpp; see `internal::only_bson`

namespace internal {

namespace ffi {

/// Writes the 12 bytes of a new id.
void next_object_id(std::uint8_t* id) noexcept;

} // namespace ffi

/// bsoncxx converts to std::string as well as to the types below, which are made from text too. A
/// constructor of their own for it, chosen as the closer match, says which of the two is meant.
template <typename T>
using only_bson = std::enable_if_t<std::is_same_v<T, bsoncxx>, int>;
} // namespace internal

/// A UUID, all zero by default. A plain value: copies are independent, threads may read one object
/// at a time together.
struct uuid {
    /// All zero.
    uuid() = default;
    /// Of these bytes, in the order of the text.
    uuid(const std::array<std::uint8_t, 16>& bytes) noexcept : bytes_(bytes) {}

    /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; throws `std::invalid_argument` for anything
    /// else.
    explicit uuid(const std::string& text) {
        std::size_t from = 0;
        std::size_t to = 0;
        bool good = text.size() == 36;
        for (std::size_t bytes : {4U, 2U, 2U, 2U, 6U}) {
            good = good && (from == 0 || text[from++] == '-') &&
                   internal::parse_hex(std::string_view(text).substr(from, bytes * 2), &bytes_[to],
                                       bytes);
            if (!good)
                internal::refuse<std::invalid_argument>(
                    {"Invalid string format encountered when constructing a UUID: '", text, "'."});
            from += bytes * 2;
            to += bytes;
        }
    }

    /// What the BSON value holds; throws `std::runtime_error` if it is of another type.
    template <typename Bson, internal::only_bson<Bson> = 0>
    explicit uuid(const Bson& value) : uuid(value.operator uuid()) {}

    /// 36 characters, digits in lower case.
    [[nodiscard]] std::string to_string() const {
        std::string text;
        text.reserve(36);
        std::size_t from = 0;
        for (std::size_t bytes : {4U, 2U, 2U, 2U, 6U}) {
            if (from != 0)
                text.push_back('-');
            internal::append_hex(text, &bytes_[from], bytes);
            from += bytes;
        }
        return text;
    }
    /// Its bytes in base64.
    [[nodiscard]] std::string to_base64() const {
        return internal::to_base64(bytes_.data(), bytes_.size());
    }
    /// Its bytes, in the order of the text.
    [[nodiscard]] std::array<std::uint8_t, 16> to_bytes() const noexcept { return bytes_; }

private:
    friend bool operator==(const uuid& a, const uuid& b) noexcept;
    friend bool operator<(const uuid& a, const uuid& b) noexcept;
    [[nodiscard]] int compare(const uuid& other) const noexcept {
        return std::memcmp(bytes_.data(), other.bytes_.data(), bytes_.size());
    }

    std::array<std::uint8_t, 16> bytes_{};
};

/// A MongoDB ObjectId, all zero by default. A plain value, as `uuid`.
struct object_id {
    /// All zero.
    object_id() = default;
    /// Of these bytes, in the order of the text.
    explicit object_id(const std::array<std::uint8_t, 12>& bytes) noexcept : bytes_(bytes) {}

    /// Reads 24 hexadecimal digits; throws `std::invalid_argument` for anything else.
    explicit object_id(const std::string& text) {
        if (!internal::parse_hex(text, bytes_.data(), bytes_.size()))
            internal::refuse<std::invalid_argument>(
                {"Invalid string format encountered when constructing an ObjectId: '", text, "'."});
    }

    /// What the BSON value holds; throws `std::runtime_error` if it is of another type.
    template <typename Bson, internal::only_bson<Bson> = 0>
    explicit object_id(const Bson& value) : object_id(value.operator object_id()) {}

    /// A new id: the time in seconds, a number random to the process, a counter. Safe from any
    /// thread and after fork().
    [[nodiscard]] static object_id generate() {
        object_id made;
        internal::ffi::next_object_id(made.bytes_.data());
        return made;
    }

    /// 24 hexadecimal digits in lower case.
    [[nodiscard]] std::string to_string() const {
        std::string text;
        text.reserve(24);
        internal::append_hex(text, bytes_.data(), bytes_.size());
        return text;
    }
    /// Its bytes, in the order of the text.
    [[nodiscard]] std::array<std::uint8_t, 12> to_bytes() const noexcept { return bytes_; }

private:
    friend bool operator==(const object_id& a, const object_id& b) noexcept;
    friend bool operator<(const object_id& a, const object_id& b) noexcept;
    [[nodiscard]] int compare(const object_id& other) const noexcept {
        return std::memcmp(bytes_.data(), other.bytes_.data(), bytes_.size());
    }

    std::array<std::uint8_t, 12> bytes_{};
};

inline bool operator==(const uuid& a, const uuid& b) noexcept { return a.compare(b) == 0; }
inline bool operator!=(const uuid& a, const uuid& b) noexcept { return !(a == b); }
inline bool operator<(const uuid& a, const uuid& b) noexcept { return a.compare(b) < 0; }
inline bool operator>(const uuid& a, const uuid& b) noexcept { return b < a; }
inline bool operator<=(const uuid& a, const uuid& b) noexcept { return !(b < a); }
inline bool operator>=(const uuid& a, const uuid& b) noexcept { return !(a < b); }

inline bool operator==(const object_id& a, const object_id& b) noexcept {
    return a.compare(b) == 0;
}
inline bool operator!=(const object_id& a, const object_id& b) noexcept { return !(a == b); }
inline bool operator<(const object_id& a, const object_id& b) noexcept { return a.compare(b) < 0; }
inline bool operator>(const object_id& a, const object_id& b) noexcept { return b < a; }
inline bool operator<=(const object_id& a, const object_id& b) noexcept { return !(b < a); }
inline bool operator>=(const object_id& a, const object_id& b) noexcept { return !(a < b); }

/// An IEEE 754-2008 decimal of 34 digits, 0 by default. A plain value, as `uuid`.
///
/// `==` asks for the same digits and exponent, so `1.0 != 1.00`; the order is by value, and NaN
/// comes before every number, so that sets and maps of decimals keep one order.
struct decimal128 {
    /// The lower half of the bits, as BSON stores them (binary integer encoding).
    std::uint64_t low = 0;
    /// The upper half, with sign and exponent.
    std::uint64_t high = 0x3040000000000000; // exponent 0

    /// 0.
    decimal128() = default;
    /// Of these bits.
    constexpr decimal128(std::uint64_t low_bits, std::uint64_t high_bits) noexcept
        : low(low_bits), high(high_bits) {}

    /// Text that is not a number gives NaN.
    explicit decimal128(const std::string& text) : decimal128(parse(text)) {}

    /// As Realm converts: a double that up to 15 digits write exactly gives those (`20`, `2.5`),
    /// any other is rounded to 15 significant digits (`123.456000000000`).
    decimal128(const double& value) : decimal128(internal::ffi::decimal128_from_double(value)) {}

    /// What the BSON value holds; throws `std::runtime_error` if it is of another type.
    template <typename Bson, internal::only_bson<Bson> = 0>
    explicit decimal128(const Bson& value) : decimal128(value.operator decimal128()) {}

    /// The number as text, such as `12.50` or `1E+6`.
    [[nodiscard]] std::string to_string() const {
        return std::string(internal::ffi::decimal128_to_string(bits()));
    }
    /// Whether it is no number.
    [[nodiscard]] bool is_NaN() const noexcept { return (high & nan_bits) == nan_bits; }

    /// @{
    /// Decimal arithmetic, rounded to 34 digits, half to even; NaN where there is no result.
    decimal128 operator+(const decimal128& other) const { return calculate('+', other); }
    decimal128 operator-(const decimal128& other) const { return calculate('-', other); }
    decimal128 operator*(const decimal128& other) const { return calculate('*', other); }
    decimal128 operator/(const decimal128& other) const { return calculate('/', other); }
    decimal128& operator+=(const decimal128& other) { return *this = *this + other; }
    decimal128& operator-=(const decimal128& other) { return *this = *this - other; }
    decimal128& operator*=(const decimal128& other) { return *this = *this * other; }
    decimal128& operator/=(const decimal128& other) { return *this = *this / other; }
    /// @}

    friend bool operator==(const decimal128& a, const decimal128& b) noexcept {
        return a.low == b.low && a.high == b.high;
    }
    friend bool operator!=(const decimal128& a, const decimal128& b) noexcept { return !(a == b); }
    friend bool operator<(const decimal128& a, const decimal128& b) {
        if (a.is_NaN() || b.is_NaN())
            return a.is_NaN() && !b.is_NaN();
        return internal::ffi::decimal128_compare(a.bits(), b.bits()) < 0;
    }
    friend bool operator>(const decimal128& a, const decimal128& b) { return b < a; }
    friend bool operator<=(const decimal128& a, const decimal128& b) { return !(b < a); }
    friend bool operator>=(const decimal128& a, const decimal128& b) { return !(a < b); }

private:
    static constexpr std::uint64_t nan_bits = 0x7c00000000000000;

    decimal128(const internal::ffi::Decimal& bits) noexcept : low(bits.low), high(bits.high) {}

    [[nodiscard]] internal::ffi::Decimal bits() const noexcept {
        internal::ffi::Decimal bits;
        bits.low = low;
        bits.high = high;
        return bits;
    }
    [[nodiscard]] static decimal128 parse(const std::string& text) {
        for (const char c : text) {
            if (static_cast<unsigned char>(c) >=
                0x80) // no number has such a character, and the bridge takes UTF-8 only
                return {0, nan_bits};
        }
        return internal::ffi::decimal128_parse(rust::Str(text.data(), text.size()));
    }
    [[nodiscard]] decimal128 calculate(char operation, const decimal128& other) const {
        return internal::ffi::decimal128_arithmetic(static_cast<std::uint8_t>(operation), bits(),
                                                    other.bits());
    }
};

/// A property of more than one type; `std::monostate` is null.
/// Sets are sent in the order of std::set: by alternative as listed here, and by value within each.
using mixed =
    std::variant<std::monostate, std::int64_t, bool, std::string, double, std::vector<std::uint8_t>,
                 std::chrono::time_point<std::chrono::system_clock>, uuid, object_id, decimal128>;

namespace internal {

template <typename T, typename Variant>
struct is_alternative : std::false_type {};
template <typename T, typename... Alternatives>
struct is_alternative<T, std::variant<Alternatives...>>
    : std::disjunction<std::is_same<T, Alternatives>...> {};

/// A variant stands for mixed if it holds everything that `mixed` holds, in any order. What it
/// holds beyond that must be types of properties, which shows where they are encoded.
template <typename T, typename Alternatives = mixed>
struct is_mixed : std::false_type {};
template <typename... Own, typename... Alternatives>
struct is_mixed<std::variant<Own...>, std::variant<Alternatives...>>
    : std::conjunction<is_alternative<Alternatives, std::variant<Own...>>...> {};

template <typename T>
inline constexpr bool is_mixed_v = is_mixed<T>::value;

} // namespace internal

} // namespace realm
