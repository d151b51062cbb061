// primary_key<T>: marks the one member that identifies an object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <cpprealm/types.hpp>

namespace realm {

namespace internal {

template <typename T>
struct is_primary_key_type
    : std::bool_constant<std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::string> ||
                         std::is_same_v<T, object_id> || std::is_same_v<T, uuid> ||
                         std::is_enum_v<T>> {};
template <typename T>
struct is_primary_key_type<std::optional<T>> : is_primary_key_type<T> {};
template <typename T>
struct is_primary_key_type<std::optional<std::optional<T>>> : std::false_type {};

// bool is an integral type, but `key = true` is a slip of the pen.
template <typename T>
inline constexpr bool is_key_number_v = std::is_integral_v<T> && !std::is_same_v<T, bool>;

} // namespace internal

/// The value of a primary key. Converts from and to `T`, so `{._id = id}` and `object_id id =
/// object._id` both work, and leaves the struct that has it an aggregate. A plain value: no rules
/// for threads or lifetime beyond those of `T`.
template <typename T>
struct primary_key {
    static_assert(
        internal::is_primary_key_type<T>::value,
        "A primary key is an int64_t, std::string, realm::object_id, realm::uuid or enum, or "
        "std::optional of one of them.");
    /// The key itself.
    T value{};

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    primary_key(const T& v) : value(v) {}
    primary_key(T&& v) noexcept(std::is_nothrow_move_constructible_v<T>) : value(std::move(v)) {}
    operator T() const { return value; }
    /// @}
};

/// Takes any whole number, but no `bool`.
template <>
struct primary_key<std::int64_t> {
    /// The key itself.
    std::int64_t value = 0;

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    template <typename Number, std::enable_if_t<internal::is_key_number_v<Number>, int> = 0>
    primary_key(Number v) noexcept : value(static_cast<std::int64_t>(v)) {}
    operator std::int64_t() const noexcept { return value; }
    /// @}
};

/// Takes text in any form.
template <>
struct primary_key<std::string> {
    /// The key itself.
    std::string value;

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    primary_key(const std::string& v) : value(v) {}
    primary_key(std::string&& v) noexcept : value(std::move(v)) {}
    primary_key(const char* v) : value(v) {}
    operator std::string() const { return value; }
    /// @}
};

/// A key that may be null.
template <typename T>
struct primary_key<std::optional<T>> {
    static_assert(
        internal::is_primary_key_type<std::optional<T>>::value,
        "A primary key is an int64_t, std::string, realm::object_id, realm::uuid or enum, or "
        "std::optional of one of them.");
    /// The key itself.
    std::optional<T> value;

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    primary_key(std::nullopt_t) noexcept {}
    primary_key(const std::optional<T>& v) : value(v) {}
    primary_key(std::optional<T>&& v) noexcept(std::is_nothrow_move_constructible_v<T>)
        : value(std::move(v)) {}
    primary_key(const T& v) : value(v) {}
    operator std::optional<T>() const { return value; }
    /// @}
};

/// A whole number, or null.
template <>
struct primary_key<std::optional<std::int64_t>> {
    /// The key itself.
    std::optional<std::int64_t> value;

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    primary_key(std::nullopt_t) noexcept {}
    primary_key(const std::optional<std::int64_t>& v) noexcept : value(v) {}
    template <typename Number, std::enable_if_t<internal::is_key_number_v<Number>, int> = 0>
    primary_key(Number v) noexcept : value(static_cast<std::int64_t>(v)) {}
    operator std::optional<std::int64_t>() const noexcept { return value; }
    /// @}
};

/// Text, or null.
template <>
struct primary_key<std::optional<std::string>> {
    /// The key itself.
    std::optional<std::string> value;

    /// @{
    /// From a key and back to it.
    primary_key() = default;
    primary_key(std::nullopt_t) noexcept {}
    primary_key(const std::optional<std::string>& v) : value(v) {}
    primary_key(std::optional<std::string>&& v) noexcept : value(std::move(v)) {}
    primary_key(const std::string& v) : value(v) {}
    primary_key(const char* v) : value(v) {}
    operator std::optional<std::string>() const { return value; }
    /// @}
};

} // namespace realm
