// Managed values of more than one type.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/managed_value.hpp>

namespace realm {
namespace internal {

/// The mixed value that `value` stands for: every whole number an int64_t, every text a string.
template <typename M, typename Value>
[[nodiscard]] M to_mixed(Value&& value) {
    using V = std::decay_t<Value>;
    if constexpr (std::is_same_v<V, bool>)
        return M(std::in_place_type<bool>, value);
    else if constexpr (std::is_integral_v<V> || std::is_enum_v<V>)
        return M(std::in_place_type<std::int64_t>, static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<V>)
        return M(std::in_place_type<double>, static_cast<double>(value));
    else if constexpr (std::is_convertible_v<Value, std::string_view>)
        return M(std::in_place_type<std::string>, std::string_view(value));
    else
        return M(std::forward<Value>(value));
}

template <typename D, typename M>
struct operations<D, M, std::enable_if_t<is_mixed_v<M>>> : assignable<D, M> {
    using assignable<D, M>::operator=;

    template <typename Value, std::enable_if_t<!is_handle_v<std::decay_t<Value>> &&
                                                   !std::is_same_v<std::decay_t<Value>, M> &&
                                                   (std::is_constructible_v<M, Value> ||
                                                    std::is_arithmetic_v<std::decay_t<Value>>),
                                               int> = 0>
    D& operator=(Value&& value) {
        this->self().realm_assign(to_mixed<M>(std::forward<Value>(value)));
        return this->self();
    }

    /// Null has the type `data_type::Mixed`.
    [[nodiscard]] bridge::data_type get_stored_type() const {
        using bridge::data_type;
        return std::visit(
            [](const auto& held) {
                using Held = std::decay_t<decltype(held)>;
                using date = std::chrono::time_point<std::chrono::system_clock>;
                if constexpr (std::is_same_v<Held, std::monostate>)
                    return data_type::Mixed;
                else if constexpr (std::is_same_v<Held, bool>)
                    return data_type::Bool;
                else if constexpr (std::is_integral_v<Held> || std::is_enum_v<Held>)
                    return data_type::Int;
                else if constexpr (std::is_floating_point_v<Held>)
                    return data_type::Double;
                else if constexpr (std::is_same_v<Held, std::string>)
                    return data_type::String;
                else if constexpr (std::is_same_v<Held, std::vector<std::uint8_t>>)
                    return data_type::Binary;
                else if constexpr (std::is_same_v<Held, date>)
                    return data_type::Timestamp;
                else if constexpr (std::is_same_v<Held, uuid>)
                    return data_type::UUID;
                else if constexpr (std::is_same_v<Held, object_id>)
                    return data_type::ObjectId;
                else if constexpr (std::is_same_v<Held, decimal128>)
                    return data_type::Decimal;
                else
                    return data_type::Timestamp; // a date of another precision
            },
            this->self().realm_peek());
    }
};

} // namespace internal

/// Whether a managed mixed value holds a T.
template <typename T, typename D, std::enable_if_t<internal::is_handle_v<D>, int> = 0>
[[nodiscard]] rbool holds_alternative(const D& value) {
    return std::holds_alternative<T>(value.realm_peek());
}

} // namespace realm
