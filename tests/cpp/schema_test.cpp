// The descriptions that open a realm: types of properties, and what is refused before the library
// sees it.
#include "write_session.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

#include <cpprealm/internal/bridge/schema.hpp>

#include <gtest/gtest.h>

using realm::internal::bridge::object_schema;
using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;

namespace shapes {

enum class Color : std::uint8_t { red, green };
enum Plain { one = 1, two = 2 };

struct Part {
    std::int64_t n = 0;
};
REALM_EMBEDDED_SCHEMA(Part, n)

template <typename T>
struct Columns {
    realm::primary_key<realm::object_id> _id;
    T plain{};
    std::optional<T> maybe;
    std::vector<T> list;
    std::vector<std::optional<T>> list_maybe;
    std::set<T> unique;
    std::set<std::optional<T>> unique_maybe;
    std::map<std::string, T> map;
    std::map<std::string, std::optional<T>> map_maybe;
};
#define COLUMNS _id, plain, maybe, list, list_maybe, unique, unique_maybe, map, map_maybe

using Ints = Columns<std::int64_t>;
REALM_ASYMMETRIC_SCHEMA(Ints, COLUMNS)
using SmallInts = Columns<std::int32_t>;
REALM_ASYMMETRIC_SCHEMA(SmallInts, COLUMNS)
using Doubles = Columns<double>;
REALM_ASYMMETRIC_SCHEMA(Doubles, COLUMNS)
using Floats = Columns<float>;
REALM_ASYMMETRIC_SCHEMA(Floats, COLUMNS)
using Bools = Columns<bool>;
REALM_ASYMMETRIC_SCHEMA(Bools, COLUMNS)
using Strings = Columns<std::string>;
REALM_ASYMMETRIC_SCHEMA(Strings, COLUMNS)
using Dates = Columns<date>;
REALM_ASYMMETRIC_SCHEMA(Dates, COLUMNS)
using Millis =
    Columns<std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>>;
REALM_ASYMMETRIC_SCHEMA(Millis, COLUMNS)
using Uuids = Columns<realm::uuid>;
REALM_ASYMMETRIC_SCHEMA(Uuids, COLUMNS)
using Ids = Columns<realm::object_id>;
REALM_ASYMMETRIC_SCHEMA(Ids, COLUMNS)
using Binaries = Columns<bytes>;
REALM_ASYMMETRIC_SCHEMA(Binaries, COLUMNS)
using Decimals = Columns<realm::decimal128>;
REALM_ASYMMETRIC_SCHEMA(Decimals, COLUMNS)
using Enums = Columns<Color>;
REALM_ASYMMETRIC_SCHEMA(Enums, COLUMNS)
using PlainEnums = Columns<Plain>;
REALM_ASYMMETRIC_SCHEMA(PlainEnums, COLUMNS)

struct Others {
    realm::primary_key<std::string> _id;
    realm::mixed any;
    std::vector<realm::mixed> anys;
    std::set<realm::mixed> any_set;
    std::map<std::string, realm::mixed> any_map;
    Part* part = nullptr;
    std::vector<Part*> parts;
    std::map<std::string, Part*> part_map;
};
REALM_ASYMMETRIC_SCHEMA(Others, _id, any, anys, any_set, any_map, part, parts, part_map)

template <typename T>
struct Keyed {
    realm::primary_key<T> _id;
};
using IntKey = Keyed<std::int64_t>;
REALM_ASYMMETRIC_SCHEMA(IntKey, _id)
using MaybeUuidKey = Keyed<std::optional<realm::uuid>>;
REALM_ASYMMETRIC_SCHEMA(MaybeUuidKey, _id)
using EnumKey = Keyed<Color>;
REALM_ASYMMETRIC_SCHEMA(EnumKey, _id)

struct TwoKeys {
    realm::primary_key<std::int64_t> _id;
    realm::primary_key<std::int64_t> other;
};
REALM_ASYMMETRIC_SCHEMA(TwoKeys, _id, other)

struct A23456789012345678901234567890123456789012345678901234567 {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(A23456789012345678901234567890123456789012345678901234567, _id)
struct A234567890123456789012345678901234567890123456789012345678 {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(A234567890123456789012345678901234567890123456789012345678, _id)
struct LongProperty {
    realm::primary_key<std::int64_t> _id;
    std::int64_t p23456789012345678901234567890123456789012345678901234567890123 = 0;
    std::int64_t p234567890123456789012345678901234567890123456789012345678901234 = 0;
};
REALM_ASYMMETRIC_SCHEMA(LongProperty, _id,
                        p234567890123456789012345678901234567890123456789012345678901234)
struct FittingProperty {
    realm::primary_key<std::int64_t> _id;
    std::int64_t p23456789012345678901234567890123456789012345678901234567890123 = 0;
};
REALM_ASYMMETRIC_SCHEMA(FittingProperty, _id,
                        p23456789012345678901234567890123456789012345678901234567890123)

struct Dog {
    realm::primary_key<std::int64_t> _id;
};
REALM_SCHEMA(Dog, _id)

} // namespace shapes

namespace {

using namespace shapes;
using realm::internal::describe_class;
using realm::internal::describe_classes;

object_schema::property_list as_list(const std::vector<object_schema::property>& all) {
    return {all.data(), all.size()};
}

template <typename T>
void expect_columns(std::string_view type) {
    using collection = object_schema::collection_type;
    const object_schema described = describe_class<T>();
    const std::vector<object_schema::property> expected = {
        {"_id", "objectId", false, collection::none, "", true},
        {"plain", type, false, collection::none, ""},
        {"maybe", type, true, collection::none, ""},
        {"list", type, false, collection::list, ""},
        {"list_maybe", type, true, collection::list, ""},
        {"unique", type, false, collection::set, ""},
        {"unique_maybe", type, true, collection::set, ""},
        {"map", type, false, collection::dictionary, ""},
        {"map_maybe", type, true, collection::dictionary, ""},
    };
    EXPECT_EQ(described.primary_key, "_id");
    EXPECT_EQ(described.type, object_schema::object_type::asymmetric);
    EXPECT_TRUE(described.properties == as_list(expected)) << std::string_view(described.name);
}

TEST(schema, names_every_row_of_the_type_matrix) {
    expect_columns<Ints>("int");
    expect_columns<SmallInts>("int");
    expect_columns<Doubles>("double");
    expect_columns<Floats>("float");
    expect_columns<Bools>("bool");
    expect_columns<Strings>("string");
    expect_columns<Dates>("date");
    expect_columns<Millis>("date");
    expect_columns<Uuids>("uuid");
    expect_columns<Ids>("objectId");
    expect_columns<Binaries>("data");
    expect_columns<Decimals>("decimal128");
    expect_columns<Enums>("int");
    expect_columns<PlainEnums>("int");
}

TEST(schema, names_mixed_and_embedded_objects) {
    using collection = object_schema::collection_type;
    const std::vector<object_schema::property> expected = {
        {"_id", "string", false, collection::none, "", true},
        {"any", "mixed", false, collection::none, ""},
        {"anys", "mixed", false, collection::list, ""},
        {"any_set", "mixed", false, collection::set, ""},
        {"any_map", "mixed", false, collection::dictionary, ""},
        {"part", "object", false, collection::none, "Part"},
        {"parts", "object", false, collection::list, "Part"},
        {"part_map", "object", false, collection::dictionary, "Part"},
    };
    EXPECT_TRUE(describe_class<Others>().properties == as_list(expected));
    const auto part = describe_class<Part>();
    EXPECT_EQ(part.type, object_schema::object_type::embedded);
    EXPECT_EQ(part.primary_key, "");
}

TEST(schema, names_primary_keys_of_every_type) {
    EXPECT_EQ(describe_class<IntKey>().properties[0].type, "int");
    EXPECT_EQ(describe_class<EnumKey>().properties[0].type, "int");
    EXPECT_EQ(describe_class<MaybeUuidKey>().properties[0].type, "uuid");
    EXPECT_TRUE(describe_class<MaybeUuidKey>().properties[0].optional);
}

TEST(schema, becomes_the_json_that_the_library_reads) {
    EXPECT_EQ(
        realm::internal::bridge::schema({describe_class<Part>()}).to_json(),
        R"({"classes":[{"name":"Part","kind":"embedded","properties":[{"name":"n","type":"int"}]}]})");
}

TEST(schema, refuses_two_primary_keys) {
    EXPECT_EQ(thrown_by([] { describe_class<TwoKeys>(); }),
              "Schema validation failed due to the following errors:\n"
              "- Properties '_id' and 'other' are both marked as the primary key of 'TwoKeys'.");
}

TEST(schema, refuses_class_names_over_57_bytes) {
    using fits = A23456789012345678901234567890123456789012345678901234567;
    using too_long = A234567890123456789012345678901234567890123456789012345678;
    EXPECT_EQ(describe_class<fits>().name.size(), 57U);
    EXPECT_EQ(thrown_by([] { describe_class<too_long>(); }),
              "Name too long: class_A234567890123456789012345678901234567890123456789012345678");
}

TEST(schema, refuses_property_names_over_63_bytes) {
    EXPECT_EQ(describe_class<FittingProperty>().properties.back().name.size(), 63U);
    EXPECT_EQ(thrown_by([] { describe_class<LongProperty>(); }),
              "Name too long: p234567890123456789012345678901234567890123456789012345678901234");
}

TEST(schema, refuses_regular_classes_with_one_sentence) {
    EXPECT_EQ(thrown_by([] { describe_classes<Dog>(); }),
              "Class 'Dog' is a regular class (REALM_SCHEMA), and Data Ingest opens asymmetric and "
              "embedded classes only.");
}

TEST(schema, refuses_both_kinds_in_one_realm) {
    const std::string text = thrown_by([] { describe_classes<Ints, Dog>(); });
    EXPECT_EQ(text.find("A realm cannot hold both kinds of objects: 'Ints' is asymmetric"), 0U)
        << text;
    EXPECT_NE(text.find("'Dog' is a regular class"), std::string::npos) << text;
}

TEST(schema, of_the_named_classes_does_not_mind_regular_ones_elsewhere_in_the_program) {
    EXPECT_EQ((describe_classes<Ints, Part>().size()), 2U);
}

} // namespace
