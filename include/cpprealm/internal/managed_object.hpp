// managed<T>: an object of a write transaction.
#pragma once

#include <array>
#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <cpprealm/accessors.hpp>
#include <cpprealm/internal/object_json.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/internal/transaction.hpp>

namespace realm {

struct db;

namespace internal {

template <typename T>
struct handles_of {
    static_assert(kind_of<T>() != ObjectType::None, "Must declare schema for T");
    using type = typename schema_of<T>::template realm_internal_handles<object_ref>;
};

/// What `managed<T>::schema` tells about the class.
template <typename T>
struct class_facts {
    template <typename... Properties>
    static constexpr auto names_of(property_list<void, Properties...>) noexcept {
        return std::array<std::string_view, sizeof...(Properties)>{Properties::key.text()...};
    }
    template <typename... Properties>
    static constexpr bool has_key(property_list<void, Properties...>) noexcept {
        return (is_primary_key<value_t<Properties>>::value || ...);
    }

    static constexpr std::string_view name = schema_of<T>::name;
    static constexpr auto names = names_of(typename schema_of<T>::properties{});
    static constexpr bool HasPrimaryKeyProperty = has_key(typename schema_of<T>::properties{});
    [[nodiscard]] static constexpr bool is_embedded() noexcept {
        return kind_of<T>() == ObjectType::Embedded;
    }
};

} // namespace internal

/// An object that `db::add` returned, with one member per property, named like it. Reading a member
/// reads the object as it will be sent; assigning changes it. Belongs to the thread of the
/// transaction and is good until the commit; after that every use throws. Copies stand for the same
/// object; nothing happens when one is dropped.
template <typename T, typename>
struct managed : internal::handles_of<T>::type, internal::managed_object {
    /// Asymmetric or embedded.
    static constexpr ObjectType object_type = internal::kind_of<T>();
    /// Name and properties of the class, known when the program is compiled.
    static constexpr internal::class_facts<T> schema{};

    /// Stands for no object until one is assigned.
    managed() noexcept { this->realm_internal_ref = {0, 0}; }
    /// For the library: `db::add` makes them.
    explicit managed(const internal::object_ref& ref) noexcept { this->realm_internal_ref = ref; }
    /// Stands for the same object.
    managed(const managed& other) noexcept : managed(other.realm_internal_ref) {}
    // Not trivial, or compilers warn of a variable that takes what `add` returns and is not used.
    ~managed() {}
    /// Stands for the other object from now on.
    managed& operator=(const managed& other) noexcept {
        this->realm_internal_ref = other.realm_internal_ref;
        return *this;
    }

    /// A copy of the object. Embedded objects in it are made with `new` and belong to the caller.
    [[nodiscard]] T detach() const {
        T copy = internal::object_at<T>(this->realm_internal_ref, false);
        internal::replace_pointers(copy, internal::onto_heap{});
        return copy;
    }
    /// True once the transaction is over.
    [[nodiscard]] bool is_invalidated() const {
        bool elsewhere = false;
        return internal::ffi::find_transaction(this->realm_internal_ref.transaction, elsewhere) ==
               nullptr;
    }
    /// False.
    [[nodiscard]] bool is_frozen() const noexcept { return false; }
    /// Throws `std::logic_error`.
    managed freeze() const {
        internal::refuse<std::logic_error>(
            "Objects for Data Ingest cannot be frozen: they leave the device once uploaded.");
    }
    /// The same object; throws `std::runtime_error` once the transaction is over.
    managed thaw() const {
        if (is_invalidated())
            internal::refuse<std::runtime_error>("Invalid objects cannot be thawed.");
        return *this;
    }
    /// The realm that the object was added to.
    template <typename Db = db>
    [[nodiscard]] Db get_realm() const {
        const internal::object_ref& ref = this->realm_internal_ref;
        void* owner =
            internal::transaction::of<>(ref.transaction, internal::schema_of<T>::name).owner();
        return realm_of_transaction(static_cast<Db*>(nullptr), owner);
    }
    /// Does not compile.
    template <typename Callback>
    void observe(Callback&&) const {
        static_assert(
            internal::always_false<Callback>,
            "Objects for Data Ingest cannot be observed: they leave the device once uploaded.");
    }
    /// JSON with the properties in the order of the macro. For people: dates without fractions,
    /// binary as base64.
    void to_json(std::ostream& to) const {
        internal::write_json_object(to, internal::object_at<T>(this->realm_internal_ref, false));
    }

    friend bool operator==(const managed& a, const managed& b) noexcept { return a.same(b); }
    friend bool operator!=(const managed& a, const managed& b) noexcept { return !a.same(b); }
    friend bool operator<(const managed& a, const managed& b) noexcept {
        const auto& x = a.realm_internal_ref;
        const auto& y = b.realm_internal_ref;
        return x.transaction != y.transaction ? x.transaction < y.transaction : x.where < y.where;
    }

private:
    [[nodiscard]] bool same(const managed& other) const noexcept {
        return this->realm_internal_ref.transaction == other.realm_internal_ref.transaction &&
               this->realm_internal_ref.where == other.realm_internal_ref.where;
    }
};

namespace internal {

/// Stops the compiler where a T cannot be added to a realm.
template <typename T>
void check_addable() {
    constexpr ObjectType kind = kind_of<T>();
    static_assert(kind != ObjectType::None, "Must declare schema for T");
    static_assert(kind != ObjectType::Embedded,
                  "An embedded object cannot be added by itself: set it as a property of the "
                  "object that it belongs to.");
    static_assert(kind != ObjectType::TopLevel, "Objects of a regular class (REALM_SCHEMA) cannot "
                                                "be added: Data Ingest sends objects of classes "
                                                "declared with REALM_ASYMMETRIC_SCHEMA.");
}

} // namespace internal
} // namespace realm
