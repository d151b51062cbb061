// The C interface: tokens that end, sessions that an operator ends, and clocks that are set.
#include "c_api.hpp"
#include "moved_clock.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

using namespace c_test;

/// Longer than the refresh tokens of these gateways are good for, and than access tokens are.
constexpr std::int64_t long_time = 100;
constexpr std::int64_t short_time = 10;

/// The first fatal error of a session.
class first_fatal {
public:
    realm_config_ptr config() {
        auto config = make_config();
        realm_ingest_realm_config_set_error_callback(config.get(), hear, this, nullptr, nullptr);
        return config;
    }
    bool is_fatal() {
        std::lock_guard lock(mutex_);
        return code_ != 0;
    }
    /// The code and the message.
    std::pair<realm_ingest_code, std::string> fatal() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return code_ != 0; }))
            throw std::runtime_error("no fatal error came");
        return {code_, message_};
    }

private:
    static void hear(void* userdata, const realm_ingest_sync_error* error) {
        auto& self = *static_cast<first_fatal*>(userdata);
        if (!realm_ingest_sync_error_is_fatal(error))
            return;
        std::lock_guard lock(self.mutex_);
        self.code_ = realm_ingest_sync_error_code(error);
        self.message_ = realm_ingest_sync_error_message(error, nullptr);
        self.changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    realm_ingest_code code_ = 0;
    std::string message_;
};

struct c_lifetimes : with_gateway {
    c_lifetimes()
        : with_gateway(
              {"--dev", "--access-token-lifetime", "5", "--refresh-token-lifetime", "60"}) {}

    // The realm of a test ends before what its callback uses.
    first_fatal told;
    test::with_clock clock;
    std::int64_t written = 0;

    void write(const realm_ptr& realm, std::int64_t count) {
        for (std::int64_t end = written + count; written < end; ++written)
            EXPECT_EQ(append(realm, "CLog", log_entry(written)).code, REALM_INGEST_OK);
    }
    void upload(const realm_ptr& realm) {
        auto waited = wait(realm, 60000);
        EXPECT_EQ(waited.code, REALM_INGEST_OK) << waited.message();
    }
    void expect_all() {
        EXPECT_EQ(gateway.count("CLog"), static_cast<std::size_t>(written));
        EXPECT_TRUE(gateway.dead_letters().empty());
    }
    user_ptr log_in_again() { return log_in(app, "c@example.com", "correct horse"); }

    /// The gateway is away for so long, and the device's clock tells it.
    void be_offline_for(std::int64_t seconds, const realm_ptr& realm) {
        upload(realm);
        gateway.kill();
        write(realm, 5);
        test::move_clock(seconds);
        gateway.set_environment(test::with_clock_ahead(seconds));
        gateway.start();
    }
    void expect_logged_out(const user_ptr& user, const realm_ptr& realm) {
        auto [code, message] = told.fatal();
        EXPECT_EQ(code, static_cast<realm_ingest_code>(REALM_INGEST_AUTH_ERROR));
        EXPECT_EQ(message.rfind("Unable to refresh the user access token: ", 0), 0U) << message;
        EXPECT_EQ(realm_ingest_user_state(user.get()), REALM_INGEST_USER_LOGGED_OUT);
        EXPECT_NE(wait(realm, 60000).code, REALM_INGEST_OK);
        write(realm, 2);
        EXPECT_GE(pending(realm), 2U);
    }
    template <typename Act>
    void while_streaming(const realm_ptr& realm, Act&& act) {
        std::atomic<bool> stops{false};
        std::thread writer([&] {
            while (!stops)
                write(realm, 1);
        });
        while (gateway.count("CLog") == 0)
            std::this_thread::yield();
        act();
        stops = true;
        writer.join();
    }
    std::string id(const user_ptr& user) { return realm_ingest_user_id(user.get(), nullptr); }
};

TEST_F(c_lifetimes, streaming_goes_on_after_the_access_token_has_ended_offline) {
    auto user = log_in_again();
    auto realm = open_realm(user, told.config());
    be_offline_for(short_time, realm);
    upload(realm);
    expect_all();
    EXPECT_FALSE(told.is_fatal());
    EXPECT_EQ(realm_ingest_user_state(user.get()), REALM_INGEST_USER_LOGGED_IN);
}

TEST_F(c_lifetimes, what_was_written_while_the_refresh_token_ended_is_sent_after_the_next_log_in) {
    auto user = log_in_again();
    auto realm = open_realm(user, told.config());
    be_offline_for(long_time, realm);
    expect_logged_out(user, realm);
    EXPECT_EQ(pending(realm), 7U);
    EXPECT_EQ(id(log_in_again()), id(user));
    EXPECT_EQ(realm_ingest_user_state(user.get()), REALM_INGEST_USER_LOGGED_IN);
    upload(realm);
    expect_all();
}

TEST_F(c_lifetimes, a_user_whom_the_operator_disables_streams_on_once_he_is_let_in_again) {
    auto user = log_in_again();
    auto realm = open_realm(user, told.config());
    while_streaming(realm, [&] {
        gateway.ask({"users", "disable", id(user)});
        told.fatal();
    });
    expect_logged_out(user, realm);
    realm_ingest_user* nobody = nullptr;
    auto refused = call([&](auto e) {
        return realm_ingest_app_login_password(app.get(), "c@example.com", 13, "correct horse", 13,
                                               e, &nobody);
    });
    EXPECT_EQ(refused.code, static_cast<realm_ingest_code>(REALM_INGEST_USER_DISABLED));
    gateway.ask({"users", "enable", id(user)});
    EXPECT_EQ(id(log_in_again()), id(user));
    upload(realm);
    expect_all();
}

TEST_F(c_lifetimes, an_anonymous_user_whose_sessions_the_operator_ends_is_replaced) {
    auto user = log_in(app);
    auto realm = open_realm(user, told.config());
    auto current = [&] {
        return made<user_ptr>(
            [&](auto e, auto user) { return realm_ingest_app_current_user(app.get(), e, user); });
    };
    while_streaming(realm, [&] {
        gateway.ask({"users", "revoke", id(user)});
        while (realm_ingest_user_state(user.get()) == REALM_INGEST_USER_LOGGED_IN || !current())
            std::this_thread::yield();
    });
    upload(realm);
    EXPECT_NE(id(current()), id(user));
    expect_all();
    EXPECT_FALSE(told.is_fatal());
}

TEST_F(c_lifetimes, clocks_may_be_set_on_either_side) {
    auto user = log_in_again();
    auto realm = open_realm(user, told.config());
    constexpr std::int64_t year = 365 * 24 * 3600;
    for (auto [device, server] : {std::pair{-56 * year, std::int64_t(0)},
                                  {30 * year, -year},
                                  {std::int64_t(0), std::int64_t(30)}}) {
        gateway.kill();
        test::move_clock(device);
        gateway.set_environment(test::with_clock_ahead(server));
        gateway.start();
        write(realm, 3);
        upload(realm);
    }
    expect_all();
    EXPECT_FALSE(told.is_fatal());
}

} // namespace
