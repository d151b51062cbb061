// Writes BSON (bsonspec.org, version 1.1). The only place in C++ that spells BSON's type bytes.
//
//   document ::= int32 total size, elements, 0x00        element ::= type byte, key, 0x00, value
//
// All numbers are little-endian. An array is a document whose keys are "0", "1", ... Each
// `append_*` looks for room once and then only stores. The writer does not know Realm's limits
// (sizes of strings, characters in keys); the codecs that call it do.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/byte_order.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/types.hpp>

namespace realm::internal {

enum class bson_type : std::uint8_t {
    float64 = 0x01,
    string = 0x02,
    document = 0x03,
    array = 0x04,
    binary = 0x05,
    undefined = 0x06, // deprecated; read, never written
    object_id = 0x07,
    boolean = 0x08,
    datetime = 0x09,
    null = 0x0A,
    regex = 0x0B,
    db_pointer = 0x0C,      // deprecated; read, never written
    code = 0x0D,            // read, never written
    symbol = 0x0E,          // deprecated; read, never written
    code_with_scope = 0x0F, // read, never written
    int32 = 0x10,
    timestamp = 0x11,
    int64 = 0x12,
    decimal128 = 0x13,
    max_key = 0x7F,
    min_key = 0xFF,
};

enum class bson_subtype : std::uint8_t { generic = 0x00, old_binary = 0x02, uuid = 0x04 };

/// The key of a property, known at compile time: copied with one fixed-size move, NUL included.
/// `static constexpr fixed_key key = "deviceId";`
template <std::size_t N> // N counts the NUL
class fixed_key {
public:
    constexpr fixed_key(const char (&text)[N]) noexcept { // NOLINT: implicit on purpose
        for (std::size_t i = 0; i < N; ++i)
            text_[i] = text[i];
    }
    [[nodiscard]] constexpr std::size_t room() const noexcept { return N; }
    std::uint8_t* store(std::uint8_t* to) const noexcept {
        std::memcpy(to, text_, N);
        return to + N;
    }
    [[nodiscard]] constexpr std::string_view text() const noexcept { return {text_, N - 1}; }

private:
    char text_[N] = {};
};

/// A key known at run time, such as one of a map. BSON ends keys with NUL, so one inside is
/// refused.
class key_view {
public:
    key_view(std::string_view text) : text_(text) { // NOLINT: implicit on purpose
        if (!text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr)
            internal::refuse<std::invalid_argument>("a key must not contain a NUL character");
    }
    [[nodiscard]] std::size_t room() const noexcept { return text_.size() + 1; }
    std::uint8_t* store(std::uint8_t* to) const noexcept {
        if (!text_.empty())
            std::memcpy(to, text_.data(), text_.size());
        to += text_.size();
        *to = 0;
        return to + 1;
    }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

/// The keys of an array, counted up as text: `for (index_key i; ...; ++i) writer.append_int64(i,
/// v);`
class index_key {
public:
    [[nodiscard]] std::size_t room() const noexcept { return sizeof(text_); }
    std::uint8_t* store(std::uint8_t* to) const noexcept {
        std::memcpy(to, text_,
                    sizeof(text_)); // all of it: a fixed-size copy is cheaper than an exact one
        return to + size_ + 1;
    }
    index_key& operator++() noexcept {
        std::size_t digit = size_;
        while (digit > 0 && text_[digit - 1] == '9')
            text_[--digit] = '0';
        if (digit > 0)
            ++text_[digit - 1];
        else
            widen();
        return *this;
    }
    [[nodiscard]] std::string_view text() const noexcept { return {text_, size_}; }

private:
    void widen() noexcept { // "99" has become "00" and now turns into "100"
        text_[0] = '1';
        text_[size_++] = '0';
    }

    // A document has less than 2^31 bytes, so ten digits are enough for any index; the rest stays
    // NUL.
    char text_[16] = {'0'};
    std::size_t size_ = 1;
};

/// Whether 64 bits hold the milliseconds of `since`. Durations coarser than a millisecond reach
/// further than that.
template <typename Duration>
[[nodiscard]] constexpr bool fits_millis(const Duration& since) noexcept {
    using ticks = typename Duration::rep;
    using scale = std::ratio_divide<typename Duration::period, std::milli>;
    if constexpr (std::is_floating_point_v<ticks>) {
        const long double millis =
            static_cast<long double>(since.count()) * scale::num / scale::den;
        return millis > -0x1p63L && millis < 0x1p63L; // not so for NaN
    } else if constexpr (scale::num == 1 && scale::den > 1) {
        return true;
    } else {
        constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / scale::num;
        if constexpr (std::is_unsigned_v<ticks>)
            return since.count() <= static_cast<std::uint64_t>(limit);
        else
            return (scale::num == 1 && scale::den == 1) ||
                   (since.count() <= limit && since.count() >= -limit);
    }
}

/// Milliseconds since 1970 as BSON keeps them: the part below a millisecond is cut off towards
/// 1970, as Realm does. Throws `std::overflow_error` for a date that 64 bits do not hold.
template <typename Duration>
[[nodiscard]] constexpr std::int64_t
to_millis(const std::chrono::time_point<std::chrono::system_clock, Duration>& at) {
    if (!fits_millis(at.time_since_epoch()))
        internal::refuse<std::overflow_error>(
            "a date is too far from 1970 to be counted in milliseconds");
    return static_cast<std::int64_t>(
        std::chrono::duration_cast<std::chrono::duration<std::int64_t, std::milli>>(
            at.time_since_epoch())
            .count());
}

/// Appends to a buffer it does not own; the buffer must outlive it. For one thread. `Key` is
/// `fixed_key`, `key_view` or `index_key`, or a class with their `room` and `store`.
class bson_writer {
public:
    explicit bson_writer(buffer& out) noexcept : out_(&out) {}

    [[nodiscard]] buffer& out() noexcept { return *out_; }

    /// Starts a document and returns its mark, to be handed to `end_document`.
    [[nodiscard]] std::size_t begin_document() {
        const std::size_t mark = out_->size();
        out_->commit(out_->prepare(sizeof(std::int32_t)) + sizeof(std::int32_t));
        return mark;
    }
    template <typename Key>
    [[nodiscard]] std::size_t begin_document(const Key& key) {
        return begin_nested(bson_type::document, key);
    }
    template <typename Key>
    [[nodiscard]] std::size_t begin_array(const Key& key) {
        return begin_nested(bson_type::array, key);
    }
    void end_document(std::size_t mark) {
        std::uint8_t* to = out_->prepare(1);
        *to = 0;
        out_->commit(to + 1);
        store_le(out_->data() + mark, checked_size(out_->size() - mark));
    }
    void end_array(std::size_t mark) { end_document(mark); }

    template <typename Key>
    void append_null(const Key& key) {
        out_->commit(begin_element(bson_type::null, key, 0));
    }
    template <typename Key>
    void append_bool(const Key& key, bool value) {
        std::uint8_t* to = begin_element(bson_type::boolean, key, 1);
        *to = value ? 1 : 0;
        out_->commit(to + 1);
    }
    template <typename Key>
    void append_int32(const Key& key, std::int32_t value) {
        append_number(bson_type::int32, key, value);
    }
    template <typename Key>
    void append_int64(const Key& key, std::int64_t value) {
        append_number(bson_type::int64, key, value);
    }
    template <typename Key>
    void append_double(const Key& key, double value) {
        static_assert(sizeof(double) == sizeof(std::uint64_t) &&
                      std::numeric_limits<double>::is_iec559);
        std::uint64_t bits;
        std::memcpy(&bits, &value, sizeof(bits));
        append_number(bson_type::float64, key, bits);
    }
    template <typename Key>
    void append_datetime(const Key& key, std::int64_t millis) {
        append_number(bson_type::datetime, key, millis);
    }
    template <typename Key, typename Duration>
    void append_datetime(const Key& key,
                         const std::chrono::time_point<std::chrono::system_clock, Duration>& at) {
        append_datetime(key, to_millis(at));
    }
    template <typename Key>
    void append_string(const Key& key, std::string_view value) {
        append_text(bson_type::string, key, value);
    }
    template <typename Key>
    void append_binary(const Key& key, const std::uint8_t* bytes, std::size_t size,
                       bson_subtype subtype = bson_subtype::generic) {
        const std::int32_t stored = checked_size(size);
        std::uint8_t* to = begin_element(bson_type::binary, key, 5 + size);
        store_le(to, stored);
        to[4] = static_cast<std::uint8_t>(subtype);
        if (size != 0)
            std::memcpy(to + 5, bytes, size);
        out_->commit(to + 5 + size);
    }
    template <typename Key>
    void append_uuid(const Key& key, const uuid& value) {
        const auto bytes = value.to_bytes();
        append_binary(key, bytes.data(), bytes.size(), bson_subtype::uuid);
    }
    template <typename Key>
    void append_object_id(const Key& key, const object_id& value) {
        const auto bytes = value.to_bytes();
        std::uint8_t* to = begin_element(bson_type::object_id, key, bytes.size());
        std::memcpy(to, bytes.data(), bytes.size());
        out_->commit(to + bytes.size());
    }
    template <typename Key>
    void append_decimal128(const Key& key, const decimal128& value) {
        std::uint8_t* to = begin_element(bson_type::decimal128, key, 16);
        store_le(to, value.low);
        store_le(to + 8, value.high);
        out_->commit(to + 16);
    }
    template <typename Key>
    void append_timestamp(const Key& key, std::uint32_t seconds, std::uint32_t increment) {
        std::uint8_t* to = begin_element(bson_type::timestamp, key, 8);
        store_le(to, increment);
        store_le(to + 4, seconds);
        out_->commit(to + 8);
    }
    /// `options` must be in alphabetical order.
    template <typename Key>
    void append_regex(const Key& key, std::string_view pattern, std::string_view options) {
        const key_view first(pattern); // both are NUL-terminated on the wire, like keys
        const key_view second(options);
        std::uint8_t* to = begin_element(bson_type::regex, key, first.room() + second.room());
        out_->commit(second.store(first.store(to)));
    }
    template <typename Key>
    void append_min_key(const Key& key) {
        out_->commit(begin_element(bson_type::min_key, key, 0));
    }
    template <typename Key>
    void append_max_key(const Key& key) {
        out_->commit(begin_element(bson_type::max_key, key, 0));
    }
    /// A whole document made elsewhere, as the value of `key`.
    template <typename Key>
    void append_document(const Key& key, const std::uint8_t* document, std::size_t size) {
        std::uint8_t* to = begin_element(bson_type::document, key, size);
        std::memcpy(to, document, size);
        out_->commit(to + size);
    }

private:
    /// Room for the whole element; writes type and key and returns where the value goes. Not
    /// committed.
    template <typename Key>
    std::uint8_t* begin_element(bson_type type, const Key& key, std::size_t value_size) {
        std::uint8_t* to = out_->prepare(1 + key.room() + value_size);
        *to = static_cast<std::uint8_t>(type);
        return key.store(to + 1);
    }
    template <typename Key>
    std::size_t begin_nested(bson_type type, const Key& key) {
        std::uint8_t* to = begin_element(type, key, sizeof(std::int32_t));
        const auto mark = static_cast<std::size_t>(to - out_->data());
        out_->commit(to + sizeof(std::int32_t));
        return mark;
    }
    template <typename Key, typename T>
    void append_number(bson_type type, const Key& key, T value) {
        std::uint8_t* to = begin_element(type, key, sizeof(T));
        store_le(to, value);
        out_->commit(to + sizeof(T));
    }
    template <typename Key>
    void append_text(bson_type type, const Key& key, std::string_view value) {
        const std::size_t n = value.size();
        const std::int32_t stored = checked_size(n + 1);
        std::uint8_t* to = begin_element(type, key, 5 + n);
        store_le(to, stored);
        if (n != 0)
            std::memcpy(to + 4, value.data(), n);
        to[4 + n] = 0;
        out_->commit(to + 5 + n);
    }
    static std::int32_t checked_size(std::size_t size) {
        if (size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
            internal::refuse<std::length_error>("a BSON document or value is limited to 2 GiB");
        return static_cast<std::int32_t>(size);
    }

    buffer* out_;
};

} // namespace realm::internal
