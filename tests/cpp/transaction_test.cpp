// The write transaction: what `add` writes, what a failure leaves, what the commit hands on.
#include "write_session.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <thread>

#include <gtest/gtest.h>

using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;
using realm::internal::bson_element;
using realm::internal::bson_reader;
using realm::internal::bson_type;

namespace {

enum class Level : std::int64_t { low = -1, high = std::numeric_limits<std::int64_t>::max() };

struct Leaf {
    std::int64_t n = 0;
    std::optional<std::string> text;
};
REALM_EMBEDDED_SCHEMA(Leaf, n, text)

struct Branch {
    std::vector<Leaf*> leaves;
    Leaf* first = nullptr;
};
REALM_EMBEDDED_SCHEMA(Branch, leaves, first)

struct Everything {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::int64_t number = 0;
    double real = 0;
    float small = 0;
    bool flag = false;
    std::string text;
    date at;
    realm::uuid uid;
    realm::object_id oid;
    bytes binary;
    realm::decimal128 decimal;
    Level level = Level::low;
    std::optional<std::int64_t> maybe_number;
    std::optional<date> maybe_at;
    realm::mixed any;
    std::vector<std::string> texts;
    std::vector<std::optional<double>> maybe_reals;
    std::vector<bool> flags;
    std::set<std::int64_t> numbers;
    std::map<std::string, realm::mixed> tags;
    Leaf* leaf = nullptr;
    std::vector<Leaf*> leaves;
    std::map<std::string, Leaf*> named;
    Branch* branch = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Everything, _id, number, real, small, flag, text, at, uid, oid, binary,
                        decimal, level, maybe_number, maybe_at, any, texts, maybe_reals, flags,
                        numbers, tags, leaf, leaves, named, branch)

struct Small {
    realm::primary_key<std::int64_t> _id;
    std::string text;
};
REALM_ASYMMETRIC_SCHEMA(Small, _id, text)

struct NotOpened {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(NotOpened, _id)

struct Clocked {
    realm::primary_key<std::int64_t> _id;
    date at;
    std::vector<date> more;
};
REALM_ASYMMETRIC_SCHEMA(Clocked, _id, at, more)

using session = write_session<Everything, Small, Leaf, Branch, Clocked>;

bson_element field(const realm::internal::buffer& sent, std::string_view key) {
    bson_element element;
    if (!bson_reader(sent.data(), sent.size()).find(key, element))
        element.key = {};
    return element;
}
bool has_field(const realm::internal::buffer& sent, std::string_view key) {
    return field(sent, key).key == key;
}

TEST(transaction, writes_a_document_byte_by_byte) {
    session writing;
    writing.add(Small{258, "hi"});
    const auto& sent = writing.commit();
    const std::string expected("\x1F\0\0\0"
                               "\x12_id\0\x02\x01\0\0\0\0\0\0"
                               "\x02text\0\x03\0\0\0hi\0"
                               "\0",
                               31);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(sent.data()), sent.size()), expected);
}

TEST(transaction, writes_unset_optionals_as_null_and_null_pointers_not_at_all) {
    session writing;
    writing.add(Everything{});
    const auto& sent = writing.commit();
    EXPECT_EQ(field(sent, "maybe_number").type, bson_type::null);
    EXPECT_EQ(field(sent, "any").type, bson_type::null);
    EXPECT_FALSE(has_field(sent, "leaf"));
    EXPECT_FALSE(has_field(sent, "branch"));
}

TEST(transaction, writes_collections_even_when_they_are_empty) {
    session writing;
    writing.add(Everything{});
    const auto& sent = writing.commit();
    for (const char* list : {"texts", "maybe_reals", "flags", "numbers", "leaves"})
        EXPECT_EQ(field(sent, list).type, bson_type::array) << list;
    EXPECT_EQ(field(sent, "tags").type, bson_type::document);
    EXPECT_EQ(field(sent, "tags").size, 5U);
}

TEST(transaction, skips_null_in_lists_of_objects_and_keeps_it_in_maps) {
    session writing;
    Leaf leaf{1, {}};
    Everything object;
    object.leaves = {nullptr, &leaf, nullptr, &leaf};
    object.named = {{"a", nullptr}, {"b", &leaf}};
    writing.add(object);
    const auto back = writing.commit_one<Everything>();
    EXPECT_EQ(back.leaves.size(), 2U);
    ASSERT_EQ(back.named.size(), 2U);
    EXPECT_EQ(back.named.at("a"), nullptr);
    EXPECT_EQ(back.named.at("b")->n, 1);
}

TEST(transaction, reads_back_every_type_with_its_edge_values) {
    session writing;
    Leaf leaf{5, "leaf"};
    Branch branch{{&leaf, &leaf}, &leaf};
    Everything object;
    object.number = std::numeric_limits<std::int64_t>::min();
    object.real = -0.0;
    object.small = 1.5F;
    object.flag = true;
    object.text = std::string("a\0\xC3\xBC", 4);
    object.at = date(std::chrono::milliseconds(-62135596800));
    object.uid = realm::uuid("018f3a1e-0000-7000-8000-0123456789ab");
    object.oid = realm::object_id("0123456789abcdef01234567");
    object.binary = {0, 255};
    object.decimal = realm::decimal128("1.50");
    object.level = Level::high;
    object.maybe_number = 0;
    object.maybe_at = date(std::chrono::milliseconds(1));
    object.any = std::numeric_limits<double>::infinity();
    object.texts = {"", "x"};
    object.maybe_reals = {1.0, std::nullopt};
    object.flags = {true, false, true};
    object.numbers = {3, 1, 2};
    object.tags = {{"", std::monostate()},
                   {"b", std::string("t")},
                   {"c", bytes{1}},
                   {"d", object.uid},
                   {"e", true}};
    object.leaf = &leaf;
    object.branch = &branch;
    writing.add(object);
    const auto back = writing.commit_one<Everything>();
    EXPECT_EQ(back._id.value, object._id.value);
    EXPECT_EQ(back.number, object.number);
    EXPECT_TRUE(std::signbit(back.real));
    EXPECT_EQ(back.small, object.small);
    EXPECT_EQ(back.flag, object.flag);
    EXPECT_EQ(back.text, object.text);
    EXPECT_EQ(back.at, object.at);
    EXPECT_EQ(back.uid, object.uid);
    EXPECT_EQ(back.oid, object.oid);
    EXPECT_EQ(back.binary, object.binary);
    EXPECT_EQ(back.decimal.to_string(), "1.50");
    EXPECT_EQ(back.level, object.level);
    EXPECT_EQ(back.maybe_number, object.maybe_number);
    EXPECT_EQ(back.maybe_at, object.maybe_at);
    EXPECT_EQ(back.any, object.any);
    EXPECT_EQ(back.texts, object.texts);
    EXPECT_EQ(back.maybe_reals, object.maybe_reals);
    EXPECT_EQ(back.flags, object.flags);
    EXPECT_EQ(back.numbers, object.numbers);
    EXPECT_EQ(back.tags, object.tags);
    ASSERT_NE(back.leaf, nullptr);
    EXPECT_EQ(back.leaf->text, "leaf");
    ASSERT_NE(back.branch, nullptr);
    EXPECT_EQ(back.branch->leaves.size(), 2U);
    EXPECT_EQ(back.branch->first->n, 5);
}

TEST(transaction, keys_long_lists_by_their_index) {
    session writing;
    Everything object;
    object.texts.assign(1001, "x");
    writing.add(object);
    bson_reader array = field(writing.commit(), "texts").nested();
    bson_element each;
    int n = 0;
    for (; array.next(each); ++n)
        ASSERT_EQ(each.key, std::to_string(n));
    EXPECT_EQ(n, 1001);
}

TEST(transaction, cuts_dates_to_milliseconds_towards_1970) {
    session writing;
    Everything object;
    object.at = date(std::chrono::nanoseconds(-1'999'999));
    object.maybe_at = date(std::chrono::nanoseconds(1'999'999));
    writing.add(object);
    const auto& sent = writing.commit();
    EXPECT_EQ(field(sent, "at").as_millis(), -1);
    EXPECT_EQ(field(sent, "maybe_at").as_millis(), 1);
}

TEST(transaction, reads_dates_in_full_until_the_commit) {
    session writing;
    const date early(std::chrono::nanoseconds(-1'234'567'891));
    const date late(std::chrono::nanoseconds(1'700'000'000'123'456'789));
    writing.add(Clocked{1, late, {}});
    auto object = writing.add(Clocked{2, early, {late, date(), early}});
    EXPECT_EQ(object.at, early);
    EXPECT_EQ(object.more[0], late);
    EXPECT_EQ(object.more[1], date());
    EXPECT_EQ(object.more[2], early);
}

TEST(transaction, hands_on_one_run_per_class_with_its_documents_in_order) {
    session writing;
    writing.add(Small{1, "a"});
    writing.add(Clocked{7, {}, {}});
    writing.add(Small{2, "b"});
    writing.commit();
    ASSERT_EQ(writing.runs().size(), 2U);
    std::size_t at = 0;
    std::vector<std::int64_t> ids;
    for (const auto& [name, count] : writing.runs()) {
        for (std::uint32_t i = 0; i < count; ++i) {
            if (name == "Small") {
                Small small;
                at = writing.read(at, small);
                ids.push_back(small._id.value);
            } else {
                Clocked clocked;
                at = writing.read(at, clocked);
                ids.push_back(clocked._id.value);
            }
        }
    }
    EXPECT_EQ(std::multiset<std::int64_t>(ids.begin(), ids.end()),
              (std::multiset<std::int64_t>{1, 2, 7}));
    EXPECT_EQ(writing.runs()[0].second + writing.runs()[1].second, 3U);
}

TEST(transaction, hands_on_nothing_when_nothing_was_added) {
    session writing;
    EXPECT_EQ(writing.transaction().bytes(), 0U);
    EXPECT_EQ(writing.commit().size(), 0U);
    EXPECT_TRUE(writing.runs().empty());
}

TEST(transaction, keeps_both_objects_of_one_key_in_order) {
    session writing;
    writing.add(Small{1, "first"});
    writing.add(Small{1, "second"});
    writing.commit();
    EXPECT_EQ(writing.runs()[0].second, 2U);
    Small second;
    writing.read(writing.read(0, second), second);
    EXPECT_EQ(second.text, "second");
}

TEST(transaction, is_as_before_when_add_throws) {
    session writing;
    writing.add(Small{1, "kept"});
    Everything object;
    object.at = date(std::chrono::nanoseconds(1));
    object.tags = {{"fine", std::int64_t{1}}, {"not.fine", std::int64_t{2}}};
    EXPECT_EQ(thrown_by([&] { writing.add(object); }),
              "Dictionary::insert: key must not contain '.'");
    object.tags = {{"$not", std::int64_t{2}}};
    EXPECT_EQ(thrown_by([&] { writing.add(object); }),
              "Dictionary::insert: key must not start with '$'");
    object.tags = {{std::string("a\0b", 3), std::int64_t{2}}};
    EXPECT_EQ(thrown_by([&] { writing.add(object); }),
              "Dictionary::insert: key must not contain a NUL character");
    object.tags = {{"a$b", std::int64_t{2}}};
    writing.add(object);
    writing.commit();
    ASSERT_EQ(writing.runs().size(), 2U);
    EXPECT_EQ(writing.runs()[0].second, 1U);
    EXPECT_EQ(writing.runs()[1].second, 1U);
}

TEST(transaction, refuses_strings_and_binaries_that_realm_would_not_store) {
    session writing;
    const std::string fitting(16777199, 'x');
    writing.add(Small{1, fitting});
    EXPECT_EQ(thrown_by([&] { writing.add(Small{1, fitting + "x"}); }), "String too big");
    Everything object;
    object.binary.resize(16777201);
    EXPECT_EQ(thrown_by([&] { writing.add(object); }), "Binary too big");
    EXPECT_EQ(writing.commit_one<Small>().text.size(), fitting.size());
}

TEST(transaction, names_a_class_that_the_realm_was_not_opened_with) {
    session writing;
    EXPECT_EQ(thrown_by([&] { writing.add(NotOpened{1}); }),
              "Class 'NotOpened' is not part of this realm: name it in realm::open<...>().");
}

TEST(transaction, takes_objects_only_while_it_is_open) {
    session writing;
    writing.transaction().abandon();
    EXPECT_EQ(thrown_by([&] {
                  writing.add(Small{1, ""});
              }),
              "Trying to modify database while in read transaction");
}

TEST(transaction, starts_empty_again_after_one_that_was_dropped) {
    session writing;
    writing.add(Small{1, "dropped"});
    writing.begin();
    writing.add(Small{2, "kept"});
    EXPECT_EQ(writing.commit_one<Small>().text, "kept");
    EXPECT_EQ(writing.runs()[0].second, 1U);
}

TEST(transaction, is_over_when_the_sink_throws) {
    session writing;
    auto object = writing.add(Small{1, "x"});
    EXPECT_EQ(thrown_by([&] {
                  finish(writing.transaction(), [](const auto&, const std::uint8_t*, std::size_t) {
                      throw std::runtime_error("full");
                  });
              }),
              "full");
    EXPECT_FALSE(writing.transaction().active());
    EXPECT_TRUE(object.is_invalidated());
    writing.begin();
    EXPECT_EQ(writing.transaction().bytes(), 0U);
}

TEST(transaction, puts_changed_objects_in_their_places) {
    session writing;
    auto first = writing.add(Small{1, "a"});
    writing.add(Small{2, "b"});
    auto third = writing.add(Small{3, "c"});
    writing.add(Small{4, "d"});
    third.text = "a much longer text than before";
    first.text = "";
    EXPECT_EQ(third.text, "a much longer text than before");
    writing.commit();
    Small back;
    std::string all;
    for (std::size_t at = 0, i = 0; i < 4; ++i) {
        at = writing.read(at, back);
        all += std::to_string(back._id.value) + back.text + ";";
    }
    EXPECT_EQ(all, "1;2b;3a much longer text than before;4d;");
}

TEST(transaction, leaves_objects_that_were_only_read_as_they_were) {
    session untouched;
    session read;
    const Everything object;
    untouched.add(object);
    auto managed = read.add(object);
    EXPECT_EQ(managed.number, 0);
    EXPECT_EQ(managed.detach().text, "");
    const auto& a = untouched.commit();
    const auto& b = read.commit();
    EXPECT_EQ(std::string(a.data(), a.data() + a.size()),
              std::string(b.data(), b.data() + b.size()));
}

TEST(transaction, belongs_to_its_thread) {
    session writing;
    auto object = writing.add(Small{1, "x"});
    std::string text;
    std::thread([&] { text = thrown_by([&] { object.text = "y"; }); }).join();
    EXPECT_EQ(text, "Realm accessed from incorrect thread.");
    EXPECT_EQ(object.text, "x");
}

TEST(transaction, keeps_its_memory_between_equal_transactions) {
    session writing;
    for (int i = 0; i < 100; ++i)
        writing.add(Small{i, "some text"});
    const std::uint8_t* first = nullptr;
    finish(writing.transaction(),
           [&](const auto&, const std::uint8_t* payload, std::size_t) { first = payload; });
    writing.begin();
    for (int i = 0; i < 100; ++i)
        writing.add(Small{i, "some text"});
    finish(writing.transaction(), [&](const auto&, const std::uint8_t* payload, std::size_t) {
        EXPECT_EQ(payload, first);
    });
}

} // namespace
