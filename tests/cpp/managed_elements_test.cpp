// Lists, sets and maps of managed objects, for every type of element.
#include "write_session.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

namespace {

using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;
using realm::decimal128;
using realm::mixed;
using realm::object_id;
using realm::uuid;
using namespace std::chrono_literals;

enum class Kind { one, two };

struct Item {
    std::int64_t n = 0;
};
REALM_EMBEDDED_SCHEMA(Item, n)

template <typename T>
using list = std::vector<T>;
template <typename T>
using map = std::map<std::string, T>;

struct Lists {
    realm::primary_key<std::int64_t> _id;
    list<std::int64_t> ints;
    list<double> doubles;
    list<bool> bools;
    list<std::string> texts;
    list<Kind> kinds;
    list<date> dates;
    list<uuid> uuids;
    list<object_id> ids;
    list<decimal128> decimals;
    list<bytes> binaries;
    list<mixed> anys;
    list<std::optional<std::int64_t>> maybe_ints;
    list<std::optional<std::string>> maybe_texts;
    list<std::optional<bytes>> maybe_binaries;
    list<Item*> items;
};
REALM_ASYMMETRIC_SCHEMA(Lists, _id, ints, doubles, bools, texts, kinds, dates, uuids, ids, decimals,
                        binaries, anys, maybe_ints, maybe_texts, maybe_binaries, items)

struct Sets {
    realm::primary_key<std::int64_t> _id;
    std::set<std::int64_t> ints;
    std::set<double> doubles;
    std::set<bool> bools;
    std::set<std::string> texts;
    std::set<Kind> kinds;
    std::set<date> dates;
    std::set<uuid> uuids;
    std::set<object_id> ids;
    std::set<decimal128> decimals;
    std::set<bytes> binaries;
    std::set<mixed> anys;
    std::set<std::optional<std::int64_t>> maybe_ints;
    std::set<std::int64_t> others;
};
REALM_ASYMMETRIC_SCHEMA(Sets, _id, ints, doubles, bools, texts, kinds, dates, uuids, ids, decimals,
                        binaries, anys, maybe_ints, others)

struct Maps {
    realm::primary_key<std::int64_t> _id;
    map<std::int64_t> ints;
    map<double> doubles;
    map<bool> bools;
    map<std::string> texts;
    map<Kind> kinds;
    map<date> dates;
    map<uuid> uuids;
    map<object_id> ids;
    map<decimal128> decimals;
    map<bytes> binaries;
    map<mixed> anys;
    map<std::optional<std::int64_t>> maybe_ints;
    map<Item*> items;
};
REALM_ASYMMETRIC_SCHEMA(Maps, _id, ints, doubles, bools, texts, kinds, dates, uuids, ids, decimals,
                        binaries, anys, maybe_ints, items)

const uuid a_uuid("01234567-89ab-cdef-0123-456789abcdef");
const object_id an_id("0123456789abcdef01234567");

class managed_elements : public testing::Test {
protected:
    write_session<Lists, Sets, Maps, Item> session;
};

template <typename T>
void check_list(realm::managed<std::vector<T>>& values, const T& a, const T& b) {
    values.push_back(a);
    values.push_back(b);
    values.push_back(a);
    EXPECT_EQ(values.size(), 3U);
    EXPECT_FALSE(values.empty());
    EXPECT_EQ(values.find(b), 1U);
    EXPECT_TRUE(values[2] == a);
    EXPECT_TRUE((values.detach() == std::vector<T>{a, b, a}));
    EXPECT_TRUE((values == std::vector<T>{a, b, a}));
    values.pop_back();
    values.erase(0);
    EXPECT_EQ(values.find(a), realm::not_in_collection);
    std::size_t seen = 0;
    for (const auto& each : values) {
        EXPECT_TRUE(each == b);
        ++seen;
    }
    EXPECT_EQ(seen, 1U);
    values.set(0, a);
    EXPECT_TRUE(values[0] == a);
    const std::vector<T> converted = values;
    EXPECT_EQ(converted.size(), 1U);
    values.clear();
    EXPECT_TRUE(values.empty());
    values = {b, a};
    std::copy(converted.begin(), converted.end(), std::back_inserter(values));
    EXPECT_EQ(values.size(), 3U);
}

TEST_F(managed_elements, lists_of_every_type_grow_shrink_find_and_iterate) {
    auto lists = session.add(Lists{});
    check_list<std::int64_t>(lists.ints, 1, 2);
    check_list(lists.doubles, 1.23, 2.45);
    check_list(lists.bools, true, false);
    check_list<std::string>(lists.texts, "foo", "bar");
    check_list(lists.kinds, Kind::one, Kind::two);
    check_list(lists.dates, date(1s), date(2s));
    check_list(lists.uuids, a_uuid, uuid());
    check_list(lists.ids, an_id, object_id());
    check_list(lists.decimals, decimal128("1.5"), decimal128("2"));
    check_list(lists.binaries, bytes{0}, bytes{1});
    check_list(lists.anys, mixed(std::int64_t(42)), mixed(std::string("x")));
    check_list<std::optional<std::int64_t>>(lists.maybe_ints, 1, std::nullopt);
    check_list<std::optional<std::string>>(lists.maybe_texts, std::nullopt, "x");
    check_list<std::optional<bytes>>(lists.maybe_binaries, bytes{1}, std::nullopt);
    const Lists sent = session.commit_one<Lists>();
    EXPECT_EQ(sent.ints, (list<std::int64_t>{2, 1, 1}));
    EXPECT_EQ(sent.maybe_binaries, (list<std::optional<bytes>>{std::nullopt, bytes{1}, bytes{1}}));
}

TEST_F(managed_elements, lists_sort_into_a_copy) {
    auto lists = session.add(Lists{});
    lists.texts = {"b", "c", "a"};
    lists.dates = {date(2s), date(1s)};
    lists.maybe_ints = {3, std::nullopt, 1};
    EXPECT_EQ(lists.texts.sort(), (list<std::string>{"a", "b", "c"}));
    EXPECT_EQ(lists.texts.sort(false), (list<std::string>{"c", "b", "a"}));
    EXPECT_EQ(lists.dates.sort(), (list<date>{date(1s), date(2s)}));
    EXPECT_EQ(lists.maybe_ints.sort(), (list<std::optional<std::int64_t>>{std::nullopt, 1, 3}));
    EXPECT_EQ(lists.texts[0], "b");
}

TEST_F(managed_elements, lists_of_mixed_hold_what_was_pushed) {
    auto lists = session.add(Lists{});
    lists.anys.push_back(std::int64_t(42));
    lists.anys.push_back(true);
    lists.anys.push_back(std::string("hello"));
    lists.anys.push_back(a_uuid);
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(lists.anys[0]));
    EXPECT_TRUE(std::get<bool>(lists.anys[1]));
    EXPECT_EQ(std::get<std::string>(lists.anys[2]), "hello");
    EXPECT_EQ(std::get<uuid>(lists.anys[3]), a_uuid);
}

TEST_F(managed_elements, lists_of_objects_find_a_managed_object) {
    auto lists = session.add(Lists{});
    Item first{1};
    Item second{1};
    lists.items = {&first, &second};
    auto managed_second = lists.items[1];
    EXPECT_EQ(lists.items.find(managed_second), 1U);
    EXPECT_EQ(lists.items.find(lists.items[0]), 0U);
    EXPECT_TRUE(lists.items[1] == managed_second);
    EXPECT_TRUE(lists.items[0] != managed_second);
    for (auto each : lists.items)
        EXPECT_NE(lists.items.find(each), realm::not_in_collection);
    lists.items.pop_back();
    EXPECT_EQ(lists.items.find(managed_second), realm::not_in_collection);
    auto other = session.add(Lists{});
    other.items.push_back(&second);
    EXPECT_EQ(lists.items.find(other.items[0]), realm::not_in_collection);
}

template <typename T>
void check_set(realm::managed<std::set<T>>& values, const T& a, const T& b) {
    EXPECT_TRUE(values.insert(a).second);
    EXPECT_FALSE(values.insert(a).second);
    EXPECT_TRUE(*values.insert(b).first == b);
    EXPECT_EQ(values.size(), 2U);
    auto found = values.find(a);
    EXPECT_TRUE(found != values.end());
    EXPECT_TRUE(*found == a);
    EXPECT_TRUE(values.contains(b));
    EXPECT_TRUE((values.detach() == std::set<T>{a, b}));
    EXPECT_TRUE((values == std::set<T>{a, b}));
    EXPECT_TRUE(std::equal(values.begin(), values.end(), values.detach().begin()));
    values.erase(found);
    found = values.find(a);
    EXPECT_TRUE(found == values.end());
    EXPECT_EQ(values.size(), 1U);
    const std::set<T> converted = values;
    EXPECT_EQ(converted.size(), 1U);
    values.clear();
    EXPECT_TRUE(values.empty());
    values = {a, b};
}

TEST_F(managed_elements, sets_of_every_type_insert_find_erase_and_iterate) {
    auto sets = session.add(Sets{});
    check_set<std::int64_t>(sets.ints, 42, -1);
    check_set(sets.doubles, 42.001, -1.001);
    check_set(sets.bools, true, false);
    check_set<std::string>(sets.texts, "42", "24");
    check_set(sets.kinds, Kind::one, Kind::two);
    check_set(sets.dates, date(1s), date());
    check_set(sets.uuids, a_uuid, uuid());
    check_set(sets.ids, an_id, object_id());
    check_set(sets.decimals, decimal128("1.5"), decimal128("NaN"));
    check_set(sets.binaries, bytes{1, 2}, bytes{1});
    check_set(sets.anys, mixed(std::int64_t(42)), mixed(std::string("24")));
    check_set<std::optional<std::int64_t>>(sets.maybe_ints, 1, std::nullopt);
    const Sets sent = session.commit_one<Sets>();
    EXPECT_EQ(sent.ints, (std::set<std::int64_t>{-1, 42}));
    EXPECT_EQ(sent.binaries, (std::set<bytes>{{1}, {1, 2}}));
}

TEST_F(managed_elements, sets_take_the_result_of_an_algorithm) {
    using ints = std::set<std::int64_t>;
    auto sets = session.add(Sets{});
    auto& out = sets.ints;
    const ints a{1, 2, 3};
    const ints b{2, 3, 4};
    const auto into = [&out] {
        out.clear();
        return std::inserter(out, out.begin());
    };
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), into());
    EXPECT_EQ(out.detach(), (ints{1, 2, 3, 4}));
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), into());
    EXPECT_EQ(out.detach(), (ints{2, 3}));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), into());
    EXPECT_EQ(out.detach(), ints{1});
    std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), into());
    EXPECT_EQ(out.detach(), (ints{1, 4}));
    std::copy(b.begin(), b.end(), std::inserter(out, out.end()));
    EXPECT_EQ(out.size(), 4U);
    EXPECT_EQ(session.commit_one<Sets>().ints, (ints{1, 2, 3, 4}));
}

TEST_F(managed_elements, sets_go_into_an_algorithm) {
    using ints = std::set<std::int64_t>;
    auto sets = session.add(Sets{});
    sets.ints = {1, 2, 3};
    sets.others = {2, 3, 4};
    ints plain;
    std::set_intersection(sets.ints.begin(), sets.ints.end(), sets.others.begin(),
                          sets.others.end(), std::inserter(plain, plain.begin()));
    EXPECT_EQ(plain, (ints{2, 3}));
    sets.maybe_ints.clear();
    std::set_union(sets.ints.begin(), sets.ints.end(), sets.others.begin(), sets.others.end(),
                   std::inserter(sets.maybe_ints, sets.maybe_ints.begin()));
    EXPECT_EQ(sets.maybe_ints.size(), 4U);
    auto last = sets.ints.end();
    EXPECT_EQ(*--last, 3);
    EXPECT_EQ(*last--, 3);
    EXPECT_EQ(*last++, 2);
    EXPECT_EQ(*last, 3);
}

template <typename T>
void check_map(realm::managed<std::map<std::string, T>>& values, const T& a, const T& b) {
    values["a"] = a;
    values["b"] = a;
    values["b"] = b;
    EXPECT_TRUE(values["a"] == a);
    EXPECT_TRUE(values["b"] != a);
    EXPECT_TRUE(b == values["b"]);
    EXPECT_TRUE(values["b"].detach() == b);
    EXPECT_EQ(values.size(), 2U);
    EXPECT_TRUE(values.contains_key("a"));
    EXPECT_FALSE(values.contains_key("z"));
    EXPECT_TRUE(values.find("z") == values.end());
    EXPECT_TRUE((*values.find("a")).second == a);
    EXPECT_EQ(values.find("a")->first, "a");
    EXPECT_TRUE((values.detach() == std::map<std::string, T>{{"a", a}, {"b", b}}));
    EXPECT_TRUE((values == std::map<std::string, T>{{"a", a}, {"b", b}}));
    std::string keys;
    for (auto [key, value] : values) {
        keys += key;
        EXPECT_TRUE(value == (key == "a" ? a : b));
    }
    EXPECT_EQ(keys, "ab");
    values["c"] = values["b"];
    EXPECT_TRUE(values["c"] == b);
    values.erase("a");
    EXPECT_EQ(values.size(), 2U);
    values.clear();
    EXPECT_TRUE(values.empty());
    values = {{"a", a}};
}

TEST_F(managed_elements, maps_of_every_type_take_find_erase_and_iterate) {
    auto maps = session.add(Maps{});
    check_map<std::int64_t>(maps.ints, 42, 84);
    check_map(maps.doubles, 1.5, 2.5);
    check_map(maps.bools, true, false);
    check_map<std::string>(maps.texts, "foo", "bar");
    check_map(maps.kinds, Kind::one, Kind::two);
    check_map(maps.dates, date(1s), date());
    check_map(maps.uuids, a_uuid, uuid());
    check_map(maps.ids, an_id, object_id());
    check_map(maps.decimals, decimal128("1.5"), decimal128("2"));
    check_map(maps.binaries, bytes{0, 1}, bytes{3});
    check_map(maps.anys, mixed(std::int64_t(42)), mixed(std::string("x")));
    check_map<std::optional<std::int64_t>>(maps.maybe_ints, 1, std::nullopt);
    maps.texts["b"] = "literal";
    maps.texts["b"] += "s";
    maps.binaries["a"].push_back(2);
    maps.dates["a"] += 1s;
    maps.decimals["a"] += decimal128("0.5");
    maps.doubles["a"] *= 2;
    maps.maybe_ints["a"]++;
    const Maps sent = session.commit_one<Maps>();
    EXPECT_EQ(sent.texts, (map<std::string>{{"a", "foo"}, {"b", "literals"}}));
    EXPECT_EQ(sent.binaries, (map<bytes>{{"a", {0, 1, 2}}}));
    EXPECT_EQ(sent.dates.at("a"), date(2s));
    EXPECT_EQ(sent.decimals.at("a"), decimal128("2.0"));
    EXPECT_EQ(sent.doubles.at("a"), 3);
    EXPECT_EQ(sent.maybe_ints.at("a"), 2);
}

TEST_F(managed_elements, maps_of_objects_compare_and_are_reached_by_arrow) {
    auto maps = session.add(Maps{});
    Item item{1};
    maps.items["a"] = &item;
    maps.items["b"] = &item;
    maps.items["a"]->n += 1;
    EXPECT_EQ(maps.items["a"]->n, 2);
    EXPECT_TRUE(maps.items["a"] == maps.items["a"]);
    EXPECT_TRUE(maps.items["a"] != maps.items["b"]);
    EXPECT_TRUE(maps.items["a"] == (*maps.items.find("a")).second);
    EXPECT_TRUE(static_cast<bool>(maps.items["a"]));
    maps.items["a"] = nullptr;
    EXPECT_TRUE(maps.items["a"] == nullptr);
    EXPECT_EQ(maps.items["a"].detach(), nullptr);
}

} // namespace
