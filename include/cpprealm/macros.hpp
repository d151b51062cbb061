// The schema macros. One stands after the class it describes, in any namespace, and names 1 to 199
// data members:
//
//     struct Reading { realm::primary_key<realm::object_id> _id; double temperature; };
//     REALM_ASYMMETRIC_SCHEMA(Reading, _id, temperature)
//
// A semicolon after it is allowed. The class stays as it is; what the macro adds are a struct with
// one member per property (its key as BSON bytes, its member pointer and its number), a function by
// which templates find that struct, and an entry in the list of all classes.
#pragma once

#include <cstddef>

#include <cpprealm/internal/foreach.hpp>
#include <cpprealm/internal/managed_object.hpp>
#include <cpprealm/schema.hpp>

// Names made here must not meet those of properties: the structs are named after
// "realm_property_of", and the handles, which do bear the names of the properties, have a scope of
// their own.
#define REALM_INTERNAL_PROPERTY(cls, name_)                                                        \
    struct realm_property_of##name_ {                                                              \
        using owner = cls;                                                                         \
        static constexpr ::realm::internal::fixed_key key = #name_;                                \
        static constexpr auto member = &cls::name_;                                                \
        static constexpr std::size_t index = realm_index_of##name_;                                \
        template <typename Handles>                                                                \
        static constexpr std::size_t handle_offset() noexcept {                                    \
            return offsetof(Handles, name_);                                                       \
        }                                                                                          \
    };
#define REALM_INTERNAL_PROPERTY_INDEX(cls, name_) realm_index_of##name_,
#define REALM_INTERNAL_PROPERTY_NAME(cls, name_) , realm_property_of##name_
#define REALM_INTERNAL_PROPERTY_HANDLE(cls, name_)                                                 \
    typename ::realm::internal::member_of<RealmInternalRef, realm_property_of##name_>::type name_{ \
        ::realm::internal::place_of<realm_property_of##name_, RealmInternalRef>};

#define REALM_INTERNAL_SCHEMA(object_type, cls, ...)                                               \
    struct meta_schema_##cls {                                                                     \
        using type = cls;                                                                          \
        static constexpr ::realm::ObjectType kind = ::realm::ObjectType::object_type;              \
        static constexpr const char* name = #cls;                                                  \
        enum realm_internal_index : std::size_t {                                                  \
            REALM_INTERNAL_EACH(REALM_INTERNAL_PROPERTY_INDEX, cls, __VA_ARGS__)                   \
        };                                                                                         \
        REALM_INTERNAL_EACH(REALM_INTERNAL_PROPERTY, cls, __VA_ARGS__)                             \
        using properties = ::realm::internal::property_list<void REALM_INTERNAL_EACH(              \
            REALM_INTERNAL_PROPERTY_NAME, cls, __VA_ARGS__)>;                                      \
        template <typename RealmInternalRef>                                                       \
        struct realm_internal_handles {                                                            \
            RealmInternalRef realm_internal_ref;                                                   \
            REALM_INTERNAL_EACH(REALM_INTERNAL_PROPERTY_HANDLE, cls, __VA_ARGS__)                  \
        };                                                                                         \
    };                                                                                             \
    [[maybe_unused]] constexpr meta_schema_##cls realm_schema_of(::realm::schema_lookup,           \
                                                                 const cls*) noexcept {            \
        return {};                                                                                 \
    }                                                                                              \
    static_assert(::realm::internal::kind_of<cls>() == ::realm::ObjectType::object_type,           \
                  "A schema macro stands in the namespace of its class, or in namespace realm.");  \
    inline const ::realm::internal::class_registration meta_schema_registration_##cls {            \
        &::realm::internal::describe_class<cls>                                                    \
    }

/// An object for Data Ingest: written on the device, sent, and gone from the device once it is
/// ingested.
#define REALM_ASYMMETRIC_SCHEMA(cls, ...) REALM_INTERNAL_SCHEMA(Asymmetric, cls, __VA_ARGS__);
/// An object that lives inside of another one and has no primary key.
#define REALM_EMBEDDED_SCHEMA(cls, ...) REALM_INTERNAL_SCHEMA(Embedded, cls, __VA_ARGS__);
/// A regular object. It may be declared, so that code shared with other programs compiles, but not
/// opened or added.
#define REALM_SCHEMA(cls, ...) REALM_INTERNAL_SCHEMA(TopLevel, cls, __VA_ARGS__);
