// realm::bsoncxx: kinds, documents, comparisons and Extended JSON.
#include <cpprealm/bson.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using realm::bsoncxx;
using type = realm::bsoncxx::type;
using realm::internal::arguments_to_ejson;
using realm::internal::bson_from_ejson;

// What user::call_function offers.
std::string chosen(const std::string&, const std::vector<bsoncxx>&) { return "values"; }
std::string chosen(const std::string&, const std::string&) { return "text"; }

const auto a_date =
    bsoncxx::date(std::chrono::system_clock::time_point(std::chrono::milliseconds(1700000000123)));
const realm::object_id an_id("0123456789abcdef01234567");
const realm::uuid a_uuid("01234567-89ab-cdef-0123-456789abcdef");

TEST(bson_value, knows_its_type) {
    EXPECT_EQ(bsoncxx().get_type(), type::b_null);
    EXPECT_EQ(bsoncxx(std::int32_t(1)).get_type(), type::b_int32);
    EXPECT_EQ(bsoncxx(std::int64_t(1)).get_type(), type::b_int64);
    EXPECT_EQ(bsoncxx(true).get_type(), type::b_bool);
    EXPECT_EQ(bsoncxx(1.0).get_type(), type::b_double);
    EXPECT_EQ(bsoncxx("text").get_type(), type::b_string);
    EXPECT_EQ(bsoncxx(std::string("text")).get_type(), type::b_string);
    EXPECT_EQ(bsoncxx(std::vector<std::uint8_t>{1}).get_type(), type::b_binary);
    EXPECT_EQ(bsoncxx(bsoncxx::timestamp(1, 2)).get_type(), type::b_timestamp);
    EXPECT_EQ(bsoncxx(a_date).get_type(), type::b_datetime);
    EXPECT_EQ(bsoncxx(an_id).get_type(), type::b_objectId);
    EXPECT_EQ(bsoncxx(realm::decimal128()).get_type(), type::b_decimal128);
    EXPECT_EQ(bsoncxx(bsoncxx::regular_expression()).get_type(), type::b_regular_expression);
    EXPECT_EQ(bsoncxx(bsoncxx::max_key()).get_type(), type::b_max_key);
    EXPECT_EQ(bsoncxx(bsoncxx::min_key()).get_type(), type::b_min_key);
    EXPECT_EQ(bsoncxx(bsoncxx::document()).get_type(), type::b_document);
    EXPECT_EQ(bsoncxx(bsoncxx::array()).get_type(), type::b_array);
    EXPECT_EQ(bsoncxx(a_uuid).get_type(), type::b_uuid);
}

TEST(bson_value, converts_to_what_it_holds) {
    const std::int32_t number = bsoncxx(7);
    EXPECT_EQ(number, 7);
    const std::string text = bsoncxx("text");
    EXPECT_EQ(text, "text");
    std::string assigned;
    assigned = bsoncxx("assigned");
    EXPECT_EQ(assigned, "assigned");
    EXPECT_EQ(static_cast<std::string>(bsoncxx("cast")), "cast");
    EXPECT_EQ(static_cast<realm::object_id>(bsoncxx(an_id)), an_id);
    EXPECT_EQ(static_cast<realm::uuid>(bsoncxx(a_uuid)), a_uuid);
    EXPECT_EQ(static_cast<realm::decimal128>(bsoncxx(realm::decimal128(1, 2))),
              realm::decimal128(1, 2));
    const realm::object_id copied = bsoncxx(an_id);
    EXPECT_EQ(copied, an_id);
    EXPECT_EQ(static_cast<bsoncxx::timestamp>(bsoncxx(bsoncxx::timestamp(1, 2))).get_increment(),
              2U);
    EXPECT_EQ(static_cast<bsoncxx::date>(bsoncxx(a_date)).get_date(), a_date.get_date());
    const std::nullopt_t nothing = bsoncxx();
    EXPECT_FALSE(std::optional<int>(nothing));
    EXPECT_TRUE(bsoncxx(true) ? true : false);
    const bsoncxx result = bsoncxx::array{bsoncxx::document{{"n", 1}}, "second"};
    bsoncxx::array items = result;
    bsoncxx::document first = items[0];
    EXPECT_TRUE(first["n"] == 1);
}

TEST(bson_value, conversion_to_another_type_throws_and_names_both) {
    const bsoncxx value(5);
    try {
        static_cast<void>(static_cast<std::string>(value));
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "a BSON value of type int32 was read as string");
    }
    EXPECT_THROW(static_cast<void>(static_cast<std::int64_t>(value)), std::runtime_error);
    EXPECT_THROW(static_cast<void>(static_cast<bsoncxx::document>(value)), std::runtime_error);
    EXPECT_THROW(static_cast<void>(static_cast<std::nullopt_t>(value)), std::runtime_error);
    EXPECT_THROW(static_cast<void>(static_cast<bool>(bsoncxx())), std::runtime_error);
    // None of these sizes is held, so none is offered.
    static_assert(!std::is_convertible_v<bsoncxx, char> && !std::is_convertible_v<bsoncxx, float> &&
                  !std::is_convertible_v<bsoncxx, unsigned>);
}

TEST(bson_value, values_of_different_types_differ) {
    EXPECT_EQ(bsoncxx(1), bsoncxx(1));
    EXPECT_NE(bsoncxx(1), bsoncxx(std::int64_t(1)));
    EXPECT_NE(bsoncxx(1), bsoncxx(2));
    EXPECT_EQ(bsoncxx(), bsoncxx());
    EXPECT_EQ(bsoncxx(bsoncxx::min_key()), bsoncxx(bsoncxx::min_key()));
    EXPECT_NE(bsoncxx(bsoncxx::min_key()), bsoncxx(bsoncxx::max_key()));
    EXPECT_EQ(bsoncxx(bsoncxx::timestamp(1, 2)), bsoncxx(bsoncxx::timestamp(1, 2)));
    EXPECT_NE(bsoncxx(bsoncxx::timestamp(1, 2)), bsoncxx(bsoncxx::timestamp(2, 1)));
    EXPECT_EQ(bsoncxx(a_date), bsoncxx(a_date));
    EXPECT_NE(bsoncxx(std::nan("")), bsoncxx(std::nan("")));
    EXPECT_EQ(bsoncxx(bsoncxx::array{1, "a"}), bsoncxx(bsoncxx::array{1, "a"}));
    EXPECT_NE(bsoncxx(bsoncxx::array{1, "a"}), bsoncxx(bsoncxx::array{"a", 1}));
}

TEST(bson_value, each_type_it_holds_compares_with_itself) {
    EXPECT_TRUE(bsoncxx::timestamp(1, 2) == bsoncxx::timestamp(1, 2));
    EXPECT_TRUE(bsoncxx::timestamp(1, 2) != bsoncxx::timestamp(1, 3));
    EXPECT_FALSE(bsoncxx::timestamp(1, 2) == bsoncxx::timestamp(2, 2));
    EXPECT_FALSE(bsoncxx::timestamp(1, 2) != bsoncxx::timestamp(1, 2));
    EXPECT_TRUE(a_date == a_date);
    EXPECT_TRUE(a_date != bsoncxx::date(a_date.get_date() + std::chrono::milliseconds(1)));
    EXPECT_TRUE(bsoncxx::min_key() == bsoncxx::min_key());
    EXPECT_FALSE(bsoncxx::min_key() != bsoncxx::min_key());
    EXPECT_TRUE(bsoncxx::max_key() == bsoncxx::max_key());
    EXPECT_FALSE(bsoncxx::max_key() != bsoncxx::max_key());
    EXPECT_TRUE(bsoncxx::regular_expression("a", "i") == bsoncxx::regular_expression("a", "i"));
    EXPECT_TRUE(bsoncxx::regular_expression("a", "i") != bsoncxx::regular_expression("a", "m"));
    EXPECT_TRUE(bsoncxx::array({1, "a"}) == bsoncxx::array({1, "a"}));
    EXPECT_TRUE(bsoncxx::array({1, "a"}) != bsoncxx::array({1, "b"}));
    EXPECT_TRUE(realm::decimal128("1.0") == realm::decimal128("1.0"));
    EXPECT_TRUE(an_id == realm::object_id("0123456789abcdef01234567"));
    EXPECT_TRUE(a_uuid != realm::uuid());
}

TEST(bson_value, each_type_it_holds_compares_with_a_value) {
    EXPECT_TRUE(bsoncxx(bsoncxx::timestamp(1, 2)) == bsoncxx::timestamp(1, 2));
    EXPECT_TRUE(bsoncxx::timestamp(1, 2) != bsoncxx(bsoncxx::timestamp(2, 2)));
    EXPECT_TRUE(bsoncxx(a_date) == a_date);
    EXPECT_TRUE(bsoncxx::min_key() == bsoncxx(bsoncxx::min_key()));
    EXPECT_TRUE(bsoncxx(bsoncxx::min_key()) != bsoncxx::max_key());
    EXPECT_TRUE(bsoncxx(1.5) == 1.5 && bsoncxx(true) == true && bsoncxx(2) != 3);
    EXPECT_TRUE(bsoncxx(std::int64_t(1)) == std::int64_t(1));
    EXPECT_TRUE(bsoncxx(std::vector<std::uint8_t>{1}) == std::vector<std::uint8_t>{1});
    EXPECT_TRUE(bsoncxx(realm::decimal128("1")) == realm::decimal128("1"));
    EXPECT_TRUE(bsoncxx(bsoncxx::regular_expression("a", "i")) ==
                bsoncxx::regular_expression("a", "i"));
    bsoncxx::document document{{"t", bsoncxx::timestamp(1, 2)}, {"d", a_date}};
    EXPECT_TRUE(document["t"] == bsoncxx::timestamp(1, 2));
    EXPECT_TRUE(document["d"] == a_date);
    EXPECT_TRUE(document["d"] != bsoncxx::max_key());
}

TEST(bson_value, takes_each_type_by_assignment) {
    bsoncxx value;
    value = "text";
    EXPECT_EQ(value.get_type(), type::b_string);
    value = 1;
    EXPECT_EQ(value.get_type(), type::b_int32);
    value = std::int64_t(1);
    EXPECT_EQ(value.get_type(), type::b_int64);
    value = true;
    EXPECT_EQ(value.get_type(), type::b_bool);
    value = 1.5;
    EXPECT_EQ(value.get_type(), type::b_double);
    value = a_date;
    EXPECT_EQ(value.get_type(), type::b_datetime);
    value = bsoncxx::timestamp(1, 2);
    EXPECT_EQ(value.get_type(), type::b_timestamp);
    value = bsoncxx::array{1, "two"};
    EXPECT_EQ(value.get_type(), type::b_array);
    value = bsoncxx::document{{"a", 1}};
    EXPECT_EQ(value.get_type(), type::b_document);
    value = bsoncxx();
    EXPECT_EQ(value.get_type(), type::b_null);
    EXPECT_EQ(bsoncxx(7).operator std::int32_t(), 7);
    EXPECT_EQ(bsoncxx(std::vector<bsoncxx>({{"one", 123, true}})).get_type(), type::b_array);
}

TEST(bson_value, compares_with_whatever_converts_to_it) {
    bsoncxx::document document{
        {"_id", an_id}, {"name", "john"}, {"n", 5}, {"u", a_uuid}, {"list", bsoncxx::array{1}}};
    EXPECT_TRUE(document["_id"] == an_id);
    EXPECT_TRUE(an_id == document["_id"]);
    EXPECT_TRUE(document["name"] == "john");
    EXPECT_TRUE("john" == document["name"]);
    EXPECT_TRUE(document["name"] == std::string("john"));
    EXPECT_TRUE(document["name"] != "paul");
    EXPECT_TRUE(document["n"] == 5);
    EXPECT_TRUE(document["u"] == a_uuid);
    EXPECT_TRUE(document["n"] == document["n"]);
    EXPECT_TRUE(document["n"] != document["name"]);
    EXPECT_TRUE(document["n"] == bsoncxx(5));
    EXPECT_TRUE(bsoncxx(5) == document["n"]);
    EXPECT_TRUE(document["list"] == bsoncxx::array{1});
    EXPECT_TRUE(bsoncxx(an_id) == an_id && a_uuid == bsoncxx(a_uuid) && bsoncxx("x") == "x" &&
                5 == bsoncxx(5));
    EXPECT_TRUE(bsoncxx(document) == document);
    std::optional<bsoncxx::document> result = document;
    EXPECT_TRUE((*result)["name"] == "john");
}

TEST(bson_document, keeps_the_order_of_insertion_and_compares_without_it) {
    bsoncxx::document document({{"z", 1}, {"a", 2}});
    document.insert("m", 3);
    document["b"] = "four";
    std::string keys;
    for (auto [key, value] : document)
        keys += key;
    EXPECT_EQ(keys, "zamb");
    EXPECT_EQ(document.size(), 4U);
    EXPECT_FALSE(document.empty());
    const bsoncxx::document turned{{"b", "four"}, {"m", 3}, {"a", 2}, {"z", 1}};
    EXPECT_TRUE(document == turned);
    EXPECT_TRUE(document != bsoncxx::document());
    EXPECT_TRUE((bsoncxx::document{{"a", 1}} != bsoncxx::document{{"b", 1}}));
    EXPECT_TRUE((bsoncxx::document{{"a", 1}} != bsoncxx::document{{"a", 2}}));
}

TEST(bson_document, key_given_twice_keeps_its_place_and_the_later_value) {
    bsoncxx::document document{{"a", 1}, {"b", 2}, {"a", 3}};
    EXPECT_EQ(document.size(), 2U);
    EXPECT_EQ((*document.begin()).first, "a");
    EXPECT_TRUE(document["a"] == 3);
}

TEST(bson_document, gives_up_its_last_pair) {
    bsoncxx::document document{{"a", 1}, {"b", 2}};
    document.pop_back();
    EXPECT_EQ(document.size(), 1U);
    EXPECT_TRUE(document["a"] == 1);
    document.pop_back();
    EXPECT_TRUE(document.empty());
    EXPECT_THROW(document.pop_back(), std::out_of_range);
}

TEST(bson_document, missing_key_reads_null_and_is_inserted) {
    bsoncxx::document document;
    EXPECT_TRUE(document.empty());
    EXPECT_TRUE(document["missing"] == bsoncxx());
    EXPECT_EQ(document.size(), 1U);
    document["copy"] = document["missing"];
    document["copy"] = 1;
    document["missing"] = document["copy"];
    EXPECT_TRUE(document["missing"] == 1);
    EXPECT_EQ(document["missing"].key, "missing");
}

TEST(bson_document, iterator_goes_both_ways) {
    bsoncxx::document document{{"a", 1}, {"b", 2}};
    auto at = document.begin();
    ++at;
    EXPECT_EQ((*at).first, "b");
    --at;
    EXPECT_EQ((*at).first, "a");
    at++;
    at--;
    EXPECT_TRUE(at == document.begin());
    EXPECT_TRUE(at != document.end());
    EXPECT_THROW(static_cast<void>(*document.end()), std::out_of_range);
}

TEST(bson_regular_expression, knows_its_options) {
    using option = bsoncxx::regular_expression::option;
    const bsoncxx::regular_expression by_text("a.b", "mi");
    const bsoncxx::regular_expression by_option("a.b", option::ignore_case | option::multiline);
    EXPECT_TRUE(by_text == by_option);
    EXPECT_TRUE(by_text != bsoncxx::regular_expression());
    EXPECT_EQ(by_text.get_options() & option::multiline, option::multiline);
    EXPECT_EQ(by_text.get_options() & option::dotall, option::none);
    EXPECT_EQ(by_text.get_pattern(), "a.b");
    try {
        bsoncxx::regular_expression("a", "q");
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "invalid regex option type");
    }
}

TEST(bson_json, is_canonical) {
    const auto json = [](const bsoncxx& value) { return value.to_string(); };
    EXPECT_EQ(json(5), R"({"$numberInt":"5"})");
    EXPECT_EQ(json(std::int64_t(5)), R"({"$numberLong":"5"})");
    EXPECT_EQ(json(1.5), R"({"$numberDouble":"1.5"})");
    EXPECT_EQ(json(std::numeric_limits<double>::infinity()), R"({"$numberDouble":"Infinity"})");
    EXPECT_EQ(json(true), "true");
    EXPECT_EQ(json(bsoncxx()), "null");
    EXPECT_EQ(json("a\"\n"), R"("a\"\n")");
    EXPECT_EQ(json(a_date), R"({"$date":{"$numberLong":"1700000000123"}})");
    EXPECT_EQ(json(std::vector<std::uint8_t>{1, 2}),
              R"({"$binary":{"base64":"AQI=","subType":"00"}})");
    EXPECT_EQ(json(a_uuid), R"({"$binary":{"base64":"ASNFZ4mrze8BI0VniavN7w==","subType":"04"}})");
    EXPECT_EQ(json(an_id), R"({"$oid":"0123456789abcdef01234567"})");
    EXPECT_EQ(json(realm::decimal128("1.50")), R"({"$numberDecimal":"1.50"})");
    EXPECT_EQ(json(bsoncxx::timestamp(1, 2)), R"({"$timestamp":{"t":1,"i":2}})");
    EXPECT_EQ(json(bsoncxx::min_key()), R"({"$minKey":1})");
    EXPECT_EQ(json(bsoncxx::max_key()), R"({"$maxKey":1})");
    EXPECT_EQ(json(bsoncxx::regular_expression("a.b", "mi")),
              R"({"$regularExpression":{"pattern":"a.b","options":"im"}})");
    EXPECT_EQ(json(bsoncxx::document{{"z", 1}, {"a", bsoncxx::array{}}}),
              R"({"z":{"$numberInt":"1"},"a":[]})");
    EXPECT_EQ(bsoncxx(5).to_json(), bsoncxx(5).to_string());
}

TEST(bson_json, what_is_not_utf8_has_no_json) {
    EXPECT_THROW(static_cast<void>(bsoncxx("\xff").to_json()), std::runtime_error);
    EXPECT_THROW(
        static_cast<void>(bsoncxx(bsoncxx::document{{std::string("a\0b", 3), 1}}).to_json()),
        std::invalid_argument);
}

TEST(bson_json, comes_back_as_the_same_value) {
    const bsoncxx everything = bsoncxx::document{
        {"null", bsoncxx()},
        {"int32", std::numeric_limits<std::int32_t>::min()},
        {"int64", std::numeric_limits<std::int64_t>::max()},
        {"bool", false},
        {"double", 0.1},
        {"string", "größe 東京"},
        {"binary", std::vector<std::uint8_t>{0, 255}},
        {"timestamp", bsoncxx::timestamp(4294967295U, 1)},
        {"date", a_date},
        {"id", an_id},
        {"decimal", realm::decimal128("-1.50")},
        {"regex", bsoncxx::regular_expression("a/b", "imsx")},
        {"max", bsoncxx::max_key()},
        {"min", bsoncxx::min_key()},
        {"document", bsoncxx::document{{"b", 1}, {"a", 2}}},
        {"array", bsoncxx::array{1, bsoncxx::array{}, bsoncxx::document{}}},
        {"uuid", a_uuid},
    };
    const bsoncxx back = bson_from_ejson(everything.to_json());
    EXPECT_TRUE(back == everything) << back.to_json();
    EXPECT_EQ(back.to_json(), everything.to_json());
}

TEST(bson_json, any_json_value_is_read) {
    EXPECT_TRUE(bson_from_ejson(" 5 ") == 5);
    EXPECT_TRUE(bson_from_ejson("null") == bsoncxx());
    EXPECT_TRUE(bson_from_ejson(R"("text")") == "text");
    EXPECT_TRUE(bson_from_ejson("[1.5]") == bsoncxx::array{1.5});
    EXPECT_TRUE(bson_from_ejson(R"({"a":{"$oid":"0123456789abcdef01234567"}})") ==
                (bsoncxx::document{{"a", an_id}}));
}

TEST(bson_json, what_is_no_json_is_refused) {
    for (const char* text :
         {"", "{", "{\"a\":}", "nothing", "\xff", "{\"$oid\":\"short\"}", "[1]]"})
        EXPECT_THROW(static_cast<void>(bson_from_ejson(text)), std::runtime_error) << text;
    EXPECT_THROW(static_cast<void>(bson_from_ejson(std::string(100000, '['))), std::runtime_error);
}

TEST(bson_call, braces_around_a_document_are_a_list_of_arguments) {
    EXPECT_EQ(chosen("f", {bsoncxx::document({{"name", "john"}})}), "values");
    EXPECT_EQ(chosen("f", {bsoncxx(1), "two", 3.0}), "values");
    EXPECT_EQ(chosen("f", "[]"), "text");
    EXPECT_EQ(arguments_to_ejson({bsoncxx::document({{"name", "john"}})}), R"([{"name":"john"}])");
    EXPECT_EQ(arguments_to_ejson({}), "[]");
    EXPECT_EQ(arguments_to_ejson({1, "two"}), R"([{"$numberInt":"1"},"two"])");
}

} // namespace
