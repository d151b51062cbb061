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
// and `operations`, specialised beside each type of property, has what applications call.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/object_ref.hpp>
#include <cpprealm/internal/transaction.hpp>
#include <cpprealm/rbool.hpp>

namespace realm {

/// An object of a write transaction, or a property of one. Specialised in
/// internal/managed_object.hpp and link.hpp.
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

/// The object that `ref` names.
template <typename T>
[[nodiscard]] T& object_at(const object_ref& ref, bool change) {
    static_assert(kind_of<T>() != ObjectType::None, "Must declare schema for T");
    transaction& in = transaction::of(ref.transaction, schema_of<T>::name);
    if constexpr (kind_of<T>() == ObjectType::Embedded) {
        if (ref.where == 0)
            throw std::runtime_error(std::string("null: there is no embedded object of class '") +
                                     schema_of<T>::name + "' here");
        // Whoever hands out this handle has marked the object around it as changed.
        return *reinterpret_cast<T*>(static_cast<std::uintptr_t>(ref.where));
    } else {
        shadow_of<T>& found = in.shadow_at<T>(ref.where);
        found.changed = found.changed || change;
        return found.object;
    }
}

/// The handle of property P in a `managed<T>`. It shares the storage of all other handles of the
/// object, which is one `object_ref`, so a managed object is no bigger than that.
template <typename P, typename Ref>
class property_handle : public operations<property_handle<P, Ref>, value_t<P>> {
    using base = operations<property_handle<P, Ref>, value_t<P>>;

public:
    using base::operator=;

    property_handle() = default;
    property_handle(const property_handle&) = default;
    /// Takes the other's value, not its place.
    property_handle& operator=(const property_handle& other) {
        *this = other.realm_peek();
        return *this;
    }

    [[nodiscard]] const value_t<P>& realm_peek() const {
        return object_at<owner_t<P>>(ref_, false).*P::member;
    }
    [[nodiscard]] value_t<P>& realm_edit() { return object_at<owner_t<P>>(ref_, true).*P::member; }
    void realm_assign(value_t<P> value) { realm_edit() = std::move(value); }
    [[nodiscard]] std::string realm_name() const {
        return std::string(schema_of<owner_t<P>>::name) + "." + std::string(P::key.text());
    }
    [[nodiscard]] const object_ref& realm_ref() const noexcept { return ref_; }
    [[nodiscard]] const char* realm_class() const noexcept { return schema_of<owner_t<P>>::name; }

private:
    Ref ref_;
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

template <typename Compare, typename L, typename R>
[[nodiscard]] rbool compare(const L& left, const R& right, Compare compare) {
    const auto& a = value_of(left);
    const auto& b = value_of(right);
    using A = std::decay_t<decltype(a)>;
    using B = std::decay_t<decltype(b)>;
    if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>) {
        using common = std::common_type_t<A, B>;
        return static_cast<bool>(compare(static_cast<common>(a), static_cast<common>(b)));
    } else {
        return static_cast<bool>(compare(a, b));
    }
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

/// Reading.
template <typename D, typename M>
struct readable : handle {
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

    template <typename Value>
    D& operator=(const Value&) {
        static_assert(
            always_false<Value>,
            "The primary key of an object cannot be changed: set it before adding the object.");
        return static_cast<D&>(*this);
    }
};

/// Optionals of everything but numbers, which managed_numeric.hpp has.
template <typename D, typename T>
struct operations<D, std::optional<T>,
                  std::enable_if_t<!std::is_arithmetic_v<T> || std::is_same_v<T, bool>>>
    : assignable<D, std::optional<T>> {
    using assignable<D, std::optional<T>>::operator=;
};

} // namespace internal
} // namespace realm
