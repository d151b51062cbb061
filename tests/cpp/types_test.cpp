// uuid, object_id, decimal128, mixed and primary_key as values.
#include <cpprealm/managed_primary_key.hpp>
#include <cpprealm/types.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <variant>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using realm::decimal128;
using realm::object_id;
using realm::primary_key;
using realm::uuid;

template <typename Call>
std::string what_is_thrown(Call&& call) {
    try {
        call();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "nothing was thrown";
}

TEST(uuid_value, is_zero_by_default) {
    EXPECT_EQ(uuid().to_string(), "00000000-0000-0000-0000-000000000000");
    EXPECT_EQ(uuid().to_bytes(), (std::array<std::uint8_t, 16>{}));
}

TEST(uuid_value, reads_either_case_and_prints_lower_case) {
    const uuid value("01234567-89AB-cdef-0123-456789ABCDEF");
    EXPECT_EQ(value.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(value,
              uuid(std::array<std::uint8_t, 16>{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}));
    EXPECT_EQ(value.to_base64(), "ASNFZ4mrze8BI0VniavN7w==");
}

TEST(uuid_value, refuses_other_text_with_realms_words) {
    EXPECT_EQ(what_is_thrown([] { uuid("zz"); }),
              "Invalid string format encountered when constructing a UUID: 'zz'.");
    for (const char* text :
         {"", "01234567-89ab-cdef-0123-456789abcde", "01234567-89ab-cdef-0123-456789abcdef0",
          "0123456789-ab-cdef-0123-456789abcdef", "g1234567-89ab-cdef-0123-456789abcdef",
          "01234567089ab-cdef-0123-456789abcdef", "{1234567-89ab-cdef-0123-456789abcde}"})
        EXPECT_THROW(uuid{std::string(text)}, std::invalid_argument) << text;
}

TEST(object_id_value, is_zero_by_default_and_prints_lower_case) {
    EXPECT_EQ(object_id().to_string(), "000000000000000000000000");
    EXPECT_EQ(object_id("0123456789ABCDEFabcdef01").to_string(), "0123456789abcdefabcdef01");
}

TEST(object_id_value, refuses_what_is_not_24_digits) {
    EXPECT_EQ(what_is_thrown([] { object_id("zz"); }),
              "Invalid string format encountered when constructing an ObjectId: 'zz'.");
    for (const char* text :
         {"", "0123456789abcdef0123456", "0123456789abcdef012345678", "0123456789abcdef0123456x",
          "0x23456789abcdef01234567", "+123456789abcdef01234567"})
        EXPECT_THROW(object_id{std::string(text)}, std::invalid_argument) << text;
}

TEST(object_id_value, generated_ids_begin_with_the_time_in_seconds) {
    const auto before = static_cast<std::uint64_t>(std::time(nullptr));
    const auto seconds = std::stoull(object_id::generate().to_string().substr(0, 8), nullptr, 16);
    const auto after = static_cast<std::uint64_t>(std::time(nullptr));
    EXPECT_LE(before, seconds);
    EXPECT_LE(seconds, after);
}

TEST(object_id_value, ids_of_one_thread_grow) {
    object_id last = object_id::generate();
    const std::string first = last.to_string();
    for (int i = 0; i < 1000; ++i) {
        const object_id next = object_id::generate();
        // The eight bytes after the seconds start anywhere and may pass zero once in 2^64 ids.
        if (next.to_string().substr(8) == "0000000000000000")
            return;
        EXPECT_LT(last, next);
        last = next;
    }
    EXPECT_EQ(last.to_string().size(), 24U);
    EXPECT_NE(last.to_string(), first);
}

TEST(object_id_value, ids_of_many_threads_are_distinct) {
    constexpr std::size_t threads = 8;
    constexpr std::size_t each = 20000;
    std::vector<std::vector<object_id>> made(threads);
    std::vector<std::thread> running;
    for (auto& ids : made) {
        running.emplace_back([&ids] {
            for (std::size_t i = 0; i < each; ++i)
                ids.push_back(object_id::generate());
        });
    }
    for (auto& thread : running)
        thread.join();
    std::set<object_id> all;
    for (const auto& ids : made)
        all.insert(ids.begin(), ids.end());
    EXPECT_EQ(all.size(), threads * each);
}

TEST(object_id_value, forked_child_makes_other_ids_than_its_parent) {
    static_cast<void>(object_id::generate());
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        for (int i = 0; i < 100; ++i) {
            const auto bytes = object_id::generate().to_bytes();
            if (write(ends[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    std::set<std::array<std::uint8_t, 12>> ids;
    for (int i = 0; i < 100; ++i)
        ids.insert(object_id::generate().to_bytes());
    for (std::array<std::uint8_t, 12> bytes; read(ends[0], bytes.data(), bytes.size()) == 12;)
        ids.insert(bytes);
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(ids.size(), 200U);
    std::set<std::string>
        without_time; // also in another second the numbers must not be the parent's
    for (const auto& id : ids)
        without_time.insert(object_id(id).to_string().substr(8));
    EXPECT_EQ(without_time.size(), 200U);
}

TEST(decimal_value, is_zero_by_default) {
    EXPECT_EQ(decimal128().to_string(), "0");
    decimal128 indeterminate;
    EXPECT_EQ(indeterminate, decimal128("0"));
}

TEST(decimal_value, keeps_the_digits_of_its_text) {
    for (const char* text :
         {"1.50", "-0", "0.000", "1E-6176", "-12345678901234567890.12345678901234", "Infinity",
          "-Infinity", "9.999999999999999999999999999999999E+6144"})
        EXPECT_EQ(decimal128(text).to_string(), text);
    EXPECT_NE(decimal128("1.0"), decimal128("1.00"));
}

TEST(decimal_value, text_that_is_no_number_is_nan) {
    for (const char* text : {"", "abc", "1.2.3", "1,5", "\xff", "1e", "ü", "NaN"})
        EXPECT_TRUE(decimal128(text).is_NaN()) << text;
    EXPECT_TRUE(decimal128(std::string("1\0", 2)).is_NaN());
    for (const char* text : {"0", "1E+6144", "Infinity", "-Infinity"})
        EXPECT_FALSE(decimal128(text).is_NaN()) << text;
}

TEST(decimal_value, a_double_gives_the_digits_it_has_or_fifteen) {
    EXPECT_EQ(decimal128(20).to_string(), "20");
    EXPECT_EQ(decimal128(-15).to_string(), "-15");
    EXPECT_EQ(decimal128(2.5).to_string(), "2.5");
    EXPECT_EQ(decimal128(2.5), decimal128("2.5"));
    EXPECT_EQ(decimal128(123.456).to_string(), "123.456000000000");
    EXPECT_TRUE(decimal128(std::nan("")).is_NaN());
    EXPECT_EQ(decimal128(-std::numeric_limits<double>::infinity()).to_string(), "-Infinity");
}

TEST(decimal_value, calculates_also_when_const) {
    const decimal128 a("1.5");
    const decimal128 b("0.25");
    EXPECT_EQ((a + b).to_string(), "1.75");
    EXPECT_EQ((a - b).to_string(), "1.25");
    EXPECT_EQ((a * b).to_string(), "0.375");
    EXPECT_EQ((a / b).to_string(), "6");
    decimal128 sum;
    (((sum += a) -= b) *= decimal128("4")) /= decimal128("2");
    EXPECT_EQ(sum, decimal128("2.50")) << sum.to_string();
}

TEST(decimal_value, sums_of_whole_numbers_are_whole) {
    decimal128 sum(10);
    sum += decimal128(20);
    EXPECT_EQ(sum.to_string(), "30");
    EXPECT_EQ((decimal128(10) / decimal128(4)).to_string(), "2.5");
    EXPECT_EQ((decimal128(2.5) / decimal128(2.5)).to_string(), "1");
    EXPECT_EQ((decimal128(12) * decimal128(-2)).to_string(), "-24");
    EXPECT_EQ((decimal128(15) - decimal128(-15)).to_string(), "30");
}

TEST(decimal_value, order_is_by_value_and_nan_comes_first) {
    EXPECT_LT(decimal128("-Infinity"), decimal128("-1"));
    EXPECT_LT(decimal128("9"), decimal128("10"));
    EXPECT_LT(decimal128("1E-6176"), decimal128("1E+6144"));
    EXPECT_FALSE(decimal128("1.0") < decimal128("1.00"));
    EXPECT_LE(decimal128("1.0"), decimal128("1.00"));
    EXPECT_LT(decimal128("NaN"), decimal128("-Infinity"));
    EXPECT_FALSE(decimal128("NaN") < decimal128("NaN"));
    EXPECT_GT(decimal128("2"), decimal128("1.99"));
    EXPECT_GE(decimal128("2"), decimal128("2"));
    const std::set<decimal128> ordered{decimal128("2"), decimal128("NaN"), decimal128("-1"),
                                       decimal128("NaN")};
    EXPECT_EQ(ordered.size(), 3U);
    EXPECT_TRUE(ordered.begin()->is_NaN());
}

TEST(value_order, has_all_six_operators) {
    const uuid low;
    const uuid high("ffffffff-ffff-ffff-ffff-ffffffffffff");
    EXPECT_TRUE(low < high && high > low && low <= high && high >= low && low != high &&
                !(low == high));
    const object_id first;
    const object_id last("ffffffffffffffffffffffff");
    EXPECT_TRUE(first < last && last > first && first <= last && last >= first && first != last &&
                !(first == last));
}

TEST(mixed_value, holds_its_ten_kinds_and_null_by_default) {
    EXPECT_EQ(std::variant_size_v<realm::mixed>, 10U);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(realm::mixed()));
    realm::mixed value = std::string("text");
    EXPECT_EQ(std::get<std::string>(value), "text");
    value = decimal128("1.10");
    EXPECT_TRUE(value == realm::mixed(decimal128("1.10")));
    const std::map<std::string, realm::mixed> tags{{"id", object_id()}, {"n", std::int64_t(1)}};
    EXPECT_EQ(std::get<std::int64_t>(tags.at("n")), 1);
}

TEST(mixed_value, a_variant_of_ones_own_counts_if_it_holds_all_ten) {
    using time = std::chrono::time_point<std::chrono::system_clock>;
    using bytes = std::vector<std::uint8_t>;
    using turned = std::variant<decimal128, object_id, uuid, time, bytes, double, std::string, bool,
                                std::int64_t, std::monostate>;
    using wider = std::variant<int, std::monostate, std::int64_t, bool, std::string, double, bytes,
                               time, uuid, object_id, decimal128>;
    using narrower = std::variant<std::monostate, std::int64_t, bool, std::string, double, bytes,
                                  time, uuid, object_id>;
    static_assert(realm::internal::is_mixed_v<realm::mixed>);
    static_assert(realm::internal::is_mixed_v<turned>);
    static_assert(realm::internal::is_mixed_v<wider>);
    static_assert(!realm::internal::is_mixed_v<narrower>);
    static_assert(!realm::internal::is_mixed_v<std::string>);
}

enum class Colour { red = 1, green };
struct Reading {
    primary_key<object_id> _id{object_id::generate()};
    std::string deviceId;
    double temperature = 0;
};

TEST(primary_key_value, leaves_its_owner_an_aggregate_with_an_id_each) {
    static_assert(std::is_aggregate_v<Reading>);
    const Reading one{};
    const Reading two{};
    EXPECT_NE(one._id.value, two._id.value);
    const object_id id("0123456789abcdef01234567");
    Reading three{id, "A1", 1.5};
    EXPECT_EQ(three._id.value, id);
    EXPECT_TRUE(three._id == id);
    const object_id copy = three._id;
    EXPECT_EQ(copy, id);
    three._id = object_id();
    EXPECT_EQ(three._id.value, object_id());
}

TEST(primary_key_value, is_initialised_and_takes_what_its_type_takes) {
    primary_key<std::int64_t> number;
    EXPECT_EQ(number.value, 0);
    number = 5;
    number = 6U;
    number = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(static_cast<std::int64_t>(number), std::numeric_limits<std::int64_t>::max());

    primary_key<std::string> text = "literal";
    text = std::string("string");
    EXPECT_EQ(text.value, "string");
    EXPECT_EQ(static_cast<std::string>(text), "string");

    EXPECT_EQ(primary_key<uuid>().value, uuid());
    EXPECT_EQ(primary_key<Colour>(Colour::green).value, Colour::green);

    primary_key<std::optional<std::int64_t>> maybe_number;
    EXPECT_FALSE(maybe_number.value);
    maybe_number = 7;
    EXPECT_EQ(maybe_number.value, 7);
    maybe_number = std::nullopt;
    EXPECT_FALSE(maybe_number.value);
    maybe_number = std::optional<std::int64_t>(8);
    EXPECT_EQ(maybe_number.value, 8);

    primary_key<std::optional<std::string>> maybe_text = "x";
    EXPECT_EQ(maybe_text.value, "x");
    maybe_text = std::nullopt;
    maybe_text = std::string("y");
    EXPECT_EQ(maybe_text.value, "y");

    primary_key<std::optional<object_id>> maybe_id = object_id();
    EXPECT_TRUE(maybe_id.value);
    const std::optional<object_id> back = maybe_id;
    EXPECT_TRUE(back);
    primary_key<std::optional<Colour>> maybe_colour;
    EXPECT_FALSE(maybe_colour.value);
    maybe_colour = Colour::red;
    EXPECT_EQ(maybe_colour.value, Colour::red);
}

} // namespace
