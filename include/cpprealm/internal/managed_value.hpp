// What the handles of properties have in common: how they reach their value, and how they are read
// and compared.
//
// A handle is a class D deriving from `operations<D, M>`, M being the type of the property. It has
//     const M& realm_peek() const    the value; throws once the transaction is over
//     M& realm_edit()                the same, to be changed
//     void realm_assign(M)           takes a whole new value
//     std::string realm_name() const `Class.property`, for error texts
//     const char* realm_class() const `Class`, likewise
//     const object_ref& realm_ref() const the object it belongs to
//     realm_place() const            a handle of the same value that may be copied and kept
// and `operations`, specialised beside each type of property, has what applications call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/object_ref.hpp>
#include <cpprealm/internal/transaction.hpp>
#include <cpprealm/rbool.hpp>

namespace realm {

/// An object of a write transaction, or a property of one. Specialised here for properties, in
/// link.hpp for pointers to embedded objects, and in internal/managed_object.hpp for objects.
template <typename T, typename = void>
struct managed;

/// Where `find` of a list says that there is no such element.
inline constexpr std::size_t not_in_collection = static_cast<std::size_t>(-1);

namespace internal {

template <typename...>
inline constexpr bool always_false = false;

/// Marks handles of properties.
struct handle {};
template <typename T>
inline constexpr bool is_handle_v = std::is_base_of_v<handle, T>;

/// Types without operations are types without a codec, which opening a realm refuses with the list
/// of those that work.
template <typename D, typename M, typename = void>
struct operations : handle {};

/// The address of the object that `ref` names.
template <typename = on_use>
[[nodiscard]] void* address_of_object(const handle_table& of, const object_ref& ref, bool change) {
    transaction& in = transaction::of<>(ref.transaction, of.name);
    if (!of.is_embedded()) {
        shadow& found = in.shadow_at(of, ref.where);
        found.changed = found.changed || change;
        return found.object;
    }
    if (ref.where == 0)
        throw std::runtime_error(std::string("null: there is no embedded object of class '") +
                                 of.name + "' here");
    // Whoever hands out this handle has marked the object around it as changed.
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(ref.where));
}

/// The object that `ref` names.
template <typename T>
[[nodiscard]] T& object_at(const object_ref& ref, bool change) {
    static_assert(kind_of<T>() != ObjectType::None, "Must declare schema for T");
    return *static_cast<T*>(address_of_object(handle_table_of<T>, ref, change));
}

/// Marks managed objects.
struct managed_object {};

/// The `where` of an embedded object's handle.
[[nodiscard]] inline std::uint64_t where_of(const void* embedded) noexcept {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(embedded));
}

/// How a property of a class is reached: all that tells one `managed<M>` from another.
struct property_place {
    const handle_table* of;
    std::string_view name;
    std::size_t index;
    std::size_t offset; // of its handle in the managed object, which begins with the `object_ref`

    template <typename Use = on_use>
    [[nodiscard]] void* in(const object_ref& ref, bool change) const {
        return of->property(address_of_object<Use>(*of, ref, change), index);
    }
};

/// `Ref` is `object_ref`; a parameter, so that macros can name this before the class is declared.
template <typename P, typename Ref>
inline constexpr property_place place_of{
    &handle_table_of<owner_t<P>>, P::key.text(), P::index,
    P::template handle_offset<
        typename schema_of<owner_t<P>>::template realm_internal_handles<Ref>>()};

/// One property of one object. A plain value, for whatever outlives the expression that made it.
template <typename M>
class place : public operations<place<M>, M> {
    using base = operations<place<M>, M>;

public:
    using base::operator=;

    place() noexcept = default;
    place(const object_ref& object, const property_place& of) noexcept
        : object_(object), of_(&of) {}
    place(const place&) noexcept = default;
    place& operator=(const place&) noexcept = default; // stands for another property from now on

    [[nodiscard]] const M& realm_peek() const {
        return *static_cast<const M*>(of_->in(object_, false));
    }
    [[nodiscard]] M& realm_edit() { return *static_cast<M*>(of_->in(object_, true)); }
    void realm_assign(M value) { realm_edit() = std::move(value); }
    [[nodiscard]] std::string realm_name() const {
        return std::string(of_->of->name) + "." + std::string(of_->name);
    }
    [[nodiscard]] const char* realm_class() const noexcept { return of_->of->name; }
    [[nodiscard]] const object_ref& realm_ref() const noexcept { return object_; }
    [[nodiscard]] const place& realm_place() const noexcept { return *this; }

private:
    object_ref object_{};
    const property_place* of_ = nullptr;
};

/// A property as a member of a managed object. It knows how far it is from the beginning of that
/// object, where the reference to the object is, so that it needs none of its own.
template <typename M>
class member_handle {
public:
    explicit member_handle(const property_place& place) noexcept : of_(&place) {}

    [[nodiscard]] const M& realm_peek() const {
        return *static_cast<const M*>(of_->in(realm_ref(), false));
    }
    [[nodiscard]] M& realm_edit() { return *static_cast<M*>(of_->in(realm_ref(), true)); }
    void realm_assign(M value) { realm_edit() = std::move(value); }
    [[nodiscard]] std::string realm_name() const { return realm_place().realm_name(); }
    [[nodiscard]] const char* realm_class() const noexcept { return of_->of->name; }
    [[nodiscard]] const object_ref& realm_ref() const noexcept {
        return *reinterpret_cast<const object_ref*>(reinterpret_cast<const char*>(this) -
                                                    of_->offset);
    }
    [[nodiscard]] place<M> realm_place() const noexcept { return {realm_ref(), *of_}; }

private:
    const property_place* of_;
};

/// The value of a handle; anything else as it is. For comparisons.
template <typename T>
[[nodiscard]] const auto& value_of(const T& one) {
    if constexpr (!is_handle_v<T>)
        return one;
    else if constexpr (is_primary_key<std::decay_t<decltype(one.realm_peek())>>::value)
        return one.realm_peek().value;
    else
        return one.realm_peek();
}

template <typename M, typename Value>
[[nodiscard]] M to_mixed(Value&& value); // in managed_mixed.hpp

template <typename Compare, typename A, typename B>
[[nodiscard]] bool compare_values(const A& a, const B& b, Compare compare) {
    if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>) {
        using common = std::common_type_t<A, B>;
        return compare(static_cast<common>(a), static_cast<common>(b));
    } else if constexpr (std::is_same_v<A, B>) {
        return compare(a, b);
    } else if constexpr (is_mixed_v<A>) {
        return compare(a, to_mixed<A>(b));
    } else if constexpr (is_mixed_v<B>) {
        return compare(to_mixed<B>(a), b);
    } else if constexpr (std::is_base_of_v<managed_object, B>) {
        return compare(where_of(a), b.realm_internal_ref.where);
    } else if constexpr (std::is_base_of_v<managed_object, A>) {
        return compare(a.realm_internal_ref.where, where_of(b));
    } else {
        return compare(a, b);
    }
}
template <typename Compare, typename L, typename R>
[[nodiscard]] rbool compare(const L& left, const R& right, Compare compare) {
    return compare_values(value_of(left), value_of(right), compare);
}

template <typename L, typename R>
using if_handle = std::enable_if_t<is_handle_v<L> || is_handle_v<R>, rbool>;

template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator==(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return a == b; });
}
template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator!=(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return !(a == b); });
}
template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator<(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return a < b; });
}
template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator>(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return a > b; });
}
template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator<=(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return a <= b; });
}
template <typename L, typename R>
[[nodiscard]] if_handle<L, R> operator>=(const L& l, const R& r) {
    return compare(l, r, [](const auto& a, const auto& b) { return a >= b; });
}

/// Comparisons with a std::optional. Its own operators take whatever is not an optional for a
/// value, and so would find that a null property differs from null.
template <typename D, typename M>
struct compares_with_optional {};
template <typename D, typename T>
struct compares_with_optional<D, std::optional<T>> {
    using M = std::optional<T>;
    friend rbool operator==(const D& a, const M& b) { return a.realm_peek() == b; }
    friend rbool operator==(const M& a, const D& b) { return a == b.realm_peek(); }
    friend rbool operator!=(const D& a, const M& b) { return a.realm_peek() != b; }
    friend rbool operator!=(const M& a, const D& b) { return a != b.realm_peek(); }
    friend rbool operator<(const D& a, const M& b) { return a.realm_peek() < b; }
    friend rbool operator<(const M& a, const D& b) { return a < b.realm_peek(); }
    friend rbool operator>(const D& a, const M& b) { return a.realm_peek() > b; }
    friend rbool operator>(const M& a, const D& b) { return a > b.realm_peek(); }
    friend rbool operator<=(const D& a, const M& b) { return a.realm_peek() <= b; }
    friend rbool operator<=(const M& a, const D& b) { return a <= b.realm_peek(); }
    friend rbool operator>=(const D& a, const M& b) { return a.realm_peek() >= b; }
    friend rbool operator>=(const M& a, const D& b) { return a >= b.realm_peek(); }
};

/// Reading.
template <typename D, typename M>
struct readable : handle, compares_with_optional<D, M> {
    [[nodiscard]] M detach() const { return self().realm_peek(); }
    [[nodiscard]] M operator*() const { return detach(); }
    operator M() const { return detach(); } // NOLINT: implicit on purpose

protected:
    [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
};

/// Reading and taking a whole value.
template <typename D, typename M>
struct assignable : readable<D, M> {
    D& operator=(const M& value) {
        this->self().realm_assign(value);
        return this->self();
    }
};

/// A primary key is given with the object and stays.
template <typename D, typename T>
struct operations<D, primary_key<T>> : handle {
    [[nodiscard]] T detach() const { return static_cast<const D&>(*this).realm_peek().value; }
    [[nodiscard]] T operator*() const { return detach(); }
    operator T() const { return detach(); } // NOLINT: implicit on purpose
};

/// Optionals of what changes in place have operations of their own, beside their types.
template <typename T>
inline constexpr bool changes_in_place_v = false;

/// Optionals of all other types; those of numbers and decimals have more, beside their types.
template <typename D, typename T>
struct operations<D, std::optional<T>,
                  std::enable_if_t<(!std::is_arithmetic_v<T> ||
                                    std::is_same_v<T, bool>)&&!std::is_same_v<T, decimal128> &&
                                   !changes_in_place_v<T>>> : assignable<D, std::optional<T>> {
    using assignable<D, std::optional<T>>::operator=;
};

/// What an optional property holds. Using it throws if that is nothing; assigning to it makes a
/// value.
template <typename Place, typename T>
class held_value : public operations<held_value<Place, T>, T> {
    using base = operations<held_value<Place, T>, T>;

public:
    using base::operator=;

    explicit held_value(const Place& optional) : optional_(optional) {}
    held_value(const held_value&) = default;
    held_value& operator=(const held_value& other) { return *this = other.realm_peek(); }
    [[nodiscard]] held_value* operator->() noexcept { return this; }

    [[nodiscard]] const T& realm_peek() const {
        const std::optional<T>& held = optional_.realm_peek();
        if (!held)
            throw std::runtime_error("null: '" + realm_name() + "' holds no value");
        return *held;
    }
    [[nodiscard]] T& realm_edit() {
        static_cast<void>(realm_peek());
        return *optional_.realm_edit();
    }
    void realm_assign(T value) { optional_.realm_assign(std::move(value)); }
    [[nodiscard]] std::string realm_name() const { return optional_.realm_name(); }
    [[nodiscard]] const char* realm_class() const noexcept { return optional_.realm_class(); }
    [[nodiscard]] const object_ref& realm_ref() const noexcept { return optional_.realm_ref(); }
    [[nodiscard]] const held_value& realm_place() const noexcept { return *this; }

private:
    Place optional_;
};

/// For optionals of what changes in place: `*optional` and `optional->` are the value itself, not a
/// copy.
template <typename D, typename T>
struct optional_in_place : assignable<D, std::optional<T>> {
    using assignable<D, std::optional<T>>::operator=;

    [[nodiscard]] auto operator*() const {
        using place = std::decay_t<decltype(this->self().realm_place())>;
        return held_value<place, T>(this->self().realm_place());
    }
    [[nodiscard]] auto operator->() const { return **this; }
};

template <typename T>
inline constexpr bool is_value_property_v =
    has_codec<T>::value && !std::is_pointer_v<T> && !has_codec_of<T, key_codec>();

/// What the property P is in a managed object.
template <typename T>
struct unsupported_property {
    explicit unsupported_property(const property_place&) noexcept {}
};
template <typename T>
using handle_of = std::conditional_t<has_codec<T>::value, managed<T>, unsupported_property<T>>;
template <typename Ref, typename P>
struct member_of {
    using type = handle_of<value_t<P>>;
};

} // namespace internal

/// A property of a managed object, which it must not outlive. Stands for the value in the object:
/// it cannot be copied, and assigning one to another copies the value.
template <typename T>
struct managed<T, std::enable_if_t<internal::is_value_property_v<T>>>
    : internal::operations<managed<T>, T>, internal::member_handle<T> {
    using internal::operations<managed<T>, T>::operator=;

    /// For the library.
    explicit managed(const internal::property_place& place) noexcept
        : internal::member_handle<T>(place) {}
    managed(const managed&) = delete;
    /// Copies the value of the other property.
    managed& operator=(const managed& other) { return *this = other.realm_peek(); }
};

/// The primary key of a managed object.
template <typename T>
struct managed<primary_key<T>> : internal::operations<managed<primary_key<T>>, primary_key<T>>,
                                 internal::member_handle<primary_key<T>> {
    /// For the library.
    explicit managed(const internal::property_place& place) noexcept
        : internal::member_handle<primary_key<T>>(place) {}
    managed(const managed&) = delete;
    managed& operator=(const managed&) = delete;
    template <typename Value> // clang-format off
    managed& operator=(const Value&) = delete; // The primary key of an object cannot be changed: set it before adding the object.
    // clang-format on
};

} // namespace realm
