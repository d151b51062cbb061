// Change notifications for one object, which do not exist here: see notifications.hpp.
#pragma once

#include <any>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/notifications.hpp>

namespace realm {

/// One changed property.
template <typename T>
struct PropertyChange {
    /// @{
    /// The property, and its value before and after.
    std::string name;
    std::optional<internal::later<T, std::any>> old_value;
    std::optional<internal::later<T, std::any>> new_value;
    /// @}
};

/// What happened to one object. Never delivered.
template <typename T>
struct object_change {
    /// @{
    /// As realm-cpp names it.
    const T* object = nullptr;
    std::vector<PropertyChange<T>> property_changes;
    std::exception_ptr error;
    bool is_deleted = false;
    /// @}
};

/// What happened to a query's results. Never delivered.
template <typename T>
struct results_change {
    /// @{
    /// As realm-cpp names it.
    T* collection = nullptr;
    std::vector<std::uint64_t> deletions;
    std::vector<std::uint64_t> insertions;
    std::vector<std::uint64_t> modifications;
    /// @}
};

} // namespace realm
