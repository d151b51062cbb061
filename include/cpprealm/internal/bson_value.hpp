// The function bodies of bson.hpp: comparison, and conversion from and to BSON bytes and Extended
// JSON.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cpprealm/bson.hpp>
#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/internal/bson_reader.hpp>
#include <cpprealm/internal/bson_writer.hpp>
#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm {

template <typename>
bsoncxx::document::document(
    const std::initializer_list<std::pair<std::string, bsoncxx>>& pairs) noexcept {
    keys_.reserve(pairs.size());
    values_.reserve(pairs.size());
    for (const auto& pair : pairs)
        insert(pair.first, pair.second);
}

template <typename>
std::size_t bsoncxx::document::position(const std::string& key, std::size_t guess) const noexcept {
    if (guess < keys_.size() && keys_[guess] == key)
        return guess;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i] == key)
            return i;
    }
    return none;
}

template <typename>
void bsoncxx::document::insert(const std::string& key, const bsoncxx& given) {
    const std::size_t at = position(key);
    if (at != none) {
        values_[at] = given;
        return;
    }
    values_.push_back(given);
    try {
        keys_.push_back(key);
    } catch (...) {
        values_.pop_back(); // both or none
        throw;
    }
}

template <typename>
void bsoncxx::document::pop_back() {
    if (empty())
        internal::refuse<std::out_of_range>("a document without keys has no last one");
    keys_.pop_back();
    values_.pop_back();
}

template <typename>
bsoncxx::document::value bsoncxx::document::operator[](const std::string& key) {
    if (position(key) == none)
        insert(key, bsoncxx());
    return {*this, key};
}

template <typename>
std::pair<std::string, bsoncxx> bsoncxx::document::iterator::operator*() {
    return {owner_->keys_.at(index_), owner_->values_.at(index_)};
}

inline bsoncxx::regular_expression::regular_expression(const std::string& pattern,
                                                       const std::string& options)
    : options_(option::none), pattern_(pattern) {
    for (const char letter : options) {
        switch (letter) {
        case 'i':
            options_ = options_ | option::ignore_case;
            break;
        case 'm':
            options_ = options_ | option::multiline;
            break;
        case 's':
            options_ = options_ | option::dotall;
            break;
        case 'x':
            options_ = options_ | option::extended;
            break;
        default:
            internal::refuse<std::runtime_error>("invalid regex option type");
        }
    }
}

template <typename>
void bsoncxx::throw_not(type held, type wanted) {
    constexpr const char* names[] = {
        "null",    "int32",     "int64",    "bool",     "double",     "string",
        "binary",  "timestamp", "datetime", "objectId", "decimal128", "regular expression",
        "max key", "min key",   "document", "array",    "uuid"};
    static_assert(sizeof(names) / sizeof(*names) == static_cast<std::size_t>(type::b_uuid) + 1);
    throw std::runtime_error(std::string("a BSON value of type ") +
                             names[static_cast<std::size_t>(held)] + " was read as " +
                             names[static_cast<std::size_t>(wanted)]);
}

namespace internal {

/// Between bsoncxx and BSON bytes.
template <typename = on_use>
struct bson_access {
    /// Deeper nesting is refused on reading: each level costs stack, and the text may come from
    /// elsewhere.
    static constexpr int max_depth = 100;

    static void write(bson_writer& to, key_view key, const bsoncxx& value) {
        with_held(value, [&](const auto& held) { write_held(to, key, held); });
    }

    [[nodiscard]] static bool same(const bsoncxx& a, const bsoncxx& b) {
        return a.type_ == b.type_ && with_held(a, [&b](const auto& left) {
                   using T = std::decay_t<decltype(left)>;
                   if constexpr (std::is_same_v<T, std::monostate>)
                       return true;
                   else
                       return left == b.get<T>();
               });
    }

    [[nodiscard]] static bool same_fields(const bsoncxx::document& a, const bsoncxx::document& b) {
        if (a.size() != b.size())
            return false;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const std::size_t other = b.position(a.keys_[i], i); // most often in the same place
            if (other == bsoncxx::document::none || !same(a.values_[i], b.values_[other]))
                return false;
        }
        return true;
    }

    static void write_fields(bson_writer& to, const bsoncxx::document& fields) {
        for (std::size_t i = 0; i < fields.keys_.size(); ++i)
            write(to, key_view(fields.keys_[i]), fields.values_[i]);
    }

    static void write_items(bson_writer& to, const bsoncxx::array& items) {
        index_key key;
        for (const auto& item : items) {
            write(to, key.text(), item);
            ++key;
        }
    }

    [[nodiscard]] static bsoncxx read(const bson_element& from, int depth = 0) {
        switch (from.type) {
        case bson_type::null:
        case bson_type::undefined:
            return {};
        case bson_type::int32:
            return from.as_int32();
        case bson_type::int64:
            return from.as_int64();
        case bson_type::boolean:
            return from.as_bool();
        case bson_type::float64:
            return from.as_double();
        case bson_type::string:
            return std::string(from.as_string());
        case bson_type::binary:
            return from.is_uuid() ? bsoncxx(from.as_uuid()) : bsoncxx(from.as_binary());
        case bson_type::timestamp:
            return bsoncxx::timestamp(from.timestamp_seconds(), from.timestamp_increment());
        case bson_type::datetime:
            return bsoncxx::date(from.as_datetime());
        case bson_type::object_id:
            return from.as_object_id();
        case bson_type::decimal128:
            return from.as_decimal128();
        case bson_type::regex:
            return bsoncxx::regular_expression(std::string(from.regex_pattern()),
                                               std::string(from.regex_options()));
        case bson_type::min_key:
            return bsoncxx::min_key();
        case bson_type::max_key:
            return bsoncxx::max_key();
        case bson_type::document:
            return read_document(nested(from, depth), depth + 1);
        case bson_type::array: {
            bsoncxx::array items;
            bson_reader reader = nested(from, depth);
            for (bson_element item; reader.next(item);)
                items.push_back(read(item, depth + 1));
            return items;
        }
        case bson_type::db_pointer:
        case bson_type::code:
        case bson_type::symbol:
        case bson_type::code_with_scope:
            break;
        }
        refuse<std::runtime_error>(
            {"the value of '", from.key, "' is of a BSON type that realm::bsoncxx does not hold"});
    }

    [[nodiscard]] static bsoncxx::document read_document(bson_reader reader, int depth) {
        bsoncxx::document fields;
        for (bson_element field; reader.next(field);)
            fields.insert(std::string(field.key), read(field, depth));
        return fields;
    }

private:
    /// Calls `visit` with the value, in its own type.
    template <typename Visit>
    static auto with_held(const bsoncxx& value, Visit&& visit) {
        using type = bsoncxx::type;
        switch (value.type_) {
        case type::b_null:
            break;
        case type::b_int32:
            return visit(value.int32_);
        case type::b_int64:
            return visit(value.int64_);
        case type::b_bool:
            return visit(value.bool_);
        case type::b_double:
            return visit(value.double_);
        case type::b_string:
            return visit(value.get<std::string>());
        case type::b_binary:
            return visit(value.get<bsoncxx::bytes>());
        case type::b_timestamp:
            return visit(value.timestamp_);
        case type::b_datetime:
            return visit(value.date_);
        case type::b_objectId:
            return visit(value.object_id_);
        case type::b_decimal128:
            return visit(value.decimal128_);
        case type::b_regular_expression:
            return visit(value.get<bsoncxx::regular_expression>());
        case type::b_max_key:
            return visit(bsoncxx::max_key());
        case type::b_min_key:
            return visit(bsoncxx::min_key());
        case type::b_document:
            return visit(value.get<bsoncxx::document>());
        case type::b_array:
            return visit(value.get<bsoncxx::array>());
        case type::b_uuid:
            return visit(value.uuid_);
        }
        return visit(std::monostate());
    }

    static bson_reader nested(const bson_element& from, int depth) {
        if (depth >= max_depth)
            internal::refuse<std::runtime_error>("a BSON value is nested too deeply");
        return from.nested();
    }

    static void write_held(bson_writer& to, key_view key, std::monostate) { to.append_null(key); }
    static void write_held(bson_writer& to, key_view key, std::int32_t value) {
        to.append_int32(key, value);
    }
    static void write_held(bson_writer& to, key_view key, std::int64_t value) {
        to.append_int64(key, value);
    }
    static void write_held(bson_writer& to, key_view key, bool value) {
        to.append_bool(key, value);
    }
    static void write_held(bson_writer& to, key_view key, double value) {
        to.append_double(key, value);
    }
    static void write_held(bson_writer& to, key_view key, const std::string& value) {
        to.append_string(key, value);
    }
    static void write_held(bson_writer& to, key_view key, const bsoncxx::bytes& value) {
        to.append_binary(key, value.data(), value.size());
    }
    static void write_held(bson_writer& to, key_view key, const bsoncxx::timestamp& value) {
        to.append_timestamp(key, value.get_seconds(), value.get_increment());
    }
    static void write_held(bson_writer& to, key_view key, const bsoncxx::date& value) {
        to.append_datetime(key, value.get_date());
    }
    static void write_held(bson_writer& to, key_view key, const object_id& value) {
        to.append_object_id(key, value);
    }
    static void write_held(bson_writer& to, key_view key, const decimal128& value) {
        to.append_decimal128(key, value);
    }
    static void write_held(bson_writer& to, key_view key,
                           const bsoncxx::regular_expression& value) {
        using option = bsoncxx::regular_expression::option;
        std::string letters;
        static constexpr struct {
            option bit;
            char letter;
        } known[] = {{option::ignore_case, 'i'},
                     {option::multiline, 'm'},
                     {option::dotall, 's'},
                     {option::extended, 'x'}};
        for (const auto& one : known) {
            if ((value.get_options() & one.bit) != option::none)
                letters.push_back(one.letter);
        }
        to.append_regex(key, value.get_pattern(), letters);
    }
    static void write_held(bson_writer& to, key_view key, bsoncxx::max_key) {
        to.append_max_key(key);
    }
    static void write_held(bson_writer& to, key_view key, bsoncxx::min_key) {
        to.append_min_key(key);
    }
    static void write_held(bson_writer& to, key_view key, const bsoncxx::document& value) {
        const std::size_t mark = to.begin_document(key);
        write_fields(to, value);
        to.end_document(mark);
    }
    static void write_held(bson_writer& to, key_view key, const bsoncxx::array& value) {
        const std::size_t mark = to.begin_array(key);
        write_items(to, value);
        to.end_array(mark);
    }
    static void write_held(bson_writer& to, key_view key, const uuid& value) {
        to.append_uuid(key, value);
    }
};

/// Canonical Extended JSON of any value.
template <typename = on_use>
[[nodiscard]] std::string bson_to_ejson(const bsoncxx& value) {
    // BSON has no bare values; the value travels as the only field of a document, and the text's
    // frame is cut off again.
    static constexpr std::string_view frame = R"({"v":)";
    buffer bytes;
    bson_writer writer(bytes);
    const std::size_t mark = writer.begin_document();
    bson_access<>::write(writer, std::string_view("v"), value);
    writer.end_document(mark);
    ffi::Status status;
    const std::string text(
        ffi::bson_to_ejson(rust::Slice<const std::uint8_t>(bytes.data(), bytes.size()), status));
    if (status.code != 0)
        throw std::runtime_error(std::string(status.message));
    if (text.size() <= frame.size() || text.compare(0, frame.size(), frame) != 0)
        throw std::runtime_error("unexpected Extended JSON: " + text);
    return text.substr(frame.size(), text.size() - frame.size() - 1);
}

/// Reads canonical or relaxed Extended JSON; throws `std::runtime_error` with the parser's words.
template <typename = on_use>
[[nodiscard]] bsoncxx bson_from_ejson(std::string_view text) {
    ffi::Status status;
    rust::Vec<std::uint8_t> bytes;
    try {
        bytes = ffi::ejson_to_bson(rust::Str(text.data(), text.size()), status);
    } catch (const std::invalid_argument&) {
        internal::refuse<std::runtime_error>("Extended JSON must be UTF-8");
    }
    if (status.code != 0)
        throw std::runtime_error(std::string(status.message));
    bson_reader reader(bytes.data(), bytes.size());
    bson_element element;
    if (!reader.next(element))
        internal::refuse<std::runtime_error>("Extended JSON holds no value");
    return bson_access<>::read(element);
}

/// The arguments of a function call as one Extended JSON array.
template <typename = on_use>
[[nodiscard]] std::string arguments_to_ejson(const std::vector<bsoncxx>& arguments) {
    return bson_to_ejson(bsoncxx(arguments));
}

} // namespace internal

template <typename>
std::string bsoncxx::to_string() const {
    return internal::bson_to_ejson(*this);
}

template <typename = internal::on_use>
bool operator==(const bsoncxx::document& a, const bsoncxx::document& b) {
    return internal::bson_access<>::same_fields(a, b);
}
template <typename = internal::on_use>
bool operator!=(const bsoncxx::document& a, const bsoncxx::document& b) {
    return !(a == b);
}
template <typename = internal::on_use>
bool operator==(const bsoncxx& a, const bsoncxx& b) {
    return internal::bson_access<>::same(a, b);
}
template <typename = internal::on_use>
bool operator!=(const bsoncxx& a, const bsoncxx& b) {
    return !(a == b);
}

namespace internal {

// Comparisons with anything that converts to bsoncxx. Each is the exact match for its operands, so
// that the operators of object_id and the like, to which a bsoncxx converts as well, never compete.
template <typename T>
inline constexpr bool is_bson_place_v = std::is_same_v<T, bsoncxx::document::value>;
template <typename T>
using bson_operand = std::enable_if_t<std::is_convertible_v<const T&, bsoncxx>, int>;
template <typename T>
using plain_bson_operand = std::enable_if_t<!std::is_same_v<T, bsoncxx> && !is_bson_place_v<T> &&
                                                std::is_convertible_v<const T&, bsoncxx>,
                                            int>;
template <typename T>
using not_bson_place =
    std::enable_if_t<!is_bson_place_v<T> && std::is_convertible_v<const T&, bsoncxx>, int>;

} // namespace internal

template <typename T, internal::plain_bson_operand<T> = 0>
bool operator==(const bsoncxx& a, const T& b) {
    return a == bsoncxx(b);
}
template <typename T, internal::plain_bson_operand<T> = 0>
bool operator==(const T& a, const bsoncxx& b) {
    return bsoncxx(a) == b;
}
template <typename T, internal::bson_operand<T> = 0>
bool operator==(const bsoncxx::document::value& a, const T& b) {
    return static_cast<bsoncxx>(a) == static_cast<bsoncxx>(b);
}
template <typename T, internal::not_bson_place<T> = 0>
bool operator==(const T& a, const bsoncxx::document::value& b) {
    return static_cast<bsoncxx>(a) == static_cast<bsoncxx>(b);
}
template <typename T, internal::plain_bson_operand<T> = 0>
bool operator!=(const bsoncxx& a, const T& b) {
    return !(a == b);
}
template <typename T, internal::plain_bson_operand<T> = 0>
bool operator!=(const T& a, const bsoncxx& b) {
    return !(a == b);
}
template <typename T, internal::bson_operand<T> = 0>
bool operator!=(const bsoncxx::document::value& a, const T& b) {
    return !(a == b);
}
template <typename T, internal::not_bson_place<T> = 0>
bool operator!=(const T& a, const bsoncxx::document::value& b) {
    return !(a == b);
}

} // namespace realm
