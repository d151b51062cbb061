// A value of any kind inside a sync error: the primary key of a refused object.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <cpprealm/types.hpp>

namespace realm::internal::bridge {

using uuid = ::realm::uuid;
using object_id = ::realm::object_id;
using decimal128 = ::realm::decimal128;
using timestamp = std::chrono::time_point<std::chrono::system_clock>;
using binary = std::vector<std::uint8_t>;

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
    using value_type = std::variant<std::monostate, std::int64_t, bool, std::string, double, binary,
                                    timestamp, uuid, object_id, decimal128>;

    mixed() = default;
    explicit mixed(value_type value) : value_(std::move(value)) {}

    data_type type() const noexcept {
        constexpr data_type by_index[] = {
            data_type::Mixed,    data_type::Int,    data_type::Bool,      data_type::String,
            data_type::Double,   data_type::Binary, data_type::Timestamp, data_type::UUID,
            data_type::ObjectId, data_type::Decimal};
        return by_index[value_.index()];
    }
    bool is_null() const noexcept { return value_.index() == 0; }

    operator std::string() const { return get<std::string>(); }
    operator std::int64_t() const { return get<std::int64_t>(); }
    operator double() const { return get<double>(); }
    operator bool() const { return get<bool>(); }
    operator uuid() const { return get<uuid>(); }
    operator object_id() const { return get<object_id>(); }
    operator decimal128() const { return get<decimal128>(); }
    operator timestamp() const { return get<timestamp>(); }
    operator binary() const { return get<binary>(); }

    friend bool operator==(const mixed& a, const mixed& b) { return a.value_ == b.value_; }
    friend bool operator!=(const mixed& a, const mixed& b) { return !(a == b); }
    friend bool operator<(const mixed& a, const mixed& b) {
        if (a.value_.index() != b.value_.index())
            return a.value_.index() < b.value_.index();
        return std::visit(
            [&](const auto& left) {
                using T = std::decay_t<decltype(left)>;
                return left < std::get<T>(b.value_);
            },
            a.value_);
    }
    friend bool operator>(const mixed& a, const mixed& b) { return b < a; }
    friend bool operator<=(const mixed& a, const mixed& b) { return !(b < a); }
    friend bool operator>=(const mixed& a, const mixed& b) { return !(a < b); }

private:
    template <typename T>
    T get() const {
        if (auto value = std::get_if<T>(&value_))
            return *value;
        throw std::logic_error("The value does not hold the type that was asked for.");
    }

    value_type value_;
};

} // namespace realm::internal::bridge
