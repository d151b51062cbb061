// What a transaction does with the objects of a class, as a table of functions: so the transaction
// itself is compiled once for all classes.
#pragma once

#include <cstddef>
#include <utility>

#include <cpprealm/internal/codec.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

/// What adding takes. Calls through it are per object, never per property.
struct class_table {
    const char* name;
    bridge::object_schema (*describe)();
    void (*encode)(encoder& to, const void* object);
};

/// What managed objects take beyond that: apart, so that a file that uses none does not compile it.
struct handle_table {
    const char* name;
    /// The address of the property with this number.
    void* (*property)(void* object, std::size_t index);

    // For asymmetric classes; an embedded object has them null, and its address is where it is.
    const class_table* of;
    /// A new object, which `destroy` takes.
    void* (*read)(const decoder& with, bson_reader from);
    void (*destroy)(void* object);

    [[nodiscard]] constexpr bool is_embedded() const noexcept { return of == nullptr; }
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
    // A std::unique_ptr for each class would cost more than the rest of it.
    struct holder {
        T* object;
        ~holder() { delete object; }
    } made{new T{}};
    read_fields(with, from, *made.object);
    return std::exchange(made.object, nullptr);
}
template <typename T>
void destroy_object(void* object) {
    delete static_cast<T*>(object);
}

template <typename T>
inline constexpr class_table table_of{schema_of<T>::name, &describe_class<T>, &encode_document<T>};

template <typename T>
[[nodiscard]] constexpr handle_table make_handle_table() noexcept {
    if constexpr (kind_of<T>() == ObjectType::Embedded)
        return {schema_of<T>::name, &property_of<T>, nullptr, nullptr, nullptr};
    else
        return {schema_of<T>::name, &property_of<T>, &table_of<T>, &read_document<T>,
                &destroy_object<T>};
}

template <typename T>
inline constexpr handle_table handle_table_of = make_handle_table<T>();

} // namespace realm::internal
