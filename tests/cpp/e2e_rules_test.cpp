// What the schemas and rules of an app's directory refuse, the error handler gets; everything else
// arrives.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace {

struct Reading {
    realm::primary_key<int64_t> _id = 0;
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, note)

struct Other {
    realm::primary_key<std::string> _id;
};
REALM_ASYMMETRIC_SCHEMA(Other, _id)

/// The directory of an app: readings with a note of up to five characters, which is not "no".
struct directory : test::temporary_directory {
    directory() {
        write("root_config.json",
              R"({"config_version": 20230101, "name": "test", "app_id": "test-app"})");
        write("auth/providers.json",
              R"({"anon-user": {"name": "anon-user", "type": "anon-user"}})");
        write("data_sources/db/config.json", R"({"name": "db", "type": "mongodb-atlas"})");
        write("data_sources/db/default_rule.json", R"({"roles": [{
            "name": "writer", "apply_when": {"%%user.type": "normal"},
            "document_filters": {"read": true, "write": true}, "write": true,
            "insert": {"note": {"$ne": "no"}}}]})");
        write("data_sources/db/weather/readings/schema.json", R"({
            "title": "Reading", "bsonType": "object", "required": ["_id", "note"],
            "properties": {"_id": {"bsonType": "long"}, "note": {"bsonType": "string", "maxLength": 5}}})");
        write("sync/config.json", R"({
            "type": "flexible", "state": "enabled", "service_name": "db",
            "asymmetric_tables": ["Reading"], "queryable_fields_names": ["note"]})");
    }

private:
    void write(const std::string& file, const std::string& json) const {
        std::filesystem::create_directories((path / file).parent_path());
        std::ofstream(path / file) << json;
    }
};

TEST(Rules, what_is_refused_is_told_object_by_object_and_the_rest_is_stored) {
    directory app;
    test::with_gateway with({"--app", app.path.string()});
    auto db = realm::open<Reading, Other>(with.config(with.log_in()));
    db.write([&] {
        db.add(Reading{1, "short"});
        db.add(Reading{2, "too long"});
        db.add(Reading{3, "no"});
        db.add(Other{std::string("key")});
    });
    db.get_sync_session()->wait_for_upload_completion().get();
    auto refusals = with.refusals(3);
    ASSERT_EQ(refusals.size(), 3u);
    EXPECT_EQ(refusals[0].object_name, "Reading");
    EXPECT_EQ(static_cast<int64_t>(refusals[0].primary_key), 2);
    EXPECT_EQ(refusals[0].reason, "'Reading.note' has more than 5 characters");
    EXPECT_EQ(refusals[1].object_name, "Reading");
    EXPECT_EQ(static_cast<int64_t>(refusals[1].primary_key), 3);
    EXPECT_EQ(refusals[1].reason, "role 'writer' forbids it: 'insert' does not hold");
    EXPECT_EQ(refusals[2].object_name, "Other");
    EXPECT_EQ(static_cast<std::string>(refusals[2].primary_key), "key");
    EXPECT_EQ(refusals[2].reason, "class 'Other' is not among the application's asymmetric_tables");
    auto error = with.first_error();
    EXPECT_EQ(error.get_status().code_string(), "SyncWriteNotAllowed");
    EXPECT_FALSE(error.is_fatal());
    EXPECT_EQ(with.gateway.count("Reading"), 1u);
    EXPECT_EQ(with.gateway.dead_letters().size(), 3u);
}

} // namespace
