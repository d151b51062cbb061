// Tokens that end, and sessions that an operator ends, while a program streams: nothing is lost,
// and where somebody has to log in again, that is all there is to do.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"
#include "moved_clock.hpp"

#include <atomic>
#include <thread>

namespace {

struct Reading {
    realm::primary_key<std::int64_t> _id = 0;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

using session_state = enum realm::sync_session::state;
using user_state = enum realm::user::state;

/// Longer than the refresh tokens of these gateways are good for.
constexpr std::int64_t long_time = 100;

struct Lifetimes : testing::Test {
    test::with_clock clock;
    test::with_gateway with{
        {"--dev", "--access-token-lifetime", "5", "--refresh-token-lifetime", "60"}};
    std::int64_t written = 0;

    void write(realm::db& db, std::int64_t count) {
        for (std::int64_t end = written + count; written < end; ++written)
            db.write([&] { db.add(Reading{written, 0.5}); });
    }
    static void upload(const realm::db& db) {
        db.get_sync_session()->reconnect();
        db.get_sync_session()->wait_for_upload_completion().get();
    }
    /// Everything that was written is at the gateway, once, and nothing else is.
    void expect_all() {
        EXPECT_EQ(with.gateway.count("Reading"), static_cast<std::size_t>(written));
        EXPECT_TRUE(with.gateway.dead_letters().empty());
    }
    void expect_no_fatal_errors() {
        for (const auto& error : with.errors())
            EXPECT_FALSE(error.is_fatal()) << error.message();
    }

    /// Whether the gateway takes this access token.
    bool is_good(const std::string& token) {
        realm::networking::request request;
        request.url = with.gateway.url() + "/api/client/v2.0/auth/profile";
        request.timeout_ms = 60000;
        request.headers["Authorization"] = "Bearer " + token;
        std::promise<int> status;
        realm::networking::default_http_transport().send_request_to_server(
            request, [&](const auto& response) { status.set_value(response.http_status_code); });
        return status.get_future().get() == 200;
    }

    /// The gateway is away for longer than its refresh tokens are good for, and the device's clock
    /// tells it.
    void be_offline_for_long(realm::db& db) {
        upload(db);
        with.gateway.kill();
        write(db, 5);
        test::move_clock(long_time);
        with.gateway.set_environment(test::with_clock_ahead(long_time));
        with.gateway.start();
    }

    /// The user's session is at its end, and what is written meanwhile is kept.
    void expect_logged_out(realm::user& user, realm::db& db) {
        auto error = with.first_fatal_error();
        EXPECT_EQ(error.get_status().code_string(), "AuthError");
        EXPECT_EQ(error.message().rfind("Unable to refresh the user access token: ", 0), 0U)
            << error.message();
        EXPECT_EQ(user.state(), user_state::logged_out);
        EXPECT_EQ(user.access_token(), "");
        EXPECT_FALSE(with.app.get_current_user());
        EXPECT_EQ(db.get_sync_session()->state(), session_state::inactive);
        EXPECT_THROW(db.get_sync_session()->wait_for_upload_completion().get(),
                     realm::status_error);
        write(db, 2);
        EXPECT_GE(db.m_realm.instance()->pending_objects(), 2U);
    }

    /// Another thread writes until `act` is through.
    template <typename Act>
    void while_streaming(const realm::user& user, Act&& act) {
        std::atomic<bool> stops{false};
        std::thread writer([&] {
            auto db = realm::open<Reading>(with.config(user));
            while (!stops)
                write(db, 1);
        });
        while (with.gateway.count("Reading") == 0)
            std::this_thread::yield();
        act();
        stops = true;
        writer.join();
    }
};

TEST_F(Lifetimes, streaming_goes_on_after_the_access_token_has_ended_offline) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    upload(db);
    auto session = *db.get_sync_session();
    session.pause();
    auto token = user.access_token();
    write(db, 5);
    while (is_good(token))
        std::this_thread::yield();
    EXPECT_EQ(user.access_token(), token);
    session.resume();
    upload(db);
    EXPECT_NE(user.access_token(), token);
    expect_all();
    EXPECT_TRUE(with.errors().empty());
}

TEST_F(Lifetimes, access_tokens_are_renewed_while_it_streams) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    for (int renewals = 0; renewals < 2; ++renewals) {
        auto token = user.access_token();
        while (user.access_token() == token) {
            write(db, 1);
            upload(db);
        }
    }
    expect_all();
    EXPECT_TRUE(with.errors().empty());
}

TEST_F(Lifetimes, what_was_written_while_the_refresh_token_ended_is_sent_after_the_next_log_in) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    be_offline_for_long(db);
    db.get_sync_session()->reconnect();
    expect_logged_out(user, db);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 7U);

    EXPECT_EQ(with.log_in("a@example.com"), user);
    EXPECT_EQ(user.state(), user_state::logged_in);
    upload(db);
    expect_all();
}

TEST_F(Lifetimes, a_program_that_starts_after_the_refresh_token_has_ended_keeps_what_waits) {
    auto user = with.log_in("a@example.com");
    {
        auto db = realm::open<Reading>(with.config(user));
        be_offline_for_long(db);
        db.get_sync_session()->pause();
    }
    auto app = with.gateway.app(with.files.path);
    auto restored = app.get_current_user();
    ASSERT_TRUE(restored);
    auto db = realm::open<Reading>(with.config(*restored));
    db.get_sync_session()->resume();
    EXPECT_EQ(with.first_fatal_error().get_status().code_string(), "AuthError");
    EXPECT_EQ(restored->state(), user_state::logged_out);
    auto credentials =
        realm::App::credentials::username_password("a@example.com", "password of a@example.com");
    EXPECT_EQ(app.login(credentials).get(), *restored);
    upload(db);
    expect_all();
}

TEST_F(Lifetimes, an_anonymous_user_stays_for_longer_than_refresh_tokens_of_others) {
    auto user = with.log_in();
    auto db = realm::open<Reading>(with.config(user));
    be_offline_for_long(db);
    upload(db);
    EXPECT_EQ(user.state(), user_state::logged_in);
    expect_all();
    expect_no_fatal_errors();
}

TEST_F(Lifetimes, a_user_whose_sessions_the_operator_ends_streams_on_after_the_next_log_in) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    while_streaming(user, [&] {
        with.gateway.ask({"users", "revoke", user.identifier()});
        with.first_fatal_error();
    });
    expect_logged_out(user, db);
    EXPECT_EQ(with.log_in("a@example.com"), user);
    upload(db);
    expect_all();
}

TEST_F(Lifetimes, a_user_whom_the_operator_disables_streams_on_once_he_is_let_in_again) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    while_streaming(user, [&] {
        with.gateway.ask({"users", "disable", user.identifier()});
        with.first_fatal_error();
    });
    expect_logged_out(user, db);
    EXPECT_THROW(with.log_in("a@example.com"), realm::app_error);
    EXPECT_GE(db.m_realm.instance()->pending_objects(), 2U);
    with.gateway.ask({"users", "enable", user.identifier()});
    EXPECT_EQ(with.log_in("a@example.com"), user);
    upload(db);
    expect_all();
}

TEST_F(Lifetimes, an_anonymous_user_whose_sessions_the_operator_ends_is_replaced) {
    auto user = with.log_in();
    auto db = realm::open<Reading>(with.config(user));
    while_streaming(user, [&] {
        with.gateway.ask({"users", "revoke", user.identifier()});
        while (user.is_logged_in() || !with.app.get_current_user())
            std::this_thread::yield();
    });
    upload(db);
    auto current = with.app.get_current_user();
    ASSERT_TRUE(current);
    EXPECT_NE(current->identifier(), user.identifier());
    expect_all();
    expect_no_fatal_errors();
}

} // namespace
