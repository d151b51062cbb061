// Lists, sets and maps of managed objects, between `add` and the commit.
#include "write_session.hpp"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

namespace {

struct Item {
    std::int64_t n = 0;
    std::string text;
};
REALM_EMBEDDED_SCHEMA(Item, n, text)

struct Bag {
    realm::primary_key<std::int64_t> _id;
    std::vector<std::int64_t> numbers;
    std::vector<bool> flags;
    std::vector<std::optional<std::string>> maybe_texts;
    std::vector<realm::mixed> anys;
    std::vector<Item*> items;
    std::set<std::string> names;
    std::map<std::string, realm::mixed> tags;
    std::map<std::string, std::int64_t> counts;
    std::map<std::string, std::optional<double>> maybe;
    std::map<std::string, Item*> by_name;
};
REALM_ASYMMETRIC_SCHEMA(Bag, _id, numbers, flags, maybe_texts, anys, items, names, tags, counts,
                        maybe, by_name)

class managed_collections : public testing::Test {
protected:
    write_session<Bag, Item> session;
    realm::managed<Bag> bag = session.add(Bag{});

    Bag sent() { return session.commit_one<Bag>(); }
};

TEST_F(managed_collections, lists_grow_and_shrink) {
    bag.numbers.push_back(3);
    bag.numbers.push_back(1);
    bag.numbers.push_back(2);
    bag.numbers.erase(0);
    bag.numbers.set(0, 9);
    EXPECT_EQ(bag.numbers.size(), 2U);
    EXPECT_EQ(bag.numbers[0], 9);
    bag.numbers.push_back(4);
    bag.numbers.pop_back();
    EXPECT_EQ(sent().numbers, (std::vector<std::int64_t>{9, 2}));
}

TEST_F(managed_collections, lists_find_sort_and_iterate) {
    for (int n : {3, 1, 2})
        bag.numbers.push_back(n);
    EXPECT_EQ(bag.numbers.find(2), 2U);
    EXPECT_EQ(bag.numbers.find(7), realm::not_in_collection);
    EXPECT_EQ(bag.numbers.sort(true), (std::vector<std::int64_t>{1, 2, 3}));
    EXPECT_EQ(bag.numbers.sort(false), (std::vector<std::int64_t>{3, 2, 1}));
    EXPECT_EQ(bag.numbers.as_results().size(), 3U);
    std::int64_t sum = 0;
    for (auto n : bag.numbers)
        sum += n;
    EXPECT_EQ(sum, 6);
    EXPECT_EQ(bag.numbers.detach(), (std::vector<std::int64_t>{3, 1, 2}));
    EXPECT_TRUE((bag.numbers == std::vector<std::int64_t>{3, 1, 2}));
}

TEST_F(managed_collections, lists_empty_and_take_whole_values) {
    bag.numbers = {1, 2, 3};
    bag.numbers.clear();
    EXPECT_TRUE(bag.numbers.empty());
    bag.numbers = {4};
    bag.flags.push_back(true);
    bag.maybe_texts.push_back(std::nullopt);
    bag.maybe_texts.push_back("x");
    bag.anys.push_back(std::string("any"));
    const Bag sent = this->sent();
    EXPECT_EQ(sent.numbers, (std::vector<std::int64_t>{4}));
    EXPECT_EQ(sent.flags, std::vector<bool>{true});
    EXPECT_EQ(sent.maybe_texts, (std::vector<std::optional<std::string>>{std::nullopt, "x"}));
    EXPECT_EQ(sent.anys, (std::vector<realm::mixed>{std::string("any")}));
}

TEST_F(managed_collections, lists_say_which_index_is_missing) {
    EXPECT_EQ(thrown_by([&] { static_cast<void>(bag.numbers[0]); }),
              "Requested index 0 calling get() on list 'Bag.numbers' when empty");
    EXPECT_EQ(thrown_by([&] { bag.numbers.pop_back(); }),
              "Requested index 0 calling remove() on list 'Bag.numbers' when empty");
    bag.numbers.push_back(1);
    EXPECT_EQ(thrown_by([&] { bag.numbers.set(2, 1); }),
              "Requested index 2 calling set() on list 'Bag.numbers' when max is 0");
    EXPECT_EQ(thrown_by([&] { bag.numbers.erase(1); }),
              "Requested index 1 calling remove() on list 'Bag.numbers' when max is 0");
}

TEST_F(managed_collections, lists_of_objects_copy_what_they_are_given) {
    Item mine{1, "one"};
    bag.items.push_back(&mine);
    bag.items.push_back(nullptr);
    mine.n = 9;
    EXPECT_EQ(bag.items.size(), 1U);
    EXPECT_EQ(bag.items[0]->n, 1);
    bag.items[0]->n += 4;
    const Bag sent = this->sent();
    ASSERT_EQ(sent.items.size(), 1U);
    EXPECT_EQ(sent.items[0]->n, 5);
    EXPECT_EQ(mine.n, 9);
}

TEST_F(managed_collections, lists_of_objects_iterate_over_managed_objects) {
    Item one{1, "one"};
    Item two{2, "two"};
    bag.items = {&one, &two};
    std::string texts;
    for (auto item : bag.items) {
        item.n *= 10;
        item->text += "!";
        texts += std::string(item.text);
    }
    EXPECT_EQ(texts, "one!two!");
    bag.items.erase(0);
    const Bag sent = this->sent();
    ASSERT_EQ(sent.items.size(), 1U);
    EXPECT_EQ(sent.items[0]->n, 20);
    EXPECT_EQ(sent.items[0]->text, "two!");
}

TEST_F(managed_collections, lists_of_objects_take_no_object_that_is_elsewhere_already) {
    Item one{1, "one"};
    bag.items.push_back(&one);
    auto item = bag.items[0];
    EXPECT_EQ(thrown_by([&] { bag.items.push_back(item); }),
              "Cannot add existing embedded object to managed list.");
}

TEST_F(managed_collections, lists_of_objects_detach_into_objects_of_the_caller) {
    Item one{1, "one"};
    bag.items.push_back(&one);
    const auto copies = bag.items.detach();
    session.commit();
    ASSERT_EQ(copies.size(), 1U);
    const std::unique_ptr<Item> copy(copies[0]);
    EXPECT_EQ(copy->text, "one");
}

TEST_F(managed_collections, sets_keep_each_value_once) {
    EXPECT_TRUE(bag.names.insert("b").second);
    EXPECT_TRUE(bag.names.insert("a").second);
    EXPECT_FALSE(bag.names.insert("b").second);
    EXPECT_EQ(bag.names.size(), 2U);
    std::string all;
    for (const auto& name : bag.names)
        all += name;
    EXPECT_EQ(all, "ab");
    EXPECT_EQ(*bag.names.find("a"), "a");
    EXPECT_TRUE(bag.names.find("z") == bag.names.end());
    bag.names.erase(bag.names.find("a"));
    EXPECT_EQ(bag.names.detach(), (std::set<std::string>{"b"}));
    EXPECT_EQ(sent().names, (std::set<std::string>{"b"}));
}

TEST_F(managed_collections, sets_empty) {
    bag.names = {"x", "y"};
    bag.names.clear();
    EXPECT_TRUE(sent().names.empty());
}

TEST_F(managed_collections, maps_take_values_by_key) {
    bag.tags["room"] = std::string("north");
    bag.tags["text"] = "stays text";
    bag.tags["n"] = 5;
    bag.tags["n"] = 6;
    bag.counts["a"] = 1;
    bag.counts["a"] += 4;
    ++bag.counts["a"];
    bag.maybe["x"] = 1.5;
    bag.maybe["y"] = std::nullopt;
    EXPECT_EQ(*bag.tags["room"], realm::mixed(std::string("north")));
    EXPECT_EQ(*bag.counts["a"], 6);
    EXPECT_TRUE(bag.counts["a"] == 6);
    const Bag sent = this->sent();
    EXPECT_EQ(sent.tags,
              (std::map<std::string, realm::mixed>{{"n", std::int64_t{6}},
                                                   {"room", std::string("north")},
                                                   {"text", std::string("stays text")}}));
    EXPECT_EQ(sent.counts.at("a"), 6);
    EXPECT_EQ(sent.maybe.at("x"), 1.5);
    EXPECT_EQ(sent.maybe.at("y"), std::nullopt);
}

TEST_F(managed_collections, maps_find_erase_and_iterate) {
    bag.counts = {{"a", 1}, {"b", 2}};
    EXPECT_TRUE(bag.counts.contains_key("a"));
    EXPECT_FALSE(bag.counts.contains_key("z"));
    EXPECT_EQ((*bag.counts.find("b")).second, 2);
    EXPECT_EQ(bag.counts.find("b")->second, 2);
    EXPECT_TRUE(bag.counts.find("z") == bag.counts.end());
    std::string all;
    for (const auto& [key, value] : bag.counts)
        all += key + std::to_string(value);
    EXPECT_EQ(all, "a1b2");
    bag.counts.erase("a");
    EXPECT_EQ(bag.counts.size(), 1U);
    EXPECT_EQ(sent().counts, (std::map<std::string, std::int64_t>{{"b", 2}}));
}

TEST_F(managed_collections, maps_say_which_key_is_missing) {
    EXPECT_EQ(thrown_by([&] { static_cast<void>(*bag.counts["zz"]); }), "Dictionary::get");
    EXPECT_EQ(thrown_by([&] { bag.counts["zz"] += 1; }), "Dictionary::get");
    EXPECT_EQ(thrown_by([&] { bag.counts.erase("zz"); }),
              "Cannot remove key \"zz\" from dictionary: key not found");
    EXPECT_EQ(thrown_by([&] { bag.by_name["zz"]->n = 1; }),
              "null: there is no 'Bag.by_name[\"zz\"]'");
    EXPECT_EQ(bag.counts.size(), 0U);
}

TEST_F(managed_collections, maps_refuse_keys_that_realm_refuses) {
    EXPECT_EQ(thrown_by([&] { bag.counts["$a"] = 1; }),
              "Dictionary::insert: key must not start with '$'");
    EXPECT_EQ(thrown_by([&] { bag.tags["a.b"] = 1; }),
              "Dictionary::insert: key must not contain '.'");
    EXPECT_EQ(thrown_by([&] {
                  bag.counts = {{"fine", 1}, {"a.b", 1}};
              }),
              "Dictionary::insert: key must not contain '.'");
    bag.counts[""] = 1;
    bag.counts["a$"] = 2;
    EXPECT_EQ(sent().counts, (std::map<std::string, std::int64_t>{{"", 1}, {"a$", 2}}));
}

TEST_F(managed_collections, maps_of_objects_copy_what_they_are_given) {
    Item mine{1, "one"};
    bag.by_name["a"] = &mine;
    bag.by_name["gone"] = nullptr;
    bag.by_name["a"]->n += 1;
    EXPECT_EQ(mine.n, 1);
    EXPECT_EQ(bag.by_name["a"]->text, "one");
    EXPECT_TRUE(bag.by_name["gone"] == nullptr);
    for (auto [key, item] : bag.by_name) {
        if (item)
            item->text = key;
    }
    const Bag sent = this->sent();
    EXPECT_EQ(sent.by_name.at("a")->n, 2);
    EXPECT_EQ(sent.by_name.at("a")->text, "a");
    EXPECT_EQ(sent.by_name.at("gone"), nullptr);
}

TEST_F(managed_collections, maps_of_objects_detach_into_objects_of_the_caller) {
    Item mine{1, "one"};
    bag.by_name["a"] = &mine;
    const std::unique_ptr<Item> one(bag.by_name["a"].detach());
    const auto all = bag.by_name.detach();
    session.commit();
    const std::unique_ptr<Item> other(all.at("a"));
    EXPECT_EQ(one->text, "one");
    EXPECT_EQ(other->n, 1);
}

TEST_F(managed_collections, throw_after_the_commit) {
    Item mine{1, "one"};
    bag.numbers = {1};
    bag.names = {"a"};
    bag.counts = {{"a", 1}};
    bag.items.push_back(&mine);
    auto item = bag.items[0];
    auto slot = bag.counts["a"];
    auto number = bag.numbers.begin();
    auto name = bag.names.begin();
    auto count = bag.counts.begin();
    session.commit();
    const std::string gone = "No object with key '0' in 'class_Bag'";
    EXPECT_EQ(thrown_by([&] { bag.numbers.push_back(1); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(bag.numbers.size()); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(*number); }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(*name); }), gone);
    EXPECT_EQ(thrown_by([&] { ++name; }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(*count); }), gone);
    EXPECT_EQ(thrown_by([&] { count++; }), gone);
    EXPECT_EQ(thrown_by([&] { slot = 2; }), gone);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(*slot); }), gone);
    EXPECT_EQ(thrown_by([&] { bag.items.push_back(&mine); }), gone);
    EXPECT_EQ(thrown_by([&] { bag.by_name["a"] = &mine; }), gone);
    EXPECT_EQ(thrown_by([&] { item->n = 1; }), "No object with key '0' in 'class_Item'");
}

} // namespace
