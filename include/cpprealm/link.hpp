// Managed pointers to embedded objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cpprealm/internal/embedded_copy.hpp>
#include <cpprealm/internal/managed_value.hpp>

namespace realm {
namespace internal {

/// The handle of an embedded object of a transaction; of none if `object` is null.
template <typename E>
[[nodiscard]] object_ref ref_to(const object_ref& owner, E* object) noexcept {
    return {owner.transaction,
            static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(object))};
}

/// A copy of the application's object that the transaction of `owner` owns; null if it is null.
template <typename D, typename E>
[[nodiscard]] E* take(const D& owner, const E* object) {
    transaction& in = transaction::of(owner.realm_ref().transaction, owner.realm_class());
    return object == nullptr ? nullptr : into_arena{in.objects()}(*object);
}

template <typename D, typename E>
struct operations<D, E*> : handle {
    /// Copies the object; the application keeps its own.
    D& operator=(E* object) {
        self().realm_assign(take(self(), object));
        return self();
    }
    D& operator=(std::nullptr_t) {
        self().realm_assign(nullptr);
        return self();
    }
    [[nodiscard]] managed<E*> operator->() {
        return managed<E*>(ref_to(self().realm_ref(), self().realm_edit()));
    }
    [[nodiscard]] explicit operator bool() const { return self().realm_peek() != nullptr; }
    /// A copy made with `new`, which belongs to the caller; null if there is no object.
    [[nodiscard]] E* detach() const {
        const E* object = self().realm_peek();
        return object == nullptr ? nullptr : onto_heap{}(*object);
    }

private:
    [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
};

} // namespace internal

/// An embedded object of a transaction, as lists and maps hand it out: its properties are reached
/// with `.` and with `->`. Belongs to the thread of the transaction and is good until the commit.
template <typename E>
struct managed<E*> : managed<E> {
    explicit managed(const internal::object_ref& ref) noexcept : managed<E>(ref) {}

    [[nodiscard]] managed<E>* operator->() noexcept { return this; }
    [[nodiscard]] const managed<E>* operator->() const noexcept { return this; }
    [[nodiscard]] explicit operator bool() const noexcept {
        return this->realm_internal_ref.where != 0;
    }
    /// A copy made with `new`, which belongs to the caller; null if there is no object.
    [[nodiscard]] E* detach() const {
        return *this
                   ? internal::onto_heap{}(internal::object_at<E>(this->realm_internal_ref, false))
                   : nullptr;
    }
    friend bool operator==(const managed& a, std::nullptr_t) noexcept { return !a; }
    friend bool operator!=(const managed& a, std::nullptr_t) noexcept {
        return static_cast<bool>(a);
    }
};

} // namespace realm
