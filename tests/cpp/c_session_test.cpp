// The C interface: the session of a realm.
#include "c_api.hpp"

#include <future>
#include <vector>

namespace {

using namespace c_test;

struct c_session : with_gateway {
    realm_ptr realm = open_realm(log_in(app), make_config());

    std::uint8_t state() {
        std::uint8_t state = 99;
        EXPECT_EQ(realm_ingest_realm_state(realm.get(), nullptr, &state), REALM_INGEST_OK);
        return state;
    }

    std::uint8_t connection() {
        std::uint8_t state = 99;
        EXPECT_EQ(realm_ingest_realm_connection_state(realm.get(), nullptr, &state),
                  REALM_INGEST_OK);
        return state;
    }
};

/// What a callback for the connection heard, until it was freed.
struct heard {
    std::vector<std::pair<std::uint8_t, std::uint8_t>> changes;
    std::promise<void> freed;

    std::uint64_t listen(const realm_ptr& realm) {
        std::uint64_t token = 0;
        auto code = realm_ingest_realm_on_connection_change(
            realm.get(),
            [](void* userdata, std::uint8_t from, std::uint8_t to) {
                static_cast<heard*>(userdata)->changes.emplace_back(from, to);
            },
            this, [](void* userdata) { static_cast<heard*>(userdata)->freed.set_value(); }, nullptr,
            &token);
        EXPECT_EQ(code, REALM_INGEST_OK);
        return token;
    }

    /// Each change goes on where the one before ended.
    void is_whole() {
        freed.get_future().get();
        ASSERT_FALSE(changes.empty());
        for (std::size_t i = 1; i < changes.size(); ++i)
            EXPECT_EQ(changes[i].first, changes[i - 1].second);
    }
};

TEST_F(c_session, nothing_is_sent_while_it_is_paused) {
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(connection(), REALM_INGEST_CONNECTION_CONNECTED);
    EXPECT_EQ(realm_ingest_realm_pause(realm.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(state(), REALM_INGEST_SESSION_PAUSED);
    EXPECT_EQ(connection(), REALM_INGEST_CONNECTION_DISCONNECTED);
    EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK);
    EXPECT_EQ(pending(realm), 1U);
    EXPECT_EQ(realm_ingest_realm_resume(realm.get(), nullptr), REALM_INGEST_OK);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(state(), REALM_INGEST_SESSION_ACTIVE);
    EXPECT_EQ(realm_ingest_realm_reconnect(realm.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_session, a_callback_hears_of_the_connection_until_it_is_removed) {
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    heard heard;
    auto token = heard.listen(realm);
    realm_ingest_realm_pause(realm.get(), nullptr);
    realm_ingest_realm_resume(realm.get(), nullptr);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_remove_connection_change(realm.get(), token, nullptr),
              REALM_INGEST_OK);
    heard.is_whole();
    EXPECT_EQ(heard.changes.front().first, REALM_INGEST_CONNECTION_CONNECTED);
    EXPECT_EQ(realm_ingest_realm_remove_connection_change(realm.get(), token, nullptr),
              REALM_INGEST_OK);
}

TEST_F(c_session, a_callback_ends_with_its_realm) {
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    heard heard;
    heard.listen(realm);
    realm_ingest_realm_pause(realm.get(), nullptr);
    realm_ingest_realm_resume(realm.get(), nullptr);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    auto other = open_realm(log_in(app), make_config());
    realm.reset();
    heard.is_whole();
    std::uint64_t token = 0;
    realm_ingest_realm_close(other.get(), nullptr);
    auto closed = call([&](auto e) {
        return realm_ingest_realm_on_connection_change(
            other.get(), [](void*, std::uint8_t, std::uint8_t) {}, nullptr, nullptr, e, &token);
    });
    EXPECT_EQ(closed.code, REALM_INGEST_CLOSED_REALM);
}

TEST(c_session_of_nothing, what_is_null_is_named) {
    auto expect = [](const char* name, auto&& fn) {
        auto result = call(fn);
        EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT) << name;
        EXPECT_EQ(result.message(), std::string(name) + " is NULL");
    };
    std::uint8_t state = 99;
    std::uint64_t token = 99;
    expect("realm", [&](auto e) { return realm_ingest_realm_pause(nullptr, e); });
    expect("realm", [&](auto e) { return realm_ingest_realm_resume(nullptr, e); });
    expect("realm", [&](auto e) { return realm_ingest_realm_reconnect(nullptr, e); });
    expect("realm", [&](auto e) { return realm_ingest_realm_state(nullptr, e, &state); });
    expect("state", [&](auto e) { return realm_ingest_realm_state(nullptr, e, nullptr); });
    expect("realm",
           [&](auto e) { return realm_ingest_realm_connection_state(nullptr, e, &state); });
    expect("callback", [&](auto e) {
        return realm_ingest_realm_on_connection_change(nullptr, nullptr, nullptr, nullptr, e,
                                                       &token);
    });
    expect("realm",
           [&](auto e) { return realm_ingest_realm_remove_connection_change(nullptr, 1, e); });
    EXPECT_EQ(state, 99);
    EXPECT_EQ(token, 99U);
}

} // namespace
