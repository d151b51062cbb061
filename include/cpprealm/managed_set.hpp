// Managed sets.
#pragma once

#include <cstddef>
#include <iterator>
#include <set>
#include <utility>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

/// A place in a managed set. Good until its element is erased or the transaction ends.
template <typename Set>
class set_iterator {
public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = typename Set::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;

    explicit set_iterator(typename Set::const_iterator at) : at_(at) {}
    [[nodiscard]] value_type operator*() const { return *at_; }
    [[nodiscard]] pointer operator->() const { return &*at_; }
    set_iterator& operator++() {
        ++at_;
        return *this;
    }
    set_iterator operator++(int) { return set_iterator(at_++); }
    set_iterator& operator--() {
        --at_;
        return *this;
    }
    set_iterator operator--(int) { return set_iterator(at_--); }
    [[nodiscard]] typename Set::const_iterator base() const { return at_; }
    friend bool operator==(const set_iterator& a, const set_iterator& b) { return a.at_ == b.at_; }
    friend bool operator!=(const set_iterator& a, const set_iterator& b) { return a.at_ != b.at_; }

private:
    typename Set::const_iterator at_;
};

template <typename D, typename T, typename Less>
struct operations<D, std::set<T, Less>> : handle {
    using iterator = set_iterator<std::set<T, Less>>;

    D& operator=(const std::set<T, Less>& values) {
        static_cast<D&>(*this).realm_assign(values);
        return static_cast<D&>(*this);
    }
    std::pair<iterator, bool> insert(const T& value) {
        const auto done = edit().insert(value);
        return {iterator(done.first), done.second};
    }
    [[nodiscard]] iterator find(const T& value) const { return iterator(peek().find(value)); }
    [[nodiscard]] bool contains(const T& value) const { return peek().count(value) != 0; }
    iterator erase(iterator at) { return iterator(edit().erase(at.base())); }
    std::size_t erase(const T& value) { return edit().erase(value); }
    void clear() { edit().clear(); }
    [[nodiscard]] std::size_t size() const { return peek().size(); }
    [[nodiscard]] bool empty() const { return peek().empty(); }
    [[nodiscard]] iterator begin() const { return iterator(peek().begin()); }
    [[nodiscard]] iterator end() const { return iterator(peek().end()); }
    [[nodiscard]] std::set<T, Less> detach() const { return peek(); }
    operator std::set<T, Less>() const { return detach(); } // NOLINT: implicit on purpose
    template <typename Callback>
    void observe(Callback&&) {
        static_assert(
            always_false<Callback>,
            "Objects for Data Ingest cannot be observed: they leave the device once uploaded.");
    }

private:
    [[nodiscard]] const std::set<T, Less>& peek() const {
        return static_cast<const D&>(*this).realm_peek();
    }
    [[nodiscard]] std::set<T, Less>& edit() { return static_cast<D&>(*this).realm_edit(); }
};

} // namespace realm::internal
