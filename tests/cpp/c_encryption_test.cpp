// The C interface: encrypted files.
#include "c_api.hpp"

#include <fstream>
#include <iterator>

namespace {

using namespace c_test;

const std::string key(64, '\x01');
const std::string other_key(64, '\x02');

/// The key as the interface takes it, with "" for none.
const std::uint8_t* given(const std::string& key) { return key.empty() ? nullptr : bytes(key); }

struct c_encryption : with_gateway {
    user_ptr user = log_in(app, "a@example.com", "a good password");
    std::string path = (files.path / "encrypted.realm").string();

    realm_config_ptr with(const std::string& key) {
        auto config = make_config();
        realm_ingest_realm_config_set_path(config.get(), path.data(), path.size(), nullptr);
        realm_ingest_realm_config_set_stop_policy(config.get(), REALM_INGEST_STOP_IMMEDIATELY,
                                                  nullptr);
        EXPECT_EQ(realm_ingest_realm_config_set_encryption_key(config.get(), given(key), key.size(),
                                                               nullptr),
                  REALM_INGEST_OK);
        return config;
    }

    /// Writes what cannot be sent.
    void leave(const std::string& key, std::int64_t id) {
        gateway.kill();
        EXPECT_EQ(append(open_realm(user, with(key)), "CLog", log_entry(id)).code, REALM_INGEST_OK);
        gateway.start();
    }

    outcome open(const std::string& key) {
        realm_ingest_realm* realm = nullptr;
        auto opened = call([&](auto error) {
            return realm_ingest_realm_new(user.get(), with(key).get(), error, &realm);
        });
        realm_ingest_realm_free(realm);
        return opened;
    }

    outcome rekey(const std::string& old_key, const std::string& new_key) {
        return call([&](auto error) {
            return realm_ingest_rekey(user.get(), with(old_key).get(), given(new_key),
                                      new_key.size(), error);
        });
    }

    /// A file that was closed a moment ago is still being moved from its log, so that comes first.
    bool can_read(const std::string& text) const {
        for (const auto& name : {path + "-wal", path}) {
            std::ifstream file(name, std::ios::binary);
            std::string content{std::istreambuf_iterator<char>(file), {}};
            if (content.find(text) != std::string::npos)
                return true;
        }
        return false;
    }
};

TEST_F(c_encryption, a_file_opens_with_its_key_alone_and_gets_another) {
    leave(key, 1);
    EXPECT_FALSE(can_read("CLog"));
    auto refused = open(other_key);
    EXPECT_EQ(refused.code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_NE(refused.message().find("was encrypted with another encryption key"),
              std::string::npos)
        << refused.message();
    EXPECT_EQ(open("").code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_EQ(rekey(other_key, "").code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_EQ(rekey(key, other_key).code, REALM_INGEST_OK);
    EXPECT_EQ(open(key).code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_EQ(rekey(other_key, "").code, REALM_INGEST_OK);
    EXPECT_TRUE(can_read("CLog"));
    EXPECT_EQ(rekey("", key).code, REALM_INGEST_OK);
    auto realm = open_realm(user, with(key));
    EXPECT_EQ(rekey(key, "").code, REALM_INGEST_LOGIC_ERROR) << "it is open";
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_encryption, what_waits_is_exported_and_goes_on_with_the_key) {
    leave(key, 1);
    auto exported = (files.path / "export.json").string();
    auto write_out = [&](const std::string& key) {
        return call([&](auto e) {
            return realm_ingest_app_export(app.get(), path.data(), path.size(), exported.data(),
                                           exported.size(), given(key), key.size(), e, nullptr);
        });
    };
    EXPECT_EQ(write_out("").code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_EQ(write_out(key).code, REALM_INGEST_OK);
    auto next = log_in(app);
    auto moved = [&](const std::string& key) {
        return call([&](auto e) {
            return realm_ingest_app_rehome(app.get(), path.data(), path.size(), next.get(),
                                           given(key), key.size(), e);
        });
    };
    EXPECT_EQ(moved(other_key).code, REALM_INGEST_INVALID_DATABASE);
    EXPECT_EQ(moved(key).code, REALM_INGEST_OK);
    ASSERT_EQ(wait(open_realm(next, with(key)), 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_encryption, a_key_of_another_length_and_missing_arguments_are_refused) {
    auto config = make_config();
    for (std::size_t length : {0, 1, 32, 63, 65}) {
        std::string bad(length, 'k');
        auto refused = call([&](auto e) {
            return realm_ingest_realm_config_set_encryption_key(config.get(), bytes(bad),
                                                                bad.size(), e);
        });
        EXPECT_EQ(refused.message(),
                  "an encryption key has 64 bytes, and this one has " + std::to_string(length));
        auto rekeyed = call([&](auto e) {
            return realm_ingest_rekey(user.get(), config.get(), bytes(bad), bad.size(), e);
        });
        EXPECT_EQ(rekeyed.message(), refused.message());
        auto rehomed = call([&](auto e) {
            return realm_ingest_app_rehome(app.get(), path.data(), path.size(), user.get(),
                                           bytes(bad), bad.size(), e);
        });
        EXPECT_EQ(rehomed.message(), refused.message());
        auto exported = call([&](auto e) {
            return realm_ingest_app_export(app.get(), path.data(), path.size(), path.data(),
                                           path.size(), bytes(bad), bad.size(), e, nullptr);
        });
        EXPECT_EQ(exported.message(), refused.message());
    }
    auto lost = call([&](auto e) {
        return realm_ingest_realm_config_set_encryption_key(config.get(), nullptr, 64, e);
    });
    EXPECT_EQ(lost.message(), "key is NULL");
    auto null = call([&](auto e) {
        return realm_ingest_realm_config_set_encryption_key(nullptr, nullptr, 0, e);
    });
    EXPECT_EQ(null.message(), "config is NULL");
    null = call([&](auto e) { return realm_ingest_rekey(nullptr, nullptr, nullptr, 0, e); });
    EXPECT_EQ(null.message(), "user is NULL");
}

} // namespace
