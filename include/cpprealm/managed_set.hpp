// Managed sets.
#pragma once

#include <cstddef>
#include <iterator>
#include <set>
#include <utility>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

/// A place in a managed set, good until its element is erased. Throws once the transaction is over.
template <typename Set>
class set_iterator {
    using base_iterator = typename Set::const_iterator;

public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = typename Set::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;

    set_iterator() = default;
    set_iterator(const place<Set>& set, base_iterator at) : set_(set), at_(at) {}
    [[nodiscard]] value_type operator*() const { return *checked(); }
    [[nodiscard]] pointer operator->() const { return &*checked(); }
    set_iterator& operator++() {
        at_ = std::next(checked());
        return *this;
    }
    set_iterator operator++(int) {
        set_iterator before = *this;
        ++*this;
        return before;
    }
    set_iterator& operator--() {
        at_ = std::prev(checked());
        return *this;
    }
    set_iterator operator--(int) {
        set_iterator before = *this;
        --*this;
        return before;
    }
    [[nodiscard]] base_iterator base() const { return checked(); }
    friend bool operator==(const set_iterator& a, const set_iterator& b) { return a.at_ == b.at_; }
    friend bool operator!=(const set_iterator& a, const set_iterator& b) { return a.at_ != b.at_; }

private:
    [[nodiscard]] base_iterator checked() const {
        static_cast<void>(set_.realm_peek());
        return at_;
    }

    place<Set> set_;
    base_iterator at_{};
};

template <typename D, typename T, typename Less>
struct operations<D, std::set<T, Less>> : handle {
    using value_type = T;
    using size_type = std::size_t;
    using iterator = set_iterator<std::set<T, Less>>;
    using const_iterator = iterator;

    D& operator=(const std::set<T, Less>& values) {
        self().realm_assign(values);
        return self();
    }
    std::pair<iterator, bool> insert(const T& value) {
        const auto done = edit().insert(value);
        return {at(done.first), done.second};
    }
    /// For `std::inserter`.
    iterator insert(const iterator& hint, const T& value) {
        return at(edit().insert(hint.base(), value));
    }
    [[nodiscard]] iterator find(const T& value) const { return at(peek().find(value)); }
    [[nodiscard]] bool contains(const T& value) const { return peek().count(value) != 0; }
    iterator erase(const iterator& which) { return at(edit().erase(which.base())); }
    std::size_t erase(const T& value) { return edit().erase(value); }
    void clear() { edit().clear(); }
    [[nodiscard]] std::size_t size() const { return peek().size(); }
    [[nodiscard]] bool empty() const { return peek().empty(); }
    [[nodiscard]] iterator begin() const { return at(peek().begin()); }
    [[nodiscard]] iterator end() const { return at(peek().end()); }
    [[nodiscard]] std::set<T, Less> detach() const { return peek(); }
    operator std::set<T, Less>() const { return detach(); } // NOLINT: implicit on purpose
    template <typename Callback>
    void observe(Callback&&) {
        static_assert(
            always_false<Callback>,
            "Objects for Data Ingest cannot be observed: they leave the device once uploaded.");
    }

private:
    [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
    [[nodiscard]] iterator at(typename std::set<T, Less>::const_iterator position) const {
        return {self().realm_place(), position};
    }
    [[nodiscard]] const std::set<T, Less>& peek() const { return self().realm_peek(); }
    [[nodiscard]] std::set<T, Less>& edit() { return self().realm_edit(); }
};

} // namespace realm::internal
