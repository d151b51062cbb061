// The schema macros: where they may stand, what they take, what they leave alone.
#include "wide_class.hpp"
#include "write_session.hpp"

#include <map>
#include <type_traits>

#include <gtest/gtest.h>

struct Global {
    realm::primary_key<std::int64_t> _id;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Global, _id, value)

struct Semicolon {
    std::string text;
};
REALM_EMBEDDED_SCHEMA(Semicolon, text);

namespace outer::inner {
struct Nested {
    realm::primary_key<std::int64_t> _id;
    Semicolon* from_elsewhere = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Nested, _id, from_elsewhere)
} // namespace outer::inner

namespace {
struct Unnamed {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(Unnamed, _id)
} // namespace

namespace realm {
struct Inside {
    primary_key<std::int64_t> _id;
    object_id other;
};
REALM_ASYMMETRIC_SCHEMA(Inside, _id, other)
} // namespace realm

// A class of the application whose macro stands where realm-cpp wanted it.
namespace elsewhere {
struct Named {
    realm::primary_key<std::int64_t> _id;
};
} // namespace elsewhere
namespace realm {
using ::elsewhere::Named;
REALM_ASYMMETRIC_SCHEMA(Named, _id);
} // namespace realm

namespace generic {
template <typename T>
struct Box {
    realm::primary_key<std::int64_t> _id;
    T value{};
};
using TextBox = Box<std::string>;
REALM_ASYMMETRIC_SCHEMA(TextBox, _id, value)
} // namespace generic

struct Base {
    std::int64_t inherited = 1;
};
struct Derived : Base {
    realm::primary_key<std::int64_t> _id;
    std::map<int, int> of_no_property_type;
    std::int64_t second = 2;
    std::int64_t first = 1;
};
REALM_ASYMMETRIC_SCHEMA(Derived, _id, first, second)

struct BaseWithSchema {
    std::int64_t value = 0;
};
REALM_EMBEDDED_SCHEMA(BaseWithSchema, value)
struct WithoutSchema : BaseWithSchema {};

// Names that the headers use themselves.
struct Awkward {
    realm::primary_key<std::int64_t> _id;
    std::int64_t name = 1;
    std::int64_t type = 2;
    std::int64_t kind = 3;
    std::int64_t key = 4;
    std::int64_t member = 5;
    std::int64_t owner = 6;
    std::int64_t properties = 7;
    std::int64_t property = 8;
    std::int64_t realm = 9;
    std::int64_t ref = 10;
    std::int64_t value = 11;
    std::int64_t handles = 12;
    std::int64_t f = 13;
    std::int64_t c = 14;
    std::int64_t a0 = 15;
    std::int64_t n = 16;
    std::int64_t _leading = 17;
    std::int64_t trailing_ = 18;
};
REALM_ASYMMETRIC_SCHEMA(Awkward, _id, name, type, kind, key, member, owner, properties, property,
                        realm, ref, value, handles, f, c, a0, n, _leading, trailing_)

// A regular class compiles as long as it is not used, whatever its properties are.
struct Regular {
    realm::primary_key<std::int64_t> _id;
    Regular* link = nullptr;
    unsigned int not_for_mongodb = 0;
};
REALM_SCHEMA(Regular, _id, link, not_for_mongodb)
struct Backlinked {
    realm::primary_key<std::int64_t> _id;
    realm::linking_objects<&Regular::link> links;
};
REALM_SCHEMA(Backlinked, _id, links)
// Code shared with programs that use them compiles.
[[maybe_unused]] bool has_link(realm::managed<Regular>& regular) { return regular.link != nullptr; }

struct Later;
struct Earlier {
    realm::primary_key<std::int64_t> _id;
    Later* later = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Earlier, _id, later)
struct Later {
    std::int64_t value = 0;
};
REALM_EMBEDDED_SCHEMA(Later, value)

namespace {

template <typename T>
realm::managed<T> add_and_keep(write_session<T>& session, T object = {}) {
    return session.add(object);
}

TEST(macros, work_in_the_global_namespace) {
    write_session<Global> session;
    auto object = add_and_keep(session, Global{5, 2.5});
    EXPECT_EQ(object.value, 2.5);
}

TEST(macros, work_in_a_nested_namespace_and_reach_classes_of_another) {
    write_session<outer::inner::Nested, Semicolon> session;
    Semicolon embedded{"x"};
    auto object = session.add(outer::inner::Nested{1, &embedded});
    EXPECT_EQ(object.from_elsewhere->text, "x");
}

TEST(macros, work_in_an_unnamed_namespace) {
    write_session<Unnamed> session;
    EXPECT_EQ(add_and_keep(session, Unnamed{3})._id, 3);
}

TEST(macros, work_inside_namespace_realm) {
    write_session<realm::Inside> session;
    EXPECT_EQ(add_and_keep(session, realm::Inside{3, {}})._id, 3);
}

TEST(macros, work_inside_namespace_realm_for_a_class_from_elsewhere) {
    write_session<realm::Named> session;
    EXPECT_EQ(add_and_keep(session, realm::Named{3})._id, 3);
    EXPECT_EQ(realm::internal::describe_class<elsewhere::Named>().name, "Named");
}

TEST(macros, take_an_alias_of_a_template_as_the_name_of_the_class) {
    write_session<generic::TextBox> session;
    EXPECT_EQ(add_and_keep(session, generic::TextBox{1, "in"}).value, "in");
    EXPECT_EQ(realm::internal::describe_class<generic::Box<std::string>>().name, "TextBox");
}

TEST(macros, order_the_fields_and_leave_out_what_is_not_listed) {
    write_session<Derived> session;
    session.add(Derived{});
    const auto& sent = session.commit();
    realm::internal::bson_reader reader(sent.data(), sent.size());
    realm::internal::bson_element element;
    std::string keys;
    while (reader.next(element))
        keys += std::string(element.key) + " ";
    EXPECT_EQ(keys, "_id first second ");
}

TEST(macros, do_not_declare_derived_classes) {
    EXPECT_EQ(realm::internal::kind_of<BaseWithSchema>(), realm::ObjectType::Embedded);
    EXPECT_EQ(realm::internal::kind_of<WithoutSchema>(), realm::ObjectType::None);
}

TEST(macros, take_names_that_the_headers_use_themselves) {
    write_session<Awkward> session;
    auto object = add_and_keep(session);
    object.realm += 1;
    object.trailing_ = 20;
    EXPECT_EQ(object.name, 1);
    EXPECT_EQ(object.realm, 10);
    EXPECT_EQ(session.commit_one<Awkward>().trailing_, 20);
}

TEST(macros, take_one_property_and_199) {
    EXPECT_EQ(realm::internal::describe_class<Unnamed>().properties.size(), 1U);
    const auto wide = realm::internal::describe_class<Wide>();
    ASSERT_EQ(wide.properties.size(), 199U);
    EXPECT_EQ(wide.properties.front().name, "p1");
    EXPECT_EQ(wide.properties[9].name, "p10");
    EXPECT_EQ(wide.properties[99].name, "p100");
    EXPECT_EQ(wide.properties.back().name, "p199");
    EXPECT_EQ(sizeof(realm::managed<Wide>),
              sizeof(realm::managed<Unnamed>) + 198 * sizeof(realm::managed<std::int64_t>));
}

TEST(macros, leave_the_class_an_aggregate) {
    EXPECT_TRUE(std::is_aggregate_v<Global>);
    EXPECT_TRUE(std::is_aggregate_v<Wide>);
}

TEST(macros, may_name_a_pointee_whose_macro_comes_later) {
    const auto described = realm::internal::describe_class<Earlier>();
    EXPECT_EQ(described.properties.back().object, "Later");
    write_session<Earlier, Later> session;
    Later later{7};
    EXPECT_EQ(session.add(Earlier{1, &later}).later->value, 7);
}

TEST(macros, let_the_managed_class_tell_its_schema) {
    using managed = realm::managed<Derived>;
    EXPECT_EQ(managed::object_type, realm::ObjectType::Asymmetric);
    EXPECT_EQ(managed::schema.name, "Derived");
    EXPECT_EQ(managed::schema.names.size(), 3U);
    EXPECT_EQ(managed::schema.names[1], "first");
    EXPECT_TRUE(managed::schema.HasPrimaryKeyProperty);
    EXPECT_FALSE(managed::schema.is_embedded());
    EXPECT_FALSE(realm::managed<Wide>::schema.HasPrimaryKeyProperty);
    EXPECT_TRUE(realm::managed<Wide>::schema.is_embedded());
}

TEST(macros, register_every_class_of_the_program_once) {
    std::map<std::string, int> times;
    for (const auto& one : realm::internal::describe_declared())
        ++times[std::string(one.name)];
    for (const char* name :
         {"Global", "Semicolon", "Nested", "Unnamed", "Inside", "Named", "TextBox", "Derived",
          "Awkward", "Regular", "Backlinked", "Earlier", "Later", "Wide"})
        EXPECT_EQ(times[name], 1) << name;
}

} // namespace
