// One class of a schema, as the schema macros describe it and the library reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace realm::internal::bridge {

/// Names and types of one class. A value.
struct object_schema {
    /// A regular class can be declared, but not opened.
    enum class object_type : uint8_t { asymmetric, embedded, regular };
    enum class collection_type : uint8_t { none, list, set, dictionary };

    struct property {
        std::string name;
        /// int bool string data date float double decimal128 objectId uuid mixed object
        std::string type;
        /// For a collection: whether its elements may be null.
        bool optional = false;
        collection_type collection = collection_type::none;
        /// The embedded class, for type `object`.
        std::string object;

        friend bool operator==(const property& a, const property& b) {
            return a.name == b.name && a.type == b.type && a.optional == b.optional &&
                   a.collection == b.collection && a.object == b.object;
        }
    };

    std::string name;
    object_type type = object_type::asymmetric;
    /// Empty without one.
    std::string primary_key;
    std::vector<property> properties;

    friend bool operator==(const object_schema& a, const object_schema& b) {
        return a.name == b.name && a.type == b.type && a.primary_key == b.primary_key &&
               a.properties == b.properties;
    }
    friend bool operator!=(const object_schema& a, const object_schema& b) { return !(a == b); }
};

} // namespace realm::internal::bridge
