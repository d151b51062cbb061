// Encrypted files, through a gateway: what is in them cannot be read, nothing but their key opens
// them, and they get another one.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <fstream>
#include <iterator>
#include <optional>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace {

namespace ingest = realm::ingest;

using key = std::array<char, 64>;
using stop_policy = realm::internal::bridge::realm::sync_session_stop_policy;

struct ESecret {
    realm::primary_key<std::int64_t> _id;
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(ESecret, _id, note)

key of(char byte) {
    key key;
    key.fill(byte);
    return key;
}

/// A file that was closed a moment ago is still being moved from its log, so that comes first.
bool can_read(const std::string& path, const std::string& text) {
    for (const auto& name : {path + "-wal", path}) {
        std::ifstream file(name, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), {}};
        if (content.find(text) != std::string::npos)
            return true;
    }
    return false;
}

struct Encryption : testing::Test, test::with_gateway {
    realm::user user = log_in("a@example.com");

    realm::db_config with(const std::optional<key>& key) {
        auto config = this->config(user);
        config.sync_config().set_stop_policy(stop_policy::immediately);
        if (key)
            config.set_encryption_key(*key);
        return config;
    }

    /// Writes what is not to be sent for now.
    std::string leave(const std::optional<key>& key, std::int64_t id) {
        auto config = with(key);
        auto db = realm::open<ESecret>(config);
        db.get_sync_session()->pause();
        ESecret secret;
        secret._id = id;
        secret.note = "nobody is to read this";
        db.write([&] { db.add(std::move(secret)); });
        return config.path();
    }

    /// Opens the file, so that what waits arrives.
    void send(const std::optional<key>& key) {
        realm::open<ESecret>(with(key)).get_sync_session()->wait_for_upload_completion().get();
    }

    std::string refused(const std::optional<key>& key) {
        try {
            realm::open<ESecret>(with(key));
        } catch (const std::exception& error) {
            return error.what();
        }
        return "it opened";
    }
};

TEST_F(Encryption, what_waits_cannot_be_read_in_the_file_and_arrives) {
    auto path = leave(of(1), 1);
    for (const auto& text : {std::string("ESecret"), std::string("nobody is to read this"),
                             std::string("note"), user.identifier()})
        EXPECT_FALSE(can_read(path, text)) << text;
    send(of(1));
    EXPECT_EQ(gateway.count("ESecret"), 1u);
}

TEST_F(Encryption, a_file_opens_with_its_key_alone) {
    leave(of(1), 1);
    EXPECT_NE(refused(of(2)).find("was encrypted with another encryption key"), std::string::npos)
        << refused(of(2));
    EXPECT_NE(refused(std::nullopt).find("is encrypted: open it with its encryption key"),
              std::string::npos)
        << refused(std::nullopt);
    leave(of(1), 2);
    auto open = realm::open<ESecret>(with(of(1)));
    EXPECT_NE(refused(of(2)).find("already opened with a different encryption key."),
              std::string::npos)
        << refused(of(2));
    open.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("ESecret"), 2u);
}

TEST_F(Encryption, a_file_gets_a_key_and_another_one_and_none) {
    auto path = leave(std::nullopt, 1);
    EXPECT_TRUE(can_read(path, "nobody is to read this"));
    EXPECT_NE(refused(of(1)).find("is not encrypted"), std::string::npos) << refused(of(1));

    ingest::rekey(with(std::nullopt), of(1));
    EXPECT_FALSE(can_read(path, "nobody is to read this"));
    leave(of(1), 2);
    ingest::rekey(with(of(1)), of(2));
    leave(of(2), 3);
    EXPECT_THROW(ingest::rekey(with(of(1)), of(3)), std::exception);
    ingest::rekey(with(of(2)), std::nullopt);
    EXPECT_TRUE(can_read(path, "nobody is to read this"));
    send(std::nullopt);
    EXPECT_EQ(gateway.count("ESecret"), 3u);
}

TEST_F(Encryption, a_file_that_is_open_or_not_there_gets_no_key) {
    EXPECT_THROW(ingest::rekey(with(std::nullopt), of(1)), std::exception);
    auto open = realm::open<ESecret>(with(std::nullopt));
    EXPECT_THROW(ingest::rekey(with(std::nullopt), of(1)), std::exception);
    EXPECT_THROW(ingest::rekey(realm::db_config(), of(1)), std::logic_error);
}

TEST_F(Encryption, what_nobody_sends_is_exported_and_goes_on_with_the_key) {
    auto path = leave(of(1), 1);
    user.log_out().get();
    auto stranded = ingest::stranded(app);
    ASSERT_EQ(stranded.size(), 1u);
    EXPECT_EQ(stranded[0].user_id, user.identifier());
    EXPECT_EQ(stranded[0].pending.objects, 1u);
    auto exported = (files.path / "export.json").string();
    EXPECT_THROW(ingest::export_to(app, path, exported), std::exception);
    EXPECT_EQ(ingest::export_to(app, path, exported, of(1)), 1u);
    user = log_in("b@example.com");
    EXPECT_THROW(ingest::rehome(app, path, user), std::exception);
    ingest::rehome(app, path, user, of(1));
    auto config = with(of(1));
    config.set_path(path);
    realm::open<ESecret>(config).get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("ESecret"), 1u);
}

} // namespace
