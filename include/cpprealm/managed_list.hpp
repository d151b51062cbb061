// Managed lists.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cpprealm/internal/managed_value.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/link.hpp>

namespace realm::internal {

/// Walks a list by index and hands out elements by value, so that changing the list meanwhile is
/// harmless.
template <typename M>
class list_iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = decltype(std::declval<place<M>&>()[0]);
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    list_iterator() = default;
    list_iterator(const place<M>& list, std::size_t index) : list_(list), index_(index) {}
    [[nodiscard]] value_type operator*() const { return list_[index_]; }
    list_iterator& operator++() {
        ++index_;
        return *this;
    }
    list_iterator operator++(int) {
        list_iterator before = *this;
        ++index_;
        return before;
    }
    friend bool operator==(const list_iterator& a, const list_iterator& b) {
        return a.index_ == b.index_;
    }
    friend bool operator!=(const list_iterator& a, const list_iterator& b) {
        return a.index_ != b.index_;
    }

private:
    place<M> list_;
    std::size_t index_ = 0;
};

/// What lists of values and lists of embedded objects have in common.
template <typename D, typename T>
struct list_operations : handle {
    using value_type = T;
    using size_type = std::size_t;
    using iterator = list_iterator<std::vector<T>>;
    using const_iterator = iterator;

    [[nodiscard]] std::size_t size() const { return peek().size(); }
    [[nodiscard]] bool empty() const { return peek().empty(); }
    void pop_back() {
        check("remove", peek().empty() ? 0 : peek().size() - 1);
        edit().pop_back();
    }
    void erase(std::size_t index) {
        check("remove", index);
        edit().erase(edit().begin() + static_cast<std::ptrdiff_t>(index));
    }
    void clear() { edit().clear(); }
    [[nodiscard]] iterator begin() const { return {self().realm_place(), 0}; }
    [[nodiscard]] iterator end() const { return {self().realm_place(), size()}; }
    template <typename Callback>
    void observe(Callback&&) {
        static_assert(
            always_false<Callback>,
            "Objects for Data Ingest cannot be observed: they leave the device once uploaded.");
    }

protected:
    [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
    [[nodiscard]] const std::vector<T>& peek() const { return self().realm_peek(); }
    [[nodiscard]] std::vector<T>& edit() { return self().realm_edit(); }
    void check(const char* call, std::size_t index) const {
        const std::size_t n = peek().size();
        if (index < n)
            return;
        throw std::out_of_range(
            "Requested index " + std::to_string(index) + " calling " + call + "() on list '" +
            self().realm_name() + "' when " +
            (n == 0 ? std::string("empty") : "max is " + std::to_string(n - 1)));
    }
};

template <typename D, typename T>
struct operations<D, std::vector<T>,
                  std::enable_if_t<!std::is_pointer_v<T> && !std::is_same_v<T, std::uint8_t>>>
    : list_operations<D, T> {
    D& operator=(const std::vector<T>& values) {
        this->self().realm_assign(values);
        return this->self();
    }
    void push_back(const T& value) { this->edit().push_back(value); }
    void set(std::size_t index, const T& value) {
        this->check("set", index);
        this->edit()[index] = value;
    }
    [[nodiscard]] T operator[](std::size_t index) const {
        this->check("get", index);
        return this->peek()[index];
    }
    /// The index of the first such element, or `realm::not_in_collection`.
    [[nodiscard]] std::size_t find(const T& value) const {
        const auto& all = this->peek();
        const auto found = std::find(all.begin(), all.end(), value);
        return found == all.end() ? not_in_collection
                                  : static_cast<std::size_t>(found - all.begin());
    }
    [[nodiscard]] std::vector<T> detach() const { return this->peek(); }
    operator std::vector<T>() const { return detach(); } // NOLINT: implicit on purpose
    /// A sorted copy; the list keeps its order.
    [[nodiscard]] std::vector<T> sort(bool ascending = true) const {
        std::vector<T> sorted = this->peek();
        if (ascending)
            std::stable_sort(sorted.begin(), sorted.end());
        else
            std::stable_sort(sorted.begin(), sorted.end(),
                             [](const T& a, const T& b) { return b < a; });
        return sorted;
    }
    /// A copy of the list as it is now.
    [[nodiscard]] std::vector<T> as_results() const { return detach(); }
};

template <typename D, typename E>
struct operations<D, std::vector<E*>> : list_operations<D, E*> {
    /// Copies the objects, as `push_back` does.
    D& operator=(const std::vector<E*>& objects) {
        std::vector<E*> taken;
        for (const E* each : objects) {
            if (each != nullptr)
                taken.push_back(take(this->self(), each));
        }
        this->self().realm_assign(std::move(taken));
        return this->self();
    }
    /// Copies the object; the application keeps its own. Null adds nothing.
    void push_back(E* object) {
        if (E* taken = take(this->self(), object))
            this->edit().push_back(taken);
    }
    void push_back(const managed<E>&) {
        internal::refuse<std::logic_error>("Cannot add existing embedded object to managed list.");
    }
    void set(std::size_t index, E* object) {
        this->check("set", index);
        this->edit()[index] = take(this->self(), object);
    }
    [[nodiscard]] embedded<E> operator[](std::size_t index) const {
        this->check("get", index);
        auto self = this->self().realm_place(); // edited: the object may be changed by its handle
        return {self.realm_ref(), self.realm_edit()[index]};
    }
    /// The index of this very object, or `realm::not_in_collection`.
    [[nodiscard]] std::size_t find(const managed<E>& object) const {
        const auto& all = this->peek();
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (where_of(all[i]) == object.realm_internal_ref.where)
                return i;
        }
        return not_in_collection;
    }
    /// Copies made with `new`, which belong to the caller.
    [[nodiscard]] std::vector<E*> detach() const {
        std::vector<E*> copies = this->peek();
        for (E*& each : copies)
            each = each == nullptr ? nullptr : onto_heap{}(*each);
        return copies;
    }
};

} // namespace realm::internal
