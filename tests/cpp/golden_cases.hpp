// The values of the golden documents, each under its name, written down anew; and the documents
// that another implementation made of the same (tests/golden/make.py).
#pragma once

#include "golden_classes.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/transaction.hpp>

namespace golden {

template <typename T>
T* kept(T object) { // the address of an embedded object, good until the end
    static std::deque<T> all;
    return &all.emplace_back(std::move(object));
}
inline Inner* inner(std::int64_t n) { return kept(Inner{n}); }
inline Place* place(std::string name, Inner* one = nullptr, std::vector<Inner*> many = {}) {
    return kept(Place{std::move(name), one, std::move(many)});
}

inline instant at(std::int64_t millis, std::int64_t nanos = 0) {
    return instant(std::chrono::duration_cast<instant::duration>(std::chrono::milliseconds(millis) +
                                                                 std::chrono::nanoseconds(nanos)));
}
inline milli_time at_milli(std::int64_t millis) {
    return milli_time(std::chrono::milliseconds(millis));
}

using limits = std::numeric_limits<double>;
inline constexpr auto int_min = std::numeric_limits<std::int64_t>::min();
inline constexpr auto int_max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t last_millis =
    9223372036854; // what 64 bits of nanoseconds reach, both ways
inline const std::string nines(33, '9');
inline const std::string zeros(33, '0');
inline const uuid some_uuid("01234567-89ab-cdef-0123-456789abcdef");
inline const uuid last_uuid("ffffffff-ffff-ffff-ffff-ffffffffffff");
inline const object_id last_id("ffffffffffffffffffffffff");
inline const std::string one_nul(1, '\0');
inline decimal128 dec(const std::string& text) { return decimal128(text); }

inline bytes every_byte() {
    bytes all(256);
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<std::uint8_t>(i);
    return all;
}

template <typename Put>
void put_scalars(const Put& put) {
    put("scalars: defaults", Scalars{});
    Scalars ordinary{same_id,      42,
                     64.7,         true,
                     "north",      at(1700000000123),
                     some_uuid,    object_id("65535f00a1b2c3d4e5f60718"),
                     {1, 2, 3},    dec("12.50"),
                     Level::high,  std::string("mixed"),
                     place("roof")};
    put("scalars: ordinary", ordinary);
    const auto with = [&](const std::string& name, const std::function<void(Scalars&)>& change) {
        Scalars object;
        change(object);
        put("scalars: " + name, object);
    };
    with("smallest", [](auto& o) {
        o.i = int_min;
        o.d = limits::lowest();
        o.t = at(-last_millis, -775808); // instant::min()
        o.dec = dec("-9." + nines + "E+6144");
        o.e = Level::low;
        o.m = int_min;
    });
    with("largest", [](auto& o) {
        o.i = int_max;
        o.d = limits::max();
        o.b = true;
        o.t = instant::max();
        o.u = last_uuid;
        o.o = last_id;
        o.dec = dec("9." + nines + "E+6144");
        o.e = Level::high;
        o.m = int_max;
    });
    with("not a number", [](auto& o) {
        o.d = limits::quiet_NaN();
        o.dec = dec("NaN");
        o.m = limits::quiet_NaN();
    });
    with("infinite", [](auto& o) {
        o.d = limits::infinity();
        o.dec = dec("Infinity");
        o.m = limits::infinity();
    });
    with("minus infinite", [](auto& o) {
        o.d = -limits::infinity();
        o.dec = dec("-Infinity");
        o.m = -limits::infinity();
    });
    with("minus zero", [](auto& o) {
        o.d = -0.0;
        o.dec = dec("-0");
        o.m = -0.0;
    });
    with("denormal", [](auto& o) {
        o.d = limits::denorm_min();
        o.dec = dec("1E-6176");
        o.m = 2.2250738585072009e-308;
    });
    with("text with NUL", [](auto& o) {
        o.s = std::string("a\0b\0", 4);
        o.m = one_nul;
    });
    with("text beyond ASCII", [](auto& o) {
        o.s = "größe 東京 \xf0\x9f\x8c\xa6 \xe2\x80\x8f";
        o.m = std::string("é");
    });
    with("before 1970", [](auto& o) {
        o.t = at(-1);
        o.m = at(-86400001);
    });
    with("below a millisecond, after 1970", [](auto& o) {
        o.t = at(1, 999999);
        o.m = at(0, 999999);
    });
    with("below a millisecond, before 1970", [](auto& o) {
        o.t = at(-1, -999999);
        o.m = at(0, -999999);
    });
    with("bytes of every value", [](auto& o) {
        o.x = every_byte();
        o.m = bytes{0};
    });
}

inline const std::vector<double> edge_doubles{-limits::infinity(),
                                              limits::lowest(),
                                              -0.0,
                                              0.0,
                                              limits::denorm_min(),
                                              limits::min(),
                                              0.1,
                                              1.0,
                                              9007199254740993.0,
                                              limits::max(),
                                              limits::infinity(),
                                              limits::quiet_NaN()};

inline std::vector<decimal128> edge_decimals() {
    std::vector<decimal128> all;
    for (const std::string& text : {std::string("0"),
                                    std::string("-0"),
                                    std::string("1"),
                                    std::string("1.0"),
                                    std::string("1.00"),
                                    std::string("-1.50"),
                                    std::string("0.1"),
                                    std::string("1E+3"),
                                    "9" + nines,
                                    "-9" + nines,
                                    "1." + zeros,
                                    "9." + nines + "E+6144",
                                    "1." + zeros + "E+6144",
                                    std::string("1E+6111"),
                                    std::string("1E-6143"),
                                    std::string("1E-6176"),
                                    std::string("-1E-6176"),
                                    std::string("9.99E-6174"),
                                    std::string("0E+6111"),
                                    std::string("0E-6176"),
                                    std::string("NaN"),
                                    std::string("Infinity"),
                                    std::string("-Infinity")})
        all.push_back(dec(text));
    return all;
}

template <typename Put>
void put_lists(const Put& put) {
    put("lists: empty", Lists{});
    const Lists edges{same_id,
                      {int_min, -1, 0, 1, int_max},
                      edge_doubles,
                      {true, false, true},
                      {"", one_nul, std::string("a\0b", 3), "ü", "日本", "\xf0\x9f\x98\x80"},
                      {instant::min(), at(-1), at(0), at(1), at(1700000000123), instant::max()},
                      {uuid(), some_uuid, last_uuid},
                      {object_id(), same_id, last_id},
                      {bytes{}, bytes{0}, bytes{255, 254, 253, 252}},
                      edge_decimals(),
                      {Level::low, Level::normal, Level::high},
                      {std::monostate(), std::int64_t(1), true, std::string("x"), 1.5, bytes{9},
                       at(-1), some_uuid, same_id, dec("1.10")},
                      {place(""), nullptr, place("deep", inner(1), {inner(2), nullptr, inner(3)})}};
    put("lists: edge values", edges);

    Lists thousand;
    for (int n = 0; n < 1000; ++n) {
        thousand.i.push_back(n);
        thousand.d.push_back(n / 2.0);
        thousand.b.push_back(n % 2 == 0);
        thousand.s.push_back(std::to_string(n));
        thousand.t.push_back(at(n));
        std::array<std::uint8_t, 16> wide{};
        std::array<std::uint8_t, 12> narrow{};
        wide[15] = narrow[11] = static_cast<std::uint8_t>(n);
        wide[14] = narrow[10] = static_cast<std::uint8_t>(n >> 8);
        thousand.u.push_back(uuid(wide));
        thousand.o.push_back(object_id(narrow));
        thousand.x.push_back({static_cast<std::uint8_t>(n)});
        thousand.dec.push_back(dec(std::to_string(n)));
        thousand.e.push_back(Level::high);
        thousand.m.push_back(std::int64_t(n));
        thousand.p.push_back(place(std::to_string(n)));
    }
    put("lists: a thousand", thousand);

    put("lists of optionals: empty", OptionalLists{});
    constexpr auto none = std::nullopt;
    put("lists of optionals: with nulls",
        OptionalLists{same_id,
                      {none, int_min, -1, none},
                      {none, -limits::infinity(), limits::lowest(), none},
                      {none, true, false, none},
                      {none, "", one_nul, none},
                      {none, instant::min(), at(-1), none},
                      {none, uuid(), some_uuid, none},
                      {none, object_id(), same_id, none},
                      {none, bytes{}, bytes{0}, none},
                      {none, dec("0"), dec("-0"), none},
                      {none, Level::low, Level::normal, none}});
}

template <typename T>
std::set<std::optional<T>> with_null(const std::set<T>& values) {
    std::set<std::optional<T>> all(values.begin(), values.end());
    all.insert(std::nullopt);
    return all;
}

template <typename Put>
void put_sets(const Put& put) {
    put("sets: empty", Sets{});
    // Given in another order and twice, where a literal can say so.
    const Sets sets{
        same_id,
        {int_max, 1, 0, -1, int_min, 1},
        {limits::infinity(), 1.5, limits::denorm_min(), 0.0, -1.5, -limits::infinity(), -0.0},
        {true, false},
        {"ü", "b", std::string("a\0b", 3), "a", one_nul, "", "a"},
        {instant::max(), at(1700000000123), at(1), at(0), at(-1), instant::min()},
        {last_uuid, some_uuid, uuid()},
        {last_id, same_id, object_id()},
        {bytes{255}, bytes{0, 1}, bytes{0}, bytes{}},
        {dec("Infinity"), dec("1E+3"), dec("2"), dec("1.00"), dec("1.0"), dec("0.1"),
         dec("1E-6176"), dec("0"), dec("-1.50"), dec("-Infinity"), dec("NaN")},
        {Level::high, Level::normal, Level::low},
        {dec("2"), dec("1.10"), same_id, some_uuid, at(5), at(-1), bytes{9}, bytes{}, 1.5, -1.5,
         std::string("x"), std::string(), true, false, std::int64_t(5), std::int64_t(-1),
         std::monostate()}};
    put("sets: sorted", sets);
    put("sets of optionals: empty", OptionalSets{});
    put("sets of optionals: with null",
        OptionalSets{same_id, with_null(sets.i), with_null(sets.d), with_null(sets.b),
                     with_null(sets.s), with_null(sets.t), with_null(sets.u), with_null(sets.o),
                     with_null(sets.x), with_null(sets.dec), with_null(sets.e)});
}

template <typename T>
std::map<std::string, T> keyed(const std::vector<T>& values) {
    const std::vector<std::string> keys{"", "a", "a$", "ü"};
    std::map<std::string, T> map;
    for (std::size_t i = 0; i < values.size(); ++i)
        map.emplace(keys.at(i), values[i]);
    return map;
}
template <typename T>
std::map<std::string, std::optional<T>> keyed_with_nulls(const T& second, const T& third) {
    return keyed<std::optional<T>>({std::nullopt, second, third, std::nullopt});
}

template <typename Put>
void put_maps(const Put& put) {
    put("maps: empty", Maps{});
    put("maps: filled",
        Maps{same_id,
             keyed<std::int64_t>({int_min, -1}),
             keyed<double>({limits::quiet_NaN(), -0.0, 1.5}),
             keyed<bool>({true, false}),
             keyed<std::string>({"", std::string("x\0", 2), "ü"}),
             keyed<instant>({instant::min(), at(-1)}),
             keyed<uuid>({uuid(), some_uuid}),
             keyed<object_id>({object_id(), same_id}),
             keyed<bytes>({bytes{}, bytes{0}}),
             keyed<decimal128>({dec("1.0"), dec("1.00"), dec("-0"), dec("NaN")}),
             keyed<Level>({Level::low, Level::high}),
             keyed<mixed>({std::monostate(), std::string("x"), std::int64_t(1), dec("1E+3")}),
             keyed<int>({std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}),
             keyed<milli_time>({at_milli(-1), at_milli(1700000000123)}),
             {{"gone", nullptr}, {"here", place("kept")}}});
    put("maps of optionals: empty", OptionalMaps{});
    OptionalMaps some{same_id,
                      keyed_with_nulls<std::int64_t>(int_min, -1),
                      keyed_with_nulls<double>(-limits::infinity(), limits::lowest()),
                      keyed_with_nulls<bool>(true, false),
                      keyed_with_nulls<std::string>("", one_nul),
                      keyed_with_nulls<instant>(instant::min(), at(-1)),
                      keyed_with_nulls<uuid>(uuid(), some_uuid),
                      keyed_with_nulls<object_id>(object_id(), same_id),
                      keyed_with_nulls<bytes>(bytes{}, bytes{0}),
                      keyed_with_nulls<decimal128>(dec("0"), dec("-0")),
                      keyed_with_nulls<Level>(Level::low, Level::normal),
                      keyed<std::optional<int>>({std::nullopt, 1}),
                      keyed<std::optional<milli_time>>({std::nullopt, at_milli(1)})};
    put("maps of optionals: with nulls", some);
}

template <typename Put>
void put_others(const Put& put) {
    put("optionals: unset", Optionals{});
    put("optionals: set", Optionals{same_id, -5, -2.5, false, "", at(-1000), some_uuid, last_id,
                                    bytes{}, dec("0.000"), Level::low});

    put("embedded: null pointers", Embeddeds{});
    put("embedded: filled", Embeddeds{same_id,
                                      place("one", inner(1), {inner(2)}),
                                      {place("first"), nullptr, place("third")},
                                      {{"b", nullptr}, {"a", place("in map", inner(-1))}}});
    put("embedded: wide",
        WideOwner{
            same_id,
            kept(
                Wide{1, std::nullopt, {1, 2}, {"b", "a"}, {{"k", 0.5}}, {}, at(-1), dec("1.10")})});

    put("mixed: each alternative",
        Mixeds{same_id, std::monostate(), int_min, true, std::string("text"), -0.0, bytes{0, 1},
               at(-1), some_uuid, same_id, dec("0.10")});
    put("mixed: a variant of one's own",
        OwnVariants{same_id,
                    dec("1"),
                    std::monostate(),
                    {std::string("x"), std::monostate(), std::int64_t(3)},
                    {{"k", true}}});
    put("numbers and clocks of other sizes",
        OtherSizes{same_id,
                   std::numeric_limits<std::int32_t>::min(),
                   std::numeric_limits<std::int16_t>::min(),
                   std::numeric_limits<std::int8_t>::min(),
                   std::nullopt,
                   0.1F,
                   -std::numeric_limits<float>::infinity(),
                   {1.5F, std::numeric_limits<float>::quiet_NaN()},
                   at_milli(-62135596800000),
                   second_time(std::chrono::seconds(253402300799)),
                   {at_milli(-1), std::nullopt}});
    put("names: longest property", LongName{});
}

template <typename Put>
void put_keys(const Put& put) {
    put("key: int64", IntKey{int_min, ""});
    put("key: string", StringKey{"clé", ""});
    put("key: object id", ObjectIdKey{last_id, ""});
    put("key: uuid", UuidKey{some_uuid, ""});
    put("key: enum", EnumKey{Level::high, ""});
    put("key: optional int64, set", OptionalIntKey{int_max, ""});
    put("key: optional string, set", OptionalStringKey{"", ""});
    put("key: optional object id, set", OptionalObjectIdKey{same_id, ""});
    put("key: optional uuid, set", OptionalUuidKey{last_uuid, ""});
    put("key: optional enum, set", OptionalEnumKey{Level::low, ""});
    put("key: optional int64, unset", OptionalIntKey{});
    put("key: optional string, unset", OptionalStringKey{});
    put("key: optional object id, unset", OptionalObjectIdKey{});
    put("key: optional uuid, unset", OptionalUuidKey{});
    put("key: optional enum, unset", OptionalEnumKey{});
    put("key: last in the macro", KeyLast{1, "first"});
}

/// Hands every golden value to `put(name, object)`.
template <typename Put>
void put_all(const Put& put) {
    put_scalars(put);
    put_lists(put);
    put_sets(put);
    put_maps(put);
    put_others(put);
    put_keys(put);
}

/// The documents of types.bson by name.
inline std::map<std::string, bytes> golden_documents() {
    const char* source = std::getenv("REALM_INGEST_SOURCE_DIR");
    const std::string path =
        std::string(source == nullptr ? "." : source) + "/tests/golden/types.bson";
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto* from = reinterpret_cast<const std::uint8_t*>(all.data());
    const auto* end = from + all.size();
    std::map<std::string, bytes> documents;
    while (from != end) {
        const auto size = static_cast<std::size_t>(realm::internal::load_le<std::int32_t>(from));
        if (size > static_cast<std::size_t>(end - from))
            throw std::runtime_error(path + " is cut off");
        realm::internal::bson_element name;
        realm::internal::bson_element document;
        const realm::internal::bson_reader entry(from, size);
        if (!entry.find("name", name) || !entry.find("document", document))
            throw std::runtime_error(path + " holds something else");
        documents.emplace(name.as_string(), bytes(document.value, document.value + document.size));
        from += size;
    }
    return documents;
}

} // namespace golden
