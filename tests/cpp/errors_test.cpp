// What opening refuses, in the words of realm-cpp, and what an error handler is told.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

#include <deque>

namespace {

using object_schema = realm::internal::bridge::object_schema;
using property = object_schema::property;
using collection = object_schema::collection_type;
using kind = object_schema::object_type;
using test::message_of;

property id(std::string_view name = "_id", std::string_view type = "objectId") {
    property p;
    p.name = name;
    p.type = type;
    return p;
}
property link(std::string_view name, std::string_view to, collection in = collection::none) {
    property p;
    p.name = name;
    p.type = "object";
    p.object = to;
    p.collection = in;
    return p;
}
object_schema make_class(std::string_view name, std::vector<property> properties,
                         std::string_view key = "_id", kind type = kind::asymmetric) {
    // A schema refers to its properties: they stay as long as the program.
    static std::deque<std::vector<property>> kept;
    const auto& own = kept.emplace_back(std::move(properties));
    object_schema c;
    c.name = name;
    c.type = type;
    c.primary_key = key;
    c.properties = {own.data(), own.size()};
    return c;
}

struct Errors : testing::Test {
    test::fake_app fake;
    realm::user user = fake.log_in("somebody");
    realm::db_config config = test::fake_app::quiet(user);

    std::string open(const std::vector<object_schema>& schema) {
        config.set_schema(schema);
        return message_of([&] { realm::db db(config); });
    }
    /// The findings of an opening that must fail for its schema.
    std::string findings(const std::vector<object_schema>& schema) {
        const std::string start = "Schema validation failed due to the following errors:\n";
        auto text = open(schema);
        EXPECT_EQ(text.substr(0, start.size()), start);
        return text.substr(std::min(start.size(), text.size()));
    }
};

TEST_F(Errors, a_key_is_wanted) {
    EXPECT_EQ(findings({make_class("A", {id("n", "int")}, "")}),
              "- There must be a primary key property named '_id' on a synchronized Realm but none "
              "was found for type 'A'");
}
TEST_F(Errors, a_key_is_named_id) {
    EXPECT_EQ(
        findings({make_class("A", {id("n", "int")}, "n")}),
        "- The primary key property on a synchronized Realm must be named '_id' but found 'n' "
        "for type 'A'");
}
TEST_F(Errors, a_key_has_one_of_four_types) {
    EXPECT_EQ(findings({make_class("A", {id("_id", "double")})}),
              "- Property 'A._id' of type 'double' cannot be made the primary key.");
}
TEST_F(Errors, embedded_classes_have_no_key) {
    auto text = findings({make_class("A", {id(), link("e", "E")}),
                          make_class("E", {id("_id", "int")}, "_id", kind::embedded)});
    EXPECT_EQ(text, "- Embedded object type 'E' cannot have a primary key.");
}
TEST_F(Errors, links_to_asymmetric_classes_are_refused) {
    EXPECT_EQ(findings({make_class("A", {id(), link("b", "B")}), make_class("B", {id()})}),
              "- Property 'A.b' of type 'object' cannot be a link to an asymmetric object.");
    EXPECT_EQ(findings({make_class("A", {id(), link("b", "B", collection::list)}),
                        make_class("B", {id()})}),
              "- Property 'A.b' of type 'array' cannot be a link to an asymmetric object.");
}
TEST_F(Errors, sets_of_embedded_objects_are_refused) {
    EXPECT_EQ(findings({make_class("A", {id(), link("e", "E", collection::set)}),
                        make_class("E", {id("n", "int")}, "", kind::embedded)}),
              "- Set property 'A.e' cannot contain embedded object type 'E'. Set semantics are not "
              "applicable to embedded objects.");
}
TEST_F(Errors, classes_that_are_not_opened_are_named) {
    EXPECT_EQ(findings({make_class("A", {id(), link("e", "E")})}),
              "- Property 'A.e' of type 'object' has unknown object type 'E'");
}
TEST_F(Errors, embedded_cycles_are_refused) {
    auto text = findings({make_class("A", {id(), link("e", "E")}),
                          make_class("E", {link("child", "E")}, "", kind::embedded)});
    EXPECT_EQ(text, "- Cycles containing embedded objects are not currently supported: 'E.child'");
}
TEST_F(Errors, repeated_classes_and_properties_are_refused) {
    EXPECT_EQ(findings({make_class("A", {id()}), make_class("A", {id()})}),
              "- Type 'A' appears more than once in the schema.");
    EXPECT_EQ(findings({make_class("A", {id(), id("n", "int"), id("n", "int")})}),
              "- Property 'n' appears more than once in the schema for type 'A'.");
}
TEST_F(Errors, several_findings_come_together) {
    auto text =
        findings({make_class("A", {id("n", "int")}, ""), make_class("B", {id(), link("x", "X")})});
    EXPECT_NE(text.find("for type 'A'"), std::string::npos) << text;
    EXPECT_NE(text.find("\n- Property 'B.x'"), std::string::npos) << text;
}
TEST_F(Errors, orphans_are_refused_in_explicit_mode_only) {
    std::vector<object_schema> schema = {make_class("A", {id()}),
                                         make_class("E", {id("n", "int")}, "", kind::embedded)};
    EXPECT_EQ(open(schema), "(nothing was thrown)");
    config.set_path((fake.directory.path / "explicit.realm").string());
    config.set_schema_mode(realm::db_config::schema_mode::additive_explicit);
    EXPECT_EQ(findings(schema),
              "- Embedded object 'E' is unreachable by any link path from top level objects.");
}
TEST_F(Errors, long_names_are_refused) {
    std::string name(58, 'c');
    EXPECT_EQ(open({make_class(name, {id()})}), "Name too long: class_" + name);
    std::string property_name(64, 'p');
    EXPECT_EQ(open({make_class("A", {id(), id(property_name, "int")})}),
              "Name too long: " + property_name);
    EXPECT_EQ(open({make_class(std::string(57, 'c'), {id(), id(std::string(63, 'p'), "int")})}),
              "(nothing was thrown)");
}
TEST_F(Errors, local_databases_hold_no_asymmetric_classes) {
    realm::db_config local;
    local.set_path((fake.directory.path / "local.realm").string());
    local.set_schema({make_class("A", {id()})});
    EXPECT_EQ(message_of([&] { realm::db db(local); }),
              "Schema validation failed due to the following errors:\n"
              "- Asymmetric table 'A' not allowed in a local Realm");
}
TEST_F(Errors, files_open_whatever_a_release_changed_in_its_classes) {
    for (auto type : {"int", "string", "int"}) {
        EXPECT_EQ(open({make_class("A", {id(), id("n", type)})}), "(nothing was thrown)");
    }
}
TEST_F(Errors, directories_that_are_missing_are_named) {
    config.set_path((fake.directory.path / "missing" / "a.realm").string());
    auto text = open({make_class("A", {id()})});
    EXPECT_NE(text.find("missing"), std::string::npos) << text;
}

TEST(SyncError, tells_what_the_library_says) {
    using namespace realm::internal;
    ffi::SyncError from;
    from.status = {1044, "SyncWriteNotAllowed", "2 objects were refused", "http://log"};
    from.is_fatal = false;
    from.compensating_writes.push_back(
        {"Reading", R"({"$oid":"650000000000000000000001"})", "duplicate _id"});
    from.compensating_writes.push_back({"Reading", R"({"$numberLong":"5"})", "x"});
    from.compensating_writes.push_back({"Reading", R"("text")", "x"});
    from.compensating_writes.push_back(
        {"Reading", R"({"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}})", "x"});
    from.compensating_writes.push_back({"Reading", "null", "x"});
    from.compensating_writes.push_back({"Reading", "not JSON", "x"});

    const realm::sync_error error(from);
    EXPECT_EQ(error.message(), "2 objects were refused");
    EXPECT_EQ(error.get_status().reason(), "2 objects were refused Logs: http://log");
    EXPECT_EQ(error.get_status().code_string(), "SyncWriteNotAllowed");
    EXPECT_FALSE(error.get_status().is_ok());
    EXPECT_FALSE(error.is_fatal());
    EXPECT_FALSE(error.is_client_reset_requested());
    auto writes = error.compensating_writes_info();
    ASSERT_EQ(writes.size(), 6u);
    EXPECT_EQ(writes[0].object_name, "Reading");
    EXPECT_EQ(writes[0].reason, "duplicate _id");
    EXPECT_EQ(writes[0].primary_key.type(), bridge::data_type::ObjectId);
    EXPECT_EQ(static_cast<realm::object_id>(writes[0].primary_key).to_string(),
              "650000000000000000000001");
    EXPECT_EQ(static_cast<int64_t>(writes[1].primary_key), 5);
    std::string text = writes[2].primary_key;
    EXPECT_EQ(text, "text");
    EXPECT_EQ(static_cast<realm::uuid>(writes[3].primary_key).to_string(),
              "00010203-0405-0607-0809-0a0b0c0d0e0f");
    EXPECT_TRUE(writes[4].primary_key.is_null());
    EXPECT_TRUE(writes[5].primary_key.is_null());
    EXPECT_THROW(static_cast<void>(static_cast<std::string>(writes[1].primary_key)),
                 std::logic_error);
    EXPECT_TRUE(writes[1].primary_key != writes[2].primary_key);
}

TEST(Status, of_success_is_ok) {
    auto ok = realm::networking::status::ok();
    EXPECT_TRUE(ok.is_ok());
    EXPECT_EQ(ok.code_string(), "OK");
    EXPECT_EQ(ok.reason(), "");
}

} // namespace
