// Managed pointers to embedded objects.
#pragma once

#include <cstddef>
#include <type_traits>

#include <cpprealm/internal/embedded_copy.hpp>
#include <cpprealm/internal/managed_value.hpp>

namespace realm {

/// Objects that point to this one, in regular classes that a program shares with others. Not a type
/// of property for Data Ingest, whose objects know only what they point to.
template <auto Property>
struct linking_objects {};

namespace internal {

/// A copy of the application's object that the transaction of `owner` owns; null if it is null.
template <typename D, typename E>
[[nodiscard]] E* take(const D& owner, const E* object) {
    transaction& in = transaction::of<>(owner.realm_ref().transaction, owner.realm_class());
    return object == nullptr ? nullptr : into_arena{in.objects()}(*object);
}

/// An embedded object of a transaction, as properties, lists and maps hand it out: its own
/// properties are reached with `.` and with `->`. Belongs to the thread of the transaction and is
/// good until the commit.
template <typename E>
class embedded : public managed<E> {
public:
    embedded(const object_ref& owner, const E* object) noexcept
        : managed<E>(object_ref{owner.transaction, where_of(object)}) {}

    [[nodiscard]] managed<E>* operator->() noexcept { return this; }
    [[nodiscard]] const managed<E>* operator->() const noexcept { return this; }
    [[nodiscard]] managed<E>& operator*() noexcept { return *this; }
    [[nodiscard]] explicit operator bool() const noexcept {
        return this->realm_internal_ref.where != 0;
    }
    /// A copy made with `new`, which belongs to the caller; null if there is no object.
    [[nodiscard]] E* detach() const {
        return *this ? onto_heap{}(object_at<E>(this->realm_internal_ref, false)) : nullptr;
    }
    friend bool operator==(const embedded& a, std::nullptr_t) noexcept { return !a; }
    friend bool operator!=(const embedded& a, std::nullptr_t) noexcept {
        return static_cast<bool>(a);
    }
};

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
    [[nodiscard]] embedded<E> operator->() { return {self().realm_ref(), self().realm_edit()}; }
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

/// A property that points to an embedded object. Unlike other properties it may be copied: the copy
/// stands for the same property and may outlive the managed object.
template <typename E>
struct managed<E*, std::enable_if_t<internal::has_codec<E*>::value>>
    : internal::operations<managed<E*>, E*> {
    using internal::operations<managed<E*>, E*>::operator=;

    /// For the library.
    explicit managed(const internal::property_place& place) noexcept : member_(place) {}
    /// Stands for the same property.
    managed(const managed& other) noexcept
        : member_(other.member_), copied_(other.realm_place()), is_copy_(true) {}
    /// Copies the other's object into this property.
    managed& operator=(const managed& other) { return *this = other.realm_peek(); }

    [[nodiscard]] E* const& realm_peek() const {
        return is_copy_ ? copied_.realm_peek() : member_.realm_peek();
    }
    [[nodiscard]] E*& realm_edit() {
        return is_copy_ ? copied_.realm_edit() : member_.realm_edit();
    }
    void realm_assign(E* object) { realm_edit() = object; }
    [[nodiscard]] std::string realm_name() const { return realm_place().realm_name(); }
    [[nodiscard]] const char* realm_class() const noexcept { return member_.realm_class(); }
    [[nodiscard]] const internal::object_ref& realm_ref() const noexcept {
        return is_copy_ ? copied_.realm_ref() : member_.realm_ref();
    }
    [[nodiscard]] internal::place<E*> realm_place() const noexcept {
        return is_copy_ ? copied_ : member_.realm_place();
    }

private:
    internal::member_handle<E*> member_; // first: it is found by its address
    internal::place<E*> copied_;
    bool is_copy_ = false;
};

} // namespace realm
