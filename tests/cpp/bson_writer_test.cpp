// The encoder's bytes, against bytes written by hand from bsonspec.org.
#include <cpprealm/internal/bson_writer.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace realm::internal;
using namespace std::chrono_literals;
using bytes = std::vector<std::uint8_t>;
using time = std::chrono::time_point<std::chrono::system_clock>;

constexpr fixed_key k = "k";
constexpr fixed_key early = "deviceId";
constexpr fixed_key none = "";

/// The bytes of one element, of a document that has no other.
template <typename Append>
bytes element(Append&& append) {
    buffer out;
    bson_writer writer(out);
    const auto mark = writer.begin_document();
    append(writer);
    writer.end_document(mark);
    EXPECT_EQ(load_le<std::int32_t>(out.data()), static_cast<std::int32_t>(out.size()));
    EXPECT_EQ(out.data()[out.size() - 1], 0);
    return {out.data() + 4, out.data() + out.size() - 1};
}

bytes operator""_b(const char* text, std::size_t size) {
    return {reinterpret_cast<const std::uint8_t*>(text),
            reinterpret_cast<const std::uint8_t*>(text) + size};
}

TEST(bson_writer, empty_document_has_five_bytes) {
    buffer out;
    bson_writer writer(out);
    writer.end_document(writer.begin_document());
    EXPECT_EQ(bytes(out.data(), out.data() + out.size()), "\5\0\0\0\0"_b);
}

TEST(bson_writer, each_type_is_spelled_as_the_specification_says) {
    EXPECT_EQ(element([](auto& w) { w.append_double(k, 1.5); }), "\1k\0\0\0\0\0\0\0\xf8\x3f"_b);
    EXPECT_EQ(element([](auto& w) { w.append_string(k, "h\xc3\xa9"); }),
              "\2k\0\4\0\0\0h\xc3\xa9\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_string(k, ""); }), "\2k\0\1\0\0\0\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_string(k, std::string_view("a\0b", 3)); }),
              "\2k\0\4\0\0\0a\0b\0"_b);
    EXPECT_EQ(element([](auto& w) { w.end_document(w.begin_document(k)); }), "\3k\0\5\0\0\0\0"_b);
    EXPECT_EQ(element([](auto& w) { w.end_array(w.begin_array(k)); }), "\4k\0\5\0\0\0\0"_b);
    const std::uint8_t data[] = {1, 0, 255};
    EXPECT_EQ(element([&](auto& w) { w.append_binary(k, data, 3); }), "\5k\0\3\0\0\0\0\1\0\xff"_b);
    EXPECT_EQ(element([](auto& w) { w.append_binary(k, nullptr, 0); }), "\5k\0\0\0\0\0\0"_b);
    EXPECT_EQ(element([](auto& w) {
                  w.append_uuid(k, realm::uuid("01020304-0506-0708-090a-0b0c0d0e0f10"));
              }),
              "\5k\0\x10\0\0\0\4\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"_b);
    EXPECT_EQ(element([](auto& w) {
                  w.append_object_id(k, realm::object_id("0102030405060708090a0b0c"));
              }),
              "\7k\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc"_b);
    EXPECT_EQ(element([](auto& w) { w.append_bool(k, true); }), "\x8k\0\1"_b);
    EXPECT_EQ(element([](auto& w) { w.append_bool(k, false); }), "\x8k\0\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_datetime(k, std::int64_t(-1)); }),
              "\x9k\0\xff\xff\xff\xff\xff\xff\xff\xff"_b);
    EXPECT_EQ(element([](auto& w) { w.append_null(k); }), "\xak\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_regex(k, "a.b", "im"); }), "\xbk\0a.b\0im\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_int32(k, -2); }), "\x10k\0\xfe\xff\xff\xff"_b);
    EXPECT_EQ(element([](auto& w) { w.append_timestamp(k, 1, 2); }), "\x11k\0\2\0\0\0\1\0\0\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_int64(k, std::numeric_limits<std::int64_t>::min()); }),
              "\x12k\0\0\0\0\0\0\0\0\x80"_b);
    EXPECT_EQ(
        element([](auto& w) { w.append_decimal128(k, realm::decimal128(1, 0x3040000000000000)); }),
        "\x13k\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\x30"_b);
    EXPECT_EQ(element([](auto& w) { w.append_min_key(k); }), "\xffk\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_max_key(k); }), "\x7fk\0"_b);
}

TEST(bson_writer, documents_nest_with_their_own_sizes) {
    EXPECT_EQ(element([](auto& w) {
                  const auto outer = w.begin_document(k);
                  const auto inner = w.begin_array(key_view("in"));
                  w.append_bool(index_key(), true);
                  w.end_array(inner);
                  w.end_document(outer);
              }),
              "\3k\0\x12\0\0\0\4in\0\x9\0\0\0\x8"
              "0\0\1\0\0"_b);
    const auto ready = "\5\0\0\0\0"_b;
    EXPECT_EQ(element([&](auto& w) { w.append_document(k, ready.data(), ready.size()); }),
              "\3k\0\5\0\0\0\0"_b);
}

TEST(bson_writer, keys_known_early_and_late_are_written_alike) {
    EXPECT_EQ(element([](auto& w) { w.append_null(early); }),
              element([](auto& w) { w.append_null(key_view(std::string("deviceId"))); }));
    EXPECT_EQ(element([](auto& w) { w.append_null(none); }), "\xa\0"_b);
    EXPECT_EQ(element([](auto& w) { w.append_null(key_view("")); }), "\xa\0"_b);
}

TEST(bson_writer, key_with_nul_is_refused_and_nothing_is_written) {
    buffer out;
    bson_writer writer(out);
    EXPECT_THROW(writer.append_null(key_view(std::string_view("a\0b", 3))), std::invalid_argument);
    EXPECT_THROW(writer.append_regex(k, std::string_view("a\0", 2), ""), std::invalid_argument);
    EXPECT_TRUE(out.empty());
}

TEST(bson_writer, index_keys_count_in_decimal) {
    index_key index;
    for (int i = 0; i < 100001; ++i, ++index)
        ASSERT_EQ(index.text(), std::to_string(i));
}

TEST(bson_writer, dates_are_cut_to_milliseconds_towards_1970) {
    const auto millis = [](std::chrono::nanoseconds since) {
        return to_millis(time(std::chrono::duration_cast<time::duration>(since)));
    };
    EXPECT_EQ(millis(1999999ns), 1);
    EXPECT_EQ(millis(999999ns), 0);
    EXPECT_EQ(millis(-999999ns), 0);
    EXPECT_EQ(millis(-1999999ns), -1);
    EXPECT_EQ(millis(std::chrono::nanoseconds::max()), 9223372036854);
    EXPECT_EQ(millis(std::chrono::nanoseconds::min()), -9223372036854);
    EXPECT_EQ(
        to_millis(std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(-2s)),
        -2000);
}

template <typename Duration>
bool is_refused(Duration since) {
    try {
        static_cast<void>(
            to_millis(std::chrono::time_point<std::chrono::system_clock, Duration>(since)));
        return false;
    } catch (const std::overflow_error&) {
        return true;
    }
}

TEST(bson_writer, dates_beyond_64_bits_of_milliseconds_are_refused_and_never_another_date) {
    using namespace std::chrono;
    using days = duration<std::int64_t, std::ratio<86400>>;
    using thirds = duration<std::int64_t, std::ratio<1, 3>>;
    EXPECT_TRUE(is_refused(seconds::max()));
    EXPECT_TRUE(is_refused(seconds::min()));
    EXPECT_TRUE(is_refused(duration<std::int64_t, std::ratio<60>>::max()));
    EXPECT_TRUE(is_refused(duration<std::int64_t, std::ratio<3600>>::max()));
    EXPECT_TRUE(is_refused(days::min()));
    EXPECT_TRUE(is_refused(thirds::max()));
    EXPECT_TRUE(is_refused(duration<double>(1e300)));
    EXPECT_TRUE(is_refused(duration<double>(std::numeric_limits<double>::quiet_NaN())));
    EXPECT_TRUE(is_refused(duration<std::uint64_t, std::milli>::max()));

    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
    EXPECT_TRUE(is_refused(seconds(last / 1000 + 1)));
    EXPECT_FALSE(is_refused(seconds(last / 1000)));
    EXPECT_FALSE(is_refused(seconds(-(last / 1000))));
    EXPECT_FALSE(is_refused(milliseconds::max()));
    EXPECT_FALSE(is_refused(milliseconds::min()));
    EXPECT_FALSE(is_refused(microseconds::min()));
    EXPECT_FALSE(is_refused(nanoseconds::max()));
    EXPECT_FALSE(is_refused(hours(24 * 365 * 8000)));
    EXPECT_FALSE(is_refused(thirds(7)));
    EXPECT_FALSE(is_refused(duration<double>(1.5)));
    EXPECT_FALSE(is_refused(duration<std::uint64_t, std::micro>::max()));
    EXPECT_EQ(to_millis(time_point<system_clock, seconds>(seconds(last / 1000))),
              last / 1000 * 1000);
}

TEST(bson_writer, grows_over_many_elements) {
    buffer out;
    bson_writer writer(out);
    const std::string text(1000, 'x');
    const auto mark = writer.begin_document();
    for (index_key index; index.text() != "5000"; ++index)
        writer.append_string(index, text);
    writer.end_document(mark);
    EXPECT_EQ(out.size(), 5U + 5000U * (1 + 1 + 4 + 1001) + 10U + 90U * 2 + 900U * 3 + 4000U * 4);
}

TEST(byte_buffer, keeps_its_memory_when_cleared_and_gives_it_back_when_released) {
    buffer out;
    out.append("abc", 3);
    const auto capacity = out.capacity();
    out.clear();
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(out.capacity(), capacity);
    out.release();
    EXPECT_EQ(out.capacity(), 0U);
    out.append(nullptr, 0);
    EXPECT_EQ(out.size(), 0U);
}

TEST(byte_buffer, replaces_a_range_by_a_longer_shorter_or_equal_one) {
    const auto text = [](const buffer& from) {
        return std::string(reinterpret_cast<const char*>(from.data()), from.size());
    };
    buffer out;
    out.append("0123456789", 10);
    out.replace(2, 3, "abc", 3);
    EXPECT_EQ(text(out), "01abc56789");
    out.replace(2, 3, "", 0);
    EXPECT_EQ(text(out), "0156789");
    const std::string longer(3000, 'y');
    out.replace(7, 0, longer.data(), longer.size());
    EXPECT_EQ(text(out), "0156789" + longer);
    out.replace(0, 7, "<>", 2);
    EXPECT_EQ(text(out), "<>" + longer);
    EXPECT_THROW(out.replace(3000, 3, "", 0), std::out_of_range);
    EXPECT_THROW(out.replace(4000, 0, "", 0), std::out_of_range);
    out.truncate(1);
    EXPECT_EQ(text(out), "<");
    buffer moved = std::move(out);
    EXPECT_EQ(text(moved), "<");
}

TEST(byte_buffer, refuses_more_than_memory_can_be) {
    buffer out;
    EXPECT_THROW(out.reserve(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
    out.append("a", 1);
    EXPECT_THROW(out.reserve(static_cast<std::size_t>(PTRDIFF_MAX)), std::bad_alloc);
    EXPECT_EQ(out.size(), 1U);
}

} // namespace
