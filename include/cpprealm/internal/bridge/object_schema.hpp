// One class of a schema, as the schema macros describe it and the library reads it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cpprealm/internal/plain_text.hpp>

namespace realm::internal::bridge {

/// Names and types of one class. A value that refers to text and properties which outlive it: the
/// schema macros make them constants of the program.
struct object_schema {
    /// A regular class can be declared, but not opened.
    enum class object_type : std::uint8_t { asymmetric, embedded, regular };
    /// Whether a property holds one value, or many.
    enum class collection_type : std::uint8_t { none, list, set, dictionary };

    /// One property. Refers to names that outlive it.
    struct property {
        /// As in the class.
        plain_text name;
        /// int bool string data date float double decimal128 objectId uuid mixed object
        plain_text type;
        /// For a collection: whether its elements may be null.
        bool optional = false;
        /// How many values it holds.
        collection_type collection = collection_type::none;
        /// The embedded class, for type `object`.
        plain_text object = {};
        /// Whether it is the one that identifies an object.
        bool is_primary_key = false;

        friend constexpr bool operator==(const property& a, const property& b) noexcept {
            return a.name == b.name && a.type == b.type && a.optional == b.optional &&
                   a.collection == b.collection && a.object == b.object &&
                   a.is_primary_key == b.is_primary_key;
        }
    };

    /// The properties of a class, in the order of its macro.
    struct property_list {
        /// The first one.
        const property* first = nullptr;
        /// How many there are.
        std::size_t count = 0;

        /// @{
        /// As of any container; an index that is not there is not checked.
        constexpr const property* begin() const noexcept { return first; }
        constexpr const property* end() const noexcept { return first + count; }
        constexpr std::size_t size() const noexcept { return count; }
        constexpr const property& operator[](std::size_t index) const noexcept {
            return first[index];
        }
        constexpr const property& front() const noexcept { return first[0]; }
        constexpr const property& back() const noexcept { return first[count - 1]; }
        /// @}

        friend constexpr bool operator==(const property_list& a, const property_list& b) noexcept {
            if (a.count != b.count)
                return false;
            for (std::size_t i = 0; i < a.count; ++i) {
                if (!(a[i] == b[i]))
                    return false;
            }
            return true;
        }
    };

    /// As in the source, without its namespace.
    plain_text name = {};
    /// Of which kind it is.
    object_type type = object_type::asymmetric;
    /// Empty without one.
    plain_text primary_key = {};
    /// In the order of the macro.
    property_list properties = {};

    friend constexpr bool operator==(const object_schema& a, const object_schema& b) noexcept {
        return a.name == b.name && a.type == b.type && a.primary_key == b.primary_key &&
               a.properties == b.properties;
    }
    friend constexpr bool operator!=(const object_schema& a, const object_schema& b) noexcept {
        return !(a == b);
    }
};

} // namespace realm::internal::bridge
