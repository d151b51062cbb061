// realm::bsoncxx: any BSON value. Arguments and results of server functions, and users' custom
// data.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cpprealm/types.hpp>

namespace realm {

namespace internal {
struct bson_access;
} // namespace internal

/// One BSON value, null by default. A plain value: copies are independent, and threads may read one
/// object at a time together, `document::operator[]` excepted, which may insert.
struct bsoncxx {
    using array = std::vector<bsoncxx>;
    using bytes = std::vector<std::uint8_t>;

    enum class type {
        b_null,
        b_int32,
        b_int64,
        b_bool,
        b_double,
        b_string,
        b_binary,
        b_timestamp,
        b_datetime,
        b_objectId,
        b_decimal128,
        b_regular_expression,
        b_max_key,
        b_min_key,
        b_document,
        b_array,
        b_uuid
    };

    /// Keys and values in the order of insertion. Two documents are equal when they have the same
    /// keys with equal values, in whatever order.
    struct document {
        /// The place of one key; refers to its document, which must outlive it.
        struct value {
            value(const value&) = default;
            value& operator=(const value& other);
            value& operator=(const bsoncxx& other);
            operator bsoncxx() const;

            const std::string key;

        private:
            friend struct document;
            value(document& owner, const std::string& name) : key(name), owner_(&owner) {}
            document* owner_;
        };

        /// Goes over copies of the pairs. Refers to its document, which must outlive it.
        struct iterator {
            std::pair<std::string, bsoncxx> operator*();
            iterator& operator++() {
                ++index_;
                return *this;
            }
            iterator& operator--() {
                --index_;
                return *this;
            }
            iterator& operator++(int) { return ++*this; }
            iterator& operator--(int) { return --*this; }
            bool operator!=(const iterator& other) const noexcept { return !(*this == other); }
            bool operator==(const iterator& other) const noexcept {
                return owner_ == other.owner_ && index_ == other.index_;
            }

        private:
            friend struct document;
            iterator(const document& owner, std::size_t index) noexcept
                : owner_(&owner), index_(index) {}
            const document* owner_;
            std::size_t index_;
        };

        [[nodiscard]] iterator begin() const noexcept { return {*this, 0}; }
        [[nodiscard]] iterator end() const noexcept { return {*this, keys_.size()}; }

        document() noexcept;
        document(const std::initializer_list<std::pair<std::string, bsoncxx>>& pairs) noexcept;

        /// Adds the pair at the end; a key that is there already keeps its place and takes the new
        /// value.
        void insert(const std::string& key, const bsoncxx& value);
        [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
        [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
        /// Takes the last pair away; throws `std::out_of_range` if there is none.
        void pop_back();
        /// A key that is missing is inserted with a null.
        value operator[](const std::string& key);

    private:
        friend struct internal::bson_access;
        friend bool operator==(const document& a, const document& b);
        static constexpr std::size_t none = static_cast<std::size_t>(-1);
        [[nodiscard]] std::size_t position(const std::string& key,
                                           std::size_t guess = 0) const noexcept;

        // Two vectors, because a pair with a bsoncxx in it cannot be named before bsoncxx is
        // complete.
        std::vector<std::string> keys_;
        array values_;
    };

    struct min_key {};
    struct max_key {};

    struct regular_expression {
        enum class option : std::uint8_t {
            none,
            ignore_case = 1,
            multiline = 2,
            dotall = 4,
            extended = 8
        };

        /// `options` are letters of `imsx`; others throw `std::runtime_error`.
        regular_expression(const std::string& pattern, const std::string& options);
        regular_expression(const std::string& pattern, option options)
            : options_(options), pattern_(pattern) {}
        regular_expression() : options_(option::none) {}

        [[nodiscard]] option get_options() const { return options_; }
        [[nodiscard]] std::string get_pattern() const { return pattern_; }

    private:
        option options_;
        std::string pattern_;
    };

    struct timestamp {
        explicit timestamp(std::uint32_t seconds, std::uint32_t increment) noexcept
            : seconds_(seconds), increment_(increment) {}
        [[nodiscard]] std::uint32_t get_seconds() const noexcept { return seconds_; }
        [[nodiscard]] std::uint32_t get_increment() const noexcept { return increment_; }

    private:
        std::uint32_t seconds_;
        std::uint32_t increment_;
    };

    struct date {
        explicit date(const std::chrono::time_point<std::chrono::system_clock>& at) noexcept
            : at_(at) {}
        [[nodiscard]] std::chrono::time_point<std::chrono::system_clock> get_date() const noexcept {
            return at_;
        }

    private:
        std::chrono::time_point<std::chrono::system_clock> at_;
    };

    bsoncxx() noexcept {}
    bsoncxx(std::int32_t value) noexcept : value_(value) {}
    bsoncxx(std::int64_t value) noexcept : value_(value) {}
    bsoncxx(bool value) noexcept : value_(value) {}
    bsoncxx(double value) noexcept : value_(value) {}
    bsoncxx(min_key value) noexcept : value_(value) {}
    bsoncxx(max_key value) noexcept : value_(value) {}
    bsoncxx(const timestamp& value) noexcept : value_(value) {}
    bsoncxx(const date& value) noexcept : value_(value) {}
    bsoncxx(const decimal128& value) noexcept : value_(value) {}
    bsoncxx(const object_id& value) noexcept : value_(value) {}
    bsoncxx(const uuid& value) noexcept : value_(value) {}
    bsoncxx(const regular_expression& value) noexcept : value_(value) {}
    bsoncxx(const bytes& value) noexcept : value_(value) {}
    bsoncxx(const std::string& value) noexcept : value_(value) {}
    bsoncxx(const char* value) noexcept : value_(std::string(value)) {}
    bsoncxx(const document& value) noexcept : value_(value) {}
    bsoncxx(const array& value) noexcept : value_(value) {}

    [[nodiscard]] type get_type() const noexcept;

    /// To each type that a constructor takes, and to `std::nullopt_t` from null. Throws
    /// `std::runtime_error` when the value is of another type. Exact types only, so that no value
    /// turns into a number of another size unseen.
    template <typename T,
              std::enable_if_t<internal::is_alternative<
                                   T, std::variant<std::nullopt_t, std::int32_t, std::int64_t, bool,
                                                   double, min_key, max_key, timestamp, date,
                                                   decimal128, object_id, uuid, regular_expression,
                                                   bytes, std::string, document, array>>::value,
                               int> = 0>
    operator T() const {
        if constexpr (std::is_same_v<T, std::nullopt_t>) {
            if (!std::holds_alternative<std::monostate>(value_))
                throw_not(type::b_null);
            return std::nullopt;
        } else {
            if (const T* held = std::get_if<T>(&value_))
                return *held;
            throw_not(type_of<T>);
        }
    }

    /// Canonical Extended JSON. Throws `std::runtime_error` for what JSON cannot carry: text that
    /// is not UTF-8.
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] std::string to_json() const { return to_string(); }

    friend bool operator==(const bsoncxx& a, const bsoncxx& b);
    friend bool operator!=(const bsoncxx& a, const bsoncxx& b) { return !(a == b); }

private:
    friend struct internal::bson_access;

    // In the order of `type`.
    using storage = std::variant<std::monostate, std::int32_t, std::int64_t, bool, double,
                                 std::string, bytes, timestamp, date, object_id, decimal128,
                                 regular_expression, max_key, min_key, document, array, uuid>;

    template <typename T, std::size_t I = 0>
    static constexpr type find_type() noexcept {
        if constexpr (std::is_same_v<T, std::variant_alternative_t<I, storage>>)
            return static_cast<type>(I);
        else
            return find_type<T, I + 1>();
    }
    template <typename T>
    static constexpr type type_of = find_type<T>();

    [[noreturn]] void throw_not(type wanted) const;

    storage value_;
};

// Each type that converts to bsoncxx is compared as itself: the operators of bsoncxx would do, but
// so would those that bson_value.hpp has for either operand.
inline bool operator==(const bsoncxx::min_key&, const bsoncxx::min_key&) noexcept { return true; }
inline bool operator!=(const bsoncxx::min_key&, const bsoncxx::min_key&) noexcept { return false; }
inline bool operator==(const bsoncxx::max_key&, const bsoncxx::max_key&) noexcept { return true; }
inline bool operator!=(const bsoncxx::max_key&, const bsoncxx::max_key&) noexcept { return false; }
inline bool operator==(const bsoncxx::timestamp& a, const bsoncxx::timestamp& b) noexcept {
    return a.get_seconds() == b.get_seconds() && a.get_increment() == b.get_increment();
}
inline bool operator!=(const bsoncxx::timestamp& a, const bsoncxx::timestamp& b) noexcept {
    return !(a == b);
}
inline bool operator==(const bsoncxx::date& a, const bsoncxx::date& b) noexcept {
    return a.get_date() == b.get_date();
}
inline bool operator!=(const bsoncxx::date& a, const bsoncxx::date& b) noexcept {
    return !(a == b);
}
inline bool operator==(const bsoncxx::regular_expression& a, const bsoncxx::regular_expression& b) {
    return a.get_options() == b.get_options() && a.get_pattern() == b.get_pattern();
}
inline bool operator!=(const bsoncxx::regular_expression& a, const bsoncxx::regular_expression& b) {
    return !(a == b);
}
constexpr bsoncxx::regular_expression::option
operator|(bsoncxx::regular_expression::option a, bsoncxx::regular_expression::option b) noexcept {
    return static_cast<bsoncxx::regular_expression::option>(static_cast<std::uint8_t>(a) |
                                                            static_cast<std::uint8_t>(b));
}
constexpr bsoncxx::regular_expression::option
operator&(bsoncxx::regular_expression::option a, bsoncxx::regular_expression::option b) noexcept {
    return static_cast<bsoncxx::regular_expression::option>(static_cast<std::uint8_t>(a) &
                                                            static_cast<std::uint8_t>(b));
}

} // namespace realm

#include <cpprealm/internal/bson_value.hpp>
