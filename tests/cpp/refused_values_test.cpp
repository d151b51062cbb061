// What a write refuses, since the server would have to refuse it days later: text that is not
// UTF-8, dates that BSON cannot count, and objects inside each other that are too many. Each
// refusal names the class and the property.
#include "write_session.hpp"

#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include <cpprealm/internal/utf8.hpp>

namespace {

using seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
using hours =
    std::chrono::time_point<std::chrono::system_clock,
                            std::chrono::duration<std::int64_t, std::chrono::hours::period>>;

const std::string bad = "M\xfcller";    // Latin-1
const std::string good = "Müller 東京"; // and more than eight bytes

struct Inner {
    std::string name;
    std::vector<seconds> dates;
};
REALM_EMBEDDED_SCHEMA(Inner, name, dates)

struct Outer {
    std::string label;
    Inner* inner = nullptr;
    std::vector<Inner*> list;
};
REALM_EMBEDDED_SCHEMA(Outer, label, inner, list)

struct Step {
    Step* next = nullptr;
};
REALM_EMBEDDED_SCHEMA(Step, next)

struct Deep {
    realm::primary_key<std::int64_t> _id;
    Step* first = nullptr;
    std::vector<Step*> list;
    std::map<std::string, Step*> map;
};
REALM_ASYMMETRIC_SCHEMA(Deep, _id, first, list, map)

struct Texts {
    realm::primary_key<std::string> _id;
    std::string deviceId;
    std::optional<std::string> note;
    realm::mixed any;
    std::vector<std::string> lines;
    std::vector<std::optional<std::string>> maybe_lines;
    std::set<std::string> names;
    std::map<std::string, std::string> tags;
    std::map<std::string, realm::mixed> anys;
    Outer* outer = nullptr;
    std::map<std::string, Outer*> by_name;
};
REALM_ASYMMETRIC_SCHEMA(Texts, _id, deviceId, note, any, lines, maybe_lines, names, tags, anys,
                        outer, by_name)

struct Dates {
    realm::primary_key<std::int64_t> _id;
    seconds at;
    std::optional<hours> maybe;
    std::vector<seconds> list;
    std::map<std::string, seconds> map;
    Inner* inner = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Dates, _id, at, maybe, list, map, inner)

class refused_values : public testing::Test {
protected:
    write_session<Texts, Dates, Deep, Outer, Inner, Step> session;

    template <typename T, typename Change>
    std::string refusal(Change&& change) {
        T object;
        change(object);
        const std::size_t before = session.transaction().bytes();
        std::string why = thrown_by([&] { session.add(object); });
        EXPECT_EQ(session.transaction().bytes(), before) << "something of the object was kept";
        return why;
    }
};

TEST_F(refused_values, text_that_is_not_utf8_is_refused_by_add_with_class_and_property) {
    const auto refusal = [this](auto&& change) { return this->refusal<Texts>(change); };
    EXPECT_EQ(refusal([](Texts& t) { t.deviceId = bad; }),
              "property 'Texts.deviceId' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) { t._id = bad; }), "property 'Texts._id' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) { t.note = bad; }), "property 'Texts.note' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) { t.any = bad; }), "property 'Texts.any' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) {
                  t.lines = {"a", good, bad};
              }),
              "property 'Texts.lines[2]' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) {
                  t.maybe_lines = {std::nullopt, bad};
              }),
              "property 'Texts.maybe_lines[1]' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) { t.names = {bad}; }),
              "property 'Texts.names[0]' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) {
                  t.tags = {{"floor", "one"}, {"room", bad}};
              }),
              "property 'Texts.tags[\"room\"]' is not valid UTF-8");
    EXPECT_EQ(refusal([](Texts& t) {
                  t.anys = {{"room", bad}};
              }),
              "property 'Texts.anys[\"room\"]' is not valid UTF-8");
}

TEST_F(refused_values, keys_that_are_not_utf8_are_refused_with_class_and_property) {
    EXPECT_EQ(refusal<Texts>([](Texts& t) { t.tags[bad] = "x"; }),
              "a key of property 'Texts.tags' is not valid UTF-8");
    EXPECT_EQ(refusal<Texts>([](Texts& t) { t.by_name[bad] = nullptr; }),
              "a key of property 'Texts.by_name' is not valid UTF-8");
}

TEST_F(refused_values, text_in_embedded_objects_is_refused_with_the_way_to_it) {
    Inner inner{bad, {}};
    Outer with_inner{good, &inner, {}};
    Outer with_list{good, nullptr, {nullptr, &inner}};
    Outer label{bad, nullptr, {}};
    EXPECT_EQ(refusal<Texts>([&](Texts& t) { t.outer = &label; }),
              "property 'Texts.outer.label' is not valid UTF-8");
    EXPECT_EQ(refusal<Texts>([&](Texts& t) { t.outer = &with_inner; }),
              "property 'Texts.outer.inner.name' is not valid UTF-8");
    EXPECT_EQ(refusal<Texts>([&](Texts& t) { t.outer = &with_list; }),
              "property 'Texts.outer.list[0].name' is not valid UTF-8");
    EXPECT_EQ(refusal<Texts>([&](Texts& t) { t.by_name["here"] = &with_list; }),
              "property 'Texts.by_name[\"here\"].list[0].name' is not valid UTF-8");
}

TEST_F(refused_values, the_property_after_a_collection_is_named_as_itself) {
    Outer label{good, nullptr, {}};
    EXPECT_EQ(refusal<Texts>([&](Texts& t) {
                  t.lines = {good};
                  t.tags = {{good, good}};
                  t.outer = &label;
                  t.by_name = {{"a", &label}, {bad, nullptr}};
              }),
              "a key of property 'Texts.by_name' is not valid UTF-8");
}

TEST_F(refused_values, text_assigned_to_a_managed_object_is_refused_by_the_commit) {
    auto texts = session.add(Texts{});
    texts.tags["room"] = bad;
    EXPECT_EQ(thrown_by([&] { session.commit(); }),
              "property 'Texts.tags[\"room\"]' is not valid UTF-8");
    EXPECT_TRUE(texts.is_invalidated());
}

TEST_F(refused_values, text_that_is_utf8_goes_through_unchanged) {
    Texts texts;
    texts._id = good;
    texts.deviceId = std::string(200, 'x') + good;
    texts.tags = {{good, good}};
    texts.lines = {"", std::string("a\0b", 3)};
    session.add(texts);
    const Texts sent = session.commit_one<Texts>();
    EXPECT_EQ(sent._id.value, good);
    EXPECT_EQ(sent.deviceId, texts.deviceId);
    EXPECT_EQ(sent.tags, texts.tags);
    EXPECT_EQ(sent.lines, texts.lines);
}

TEST(utf8, is_what_the_standard_says_wherever_it_stands_in_the_text) {
    const std::vector<std::string> right = {"",
                                            "a",
                                            "\x7f",
                                            std::string(1, '\0'),
                                            "\xc2\x80",
                                            "\xdf\xbf",
                                            "\xe0\xa0\x80",
                                            "\xed\x9f\xbf",
                                            "\xee\x80\x80",
                                            "\xef\xbf\xbf",
                                            "\xf0\x90\x80\x80",
                                            "\xf4\x8f\xbf\xbf"};
    const std::vector<std::string> wrong = {
        "\x80",             // the middle of a character
        "\xbf",             //
        "\xc0\x80",         // longer than need be
        "\xc1\xbf",         //
        "\xe0\x9f\xbf",     //
        "\xf0\x8f\xbf\xbf", //
        "\xed\xa0\x80",     // half of a pair of UTF-16
        "\xed\xbf\xbf",     //
        "\xf4\x90\x80\x80", // beyond the last character
        "\xf5\x80\x80\x80", //
        "\xff",             //
        "\xc2",             // cut off
        "\xe0\xa0",         //
        "\xf0\x90\x80",     //
        "\xc2\x41",         // broken off by the next
        "\xe1\x80\x41",     //
        "\xf1\x80\x80\xc2",
    };
    for (std::size_t before = 0; before < 20; ++before) {
        for (std::size_t after = 0; after < 20; ++after) {
            const std::string front(before, 'x');
            const std::string back(after, 'y');
            for (const auto& text : right)
                ASSERT_TRUE(realm::internal::is_utf8(front + text + back)) << before << after;
            for (const auto& text : wrong)
                ASSERT_FALSE(realm::internal::is_utf8(front + text + back)) << before << after;
        }
    }
}

TEST_F(refused_values, dates_too_far_from_1970_are_refused_and_never_another_date) {
    const auto refusal = [this](auto&& change) { return this->refusal<Dates>(change); };
    const std::string why = " is a date too far from 1970 to be counted in milliseconds";
    EXPECT_EQ(refusal([](Dates& d) { d.at = seconds::max(); }), "property 'Dates.at'" + why);
    EXPECT_EQ(refusal([](Dates& d) { d.at = seconds::min(); }), "property 'Dates.at'" + why);
    EXPECT_EQ(refusal([](Dates& d) { d.maybe = hours::max(); }), "property 'Dates.maybe'" + why);
    EXPECT_EQ(refusal([](Dates& d) {
                  d.list = {seconds(), seconds::max()};
              }),
              "property 'Dates.list[1]'" + why);
    EXPECT_EQ(refusal([](Dates& d) { d.map["x"] = seconds::min(); }),
              "property 'Dates.map[\"x\"]'" + why);
    Inner inner{"", {seconds::max()}};
    EXPECT_EQ(refusal([&](Dates& d) { d.inner = &inner; }),
              "property 'Dates.inner.dates[0]'" + why);
    EXPECT_THROW(session.add(Dates{1, seconds::max(), {}, {}, {}, nullptr}), std::overflow_error);
}

TEST_F(refused_values, dates_assigned_to_a_managed_object_are_refused_by_the_commit) {
    auto dates = session.add(Dates{});
    dates.at = seconds::max();
    EXPECT_EQ(thrown_by([&] { session.commit(); }),
              "property 'Dates.at' is a date too far from 1970 to be counted in milliseconds");
}

TEST_F(refused_values, the_last_dates_that_fit_go_through_unchanged) {
    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() / 1000;
    Dates dates;
    dates.at = seconds(std::chrono::seconds(last));
    dates.list = {seconds(std::chrono::seconds(-last))};
    session.add(dates);
    const Dates sent = session.commit_one<Dates>();
    EXPECT_EQ(sent.at, dates.at);
    EXPECT_EQ(sent.list, dates.list);
}

/// Objects one inside the other.
std::vector<Step> chain(std::size_t length) {
    std::vector<Step> steps(length);
    for (std::size_t i = 1; i < length; ++i)
        steps[i - 1].next = &steps[i];
    return steps;
}

TEST_F(refused_values, objects_nested_deeper_than_the_server_takes_are_refused_by_add) {
    // The object itself is the first level, a list or a map in between is one as well.
    auto ninety_nine = chain(99), hundred = chain(100);
    const auto at = [](std::vector<Step>& steps) { return steps.data(); };
    EXPECT_EQ(refusal<Deep>([&](Deep& d) { d.first = at(hundred); }),
              "property 'Deep.first' is nested deeper than 100 levels");
    EXPECT_EQ(refusal<Deep>([&](Deep& d) { d.list = {at(ninety_nine)}; }),
              "property 'Deep.list' is nested deeper than 100 levels");
    EXPECT_EQ(refusal<Deep>([&](Deep& d) {
                  d.map = {{"a", at(ninety_nine)}};
              }),
              "property 'Deep.map' is nested deeper than 100 levels");
    Deep object;
    object.first = at(ninety_nine);
    object.list = {at(ninety_nine) + 1};
    object.map = {{"a", at(ninety_nine) + 1}};
    EXPECT_EQ(thrown_by([&] { session.add(object); }), "");
}

TEST_F(refused_values, an_object_inside_of_itself_is_refused_by_add) {
    Step step;
    step.next = &step;
    EXPECT_EQ(refusal<Deep>([&](Deep& d) { d.first = &step; }),
              "property 'Deep.first' is nested deeper than 100 levels");
}

TEST_F(refused_values, nesting_that_grows_after_add_is_refused_by_the_commit) {
    auto steps = chain(99);
    auto object = session.add(Deep{1, steps.data(), {}, {}});
    object.list.push_back(steps.data());
    EXPECT_EQ(thrown_by([&] { session.commit(); }),
              "property 'Deep.list' is nested deeper than 100 levels");
}

} // namespace
