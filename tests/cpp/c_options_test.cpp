// The C interface: what an application chooses when it opens.
#include "c_api.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace c_test;

using c_options = with_gateway;

TEST_F(c_options, a_write_beyond_the_cap_fails_and_what_is_stored_arrives) {
    auto config = make_config();
    EXPECT_EQ(realm_ingest_realm_config_set_durability(config.get(),
                                                       REALM_INGEST_DURABILITY_RELAXED, nullptr),
              REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_config_set_cap(config.get(), REALM_INGEST_NO_LIMIT, 1, 86400000,
                                                REALM_INGEST_CAP_FAIL, nullptr),
              REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_config_set_durability(config.get(), 2, nullptr),
              REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_EQ(realm_ingest_realm_config_set_cap(config.get(), 1, 1, 1, 3, nullptr),
              REALM_INGEST_INVALID_ARGUMENT);
    auto user = log_in(app);
    auto realm = open_realm(user, config);
    // More at once than may ever wait.
    EXPECT_EQ(append(realm, "CLog", log_entry(1) + log_entry(2)).code, REALM_INGEST_LIMIT_EXCEEDED);
    EXPECT_EQ(append(realm, "CLog", log_entry(3)).code, REALM_INGEST_OK);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);

    realm_ingest_realm* second = nullptr;
    auto refused = call([&](auto error) {
        return realm_ingest_realm_new(user.get(), make_config().get(), error, &second);
    });
    EXPECT_NE(refused.message().find("already opened with different ingest options."),
              std::string::npos)
        << refused.message();
}

TEST_F(c_options, urgent_classes_wait_apart_from_the_others) {
    auto config = make_config();
    EXPECT_EQ(realm_ingest_realm_config_add_urgent_class(config.get(), "CLog", 4, nullptr),
              REALM_INGEST_OK);
    auto realm = open_realm(log_in(app), config);
    EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK);
    EXPECT_EQ(append(realm, "CReading", reading(1, 0.5)).code, REALM_INGEST_OK);
    auto transaction = begin(realm);
    append(transaction, "CLog", log_entry(2));
    append(transaction, "CReading", reading(2, 0.5));
    auto refused = commit(transaction);
    EXPECT_EQ(refused.code, REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_NE(refused.message().find("urgent class 'CLog'"), std::string::npos)
        << refused.message();
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(pending(realm), 0U);
    EXPECT_EQ(gateway.count("CLog"), 1U);
    EXPECT_EQ(gateway.count("CReading"), 1U);
}

TEST_F(c_options, nothing_is_sent_while_the_application_says_no) {
    struct network {
        std::atomic<bool> is_free{false};
        std::atomic<int> asked{0};
        std::atomic<bool> freed{false};
    } network;
    {
        auto config = make_config();
        EXPECT_EQ(realm_ingest_realm_config_set_batch_delay(config.get(), 1, nullptr),
                  REALM_INGEST_OK);
        EXPECT_EQ(realm_ingest_realm_config_set_bytes_per_second(config.get(), 1000000, nullptr),
                  REALM_INGEST_OK);
        EXPECT_EQ(realm_ingest_realm_config_add_upload_window(config.get(), 0, 1440, nullptr),
                  REALM_INGEST_OK);
        realm_ingest_realm_config_set_may_upload_callback(
            config.get(),
            [](void* userdata) {
                auto& network = *static_cast<struct network*>(userdata);
                ++network.asked;
                return network.is_free.load();
            },
            &network, [](void* userdata) { static_cast<struct network*>(userdata)->freed = true; },
            1000, nullptr);
        auto realm = open_realm(log_in(app), config);
        EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK);
        while (network.asked == 0)
            std::this_thread::yield();
        EXPECT_EQ(pending(realm), 1U);
        network.is_free = true;
        ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK) << "it is asked again after a second";
        EXPECT_EQ(gateway.count("CLog"), 1U);
        EXPECT_FALSE(network.freed);
    }
    while (!network.freed)
        std::this_thread::yield();
}

TEST_F(c_options, another_address_stands_in_for_one_that_cannot_be_reached) {
    test::temporary_directory elsewhere;
    // Nobody listens there.
    auto config = app_config("http://127.0.0.1:1", elsewhere.path);
    const auto& url = gateway.url();
    EXPECT_EQ(
        realm_ingest_app_config_add_fallback_url(config.get(), url.data(), url.size(), nullptr),
        REALM_INGEST_OK);
    auto realm = open_realm(log_in(open_app(config)), make_config());
    EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_options, the_time_of_the_server_is_known_once_it_has_answered) {
    bool known = true;
    std::int64_t now = -1;
    std::uint64_t uncertainty = 0;
    EXPECT_EQ(realm_ingest_app_server_time(app.get(), nullptr, &known, &now, &uncertainty),
              REALM_INGEST_OK);
    EXPECT_FALSE(known);
    EXPECT_EQ(now, -1);
    auto milliseconds = [] {
        auto time = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    };
    auto before = milliseconds();
    log_in(app);
    EXPECT_EQ(realm_ingest_app_server_time(app.get(), nullptr, &known, &now, &uncertainty),
              REALM_INGEST_OK);
    EXPECT_TRUE(known);
    EXPECT_GE(now + static_cast<std::int64_t>(uncertainty), before);
    EXPECT_LE(now - static_cast<std::int64_t>(uncertainty), milliseconds());
    EXPECT_EQ(realm_ingest_app_server_time(app.get(), nullptr, nullptr, &now, &uncertainty),
              REALM_INGEST_INVALID_ARGUMENT);
}

} // namespace
