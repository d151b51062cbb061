// The classes of the golden documents: every cell of the matrix of property types.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <cpprealm/macros.hpp>

namespace golden {

using instant = std::chrono::time_point<std::chrono::system_clock>;
using milli_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
using second_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
using bytes = std::vector<std::uint8_t>;
using realm::decimal128;
using realm::mixed;
using realm::object_id;
using realm::primary_key;
using realm::uuid;

inline const object_id same_id("0123456789abcdef01234567"); // of nearly all documents

enum class Level : short { low = -1, normal = 0, high = 7 };

struct Inner {
    std::int64_t n = 0;
};
REALM_EMBEDDED_SCHEMA(Inner, n)

struct Place {
    std::string name;
    Inner* inner = nullptr;
    std::vector<Inner*> inners;
};
REALM_EMBEDDED_SCHEMA(Place, name, inner, inners)

struct Scalars {
    primary_key<object_id> _id{same_id};
    std::int64_t i = 0;
    double d = 0;
    bool b = false;
    std::string s;
    instant t;
    uuid u;
    object_id o;
    bytes x;
    decimal128 dec;
    Level e = Level::normal;
    mixed m;
    Place* p = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Scalars, _id, i, d, b, s, t, u, o, x, dec, e, m, p)

struct Optionals {
    primary_key<object_id> _id{same_id};
    std::optional<std::int64_t> i;
    std::optional<double> d;
    std::optional<bool> b;
    std::optional<std::string> s;
    std::optional<instant> t;
    std::optional<uuid> u;
    std::optional<object_id> o;
    std::optional<bytes> x;
    std::optional<decimal128> dec;
    std::optional<Level> e;
};
REALM_ASYMMETRIC_SCHEMA(Optionals, _id, i, d, b, s, t, u, o, x, dec, e)

struct Lists {
    primary_key<object_id> _id{same_id};
    std::vector<std::int64_t> i;
    std::vector<double> d;
    std::vector<bool> b;
    std::vector<std::string> s;
    std::vector<instant> t;
    std::vector<uuid> u;
    std::vector<object_id> o;
    std::vector<bytes> x;
    std::vector<decimal128> dec;
    std::vector<Level> e;
    std::vector<mixed> m;
    std::vector<Place*> p;
};
REALM_ASYMMETRIC_SCHEMA(Lists, _id, i, d, b, s, t, u, o, x, dec, e, m, p)

struct OptionalLists {
    primary_key<object_id> _id{same_id};
    std::vector<std::optional<std::int64_t>> i;
    std::vector<std::optional<double>> d;
    std::vector<std::optional<bool>> b;
    std::vector<std::optional<std::string>> s;
    std::vector<std::optional<instant>> t;
    std::vector<std::optional<uuid>> u;
    std::vector<std::optional<object_id>> o;
    std::vector<std::optional<bytes>> x;
    std::vector<std::optional<decimal128>> dec;
    std::vector<std::optional<Level>> e;
};
REALM_ASYMMETRIC_SCHEMA(OptionalLists, _id, i, d, b, s, t, u, o, x, dec, e)

// A set is sent in the order of std::set. For mixed that is the order of the variant's alternatives
// (null, int64, bool, string, double, binary, date, uuid, object id, decimal), and the order of
// values within each.
struct Sets {
    primary_key<object_id> _id{same_id};
    std::set<std::int64_t> i;
    std::set<double> d;
    std::set<bool> b;
    std::set<std::string> s;
    std::set<instant> t;
    std::set<uuid> u;
    std::set<object_id> o;
    std::set<bytes> x;
    std::set<decimal128> dec;
    std::set<Level> e;
    std::set<mixed> m;
};
REALM_ASYMMETRIC_SCHEMA(Sets, _id, i, d, b, s, t, u, o, x, dec, e, m)

struct OptionalSets {
    primary_key<object_id> _id{same_id};
    std::set<std::optional<std::int64_t>> i;
    std::set<std::optional<double>> d;
    std::set<std::optional<bool>> b;
    std::set<std::optional<std::string>> s;
    std::set<std::optional<instant>> t;
    std::set<std::optional<uuid>> u;
    std::set<std::optional<object_id>> o;
    std::set<std::optional<bytes>> x;
    std::set<std::optional<decimal128>> dec;
    std::set<std::optional<Level>> e;
};
REALM_ASYMMETRIC_SCHEMA(OptionalSets, _id, i, d, b, s, t, u, o, x, dec, e)

struct Maps {
    primary_key<object_id> _id{same_id};
    std::map<std::string, std::int64_t> i;
    std::map<std::string, double> d;
    std::map<std::string, bool> b;
    std::map<std::string, std::string> s;
    std::map<std::string, instant> t;
    std::map<std::string, uuid> u;
    std::map<std::string, object_id> o;
    std::map<std::string, bytes> x;
    std::map<std::string, decimal128> dec;
    std::map<std::string, Level> e;
    std::map<std::string, mixed> m;
    std::map<std::string, int> n;
    std::map<std::string, milli_time> ms;
    std::map<std::string, Place*> p;
};
REALM_ASYMMETRIC_SCHEMA(Maps, _id, i, d, b, s, t, u, o, x, dec, e, m, n, ms, p)

struct OptionalMaps {
    primary_key<object_id> _id{same_id};
    std::map<std::string, std::optional<std::int64_t>> i;
    std::map<std::string, std::optional<double>> d;
    std::map<std::string, std::optional<bool>> b;
    std::map<std::string, std::optional<std::string>> s;
    std::map<std::string, std::optional<instant>> t;
    std::map<std::string, std::optional<uuid>> u;
    std::map<std::string, std::optional<object_id>> o;
    std::map<std::string, std::optional<bytes>> x;
    std::map<std::string, std::optional<decimal128>> dec;
    std::map<std::string, std::optional<Level>> e;
    std::map<std::string, std::optional<int>> n;
    std::map<std::string, std::optional<milli_time>> ms;
};
REALM_ASYMMETRIC_SCHEMA(OptionalMaps, _id, i, d, b, s, t, u, o, x, dec, e, n, ms)

struct Embeddeds {
    primary_key<object_id> _id{same_id};
    Place* one = nullptr;
    std::vector<Place*> list;
    std::map<std::string, Place*> map;
};
REALM_ASYMMETRIC_SCHEMA(Embeddeds, _id, one, list, map)

struct Wide {
    std::int64_t i = 0;
    std::optional<std::int64_t> oi;
    std::vector<std::int64_t> list;
    std::set<std::string> set;
    std::map<std::string, double> map;
    mixed m;
    instant t;
    decimal128 dec;
};
REALM_EMBEDDED_SCHEMA(Wide, i, oi, list, set, map, m, t, dec)

struct WideOwner {
    primary_key<object_id> _id{same_id};
    Wide* one = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(WideOwner, _id, one)

struct Mixeds {
    primary_key<object_id> _id{same_id};
    mixed nothing, number, truth, text, real, data, at, uuid, id, decimal;
};
REALM_ASYMMETRIC_SCHEMA(Mixeds, _id, nothing, number, truth, text, real, data, at, uuid, id,
                        decimal)

using own_variant = std::variant<decimal128, object_id, realm::uuid, instant, bytes, double,
                                 std::string, bool, std::int64_t, std::monostate>;

struct OwnVariants {
    primary_key<object_id> _id{same_id};
    own_variant first;
    own_variant second;
    std::vector<own_variant> list;
    std::map<std::string, own_variant> map;
};
REALM_ASYMMETRIC_SCHEMA(OwnVariants, _id, first, second, list, map)

struct OtherSizes {
    primary_key<object_id> _id{same_id};
    std::int32_t i32 = 0;
    std::int16_t i16 = 0;
    std::int8_t i8 = 0;
    std::optional<std::int32_t> oi32;
    float f = 0;
    std::optional<float> of;
    std::vector<float> fs;
    milli_time ms;
    second_time s;
    std::vector<std::optional<milli_time>> oms;
};
REALM_ASYMMETRIC_SCHEMA(OtherSizes, _id, i32, i16, i8, oi32, f, of, fs, ms, s, oms)

template <typename T>
struct Keyed {
    primary_key<T> _id;
    std::string s;
};
using IntKey = Keyed<std::int64_t>;
using StringKey = Keyed<std::string>;
using ObjectIdKey = Keyed<object_id>;
using UuidKey = Keyed<uuid>;
using EnumKey = Keyed<Level>;
using OptionalIntKey = Keyed<std::optional<std::int64_t>>;
using OptionalStringKey = Keyed<std::optional<std::string>>;
using OptionalObjectIdKey = Keyed<std::optional<object_id>>;
using OptionalUuidKey = Keyed<std::optional<uuid>>;
using OptionalEnumKey = Keyed<std::optional<Level>>;
REALM_ASYMMETRIC_SCHEMA(IntKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(StringKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(ObjectIdKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(UuidKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(EnumKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(OptionalIntKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(OptionalStringKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(OptionalObjectIdKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(OptionalUuidKey, _id, s)
REALM_ASYMMETRIC_SCHEMA(OptionalEnumKey, _id, s)

struct KeyLast {
    primary_key<std::int64_t> _id;
    std::string s;
};
REALM_ASYMMETRIC_SCHEMA(KeyLast, s, _id)

struct LongName {
    primary_key<object_id> _id{same_id};
    std::int64_t property_with_a_name_of_sixty_three_characters_as_long_as_may_b = 1;
};
REALM_ASYMMETRIC_SCHEMA(LongName, _id,
                        property_with_a_name_of_sixty_three_characters_as_long_as_may_b)

} // namespace golden
