// realm::bsoncxx: any BSON value. Arguments and results of server functions, and users' custom
// data.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/types.hpp>

namespace realm {

namespace internal {
template <typename>
struct bson_access;
template <typename T>
struct bson_type_of;
} // namespace internal

/// One BSON value, null by default. A plain value: copies are independent, and threads may read one
/// object at a time together, `document::operator[]` excepted, which may insert.
struct bsoncxx {
    /// A BSON array.
    using array = std::vector<bsoncxx>;
    /// BSON binary data of subtype 0.
    using bytes = std::vector<std::uint8_t>;

    /// The types a value can have, as BSON names them.
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
        template <typename>
        struct place;
        /// The place of one key; refers to its document, which must outlive it.
        using value = place<internal::on_use>;

        /// Goes over copies of the pairs. Refers to its document, which must outlive it.
        struct iterator {
            /// @{
            /// The pair it stands at, and the steps from one pair to the next. Not to be used at
            /// the end.
            template <typename = internal::on_use>
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
            /// @}
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

        /// At the first pair.
        [[nodiscard]] iterator begin() const noexcept { return {*this, 0}; }
        /// Behind the last pair.
        [[nodiscard]] iterator end() const noexcept { return {*this, keys_.size()}; }

        document() noexcept = default;
        /// Inserts the pairs in their order.
        template <typename = internal::on_use>
        document(const std::initializer_list<std::pair<std::string, bsoncxx>>& pairs) noexcept;

        /// Adds the pair at the end; a key that is there already keeps its place and takes the new
        /// value.
        template <typename = internal::on_use>
        void insert(const std::string& key, const bsoncxx& value);
        /// Whether there is no pair.
        [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
        /// The number of pairs.
        [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
        /// Takes the last pair away; throws `std::out_of_range` if there is none.
        template <typename = internal::on_use>
        void pop_back();
        /// A key that is missing is inserted with a null.
        template <typename = internal::on_use>
        value operator[](const std::string& key);

    private:
        template <typename>
        friend struct internal::bson_access;
        template <typename>
        friend struct place;
        static constexpr std::size_t none = static_cast<std::size_t>(-1);
        template <typename = internal::on_use>
        [[nodiscard]] std::size_t position(const std::string& key,
                                           std::size_t guess = 0) const noexcept;

        // Two vectors, because a pair with a bsoncxx in it cannot be named before bsoncxx is
        // complete.
        std::vector<std::string> keys_;
        array values_;
    };

    /// Less than every other value, in MongoDB's order.
    struct min_key {};
    /// Greater than every other value, in MongoDB's order.
    struct max_key {};

    /// A pattern with its options. A value.
    struct regular_expression {
        /// Flags, joined by `|`: the letters `i`, `m`, `s` and `x` of MongoDB.
        enum class option : std::uint8_t {
            none,
            ignore_case = 1,
            multiline = 2,
            dotall = 4,
            extended = 8
        };

        /// `options` are letters of `imsx`; others throw `std::runtime_error`.
        regular_expression(const std::string& pattern, const std::string& options);
        /// With the options as flags.
        regular_expression(const std::string& pattern, option options)
            : options_(options), pattern_(pattern) {}
        /// An empty pattern.
        regular_expression() : options_(option::none) {}

        /// The flags that are set.
        [[nodiscard]] option get_options() const { return options_; }
        /// The pattern as it was given; nothing checks it.
        [[nodiscard]] std::string get_pattern() const { return pattern_; }

    private:
        option options_;
        std::string pattern_;
    };

    /// MongoDB's internal timestamp; for a point in time use `date`. A value.
    struct timestamp {
        /// Seconds since 1970, and a counter within the second.
        explicit timestamp(std::uint32_t seconds, std::uint32_t increment) noexcept
            : seconds_(seconds), increment_(increment) {}
        /// Seconds since 1970.
        [[nodiscard]] std::uint32_t get_seconds() const noexcept { return seconds_; }
        /// The counter within the second.
        [[nodiscard]] std::uint32_t get_increment() const noexcept { return increment_; }

    private:
        std::uint32_t seconds_;
        std::uint32_t increment_;
    };

    /// A point in time, which BSON keeps in milliseconds. A value.
    struct date {
        /// What is finer than a millisecond is cut off when it is written.
        explicit date(const std::chrono::time_point<std::chrono::system_clock>& at) noexcept
            : at_(at) {}
        /// The point in time.
        [[nodiscard]] std::chrono::time_point<std::chrono::system_clock> get_date() const noexcept {
            return at_;
        }

    private:
        std::chrono::time_point<std::chrono::system_clock> at_;
    };

    /// Null.
    bsoncxx() noexcept : int64_(0) {}
    /// @{
    /// A value of the type that BSON has for the argument. A `const char*` ends with a zero and is
    /// not null.
    bsoncxx(std::int32_t value) noexcept : type_(type::b_int32), int32_(value) {}
    bsoncxx(std::int64_t value) noexcept : type_(type::b_int64), int64_(value) {}
    bsoncxx(bool value) noexcept : type_(type::b_bool), bool_(value) {}
    bsoncxx(double value) noexcept : type_(type::b_double), double_(value) {}
    bsoncxx(min_key) noexcept : type_(type::b_min_key), int64_(0) {}
    bsoncxx(max_key) noexcept : type_(type::b_max_key), int64_(0) {}
    bsoncxx(const timestamp& value) noexcept : type_(type::b_timestamp), timestamp_(value) {}
    bsoncxx(const date& value) noexcept : type_(type::b_datetime), date_(value) {}
    bsoncxx(const decimal128& value) noexcept : type_(type::b_decimal128), decimal128_(value) {}
    bsoncxx(const object_id& value) noexcept : type_(type::b_objectId), object_id_(value) {}
    bsoncxx(const uuid& value) noexcept : type_(type::b_uuid), uuid_(value) {}
    template <typename Use = internal::on_use>
    bsoncxx(const regular_expression& value) noexcept
        : bsoncxx(type::b_regular_expression, keep<Use>(value)) {}
    template <typename Use = internal::on_use>
    bsoncxx(const bytes& value) noexcept : bsoncxx(type::b_binary, keep<Use>(value)) {}
    template <typename Use = internal::on_use>
    bsoncxx(const std::string& value) noexcept : bsoncxx(type::b_string, keep<Use>(value)) {}
    template <typename Use = internal::on_use>
    bsoncxx(const char* value) noexcept : bsoncxx(type::b_string, keep<Use>(std::string(value))) {}
    template <typename Use = internal::on_use>
    bsoncxx(const document& value) noexcept : bsoncxx(type::b_document, keep<Use>(value)) {}
    template <typename Use = internal::on_use>
    bsoncxx(const array& value) noexcept : bsoncxx(type::b_array, keep<Use>(value)) {}
    /// @}

    /// The type of the value; `b_null` of a default-constructed one.
    [[nodiscard]] type get_type() const noexcept { return type_; }

    /// To each type that a constructor takes, and to `std::nullopt_t` from null. Throws
    /// `std::runtime_error` when the value is of another type. Exact types only, so that no value
    /// turns into a number of another size unseen.
    template <typename T, type Wanted = internal::bson_type_of<T>::value>
    operator T() const {
        if (type_ != Wanted)
            throw_not(type_, Wanted);
        if constexpr (Wanted == type::b_null)
            return std::nullopt;
        else
            return get<T>();
    }

    /// Canonical Extended JSON. Throws `std::runtime_error` for what JSON cannot carry: text that
    /// is not UTF-8.
    template <typename = internal::on_use>
    [[nodiscard]] std::string to_string() const;
    /// As `to_string()`.
    template <typename = internal::on_use>
    [[nodiscard]] std::string to_json() const {
        return to_string();
    }

private:
    template <typename>
    friend struct internal::bson_access;

    bsoncxx(type of, std::shared_ptr<const void>&& held) noexcept
        : type_(of), int64_(0), held_(std::move(held)) {}

    template <typename = internal::on_use>
    [[noreturn]] static void throw_not(type held, type wanted);

    template <typename, typename T>
    static std::shared_ptr<const void> keep(const T& value) {
        return std::make_shared<const T>(value);
    }

    /// The value, whose type the caller knows.
    template <typename T>
    [[nodiscard]] const T& get() const noexcept {
        if constexpr (std::is_same_v<T, std::int32_t>)
            return int32_;
        else if constexpr (std::is_same_v<T, std::int64_t>)
            return int64_;
        else if constexpr (std::is_same_v<T, bool>)
            return bool_;
        else if constexpr (std::is_same_v<T, double>)
            return double_;
        else if constexpr (std::is_same_v<T, timestamp>)
            return timestamp_;
        else if constexpr (std::is_same_v<T, date>)
            return date_;
        else if constexpr (std::is_same_v<T, object_id>)
            return object_id_;
        else if constexpr (std::is_same_v<T, decimal128>)
            return decimal128_;
        else if constexpr (std::is_same_v<T, uuid>)
            return uuid_;
        else if constexpr (std::is_same_v<T, min_key>)
            return min_key_;
        else if constexpr (std::is_same_v<T, max_key>)
            return max_key_;
        else
            return *static_cast<const T*>(held_.get());
    }

    // A union with a tag of its own, and the larger values behind a pointer that copies share,
    // since nothing changes them. A std::variant of 17 types would cost each file that includes
    // this more than all the rest.
    type type_ = type::b_null;
    union {
        std::int32_t int32_;
        std::int64_t int64_;
        bool bool_;
        double double_;
        timestamp timestamp_;
        date date_;
        object_id object_id_;
        decimal128 decimal128_;
        uuid uuid_;
        min_key min_key_;
        max_key max_key_;
    };
    std::shared_ptr<const void> held_;
};

/// The value of one key in a document: reading gives null where there is none, assigning inserts.
template <typename>
struct bsoncxx::document::place {
    /// Stands for the same key.
    place(const place&) = default;
    /// Puts a copy of the value into the document.
    place& operator=(const place& other) { return *this = static_cast<bsoncxx>(other); }
    /// Puts the value into the document.
    place& operator=(const bsoncxx& other) {
        owner_->insert(key, other);
        return *this;
    }
    /// A copy of the value; null where there is none.
    operator bsoncxx() const {
        const std::size_t at = owner_->position(key);
        return at == none ? bsoncxx() : owner_->values_[at];
    }

    /// The key it stands for.
    const std::string key;

private:
    friend struct document;
    place(document& owner, const std::string& name) : key(name), owner_(&owner) {}
    document* owner_;
};

namespace internal {

/// The type that a C++ type has as a BSON value; none for other types.
template <typename T>
struct bson_type_of {};
template <bsoncxx::type Type>
using bson_constant = std::integral_constant<bsoncxx::type, Type>;
template <>
struct bson_type_of<std::nullopt_t> : bson_constant<bsoncxx::type::b_null> {};
template <>
struct bson_type_of<std::int32_t> : bson_constant<bsoncxx::type::b_int32> {};
template <>
struct bson_type_of<std::int64_t> : bson_constant<bsoncxx::type::b_int64> {};
template <>
struct bson_type_of<bool> : bson_constant<bsoncxx::type::b_bool> {};
template <>
struct bson_type_of<double> : bson_constant<bsoncxx::type::b_double> {};
template <>
struct bson_type_of<std::string> : bson_constant<bsoncxx::type::b_string> {};
template <>
struct bson_type_of<bsoncxx::bytes> : bson_constant<bsoncxx::type::b_binary> {};
template <>
struct bson_type_of<bsoncxx::timestamp> : bson_constant<bsoncxx::type::b_timestamp> {};
template <>
struct bson_type_of<bsoncxx::date> : bson_constant<bsoncxx::type::b_datetime> {};
template <>
struct bson_type_of<object_id> : bson_constant<bsoncxx::type::b_objectId> {};
template <>
struct bson_type_of<decimal128> : bson_constant<bsoncxx::type::b_decimal128> {};
template <>
struct bson_type_of<bsoncxx::regular_expression>
    : bson_constant<bsoncxx::type::b_regular_expression> {};
template <>
struct bson_type_of<bsoncxx::max_key> : bson_constant<bsoncxx::type::b_max_key> {};
template <>
struct bson_type_of<bsoncxx::min_key> : bson_constant<bsoncxx::type::b_min_key> {};
template <>
struct bson_type_of<bsoncxx::document> : bson_constant<bsoncxx::type::b_document> {};
template <>
struct bson_type_of<bsoncxx::array> : bson_constant<bsoncxx::type::b_array> {};
template <>
struct bson_type_of<uuid> : bson_constant<bsoncxx::type::b_uuid> {};

} // namespace internal

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
/// The flags of both.
constexpr bsoncxx::regular_expression::option
operator|(bsoncxx::regular_expression::option a, bsoncxx::regular_expression::option b) noexcept {
    return static_cast<bsoncxx::regular_expression::option>(static_cast<std::uint8_t>(a) |
                                                            static_cast<std::uint8_t>(b));
}
/// The flags that both have.
constexpr bsoncxx::regular_expression::option
operator&(bsoncxx::regular_expression::option a, bsoncxx::regular_expression::option b) noexcept {
    return static_cast<bsoncxx::regular_expression::option>(static_cast<std::uint8_t>(a) &
                                                            static_cast<std::uint8_t>(b));
}

} // namespace realm

#include <cpprealm/internal/bson_value.hpp>
