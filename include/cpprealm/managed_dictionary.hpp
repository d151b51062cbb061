// Managed maps.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/managed_value.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/link.hpp>

namespace realm::internal {

/// The place of a key in a managed map, whether there is a value or not: reading needs one,
/// assigning makes one.
template <typename Map, typename V>
class map_slot : public operations<map_slot<Map, V>, V> {
    using base = operations<map_slot<Map, V>, V>;

public:
    using base::operator=;

    map_slot(const place<Map>& map, std::string key) : map_(map), key_(std::move(key)) {}
    map_slot(const map_slot&) = default;
    map_slot& operator=(const map_slot& other) {
        *this = other.realm_peek();
        return *this;
    }

    [[nodiscard]] const V& realm_peek() const {
        const auto& all = map_.realm_peek();
        const auto found = all.find(key_);
        if (found == all.end())
            missing();
        return found->second;
    }
    [[nodiscard]] V& realm_edit() {
        auto& all = map_.realm_edit();
        const auto found = all.find(key_);
        if (found == all.end())
            missing();
        return found->second;
    }
    void realm_assign(V value) {
        check_map_key(key_);
        map_.realm_edit().insert_or_assign(key_, std::move(value));
    }
    [[nodiscard]] std::string realm_name() const {
        return map_.realm_name() + "[\"" + key_ + "\"]";
    }
    [[nodiscard]] const object_ref& realm_ref() const noexcept { return map_.realm_ref(); }
    [[nodiscard]] const char* realm_class() const noexcept { return map_.realm_class(); }
    [[nodiscard]] const map_slot& realm_place() const noexcept { return *this; }

private:
    [[noreturn]] void missing() const {
        if constexpr (std::is_pointer_v<V>)
            throw std::out_of_range("null: there is no '" + realm_name() + "'");
        else
            internal::refuse<std::out_of_range>("Dictionary::get");
    }

    place<Map> map_;
    std::string key_;
};

template <typename V>
struct held_in_map {
    using type = V;
};
template <typename E>
struct held_in_map<E*> {
    using type = embedded<E>;
};

/// A key with its value, or, where values are embedded objects, with a handle.
template <typename Map, typename V>
class map_iterator {
    using base = typename Map::const_iterator;

public:
    using held = typename held_in_map<V>::type;
    using iterator_category = std::input_iterator_tag;
    using value_type = std::pair<std::string, held>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    struct arrow {
        value_type pair;
        value_type* operator->() { return &pair; }
    };

    map_iterator() = default;
    map_iterator(const place<Map>& map, base at) : map_(map), at_(at) {}
    [[nodiscard]] value_type operator*() const {
        if constexpr (std::is_pointer_v<V>) {
            place<Map> map = map_;
            static_cast<void>(map.realm_edit()); // the object may be changed through the handle
            return {at_->first, held(map_.realm_ref(), at_->second)};
        } else {
            static_cast<void>(
                map_.realm_peek()); // throws once the transaction, and with it the map, is gone
            return {at_->first, at_->second};
        }
    }
    [[nodiscard]] arrow operator->() const { return {**this}; }
    map_iterator& operator++() {
        static_cast<void>(map_.realm_peek());
        ++at_;
        return *this;
    }
    map_iterator operator++(int) {
        map_iterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const map_iterator& a, const map_iterator& b) { return a.at_ == b.at_; }
    friend bool operator!=(const map_iterator& a, const map_iterator& b) { return a.at_ != b.at_; }

private:
    place<Map> map_;
    base at_{};
};

template <typename D, typename V>
struct operations<D, std::map<std::string, V>> : handle {
    using key_type = std::string;
    using mapped_type = V;
    using size_type = std::size_t;
    using iterator = map_iterator<std::map<std::string, V>, V>;
    using const_iterator = iterator;

    /// Embedded objects are copied; the application keeps its own.
    D& operator=(const std::map<std::string, V>& values) {
        std::map<std::string, V> taken = values;
        for (auto& each : taken) {
            check_map_key(each.first);
            if constexpr (std::is_pointer_v<V>)
                each.second = take(self(), each.second);
        }
        self().realm_assign(std::move(taken));
        return self();
    }
    [[nodiscard]] map_slot<std::map<std::string, V>, V> operator[](const std::string& key) {
        return {self().realm_place(), key};
    }
    [[nodiscard]] iterator find(const std::string& key) const { return at(peek().find(key)); }
    [[nodiscard]] bool contains_key(const std::string& key) const { return peek().count(key) != 0; }
    void erase(const std::string& key) {
        if (self().realm_edit().erase(key) == 0)
            throw std::out_of_range("Cannot remove key \"" + key +
                                    "\" from dictionary: key not found");
    }
    void clear() { self().realm_edit().clear(); }
    [[nodiscard]] std::size_t size() const { return peek().size(); }
    [[nodiscard]] bool empty() const { return peek().empty(); }
    [[nodiscard]] iterator begin() const { return at(peek().begin()); }
    [[nodiscard]] iterator end() const { return at(peek().end()); }
    /// A copy. Embedded objects in it are made with `new` and belong to the caller.
    [[nodiscard]] std::map<std::string, V> detach() const {
        std::map<std::string, V> copy = peek();
        if constexpr (std::is_pointer_v<V>) {
            for (auto& each : copy)
                each.second = each.second == nullptr ? nullptr : onto_heap{}(*each.second);
        }
        return copy;
    }
    template <typename Callback>
    void observe(Callback&&) {
        static_assert(
            always_false<Callback>,
            "Objects for Data Ingest cannot be observed: they leave the device once uploaded.");
    }

private:
    [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
    [[nodiscard]] iterator at(typename std::map<std::string, V>::const_iterator position) const {
        return {self().realm_place(), position};
    }
    [[nodiscard]] const std::map<std::string, V>& peek() const { return self().realm_peek(); }
};

} // namespace realm::internal
