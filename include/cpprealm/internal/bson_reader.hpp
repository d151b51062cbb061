// Reads BSON. Meant for documents that this library made or that the gateway sent; what is not well
// formed is refused with std::runtime_error before a byte outside of the document is touched.
// Nothing is copied: elements point into the bytes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <cpprealm/internal/bson_writer.hpp>
#include <cpprealm/internal/byte_order.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/types.hpp>

namespace realm::internal {

class bson_reader;

/// One key and value. Valid as long as the document's bytes are. The typed getters throw when the
/// type is another.
struct bson_element {
    bson_type type = bson_type::null;
    std::string_view key;
    const std::uint8_t* value = nullptr;
    std::size_t size = 0; // of the value, everything included

    [[nodiscard]] bool is_null() const noexcept { return type == bson_type::null; }
    [[nodiscard]] bool as_bool() const { return *expect(bson_type::boolean, "a boolean") != 0; }
    [[nodiscard]] std::int32_t as_int32() const {
        return load_le<std::int32_t>(expect(bson_type::int32, "an int32"));
    }
    [[nodiscard]] std::int64_t as_int64() const {
        return load_le<std::int64_t>(expect(bson_type::int64, "an int64"));
    }
    [[nodiscard]] double as_double() const {
        const auto bits = load_le<std::uint64_t>(expect(bson_type::float64, "a double"));
        double number;
        std::memcpy(&number, &bits, sizeof(number));
        return number;
    }
    [[nodiscard]] std::int64_t as_millis() const {
        return load_le<std::int64_t>(expect(bson_type::datetime, "a date"));
    }
    /// Throws when the clock's own duration cannot hold the date.
    template <typename = on_use>
    [[nodiscard]] std::chrono::time_point<std::chrono::system_clock> as_datetime() const {
        using clock = std::chrono::system_clock;
        using wide = std::chrono::duration<std::int64_t, std::milli>;
        const wide millis(as_millis());
        const auto at = std::chrono::duration_cast<wide>(clock::duration::max());
        if (millis > at || millis < -at)
            refuse<std::runtime_error>({"the date of '", key, "' is out of range"});
        return clock::time_point(std::chrono::duration_cast<clock::duration>(millis));
    }
    [[nodiscard]] std::string_view as_string() const {
        const auto* at = expect(bson_type::string, "a string");
        return {reinterpret_cast<const char*>(at + 4), size - 5};
    }
    [[nodiscard]] bson_subtype subtype() const {
        return static_cast<bson_subtype>(expect(bson_type::binary, "binary data")[4]);
    }
    [[nodiscard]] const std::uint8_t* binary_data() const {
        return expect(bson_type::binary, "binary data") + 5;
    }
    [[nodiscard]] std::size_t binary_size() const {
        static_cast<void>(expect(bson_type::binary, "binary data"));
        return size - 5;
    }
    template <typename = on_use>
    [[nodiscard]] std::vector<std::uint8_t> as_binary() const {
        return {binary_data(), binary_data() + binary_size()};
    }
    [[nodiscard]] bool is_uuid() const {
        return type == bson_type::binary && subtype() == bson_subtype::uuid && binary_size() == 16;
    }
    [[nodiscard]] uuid as_uuid() const {
        if (!is_uuid())
            wrong("a uuid");
        std::array<std::uint8_t, 16> bytes;
        std::memcpy(bytes.data(), binary_data(), bytes.size());
        return uuid(bytes);
    }
    [[nodiscard]] object_id as_object_id() const {
        std::array<std::uint8_t, 12> bytes;
        std::memcpy(bytes.data(), expect(bson_type::object_id, "an object id"), bytes.size());
        return object_id(bytes);
    }
    [[nodiscard]] decimal128 as_decimal128() const {
        const auto* at = expect(bson_type::decimal128, "a decimal128");
        return {load_le<std::uint64_t>(at), load_le<std::uint64_t>(at + 8)};
    }
    [[nodiscard]] std::uint32_t timestamp_seconds() const {
        return load_le<std::uint32_t>(expect(bson_type::timestamp, "a timestamp") + 4);
    }
    [[nodiscard]] std::uint32_t timestamp_increment() const {
        return load_le<std::uint32_t>(expect(bson_type::timestamp, "a timestamp"));
    }
    [[nodiscard]] std::string_view regex_pattern() const {
        return reinterpret_cast<const char*>(expect(bson_type::regex, "a regular expression"));
    }
    [[nodiscard]] std::string_view regex_options() const {
        return reinterpret_cast<const char*>(value + regex_pattern().size() + 1);
    }
    /// The elements of a document or an array.
    [[nodiscard]] bson_reader nested() const;

private:
    const std::uint8_t* expect(bson_type wanted, const char* name) const {
        if (type != wanted)
            wrong(name);
        return value;
    }
    [[noreturn]] void wrong(const char* name) const {
        refuse<std::runtime_error>({"the value of '", key, "' is not ", name});
    }
};

/// Walks the elements of one document: `while (reader.next(element)) ...`. Nested documents are
/// looked into only when a reader is made for them. Does not own the bytes. For one thread.
class bson_reader {
public:
    /// Throws unless the document's own size is `size` and it ends as a document must.
    bson_reader(const std::uint8_t* document, std::size_t size) {
        if (size < 5 || load_le<std::int32_t>(document) < 5 ||
            static_cast<std::size_t>(load_le<std::int32_t>(document)) != size ||
            document[size - 1] != 0)
            malformed("its size does not hold");
        at_ = document + 4;
        end_ = document + size - 1;
    }

    [[nodiscard]] bool next(bson_element& element) {
        if (at_ == end_)
            return false;
        element.type = static_cast<bson_type>(*at_);
        element.key = c_string(at_ + 1);
        const auto* value = at_ + 2 + element.key.size();
        element.value = value;
        element.size = value_size(element.type, value);
        at_ = value + element.size;
        return true;
    }

    /// The element of that key among those not walked over yet; false if there is none. Does not
    /// move the reader.
    [[nodiscard]] bool find(std::string_view key, bson_element& element) const {
        bson_reader rest = *this;
        while (rest.next(element)) {
            if (element.key == key)
                return true;
        }
        return false;
    }

private:
    [[nodiscard]] std::size_t value_size(bson_type type, const std::uint8_t* value) const {
        const auto left = static_cast<std::size_t>(end_ - value);
        const auto fixed = [left](std::size_t n) {
            if (left < n)
                malformed("a value is cut off");
            return n;
        };
        // A 32-bit size at `at` that must be at least `least`, counted as `around` more bytes of
        // the value.
        const auto sized = [&](std::size_t least, std::size_t around) {
            static_cast<void>(fixed(4));
            const auto n = load_le<std::int32_t>(value);
            if (n < 0 || static_cast<std::size_t>(n) < least)
                malformed("a value has an impossible size");
            if (left < around || left - around < static_cast<std::size_t>(n))
                malformed("a value is cut off");
            return static_cast<std::size_t>(n) + around;
        };
        const auto ended = [value](std::size_t n) {
            if (value[n - 1] != 0)
                malformed("a value lacks its last NUL");
            return n;
        };
        switch (type) {
        case bson_type::null:
        case bson_type::undefined:
        case bson_type::min_key:
        case bson_type::max_key:
            return 0;
        case bson_type::boolean:
            return fixed(1);
        case bson_type::int32:
            return fixed(4);
        case bson_type::float64:
        case bson_type::datetime:
        case bson_type::timestamp:
        case bson_type::int64:
            return fixed(8);
        case bson_type::object_id:
            return fixed(12);
        case bson_type::decimal128:
            return fixed(16);
        case bson_type::string:
        case bson_type::code:
        case bson_type::symbol:
            return ended(sized(1, 4));
        case bson_type::document:
        case bson_type::array:
            return ended(sized(5, 0));
        case bson_type::code_with_scope:
            return sized(14, 0);
        case bson_type::binary:
            return sized(0, 5);
        case bson_type::db_pointer: {
            const std::size_t text = ended(sized(1, 4));
            return fixed(text + 12);
        }
        case bson_type::regex: {
            const std::size_t pattern = c_string(value).size() + 1;
            return pattern + c_string(value + pattern).size() + 1;
        }
        }
        malformed("a value has an unknown type");
    }

    /// Up to the next NUL; the last byte of the document is not part of it.
    [[nodiscard]] std::string_view c_string(const std::uint8_t* at) const {
        const auto left = static_cast<std::size_t>(end_ - at);
        const void* nul = left == 0 ? nullptr : std::memchr(at, 0, left);
        if (nul == nullptr)
            malformed("a key or an expression has no end");
        return {reinterpret_cast<const char*>(at),
                static_cast<std::size_t>(static_cast<const std::uint8_t*>(nul) - at)};
    }

    [[noreturn]] static void malformed(const char* why) {
        refuse<std::runtime_error>({"malformed BSON document: ", why});
    }

    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

inline bson_reader bson_element::nested() const {
    if (type != bson_type::document && type != bson_type::array)
        wrong("a document or an array");
    return {value, size};
}

} // namespace realm::internal
