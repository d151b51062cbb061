// managed<T> by name: what functions can take, what type traits say, how handles find their object.
#include "write_session.hpp"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

namespace {

using realm::managed;
using realm::primary_key;
using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;

enum class Kind { one, two };

struct Part {
    std::int64_t n = 0;
    std::string text;
    Part* next = nullptr;
};
REALM_EMBEDDED_SCHEMA(Part, n, text, next)

struct Thing {
    primary_key<std::int64_t> _id;
    std::int64_t number = 0;
    double real = 0;
    bool flag = false;
    std::string text;
    Kind kind = Kind::one;
    std::int64_t other = 0;
    std::optional<std::int64_t> maybe;
    std::optional<bytes> maybe_binary;
    std::vector<std::int64_t> list;
    std::set<std::string> set;
    std::map<std::string, double> map;
    Part* part = nullptr;
    std::vector<Part*> parts;
};
REALM_ASYMMETRIC_SCHEMA(Thing, _id, number, real, flag, text, kind, other, maybe, maybe_binary,
                        list, set, map, part, parts)

class managed_types : public testing::Test {
protected:
    write_session<Thing, Part> session;
    managed<Thing> thing = session.add(Thing{});

    Thing sent() { return session.commit_one<Thing>(); }
};

static_assert(std::is_same_v<decltype(managed<Thing>::number), managed<std::int64_t>>);
static_assert(std::is_same_v<decltype(managed<Thing>::text), managed<std::string>>);
static_assert(std::is_same_v<decltype(managed<Thing>::kind), managed<Kind>>);
static_assert(std::is_same_v<decltype(managed<Thing>::maybe), managed<std::optional<int64_t>>>);
static_assert(std::is_same_v<decltype(managed<Thing>::list), managed<std::vector<std::int64_t>>>);
static_assert(std::is_same_v<decltype(managed<Thing>::set), managed<std::set<std::string>>>);
static_assert(
    std::is_same_v<decltype(managed<Thing>::map), managed<std::map<std::string, double>>>);
static_assert(std::is_same_v<decltype(managed<Thing>::_id), managed<primary_key<std::int64_t>>>);
static_assert(std::is_same_v<decltype(managed<Thing>::part), managed<Part*>>);

template <typename T>
constexpr bool only_exists_in_objects =
    !std::is_default_constructible_v<managed<T>> && !std::is_copy_constructible_v<managed<T>>;

static_assert(only_exists_in_objects<std::int64_t> && only_exists_in_objects<double> &&
              only_exists_in_objects<bool> && only_exists_in_objects<std::string> &&
              only_exists_in_objects<Kind> && only_exists_in_objects<date> &&
              only_exists_in_objects<realm::uuid> && only_exists_in_objects<realm::object_id> &&
              only_exists_in_objects<realm::decimal128> && only_exists_in_objects<bytes> &&
              only_exists_in_objects<realm::mixed>);
static_assert(only_exists_in_objects<std::optional<std::int64_t>> &&
              only_exists_in_objects<std::optional<std::string>> &&
              only_exists_in_objects<std::optional<date>> &&
              only_exists_in_objects<std::optional<bytes>> &&
              only_exists_in_objects<std::optional<realm::decimal128>>);
static_assert(only_exists_in_objects<std::vector<std::int64_t>> &&
              only_exists_in_objects<std::vector<Part*>> &&
              only_exists_in_objects<std::set<realm::mixed>> &&
              only_exists_in_objects<std::map<std::string, Part*>>);
static_assert(!std::is_default_constructible_v<managed<Part*>>);

template <typename T, typename Value>
constexpr bool takes = std::is_assignable_v<managed<T>&, Value>;

static_assert(takes<std::int64_t, std::int64_t> && takes<std::int64_t, int>);
static_assert(takes<std::string, const char*> && takes<std::string, std::string>);
static_assert(takes<std::optional<std::string>, std::nullopt_t>);
static_assert(takes<Part*, Part*> && takes<Part*, std::nullptr_t>);
static_assert(!takes<std::string, realm::uuid> && !takes<realm::uuid, std::string>);

template <typename T>
constexpr bool key_is_fixed =
    !std::is_assignable_v<managed<primary_key<T>>, T> &&
    !std::is_assignable_v<managed<primary_key<T>>&, T> &&
    !std::is_assignable_v<managed<primary_key<T>>&, const managed<primary_key<T>>&> &&
    !std::is_default_constructible_v<managed<primary_key<T>>>;

static_assert(key_is_fixed<std::int64_t> && key_is_fixed<std::string> && key_is_fixed<Kind> &&
              key_is_fixed<realm::object_id> && key_is_fixed<realm::uuid>);
static_assert(key_is_fixed<std::optional<std::int64_t>> &&
              key_is_fixed<std::optional<std::string>> && key_is_fixed<std::optional<Kind>> &&
              key_is_fixed<std::optional<realm::object_id>> &&
              key_is_fixed<std::optional<realm::uuid>>);

void by_reference(managed<std::int64_t>& number, managed<std::string>& text) {
    number += 5;
    text += "!";
}
std::int64_t by_const_reference(const managed<std::int64_t>& number,
                                const managed<primary_key<std::int64_t>>& key) {
    return number + key;
}
void by_pointer(managed<std::vector<std::int64_t>>* list) { list->push_back(7); }
template <typename T>
void by_deduction(managed<std::optional<T>>& optional) {
    optional = std::nullopt;
}
template <typename T>
void into_set(managed<T>* set, const std::vector<typename T::value_type>& values) {
    for (const auto& value : values)
        set->insert(value);
}
void of_embedded(managed<Part*>& part) { part->n += 1; }
void of_object(managed<Part>& part) { part.text = "seen"; }
template <auto Plain, auto Managed>
bool same_in_both(const Thing& plain, const managed<Thing>& object) {
    return (object.*Managed).detach() == plain.*Plain;
}

TEST_F(managed_types, are_taken_by_functions_by_reference) {
    thing.text = "a";
    by_reference(thing.number, thing.text);
    by_reference(thing.other, thing.text);
    EXPECT_EQ(by_const_reference(thing.number, thing._id), 5);
    const Thing sent = this->sent();
    EXPECT_EQ(sent.number, 5);
    EXPECT_EQ(sent.other, 5);
    EXPECT_EQ(sent.text, "a!!");
}

TEST_F(managed_types, are_taken_by_functions_by_pointer) {
    by_pointer(&thing.list);
    into_set(&thing.set, {"b", "a", "b"});
    const Thing sent = this->sent();
    EXPECT_EQ(sent.list, std::vector<std::int64_t>{7});
    EXPECT_EQ(sent.set, (std::set<std::string>{"a", "b"}));
}

TEST_F(managed_types, are_deduced_by_templates) {
    thing.maybe = 5;
    by_deduction(thing.maybe);
    thing.maybe_binary = bytes{1};
    by_deduction(thing.maybe_binary);
    const Thing sent = this->sent();
    EXPECT_EQ(sent.maybe, std::nullopt);
    EXPECT_EQ(sent.maybe_binary, std::nullopt);
}

TEST_F(managed_types, are_reached_through_pointers_to_members) {
    thing.number = 5;
    thing.list = {1, 2};
    Thing plain;
    plain.number = 5;
    plain.list = {1, 2};
    EXPECT_TRUE((same_in_both<&Thing::number, &managed<Thing>::number>(plain, thing)));
    EXPECT_TRUE((same_in_both<&Thing::list, &managed<Thing>::list>(plain, thing)));
    EXPECT_TRUE((same_in_both<&Thing::set, &managed<Thing>::set>(plain, thing)));
}

TEST_F(managed_types, of_embedded_objects_are_taken_by_functions) {
    Part inner{3, "inner", nullptr};
    Part part{1, "outer", &inner};
    thing.part = &part;
    thing.parts.push_back(&part);
    of_embedded(thing.part);
    of_embedded(thing.part->next);
    auto one = thing.parts[0];
    of_object(one);
    of_object(*thing.parts[0]);
    const Thing sent = this->sent();
    EXPECT_EQ(sent.part->n, 2);
    EXPECT_EQ(sent.part->next->n, 4);
    EXPECT_EQ(sent.parts[0]->text, "seen");
}

TEST_F(managed_types, references_work_in_every_copy_of_the_object) {
    auto copy = thing;
    std::vector<managed<Thing>> kept(3, thing);
    managed<std::int64_t>& in_copy = copy.number;
    managed<std::int64_t>& in_vector = kept[2].number;
    in_copy = 5;
    in_vector += 1;
    kept.emplace_back(session.add(Thing{})); // moves them all
    kept[2].number += 1;
    EXPECT_EQ(thing.number, 7);
    EXPECT_EQ(kept[3].number, 0);
}

TEST_F(managed_types, pointers_to_embedded_objects_may_be_copied_and_kept) {
    Part inner{3, "inner", nullptr};
    Part part{1, "outer", &inner};
    thing.part = &part;
    const auto kept = [&] {
        auto object = thing;
        return std::vector<managed<Part*>>{object.part, object.part->next};
    }();
    auto next = kept[1];
    next->n = 9;
    EXPECT_TRUE(kept[0] != nullptr);
    EXPECT_EQ(std::unique_ptr<Part>(next.detach())->n, 9);
    next = nullptr;
    EXPECT_EQ(sent().part->next, nullptr);
}

TEST_F(managed_types, objects_stand_for_none_until_one_is_assigned) {
    managed<Thing> later;
    EXPECT_TRUE(later.is_invalidated());
    EXPECT_EQ(thrown_by([&] { later.number = 1; }), "No object with key '0' in 'class_Thing'");
    later = thing;
    later.number = 4;
    EXPECT_EQ(thing.number, 4);
    EXPECT_EQ(later, thing);
}

TEST_F(managed_types, objects_compare_with_each_other_and_with_pointers) {
    auto second = session.add(Thing{});
    EXPECT_TRUE(thing == thing);
    EXPECT_TRUE(thing != second);
    EXPECT_TRUE(thing < second);
    EXPECT_FALSE(second < thing);
    Part part{1, "one", nullptr};
    thing.part = &part;
    thing.parts = {&part, &part};
    auto one = thing.parts[0];
    EXPECT_TRUE(one == thing.parts[0]);
    EXPECT_TRUE(one != thing.parts[1]);
    EXPECT_TRUE(thing.part == thing.part);
    EXPECT_TRUE(thing.part != one);
    EXPECT_TRUE(one != thing.part);
    EXPECT_TRUE(thing.part == *thing.part.operator->());
}

TEST_F(managed_types, values_assign_from_each_other) {
    auto second = session.add(Thing{});
    second.number = 4;
    second.list = {1, 2};
    second.map = {{"a", 1.5}};
    second.maybe_binary = bytes{1, 2};
    thing.number = second.number;
    thing.other = second.number;
    thing.list = second.list;
    thing.map = second.map;
    thing.maybe_binary = second.maybe_binary;
    second.list.clear();
    EXPECT_EQ(thing.number, 4);
    EXPECT_EQ(thing.other, 4);
    EXPECT_EQ(thing.list.size(), 2U);
    EXPECT_EQ(*thing.map["a"], 1.5);
    EXPECT_EQ(thing.maybe_binary, (bytes{1, 2}));
}

TEST_F(managed_types, throw_after_the_commit_wherever_they_were_kept) {
    auto& number = thing.number;
    auto part = thing.part;
    auto place = thing.map["a"];
    session.commit();
    const std::string gone = "No object with key '0' in 'class_Thing'";
    EXPECT_EQ(thrown_by([&] { number = 1; }), gone);
    EXPECT_EQ(thrown_by([&] { part = nullptr; }), gone);
    EXPECT_EQ(thrown_by([&] { place = 1.5; }), gone);
}

} // namespace
