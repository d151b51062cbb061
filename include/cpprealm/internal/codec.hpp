// How each type of property is written to BSON, read back, and named in a schema.
//
// codec<T> has `write(encoder, key, value)`, `read(decoder, element)`, `type` (the name in the
// schema) and, by deriving from one of the tags below, what T may be used for. A type without a
// codec is refused with the list of those that have one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cpprealm/internal/class_traits.hpp>
#include <cpprealm/internal/encoder.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/internal/utf8.hpp>
#include <cpprealm/managed_primary_key.hpp>
#include <cpprealm/types.hpp>

namespace realm::internal {

struct scalar_codec {};     // alone, optional, and in collections
struct mixed_codec {};      // alone and in collections; null without std::optional
struct object_codec {};     // a pointer to an embedded object; alone, in lists and maps
struct optional_codec {};   // alone and in collections
struct collection_codec {}; // alone
struct key_codec {};        // alone

template <typename T>
struct is_primary_key : std::false_type {};
template <typename T>
struct is_primary_key<primary_key<T>> : std::true_type {};

template <typename T, typename = void>
struct codec; // no definition: not a type of property

template <typename T, typename = void>
struct has_codec : std::false_type {};
template <typename T>
struct has_codec<T, std::void_t<decltype(sizeof(codec<T>))>> : std::true_type {};

template <typename T, typename Tag>
[[nodiscard]] constexpr bool has_codec_of() noexcept {
    if constexpr (has_codec<T>::value)
        return std::is_base_of_v<Tag, codec<T>>;
    else
        return false;
}

template <typename T>
inline constexpr bool
    is_element_v = has_codec_of<T, scalar_codec>() || has_codec_of<T, mixed_codec>() ||
                   has_codec_of<T, object_codec>() || has_codec_of<T, optional_codec>();

inline constexpr std::size_t max_string_bytes = 16777199; // what Realm keeps in one value
inline constexpr std::size_t max_binary_bytes = 16777200;

template <>
struct codec<bool> : scalar_codec {
    static constexpr const char* type = "bool";
    template <typename Key>
    static void write(encoder& to, const Key& key, bool value) {
        to.out.append_bool(key, value);
    }
    static bool read(const decoder&, const bson_element& from) { return from.as_bool(); }
};

// MongoDB has no unsigned numbers, and `char` is text rather than a number.
template <typename T>
inline constexpr bool is_number_v =
    std::is_integral_v<T>&& std::is_signed_v<T> && !std::is_same_v<T, char> &&
    !std::is_same_v<T, wchar_t> && sizeof(T) <= sizeof(std::int64_t);

template <typename T>
struct codec<T, std::enable_if_t<is_number_v<T> || std::is_enum_v<T>>> : scalar_codec {
    static constexpr const char* type = "int";
    template <typename Key>
    static void write(encoder& to, const Key& key, T value) {
        to.out.append_int64(key, static_cast<std::int64_t>(value));
    }
    static T read(const decoder&, const bson_element& from) {
        return static_cast<T>(from.as_int64());
    }
};

template <typename T>
struct codec<T, std::enable_if_t<std::is_same_v<T, double> || std::is_same_v<T, float>>>
    : scalar_codec {
    static constexpr const char* type = std::is_same_v<T, float> ? "float" : "double";
    template <typename Key>
    static void write(encoder& to, const Key& key, T value) {
        to.out.append_double(key, static_cast<double>(value));
    }
    static T read(const decoder&, const bson_element& from) {
        return static_cast<T>(from.as_double());
    }
};

template <>
struct codec<std::string> : scalar_codec {
    static constexpr const char* type = "string";
    template <typename Key>
    static void write(encoder& to, const Key& key, const std::string& value) {
        if (value.size() > max_string_bytes)
            internal::refuse<std::logic_error>("String too big");
        if (!is_utf8(value))
            to.refuse_text(key.text());
        to.out.append_string(key, value);
    }
    static std::string read(const decoder&, const bson_element& from) {
        return std::string(from.as_string());
    }
};

template <>
struct codec<std::vector<std::uint8_t>> : scalar_codec {
    static constexpr const char* type = "data";
    template <typename Key>
    static void write(encoder& to, const Key& key, const std::vector<std::uint8_t>& value) {
        if (value.size() > max_binary_bytes)
            internal::refuse<std::logic_error>("Binary too big");
        to.out.append_binary(key, value.data(), value.size());
    }
    static std::vector<std::uint8_t> read(const decoder&, const bson_element& from) {
        return from.as_binary();
    }
};

template <typename Duration>
struct codec<std::chrono::time_point<std::chrono::system_clock, Duration>> : scalar_codec {
    using value_type = std::chrono::time_point<std::chrono::system_clock, Duration>;
    using millis = std::chrono::duration<std::int64_t, std::milli>;

    static constexpr const char* type = "date";
    template <typename Key>
    static void write(encoder& to, const Key& key, const value_type& value) {
        if (!fits_millis(value.time_since_epoch()))
            to.refuse_date(key.text());
        const std::int64_t at = to_millis(value);
        to.out.append_datetime(key, at);
        if constexpr (is_finer) {
            const auto rest =
                value.time_since_epoch() - std::chrono::duration_cast<Duration>(millis(at));
            if (rest.count() != 0 && to.rests != nullptr)
                to.rests->push_back({to.out.out().size(), static_cast<std::int64_t>(rest.count())});
        }
    }
    static value_type read(const decoder& with, const bson_element& from) {
        auto at = std::chrono::duration_cast<Duration>(millis(from.as_millis()));
        if constexpr (is_finer)
            at += Duration(static_cast<typename Duration::rep>(with.rest_of(from)));
        return value_type(at);
    }

private:
    static constexpr bool is_finer = std::ratio_less_v<typename Duration::period, std::milli>;
};

template <>
struct codec<uuid> : scalar_codec {
    static constexpr const char* type = "uuid";
    template <typename Key>
    static void write(encoder& to, const Key& key, const uuid& value) {
        to.out.append_uuid(key, value);
    }
    static uuid read(const decoder&, const bson_element& from) { return from.as_uuid(); }
};

template <>
struct codec<object_id> : scalar_codec {
    static constexpr const char* type = "objectId";
    template <typename Key>
    static void write(encoder& to, const Key& key, const object_id& value) {
        to.out.append_object_id(key, value);
    }
    static object_id read(const decoder&, const bson_element& from) { return from.as_object_id(); }
};

template <>
struct codec<decimal128> : scalar_codec {
    static constexpr const char* type = "decimal128";
    template <typename Key>
    static void write(encoder& to, const Key& key, const decimal128& value) {
        to.out.append_decimal128(key, value);
    }
    static decimal128 read(const decoder&, const bson_element& from) {
        return from.as_decimal128();
    }
};

template <typename T>
struct codec<T, std::enable_if_t<is_mixed_v<T>>> : mixed_codec {
    static constexpr const char* type = "mixed";
    template <typename Key>
    static void write(encoder& to, const Key& key, const T& value) {
        std::visit(
            [&](const auto& held) {
                using Held = std::decay_t<decltype(held)>;
                if constexpr (std::is_same_v<Held, std::monostate>) {
                    to.out.append_null(key);
                } else {
                    static_assert(has_codec_of<Held, scalar_codec>(),
                                  "A variant used as realm::mixed may hold further types only if "
                                  "they are types of properties.");
                    codec<Held>::write(to, key, held);
                }
            },
            value);
    }
    static T read(const decoder& with, const bson_element& from) {
        using date = std::chrono::time_point<std::chrono::system_clock>;
        switch (from.type) {
        case bson_type::int64:
            return from.as_int64();
        case bson_type::boolean:
            return T(std::in_place_type<bool>, from.as_bool());
        case bson_type::string:
            return T(std::in_place_type<std::string>, from.as_string());
        case bson_type::float64:
            return T(std::in_place_type<double>, from.as_double());
        case bson_type::binary:
            if (from.is_uuid())
                return from.as_uuid();
            return from.as_binary();
        case bson_type::datetime:
            return codec<date>::read(with, from);
        case bson_type::object_id:
            return from.as_object_id();
        case bson_type::decimal128:
            return from.as_decimal128();
        default:
            return std::monostate();
        }
    }
};

template <typename T>
struct codec<std::optional<T>, std::enable_if_t<has_codec_of<T, scalar_codec>()>> : optional_codec {
    static constexpr const char* type = codec<T>::type;
    template <typename Key>
    static void write(encoder& to, const Key& key, const std::optional<T>& value) {
        if (value)
            codec<T>::write(to, key, *value);
        else
            to.out.append_null(key);
    }
    static std::optional<T> read(const decoder& with, const bson_element& from) {
        if (from.is_null())
            return std::nullopt;
        return codec<T>::read(with, from);
    }
};

template <typename T>
struct codec<primary_key<T>> : key_codec {
    static constexpr const char* type = codec<T>::type;
    template <typename Key>
    static void write(encoder& to, const Key& key, const primary_key<T>& value) {
        codec<T>::write(to, key, value.value);
    }
    static primary_key<T> read(const decoder& with, const bson_element& from) {
        return codec<T>::read(with, from);
    }
};

template <typename T>
void write_fields(encoder& to, const T& object);
template <typename T>
void read_fields(const decoder& with, bson_reader from, T& object);

/// Stops the compiler where T cannot be what a property points to.
template <typename T>
constexpr void check_pointee() {
    constexpr ObjectType kind = kind_of<T>();
    static_assert(kind != ObjectType::None,
                  "Must declare schema for T: the class that a property points to needs "
                  "REALM_EMBEDDED_SCHEMA, in the namespace of the class.");
    static_assert(
        kind != ObjectType::TopLevel,
        "A link to a top-level object cannot be sent by Data Ingest: embed the object instead "
        "(REALM_EMBEDDED_SCHEMA), or keep the other object's _id.");
}

template <typename T>
struct codec<T*, std::enable_if_t<std::is_class_v<T> && !std::is_const_v<T>>> : object_codec {
    using pointee = T;
    static constexpr const char* type = "object";

    /// A null pointer leaves no trace.
    template <typename Key>
    static void write(encoder& to, const Key& key, const T* value) {
        check_pointee<T>();
        if (value == nullptr)
            return;
        const nesting here(to, key.text(), nesting::kind::object);
        const std::size_t mark = to.out.begin_document(key);
        write_fields(to, *value);
        to.out.end_document(mark);
    }
    static T* read(const decoder& with, const bson_element& from) {
        if (from.is_null())
            return nullptr;
        T* object = with.objects().template make<T>();
        read_fields(with, from.nested(), *object);
        return object;
    }
};

/// What Realm asks of the keys of a map.
inline void check_map_key(std::string_view key) {
    if (!key.empty() && key.front() == '$')
        internal::refuse<std::invalid_argument>("Dictionary::insert: key must not start with '$'");
    if (key.find('.') != std::string_view::npos)
        internal::refuse<std::invalid_argument>("Dictionary::insert: key must not contain '.'");
    if (key.find('\0') != std::string_view::npos)
        internal::refuse<std::invalid_argument>(
            "Dictionary::insert: key must not contain a NUL character");
}

/// Lists and sets.
template <typename Collection>
struct array_codec : collection_codec {
    using element = typename Collection::value_type;
    static constexpr const char* type = codec<element>::type;

    template <typename Key>
    static void write(encoder& to, const Key& key, const Collection& values) {
        const nesting here(to, key.text(), nesting::kind::list);
        const std::size_t mark = to.out.begin_array(key);
        index_key index;
        for (const auto& value : values) {
            if constexpr (has_codec_of<element, object_codec>()) {
                if (value == nullptr)
                    continue;
            }
            codec<element>::write(to, index, value);
            ++index;
        }
        to.out.end_array(mark);
    }
    static Collection read(const decoder& with, const bson_element& from) {
        Collection values;
        bson_reader array = from.nested();
        for (bson_element each; array.next(each);)
            values.insert(values.end(), codec<element>::read(with, each));
        return values;
    }
};

template <typename T>
struct codec<std::vector<T>, std::enable_if_t<is_element_v<T>>> : array_codec<std::vector<T>> {};
template <typename T, typename Less>
struct codec<std::set<T, Less>, std::enable_if_t<is_element_v<T>>>
    : array_codec<std::set<T, Less>> {};

template <typename T, typename Less>
struct codec<std::map<std::string, T, Less>, std::enable_if_t<is_element_v<T>>> : collection_codec {
    using element = T;
    using map_type = std::map<std::string, T, Less>;
    static constexpr const char* type = codec<T>::type;

    template <typename Key>
    static void write(encoder& to, const Key& key, const map_type& values) {
        const nesting here(to, key.text(), nesting::kind::map);
        const std::size_t mark = to.out.begin_document(key);
        for (const auto& [name, value] : values) {
            check_map_key(name);
            if (!is_utf8(name))
                to.refuse_key();
            if constexpr (has_codec_of<T, object_codec>()) {
                if (value == nullptr) {
                    to.out.append_null(key_view(name));
                    continue;
                }
            }
            codec<T>::write(to, key_view(name), value);
        }
        to.out.end_document(mark);
    }
    static map_type read(const decoder& with, const bson_element& from) {
        map_type values;
        bson_reader document = from.nested();
        for (bson_element each; document.next(each);)
            values.emplace_hint(values.end(), each.key, codec<T>::read(with, each));
        return values;
    }
};

/// Stops the compiler at a property whose type cannot be stored.
template <typename P>
constexpr void check_property() {
    using value = value_t<P>;
    static_assert(std::is_member_object_pointer_v<std::remove_const_t<decltype(P::member)>>,
                  "A property must be a non-static data member.");
    static_assert(!std::is_const_v<value>, "A property must not be const.");
    constexpr bool is_unsigned = std::is_unsigned_v<value> && !std::is_same_v<value, bool>;
    static_assert(!is_unsigned,
                  "Unsigned numbers are not supported, since MongoDB has none: use int64_t.");
    static_assert(has_codec<value>::value || is_unsigned || std::is_const_v<value>,
                  "This type of property is not supported. Supported are bool, signed integers, "
                  "float, double, enums, std::string, std::vector<uint8_t>, "
                  "std::chrono::time_point<std::chrono::system_clock>, realm::uuid, "
                  "realm::object_id, realm::decimal128, std::optional of these, realm::mixed, "
                  "pointers to embedded objects, and std::vector<T>, std::set<T> and "
                  "std::map<std::string, T> of all of these.");
}

template <typename T>
inline void write_fields(encoder& to, const T& object) {
    each_property<T>([&](auto property) {
        using P = decltype(property);
        codec<value_t<P>>::write(to, P::key, object.*P::member);
    });
}

/// How a property is read. Reading is rare, so that it goes through tables: less code to compile
/// for each class.
struct field_reader {
    std::string_view key;
    void (*read)(const decoder& with, const bson_element* from, void* to); // null: absent
};

template <typename T>
void read_value(const decoder& with, const bson_element* from, void* to) {
    T& value = *static_cast<T*>(to);
    if (from == nullptr)
        value = T(); // a null pointer, whatever the class starts with
    else
        value = codec<T>::read(with, *from);
}

template <typename T, typename... Properties>
[[nodiscard]] void* find_property(property_list<void, Properties...>, T* object,
                                  std::size_t index) noexcept {
    const void* found = nullptr;
    static_cast<void>(
        ((index == Properties::index && (found = &(object->*Properties::member), true)) || ...));
    return const_cast<void*>(found);
}
/// The address of a property by its number.
template <typename T>
[[nodiscard]] void* property_of(void* object, std::size_t index) noexcept {
    return find_property(typename schema_of<T>::properties{}, static_cast<T*>(object), index);
}

template <typename = on_use>
void read_all(const decoder& with, bson_reader from, void* object, const field_reader* fields,
              std::size_t count, void* (*property)(void*, std::size_t)) {
    bson_element next;
    bool more = from.next(next);
    for (std::size_t i = 0; i < count; ++i) {
        const bool here = more && next.key == fields[i].key;
        fields[i].read(with, here ? &next : nullptr, property(object, i));
        more = here ? from.next(next) : more;
    }
}

template <typename... Properties>
[[nodiscard]] const field_reader* readers_of(property_list<void, Properties...>) noexcept {
    static constexpr field_reader fields[] = {
        {Properties::key.text(), &read_value<value_t<Properties>>}...};
    return fields;
}
template <typename... Properties>
[[nodiscard]] constexpr std::size_t count_of(property_list<void, Properties...>) noexcept {
    return sizeof...(Properties);
}

/// Reads what `write_fields` wrote: the same properties in the same order, some of them absent.
template <typename T>
inline void read_fields(const decoder& with, bson_reader from, T& object) {
    constexpr typename schema_of<T>::properties all{};
    read_all(with, from, &object, readers_of(all), count_of(all), &property_of<T>);
}

} // namespace realm::internal
