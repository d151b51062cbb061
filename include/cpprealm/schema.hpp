// From the schema macros to the descriptions that open a database: classes, properties, the list of
// all that are declared.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <cpprealm/internal/bridge/object_schema.hpp>
#include <cpprealm/internal/class_traits.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

inline constexpr std::size_t max_class_name_bytes = 57;
inline constexpr std::size_t max_property_name_bytes = 63;

template <typename T>
struct pointee_of {
    using type = void;
};
template <typename T>
struct pointee_of<T*> {
    using type = T;
};

/// What a property holds, with optionals and collections taken off.
template <typename T>
struct property_shape {
    using element = T;
    static constexpr auto collection = bridge::object_schema::collection_type::none;
    static constexpr bool optional = false;
};
template <typename T>
struct property_shape<std::optional<T>> : property_shape<T> {
    static constexpr bool optional = true;
};
template <typename T>
struct property_shape<primary_key<T>> : property_shape<T> {};
template <>
struct property_shape<std::vector<std::uint8_t>> {
    using element = std::vector<std::uint8_t>;
    static constexpr auto collection = bridge::object_schema::collection_type::none;
    static constexpr bool optional = false;
};
template <typename T>
struct property_shape<std::vector<T>> : property_shape<T> {
    static constexpr auto collection = bridge::object_schema::collection_type::list;
};
template <typename T, typename Less>
struct property_shape<std::set<T, Less>> : property_shape<T> {
    static constexpr auto collection = bridge::object_schema::collection_type::set;
};
template <typename T, typename Less>
struct property_shape<std::map<std::string, T, Less>> : property_shape<T> {
    static constexpr auto collection = bridge::object_schema::collection_type::dictionary;
};

template <typename P>
constexpr bridge::object_schema::property describe_property() {
    check_property<P>();
    if constexpr (has_codec<value_t<P>>::value) {
        using shape = property_shape<value_t<P>>;
        using pointee = typename pointee_of<typename shape::element>::type;
        bridge::object_schema::property described{P::key.text(), codec<value_t<P>>::type,
                                                  shape::optional, shape::collection};
        described.is_primary_key = is_primary_key<value_t<P>>::value;
        if constexpr (!std::is_void_v<pointee>) {
            check_pointee<pointee>();
            described.object = schema_of<pointee>::name;
        }
        return described;
    } else {
        return {};
    }
}

template <typename... Properties>
bridge::object_schema::property_list describe_properties(property_list<void, Properties...>) {
    static constexpr bridge::object_schema::property described[] = {
        describe_property<Properties>()...};
    return {described, sizeof...(Properties)};
}

namespace ffi {

/// Sets the primary key; the status says what Realm refuses and the macros cannot see.
void complete(bridge::object_schema& described, Status& status) noexcept;
/// The status says which classes are regular ones, of which a Data Ingest library can do nothing.
void check_kinds(const bridge::object_schema* classes, std::size_t count, Status& status) noexcept;

} // namespace ffi

/// Sets the primary key. Throws for what Realm refuses and the macros cannot see.
template <typename = on_use>
void complete(bridge::object_schema& described) {
    ffi::call_status status;
    ffi::complete(described, status);
    throw_if_failed(status);
}

/// The description of class T. Throws for what Realm refuses and the description cannot express. Of
/// a regular class it has the name only: such a class may be declared, but not opened.
template <typename T>
bridge::object_schema describe_class() {
    using declared = schema_of<T>;
    static_assert(declared::kind != ObjectType::None,
                  "Must declare schema for T: put REALM_ASYMMETRIC_SCHEMA or REALM_EMBEDDED_SCHEMA "
                  "after the class, in the "
                  "namespace of the class.");
    using type = bridge::object_schema::object_type;
    bridge::object_schema described;
    described.name = declared::name;
    if constexpr (declared::kind == ObjectType::TopLevel) {
        described.type = type::regular;
    } else {
        described.type = declared::kind == ObjectType::Embedded ? type::embedded : type::asymmetric;
        described.properties = describe_properties(typename declared::properties{});
        complete(described);
    }
    return described;
}

using describe_function = bridge::object_schema (*)();

namespace ffi {

/// Remembers a class that a macro declared. One whose header is included in several files comes
/// once from each.
void declare_class(describe_function one) noexcept;
/// All classes that a macro declared anywhere in the program, in the order of their first
/// registration; null behind the last.
[[nodiscard]] describe_function declared_class(std::size_t index) noexcept;

} // namespace ffi

template <typename = on_use>
[[nodiscard]] std::vector<bridge::object_schema> describe_declared() {
    std::vector<bridge::object_schema> described;
    while (const describe_function next = ffi::declared_class(described.size()))
        described.push_back(next());
    return described;
}

struct class_registration {
    explicit class_registration(describe_function one) { ffi::declare_class(one); }
};

/// The classes of `realm::open<Ts...>`; of all declared classes if none is named.
template <typename... Ts>
std::vector<bridge::object_schema> describe_classes() {
    std::vector<bridge::object_schema> classes;
    if constexpr (sizeof...(Ts) == 0)
        classes = describe_declared();
    else
        classes = {describe_class<Ts>()...};
    ffi::call_status status;
    ffi::check_kinds(classes.data(), classes.size(), status);
    throw_if_failed(status);
    return classes;
}

} // namespace realm::internal
