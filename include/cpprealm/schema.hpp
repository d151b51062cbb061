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

namespace realm::internal {

inline constexpr std::size_t max_class_name_bytes = 57;
inline constexpr std::size_t max_property_name_bytes = 63;

inline void check_name(std::string_view shown, std::size_t size, std::size_t limit) {
    if (size > limit)
        throw std::invalid_argument("Name too long: " + std::string(shown));
}

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
bridge::object_schema::property describe_property() {
    check_property<P>();
    bridge::object_schema::property described;
    if constexpr (has_codec<value_t<P>>::value) {
        using shape = property_shape<value_t<P>>;
        using pointee = typename pointee_of<typename shape::element>::type;
        described.name = P::key.text();
        check_name(described.name, described.name.size(), max_property_name_bytes);
        described.type = codec<value_t<P>>::type;
        described.optional = shape::optional;
        described.collection = shape::collection;
        if constexpr (!std::is_void_v<pointee>) {
            check_pointee<pointee>();
            described.object = schema_of<pointee>::name;
        }
    }
    return described;
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
        check_name("class_" + described.name, described.name.size(), max_class_name_bytes);
        each_property<T>([&](auto property) {
            using P = decltype(property);
            described.properties.push_back(describe_property<P>());
            const auto& added = described.properties.back();
            for (std::size_t i = 0; i + 1 < described.properties.size(); ++i) {
                if (described.properties[i].name == added.name)
                    throw std::logic_error(
                        "Schema validation failed due to the following errors:\n- Property '" +
                        added.name + "' appears more than once in the schema for type '" +
                        described.name + "'.");
            }
            if constexpr (is_primary_key<value_t<P>>::value) {
                if (!described.primary_key.empty())
                    throw std::logic_error(
                        "Schema validation failed due to the following errors:\n- Properties '" +
                        described.primary_key + "' and '" + added.name +
                        "' are both marked as the primary key of '" + described.name + "'.");
                described.primary_key = added.name;
            }
        });
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
        for (const describe known : all_) {
            if (known == one)
                return;
        }
        all_.push_back(one);
    }
    [[nodiscard]] std::vector<bridge::object_schema> describe_all() {
        std::vector<describe> all;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            all = all_;
        }
        std::vector<bridge::object_schema> described;
        for (const describe one : all)
            described.push_back(one());
        return described;
    }

private:
    std::mutex mutex_;
    std::vector<describe> all_;
};

struct class_registration {
    explicit class_registration(declared_classes::describe one) {
        declared_classes::instance().add(one);
    }
};

/// Refuses regular classes, of which a Data Ingest library can do nothing.
inline void check_kinds(const std::vector<bridge::object_schema>& classes) {
    using type = bridge::object_schema::object_type;
    const bridge::object_schema* regular = nullptr;
    const bridge::object_schema* asymmetric = nullptr;
    for (const auto& one : classes) {
        if (one.type == type::regular && regular == nullptr)
            regular = &one;
        if (one.type == type::asymmetric && asymmetric == nullptr)
            asymmetric = &one;
    }
    if (regular == nullptr)
        return;
    if (asymmetric != nullptr)
        throw std::logic_error(
            "A realm cannot hold both kinds of objects: '" + asymmetric->name +
            "' is asymmetric (REALM_ASYMMETRIC_SCHEMA) and '" + regular->name +
            "' is a regular class (REALM_SCHEMA); name the classes to open in realm::open<...>().");
    throw std::logic_error("Class '" + regular->name +
                           "' is a regular class (REALM_SCHEMA), and Data Ingest opens asymmetric "
                           "and embedded classes only.");
}

/// The classes of `realm::open<Ts...>`; of all declared classes if none is named.
template <typename... Ts>
std::vector<bridge::object_schema> describe_classes() {
    std::vector<bridge::object_schema> classes;
    if constexpr (sizeof...(Ts) == 0)
        classes = declared_classes::instance().describe_all();
    else
        classes = {describe_class<Ts>()...};
    check_kinds(classes);
    return classes;
}

} // namespace realm::internal
