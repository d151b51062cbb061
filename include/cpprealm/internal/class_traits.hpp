// What a schema macro leaves behind for a class, and how the rest of the headers finds it.
//
// A macro works in any namespace, so it cannot specialise a template of `realm`. It declares a
// function next to the class instead, which a call finds by the type of its argument. The extra
// argument of a type from `realm` lets it also be found when the macro stands inside `namespace
// realm` and the class elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/bson_writer.hpp>

namespace realm {

/// The kinds of classes. `None` is a class without a schema macro.
enum class ObjectType { None, TopLevel, Embedded, Asymmetric };

/// Marks the call that looks a schema up.
struct schema_lookup {};

namespace internal {

struct no_schema {
    using type = void;
    static constexpr ObjectType kind = ObjectType::None;
};
no_schema realm_schema_of(...);

// A class derived from a declared one converts to it, and so finds a schema that is not its own.
template <typename T>
struct own_schema {
    using found = decltype(realm_schema_of(schema_lookup{}, static_cast<const T*>(nullptr)));
    using type = std::conditional_t<std::is_same_v<typename found::type, T>, found, no_schema>;
};

/// The struct that the macro made of class T, or `no_schema`. Asked for only inside of functions,
/// whose bodies see the whole file: the answer for a class whose macro comes further down would
/// otherwise be wrong for good.
template <typename T>
using schema_of = typename own_schema<T>::type;

template <typename T>
[[nodiscard]] constexpr ObjectType kind_of() noexcept {
    return schema_of<T>::kind;
}

/// The properties of a class in the order of the macro, each a struct with `key` and `member`. The
/// first is `void`, since a macro can put a comma before every name, but not between names.
template <typename... Properties>
struct property_list {};

template <typename P>
using owner_t = typename P::owner;
template <typename P>
using value_t = std::remove_reference_t<decltype(std::declval<owner_t<P>&>().*P::member)>;

template <typename Visit, typename... Properties>
inline void each_property(property_list<void, Properties...>, Visit&& visit) {
    (visit(Properties{}), ...);
}

/// Calls `visit(property)` for each property of T.
template <typename T, typename Visit>
inline void each_property(Visit&& visit) {
    each_property(typename schema_of<T>::properties{}, std::forward<Visit>(visit));
}

} // namespace internal
} // namespace realm
