// A value of any kind inside a sync error: the primary key of a refused object.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bson_reader.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/types.hpp>

namespace realm::internal::bridge {

/// @{
/// As in namespace realm.
using uuid = ::realm::uuid;
using object_id = ::realm::object_id;
using decimal128 = ::realm::decimal128;
/// @}
/// A point in time.
using timestamp = std::chrono::time_point<std::chrono::system_clock>;
/// Binary data.
using binary = std::vector<std::uint8_t>;

/// What a `mixed` holds, with realm-core's numbers.
enum class data_type {
    Int = 0,
    Bool = 1,
    String = 2,
    Binary = 4,
    Mixed = 6,
    Timestamp = 8,
    Float = 9,
    Double = 10,
    Decimal = 11,
    Link = 12,
    LinkList = 13,
    ObjectId = 15,
    TypedLink = 16,
    UUID = 17,
};

/// Holds one value and converts to its type; converting to another type throws `std::logic_error`.
/// Null has the type `data_type::Mixed`.
struct mixed {
    /// Null.
    mixed() = default;
    /// The first value of a BSON document. A type that no primary key has counts as null.
    explicit mixed(std::string document) : document_(std::move(document)) {}

    /// Of which type the value is.
    template <typename = on_use>
    data_type type() const {
        switch (value().type) {
        case bson_type::int32:
        case bson_type::int64:
            return data_type::Int;
        case bson_type::boolean:
            return data_type::Bool;
        case bson_type::string:
            return data_type::String;
        case bson_type::float64:
            return data_type::Double;
        case bson_type::binary:
            return value().is_uuid() ? data_type::UUID : data_type::Binary;
        case bson_type::datetime:
            return data_type::Timestamp;
        case bson_type::object_id:
            return data_type::ObjectId;
        case bson_type::decimal128:
            return data_type::Decimal;
        default:
            return data_type::Mixed;
        }
    }
    /// Whether there is no value.
    template <typename = on_use>
    bool is_null() const {
        return type() == data_type::Mixed;
    }

    /// @{
    /// The value. Throws `std::logic_error` if it is of another type.
    template <typename = on_use>
    operator std::string() const {
        return std::string(expect(data_type::String).as_string());
    }
    template <typename = on_use>
    operator std::int64_t() const {
        const bson_element held = expect(data_type::Int);
        return held.type == bson_type::int32 ? held.as_int32() : held.as_int64();
    }
    template <typename = on_use>
    operator double() const {
        return expect(data_type::Double).as_double();
    }
    template <typename = on_use>
    operator bool() const {
        return expect(data_type::Bool).as_bool();
    }
    template <typename = on_use>
    operator uuid() const {
        return expect(data_type::UUID).as_uuid();
    }
    template <typename = on_use>
    operator object_id() const {
        return expect(data_type::ObjectId).as_object_id();
    }
    template <typename = on_use>
    operator decimal128() const {
        return expect(data_type::Decimal).as_decimal128();
    }
    template <typename = on_use>
    operator timestamp() const {
        return expect(data_type::Timestamp).as_datetime();
    }
    template <typename = on_use>
    operator binary() const {
        return expect(data_type::Binary).as_binary();
    }
    /// @}

    /// Values of two types are different; their order is that of the types.
    template <typename = on_use>
    friend bool operator==(const mixed& a, const mixed& b) {
        return a.type() == b.type() &&
               both(a, b, [](const auto& x, const auto& y) { return x == y; });
    }
    template <typename = on_use>
    friend bool operator!=(const mixed& a, const mixed& b) {
        return !(a == b);
    }
    template <typename = on_use>
    friend bool operator<(const mixed& a, const mixed& b) {
        return a.type() != b.type()
                   ? a.type() < b.type()
                   : both(a, b, [](const auto& x, const auto& y) { return x < y; });
    }
    template <typename = on_use>
    friend bool operator>(const mixed& a, const mixed& b) {
        return b < a;
    }
    template <typename = on_use>
    friend bool operator<=(const mixed& a, const mixed& b) {
        return !(b < a);
    }
    template <typename = on_use>
    friend bool operator>=(const mixed& a, const mixed& b) {
        return !(a < b);
    }

private:
    template <typename = on_use>
    [[nodiscard]] bson_element value() const {
        bson_element found;
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(document_.data());
        if (!document_.empty())
            static_cast<void>(bson_reader(bytes, document_.size()).next(found));
        return found;
    }
    template <typename = on_use>
    [[nodiscard]] bson_element expect(data_type wanted) const {
        if (type() != wanted)
            internal::refuse<std::logic_error>(
                "The value does not hold the type that was asked for.");
        return value();
    }
    /// Compares two values of one type.
    template <typename Compare>
    [[nodiscard]] static bool both(const mixed& a, const mixed& b, Compare compare) {
        switch (a.type()) {
        case data_type::Int:
            return compare(a.operator std::int64_t(), b.operator std::int64_t());
        case data_type::Bool:
            return compare(a.operator bool(), b.operator bool());
        case data_type::String:
            return compare(a.operator std::string(), b.operator std::string());
        case data_type::Binary:
            return compare(a.operator binary(), b.operator binary());
        case data_type::Timestamp:
            return compare(a.operator timestamp(), b.operator timestamp());
        case data_type::Double:
            return compare(a.operator double(), b.operator double());
        case data_type::Decimal:
            return compare(a.operator decimal128(), b.operator decimal128());
        case data_type::ObjectId:
            return compare(a.operator object_id(), b.operator object_id());
        case data_type::UUID:
            return compare(a.operator uuid(), b.operator uuid());
        default:
            return compare(0, 0); // null
        }
    }

    std::string document_; // empty: null
};

} // namespace realm::internal::bridge
