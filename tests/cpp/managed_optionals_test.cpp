// Optional and mixed properties of managed objects, type by type.
#include "write_session.hpp"

#include <cstdint>

#include <gtest/gtest.h>

namespace {

using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;
using realm::decimal128;
using realm::internal::bridge::data_type;
using namespace std::chrono_literals;

enum class Kind { one, two };

struct Maybe {
    realm::primary_key<std::optional<std::int64_t>> _id = 7;
    std::optional<std::int64_t> number;
    std::optional<double> real;
    std::optional<bool> flag;
    std::optional<std::string> text;
    std::optional<Kind> kind;
    std::optional<date> at;
    std::optional<realm::uuid> uid;
    std::optional<realm::object_id> oid;
    std::optional<decimal128> decimal;
    std::optional<bytes> binary;
    realm::mixed any;
    realm::mixed other;
    std::int64_t plain = 0;
    std::map<std::string, std::optional<bytes>> binaries;
    std::map<std::string, std::optional<date>> dates;
    std::map<std::string, std::optional<decimal128>> decimals;
    std::map<std::string, realm::mixed> anys;
};
REALM_ASYMMETRIC_SCHEMA(Maybe, _id, number, real, flag, text, kind, at, uid, oid, decimal, binary,
                        any, other, plain, binaries, dates, decimals, anys)

class managed_optionals : public testing::Test {
protected:
    write_session<Maybe> session;
    realm::managed<Maybe> object = session.add(Maybe{});

    Maybe sent() { return session.commit_one<Maybe>(); }
};
using managed_mixed = managed_optionals;

TEST_F(managed_optionals, are_null_until_they_are_assigned_and_can_be_again) {
    const auto round = [](auto& property, const auto& value) {
        EXPECT_TRUE(property == std::nullopt);
        EXPECT_FALSE(property != std::nullopt);
        EXPECT_TRUE(property.detach() == std::nullopt);
        property = value;
        EXPECT_TRUE(property == value);
        EXPECT_FALSE(property != value);
        EXPECT_TRUE(value == property);
        EXPECT_TRUE(property != std::nullopt);
        EXPECT_TRUE(*property.detach() == value);
        const std::optional<std::decay_t<decltype(value)>> converted = property;
        EXPECT_TRUE(converted == value);
        property = std::nullopt;
        EXPECT_TRUE(property == std::nullopt);
        property = converted;
        EXPECT_TRUE(property == value);
    };
    round(object.number, std::int64_t(5));
    round(object.real, 2.5);
    round(object.flag, true);
    round(object.text, std::string("text"));
    round(object.kind, Kind::two);
    round(object.at, date(1s));
    round(object.uid, realm::uuid("01234567-89ab-cdef-0123-456789abcdef"));
    round(object.oid, realm::object_id("0123456789abcdef01234567"));
    round(object.decimal, decimal128("1.5"));
    round(object.binary, bytes{1, 2});
    const Maybe sent = this->sent();
    EXPECT_EQ(sent.number, 5);
    EXPECT_EQ(sent.kind, Kind::two);
    EXPECT_EQ(sent.at, date(1s));
    EXPECT_EQ(sent.binary, (bytes{1, 2}));
}

TEST_F(managed_optionals, compare_with_optionals_from_both_sides) {
    const std::optional<std::int64_t> none;
    const std::optional<std::int64_t> five = 5;
    EXPECT_TRUE(object.number == none && none == object.number);
    EXPECT_FALSE(object.number != none || none != object.number);
    EXPECT_FALSE(object.number < none || none < object.number || object.number > none);
    EXPECT_TRUE(object.number <= none && none >= object.number);
    EXPECT_TRUE(object.number != five && five != object.number && object.number < five);
    object.number = 5;
    EXPECT_TRUE(object.number == five && five == object.number && object.number != none);
    EXPECT_TRUE(object.binary == std::optional<bytes>());
    EXPECT_TRUE(object.text == std::optional<std::string>());
    object.text = "a";
    EXPECT_TRUE(object.text == std::optional<std::string>("a"));
    EXPECT_TRUE(object.number == object.number);
}

TEST_F(managed_optionals, give_the_optional_by_a_star) {
    object.number = 5;
    object.text = "text";
    object.decimal = decimal128("NaN");
    const std::optional<std::int64_t> number = *object.number;
    EXPECT_EQ(number, 5);
    EXPECT_EQ((*object.text)->size(), 4U);
    EXPECT_TRUE((*object.decimal)->is_NaN());
    EXPECT_EQ(*object.uid, std::nullopt);
}

TEST_F(managed_optionals, of_numbers_calculate) {
    object.number = 1;
    object.number = *object.number.detach() + 1;
    object.number += 1;
    object.number -= 1;
    object.number *= 4;
    object.number++;
    ++object.number;
    object.number--;
    --object.number;
    EXPECT_EQ(object.number, 8);
    EXPECT_TRUE(object.number > 7 && object.number < 9 && object.number >= 8 && object.number <= 8);
    object.real = 1;
    object.real += 1.5;
    object.real *= 2;
    object.real -= 1;
    object.real++;
    object.real--;
    EXPECT_EQ(object.real, 4);
    EXPECT_EQ(thrown_by([&] {
                  object.real = std::nullopt;
                  object.real += 1;
              }),
              "Cannot perform arithmetic on null value.");
}

TEST_F(managed_optionals, of_decimals_calculate) {
    object.decimal = decimal128(10);
    object.decimal = object.decimal + decimal128(20);
    EXPECT_EQ((*object.decimal)->to_string(), "30");
    object.decimal = object.decimal - decimal128(15);
    EXPECT_EQ((*object.decimal)->to_string(), "15");
    object.decimal = object.decimal / decimal128(6);
    EXPECT_EQ((*object.decimal)->to_string(), "2.5");
    object.decimal = object.decimal * decimal128(4);
    EXPECT_EQ((*object.decimal)->to_string(), "10.0");
    object.decimal = 6;
    object.decimal += decimal128(20);
    object.decimal -= decimal128(2);
    object.decimal *= decimal128(-2);
    object.decimal /= decimal128(4);
    EXPECT_EQ((*object.decimal)->to_string(), "-12");
    EXPECT_TRUE(object.decimal < decimal128(0) && object.decimal <= decimal128(-12));
    EXPECT_TRUE(object.decimal > decimal128(-13) && object.decimal >= decimal128(-12));
    EXPECT_EQ(sent().decimal->to_string(), "-12");
}

TEST_F(managed_optionals, of_decimals_do_not_calculate_with_null) {
    const std::string why = "Cannot perform arithmetic on null value.";
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.decimal + decimal128(1)); }), why);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.decimal * decimal128(1)); }), why);
    EXPECT_EQ(thrown_by([&] { object.decimal -= decimal128(1); }), why);
    EXPECT_EQ(thrown_by([&] { object.decimal /= decimal128(1); }), why);
    EXPECT_EQ(object.decimal, std::nullopt);
}

TEST_F(managed_optionals, of_binaries_grow_and_are_read_by_index) {
    object.binary = bytes{1};
    object.binary->push_back(2);
    (*object.binary).push_back(3);
    EXPECT_EQ(object.binary->size(), 3U);
    EXPECT_EQ((*object.binary)[2], 3);
    EXPECT_TRUE(*object.binary == (bytes{1, 2, 3}));
    EXPECT_TRUE(*object.binary != bytes{1});
    const bytes copy = *object.binary;
    EXPECT_EQ(copy.size(), 3U);
    object.binary.push_back(4);
    EXPECT_EQ(object.binary.size(), 4U);
    EXPECT_EQ(object.binary[3], 4);
    *object.binary = bytes{9};
    EXPECT_EQ(sent().binary, bytes{9});
}

TEST_F(managed_optionals, of_binaries_say_that_there_is_none) {
    const std::string why = "null: 'Maybe.binary' holds no value";
    EXPECT_EQ(thrown_by([&] { object.binary->push_back(1); }), why);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.binary->size()); }), why);
    EXPECT_EQ(thrown_by([&] { static_cast<void>((*object.binary)[0]); }), why);
    EXPECT_EQ(thrown_by([&] { object.binary.push_back(1); }), why);
    object.binary = bytes{};
    EXPECT_EQ(thrown_by([&] { static_cast<void>((*object.binary)[0]); }),
              "'Maybe.binary' has no byte 0");
}

TEST_F(managed_optionals, of_dates_move) {
    const date at(1700000000s);
    object.at = at;
    (*object.at) += 42s;
    *object.at += 5ms;
    *object.at -= 2s;
    EXPECT_EQ(object.at, at + 40005ms);
    EXPECT_EQ(object.at->time_since_epoch(), at.time_since_epoch() + 40005ms);
    EXPECT_TRUE(*object.at > at && at < *object.at && *object.at == at + 40005ms);
    const date copy = *object.at;
    EXPECT_EQ(copy, at + 40005ms);
    EXPECT_EQ(sent().at, at + 40005ms);
}

TEST_F(managed_optionals, of_dates_say_that_there_is_none) {
    EXPECT_EQ(thrown_by([&] { *object.at += 1s; }), "null: 'Maybe.at' holds no value");
    *object.at = date(1s); // assigning makes a value
    EXPECT_EQ(object.at, date(1s));
}

TEST_F(managed_optionals, in_maps_do_the_same) {
    object.binaries["a"] = bytes{1};
    object.binaries["a"]->push_back(2);
    object.dates["a"] = date(1s);
    (*object.dates["a"]) += 1s;
    object.decimals["a"] = decimal128(1);
    object.decimals["a"] += decimal128(2);
    object.decimals["b"] = std::nullopt;
    EXPECT_EQ(thrown_by([&] { object.binaries["z"]->push_back(2); }), "Dictionary::get");
    const Maybe sent = this->sent();
    EXPECT_EQ(sent.binaries.at("a"), (bytes{1, 2}));
    EXPECT_EQ(sent.dates.at("a"), date(2s));
    EXPECT_EQ(sent.decimals.at("a")->to_string(), "3");
    EXPECT_EQ(sent.decimals.at("b"), std::nullopt);
}

TEST_F(managed_optionals, primary_keys_compare) {
    EXPECT_TRUE(object._id == 7 && object._id != 8 && object._id > 6 && object._id >= 7 &&
                object._id < 8 && object._id <= 7);
    EXPECT_TRUE(object._id == std::int64_t(7) && object._id != std::nullopt);
    const std::optional<std::int64_t> id = object._id;
    EXPECT_EQ(id, 7);
    EXPECT_EQ(*object._id, 7);
    Maybe none;
    none._id = std::nullopt;
    EXPECT_TRUE(session.add(none)._id == std::nullopt);
}

TEST_F(managed_optionals, throw_after_the_commit) {
    object.binary = bytes{1};
    auto held = *object.binary;
    session.commit();
    const std::string gone = "No object with key '0' in 'class_Maybe'";
    EXPECT_EQ(thrown_by([&] { held.push_back(1); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.binary->size()); }), gone);
    EXPECT_EQ(thrown_by([&] { *object.at += 1s; }), gone);
    EXPECT_EQ(thrown_by([&] { object.decimal += decimal128(1); }), gone);
}

TEST_F(managed_mixed, takes_values_as_what_they_are) {
    EXPECT_EQ(object.any.get_stored_type(), data_type::Mixed);
    object.any = 5;
    EXPECT_TRUE(realm::holds_alternative<std::int64_t>(object.any));
    EXPECT_EQ(object.any.get_stored_type(), data_type::Int);
    object.any = true;
    EXPECT_TRUE(realm::holds_alternative<bool>(object.any));
    object.any = 2.5;
    EXPECT_TRUE(realm::holds_alternative<double>(object.any));
    object.any = realm::uuid();
    EXPECT_EQ(object.any.get_stored_type(), data_type::UUID);
    object.any = date(1s);
    EXPECT_EQ(object.any.get_stored_type(), data_type::Timestamp);
    object.any = bytes{1};
    EXPECT_EQ(object.any.get_stored_type(), data_type::Binary);
    object.any = realm::mixed(std::string("whole"));
    EXPECT_EQ(*object.any, realm::mixed(std::string("whole")));
    object.any = std::monostate();
    EXPECT_TRUE(realm::holds_alternative<std::monostate>(object.any));
}

TEST_F(managed_mixed, stores_text_as_a_string) {
    object.any = "text";
    EXPECT_TRUE(realm::holds_alternative<std::string>(object.any));
    EXPECT_EQ(std::get<std::string>(sent().any), "text");
}

TEST_F(managed_mixed, compares_with_values_of_every_type) {
    const auto holds = [this](const auto& value) {
        object.any = value;
        return (object.any == value) && (value == object.any) && !(object.any != value) &&
               !(object.other == value) && (object.other != value);
    };
    EXPECT_TRUE(holds(std::int64_t(42)));
    EXPECT_TRUE(holds(42));
    EXPECT_TRUE(holds(true));
    EXPECT_TRUE(holds(42.42));
    EXPECT_TRUE(holds(std::string("hello world")));
    EXPECT_TRUE(holds(date(1s)));
    EXPECT_TRUE(holds(bytes{0, 1, 2}));
    EXPECT_TRUE(holds(realm::uuid("01234567-89ab-cdef-0123-456789abcdef")));
    EXPECT_TRUE(holds(realm::object_id("0123456789abcdef01234567")));
    EXPECT_TRUE(holds(decimal128("1.5")));
    EXPECT_TRUE(holds(realm::mixed(std::int64_t(1))));
    object.any = "text";
    EXPECT_TRUE(object.any == "text");
    EXPECT_TRUE("text" == object.any);
    EXPECT_TRUE(object.any != "other");
}

TEST_F(managed_mixed, values_of_another_type_differ) {
    object.any = 1;
    EXPECT_FALSE(object.any == 1.0);
    EXPECT_FALSE(object.any == true);
    EXPECT_FALSE(object.any == "1");
    EXPECT_TRUE(object.any != std::monostate());
    object.any = std::monostate();
    EXPECT_TRUE(object.any == std::monostate());
    EXPECT_TRUE(object.any == realm::mixed());
}

TEST_F(managed_mixed, compares_with_other_properties) {
    object.any = 5;
    object.plain = 5;
    object.other = 5;
    EXPECT_TRUE(object.any == object.other);
    EXPECT_TRUE(object.any == object.plain);
    EXPECT_TRUE(object.plain == object.any);
    object.plain = 6;
    EXPECT_TRUE(object.any != object.plain);
    EXPECT_TRUE(object.any < object.plain);
}

TEST_F(managed_mixed, takes_the_value_of_another_property) {
    object.plain = 5;
    object.any = object.plain;
    object.other = object.any;
    EXPECT_TRUE(object.any == 5);
    EXPECT_TRUE(object.other == 5);
    object.at = date(1s);
    object.any = object.at.detach().value();
    EXPECT_EQ(object.any.get_stored_type(), data_type::Timestamp);
}

TEST_F(managed_mixed, in_maps_compares_too) {
    object.anys["a"] = "text";
    object.anys["b"] = realm::mixed();
    EXPECT_TRUE(object.anys["a"] == "text");
    EXPECT_TRUE(object.anys["a"] == std::string("text"));
    EXPECT_TRUE(object.anys["b"] == realm::mixed());
    EXPECT_TRUE(object.anys["a"] != 5);
    EXPECT_TRUE(realm::holds_alternative<std::string>(object.anys["a"]));
}

} // namespace
