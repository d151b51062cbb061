// The reader: what the writer wrote comes back, and malformed bytes are refused without a look
// beyond them.
#include <cpprealm/internal/bson_reader.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace realm::internal;
using bytes = std::vector<std::uint8_t>;

/// Visits everything there is to see, nested documents too.
void walk(bson_reader reader, int depth = 0) {
    for (bson_element element; reader.next(element);) {
        volatile std::size_t seen = element.key.size() + element.size;
        if (element.size != 0)
            seen = seen + element.value[0] + element.value[element.size - 1];
        switch (element.type) {
        case bson_type::string:
            seen = seen + element.as_string().size();
            break;
        case bson_type::binary:
            seen = seen + element.as_binary().size() + (element.is_uuid() ? 1U : 0U);
            break;
        case bson_type::regex:
            seen = seen + element.regex_pattern().size() + element.regex_options().size();
            break;
        case bson_type::document:
        case bson_type::array:
            if (depth < 20)
                walk(element.nested(), depth + 1);
            break;
        default:
            break;
        }
    }
}

/// Reads a copy on the heap of exactly this size, so that a sanitizer sees a step beyond it.
void walk_exact(const bytes& document) {
    const auto exact = std::make_unique<std::uint8_t[]>(document.size());
    if (!document.empty())
        std::memcpy(exact.get(), document.data(), document.size());
    walk(bson_reader(exact.get(), document.size()));
}

bytes every_type() {
    buffer out;
    bson_writer w(out);
    const auto mark = w.begin_document();
    w.append_double(key_view("double"), -0.0);
    w.append_string(key_view("string"), std::string_view("a\0b", 3));
    const auto nested = w.begin_document(key_view("document"));
    w.append_int32(key_view("x"), 1);
    const auto deeper = w.begin_array(key_view("array"));
    w.append_null(index_key());
    w.end_array(deeper);
    w.end_document(nested);
    const std::uint8_t data[] = {1, 2, 3};
    w.append_binary(key_view("binary"), data, 3);
    w.append_uuid(key_view("uuid"), realm::uuid("01234567-89ab-cdef-0123-456789abcdef"));
    w.append_object_id(key_view("id"), realm::object_id("0123456789abcdef01234567"));
    w.append_bool(key_view("bool"), true);
    w.append_datetime(key_view("date"), std::int64_t(-1));
    w.append_null(key_view("null"));
    w.append_regex(key_view("regex"), "a.b", "im");
    w.append_int32(key_view("int32"), std::numeric_limits<std::int32_t>::min());
    w.append_timestamp(key_view("timestamp"), 7, 9);
    w.append_int64(key_view("int64"), std::numeric_limits<std::int64_t>::max());
    w.append_decimal128(key_view("decimal"), realm::decimal128(5, 0x3040000000000000));
    w.append_min_key(key_view("min"));
    w.append_max_key(key_view("max"));
    w.end_document(mark);
    return {out.data(), out.data() + out.size()};
}

bson_element find(const bytes& document, std::string_view key) {
    bson_element element;
    if (!bson_reader(document.data(), document.size()).find(key, element))
        ADD_FAILURE() << key << " is missing";
    return element;
}

TEST(bson_reader, gives_back_what_the_writer_wrote) {
    const bytes document = every_type();
    EXPECT_TRUE(std::signbit(find(document, "double").as_double()));
    EXPECT_EQ(find(document, "string").as_string(), std::string_view("a\0b", 3));
    bson_reader nested = find(document, "document").nested();
    bson_element element;
    ASSERT_TRUE(nested.next(element));
    EXPECT_EQ(element.key, "x");
    EXPECT_EQ(element.as_int32(), 1);
    ASSERT_TRUE(nested.next(element));
    bson_reader array = element.nested();
    ASSERT_TRUE(array.next(element));
    EXPECT_EQ(element.key, "0");
    EXPECT_TRUE(element.is_null());
    EXPECT_FALSE(array.next(element));
    EXPECT_EQ(find(document, "binary").as_binary(), (bytes{1, 2, 3}));
    EXPECT_FALSE(find(document, "binary").is_uuid());
    EXPECT_EQ(find(document, "uuid").as_uuid().to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(find(document, "id").as_object_id().to_string(), "0123456789abcdef01234567");
    EXPECT_TRUE(find(document, "bool").as_bool());
    EXPECT_EQ(find(document, "date").as_millis(), -1);
    EXPECT_EQ(find(document, "date").as_datetime().time_since_epoch(),
              std::chrono::milliseconds(-1));
    EXPECT_TRUE(find(document, "null").is_null());
    EXPECT_EQ(find(document, "regex").regex_pattern(), "a.b");
    EXPECT_EQ(find(document, "regex").regex_options(), "im");
    EXPECT_EQ(find(document, "int32").as_int32(), std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(find(document, "timestamp").timestamp_seconds(), 7U);
    EXPECT_EQ(find(document, "timestamp").timestamp_increment(), 9U);
    EXPECT_EQ(find(document, "int64").as_int64(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(find(document, "decimal").as_decimal128(), realm::decimal128(5, 0x3040000000000000));
    EXPECT_EQ(find(document, "min").type, bson_type::min_key);
    EXPECT_EQ(find(document, "max").type, bson_type::max_key);
    EXPECT_FALSE(bson_reader(document.data(), document.size()).find("none", element));
}

TEST(bson_reader, another_type_than_asked_for_is_named) {
    const bytes document = every_type();
    try {
        static_cast<void>(find(document, "int32").as_string());
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "the value of 'int32' is not a string");
    }
    EXPECT_THROW(static_cast<void>(find(document, "int32").as_int64()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(find(document, "binary").as_uuid()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(find(document, "null").nested()), std::runtime_error);
}

TEST(bson_reader, date_beyond_the_clock_is_refused) {
    buffer out;
    bson_writer w(out);
    const auto mark = w.begin_document();
    w.append_datetime(key_view("past"), std::numeric_limits<std::int64_t>::min());
    w.append_datetime(key_view("future"), std::numeric_limits<std::int64_t>::max());
    w.append_datetime(key_view("last"), std::int64_t(9223372036854));
    w.end_document(mark);
    const bytes document(out.data(), out.data() + out.size());
    EXPECT_THROW(static_cast<void>(find(document, "past").as_datetime()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(find(document, "future").as_datetime()), std::runtime_error);
    EXPECT_EQ(find(document, "past").as_millis(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(find(document, "last").as_datetime().time_since_epoch(),
              std::chrono::milliseconds(9223372036854));
}

TEST(bson_reader, deprecated_types_are_stepped_over) {
    const char text[] =
        "\x4d\0\0\0"
        "\x06u\0"
        "\x0c"
        "p\0\2\0\0\0a\0"
        "012345678901"
        "\x0d"
        "c\0\2\0\0\0x\0"
        "\x0es\0\2\0\0\0y\0"
        "\x0fw\0\x11\0\0\0\3\0\0\0{}\0\5\0\0\0\0\0" // the last NUL is the padding of this one value
        "\x08z\0\1";
    bytes document(text, text + sizeof(text));
    document[4 + 3 + 3 + 6 + 12 + 3 + 6 + 3 + 6 + 3] = 0x11;
    document[0] = static_cast<std::uint8_t>(document.size());
    bson_reader reader(document.data(), document.size());
    std::string keys;
    for (bson_element element; reader.next(element);)
        keys += element.key;
    EXPECT_EQ(keys, "upcswz");
}

TEST(bson_reader, every_cut_is_refused) {
    const bytes whole = every_type();
    walk_exact(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_THROW(walk_exact(cut), std::runtime_error) << size;
        if (size < 5)
            continue;
        store_le(cut.data(), static_cast<std::int32_t>(
                                 size)); // now the outer size holds, and something inside does not
        cut.back() = 0;
        try {
            walk_exact(cut);
        } catch (const std::runtime_error&) {
        }
    }
}

TEST(bson_reader, sizes_that_lie_are_refused) {
    const auto one = [](std::string_view element) {
        bytes document(4);
        document.insert(document.end(), element.begin(), element.end());
        document.push_back(0);
        store_le(document.data(), static_cast<std::int32_t>(document.size()));
        return document;
    };
    using namespace std::string_view_literals;
    for (const auto element : {"\2k\0\0\0\0\0\0"sv,
                               "\2k\0\xff\xff\xff\xff\0"sv,
                               "\2k\0\xff\xff\xff\x7f\0"sv,
                               "\2k\0\2\0\0\0ab"sv,
                               "\2k\0\1\0\0"sv,
                               "\3k\0\4\0\0\0\0"sv,
                               "\3k\0\xff\0\0\0\0"sv,
                               "\3k\0\0\0\0\x80\0"sv,
                               "\4k\0\5\0\0\0\1"sv,
                               "\5k\0\4\0\0\0\0abc"sv,
                               "\5k\0\xff\xff\xff\xff\0"sv,
                               "\5k\0\xfb\xff\xff\x7f\0"sv,
                               "\7k\0shortshorts"sv,
                               "\x8k\0"sv,
                               "\xbk\0abc"sv,
                               "\xbk\0abc\0i"sv,
                               "\x10k\0\1\2\3"sv,
                               "\x12k\0\1\2\3\4\5\6\7"sv,
                               "\x13k\0\1"sv,
                               "\x14k\0"sv,
                               "\xak"sv,
                               "\xa"sv,
                               "\xck\0\1\0\0\0\0short"sv,
                               "\xfk\0\4\0\0\0"sv})
        EXPECT_THROW(walk_exact(one(element)), std::runtime_error)
            << testing::PrintToString(element);
    EXPECT_THROW(walk_exact({}), std::runtime_error);
    EXPECT_THROW(walk_exact({5, 0, 0, 0, 1}), std::runtime_error);
    EXPECT_THROW(walk_exact({4, 0, 0, 0, 0}), std::runtime_error);
    EXPECT_THROW(walk_exact({6, 0, 0, 0, 0}), std::runtime_error);
}

TEST(bson_reader, changed_bytes_are_read_or_refused_but_never_overrun) {
    const bytes whole = every_type();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const std::uint8_t value : {0x00, 0x01, 0x05, 0x7f, 0x80, 0xff}) {
            bytes changed = whole;
            changed[at] = value;
            try {
                walk_exact(changed);
            } catch (const std::runtime_error&) {
            }
        }
    }
    std::mt19937 random(1); // the same documents in every run
    for (int round = 0; round < 20000; ++round) {
        bytes changed = whole;
        for (int change = 0; change < 4; ++change)
            changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
        try {
            walk_exact(changed);
        } catch (const std::runtime_error&) {
        }
    }
}

} // namespace
