// What a transaction does with the objects of a class, as a table of functions: so the transaction
// itself is compiled once for all classes.
#pragma once

#include <cstddef>
#include <memory>

#include <cpprealm/internal/codec.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

/// Calls through it are per object, never per property.
struct class_table {
    const char* name;
    /// The address of the property with this number.
    void* (*property)(void* object, std::size_t index);

    // For asymmetric classes; an embedded object has them null, and its address is where it is.
    bridge::object_schema (*describe)();
    void (*encode)(encoder& to, const void* object);
    /// A new object, which `destroy` takes.
    void* (*read)(const decoder& with, bson_reader from);
    void (*destroy)(void* object);

    [[nodiscard]] constexpr bool is_embedded() const noexcept { return describe == nullptr; }
};

template <typename T>
void encode_document(encoder& to, const void* object) {
    to.class_name = schema_of<T>::name;
    const std::size_t mark = to.out.begin_document();
    write_fields(to, *static_cast<const T*>(object));
    to.out.end_document(mark);
}

template <typename T>
void* read_document(const decoder& with, bson_reader from) {
    std::unique_ptr<T> made(new T{});
    read_fields(with, from, *made);
    return made.release();
}
template <typename T>
void destroy_object(void* object) {
    delete static_cast<T*>(object);
}

template <typename T>
[[nodiscard]] constexpr class_table make_table() noexcept {
    if constexpr (kind_of<T>() == ObjectType::Embedded)
        return {schema_of<T>::name, &property_of<T>, nullptr, nullptr, nullptr, nullptr};
    else
        return {schema_of<T>::name,  &property_of<T>,   &describe_class<T>,
                &encode_document<T>, &read_document<T>, &destroy_object<T>};
}

template <typename T>
inline constexpr class_table table_of = make_table<T>();

} // namespace realm::internal
