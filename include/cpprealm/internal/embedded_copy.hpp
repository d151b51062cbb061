// Copies of objects together with the embedded objects they point to.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/class_traits.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/encoder.hpp>

namespace realm::internal {

/// Replaces every pointer in `object` by what `make(pointee)` returns; null stays null.
template <typename T, typename Make>
void replace_pointers(T& object, const Make& make) {
    each_property<T>([&](auto property) {
        using P = decltype(property);
        using value = value_t<P>;
        [[maybe_unused]] value& held = object.*P::member;
        if constexpr (has_codec_of<value, object_codec>()) {
            held = held == nullptr ? nullptr : make(*held);
        } else if constexpr (has_codec_of<value, collection_codec>()) {
            if constexpr (has_codec_of<typename codec<value>::element, object_codec>()) {
                if constexpr (std::is_same_v<value, std::vector<typename codec<value>::element>>) {
                    for (auto& each : held)
                        each = each == nullptr ? nullptr : make(*each);
                } else if constexpr (!std::is_same_v<typename value::key_type,
                                                     typename value::value_type>) {
                    for (auto& each : held)
                        each.second = each.second == nullptr ? nullptr : make(*each.second);
                } // a set of embedded objects is refused when the realm is opened
            }
        }
    });
}

/// Copies that belong to a transaction.
struct into_arena {
    arena& to;
    template <typename T>
    T* operator()(const T& from) const {
        T* copy = to.make<T>(from);
        replace_pointers(*copy, *this);
        return copy;
    }
};

/// Copies that belong to the caller, who deletes them.
struct onto_heap {
    template <typename T>
    T* operator()(const T& from) const {
        auto copy = std::make_unique<T>(from);
        replace_pointers(*copy, *this);
        return copy.release();
    }
};

} // namespace realm::internal
