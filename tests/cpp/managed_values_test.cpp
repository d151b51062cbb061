// Managed objects and their scalar properties, between `add` and the commit.
#include "write_session.hpp"

#include <cstdint>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

namespace {

enum class Kind { indoor, outdoor };

struct Spot {
    double lat = 0;
    double lon = 0;
    Spot* inner = nullptr;
};
REALM_EMBEDDED_SCHEMA(Spot, lat, lon, inner)

struct Values {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::int64_t number = 0;
    std::int32_t small = 0;
    double real = 0;
    float narrow = 0;
    bool flag = false;
    std::string text;
    Kind kind = Kind::indoor;
    date at;
    realm::uuid uid;
    realm::object_id oid;
    realm::decimal128 decimal;
    bytes binary;
    realm::mixed any;
    std::optional<std::int64_t> maybe_number;
    std::optional<double> maybe_real;
    std::optional<bool> maybe_flag;
    std::optional<std::string> maybe_text;
    std::optional<Kind> maybe_kind;
    std::optional<date> maybe_at;
    std::optional<bytes> maybe_binary;
    Spot* spot = nullptr;
    int not_a_property = 0;
};
REALM_ASYMMETRIC_SCHEMA(Values, _id, number, small, real, narrow, flag, text, kind, at, uid, oid,
                        decimal, binary, any, maybe_number, maybe_real, maybe_flag, maybe_text,
                        maybe_kind, maybe_at, maybe_binary, spot)

class managed_values : public testing::Test {
protected:
    write_session<Values, Spot> session;
    realm::managed<Values> object = session.add(Values{});

    Values sent() { return session.commit_one<Values>(); }
};

TEST_F(managed_values, take_two_words_and_one_per_property) {
    EXPECT_EQ(sizeof(realm::managed<Spot>),
              (2 + 2) * sizeof(void*) + sizeof(realm::managed<Spot*>));
    EXPECT_EQ(sizeof(realm::managed<std::string>), sizeof(void*));
    EXPECT_TRUE(std::is_standard_layout_v<realm::managed<Values>>);
}

TEST_F(managed_values, convert_to_the_types_of_their_properties) {
    Values value;
    value.number = 7;
    value.text = "seven";
    value.kind = Kind::outdoor;
    value.maybe_text = "maybe";
    auto with = session.add(value);
    const std::int64_t number = with.number;
    const std::string text = with.text;
    const Kind kind = with.kind;
    const std::optional<std::string> maybe = with.maybe_text;
    const realm::object_id id = with._id;
    EXPECT_EQ(number, 7);
    EXPECT_EQ(text, "seven");
    EXPECT_EQ(kind, Kind::outdoor);
    EXPECT_EQ(maybe, "maybe");
    EXPECT_EQ(id, value._id.value);
    EXPECT_EQ(*with.number, 7);
    EXPECT_EQ(*with.kind, Kind::outdoor);
    EXPECT_EQ(*with.maybe_text, "maybe");
    EXPECT_EQ(*with._id, value._id.value);
    EXPECT_EQ(with.number.detach(), 7);
}

TEST_F(managed_values, copies_stand_for_the_same_object) {
    auto copy = object;
    copy.number = 5;
    EXPECT_EQ(object.number, 5);
    EXPECT_EQ(copy, object);
    EXPECT_NE(session.add(Values{}), object);
}

TEST_F(managed_values, take_the_value_of_another_property_not_its_place) {
    auto other = session.add(Values{});
    object.number = 5;
    other.number = object.number;
    other.number += 1;
    EXPECT_EQ(object.number, 5);
    EXPECT_EQ(other.number, 6);
}

TEST_F(managed_values, send_what_was_assigned) {
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    object.number = 5;
    object.real = 2;
    object.narrow = 2.5F;
    object.flag = true;
    object.text = "text";
    object.kind = Kind::outdoor;
    object.at = now;
    object.uid = realm::uuid("018f3a1e-0000-7000-8000-0123456789ab");
    object.oid = realm::object_id("0123456789abcdef01234567");
    object.decimal = realm::decimal128("1.5");
    object.binary = bytes{1, 2};
    object.maybe_number = 6;
    object.maybe_real = 2.5;
    object.maybe_flag = false;
    object.maybe_text = "maybe";
    object.maybe_kind = Kind::outdoor;
    object.maybe_at = now;
    object.maybe_binary = bytes{3};
    const Values sent = this->sent();
    EXPECT_EQ(sent.number, 5);
    EXPECT_EQ(sent.real, 2);
    EXPECT_EQ(sent.narrow, 2.5F);
    EXPECT_EQ(sent.flag, true);
    EXPECT_EQ(sent.text, "text");
    EXPECT_EQ(sent.kind, Kind::outdoor);
    EXPECT_EQ(sent.at, now);
    EXPECT_EQ(sent.uid.to_string(), "018f3a1e-0000-7000-8000-0123456789ab");
    EXPECT_EQ(sent.oid.to_string(), "0123456789abcdef01234567");
    EXPECT_EQ(sent.decimal.to_string(), "1.5");
    EXPECT_EQ(sent.binary, (bytes{1, 2}));
    EXPECT_EQ(sent.maybe_number, 6);
    EXPECT_EQ(sent.maybe_real, 2.5);
    EXPECT_EQ(sent.maybe_flag, false);
    EXPECT_EQ(sent.maybe_text, "maybe");
    EXPECT_EQ(sent.maybe_kind, Kind::outdoor);
    EXPECT_EQ(sent.maybe_at, date(now));
    EXPECT_EQ(sent.maybe_binary, (bytes{3}));
}

TEST_F(managed_values, whole_numbers_calculate) {
    object.number = 5;
    object.number += 3;
    object.number -= 1;
    object.number *= 2;
    EXPECT_EQ(object.number++, 14);
    EXPECT_EQ(++object.number, 16);
    EXPECT_EQ(object.number--, 16);
    EXPECT_EQ(--object.number, 14);
    EXPECT_EQ(object.number + 1, 15);
    EXPECT_TRUE(object.number < 15);
    EXPECT_TRUE(object.number <= 14);
    EXPECT_TRUE(object.number > 13);
    EXPECT_TRUE(object.number >= 14);
    EXPECT_TRUE(object.number != 13);
    EXPECT_TRUE(14 == object.number);
    std::ostringstream text;
    text << object.number;
    EXPECT_EQ(text.str(), "14");
    EXPECT_EQ(sent().number, 14);
}

TEST_F(managed_values, whole_numbers_wrap_around) {
    object.number = std::numeric_limits<std::int64_t>::max();
    object.number += 1;
    EXPECT_EQ(object.number, std::numeric_limits<std::int64_t>::min());
}

TEST_F(managed_values, whole_numbers_refuse_fractions) {
    EXPECT_EQ(thrown_by([&] { object.number = 5.5; }), "Property not a col_type_Double");
}

TEST_F(managed_values, fractions_calculate) {
    object.real = 2.5;
    object.real += 1;
    object.real *= 2;
    object.real -= 0.5;
    ++object.real;
    object.real--;
    EXPECT_EQ(object.real, 6.5);
    EXPECT_TRUE(object.real > 6);
    EXPECT_TRUE(object.real < object.number || object.number == 0);
}

TEST_F(managed_values, optional_numbers_calculate_unless_they_are_null) {
    object.maybe_number = 5;
    object.maybe_number += 2;
    ++object.maybe_number;
    EXPECT_EQ(object.maybe_number, 8);
    object.maybe_number = std::nullopt;
    EXPECT_EQ(object.maybe_number, std::nullopt);
    EXPECT_EQ(thrown_by([&] { object.maybe_number += 1; }),
              "Cannot perform arithmetic on null value.");
    EXPECT_EQ(thrown_by([&] { object.maybe_number--; }),
              "Cannot perform arithmetic on null value.");
    EXPECT_EQ(sent().maybe_number, std::nullopt);
}

TEST_F(managed_values, comparisons_combine) {
    object.number = 5;
    object.flag = true;
    const realm::rbool less = object.number < 6;
    const realm::rbool more = object.number > 6;
    EXPECT_TRUE(less && !more);
    EXPECT_TRUE(less || more);
    EXPECT_TRUE((object.number >= 5) && (object.number <= 5) && object.flag == true);
    EXPECT_FALSE(!(object.number == 5));
    const bool plain = object.number != 4;
    EXPECT_TRUE(plain);
}

TEST_F(managed_values, booleans_stand_in_conditions) {
    object.flag = true;
    bool seen = false;
    if (object.flag)
        seen = true;
    EXPECT_TRUE(seen);
    EXPECT_TRUE(object.flag == true);
}

TEST_F(managed_values, strings_change_in_place) {
    object.text = "ab";
    object.text += "cd";
    object.text += std::string("ef");
    object.text.append("g");
    object.text.push_back('h');
    object.text.pop_back();
    EXPECT_EQ(object.text, "abcdefg");
    EXPECT_EQ(object.text.size(), 7U);
    EXPECT_FALSE(object.text.empty());
    EXPECT_EQ(object.text.at(1), 'b');
    EXPECT_EQ(object.text[2], 'c');
    EXPECT_EQ(object.text.front(), 'a');
    EXPECT_EQ(object.text.back(), 'g');
    EXPECT_STREQ(object.text.c_str(), "abcdefg");
    EXPECT_EQ(std::string(object.text.data(), 2), "ab");
    object.text[0] = 'A';
    EXPECT_EQ(sent().text, "Abcdefg");
}

TEST_F(managed_values, strings_search_with_and_without_case) {
    object.text = "Room North";
    EXPECT_TRUE(object.text.contains("North"));
    EXPECT_FALSE(object.text.contains("north"));
    EXPECT_TRUE(object.text.contains("north", false));
    EXPECT_TRUE(object.text.contains(""));
}

TEST_F(managed_values, strings_compare_and_print) {
    object.text = "b";
    EXPECT_TRUE(object.text == "b");
    EXPECT_TRUE("b" == object.text);
    EXPECT_TRUE(object.text == std::string("b"));
    EXPECT_TRUE(object.text != "c");
    EXPECT_TRUE(object.text < "c");
    std::ostringstream text;
    text << object.text;
    EXPECT_EQ(text.str(), "b");
}

TEST_F(managed_values, strings_name_what_is_out_of_range) {
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.text.at(5)); }),
              "'Values.text' has no character 5");
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.text.back()); }),
              "'Values.text' has no character 0");
    EXPECT_EQ(thrown_by([&] { object.text.pop_back(); }),
              "Cannot take a character from 'Values.text': it is empty");
    object.text = "x";
    object.text.clear();
    EXPECT_TRUE(object.text.empty());
}

TEST_F(managed_values, dates_move) {
    const date at(1700000000s);
    object.at = at;
    object.at += 5s;
    object.at += 5ms;
    object.at -= 2s;
    EXPECT_EQ(object.at, at + 3005ms);
    EXPECT_EQ(object.at.time_since_epoch(), at.time_since_epoch() + 3005ms);
    EXPECT_TRUE(object.at > at);
    EXPECT_EQ(sent().at, at + 3005ms);
}

TEST_F(managed_values, dates_do_not_move_beyond_what_their_type_holds) {
    const std::string why = "property 'Values.at' would become a date that its type cannot hold";
    object.at = date::max();
    EXPECT_EQ(thrown_by([&] { object.at += 1s; }), why);
    EXPECT_EQ(thrown_by([&] { object.at -= -1s; }), why);
    EXPECT_EQ(object.at, date::max());
    object.at = date::min();
    EXPECT_EQ(thrown_by([&] { object.at -= 1s; }), why);
    EXPECT_EQ(thrown_by([&] { object.at += -1s; }), why);
    object.at += 1s;
    EXPECT_EQ(object.at, date::min() + 1s);
}

TEST_F(managed_values, decimals_calculate) {
    object.decimal = realm::decimal128("10");
    object.decimal += realm::decimal128("2");
    object.decimal -= realm::decimal128("4");
    object.decimal *= realm::decimal128("3");
    object.decimal /= realm::decimal128("2");
    EXPECT_EQ(object.decimal, realm::decimal128("12"));
    EXPECT_EQ((object.decimal + realm::decimal128("1")).to_string(), "13");
    EXPECT_EQ((object.decimal - realm::decimal128("1")).to_string(), "11");
    EXPECT_EQ((object.decimal * realm::decimal128("2")).to_string(), "24");
    EXPECT_EQ((object.decimal / realm::decimal128("4")).to_string(), "3");
    EXPECT_TRUE(object.decimal < realm::decimal128("13"));
    EXPECT_EQ((*object.decimal).to_string(), "12");
}

TEST_F(managed_values, binaries_grow_and_are_read_by_index) {
    object.binary.push_back(7);
    object.binary.push_back(8);
    EXPECT_EQ(object.binary.size(), 2U);
    EXPECT_EQ(object.binary[1], 8);
    EXPECT_EQ(object.binary, (bytes{7, 8}));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.binary[2]); }),
              "'Values.binary' has no byte 2");
    EXPECT_EQ(sent().binary, (bytes{7, 8}));
}

TEST_F(managed_values, embedded_objects_are_copied_when_assigned) {
    Spot mine{1, 2, nullptr};
    object.spot = &mine;
    mine.lat = 9;
    EXPECT_TRUE(static_cast<bool>(object.spot));
    EXPECT_TRUE(object.spot != nullptr);
    EXPECT_EQ(object.spot->lat, 1);
    object.spot->lat += 4;
    EXPECT_EQ(mine.lat, 9);
    const Values sent = this->sent();
    ASSERT_NE(sent.spot, nullptr);
    EXPECT_EQ(sent.spot->lat, 5);
    EXPECT_EQ(sent.spot->lon, 2);
}

TEST_F(managed_values, embedded_objects_nest) {
    Spot inner{3, 4, nullptr};
    Spot outer{1, 2, &inner};
    object.spot = &outer;
    object.spot->inner->lon = 5;
    object.spot->inner->inner = &outer;
    EXPECT_EQ(inner.lon, 4);
    const Values sent = this->sent();
    EXPECT_EQ(sent.spot->inner->lon, 5);
    EXPECT_EQ(sent.spot->inner->inner->inner->lat, 3);
}

TEST_F(managed_values, embedded_objects_that_came_with_the_object_can_be_changed) {
    Spot mine{1, 2, nullptr};
    Values value;
    value.spot = &mine;
    write_session<Values, Spot> other;
    auto with = other.add(value);
    with.spot->lon = 7;
    EXPECT_EQ(mine.lon, 2);
    EXPECT_EQ(other.commit_one<Values>().spot->lon, 7);
}

TEST_F(managed_values, embedded_objects_can_be_taken_away) {
    Spot mine{1, 2, nullptr};
    object.spot = &mine;
    object.spot = nullptr;
    EXPECT_TRUE(object.spot == nullptr);
    EXPECT_EQ(sent().spot, nullptr);
}

TEST_F(managed_values, embedded_objects_that_are_not_there_say_so) {
    const std::string text = thrown_by([&] { object.spot->lat = 1; });
    EXPECT_EQ(text, "null: there is no embedded object of class 'Spot' here");
    EXPECT_EQ(object.spot.detach(), nullptr);
}

TEST_F(managed_values, embedded_objects_detach_into_objects_of_the_caller) {
    Spot inner{3, 4, nullptr};
    Spot outer{1, 2, &inner};
    object.spot = &outer;
    const std::unique_ptr<Spot> copy(object.spot.detach());
    const std::unique_ptr<Spot> copied_inner(copy->inner);
    session.commit();
    EXPECT_EQ(copy->lat, 1);
    EXPECT_EQ(copied_inner->lon, 4);
    EXPECT_NE(copied_inner.get(), &inner);
}

TEST_F(managed_values, objects_detach_into_structs) {
    object.number = 5;
    Spot mine{1, 2, nullptr};
    object.spot = &mine;
    const Values copy = object.detach();
    const std::unique_ptr<Spot> spot(copy.spot);
    session.commit();
    EXPECT_EQ(copy.number, 5);
    EXPECT_EQ(spot->lon, 2);
}

TEST_F(managed_values, print_as_json_in_the_order_of_the_macro) {
    Spot spot{1.5, -2, nullptr};
    Values value;
    value._id = realm::object_id("0123456789abcdef01234567");
    value.text = "a \"b\"\n";
    value.at = date(951827696s);
    value.binary = {1, 2, 3};
    value.decimal = realm::decimal128("1.50");
    value.any = std::int64_t{5};
    value.maybe_real = 0.5;
    value.spot = &spot;
    std::ostringstream text;
    session.add(value).to_json(text);
    EXPECT_EQ(
        text.str(),
        R"({"_id":"0123456789abcdef01234567","number":0,"small":0,"real":0,"narrow":0,"flag":false,)"
        R"("text":"a \"b\"\u000a","kind":0,"at":"2000-02-29 12:34:56",)"
        R"("uid":"00000000-0000-0000-0000-000000000000","oid":"000000000000000000000000",)"
        R"("decimal":"1.50","binary":"AQID","any":5,"maybe_number":null,"maybe_real":0.5,)"
        R"("maybe_flag":null,"maybe_text":null,"maybe_kind":null,"maybe_at":null,)"
        R"("maybe_binary":null,"spot":{"lat":1.5,"lon":-2,"inner":null}})");
}

TEST_F(managed_values, print_dates_before_1970) {
    EXPECT_EQ(realm::internal::date_text(date(-1ms)), "1969-12-31 23:59:59");
    EXPECT_EQ(realm::internal::date_text(date(0s)), "1970-01-01 00:00:00");
    EXPECT_EQ(realm::internal::date_text(
                  std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(
                      -62135596800s)),
              "0001-01-01 00:00:00");
}

TEST_F(managed_values, are_not_frozen_and_cannot_be) {
    EXPECT_FALSE(object.is_frozen());
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.freeze()); }),
              "Objects for Data Ingest cannot be frozen: they leave the device once uploaded.");
    EXPECT_EQ(object.thaw(), object);
}

TEST_F(managed_values, throw_after_the_commit) {
    Spot mine{1, 2, nullptr};
    object.spot = &mine;
    auto spot = object.spot->inner;
    EXPECT_FALSE(object.is_invalidated());
    session.commit();
    EXPECT_TRUE(object.is_invalidated());
    const std::string gone = "No object with key '0' in 'class_Values'";
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.number.detach()); }), gone);
    EXPECT_EQ(thrown_by([&] { object.number = 1; }), gone);
    EXPECT_EQ(thrown_by([&] { ++object.number; }), gone);
    EXPECT_EQ(thrown_by([&] { object.text += "x"; }), gone);
    EXPECT_EQ(thrown_by([&] { object.any = 5; }), gone);
    EXPECT_EQ(thrown_by([&] { object.spot = nullptr; }), gone);
    EXPECT_EQ(thrown_by([&] { object.spot = &mine; }), gone);
    EXPECT_EQ(thrown_by([&] { object.spot->lat = 1; }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.detach()); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.number == 1); }), gone);
    std::ostringstream text;
    EXPECT_EQ(thrown_by([&] { object.to_json(text); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(object.thaw()); }),
              "Invalid objects cannot be thawed.");
    EXPECT_EQ(thrown_by([&] { static_cast<void>(static_cast<bool>(spot)); }),
              "No object with key '0' in 'class_Spot'");
}

TEST_F(managed_values, throw_after_their_transaction_was_destroyed) {
    auto gone = [] {
        write_session<Values, Spot> session;
        return session.add(Values{});
    }();
    EXPECT_EQ(thrown_by([&] { gone.number = 1; }), "No object with key '0' in 'class_Values'");
    session.begin();
    EXPECT_EQ(thrown_by([&] { object.number = 1; }), "No object with key '0' in 'class_Values'");
}

} // namespace
