// From the schema macros to the descriptions that open a database: classes, properties, the list of
// all that are declared.
#pragma once

#include <cstddef>
#include <mutex>
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
    auto status = no_status();
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

/// All classes that a macro declared anywhere in the program, in the order of their first
/// registration.
class declared_classes {
public:
    using describe = bridge::object_schema (*)();

    static declared_classes& instance() {
        // Never destroyed: threads may still open databases while the program's statics go away.
        static auto* all = new declared_classes();
        return *all;
    }
    /// A class whose header is included in several files comes once from each.
    void add(describe one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        link** end = &first_;
        for (; *end != nullptr; end = &(*end)->next) {
            if ((*end)->class_of == one)
                return;
        }
        *end = new link{one, nullptr};
    }
    template <typename = on_use>
    [[nodiscard]] std::vector<bridge::object_schema> describe_all() {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::vector<bridge::object_schema> described;
        for (const link* one = first_; one != nullptr; one = one->next)
            described.push_back(one->class_of());
        return described;
    }

private:
    // A list of its own: each file with a macro would have to compile another one's `push_back`.
    struct link {
        describe class_of;
        link* next;
    };

    std::mutex mutex_;
    link* first_ = nullptr;
};

struct class_registration {
    explicit class_registration(declared_classes::describe one) {
        declared_classes::instance().add(one);
    }
};

/// The classes of `realm::open<Ts...>`; of all declared classes if none is named.
template <typename... Ts>
std::vector<bridge::object_schema> describe_classes() {
    std::vector<bridge::object_schema> classes;
    if constexpr (sizeof...(Ts) == 0)
        classes = declared_classes::instance().describe_all();
    else
        classes = {describe_class<Ts>()...};
    auto status = no_status();
    ffi::check_kinds(classes.data(), classes.size(), status);
    throw_if_failed(status);
    return classes;
}

} // namespace realm::internal
