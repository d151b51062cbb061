// What becomes of data whose user is gone: a gateway that was set up anew, and files that nobody
// sends.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace {

struct Reading {
    realm::primary_key<std::int64_t> _id;
    std::string who;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, who)

struct Homes : testing::Test {
    test::with_gateway with;

    static void write(realm::db& db, std::int64_t id) {
        db.write([&] {
            Reading reading;
            reading._id = id;
            reading.who = "somebody";
            db.add(reading);
        });
    }
    static void upload(const realm::db& db) {
        db.get_sync_session()->wait_for_upload_completion().get();
    }

    /// Leaves data of a user who logs out.
    std::string left_by(const std::string& name) {
        auto user = with.log_in(name);
        auto config = with.config(user);
        auto db = realm::open<Reading>(config);
        db.get_sync_session()->pause();
        write(db, 1);
        write(db, 2);
        user.log_out().get();
        return config.path();
    }

    static std::string content(const std::filesystem::path& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

TEST_F(Homes, an_anonymous_device_goes_on_after_the_gateway_was_set_up_anew) {
    auto user = with.log_in();
    auto db = realm::open<Reading>(with.config(user));
    write(db, 1);
    upload(db);
    with.gateway.kill();
    with.gateway.forget();
    write(db, 2);
    with.gateway.start();
    write(db, 3);
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 2u);
    EXPECT_EQ(user.state(), realm::user::state::logged_out);
    auto current = with.app.get_current_user();
    ASSERT_TRUE(current);
    EXPECT_NE(current->identifier(), user.identifier());
    for (const auto& error : with.errors())
        EXPECT_FALSE(error.is_fatal()) << error.message();
    // The configuration that the program has still serves.
    auto again = realm::open<Reading>(with.config(user));
    write(again, 4);
    upload(again);
    EXPECT_EQ(with.gateway.count("Reading"), 3u);
}

TEST_F(Homes, what_nobody_sends_is_listed_and_exported_and_goes_on_under_another_user) {
    EXPECT_TRUE(realm::ingest::stranded(with.app).empty());
    auto path = left_by("a@example.com");
    auto stranded = realm::ingest::stranded(with.app);
    ASSERT_EQ(stranded.size(), 1u);
    EXPECT_TRUE(std::filesystem::equivalent(stranded[0].path, path));
    EXPECT_EQ(stranded[0].user_id.size(), 24u);
    EXPECT_EQ(stranded[0].principal.rfind("local-userpass:", 0), 0u) << stranded[0].principal;
    EXPECT_EQ(stranded[0].pending.transactions, 2u);
    EXPECT_EQ(stranded[0].pending.objects, 2u);
    EXPECT_GT(stranded[0].pending.bytes, 0u);

    auto exported = (with.files.path / "export.json").string();
    EXPECT_EQ(realm::ingest::export_to(with.app, path, exported), 2u);
    EXPECT_EQ(content(exported),
              R"({"class":"Reading","document":{"_id":{"$numberLong":"1"},"who":"somebody"}})"
              "\n"
              R"({"class":"Reading","document":{"_id":{"$numberLong":"2"},"who":"somebody"}})"
              "\n");
    EXPECT_THROW(realm::ingest::export_to(with.app, path, exported), std::exception);

    EXPECT_THROW(realm::ingest::rehome(with.app, path, realm::user()), std::logic_error);
    auto other = with.log_in("b@example.com");
    realm::ingest::rehome(with.app, path, other);
    EXPECT_TRUE(realm::ingest::stranded(with.app).empty());
    auto config = with.config(other);
    config.set_path(path);
    upload(realm::open<Reading>(config));
    EXPECT_EQ(with.gateway.count("Reading"), 2u);
}

TEST_F(Homes, discarding_deletes_what_waits) {
    auto path = left_by("a@example.com");
    EXPECT_THROW(realm::ingest::discard(with.app, path + ".none"), std::exception);
    auto gone = realm::ingest::discard(with.app, path);
    EXPECT_EQ(gone.objects, 2u);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(realm::ingest::stranded(with.app).empty());
}

TEST_F(Homes, data_of_one_user_is_not_sent_by_another_who_opens_its_file) {
    auto path = left_by("a@example.com");
    auto config = with.config(with.log_in("b@example.com"));
    config.set_path(path);
    try {
        realm::open<Reading>(config);
        FAIL() << "another user opened the file";
    } catch (const std::exception& error) {
        EXPECT_NE(std::string(error.what()).find("holds 2 write transactions of user '"),
                  std::string::npos)
            << error.what();
    }
}

} // namespace
